/* plan.c - see plan.h
 *
 * First everything is counted, then starts are named (missing slots of the grid, stand-ins above
 * it), then stops (what is above the grid, what is outdated), highest slot first. What may be
 * stopped is decided by one number, the spare capacity: ready slots above the floor. A slot that
 * is not ready costs nothing to stop.
 *
 * A slot of the grid that has settled without being ready (failed, ended, its probe fails) cannot
 * be waited for: the floor is lowered by it, else it would hold up every change for ever. One
 * that is on its way, a back-off included, is waited for. */
#include "model/plan.h"

#include "base/cleanup.h"

typedef struct Count {
        size_t ready; /* all slots that are ready */
        size_t rising, outdated, surplus, unfinished;
        size_t outdated_ready; /* of the grid: capacity that needs replacing */
        size_t absent;         /* of the grid, current and up, but neither ready nor about to be */
        size_t settled;        /* among them: those that need not be waited for */
        size_t stand_ins;      /* slots above the grid that serve, or will */
} Count;

static bool in_grid(const PlanTarget *target, const PlanSlot *slot)
{
        return target->is_up && slot->slot < target->processes;
}

/* Done with: current and ready, or ended as its policy says. */
static bool is_finished(const PlanSlot *slot)
{
        return slot->is_wanted && slot->is_current
               && (slot->state == WORKER_READY || slot->state == WORKER_EXITED);
}

/* Of those above the grid. One of a definition that was replaced in the midst of its rollout does so
 * only if it is ready: it may never be. */
static bool stands_in(const PlanSlot *slot)
{
        return slot->is_wanted && (slot->is_current || worker_facts(slot->state)->is_ready);
}

static void count_in_grid(Count *count, const PlanSlot *slot)
{
        const WorkerFacts *facts = worker_facts(slot->state);

        if (is_finished(slot))
                count->unfinished--;
        if (!slot->is_wanted)
                return;
        if (!slot->is_current) {
                count->outdated++;
                count->outdated_ready += facts->is_ready;
                return;
        }
        if (facts->is_ready || (facts->is_rising && facts->has_process))
                return;
        count->absent++;
        count->settled += facts->is_settled;
}

static Count count_slots(const PlanTarget *target, const PlanSlot *slots, size_t length)
{
        Count count = { .unfinished = target->is_up ? target->processes : 0 };

        for (size_t i = 0; i < length; i++) {
                const WorkerFacts *facts = worker_facts(slots[i].state);

                count.ready += facts->is_ready;
                count.rising += slots[i].is_wanted && facts->is_rising;
                if (in_grid(target, &slots[i])) {
                        count_in_grid(&count, &slots[i]);
                        continue;
                }
                count.stand_ins += stands_in(&slots[i]);
                count.surplus += slots[i].is_wanted || facts->has_process;
        }
        return count;
}

static size_t less(size_t a, size_t b)
{
        return a > b ? a - b : 0;
}

static size_t floor_in_force(const PlanTarget *target, const Count *count)
{
        return less(target->floor, count->settled);
}

/* How many slots above the grid are needed so that outdated ones can be taken down: as many as
 * are replaced at once, less what the grid itself can spare once all that is coming is there.
 * Where nothing can be spared and MaxSurge is 0, one stands in all the same: there is no other
 * way to change anything without falling under the floor. */
static size_t stand_ins_needed(const PlanTarget *target, const Count *count)
{
        size_t own = less(target->processes, count->absent);
        size_t spare = less(own, floor_in_force(target, count));
        size_t at_once = MIN((size_t)target->max_surge, count->outdated_ready);

        if (count->outdated_ready > 0 && spare == 0)
                at_once = MAX(at_once, (size_t)1);
        return less(at_once, spare);
}

static bool is_free(const PlanSlot *slot)
{
        return !slot->is_wanted && !worker_facts(slot->state)->has_process;
}

/* All missing slots of the grid, then stand-ins in the lowest free slots above it. */
static size_t plan_starts(const PlanTarget *target, const PlanSlot *slots, size_t length,
                          size_t more_stand_ins, PlanStep *steps)
{
        size_t at = 0, taken = 0, above = 0;

        for (unsigned slot = 0; slot < target->processes || above < more_stand_ins; slot++) {
                while (at < length && slots[at].slot < slot)
                        at++;
                if (at < length && slots[at].slot == slot && !is_free(&slots[at]))
                        continue;
                steps[taken++] = (PlanStep){ .verb = PLAN_START, .slot = slot };
                above += slot >= target->processes;
        }
        return taken;
}

/* Stand-ins are kept lowest first, as they were started. */
static bool may_stop(const PlanTarget *target, const PlanSlot *slot, size_t above_rank,
                     size_t stand_ins)
{
        if (!slot->is_wanted)
                return false;
        if (in_grid(target, slot))
                return !slot->is_current;
        return !stands_in(slot) || above_rank >= stand_ins;
}

static size_t plan_stops(const PlanTarget *target, const PlanSlot *slots, size_t length,
                         const Count *count, size_t stand_ins, PlanStep *steps)
{
        size_t spare = target->is_up ? less(count->ready, floor_in_force(target, count)) : length;
        size_t above_left = count->stand_ins, taken = 0;

        for (size_t i = length; i > 0; i--) {
                const PlanSlot *slot = &slots[i - 1];
                bool is_ready = worker_facts(slot->state)->is_ready;

                if (stands_in(slot) && !in_grid(target, slot))
                        above_left--;
                if (!may_stop(target, slot, above_left, stand_ins) || (is_ready && spare == 0))
                        continue;
                spare -= is_ready;
                steps[taken++] = (PlanStep){ .verb = PLAN_STOP, .slot = slot->slot };
        }
        return taken;
}

size_t plan_next(const PlanTarget *target, const PlanSlot *slots, size_t count, PlanStep *steps,
                 PlanProgress *ret_progress)
{
        const Count counted = count_slots(target, slots, count);
        size_t stand_ins = 0, taken = 0;

        if (target->is_up) {
                stand_ins = stand_ins_needed(target, &counted);
                taken = plan_starts(target, slots, count, less(stand_ins, counted.stand_ins),
                                    steps);
        }
        taken += plan_stops(target, slots, count, &counted, stand_ins, steps + taken);
        if (ret_progress)
                *ret_progress = (PlanProgress){
                        .is_reached = taken == 0 && counted.unfinished == 0 && counted.surplus == 0,
                        .ready = (unsigned)counted.ready,
                        .rising = (unsigned)counted.rising,
                        .outdated = (unsigned)counted.outdated,
                        .surplus = (unsigned)counted.surplus,
                };
        return taken;
}

unsigned plan_floor(unsigned old_processes, unsigned new_processes, unsigned max_unavailable)
{
        unsigned lower = MIN(old_processes, new_processes);

        return lower > max_unavailable ? lower - max_unavailable : 0;
}
