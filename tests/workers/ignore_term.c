/* ignore_term.c - usage: worker-ignore_term FILE [leader-exits]
 *
 * A family that does not want to go: the main process, a child in the same process group, and a
 * stray: a grandchild that forked twice, has a session of its own and was given an empty
 * environment. All ignore SIGTERM; with leader-exits the main process obeys it and leaves the
 * others behind. FILE has their PIDs before READY=1 is said, lines "leader N", "child N", "stray N". */
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char nowhere[] = "/dev/null", *report = nowhere;

/* Says who it is, lets go of the pipe by which the leader waits for that, and stays. */
static void stay(const char *name, int pipe_fd)
{
        worker_report(report, "%s %d\n", name, getpid());
        close(pipe_fd);
        for (;;)
                pause();
}

static void start_child(const int pipe_fds[2])
{
        if (fork() != 0)
                return;
        close(pipe_fds[0]);
        stay("child", pipe_fds[1]);
}

/* An environment is only really cleared by execve(): /proc/PID/environ shows what it was given. */
static void start_stray(char *self, const int pipe_fds[2])
{
        char role[] = "stray", number[16], *arguments[] = { self, report, role, number, NULL };
        char *environment[] = { NULL };
        pid_t between = fork();

        if (between != 0) {
                waitpid(between, NULL, 0);
                return;
        }
        setsid();
        if (fork() != 0)
                _exit(EXIT_SUCCESS);
        close(pipe_fds[0]);
        (void)snprintf(number, sizeof(number), "%d", pipe_fds[1]);
        execve("/proc/self/exe", arguments, environment);
        _exit(EXIT_FAILURE);
}

/* The pipe ends when both have reported and closed it. */
static void wait_for_reports(const int pipe_fds[2])
{
        char byte;

        close(pipe_fds[1]);
        while (read(pipe_fds[0], &byte, 1) > 0)
                ;
        close(pipe_fds[0]);
}

int main(int argc, char **argv)
{
        const char *role = argc > 2 ? argv[2] : "";
        int pipe_fds[2];

        if (argc > 1)
                report = argv[1];
        signal(SIGTERM, SIG_IGN);
        if (strcmp(role, "stray") == 0)
                stay(role, (int)worker_number(argc, argv, 3, -1));
        if (pipe(pipe_fds) < 0)
                return EXIT_FAILURE;
        start_child(pipe_fds);
        start_stray(argv[0], pipe_fds);
        wait_for_reports(pipe_fds);
        if (strcmp(role, "leader-exits") == 0)
                signal(SIGTERM, SIG_DFL);
        worker_report(report, "leader %d\n", getpid());
        (void)worker_notify("READY=1"); /* Type=exec has no socket */
        for (;;)
                pause();
}
