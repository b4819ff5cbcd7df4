/* state.h - what reeved must know again after its own death: RUNTIME/state
 *
 * A text of one line a fact, so that an engineer can read it at three in the morning:
 *
 *     reeve-state 1
 *     boot 2d5b...                                  (another boot: nothing of it lives)
 *     daemon epoch=91c0... instances=12 operations=4
 *     pool web up=1 overridden=1 generation=5 restarts=3 processes=4 threads=8 greenlets=0
 *     worker web slot=0 pid=1234 start=567 state=ready fingerprint=... current=1 ...
 *     end 3 91ad03c2                                (lines before it, and their CRC-32)
 *
 * It lies on a tmpfs and is replaced by rename, the one before it kept as state.prev: a crash in
 * the middle leaves the old one whole. Nothing that a worker can write goes in. The parser takes
 * a file whole or not at all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "model/grid.h"
#include "model/worker.h"

enum {
        STATE_VERSION = 1,
        STATE_NAME_SIZE = 64,
        STATE_INSTANCE_SIZE = 40,
        STATE_LINES_MAX = 200000
};

typedef struct KeptPool {
        char name[STATE_NAME_SIZE];
        bool is_up, is_overridden;
        uint64_t generation, restarts;
        Grid grid;
} KeptPool;

typedef struct KeptWorker {
        char pool[STATE_NAME_SIZE];
        unsigned slot;
        pid_t pid; /* 0: its main process has ended, others of it have not */
        uint64_t start_ticks;
        uint64_t fingerprint; /* of the configuration that it runs with */
        bool is_current;      /* it is the pool's present one */
        WorkerState state;
        unsigned threads, greenlets, restarts, failures_in_row;
        uint64_t started_usec, ready_usec, started_realtime_usec;
        uint64_t log_inodes[2]; /* of its log pipes, output and errors; 0: none */
        char instance[STATE_INSTANCE_SIZE];
} KeptWorker;

typedef struct KeptState {
        char boot_id[40];
        uint64_t epoch, instances, operations;
        KeptPool *pools;
        size_t pool_count;
        KeptWorker *workers;
        size_t worker_count;
} KeptState;

/** state_format() - Return: 0 and malloc'd text; -ENOMEM */
int state_format(const KeptState *state, char **ret_text, size_t *ret_length);

/** state_parse() - strict: version, every field, counts and checksum
 *  Return: 0; -EBADMSG if anything is off, -EPROTONOSUPPORT for another version, -ENOMEM */
int state_parse(const char *text, size_t length, KeptState *ret);

/** state_write() - replace DIRECTORY/state, keeping the one before as state.prev
 *  Return: 0, negative errno */
int state_write(const char *directory, const KeptState *state);

/** state_read() - DIRECTORY/state, else state.prev; a broken file is kept aside as state.broken
 *  Return: 1 and the state; 0 if there is none; negative errno with @reterr (a sentence about
 *  the broken file; then there is no state) */
int state_read(const char *directory, KeptState *ret, Error *reterr);

/** state_forget() - a clean end: nothing is left running */
void state_forget(const char *directory);

void state_done(KeptState *state);
