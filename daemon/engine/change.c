/* change.c - see change.h */
#include "engine/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engine/headcount.h"
#include "engine/health.h"
#include "engine/operation.h"
#include "engine/order.h"
#include "engine/publish.h"
#include "engine/refresh.h"
#include "engine/room.h"

static int check_generation(const Pool *pool, const ChangeRequest *request, Error *reterr)
{
        if (!request->has_generation || request->generation == pool->generation)
                return 0;
        return error_set(reterr, -ESTALE, "stale-generation",
                         "%s is at generation %lu, not %lu: look at it again and decide anew.",
                         pool->subject, (unsigned long)pool->generation,
                         (unsigned long)request->generation);
}

static int check_change(const Pool *pool, const GridChange *change, const ChangeRequest *request,
                        Error *reterr)
{
        bool is_redefined = change->from.threads != change->to.threads
                            || change->from.greenlets != change->to.greenlets;

        if (request->has_mode && request->mode == SCALE_AUTO)
                return error_set(reterr, -EOPNOTSUPP, "not-supported",
                                 "%s: mode auto is not to be had in this version; set the counts.",
                                 pool->subject);
        if (is_redefined && pool->config->thread_control == THREADS_FIXED)
                return error_set(reterr, -EINVAL, "threads-fixed",
                                 "%s: its thread count is fixed: the command does not use "
                                 "REEVE_THREADS. Use ${REEVE_THREADS} in ExecStart= or set "
                                 "ThreadControl=.",
                                 pool->subject);
        return 0;
}

static Definition *redefine_for(Pool *pool, const Grid *to, bool is_fresh)
{
        const Definition *now = pool->definition;
        Definition *next;

        if (!is_fresh && now->threads == to->threads && now->greenlets == to->greenlets)
                return definition_ref(pool->definition);
        next = definition_derive(now, ++pool->definitions, to);
        if (next && is_fresh)
                next->life = next->number;
        return next;
}

static int change_target(Pool *pool, OperationKind kind, const GridChange *change,
                         const ChangeRequest *request, bool is_overridden, ChangeOutcome *ret,
                         Error *reterr)
{
        AUTO(Definition) *from = definition_ref(pool->definition);
        AUTO(Definition) *to = redefine_for(pool, &change->to, request->is_rolling);
        AUTO_FREE BoardOperation *plan =
                to ? operation_plan(pool, kind, &change->to, to != from, request->actor) : NULL;
        const OperationBack back = { from, change->from, pool->is_overridden,
                                     !request->is_runtime };
        int r = 0;

        if (!plan)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        if (kind == OPERATE_SCALE)
                r = room_check(pool, &change->to, to != from, plan, reterr);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < change->cut_count; i++)
                (void)text_copy(plan->cut[i], sizeof(plan->cut[i]), change->cuts[i]);
        if (request->is_dry_run) {
                plan->is_dry_run = 1;
                plan->state = OPERATION_DONE;
                ret->plan = TAKE_PTR(plan);
                return 0;
        }
        pool_retarget(pool, &change->to, to, is_overridden, request->is_runtime);
        if (operation_begin(pool, kind, TAKE_PTR(plan), &back) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        pool->operation->is_rolling = request->is_rolling;
        ret->operation = &pool->operation->row;
        return 0;
}

static void tell_scaled(Pool *pool, const GridChange *change, const ChangeRequest *request)
{
        char from[48], to[48], generation[24];

        (void)snprintf(generation, sizeof(generation), "%lu", (unsigned long)pool->generation);
        publish_event(pool->engine, EVENT_POOL_SCALED, pool, NULL, request->actor, "from",
                      grid_format(from, sizeof(from), &change->from), "to",
                      grid_format(to, sizeof(to), &change->to), "generation", generation, NULL);
}

