/* adopt.h - workers that an earlier reeved started, found alive
 *
 * Identity is PID and start time (the boot was compared by the caller). An adopted worker is not
 * our child: its pidfd tells its end. Its log pipe is taken back through /proc/PID/fd, the
 * pool's listening sockets by pidfd_getfd. Where its definition differs from the present one it
 * is outdated, and the plan replaces it as after any change. */
#pragma once

#include "engine/output.h"
#include "engine/pool.h"

typedef struct Adoptee {
        unsigned slot;
        pid_t pid; /* 0: its main process had ended, others of it had not */
        uint64_t start_ticks;
        WorkerState state;
        bool is_current; /* same configuration as now */
        unsigned threads, greenlets, restarts, failures_in_row;
        uint64_t started_usec, ready_usec, started_realtime_usec;
        uint64_t log_inodes[STREAM_COUNT]; /* of its pipes; 0: it had none */
        const char *instance;
} Adoptee;

/** adopt_worker() - take it back into its slot
 *  What a main process that has ended left behind is stopped before the slot is used again.
 *  Return: 0; -ESRCH if nothing of it lives; other negative errno with @reterr */
int adopt_worker(Pool *pool, const Adoptee *adoptee, Error *reterr);

/** adopt_pool() - what an earlier life decided about a pool
 *  @is_up: false if a person stopped it: it stays stopped
 *  @scale: the scale in force, if a person had set one (--runtime included); else NULL
 *  Return: 0, -ENOMEM */
int adopt_pool(Pool *pool, bool is_up, const Grid *scale, uint64_t generation, uint64_t restarts);
