/* The pipe outlives both of its ends: a worker that is started again, and a reader that is
 * killed in the midst of its work. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logs_testing.h"
#include "sys/fd.h"

enum { KILLS = 30, LINES_A_KILL = 6000, LIMIT = 128 * 1024 };

static int write_first_half(int fd)
{
        return write_numbered_lines(fd, 0, 1000);
}

static int write_second_half(int fd)
{
        return write_numbered_lines(fd, 1000, 1000);
}

static void test_worker_is_started_again(void **state)
{
        Fixture fixture;
        size_t length;
        unsigned files;
        AUTO_FREE char *text = NULL;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture_run(&fixture, write_first_half);
        fixture_run(&fixture, write_second_half);
        text = fixture_read_all(&fixture, &length, &files);
        check_numbered_lines(text, length, 2000);
        fixture_done(&fixture);
}

/* The worker says by @progress when it is time to kill a reader, and stays until the parent
 * hangs up, for what it leaves in the pipe would go with it. */
static int write_in_stages(int output, int progress, int hang_up)
{
        char byte = 0;

        if (write(progress, &byte, 1) != 1) /* its output is where readers look for it */
                return 2;
        for (unsigned stage = 0; stage < KILLS; stage++) {
                if (write_numbered_lines(output, stage * LINES_A_KILL, LINES_A_KILL) != 0)
                        return 1;
                if (write(progress, &byte, 1) != 1)
                        return 2;
        }
        return read(hang_up, &byte, 1) == 0 ? 0 : 3;
}

static void follow(const LogSettings *settings, pid_t worker, uint64_t inode)
{
        int pipe_fd = log_pipe_reopen(worker, STDOUT_FILENO, inode);
        LogCapture *capture;
        struct pollfd poll_in = { .fd = pipe_fd, .events = POLLIN };

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pipe_fd < 0 || log_capture_new_from(settings, pipe_fd, &capture, NULL) < 0)
                _exit(1);
        while (poll(&poll_in, 1, -1) > 0 && log_capture_move(capture) >= 0)
                continue;
        _exit(1);
}

/* A reader that cannot read would leave us waiting for ever. */
static void await_progress(int progress, pid_t reader)
{
        AUTO_CLOSE ended = (int)syscall(SYS_pidfd_open, reader, 0);
        struct pollfd news[] = { { .fd = progress, .events = POLLIN },
                                 { .fd = ended, .events = POLLIN } };
        char byte;

        assert_true(ended >= 0);
        assert_true(poll(news, COUNT_OF(news), -1) > 0);
        assert_true(news[0].revents & POLLIN);
        assert_int_equal(read(progress, &byte, 1), 1);
}

static void kill_readers(const Fixture *fixture, pid_t worker, uint64_t inode, int progress)
{
        for (unsigned i = 0; i < KILLS; i++) {
                pid_t reader = fork();
                int status;

                assert_true(reader >= 0);
                if (reader == 0)
                        follow(&fixture->settings, worker, inode);
                await_progress(progress, reader);
                assert_int_equal(kill(reader, SIGKILL), 0);
                assert_int_equal(waitpid(reader, &status, 0), reader);
                assert_true(WIFSIGNALED(status));
        }
}

/* A worker as the daemon starts one: its output is the writing end, and it holds nothing else of
 * ours. */
static pid_t start_worker(Fixture *fixture, const int progress[2], const int hang_up[2])
{
        AUTO_CLOSE fd = log_capture_open_writer(fixture->capture, geteuid());
        pid_t pid = fork();

        assert_true(fd >= 0 && pid >= 0);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(log_capture_fd(fixture->capture));
        (void)close(hang_up[1]);
        _exit(dup2(fd, STDOUT_FILENO) < 0 || fd_close(fd) != -1
                      ? 4
                      : write_in_stages(STDOUT_FILENO, progress[1], hang_up[0]));
}

