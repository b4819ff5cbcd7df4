/* scratch.c - see scratch.h */
#include "logs/scratch.h"

#include <assert.h>
#include <string.h>

#include "sys/fd.h"

static struct {
        unsigned references;
        int read_fd, write_fd, null_fd;
} scratch = { .read_fd = -1, .write_fd = -1, .null_fd = -1 };

static char bytes[SCRATCH_LOOK_MAX]; /* pages of it are taken as they are used */

static void scratch_close(void)
{
        scratch.read_fd = fd_close(scratch.read_fd);
        scratch.write_fd = fd_close(scratch.write_fd);
        scratch.null_fd = fd_close(scratch.null_fd);
}

static int scratch_open(void)
{
        int fds[2];

        scratch.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (scratch.null_fd < 0)
                return -errno;
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
                int r = -errno;

                scratch_close();
                return r;
        }
        scratch.read_fd = fds[0];
        scratch.write_fd = fds[1];
        (void)fcntl(scratch.read_fd, F_SETPIPE_SZ, SCRATCH_LOOK_MAX); /* else looks are shorter */
        return 0;
}

int scratch_ref(void)
{
        int r = scratch.references == 0 ? scratch_open() : 0;

        if (r == 0)
                scratch.references++;
        return r;
}

void scratch_unref(void)
{
        assert(scratch.references > 0);
        if (--scratch.references == 0)
                scratch_close();
}

/* Read all that was copied, so that the scratch pipe is empty for the next look. */
static ssize_t read_copy(size_t length)
{
        size_t have = 0;

        while (have < length) {
                ssize_t n = read(scratch.read_fd, bytes + have, length - have);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                have += (size_t)n;
        }
        return (ssize_t)have;
}

ssize_t scratch_look(int pipe_fd, size_t length, const char **ret_bytes)
{
        ssize_t n = tee(pipe_fd, scratch.write_fd, length < sizeof(bytes) ? length : sizeof(bytes),
                        SPLICE_F_NONBLOCK);

        if (n < 0)
                return -errno;
        *ret_bytes = bytes;
        return read_copy((size_t)n);
}

ssize_t scratch_discard(int pipe_fd, size_t length)
{
        ssize_t n = splice(pipe_fd, NULL, scratch.null_fd, NULL, length, SPLICE_F_NONBLOCK);

        return n < 0 ? -errno : n;
}
