/* worker.c - see worker.h
 *
 * Read the two tables first. worker_table says what each event means in each state, in the name
 * of a move; the facts of a state are the columns of the other. A move is a small function that
 * changes the machine and returns effects. Where a move may end in several states its row in
 * `moves` lists them, from which the graph is drawn; a test holds moves and list together.
 *
 * There is one way down (go_down, `stopping`) and one place where it is decided what follows
 * (decide), so that "stopped means gone" and the restart policy are each written once. */
#include "model/worker.h"

#include <assert.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "model/dot.h"
#include "model/restart.h"

/* SIGKILL is repeated until nothing lives: a fork bomb may have been faster than one round. */
#define KILL_AGAIN_USEC USEC_PER_SEC
/* What failed to start fails again at once, most likely (EAGAIN, a missing file): RestartSec=0
 * must not turn that into a busy loop. */
#define SPAWN_AGAIN_USEC (100 * USEC_PER_MSEC)

static const char *const worker_state_names[] = {
        [WORKER_SPAWNING] = "spawning",   [WORKER_STARTING] = "starting",
        [WORKER_READY] = "ready",         [WORKER_UNREADY] = "unready",
        [WORKER_RELOADING] = "reloading", [WORKER_STOPPING] = "stopping",
        [WORKER_STOPPED] = "stopped",     [WORKER_BACKOFF] = "backoff",
        [WORKER_FAILED] = "failed",       [WORKER_EXITED] = "exited",
        [WORKER_LOST] = "lost",
};
DEFINE_NAMES(worker_state, WorkerState, worker_state_names);

static const char *const worker_event_names[] = {
        [WORKER_EVENT_START] = "start",
        [WORKER_EVENT_STOP] = "stop",
        [WORKER_EVENT_RESTART] = "restart",
        [WORKER_EVENT_SPAWNED] = "spawned",
        [WORKER_EVENT_SPAWN_FAILED] = "spawn-failed",
        [WORKER_EVENT_EXECUTED] = "executed",
        [WORKER_EVENT_NOTIFY_READY] = "notify-ready",
        [WORKER_EVENT_NOTIFY_RELOADING] = "notify-reloading",
        [WORKER_EVENT_NOTIFY_STOPPING] = "notify-stopping",
        [WORKER_EVENT_PROBE_OK] = "probe-ok",
        [WORKER_EVENT_PROBE_FAILED] = "probe-failed",
        [WORKER_EVENT_DEADLINE] = "deadline",
        [WORKER_EVENT_WATCHDOG] = "watchdog",
        [WORKER_EVENT_STABLE] = "stable",
        [WORKER_EVENT_EXITED] = "exited",
        [WORKER_EVENT_SURVIVORS] = "survivors",
        [WORKER_EVENT_GONE] = "gone",
        [WORKER_EVENT_ADOPTED] = "adopted",
        [WORKER_EVENT_VANISHED] = "vanished",
};
DEFINE_NAMES(worker_event, WorkerEvent, worker_event_names);

static const char *const exit_reason_names[] = {
        [EXIT_REASON_SPAWN_FAILED] = "spawn-failed", [EXIT_REASON_START_TIMEOUT] = "start-timeout",
        [EXIT_REASON_STOP_TIMEOUT] = "stop-timeout", [EXIT_REASON_WATCHDOG] = "watchdog",
        [EXIT_REASON_OOM_KILL] = "oom-kill",         [EXIT_REASON_UNKNOWN] = "unknown",
};
DEFINE_NAMES(exit_reason, ExitReason, exit_reason_names);

/* clang-format off */
static const WorkerFacts facts_table[WORKER_STATE_COUNT] = {
        /*                     process ready  rising settled watchdog extend */
        [WORKER_SPAWNING] =  { true,   false, true,  false,  false,   true  },
        [WORKER_STARTING] =  { true,   false, true,  false,  false,   true  },
        [WORKER_READY] =     { true,   true,  false, true,   true,    false },
        [WORKER_UNREADY] =   { true,   false, false, true,   true,    false },
        [WORKER_RELOADING] = { true,   true,  false, false,  true,    true  },
        [WORKER_STOPPING] =  { true,   false, false, false,  false,   true  },
        [WORKER_STOPPED] =   { false,  false, false, true,   false,   false },
        [WORKER_BACKOFF] =   { false,  false, true,  false,  false,   false },
        [WORKER_FAILED] =    { false,  false, false, true,   false,   false },
        [WORKER_EXITED] =    { false,  false, false, true,   false,   false },
        [WORKER_LOST] =      { true,   false, false, false,  false,   false },
};
/* clang-format on */

