/* engine.c - see engine.h */
#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/aide.h"
#include "engine/alarm.h"
#include "engine/change.h"
#include "engine/deadlines.h"
#include "engine/face.h"
#include "engine/farewell.h"
#include "engine/flights.h"
#include "engine/hangup.h"
#include "engine/intake.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/reap.h"
#include "engine/reload.h"
#include "engine/report.h"
#include "engine/sampler.h"
#include "engine/threads.h"
#include "engine/trim.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"

/* Spawning 1,000 workers must not write the state 1,000 times; what a crash within this time
 * loses is found by the families. */
#define KEEP_INTERVAL_USEC (50 * UINT64_C(1000))

/* ---- pools ---- */

static size_t pool_place(const Engine *engine, const char *name)
{
        size_t low = 0, high = engine->pool_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (strcmp(engine->pools[middle]->name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

Pool *engine_find_pool(const Engine *engine, const char *name)
{
        size_t place = pool_place(engine, name);

        return place < engine->pool_count && text_equal(engine->pools[place]->name, name)
                       ? engine->pools[place]
                       : NULL;
}

int engine_add_pool(Engine *engine, Pool *pool_take)
{
        size_t place = pool_place(engine, pool_take->name);
        Pool **longer = realloc(engine->pools, (engine->pool_count + 1) * sizeof(Pool *));

        if (!longer)
                return -ENOMEM;
        engine->pools = longer;
        if (publish_take_pool_row(engine, pool_take) < 0)
                return -ENOMEM;
        memmove(&longer[place + 1], &longer[place], (engine->pool_count - place) * sizeof(Pool *));
        longer[place] = pool_take;
        engine->pool_count++;
        publish_pool(pool_take);
        return 0;
}

void engine_remove_pool(Engine *engine, Pool *pool)
{
        size_t place = pool_place(engine, pool->name);

        memmove(&engine->pools[place], &engine->pools[place + 1],
                (engine->pool_count - place - 1) * sizeof(Pool *));
        engine->pool_count--;
        publish_clear_warnings(engine, pool->name);
        publish_drop_pool_row(engine, pool);
        pool_free(pool);
}

/* ---- rounds ---- */

static void wake(sd_event_source *source)
{
        int r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);

        if (r < 0)
                report(LOG_ERR, "cannot wake the loop: %s", strerror(-r));
}

void engine_touch(Engine *engine, Pool *pool)
{
        pool->is_touched = true;
        wake(engine->reconcile_source);
        engine_tell_soon(engine);
}

void engine_tell_soon(Engine *engine)
{
        if (engine->tell_source)
                wake(engine->tell_source);
}

static bool are_workers_gone(const Engine *engine)
{
        for (size_t i = 0; i < engine->pool_count; i++)
                if (!engine->pools[i]->is_builtin && !pool_is_empty(engine->pools[i]))
                        return false;
        return true;
}

/* Workers first; reeve-api shows the stopping until they are gone, then it goes too. */
static void go_on_stopping(Engine *engine)
{
        Pool *face = engine_find_pool(engine, "@api");
        const ChangeRequest request = { .actor = "reeved" };
        ChangeOutcome outcome = { 0 };

        if (!are_workers_gone(engine))
                return;
        if (face && face->is_up)
                (void)change_stop(face, &request, &outcome, NULL);
        if (!face || pool_is_empty(face))
                (void)sd_event_exit(engine->event, engine->exit_code);
}

static int on_reconcile(sd_event_source *source, void *userdata)
{
        Engine *engine = userdata;

        for (size_t i = 0; i < engine->pool_count; i++) {
                Pool *pool = engine->pools[i];

                if (!pool->is_touched)
                        continue;
                pool->is_touched = false;
                pool_reconcile(pool);
                if (pool->is_leaving && pool_is_empty(pool) && !pool->operation)
                        engine_remove_pool(engine, engine->pools[i--]);
        }
        if (engine->is_stopping)
                go_on_stopping(engine);
        return 0;
}

/* Return: 0; negative errno, then it is to be tried again */
static int keep(Engine *engine)
{
        int r;

        if (!engine->hooks.keep_state)
                return 0;
        engine->kept_usec = now_usec();
        r = engine->hooks.keep_state(engine->hooks.userdata, engine);
        engine->is_state_dirty = r < 0;
        if (r < 0)
                publish_warning(engine, "",
                                "The state in %s cannot be kept: %s. A reeved that starts anew "
                                "would not know its workers.",
                                engine->settings.runtime_dir, strerror(-r));
        return r;
}

static int on_keep(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        int r;

        if (!engine->is_state_dirty || keep(engine) >= 0)
                return 0;
        /* A full disk may have room in a second. */
        r = sd_event_source_set_time_relative(source, USEC_PER_SEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* At once after a quiet time; in a storm the state of all is written once for many changes. */
static void keep_soon(Engine *engine)
{
        int enabled = SD_EVENT_OFF, r;

        if (engine->keep_source
            && (sd_event_source_get_enabled(engine->keep_source, &enabled) < 0
                || enabled != SD_EVENT_OFF))
                return;
        r = alarm_set(engine->event, &engine->keep_source, engine->kept_usec + KEEP_INTERVAL_USEC,
                      PRIORITY_TELL, on_keep, engine);
        if (r < 0)
                report(LOG_ERR, "cannot arm the timer that keeps the state: %s", strerror(-r));
}

void engine_keep_decision(Engine *engine)
{
        if (engine->is_state_urgent)
                (void)keep(engine); /* if it failed it is still dirty, and tried again */
        engine->is_state_urgent = false;
}

static int on_tell(sd_event_source *source, void *userdata)
{
        Engine *engine = userdata;

        publish_daemon(engine);
        if (engine->has_news)
                face_send_news(engine->face);
        engine->has_news = false;
        if (engine->is_state_dirty)
                keep_soon(engine);
        return 0;
}

/* ---- stopping ---- */

static void kill_all(Engine *engine)
{
        report(LOG_WARNING, "asked to stop again: killing all workers at once");
        for (size_t i = 0; i < engine->pool_count; i++)
                for (size_t j = 0; j < engine->pools[i]->slot_count; j++)
                        slot_kill(engine->pools[i]->slots[j]);
}

static void stop_pools(Engine *engine)
{
        const ChangeRequest request = { .actor = "reeved" };

        for (size_t i = 0; i < engine->pool_count; i++) {
                ChangeOutcome outcome = { 0 };

                if (!engine->pools[i]->is_builtin && engine->pools[i]->is_up)
                        (void)change_stop(engine->pools[i], &request, &outcome, NULL);
        }
        wake(engine->reconcile_source);
}

void engine_stop(Engine *engine, int exit_code)
{
        if (engine->is_stopping) {
                engine->is_hurried = true;
                for (size_t i = 0; i < engine->pool_count; i++)
                        engine_touch(engine, engine->pools[i]);
                stop_pools(engine);
                kill_all(engine);
                return;
        }
        engine->is_stopping = true;
        engine->exit_code = exit_code;
        (void)sd_notify(false, "STOPPING=1");
        publish_event(engine, EVENT_DAEMON_STOPPING, NULL, NULL, NULL, NULL);
        report(LOG_NOTICE, "stopping all workers");
        stop_pools(engine);
}

/* ---- signals ---- */

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                          void *userdata)
{
        engine_stop(userdata, 0);
        return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        hangup_take(userdata);
        return 0;
}

static int on_upgrade_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                             void *userdata)
{
        report(LOG_WARNING,
               "SIGUSR2: upgrading in place is not to be had in this version; stop and "
               "start reeved instead");
        return 0;
}

static int add_signal(Engine *engine, int signal, sd_event_signal_handler_t handler)
{
        sd_event_source *source = NULL;
        int r = sd_event_add_signal(engine->event, &source, signal, handler, engine);

        if (r >= 0)
                r = sd_event_source_set_priority(source, PRIORITY_SIGNAL);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r;
}

static int open_signals(Engine *engine)
{
        int r = add_signal(engine, SIGTERM, on_stop_signal);

        if (r >= 0)
                r = add_signal(engine, SIGINT, on_stop_signal);
        if (r >= 0)
                r = add_signal(engine, SIGHUP, on_hangup);
        if (r >= 0)
                r = add_signal(engine, SIGUSR2, on_upgrade_signal);
        return r;
}

/* sd-event takes signals through signalfd, so they are blocked before anything is spawned; a
 * reader of ours that goes away must not end us. */
static int prepare_signals(void)
{
        sigset_t taken;

        (void)signal(SIGPIPE, SIG_IGN);
        /* A file at RLIMIT_FSIZE is a full disk, not our end. */
        (void)signal(SIGXFSZ, SIG_IGN);
        sigemptyset(&taken);
        sigaddset(&taken, SIGCHLD);
        sigaddset(&taken, SIGTERM);
        sigaddset(&taken, SIGINT);
        sigaddset(&taken, SIGHUP);
        sigaddset(&taken, SIGUSR2);
        return sigprocmask(SIG_BLOCK, &taken, NULL) < 0 ? -errno : 0;
}

/* ---- building ---- */

static int open_loop(Engine *engine)
{
        int r = prepare_signals();

        if (r >= 0)
                r = sd_event_new(&engine->event);
        if (r >= 0)
                r = open_signals(engine);
        if (r >= 0)
                r = sd_event_add_defer(engine->event, &engine->reconcile_source, on_reconcile,
                                       engine);
        if (r >= 0)
                r = sd_event_source_set_priority(engine->reconcile_source, PRIORITY_RECONCILE);
        if (r >= 0)
                r = sd_event_add_defer(engine->event, &engine->tell_source, on_tell, engine);
        if (r >= 0)
                r = sd_event_source_set_priority(engine->tell_source, PRIORITY_TELL);
        /* WatchdogSec= of our own unit: the loop itself sends the heartbeat. */
        if (r >= 0)
                r = sd_event_set_watchdog(engine->event, true);
        return r < 0 ? r : 0;
}

static int open_folders(Engine *engine, Error *reterr)
{
        static const char *const sockets[] = { "notify", "control" };
        char path[512];
        int r;

        for (size_t i = 0; i < COUNT_OF(sockets); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", engine->settings.runtime_dir,
                               sockets[i]);
                r = directory_make(path, 0755);
                if (r < 0)
                        return error_set(reterr, r, "runtime",
                                         "cannot make %s: %s. Give another folder "
                                         "with --runtime.",
                                         path, strerror(-r));
        }
        r = directory_make(engine->settings.log_dir, 0755);
        return r < 0 ? error_set(reterr, r, "logs",
                                 "cannot make %s: %s. Give another folder with "
                                 "--log-dir.",
                                 engine->settings.log_dir, strerror(-r))
                     : 0;
}

/* A name for our cgroup that a second reeved with other folders does not share. */
static void name_families(const Engine *engine, char *name, size_t size)
{
        uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

        for (const char *p = engine->settings.state_dir; *p; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
        (void)snprintf(name, size, "%08x", (unsigned)(hash ^ hash >> 32));
}

static int open_families(Engine *engine, Error *reterr)
{
        char name[32];
        int r;

        name_families(engine, name, sizeof(name));
        r = family_root_new(name, engine->host.helper_fd, &engine->families,
                            &engine->families_error);
        if (r < 0)
                *reterr = engine->families_error;
        return r;
}

static void warn_families(Engine *engine)
{
        const char *trouble = family_root_trouble(engine->families);

        if (family_root_kind(engine->families) == FAMILY_DESCENT)
                publish_warning(engine, "", "%s", engine->families_error.message);
        if (trouble)
                publish_warning(engine, "",
                                "There is no scope of workers, so they live below reeved's own "
                                "group and have no limits: %s.",
                                trouble);
}

static int add_pools(Engine *engine, Error *reterr)
{
        for (size_t i = 0; i < engine->config->pool_count; i++) {
                AUTO(Pool) *pool = NULL;
                int r = pool_new(engine, engine->config->pools[i], false, &pool, reterr);

                if (r < 0)
                        return r;
                reload_warn(engine, engine->config->pools[i]);
                if (engine_add_pool(engine, pool) < 0)
                        return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
                pool = NULL;
        }
        return 0;
}

static int open_parts(Engine *engine, const ProblemList *problems, Error *reterr)
{
        int r = open_loop(engine);

        if (r < 0)
                return error_set(reterr, r, "loop", "cannot make the event loop: %s", strerror(-r));
        r = open_folders(engine, reterr);
        if (r >= 0)
                r = spawn_host_init(&engine->host, engine->settings.helper_path, reterr);
        if (r >= 0)
                r = open_families(engine, reterr);
        if (r >= 0)
                r = publish_open(engine, problems, reterr);
        if (r < 0)
                return r;
        warn_families(engine);
        r = reap_open(engine);
        if (r >= 0)
                r = farewell_open(engine);
        if (r >= 0)
                r = deadlines_open(engine);
        if (r >= 0)
                r = intake_open(engine);
        if (r >= 0)
                r = sampler_open(engine);
        if (r < 0)
                return error_set(reterr, r, "loop", "cannot watch: %s", strerror(-r));
        if (engine->settings.api_path)
                r = face_new(engine, &engine->face, reterr);
        return r < 0 ? r : add_pools(engine, reterr);
}

int engine_new(const EngineSettings *settings, const EngineHooks *hooks, Config *config_take,
               const ProblemList *problems, Engine **ret, Error *reterr)
{
        AUTO(Engine) *engine = calloc(1, sizeof(Engine));
        int r;

        if (!engine)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        engine->settings = *settings;
        engine->hooks = *hooks;
        engine->config = config_take;
        engine->board_fd = engine->intake_fd = -1;
        engine->host = SPAWN_HOST_UNSET;
        engine->started_usec = now_usec();
        engine->started_realtime_usec = now_realtime_usec();
        TAILQ_INIT(&engine->lingering);
        TAILQ_INIT(&engine->paced);
        TAILQ_INIT(&engine->farewells);
        TAILQ_INIT(&engine->flights);
        TAILQ_INIT(&engine->inspections);
        if (getrandom(&engine->epoch, sizeof(engine->epoch), 0) != sizeof(engine->epoch))
                engine->epoch = engine->started_realtime_usec;
        engine->random = engine->epoch;
        r = open_parts(engine, problems, reterr);
        if (r < 0) {
                engine->config = NULL; /* still the caller's */
                return r;
        }
        *ret = TAKE_PTR(engine);
        return 0;
}

Engine *engine_free(Engine *engine)
{
        if (!engine)
                return NULL;
        for (size_t i = 0; i < engine->pool_count; i++)
                pool_free(engine->pools[i]);
        free(engine->pools);
        face_free(engine->face);
        aides_close(engine);
        map_done(&engine->slots_by_pid);
        map_done(&engine->aides_by_pid);
        if (engine->board)
                publish_close(engine);
        farewell_close(engine);
        flights_close(engine);
        trim_close(engine);
        deadlines_close(engine);
        intake_close(engine);
        sd_event_source_disable_unref(engine->sample_source);
        threads_close(engine);
        sd_event_source_disable_unref(engine->keep_source);
        sd_event_source_disable_unref(engine->hangup_source);
        sd_event_source_disable_unref(engine->pace_source);
        sd_event_source_disable_unref(engine->tell_source);
        sd_event_source_disable_unref(engine->reconcile_source);
        sd_event_source_disable_unref(engine->family_source);
        family_root_free(engine->families);
        spawn_host_done(&engine->host);
        sd_event_unref(engine->event);
        config_free(engine->config);
        free(engine);
        return NULL;
}

/* ---- running ---- */

static void start_pools(Engine *engine)
{
        const ChangeRequest request = { .actor = "reeved" };
        Error error = { 0 };

        for (size_t i = 0; i < engine->pool_count; i++) {
                ChangeOutcome outcome = { 0 };

                if (engine->pools[i]->is_held_down
                    || (engine->pools[i]->is_up && engine->pools[i]->slot_count > 0))
                        continue;
                if (change_start(engine->pools[i], &request, &outcome, &error) < 0)
                        report(LOG_ERR, "%s", error.message);
        }
}

static void say_ready(Engine *engine)
{
        size_t pools = engine->pool_count - (engine->face != NULL);

        engine->is_ready = true;
        publish_event(engine, EVENT_DAEMON_READY, NULL, NULL, NULL, "version", REEVE_VERSION, NULL);
        publish_daemon(engine);
        (void)sd_notifyf(false, "READY=1\nSTATUS=%zu pools, API at %s", pools,
                         face_addresses(engine->face));
        report(LOG_NOTICE, "reeved %s is ready: %zu pool%s, API at %s", REEVE_VERSION, pools,
               pools == 1 ? "" : "s", face_addresses(engine->face));
}

/* Whom an earlier reeved started in its last moments and could not note any more is not known, and
 * would run beside its successor. */
static void clear_strangers(Engine *engine)
{
        size_t count = family_root_clear(engine->families);

        if (count > 0)
                report(LOG_WARNING,
                       "%zu slots had processes that an earlier reeved did not live to note down; "
                       "they are ended, and started anew where they are wanted",
                       count);
}

int engine_run(Engine *engine)
{
        int r;

        if (engine->hooks.adopt)
                engine->hooks.adopt(engine->hooks.userdata, engine);
        clear_strangers(engine);
        start_pools(engine);
        say_ready(engine);
        r = sd_event_loop(engine->event);
        if (r < 0) {
                report(LOG_CRIT, "the event loop ended: %s", strerror(-r));
                return 1;
        }
        report(LOG_NOTICE, "all workers are gone");
        return r;
}
