/* The small files of /proc/PID/task/TID, as the kernel writes them and broken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sample/procfs_text.h"

static void test_schedstat(void **state)
{
        static const char *const broken[] = {
                "",         "1", "1 2", "1 2 3", "1 2 x\n", "a 2 3\n", "99999999999999999999 2 3\n",
                "1 2 3 4\n"
        };
        ProcfsSchedule schedule = { 0 };

        assert_int_equal(procfs_parse_schedule("145212 2048 17\n", &schedule), 0);
        assert_int_equal(schedule.cpu_nsec, 145212);
        assert_int_equal(schedule.run_delay_nsec, 2048);
        assert_int_equal(schedule.slices, 17);
        for (size_t i = 0; i < COUNT_OF(broken); i++)
                assert_int_equal(procfs_parse_schedule(broken[i], &schedule), -EBADMSG);
        assert_int_equal(schedule.slices, 17);
}

static void test_syscall(void **state)
{
        static const char *const broken[] = { "",
                                              "\n",
                                              "202",
                                              "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7f",
                                              "202 0x1 0x2 0x3 0x4 0x5\n",
                                              "99999999999 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n",
                                              "x 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n" };
        uint64_t arguments[WAIT_ARGUMENTS] = { 0 };
        int number = 0;

        assert_int_equal(procfs_parse_syscall("202 0x7fab 0x89 0x0 0x7ffe 0x0 0xffffffffffffffff "
                                              "0x7ffd 0x7fcc\n",
                                              &number, arguments),
                         0);
        assert_int_equal(number, 202);
        assert_int_equal(arguments[0], 0x7fab);
        assert_int_equal(arguments[1], 0x89);
        assert_true(arguments[5] == UINT64_MAX);
        for (size_t i = 0; i < COUNT_OF(broken); i++)
                assert_int_equal(procfs_parse_syscall(broken[i], &number, arguments), -EBADMSG);
        assert_int_equal(number, 202);
        assert_int_equal(procfs_parse_syscall("running\n", &number, arguments), 0);
        assert_int_equal(number, WAIT_UNKNOWN_SYSCALL);
        assert_int_equal(procfs_parse_syscall("-1 0x7ffd 0x7fcc\n", &number, arguments), 0);
        assert_int_equal(number, WAIT_NO_SYSCALL);
}

static void test_switches(void **state)
{
        uint64_t voluntary = 0, involuntary = 0;

        assert_int_equal(procfs_parse_switches("Name:\tx\\nvoluntary_ctxt_switches:\t9\nState:\tS\n"
                                               "voluntary_ctxt_switches:\t150\n"
                                               "nonvoluntary_ctxt_switches:\t545\n",
                                               &voluntary, &involuntary),
                         0);
        assert_int_equal(voluntary, 150);
        assert_int_equal(involuntary, 545);
        assert_int_equal(procfs_parse_switches("Name:\tx\n", &voluntary, &involuntary), -EBADMSG);
        assert_int_equal(procfs_parse_switches("\nvoluntary_ctxt_switches:\t1\n"
                                               "nonvoluntary_ctxt_switches:\tx\n",
                                               &voluntary, &involuntary),
                         -EBADMSG);
        assert_int_equal(voluntary, 150);
}

static void test_names(void **state)
{
        char name[SAMPLE_NAME_SIZE];

        assert_int_equal(procfs_parse_name("12 (a) R 1)) S 1 2", name), 0);
        assert_string_equal(name, "a) R 1)");
        assert_int_equal(procfs_parse_name("12 () S", name), 0);
        assert_string_equal(name, "");
        assert_int_equal(procfs_parse_name("12 (kworker/u8:2-events_unbound) S", name), 0);
        assert_string_equal(name, "kworker/u8:2-ev");
        assert_int_equal(procfs_parse_name("12 (a S", name), -EBADMSG);
        assert_int_equal(procfs_parse_name("12 )( S", name), -EBADMSG);
        assert_int_equal(procfs_parse_name("", name), -EBADMSG);
}

static void test_states(void **state)
{
        assert_int_equal(procfs_state('R'), THREAD_RUNNING);
        assert_int_equal(procfs_state('S'), THREAD_SLEEPING);
        assert_int_equal(procfs_state('I'), THREAD_SLEEPING);
        assert_int_equal(procfs_state('D'), THREAD_DISK_WAIT);
        assert_int_equal(procfs_state('T'), THREAD_STOPPED);
        assert_int_equal(procfs_state('t'), THREAD_STOPPED);
        assert_int_equal(procfs_state('Z'), THREAD_ZOMBIE);
        assert_int_equal(procfs_state('X'), THREAD_DEAD);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_schedstat), cmocka_unit_test(test_syscall),
                cmocka_unit_test(test_switches),  cmocka_unit_test(test_names),
                cmocka_unit_test(test_states),
        };
        return cmocka_run_group_tests_name("sample/procfs_text", tests, NULL, NULL);
}
