/* recycle: when a worker has served long enough */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/recycle.h"

enum { NOW = 1000000 };

static PoolConfig no_limits(void)
{
        return (PoolConfig){ .max_memory_bytes = UINT64_MAX, .max_memory_usec = 30 * USEC_PER_SEC };
}

static void test_without_limits_nobody_goes(void **state)
{
        const PoolConfig config = no_limits();
        Wear wear = { .started_usec = NOW, .has_tasks = true, .tasks_done = UINT64_MAX };
        uint64_t next = USEC_INFINITY;

        recycle_measure(&wear, &config, UINT64_MAX, NOW);
        assert_false(recycle_is_asked(&config));
        assert_int_equal(recycle_due(&wear, &config, USEC_INFINITY - 1, &next), 0);
        assert_true(next == USEC_INFINITY);
}

static void test_age(void **state)
{
        PoolConfig config = no_limits();
        const Wear wear = { .started_usec = NOW, .seed = 1000 }; /* the middle */
        uint64_t next = USEC_INFINITY;

        config.max_age_usec = USEC_PER_SEC;
        assert_true(recycle_is_asked(&config));
        assert_int_equal(recycle_due(&wear, &config, NOW, &next), 0);
        assert_int_equal(next, NOW + USEC_PER_SEC);
        assert_int_equal(recycle_due(&wear, &config, next - 1, &next), 0);
        assert_int_equal(recycle_due(&wear, &config, next, &next), RECYCLE_AGE);
}

static void test_ages_are_spread(void **state)
{
        PoolConfig config = no_limits();
        uint64_t least = USEC_INFINITY, most = 0;

        config.max_age_usec = 1000 * USEC_PER_SEC;
        for (uint64_t seed = 0; seed < 5000; seed++) {
                uint64_t limit = recycle_age_limit_usec(&config, seed);

                least = limit < least ? limit : least;
                most = limit > most ? limit : most;
        }
        assert_int_equal(least, 900 * USEC_PER_SEC);
        assert_int_equal(most, 1100 * USEC_PER_SEC);
        config.max_age_usec = 3; /* nothing is lost, nothing is 0 */
        assert_in_range(recycle_age_limit_usec(&config, 7), 2, 3);
}

static void test_memory_must_stay_high(void **state)
{
        PoolConfig config = no_limits();
        Wear wear = { .started_usec = NOW };
        uint64_t next = USEC_INFINITY;

        config.max_memory_bytes = 100;
        recycle_measure(&wear, &config, 101, NOW);
        recycle_measure(&wear, &config, 101, NOW + 20 * USEC_PER_SEC);
        assert_int_equal(recycle_due(&wear, &config, NOW + 20 * USEC_PER_SEC, &next), 0);
        assert_int_equal(next, NOW + 30 * USEC_PER_SEC);
        recycle_measure(&wear, &config, 100, NOW + 25 * USEC_PER_SEC); /* a break */
        assert_int_equal(recycle_due(&wear, &config, NOW + 40 * USEC_PER_SEC, &next), 0);
        recycle_measure(&wear, &config, 200, NOW + 50 * USEC_PER_SEC);
        assert_int_equal(recycle_due(&wear, &config, NOW + 79 * USEC_PER_SEC, &next), 0);
        assert_int_equal(recycle_due(&wear, &config, NOW + 80 * USEC_PER_SEC, &next),
                         RECYCLE_MEMORY);
        config.max_memory_usec = 0;
        wear.above_memory_usec = NOW;
        assert_int_equal(recycle_due(&wear, &config, NOW, &next), RECYCLE_MEMORY);
}

static void test_requests_count_where_they_are_told(void **state)
{
        PoolConfig config = no_limits();
        Wear wear = { .started_usec = NOW, .tasks_done = 10 };
        uint64_t next = USEC_INFINITY;

        config.max_requests = 10;
        assert_int_equal(recycle_due(&wear, &config, NOW, &next), 0);
        wear.has_tasks = true;
        assert_int_equal(recycle_due(&wear, &config, NOW, &next), RECYCLE_REQUESTS);
        wear.tasks_done = 9;
        assert_int_equal(recycle_due(&wear, &config, NOW, &next), 0);
}

static void test_names_both_ways(void **state)
{
        for (int i = 1; i < RECYCLE_REASON_COUNT; i++)
                assert_int_equal(recycle_reason_from_name(recycle_reason_to_name(i)), i);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_limits_nobody_goes),
                cmocka_unit_test(test_age),
                cmocka_unit_test(test_ages_are_spread),
                cmocka_unit_test(test_memory_must_stay_high),
                cmocka_unit_test(test_requests_count_where_they_are_told),
                cmocka_unit_test(test_names_both_ways),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
