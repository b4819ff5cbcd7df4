/* Workers started as they will be: what they see, and what is said when a step fails. Every case
 * runs in each of the three ways. */
#include "spawn_testing.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "spawn/child.h"
#include "spawn/mark.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/proc.h"

static SpawnWay way; /* of the round that runs now */

static void begin(Trial *trial, const char *first, const char *second)
{
        trial_init(trial, first, second);
        trial->host.way = way;
}

/* Nothing is left of a child that could not be started. */
static void expect_no_child(void)
{
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void check_clean(Trial *trial)
{
        char expected[64];

        assert_string_equal(trial_value(trial, "fds"), "0 1 2 ");
        assert_string_equal(trial_value(trial, "blocked"), "");
        assert_string_equal(trial_value(trial, "ignored"), "");
        (void)snprintf(expected, sizeof(expected), "%d", trial->spawned.process.pid);
        assert_string_equal(trial_value(trial, "pid"), expected);
        assert_string_equal(trial_value(trial, "session"), expected);
        (void)snprintf(expected, sizeof(expected), "%d", getpid());
        assert_string_equal(trial_value(trial, "parent"), expected);
        assert_true(trial_has(trial, "env.A=1"));
        assert_string_equal(trial_value(trial, "word1"), "report");
        assert_null(strstr(trial->text, "env.LISTEN_"));
}

static void test_a_clean_start(void **state)
{
        AUTO_CLOSE ours = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        AUTO_CLOSE inherited = open("/dev/zero", O_RDONLY); /* as from a careless parent */
        void (*before)(int) = signal(SIGPIPE, SIG_IGN);
        sigset_t blocked, kept;
        Trial trial;

        (void)sigemptyset(&blocked);
        (void)sigaddset(&blocked, SIGCHLD);
        (void)sigaddset(&blocked, SIGTERM);
        assert_true(ours >= 0 && inherited >= 0);
        assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &kept), 0);
        begin(&trial, "report", NULL);
        trial_run(&trial);
        assert_int_equal(trial.spawned.status_fd, -1); /* no helper for this */
        check_clean(&trial);
        trial_done(&trial);

        begin(&trial, "report", NULL);
        trial.spec.directory = "/";
        trial_run(&trial);
        assert_true(trial.spawned.status_fd >= 0);
        check_clean(&trial);
        trial_done(&trial);
        assert_int_equal(sigprocmask(SIG_SETMASK, &kept, NULL), 0);
        (void)signal(SIGPIPE, before);
}

/* Most are not read but taken from the clock. */
static void test_start_time_is_that_of_proc(void **state)
{
        for (int i = 0; i < 20; i++) {
                ProcStat stat;
                Trial trial;

                begin(&trial, "report", NULL);
                assert_int_equal(trial_start(&trial), 0);
                assert_int_equal(proc_stat(trial.spawned.process.pid, &stat), 0);
                assert_int_equal(trial.spawned.process.start_ticks, stat.start_ticks);
                (void)trial_wait(&trial);
                trial_done(&trial);
        }
}

static unsigned long inode_of(int fd)
{
        struct stat status;

        assert_int_equal(fstat(fd, &status), 0);
        return status.st_ino;
}

static void expect_inode(const Trial *trial, int number, int fd)
{
        char key[24], expected[32];

        (void)snprintf(key, sizeof(key), "inode%d", number);
        (void)snprintf(expected, sizeof(expected), "%lu", inode_of(fd));
        assert_string_equal(trial_value(trial, key), expected);
}

