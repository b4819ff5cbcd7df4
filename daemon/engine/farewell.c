/* farewell.c - see farewell.h */
#include "engine/farewell.h"

#include <string.h>

#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"

enum { FAREWELL_ROUND = 32 };

static void wake(sd_event_source *source)
{
        int r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);

        if (r < 0)
                report(LOG_ERR, "cannot wake the loop: %s", strerror(-r));
}

static void tell(Slot *slot)
{
        (void)family_signal_others(slot->family, &slot->process,
                                   slot->definition->config->kill_signal);
}

static int on_farewell(sd_event_source *source, void *userdata)
{
        Engine *engine = userdata;
        Slot *slot;

        for (int i = 0; i < FAREWELL_ROUND && (slot = TAILQ_FIRST(&engine->farewells)); i++) {
                farewell_forget(slot);
                tell(slot);
        }
        if (!TAILQ_EMPTY(&engine->farewells))
                wake(source);
        return 0;
}

static int on_tidy(sd_event_source *source, void *userdata)
{
        Engine *engine = userdata;

        if (family_root_tidy(engine->families))
                wake(source);
        return 0;
}

static int add(Engine *engine, sd_event_source **source, sd_event_handler_t handler, int priority)
{
        int r = sd_event_add_defer(engine->event, source, handler, engine);

        if (r >= 0)
                r = sd_event_source_set_priority(*source, priority);
        return r < 0 ? r : sd_event_source_set_enabled(*source, SD_EVENT_OFF);
}

int farewell_open(Engine *engine)
{
        int r = add(engine, &engine->farewell_source, on_farewell, PRIORITY_FAREWELL);

        return r < 0 ? r : add(engine, &engine->tidy_source, on_tidy, PRIORITY_TIDY);
}

void farewell_close(Engine *engine)
{
        engine->farewell_source = sd_event_source_disable_unref(engine->farewell_source);
        engine->tidy_source = sd_event_source_disable_unref(engine->tidy_source);
}

void farewell_later(Slot *slot)
{
        Engine *engine = slot->pool->engine;

        if (slot->is_farewell_due)
                return;
        TAILQ_INSERT_TAIL(&engine->farewells, slot, farewell);
        slot->is_farewell_due = true;
        wake(engine->farewell_source);
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