static bool is_mode_only(const ScaleRequest *scale, const ChangeRequest *request)
{
        return request->has_mode && scale->verb == SCALE_SET && !scale->has_processes
               && !scale->has_threads && !scale->has_greenlets;
}

/* Who decides about the grid, without another grid. */
static int take_mode(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        const GridChange same = { .from = pool->grid, .to = pool->grid };
        int r = check_change(pool, &same, request, reterr);

        if (r < 0)
                return r;
        if (!request->is_dry_run)
                pool->mode = request->mode;
        ret->is_done = true;
        engine_touch(pool->engine, pool);
        return 0;
}

int change_scale(Pool *pool, const ScaleRequest *scale, const ChangeRequest *request,
                 ChangeOutcome *ret, Error *reterr)
{
        GridLimits limits = pool_limits(pool);
        GridChange change = { 0 };
        int r = check_generation(pool, request, reterr);

        /* A total is then a number of processes. */
        if (scale->verb == SCALE_TOTAL && pool->config->thread_control == THREADS_FIXED)
                limits.threads_min = limits.threads_max = pool->grid.threads;

        if (r >= 0 && is_mode_only(scale, request))
                return take_mode(pool, request, ret, reterr);
        if (r >= 0)
                r = grid_change_plan(&pool->grid, &pool->file_grid, &limits, scale, &change,
                                     reterr);
        if (r >= 0)
                r = check_change(pool, &change, request, reterr);
        if (r < 0)
                return r;
        if (request->has_mode && !request->is_dry_run)
                pool->mode = request->mode;
        r = change_target(pool, OPERATE_SCALE, &change, request, scale->verb != SCALE_RESET, ret,
                          reterr);
        if (r >= 0 && !request->is_dry_run)
                tell_scaled(pool, &change, request);
        return r;
}

/* Begin an operation that leaves the grid as it is. */
static int begin_here(Pool *pool, OperationKind kind, const ChangeRequest *request, bool moves_all,
                      ChangeOutcome *ret, Error *reterr)
{
        BoardOperation *plan = operation_plan(pool, kind, &pool->grid, moves_all, request->actor);
        const OperationBack back = { pool->definition, pool->grid, pool->is_overridden, false };

        engine_touch(pool->engine, pool);
        if (!plan || operation_begin(pool, kind, plan, &back) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        ret->operation = &pool->operation->row;
        return 0;
}

/* What it would do, of a change that leaves the grid as it is. */
static int plan_here(Pool *pool, OperationKind kind, const ChangeRequest *request, bool moves_all,
                     ChangeOutcome *ret, Error *reterr)
{
        ret->plan = operation_plan(pool, kind, &pool->grid, moves_all, request->actor);
        if (!ret->plan)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        ret->plan->is_dry_run = 1;
        ret->plan->state = OPERATION_DONE;
        return 0;
}

/* Asked twice: both wait for the same. */
static bool is_under_way(const Pool *pool, OperationKind kind, ChangeOutcome *ret)
{
        if (!pool->operation || pool->operation->kind != kind)
                return false;
        ret->operation = &pool->operation->row;
        return true;
}

/* A restart is joined by one of its kind only: at once, or step by step. */
static bool is_same_restart(const Pool *pool, const ChangeRequest *request, ChangeOutcome *ret)
{
        return pool->operation && pool->operation->is_rolling == request->is_rolling
               && is_under_way(pool, OPERATE_RESTART, ret);
}

static void start_ended_slots(Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];

                if (slot_facts(slot)->is_ready && slot->worker.is_wanted)
                        continue;
                slot->operation = pool->operation ? pool->operation->row.id : 0;
                slot->operation_failures = 0;
                headcount_note(slot);
                if (slot_facts(slot)->has_process && slot->worker.is_wanted)
                        continue; /* on its way already: it is waited for */
                slot_define(slot, pool->definition);
                slot_event(slot, WORKER_EVENT_START, NULL);
        }
}

