/* tally.h - probes counted: what their results mean for a worker, and when the next one is due
 *
 * A single miss means nothing, Failures= in a row make a worker unready, and as many again make it
 * hung. Before it was ready for the first time nothing is counted: TimeoutStartSec= bounds that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"
#include "model/worker.h"

typedef enum HealthStatus {
        HEALTH_UNKNOWN = 1, /* no probe has ended yet */
        HEALTH_HEALTHY,
        HEALTH_FAILING,   /* missed some, fewer than Failures= */
        HEALTH_UNHEALTHY, /* missed Failures= or more */
        HEALTH_STATUS_COUNT
} HealthStatus;
DECLARE_NAMES(health_status, HealthStatus);

DECLARE_NAMES(probe_kind, ProbeKind);

typedef struct Tally {
        HealthStatus status;
        unsigned failures; /* in a row */
        unsigned attempts; /* while it was starting */
} Tally;

/** tally_init() - nothing is known yet */
void tally_init(Tally *tally);

/** tally_count() - one probe has ended
 *  @is_starting: it was never ready: failures do not count
 *  @limit: Failures=
 *  Return: what happens to the worker: WORKER_EVENT_PROBE_OK, PROBE_FAILED or PROBE_HUNG; 0: nothing.
 *  PROBE_HUNG comes again with each failure that follows */
WorkerEvent tally_count(Tally *tally, bool is_well, bool is_starting, unsigned limit);

/** tally_delay_usec() - from the begin of one probe to the begin of the next
 *  A worker that starts is looked at sooner, at growing distances up to @interval_usec.
 *  Source: as Docker's and Kubernetes' separate start probes, without keys of their own */
uint64_t tally_delay_usec(const Tally *tally, bool is_starting, uint64_t interval_usec);

/** tally_spread_usec() - the delay of the first probe of a worker that is up: anywhere within the
 *  interval, so that a thousand workers are not probed at the same moment
 *  @random: any number */
uint64_t tally_spread_usec(uint64_t interval_usec, uint64_t random);
