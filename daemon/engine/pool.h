/* pool.h - one pool: its slots, its target, and the operation that is under way
 *
 * A person changes the target (grid, definition, up or down); pool_reconcile() does the rest,
 * step by step, as the slots report. Commands return at once with the operation that they began.
 * One operation at a time: a second change replaces the first, whose row then says so. */
#pragma once

#include "engine/definition.h"
#include "engine/engine.h"
#include "engine/slot.h"
#include "engine/tidy.h"
#include "model/footprint.h"
#include "model/order.h"
#include "model/pool.h"
#include "spawn/listeners.h"

typedef enum OperationKind {
        OPERATE_SCALE = 1,
        OPERATE_START,
        OPERATE_STOP,
        OPERATE_RESTART,
        OPERATE_RELOAD,
        OPERATE_ROLLBACK,
} OperationKind;
DECLARE_NAMES(operation_kind, OperationKind);

/* Where an operation returns to when it fails. */
typedef struct OperationBack {
        Definition *definition;
        Grid grid;
        bool is_overridden;
        bool is_kept; /* the kept scale follows */
} OperationBack;

typedef struct Operation {
        BoardOperation row;
        OperationKind kind;
        OperationBack back;
        unsigned floor;         /* ready slots never fall under it */
        uint64_t old_threads;   /* of all workers together, the least there was on the way */
        uint64_t threads_floor; /* nor their threads under this; 0: each has as many as before */
        uint64_t began_usec;
        bool is_rolling_back;
        bool is_rolling; /* asked for step by step */
        bool is_refresh; /* workers reload themselves: see refresh.c */
} Operation;

struct Pool {
        Engine *engine;
        char *name;
        char subject[80]; /* "pool web" */
        bool is_builtin;
        uint32_t row;
        PoolConfig *config;
        Definition *definition; /* the target's */
        unsigned definitions;   /* last number given */
        Grid grid, file_grid;   /* the target's; that of the file */
        ScaleMode mode;
        bool is_overridden; /* a scale wins over the file */
        bool is_up;         /* goal */
        bool is_held_down;  /* stopped by a person before reeved died: do not start it */
        bool is_leaving;    /* its file is gone: remove it when it is empty */
        uint64_t generation;
        PoolState state;
        uint64_t restarts;
        Slot **slots; /* ascending by number */
        size_t slot_count;
        Census census;       /* of the slots: see headcount.h */
        unsigned next_start; /* free slots of the grid from here on are being started */
        Operation *operation;
        Footprint footprint;    /* of its workers, as last measured: see room.c */
        OperationBack previous; /* what it was before the last change; no definition: nothing */
        sd_event_source *settle_source;
        sd_event_source *recycle_source;
        uint64_t recycle_after_usec; /* nobody is recycled before */
        Health *health;              /* the probe that all its workers share, NULL: none */

        OrderVerdict order;     /* of a pool that is up: see order.c */
        OrderStanding standing; /* as those who wait for it were told last */
        bool is_stop_held;      /* going down, when those that need it have gone */
        uint64_t begun_usec;    /* when it was last asked up */
        uint64_t turn_usec;     /* when its first worker was allowed to start; 0: not yet */
        uint64_t ready_usec;    /* when all of it was ready first since then; 0: not yet */

        Listeners listeners;
        bool are_listeners_open;
        int notify_fd;
        char notify_path[108];
        sd_event_source *notify_source;
        int log_directory_fd;
        PoolTidy tidy; /* of its files that were put aside */
        bool is_touched;
        Error error; /* why it is degraded or failed */
};

/** pool_new() - from its configuration; nothing is opened yet
 *  Return: 0; negative errno with @reterr */
int pool_new(Engine *engine, PoolConfig *config, bool is_builtin, Pool **ret, Error *reterr);

/** pool_free() - its slots must be stopped; Return: NULL */
Pool *pool_free(Pool *pool);
DEFINE_AUTO(Pool, pool_free);

/** pool_open_listeners() - bind what is not bound yet; Return: 0; negative errno with @reterr */
int pool_open_listeners(Pool *pool, Error *reterr);

/** pool_retarget() - the grid and definition that its slots shall come to match
 *  Return: nothing; the generation grows, the kept scale follows unless @is_runtime */
void pool_retarget(Pool *pool, const Grid *grid, Definition *definition, bool is_overridden,
                   bool is_runtime);

/** pool_take_config() - the configuration whose policy, limits and listeners are in force */
void pool_take_config(Pool *pool, PoolConfig *config);

/** pool_look_again() - reconcile at the latest in @usec */
void pool_look_again(Pool *pool, uint64_t usec);

/** pool_reconcile() - take the next steps, derive the state, show both */
void pool_reconcile(Pool *pool);

/** pool_slot() - Return: the slot of this number, NULL */
Slot *pool_slot(const Pool *pool, unsigned number);

/** pool_take_slot() - the slot of this number, made if need be
 *  Return: the slot; NULL with @reterr */
Slot *pool_take_slot(Pool *pool, unsigned number, Error *reterr);

/** pool_counts() - its slots, counted for model/pool.h */
PoolCounts pool_counts(const Pool *pool);

/** pool_wants_workers() - it is up, and nothing that it requires keeps it from running */
bool pool_wants_workers(const Pool *pool);

/** pool_is_empty() - nothing of it lives */
bool pool_is_empty(const Pool *pool);

/** pool_limits() - of its file */
GridLimits pool_limits(const Pool *pool);
