#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/order.h"

static void test_names_both_ways(void **state)
{
        for (int i = 1; i < STANDING_COUNT; i++)
                assert_int_equal(order_standing_from_name(order_standing_to_name(i)), i);
        assert_null(order_standing_to_name(0));
}

static void test_after_waits_and_never_bars(void **state)
{
        for (int standing = 1; standing < STANDING_COUNT; standing++)
                assert_int_equal(order_weigh(standing, false),
                                 standing == STANDING_COMING ? ORDER_WAIT : ORDER_GO);
}

static void test_requires_goes_with_ready_alone(void **state)
{
        for (int standing = 1; standing < STANDING_COUNT; standing++)
                assert_int_equal(order_weigh(standing, true), standing == STANDING_READY ? ORDER_GO
                                                              : standing == STANDING_COMING
                                                                      ? ORDER_WAIT
                                                                      : ORDER_BAR);
        assert_true(ORDER_GO < ORDER_WAIT && ORDER_WAIT < ORDER_BAR); /* the greatest counts */
}

static OrderFacts facts(PoolState pool, unsigned ready, unsigned rising)
{
        return (OrderFacts){
                .state = pool,
                .counts = { .is_up = true, .wanted = 2, .ready = ready, .rising = rising }
        };
}

static void test_a_pool_that_is_down_or_has_failed(void **state)
{
        OrderFacts down = facts(POOL_STOPPED, 0, 0), failed = facts(POOL_FAILED, 0, 0);

        down.counts.is_up = false;
        assert_int_equal(order_judge(&down), STANDING_DOWN);
        down.state = POOL_STOPPING;
        down.was_ready = true;
        assert_int_equal(order_judge(&down), STANDING_DOWN);
        assert_int_equal(order_judge(&failed), STANDING_FAILED);
        failed.was_ready = true; /* once is not now */
        assert_int_equal(order_judge(&failed), STANDING_FAILED);
}

static void test_a_pool_that_waits_itself(void **state)
{
        OrderFacts waiting = facts(POOL_STARTING, 0, 0), barred = facts(POOL_FAILED, 0, 0);

        waiting.order = ORDER_WAIT;
        barred.order = ORDER_BAR;
        assert_int_equal(order_judge(&waiting), STANDING_COMING);
        assert_int_equal(order_judge(&barred), STANDING_FAILED);
}

static void test_ready_once_is_ready(void **state)
{
        OrderFacts starting = facts(POOL_STARTING, 1, 1), scaling = facts(POOL_SCALING, 1, 1);
        OrderFacts done = facts(POOL_STOPPED, 0, 0);

        assert_int_equal(order_judge(&starting), STANDING_COMING);
        scaling.was_ready = done.was_ready = true;
        assert_int_equal(order_judge(&scaling), STANDING_READY);
        assert_int_equal(order_judge(&done), STANDING_READY); /* all ended with success */
}

static void test_some_gave_up(void **state)
{
        OrderFacts some = facts(POOL_DEGRADED, 1, 0);

        assert_int_equal(order_judge(&some), STANDING_READY);
        some.counts.is_changing = true;
        assert_int_equal(order_judge(&some), STANDING_COMING);
        some = facts(POOL_DEGRADED, 1, 1); /* another may still come */
        assert_int_equal(order_judge(&some), STANDING_COMING);
        some = facts(POOL_DEGRADED, 0, 0); /* all alive, none healthy */
        assert_int_equal(order_judge(&some), STANDING_COMING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_both_ways),
                cmocka_unit_test(test_after_waits_and_never_bars),
                cmocka_unit_test(test_requires_goes_with_ready_alone),
                cmocka_unit_test(test_a_pool_that_is_down_or_has_failed),
                cmocka_unit_test(test_a_pool_that_waits_itself),
                cmocka_unit_test(test_ready_once_is_ready),
                cmocka_unit_test(test_some_gave_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
