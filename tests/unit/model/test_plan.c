#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/plan.h"

enum { STEPS_MAX = 64 };

/* A slot as one word: R ready, S starting, B back-off, F failed, E exited, U unready, D stopping;
 * a small letter means an outdated definition, '!' before it that it is not wanted, '.' stopped. */
static PlanSlot read_slot(const char **cursor, unsigned number)
{
        static const struct {
                char letter;
                WorkerState state;
        } letters[] = {
                { 'R', WORKER_READY },    { 'S', WORKER_STARTING },  { 'B', WORKER_BACKOFF },
                { 'F', WORKER_FAILED },   { 'E', WORKER_EXITED },    { 'U', WORKER_UNREADY },
                { 'D', WORKER_STOPPING }, { 'L', WORKER_RELOADING }, { '.', WORKER_STOPPED },
        };
        PlanSlot slot = { .slot = number, .is_wanted = **cursor != '!' && **cursor != '.' };
        char c = **cursor == '!' ? *++*cursor : **cursor;

        (*cursor)++;
        slot.is_current = c < 'a';
        for (size_t i = 0; i < COUNT_OF(letters); i++)
                if (letters[i].letter == (c >= 'a' ? c - 'a' + 'A' : c))
                        slot.state = letters[i].state;
        assert_int_not_equal(slot.state, 0);
        return slot;
}

/* Steps as text: "+3 +4 -7". '_' in @picture: no such slot. */
static const char *next(PlanTarget target, const char *picture, PlanProgress *ret_progress)
{
        static char text[400];
        PlanSlot slots[STEPS_MAX];
        PlanStep steps[3 * STEPS_MAX];
        size_t count = 0, taken, length = 0;

        for (unsigned number = 0; *picture; number++) {
                if (*picture == '_')
                        picture++;
                else
                        slots[count++] = read_slot(&picture, number);
        }
        taken = plan_next(&target, slots, count, steps, ret_progress);
        text[0] = '\0';
        for (size_t i = 0; i < taken; i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%c%u",
                                           i ? " " : "", steps[i].verb == PLAN_START ? '+' : '-',
                                           steps[i].slot);
        return text;
}

static PlanTarget up(unsigned processes, unsigned floor, unsigned max_surge)
{
        return (PlanTarget){
                .is_up = true, .processes = processes, .floor = floor, .max_surge = max_surge
        };
}

#define assert_next(target, picture, expected) \
        assert_string_equal(next(target, picture, NULL), expected)

static void test_growth_takes_the_lowest_free_slots(void **state)
{
        assert_next(up(4, 0, 1), "", "+0 +1 +2 +3");
        assert_next(up(4, 2, 1), "RR", "+2 +3");
        assert_next(up(4, 2, 1), "R_R.", "+1 +3");
        assert_next(up(4, 2, 1), "RRSS", "");
}

static void test_shrinking_stops_the_highest(void **state)
{
        assert_next(up(2, 2, 1), "RRRRR", "-4 -3 -2");
        assert_next(up(0, 0, 1), "RRR", "-2 -1 -0");
        assert_next(up(2, 2, 1), "RR!D!DR", "-4"); /* what stops already is let be */
}

static void test_nothing_moves_at_the_target(void **state)
{
        PlanProgress progress;

        assert_string_equal(next(up(3, 3, 1), "RRR", &progress), "");
        assert_true(progress.is_reached);
        assert_string_equal(next(up(3, 3, 1), "RER", &progress), "");
        assert_true(progress.is_reached); /* ended as its policy says */
        assert_string_equal(next(up(3, 3, 1), "RRS", &progress), "");
        assert_false(progress.is_reached);
        assert_int_equal(progress.rising, 1);
        assert_string_equal(next(up(3, 3, 1), "RRR!D", &progress), "");
        assert_false(progress.is_reached);
        assert_int_equal(progress.surplus, 1);
        assert_string_equal(next(up(3, 3, 1), "RRU", &progress), "");
        assert_false(progress.is_reached);
        assert_string_equal(next(up(3, 3, 1), "RRR...", &progress), "");
        assert_true(progress.is_reached);
        assert_string_equal(next(up(0, 0, 1), "", &progress), "");
        assert_true(progress.is_reached);
}

