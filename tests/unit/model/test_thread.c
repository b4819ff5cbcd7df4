/* The words for threads, both ways, and the word that holds all gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/thread.h"

static void test_names(void **state)
{
        for (int i = 0; i < THREAD_STATE_COUNT; i++)
                assert_int_equal(thread_state_from_name(thread_state_to_name((ThreadState)i)), i);
        for (int i = 0; i < WAITING_ON_COUNT; i++)
                assert_int_equal(waiting_on_from_name(waiting_on_to_name((WaitingOn)i)), i);
        assert_null(thread_state_to_name(THREAD_STATE_COUNT));
        assert_null(waiting_on_to_name(WAITING_ON_COUNT));
}

static void test_every_gap_has_a_reason(void **state)
{
        assert_null(thread_gap_to_reason(THREAD_GAP_NONE));
        assert_null(thread_gap_to_reason(THREAD_GAP_COUNT));
        for (int i = THREAD_GAP_NONE + 1; i < THREAD_GAP_COUNT; i++)
                assert_non_null(thread_gap_to_reason((ThreadGap)i));
}

static void test_gaps_do_not_touch_one_another(void **state)
{
        ThreadGaps gaps = 0;

        assert_true(THREAD_FIELD_COUNT * 4 <= 8 * sizeof(gaps) && THREAD_GAP_COUNT <= 16);
        for (int i = 0; i < THREAD_FIELD_COUNT; i++)
                thread_gap_set(&gaps, (ThreadField)i, (ThreadGap)(1 + i % (THREAD_GAP_COUNT - 1)));
        for (int i = 0; i < THREAD_FIELD_COUNT; i++)
                assert_int_equal(thread_gap(gaps, (ThreadField)i), 1 + i % (THREAD_GAP_COUNT - 1));
        for (int i = 0; i < THREAD_FIELD_COUNT; i++)
                thread_gap_set(&gaps, (ThreadField)i, THREAD_GAP_NONE);
        assert_int_equal(gaps, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_every_gap_has_a_reason),
                cmocka_unit_test(test_gaps_do_not_touch_one_another),
        };
        return cmocka_run_group_tests_name("model/thread", tests, NULL, NULL);
}
