/* census.c - see census.h */
#include "model/census.h"

#include <assert.h>

unsigned census_traits(const CensusSlot *slot, unsigned processes)
{
        const PlanSlot *plan = &slot->plan;
        const WorkerFacts *facts = worker_facts(plan->state);
        bool is_in_grid = plan->slot < processes, has_ended = plan->state == WORKER_EXITED;
        const bool traits[CENSUS_TRAITS] = {
                [CENSUS_ALIVE] = facts->has_process,
                [CENSUS_READY] = facts->is_ready,
                [CENSUS_RISING] = facts->is_rising,
                [CENSUS_FAILED] = plan->state == WORKER_FAILED,
                [CENSUS_STOPPED] = plan->state == WORKER_STOPPED,
                [CENSUS_WANTED] = plan->is_wanted,
                [CENSUS_GRID_RISING] = is_in_grid && facts->is_rising,
                [CENSUS_GRID_ENDED] = is_in_grid && has_ended,
                [CENSUS_CALM] = is_in_grid && plan->is_wanted && plan->is_current,
                [CENSUS_PENDING] = slot->is_begun && !facts->is_ready && !has_ended,
                [CENSUS_LOSSY] = slot->is_lossy,
        };
        unsigned bits = 0;

        for (unsigned i = 0; i < CENSUS_TRAITS; i++)
                bits |= (unsigned)traits[i] << i;
        return bits;
}

void census_move(Census *census, unsigned before, unsigned after)
{
        for (unsigned i = 0, changed = before ^ after; changed; i++, changed >>= 1) {
                if (!(changed & 1))
                        continue;
                assert((after >> i & 1) || census->counts[i] > 0);
                census->counts[i] += (after >> i & 1) ? 1U : -1U;
        }
}

bool census_is_planned(const Census *census, const PlanTarget *target, size_t count)
{
        if (!target->is_up)
                return census->counts[CENSUS_WANTED] == 0;
        return count == target->processes && census->counts[CENSUS_CALM] == count;
}
