#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/grid.h"

static const GridLimits wide = { 0, 1024, 1, 1024 };

/* ---- text ---- */

static void test_parse(void **state)
{
        const struct {
                const char *text;
                int r;
                Grid grid;
        } cases[] = {
                { "4x8", 0, { 4, 8, 0 } },     { "2x4x100", 0, { 2, 4, 100 } },
                { "0x1", 0, { 0, 1, 0 } },     { "65536x65536", 0, { 65536, 65536, 0 } },
                { "65537x1", -ERANGE, { 0 } }, { "1x99999999999999999999", -ERANGE, { 0 } },
                { "", -EINVAL, { 0 } },        { "4", -EINVAL, { 0 } },
                { "4x", -EINVAL, { 0 } },      { "x8", -EINVAL, { 0 } },
                { "4x8x", -EINVAL, { 0 } },    { "4x8x2x2", -EINVAL, { 0 } },
                { "4x8 ", -EINVAL, { 0 } },    { " 4x8", -EINVAL, { 0 } },
                { "-4x8", -EINVAL, { 0 } },    { "+4x8", -EINVAL, { 0 } },
                { "4X8", -EINVAL, { 0 } },     { "4.0x8", -EINVAL, { 0 } },
                { "0x1fx2", -EINVAL, { 0 } },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Grid grid = { 7, 7, 7 };
                const Grid untouched = grid;

                if (grid_parse(cases[i].text, &grid) != cases[i].r)
                        fail_msg("\"%s\"", cases[i].text);
                assert_true(grid_equal(&grid, cases[i].r == 0 ? &cases[i].grid : &untouched));
        }
}

static void test_format(void **state)
{
        char text[32], small[4];

        assert_string_equal(grid_format(text, sizeof(text), &(Grid){ 4, 8, 0 }), "4x8");
        assert_string_equal(grid_format(text, sizeof(text), &(Grid){ 2, 4, 100 }), "2x4x100");
        assert_string_equal(grid_format(small, sizeof(small), &(Grid){ 10, 20, 0 }), "10x");
}

/* ---- requests ---- */

static GridChange plan(Grid now, GridLimits limits, ScaleRequest request)
{
        GridChange change;
        Error error = { 0 };

        if (grid_change_plan(&now, &(Grid){ 3, 5, 0 }, &limits, &request, &change, &error) < 0)
                fail_msg("refused: %s", error.message);
        assert_true(grid_equal(&change.from, &now));
        return change;
}

static void refuse(Grid now, GridLimits limits, ScaleRequest request, int r, const char *code,
                   const char *message)
{
        GridChange change = { .cut_count = 77 };
        Error error = { 0 };

        assert_int_equal(
                grid_change_plan(&now, &(Grid){ 3, 5, 0 }, &limits, &request, &change, &error), r);
        assert_string_equal(error.code, code);
        if (message)
                assert_string_equal(error.message, message);
        assert_int_equal(change.cut_count, 77); /* untouched on failure */
}

#define assert_grid(change, p, t, g) \
        do { \
                assert_int_equal((change).to.processes, (p)); \
                assert_int_equal((change).to.threads, (t)); \
                assert_int_equal((change).to.greenlets, (g)); \
        } while (0)

static void test_set(void **state)
{
        const Grid now = { 2, 4, 10 };
        GridChange change;

        change = plan(now, wide,
                      (ScaleRequest){ .verb = SCALE_SET,
                                      .has_processes = true,
                                      .processes = 4,
                                      .has_threads = true,
                                      .threads = 8 });
        assert_grid(change, 4, 8, 10);
        assert_int_equal(change.cut_count, 0);
        change = plan(now, wide,
                      (ScaleRequest){ .verb = SCALE_SET,
                                      .has_processes = true,
                                      .is_processes_relative = true,
                                      .processes = -1,
                                      .has_threads = true,
                                      .is_threads_relative = true,
                                      .threads = 3 });
        assert_grid(change, 1, 7, 10);
        change = plan(now, wide,
                      (ScaleRequest){ .verb = SCALE_SET, .has_greenlets = true, .greenlets = 0 });
        assert_grid(change, 2, 4, 0);
        change = plan(now, wide, (ScaleRequest){ .verb = SCALE_SET, .has_processes = true });
        assert_grid(change, 0, 4, 10); /* ProcessesMin=0 */
}

