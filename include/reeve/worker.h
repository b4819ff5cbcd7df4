/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.h - a pool of threads whose size follows reeve, and telemetry, for workers in C
 *
 * Include it and link with -pthread; there is no library. Under reeve (ThreadControl=live) the
 * pool grows and shrinks as `reevectl scale` says, and what its threads do is seen from outside.
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
 * Everything that a program may call is declared and explained in worker/api.h.
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

#include "reeve/worker/api.h"
#include "reeve/worker/attach.h"
#include "reeve/worker/control.h"
#include "reeve/worker/notify.h"
#include "reeve/worker/pool.h"
#include "reeve/worker/thread.h"
