/* deadlines.c - see deadlines.h
 *
 * The timer is always set to the earliest deadline. One slot is served each time that it
 * elapses: what is more urgent comes in between, however many are due at once. */
#include "engine/deadlines.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/units.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"

static void arm(Engine *engine)
{
        const HeapItem *first = heap_first(&engine->deadlines);
        uint64_t usec = first ? first->key : USEC_INFINITY;
        int r;

        if (usec == engine->deadline_usec)
                return;
        engine->deadline_usec = usec;
        r = sd_event_source_set_time(engine->deadline_source, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(engine->deadline_source,
                                                first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        if (r < 0)
                report(LOG_ERR, "cannot arm the timer of the workers: %s", strerror(-r));
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        HeapItem *first = heap_first(&engine->deadlines);

        engine->deadline_usec = USEC_INFINITY; /* a timer that has elapsed is off */
        if (first && first->key <= usec) {
                Slot *slot = (Slot *)((char *)first - offsetof(Slot, deadline));

                heap_remove(&engine->deadlines, first);
                slot_due(slot, first->key);
        }
        arm(engine);
        return 0;
}

int deadlines_open(Engine *engine)
{
        /* Accuracy 1 us: the default of 250 ms would make a deadline that much late. */
        int r = sd_event_add_time(engine->event, &engine->deadline_source, CLOCK_MONOTONIC,
                                  USEC_INFINITY, 1, on_deadline, engine);

        engine->deadline_usec = USEC_INFINITY;
        if (r >= 0)
                r = sd_event_source_set_priority(engine->deadline_source, PRIORITY_TIMER);
        return r < 0 ? r : sd_event_source_set_enabled(engine->deadline_source, SD_EVENT_OFF);
}

void deadlines_close(Engine *engine)
{
        assert(engine->deadlines.count == 0);
        heap_done(&engine->deadlines);
        engine->deadline_source = sd_event_source_disable_unref(engine->deadline_source);
}

int deadline_set(Slot *slot, uint64_t usec)
{
        Engine *engine = slot->pool->engine;
        int r = heap_put(&engine->deadlines, &slot->deadline, usec);

        if (r >= 0)
                arm(engine);
        return r;
}

void deadline_clear(Slot *slot)
{
        Engine *engine = slot->pool->engine;

        heap_remove(&engine->deadlines, &slot->deadline);
        arm(engine);
}
