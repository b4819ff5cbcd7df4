/* tally.c - see tally.h */
#include "model/tally.h"

#include "base/cleanup.h"
#include "base/units.h"

/* The distance of the first two probes of a worker that starts: sooner than a person waits for. */
#define START_DELAY_USEC (50 * USEC_PER_MSEC)

static const char *const health_status_names[] = {
        [HEALTH_UNKNOWN] = "unknown",
        [HEALTH_HEALTHY] = "healthy",
        [HEALTH_FAILING] = "failing",
        [HEALTH_UNHEALTHY] = "unhealthy",
};
DEFINE_NAMES(health_status, HealthStatus, health_status_names);

static const char *const probe_kind_names[] = {
        [PROBE_HTTP] = "http",
        [PROBE_TCP] = "tcp",
        [PROBE_EXEC] = "exec",
};
DEFINE_NAMES(probe_kind, ProbeKind, probe_kind_names);

void tally_init(Tally *tally)
{
        *tally = (Tally){ .status = HEALTH_UNKNOWN };
}

WorkerEvent tally_count(Tally *tally, bool is_well, bool is_starting, unsigned limit)
{
        if (is_well) {
                *tally = (Tally){ .status = HEALTH_HEALTHY };
                return WORKER_EVENT_PROBE_OK;
        }
        if (is_starting) {
                tally->attempts++;
                return 0;
        }
        tally->failures++;
        tally->status = tally->failures < limit ? HEALTH_FAILING : HEALTH_UNHEALTHY;
        if (tally->failures >= 2 * limit)
                return WORKER_EVENT_PROBE_HUNG;
        return tally->failures == limit ? WORKER_EVENT_PROBE_FAILED : 0;
}

uint64_t tally_delay_usec(const Tally *tally, bool is_starting, uint64_t interval_usec)
{
        uint64_t delay = START_DELAY_USEC;

        if (!is_starting)
                return interval_usec;
        for (unsigned i = 0; i < tally->attempts && delay < interval_usec; i++)
                delay *= 2;
        return MIN(delay, interval_usec);
}

uint64_t tally_spread_usec(uint64_t interval_usec, uint64_t random)
{
        return interval_usec > 0 ? random % interval_usec : 0;
}