const WorkerFacts *worker_facts(WorkerState state)
{
        assert((unsigned)state < WORKER_STATE_COUNT);
        return &facts_table[state];
}

/* What a move may look at, beside the worker. */
typedef struct Occasion {
        const WorkerExit *exit; /* may be NULL */
        const PoolConfig *policy;
        uint64_t now_usec, random;
} Occasion;

/* ---- parts of moves ---- */

static uint64_t time_after(uint64_t now_usec, uint64_t span_usec)
{
        return span_usec > USEC_INFINITY - now_usec ? USEC_INFINITY : now_usec + span_usec;
}

/* A timeout of 0 is none, as in systemd. */
static uint64_t timeout_after(uint64_t now_usec, uint64_t span_usec)
{
        return span_usec == 0 ? USEC_INFINITY : time_after(now_usec, span_usec);
}

static void disarm(Worker *worker)
{
        worker->deadline_usec = USEC_INFINITY;
        worker->watchdog_usec = USEC_INFINITY;
        worker->stable_usec = USEC_INFINITY;
}

/* What belongs to one process and not to the slot. */
static void forget_process(Worker *worker)
{
        disarm(worker);
        worker->started_usec = 0;
        worker->ready_usec = 0;
        worker->is_restart_due = false;
        worker->is_terminate_sent = false;
        worker->is_kill_sent = false;
        worker->pending_exit = (WorkerExit){ .kind = EXIT_NONE };
        worker->down_reason = EXIT_REASON_NONE;
}

static unsigned rest_in(Worker *worker, WorkerState state)
{
        forget_process(worker);
        worker->state = state;
        return 0;
}

static unsigned spawn(Worker *worker)
{
        forget_process(worker);
        worker->state = WORKER_SPAWNING;
        return WORKER_EFFECT_SPAWN;
}

/* A person or the plan wants it up: the past does not count. The start that follows is the first
 * of a new window. */
static void want_up(Worker *worker, const Occasion *occasion)
{
        worker->is_wanted = true;
        worker->restarts = 0;
        worker->failures_in_row = 0;
        worker->limit_window_start_usec = occasion->now_usec;
        worker->limit_starts = 1;
}

static void go_down(Worker *worker, const Occasion *occasion)
{
        disarm(worker);
        worker->state = WORKER_STOPPING;
        worker->deadline_usec =
                timeout_after(occasion->now_usec, occasion->policy->timeout_stop_usec);
}

static unsigned terminate(Worker *worker, const Occasion *occasion)
{
        go_down(worker, occasion);
        worker->is_terminate_sent = true;
        return WORKER_EFFECT_TERMINATE;
}

static bool main_has_ended(const Worker *worker)
{
        return worker->pending_exit.kind != EXIT_NONE;
}

/* In `spawning` the engine may still hold the start back (SpawnRate=). */
static bool has_no_process_yet(const Worker *worker)
{
        return worker->state == WORKER_SPAWNING && worker->started_usec == 0;
}

/* Keep how the main process ended. Why reeve took it down says more than "unknown". */
static unsigned record_exit(Worker *worker, const WorkerExit *exit)
{
        static const WorkerExit unseen = { .kind = EXIT_REASON, .reason = EXIT_REASON_UNKNOWN };
        WorkerExit *record = &worker->pending_exit;

        *record = exit && exit->kind != EXIT_NONE ? *exit : unseen;
        if (worker->down_reason != EXIT_REASON_NONE
            && (record->reason == EXIT_REASON_NONE || record->reason == EXIT_REASON_UNKNOWN))
                record->reason = worker->down_reason;
        worker->last_exit = *record;
        return WORKER_EFFECT_EXITED;
}

