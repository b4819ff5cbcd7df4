/* pool.c - see pool.h */
#include "engine/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/alarm.h"
#include "engine/headcount.h"
#include "engine/health.h"
#include "engine/limits.h"
#include "engine/live.h"
#include "engine/notices.h"
#include "engine/operation.h"
#include "engine/order.h"
#include "engine/priority.h"
#include "engine/progress.h"
#include "engine/publish.h"
#include "engine/recycle.h"
#include "engine/report.h"
#include "model/plan.h"
#include "model/withhold.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* How long to wait before a slot that could not be made is tried again. */
#define POOL_RETRY_USEC UINT64_C(1000000)

/* ---- making and freeing ---- */

/* A scale set by a person wins over the file, also after a restart of reeved. */
static void load_scale(Pool *pool)
{
        const EngineHooks *hooks = &pool->engine->hooks;

        if (!pool->is_builtin && hooks->load_scale
            && hooks->load_scale(hooks->userdata, pool->name, &pool->grid) > 0)
                pool->is_overridden = true;
}

int pool_new(Engine *engine, PoolConfig *config, bool is_builtin, Pool **ret, Error *reterr)
{
        AUTO(Pool) *pool = calloc(1, sizeof(Pool));
        int r;

        if (!pool || !(pool->name = strdup(config->name)))
                return error_set(reterr, -ENOMEM, "no-memory", "pool %s: out of memory",
                                 config->name);
        pool->engine = engine;
        pool->is_builtin = is_builtin;
        pool->row = UINT32_MAX;
        pool->notify_fd = pool->log_directory_fd = -1;
        pool->tidy = POOL_TIDY_UNSET;
        pool->state = POOL_STOPPED;
        pool->generation = 1;
        pool->config = pool_config_ref(config);
        pool->mode = config->mode;
        pool->grid = pool->file_grid =
                (Grid){ config->processes, config->threads, config->greenlets };
        (void)snprintf(pool->subject, sizeof(pool->subject), "pool %s", pool->name);
        load_scale(pool);
        pool->definition = definition_new(config, ++pool->definitions, &pool->grid,
                                          engine->settings.is_user_mode);
        if (!pool->definition)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        r = notices_open(pool, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(pool);
        return 0;
}

Pool *pool_free(Pool *pool)
{
        if (!pool)
                return NULL;
        for (size_t i = 0; i < pool->slot_count; i++)
                slot_free(pool->slots[i]);
        free(pool->slots);
        health_forget_pool(pool);
        recycle_forget(pool);
        if (pool->operation)
                definition_unref(pool->operation->back.definition);
        free(pool->operation);
        definition_unref(pool->previous.definition);
        sd_event_source_disable_unref(pool->settle_source);
        notices_close(pool);
        if (pool->are_listeners_open)
                listeners_done(&pool->listeners);
        tidy_end(pool);
        (void)fd_close(pool->log_directory_fd);
        definition_unref(pool->definition);
        pool_config_unref(pool->config);
        free(pool->name);
        free(pool);
        return NULL;
}

int pool_open_listeners(Pool *pool, Error *reterr)
{
        int r;

        if (pool->are_listeners_open || pool->config->listener_count == 0)
                return 0;
        r = listeners_open(pool->config, &pool->listeners, reterr);
        pool->are_listeners_open = r >= 0;
        return r;
}

GridLimits pool_limits(const Pool *pool)
{
        const PoolConfig *config = pool->config;

        return (GridLimits){ config->processes_min, config->processes_max, config->threads_min,
                             config->threads_max };
}

/* ---- slots ---- */

static size_t slot_place(const Pool *pool, unsigned number)
{
        size_t low = 0, high = pool->slot_count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (pool->slots[middle]->number < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

Slot *pool_slot(const Pool *pool, unsigned number)
{
        size_t place = slot_place(pool, number);

        return place < pool->slot_count && pool->slots[place]->number == number ? pool->slots[place]
                                                                                : NULL;
}

Slot *pool_take_slot(Pool *pool, unsigned number, Error *reterr)
{
        Slot *slot = pool_slot(pool, number);
        size_t place = slot_place(pool, number);
        Slot **longer;

        if (slot)
                return slot;
        longer = realloc(pool->slots, (pool->slot_count + 1) * sizeof(Slot *));
        if (!longer) {
                (void)error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
                return NULL;
        }
        pool->slots = longer;
        if (slot_new(pool, number, &slot, reterr) < 0)
                return NULL;
        memmove(&longer[place + 1], &longer[place], (pool->slot_count - place) * sizeof(Slot *));
        longer[place] = slot;
        pool->slot_count++;
        headcount_note(slot);
        return slot;
}

/* Slots that are stopped and not wanted any more are forgotten. */
static void drop_slots(Pool *pool)
{
        size_t kept = 0;

        if (headcount_of(pool, CENSUS_STOPPED) == 0)
                return;
        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];

                if (slot->worker.state == WORKER_STOPPED
                    && (!pool_wants_workers(pool) || slot->number >= pool->grid.processes))
                        slot_free(slot);
                else
                        pool->slots[kept++] = slot;
        }
        pool->slot_count = kept;
}

bool pool_wants_workers(const Pool *pool)
{
        return pool->is_up && pool->order != ORDER_BAR;
}

bool pool_is_empty(const Pool *pool)
{
        return headcount_of(pool, CENSUS_ALIVE) == 0;
}

/* ---- reconciling ---- */

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
        Pool *pool = userdata;

        engine_touch(pool->engine, pool);
        return 0;
}

