/* trim.c - see trim.h */
#include "engine/trim.h"

#include <errno.h>
#include <malloc.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/priority.h"
#include "sys/clock.h"

enum { STEPS_MIN = 100 };
#define QUIET_USEC (2 * USEC_PER_SEC)

static int on_quiet(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)malloc_trim(0);
        return 0;
}

void trim_later(Engine *engine, unsigned steps)
{
        if (steps < STEPS_MIN)
                return;
        /* Without the timer the memory just stays. */
        (void)alarm_set(engine->event, &engine->trim_source, now_usec() + QUIET_USEC, PRIORITY_TIDY,
                        on_quiet, NULL);
}

void trim_close(Engine *engine)
{
        engine->trim_source = sd_event_source_disable_unref(engine->trim_source);
}
