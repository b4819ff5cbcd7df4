/* headcount.c - see headcount.h */
#include "engine/headcount.h"

#include "engine/pool.h"
#include "engine/report.h"

enum { CHECKED_SLOTS_MAX = 16 };

static bool is_lossy(const Slot *slot)
{
        LogCounters counters;

        return output_counters(slot, &counters)
               && (counters.dropped_bytes || counters.suppressed_lines || counters.fallback_lines);
}

static unsigned traits_of(const Slot *slot)
{
        const Pool *pool = slot->pool;
        const CensusSlot seen = {
                .plan = { .slot = slot->number,
                          .state = slot->worker.state,
                          .is_wanted = slot->worker.is_wanted,
                          .is_current = !slot->is_worn && slot->definition == pool->definition },
                .is_begun = pool->operation && slot->operation == pool->operation->row.id,
                .is_lossy = is_lossy(slot),
        };

        return census_traits(&seen, pool->grid.processes);
}

static void count_as(Slot *slot, unsigned traits)
{
        census_move(&slot->pool->census, slot->traits, traits);
        slot->traits = (uint16_t)traits;
}

void headcount_note(Slot *slot)
{
        count_as(slot, traits_of(slot));
}

void headcount_forget(Slot *slot)
{
        count_as(slot, 0);
}

void headcount_renew(Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                headcount_note(pool->slots[i]);
}

void headcount_check(Pool *pool)
{
        if (pool->slot_count > CHECKED_SLOTS_MAX)
                return;
        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];

                if (slot->traits == traits_of(slot))
                        continue;
                report(LOG_ERR, "%s: worker %u was miscounted: %x", pool->subject, slot->number,
                       slot->traits ^ traits_of(slot));
                headcount_note(slot);
        }
}

unsigned headcount_of(const Pool *pool, CensusTrait trait)
{
        return pool->census.counts[trait];
}
