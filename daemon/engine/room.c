/* room.c - see room.h
 *
 * The work is bounded: so many workers, so many children of each. A pool without a ready worker is
 * judged by what they took when last asked. */
#include "engine/room.h"

#include "base/units.h"
#include "engine/live.h"
#include "sample/memory_use.h"
#include "sys/memory.h"

enum { WORKERS_MEASURED = 9 };

static bool is_measurable(const Slot *slot)
{
        return slot_facts(slot)->is_ready && pidref_is_set(&slot->process);
}

/* Some of the ready ones, from all over the pool. */
static void measure(Pool *pool)
{
        MemoryUse uses[WORKERS_MEASURED];
        size_t ready = 0, count = 0, seen = 0, stride;
        unsigned threads = 0;

        for (size_t i = 0; i < pool->slot_count; i++)
                ready += is_measurable(pool->slots[i]);
        stride = MAX(ready / WORKERS_MEASURED, (size_t)1);
        for (size_t i = 0; i < pool->slot_count && count < WORKERS_MEASURED; i++) {
                const Slot *slot = pool->slots[i];

                if (!is_measurable(slot) || seen++ % stride != 0
                    || memory_use_take(slot->process.pid, &uses[count]) < 0)
                        continue;
                threads = MAX(threads, slot->definition->threads);
                count++;
        }
        if (count > 0)
                pool->footprint = footprint_of(uses, count, threads);
}

/* Workers above the grid while outdated ones are replaced; those that go anyway stand in as well,
 * unless they have too few threads for it (model/withhold.h). */
static unsigned stand_ins(const Pool *pool, const Grid *to, bool is_redefined)
{
        unsigned surge = MAX(share_of(pool->config->max_surge, to->processes), 1U);
        unsigned replaced = 0, surplus = 0;

        for (size_t i = 0; i < pool->slot_count; i++) {
                const Slot *slot = pool->slots[i];

                if (!pidref_is_set(&slot->process))
                        continue;
                surplus += slot->number >= to->processes;
                replaced += slot->number < to->processes && is_redefined && !live_can_follow(slot);
        }
        surge = MIN(surge, replaced);
        if (surge > surplus)
                return surge - surplus;
        return replaced > 0 && to->threads > pool->grid.threads;
}

static unsigned count_alive(const Pool *pool)
{
        unsigned alive = 0;

        for (size_t i = 0; i < pool->slot_count; i++)
                alive += pidref_is_set(&pool->slots[i]->process);
        return alive;
}

int room_check(Pool *pool, const Grid *to, bool is_redefined, BoardOperation *row, Error *reterr)
{
        const FootprintChange change = { .to = *to,
                                         .alive = count_alive(pool),
                                         .stand_ins = stand_ins(pool, to, is_redefined) };
        uint64_t budget = pool->config->memory_budget_bytes;
        MemoryRoom room = { .available_bytes = UINT64_MAX };
        FootprintPlan plan;

        measure(pool);
        plan = footprint_plan(&pool->footprint, &change);
        /* A pool that is down begins nothing now. */
        if (!pool->is_up)
                plan.more_bytes = 0;
        if (plan.more_bytes > 0)
                room = memory_room(family_root_path(pool->engine->families));
        row->memory_now_bytes = plan.now_bytes;
        row->memory_expected_bytes = plan.expected_bytes;
        row->memory_worker_bytes = plan.worker_bytes;
        row->memory_more_bytes = plan.more_bytes;
        row->memory_available_bytes = room.available_bytes;
        row->memory_budget_bytes = budget;
        row->memory_workers = pool->footprint.workers;
        return footprint_check(pool->subject, &pool->footprint, &plan, to, budget,
                               room.available_bytes, room.group, reterr);
}
