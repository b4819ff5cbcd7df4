/* alarm.h - a timer of the loop that is made when it is first needed, and set anew as often as one likes */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

/** alarm_set() - ring once
 *  @alarm: NULL at first; ends with sd_event_source_disable_unref()
 *  @at_usec: on CLOCK_MONOTONIC; what lies behind rings in the next round
 *  @priority: of engine/priority.h; this one, @ring and @userdata count when the alarm is made
 *  Return: 0; negative errno, then it may never ring */
int alarm_set(sd_event *event, sd_event_source **alarm, uint64_t at_usec, int priority,
              sd_event_time_handler_t ring, void *userdata);