/* Descriptors that already have the numbers which others are to get, in the wrong order. */
static void check_order(const char *directory)
{
        char names[4][32];
        int fds[4];
        SpawnFd handed[4];
        Trial trial;
        char expected[32];

        for (int i = 0; i < 4; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "/tmp/reeve-order-XXXXXX");
                fds[i] = mkstemp(names[i]);
                assert_true(fds[i] >= 0);
                assert_int_equal(fcntl(fds[i], F_SETFD, FD_CLOEXEC), 0);
        }
        for (int i = 0; i < 4; i++)
                handed[i] = (SpawnFd){ .fd = fds[3 - i], .name = i == 2 ? NULL : "web" };
        begin(&trial, "report", NULL);
        trial.spec.fds = handed;
        trial.spec.fd_count = 4;
        trial.spec.directory = directory;
        trial.environment[2] = "LISTEN_PID=1"; /* not taken over */
        trial_run(&trial);
        assert_string_equal(trial_value(&trial, "fds"), "0 1 2 3 4 5 6 ");
        for (int i = 0; i < 4; i++)
                expect_inode(&trial, 3 + i, fds[3 - i]);
        (void)snprintf(expected, sizeof(expected), "env.LISTEN_PID=%d", trial.spawned.process.pid);
        assert_true(trial_has(&trial, expected));
        assert_false(trial_has(&trial, "env.LISTEN_PID=1"));
        assert_true(trial_has(&trial, "env.LISTEN_FDS=4"));
        assert_true(trial_has(&trial, "env.LISTEN_FDNAMES=web:web:unknown:web"));
        trial_done(&trial);
        for (int i = 0; i < 4; i++) {
                (void)close(fds[i]);
                assert_int_equal(unlink(names[i]), 0);
        }
}

static void test_order_of_descriptors(void **state)
{
        check_order(NULL);
        check_order("/");
}

static void test_output_becomes_one_and_two(void **state)
{
        Trial trial;
        int number;

        begin(&trial, "report", NULL);
        /* The pipe's own end is number 2 or 1 in no case; also when its number is low. */
        trial_run(&trial);
        assert_string_not_equal(trial_value(&trial, "inode1"), "");
        number = atoi(trial_value(&trial, "inode1"));
        assert_int_equal(number, atoi(trial_value(&trial, "inode2")));
        expect_inode(&trial, 0, trial.host.null_fd);
        trial_done(&trial);
}

static void test_all_settings(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        gid_t groups[] = { 65533, 65532 };
        AUTO_CLOSE program = open(FIXTURE, O_PATH | O_CLOEXEC);
        Trial trial;

        begin(&trial, "report", NULL);
        trial.spec.executable_fd = program; /* the folder may be closed to that user */
        limits[RLIMIT_NOFILE] = (ResourceLimit){ .is_set = true, .soft = 333, .hard = 444 };
        limits[RLIMIT_CORE] = (ResourceLimit){ .is_set = true, .soft = 0, .hard = 0 };
        trial.spec.limits = limits;
        trial.spec.has_umask = true;
        trial.spec.umask = 027;
        trial.spec.has_nice = trial.spec.has_oom_score_adjust = trial.spec.has_affinity = true;
        trial.spec.no_new_privileges = true;
        trial.spec.nice = 7;
        trial.spec.oom_score_adjust = 500;
        CPU_ZERO(&trial.spec.affinity);
        CPU_SET(sched_getcpu(), &trial.spec.affinity);
        trial.spec.directory = "/usr";
        if (geteuid() == 0)
                trial.spec.identity = (SpawnIdentity){ .is_set = true,
                                                       .uid = 65534,
                                                       .gid = 65531,
                                                       .groups = groups,
                                                       .group_count = 2 };
        trial_run(&trial);
        assert_string_equal(trial_value(&trial, "nofile"), "333:444");
        assert_string_equal(trial_value(&trial, "core"), "0:0");
        assert_string_equal(trial_value(&trial, "umask"), "027");
        assert_string_equal(trial_value(&trial, "nice"), "7");
        assert_string_equal(trial_value(&trial, "oom"), "500");
        assert_string_equal(trial_value(&trial, "cpus"), "1");
        assert_string_equal(trial_value(&trial, "no_new_privileges"), "1");
        assert_string_equal(trial_value(&trial, "directory"), "/usr");
        if (geteuid() == 0) {
                assert_string_equal(trial_value(&trial, "uid"), "65534 65534");
                assert_string_equal(trial_value(&trial, "gid"), "65531 65531");
                assert_string_equal(trial_value(&trial, "groups"), "65532 65533 ");
        }
        assert_string_equal(trial_value(&trial, "fds"), "0 1 2 ");
        trial_done(&trial);
}

