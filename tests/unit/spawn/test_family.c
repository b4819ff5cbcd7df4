/* Families of real processes that try to get away, held together in both ways. */
#include "spawn_testing.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/family.h"
#include "sys/fd.h"
#include "sys/proc.h"

typedef struct Place {
        FamilyRoot *root;
        Family *family;
        Error error;
        int empty_news;
} Place;

static Place place;
static Trial trial;
static int owner; /* its address is the userdata of the family */

static void open_place(Place *ret)
{
        char name[32];

        *ret = (Place){ 0 };
        (void)snprintf(name, sizeof(name), "test-%d", getpid());
        assert_int_equal(family_root_new(name, -1, &ret->root, &ret->error), 0);
        assert_int_equal(family_new(ret->root, "a.web", 3, &owner, &ret->family, &ret->error), 0);
}

static int with_cgroup(void **state)
{
        assert_int_equal(unsetenv("REEVE_TEST_FAMILIES"), 0);
        open_place(&place);
        return 0;
}

static int with_descent(void **state)
{
        assert_int_equal(setenv("REEVE_TEST_FAMILIES", "descent", 1), 0);
        open_place(&place);
        assert_int_equal(family_root_kind(place.root), FAMILY_DESCENT);
        return 0;
}

static int close_place(void **state)
{
        place.family = family_free(place.family);
        place.root = family_root_free(place.root);
        return 0;
}

static void start_limited(const char *verb, const char *word, const char *instance,
                          const ResourceLimit *limits)
{
        static char variable[64];
        int cgroup_fd = -1;

        trial_init(&trial, verb, word);
        /* What a failed run may have left is not ours. */
        (void)snprintf(variable, sizeof(variable), "REEVE_INSTANCE=%s-%d", instance, getpid());
        trial.environment[0] = variable;
        assert_int_equal(
                family_begin(place.family, strchr(variable, '=') + 1, &cgroup_fd, &place.error), 0);
        assert_int_equal(cgroup_fd >= 0, family_root_kind(place.root) == FAMILY_CGROUP);
        trial.spec.cgroup_fd = cgroup_fd;
        trial.spec.limits = limits;
        assert_int_equal(trial_start(&trial), 0);
        (void)fd_close(cgroup_fd);
}

static void start(const char *verb, const char *word, const char *instance)
{
        start_limited(verb, word, instance, NULL);
}

/* Two processes speak, in any order. */
static void read_tree(pid_t *ret_child, pid_t *ret_grandchild)
{
        for (int i = 0; i < 2; i++) {
                const char *line = trial_read_line(&trial);

                if (sscanf(line, "child %d", ret_child) != 1)
                        assert_int_equal(sscanf(line, "grandchild %d", ret_grandchild), 1);
        }
}

static bool is_leader(pid_t pid, void *userdata)
{
        return pid == trial.spawned.process.pid;
}

static void on_empty(void *userdata)
{
        assert_ptr_equal(userdata, &owner);
        place.empty_news++;
}

