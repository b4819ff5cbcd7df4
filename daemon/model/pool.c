/* pool.c - see pool.h
 *
 * The table holds the state that follows, so it is the whole machine: there is nothing to do
 * when a pool's state changes but to tell it. */
#include "model/pool.h"

#include "base/cleanup.h"
#include "model/dot.h"

enum { IGNORE = POOL_STATE_COUNT, NEVER }; /* cells beside states; 0: forgotten */

static const char *const pool_state_names[] = {
        [POOL_STOPPED] = "stopped",   [POOL_STARTING] = "starting", [POOL_RUNNING] = "running",
        [POOL_DEGRADED] = "degraded", [POOL_SCALING] = "scaling",   [POOL_STOPPING] = "stopping",
        [POOL_FAILED] = "failed",
};
DEFINE_NAMES(pool_state, PoolState, pool_state_names);

static const char *const pool_event_names[] = {
        [POOL_EVENT_START] = "start",   [POOL_EVENT_STOP] = "stop",
        [POOL_EVENT_CHANGE] = "change", [POOL_EVENT_SETTLED] = "settled",
        [POOL_EVENT_RISING] = "rising", [POOL_EVENT_SHORT] = "short",
        [POOL_EVENT_DEAD] = "dead",     [POOL_EVENT_EMPTY] = "empty",
};
DEFINE_NAMES(pool_event, PoolEvent, pool_event_names);

/* clang-format off */
#define STOPPED  POOL_STOPPED
#define STARTING POOL_STARTING
#define RUNNING  POOL_RUNNING
#define DEGRADED POOL_DEGRADED
#define SCALING  POOL_SCALING
#define STOPPING POOL_STOPPING
#define FAILED   POOL_FAILED
#define ROW(state, ...) [POOL_##state] = { 0, __VA_ARGS__ }
/* A pool that is up rests in `stopped` when all its workers ended as their policy says; growing
 * it brings facts instead of a start, and they move it. Facts about a grid that is on its way
 * down are never observed, see pool_observe(). */
static const unsigned char pool_table[POOL_STATE_COUNT][POOL_EVENT_COUNT] = {
        /*            start     stop      change   settled  rising    short     dead    empty */
        ROW(STOPPED,  STARTING, IGNORE,   IGNORE,  RUNNING, STARTING, DEGRADED, FAILED, IGNORE),
        ROW(STARTING, IGNORE,   STOPPING, IGNORE,  RUNNING, IGNORE,   DEGRADED, FAILED, STOPPED),
        ROW(RUNNING,  IGNORE,   STOPPING, SCALING, IGNORE,  DEGRADED, DEGRADED, FAILED, STOPPED),
        ROW(DEGRADED, IGNORE,   STOPPING, SCALING, RUNNING, IGNORE,   IGNORE,   FAILED, STOPPED),
        ROW(SCALING,  IGNORE,   STOPPING, IGNORE,  RUNNING, DEGRADED, DEGRADED, FAILED, STOPPED),
        ROW(STOPPING, STARTING, IGNORE,   IGNORE,  NEVER,   NEVER,    NEVER,    NEVER,  STOPPED),
        ROW(FAILED,   STARTING, STOPPING, SCALING, RUNNING, STARTING, DEGRADED, IGNORE, STOPPED),
};
/* clang-format on */

static unsigned pool_cell(PoolState state, PoolEvent event)
{
        if ((unsigned)state >= POOL_STATE_COUNT || (unsigned)event >= POOL_EVENT_COUNT)
                return NEVER;
        return pool_table[state][event];
}

/* Among the slots still asked for: those that ended by policy have done what was wanted. */
static PoolEvent observe_up(const PoolCounts *counts)
{
        unsigned due = counts->wanted > counts->ended ? counts->wanted - counts->ended : 0;

        if (counts->wanted > 0 && due == 0 && counts->alive == 0)
                return POOL_EVENT_EMPTY;
        if (counts->ready >= due)
                return POOL_EVENT_SETTLED;
        if (counts->ready + counts->rising >= due)
                return POOL_EVENT_RISING;
        /* A crashed worker whose children are still being ended lives, and may come back. */
        if (counts->ready == 0 && counts->rising == 0 && counts->alive == 0)
                return POOL_EVENT_DEAD;
        return POOL_EVENT_SHORT;
}

PoolEvent pool_observe(const PoolCounts *counts)
{
        if (!counts->is_up)
                return counts->alive == 0 ? POOL_EVENT_EMPTY : 0;
        return counts->is_changing ? 0 : observe_up(counts);
}

PoolState pool_step(PoolState state, PoolEvent event)
{
        unsigned cell = pool_cell(state, event);

        return cell < POOL_STATE_COUNT && cell != 0 ? (PoolState)cell : state;
}

const char *pool_cell_name(PoolState state, PoolEvent event)
{
        unsigned cell = pool_cell(state, event);

        if (cell == IGNORE)
                return "ignore";
        return cell == NEVER ? "impossible" : pool_state_to_name((PoolState)cell);
}

static const char *pool_graph_state(unsigned state)
{
        return pool_state_to_name((PoolState)state);
}

static const char *pool_graph_event(unsigned event)
{
        return pool_event_to_name((PoolEvent)event);
}

static unsigned pool_graph_leads(unsigned state, unsigned event)
{
        unsigned cell = pool_cell((PoolState)state, (PoolEvent)event);

        return cell < POOL_STATE_COUNT ? 1U << cell : 0;
}

char *pool_dump_states(void)
{
        return dot_render(&(DotGraph){ .name = "pool",
                                       .state_count = POOL_STATE_COUNT,
                                       .event_count = POOL_EVENT_COUNT,
                                       .state_name = pool_graph_state,
                                       .event_name = pool_graph_event,
                                       .leads_to = pool_graph_leads });
}
