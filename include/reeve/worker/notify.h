/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.h - part of worker.h: sd_notify(3) and sd_listen_fds(3) */
#pragma once

#include "reeve/worker/api.h"

REEVE_CALL int reeve_notify(const char *state)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address;
        size_t length = path ? strlen(path) : 0;
        ssize_t n;
        int fd;

        if (length == 0)
                return 0;
        memset(&address, 0, sizeof(address));
        address.sun_family = AF_UNIX;
        if (length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
                return -EINVAL;
        memcpy(address.sun_path, path, length);
        if (path[0] == '@')
                address.sun_path[0] = 0;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
        if (n < 0)
                n = -errno;
        (void)close(fd);
        return n < 0 ? (int)n : 1;
}

REEVE_CALL int reeve_notify_ready(void)
{
        return reeve_notify("READY=1");
}

REEVE_CALL int reeve_notify_stopping(void)
{
        return reeve_notify("STOPPING=1");
}

REEVE_CALL int reeve_listener(const char *name)
{
        const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
        const char *names = getenv("LISTEN_FDNAMES");

        if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid())
                return -ENOENT;
        for (int i = 0; i < atoi(count); i++) {
                size_t length = names ? strcspn(names, ":") : 0;

                if (!name || (names && strlen(name) == length && !strncmp(names, name, length)))
                        return 3 + i;
                names = names && names[length] ? names + length + 1 : NULL;
        }
        return -ENOENT;
}
