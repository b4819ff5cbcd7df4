/* recycle.c - see recycle.h */
#include "engine/recycle.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/alarm.h"
#include "engine/headcount.h"
#include "engine/operation.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "sys/clock.h"

/* When the one that was to stand in does not come up: how long the worn ones are left alone. */
#define AGAIN_USEC (60 * USEC_PER_SEC)

/* The same number for the same life, also after a restart of reeved. */
static uint64_t seed_of(const Slot *slot)
{
        uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

        for (const char *p = slot->instance; *p; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
        return hash >> 16; /* the upper bits are mixed better */
}

/* ---- the clock ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Pool *pool = userdata;

        engine_touch(pool->engine, pool);
        return 0;
}

static void arm(Pool *pool, uint64_t at_usec)
{
        int r = alarm_set(pool->engine->event, &pool->recycle_source, at_usec, PRIORITY_TIMER,
                          on_timer, pool);

        if (r < 0)
                report(LOG_ERR, "%s: cannot arm the timer of recycling: %s", pool->subject,
                       strerror(-r));
}

void recycle_forget(Pool *pool)
{
        pool->recycle_source = sd_event_source_disable_unref(pool->recycle_source);
}

/* ---- what is known ---- */

void recycle_sampled(Slot *slot)
{
        bool was_above = slot->wear.above_memory_usec > 0;

        recycle_measure(&slot->wear, slot->definition->config, slot->sample.rss_bytes, now_usec());
        if (!was_above && slot->wear.above_memory_usec > 0)
                engine_touch(slot->pool->engine, slot->pool);
}

void recycle_told(Slot *slot, uint64_t tasks_done)
{
        unsigned limit = slot->definition->config->max_requests;

        slot->wear.has_tasks = true;
        slot->wear.tasks_done = tasks_done;
        if (limit > 0 && tasks_done >= limit)
                engine_touch(slot->pool->engine, slot->pool);
}

/* ---- who goes ---- */

static void mark(Slot *slot, RecycleReason reason)
{
        char age[32], memory[24], tasks[24];

        slot->is_worn = true;
        headcount_note(slot);
        engine_touch(slot->pool->engine, slot->pool);
        (void)snprintf(age, sizeof(age), "%lu",
                       (unsigned long)((now_usec() - slot->worker.started_usec) / USEC_PER_SEC));
        (void)snprintf(memory, sizeof(memory), "%lu", (unsigned long)slot->sample.rss_bytes);
        (void)snprintf(tasks, sizeof(tasks), "%lu", (unsigned long)slot->wear.tasks_done);
        publish_event(slot->pool->engine, EVENT_WORKER_RECYCLED, slot->pool, slot, NULL, "reason",
                      recycle_reason_to_name(reason), "age_seconds", age, "rss_bytes", memory,
                      slot->wear.has_tasks ? "tasks_done" : NULL, tasks, NULL);
        report(LOG_INFO, "%s: worker %u is recycled: %s", slot->pool->subject, slot->number,
               recycle_reason_to_name(reason));
}

/* All that is wanted is ready, and nothing else is there: no change, no crash, no stand-in. */
static bool is_quiet(const Pool *pool)
{
        if (!pool->is_up || pool->is_leaving || pool->operation || pool->engine->is_stopping
            || pool->slot_count != pool->grid.processes)
                return false;
        for (size_t i = 0; i < pool->slot_count; i++)
                if (!slot_facts(pool->slots[i])->is_ready || pool->slots[i]->is_worn
                    || pool->slots[i]->definition != pool->definition)
                        return false;
        return true;
}

/* Of those that are due the one that has served longest. @next_usec: as of recycle_due() */
static Slot *find_due(const Pool *pool, uint64_t now, uint64_t *next_usec, RecycleReason *ret)
{
        Slot *found = NULL;

        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];
                RecycleReason reason;

                if (slot->is_worn || !slot_facts(slot)->is_ready)
                        continue;
                slot->wear.started_usec = slot->worker.started_usec;
                slot->wear.seed = seed_of(slot);
                reason = recycle_due(&slot->wear, slot->definition->config, now, next_usec);
                if (!reason || (found && found->wear.started_usec <= slot->wear.started_usec))
                        continue;
                found = slot;
                *ret = reason;
        }
        return found;
}

static void mark_due(Pool *pool, uint64_t now, uint64_t *next_usec)
{
        unsigned spare = share_of(pool->config->max_unavailable, pool->grid.processes);
        RecycleReason reason = 0;

        for (unsigned i = 0; i < MAX(spare, 1U); i++) {
                Slot *slot = find_due(pool, now, next_usec, &reason);

                if (!slot)
                        return;
                mark(slot, reason);
        }
}

/* ---- who stays ---- */

static const Slot *find_failed_stand_in(const Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++) {
                const Slot *slot = pool->slots[i];

                if (slot->number >= pool->grid.processes
                    && (slot->worker.state == WORKER_FAILED
                        || slot->worker.failures_in_row >= OPERATION_FAILURES_MAX))
                        return slot;
        }
        return NULL;
}

/* An old worker that works is better than a new one that does not come up. */
static void give_up(Pool *pool, const Slot *failed, uint64_t now)
{
        Error why = { 0 };

        slot_explain(failed, &failed->worker.last_exit, &why);
        report(LOG_WARNING, "%s: recycling is put off for a minute: %s", pool->subject,
               why.message);
        for (size_t i = 0; i < pool->slot_count; i++)
                pool->slots[i]->is_worn = false;
        headcount_renew(pool);
        pool->recycle_after_usec = now + AGAIN_USEC;
        engine_touch(pool->engine, pool);
}

static bool has_worn(const Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                if (pool->slots[i]->is_worn)
                        return true;
        return false;
}

void recycle_check(Pool *pool)
{
        uint64_t now = now_usec(), next = USEC_INFINITY;
        const Slot *failed;

        if (pool->is_builtin || !recycle_is_asked(pool->config))
                return;
        failed = !pool->operation && has_worn(pool) ? find_failed_stand_in(pool) : NULL;
        if (failed)
                give_up(pool, failed, now);
        if (!is_quiet(pool))
                return; /* it is looked at again when that changes */
        if (now < pool->recycle_after_usec)
                next = pool->recycle_after_usec;
        else
                mark_due(pool, now, &next);
        if (next != USEC_INFINITY)
                arm(pool, next);
}
