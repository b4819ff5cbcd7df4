/* sampler.h - the sampling ladder: what all threads of our processes do, now
 *
 *   rung          asks for                      per thread      what it does
 *   bpf           Linux 6.7, BTF, CAP_BPF and   0.2-0.4 us      one run of a BPF program walks the
 *                 CAP_PERFMON; the first                        threads of all our processes
 *                 PID namespace
 *   bpf-iterator  Linux 5.18, the same rights   0.4-1 us, also  a BPF iterator walks all threads of
 *                                               for others'     the machine
 *   procfs        nothing                       2-25 us         files of /proc kept open
 *   process       nothing                       -               no threads at all
 *
 * The BPF programs are loaded by a helper of its own, reeve-bpf: that takes tens of milliseconds
 * and of megabytes, neither of which the loop has. Until it has answered the sampler sees whole
 * processes only; if it fails, it goes on with procfs and says why. The caller starts the helper,
 * since it owns the loop (sampler_load_due(), sampler_loaded()). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "sample/sample.h"

typedef struct Sampler Sampler;

/* A process whose threads are asked for. */
typedef struct SampleTarget {
        pid_t pid; /* of a process that we hold */
        uint64_t start_ticks;
        unsigned thread_count; /* as the process' own sample says; 0: not known */
} SampleTarget;

/* Called for each thread, those of one target together, targets in their order; @sample is lent. */
typedef void (*SampleSink)(void *userdata, size_t target, const Sample *sample);

enum { SAMPLER_THREADS_MAX = 1 << 17 };

/** sampler_new() - @highest: the rung to begin with; lower ones are taken where it cannot be had
 *  Return: 0, -ENOMEM */
int sampler_new(SampleRung highest, Sampler **ret);

/** sampler_free() - Return: NULL */
Sampler *sampler_free(Sampler *sampler);
DEFINE_AUTO(Sampler, sampler_free);

/** sampler_rung() - the rung in use */
SampleRung sampler_rung(const Sampler *sampler);

/** sampler_reason() - why this one: a sentence without a full stop; lives with the sampler */
const char *sampler_reason(const Sampler *sampler);

/** sampler_pass_usec() - from one look at a thread to the next, as it was last; 0: at each take */
uint64_t sampler_pass_usec(const Sampler *sampler);

/** sampler_take() - look at all threads of @targets once
 *  @budget_usec: CPU time that procfs may use; threads that it does not reach in this round keep
 *  what was last seen of them, and are the first in the next
 *  Return: threads given to @sink; negative errno, with some given or none */
ssize_t sampler_take(Sampler *sampler, const SampleTarget *targets, size_t count, uint64_t now_usec,
                     uint64_t budget_usec, SampleSink sink, void *userdata);

/* ---- the helper ---- */

/** sampler_load_due() - whether reeve-bpf is to be run
 *  @ret_rung, @ret_records: its arguments (bpf_load.h)
 *  Return: true once for each time */
bool sampler_load_due(Sampler *sampler, SampleRung *ret_rung, unsigned *ret_records);

/** sampler_loaded() - the helper has ended
 *  @socket_fd: where its answer waits; it may be missing
 *  @trouble: how it ended, if not well; or NULL */
void sampler_loaded(Sampler *sampler, int socket_fd, const char *trouble);
