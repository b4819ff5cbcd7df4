/* /proc/PID/stat as the kernel writes it, and as a hostile name or a cut read leaves it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sample/process.h"
#include "sys/clock.h"

/* Written by Linux 6.18 for a Python process of 3 threads; the pid and the name are cut off. */
#define REST \
        " S 15075 15075 4261 0 -1 4194304 1299 17 3 4 250 75 11 12 20 0 3 0 396345 3133440 342 " \
        "18446744073709551615 94371053805568 94371053825449 140725323808928 0 0 0 0 16781312 2 " \
        "0 0 0 17 1 0 0 0 0 0 94371053841456 94371053843072 94371307335680 140725323815560 " \
        "140725323815580 140725323815580 140725323816939 0\n"

static void check_rest(const char *text)
{
        ProcessSample sample;

        assert_int_equal(process_sample_parse(text, strlen(text), &sample), 0);
        assert_int_equal(sample.state, 'S');
        assert_int_equal(sample.minor_faults, 1299);
        assert_int_equal(sample.major_faults, 3);
        assert_int_equal(sample.user_usec, 2500000);
        assert_int_equal(sample.system_usec, 750000);
        assert_int_equal(sample.thread_count, 3);
        assert_int_equal(sample.start_ticks, 396345);
        assert_int_equal(sample.rss_bytes, 342 * sysconf(_SC_PAGESIZE));
        assert_int_equal(sample.last_cpu, 1);
        assert_int_equal(sample.taken_usec, 0);
}

static void test_names_may_hold_anything(void **state)
{
        check_rest("15208 (python3)" REST);
        check_rest("15208 ()" REST);
        check_rest("15208 (x) R 1 1 1 0)" REST);
        check_rest("15208 (((()" REST);
        check_rest("15208 ()))))" REST);
        check_rest("15208 (a\nb c\td)" REST);
        check_rest("15208 (\xFF\xFE\x01)" REST);
        check_rest("15208 (kworker/u8:2-events_unbound)" REST);
}

/* A kernel thread, and the empty space of a zombie. */
static void test_other_kinds_of_process(void **state)
{
        static const char kernel_thread[] =
                "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 8 0 0 20 0 1 0 1 0 0 "
                "18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
                "0 0 0\n";
        static const char zombie[] =
                "9 (sh) Z 1 9 9 0 -1 4227084 0 0 0 0 1 2 0 0 20 0 1 0 77 0 0 "
                "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 9\n";
        ProcessSample sample;

        assert_int_equal(process_sample_parse(kernel_thread, strlen(kernel_thread), &sample), 0);
        assert_int_equal(sample.rss_bytes, 0);
        assert_int_equal(sample.system_usec, 80000);
        assert_int_equal(process_sample_parse(zombie, strlen(zombie), &sample), 0);
        assert_int_equal(sample.state, 'Z');
        assert_int_equal(sample.start_ticks, 77);
}

static int parse_with(const char *minor_faults, const char *user, const char *threads,
                      const char *start, const char *rss, ProcessSample *ret)
{
        char text[512];
        int length = snprintf(text, sizeof(text),
                              "1 (x) R 0 0 0 0 -1 0 %s 0 0 0 %s 0 0 0 20 0 %s 0 %s 0 %s 0 0 0 0 0 "
                              "0 0 0 0 0 0 0 0 17 0 0 0 0\n",
                              minor_faults, user, threads, start, rss);

        return process_sample_parse(text, (size_t)length, ret);
}

static void test_numbers_of_64_bits(void **state)
{
        static const char most[] = "18446744073709551615", more[] = "18446744073709551616";
        ProcessSample sample, untouched;

        assert_int_equal(parse_with(most, "0", "1", most, "0", &sample), 0);
        assert_true(sample.minor_faults == UINT64_MAX && sample.start_ticks == UINT64_MAX);
        memset(&sample, 0x55, sizeof(sample));
        untouched = sample;
        assert_int_equal(parse_with(more, "0", "1", "1", "0", &sample), -EBADMSG);
        assert_int_equal(parse_with("0", most, "1", "1", "0", &sample), -EBADMSG); /* as usec */
        assert_int_equal(parse_with("0", "0", "4294967297", "1", "0", &sample), -EBADMSG);
        assert_int_equal(parse_with("0", "0", "1", "1", most, &sample), -EBADMSG); /* as bytes */
        assert_int_equal(parse_with("0", "0", "1", "-1", "0", &sample), -EBADMSG);
        assert_int_equal(parse_with("0", "0", "1", "1", "-3", &sample), -EBADMSG);
        assert_int_equal(parse_with("0x1", "0", "1", "1", "0", &sample), -EBADMSG);
        assert_int_equal(parse_with("", "0", "1", "1", "0", &sample), -EBADMSG);
        assert_memory_equal(&sample, &untouched, sizeof(sample));
}

