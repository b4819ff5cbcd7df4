/* worker.c - see worker.h */
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int worker_notify(const char *text)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t length;
        int fd, r;

        if (!path || strlen(path) >= sizeof(address.sun_path))
                return -1;
        memcpy(address.sun_path, path, strlen(path));
        length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        if (address.sun_path[0] == '@')
                address.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;
        r = sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, length) < 0 ? -1 : 0;
        close(fd);
        return r;
}

void worker_report(const char *path, const char *format, ...)
{
        char line[512];
        va_list arguments;
        int fd, length;

        va_start(arguments, format);
        length = vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (fd < 0 || write(fd, line, (size_t)length) != length) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        close(fd);
}

long worker_number(int argc, char **argv, int index, long otherwise)
{
        return index < argc ? strtol(argv[index], NULL, 10) : otherwise;
}

static void term_set(sigset_t *set)
{
        sigemptyset(set);
        sigaddset(set, SIGTERM);
}

void worker_block_term(void)
{
        sigset_t set;

        term_set(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
}

void worker_wait_for_term(void)
{
        sigset_t set;
        int signal;

        term_set(&set);
        while (sigwait(&set, &signal) != 0)
                ;
}
