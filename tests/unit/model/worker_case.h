/* worker_case.h - a worker, its policy and a clock, for tests that play a worker's life */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/worker.h"

/* The effect bits under short names, so that a test reads as a story. */
enum {
        UNEXPECTED = WORKER_EFFECT_UNEXPECTED,
        TOLD_EXIT = WORKER_EFFECT_EXITED,
        LEFT_BEHIND = WORKER_EFFECT_LEFT_BEHIND,
        CHANGED = WORKER_EFFECT_CHANGED,
        TOLD_START = WORKER_EFFECT_STARTED,
        TOLD_READY = WORKER_EFFECT_READY,
        TOLD_UNREADY = WORKER_EFFECT_UNREADY,
        TOLD_HUNG = WORKER_EFFECT_UNHEALTHY,
        TERMINATE = WORKER_EFFECT_TERMINATE,
        ABORT = WORKER_EFFECT_ABORT,
        KILL = WORKER_EFFECT_KILL,
        DUMP = WORKER_EFFECT_DUMP,
        CHECK_GONE = WORKER_EFFECT_CHECK_GONE,
        SPAWN = WORKER_EFFECT_SPAWN,
};

typedef struct Case {
        Worker worker;
        PoolConfig policy;
        uint64_t now;
} Case;

/* The defaults of a pool's file. */
static inline PoolConfig default_policy(ServiceType type)
{
        return (PoolConfig){ .type = type,
                             .restart = RESTART_ALWAYS,
                             .restart_usec = 100 * USEC_PER_MSEC,
                             .restart_max_usec = 30 * USEC_PER_SEC,
                             .stable_usec = 10 * USEC_PER_SEC,
                             .start_limit_burst = 10,
                             .start_limit_interval_usec = 60 * USEC_PER_SEC,
                             .timeout_start_usec = 30 * USEC_PER_SEC,
                             .timeout_stop_usec = 10 * USEC_PER_SEC,
                             .kill_mode = KILL_CONTROL_GROUP };
}

static inline Case new_case(ServiceType type)
{
        Case c = { .policy = default_policy(type), .now = 1000 * USEC_PER_SEC };

        worker_init(&c.worker);
        return c;
}

static inline unsigned happen(Case *c, WorkerEvent event)
{
        return worker_step(&c->worker, event, NULL, &c->policy, c->now, 0);
}

static inline unsigned end_with(Case *c, ExitKind kind, int value, ExitReason reason)
{
        const WorkerExit exit = { .kind = kind, .value = value, .reason = reason };

        return worker_step(&c->worker, WORKER_EVENT_EXITED, &exit, &c->policy, c->now, 0);
}

/* Let time pass to the next timer and hand its event over. */
static inline unsigned ring(Case *c)
{
        WorkerEvent event;

        assert_true(worker_next_usec(&c->worker) != USEC_INFINITY);
        c->now = worker_next_usec(&c->worker);
        event = worker_due(&c->worker, c->now);
        assert_int_not_equal(event, 0);
        return happen(c, event);
}

#define assert_state(c, expected) \
        assert_string_equal(worker_state_to_name((c)->worker.state), expected)

/* From stopped to running; with Type=notify that is `starting`. */
static inline void start(Case *c)
{
        assert_int_equal(happen(c, WORKER_EVENT_START), CHANGED | SPAWN);
        assert_int_equal(happen(c, WORKER_EVENT_SPAWNED), 0);
        (void)happen(c, WORKER_EVENT_EXECUTED);
}
