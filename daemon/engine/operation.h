/* operation.h - a change under way, and how it ends
 *
 * An operation is done when every slot that it started is ready and has stayed so for a moment,
 * and what it wanted gone is gone. It fails when a start that it made times out, ends for good, or
 * fails OPERATION_FAILURES_MAX times; a change of the grid or definition is then rolled back. */
#pragma once

#include "engine/pool.h"

enum { OPERATION_FAILURES_MAX = 3 };

/* Without sd_notify a program has no say of its own: one with a wrong option ends within this. */
#define OPERATION_SETTLE_USEC (200 * UINT64_C(1000))

/** operation_plan() - fill a row for a change to @to: which PIDs stay, which stop
 *  @is_redefined: every worker is outdated by the change
 *  Return: malloc'd row, NULL without memory */
BoardOperation *operation_plan(const Pool *pool, OperationKind kind, const Grid *to,
                               bool is_redefined, const char *actor);

/** operation_begin() - the pool's target was changed: remember where it came from
 *  A running operation is ended first: "replaced".
 *  @plan_take: from operation_plan(), before the change; freed
 *  @back: what to return to if it fails (copied, a reference to the definition is taken); if
 *  an operation is replaced that was not done yet, what that one would have returned to counts
 *  Return: 0, -ENOMEM */
int operation_begin(Pool *pool, OperationKind kind, BoardOperation *plan_take,
                    const OperationBack *back);

/** operation_started(), operation_stopped() - a worker's PID joins the lists */
void operation_started(Pool *pool, pid_t pid);
void operation_stopped(Pool *pool, pid_t pid);

/** operation_start_failed() - a life that it began ended before it was any good */
void operation_start_failed(Pool *pool, Slot *slot, const WorkerExit *exit);

#define OPERATION_OLDER_SENTENCE \
        "It was rolled back: it runs an older definition than its file. The next reload returns " \
        "to the file."

/** operation_return() - its grid and definition are those of before; warned of if that is not the
 *  file's */
void operation_return(Pool *pool, const OperationBack *back);

/** operation_check() - look whether it has reached its end; called by pool_reconcile()
 *  @is_planned: the plan still has steps to take */
void operation_check(Pool *pool, bool is_planned);

/** operation_end() - write the last row and forget it; @error: NULL if it went well */
void operation_end(Pool *pool, OperationState state, const Error *error);
