/* alarm.c - see alarm.h */
#include "engine/alarm.h"

#include <time.h>

/* The default of 250 ms would make every deadline that much late. */
enum { ACCURACY_USEC = 1 };

static int make(sd_event *event, sd_event_source **alarm, uint64_t at_usec, int priority,
                sd_event_time_handler_t ring, void *userdata)
{
        int r = sd_event_add_time(event, alarm, CLOCK_MONOTONIC, at_usec, ACCURACY_USEC, ring,
                                  userdata);

        return r < 0 ? r : sd_event_source_set_priority(*alarm, priority);
}

int alarm_set(sd_event *event, sd_event_source **alarm, uint64_t at_usec, int priority,
              sd_event_time_handler_t ring, void *userdata)
{
        int r;

        if (!*alarm)
                return make(event, alarm, at_usec, priority, ring, userdata);
        r = sd_event_source_set_time(*alarm, at_usec);
        return r < 0 ? r : sd_event_source_set_enabled(*alarm, SD_EVENT_ONESHOT);
}
