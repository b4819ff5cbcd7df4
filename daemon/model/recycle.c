/* recycle.c - see recycle.h */
#include "model/recycle.h"

#include "base/cleanup.h"
#include "base/units.h"

/* Workers that were started together must not all be of age together: each limit lies within
 * 90 to 110 hundredths of what is written. */
enum { SPREAD_STEPS = 2001, SPREAD_LOWEST = 9000, SPREAD_WHOLE = 10000 };

static const char *const reason_names[] = {
        [RECYCLE_AGE] = "age",
        [RECYCLE_MEMORY] = "memory",
        [RECYCLE_REQUESTS] = "requests",
};
DEFINE_NAMES(recycle_reason, RecycleReason, reason_names);

bool recycle_is_asked(const PoolConfig *config)
{
        return config->max_age_usec > 0 || config->max_memory_bytes != UINT64_MAX
               || config->max_requests > 0;
}

uint64_t recycle_age_limit_usec(const PoolConfig *config, uint64_t seed)
{
        uint64_t share = SPREAD_LOWEST + seed % SPREAD_STEPS;

        if (config->max_age_usec == 0)
                return USEC_INFINITY;
        /* In this order nothing overflows that is not ages away. */
        return config->max_age_usec / SPREAD_WHOLE * share
               + config->max_age_usec % SPREAD_WHOLE * share / SPREAD_WHOLE;
}

void recycle_measure(Wear *wear, const PoolConfig *config, uint64_t rss_bytes, uint64_t now_usec)
{
        if (rss_bytes <= config->max_memory_bytes)
                wear->above_memory_usec = 0;
        else if (wear->above_memory_usec == 0)
                wear->above_memory_usec = now_usec;
}

static bool is_over(uint64_t since_usec, uint64_t span_usec, uint64_t now_usec,
                    uint64_t *ret_next_usec)
{
        uint64_t end =
                span_usec > USEC_INFINITY - since_usec ? USEC_INFINITY : since_usec + span_usec;

        if (end <= now_usec)
                return true;
        *ret_next_usec = MIN(*ret_next_usec, end);
        return false;
}

RecycleReason recycle_due(const Wear *wear, const PoolConfig *config, uint64_t now_usec,
                          uint64_t *ret_next_usec)
{
        if (config->max_requests > 0 && wear->has_tasks && wear->tasks_done >= config->max_requests)
                return RECYCLE_REQUESTS;
        if (wear->above_memory_usec > 0
            && is_over(wear->above_memory_usec, config->max_memory_usec, now_usec, ret_next_usec))
                return RECYCLE_MEMORY;
        if (is_over(wear->started_usec, recycle_age_limit_usec(config, wear->seed), now_usec,
                    ret_next_usec))
                return RECYCLE_AGE;
        return 0;
}
