/* SPDX-License-Identifier: Apache-2.0
 *
 * api.h - part of worker.h, which tells the idea: what a program calls */
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

/* Weak: however many files include this, the program has one of each. */
#define REEVE_CALL __attribute__((weak))

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
REEVE_CALL ReevePool *reeve_pool_new(const ReevePoolOptions *options);

/** reeve_pool_free() - drains without end, lets the threads go; Return: NULL */
REEVE_CALL ReevePool *reeve_pool_free(ReevePool *pool);

/** reeve_submit() - have @task(@argument) run by one of the threads; waits while the queue is full
 *  Return: 0; -ESHUTDOWN once the pool drains */
REEVE_CALL int reeve_submit(ReevePool *pool, ReeveTask task, void *argument);

/** reeve_try_submit() - the same, without waiting; Return: also -EAGAIN, the queue is full */
REEVE_CALL int reeve_try_submit(ReevePool *pool, ReeveTask task, void *argument);

/** reeve_submit_within() - the same, waits so long at most; Return: also -ETIMEDOUT */
REEVE_CALL int reeve_submit_within(ReevePool *pool, ReeveTask task, void *argument,
                                   unsigned timeout_msec);

/** reeve_pool_resize() - so many threads, 1 at least; reeve calls it, a program may too
 *  Missing ones are there when it returns; superfluous ones go at the end of their task.
 *  Return: 0; -EINVAL; -EAGAIN: the system has no more threads, what could be had is there */
REEVE_CALL int reeve_pool_resize(ReevePool *pool, unsigned threads);

/** reeve_pool_drain() - accept nothing more, and wait until all that was accepted is done
 *  @timeout_msec: -1: without end
 *  Return: 0; -ETIMEDOUT: tasks are still waiting or running, and go on */
REEVE_CALL int reeve_pool_drain(ReevePool *pool, int timeout_msec);

/** reeve_pool_threads() - threads that live now */
REEVE_CALL unsigned reeve_pool_threads(ReevePool *pool);

/* ---- inside a task ---- */

/** reeve_label() - what this thread works on, shown beside it; cut at 47 bytes, NULL: nothing */
REEVE_CALL void reeve_label(const char *label);
/** reeve_fail() - the present task counts as failed */
REEVE_CALL void reeve_fail(void);
/** reeve_work() - @units of work are done: for Throughput= and measurements */
REEVE_CALL void reeve_work(uint64_t units);
/** reeve_wait_begin() - @state: REEVE_THREAD_LOCK or REEVE_THREAD_IO, until reeve_wait_end() */
REEVE_CALL void reeve_wait_begin(uint32_t state);
REEVE_CALL void reeve_wait_end(void);

/* ---- threads of the program's own ---- */

/** reeve_thread_enter() - the calling thread is seen from now on; @kind: REEVE_THREAD_OTHER, ... */
REEVE_CALL void reeve_thread_enter(uint32_t kind);
REEVE_CALL void reeve_thread_leave(void);
/** reeve_task_begin() - the calling thread begins a task; @label: may be NULL */
REEVE_CALL void reeve_task_begin(const char *label);
/** reeve_task_end() - it ended, well if @is_ok */
REEVE_CALL void reeve_task_end(bool is_ok);

/* ---- the process ---- */

/** reeve_attach() - map the telemetry and talk with reeve; reeve_pool_new() does it
 *  Return: 1 under reeve, 0 without it */
REEVE_CALL int reeve_attach(void);
/** reeve_on_threads() - be called with the number that reeve wants, instead of resizing the pool;
 *  @callback returns 0, or a negative errno that reeve is told. From the control thread. */
REEVE_CALL void reeve_on_threads(int (*callback)(unsigned threads, void *userdata), void *userdata);
/** reeve_is_draining() - reeve asked this worker to take no new work */
REEVE_CALL bool reeve_is_draining(void);
/** reeve_notify() - sd_notify(3): lines KEY=VALUE to $NOTIFY_SOCKET
 *  Return: 1 sent, 0 nobody listens, negative errno */
REEVE_CALL int reeve_notify(const char *state);
REEVE_CALL int reeve_notify_ready(void);
REEVE_CALL int reeve_notify_stopping(void);
/** reeve_listener() - the descriptor that reeve passed under this name (sd_listen_fds(3))
 *  @name: NULL: the first one
 *  Return: >= 3; -ENOENT */
REEVE_CALL int reeve_listener(const char *name);