static unsigned back_off(Worker *worker, const Occasion *occasion, ExitReason reason)
{
        uint64_t delay =
                restart_delay_usec(occasion->policy, ++worker->failures_in_row, occasion->random);

        if (reason == EXIT_REASON_SPAWN_FAILED)
                delay = MAX(delay, SPAWN_AGAIN_USEC);
        if (delay == 0) {
                worker->restarts++;
                return spawn(worker);
        }
        (void)rest_in(worker, WORKER_BACKOFF); /* has no effects */
        worker->deadline_usec = time_after(occasion->now_usec, delay);
        return 0;
}

/* Nothing lives: what now? */
static unsigned decide(Worker *worker, const Occasion *occasion)
{
        const WorkerExit exit = worker->pending_exit;

        if (!worker->is_wanted)
                return rest_in(worker, WORKER_STOPPED);
        if (worker->is_restart_due)
                return spawn(worker);
        if (!restart_is_wanted(occasion->policy->restart, &exit))
                return rest_in(worker, exit_is_clean(&exit) ? WORKER_EXITED : WORKER_FAILED);
        if (!start_limit_allows(worker, occasion->policy, occasion->now_usec))
                return rest_in(worker, WORKER_FAILED);
        return back_off(worker, occasion, exit.reason);
}

static void arm_ready(Worker *worker, const Occasion *occasion)
{
        const PoolConfig *policy = occasion->policy;

        worker->watchdog_usec = timeout_after(occasion->now_usec, policy->watchdog_usec);
        worker->stable_usec = time_after(occasion->now_usec, policy->stable_usec);
}

/* ---- moves: requests ---- */

static unsigned move_start(Worker *worker, const Occasion *occasion)
{
        want_up(worker, occasion);
        return spawn(worker);
}

static unsigned move_start_after(Worker *worker, const Occasion *occasion)
{
        want_up(worker, occasion);
        worker->is_restart_due = true;
        return 0;
}

static unsigned move_stop(Worker *worker, const Occasion *occasion)
{
        worker->is_wanted = false;
        return terminate(worker, occasion);
}

static unsigned move_give_up(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        worker->is_wanted = false;
        return rest_in(worker, WORKER_STOPPED);
}

static unsigned move_stop_early(Worker *worker, const Occasion *occasion)
{
        return has_no_process_yet(worker) ? move_give_up(worker, occasion)
                                          : move_stop(worker, occasion);
}

/* It is on its way down already, perhaps by itself and without a signal. */
static unsigned move_stop_for_good(Worker *worker, const Occasion *occasion)
{
        worker->is_wanted = false;
        worker->is_restart_due = false;
        if (worker->is_terminate_sent || main_has_ended(worker))
                return 0;
        return terminate(worker, occasion);
}

static unsigned move_restart(Worker *worker, const Occasion *occasion)
{
        want_up(worker, occasion);
        if (has_no_process_yet(worker))
                return 0;
        worker->is_restart_due = true;
        return terminate(worker, occasion);
}

/* Stopped means gone, and two must not run in one slot: a lost one is looked for first. */
static unsigned look_for_lost(Worker *worker, const Occasion *occasion)
{
        go_down(worker, occasion);
        return WORKER_EFFECT_CHECK_GONE;
}

static unsigned move_stop_lost(Worker *worker, const Occasion *occasion)
{
        worker->is_wanted = false;
        return look_for_lost(worker, occasion);
}

static unsigned move_start_lost(Worker *worker, const Occasion *occasion)
{
        want_up(worker, occasion);
        worker->is_restart_due = true;
        return look_for_lost(worker, occasion);
}

/* ---- moves: on the way up ---- */

static unsigned move_spawned(Worker *worker, const Occasion *occasion)
{
        worker->started_usec = occasion->now_usec;
        worker->deadline_usec =
                timeout_after(occasion->now_usec, occasion->policy->timeout_start_usec);
        return 0;
}

/* With a process (reeve-exec failed at a step) the end of it is still to come, and will be taken
 * for what it is; without one nothing lives. */
static unsigned move_spawn_failed(Worker *worker, const Occasion *occasion)
{
        worker->down_reason = EXIT_REASON_SPAWN_FAILED;
        if (!has_no_process_yet(worker)) {
                go_down(worker, occasion);
                return 0;
        }
        return record_exit(worker, occasion->exit) | decide(worker, occasion);
}

static unsigned become_ready(Worker *worker, const Occasion *occasion)
{
        worker->state = WORKER_READY;
        worker->deadline_usec = USEC_INFINITY;
        worker->ready_usec = occasion->now_usec;
        arm_ready(worker, occasion);
        return WORKER_EFFECT_READY;
}

