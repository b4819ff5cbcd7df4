/* order.c - see order.h */
#include "model/order.h"

#include <assert.h>

#include "base/cleanup.h"

static const char *const order_standing_names[] = {
        [STANDING_ABSENT] = "absent", [STANDING_DOWN] = "down",     [STANDING_COMING] = "coming",
        [STANDING_READY] = "ready",   [STANDING_FAILED] = "failed",
};
static_assert(COUNT_OF(order_standing_names) == STANDING_COUNT, "every standing has a name");
DEFINE_NAMES(order_standing, OrderStanding, order_standing_names);

/* Some of it gave up, nothing more is on its way, and the others serve. */
static bool is_as_good_as_it_gets(const OrderFacts *facts)
{
        return facts->state == POOL_DEGRADED && facts->counts.rising == 0 && facts->counts.ready > 0
               && !facts->counts.is_changing;
}

OrderStanding order_judge(const OrderFacts *facts)
{
        if (!facts->counts.is_up)
                return STANDING_DOWN;
        if (facts->order != ORDER_GO)
                return facts->order == ORDER_BAR ? STANDING_FAILED : STANDING_COMING;
        if (facts->state == POOL_FAILED)
                return STANDING_FAILED;
        return facts->was_ready || is_as_good_as_it_gets(facts) ? STANDING_READY : STANDING_COMING;
}

OrderVerdict order_weigh(OrderStanding standing, bool is_required)
{
        static const OrderVerdict table[STANDING_COUNT][2] = {
                /*                     After=      Requires= */
                [STANDING_ABSENT] = { ORDER_GO, ORDER_BAR },
                [STANDING_DOWN] = { ORDER_GO, ORDER_BAR },
                [STANDING_COMING] = { ORDER_WAIT, ORDER_WAIT },
                [STANDING_READY] = { ORDER_GO, ORDER_GO },
                [STANDING_FAILED] = { ORDER_GO, ORDER_BAR },
        };

        assert(standing > 0 && standing < STANDING_COUNT);
        return table[standing][is_required];
}