static void test_machines_that_manage_themselves_are_left_alone(void **state)
{
        assert_next(up(3, 3, 1), "FEB", "");
        assert_next(up(3, 3, 1), "RRD", ""); /* crashed; its machine brings it back */
}

static void test_a_slot_is_not_started_before_it_is_stopped(void **state)
{
        assert_next(up(3, 0, 1), "RR!D", "");
        assert_next(up(3, 0, 1), "RR.", "+2");
}

/* 4 -> 2 with slots 0 and 1 not there yet: capacity above the grid is kept meanwhile. */
static void test_shrinking_waits_for_the_kept_slots(void **state)
{
        assert_next(up(2, 2, 1), "SSRR", "");
        assert_next(up(2, 2, 1), "RSRR", "-3");
        assert_next(up(2, 2, 1), "BBRR", "");
        assert_next(up(2, 2, 1), "SSSS", "-3 -2"); /* nothing is lost with what is not ready */
}

static void test_slots_without_hope_do_not_block_a_shrink(void **state)
{
        assert_next(up(2, 2, 1), "FRRR", "-3 -2");
        assert_next(up(2, 2, 1), "ERRR", "-3 -2");
        assert_next(up(2, 2, 1), "FURR", "-3 -2");
}

static void test_replacement_with_a_stand_in(void **state)
{
        const PlanTarget target = up(3, 3, 1);
        PlanProgress progress;

        assert_string_equal(next(target, "rrr", &progress), "+3");
        assert_int_equal(progress.outdated, 3);
        assert_next(target, "rrrS", "");
        assert_next(target, "rrrR", "-2");
        assert_next(target, "rr!dR", "");
        assert_next(target, "rr.R", "+2");
        assert_next(target, "rrSR", "");
        assert_next(target, "rrRR", "-1");
        assert_next(target, "r.RR", "+1");
        assert_next(target, "rRRR", "-0");
        assert_next(target, "!dRRR", "");
        assert_next(target, "SRRR", ""); /* the stand-in still holds the floor */
        assert_next(target, "RRRR", "-3");
        assert_false(progress.is_reached);
        assert_string_equal(next(target, "RRR.", &progress), "");
        assert_true(progress.is_reached);
}

static void test_several_stand_ins(void **state)
{
        assert_next(up(4, 4, 2), "rrrr", "+4 +5");
        assert_next(up(4, 4, 2), "rrrrR", "+5 -3");
        assert_next(up(4, 4, 2), "rrrrRR", "-3 -2");
        assert_next(up(4, 4, 9), "rrrr", "+4 +5 +6 +7"); /* not more than there is to replace */
}

static void test_replacement_by_unavailability(void **state)
{
        assert_next(up(4, 3, 0), "rrrr", "-3");
        assert_next(up(4, 3, 1), "rrrr", "-3"); /* one in hand makes a stand-in needless */
        assert_next(up(4, 3, 2), "rrrr", "+4 -3");
        assert_next(up(4, 2, 0), "rrrr", "-3 -2");
}

/* MaxSurge=0 and MaxUnavailable=0 leave no way: one stands in all the same. */
static void test_no_slack_at_all(void **state)
{
        assert_next(up(2, 2, 0), "rr", "+2");
        assert_next(up(2, 2, 0), "rrR", "-1");
        assert_next(up(1, 1, 0), "r", "+1");
}

static void test_outdated_that_are_not_ready_are_replaced_at_once(void **state)
{
        assert_next(up(4, 4, 1), "fbsu", "-3 -2 -1 -0");
        assert_next(up(2, 2, 1), "fR", "-0");
        assert_next(up(2, 2, 1), ".R", "+0");
}

