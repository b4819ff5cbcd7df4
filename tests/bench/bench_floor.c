/* bench_floor.c - the least that a supervisor must do, to measure reeved against
 *
 * Starts so many processes of one command by vfork and exec, puts back each that ends, and at
 * SIGTERM asks all to end and waits for them. No cgroup, no pipe, no log, no state: what reeved
 * costs on top is the price of those. It says what it did in lines of
 * "WORD BEGAN_USEC WALL_USEC CPU_USEC"; the first is of CLOCK_MONOTONIC.
 *
 * Usage: bench-floor COUNT COMMAND [ARGUMENT...] */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "sys/clock.h"

typedef struct Floor {
        pid_t *pids;
        unsigned count;
        char **command;
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

static void start_all(Floor *fleet, const sigset_t *none)
{
        uint64_t began_usec = now_usec(), cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);

        for (unsigned i = 0; i < fleet->count; i++)
                fleet->pids[i] = spawn(fleet->command, none);
        say("started", began_usec, cpu_usec);
}

static void replace_ended(Floor *fleet, const sigset_t *none)
{
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                for (unsigned i = 0; i < fleet->count; i++)
                        if (fleet->pids[i] == pid) {
                                fleet->pids[i] = spawn(fleet->command, none);
                                break;
                        }
}

static void stop_all(const Floor *fleet)
{
        uint64_t began_usec = now_usec(), cpu_usec = clock_usec(CLOCK_PROCESS_CPUTIME_ID);

        for (unsigned i = 0; i < fleet->count; i++)
                (void)kill(fleet->pids[i], SIGTERM);
        while (waitpid(-1, NULL, 0) > 0)
                ;
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
        Floor fleet = { .command = argv + 2 };

        if (argc < 3 || units_parse_number(argv[1], 20000, &count) < 0 || count == 0) {
                (void)fprintf(stderr, "Usage: bench-floor COUNT COMMAND [ARGUMENT...]\n");
                return 2;
        }
        fleet.count = (unsigned)count;
        fleet.pids = calloc(fleet.count, sizeof(pid_t));
        if (!fleet.pids)
                die("calloc");
        supervise(&fleet);
        free(fleet.pids);
        return 0;
}
