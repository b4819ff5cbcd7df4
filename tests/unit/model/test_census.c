/* What a slot counts for, and that the sums never promise more than the plan keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/census.h"

enum { SLOTS_MAX = 12, ROUNDS = 20000 };

static unsigned traits(WorkerState state, unsigned number, bool is_wanted, bool is_current)
{
        const CensusSlot slot = { .plan = { number, state, is_wanted, is_current } };

        return census_traits(&slot, 4);
}

#define assert_traits(actual, ...) \
        do { \
                const CensusTrait expected[] = { __VA_ARGS__ }; \
                unsigned bits = 0; \
                for (size_t i_ = 0; i_ < COUNT_OF(expected); i_++) \
                        bits |= 1U << expected[i_]; \
                assert_int_equal(actual, bits); \
        } while (0)

static void test_what_a_slot_counts_for(void **state)
{
        assert_traits(traits(WORKER_READY, 3, true, true), CENSUS_ALIVE, CENSUS_READY,
                      CENSUS_WANTED, CENSUS_CALM);
        assert_traits(traits(WORKER_READY, 4, true, true), CENSUS_ALIVE, CENSUS_READY,
                      CENSUS_WANTED);
        assert_traits(traits(WORKER_READY, 3, true, false), CENSUS_ALIVE, CENSUS_READY,
                      CENSUS_WANTED);
        assert_traits(traits(WORKER_STARTING, 3, true, true), CENSUS_ALIVE, CENSUS_RISING,
                      CENSUS_GRID_RISING, CENSUS_WANTED, CENSUS_CALM);
        assert_traits(traits(WORKER_STARTING, 4, true, true), CENSUS_ALIVE, CENSUS_RISING,
                      CENSUS_WANTED);
        assert_traits(traits(WORKER_EXITED, 0, true, true), CENSUS_GRID_ENDED, CENSUS_WANTED,
                      CENSUS_CALM);
        assert_traits(traits(WORKER_FAILED, 0, true, true), CENSUS_FAILED, CENSUS_WANTED,
                      CENSUS_CALM);
        assert_traits(traits(WORKER_STOPPED, 0, false, true), CENSUS_STOPPED);
        assert_traits(traits(WORKER_STOPPING, 0, false, true), CENSUS_ALIVE);
}

/* An operation waits for what it began, until that is ready or has ended as it may. */
static void test_pending(void **state)
{
        CensusSlot slot = { .plan = { 0, WORKER_STARTING, true, true }, .is_begun = true };
        unsigned pending = 1U << CENSUS_PENDING;

        assert_true(census_traits(&slot, 1) & pending);
        slot.plan.state = WORKER_BACKOFF;
        assert_true(census_traits(&slot, 1) & pending);
        slot.plan.state = WORKER_READY;
        assert_false(census_traits(&slot, 1) & pending);
        slot.plan.state = WORKER_EXITED;
        assert_false(census_traits(&slot, 1) & pending);
        slot = (CensusSlot){ .plan = { 0, WORKER_STARTING, true, true } };
        assert_false(census_traits(&slot, 1) & pending);
}

static void test_lossy(void **state)
{
        const CensusSlot slot = { .plan = { 0, WORKER_STOPPED, false, true }, .is_lossy = true };

        assert_traits(census_traits(&slot, 1), CENSUS_STOPPED, CENSUS_LOSSY);
}

static void test_sums_follow_each_change(void **state)
{
        unsigned starting = traits(WORKER_STARTING, 0, true, true);
        unsigned ready = traits(WORKER_READY, 0, true, true);
        Census census = { 0 };

        census_move(&census, 0, starting);
        census_move(&census, 0, starting);
        census_move(&census, starting, ready);
        assert_int_equal(census.counts[CENSUS_ALIVE], 2);
        assert_int_equal(census.counts[CENSUS_READY], 1);
        assert_int_equal(census.counts[CENSUS_RISING], 1);
        assert_int_equal(census.counts[CENSUS_CALM], 2);
        census_move(&census, starting, 0);
        census_move(&census, ready, 0);
        for (unsigned i = 0; i < CENSUS_TRAITS; i++)
                assert_int_equal(census.counts[i], 0);
}

static unsigned draw(unsigned below)
{
        static uint64_t seed = 20230;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % below);
}

/* Mostly quiet pools: else the sums would hardly ever promise anything. */
static size_t draw_slots(const PlanTarget *target, PlanSlot *slots)
{
        bool is_quiet = draw(2) == 0;
        size_t count = 0;

        for (unsigned i = 0; i < SLOTS_MAX; i++) {
                bool is_odd = !is_quiet || draw(20) == 0;

                if (is_odd ? draw(3) == 0 : i >= target->processes)
                        continue;
                slots[count++] = (PlanSlot){ .slot = i,
                                             .state = 1 + draw(WORKER_STATE_COUNT - 1),
                                             .is_wanted = is_odd ? draw(2) : target->is_up,
                                             .is_current = is_odd ? draw(2) : true };
        }
        return count;
}

static void test_the_plan_keeps_what_the_sums_promise(void **state)
{
        unsigned promised = 0;

        for (int round = 0; round < ROUNDS; round++) {
                const PlanTarget target = { .is_up = draw(4) > 0,
                                            .processes = draw(SLOTS_MAX),
                                            .floor = draw(SLOTS_MAX),
                                            .max_surge = draw(3) };
                PlanSlot slots[SLOTS_MAX];
                PlanStep steps[3 * SLOTS_MAX];
                size_t count = draw_slots(&target, slots);
                Census census = { 0 };

                for (size_t i = 0; i < count; i++)
                        census_move(
                                &census, 0,
                                census_traits(&(CensusSlot){ .plan = slots[i] }, target.processes));
                if (!census_is_planned(&census, &target, count))
                        continue;
                promised++;
                assert_int_equal(plan_next(&target, slots, count, steps, NULL), 0);
        }
        assert_true(promised > ROUNDS / 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_a_slot_counts_for),
                cmocka_unit_test(test_pending),
                cmocka_unit_test(test_lossy),
                cmocka_unit_test(test_sums_follow_each_change),
                cmocka_unit_test(test_the_plan_keeps_what_the_sums_promise),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
