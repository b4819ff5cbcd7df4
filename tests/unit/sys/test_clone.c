/* Every case runs both ways: clone3 and its stand-in. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/raw.h"

typedef struct Seen {
        pid_t pid, parent;
        sigset_t mask;
        int runs;
} Seen;

static int look(void *userdata)
{
        Seen *seen = userdata;

        seen->pid = getpid();
        seen->parent = getppid();
        (void)sigprocmask(SIG_SETMASK, NULL, &seen->mask);
        seen->runs++;
        return 42;
}

static int execute_true(void *userdata)
{
        char *const command[] = { "/bin/true", NULL }, *const environment[] = { NULL };

        (void)execve(command[0], command, environment);
        return 1;
}

static int exit_status(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void both_ways(void (*check)(bool use_clone3))
{
        assert_true(clone_is_supported());
        check(true);
        check(false);
}

static void check_memory_is_shared(bool use_clone3)
{
        Seen seen = { 0 };
        AUTO_CLOSE pidfd = -1;
        pid_t pid = clone_run(look, &seen, -1, use_clone3, &pidfd);

        assert_true(pid > 0);
        assert_int_equal(seen.runs, 1); /* done before we went on */
        assert_int_equal(seen.pid, pid);
        assert_int_equal(seen.parent, getpid());
        assert_int_equal(exit_status(pid), 42);
}

static void test_memory_is_shared(void **state)
{
        both_ways(check_memory_is_shared);
}

static void check_signals_are_blocked(bool use_clone3)
{
        Seen seen = { 0 };
        AUTO_CLOSE pidfd = -1;
        sigset_t before, after;
        pid_t pid;

        assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
        pid = clone_run(look, &seen, -1, use_clone3, &pidfd);
        assert_int_equal(sigismember(&seen.mask, SIGTERM), 1);
        assert_int_equal(sigismember(&seen.mask, SIGCHLD), 1);
        assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
        for (int i = 1; i < _NSIG; i++)
                assert_int_equal(sigismember(&before, i), sigismember(&after, i));
        (void)exit_status(pid);
}

static void test_signals_are_blocked(void **state)
{
        both_ways(check_signals_are_blocked);
}

static void check_pidfd_tells_the_end(bool use_clone3)
{
        AUTO_CLOSE pidfd = -1;
        pid_t pid = clone_run(execute_true, NULL, -1, use_clone3, &pidfd);
        struct pollfd poll_fd;
        siginfo_t info;

        assert_true(pid > 0);
        assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
        poll_fd = (struct pollfd){ .fd = pidfd, .events = POLLIN };
        assert_int_equal(poll(&poll_fd, 1, -1), 1);
        assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
        assert_int_equal(info.si_pid, pid);
        assert_int_equal(info.si_status, 0);
}

static void test_pidfd_tells_the_end(void **state)
{
        both_ways(check_pidfd_tells_the_end);
}

static void check_bad_cgroup_leaves_no_process(bool use_clone3)
{
        AUTO_CLOSE folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int pidfd = -1;
        Seen seen = { 0 };

        assert_true(clone_run(look, &seen, folder, use_clone3, &pidfd) < 0);
        assert_int_equal(seen.runs, 0);
        assert_int_equal(pidfd, -1);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void test_bad_cgroup_leaves_no_process(void **state)
{
        both_ways(check_bad_cgroup_leaves_no_process);
}

/* Nothing of the parent's memory is copied: a limit on its size that leaves no room for another
 * is no hindrance. What it costs is measured in the benchmarks. */
static void check_memory_is_not_copied(bool use_clone3)
{
        size_t size = 300 << 20;
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct rusage before, after;
        AUTO_CLOSE pidfd = -1;

        assert_true(memory != MAP_FAILED);
        for (size_t i = 0; i < size; i += 4096)
                memory[i] = 1;
        assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        for (int i = 0; i < 5; i++) {
                pid_t pid = clone_run(execute_true, NULL, -1, use_clone3, &pidfd);

                assert_true(pid > 0);
                assert_int_equal(exit_status(pid), 0);
                pidfd = fd_close(pidfd);
        }
        /* After a copying fork each page that is written to again costs a fault. */
        for (size_t i = 0; i < size; i += 4096)
                memory[i] = 2;
        assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
        assert_true(after.ru_minflt - before.ru_minflt < 10000);
        assert_int_equal(munmap(memory, size), 0);
}

static void test_memory_is_not_copied(void **state)
{
        both_ways(check_memory_is_not_copied);
}

/* ---- beside us ---- */

typedef struct Execution {
        const char *program, *word;
} Execution;

static int execute_raw(void *userdata)
{
        const Execution *execution = userdata;
        const char *command[] = { execution->program, execution->word, NULL };
        static const char *const environment[] = { NULL };

        (void)raw_call(SYS_execve, (long)command[0], (long)command, (long)environment, 0, 0);
        return 1;
}

/* Return: pidfd */
static int launch(int (*child)(void *), void *userdata, uint32_t *running)
{
        void *stack = clone_stack_new();
        int pidfd = -1;

        assert_non_null(stack);
        assert_true(clone_launch(child, userdata, -1, stack, running, &pidfd) > 0);
        return pidfd; /* the stack is left to it */
}

static int end_of(int pidfd)
{
        siginfo_t info = { 0 };

        assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
        return info.si_code == CLD_EXITED ? info.si_status : 1000 + info.si_status;
}

/* What the kernel tells of exec, and not of the end only. */
static void test_exec_is_told_beside_us(void **state)
{
        Execution execution = { "/bin/sleep", "1000" };
        AUTO_CLOSE pidfd = -1;
        struct pollfd end = { .events = POLLIN };
        uint32_t running;

        if (!clone_can_launch())
                return; /* under a sanitizer it is not done */
        end.fd = pidfd = launch(execute_raw, &execution, &running);
        clone_wait(&running, 1, 60 * USEC_PER_SEC);
        assert_int_equal(running, 0);
        assert_int_equal(poll(&end, 1, 0), 0); /* it lives */
        assert_int_equal(pidfd_send_signal(pidfd, SIGKILL, NULL, 0), 0);
        assert_int_equal(end_of(pidfd), 1000 + SIGKILL);
}

static void test_end_is_told_beside_us(void **state)
{
        Execution execution = { "/none", NULL };
        AUTO_CLOSE pidfd = -1;
        uint32_t running;

        if (!clone_can_launch())
                return;
        pidfd = launch(execute_raw, &execution, &running);
        assert_int_equal(end_of(pidfd), 1);
        assert_int_equal(running, 0); /* without waiting: the end comes after it */
}

static void test_waiting_has_an_end(void **state)
{
        uint32_t word = 1;

        clone_wait(&word, 1, 1000);
        assert_int_equal(word, 1);
        clone_wait(&word, 0, 60 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_memory_is_shared),
                cmocka_unit_test(test_signals_are_blocked),
                cmocka_unit_test(test_pidfd_tells_the_end),
                cmocka_unit_test(test_bad_cgroup_leaves_no_process),
                cmocka_unit_test(test_memory_is_not_copied),
                cmocka_unit_test(test_exec_is_told_beside_us),
                cmocka_unit_test(test_end_is_told_beside_us),
                cmocka_unit_test(test_waiting_has_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
