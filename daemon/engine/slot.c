/* slot.c - see slot.h
 *
 * slot_event() is the only way in which a worker's state changes. Effects may raise further
 * events (a spawn that fails at once); these wait in the slot's queue until the present one is
 * done, so that the model sees them one after the other. */
#include "engine/slot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/deadlines.h"
#include "engine/farewell.h"
#include "engine/flights.h"
#include "engine/headcount.h"
#include "engine/health.h"
#include "engine/launch.h"
#include "engine/limits.h"
#include "engine/live.h"
#include "engine/notices.h"
#include "engine/operation.h"
#include "engine/pace.h"
#include "engine/pause.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/reap.h"
#include "engine/refresh.h"
#include "engine/report.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* How long the exit status of an adopted worker is waited for once it has ended. */
#define EXIT_STATUS_WAIT_USEC (20 * USEC_PER_MSEC)

char *slot_subject(const Slot *slot, char *buffer, size_t size)
{
        (void)snprintf(buffer, size, "pool %s: worker %u", slot->pool->name, slot->number);
        return buffer;
}

static const char *exit_words(const WorkerExit *exit, char *buffer, size_t size)
{
        const char *why = exit->reason ? exit_reason_to_name(exit->reason) : NULL;

        switch (exit->kind) {
        case EXIT_CODE: (void)snprintf(buffer, size, "exited with code %d", exit->value); break;
        case EXIT_SIGNAL:
                (void)snprintf(buffer, size, "was ended by SIG%s", sigabbrev_np(exit->value));
                break;
        case EXIT_REASON:
        case EXIT_NONE:
                (void)snprintf(buffer, size, "ended (%s)", why ? why : "unknown");
                return buffer;
        }
        if (why)
                (void)snprintf(buffer + strlen(buffer), size - strlen(buffer), " (%s)", why);
        return buffer;
}

void slot_explain(const Slot *slot, const WorkerExit *exit, Error *ret)
{
        char words[80];

        if (slot->error)
                *ret = *slot->error;
        else
                (void)error_set(ret, 0, "start-failed",
                                "worker %u %s; `reevectl logs %s --slot %u` shows what it said.",
                                slot->number, exit_words(exit, words, sizeof(words)),
                                slot->pool->name, slot->number);
}

/* An Error is a third of a slot, and few slots ever have one: it is there while it is needed. */
static const Error unkept = { .code = "no-memory",
                              .message = "a start failed, and there was no memory to note why" };

static void error_drop(Slot *slot)
{
        if (slot->error != &unkept)
                free((Error *)slot->error);
        slot->error = NULL;
}

void slot_keep_error(Slot *slot, const Error *error)
{
        Error *kept = malloc(sizeof(*kept));

        if (kept)
                *kept = *error;
        error_drop(slot);
        slot->error = kept ? kept : &unkept;
}

void slot_say(Slot *slot, const char *text)
{
        char *kept = *text ? strdup(text) : NULL;

        if (*text && !kept)
                return; /* what it said before is better than nothing */
        free(slot->status_text);
        slot->status_text = kept;
}

int slot_new(Pool *pool, unsigned number, Slot **ret, Error *reterr)
{
        AUTO(Slot) *slot = calloc(1, sizeof(Slot));
        int r;

        if (!slot)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        slot->pool = pool;
        slot->number = number;
        slot->row = UINT32_MAX;
        slot->process = PIDREF_UNSET;
        slot->status_fd = -1;
        slot->cpu_ratio = -1;
        worker_init(&slot->worker);
        slot_define(slot, pool->definition);
        r = publish_take_row(pool->engine, slot);
        if (r < 0)
                return error_set(reterr, r, "board-full", "%s: no room on the board: %s",
                                 pool->subject, strerror(-r));
        r = family_new(pool->engine->families, pool->name, number, slot, &slot->family, reterr);
        if (r < 0)
                return r;
        limits_open(slot);
        *ret = TAKE_PTR(slot);
        return 0;
}

void slot_drop_listeners(Slot *slot)
{
        for (size_t i = 0; i < slot->listen_fd_count; i++)
                (void)fd_close(slot->listen_fds[i]);
        free(slot->listen_fds);
        slot->listen_fds = NULL;
        slot->listen_fd_count = 0;
}