static void test_reader_is_killed(void **state)
{
        int progress[2], hang_up[2], pipe_fd;
        Fixture fixture;
        uint64_t inode;
        pid_t worker;
        size_t length;
        unsigned files;
        AUTO_FREE char *text = NULL;
        char byte;

        assert_int_equal(pipe2(progress, O_CLOEXEC), 0);
        assert_int_equal(pipe2(hang_up, O_CLOEXEC), 0);
        fixture_open(&fixture, LIMIT, 1000);
        inode = log_capture_inode(fixture.capture);
        worker = start_worker(&fixture, progress, hang_up);
        fixture_close_capture(&fixture);
        assert_int_equal(read(progress[0], &byte, 1), 1);
        kill_readers(&fixture, worker, inode, progress[0]);
        pipe_fd = log_pipe_reopen(worker, STDOUT_FILENO, inode);
        assert_true(pipe_fd >= 0);
        assert_int_equal(log_capture_new_from(&fixture.settings, pipe_fd, &fixture.capture, NULL),
                         0);
        (void)close(hang_up[1]);
        fixture_pump(&fixture, worker);
        text = fixture_read_all(&fixture, &length, &files);
        check_numbered_lines(text, length, KILLS * LINES_A_KILL);
        (void)close(hang_up[0]);
        (void)close(progress[0]);
        (void)close(progress[1]);
        fixture_done(&fixture);
}

static void test_only_the_own_pipe_is_reopened(void **state)
{
        Fixture fixture;
        AUTO_CLOSE writer = -1;
        AUTO_CLOSE file = open("/dev/null", O_RDWR | O_CLOEXEC);
        int copy;

        fixture_open(&fixture, UINT64_MAX, 3);
        writer = log_capture_open_writer(fixture.capture, geteuid());
        copy = log_pipe_reopen(getpid(), writer, log_capture_inode(fixture.capture));
        assert_true(copy >= 0);
        assert_int_equal(fcntl(copy, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
        assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
        (void)fd_close(copy);
        copy = log_pipe_reopen(getpid(), writer, 0);
        assert_true(copy >= 0);
        (void)fd_close(copy);
        assert_int_equal(log_pipe_reopen(getpid(), writer, log_capture_inode(fixture.capture) + 1),
                         -ENOENT);
        assert_int_equal(log_pipe_reopen(getpid(), file, 0), -ENOENT);
        assert_int_equal(log_pipe_reopen(getpid(), 10000, 0), -ENOENT);
        fixture_done(&fixture);
}

/* A program that writes to /dev/stdout opens the pipe by its name. */
static void test_owner_may_open_it_again(void **state)
{
        uid_t owner = geteuid() == 0 ? 65534 : geteuid();
        Fixture fixture;
        AUTO_CLOSE fd = -1;
        struct stat status;
        pid_t pid;
        int result;

        fixture_open(&fixture, UINT64_MAX, 3);
        fd = log_capture_open_writer(fixture.capture, owner);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(status.st_uid, owner);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int out;

                if (dup2(fd, STDOUT_FILENO) < 0 || setuid(owner) < 0)
                        _exit(1);
                /* A change of user makes /proc/self root's; an exec makes it the user's again. */
                (void)prctl(PR_SET_DUMPABLE, 1);
                out = open("/dev/stdout", O_WRONLY);
                _exit(out >= 0 && write(out, "again\n", 6) == 6 ? 0 : 2);
        }
        assert_int_equal(waitpid(pid, &result, 0), pid);
        assert_int_equal(result, 0);
        fixture_close_capture(&fixture);
        {
                AUTO_FREE char *text = fixture_read(&fixture, 0, NULL);

                assert_string_equal(text, "again\n");
        }
        fixture_done(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_worker_is_started_again),
                cmocka_unit_test(test_reader_is_killed),
                cmocka_unit_test(test_only_the_own_pipe_is_reopened),
                cmocka_unit_test(test_owner_may_open_it_again),
        };
        return cmocka_run_group_tests_name("logs/survival", tests, NULL, NULL);
}
