/* fd.h - descriptors that close themselves */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

/** fd_close() - close if it is one, keep errno; Return: -1, so that fd = fd_close(fd) */
static inline int fd_close(int fd)
{
        int saved = errno;

        if (fd >= 0)
                (void)close(fd); /* Linux frees the number whatever it returns: close(2) */
        errno = saved;
        return -1;
}

static inline void cleanup_close(int *fd)
{
        (void)fd_close(*fd);
}

/** AUTO_CLOSE - a local descriptor that is closed when its scope ends; -1 means none */
#define AUTO_CLOSE CLEANUP(cleanup_close) int

/** TAKE_FD(fd) - the descriptor; the variable forgets it */
#define TAKE_FD(fd) \
        ({ \
                int taken_ = (fd); \
                (fd) = -1; \
                taken_; \
        })

/** fd_set_nonblocking() - Return: 0, negative errno */
static inline int fd_set_nonblocking(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}
