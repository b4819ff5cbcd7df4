/* worker.c - see worker.h
 *
 * Two tables tell it all: worker_table says what each event means in each state, in the name of
 * a move (moves.c); facts_table says what is true of a state. */
#include "model/worker.h"

#include <assert.h>

#include "base/cleanup.h"
#include "model/dot.h"
#include "model/moves.h"

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
        [WORKER_EVENT_PROBE_HUNG] = "probe-hung",
        [WORKER_EVENT_DUMPED] = "dumped",
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
        [EXIT_REASON_SPAWN_FAILED] = "spawn-failed",
        [EXIT_REASON_START_TIMEOUT] = "start-timeout",
        [EXIT_REASON_STOP_TIMEOUT] = "stop-timeout",
        [EXIT_REASON_WATCHDOG] = "watchdog",
        [EXIT_REASON_PROBE] = "probe",
        [EXIT_REASON_OOM_KILL] = "oom-kill",
        [EXIT_REASON_UNKNOWN] = "unknown",
};
DEFINE_NAMES(exit_reason, ExitReason, exit_reason_names);

/* clang-format off */
static const WorkerFacts facts_table[WORKER_STATE_COUNT] = {
        /*                     process ready  rising settled watchdog extend probed */
        [WORKER_SPAWNING] =  { true,   false, true,  false,  false,   true,  false },
        [WORKER_STARTING] =  { true,   false, true,  false,  false,   true,  true  },
        [WORKER_READY] =     { true,   true,  false, true,   true,    false, true  },
        [WORKER_UNREADY] =   { true,   false, false, true,   true,    false, true  },
        [WORKER_RELOADING] = { true,   true,  false, false,  true,    true,  true  },
        [WORKER_STOPPING] =  { true,   false, false, false,  false,   true,  false },
        [WORKER_STOPPED] =   { false,  false, false, true,   false,   false, false },
        [WORKER_BACKOFF] =   { false,  false, true,  false,  false,   false, false },
        [WORKER_FAILED] =    { false,  false, false, true,   false,   false, false },
        [WORKER_EXITED] =    { false,  false, false, true,   false,   false, false },
        [WORKER_LOST] =      { true,   false, false, false,  false,   false, false },
};
/* clang-format on */

const WorkerFacts *worker_facts(WorkerState state)
{
        assert((unsigned)state < WORKER_STATE_COUNT);
        return &facts_table[state];
}

/* ---- the table ---- */

/* clang-format off */
/* The columns of a row, by who brings the event; a missing cell does not compile. */
#define ASKED(start, stop, restart) \
        [WORKER_EVENT_START] = start, [WORKER_EVENT_STOP] = stop, [WORKER_EVENT_RESTART] = restart
#define BORN(spawned, failed, executed) \
        [WORKER_EVENT_SPAWNED] = spawned, [WORKER_EVENT_SPAWN_FAILED] = failed, \
        [WORKER_EVENT_EXECUTED] = executed
#define TOLD(ready, reloading, stopping) \
        [WORKER_EVENT_NOTIFY_READY] = ready, [WORKER_EVENT_NOTIFY_RELOADING] = reloading, \
        [WORKER_EVENT_NOTIFY_STOPPING] = stopping
