/* withhold.c - see withhold.h
 *
 * Three kinds of stops, in the order in which threads are given up: outdated workers of the grid,
 * whose successors bring others; outdated ones above it; and last those that stand in, which stay as
 * long as somebody of the grid is outdated. */
#include "model/withhold.h"

#include "base/cleanup.h"

typedef enum Kind { KIND_OUTDATED, KIND_SURPLUS, KIND_STAND_IN, KIND_COUNT } Kind;

typedef struct Judge {
        const ThreadsTarget *target;
        const PlanSlot *slots;
        const unsigned *threads;
        size_t count;
        uint64_t left; /* threads of those that are ready and stay */
        bool has_outdated, has_stand_in, is_moving;
} Judge;

static bool is_ready(const PlanSlot *slot)
{
        return worker_facts(slot->state)->is_ready;
}

/* More will be ready, or room for it will be. */
static bool is_on_its_way(const Judge *judge, const PlanSlot *slot)
{
        const WorkerFacts *facts = worker_facts(slot->state);

        if (slot->is_wanted)
                return facts->is_rising;
        return slot->slot < judge->target->processes && facts->has_process;
}

static void look(Judge *judge)
{
        for (size_t i = 0; i < judge->count; i++) {
                const PlanSlot *slot = &judge->slots[i];

                if (is_ready(slot) && slot->is_wanted)
                        judge->left += judge->threads[i];
                judge->is_moving |= is_on_its_way(judge, slot);
                if (!slot->is_wanted)
                        continue;
                judge->has_outdated |= slot->slot < judge->target->processes && !slot->is_current;
                judge->has_stand_in |= slot->slot >= judge->target->processes && slot->is_current;
        }
}

/* Return: its place among the slots, which ascend; their count if it is not there */
static size_t place_of(const Judge *judge, unsigned slot)
{
        size_t low = 0, high = judge->count;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (judge->slots[middle].slot < slot)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < judge->count && judge->slots[low].slot == slot ? low : judge->count;
}

static Kind kind_of(const Judge *judge, const PlanSlot *slot)
{
        if (slot->slot < judge->target->processes)
                return KIND_OUTDATED;
        return slot->is_current ? KIND_STAND_IN : KIND_SURPLUS;
}

/* Whether this stop may be taken now; then its threads are gone. */
static bool grant(Judge *judge, size_t at)
{
        const PlanSlot *slot = &judge->slots[at];

        if (kind_of(judge, slot) == KIND_STAND_IN && judge->has_outdated)
                return false;
        if (!is_ready(slot))
                return true;
        if (judge->left < judge->target->floor + judge->threads[at])
                return false;
        judge->left -= judge->threads[at];
        return true;
}

/* A refused stop has the verb 0 until it is granted or left out. */
static void grant_kind(Judge *judge, Kind kind, PlanStep *steps, size_t step_count)
{
        for (size_t i = 0; i < step_count; i++) {
                size_t at = place_of(judge, steps[i].slot);

                if (steps[i].verb != PLAN_STOP || at == judge->count
                    || kind_of(judge, &judge->slots[at]) != kind)
                        continue;
                if (grant(judge, at))
                        judge->is_moving = true;
                else
                        steps[i].verb = 0;
        }
}

/* The lowest slot above the grid in which nothing is. */
static unsigned free_slot(const Judge *judge)
{
        unsigned slot = judge->target->processes;

        for (size_t i = 0; i < judge->count; i++)
                if (judge->slots[i].slot == slot
                    && (judge->slots[i].is_wanted
                        || worker_facts(judge->slots[i].state)->has_process))
                        slot++;
        return slot;
}

/* Somebody stands in; if somebody does already, one leaves all the same: of the grid if there is one,
 * for it is replaced; else the highest. */
static void help(const Judge *judge, PlanStep *steps, size_t step_count)
{
        PlanStep *chosen = NULL;

        if (judge->has_outdated && !judge->has_stand_in && step_count > 0) {
                steps[0] = (PlanStep){ .verb = PLAN_START, .slot = free_slot(judge) };
                return;
        }
        for (size_t i = 0; i < step_count; i++)
                if (!steps[i].verb && (!chosen || steps[i].slot < judge->target->processes))
                        chosen = &steps[i];
        if (chosen)
                chosen->verb = PLAN_STOP;
}

size_t withhold_stops(const ThreadsTarget *target, const PlanSlot *slots, const unsigned *threads,
                      size_t count, PlanStep *steps, size_t step_count)
{
        Judge judge = { .target = target, .slots = slots, .threads = threads, .count = count };
        size_t kept = 0;

        if (target->floor == 0)
                return step_count;
        look(&judge);
        for (size_t i = 0; i < step_count; i++)
                judge.is_moving |= steps[i].verb == PLAN_START;
        for (Kind kind = 0; kind < KIND_COUNT; kind++)
                grant_kind(&judge, kind, steps, step_count);
        if (!judge.is_moving)
                help(&judge, steps, step_count);
        for (size_t i = 0; i < step_count; i++)
                if (steps[i].verb)
                        steps[kept++] = steps[i];
        return kept;
}

uint64_t withhold_floor(uint64_t old_threads, uint64_t new_threads, uint64_t spare_threads)
{
        uint64_t least = MIN(old_threads, new_threads);

        return least > spare_threads ? least - spare_threads : 0;
}
