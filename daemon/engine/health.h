/* health.h - the probes of [Health]: when they run, and what their results do to workers
 *
 * Each worker is looked after by itself, from the moment its command runs until it is on its way
 * down: Exec= always, Http= and Tcp= when a variable makes the address its own. An address without
 * one is everybody's: then there is one probe for the pool, whose results count for all workers
 * that live. It cannot tell which of several is unwell, so it makes them unready but never
 * replaces one; where the pool has a single worker it speaks of that one.
 *
 * A probe that ends late because reeved itself did not run counts for nothing. */
#pragma once

#include "engine/slot.h"
#include "model/tally.h"

/* What is shown of it. */
typedef struct HealthNews {
        ProbeKind kind; /* PROBE_NONE: the worker has no probe */
        bool is_shared;
        HealthStatus status;
        unsigned failures;
        uint64_t probed_realtime_usec; /* 0: never */
        const char *last_error;        /* "": none */
} HealthNews;

/** health_follow() - the state of a slot, or what is to be probed, may have changed
 *  It may raise events of the slot. */
void health_follow(Slot *slot);

/** health_follow_pool() - the configuration of all its slots may have changed */
void health_follow_pool(Pool *pool);

/** health_forget(), health_forget_pool() - the owner is being freed */
void health_forget(Slot *slot);
void health_forget_pool(Pool *pool);

/** health_news() - the last word about a worker */
HealthNews health_news(const Slot *slot);

/** health_dump() - run ExecDump= for a hung worker; WORKER_EVENT_DUMPED when it is over */
void health_dump(Slot *slot);