Slot *slot_free(Slot *slot)
{
        if (!slot)
                return NULL;
        assert(!pidref_is_set(&slot->process) && !slot->child);
        reap_forget(slot);
        pace_forget(slot);
        farewell_forget(slot);
        health_forget(slot);
        refresh_forget(slot);
        live_forget(slot);
        deadline_clear(slot);
        sd_event_source_disable_unref(slot->status_source);
        sd_event_source_disable_unref(slot->exit_source);
        sd_event_source_disable_unref(slot->exit_timer);
        (void)fd_close(slot->status_fd);
        output_drop(slot);
        slot_drop_listeners(slot);
        family_free(slot->family);
        farewell_tidy_soon(slot->pool->engine);
        if (slot->row != UINT32_MAX)
                publish_drop_row(slot->pool->engine, slot);
        headcount_forget(slot);
        definition_unref(slot->definition);
        error_drop(slot);
        free(slot->status_text);
        free(slot);
        return NULL;
}

void slot_define(Slot *slot, Definition *definition)
{
        Definition *before = slot->definition;

        slot->definition = definition_ref(definition);
        definition_unref(before);
}

/* ---- timers ---- */

/* How long its word is waited for once more when the pool's socket is not read to its end. */
#define UNREAD_WAIT_USEC (20 * USEC_PER_MSEC)

static bool arm_timer(Slot *slot, uint64_t at_usec)
{
        int r = deadline_set(slot, at_usec);

        if (r < 0)
                report(LOG_ERR, "%s: worker %u: cannot arm its timer: %s", slot->pool->subject,
                       slot->number, strerror(-r));
        return r >= 0;
}

/* The heartbeat may have come and lie among those of a thousand others. A socket that is never
 * empty, which any local user can bring about, excuses nobody for longer than a second span. */
static bool may_have_come(Slot *slot, uint64_t now)
{
        uint64_t due = slot->worker.watchdog_usec;

        return due <= now && now - due < slot->definition->config->watchdog_usec
               && notices_are_waiting(slot->pool) && arm_timer(slot, now + UNREAD_WAIT_USEC);
}

void slot_due(Slot *slot, uint64_t usec)
{
        uint64_t now = now_usec();
        WorkerEvent event;

        if (pause_covers(usec) && worker_excuse(&slot->worker, slot->definition->config, now))
                report(LOG_INFO,
                       "%s: worker %u: reeved itself did not run for a while: it is "
                       "given its time again",
                       slot->pool->subject, slot->number);
        if (may_have_come(slot, now))
                return;
        event = worker_due(&slot->worker, now);
        /* What else is due comes with the next round: the deadline is set again there. */
        if (event) {
                slot_event(slot, event, NULL);
        } else {
                slot_rearm(slot);
                publish_slot(slot);
        }
}

void slot_rearm(Slot *slot)
{
        uint64_t next = worker_next_usec(&slot->worker);

        if (next != USEC_INFINITY)
                (void)arm_timer(slot, next); /* it has reported why not */
        else
                deadline_clear(slot);
}

/* ---- effects ---- */

static void push_event(SlotQueue *queue, WorkerEvent event, const WorkerExit *exit)
{
        assert(queue->count < SLOT_QUEUE_SIZE); /* an event raises at most three */
        queue->events[queue->count++] = (SlotEvent){ event, exit ? *exit : (WorkerExit){ 0 } };
}

static void finish_status(Slot *slot)
{
        slot->status_source = sd_event_source_disable_unref(slot->status_source);
        slot->status_fd = fd_close(slot->status_fd);
}

/* Return: what spawn_read_status() says; the pipe is done with unless that is 0. */
static int read_status(Slot *slot)
{
        char subject[96];
        Error error = { 0 };
        int r = spawn_read_status(slot->status_fd, slot_subject(slot, subject, sizeof(subject)),
                                  &error);

        if (r < 0)
                slot_keep_error(slot, &error);
        if (r != 0)
                finish_status(slot);
        return r;
}

static int on_status(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Slot *slot = userdata;

        /* A failed step needs no event of its own: the child ends and SIGCHLD tells. */
        if (read_status(slot) > 0)
                slot_event(slot, WORKER_EVENT_EXECUTED, NULL);
        return 0;
}

static int watch_status(Slot *slot)
{
        int r = sd_event_add_io(slot->pool->engine->event, &slot->status_source, slot->status_fd,
                                EPOLLIN, on_status, slot);

        return r < 0 ? r : sd_event_source_set_priority(slot->status_source, PRIORITY_SPAWN);
}

static void spawn_failed(Slot *slot, int error_number)
{
        const WorkerExit exit = { .kind = EXIT_REASON,
                                  .value = error_number,
                                  .reason = EXIT_REASON_SPAWN_FAILED,
                                  .realtime_usec = now_realtime_usec() };

        report(LOG_ERR, "%s", slot->error->message);
        slot->pool->error = *slot->error;
        operation_start_failed(slot->pool, slot, &exit);
        slot_event(slot, WORKER_EVENT_SPAWN_FAILED, &exit);
}

