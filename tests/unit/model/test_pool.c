#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/pool.h"

#define IGN "ignore"
#define NEV "impossible"

/* clang-format off */
static const char *const expected[POOL_STATE_COUNT][POOL_EVENT_COUNT - 1] = {
        /* start, stop, change, settled, rising, short, dead, empty */
        [POOL_STOPPED] = {
                "starting", IGN, IGN, "running", "starting", "degraded", "failed", IGN },
        [POOL_STARTING] = {
                IGN, "stopping", IGN, "running", IGN, "degraded", "failed", "stopped" },
        [POOL_RUNNING] = {
                IGN, "stopping", "scaling", IGN, "degraded", "degraded", "failed", "stopped" },
        [POOL_DEGRADED] = {
                IGN, "stopping", "scaling", "running", IGN, IGN, "failed", "stopped" },
        [POOL_SCALING] = {
                IGN, "stopping", IGN, "running", "degraded", "degraded", "failed", "stopped" },
        [POOL_STOPPING] = {
                "starting", IGN, IGN, NEV, NEV, NEV, NEV, "stopped" },
        [POOL_FAILED] = {
                "starting", "stopping", "scaling", "running", "starting", "degraded", IGN,
                "stopped" },
};
/* clang-format on */

static void test_every_cell(void **state)
{
        for (int from = 1; from < POOL_STATE_COUNT; from++)
                for (int event = 1; event < POOL_EVENT_COUNT; event++) {
                        const char *cell = pool_cell_name(from, event);
                        int next = pool_state_from_name(expected[from][event - 1]);

                        assert_non_null(cell); /* a forgotten cell has no name */
                        assert_string_equal(cell, expected[from][event - 1]);
                        assert_int_equal(pool_step(from, event), next > 0 ? next : from);
                }
        assert_string_equal(pool_cell_name(POOL_RUNNING, POOL_EVENT_COUNT), NEV);
        assert_int_equal(pool_step(POOL_RUNNING, 0), POOL_RUNNING);
}

static void test_names_both_ways(void **state)
{
        for (int i = 1; i < POOL_STATE_COUNT; i++)
                assert_int_equal(pool_state_from_name(pool_state_to_name(i)), i);
        for (int i = 1; i < POOL_EVENT_COUNT; i++)
                assert_int_equal(pool_event_from_name(pool_event_to_name(i)), i);
        assert_null(pool_state_to_name(0));
        assert_true(pool_state_from_name("up") < 0);
}

static PoolEvent observe(unsigned wanted, unsigned ready, unsigned rising, unsigned alive,
                         unsigned ended)
{
        return pool_observe(&(PoolCounts){ .wanted = wanted,
                                           .ready = ready,
                                           .rising = rising,
                                           .alive = alive,
                                           .ended = ended,
                                           .is_up = true });
}

static void test_what_the_counts_amount_to(void **state)
{
        assert_int_equal(observe(4, 4, 0, 4, 0), POOL_EVENT_SETTLED);
        assert_int_equal(observe(4, 2, 2, 4, 0), POOL_EVENT_RISING);
        assert_int_equal(observe(4, 2, 1, 3, 0), POOL_EVENT_SHORT);
        assert_int_equal(observe(4, 0, 4, 0, 0), POOL_EVENT_RISING); /* all in back-off */
        assert_int_equal(observe(4, 0, 0, 0, 0), POOL_EVENT_DEAD);
        assert_int_equal(observe(0, 0, 0, 0, 0), POOL_EVENT_SETTLED); /* scaled to nothing */
        assert_int_equal(observe(0, 0, 0, 3, 0), POOL_EVENT_SETTLED); /* some still stop */
}

/* A worker that crashed and whose children are being ended will be back. */
static void test_what_lives_is_not_dead(void **state)
{
        assert_int_equal(observe(1, 0, 0, 1, 0), POOL_EVENT_SHORT);
}

static void test_slots_that_ended_by_policy_are_not_missed(void **state)
{
        assert_int_equal(observe(3, 2, 0, 2, 1), POOL_EVENT_SETTLED);
        assert_int_equal(observe(3, 0, 0, 0, 3), POOL_EVENT_EMPTY);
        assert_int_equal(observe(3, 0, 0, 0, 2), POOL_EVENT_DEAD); /* the third failed */
}

static void test_going_down_and_changing(void **state)
{
        PoolCounts counts = { .wanted = 2, .alive = 1 };

        assert_int_equal(pool_observe(&counts), 0);
        counts.alive = 0;
        assert_int_equal(pool_observe(&counts), POOL_EVENT_EMPTY);
        counts = (PoolCounts){ .wanted = 2, .is_up = true, .is_changing = true };
        assert_int_equal(pool_observe(&counts), 0);
}

/* From every state that a pool which is up may have, its counts alone lead to the right one. */
static void test_counts_alone_find_the_state(void **state)
{
        for (int from = 1; from < POOL_STATE_COUNT; from++) {
                if (from == POOL_STOPPING)
                        continue;
                assert_int_equal(pool_step(from, observe(2, 2, 0, 2, 0)), POOL_RUNNING);
                assert_int_equal(pool_step(from, observe(2, 1, 0, 1, 0)), POOL_DEGRADED);
                assert_int_equal(pool_step(from, observe(2, 0, 0, 0, 0)), POOL_FAILED);
                assert_int_equal(pool_step(from, observe(2, 0, 0, 0, 2)), POOL_STOPPED);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_cell),
                cmocka_unit_test(test_names_both_ways),
                cmocka_unit_test(test_what_the_counts_amount_to),
                cmocka_unit_test(test_what_lives_is_not_dead),
                cmocka_unit_test(test_slots_that_ended_by_policy_are_not_missed),
                cmocka_unit_test(test_going_down_and_changing),
                cmocka_unit_test(test_counts_alone_find_the_state),
        };
        return cmocka_run_group_tests_name("model/pool", tests, NULL, NULL);
}