static void test_exec_fails_at_once(void **state)
{
        Trial trial;

        begin(&trial, NULL, NULL);
        trial.command[0] = "/usr/bin/nothing";
        assert_int_equal(trial_start(&trial), -ENOENT);
        assert_string_equal(trial.error.code, "spawn-failed");
        assert_string_equal(trial.error.message,
                            "pool web: cannot execute /usr/bin/nothing: No such file or directory");
        assert_false(pidref_is_set(&trial.spawned.process));
        expect_no_child();
        trial_done(&trial);

        begin(&trial, NULL, NULL);
        trial.command[0] = "/etc/passwd";
        assert_int_equal(trial_start(&trial), -EACCES);
        assert_non_null(
                strstr(trial.error.message, "cannot execute /etc/passwd: Permission denied"));
        expect_no_child();
        trial_done(&trial);

        begin(&trial, NULL, NULL);
        trial.command[0] = NULL;
        assert_int_equal(trial_start(&trial), -EINVAL);
        expect_no_child();
        trial_done(&trial);
}

static void expect_step(Trial *trial, int error, int status, const char *sentence)
{
        assert_int_equal(trial_start(trial), 0);
        assert_int_equal(trial_settle(trial), -error);
        assert_string_equal(trial->error.code, "spawn-failed");
        if (!text_after(trial->error.message, sentence))
                fail_msg("\"%s\" does not begin with \"%s\"", trial->error.message, sentence);
        assert_int_equal(trial_wait(trial), status);
        trial_done(trial);
}

static void test_each_step_has_its_sentence(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        Trial trial;

        begin(&trial, NULL, NULL);
        trial.command[0] = "/usr/bin/nothing";
        trial.spec.directory = "/";
        expect_step(&trial, ENOENT, 203,
                    "pool web: cannot execute /usr/bin/nothing: No such file or directory");

        begin(&trial, "report", NULL);
        trial.spec.directory = "/none/such";
        expect_step(&trial, ENOENT, 200,
                    "pool web: cannot change to WorkingDirectory=/none/such: No such file");

        begin(&trial, "report", NULL);
        limits[RLIMIT_NOFILE] = (ResourceLimit){ .is_set = true, .soft = 9, .hard = 8 };
        trial.spec.limits = limits;
        expect_step(&trial, EINVAL, 205, "pool web: cannot set LimitNOFILE=9:8: Invalid argument");

        begin(&trial, "report", NULL);
        trial.spec.has_oom_score_adjust = true;
        trial.spec.oom_score_adjust = 5000;
        expect_step(&trial, EINVAL, 206, "pool web: cannot set OOMScoreAdjust=5000: Invalid");

        begin(&trial, "report", NULL);
        trial.spec.has_affinity = true;
        CPU_ZERO(&trial.spec.affinity);
        expect_step(&trial, EINVAL, 215, "pool web: cannot set CPUAffinity=: Invalid argument");
}

/* Also root is nobody special without capabilities; and it can still reach what was built. */
static int drop_rights(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = { 0 };

        if (geteuid() == 0 && prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED) < 0)
                return -1;
        return (int)syscall(SYS_capset, &header, none);
}

