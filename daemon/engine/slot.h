/* slot.h - one slot of a pool: the model's Worker and everything it holds of the kernel
 *
 * A slot outlives its processes: family, log pipe and reuseport sockets serve one life after
 * the other. It is made when the plan first starts it and freed when it is stopped and no longer
 * part of the grid. */
#pragma once

#include <sys/queue.h>

#include "engine/definition.h"
#include "engine/engine.h"
#include "engine/output.h"
#include "model/census.h"
#include "model/recycle.h"
#include "model/worker.h"
#include "sample/process.h"
#include "sys/pidref.h"

enum { SLOT_QUEUE_SIZE = 8, INSTANCE_SIZE = 40 };

typedef struct SlotEvent {
        WorkerEvent event;
        WorkerExit exit;
} SlotEvent;

/* Events raised while one is handled. */
typedef struct SlotQueue {
        SlotEvent events[SLOT_QUEUE_SIZE];
        unsigned count;
} SlotQueue;

/* A worker that reads its configuration anew: see refresh.c. */
typedef enum Refresh {
        REFRESH_NONE,
        REFRESH_DUE,
        REFRESH_RUNNING,  /* ExecReload= runs */
        REFRESH_TOLD,     /* the signal was sent, or the command has ended well */
        REFRESH_ANSWERED, /* it said RELOADING=1 since */
} Refresh;

struct Slot {
        Pool *pool;
        unsigned number;
        uint32_t row;    /* of the board */
        uint16_t traits; /* what it counts for: see headcount.c */
        Worker worker;
        Definition *definition; /* of the present life, or of the one being started */

        PidRef process;  /* the main process; unset once reaped */
        pid_t ended_pid; /* of the main process before */
        bool is_child, is_adopted;
        sd_event_source *exit_timer;  /* while its exit status is waited for */
        sd_event_source *exit_source; /* pidfd of a process that is not our child */
        Child *child;                 /* on its way to exec; NULL: it has executed */
        TAILQ_ENTRY(Slot) flight;     /* while it is: see flights.c */
        int start_error;              /* of the step that failed on that way, positive errno */
        int status_fd;                /* reeve-exec reports here; -1: nothing is awaited */
        sd_event_source *status_source;
        Family *family;
        SlotOutput output;
        struct Live *live; /* of ThreadControl=live; see live.h */
        size_t listen_fd_count;
        int *listen_fds;             /* reuseport sockets of this slot */
        HeapItem deadline;           /* when it is due next: see deadlines.c */
        TAILQ_ENTRY(Slot) lingering; /* main process gone, others live: see reap.c */
        bool is_lingering;
        TAILQ_ENTRY(Slot) farewell; /* the rest of its family is to be told: see farewell.c */
        bool is_farewell_due;
        TAILQ_ENTRY(Slot) paced; /* waits for its turn to start: see pace.c */
        bool is_paced;
        Wear wear;      /* how long the present life has served: see recycle.c */
        bool is_worn;   /* the plan replaces it */
        Health *health; /* its own probe; NULL: it has none, see health.c */
        Aide *dump;     /* ExecDump= that looks at it */

        char instance[INSTANCE_SIZE]; /* REEVE_INSTANCE of the present life */
        char *status_text;            /* STATUS=; NULL: it has said none */
        uint64_t started_realtime_usec;
        ProcessSample sample;
        bool has_sample;
        double cpu_ratio;   /* negative: not known */
        const Error *error; /* why the last start failed, NULL: it did not */
        uint64_t operation; /* id of the one that began this life; 0: none */
        unsigned operation_failures;

        Refresh refresh;
        pid_t refresh_pid; /* who is to reload */
        uint64_t refresh_usec;
        Aide *reloader; /* ExecReload= */

        SlotQueue *queue; /* of slot_event(); NULL: none is handled */
};

/** slot_new() - make the slot's family and board row; nothing runs yet
 *  Return: 0; negative errno with @reterr */
int slot_new(Pool *pool, unsigned number, Slot **ret, Error *reterr);

/** slot_free() - nothing of it may live; Return: NULL */
Slot *slot_free(Slot *slot);
DEFINE_AUTO(Slot, slot_free);

/** slot_drop_listeners() - its reuseport sockets are others from now on */
void slot_drop_listeners(Slot *slot);

/** slot_event() - something happened to the worker: step the model, perform the effects
 *  @exit: for WORKER_EVENT_EXITED and SPAWN_FAILED, else NULL */
void slot_event(Slot *slot, WorkerEvent event, const WorkerExit *exit);

/** slot_due() - a deadline of the worker is over
 *  @usec: when it was, CLOCK_MONOTONIC */
void slot_due(Slot *slot, uint64_t usec);

/** slot_rearm() - its deadlines changed without an event (EXTEND_TIMEOUT_USEC=, WATCHDOG=1) */
void slot_rearm(Slot *slot);

/** slot_define() - the definition of the next life */
void slot_define(Slot *slot, Definition *definition);

/** slot_has_spoken() - a word of the worker came, so its command runs: what is to be known of its
 *  start is known before the word is heard */
void slot_has_spoken(Slot *slot);

/** slot_exited() - the main process ended (and is reaped, if it was our child) */
void slot_exited(Slot *slot, const WorkerExit *exit);

/** slot_launch() - start the process of a slot that is `spawning`; nothing if it is not any more */
void slot_launch(Slot *slot);

/** slot_kill() - SIGKILL to all that lives of it, whatever KillMode= says */
void slot_kill(Slot *slot);

/** slot_check_gone() - raise WORKER_EVENT_GONE if nothing of the slot lives */
void slot_check_gone(Slot *slot);

/** slot_hold() - this process is the worker's main process from now on
 *  @process_consume: closed if it cannot be held
 *  @is_child: its death comes by SIGCHLD, else by its pidfd
 *  Return: 0, negative errno */
int slot_hold(Slot *slot, PidRef *process_consume, bool is_child);

/** slot_subject() - "pool web: worker 3", for messages; Return: @buffer */
char *slot_subject(const Slot *slot, char *buffer, size_t size);

/** slot_keep_error() - note why its start failed; it is forgotten with the next start */
void slot_keep_error(Slot *slot, const Error *error);

/** slot_say() - STATUS= of the worker; empty: it takes back what it said */
void slot_say(Slot *slot, const char *text);

/** slot_explain() - why its last process is no more, as a sentence that says where to look */
void slot_explain(const Slot *slot, const WorkerExit *exit, Error *ret);

/** slot_facts() - what is true of its state */
static inline const WorkerFacts *slot_facts(const Slot *slot)
{
        return worker_facts(slot->worker.state);
}
