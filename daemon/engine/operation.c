/* operation.c - see operation.h */
#include "engine/operation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/headcount.h"
#include "engine/progress.h"
#include "engine/publish.h"
#include "engine/refresh.h"
#include "engine/report.h"
#include "engine/trim.h"
#include "model/plan.h"
#include "model/withhold.h"
#include "sys/clock.h"

static const char *const operation_kind_names[] = {
        [OPERATE_SCALE] = "scale",     [OPERATE_START] = "start",   [OPERATE_STOP] = "stop",
        [OPERATE_RESTART] = "restart", [OPERATE_RELOAD] = "reload", [OPERATE_ROLLBACK] = "rollback",
};
DEFINE_NAMES(operation_kind, OperationKind, operation_kind_names);

BoardOperation *operation_plan(const Pool *pool, OperationKind kind, const Grid *to,
                               bool is_redefined, const char *actor)
{
        BoardOperation *row = calloc(1, sizeof(BoardOperation));

        if (!row)
                return NULL;
        row->state = OPERATION_RUNNING;
        row->from_processes = pool->grid.processes;
        row->from_threads = pool->grid.threads;
        row->from_greenlets = pool->grid.greenlets;
        row->to_processes = to->processes;
        row->to_threads = to->threads;
        row->to_greenlets = to->greenlets;
        row->generation = pool->generation;
        row->began_realtime_usec = now_realtime_usec();
        (void)text_copy(row->pool, sizeof(row->pool), pool->name);
        (void)text_copy(row->kind, sizeof(row->kind), operation_kind_to_name(kind));
        (void)text_copy(row->actor, sizeof(row->actor), actor ? actor : "reeved");
        progress_plan(pool, kind, to, is_redefined, row);
        return row;
}

/* The least that there was on the way, and what is therefore promised; nothing if all workers have as
 * many threads before as after it. @replaced: the operation that ends for this one, NULL: none */
static void promise_threads(Operation *operation, const Operation *replaced, unsigned spare)
{
        const BoardOperation *row = &operation->row;
        uint64_t spare_threads = (uint64_t)spare * MAX(row->from_threads, row->to_threads);

        operation->old_threads = (uint64_t)row->from_processes * row->from_threads;
        if (replaced)
                operation->old_threads = MIN(operation->old_threads, replaced->old_threads);
        if (row->from_threads != row->to_threads || (replaced && replaced->threads_floor > 0))
                operation->threads_floor = withhold_floor(
                        operation->old_threads, (uint64_t)row->to_processes * row->to_threads,
                        spare_threads);
}

/* What a running operation has not proven yet is nothing to return to, nor capacity to count on. */
static void replace_running(Pool *pool, OperationBack *back, unsigned *old_processes)
{
        static const Error replaced = { "replaced", "A later change took its place." };
        const OperationBack *before = &pool->operation->back;

        *old_processes = MIN(*old_processes, pool->operation->row.from_processes);
        definition_unref(back->definition);
        *back = (OperationBack){ .definition = definition_ref(before->definition),
                                 .grid = before->grid,
                                 .is_overridden = before->is_overridden,
                                 .is_kept = before->is_kept || back->is_kept };
        operation_end(pool, OPERATION_FAILED, &replaced);
}

int operation_begin(Pool *pool, OperationKind kind, BoardOperation *plan_take,
                    const OperationBack *back)
{
        Operation *operation = calloc(1, sizeof(Operation));
        unsigned spare = share_of(pool->config->max_unavailable, plan_take->to_processes);
        unsigned old = plan_take->from_processes;

        engine_touch(pool->engine, pool);
        if (!operation) {
                free(plan_take);
                return -ENOMEM;
        }
        operation->back = *back;
        (void)definition_ref(back->definition);
        operation->row = *plan_take;
        free(plan_take);
        promise_threads(operation, pool->operation, spare);
        if (pool->operation)
                replace_running(pool, &operation->back, &old);
        operation->row.id = ++pool->engine->operations;
        operation->row.generation = pool->generation;
        operation->kind = kind;
        operation->floor = plan_floor(old, operation->row.to_processes, spare);
        operation->began_usec = now_usec();
        pool->operation = operation;
        headcount_renew(pool);
        publish_operation(pool->engine, &operation->row);
        pool->state = pool_step(pool->state, POOL_EVENT_CHANGE);
        return 0;
}

