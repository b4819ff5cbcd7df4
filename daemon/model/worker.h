/* worker.h - the life of one slot, as a table of state x event
 *
 * A worker is the process that holds a slot of a pool's grid. Its life is told completely by
 * worker_table in worker.c: every state, every event, one move each. Moves change the machine
 * and return effects, which the engine performs afterwards; nothing here knows a process, a
 * clock or a loop.
 *
 *   stopped -> spawning -> starting -> ready -> stopping -> stopped
 *                  |           |         |          `-> backoff -> spawning ...
 *                  `-----------+---------+-----------> backoff, failed, exited
 *
 * `stopping` covers every way down: asked for, crashed with descendants left behind, or timed
 * out. It ends only with WORKER_EVENT_GONE: nothing of the slot lives. What follows then (stopped,
 * backoff, failed, exited) was decided by why it went down.
 *
 * When the main process ends (EXITED) the machine asks by WORKER_EFFECT_CHECK_GONE; the engine
 * looks and answers with GONE or SURVIVORS at once, and brings a later GONE by itself. Survivors
 * are treated as KillMode= says: control-group sends them KillSignal and SIGKILL at the deadline,
 * mixed sends SIGKILL, process leaves them alone, which is the one way by which something may
 * outlive `stopped`: it was asked for, and it is reported.
 *
 * A worker is hung when WATCHDOG=1 stays away or its probe fails for too long. ExecDump= may look at
 * it first (WORKER_EFFECT_DUMP, until DUMPED or DumpTimeoutSec=); then it gets SIGABRT, and SIGKILL
 * at the stop deadline. With a probe a worker that does not say READY=1 itself is `starting` until
 * the first one succeeds.
 *
 * The engine tells EXECUTED or SPAWN_FAILED before the EXITED of the same process. A pending
 * WORKER_EFFECT_SPAWN (the engine may hold it back) is void once the state is not `spawning`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"
#include "config/config.h"

typedef enum WorkerState {
        WORKER_SPAWNING = 1, /* being set up: no command runs yet */
        WORKER_STARTING,     /* the command runs and has not said READY=1 */
        WORKER_READY,
        WORKER_UNREADY, /* was ready, its probe fails */
        WORKER_RELOADING,
        WORKER_STOPPING, /* on the way down; ends when nothing of the slot lives */
        WORKER_STOPPED,  /* not wanted, nothing lives */
        WORKER_BACKOFF,  /* waits for its next start */
        WORKER_FAILED,   /* gave up: policy or start limit; a person's start still works */
        WORKER_EXITED,   /* ended and the policy does not start it again */
        WORKER_LOST,     /* after the core's restart: it cannot be told whether it lives */
        WORKER_STATE_COUNT
} WorkerState;

typedef enum WorkerEvent {
        WORKER_EVENT_START = 1, /* a person or the plan wants it up; resets back-off and limit */
        WORKER_EVENT_STOP,      /* a person or the plan wants it gone */
        WORKER_EVENT_RESTART,   /* down and up again, no back-off */
        WORKER_EVENT_SPAWNED,   /* the process exists; reeve-exec still prepares it */
        WORKER_EVENT_SPAWN_FAILED,
        WORKER_EVENT_EXECUTED, /* the command runs */
        WORKER_EVENT_NOTIFY_READY,
        WORKER_EVENT_NOTIFY_RELOADING,
        WORKER_EVENT_NOTIFY_STOPPING,
        WORKER_EVENT_PROBE_OK,
        WORKER_EVENT_PROBE_FAILED, /* often enough to count */
        WORKER_EVENT_PROBE_HUNG,   /* so long that it is taken to be hung */
        WORKER_EVENT_DUMPED,       /* ExecDump= has ended, or could not be started */
        WORKER_EVENT_DEADLINE,     /* the state's own deadline: start, stop, or end of back-off */
        WORKER_EVENT_WATCHDOG,     /* WATCHDOG=1 did not come in time, or WATCHDOG=trigger came */
        WORKER_EVENT_STABLE,       /* up for StableSec */
        WORKER_EVENT_EXITED,       /* the main process ended; others of the slot may live */
        WORKER_EVENT_SURVIVORS,    /* the answer to CHECK_GONE when something of the slot lives */
        WORKER_EVENT_GONE,         /* nothing of the slot lives */
        WORKER_EVENT_ADOPTED,      /* found alive and ready after the core's restart; one found in
                                  * another state goes on from there without this event */
        WORKER_EVENT_VANISHED,     /* its identity could not be verified */
        WORKER_EVENT_COUNT
} WorkerEvent;

DECLARE_NAMES(worker_state, WorkerState);
DECLARE_NAMES(worker_event, WorkerEvent);

/* What is true of a state, for everybody who would otherwise list states. */
typedef struct WorkerFacts {
        bool has_process;  /* something of the slot may live */
        bool is_ready;     /* counts as capacity */
        bool is_rising;    /* on its way to ready by itself: spawning, starting, backoff */
        bool is_settled;   /* nothing will happen without an event from outside */
        bool has_watchdog; /* WATCHDOG=1 is expected */
        bool can_extend;   /* EXTEND_TIMEOUT_USEC moves its deadline */
        bool is_probed;    /* [Health] is looked after */
} WorkerFacts;

/** worker_facts() - Return: the row of @state, which must be a state */
const WorkerFacts *worker_facts(WorkerState state);

