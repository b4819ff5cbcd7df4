/* files.c - see files.h */
#include "sys/files.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "sys/fd.h"

static int open_retry(int directory_fd, const char *path, int flags, mode_t mode)
{
        int fd = openat(directory_fd, path, flags | O_CLOEXEC, mode);

        return fd < 0 ? -errno : fd;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
        size_t length = 0;

        while (length < size) {
                ssize_t n = read(fd, buffer + length, size - length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t)n;
        }
        return (ssize_t)length;
}

static int write_all(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = write(fd, bytes, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                bytes += n;
                length -= (size_t)n;
        }
        return 0;
}

int file_read(int directory_fd, const char *path, size_t max, char **ret_text, size_t *ret_length)
{
        AUTO_CLOSE fd = open_retry(directory_fd, path, O_RDONLY | O_NOCTTY, 0);
        AUTO_FREE char *text = NULL;
        size_t size = 4096, length = 0;
        ssize_t n;

        if (fd < 0)
                return fd;
        /* Sizes of kernel files are not known beforehand: read until a read falls short. */
        do {
                char *longer;

                size = length ? size * 2 : size;
                longer = realloc(text, size + 1);
                if (!longer)
                        return -ENOMEM;
                text = longer;
                n = read_all(fd, text + length, size - length);
                if (n < 0)
                        return (int)n;
                length += (size_t)n;
                if (length > max)
                        return -EFBIG;
        } while (length == size);
        text[length] = '\0';
        *ret_text = TAKE_PTR(text);
        if (ret_length)
                *ret_length = length;
        return 0;
}

ssize_t file_read_into(int directory_fd, const char *path, char *buffer, size_t size)
{
        AUTO_CLOSE fd = open_retry(directory_fd, path, O_RDONLY | O_NOCTTY, 0);
        ssize_t n;

        if (fd < 0)
                return fd;
        n = read_all(fd, buffer, size - 1);
        if (n >= 0)
                buffer[n] = '\0';
        return n;
}

int file_write_text(int directory_fd, const char *path, const char *text)
{
        AUTO_CLOSE fd = open_retry(directory_fd, path, O_WRONLY | O_NOCTTY, 0);
        ssize_t n;

        if (fd < 0)
                return fd;
        n = write(fd, text, strlen(text));
        if (n < 0)
                return -errno;
        return (size_t)n == strlen(text) ? 0 : -EIO;
}

int file_replace(int directory_fd, const char *path, const void *bytes, size_t length, mode_t mode)
{
        char temporary[PATH_MAX];
        AUTO_CLOSE fd = -1;
        int r;

        if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
                return -ENAMETOOLONG;
        /* A left-over of a crash is removed, not followed: it may be anybody's link. */
        if (unlinkat(directory_fd, temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = open_retry(directory_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (fd < 0)
                return fd;
        r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, bytes, length);
        if (r == 0 && renameat(directory_fd, temporary, directory_fd, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(directory_fd, temporary, 0);
        return r;
}

int directory_make(const char *path, mode_t mode)
{
        char partial[PATH_MAX];

        if (!text_copy(partial, sizeof(partial), path))
                return -ENAMETOOLONG;
        for (char *p = partial + 1;; p++) {
                char kept = *p;

                if (kept != '/' && kept != '\0')
                        continue;
                *p = '\0';
                if (mkdir(partial, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = kept;
                if (kept == '\0')
                        return 0;
        }
}