void pool_look_again(Pool *pool, uint64_t usec)
{
        int r = alarm_set(pool->engine->event, &pool->settle_source, now_usec() + usec,
                          PRIORITY_TIMER, on_settle, pool);

        if (r < 0)
                report(LOG_ERR, "%s: cannot arm its timer: %s", pool->subject, strerror(-r));
}

static PlanTarget target_of(const Pool *pool)
{
        const PoolConfig *config = pool->config;
        unsigned spare = share_of(config->max_unavailable, pool->grid.processes);
        unsigned surge = share_of(config->max_surge, pool->grid.processes);

        return (PlanTarget){
                .is_up = pool_wants_workers(pool),
                .processes = pool->grid.processes,
                .floor = pool->operation
                                 ? pool->operation->floor
                                 : plan_floor(pool->grid.processes, pool->grid.processes, spare),
                .max_surge = surge == 0 && spare == 0 ? 1 : surge,
        };
}

static void take_start(Pool *pool, unsigned number)
{
        Slot *slot = pool_take_slot(pool, number, &pool->error);

        if (!slot) {
                report(LOG_ERR, "%s", pool->error.message);
                pool_look_again(pool, POOL_RETRY_USEC);
                return;
        }
        slot_define(slot, pool->definition);
        slot->is_worn = false;
        slot->operation = pool->operation ? pool->operation->row.id : 0;
        slot->operation_failures = 0;
        slot_event(slot, WORKER_EVENT_START, NULL);
}

/* In the midst of a change it is told at once that one less is ready: the end comes later. */
static void take_stop(Pool *pool, Slot *slot)
{
        if (pool->is_up && slot_facts(slot)->is_ready)
                publish_event(pool->engine, EVENT_WORKER_STATE, pool, slot, NULL, "state",
                              worker_state_to_name(WORKER_STOPPING), NULL);
        slot_event(slot, WORKER_EVENT_STOP, NULL);
}

/* Without sd_notify and probe a program is ready as soon as it runs. The plan may count on one that an
 * operation started only once it has held out for a moment: else a bad new version would take the
 * place of a good old one before anybody saw it fail.
 * @wait_usec: lowered to the time that it still has to hold out */
static WorkerState planned_state(const Pool *pool, const Slot *slot, uint64_t now,
                                 uint64_t *wait_usec)
{
        uint64_t settled_usec = slot->worker.ready_usec + OPERATION_SETTLE_USEC;

        if (slot->worker.state != WORKER_READY || !pool->operation
            || slot->operation != pool->operation->row.id || settled_usec <= now
            || definition_has_say(slot->definition))
                return slot->worker.state;
        *wait_usec = MIN(*wait_usec, settled_usec - now);
        return WORKER_STARTING;
}

/* Starts in one round of the loop, 10 ms: deaths that come meanwhile are seen in between. */
enum { STARTS_ROUND = 32 };

static bool is_current(const Slot *slot)
{
        return !slot->is_worn
               && (slot->definition == slot->pool->definition || live_is_following(slot));
}

static bool is_free(const Slot *slot)
{
        return !slot || (!slot->worker.is_wanted && !slot_facts(slot)->has_process);
}