static void forget_life(Slot *slot)
{
        error_drop(slot);
        slot->start_error = 0;
        slot_say(slot, "");
        slot->has_sample = false;
        slot->wear = (Wear){ 0 };
        slot->is_worn = false;
        slot->cpu_ratio = -1;
        slot->is_adopted = false;
}

void slot_launch(Slot *slot)
{
        Error error = { 0 };
        int r;

        if (slot->worker.state != WORKER_SPAWNING || pidref_is_set(&slot->process))
                return;
        forget_life(slot);
        r = launch_slot(slot, &error);
        if (r < 0) {
                slot_keep_error(slot, &error);
                spawn_failed(slot, -r);
                return;
        }
        slot_event(slot, WORKER_EVENT_SPAWNED, NULL);
        if (slot->status_fd < 0 && !slot->child)
                slot_event(slot, WORKER_EVENT_EXECUTED, NULL);
        else if (slot->status_fd >= 0 && watch_status(slot) < 0)
                report(LOG_ERR, "%s: worker %u: cannot watch its start", slot->pool->subject,
                       slot->number);
}

static void effect_terminate(Slot *slot)
{
        const PoolConfig *policy = slot->definition->config;
        bool has_process = pidref_is_set(&slot->process);
        bool is_for_all = policy->kill_mode == KILL_CONTROL_GROUP || !has_process;

        /* By descent the others must be found while the one that they descend from lives. */
        if (is_for_all && family_root_kind(slot->pool->engine->families) == FAMILY_DESCENT) {
                (void)family_signal(slot->family, &slot->process, policy->kill_signal);
                return;
        }
        /* ESRCH: it ended meanwhile, and that news is on its way. */
        if (has_process)
                (void)(is_for_all ? pidref_signal : family_signal_leader)(&slot->process,
                                                                          policy->kill_signal);
        if (is_for_all)
                farewell_later(slot);
}

/* ESRCH: it ended meanwhile. A stopped process, too, must wake up to die of it. */
static void effect_abort(Slot *slot)
{
        (void)pidref_signal(&slot->process, SIGABRT);
        (void)pidref_signal(&slot->process, SIGCONT);
}

static void effect_kill(Slot *slot)
{
        /* The leader by its pidfd as well: an adopted one may be outside of the family's cgroup. */
        (void)pidref_signal(&slot->process, SIGKILL);
        if (slot->definition->config->kill_mode != KILL_PROCESS)
                (void)family_kill(slot->family, &slot->process);
}

void slot_kill(Slot *slot)
{
        if (!slot_facts(slot)->has_process)
                return;
        (void)pidref_signal(&slot->process, SIGKILL);
        (void)family_kill(slot->family, &slot->process);
}

static void tell_exit(Slot *slot)
{
        const WorkerExit *exit = &slot->worker.last_exit;
        char value[32], subject[96];
        const char *reason = exit->reason ? exit_reason_to_name(exit->reason) : NULL;
        const char *key = "reason";

        if (exit->kind == EXIT_CODE) {
                key = "code";
                (void)snprintf(value, sizeof(value), "%d", exit->value);
        } else if (exit->kind == EXIT_SIGNAL) {
                key = "signal";
                (void)snprintf(value, sizeof(value), "SIG%s", sigabbrev_np(exit->value));
        } else {
                (void)text_copy(value, sizeof(value), reason ? reason : "unknown");
                reason = NULL;
        }
        publish_event(slot->pool->engine, EVENT_WORKER_EXITED, slot->pool, slot, NULL, key, value,
                      reason ? "reason" : "wanted",
                      reason                   ? reason
                      : slot->worker.is_wanted ? "yes"
                                               : "no",
                      NULL);
        report(slot->worker.is_wanted ? LOG_NOTICE : LOG_DEBUG, "%s ended: %s %s",
               slot_subject(slot, subject, sizeof(subject)), key, value);
}

/* Why it is unready or taken to be hung, in the words of the probe. */
static void tell_unwell(Slot *slot, EventType type)
{
        bool is_hung = type == EVENT_WORKER_UNHEALTHY;
        const char *reason = is_hung ? exit_reason_to_name(slot->worker.down_reason) : "probe";
        const char *error = text_equal(reason, "probe") ? health_news(slot).last_error
                                                        : "WATCHDOG=1 did not come in time";

        publish_event(slot->pool->engine, type, slot->pool, slot, NULL, "reason", reason, "error",
                      error, NULL);
        report(LOG_WARNING, "%s: worker %u is %s: %s", slot->pool->subject, slot->number,
               is_hung ? "hung and is replaced" : "unready", error);
}