/* The PID leaves the list of those that stay, or were to stop; what was started stays started. */
static void drop_pid(BoardOperation *row, pid_t pid)
{
        for (uint32_t i = 0; i < row->pid_count; i++)
                if (BOARD_OPERATION_PID_OF(row->pids[i]) == (uint32_t)pid
                    && BOARD_OPERATION_KIND_OF(row->pids[i]) != BOARD_OPERATION_STARTED) {
                        row->pids[i] = row->pids[--row->pid_count];
                        return;
                }
}

void operation_started(Pool *pool, pid_t pid)
{
        if (!pool->operation)
                return;
        progress_pid(&pool->operation->row, BOARD_OPERATION_STARTED, pid);
        progress_step(pool);
}

void operation_stopped(Pool *pool, pid_t pid)
{
        if (!pool->operation)
                return;
        drop_pid(&pool->operation->row, pid);
        progress_pid(&pool->operation->row, BOARD_OPERATION_STOPPED, pid);
        progress_step(pool);
}

/* What can be returned to; a rolling restart has changed nothing that could be. */
static void remember(Pool *pool, const OperationBack *back)
{
        Definition *before = pool->previous.definition;

        if (back->definition->config == pool->definition->config
            && grid_equal(&back->grid, &pool->grid))
                return;
        pool->previous = *back;
        (void)definition_ref(back->definition);
        definition_unref(before);
}

/* Whom the plan meant to stop and who is still wanted, stayed: the change was taken back, or led
 * to where they had come from. */
static void settle_pids(const Pool *pool, BoardOperation *row)
{
        for (uint32_t i = 0; i < row->pid_count; i++) {
                uint32_t pid = BOARD_OPERATION_PID_OF(row->pids[i]);
                const Slot *slot;

                if (BOARD_OPERATION_KIND_OF(row->pids[i]) != BOARD_OPERATION_STOPPED)
                        continue;
                slot = map_get(&pool->engine->slots_by_pid, pid);
                if (slot && slot->pool == pool && slot->worker.is_wanted)
                        row->pids[i] = BOARD_OPERATION_PID(BOARD_OPERATION_KEPT, pid);
        }
}

void operation_end(Pool *pool, OperationState state, const Error *error)
{
        Operation *operation = pool->operation;
        BoardOperation *row = &operation->row;
        char from[48], to[48], id[24];
        const Grid before = { row->from_processes, row->from_threads, row->from_greenlets };
        const Grid after = { row->to_processes, row->to_threads, row->to_greenlets };

        settle_pids(pool, row);
        row->state = state;
        row->phase = 0;
        row->ended_realtime_usec = now_realtime_usec();
        if (error) {
                (void)text_copy(row->error_code, sizeof(row->error_code), error->code);
                (void)text_copy(row->error_message, sizeof(row->error_message), error->message);
        }
        publish_operation(pool->engine, row);
        if (state == OPERATION_DONE && operation->kind != OPERATE_START
            && operation->kind != OPERATE_STOP)
                remember(pool, &operation->back);
        if (operation->is_refresh)
                refresh_stop(pool);
        trim_later(pool->engine, row->steps_done);
        pool->operation = NULL;
        headcount_renew(pool);
        (void)snprintf(id, sizeof(id), "%lu", (unsigned long)row->id);
        publish_event(pool->engine, EVENT_POOL_OPERATION, pool, NULL, row->actor, "operation", id,
                      "kind", row->kind, "state", operation_state_to_name(state), "from",
                      grid_format(from, sizeof(from), &before), "to",
                      grid_format(to, sizeof(to), &after), NULL);
        report(error ? LOG_WARNING : LOG_INFO, "%s: %s from %s to %s asked by %s: %s%s%s",
               pool->subject, row->kind, from, to, row->actor, operation_state_to_name(state),
               error ? ": " : "", error ? error->message : "");
        definition_unref(operation->back.definition);
        free(operation);
        engine_touch(pool->engine, pool);
}

void operation_return(Pool *pool, const OperationBack *back)
{
        const PoolConfig *file = config_find(pool->engine->config, pool->name);

        if (back->definition->config != pool->config)
                pool_take_config(pool, back->definition->config);
        pool_retarget(pool, &back->grid, back->definition, back->is_overridden, !back->is_kept);
        if (file && pool_config_difference(pool->definition->config, file))
                publish_warning(pool->engine, pool->name, OPERATION_OLDER_SENTENCE);
        else
                publish_drop_warning(pool->engine, pool->name, OPERATION_OLDER_SENTENCE);
}