static void test_growth_and_new_definition(void **state)
{
        /* The new slots of the grid are stand-in enough. */
        assert_next(up(4, 2, 1), "rr", "+2 +3");
        assert_next(up(4, 2, 1), "rrRS", "-1");
        assert_next(up(4, 2, 1), "rrRR", "-1 -0");
}

static void test_shrink_and_new_definition(void **state)
{
        assert_next(up(2, 2, 1), "rrrr", "-3 -1"); /* slot 2 stands in, whatever it runs */
        assert_next(up(2, 2, 1), "r!dr", "");
        assert_next(up(2, 2, 1), "rRr", "-0");
        assert_next(up(2, 2, 1), "RRr", "-2");
}

static void test_rollback_of_a_replacement(void **state)
{
        /* The stand-in of a definition that was taken back is in nobody's way. */
        assert_next(up(2, 2, 1), "RRf", "-2");
        assert_next(up(2, 2, 1), "RRr", "-2");
        assert_next(up(2, 2, 1), "Rsr", "-1");
}

static void test_a_new_definition_in_the_midst_of_a_rollout(void **state)
{
        /* What was replaced before it was ready is not waited for. */
        assert_next(up(1, 1, 1), "rs", "+2 -1");
        assert_next(up(1, 1, 1), "rb", "+2 -1");
        assert_next(up(1, 1, 1), "r!dS", "");
        assert_next(up(1, 1, 1), "rS", "");
}

static void test_stand_ins_skip_slots_that_still_stop(void **state)
{
        assert_next(up(2, 2, 1), "rr!D", "+3");
        assert_next(up(2, 2, 1), "rr.", "+2");
}

static void test_stopping_a_pool_takes_all(void **state)
{
        PlanTarget down = { .processes = 3, .floor = 3 };
        PlanProgress progress;

        assert_string_equal(next(down, "RrSBF!D", &progress), "-4 -3 -2 -1 -0");
        assert_false(progress.is_reached);
        assert_string_equal(next(down, "...!D", &progress), "");
        assert_false(progress.is_reached);
        assert_string_equal(next(down, "....", &progress), "");
        assert_true(progress.is_reached);
}

static void test_reloading_is_capacity(void **state)
{
        PlanProgress progress;

        assert_string_equal(next(up(1, 1, 1), "LR", &progress), "-1");
        assert_int_equal(progress.ready, 2);
}

static void test_floor(void **state)
{
        assert_int_equal(plan_floor(4, 8, 0), 4);
        assert_int_equal(plan_floor(8, 4, 1), 3);
        assert_int_equal(plan_floor(8, 4, 4), 0);
        assert_int_equal(plan_floor(8, 4, 9), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_growth_takes_the_lowest_free_slots),
                cmocka_unit_test(test_shrinking_stops_the_highest),
                cmocka_unit_test(test_nothing_moves_at_the_target),
                cmocka_unit_test(test_machines_that_manage_themselves_are_left_alone),
                cmocka_unit_test(test_a_slot_is_not_started_before_it_is_stopped),
                cmocka_unit_test(test_shrinking_waits_for_the_kept_slots),
                cmocka_unit_test(test_slots_without_hope_do_not_block_a_shrink),
                cmocka_unit_test(test_replacement_with_a_stand_in),
                cmocka_unit_test(test_several_stand_ins),
                cmocka_unit_test(test_replacement_by_unavailability),
                cmocka_unit_test(test_no_slack_at_all),
                cmocka_unit_test(test_outdated_that_are_not_ready_are_replaced_at_once),
                cmocka_unit_test(test_growth_and_new_definition),
                cmocka_unit_test(test_shrink_and_new_definition),
                cmocka_unit_test(test_rollback_of_a_replacement),
                cmocka_unit_test(test_a_new_definition_in_the_midst_of_a_rollout),
                cmocka_unit_test(test_stand_ins_skip_slots_that_still_stop),
                cmocka_unit_test(test_stopping_a_pool_takes_all),
                cmocka_unit_test(test_reloading_is_capacity),
                cmocka_unit_test(test_floor),
        };
        return cmocka_run_group_tests_name("model/plan", tests, NULL, NULL);
}
