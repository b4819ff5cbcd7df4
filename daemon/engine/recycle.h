/* recycle.h - workers that have served long enough are replaced, gracefully and a few at a time
 *
 * What is due is told by model/recycle.h. Here the worker is marked as worn: the plan then takes it
 * for outdated, as in a rolling replacement of that worker alone, and brings its slot up again in
 * the same definition. */
#pragma once

#include "engine/slot.h"

/** recycle_check() - mark who is due, if nothing else is going on in the pool; called by
 *  pool_reconcile() at its end, and the next one replaces them. reeve-api stays as it is */
void recycle_check(Pool *pool);

/** recycle_forget() - the pool is being freed */
void recycle_forget(Pool *pool);

/** recycle_sampled() - the memory of a worker was measured */
void recycle_sampled(Slot *slot);

/** recycle_told() - a worker said how many tasks it has done since its start */
void recycle_told(Slot *slot, uint64_t tasks_done);