static void reap_strays(void)
{
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

/* As the engine waits: news of a group, or a child that ends. */
static void wait_until_empty(const PidRef *leader)
{
        int r;

        while ((r = family_is_empty(place.family, leader)) == 0) {
                if (family_root_fd(place.root) >= 0) {
                        struct pollfd news = { .fd = family_root_fd(place.root), .events = POLLIN };

                        assert_int_equal(poll(&news, 1, -1), 1);
                        family_root_dispatch(place.root, on_empty);
                } else {
                        assert_true(waitpid(-1, NULL, 0) > 0);
                        family_root_refresh(place.root, is_leader, NULL);
                }
        }
        assert_int_equal(r, 1);
        reap_strays();
}

static void expect_member(pid_t pid, bool expected)
{
        pid_t pids[32];
        size_t count = family_members(place.family, &trial.spawned.process, pids, 32);
        bool found = false;

        for (size_t i = 0; i < count && i < 32; i++)
                found |= pids[i] == pid;
        assert_int_equal(found, expected);
}

static void finish(void)
{
        trial_read_all(&trial); /* ends only when nobody holds the pipe */
        trial_done(&trial);
}

/* The leader ends; a child that ignores TERM and a grandchild in a session of its own, without
 * its parents and its environment, remain. */
static void test_leader_leaves(void **state)
{
        pid_t child, grandchild;

        start("tree", "leaves", "life-1");
        read_tree(&child, &grandchild);
        assert_int_equal(trial_wait(&trial), 7);
        pidref_done(&trial.spawned.process);
        family_root_refresh(place.root, is_leader, NULL);

        assert_int_equal(family_is_empty(place.family, &trial.spawned.process), 0);
        expect_member(child, true);
        expect_member(grandchild, true);
        expect_member(getpid(), false);
        assert_ptr_equal(family_root_owner(place.root, child), &owner);
        assert_ptr_equal(family_root_owner(place.root, grandchild), &owner);
        assert_null(family_root_owner(place.root, getpid()));
        assert_null(family_root_owner(place.root, 1));

        assert_int_equal(family_signal(place.family, &trial.spawned.process, SIGTERM), 2);
        assert_int_equal(family_is_empty(place.family, &trial.spawned.process), 0);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        wait_until_empty(&trial.spawned.process);
        assert_int_equal(family_members(place.family, &trial.spawned.process, NULL, 0), 0);
        finish();
}

static void test_leader_stays(void **state)
{
        pid_t leader, child, grandchild;

        start("tree", "stays", "life-2");
        read_tree(&child, &grandchild);
        leader = trial.spawned.process.pid;
        family_root_refresh(place.root, is_leader, NULL);
        expect_member(leader, true);
        assert_int_equal(family_members(place.family, &trial.spawned.process, NULL, 0), 3);
        assert_int_equal(family_signal(place.family, &trial.spawned.process, SIGTERM), 3);
        assert_int_equal(trial_wait(&trial), 1000 + SIGTERM);
        pidref_done(&trial.spawned.process);
        family_root_refresh(place.root, is_leader, NULL);
        assert_int_equal(family_is_empty(place.family, &trial.spawned.process), 0);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        wait_until_empty(&trial.spawned.process);
        finish();
}

static void test_kill_takes_all_at_once(void **state)
{
        pid_t child, grandchild;

        start("tree", "stays", "life-3");
        read_tree(&child, &grandchild);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
        pidref_done(&trial.spawned.process);
        family_root_refresh(place.root, is_leader, NULL);
        wait_until_empty(&trial.spawned.process);
        finish();
}

/* With LimitRSS= there is no mark: what has not cleared its environment is told by that. */
static void test_told_by_environment(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        pid_t child, grandchild;

        limits[RLIMIT_RSS] = (ResourceLimit){ .is_set = true, .soft = 1 << 30, .hard = 1 << 30 };
        start_limited("tree", "stays", "life-8", limits);
        read_tree(&child, &grandchild);
        expect_member(child, true);
        assert_int_equal(pidref_signal(&trial.spawned.process, SIGKILL), 0);
        assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
        pidref_done(&trial.spawned.process);
        family_root_refresh(place.root, is_leader, NULL);
        expect_member(child, true);
        assert_ptr_equal(family_root_owner(place.root, child), &owner);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        if (family_root_kind(place.root) == FAMILY_DESCENT)
                (void)kill(grandchild, SIGKILL); /* nothing is known of it: documented */
        wait_until_empty(&trial.spawned.process);
        finish();
}

static void test_stopped_process_takes_term(void **state)
{
        siginfo_t info;

        start("sit", NULL, "life-4");
        (void)trial_read_line(&trial);
        assert_int_equal(family_signal(place.family, &trial.spawned.process, SIGSTOP), 1);
        assert_int_equal(waitid(P_PIDFD, (id_t)trial.spawned.process.fd, &info, WSTOPPED), 0);
        assert_int_equal(family_signal(place.family, &trial.spawned.process, SIGTERM), 1);
        assert_int_equal(trial_wait(&trial), 1000 + SIGTERM);
        pidref_done(&trial.spawned.process);
        wait_until_empty(NULL);
        assert_int_equal(family_signal(place.family, NULL, SIGTERM), 0);
        assert_int_equal(family_kill(place.family, NULL), 0);
        assert_int_equal(family_members(place.family, NULL, NULL, 0), 0);
        finish();
}

static void test_one_life_after_another(void **state)
{
        for (int i = 0; i < 3; i++) {
                char instance[32];

                (void)snprintf(instance, sizeof(instance), "turn-%d", i);
                start("exit", "0", instance);
                assert_int_equal(trial_wait(&trial), 0);
                pidref_done(&trial.spawned.process);
                family_root_refresh(place.root, is_leader, NULL);
                wait_until_empty(&trial.spawned.process);
                finish();
        }
}

/* A zombie that nobody has asked yet does not live. */
static void test_zombie_is_no_member(void **state)
{
        siginfo_t info;

        start("exit", "0", "life-5");
        assert_int_equal(waitid(P_PIDFD, (id_t)trial.spawned.process.fd, &info, WEXITED | WNOWAIT),
                         0);
        assert_int_equal(family_members(place.family, &trial.spawned.process, NULL, 0), 0);
        assert_int_equal(family_is_empty(place.family, &trial.spawned.process), 1);
        assert_int_equal(trial_wait(&trial), 0);
        finish();
}

/* Children of ours that belong to no slot are left alone. */
static void test_stranger_is_left_alone(void **state)
{
        pid_t stranger = fork(), child, grandchild;
        int status;

        if (stranger == 0)
                for (;;)
                        (void)pause();
        start("tree", "leaves", "life-6");
        read_tree(&child, &grandchild);
        assert_int_equal(trial_wait(&trial), 7);
        pidref_done(&trial.spawned.process);
        assert_null(family_root_owner(place.root, stranger));
        family_root_refresh(place.root, is_leader, NULL);
        expect_member(stranger, false);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        trial_read_all(&trial);
        assert_int_equal(kill(stranger, SIGTERM), 0);
        assert_int_equal(waitpid(stranger, &status, 0), stranger);
        assert_int_equal(WTERMSIG(status), SIGTERM); /* not KILL */
        wait_until_empty(&trial.spawned.process);
        finish();
}

static void test_names_are_told_apart(void **state)
{
        Family *other = NULL;

        /* Also when a pool is called like a file of the kernel. */
        assert_int_equal(family_new(place.root, "cgroup.procs", 0, &trial, &other, &place.error),
                         0);
        start("sit", NULL, "life-7");
        (void)trial_read_line(&trial);
        assert_ptr_equal(family_root_owner(place.root, trial.spawned.process.pid), &owner);
        assert_int_equal(family_members(other, &PIDREF_UNSET, NULL, 0), 0);
        assert_int_equal(family_is_empty(other, &PIDREF_UNSET), 1);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
        pidref_done(&trial.spawned.process);
        wait_until_empty(&trial.spawned.process);
        other = family_free(other);
        finish();
}

static ino_t group_inode(void)
{
        AUTO_CLOSE fd = -1;
        struct stat status;

        assert_int_equal(family_begin(place.family, "life", &fd, &place.error), 0);
        assert_int_equal(fstat(fd, &status), 0);
        return status.st_ino;
}

static void renew_family(void)
{
        place.family = family_free(place.family);
        assert_int_equal(family_new(place.root, "a.web", 3, &owner, &place.family, &place.error),
                         0);
}

static void test_a_left_group_is_taken_over_or_removed(void **state)
{
        ino_t first = group_inode();

        renew_family();
        assert_int_equal(group_inode(), first);
        assert_false(family_root_tidy(place.root)); /* it is not left any more */
        assert_int_equal(group_inode(), first);
        place.family = family_free(place.family);
        assert_false(family_root_tidy(place.root)); /* the only one: none is left */
        assert_int_equal(family_new(place.root, "a.web", 3, &owner, &place.family, &place.error),
                         0);
        assert_int_not_equal(group_inode(), first);
}

static void test_the_rest_is_told_without_the_leader(void **state)
{
        pid_t child = 0, grandchild = 0;

        start("tree", "stays", "life-8");
        read_tree(&child, &grandchild);
        assert_int_equal(family_signal_others(place.family, &trial.spawned.process, SIGTERM), 2);
        assert_int_equal(pidref_signal(&trial.spawned.process, 0), 0);
        assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
        assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
        pidref_done(&trial.spawned.process);
        wait_until_empty(NULL);
        finish();
}

static void test_nothing_remains_in_the_tree(void **state)
{
        char path[4096] = "";
        FILE *file;

        if (family_root_kind(place.root) != FAMILY_CGROUP)
                return; /* set up by the round that has groups */
        place.family = family_free(place.family);
        place.root = family_root_free(place.root);
        file = popen("find /sys/fs/cgroup -name \"reeve-test-$PPID.workers\" 2>/dev/null", "re");
        assert_non_null(file);
        assert_null(fgets(path, sizeof(path), file));
        /* Groups of others that go meanwhile make it complain, and are none of ours. */
        assert_int_not_equal(WEXITSTATUS(pclose(file)), 127);
}

/* ---- lives that a daemon before us began ---- */

static char elder[64], elder_variable[80];

static int old_daemon(int output)
{
        Trial old;
        Spawned spawned;
        Error error;

        trial_init(&old, "tree", "leaves");
        old.environment[0] = elder_variable;
        old.spec.output_fd = output;
        old.spec.can_land = false;
        return spawn_process(&old.host, &old.spec, &spawned, &error) < 0;
}

/* Stands for init: takes over what the old daemon leaves, and is no child of the new one. */
static void stand_for_init(int output)
{
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                _exit(1);
        if (fork() == 0)
                _exit(old_daemon(output));
        (void)close(output);
        for (;;)
                if (wait(NULL) < 0)
                        _exit(0); /* all have ended */
}

static int new_daemon(void)
{
        PidRef processes[2] = { PIDREF_UNSET, PIDREF_UNSET };
        int cgroup_fd = 0;
        pid_t pids[3];
        size_t count;

        open_place(&place);
        assert_int_equal(family_begin(place.family, elder, &cgroup_fd, &place.error), 0);
        assert_int_equal(family_is_empty(place.family, NULL), 0);
        while ((count = family_members(place.family, NULL, pids, 3)) > 2)
                (void)sched_yield(); /* the leader is about to leave */
        assert_int_equal(count, 2);
        for (size_t i = 0; i < count; i++) {
                assert_ptr_equal(family_root_owner(place.root, pids[i]), &owner);
                assert_int_equal(pidref_open(pids[i], 0, &processes[i]), 0);
        }
        assert_int_equal(family_kill(place.family, NULL), 0);
        for (size_t i = 0; i < count; i++) {
                struct pollfd end = { .fd = processes[i].fd, .events = POLLIN };

                assert_int_equal(poll(&end, 1, -1), 1);
                pidref_done(&processes[i]);
        }
        assert_int_equal(family_is_empty(place.family, NULL), 1);
        return close_place(NULL);
}

static void test_lives_of_the_daemon_before(void **state)
{
        AUTO_CLOSE read_end = -1;
        int ends[2], status;
        char byte;
        size_t lines = 0;
        pid_t init, daemon;

        assert_int_equal(setenv("REEVE_TEST_FAMILIES", "descent", 1), 0);
        (void)snprintf(elder, sizeof(elder), "elder-%d", getpid());
        (void)snprintf(elder_variable, sizeof(elder_variable), "REEVE_INSTANCE=%s", elder);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        read_end = ends[0];
        init = fork();
        if (init == 0)
                stand_for_init(ends[1]);
        (void)close(ends[1]);
        while (lines < 2) {
                assert_int_equal(read(read_end, &byte, 1), 1);
                lines += byte == '\n';
        }
        daemon = fork();
        if (daemon == 0)
                _exit(new_daemon()); /* a failed assertion runs the other tests, and fails there */
        assert_int_equal(waitpid(daemon, &status, 0), daemon);
        assert_int_equal(status, 0);
        assert_int_equal(waitpid(init, &status, 0), init);
        assert_int_equal(read(read_end, &byte, 1), 0);
}

/* ---- what can be had ---- */

static void test_why_there_are_no_cgroups(void **state)
{
        assert_int_equal(family_kind_from_name("descent"), FAMILY_DESCENT);
        assert_string_equal(family_kind_to_name(FAMILY_CGROUP), "cgroup");
        assert_string_equal(place.error.code, "no-cgroups");
        assert_non_null(strstr(place.error.message, "REEVE_TEST_FAMILIES"));
        assert_int_equal(family_root_fd(place.root), -1);
        assert_int_equal(family_root_controllers(place.root), 0);
}

/* Linux kills at birth who is to be born into a group that was killed once: see
 * cgroup_family_kill(). Both ways to the next life are tried. */
static void test_a_life_after_a_kill(void **state)
{
        for (int i = 0; i < 3; i++) {
                start("sit", NULL, "life-again");
                (void)trial_read_line(&trial); /* it lives */
                assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
                assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
                pidref_done(&trial.spawned.process);
                wait_until_empty(&trial.spawned.process);
                finish();
                if (i == 1)
                        renew_family();
        }
}

/* What runs beside a worker is ended alone, again and again, and counts as the slot's by cgroup. */
static void test_a_family_within_another(void **state)
{
        bool is_within = family_root_kind(place.root) == FAMILY_CGROUP;
        Family *slot = place.family;

        for (int i = 0; i < 3; i++) {
                assert_int_equal(family_new_within(slot, "probe", &place.family, &place.error), 0);
                start("sit", NULL, "life-beside");
                (void)trial_read_line(&trial);
                assert_ptr_equal(family_root_owner(place.root, trial.spawned.process.pid), &owner);
                assert_int_equal(family_is_empty(slot, NULL), !is_within);
                assert_int_equal(family_kill(place.family, &trial.spawned.process), 0);
                assert_int_equal(trial_wait(&trial), 1000 + SIGKILL);
                pidref_done(&trial.spawned.process);
                finish();
                place.family = family_free(place.family);
        }
        place.family = slot;
        wait_until_empty(NULL);
}

static void test_instance_too_long(void **state)
{
        char instance[300];
        int cgroup_fd = -1;

        memset(instance, 'x', sizeof(instance));
        instance[sizeof(instance) - 1] = '\0';
        assert_int_equal(family_begin(place.family, instance, &cgroup_fd, &place.error),
                         -ENAMETOOLONG);
        assert_int_equal(cgroup_fd, -1);
}

#define BOTH_KINDS(test) \
        cmocka_unit_test_setup_teardown(test, with_cgroup, close_place), \
                cmocka_unit_test_setup_teardown(test, with_descent, close_place)

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH_KINDS(test_leader_leaves),
                BOTH_KINDS(test_leader_stays),
                BOTH_KINDS(test_kill_takes_all_at_once),
                BOTH_KINDS(test_told_by_environment),
                BOTH_KINDS(test_stopped_process_takes_term),
                BOTH_KINDS(test_one_life_after_another),
                BOTH_KINDS(test_zombie_is_no_member),
                BOTH_KINDS(test_stranger_is_left_alone),
                BOTH_KINDS(test_names_are_told_apart),
                BOTH_KINDS(test_a_life_after_a_kill),
                BOTH_KINDS(test_a_family_within_another),
                BOTH_KINDS(test_instance_too_long),
                BOTH_KINDS(test_the_rest_is_told_without_the_leader),
                cmocka_unit_test_setup_teardown(test_a_left_group_is_taken_over_or_removed,
                                                with_cgroup, close_place),
                cmocka_unit_test_setup_teardown(test_nothing_remains_in_the_tree, with_cgroup,
                                                close_place),
                cmocka_unit_test_setup_teardown(test_why_there_are_no_cgroups, with_descent,
                                                close_place),
                cmocka_unit_test(test_lives_of_the_daemon_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