static unsigned move_executed(Worker *worker, const Occasion *occasion)
{
        if (occasion->policy->type != SERVICE_NOTIFY)
                return WORKER_EFFECT_STARTED | become_ready(worker, occasion);
        worker->state = WORKER_STARTING;
        return WORKER_EFFECT_STARTED;
}

/* The datagram overtook the news that the command runs. */
static unsigned move_ready_early(Worker *worker, const Occasion *occasion)
{
        if (has_no_process_yet(worker) || occasion->policy->type != SERVICE_NOTIFY)
                return 0;
        return WORKER_EFFECT_STARTED | become_ready(worker, occasion);
}

static unsigned move_retry(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        worker->restarts++;
        return spawn(worker);
}

/* ---- moves: while it runs ---- */

static unsigned move_reload(Worker *worker, const Occasion *occasion)
{
        worker->state = WORKER_RELOADING;
        worker->deadline_usec =
                timeout_after(occasion->now_usec, occasion->policy->timeout_start_usec);
        return 0;
}

/* Also when the reload took too long: it still runs; a probe or the watchdog says how well. */
static unsigned move_reloaded(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        worker->state = WORKER_READY;
        worker->deadline_usec = USEC_INFINITY;
        return 0;
}

static unsigned move_sicken(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        worker->state = WORKER_UNREADY;
        worker->deadline_usec = USEC_INFINITY; /* of a reload */
        worker->stable_usec = USEC_INFINITY;
        return 0;
}

static unsigned move_recover(Worker *worker, const Occasion *occasion)
{
        worker->state = WORKER_READY;
        worker->stable_usec = time_after(occasion->now_usec, occasion->policy->stable_usec);
        return WORKER_EFFECT_READY;
}

static unsigned move_stable(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        worker->failures_in_row = 0;
        return 0;
}

static unsigned move_adopt(Worker *worker, const Occasion *occasion)
{
        worker->is_wanted = true;
        worker->state = WORKER_READY;
        worker->deadline_usec = USEC_INFINITY;
        /* The engine may know better, from the state that it kept. */
        if (worker->started_usec == 0)
                worker->started_usec = occasion->now_usec;
        if (worker->ready_usec == 0)
                worker->ready_usec = occasion->now_usec;
        arm_ready(worker, occasion);
        return 0;
}

/* ---- moves: on the way down ---- */

static unsigned move_announce_stop(Worker *worker, const Occasion *occasion)
{
        if (has_no_process_yet(worker))
                return 0;
        go_down(worker, occasion);
        return 0;
}

static unsigned move_start_timeout(Worker *worker, const Occasion *occasion)
{
        worker->down_reason = EXIT_REASON_START_TIMEOUT;
        return terminate(worker, occasion);
}

static unsigned move_watchdog(Worker *worker, const Occasion *occasion)
{
        worker->down_reason = EXIT_REASON_WATCHDOG;
        go_down(worker, occasion);
        return WORKER_EFFECT_ABORT;
}

/* The look afterwards is for news of the end that were missed. */
static unsigned move_kill(Worker *worker, const Occasion *occasion)
{
        if (!main_has_ended(worker) && worker->down_reason == EXIT_REASON_NONE)
                worker->down_reason = EXIT_REASON_STOP_TIMEOUT;
        worker->is_kill_sent = true;
        worker->deadline_usec = time_after(occasion->now_usec, KILL_AGAIN_USEC);
        return WORKER_EFFECT_KILL | WORKER_EFFECT_CHECK_GONE;
}

static unsigned move_exited(Worker *worker, const Occasion *occasion)
{
        if (has_no_process_yet(worker))
                return WORKER_EFFECT_UNEXPECTED;
        go_down(worker, occasion);
        return record_exit(worker, occasion->exit) | WORKER_EFFECT_CHECK_GONE;
}

/* The deadline runs on: it was set when the way down began. */
static unsigned move_exited_down(Worker *worker, const Occasion *occasion)
{
        if (main_has_ended(worker))
                return 0;
        return record_exit(worker, occasion->exit) | WORKER_EFFECT_CHECK_GONE;
}

