/* reload_plan.c - see reload_plan.h */
#include "engine/reload_plan.h"

#include <inttypes.h>
#include <stdio.h>

/* What a configuration in force and the next one make of one pool. */
typedef struct Outlook {
        const Pool *pool;
        const char *key; /* that differs and that workers are started from; NULL: none */
        Grid to;
        bool is_redefined; /* all its workers are outdated */
} Outlook;

static Outlook look(const Pool *pool, const PoolConfig *next)
{
        const GridLimits limits = { next->processes_min, next->processes_max, next->threads_min,
                                    next->threads_max };
        Outlook outlook = { .pool = pool,
                            .key = pool_config_difference(pool->definition->config, next),
                            .to = { next->processes, next->threads, next->greenlets } };

        if (pool->is_overridden)
                outlook.to = grid_clamp(&pool->grid, &limits);
        outlook.is_redefined = outlook.key || outlook.to.threads != pool->grid.threads
                               || outlook.to.greenlets != pool->grid.greenlets;
        return outlook;
}

/* ---- worker by worker ---- */

static void write_row(Text *plan, const char *pool, const char *slot, const char *pid,
                      const char *action, const char *reason)
{
        text_printf(plan, "worker\t%s\t%s\t%s\t%s\t%s\n", pool, slot, pid, action, reason);
}

static void write_slot(Text *plan, const char *pool, unsigned slot, pid_t pid, const char *action,
                       const char *reason)
{
        char slot_text[16], pid_text[16] = "-";

        (void)snprintf(slot_text, sizeof(slot_text), "%u", slot);
        if (pid > 0)
                (void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
        write_row(plan, pool, slot_text, pid_text, action, reason);
}

static const char *why_redefined(const Outlook *outlook, char *buffer, size_t size)
{
        const Grid *from = &outlook->pool->grid;

        if (outlook->key)
                (void)snprintf(buffer, size, "%s= differs", outlook->key);
        else if (outlook->to.threads != from->threads)
                (void)snprintf(buffer, size, "Threads= goes from %u to %u", from->threads,
                               outlook->to.threads);
        else
                (void)snprintf(buffer, size, "Greenlets= goes from %u to %u", from->greenlets,
                               outlook->to.greenlets);
        return buffer;
}

static const char *why_regridded(const Outlook *outlook, char *buffer, size_t size)
{
        if (outlook->to.processes == outlook->pool->grid.processes)
                return "it stands in for one that is being replaced";
        (void)snprintf(buffer, size, "Processes= goes from %u to %u", outlook->pool->grid.processes,
                       outlook->to.processes);
        return buffer;
}

/* One that is there: has a process, or waits for its next start, or has ended. */
static void write_present(Text *plan, const Outlook *outlook, const Slot *slot)
{
        bool stays = slot->number < outlook->to.processes && slot->worker.is_wanted;
        const char *action = "keep", *reason = "nothing differs";
        char buffer[160];

        if (!stays) {
                action = "stop";
                reason = slot->worker.is_wanted ? why_regridded(outlook, buffer, sizeof(buffer))
                                                : "it is on its way down already";
        } else if (outlook->is_redefined) {
                action = "restart";
                reason = why_redefined(outlook, buffer, sizeof(buffer));
        } else if (slot->definition != outlook->pool->definition) {
                action = "restart";
                reason = "it runs an older definition";
        }
        write_slot(plan, outlook->pool->name, slot->number, slot->process.pid, action, reason);
}

static void write_pool(Text *plan, const Outlook *outlook)
{
        const Pool *pool = outlook->pool;
        char buffer[160];

        for (size_t i = 0; i < pool->slot_count; i++)
                write_present(plan, outlook, pool->slots[i]);
        if (!pool_wants_workers(pool)) {
                if (pool->slot_count == 0)
                        write_row(plan, pool->name, "-", "-", "keep",
                                  pool->is_up ? "what it requires is not there" : "it is stopped");
                return;
        }
        for (unsigned i = 0; i < outlook->to.processes; i++)
                if (!pool_slot(pool, i))
                        write_slot(plan, pool->name, i, 0, "start",
                                   outlook->to.processes > pool->grid.processes
                                           ? why_regridded(outlook, buffer, sizeof(buffer))
                                           : "it is about to start already");
}

static void write_fresh(Text *plan, const PoolConfig *config)
{
        for (unsigned i = 0; i < config->processes; i++)
                write_slot(plan, config->name, i, 0, "start", "the pool is new");
        if (config->processes == 0)
                write_row(plan, config->name, "-", "-", "keep", "the pool is new");
}

static void write_gone(Text *plan, const Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                write_slot(plan, pool->name, pool->slots[i]->number, pool->slots[i]->process.pid,
                           "stop", "its file is gone");
        if (pool->slot_count == 0)
                write_row(plan, pool->name, "-", "-", "stop", "its file is gone");
}

void reload_plan_write(const Engine *engine, const Config *config, Text *plan)
{
        for (size_t i = 0; i < config->pool_count; i++) {
                const Pool *pool = engine_find_pool(engine, config->pools[i]->name);
                Outlook outlook;

                if (!pool || pool->is_leaving) {
                        write_fresh(plan, config->pools[i]);
                        continue;
                }
                outlook = look(pool, config->pools[i]);
                write_pool(plan, &outlook);
        }
        for (size_t i = 0; i < engine->pool_count; i++)
                if (!engine->pools[i]->is_builtin && !config_find(config, engine->pools[i]->name))
                        write_gone(plan, engine->pools[i]);
}

void reload_plan_operations(const Engine *engine, uint64_t last, Text *plan)
{
        for (size_t i = 0; i < engine->pool_count; i++) {
                const Pool *pool = engine->pools[i];

                if (pool->operation && pool->operation->row.id > last)
                        text_printf(plan, "operation\t%s\t%" PRIu64 "\n", pool->name,
                                    pool->operation->row.id);
        }
}

/* ---- in a sentence ---- */

static void describe_change(const Pool *pool, const PoolConfig *config, Text *text)
{
        const char *key = pool_config_difference(pool->definition->config, config);
        const Grid wanted = { config->processes, config->threads, config->greenlets };
        const Grid *now = &pool->grid;
        char from[48], to[48];
        bool is_regridded = !pool->is_overridden && !grid_equal(now, &wanted);

        if (!key && !is_regridded)
                return;
        text_printf(text, "%s%s:", text->length ? "; " : "", pool->name);
        if (key)
                text_printf(text, " replaces %zu workers since %s= differs", pool->slot_count, key);
        if (is_regridded)
                text_printf(text, "%s goes from %s to %s", key ? " and" : "",
                            grid_format(from, sizeof(from), now),
                            grid_format(to, sizeof(to), &wanted));
}

/* One sentence for all pools; nothing is written about those that stay as they are. */
void reload_plan_describe(const Engine *engine, const Config *config, Text *text)
{
        for (size_t i = 0; i < config->pool_count; i++) {
                const PoolConfig *next = config->pools[i];
                const Pool *pool = engine_find_pool(engine, next->name);

                if (pool && !pool->is_leaving)
                        describe_change(pool, next, text);
                else
                        text_printf(text, "%s%s: is new and starts %u workers",
                                    text->length ? "; " : "", next->name, next->processes);
        }
        for (size_t i = 0; i < engine->pool_count; i++) {
                const Pool *pool = engine->pools[i];

                if (!pool->is_builtin && !config_find(config, pool->name))
                        text_printf(text, "%s%s: its file is gone: stops %zu workers",
                                    text->length ? "; " : "", pool->name, pool->slot_count);
        }
}
