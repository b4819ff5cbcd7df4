/* notify.c - usage: worker-notify [WORD...]
 *
 * Tells reeve what the words say, one datagram each with ',' as newline, then waits for SIGTERM,
 * says STOPPING=1 and ends. Without words: READY=1. "READY=1,STATUS=warm", "MAINPID=1", "wait-usr1"
 * waits for SIGUSR1 before it goes on, "wait-open=PATH" until somebody opens that FIFO for writing,
 * "exit-3" ends with code 3. */
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wait_for_usr1(const sigset_t *set)
{
        int signal;

        while (sigwait(set, &signal) != 0 || signal != SIGUSR1)
                if (signal == SIGTERM)
                        exit(EXIT_SUCCESS);
}

/* SIGTERM ends it meanwhile. */
static void wait_for_open(const char *path)
{
        sigset_t term, before;
        int fd;

        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_UNBLOCK, &term, &before);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (fd < 0)
                exit(EXIT_FAILURE);
        close(fd);
}

static void obey(char *word, const sigset_t *usr1)
{
        if (strcmp(word, "wait-usr1") == 0) {
                wait_for_usr1(usr1);
                return;
        }
        if (strncmp(word, "wait-open=", 10) == 0) {
                wait_for_open(word + 10);
                return;
        }
        if (strncmp(word, "exit-", 5) == 0)
                exit(atoi(word + 5));
        for (char *comma = word; (comma = strchr(comma, ','));)
                *comma = '\n';
        if (worker_notify(word) < 0)
                exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
        static char ready[] = "READY=1";
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (int i = 1; i < argc; i++)
                obey(argv[i], &set);
        if (argc == 1)
                obey(ready, &set);
        worker_wait_for_term();
        (void)worker_notify("STOPPING=1"); /* nobody to tell is no reason to stay */
        return EXIT_SUCCESS;
}