static void tell_left_behind(Slot *slot)
{
        pid_t pids[8];
        size_t count = family_members(slot->family, &slot->process, pids, COUNT_OF(pids));

        publish_warning(slot->pool->engine, slot->pool->name,
                        "%s: worker %u left %zu processes behind (PID %d first), as "
                        "KillMode=process asks.",
                        slot->pool->subject, slot->number, count, count ? (int)pids[0] : 0);
}

static void tell_effects(Slot *slot, unsigned effects)
{
        Engine *engine = slot->pool->engine;

        if (effects & WORKER_EFFECT_UNEXPECTED)
                report(LOG_WARNING, "%s: worker %u: an event came that cannot come while it is %s",
                       slot->pool->subject, slot->number, worker_state_to_name(slot->worker.state));
        if (effects & WORKER_EFFECT_EXITED)
                tell_exit(slot);
        if (effects & WORKER_EFFECT_LEFT_BEHIND)
                tell_left_behind(slot);
        if (effects & WORKER_EFFECT_STARTED)
                publish_event(engine, EVENT_WORKER_STARTED, slot->pool, slot, NULL, NULL);
        if (effects & WORKER_EFFECT_READY)
                publish_event(engine, EVENT_WORKER_READY, slot->pool, slot, NULL, NULL);
        if (effects & WORKER_EFFECT_UNREADY)
                tell_unwell(slot, EVENT_WORKER_UNREADY);
        if (effects & WORKER_EFFECT_UNHEALTHY)
                tell_unwell(slot, EVENT_WORKER_UNHEALTHY);
}

static void perform_effects(Slot *slot, unsigned effects)
{
        tell_effects(slot, effects);
        if (effects & WORKER_EFFECT_TERMINATE)
                effect_terminate(slot);
        if (effects & WORKER_EFFECT_ABORT)
                effect_abort(slot);
        if (effects & WORKER_EFFECT_KILL)
                effect_kill(slot);
        if (effects & WORKER_EFFECT_DUMP)
                health_dump(slot);
        if (effects & WORKER_EFFECT_CHECK_GONE)
                slot_check_gone(slot);
        if ((effects & WORKER_EFFECT_SPAWN) && pace_take(slot))
                slot_launch(slot);
}

/* Only spreads back-offs; splitmix64, begun at the random number that is our epoch. */
static uint64_t random_number(Engine *engine)
{
        uint64_t number = engine->random += UINT64_C(0x9E3779B97F4A7C15);

        number = (number ^ number >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        number = (number ^ number >> 27) * UINT64_C(0x94D049BB133111EB);
        return number ^ number >> 31;
}

static void step(Slot *slot, const SlotEvent *happened)
{
        unsigned restarts = slot->worker.restarts;
        WorkerState before = slot->worker.state;
        unsigned effects;

        effects = worker_step(&slot->worker, happened->event, &happened->exit,
                              slot->definition->config, now_usec(),
                              random_number(slot->pool->engine));
        if (slot->worker.restarts > restarts)
                slot->pool->restarts++;
        report(LOG_DEBUG, "%s: worker %u: %s: %s -> %s", slot->pool->subject, slot->number,
               worker_event_to_name(happened->event), worker_state_to_name(before),
               worker_state_to_name(slot->worker.state));
        perform_effects(slot, effects);
}

void slot_event(Slot *slot, WorkerEvent event, const WorkerExit *exit)
{
        SlotQueue queue = { .count = 0 };

        if (slot->queue) {
                push_event(slot->queue, event, exit);
                return;
        }
        slot->queue = &queue;
        push_event(&queue, event, exit);
        while (queue.count > 0) {
                SlotEvent happened = queue.events[0];

                queue.count--;
                memmove(&queue.events[0], &queue.events[1], queue.count * sizeof(SlotEvent));
                step(slot, &happened);
        }
        slot->queue = NULL;
        health_follow(slot);
        slot_rearm(slot);
        publish_slot(slot);
        slot->pool->engine->is_state_dirty = true;
        engine_touch(slot->pool->engine, slot->pool);
}

/* ---- the main process ---- */

static int on_reaped_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        reap_adopted(userdata);
        return 0;
}

