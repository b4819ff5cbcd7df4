/* pool.h - the state of a pool, as a table of state x event
 *
 * A pool's state is what an operator wants to know first: does it give what was asked of it?
 * The events are facts about its slots and requests of people; pool_observe() derives the
 * former from counts so that the engine need not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"

typedef enum PoolState {
        POOL_STOPPED = 1, /* not wanted, nothing lives */
        POOL_STARTING,    /* on its way to its grid for the first time since a start */
        POOL_RUNNING,     /* all wanted slots are ready */
        POOL_DEGRADED,    /* wanted and alive, but fewer ready slots than asked for */
        POOL_SCALING,     /* an operation changes the grid or the definition */
        POOL_STOPPING,
        POOL_FAILED, /* wanted, nothing ready, and no slot will come back by itself */
        POOL_STATE_COUNT
} PoolState;

typedef enum PoolEvent {
        POOL_EVENT_START = 1,
        POOL_EVENT_STOP,
        POOL_EVENT_CHANGE,  /* an operation began */
        POOL_EVENT_SETTLED, /* all wanted slots are ready, no operation runs */
        POOL_EVENT_RISING,  /* not all are ready, but the others are on their way */
        POOL_EVENT_SHORT,   /* not all are ready, and some do not come by themselves */
        POOL_EVENT_DEAD,    /* nothing lives and nothing rises, though it should */
        POOL_EVENT_EMPTY,   /* nothing lives, and nothing should */
        POOL_EVENT_COUNT
} PoolEvent;

DECLARE_NAMES(pool_state, PoolState);
DECLARE_NAMES(pool_event, PoolEvent);

typedef struct PoolCounts {
        unsigned wanted;  /* slots of the grid in force */
        unsigned ready;   /* ready among them */
        unsigned rising;  /* on their way, or about to be started */
        unsigned alive;   /* slots with a process, wanted or not */
        unsigned ended;   /* exited by policy: neither failed nor coming back */
        bool is_changing; /* an operation runs */
        bool is_up;       /* the pool's goal */
} PoolCounts;

/** pool_observe() - the event that the counts amount to
 *  While an operation runs the counts say nothing: it is expected that slots come and go. A pool
 *  whose slots have all ended by policy is empty, not dead: they did what was asked of them.
 *  Return: 0 if there is nothing to tell */
PoolEvent pool_observe(const PoolCounts *counts);

/** pool_step() - Return: the state that follows; the same state where nothing changes */
PoolState pool_step(PoolState state, PoolEvent event);

/** pool_cell_name() - name of the table's cell: a state, "ignore" or "impossible" */
const char *pool_cell_name(PoolState state, PoolEvent event);

/** pool_dump_states() - the table as a dot graph; Return: malloc'd text, NULL without memory */
char *pool_dump_states(void);