#define PROBED(ok, failed, hung, dumped) \
        [WORKER_EVENT_PROBE_OK] = ok, [WORKER_EVENT_PROBE_FAILED] = failed, \
        [WORKER_EVENT_PROBE_HUNG] = hung, [WORKER_EVENT_DUMPED] = dumped
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
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
                TIMED( START_LATE,     IGNORE,         NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_STARTING] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          NEVER),
                TOLD(  READY,          IGNORE,         ANNOUNCE),
                PROBED(PROVED,         IGNORE,         IGNORE,         IGNORE),
                TIMED( START_LATE,     WATCHDOG,       NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_READY] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         RELOAD,         ANNOUNCE),
                PROBED(IGNORE,         SICKEN,         HUNG,           IGNORE),
                TIMED( NEVER,          WATCHDOG,       STABLE),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_UNREADY] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         ANNOUNCE),
                PROBED(RECOVER,        IGNORE,         HUNG,           IGNORE),
                TIMED( NEVER,          WATCHDOG,       NEVER),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_RELOADING] = {
                ASKED( IGNORE,         STOP,           RESTART),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  RELOADED,       IGNORE,         ANNOUNCE),
                PROBED(IGNORE,         SICKEN,         HUNG,           IGNORE),
                TIMED( RELOADED,       WATCHDOG,       STABLE),
                ENDED( EXITED,         IGNORE,         GONE_UNSEEN),
                FOUND( IGNORE,         LOSE),
        },
        [WORKER_STOPPING] = {
                ASKED( START_AFTER,    STOP_AFTER,     START_AFTER),
                BORN(  NEVER,          IGNORE,         IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         DUMPED),
                TIMED( KILL,           IGNORE,         NEVER),
                ENDED( EXITED_DOWN,    SURVIVED,       DECIDE),
                FOUND( IGNORE,         EXITED_DOWN),
        },
        [WORKER_STOPPED] = {
                ASKED( START,          IGNORE,         START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( ADOPT,          LOSE),
        },
        [WORKER_BACKOFF] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
                TIMED( RETRY,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_FAILED] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_EXITED] = {
                ASKED( START,          GIVE_UP,        START),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
                TIMED( NEVER,          IGNORE,         NEVER),
                ENDED( NEVER,          IGNORE,         IGNORE),
                FOUND( NEVER,          NEVER),
        },
        [WORKER_LOST] = {
                ASKED( START_LOST,     STOP_LOST,      START_LOST),
                BORN(  NEVER,          NEVER,          IGNORE),
                TOLD(  IGNORE,         IGNORE,         IGNORE),
                PROBED(IGNORE,         IGNORE,         IGNORE,         IGNORE),
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
        return move_name(worker_cell(state, event));
}

/* ---- the machine from outside ---- */

void worker_init(Worker *worker)
{
        *worker = (Worker){ .state = WORKER_STOPPED };
        timers_disarm(worker);
}

unsigned worker_step(Worker *worker, WorkerEvent event, const WorkerExit *exit,
                     const PoolConfig *policy, uint64_t now_usec, uint64_t random)
{
        const Occasion occasion = {
                .exit = exit, .policy = policy, .now_usec = now_usec, .random = random
        };
        WorkerState before = worker->state;
        unsigned effects = move_perform(worker_cell(before, event), worker, &occasion);

        return effects | (worker->state != before ? WORKER_EFFECT_CHANGED : 0);
}

void worker_extend(Worker *worker, uint64_t now_usec, uint64_t usec)
{
        if (!worker_facts(worker->state)->can_extend || worker->is_kill_sent || worker->is_dumping)
                return;
        /* A deadline that is infinite stays so. */
        worker->deadline_usec = MAX(worker->deadline_usec, time_after(now_usec, usec));
}

void worker_heartbeat(Worker *worker, const PoolConfig *policy, uint64_t now_usec)
{
        if (worker_facts(worker->state)->has_watchdog)
                worker->watchdog_usec = timeout_after(now_usec, policy->watchdog_usec);
}

bool worker_excuse(Worker *worker, const PoolConfig *policy, uint64_t now_usec)
{
        const WorkerFacts *facts = worker_facts(worker->state);
        bool has_watchdog = facts->has_watchdog && worker->watchdog_usec <= now_usec;
        bool is_late = facts->is_rising && facts->has_process && worker->deadline_usec <= now_usec;

        if (has_watchdog)
                worker->watchdog_usec = timeout_after(now_usec, policy->watchdog_usec);
        if (is_late)
                worker->deadline_usec = timeout_after(now_usec, policy->timeout_start_usec);
        return has_watchdog || is_late;
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
        return move_leads_to(worker_cell((WorkerState)state, (WorkerEvent)event));
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