/* What the plan named beyond one round: all free slots of the grid, whatever became of the first
 * ones. Return: whether there was anything to start */
static bool go_on_starting(Pool *pool, const PlanTarget *target)
{
        unsigned number = pool->next_start, starts = 0;

        if (number == 0 || !target->is_up)
                return false;
        for (; number < target->processes && starts < STARTS_ROUND; number++) {
                if (!is_free(pool_slot(pool, number)))
                        continue;
                take_start(pool, number);
                starts++;
        }
        pool->next_start = number < target->processes ? number : 0;
        return starts > 0;
}

/* The slots as the plan sees them. @wait_usec: as of planned_state() */
static void describe_slots(const Pool *pool, PlanSlot *slots, unsigned *threads,
                           uint64_t *wait_usec)
{
        uint64_t now = now_usec();

        for (size_t i = 0; i < pool->slot_count; i++) {
                const Slot *slot = pool->slots[i];

                slots[i] = (PlanSlot){ .slot = slot->number,
                                       .state = planned_state(pool, slot, now, wait_usec),
                                       .is_wanted = slot->worker.is_wanted,
                                       .is_current = is_current(slot) };
                threads[i] = slot->definition->threads;
        }
}

static bool plan_steps(Pool *pool, const PlanTarget *asked)
{
        uint64_t wait_usec = USEC_INFINITY;
        const PlanTarget target = *asked;
        const ThreadsTarget threads_target = { target.processes,
                                               target.is_up && pool->operation
                                                       ? pool->operation->threads_floor
                                                       : 0 };
        size_t count = pool->slot_count;
        AUTO_FREE PlanSlot *slots = calloc(count + 1, sizeof(PlanSlot));
        AUTO_FREE unsigned *threads = calloc(count + 1, sizeof(unsigned));
        AUTO_FREE PlanStep *steps =
                calloc(count + target.processes + target.max_surge + 1, sizeof(PlanStep));
        size_t planned, granted, starts = 0;
        bool are_growing = live_check(pool);

        if (!slots || !threads || !steps) {
                pool_look_again(pool, POOL_RETRY_USEC);
                return true;
        }
        describe_slots(pool, slots, threads, &wait_usec);
        planned = plan_next(&target, slots, count, steps, NULL);
        granted = withhold_stops(&threads_target, slots, threads, count, steps, planned);
        pool->next_start = 0;
        /* What is left out comes in the next rounds: each step touches the pool. */
        for (size_t i = 0; i < granted && starts < STARTS_ROUND; i++)
                switch (steps[i].verb) {
                case PLAN_START:
                        take_start(pool, steps[i].slot);
                        pool->next_start = ++starts == STARTS_ROUND ? steps[i].slot + 1 : 0;
                        break;
                case PLAN_STOP:
                        /* Capacity first: those that stay are getting more threads. */
                        if (!are_growing || steps[i].slot < target.processes)
                                take_stop(pool, pool_slot(pool, steps[i].slot));
                        break;
                }
        if (wait_usec != USEC_INFINITY)
                pool_look_again(pool, wait_usec);
        progress_look(pool);
        return planned > 0;
}

static bool take_steps(Pool *pool)
{
        const PlanTarget target = target_of(pool);

        if (census_is_planned(&pool->census, &target, pool->slot_count)) {
                pool->next_start = 0;
                progress_calm(pool);
                return false;
        }
        return go_on_starting(pool, &target) || plan_steps(pool, &target);
}

PoolCounts pool_counts(const Pool *pool)
{
        return (PoolCounts){
                .wanted = pool->grid.processes,
                .ready = headcount_of(pool, CENSUS_READY), /* who stands in counts as well */
                .rising = headcount_of(pool, CENSUS_GRID_RISING),
                .alive = headcount_of(pool, CENSUS_ALIVE),
                .ended = headcount_of(pool, CENSUS_GRID_ENDED),
                .is_changing = pool->operation || pool->order == ORDER_WAIT,
                .is_up = pool->is_up,
        };
}

/* The pool failed for good, and the daemon lives for it: containers. */
static void end_with(Pool *pool)
{
        int code = 1;

        for (size_t i = 0; i < pool->slot_count; i++) {
                const WorkerExit *exit = &pool->slots[i]->worker.last_exit;

                if (exit->kind == EXIT_CODE)
                        code = exit->value;
                else if (exit->kind == EXIT_SIGNAL)
                        code = 128 + exit->value;
        }
        report(LOG_NOTICE, "%s is essential and has ended: stopping with code %d", pool->subject,
               code);
        engine_stop(pool->engine, code);
}

