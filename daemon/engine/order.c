/* order.c - see order.h
 *
 * Nothing is remembered but the verdict: whenever a pool comes to stand otherwise, those that name
 * it, and those that wait for it to be gone, are reconciled and look again. */
#include "engine/order.h"

#include <stdio.h>
#include <string.h>

#include "engine/operation.h"
#include "engine/report.h"
#include "sys/clock.h"

/* ---- who is before whom ---- */

static const PoolConfig *config_of(const Pool *pool)
{
        return pool->is_builtin ? NULL : config_find(pool->engine->config, pool->name);
}

static bool has_name(char *const *list, const char *name)
{
        for (; list && *list; list++)
                if (text_equal(*list, name))
                        return true;
        return false;
}

static bool has_needs(const PoolConfig *config)
{
        return config && (config->after || config->requires);
}

static bool comes_after(const PoolConfig *config, const char *name)
{
        return has_needs(config)
               && (has_name(config->after, name) || has_name(config->requires, name));
}

/* A name of After= and then those of Requires=; NULL behind the last. */
static const char *need_at(const PoolConfig *config, size_t index, bool *ret_is_required)
{
        size_t after_count = text_list_count(config->after);

        if (index < after_count) {
                *ret_is_required = has_name(config->requires, config->after[index]);
                return config->after[index];
        }
        *ret_is_required = true;
        index -= after_count;
        return index < text_list_count(config->requires) ? config->requires[index] : NULL;
}

static OrderStanding standing_of(const Pool *pool)
{
        if (!pool || pool->is_leaving)
                return STANDING_ABSENT;
        return order_judge(&(OrderFacts){ .state = pool->state,
                                          .counts = pool_counts(pool),
                                          .order = pool->order,
                                          .was_ready = pool->ready_usec != 0 });
}

/* @ret_name: who decides; NULL if nobody does */
static OrderVerdict judge(const Pool *pool, const char **ret_name)
{
        const PoolConfig *config = config_of(pool);
        OrderVerdict worst = ORDER_GO;
        bool is_required;
        const char *name;

        *ret_name = NULL;
        if (!has_needs(config))
                return ORDER_GO;
        for (size_t i = 0; (name = need_at(config, i, &is_required)); i++) {
                OrderStanding standing = standing_of(engine_find_pool(pool->engine, name));
                OrderVerdict verdict = order_weigh(standing, is_required);

                if (verdict > worst) {
                        worst = verdict;
                        *ret_name = name;
                }
        }
        return worst;
}

/* The next pool that comes after this one, from place *@cursor of the configuration on; NULL: none.
 * Most pools name nobody: with a thousand of them a look costs a thousand comparisons of pointers. */
static Pool *next_follower(const Pool *pool, size_t *cursor)
{
        const Config *config = pool->engine->config;

        while (*cursor < config->pool_count) {
                const PoolConfig *other = config->pools[(*cursor)++];
                Pool *follower = comes_after(other, pool->name)
                                         ? engine_find_pool(pool->engine, other->name)
                                         : NULL;

                if (follower && follower != pool)
                        return follower;
        }
        return NULL;
}

/* It comes after another one and is still on its way down. */
static bool must_stop_first(const Pool *follower)
{
        return !follower->is_up && !pool_is_empty(follower);
}

static bool must_stay(const Pool *pool)
{
        const Pool *follower;
        size_t cursor = 0;

        if (pool->is_builtin || pool->is_leaving || pool->engine->is_hurried || pool_is_empty(pool))
                return false;
        while ((follower = next_follower(pool, &cursor)))
                if (must_stop_first(follower))
                        return true;
        return false;
}

/* ---- verdicts ---- */

bool order_begin(Pool *pool)
{
        pool->begun_usec = now_usec();
        pool->turn_usec = pool->ready_usec = 0;
        pool->order = has_needs(config_of(pool)) ? ORDER_WAIT : ORDER_GO;
        if (pool->order == ORDER_GO)
                pool->turn_usec = pool->begun_usec;
        return pool->order == ORDER_GO;
}

static const char *why_barred(const Pool *pool, const char *name)
{
        switch (standing_of(engine_find_pool(pool->engine, name))) {
        case STANDING_ABSENT: return "does not exist";
        case STANDING_DOWN: return "is stopped";
        case STANDING_COMING:
        case STANDING_READY:
        case STANDING_FAILED:
        case STANDING_COUNT: break;
        }
        return "has failed";
}

/* Its workers go, and it stays wanted: it starts by itself once what it requires is there. */
static void bar(Pool *pool, const char *name)
{
        bool was_barred = pool->order == ORDER_BAR;

        pool->order = ORDER_BAR;
        (void)error_set(&pool->error, 0, "requirement-failed",
                        "Requires=%s: pool %s %s; %s starts by itself when that one is ready.",
                        name, name, why_barred(pool, name), pool->name);
        if (was_barred)
                return;
        report(LOG_WARNING, "%s: %s", pool->subject, pool->error.message);
        if (pool->operation)
                operation_end(pool, OPERATION_FAILED, &pool->error);
}