static void roll_back(Pool *pool)
{
        Operation *operation = pool->operation;
        const OperationBack *back = &operation->back;

        operation->is_rolling_back = true;
        report(LOG_WARNING, "%s: %s Going back.", pool->subject, operation->row.error_message);
        operation_return(pool, back);
}

static void fail(Pool *pool, const Slot *slot, const WorkerExit *exit)
{
        Operation *operation = pool->operation;
        Error error = { 0 };

        slot_explain(slot, exit, &error);
        if (operation->kind == OPERATE_START) {
                operation_end(pool, OPERATION_FAILED, &error);
                return;
        }
        (void)text_copy(operation->row.error_code, sizeof(operation->row.error_code), error.code);
        (void)text_copy(operation->row.error_message, sizeof(operation->row.error_message),
                        error.message);
        roll_back(pool);
}

static bool has_begun(const Pool *pool, const Slot *slot)
{
        return pool->operation && slot->operation == pool->operation->row.id;
}

void operation_start_failed(Pool *pool, Slot *slot, const WorkerExit *exit)
{
        if (!has_begun(pool, slot) || pool->operation->is_rolling_back)
                return;
        slot->operation_failures++;
        if (slot->operation_failures >= OPERATION_FAILURES_MAX
            || slot->worker.down_reason == EXIT_REASON_START_TIMEOUT)
                fail(pool, slot, exit);
}

/* One that it started and that will not come back by itself; stand-ins count as well. One that ended
 * by its policy's leave (`exited`) did what was asked of it. */
static const Slot *find_failed(const Pool *pool)
{
        if (headcount_of(pool, CENSUS_FAILED) == 0)
                return NULL;
        for (size_t i = 0; i < pool->slot_count; i++)
                if (has_begun(pool, pool->slots[i])
                    && pool->slots[i]->worker.state == WORKER_FAILED)
                        return pool->slots[i];
        return NULL;
}

/* @wait_usec: raised to the time that a ready slot still has to hold out */
static bool is_pending(const Pool *pool, const Slot *slot, uint64_t now, uint64_t *wait_usec)
{
        uint64_t settled_usec = slot->worker.ready_usec + OPERATION_SETTLE_USEC;

        if (slot->number >= pool->grid.processes || slot->definition != pool->definition)
                return true;
        if (!has_begun(pool, slot) || slot->worker.state == WORKER_EXITED)
                return false;
        if (slot_facts(slot)->is_ready) {
                if (!definition_has_say(pool->definition) && settled_usec > now)
                        *wait_usec = MAX(*wait_usec, settled_usec - now);
                return false;
        }
        /* On the way back nothing is waited for but what is on its way. */
        return !pool->operation->is_rolling_back || slot->worker.state == WORKER_STARTING;
}

static void finish(Pool *pool)
{
        const BoardOperation *row = &pool->operation->row;
        Error error = { 0 };

        if (!pool->operation->is_rolling_back) {
                operation_end(pool, OPERATION_DONE, NULL);
                return;
        }
        (void)error_set(&error, 0, "rolled-back", "%s", row->error_message);
        operation_end(pool, OPERATION_ROLLED_BACK, &error);
}

void operation_check(Pool *pool, bool is_planned)
{
        uint64_t now = now_usec(), wait_usec = 0;
        const Slot *failed;

        if (!pool->operation)
                return;
        publish_operation(pool->engine, &pool->operation->row);
        if (pool->operation->is_refresh) {
                refresh_check(pool);
                return;
        }
        failed = pool->operation->is_rolling_back ? NULL : find_failed(pool);
        if (failed) {
                fail(pool, failed, &failed->worker.last_exit);
                return;
        }
        if (is_planned || (pool->operation->kind == OPERATE_STOP && !pool_is_empty(pool)))
                return;
        if (!pool->operation->is_rolling_back && headcount_of(pool, CENSUS_PENDING) > 0)
                return;
        for (size_t i = 0; i < pool->slot_count; i++)
                if (is_pending(pool, pool->slots[i], now, &wait_usec))
                        return;
        if (wait_usec > 0 && !pool->operation->is_rolling_back)
                pool_look_again(pool, wait_usec);
        else
                finish(pool);
}