/* How a process ended. */
typedef enum ExitKind { EXIT_NONE, EXIT_CODE, EXIT_SIGNAL, EXIT_REASON } ExitKind;
typedef enum ExitReason {
        EXIT_REASON_NONE,
        EXIT_REASON_SPAWN_FAILED,
        EXIT_REASON_START_TIMEOUT,
        EXIT_REASON_STOP_TIMEOUT,
        EXIT_REASON_WATCHDOG,
        EXIT_REASON_PROBE, /* its probe failed for too long */
        EXIT_REASON_OOM_KILL,
        EXIT_REASON_UNKNOWN, /* ended while nobody could see how */
        EXIT_REASON_COUNT
} ExitReason;
DECLARE_NAMES(exit_reason, ExitReason);

typedef struct WorkerExit {
        ExitKind kind;
        int value;         /* code or signal number; of a failed spawn the errno */
        ExitReason reason; /* set beside kind when reeve knows why: start-timeout + SIGKILL */
        uint64_t realtime_usec;
} WorkerExit;

/* News first, then deeds; what may bring the next event comes last. */
typedef enum WorkerEffect {
        WORKER_EFFECT_UNEXPECTED = 1 << 0,  /* an impossible event came: log it */
        WORKER_EFFECT_EXITED = 1 << 1,      /* event worker.exited, with last_exit */
        WORKER_EFFECT_LEFT_BEHIND = 1 << 2, /* KillMode=process: survivors are let live, log them */
        WORKER_EFFECT_CHANGED = 1 << 3,     /* the state is another one than before */
        WORKER_EFFECT_STARTED = 1 << 4,     /* event worker.started: the command runs */
        WORKER_EFFECT_READY = 1 << 5,       /* event worker.ready */
        WORKER_EFFECT_UNREADY = 1 << 6,     /* event worker.unready */
        WORKER_EFFECT_UNHEALTHY = 1 << 7,   /* event worker.unhealthy: it is replaced */
        WORKER_EFFECT_TERMINATE = 1 << 8,   /* KillSignal, then SIGCONT: to all of the slot, with
                                            * KillMode= mixed and process to the main process */
        WORKER_EFFECT_ABORT = 1 << 9,       /* SIGABRT, then SIGCONT, to the main process */
        WORKER_EFFECT_KILL = 1 << 10,       /* SIGKILL: to all of the slot, with KillMode=process to
                                            * the main process */
        WORKER_EFFECT_DUMP = 1 << 11,       /* run ExecDump=; DUMPED when it is over */
        WORKER_EFFECT_CHECK_GONE = 1 << 12, /* look whether anything lives; GONE or SURVIVORS */
        WORKER_EFFECT_SPAWN = 1 << 13,      /* start a process; SPAWNED or SPAWN_FAILED */
} WorkerEffect;

typedef struct Worker {
        WorkerState state;
        bool is_wanted;           /* the goal: up or down */
        bool is_restart_due;      /* when gone: start again at once */
        unsigned restarts;        /* automatic ones since a person's start */
        unsigned failures_in_row; /* ends without StableSec between; exponent of the back-off */
        uint64_t limit_window_start_usec; /* start limit */
        unsigned limit_starts;
        uint64_t started_usec; /* CLOCK_MONOTONIC, of the present process; 0: none yet */
        uint64_t ready_usec;   /* 0: not yet */
        uint64_t deadline_usec, watchdog_usec, stable_usec; /* absolute; USEC_INFINITY: none */
        bool is_terminate_sent, is_kill_sent;               /* to the present process */
        bool is_dumping;         /* on its way down, and ExecDump= looks at it first */
        WorkerExit last_exit;    /* of the process that ended last, set by EXITED */
        WorkerExit pending_exit; /* the same until all is gone: the policy looks at it then */
        ExitReason down_reason;  /* why reeve itself took it down */
} Worker;

/** worker_init() - a slot that is stopped and not wanted; there is nothing to undo */
void worker_init(Worker *worker);

/** worker_step() - one event happens to one worker
 *  @exit: how the main process ended, for WORKER_EVENT_EXITED and SPAWN_FAILED; else NULL
 *  @policy: the definition that the present process was started from
 *  @now_usec: CLOCK_MONOTONIC
 *  @random: any number; spreads the back-off
 *  Return: WORKER_EFFECT_* to perform, in the order of their bits, 0 for none */
unsigned worker_step(Worker *worker, WorkerEvent event, const WorkerExit *exit,
                     const PoolConfig *policy, uint64_t now_usec, uint64_t random);

/** worker_extend() - EXTEND_TIMEOUT_USEC: the state's deadline is at least @usec from now
 *  Not after SIGKILL was sent, and not the end of a back-off. */
void worker_extend(Worker *worker, uint64_t now_usec, uint64_t usec);

/** worker_heartbeat() - WATCHDOG=1 came */
void worker_heartbeat(Worker *worker, const PoolConfig *policy, uint64_t now_usec);

/** worker_excuse() - reeved itself did not run for a while: what a worker owed meanwhile (WATCHDOG=1,
 *  becoming ready) is owed from now on for one more span
 *  Return: whether anything was put off; worker_due() is asked afterwards */
bool worker_excuse(Worker *worker, const PoolConfig *policy, uint64_t now_usec);

/** worker_next_usec() - Return: when worker_due() should be asked, USEC_INFINITY: never */
uint64_t worker_next_usec(const Worker *worker);

/** worker_due() - take one timer that has run out, to be handed to worker_step()
 *  Return: the event, 0 if none is due; ask again after the step, until 0 */
WorkerEvent worker_due(Worker *worker, uint64_t now_usec);

/** worker_dump_states() - the table as a dot graph, for docs/state-machine.md
 *  Return: malloc'd text, NULL without memory */
char *worker_dump_states(void);

/** worker_move_name() - name of the table's cell, for tests and documents: "ignore",
 *  "impossible", or a move; Return: NULL only if the cell was forgotten */
const char *worker_move_name(WorkerState state, WorkerEvent event);
