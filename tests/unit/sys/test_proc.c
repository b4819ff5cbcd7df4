#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/pidref.h"
#include "sys/proc.h"

/* A child that lives until it is killed. */
static pid_t start_child(void)
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                for (;;)
                        pause();
        return pid;
}

static void end_child(pid_t pid)
{
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_stat_is_parsed(void **state)
{
        static const char text[] =
                "42 (a ) S 1\n(b) Z 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 "
                "987654 1000 20 5937258811022475263 1 1 0 0 0 0 0 0 0 0 0 0 17 3\n";
        ProcStat stat;

        assert_int_equal(proc_stat_parse(text, &stat), 0);
        assert_int_equal(stat.state, 'Z');
        assert_int_equal(stat.parent, 7);
        assert_int_equal(stat.threads, 3);
        assert_int_equal(stat.start_ticks, 987654);
        assert_int_equal(stat.rss_limit, UINT64_C(5937258811022475263));
        assert_false(proc_stat_is_dead(&stat)); /* its other threads run */
        stat.threads = 1;
        assert_true(proc_stat_is_dead(&stat));
}

static void test_broken_stat_is_refused(void **state)
{
        static const char whole[] = "42 (x) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 987654 "
                                    "1000 20 184";
        char text[sizeof(whole)];
        ProcStat stat;

        assert_int_equal(proc_stat_parse(whole, &stat), 0);
        for (size_t length = 0; length < sizeof(whole) - 4; length++) {
                memcpy(text, whole, length);
                text[length] = '\0';
                assert_int_equal(proc_stat_parse(text, &stat), -EBADMSG);
        }
}

static void test_own_stat(void **state)
{
        ProcStat stat;

        assert_int_equal(proc_stat(getpid(), &stat), 0);
        assert_int_equal(stat.parent, getppid());
        assert_true(stat.start_ticks > 0);
        assert_int_equal(proc_stat(0x7ffffff0, &stat), -ESRCH);
}

static void test_pid_lists(void **state)
{
        AUTO_PIDS list = { 0 };

        assert_int_equal(pid_list_parse(&list, "12 0\n345\n"), 0);
        assert_int_equal(list.count, 2);
        assert_true(pid_list_has(&list, 345));
        assert_false(pid_list_has(&list, 0));
        assert_int_equal(pid_list_parse(&list, "7 x"), -EBADMSG);
        assert_int_equal(pid_list_parse(&list, "-7"), -EBADMSG);
        assert_int_equal(pid_list_parse(&list, "99999999999"), -EBADMSG);
}

static void test_children(void **state)
{
        AUTO_PIDS children = { 0 }, searched = { 0 }, after = { 0 };
        pid_t first = start_child(), second = start_child();

        assert_int_equal(proc_children(getpid(), &children), 0);
        assert_int_equal(children.count, 2);
        assert_true(pid_list_has(&children, first));
        assert_true(pid_list_has(&children, second));
        assert_int_equal(proc_children_by_search(getpid(), &searched), 0);
        assert_int_equal(searched.count, 2);
        assert_true(pid_list_has(&searched, first));
        assert_true(pid_list_has(&searched, second));
        end_child(first);
        end_child(second);
        assert_int_equal(proc_children(getpid(), &after), 0);
        assert_int_equal(after.count, 0);
        assert_int_equal(proc_children(first, &after), -ESRCH);
}

static void test_all_has_us(void **state)
{
        AUTO_PIDS all = { 0 };

        assert_int_equal(proc_all(&all), 0);
        assert_true(pid_list_has(&all, getpid()));
}

static void test_variable(void **state)
{
        char value[8];

        /* meson and the shell both pass it; what is read is what we were started with. */
        assert_int_equal(proc_variable(getpid(), "CMOCKA_MESSAGE_OUTPUT", value, sizeof(value)),
                         getenv("CMOCKA_MESSAGE_OUTPUT")
                                 ? (int)strlen(getenv("CMOCKA_MESSAGE_OUTPUT"))
                                 : -ENODATA);
        assert_int_equal(proc_variable(getpid(), "CMOCKA_MESSAGE_OUTPU", value, sizeof(value)),
                         -ENODATA);
        assert_int_equal(proc_variable(0x7ffffff0, "PATH", value, sizeof(value)), -ESRCH);
}

static void test_pidref_holds_one_process(void **state)
{
        PidRef process = PIDREF_UNSET, again = PIDREF_UNSET;
        pid_t pid = start_child();

        assert_int_equal(pidref_open(pid, 0, &process), 0);
        assert_int_equal(pidref_read_start(&process), 0);
        assert_true(process.start_ticks > 0);
        assert_int_equal(pidref_open(pid, process.start_ticks, &again), 0);
        pidref_done(&again);
        /* The same number, another process. */
        assert_int_equal(pidref_open(pid, process.start_ticks + 1, &again), -ESRCH);
        assert_false(pidref_is_set(&again));
        assert_int_equal(pidref_signal(&process, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(pidref_signal(&process, SIGKILL), -ESRCH);
        assert_int_equal(pidref_open(pid, 0, &again), -ESRCH);
        pidref_done(&process);
        assert_false(pidref_is_set(&process));
        assert_int_equal(process.fd, -1);
}

static void test_pidref_refuses_what_is_none(void **state)
{
        PidRef process = PIDREF_UNSET;

        assert_int_equal(pidref_open(0, 0, &process), -ESRCH);
        assert_int_equal(pidref_open(-1, 0, &process), -ESRCH);
        assert_int_equal(pidref_signal(&process, SIGTERM), -ESRCH);
        assert_int_equal(pidref_read_start(&process), -ESRCH);
        pidref_done(&process);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stat_is_parsed),
                cmocka_unit_test(test_broken_stat_is_refused),
                cmocka_unit_test(test_own_stat),
                cmocka_unit_test(test_pid_lists),
                cmocka_unit_test(test_children),
                cmocka_unit_test(test_all_has_us),
                cmocka_unit_test(test_variable),
                cmocka_unit_test(test_pidref_holds_one_process),
                cmocka_unit_test(test_pidref_refuses_what_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