static void test_set_outside_the_limits_is_refused(void **state)
{
        const Grid now = { 2, 4, 0 };
        const GridLimits limits = { 1, 8, 2, 32 };

        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET, .has_processes = true, .processes = 40 }, -ERANGE,
               "over-limit", "processes=40 is above ProcessesMax=8 of this pool");
        refuse(now, limits, (ScaleRequest){ .verb = SCALE_SET, .has_processes = true }, -ERANGE,
               "over-limit", "processes=0 is below ProcessesMin=1 of this pool");
        refuse(now, limits, (ScaleRequest){ .verb = SCALE_SET, .has_threads = true, .threads = 33 },
               -ERANGE, "over-limit", "threads=33 is above ThreadsMax=32 of this pool");
        refuse(now, limits, (ScaleRequest){ .verb = SCALE_SET, .has_threads = true, .threads = 1 },
               -ERANGE, "over-limit", "threads=1 is below ThreadsMin=2 of this pool");
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET,
                               .has_processes = true,
                               .is_processes_relative = true,
                               .processes = 7 },
               -ERANGE, "over-limit", "processes=9 is above ProcessesMax=8 of this pool");
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET,
                               .has_processes = true,
                               .is_processes_relative = true,
                               .processes = -3 },
               -ERANGE, "over-limit", "processes=-1 is below ProcessesMin=1 of this pool");
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET,
                               .has_threads = true,
                               .is_threads_relative = true,
                               .threads = INT64_MAX },
               -ERANGE, "over-limit", NULL);
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET,
                               .has_processes = true,
                               .is_processes_relative = true,
                               .processes = INT64_MIN },
               -ERANGE, "over-limit", NULL);
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET, .has_greenlets = true, .greenlets = 65537 },
               -ERANGE, "over-limit", NULL);
        refuse(now, limits,
               (ScaleRequest){ .verb = SCALE_SET, .has_greenlets = true, .greenlets = -1 }, -ERANGE,
               "over-limit", NULL);
}

/* The limits of the file may have become narrower since: what nobody asked for is cut. */
static void test_axis_not_asked_for_is_cut(void **state)
{
        const GridChange change =
                plan((Grid){ 2, 64, 0 }, (GridLimits){ 1, 8, 1, 32 },
                     (ScaleRequest){ .verb = SCALE_SET, .has_processes = true, .processes = 3 });

        assert_grid(change, 3, 32, 0);
        assert_int_equal(change.cut_count, 1);
        assert_string_equal(change.cuts[0], "threads cut from 64 to 32 (ThreadsMax)");
}

static void test_requests_without_sense(void **state)
{
        const ScaleVerb verbs[] = { SCALE_TO_PROCESSES, SCALE_TO_THREADS, SCALE_TOTAL,
                                    SCALE_RESET };

        refuse((Grid){ 2, 4, 0 }, wide, (ScaleRequest){ .verb = SCALE_SET }, -EINVAL, "invalid",
               NULL);
        refuse((Grid){ 2, 4, 0 }, wide, (ScaleRequest){ 0 }, -EINVAL, "invalid", NULL);
        for (size_t i = 0; i < COUNT_OF(verbs); i++)
                refuse((Grid){ 2, 4, 0 }, wide,
                       (ScaleRequest){ .verb = verbs[i], .has_threads = true, .threads = 2 },
                       -EINVAL, "invalid", NULL);
        refuse((Grid){ 0, 4, 0 }, wide, (ScaleRequest){ .verb = SCALE_TO_THREADS }, -EINVAL,
               "invalid", NULL);
}

static void test_conversions(void **state)
{
        const Grid now = { 4, 8, 100 };

        assert_grid(plan(now, wide, (ScaleRequest){ .verb = SCALE_TO_PROCESSES }), 32, 1, 100);
        assert_grid(plan(now, wide, (ScaleRequest){ .verb = SCALE_TO_THREADS }), 1, 32, 100);
}

