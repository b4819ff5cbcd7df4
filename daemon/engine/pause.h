/* pause.h - whether reeved itself did not run: stopped by a signal, or a machine out of breath
 *
 * What others owed us meanwhile may have come and lie unread; so a deadline that is noticed late
 * is no deadline missed. */
#pragma once

#include <stdbool.h>

#include "sys/clock.h"

/* Later than a busy loop makes a timer, sooner than any deadline that is meant seriously. */
#define PAUSE_USEC (200 * UINT64_C(1000))

/** pause_covers() - whether a timer that is handled now should have been handled long ago
 *  @due_usec: CLOCK_MONOTONIC, what it was set to */
static inline bool pause_covers(uint64_t due_usec)
{
        return now_usec() > due_usec + PAUSE_USEC;
}
