#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/restart.h"

typedef struct Row {
        WorkerExit exit;
        bool wanted[RESTART_ALWAYS + 1]; /* no on-success on-failure on-abnormal on-abort always */
} Row;

#define CODE(number) \
        { \
                .kind = EXIT_CODE, .value = (number) \
        }
#define SIGNAL(number) \
        { \
                .kind = EXIT_SIGNAL, .value = (number) \
        }
#define BECAUSE(why) \
        { \
                .kind = EXIT_SIGNAL, .value = SIGTERM, .reason = EXIT_REASON_##why \
        }

/* systemd.service(5), table 2, and below it the causes that are ours. */
static const Row rows[] = {
        { CODE(0), { 0, 1, 0, 0, 0, 1 } },
        { SIGNAL(SIGHUP), { 0, 1, 0, 0, 0, 1 } },
        { SIGNAL(SIGINT), { 0, 1, 0, 0, 0, 1 } },
        { SIGNAL(SIGTERM), { 0, 1, 0, 0, 0, 1 } },
        { SIGNAL(SIGPIPE), { 0, 1, 0, 0, 0, 1 } },
        { CODE(1), { 0, 0, 1, 0, 0, 1 } },
        { CODE(255), { 0, 0, 1, 0, 0, 1 } },
        { SIGNAL(SIGSEGV), { 0, 0, 1, 1, 1, 1 } },
        { SIGNAL(SIGKILL), { 0, 0, 1, 1, 1, 1 } },
        { BECAUSE(START_TIMEOUT), { 0, 0, 1, 1, 0, 1 } },
        { BECAUSE(STOP_TIMEOUT), { 0, 0, 1, 1, 0, 1 } },
        { BECAUSE(WATCHDOG), { 0, 0, 1, 1, 0, 1 } },
        { BECAUSE(PROBE), { 0, 0, 1, 1, 0, 1 } },
        { BECAUSE(OOM_KILL), { 0, 0, 1, 1, 0, 1 } },
        { { .kind = EXIT_REASON, .reason = EXIT_REASON_SPAWN_FAILED }, { 0, 0, 1, 1, 0, 1 } },
        { { .kind = EXIT_REASON, .reason = EXIT_REASON_UNKNOWN }, { 0, 0, 1, 0, 0, 1 } },
        { { .kind = EXIT_NONE }, { 0, 0, 1, 0, 0, 1 } },
};

static void test_table_of_systemd(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                for (int mode = 0; mode <= RESTART_ALWAYS; mode++)
                        if (restart_is_wanted(mode, &rows[i].exit) != rows[i].wanted[mode])
                                fail_msg("row %zu, mode %d", i, mode);
}

static void test_clean(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                assert_int_equal(exit_is_clean(&rows[i].exit), rows[i].wanted[RESTART_ON_SUCCESS]);
}

static void test_delay_doubles_up_to_its_limit(void **state)
{
        const PoolConfig policy = { .restart_usec = 100, .restart_max_usec = 1000 };
        const uint64_t expected[] = { 100, 200, 400, 800, 1000, 1000 };

        for (unsigned i = 0; i < COUNT_OF(expected); i++)
                assert_int_equal(restart_delay_usec(&policy, i + 1, 0), expected[i]);
        assert_int_equal(restart_delay_usec(&policy, 4000000000U, 0), 1000);
}

static void test_delay_is_spread_by_a_quarter_at_most(void **state)
{
        const PoolConfig policy = { .restart_usec = 1000, .restart_max_usec = 1000 };
        uint64_t least = 1000, most = 0;

        for (uint64_t random = 0; random < 10000; random++) {
                uint64_t delay = restart_delay_usec(&policy, 1, random);

                least = MIN(least, delay);
                most = MAX(most, delay);
        }
        assert_int_equal(least, 750);
        assert_int_equal(most, 1000);
        assert_true(restart_delay_usec(&policy, 1, UINT64_MAX) >= 750);
}

static void test_delay_at_the_edges(void **state)
{
        PoolConfig policy = { .restart_usec = 0, .restart_max_usec = 30 * USEC_PER_SEC };

        assert_int_equal(restart_delay_usec(&policy, 1, 5), 0);
        assert_int_equal(restart_delay_usec(&policy, 50, 5), 0);
        policy.restart_usec = 60 * USEC_PER_SEC; /* longer than the most: it means what it says */
        assert_int_equal(restart_delay_usec(&policy, 3, 0), 60 * USEC_PER_SEC);
        policy.restart_usec = 3;
        policy.restart_max_usec = UINT64_MAX;
        assert_true(restart_delay_usec(&policy, 200, 0) == UINT64_MAX);
}

static void test_start_limit_counts_in_a_window(void **state)
{
        const PoolConfig policy = { .start_limit_burst = 3,
                                    .start_limit_interval_usec = 10 * USEC_PER_SEC };
        Worker worker;
        uint64_t now = 5 * USEC_PER_SEC;

        worker_init(&worker);
        for (int i = 0; i < 3; i++)
                assert_true(start_limit_allows(&worker, &policy, now + (uint64_t)i));
        assert_false(start_limit_allows(&worker, &policy, now + 4));
        assert_false(start_limit_allows(&worker, &policy, now + 10 * USEC_PER_SEC - 1));
        assert_true(start_limit_allows(&worker, &policy, now + 10 * USEC_PER_SEC));
        assert_int_equal(worker.limit_starts, 1);
}

static void test_no_start_limit(void **state)
{
        const PoolConfig none[] = { { .start_limit_burst = 0, .start_limit_interval_usec = 1 },
                                    { .start_limit_burst = 1, .start_limit_interval_usec = 0 } };
        Worker worker;

        worker_init(&worker);
        for (size_t i = 0; i < COUNT_OF(none); i++)
                for (int n = 0; n < 100; n++)
                        assert_true(start_limit_allows(&worker, &none[i], 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_of_systemd),
                cmocka_unit_test(test_clean),
                cmocka_unit_test(test_delay_doubles_up_to_its_limit),
                cmocka_unit_test(test_delay_is_spread_by_a_quarter_at_most),
                cmocka_unit_test(test_delay_at_the_edges),
                cmocka_unit_test(test_start_limit_counts_in_a_window),
                cmocka_unit_test(test_no_start_limit),
        };
        return cmocka_run_group_tests_name("model/restart", tests, NULL, NULL);
}