static int run_without_rights(void)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        Trial trial;

        begin(&trial, "report", NULL);
        trial.spec.identity = (SpawnIdentity){ .is_set = true, .uid = 12, .gid = 12 };
        expect_step(&trial, EPERM, 216, "pool web: cannot change to Group=12: Operation not");

        begin(&trial, "report", NULL);
        trial.spec.has_nice = true;
        trial.spec.nice = -5;
        expect_step(&trial, EACCES, 201, "pool web: cannot set Nice=-5: Permission denied (");

        begin(&trial, "report", NULL);
        limits[RLIMIT_NOFILE] =
                (ResourceLimit){ .is_set = true, .soft = UINT64_MAX, .hard = UINT64_MAX };
        trial.spec.limits = limits;
        expect_step(&trial, EPERM, 205, "pool web: cannot set LimitNOFILE=1844674407370955161");

        /* User= that names who we are needs no rights. */
        begin(&trial, "report", NULL);
        trial.spec.identity = (SpawnIdentity){ .is_set = true, .uid = geteuid(), .gid = getegid() };
        trial_run(&trial);
        trial_done(&trial);

        begin(&trial, "report", NULL);
        trial.spec.directory = "/proc/1/root";
        expect_step(&trial, EACCES, 200,
                    "pool web: cannot change to WorkingDirectory=/proc/1/root: Permission denied "
                    "(the worker's user must be allowed to enter it)");
        return 0;
}

static void test_steps_without_rights(void **state)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) /* a failed assertion runs the other tests again, and fails there too */
                _exit(drop_rights() < 0 ? 2 : run_without_rights());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void test_execute_by_descriptor(void **state)
{
        const char *directories[] = { NULL, "/" };

        for (size_t i = 0; i < COUNT_OF(directories); i++) {
                AUTO_CLOSE program = open(FIXTURE, O_PATH | O_CLOEXEC);
                Trial trial;

                begin(&trial, "report", NULL);
                trial.spec.executable_fd = program;
                trial.spec.directory = directories[i];
                trial.command[0] = "/no/such/path"; /* only its name */
                trial_run(&trial);
                assert_string_equal(trial_value(&trial, "word0"), "/no/such/path");
                assert_string_equal(trial_value(&trial, "fds"), "0 1 2 ");
                trial_done(&trial);
        }
}

static void test_mark(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        char expected[32];
        Trial trial;

        begin(&trial, "report", NULL);
        trial_run(&trial);
        (void)snprintf(expected, sizeof(expected),
                       "%llu:", (unsigned long long)mark_of_instance("trial"));
        assert_non_null(text_after(trial_value(&trial, "rss"), expected));
        trial_done(&trial);

        /* Whoever sets the limit himself keeps it. */
        begin(&trial, "report", NULL);
        limits[RLIMIT_RSS] = (ResourceLimit){ .is_set = true, .soft = 1 << 30, .hard = 1 << 30 };
        trial.spec.limits = limits;
        trial_run(&trial);
        assert_string_equal(trial_value(&trial, "rss"), "1073741824:1073741824");
        trial_done(&trial);
        assert_int_equal(mark_of_instance(""), 0);
        assert_int_equal(mark_of_instance(NULL), 0);
        assert_true(mark_is_one(mark_of_instance("a")));
        assert_false(mark_is_one(RLIM_INFINITY));
        assert_int_not_equal(mark_of_instance("web-0-1"), mark_of_instance("web-0-2"));
}

static void test_killed_before_it_could_report(void **state)
{
        Trial trial;

        begin(&trial, "sit", NULL);
        trial.spec.directory = "/";
        assert_int_equal(trial_start(&trial), 0);
        assert_int_equal(pidref_signal(&trial.spawned.process, SIGKILL), 0);
        assert_int_equal(trial_settle(&trial), 1); /* its end tells the rest */
        assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
        trial_done(&trial);
}

/* Descriptors of the test itself: none is lost, whatever fails. */
static void test_nothing_leaks(void **state)
{
        int before = dup(0), after;

        (void)close(before);
        for (int i = 0; i < 20; i++) {
                Trial trial;

                begin(&trial, "exit", "0");
                trial.spec.directory = i % 2 ? "/" : NULL;
                if (i % 4 > 1)
                        trial.command[0] = "/none";
                if (trial_start(&trial) == 0) {
                        (void)trial_settle(&trial);
                        (void)trial_wait(&trial);
                }
                trial_done(&trial);
        }
        after = dup(0);
        (void)close(after);
        assert_int_equal(before, after);
        expect_no_child();
}

