/* withhold: stops that would take more threads than can be spared */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/withhold.h"

enum { SLOTS = 16 };

/* A letter and the threads for each slot: R ready, S starting, a small letter if outdated; D stopping,
 * not wanted; '_' no such slot. The plan's own steps, then what is left of them: "+8", "-7 -0". */
static const char *left(unsigned processes, uint64_t floor, const char *picture)
{
        static char text[200];
        const PlanTarget target = { .is_up = true, .processes = processes, .max_surge = 1 };
        const ThreadsTarget threads_target = { processes, floor };
        PlanSlot slots[SLOTS];
        PlanStep steps[4 * SLOTS];
        unsigned threads[SLOTS];
        size_t count = 0, taken, length = 0;
        unsigned number = 0;
        char letter;

        for (int used; sscanf(picture, " %c%u%n", &letter, &threads[count], &used) == 2;
             picture += used) {
                WorkerState state = letter == 'R' || letter == 'r' ? WORKER_READY
                                    : letter == 'D'                ? WORKER_STOPPING
                                                                   : WORKER_STARTING;

                if (letter != '_')
                        slots[count++] = (PlanSlot){ .slot = number,
                                                     .state = state,
                                                     .is_wanted = letter != 'D',
                                                     .is_current = letter < 'a' };
                number++;
        }
        taken = plan_next(&target, slots, count, steps, NULL);
        taken = withhold_stops(&threads_target, slots, threads, count, steps, taken);
        text[0] = '\0';
        for (size_t i = 0; i < taken; i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%c%u",
                                           i ? " " : "", steps[i].verb == PLAN_START ? '+' : '-',
                                           steps[i].slot);
        return text;
}

static void test_threads_to_processes(void **state)
{
        assert_string_equal(left(4, 0, "r4 R1 S1 S1 R1"), "-4 -0"); /* slots alone */
        assert_string_equal(left(4, 4, "r4"), "+1 +2 +3");
        assert_string_equal(left(4, 4, "r4 R1 R1 S1 R1"), "");
        assert_string_equal(left(4, 4, "r4 R1 R1 R1 R1"), "-0");
        assert_string_equal(left(4, 4, "D4 R1 R1 R1 R1"), "");
        assert_string_equal(left(4, 4, "S1 R1 R1 R1 R1"), "");
        assert_string_equal(left(4, 4, "R1 R1 R1 R1 R1"), "-4");
}

static void test_processes_to_threads(void **state)
{
        /* Nothing can go: one more stands in, then its threads may go, those of the grid first. */
        assert_string_equal(left(1, 4, "r1 r1 r1 r1"), "+4");
        assert_string_equal(left(1, 4, "r1 r1 r1 r1 S4"), "");
        assert_string_equal(left(1, 4, "r1 r1 r1 r1 R4"), "-3 -2 -1 -0");
        assert_string_equal(left(1, 5, "S4 r1 r1 D1 R4"), "-2");
        assert_string_equal(left(1, 4, "R4 D1 D1 D1 R4"), "-4");
}

static void test_who_is_not_ready_costs_nothing(void **state)
{
        assert_string_equal(left(1, 4, "R4 s1 s1"), "-2 -1");
        assert_string_equal(left(2, 8, "R4 s1"), "-1");
}

static void test_stuck_beside_a_stand_in(void **state)
{
        /* Somebody stands in, and it is not enough: one of the grid goes all the same. */
        assert_string_equal(left(2, 9, "r4 r4 R1"), "-0");
}

static void test_a_free_slot(void **state)
{
        assert_string_equal(left(1, 3, "r1 r1 _0 r1"), "+2");
        assert_string_equal(left(1, 3, "r1 r1 D1 r1"), "+4");
}

static void test_the_floor(void **state)
{
        assert_int_equal(withhold_floor(8, 16, 0), 8);
        assert_int_equal(withhold_floor(16, 8, 4), 4);
        assert_int_equal(withhold_floor(8, 8, 9), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_threads_to_processes),
                cmocka_unit_test(test_processes_to_threads),
                cmocka_unit_test(test_who_is_not_ready_costs_nothing),
                cmocka_unit_test(test_stuck_beside_a_stand_in),
                cmocka_unit_test(test_a_free_slot),
                cmocka_unit_test(test_the_floor),
        };

        return cmocka_run_group_tests_name("model/withhold", tests, NULL, NULL);
}
