/* limits.c - see limits.h
 *
 * Limits belong to the groups, not to the processes in them: they are written when a group is made
 * and when the configuration changes, and workers go on meanwhile. */
#include "engine/limits.h"

#include <signal.h>
#include <string.h>

#include "engine/pool.h"
#include "engine/publish.h"
#include "sys/cgroup.h"

static void warn_scope(Engine *engine, const PoolConfig *config, FamilyScope scope,
                       const GroupLimits *limits)
{
        unsigned had = family_root_controllers(engine->families), controller;
        const char *key;
        char why[160];

        for (size_t i = 0; (key = family_limit_key(limits, scope, i, &controller)); i++) {
                if (had & controller)
                        continue;
                family_root_why_not(engine->families, controller, why, sizeof(why));
                publish_warning(engine, config->name,
                                "%s= has no effect, the cgroup controller %s cannot be had: %s",
                                key, controller_name((Controller)controller), why);
        }
}

void limits_warn(Engine *engine, const PoolConfig *config)
{
        warn_scope(engine, config, FAMILY_OF_SLOT, &config->worker_limits);
        warn_scope(engine, config, FAMILY_OF_POOL, &config->pool_limits);
}

static void limit(Slot *slot, FamilyScope scope, const GroupLimits *from, const GroupLimits *to)
{
        const char *key = "";
        int r = family_limit(slot->family, scope, from, to, &key);

        if (r < 0)
                publish_warning(slot->pool->engine, slot->pool->name,
                                "%s= could not be set for the cgroup of worker %u: %s.", key,
                                slot->number, strerror(-r));
}

static void limit_anew(Slot *slot, FamilyScope scope, const GroupLimits *to)
{
        static const GroupLimits none = GROUP_LIMITS_NONE;

        limit(slot, scope, family_is_fresh(slot->family, scope) ? &none : NULL, to);
}

void limits_open(Slot *slot)
{
        const Pool *pool = slot->pool;

        limit_anew(slot, FAMILY_OF_SLOT, &pool->config->worker_limits);
        if (pool->slot_count == 0 || family_is_fresh(slot->family, FAMILY_OF_POOL))
                limit_anew(slot, FAMILY_OF_POOL, &pool->config->pool_limits);
        /* What happened to those before is not the fault of those to come. */
        (void)family_take_oom_kills(slot->family);
}

void limits_begin(Slot *slot)
{
        const PoolConfig *config = slot->pool->config;

        if (!family_take_tidied(slot->family))
                return;
        limit(slot, FAMILY_OF_SLOT, NULL, &config->worker_limits);
        limit(slot, FAMILY_OF_POOL, NULL, &config->pool_limits);
}

void limits_change(Pool *pool, const PoolConfig *from, const PoolConfig *to)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                limit(pool->slots[i], FAMILY_OF_SLOT, &from->worker_limits, &to->worker_limits);
        if (pool->slot_count > 0)
                limit(pool->slots[0], FAMILY_OF_POOL, &from->pool_limits, &to->pool_limits);
}

/* The victim may be a child of the worker, which then ends by itself: "exited with 137". */
void limits_explain_exit(Slot *slot, WorkerExit *exit)
{
        uint64_t kills = family_take_oom_kills(slot->family);
        bool is_failure = exit->kind == EXIT_CODE     ? exit->value != 0
                          : exit->kind == EXIT_SIGNAL ? exit->value == SIGKILL
                                                      : exit->reason == EXIT_REASON_UNKNOWN;

        if (kills > 0 && is_failure
            && (exit->reason == EXIT_REASON_NONE || exit->reason == EXIT_REASON_UNKNOWN))
                exit->reason = EXIT_REASON_OOM_KILL;
}