static unsigned move_survivors(Worker *worker, const Occasion *occasion)
{
        KillMode mode = occasion->policy->kill_mode;

        if (!main_has_ended(worker))
                return 0;
        if (mode == KILL_PROCESS)
                return WORKER_EFFECT_LEFT_BEHIND | decide(worker, occasion);
        if (worker->is_kill_sent)
                return 0;
        if (mode == KILL_MIXED) {
                go_down(worker, occasion);
                return move_kill(worker, occasion);
        }
        /* Who got KillSignal with the others need not get it again: to many a program a second
         * one means "at once". */
        return worker->is_terminate_sent ? 0 : terminate(worker, occasion);
}

/* Before the main process was seen to end this is news of a death that nobody saw. */
static unsigned move_gone(Worker *worker, const Occasion *occasion)
{
        unsigned effects = 0;

        if (has_no_process_yet(worker))
                return WORKER_EFFECT_UNEXPECTED;
        if (!main_has_ended(worker))
                effects = record_exit(worker, NULL);
        return effects | decide(worker, occasion);
}

static unsigned move_lose(Worker *worker, const Occasion *occasion)
{
        (void)occasion;
        disarm(worker);
        worker->is_wanted = true;
        worker->state = WORKER_LOST;
        return record_exit(worker, NULL) | WORKER_EFFECT_CHECK_GONE;
}

/* ---- the tables of moves ---- */

typedef enum Move {
        FORGOTTEN, /* an empty cell is a mistake */
        IGNORE,    /* late or repeated news, or nothing to do */
        NEVER,     /* only the machine itself could have brought this about, and it did not */
        START,
        START_AFTER,
        START_LOST,
        STOP,
        STOP_EARLY,
        STOP_AFTER,
        STOP_LOST,
        GIVE_UP,
        RESTART,
        SPAWNED,
        SPAWN_FAIL,
        EXECUTED,
        READY,
        READY_EARLY,
        RETRY,
        RELOAD,
        RELOADED,
        SICKEN,
        RECOVER,
        STABLE,
        ADOPT,
        ANNOUNCE,
        START_LATE,
        WATCHDOG,
        KILL,
        EXITED,
        EXITED_DOWN,
        SURVIVED,
        SURVIVED_LOST,
        DECIDE,
        GONE_UNSEEN,
        LOSE,
        MOVE_COUNT,
} Move;

#define TO(state) (1U << WORKER_##state)
/* After an end that was no clean one; and after any. */
#define TO_AGAIN (TO(SPAWNING) | TO(BACKOFF) | TO(FAILED))
#define TO_REST  (TO_AGAIN | TO(EXITED) | TO(STOPPED))

typedef unsigned (*MoveFunction)(Worker *worker, const Occasion *occasion);

