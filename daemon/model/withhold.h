/* withhold.h - stops of the plan that would take more threads than can be spared
 *
 * The plan counts slots. Where a change of shape gives workers another number of threads, slots are
 * not alike: 7 of 8 workers of one thread are nothing against the one of 8 threads that leaves. So
 * of the plan's stops only those are taken now after which the ready workers still have as many
 * threads as before the change or after it, whichever is less. The others come up again when
 * more is ready.
 *
 *      from 1x8 to 8x1     the old worker goes last, once 8 others are ready
 *      from 8x1 to 1x8     the workers above the grid go last, once the one that stays has grown
 *
 * Where nobody could leave and nothing is on its way, one more worker stands in for those of the
 * grid that are to be replaced. Where that was not enough (others have failed), one of them
 * leaves all the same: its successor brings what is missing. */
#pragma once

#include "model/plan.h"

typedef struct ThreadsTarget {
        unsigned processes; /* of the grid */
        uint64_t floor;     /* threads of ready workers; 0: nothing is withheld */
} ThreadsTarget;

/** withhold_stops() - leave out of @steps what must wait, or put a stand-in's start in its place; their
 *  order stays
 *  @slots: as given to plan_next(); @threads: of each of them, in the same order
 *  Return: number of steps that are left */
size_t withhold_stops(const ThreadsTarget *target, const PlanSlot *slots, const unsigned *threads,
                      size_t count, PlanStep *steps, size_t step_count);

/** withhold_floor() - the lesser product, less what MaxUnavailable= workers have */
uint64_t withhold_floor(uint64_t old_threads, uint64_t new_threads, uint64_t spare_threads);
