/* moves.h - what worker_table is made of; only worker.c and moves.c know this
 *
 * A move is what an event does to a worker in some state: it changes the machine and returns
 * effects. A row for each says its name and the states in which it may end, from which the graph
 * is drawn; a test holds rows and moves together. */
#pragma once

#include "base/units.h"
#include "model/worker.h"

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
        PROVED,
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
        HUNG,
        DUMPED,
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

/* What a move may look at, beside the worker. */
typedef struct Occasion {
        const WorkerExit *exit; /* may be NULL */
        const PoolConfig *policy;
        uint64_t now_usec, random;
} Occasion;

/** move_perform() - Return: WORKER_EFFECT_*, all but CHANGED */
unsigned move_perform(Move move, Worker *worker, const Occasion *occasion);

/** move_name() - Return: static string, NULL for FORGOTTEN */
const char *move_name(Move move);

/** move_leads_to() - Return: states other than the present one, bit 1 << state each */
unsigned move_leads_to(Move move);

/** timers_disarm() - no timer runs */
void timers_disarm(Worker *worker);

static inline uint64_t time_after(uint64_t now_usec, uint64_t span_usec)
{
        return span_usec > USEC_INFINITY - now_usec ? USEC_INFINITY : now_usec + span_usec;
}

/* A timeout of 0 is none, as in systemd. */
static inline uint64_t timeout_after(uint64_t now_usec, uint64_t span_usec)
{
        return span_usec == 0 ? USEC_INFINITY : time_after(now_usec, span_usec);
}
