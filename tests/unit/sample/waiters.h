/* waiters.h - a process with one thread for each kind of wait, and the helper of the sampler */
#pragma once

#include "sample/sampler.h"

typedef struct Waiter {
        const char *name; /* of the thread */
        void *(*wait)(void *);
        ThreadState state;
        WaitingOn word;
        const char *channel;
} Waiter;

extern const Waiter waiters[];
extern const size_t waiter_count;

enum { SEEN_MAX = 64 };

/* What one round saw. */
typedef struct Seen {
        Sample samples[SEEN_MAX];
        size_t targets[SEEN_MAX];
        size_t count;
} Seen;

/** waiters_start() - the process, once all its threads wait; it ends with us */
SampleTarget waiters_start(void);
void waiters_end(const SampleTarget *target);

/** target_of() - a process as the engine would describe it */
SampleTarget target_of(pid_t pid);

/** sampler_on() - a sampler, its helper run as often as it asks for it
 *  @records: what is asked of the helper; 0: what the sampler asks for */
Sampler *sampler_on(SampleRung rung, unsigned records);

/** helper_run() - once, if it is due */
void helper_run(Sampler *sampler, unsigned records);

/** seen_take() - one round with ample budget */
void seen_take(Sampler *sampler, const SampleTarget *targets, size_t count, Seen *ret);

/** seen_find() - by name; Return: NULL if there is no such thread */
const Sample *seen_find(const Seen *seen, const char *name);

/** is_bpf_allowed() - whether this machine and user can be expected to load BPF programs */
bool is_bpf_allowed(void);