static void test_conversions_are_cut_and_tell(void **state)
{
        const GridLimits limits = { 2, 8, 2, 16 };
        GridChange change;

        change = plan((Grid){ 4, 8, 0 }, (GridLimits){ 1, 8, 1, 32 },
                      (ScaleRequest){ .verb = SCALE_TO_PROCESSES });
        assert_grid(change, 8, 1, 0);
        assert_int_equal(change.cut_count, 1);
        assert_string_equal(change.cuts[0], "processes cut from 32 to 8 (ProcessesMax)");

        /* The other axis cannot be 1: the product is spread over what it must be. */
        change = plan((Grid){ 4, 8, 0 }, limits, (ScaleRequest){ .verb = SCALE_TO_THREADS });
        assert_grid(change, 2, 16, 0);
        assert_int_equal(change.cut_count, 1);
        assert_string_equal(change.cuts[0], "processes raised from 1 to 2 (ProcessesMin)");

        change = plan((Grid){ 4, 8, 0 }, limits, (ScaleRequest){ .verb = SCALE_TO_PROCESSES });
        assert_grid(change, 8, 2, 0);
        assert_int_equal(change.cut_count, 2);
}

static GridChange total(Grid now, GridLimits limits, uint64_t count)
{
        return plan(now, limits, (ScaleRequest){ .verb = SCALE_TOTAL, .total = count });
}

static void test_total(void **state)
{
        const GridLimits limits = { 1, 8, 1, 32 };
        GridChange change;

        assert_grid(total((Grid){ 2, 4, 9 }, limits, 32), 8, 4, 9); /* threads stay */
        assert_grid(total((Grid){ 2, 4, 0 }, limits, 8), 2, 4, 0);
        assert_grid(total((Grid){ 2, 4, 0 }, wide, 0), 0, 4, 0);
        assert_grid(total((Grid){ 2, 8, 0 }, limits, 30), 3, 10, 0); /* nearest shape */
        assert_grid(total((Grid){ 2, 4, 0 }, limits, 64), 8, 8, 0);  /* as near as 4x16 */
        assert_grid(total((Grid){ 0, 4, 0 }, wide, 12), 3, 4, 0);

        change = total((Grid){ 4, 4, 0 }, limits, 100000);
        assert_grid(change, 8, 32, 0);
        assert_string_equal(change.cuts[0],
                            "total cut from 100000 to 256 (ProcessesMax=8, ThreadsMax=32)");
        change = total((Grid){ 4, 4, 0 }, (GridLimits){ 1, 8, 1, 4 }, 29);
        assert_grid(change, 7, 4, 0);
        assert_int_equal(change.cut_count, 1);
        change = total((Grid){ 4, 4, 0 }, (GridLimits){ 2, 8, 3, 8 }, 1);
        assert_grid(change, 2, 3, 0);
        assert_string_equal(change.cuts[0],
                            "total raised from 1 to 6 (ProcessesMin=2, ThreadsMin=3)");
        change = total((Grid){ 4, 4, 0 }, limits, UINT64_MAX);
        assert_grid(change, 8, 32, 0);
}

/* Against all grids there are: none within the limits comes nearer from below. */
static void test_total_is_the_nearest_there_is(void **state)
{
        const GridLimits limits = { 2, 9, 3, 11 };

        for (unsigned asked = 6; asked <= 120; asked++) {
                const GridChange change = total((Grid){ 3, 4, 0 }, limits, asked);
                unsigned best = 0;

                for (unsigned p = limits.processes_min; p <= limits.processes_max; p++)
                        for (unsigned t = limits.threads_min; t <= limits.threads_max; t++)
                                if (p * t <= asked)
                                        best = MAX(best, p * t);
                assert_int_equal(change.to.processes * change.to.threads, best);
                assert_in_range(change.to.processes, limits.processes_min, limits.processes_max);
                assert_in_range(change.to.threads, limits.threads_min, limits.threads_max);
                assert_int_equal(change.cut_count, best != asked);
        }
}

static void test_reset(void **state)
{
        GridChange change = plan((Grid){ 9, 9, 9 }, wide, (ScaleRequest){ .verb = SCALE_RESET });

        assert_grid(change, 3, 5, 0);
        change = plan((Grid){ 9, 9, 9 }, (GridLimits){ 1, 2, 8, 9 },
                      (ScaleRequest){ .verb = SCALE_RESET });
        assert_grid(change, 2, 8, 0);
        assert_int_equal(change.cut_count, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_set_outside_the_limits_is_refused),
                cmocka_unit_test(test_axis_not_asked_for_is_cut),
                cmocka_unit_test(test_requests_without_sense),
                cmocka_unit_test(test_conversions),
                cmocka_unit_test(test_conversions_are_cut_and_tell),
                cmocka_unit_test(test_total),
                cmocka_unit_test(test_total_is_the_nearest_there_is),
                cmocka_unit_test(test_reset),
        };
        return cmocka_run_group_tests_name("model/grid", tests, NULL, NULL);
}
