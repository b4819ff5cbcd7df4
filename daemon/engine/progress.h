/* progress.h - what an operation is to do, and what of it is done
 *
 * Steps are starts, stops, and workers that are asked for other counts of threads. What happens
 * beside the plan (a worker that crashes and starts again, a stand-in) is a step more on both
 * sides, so that there are never more done than there are. */
#pragma once

#include "engine/pool.h"

/** progress_plan() - count the steps of a change to @to into a fresh row, and list its PIDs: who stays,
 *  who stops
 *  @is_redefined: every worker is outdated by the change */
void progress_plan(const Pool *pool, OperationKind kind, const Grid *to, bool is_redefined,
                   BoardOperation *row);

/** progress_step() - one of them is done */
void progress_step(Pool *pool);

/** progress_look() - what the pool's operation is at, if there is one: looks at each slot, as the
 *  plan does whenever there may be something to do */
void progress_look(Pool *pool);

/** progress_calm() - the same without a look: the plan has nothing to do */
void progress_calm(Pool *pool);

/** progress_pid() - note a PID in one of the lists; @kind: BOARD_OPERATION_KEPT ... */
void progress_pid(BoardOperation *row, unsigned kind, pid_t pid);
