/* order.h - pools that wait for one another: may this one start, given how those before it stand?
 *
 * After= is an order and nothing else: the pool waits while the other is on its way, and goes on when
 * that one is there, or will not come. With Requires= it runs only while the other does: it waits in
 * the same way, and fails with it.
 *
 * A pool is there once all workers it wants have been ready since it was last started, what happens to
 * some of them later notwithstanding; at once if it wants none; when all its workers have ended as
 * their policy says, with success; and when some gave up but others serve. */
#pragma once

#include "base/names.h"
#include "model/pool.h"

/* How a pool stands, in the eyes of one that waits for it. */
typedef enum OrderStanding {
        STANDING_ABSENT = 1, /* there is no such pool */
        STANDING_DOWN,       /* stopped by a person, or never started */
        STANDING_COMING,     /* on its way, or waiting itself */
        STANDING_READY,
        STANDING_FAILED, /* will not come by itself */
        STANDING_COUNT
} OrderStanding;
DECLARE_NAMES(order_standing, OrderStanding);

/* What follows for one that waits; the greatest of several counts. */
typedef enum OrderVerdict {
        ORDER_GO,   /* it may start, or has */
        ORDER_WAIT, /* no worker is started meanwhile */
        ORDER_BAR,  /* it cannot run: what it requires is not there */
} OrderVerdict;

typedef struct OrderFacts {
        PoolState state;
        PoolCounts counts;
        OrderVerdict order; /* what it was told itself */
        bool was_ready;     /* all of it, since it was last started */
} OrderFacts;

/** order_judge() - Return: how a pool stands */
OrderStanding order_judge(const OrderFacts *facts);

/** order_weigh() - what one pool's standing means to one that waits for it
 *  @is_required: by Requires=; else by After= alone */
OrderVerdict order_weigh(OrderStanding standing, bool is_required);
