/* farewell.c - see farewell.h */
#include "engine/farewell.h"

#include <string.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"
#include "sys/clock.h"

enum { FAREWELL_ROUND = 32 };

/* What most programs need from the signal to their end, and little beside any StopTimeoutSec=. */
#define MOMENT_USEC (5 * USEC_PER_MSEC)

static void wake(sd_event_source *source)
{
        int r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);

        if (r < 0)
                report(LOG_ERR, "cannot wake the loop: %s", strerror(-r));
}

static void tell(Slot *slot)
{
        int signal = slot->definition->config->kill_signal;

        if (pidref_is_set(&slot->process))
                family_wake_leader(&slot->process, signal);
        (void)family_signal_others(slot->family, &slot->process, signal);
}

static void arm(Engine *engine, uint64_t usec);

static int on_farewell(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        Slot *slot;

        for (int i = 0; i < FAREWELL_ROUND && (slot = TAILQ_FIRST(&engine->farewells)); i++) {
                farewell_forget(slot);
                tell(slot);
        }
        if (!TAILQ_EMPTY(&engine->farewells))
                arm(engine, 0);
        return 0;
}

static void arm(Engine *engine, uint64_t usec)
{
        int r = alarm_set(engine->event, &engine->farewell_source, now_usec() + usec,
                          PRIORITY_FAREWELL, on_farewell, engine);

        if (r < 0)
                report(LOG_ERR, "cannot arm the timer of farewells: %s", strerror(-r));
}

static int on_tidy(sd_event_source *source, void *userdata)
{
        Engine *engine = userdata;

        if (family_root_tidy(engine->families))
                wake(source);
        return 0;
}

int farewell_open(Engine *engine)
{
        int r = sd_event_add_defer(engine->event, &engine->tidy_source, on_tidy, engine);

        if (r >= 0)
                r = sd_event_source_set_priority(engine->tidy_source, PRIORITY_TIDY);
        return r < 0 ? r : sd_event_source_set_enabled(engine->tidy_source, SD_EVENT_OFF);
}

void farewell_close(Engine *engine)
{
        engine->farewell_source = sd_event_source_disable_unref(engine->farewell_source);
        engine->tidy_source = sd_event_source_disable_unref(engine->tidy_source);
}

void farewell_later(Slot *slot)
{
        Engine *engine = slot->pool->engine;
        bool is_first = TAILQ_EMPTY(&engine->farewells);

        if (!slot->is_farewell_due)
                TAILQ_INSERT_TAIL(&engine->farewells, slot, farewell);
        slot->is_farewell_due = true;
        if (!pidref_is_set(&slot->process))
                arm(engine, 0); /* those that wait are told with it */
        else if (is_first)
                arm(engine, MOMENT_USEC);
}

void farewell_forget(Slot *slot)
{
        if (!slot->is_farewell_due)
                return;
        TAILQ_REMOVE(&slot->pool->engine->farewells, slot, farewell);
        slot->is_farewell_due = false;
}

void farewell_tidy_soon(Engine *engine)
{
        if (engine->tidy_source)
                wake(engine->tidy_source);
}