static void wait_again(Pool *pool)
{
        const ChangeRequest request = { .actor = "reeved" };
        ChangeOutcome outcome = { 0 };
        Error error = { 0 };

        if (change_start(pool, &request, &outcome, &error) < 0)
                report(LOG_ERR, "%s", error.message);
}

void order_check(Pool *pool)
{
        OrderVerdict verdict;
        const char *name;

        pool->is_stop_held = !pool->is_up && must_stay(pool);
        if (!pool->is_up)
                return;
        verdict = judge(pool, &name);
        if (verdict == ORDER_BAR)
                bar(pool, name);
        else if (pool->order == ORDER_BAR)
                wait_again(pool);
        if (pool->order == ORDER_WAIT && verdict == ORDER_GO) {
                pool->turn_usec = now_usec();
                pool->order = ORDER_GO;
                change_release(pool);
        }
}

bool order_holds(const Pool *pool)
{
        return pool->is_stop_held || (pool->is_up && pool->order == ORDER_WAIT);
}

/* ---- news ---- */

/* All of it has been ready, or has ended as its policy says. */
static void note_ready(Pool *pool)
{
        bool is_done = pool->state == POOL_STOPPED && !pool->operation && pool->order == ORDER_GO;

        if (!pool->is_up || pool->state == POOL_FAILED)
                pool->ready_usec = 0;
        else if (pool->ready_usec == 0 && (pool->state == POOL_RUNNING || is_done))
                pool->ready_usec = now_usec();
}

static void tell(Pool *pool)
{
        const PoolConfig *config = config_of(pool);
        bool is_required;
        size_t cursor = 0;
        const char *name;
        Pool *other;

        while ((other = next_follower(pool, &cursor)))
                if (other->is_up)
                        engine_touch(pool->engine, other);
        for (size_t i = 0; has_needs(config) && (name = need_at(config, i, &is_required)); i++) {
                other = engine_find_pool(pool->engine, name);
                if (other && other->is_stop_held)
                        engine_touch(pool->engine, other);
        }
}

void order_settle(Pool *pool, PoolState before)
{
        OrderStanding standing;

        note_ready(pool);
        standing = standing_of(pool);
        if (standing != pool->standing || pool->state != before)
                tell(pool);
        pool->standing = standing;
}

/* ---- what people ask for ---- */

void order_pull(Pool *pool, const ChangeRequest *request)
{
        const ChangeRequest pull = { .actor = request->actor };
        const PoolConfig *config = config_of(pool);
        char *const *name = config ? config->requires : NULL;

        for (; name && *name; name++) {
                Pool *required = engine_find_pool(pool->engine, *name);
                OrderStanding standing = standing_of(required);
                ChangeOutcome outcome = { 0 };
                Error error = { 0 };

                if (standing != STANDING_DOWN && standing != STANDING_FAILED)
                        continue;
                order_pull(required, request);
                if (change_start(required, &pull, &outcome, &error) < 0)
                        report(LOG_ERR, "%s", error.message);
        }
}

void order_push(Pool *pool, const ChangeRequest *request)
{
        const ChangeRequest push = { .actor = request->actor };
        size_t cursor = 0;
        Pool *other;

        while ((other = next_follower(pool, &cursor))) {
                ChangeOutcome outcome = { 0 };

                if (!other->is_up || !has_name(config_of(other)->requires, pool->name))
                        continue;
                (void)change_stop(other, &push, &outcome, NULL); /* it has no generation to check */
                order_push(other, request);
        }
}

/* ---- shown ---- */

static void add_word(char *buffer, size_t size, char kind, bool is_waited_for, const char *name)
{
        size_t used = strlen(buffer);

        if (used + strlen(name) + 4 <= size)
                (void)snprintf(buffer + used, size - used, "%s%c%c%s", used ? " " : "", kind,
                               is_waited_for ? '+' : '-', name);
}

void order_describe(const Pool *pool, char *buffer, size_t size)
{
        const PoolConfig *config = config_of(pool);
        const Engine *engine = pool->engine;
        bool is_waiting = pool->is_up && pool->order == ORDER_WAIT, is_required;
        size_t after_count = config ? text_list_count(config->after) : 0, cursor = 0;
        const Pool *follower;
        const char *name;

        buffer[0] = '\0';
        for (size_t i = 0; has_needs(config) && (name = need_at(config, i, &is_required)); i++) {
                OrderStanding standing = standing_of(engine_find_pool(engine, name));
                bool is_late = is_waiting && order_weigh(standing, is_required) == ORDER_WAIT;

                add_word(buffer, size, i < after_count ? 'a' : 'r', is_late, name);
        }
        while (pool->is_stop_held && (follower = next_follower(pool, &cursor)))
                if (must_stop_first(follower))
                        add_word(buffer, size, 's', true, follower->name);
}
