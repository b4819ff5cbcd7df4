/* aide.c - see aide.h
 *
 * Killed by descent, a command may have forked in that very moment, and the child is no one's we know:
 * so its family is kept until its process is reaped, when it can fork no more, and killed again. A
 * cgroup is killed with all that is just being born. */
#include "engine/aide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/launch.h"
#include "engine/pause.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "sys/fd.h"

struct Aide {
        Engine *engine;
        Slot *slot; /* NULL: it was killed and is not reaped yet */
        AideRequest request;
        PidRef process;
        int status_fd; /* reeve-exec reports here; -1: nothing to be had */
        Family *family;
        sd_event_source *timer;
        LIST_ENTRY(Aide) ended;
};

static void drop(Aide *aide)
{
        if (pidref_is_set(&aide->process))
                (void)map_remove(&aide->engine->aides_by_pid, (uint64_t)aide->process.pid);
        if (aide->family)
                (void)family_kill(aide->family, &aide->process);
        pidref_done(&aide->process);
        family_free(aide->family);
        free(aide);
}

Aide *aide_free(Aide *aide)
{
        if (!aide)
                return NULL;
        aide->timer = sd_event_source_disable_unref(aide->timer);
        aide->status_fd = fd_close(aide->status_fd);
        if (pidref_is_set(&aide->process))
                (void)pidref_signal(&aide->process, SIGKILL); /* it may have ended */
        if (!pidref_is_set(&aide->process)
            || family_root_kind(aide->engine->families) == FAMILY_CGROUP) {
                drop(aide);
                return NULL;
        }
        (void)family_kill(aide->family, &aide->process);
        aide->slot = NULL;
        family_disown(aide->family); /* the slot may go first */
        LIST_INSERT_HEAD(&aide->engine->ended_aides, aide, ended);
        return NULL;
}

void aides_close(Engine *engine)
{
        Aide *aide;

        while ((aide = LIST_FIRST(&engine->ended_aides))) {
                LIST_REMOVE(aide, ended);
                drop(aide);
        }
}
DEFINE_AUTO(Aide, aide_free);

/* What it left behind goes before the news: who hears them may start the next. */
static void finish(Aide *aide, const Error *error)
{
        const AideRequest request = aide->request;

        aide_free(aide);
        request.done(request.userdata, error);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Aide *aide = userdata;
        char span[32];
        Error error = { 0 };

        if (pause_covers(usec))
                (void)error_set(&error, 0, "paused", "reeved itself did not run");
        else
                (void)error_set(&error, 0, "timeout", "no end within %s",
                                units_format_span(span, sizeof(span), aide->request.timeout_usec));
        finish(aide, &error);
        return 0;
}

static int watch(Aide *aide)
{
        Engine *engine = aide->slot->pool->engine;
        uint64_t now = now_usec();
        uint64_t end = aide->request.timeout_usec > USEC_INFINITY - now
                               ? USEC_INFINITY
                               : now + aide->request.timeout_usec;
        int r = sd_event_add_time(engine->event, &aide->timer, CLOCK_MONOTONIC, end, 1, on_timeout,
                                  aide);

        if (r >= 0)
                r = sd_event_source_set_priority(aide->timer, PRIORITY_TIMER);
        return r < 0 ? r : map_reserve(&engine->aides_by_pid);
}

static int start(Aide *aide, Error *reterr)
{
        const AideRequest *request = &aide->request;
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        int r = watch(aide);

        if (r < 0)
                return error_set(reterr, r, "spawn-failed", "cannot keep track of a %s: %s",
                                 request->name, strerror(-r));
        r = family_new_within(aide->slot->family, request->name, &aide->family, reterr);
        if (r >= 0)
                r = launch_aide(aide->slot, request->command, aide->family, request->is_logged,
                                &spawned, reterr);
        if (r < 0)
                return r;
        aide->process = spawned.process;
        aide->status_fd = spawned.status_fd;
        (void)map_put(&aide->slot->pool->engine->aides_by_pid, (uint64_t)aide->process.pid,
                      aide); /* room was reserved */
        return 0;
}

int aide_start(Slot *slot, const AideRequest *request, Aide **ret, Error *reterr)
{
        AUTO(Aide) *aide = calloc(1, sizeof(Aide));
        int r;

        if (!aide)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        aide->engine = slot->pool->engine;
        aide->slot = slot;
        aide->request = *request;
        aide->process = PIDREF_UNSET;
        aide->status_fd = -1;
        r = start(aide, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(aide);
        return 0;
}

static void explain(Aide *aide, const WorkerExit *exit, Error *ret)
{
        /* A step of reeve-exec that failed says more than the exit code by which it ended. */
        if (aide->status_fd >= 0
            && spawn_read_status(aide->status_fd, aide->slot->pool->subject, ret) < 0)
                return;
        if (exit->kind == EXIT_CODE)
                (void)error_set(ret, 0, "exit-code", "exit code %d", exit->value);
        else
                (void)error_set(ret, 0, "exit-signal", "ended by SIG%s", sigabbrev_np(exit->value));
}

void aide_reaped(Engine *engine, pid_t pid, const WorkerExit *exit)
{
        Aide *aide = map_remove(&engine->aides_by_pid, (uint64_t)pid);
        bool is_well = exit->kind == EXIT_CODE && exit->value == 0;
        Error error = { 0 };

        if (!aide)
                return;
        if (!aide->slot) {
                LIST_REMOVE(aide, ended);
                pidref_done(&aide->process);
                drop(aide);
                return;
        }
        if (!is_well)
                explain(aide, exit, &error);
        pidref_done(&aide->process);
        finish(aide, is_well ? NULL : &error);
}
