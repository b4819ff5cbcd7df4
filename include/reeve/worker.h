/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.h - a pool of threads whose size follows reeve, and telemetry, for workers in C
 *
 * Include it and link with -pthread; there is no library. Under reeve (ThreadControl=live) the
 * pool grows and shrinks as `reeve scale` says, and what its threads do is seen from outside.
 * Without reeve the same program runs on its own, with the size it asked for.
 *
 *      static void resize(void *picture) { ... }
 *
 *      ReevePool *pool = reeve_pool_new(NULL);     // size: $REEVE_THREADS, else 4
 *      reeve_notify_ready();
 *      while ((picture = next_picture()))
 *              reeve_submit(pool, resize, picture); // waits while the queue is full
 *      reeve_pool_drain(pool, 10000);
 *      pool = reeve_pool_free(pool);
 *
 * How it works. Threads take tasks from one queue under one lock. A pool that shall grow gets its
 * threads at once; one that shall shrink loses idle threads first, then whoever ends a task. One
 * more thread, without a task ever, talks with reeve (control); it blocks all signals, as the
 * pool's threads do, so that signals go to the program's own threads.
 *
 * What is told of a task costs at most two clock readings and some stores into memory that only
 * this thread writes; of tasks briefer than 5 us one in eight is timed, and stands for them all.
 * Sums over all threads are kept by each thread for itself and added to the
 * shared totals once a millisecond, or when it has nothing to do.
 *
 * A program with threads of its own registers them (reeve_thread_enter) and marks its tasks
 * (reeve_task_begin, reeve_task_end); it need not use the pool.
 *
 * Functions return 0 or a negative errno unless they say otherwise. After fork() the child has no
 * pool and no telemetry; what it calls is counted nowhere. */
#pragma once

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "reeve/telemetry.h"

/* ======== what a program calls ======== */

typedef struct ReevePool ReevePool;
typedef void (*ReeveTask)(void *argument);

typedef struct ReevePoolOptions {
        unsigned threads;        /* 0: $REEVE_THREADS, else 4 */
        unsigned queue_capacity; /* tasks that may wait; 0: 1024 */
        size_t stack_bytes;      /* of each thread; 0: the system's default */
} ReevePoolOptions;

/** reeve_pool_new() - threads that wait for tasks; the process' first pool follows reeve
 *  @options: NULL for all defaults
 *  Return: NULL with errno */
static inline ReevePool *reeve_pool_new(const ReevePoolOptions *options);

/** reeve_pool_free() - drains without end, lets the threads go; Return: NULL */
static inline ReevePool *reeve_pool_free(ReevePool *pool);

/** reeve_submit() - have @task(@argument) run by one of the threads; waits while the queue is full
 *  Return: 0; -ESHUTDOWN once the pool drains */
static inline int reeve_submit(ReevePool *pool, ReeveTask task, void *argument);

/** reeve_try_submit() - the same, without waiting; Return: also -EAGAIN, the queue is full */
static inline int reeve_try_submit(ReevePool *pool, ReeveTask task, void *argument);

/** reeve_submit_within() - the same, waits so long at most; Return: also -ETIMEDOUT */
static inline int reeve_submit_within(ReevePool *pool, ReeveTask task, void *argument,
                                      unsigned timeout_msec);

/** reeve_pool_resize() - so many threads, 1 at least; reeve calls it, a program may too
 *  Missing ones are there when it returns; superfluous ones go at the end of their task.
 *  Return: 0; -EINVAL; -EAGAIN: the system has no more threads, what could be had is there */
static inline int reeve_pool_resize(ReevePool *pool, unsigned threads);

/** reeve_pool_drain() - accept nothing more, and wait until all that was accepted is done
 *  @timeout_msec: -1: without end
 *  Return: 0; -ETIMEDOUT: tasks are still waiting or running, and go on */
static inline int reeve_pool_drain(ReevePool *pool, int timeout_msec);

/** reeve_pool_threads() - threads that live now */
static inline unsigned reeve_pool_threads(ReevePool *pool);

/* ---- inside a task ---- */

/** reeve_label() - what this thread works on, shown beside it; cut at 47 bytes, NULL: nothing */
static inline void reeve_label(const char *label);
/** reeve_fail() - the present task counts as failed */
static inline void reeve_fail(void);
/** reeve_work() - @units of work are done: for Throughput= and measurements */
static inline void reeve_work(uint64_t units);
/** reeve_wait_begin() - @state: REEVE_THREAD_LOCK or REEVE_THREAD_IO, until reeve_wait_end() */
static inline void reeve_wait_begin(uint32_t state);
static inline void reeve_wait_end(void);

/* ---- threads of the program's own ---- */

/** reeve_thread_enter() - the calling thread is seen from now on; @kind: REEVE_THREAD_OTHER, ... */
static inline void reeve_thread_enter(uint32_t kind);
static inline void reeve_thread_leave(void);
/** reeve_task_begin() - the calling thread begins a task; @label: may be NULL */
static inline void reeve_task_begin(const char *label);
/** reeve_task_end() - it ended, well if @is_ok */
static inline void reeve_task_end(bool is_ok);

/* ---- the process ---- */

/** reeve_attach() - map the telemetry and talk with reeve; reeve_pool_new() does it
 *  Return: 1 under reeve, 0 without it */
static inline int reeve_attach(void);
/** reeve_on_threads() - be called with the number that reeve wants, instead of resizing the pool;
 *  @callback returns 0, or a negative errno that reeve is told. From the control thread. */
static inline void reeve_on_threads(int (*callback)(unsigned threads, void *userdata),
                                    void *userdata);
/** reeve_is_draining() - reeve asked this worker to take no new work */
static inline bool reeve_is_draining(void);
/** reeve_notify() - sd_notify(3): lines KEY=VALUE to $NOTIFY_SOCKET
 *  Return: 1 sent, 0 nobody listens, negative errno */
static inline int reeve_notify(const char *state);
static inline int reeve_notify_ready(void);
static inline int reeve_notify_stopping(void);
/** reeve_listener() - the descriptor that reeve passed under this name (sd_listen_fds(3))
 *  @name: NULL: the first one
 *  Return: >= 3; -ENOENT */
static inline int reeve_listener(const char *name);

/* ======== how it is done ======== */

#include "reeve/worker/thread.h" /* totals, slots, tasks */

#include "reeve/worker/pool.h"

#include "reeve/worker/attach.h"

#include "reeve/worker/control.h"

#include "reeve/worker/notify.h"