/* clang-format off */
static const struct {
        const char *name;
        MoveFunction function; /* NULL: nothing happens */
        unsigned leads_to;     /* other states it may end in */
} moves[MOVE_COUNT] = {
        [IGNORE] =        { "ignore",        NULL,               0 },
        [NEVER] =         { "impossible",    NULL,               0 },
        [START] =         { "start",         move_start,         TO(SPAWNING) },
        [START_AFTER] =   { "start-after",   move_start_after,   0 },
        [START_LOST] =    { "start-lost",    move_start_lost,    TO(STOPPING) },
        [STOP] =          { "stop",          move_stop,          TO(STOPPING) },
        [STOP_EARLY] =    { "stop-early",    move_stop_early,    TO(STOPPING) | TO(STOPPED) },
        [STOP_AFTER] =    { "stop-for-good", move_stop_for_good, 0 },
        [STOP_LOST] =     { "stop-lost",     move_stop_lost,     TO(STOPPING) },
        [GIVE_UP] =       { "give-up",       move_give_up,       TO(STOPPED) },
        [RESTART] =       { "restart",       move_restart,       TO(STOPPING) },
        [SPAWNED] =       { "spawned",       move_spawned,       0 },
        [SPAWN_FAIL] =    { "spawn-failed",  move_spawn_failed,  TO(STOPPING) | TO(BACKOFF)
                                                                 | TO(FAILED) },
        [EXECUTED] =      { "executed",      move_executed,      TO(STARTING) | TO(READY) },
        [READY] =         { "ready",         become_ready,       TO(READY) },
        [READY_EARLY] =   { "ready-early",   move_ready_early,   TO(READY) },
        [RETRY] =         { "retry",         move_retry,         TO(SPAWNING) },
        [RELOAD] =        { "reload",        move_reload,        TO(RELOADING) },
        [RELOADED] =      { "reloaded",      move_reloaded,      TO(READY) },
        [SICKEN] =        { "sicken",        move_sicken,        TO(UNREADY) },
        [RECOVER] =       { "recover",       move_recover,       TO(READY) },
        [STABLE] =        { "stable",        move_stable,        0 },
        [ADOPT] =         { "adopt",         move_adopt,         TO(READY) },
        [ANNOUNCE] =      { "announce-stop", move_announce_stop, TO(STOPPING) },
        [START_LATE] =    { "start-timeout", move_start_timeout, TO(STOPPING) },
        [WATCHDOG] =      { "watchdog",      move_watchdog,      TO(STOPPING) },
        [KILL] =          { "kill",          move_kill,          0 },
        [EXITED] =        { "exited",        move_exited,        TO(STOPPING) },
        [EXITED_DOWN] =   { "exited-down",   move_exited_down,   0 },
        [SURVIVED] =      { "survivors",     move_survivors,     TO_REST },
        [SURVIVED_LOST] = { "survivors",     move_survivors,     TO_AGAIN | TO(STOPPING) },
        [DECIDE] =        { "decide",        move_gone,          TO_REST },
        [GONE_UNSEEN] =   { "gone-unseen",   move_gone,          TO_AGAIN },
        [LOSE] =          { "lose",          move_lose,          TO(LOST) },
};

/* The columns of a row, by who brings the event; a missing cell does not compile. */
#define ASKED(start, stop, restart) \
        [WORKER_EVENT_START] = start, [WORKER_EVENT_STOP] = stop, [WORKER_EVENT_RESTART] = restart
#define BORN(spawned, failed, executed) \
        [WORKER_EVENT_SPAWNED] = spawned, [WORKER_EVENT_SPAWN_FAILED] = failed, \
        [WORKER_EVENT_EXECUTED] = executed
#define TOLD(ready, reloading, stopping) \
        [WORKER_EVENT_NOTIFY_READY] = ready, [WORKER_EVENT_NOTIFY_RELOADING] = reloading, \
        [WORKER_EVENT_NOTIFY_STOPPING] = stopping
#define PROBED(ok, failed) \
        [WORKER_EVENT_PROBE_OK] = ok, [WORKER_EVENT_PROBE_FAILED] = failed
#define TIMED(deadline, watchdog, stable) \
        [WORKER_EVENT_DEADLINE] = deadline, [WORKER_EVENT_WATCHDOG] = watchdog, \
        [WORKER_EVENT_STABLE] = stable
#define ENDED(exited, survivors, gone) \
        [WORKER_EVENT_EXITED] = exited, [WORKER_EVENT_SURVIVORS] = survivors, \
        [WORKER_EVENT_GONE] = gone
#define FOUND(adopted, vanished) \
        [WORKER_EVENT_ADOPTED] = adopted, [WORKER_EVENT_VANISHED] = vanished

static const unsigned char worker_table[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
        [WORKER_SPAWNING] = {
                ASKED( IGNORE,         STOP_EARLY,     RESTART),
                BORN(  SPAWNED,        SPAWN_FAIL,     EXECUTED),
                TOLD(  READY_EARLY,    IGNORE,         ANNOUNCE),
                PROBED(IGNORE,         IGNORE),
                TIMED( START_LATE,     IGNORE,         NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_STARTING] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          NEVER),
                TOLD(  READY,          IGNORE,         ANNOUNCE),
                PROBED(IGNORE,         IGNORE),
                TIMED( START_LATE,     WATCHDOG,       NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_READY] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         RELOAD,         ANNOUNCE),
                PROBED(IGNORE,         SICKEN),
                TIMED( NEVER,          WATCHDOG,       STABLE),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_UNREADY] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         ANNOUNCE),
                PROBED(RECOVER,        IGNORE),
                TIMED( NEVER,          WATCHDOG,       NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_RELOADING] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  RELOADED,       IGNORE,         ANNOUNCE),
                PROBED(IGNORE,         SICKEN),
                TIMED( RELOADED,       WATCHDOG,       STABLE),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_STOPPING] = {
                ASKED( START_AFTER,    STOP_AFTER,     START_AFTER),
                BORN(  NEVER,          IGNORE,         IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( KILL,           IGNORE,         NEVER),
                ENDED( EXITED_DOWN,    SURVIVED,       DECIDE),
                FOUND( IGNORE,         EXITED_DOWN),
        },
        [WORKER_STOPPED] = {
                ASKED( START,          IGNORE,         START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( ADOPT,          LOSE),
        },
        [WORKER_BACKOFF] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( RETRY,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_FAILED] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_EXITED] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_LOST] = {
                ASKED( START_LOST,     STOP_LOST,      START_LOST),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( IGNORE,         SURVIVED_LOST,  GONE_UNSEEN),
                FOUND( IGNORE,         IGNORE),
        },
};
/* clang-format on */

