/* order.h - After= and Requires= at work: who waits for whom to start and to stop
 *
 * The order is that of the files in force, checked for circles as a whole; a pool that was rolled
 * back to an older definition keeps its place in it. What a standing means is told by
 * model/order.h. Stopping goes the other way round: what is needed stops last. */
#pragma once

#include "base/text.h"
#include "engine/change.h"
#include "engine/pool.h"

/** order_begin() - the pool was asked up: its turn is looked for when it is reconciled next
 *  Return: true if it is its turn already: nothing is before it */
bool order_begin(Pool *pool);

/** order_check() - look anew how those before it stand; called by pool_reconcile() */
void order_check(Pool *pool);

/** order_holds() - whether no step may be taken now: its turn to start or to stop has not come */
bool order_holds(const Pool *pool);

/** order_settle() - the pool was reconciled: who waits for it looks again if it stands otherwise
 *  @before: its state when that began */
void order_settle(Pool *pool, PoolState before);

/** order_pull() - a person starts the pool: what it requires, and that in turn, is started too */
void order_pull(Pool *pool, const ChangeRequest *request);

/** order_push() - a person stops the pool: what requires it, and what requires that, stops too */
void order_push(Pool *pool, const ChangeRequest *request);

/** order_describe() - the pools around it as words for BoardPool.order; what does not fit is left out */
void order_describe(const Pool *pool, char *buffer, size_t size);
