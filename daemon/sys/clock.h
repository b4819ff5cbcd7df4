/* clock.h - the time */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock)
{
        struct timespec now = { 0 };

        (void)clock_gettime(clock, &now); /* cannot fail for the clocks below */
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/** now_usec() - CLOCK_MONOTONIC, which all deadlines and intervals use */
static inline uint64_t now_usec(void)
{
        return clock_usec(CLOCK_MONOTONIC);
}

/** now_realtime_usec() - CLOCK_REALTIME, only for display */
static inline uint64_t now_realtime_usec(void)
{
        return clock_usec(CLOCK_REALTIME);
}
