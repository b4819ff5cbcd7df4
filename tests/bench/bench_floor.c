/* bench_floor.c - the least that a supervisor must do, to measure reeved against
 *
 * Starts so many processes of one command by vfork and exec, puts back each that ends, and at
 * SIGTERM asks all to end and waits for them. No cgroup, no pipe, no log, no state: what reeved
 * costs on top is the price of those. It says what it did in lines of
 * "WORD BEGAN_USEC WALL_USEC CPU_USEC"; the first is of CLOCK_MONOTONIC.
 *
 * With --groups each process is born in a cgroup of its own, and at its end it is asked whether that
 * is empty: the part of reeved's price that is the kernel's for whoever wants to know that a worker
 * is gone with all that it started.
 *
 * Usage: bench-floor [--groups] COUNT COMMAND [ARGUMENT...] */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/clone.h"
#include "sys/fd.h"

typedef struct Floor {
        pid_t *pids;
        unsigned count;
        char **command;
        int groups_fd; /* folder of the processes' groups, -1: they have none */
        char *groups_path;
} Floor;

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static void say(const char *word, uint64_t began_usec, uint64_t began_cpu_usec)
{
        printf("%s %llu %llu %llu\n", word, (unsigned long long)began_usec,
               (unsigned long long)(now_usec() - began_usec),
               (unsigned long long)(clock_usec(CLOCK_PROCESS_CPUTIME_ID) - began_cpu_usec));
        (void)fflush(stdout);
}

/* ---- groups ---- */

static void open_groups(Floor *fleet)
{
        AUTO_FREE char *own = NULL;

        if (cgroup_find_own(&own, NULL) < 0
            || asprintf(&fleet->groups_path, "%s/bench-floor.%d", own, (int)getpid()) < 0)
                die("no cgroup v2");
        if (mkdir(fleet->groups_path, 0755) < 0)
                die(fleet->groups_path);
        fleet->groups_fd = open(fleet->groups_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void close_groups(const Floor *fleet)
{
        if (fleet->groups_fd < 0)
                return;
        (void)cgroup_remove(fleet->groups_path);
        (void)fd_close(fleet->groups_fd);
        free(fleet->groups_path);
}

static int execute(void *command)
{
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execv(*(char **)command, command);
        return 127;
}

static pid_t spawn_in_group(const Floor *fleet, const char *name)
{
        AUTO_CLOSE fd = openat(fleet->groups_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        AUTO_CLOSE pidfd = -1;
        pid_t pid = clone_run(execute, fleet->command, fd, clone_is_supported(), &pidfd);

        if (fd < 0 || pid < 0)
                die("clone3");
        return pid;
}

static void ask_group(const Floor *fleet, unsigned number)
{
        char name[16];

        (void)snprintf(name, sizeof(name), "%u", number);
        if (fleet->groups_fd >= 0 && cgroup_is_populated(fleet->groups_fd, name) != 0)
                die("a group is not empty");
}

/* ---- processes ---- */

static pid_t spawn(char **command, const sigset_t *none)
{
        pid_t pid = vfork();

        if (pid == 0) {
                (void)sigprocmask(SIG_SETMASK, none, NULL);
                (void)execv(command[0], command);
                _exit(127);
        }
        if (pid < 0)
                die("vfork");
        return pid;
}

static pid_t begin(const Floor *fleet, unsigned number, const sigset_t *none)
{
        char name[16];

        if (fleet->groups_fd < 0)
                return spawn(fleet->command, none);
        (void)snprintf(name, sizeof(name), "%u", number);
        (void)mkdirat(fleet->groups_fd, name, 0755); /* there already, of the one before */
        return spawn_in_group(fleet, name);
}

static void start_all(Floor *fleet, const sigset_t *none)
{
        uint64_t began_usec = now_usec(), cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);

        for (unsigned i = 0; i < fleet->count; i++)
                fleet->pids[i] = begin(fleet, i, none);
        say("started", began_usec, cpu_usec);
}

static void replace_ended(Floor *fleet, const sigset_t *none)
{
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                for (unsigned i = 0; i < fleet->count; i++)
                        if (fleet->pids[i] == pid) {
                                ask_group(fleet, i);
                                fleet->pids[i] = begin(fleet, i, none);
                                break;
                        }
}

static void stop_all(const Floor *fleet)
{
        uint64_t began_usec = now_usec(), cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
        pid_t pid;

        for (unsigned i = 0; i < fleet->count; i++)
                (void)kill(fleet->pids[i], SIGTERM);
        while ((pid = waitpid(-1, NULL, 0)) > 0)
                for (unsigned i = 0; fleet->groups_fd >= 0 && i < fleet->count; i++)
                        if (fleet->pids[i] == pid) {
                                ask_group(fleet, i);
                                break;
                        }
        say("stopped", began_usec, cpu_usec);
}

static void supervise(Floor *fleet)
{
        sigset_t none, ours;
        int signal;

        (void)sigemptyset(&none);
        (void)sigemptyset(&ours);
        (void)sigaddset(&ours, SIGCHLD);
        (void)sigaddset(&ours, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &ours, NULL);
        start_all(fleet, &none);
        while ((signal = sigwaitinfo(&ours, NULL)) != SIGTERM)
                if (signal == SIGCHLD)
                        replace_ended(fleet, &none);
        stop_all(fleet);
}

int main(int argc, char **argv)
{
        uint64_t count = 0;
        bool has_groups = argc > 1 && text_equal(argv[1], "--groups");
        Floor fleet = { .groups_fd = -1 };

        argc -= has_groups;
        argv += has_groups;
        fleet.command = argv + 2;
        if (argc < 3 || units_parse_number(argv[1], 20000, &count) < 0 || count == 0) {
                (void)fprintf(stderr,
                              "Usage: bench-floor [--groups] COUNT COMMAND [ARGUMENT...]\n");
                return 2;
        }
        fleet.count = (unsigned)count;
        fleet.pids = calloc(fleet.count, sizeof(pid_t));
        if (!fleet.pids)
                die("calloc");
        if (has_groups)
                open_groups(&fleet);
        supervise(&fleet);
        close_groups(&fleet);
        free(fleet.pids);
        return 0;
}
