/* recycle.h - when a worker has served long enough: by age, memory or tasks done
 *
 * Recycling replaces a worker that is well. It is no failure and no change of the pool: MaxAgeSec=,
 * MaxMemory= and MaxRequests= only name the moment; who goes, and how many at once, is the plan's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"
#include "config/config.h"

typedef enum RecycleReason {
        RECYCLE_AGE = 1,
        RECYCLE_MEMORY,
        RECYCLE_REQUESTS,
        RECYCLE_REASON_COUNT
} RecycleReason;
DECLARE_NAMES(recycle_reason, RecycleReason);

/* What is known of one life. */
typedef struct Wear {
        uint64_t started_usec;      /* CLOCK_MONOTONIC */
        uint64_t seed;              /* the same for the whole life: its own limit of age */
        uint64_t above_memory_usec; /* since when it is above MaxMemory=; 0: it is not */
        bool has_tasks;             /* it tells what it has done */
        uint64_t tasks_done;
} Wear;

/** recycle_is_asked() - whether any limit is set */
bool recycle_is_asked(const PoolConfig *config);

/** recycle_age_limit_usec() - MaxAgeSec= give or take a tenth, USEC_INFINITY without one */
uint64_t recycle_age_limit_usec(const PoolConfig *config, uint64_t seed);

/** recycle_measure() - its memory was sampled: notes since when it is above MaxMemory= */
void recycle_measure(Wear *wear, const PoolConfig *config, uint64_t rss_bytes, uint64_t now_usec);

/** recycle_due() - whether it is time
 *  @ret_next_usec: lowered to the moment at which time alone will make it so
 *  Return: the reason, 0: not yet */
RecycleReason recycle_due(const Wear *wear, const PoolConfig *config, uint64_t now_usec,
                          uint64_t *ret_next_usec);
