/* hangup.c - see hangup.h */
#include "engine/hangup.h"

#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/reload.h"
#include "engine/report.h"
#include "sys/clock.h"

/* A reload reads all files; who asks for one a millisecond gets four a second, the last of which
 * sees what was there when the last signal came. */
#define HANGUP_INTERVAL_USEC (250 * USEC_PER_MSEC)

static void reload(Engine *engine)
{
        ReloadResult result = { 0 };
        Error error = { 0 };

        engine->is_hangup_due = false;
        engine->hangup_usec = now_usec();
        if (engine->is_stopping)
                return;
        (void)sd_notify(false, "RELOADING=1");
        if (reload_apply(engine, "SIGHUP", false, &result, &error) < 0) {
                report(LOG_ERR, "%s", error.message);
                publish_event(engine, EVENT_DAEMON_WARNING, NULL, NULL, "SIGHUP", "reload",
                              "refused", "message", error.message, NULL);
        }
        reload_result_done(&result);
        (void)sd_notify(false, "READY=1");
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        reload(userdata);
        return 0;
}

static int arm(Engine *engine)
{
        return alarm_set(engine->event, &engine->hangup_source,
                         engine->hangup_usec + HANGUP_INTERVAL_USEC, PRIORITY_SIGNAL, on_due,
                         engine);
}

void hangup_take(Engine *engine)
{
        if (engine->is_hangup_due)
                return;
        engine->is_hangup_due =
                engine->hangup_usec != 0 && now_usec() < engine->hangup_usec + HANGUP_INTERVAL_USEC;
        if (!engine->is_hangup_due || arm(engine) < 0)
                reload(engine);
}
