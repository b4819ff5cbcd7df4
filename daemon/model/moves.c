/* moves.c - see moves.h
 *
 * There is one way down (go_down, `stopping`) and one place where it is decided what follows
 * (decide), so that "stopped means gone" and the restart policy are each written once. */
#include "model/moves.h"

#include "base/cleanup.h"
#include "model/restart.h"
#include <errno.h>

/* SIGKILL is repeated until nothing lives: a fork bomb may have been faster than one round. */
#define KILL_AGAIN_USEC USEC_PER_SEC
/* What failed to start fails again at once, most likely (EAGAIN, a missing file): RestartSec=0
 * must not turn that into a busy loop. */
#define SPAWN_AGAIN_USEC (100 * USEC_PER_MSEC)

/* ---- parts of moves ---- */

void timers_disarm(Worker *worker)
{
        worker->deadline_usec = USEC_INFINITY;
        worker->watchdog_usec = USEC_INFINITY;
        worker->stable_usec = USEC_INFINITY;
}

/* What belongs to one process and not to the slot. */
static void forget_process(Worker *worker)
{
        timers_disarm(worker);
        worker->started_usec = 0;
        worker->ready_usec = 0;
        worker->is_restart_due = false;
        worker->is_terminate_sent = false;
        worker->is_kill_sent = false;
        worker->is_dumping = false;
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
        timers_disarm(worker);
        worker->state = WORKER_STOPPING;
        worker->is_dumping = false;
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

/* A shortage of the machine passes; it says nothing about the worker and is no reason to give up. */
static bool is_shortage(const WorkerExit *exit)
{
        return exit->kind == EXIT_REASON && exit->reason == EXIT_REASON_SPAWN_FAILED
               && (exit->value == EAGAIN || exit->value == ENOMEM || exit->value == EMFILE
                   || exit->value == ENFILE);
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
        if (!is_shortage(&exit)
            && !start_limit_allows(worker, occasion->policy, occasion->now_usec))
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

/* Who has neither READY=1 nor a probe to tell by is ready as soon as the command runs. */
static unsigned move_executed(Worker *worker, const Occasion *occasion)
{
        if (occasion->policy->type != SERVICE_NOTIFY && occasion->policy->probe == PROBE_NONE)
                return WORKER_EFFECT_STARTED | become_ready(worker, occasion);
        worker->state = WORKER_STARTING;
        return WORKER_EFFECT_STARTED;
}

static unsigned move_ready(Worker *worker, const Occasion *occasion)
{
        return occasion->policy->type == SERVICE_NOTIFY ? become_ready(worker, occasion) : 0;
}

/* The word of a worker that is asked for one counts more than its probe. */
static unsigned move_proved(Worker *worker, const Occasion *occasion)
{
        return occasion->policy->type != SERVICE_NOTIFY ? become_ready(worker, occasion) : 0;
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
        return WORKER_EFFECT_UNREADY;
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

/* ExecDump= looks at it as it is; what follows comes with its end or its deadline. */
static unsigned take_down_hung(Worker *worker, const Occasion *occasion, ExitReason reason)
{
        const PoolConfig *policy = occasion->policy;

        worker->down_reason = reason;
        go_down(worker, occasion);
        if (!policy->dump_command)
                return WORKER_EFFECT_UNHEALTHY | WORKER_EFFECT_ABORT;
        worker->is_dumping = true;
        worker->deadline_usec = time_after(occasion->now_usec, policy->dump_timeout_usec);
        return WORKER_EFFECT_UNHEALTHY | WORKER_EFFECT_DUMP;
}

static unsigned move_watchdog(Worker *worker, const Occasion *occasion)
{
        return take_down_hung(worker, occasion, EXIT_REASON_WATCHDOG);
}

static unsigned move_hung(Worker *worker, const Occasion *occasion)
{
        return take_down_hung(worker, occasion, EXIT_REASON_PROBE);
}

static unsigned move_dumped(Worker *worker, const Occasion *occasion)
{
        if (!worker->is_dumping)
                return 0;
        go_down(worker, occasion);
        return WORKER_EFFECT_ABORT;
}

/* The look afterwards is for news of the end that were missed. */
static unsigned move_kill(Worker *worker, const Occasion *occasion)
{
        if (worker->is_dumping)
                return move_dumped(worker, occasion);
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
        worker->is_dumping = false; /* there is nothing left to look at */
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
        timers_disarm(worker);
        worker->is_wanted = true;
        worker->state = WORKER_LOST;
        return record_exit(worker, NULL) | WORKER_EFFECT_CHECK_GONE;
}

/* ---- all of them ---- */

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
} move_rows[MOVE_COUNT] = {
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
        [READY] =         { "ready",         move_ready,         TO(READY) },
        [READY_EARLY] =   { "ready-early",   move_ready_early,   TO(READY) },
        [PROVED] =        { "proved",        move_proved,        TO(READY) },
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
        [HUNG] =          { "hung",          move_hung,          TO(STOPPING) },
        [DUMPED] =        { "dumped",        move_dumped,        0 },
        [KILL] =          { "kill",          move_kill,          0 },
        [EXITED] =        { "exited",        move_exited,        TO(STOPPING) },
        [EXITED_DOWN] =   { "exited-down",   move_exited_down,   0 },
        [SURVIVED] =      { "survivors",     move_survivors,     TO_REST },
        [SURVIVED_LOST] = { "survivors",     move_survivors,     TO_AGAIN | TO(STOPPING) },
        [DECIDE] =        { "decide",        move_gone,          TO_REST },
        [GONE_UNSEEN] =   { "gone-unseen",   move_gone,          TO_AGAIN },
        [LOSE] =          { "lose",          move_lose,          TO(LOST) },
};

unsigned move_perform(Move move, Worker *worker, const Occasion *occasion)
{
        if (move_rows[move].function)
                return move_rows[move].function(worker, occasion);
        return move == IGNORE ? 0 : WORKER_EFFECT_UNEXPECTED;
}

const char *move_name(Move move)
{
        return move_rows[move].name;
}

unsigned move_leads_to(Move move)
{
        return move_rows[move].leads_to;
}