/* Cut anywhere before the end of field 42: refused, and no byte behind the end is looked at. */
static void test_cut_texts_are_refused(void **state)
{
        static const char whole[] = "15208 (a) R 1)" REST;
        size_t needed =
                (size_t)(strstr(whole, "0 0 0 17 1 ") - whole) + strlen("0 0 0 17 1 0 0 0 ");
        ProcessSample sample;

        for (size_t length = 0; length <= strlen(whole); length++) {
                AUTO_FREE char *copy = malloc(length + !length);
                int r;

                assert_non_null(copy);
                memcpy(copy, whole, length);
                r = process_sample_parse(copy, length, &sample);
                assert_int_equal(r, length < needed ? -EBADMSG : 0);
        }
        assert_int_equal(process_sample_parse("1 (x) ? 0", 9, &sample), -EBADMSG);
        assert_int_equal(process_sample_parse("1 (x)R 0", 8, &sample), -EBADMSG);
        assert_int_equal(process_sample_parse("no stat at all\n", 15, &sample), -EBADMSG);
}

static void test_own_process(void **state)
{
        ProcessSample sample, later;

        assert_int_equal(process_sample_take(getpid(), 5, &sample), 0);
        assert_int_equal(sample.state, 'R');
        assert_int_equal(sample.thread_count, 1);
        assert_true(sample.rss_bytes > 100 * 1000);
        assert_int_equal(sample.taken_usec, 5);
        sample.taken_usec = now_usec();
        do { /* until the clock tick in which CPU is counted has come */
                for (volatile unsigned i = 0; i < 1000 * 1000; i++)
                        continue;
                assert_int_equal(process_sample_take(getpid(), now_usec(), &later), 0);
        } while (later.user_usec < sample.user_usec + 100000);
        assert_true(process_sample_cpu_ratio(&sample, &later) > 0);
        assert_true(process_sample_cpu_ratio(&sample, &later) < 1.5);
}

static void test_child_lives_and_is_gone(void **state)
{
        pid_t pid = fork();
        ProcessSample sample;
        siginfo_t info;

        assert_true(pid >= 0);
        if (pid == 0) {
                (void)raise(SIGSTOP);
                _exit(0);
        }
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
        assert_int_equal(process_sample_take(pid, 1, &sample), 0);
        assert_int_equal(sample.state, 'T');
        assert_true(sample.start_ticks > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(process_sample_take(pid, 1, &sample), 0);
        assert_int_equal(sample.state, 'Z');
        assert_int_equal(sample.rss_bytes, 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(process_sample_take(pid, 1, &sample), -ESRCH);
}

static void test_ratio_is_told_only_where_it_can_be(void **state)
{
        const ProcessSample before = {
                .taken_usec = 1000000, .start_ticks = 7, .user_usec = 500000, .system_usec = 500000
        };
        ProcessSample after = before;

        assert_true(process_sample_cpu_ratio(&before, &after) < 0); /* no time passed */
        after.taken_usec = 2000000;
        assert_true(process_sample_cpu_ratio(&before, &after) == 0);
        after.user_usec += 1500000;
        after.system_usec += 500000;
        assert_true(process_sample_cpu_ratio(&before, &after) == 2);
        after.start_ticks = 8; /* another process */
        assert_true(process_sample_cpu_ratio(&before, &after) < 0);
        after.start_ticks = 7;
        after.user_usec = 0; /* counters fell */
        assert_true(process_sample_cpu_ratio(&before, &after) < 0);
        assert_true(process_sample_cpu_ratio(&after, &before) < 0); /* time fell */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_may_hold_anything),
                cmocka_unit_test(test_other_kinds_of_process),
                cmocka_unit_test(test_numbers_of_64_bits),
                cmocka_unit_test(test_cut_texts_are_refused),
                cmocka_unit_test(test_own_process),
                cmocka_unit_test(test_child_lives_and_is_gone),
                cmocka_unit_test(test_ratio_is_told_only_where_it_can_be),
        };
        return cmocka_run_group_tests_name("sample/process", tests, NULL, NULL);
}
