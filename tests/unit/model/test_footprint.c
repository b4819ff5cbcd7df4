/* footprint: what a grid will take, and whether it may */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/footprint.h"

#define MEGA (UINT64_C(1) << 20)

static void test_the_median_counts(void **state)
{
        MemoryUse uses[] = { { 90 * MEGA, MEGA },
                             { 10 * MEGA, 3 * MEGA },
                             { 12 * MEGA, 2 * MEGA } };
        const Footprint footprint = footprint_of(uses, 3, 4);

        assert_int_equal(footprint.private_bytes, 12 * MEGA);
        assert_int_equal(footprint.shared_bytes, 3 * MEGA);
        assert_int_equal(footprint.workers, 3);
        assert_int_equal(footprint.threads, 4);
        assert_int_equal(footprint_of(uses, 0, 0).workers, 0);
        /* Of two the larger: who errs, errs on the safe side. */
        assert_int_equal(footprint_of(uses, 2, 4).private_bytes, 12 * MEGA);
}

static FootprintPlan plan(unsigned alive, unsigned processes, unsigned threads, unsigned stand_ins)
{
        const Footprint footprint = {
                .private_bytes = 10 * MEGA, .shared_bytes = 5 * MEGA, .threads = 8, .workers = 1
        };
        const FootprintChange change = { { processes, threads, 0 }, alive, stand_ins };

        return footprint_plan(&footprint, &change);
}

static void test_processes(void **state)
{
        FootprintPlan got = plan(1, 8, 1, 0);

        assert_int_equal(got.worker_bytes, 10 * MEGA);
        assert_int_equal(got.now_bytes, 15 * MEGA);
        assert_int_equal(got.expected_bytes, 85 * MEGA);
        assert_int_equal(got.more_bytes, 70 * MEGA);
        got = plan(8, 1, 8, 0);
        assert_int_equal(got.now_bytes, 85 * MEGA);
        assert_int_equal(got.expected_bytes, 15 * MEGA);
        assert_int_equal(got.more_bytes, 0);
        got = plan(2, 0, 8, 0);
        assert_int_equal(got.expected_bytes, 0);
        got = plan(0, 2, 8, 0); /* as last measured */
        assert_int_equal(got.now_bytes, 0);
        assert_int_equal(got.more_bytes, 25 * MEGA);
}

static void test_threads(void **state)
{
        uint64_t growth = 56 * FOOTPRINT_THREAD_BYTES;
        FootprintPlan got = plan(2, 2, 64, 0);

        assert_int_equal(got.worker_bytes, 10 * MEGA + growth);
        assert_int_equal(got.more_bytes, 2 * growth);
        got = plan(4, 1, 64, 0); /* they grow before the others go */
        assert_int_equal(got.more_bytes, growth);
        got = plan(2, 2, 1, 0);
        assert_int_equal(got.expected_bytes, got.now_bytes);
        assert_int_equal(got.more_bytes, 0);
        got = plan(2, 2, 8, 1); /* replaced, one at a time */
        assert_int_equal(got.expected_bytes, got.now_bytes);
        assert_int_equal(got.more_bytes, 10 * MEGA);
}

static void test_nothing_known_nothing_refused(void **state)
{
        const Footprint nothing = { 0 };
        const FootprintChange change = { { 1000, 1000, 0 }, 1, 250 };
        const FootprintPlan got = footprint_plan(&nothing, &change);

        assert_int_equal(got.expected_bytes + got.more_bytes + got.worker_bytes, 0);
        assert_int_equal(footprint_check("pool w", &nothing, &got, &change.to, 1, 1, "", NULL), 0);
}

static void test_absurd_sizes_do_not_wrap(void **state)
{
        const Footprint huge = {
                .private_bytes = UINT64_MAX / 3, .shared_bytes = 0, .threads = 1, .workers = 1
        };
        const FootprintChange change = { { GRID_COUNT_MAX, 1, 0 }, 1, 0 };

        assert_true(footprint_plan(&huge, &change).expected_bytes >= UINT64_MAX / 4);
}

static int check(FootprintPlan plan, uint64_t budget, uint64_t available, const char *group,
                 Error *reterr)
{
        const Footprint footprint = {
                .private_bytes = 10 * MEGA, .shared_bytes = 5 * MEGA, .threads = 8, .workers = 3
        };
        const Grid to = { 8, 1, 0 };

        *reterr = (Error){ 0 };
        return footprint_check("pool w", &footprint, &plan, &to, budget, available, group, reterr);
}

static void test_the_budget(void **state)
{
        const FootprintPlan more = { 10 * MEGA, 15 * MEGA, 85 * MEGA, 70 * MEGA };
        const FootprintPlan less = { 10 * MEGA, 85 * MEGA, 15 * MEGA, 0 };
        Error error;

        assert_int_equal(check(more, 85 * MEGA, UINT64_MAX, "", &error), 0);
        assert_int_equal(check(more, 64 * MEGA, UINT64_MAX, "", &error), -ERANGE);
        assert_string_equal(error.code, "over-limit");
        assert_string_equal(error.message,
                            "pool w: 8x1 would take 85M of memory (8 workers of 10M, measured on 3 "
                            "workers) and MemoryBudget= allows 64M, enough for 5 such workers. Ask "
                            "for fewer, or raise it.");
        /* Over it already: the way down is open. */
        assert_int_equal(check(less, MEGA, UINT64_MAX, "", &error), 0);
}

static void test_what_can_be_had(void **state)
{
        const FootprintPlan more = { 10 * MEGA, 15 * MEGA, 85 * MEGA, 70 * MEGA };
        Error error;

        assert_int_equal(check(more, UINT64_MAX, 70 * MEGA, "", &error), 0);
        assert_int_equal(check(more, UINT64_MAX, 69 * MEGA, "", &error), -ENOSPC);
        assert_string_equal(error.code, "no-room");
        assert_string_equal(error.message,
                            "pool w: the change to 8x1 needs 70M of memory beside what is there "
                            "(10M for a worker, measured on 3 workers) and 69M can be had on this "
                            "machine. Ask for fewer workers, go in smaller steps, or free some.");
        assert_int_equal(check(more, UINT64_MAX, 0, "/sys/fs/cgroup/x", &error), -ENOSPC);
        assert_non_null(
                strstr(error.message, "and 0B can be had by the limit of /sys/fs/cgroup/x."));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_median_counts),
                cmocka_unit_test(test_processes),
                cmocka_unit_test(test_threads),
                cmocka_unit_test(test_nothing_known_nothing_refused),
                cmocka_unit_test(test_absurd_sizes_do_not_wrap),
                cmocka_unit_test(test_the_budget),
                cmocka_unit_test(test_what_can_be_had),
        };

        return cmocka_run_group_tests_name("model/footprint", tests, NULL, NULL);
}