int change_start(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        const PoolCounts counts = pool_counts(pool);
        int r = check_generation(pool, request, reterr);

        if (r < 0)
                return r;
        if (pool->is_up && pool->order == ORDER_GO && counts.ready >= counts.wanted) {
                ret->is_done = true;
                return 0;
        }
        if (request->is_dry_run)
                return plan_here(pool, OPERATE_START, request, false, ret, reterr);
        if (is_under_way(pool, OPERATE_START, ret))
                return 0;
        pool->error = (Error){ 0 };
        pool->is_up = true;
        pool->is_held_down = false;
        r = begin_here(pool, OPERATE_START, request, false, ret, reterr);
        if (r < 0)
                return r;
        pool->state = pool_step(pool->state, POOL_EVENT_START);
        if (order_begin(pool))
                start_ended_slots(pool);
        pool->engine->is_state_dirty = pool->engine->is_state_urgent = true;
        return 0;
}

void change_release(Pool *pool)
{
        start_ended_slots(pool);
        engine_touch(pool->engine, pool);
}

int change_stop(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        int r = check_generation(pool, request, reterr);

        if (r < 0)
                return r;
        if (!pool->is_up && pool_is_empty(pool)) {
                ret->is_done = true;
                return 0;
        }
        if (request->is_dry_run)
                return plan_here(pool, OPERATE_STOP, request, true, ret, reterr);
        if (is_under_way(pool, OPERATE_STOP, ret))
                return 0;
        pool->is_up = false;
        pool->order = ORDER_GO;
        r = begin_here(pool, OPERATE_STOP, request, true, ret, reterr);
        pool->state = pool_step(pool->state, POOL_EVENT_STOP);
        pool->engine->is_state_dirty = pool->engine->is_state_urgent = true;
        return r;
}

int change_restart(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        const GridChange same = { .from = pool->grid, .to = pool->grid };
        int r = check_generation(pool, request, reterr);

        if (r < 0)
                return r;
        if (!pool->is_up || pool->order != ORDER_GO)
                return change_start(pool, request, ret, reterr);
        if (!request->is_dry_run && is_same_restart(pool, request, ret))
                return 0;
        if (request->is_rolling)
                return change_target(pool, OPERATE_RESTART, &same, request, pool->is_overridden,
                                     ret, reterr);
        if (request->is_dry_run)
                return plan_here(pool, OPERATE_RESTART, request, true, ret, reterr);
        r = begin_here(pool, OPERATE_RESTART, request, true, ret, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < pool->slot_count; i++) {
                pool->slots[i]->operation = pool->operation->row.id;
                pool->slots[i]->operation_failures = 0;
                slot_event(pool->slots[i], WORKER_EVENT_RESTART, NULL);
        }
        return 0;
}

void change_reset_failed(Pool *pool)
{
        if (!pool->is_up || pool->order != ORDER_GO)
                return;
        pool->error = (Error){ 0 };
        pool->state = pool_step(pool->state, POOL_EVENT_START);
        start_ended_slots(pool);
        engine_touch(pool->engine, pool);
}

/* The file's grid, or the scale that a person set as far as the file's limits allow. */
static Grid grid_for(Pool *pool, const PoolConfig *config)
{
        const GridLimits limits = { config->processes_min, config->processes_max,
                                    config->threads_min, config->threads_max };
        const Grid wanted = { config->processes, config->threads, config->greenlets };
        Grid cut = grid_clamp(&pool->grid, &limits);
        char now[48], then[48];

        if (!pool->is_overridden)
                return wanted;
        if (!grid_equal(&cut, &pool->grid))
                publish_warning(
                        pool->engine, pool->name,
                        "The scale %s that was set is outside of the limits of its file and "
                        "is cut to %s.",
                        grid_format(now, sizeof(now), &pool->grid),
                        grid_format(then, sizeof(then), &cut));
        return cut;
}

