/* progress.c - see progress.h */
#include "engine/progress.h"

#include "engine/headcount.h"
#include "engine/live.h"

void progress_pid(BoardOperation *row, unsigned kind, pid_t pid)
{
        if (row->pid_count < BOARD_OPERATION_PIDS)
                row->pids[row->pid_count++] = BOARD_OPERATION_PID(kind, pid);
        else
                row->pids_left_out++;
}

/* Those that run a definition with other counts will be asked for them. */
static bool is_asked(const Slot *slot, const Grid *to)
{
        return slot->definition->threads != to->threads
               || slot->definition->greenlets != to->greenlets;
}

static void plan_slot(const Slot *slot, OperationKind kind, const Grid *to, bool is_redefined,
                      BoardOperation *row)
{
        bool is_moved = is_redefined && (kind != OPERATE_SCALE || !live_can_follow(slot));
        bool is_in_grid = slot->number < to->processes && kind != OPERATE_STOP;
        bool stays = is_in_grid && !is_moved && slot->worker.is_wanted;

        row->plan_replaces += is_in_grid && is_moved;
        row->plan_stops += !is_in_grid;
        row->plan_resizes += stays && is_redefined && is_asked(slot, to);
        progress_pid(row, stays ? BOARD_OPERATION_KEPT : BOARD_OPERATION_STOPPED,
                     slot->process.pid);
}

void progress_plan(const Pool *pool, OperationKind kind, const Grid *to, bool is_redefined,
                   BoardOperation *row)
{
        unsigned there = 0;

        for (size_t i = 0; i < pool->slot_count; i++) {
                const Slot *slot = pool->slots[i];

                if (!pidref_is_set(&slot->process))
                        continue;
                plan_slot(slot, kind, to, is_redefined, row);
                there += slot->number < to->processes;
        }
        if (kind != OPERATE_STOP)
                row->plan_starts = to->processes - there;
        row->steps_total =
                row->plan_starts + row->plan_stops + row->plan_resizes + 2 * row->plan_replaces;
}

void progress_step(Pool *pool)
{
        BoardOperation *row = pool->operation ? &pool->operation->row : NULL;

        if (row && ++row->steps_done > row->steps_total)
                row->steps_total = row->steps_done;
}

/* ---- phases ---- */

/* What this slot still waits for. Return: PHASE_SETTLING: nothing */
static OperationPhase phase_of(const Pool *pool, const Slot *slot)
{
        const WorkerFacts *facts = slot_facts(slot);
        unsigned threads = pool->definition->threads;

        if (slot->number >= pool->grid.processes)
                return facts->has_process ? PHASE_STOPPING : PHASE_SETTLING;
        if (live_is_following(slot))
                return slot->definition->threads < threads ? PHASE_GROWING : PHASE_SHRINKING;
        if (slot->definition != pool->definition || !slot->worker.is_wanted)
                return PHASE_REPLACING;
        if (!facts->is_rising)
                return PHASE_SETTLING;
        return slot->number < pool->operation->row.from_processes ? PHASE_REPLACING
                                                                  : PHASE_STARTING;
}

static void set_phase(Pool *pool, OperationPhase phase)
{
        if (pool->operation->is_rolling_back)
                phase = PHASE_ROLLING_BACK;
        else if (pool->operation->kind == OPERATE_STOP)
                phase = PHASE_STOPPING;
        pool->operation->row.phase = phase;
}

void progress_look(Pool *pool)
{
        OperationPhase first = PHASE_SETTLING;
        unsigned there = 0;

        if (!pool->operation)
                return;
        for (size_t i = 0; i < pool->slot_count; i++) {
                first = MIN(first, phase_of(pool, pool->slots[i]));
                there += pool->slots[i]->number < pool->grid.processes;
        }
        set_phase(pool, there < pool->grid.processes ? PHASE_STARTING : first);
}

void progress_calm(Pool *pool)
{
        if (pool->operation && headcount_of(pool, CENSUS_GRID_RISING) == 0
            && pool->slot_count <= pool->grid.processes)
                set_phase(pool, PHASE_SETTLING);
}
