/* plan.h - what to do next so that a pool's slots come to match its target
 *
 * Asked again after everything that happens, it looks at the slots as they are and names the
 * next starts and stops; when nothing is left to do the target is reached. It remembers nothing,
 * so a crash, a second change or a worker that dies in the middle needs no special case.
 *
 * Wanted are the slots 0 .. processes-1, each in the current definition. An outdated one is
 * replaced in its slot; while that goes on up to max_surge workers stand in, in the lowest free
 * slots above. Ready slots never fall under the floor, min(old, new) - max_unavailable. A slot of
 * the grid that has settled without being ready (failed, ended, unready) lowers the floor, else it
 * would hold up every change; one that is on its way, a back-off included, is waited for.
 *
 * A slot that should be up is left to its own machine: failed ones are not started again here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/worker.h"

typedef struct PlanSlot {
        unsigned slot; /* ascending order */
        WorkerState state;
        bool is_wanted;  /* its machine's goal is up */
        bool is_current; /* runs, or will start, in the current definition */
} PlanSlot;

typedef struct PlanTarget {
        bool is_up; /* false: the pool is being stopped, all slots go */
        unsigned processes;
        unsigned floor;     /* ready slots may not fall under it by a planned stop */
        unsigned max_surge; /* extra slots while outdated ones are replaced; where nothing could be
                             * replaced otherwise, one stands in even if this is 0 */
} PlanTarget;

typedef enum PlanVerb { PLAN_START = 1, PLAN_STOP } PlanVerb;

typedef struct PlanStep {
        PlanVerb verb;
        unsigned slot;
} PlanStep;

typedef struct PlanProgress {
        bool is_reached; /* nothing to do and nothing under way: all wanted slots are ready */
        unsigned ready;  /* slots that count as capacity */
        unsigned rising, outdated, surplus;
} PlanProgress;

/** plan_next() - the steps that may be taken now
 *  @slots: @count entries, ascending by slot, no slot twice
 *  @steps: room for at least @count + target->processes + target->max_surge steps
 *  @ret_progress: may be NULL
 *  Return: number of steps; starts come lowest slot first, stops highest slot first */
size_t plan_next(const PlanTarget *target, const PlanSlot *slots, size_t count, PlanStep *steps,
                 PlanProgress *ret_progress);

/** plan_floor() - min(old, new) - max_unavailable, not below 0 */
unsigned plan_floor(unsigned old_processes, unsigned new_processes, unsigned max_unavailable);
