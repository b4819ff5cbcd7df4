/* change.h - what people ask of a pool: another grid, up, down, anew, another configuration
 *
 * Each call checks the request, changes the pool's target and begins an operation; the rest is
 * done by pool_reconcile() as the slots report. */
#pragma once

#include "engine/pool.h"

typedef struct ChangeRequest {
        const char *actor;
        bool is_dry_run, is_runtime, is_rolling;
        bool has_generation; /* refuse unless it is this one */
        uint64_t generation;
        bool has_mode;
        ScaleMode mode;
} ChangeRequest;

typedef struct ChangeOutcome {
        bool is_done;              /* nothing was left to do */
        BoardOperation *operation; /* borrowed until the loop goes on; NULL: none */
        BoardOperation *plan;      /* of a dry run: free() it */
} ChangeOutcome;

/** change_scale(), change_start(), change_stop(), change_restart() - change the target
 *  Return: 0 with @ret; -ESTALE (generation), -ERANGE, -EINVAL or others with @reterr */
int change_scale(Pool *pool, const ScaleRequest *scale, const ChangeRequest *request,
                 ChangeOutcome *ret, Error *reterr);
int change_start(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);
int change_stop(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);
int change_restart(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);

/** change_reload() - let its workers read their own configuration, as its file says; where that
 *  says nothing, or with is_rolling, replace them step by step
 *  Return: 0 with @ret; -EBUSY if it does not run, others as above */
int change_reload(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);

/** change_rollback() - back to the grid and definition before the last change, or the running one
 *  Return: 0 with @ret; -ENODATA if there is nothing to go back to, others as above */
int change_rollback(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);

/** change_release() - its turn to start has come: what has ended begins anew */
void change_release(Pool *pool);

/** change_reset_failed() - forget failures: failed and waiting workers start afresh */
void change_reset_failed(Pool *pool);

/** change_config() - another configuration for the same pool; only what differs moves
 *  @config: a reference is taken
 *  Return: 0; negative errno with @reterr */
int change_config(Pool *pool, PoolConfig *config, const ChangeRequest *request, Error *reterr);