/* Readable: it has ended. Hung up (Linux 6.9): its parent has reaped it, and only then is its exit
 * status to be had. That follows at once as a rule, but a parent that never reaps, or a kernel that
 * never says so, must not hold up the replacement. */
static int on_adopted_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Slot *slot = userdata;
        int r;

        if (events & EPOLLHUP) {
                reap_adopted(slot);
                return 0;
        }
        r = sd_event_source_set_io_events(source, 0);
        if (r >= 0)
                r = sd_event_add_time_relative(slot->pool->engine->event, &slot->exit_timer,
                                               CLOCK_MONOTONIC, EXIT_STATUS_WAIT_USEC, 1,
                                               on_reaped_late, slot);
        if (r < 0)
                reap_adopted(slot);
        return 0;
}

static int watch_adopted(Slot *slot)
{
        int r = sd_event_add_io(slot->pool->engine->event, &slot->exit_source, slot->process.fd,
                                EPOLLIN, on_adopted_exit, slot);

        return r < 0 ? r : sd_event_source_set_priority(slot->exit_source, PRIORITY_REAP);
}

static void let_go(Slot *slot)
{
        slot->exit_source = sd_event_source_disable_unref(slot->exit_source);
        slot->exit_timer = sd_event_source_disable_unref(slot->exit_timer);
        if (pidref_is_set(&slot->process))
                (void)map_remove(&slot->pool->engine->slots_by_pid, (uint64_t)slot->process.pid);
        slot->ended_pid = slot->process.pid;
        pidref_done(&slot->process);
        slot->pool->engine->is_state_dirty = true;
}

int slot_hold(Slot *slot, PidRef *process_consume, bool is_child)
{
        Engine *engine = slot->pool->engine;
        PidRef process = *process_consume;
        int r = map_put(&engine->slots_by_pid, (uint64_t)process.pid, slot);

        *process_consume = PIDREF_UNSET;
        if (r < 0) {
                pidref_done(&process);
                return r;
        }
        let_go(slot);
        slot->process = process;
        slot->is_child = is_child;
        engine->is_state_dirty = true;
        r = is_child ? 0 : watch_adopted(slot);
        if (r < 0)
                let_go(slot);
        else
                output_begin_life(slot);
        return r;
}

/* What the child did until exec, and what reeve-exec said, if nobody has looked yet.
 * Return: > 0: its command runs; 0: not known; negative errno: a step failed */
static int settle_start(Slot *slot)
{
        int r = slot->child ? flights_land(slot) : 0;

        if (slot->status_fd >= 0)
                r = r < 0 ? r : read_status(slot);
        if (r > 0)
                slot_event(slot, WORKER_EVENT_EXECUTED, NULL);
        return r;
}

void slot_has_spoken(Slot *slot)
{
        if (slot->child || slot->status_fd >= 0)
                (void)settle_start(slot);
}

/* It executed and ended before we were asked: first things first. Return: true if a step failed:
 * the command never ran. */
static bool has_start_failed(Slot *slot)
{
        int r = settle_start(slot);

        finish_status(slot);
        if (r >= 0 && !slot->error)
                return false;
        slot->pool->error = *slot->error;
        report(LOG_ERR, "%s", slot->error->message);
        return true;
}

void slot_exited(Slot *slot, const WorkerExit *exit)
{
        WorkerExit known = *exit;

        limits_explain_exit(slot, &known);
        if (has_start_failed(slot))
                known.reason = EXIT_REASON_SPAWN_FAILED;
        if (slot->start_error > 0) {
                known.kind = EXIT_REASON; /* it ended as a piece of us */
                known.value = slot->start_error;
        }
        if (slot->worker.is_wanted && !slot->worker.is_restart_due)
                operation_start_failed(slot->pool, slot, &known);
        else
                operation_stopped(slot->pool, slot->process.pid);
        output_end_life(slot);
        let_go(slot);
        live_end(slot);
        health_forget(slot); /* what looks at it would be counted among what is left of it */
        refresh_forget(slot);
        slot_event(slot, WORKER_EVENT_EXITED, &known);
}

void slot_check_gone(Slot *slot)
{
        bool was_lingering = slot->is_lingering;

        if (pidref_is_set(&slot->process))
                return;
        /* If it cannot be told it is asked again, at the next death and at the deadline. */
        if (family_is_empty(slot->family, &slot->process) == 1) {
                reap_forget(slot);
                farewell_forget(slot);
                slot_event(slot, WORKER_EVENT_GONE, NULL);
                return;
        }
        reap_linger(slot);
        if (!was_lingering)
                slot_event(slot, WORKER_EVENT_SURVIVORS, NULL);
}