int change_config(Pool *pool, PoolConfig *config, const ChangeRequest *request, Error *reterr)
{
        bool is_same = pool_config_same_worker(pool->definition->config, config);
        const Grid from = pool->grid, to = grid_for(pool, config);
        AUTO(Definition) *before = definition_ref(pool->definition);
        const OperationBack back = { before, from, pool->is_overridden, pool->is_overridden };
        AUTO(Definition) *next = NULL;
        BoardOperation *plan;

        pool_take_config(pool, config);
        if (is_same)
                definition_renew(before, config);
        health_follow_pool(pool);
        if (is_same && grid_equal(&from, &to)) {
                engine_touch(pool->engine, pool);
                return 0;
        }
        next = is_same ? redefine_for(pool, &to, false)
                       : definition_new(config, ++pool->definitions, &to,
                                        pool->engine->settings.is_user_mode);
        plan = next ? operation_plan(pool, OPERATE_RELOAD, &to, next != before, request->actor)
                    : NULL;
        if (!plan)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        pool_retarget(pool, &to, next, pool->is_overridden, !pool->is_overridden);
        return operation_begin(pool, OPERATE_RELOAD, plan, &back);
}

int change_reload(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        const GridChange same = { .from = pool->grid, .to = pool->grid };
        PoolConfig *file = config_find(pool->engine->config, pool->name);
        ChangeRequest rolling = *request;
        int r = check_generation(pool, request, reterr);

        if (r >= 0 && (!pool->is_up || pool->order != ORDER_GO))
                r = error_set(reterr, -EBUSY, "conflict", "%s does not run: start it instead.",
                              pool->subject);
        if (r < 0)
                return r;
        if (file && pool_config_difference(pool->definition->config, file)
            && !request->is_dry_run) {
                /* It was rolled back. */
                publish_drop_warning(pool->engine, pool->name, OPERATION_OLDER_SENTENCE);
                r = change_config(pool, file, request, reterr);
                ret->operation = r >= 0 && pool->operation ? &pool->operation->row : NULL;
                return r;
        }
        if (refresh_is_possible(pool) && !request->is_rolling)
                return request->is_dry_run
                               ? plan_here(pool, OPERATE_RELOAD, request, false, ret, reterr)
                               : refresh_begin(pool, request, ret, reterr);
        rolling.is_rolling = true;
        return change_target(pool, OPERATE_RELOAD, &same, &rolling, pool->is_overridden, ret,
                             reterr);
}

/* What a running change would return to if it failed, else what was before the last one. */
static const OperationBack *find_back(const Pool *pool)
{
        const OperationBack *back = pool->operation ? &pool->operation->back : NULL;

        if (back && (back->definition != pool->definition || !grid_equal(&back->grid, &pool->grid)))
                return back;
        return pool->previous.definition ? &pool->previous : NULL;
}

int change_rollback(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        const OperationBack *found = find_back(pool);
        AUTO(Definition) *from = definition_ref(pool->definition), *to = NULL;
        const OperationBack here = { from, pool->grid, pool->is_overridden, true };
        OperationBack back;
        BoardOperation *plan;
        int r = check_generation(pool, request, reterr);

        if (r < 0)
                return r;
        if (!found)
                return error_set(
                        reterr, -ENODATA, "conflict",
                        "%s has nothing to go back to: neither its grid nor its definition "
                        "was changed since reeved started.",
                        pool->subject);
        back = *found;
        back.is_kept = true;
        to = definition_ref(back.definition);
        plan = operation_plan(pool, OPERATE_ROLLBACK, &back.grid, to != from, request->actor);
        if (!plan)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        if (request->is_dry_run) {
                plan->is_dry_run = 1;
                plan->state = OPERATION_DONE;
                ret->plan = plan;
                return 0;
        }
        operation_return(pool, &back);
        if (operation_begin(pool, OPERATE_ROLLBACK, plan, &here) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        ret->operation = &pool->operation->row;
        return 0;
}
