/* tally: what a row of probes means, and when the next one is due */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/tally.h"

static Tally fresh(void)
{
        Tally tally;

        tally_init(&tally);
        return tally;
}

static void test_single_misses_mean_nothing(void **state)
{
        Tally tally = fresh();

        assert_int_equal(tally.status, HEALTH_UNKNOWN);
        for (int i = 0; i < 20; i++) {
                assert_int_equal(tally_count(&tally, false, false, 3), 0);
                assert_int_equal(tally_count(&tally, false, false, 3), 0);
                assert_int_equal(tally.status, HEALTH_FAILING);
                assert_int_equal(tally_count(&tally, true, false, 3), WORKER_EVENT_PROBE_OK);
                assert_int_equal(tally.status, HEALTH_HEALTHY);
                assert_int_equal(tally.failures, 0);
        }
}

static void test_unready_then_hung(void **state)
{
        Tally tally = fresh();
        const WorkerEvent expected[] = { 0,
                                         0,
                                         WORKER_EVENT_PROBE_FAILED,
                                         0,
                                         0,
                                         WORKER_EVENT_PROBE_HUNG,
                                         WORKER_EVENT_PROBE_HUNG };

        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
                assert_int_equal(tally_count(&tally, false, false, 3), expected[i]);
                assert_int_equal(tally.failures, i + 1);
                assert_int_equal(tally.status, i < 2 ? HEALTH_FAILING : HEALTH_UNHEALTHY);
        }
}

static void test_one_failure_may_be_enough(void **state)
{
        Tally tally = fresh();

        assert_int_equal(tally_count(&tally, false, false, 1), WORKER_EVENT_PROBE_FAILED);
        assert_int_equal(tally_count(&tally, false, false, 1), WORKER_EVENT_PROBE_HUNG);
}

static void test_a_worker_that_starts_is_not_judged(void **state)
{
        Tally tally = fresh();

        for (int i = 0; i < 1000; i++)
                assert_int_equal(tally_count(&tally, false, true, 1), 0);
        assert_int_equal(tally.status, HEALTH_UNKNOWN);
        assert_int_equal(tally_count(&tally, true, true, 1), WORKER_EVENT_PROBE_OK);
}

static void test_it_is_looked_at_sooner(void **state)
{
        const uint64_t interval = 5 * USEC_PER_SEC;
        Tally tally = fresh();
        uint64_t before = tally_delay_usec(&tally, true, interval);

        assert_true(before <= 100 * USEC_PER_MSEC);
        while (before < interval) {
                (void)tally_count(&tally, false, true, 3);
                assert_true(tally_delay_usec(&tally, true, interval) > before);
                before = tally_delay_usec(&tally, true, interval);
        }
        assert_int_equal(before, interval);
        assert_int_equal(tally_delay_usec(&tally, false, interval), interval);
        assert_int_equal(tally_delay_usec(&tally, true, 10 * USEC_PER_MSEC), 10 * USEC_PER_MSEC);
        assert_true(tally_delay_usec(&tally, true, USEC_INFINITY) > interval);
}

static void test_the_first_ones_are_spread(void **state)
{
        assert_int_equal(tally_spread_usec(1000, 999), 999);
        assert_int_equal(tally_spread_usec(1000, UINT64_MAX), UINT64_MAX % 1000);
        assert_int_equal(tally_spread_usec(0, 7), 0);
}

static void test_names_both_ways(void **state)
{
        for (int i = 1; i < HEALTH_STATUS_COUNT; i++)
                assert_int_equal(health_status_from_name(health_status_to_name(i)), i);
        for (int i = 1; i <= PROBE_EXEC; i++)
                assert_int_equal(probe_kind_from_name(probe_kind_to_name(i)), i);
        assert_null(probe_kind_to_name(PROBE_NONE));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_single_misses_mean_nothing),
                cmocka_unit_test(test_unready_then_hung),
                cmocka_unit_test(test_one_failure_may_be_enough),
                cmocka_unit_test(test_a_worker_that_starts_is_not_judged),
                cmocka_unit_test(test_it_is_looked_at_sooner),
                cmocka_unit_test(test_the_first_ones_are_spread),
                cmocka_unit_test(test_names_both_ways),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
