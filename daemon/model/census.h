/* census.h - how many slots of a pool are what, kept slot by slot
 *
 * The plan, a pool's state and what is shown of it are functions of all its slots. Asked anew after
 * every event they would cost a look at each of thousands for one that has changed. So what a slot
 * counts for is noted whenever it changes, and most questions are answered by a few sums: above all
 * whether the plan could name a step at all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/plan.h"

typedef enum CensusTrait {
        CENSUS_ALIVE,       /* has a process */
        CENSUS_READY,       /* counts as capacity */
        CENSUS_RISING,      /* on its way to ready by itself */
        CENSUS_FAILED,      /* gave up */
        CENSUS_STOPPED,     /* nothing lives, and nothing is wanted */
        CENSUS_WANTED,      /* its machine's goal is up */
        CENSUS_GRID_RISING, /* in the grid: rising */
        CENSUS_GRID_ENDED,  /* in the grid: ended as its policy says */
        CENSUS_CALM,        /* in the grid, wanted and current: the plan leaves it alone */
        CENSUS_PENDING,     /* begun by the running operation, which waits for it */
        CENSUS_LOSSY,       /* output of it was lost or held back */
        CENSUS_TRAITS
} CensusTrait;

typedef struct Census {
        unsigned counts[CENSUS_TRAITS];
} Census;

typedef struct CensusSlot {
        PlanSlot plan;
        bool is_begun; /* by the running operation */
        bool is_lossy;
} CensusSlot;

/** census_traits() - Return: bit n is set if the slot has trait n
 *  @processes: of the grid in force */
unsigned census_traits(const CensusSlot *slot, unsigned processes);

/** census_move() - a slot that counted for @before counts for @after; 0: it is not there */
void census_move(Census *census, unsigned before, unsigned after);

/** census_is_planned() - whether plan_next() is sure to name no step
 *  @count: of the slots that are there */
bool census_is_planned(const Census *census, const PlanTarget *target, size_t count);
