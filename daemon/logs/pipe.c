/* pipe.c - see pipe.h and capture.h
 *
 * Opening a pipe by /proc gives a new description of the same pipe, with flags of its own: that
 * is how one becomes read-write, and how the worker gets a blocking one while ours is not. */
#include "logs/pipe.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "logs/capture.h"
#include "sys/fd.h"

static int reopen(int fd, int flags)
{
        /* Kept for all pipes to come: from here the way is a third shorter. A child has another
         * folder than the process that forked it. */
        static int folder = -1;
        static pid_t owner;
        char name[16];
        int copy;

        if (owner != getpid()) {
                (void)fd_close(folder);
                folder = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
                owner = getpid();
        }
        if (folder < 0)
                return -errno;
        (void)snprintf(name, sizeof(name), "%d", fd);
        copy = openat(folder, name, flags | O_CLOEXEC | O_NOCTTY);
        return copy < 0 ? -errno : copy;
}

int log_pipe_new(void)
{
        int fds[2], copy;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        copy = reopen(fds[0], O_RDWR | O_NONBLOCK);
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
        return copy;
}

int log_pipe_open_writer(int pipe_fd, uid_t owner)
{
        struct stat status;

        if (fstat(pipe_fd, &status) < 0)
                return -errno;
        if (status.st_uid != owner && fchown(pipe_fd, owner, (gid_t)-1) < 0)
                return -errno;
        return reopen(pipe_fd, O_RDWR);
}

/* The worker may have put anything under that number: it is looked at before it is opened, as
 * opening a device or a foreign pipe has effects. */
int log_pipe_reopen(pid_t pid, int fd, uint64_t inode)
{
        char path[64];
        AUTO_CLOSE look = -1;
        struct stat status;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        look = open(path, O_PATH | O_CLOEXEC);
        if (look < 0 || fstat(look, &status) < 0)
                return -errno;
        if (!S_ISFIFO(status.st_mode) || (inode != 0 && status.st_ino != inode))
                return -ENOENT;
        return reopen(look, O_RDWR | O_NONBLOCK);
}

ssize_t log_pipe_waiting(int pipe_fd)
{
        int waiting = 0;

        return ioctl(pipe_fd, FIONREAD, &waiting) < 0 ? -errno : waiting;
}

bool log_pipe_is_full(int pipe_fd)
{
        struct pollfd room = { .fd = pipe_fd, .events = POLLOUT };

        return poll(&room, 1, 0) == 0;
}

void log_pipe_grow(int pipe_fd)
{
        /* Refused (EPERM) beyond /proc/sys/fs/pipe-user-pages-soft: then it stays as it is. */
        (void)fcntl(pipe_fd, F_SETPIPE_SZ, LOG_PIPE_SIZE_LARGE);
}