static Move worker_cell(WorkerState state, WorkerEvent event)
{
        if ((unsigned)state >= WORKER_STATE_COUNT || (unsigned)event >= WORKER_EVENT_COUNT)
                return NEVER;
        return worker_table[state][event];
}

const char *worker_move_name(WorkerState state, WorkerEvent event)
{
        return moves[worker_cell(state, event)].name;
}

/* ---- the machine from outside ---- */

void worker_init(Worker *worker)
{
        *worker = (Worker){ .state = WORKER_STOPPED };
        disarm(worker);
}

unsigned worker_step(Worker *worker, WorkerEvent event, const WorkerExit *exit,
                     const PoolConfig *policy, uint64_t now_usec, uint64_t random)
{
        const Occasion occasion = {
                .exit = exit, .policy = policy, .now_usec = now_usec, .random = random
        };
        WorkerState before = worker->state;
        Move move = worker_cell(before, event);
        unsigned effects;

        if (!moves[move].function)
                return move == IGNORE ? 0 : WORKER_EFFECT_UNEXPECTED;
        effects = moves[move].function(worker, &occasion);
        return effects | (worker->state != before ? WORKER_EFFECT_CHANGED : 0);
}

void worker_extend(Worker *worker, uint64_t now_usec, uint64_t usec)
{
        if (!worker_facts(worker->state)->can_extend || worker->is_kill_sent)
                return;
        /* A deadline that is infinite stays so. */
        worker->deadline_usec = MAX(worker->deadline_usec, time_after(now_usec, usec));
}

void worker_heartbeat(Worker *worker, const PoolConfig *policy, uint64_t now_usec)
{
        if (worker_facts(worker->state)->has_watchdog)
                worker->watchdog_usec = timeout_after(now_usec, policy->watchdog_usec);
}

uint64_t worker_next_usec(const Worker *worker)
{
        uint64_t next = MIN(worker->deadline_usec, worker->watchdog_usec);

        return MIN(next, worker->stable_usec);
}

static bool take_timer(uint64_t *timer_usec, uint64_t now_usec)
{
        if (*timer_usec == USEC_INFINITY || *timer_usec > now_usec)
                return false;
        *timer_usec = USEC_INFINITY;
        return true;
}

WorkerEvent worker_due(Worker *worker, uint64_t now_usec)
{
        if (take_timer(&worker->deadline_usec, now_usec))
                return WORKER_EVENT_DEADLINE;
        if (take_timer(&worker->watchdog_usec, now_usec))
                return WORKER_EVENT_WATCHDOG;
        return take_timer(&worker->stable_usec, now_usec) ? WORKER_EVENT_STABLE : 0;
}

static const char *graph_state(unsigned state)
{
        return worker_state_to_name((WorkerState)state);
}

static const char *graph_event(unsigned event)
{
        return worker_event_to_name((WorkerEvent)event);
}

static unsigned graph_leads(unsigned state, unsigned event)
{
        return moves[worker_cell((WorkerState)state, (WorkerEvent)event)].leads_to;
}

char *worker_dump_states(void)
{
        return dot_render(&(DotGraph){ .name = "worker",
                                       .state_count = WORKER_STATE_COUNT,
                                       .event_count = WORKER_EVENT_COUNT,
                                       .state_name = graph_state,
                                       .event_name = graph_event,
                                       .leads_to = graph_leads });
}