static void test_no_descriptors_left(void **state)
{
        struct rlimit before, low;
        Trial trial;

        begin(&trial, "report", NULL);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        low = before;
        low.rlim_cur = 3; /* what is open stays open */
        trial.spec.output_fd = -1;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        assert_int_equal(spawn_process(&trial.host, &trial.spec, &trial.spawned, &trial.error),
                         -EMFILE);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_string_equal(trial.error.code, "spawn-failed");
        expect_no_child();
        trial_done(&trial);
}

static void test_helper_that_is_not_there(void **state)
{
        SpawnHost host = SPAWN_HOST_UNSET;
        Error error = { 0 };

        assert_int_equal(spawn_host_init(&host, "/none/reeve-exec", &error), -ENOENT);
        assert_non_null(strstr(error.message, "/none/reeve-exec"));
        assert_int_equal(host.helper_fd, -1);
}

/* ---- programs that cannot be opened for now ---- */

/* A copy of the fixture that we hold a lease on: whoever opens it, exec too, waits until we give it
 * up (the kernel waits for /proc/sys/fs/lease-break-time, 45 s). */
static int lease_program(char *path)
{
        AUTO_FREE char *command = NULL;
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        (void)fd_close(fd);
        assert_true(asprintf(&command, "cp %s %s && chmod 755 %s", FIXTURE, path, path) > 0);
        assert_int_equal(system(command), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        return fd;
}

static void expect_start(Trial *trial, Spawned *ret)
{
        assert_int_equal(spawn_process(&trial->host, &trial->spec, ret, &trial->error), 0);
        assert_int_equal(spawn_land(&trial->host, &ret->child, &trial->error), 0);
}

static void expect_landing(Trial *trial, Spawned *spawned)
{
        int status;

        assert_int_equal(waitpid(spawned->process.pid, &status, 0), spawned->process.pid);
        assert_int_equal(status, 0);
        assert_int_equal(spawn_land(&trial->host, &spawned->child, &trial->error), 1);
        assert_null(spawned->child);
        pidref_done(&spawned->process);
}

static void test_exec_that_hangs_holds_up_nobody(void **state)
{
        char path[] = "/tmp/reeve-lease-XXXXXX";
        AUTO_CLOSE lease = -1;
        Spawned hung[SPAWN_FLIGHTS_MAX];
        Trial trial;

        if (!clone_can_launch())
                return;
        way = SPAWN_BESIDE;
        (void)signal(SIGIO, SIG_IGN); /* somebody wants the file */
        lease = lease_program(path);
        begin(&trial, "exit", "0");
        trial.command[0] = path;
        for (size_t i = 0; i < SPAWN_FLIGHTS_MAX - 1; i++)
                expect_start(&trial, &hung[i]);
        trial.command[0] = FIXTURE;
        trial_run(&trial); /* all that it needs was given back by those that hang */
        trial.command[0] = path;
        trial.spec.output_fd = trial.spec.error_fd = -1;
        expect_start(&trial, &hung[SPAWN_FLIGHTS_MAX - 1]);
        for (int i = 0; i < 3; i++) /* only the first of them waits */
                assert_int_equal(
                        spawn_process(&trial.host, &trial.spec, &trial.spawned, &trial.error),
                        -EAGAIN);
        assert_int_equal(fcntl(lease, F_SETLEASE, F_UNLCK), 0);
        for (size_t i = 0; i < SPAWN_FLIGHTS_MAX; i++)
                expect_landing(&trial, &hung[i]);
        expect_no_child();
        trial_done(&trial);
        assert_int_equal(unlink(path), 0);
}

/* The strings and descriptors of a start are gone before its child has executed. */
static void test_a_start_is_complete_in_itself(void **state)
{
        char path[] = "/tmp/reeve-lease-XXXXXX";
        AUTO_CLOSE lease = -1;
        Spawned hung;
        Trial trial;

        if (!clone_can_launch())
                return;
        way = SPAWN_BESIDE;
        (void)signal(SIGIO, SIG_IGN);
        lease = lease_program(path);
        begin(&trial, "report", NULL);
        trial.command[0] = strdup(path);
        trial.environment[1] = strdup("A=kept");
        assert_int_equal(trial_begin(&trial), 0); /* and closes its end of the pipe */
        hung = trial.spawned;
        memset(trial.command[0], '#', strlen(trial.command[0]));
        memset(trial.environment[1], '#', strlen(trial.environment[1]));
        free(trial.command[0]);
        free(trial.environment[1]);
        assert_int_equal(fcntl(lease, F_SETLEASE, F_UNLCK), 0);
        clone_wait(&hung.child->running, 1, UINT64_C(60000000));
        assert_int_equal(spawn_land(&trial.host, &hung.child, &trial.error), 1);
        trial_read_all(&trial);
        assert_true(trial_has(&trial, "env.A=kept"));
        assert_string_equal(trial_value(&trial, "fds"), "0 1 2 ");
        trial.spawned.child = NULL;
        assert_int_equal(trial_wait(&trial), 0);
        trial_done(&trial);
        assert_int_equal(unlink(path), 0);
}

static void expect_way(const char *variable, SpawnWay expected)
{
        SpawnHost host = SPAWN_HOST_UNSET;
        Error error = { 0 };

        if (variable)
                assert_int_equal(setenv(variable, "1", 1), 0);
        assert_int_equal(spawn_host_init(&host, REEVE_EXEC, &error), 0);
        assert_int_equal(host.way, expected);
        spawn_host_done(&host);
        if (variable)
                assert_int_equal(unsetenv(variable), 0);
}

static void test_ways_can_be_forced(void **state)
{
        expect_way(NULL, clone_can_launch() ? SPAWN_BESIDE : SPAWN_BY_CLONE3);
        expect_way("REEVE_TEST_WAIT_FOR_EXEC", SPAWN_BY_CLONE3);
        expect_way("REEVE_TEST_NO_CLONE3", SPAWN_BY_VFORK);
}

static int beside(void **state)
{
        way = clone_can_launch() ? SPAWN_BESIDE : SPAWN_BY_CLONE3;
        return 0;
}

static int with_clone3(void **state)
{
        way = SPAWN_BY_CLONE3;
        return 0;
}

static int with_vfork(void **state)
{
        way = SPAWN_BY_VFORK;
        return 0;
}

#define ALL_WAYS(test) \
        cmocka_unit_test_setup(test, beside), cmocka_unit_test_setup(test, with_clone3), \
                cmocka_unit_test_setup(test, with_vfork)

int main(void)
{
        const struct CMUnitTest tests[] = {
                ALL_WAYS(test_a_clean_start),
                ALL_WAYS(test_start_time_is_that_of_proc),
                ALL_WAYS(test_order_of_descriptors),
                ALL_WAYS(test_output_becomes_one_and_two),
                ALL_WAYS(test_all_settings),
                ALL_WAYS(test_exec_fails_at_once),
                ALL_WAYS(test_each_step_has_its_sentence),
                ALL_WAYS(test_steps_without_rights),
                ALL_WAYS(test_execute_by_descriptor),
                ALL_WAYS(test_mark),
                ALL_WAYS(test_killed_before_it_could_report),
                ALL_WAYS(test_nothing_leaks),
                ALL_WAYS(test_no_descriptors_left),
                cmocka_unit_test(test_helper_that_is_not_there),
                cmocka_unit_test(test_exec_that_hangs_holds_up_nobody),
                cmocka_unit_test(test_a_start_is_complete_in_itself),
                cmocka_unit_test(test_ways_can_be_forced),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