/* Why it is not well: the word of a slot that has ended and is not there (any more). */
static void find_error(Pool *pool)
{
        if (headcount_of(pool, CENSUS_ALIVE) == pool->slot_count)
                return;
        for (size_t i = 0; i < pool->slot_count; i++) {
                const Slot *slot = pool->slots[i];

                if (slot_facts(slot)->has_process || slot->worker.last_exit.kind == EXIT_NONE)
                        continue;
                slot_explain(slot, &slot->worker.last_exit, &pool->error);
                return;
        }
}

static void derive_state(Pool *pool)
{
        const PoolCounts counts = pool_counts(pool);
        PoolEvent event = pool_observe(&counts);
        PoolState before = pool->state;
        bool is_over = counts.is_up && counts.ready == 0 && counts.rising == 0 && counts.alive == 0
                       && counts.wanted > 0 && !counts.is_changing;

        if (pool->is_up && pool->order == ORDER_BAR)
                event = POOL_EVENT_DEAD;
        if (event)
                pool->state = pool_step(pool->state, event);
        if (pool->state == POOL_RUNNING)
                pool->error = (Error){ 0 };
        else if (pool->order != ORDER_BAR
                 && (pool->state == POOL_DEGRADED || pool->state == POOL_FAILED))
                find_error(pool);
        if (pool->state != before) {
                publish_event(pool->engine, EVENT_POOL_STATE, pool, NULL, NULL, "state",
                              pool_state_to_name(pool->state), "before", pool_state_to_name(before),
                              NULL);
                report(LOG_INFO, "%s is %s", pool->subject, pool_state_to_name(pool->state));
        }
        if (is_over && pool->config->is_essential
            && (pool->slot_count > 0 || pool->order == ORDER_BAR))
                end_with(pool);
}

void pool_reconcile(Pool *pool)
{
        PoolState before = pool->state;
        bool is_planned;

        headcount_check(pool);
        order_check(pool);
        is_planned = order_holds(pool) || take_steps(pool);
        drop_slots(pool);
        operation_check(pool, is_planned);
        derive_state(pool);
        order_settle(pool, before);
        recycle_check(pool);
        publish_pool(pool);
}

/* ---- the target ---- */

void pool_retarget(Pool *pool, const Grid *grid, Definition *definition, bool is_overridden,
                   bool is_runtime)
{
        Engine *engine = pool->engine;
        Definition *before = pool->definition;
        Error error = { 0 };

        pool->grid = *grid;
        pool->definition = definition_ref(definition);
        definition_unref(before);
        pool->is_overridden = is_overridden;
        pool->next_start = 0;
        headcount_renew(pool);
        pool->generation++;
        engine->is_state_dirty = engine->is_state_urgent = true;
        engine_touch(engine, pool);
        if (is_runtime || !engine->hooks.keep_scale)
                return;
        if (engine->hooks.keep_scale(engine->hooks.userdata, pool, &error) < 0)
                publish_warning(engine, pool->name, "%s", error.message);
}

static bool has_same_listeners(const PoolConfig *a, const PoolConfig *b)
{
        if (a->listener_count != b->listener_count || a->listen_mode != b->listen_mode)
                return false;
        for (size_t i = 0; i < a->listener_count; i++)
                if (!text_equal(a->listeners[i].text, b->listeners[i].text))
                        return false;
        return true;
}

void pool_take_config(Pool *pool, PoolConfig *config)
{
        PoolConfig *before = pool->config;

        /* Workers keep what they were given; those to come get the new ones, bound when needed. */
        if (pool->are_listeners_open && !has_same_listeners(before, config)) {
                listeners_done(&pool->listeners);
                pool->are_listeners_open = false;
                for (size_t i = 0; i < pool->slot_count; i++)
                        slot_drop_listeners(pool->slots[i]);
        } else if (pool->are_listeners_open) {
                listeners_tune(&pool->listeners, config);
        }
        limits_change(pool, before, config);
        pool->file_grid = (Grid){ config->processes, config->threads, config->greenlets };
        pool->config = pool_config_ref(config);
        pool_config_unref(before);
        output_take_config(pool);
}
