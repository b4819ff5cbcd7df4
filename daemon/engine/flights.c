/* flights.c - see flights.h */
#include "engine/flights.h"

#include <string.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/operation.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"
#include "sys/clock.h"

#define FIRST_LOOK_USEC UINT64_C(200)
#define LAST_LOOK_USEC  (20 * USEC_PER_MSEC)

int flights_land(Slot *slot)
{
        Engine *engine = slot->pool->engine;
        Error error = { 0 };
        int r = spawn_land(&engine->host, &slot->child, &error);

        if (r == 0)
                return 0;
        TAILQ_REMOVE(&engine->flights, slot, flight);
        if (r < 0) {
                slot->start_error = -r;
                slot_keep_error(slot, &error);
        } else {
                operation_started(slot->pool, slot->process.pid);
        }
        return r;
}

static int arm(Engine *engine);

/* A failed step needs no event of its own: the child ends and SIGCHLD tells. */
static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        Slot *slot, *next;

        engine->look_usec = MIN(engine->look_usec * 2, LAST_LOOK_USEC);
        for (slot = TAILQ_FIRST(&engine->flights); slot; slot = next) {
                next = TAILQ_NEXT(slot, flight);
                if (flights_land(slot) == 1)
                        slot_event(slot, WORKER_EVENT_EXECUTED, NULL);
        }
        return TAILQ_EMPTY(&engine->flights) ? 0 : arm(engine);
}

static int arm(Engine *engine)
{
        return alarm_set(engine->event, &engine->look_source, now_usec() + engine->look_usec,
                         PRIORITY_SPAWN, on_look, engine);
}

void flights_add(Slot *slot)
{
        Engine *engine = slot->pool->engine;
        int r = 0;

        TAILQ_INSERT_TAIL(&engine->flights, slot, flight);
        engine->look_usec = FIRST_LOOK_USEC;
        if (TAILQ_FIRST(&engine->flights) == slot)
                r = arm(engine);
        if (r < 0)
                report(LOG_ERR, "cannot arm the timer that looks for starts: %s", strerror(-r));
}

void flights_close(Engine *engine)
{
        engine->look_source = sd_event_source_disable_unref(engine->look_source);
}
