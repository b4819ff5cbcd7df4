/* pace.c - see pace.h */
#include "engine/pace.h"

#include <string.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"
#include "sys/clock.h"

static bool is_due(Engine *engine, uint64_t now)
{
        uint64_t step;

        if (engine->config->spawn_rate == 0) /* a reload took it away */
                return true;
        step = USEC_PER_SEC / engine->config->spawn_rate;
        if (engine->next_spawn_usec > now)
                return false;
        /* A timer that came late is made up for; a quiet time saves up nothing. */
        engine->next_spawn_usec += step;
        if (engine->next_spawn_usec < now)
                engine->next_spawn_usec = now;
        return true;
}

static int arm(Engine *engine);

static int on_pace(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        Slot *slot;

        while ((slot = TAILQ_FIRST(&engine->paced)) && is_due(engine, now_usec())) {
                pace_forget(slot);
                slot_launch(slot);
        }
        return slot ? arm(engine) : 0;
}

static int arm(Engine *engine)
{
        return alarm_set(engine->event, &engine->pace_source, engine->next_spawn_usec,
                         PRIORITY_TIMER, on_pace, engine);
}

bool pace_take(Slot *slot)
{
        Engine *engine = slot->pool->engine;
        int r;

        /* What answers people is not held up by what they asked for. */
        if (engine->config->spawn_rate == 0 || slot->pool->is_builtin)
                return true;
        if (TAILQ_EMPTY(&engine->paced) && is_due(engine, now_usec()))
                return true;
        if (slot->is_paced)
                return false;
        r = arm(engine);
        if (r < 0) {
                report(LOG_ERR, "cannot arm the timer of SpawnRate=: %s", strerror(-r));
                return true;
        }
        TAILQ_INSERT_TAIL(&engine->paced, slot, paced);
        slot->is_paced = true;
        return false;
}

void pace_reset(Engine *engine)
{
        engine->next_spawn_usec = now_usec();
        if (!TAILQ_EMPTY(&engine->paced) && arm(engine) < 0)
                report(LOG_ERR, "cannot arm the timer of SpawnRate=");
}

void pace_forget(Slot *slot)
{
        if (!slot->is_paced)
                return;
        TAILQ_REMOVE(&slot->pool->engine->paced, slot, paced);
        slot->is_paced = false;
}
