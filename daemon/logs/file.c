/* file.c - see file.h; and log_directory_open(), log_open_files() of capture.h
 *
 * Rotation is built so that it can fail at any step and be tried again: the new file is made
 * under another name first (a full disk fails here, with nothing changed), names are shifted
 * only up to the first free one (a second try does not push more files off the end), and the
 * new file takes its name last. */
#include "logs/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "logs/capture.h"
#include "logs/name.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"

enum { LOG_FILE_MODE = 0640, LOG_DIRECTORY_MODE = 0750 };

static int open_regular(int directory_fd, const char *name, int flags, struct stat *ret_status)
{
        /* Non-blocking, for somebody may have put a FIFO there. */
        AUTO_CLOSE fd =
                openat(directory_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                       LOG_FILE_MODE);

        if (fd < 0 || fstat(fd, ret_status) < 0)
                return -errno;
        return S_ISREG(ret_status->st_mode) ? TAKE_FD(fd) : -EINVAL;
}

/* Return: a descriptor of @name, ready to be written to; negative errno */
static int open_for_writing(const LogFile *file, const char *name, int flags,
                            struct stat *ret_status)
{
        int fd = open_regular(file->directory_fd, name, O_RDWR | O_CREAT | flags, ret_status);

        if (fd < 0)
                return fd;
        /* Where these fail (no such rights, a file system without owners) fewer can read the
         * file than should; that is no reason to lose the log. */
        (void)fchmod(fd, LOG_FILE_MODE);
        if (file->group != (gid_t)-1)
                (void)fchown(fd, (uid_t)-1, file->group);
        return fd;
}

/* How old the file is; one whose file system does not say begins its age now. */
static uint64_t age_usec(int fd)
{
        struct statx status;
        uint64_t now = now_realtime_usec(), born;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) < 0
            || !(status.stx_mask & STATX_BTIME))
                return 0;
        born = (uint64_t)status.stx_btime.tv_sec * USEC_PER_SEC + status.stx_btime.tv_nsec / 1000;
        return now > born ? now - born : 0;
}

void log_file_set_age(LogFile *file, uint64_t max_age_usec)
{
        uint64_t age;

        file->max_age_usec = max_age_usec;
        file->rotate_usec = USEC_INFINITY;
        if (max_age_usec == 0 || file->fd < 0)
                return;
        age = age_usec(file->fd);
        file->rotate_usec = now_usec() + (max_age_usec > age ? max_age_usec - age : 0);
}

static void begin(LogFile *file, int fd, uint64_t size)
{
        uint64_t now = now_realtime_usec();

        (void)fd_close(file->fd);
        file->fd = fd;
        file->size = size;
        /* Inode numbers are used again at once by some file systems; the time is not. */
        file->number = now > file->number ? now : file->number + 1;
        log_file_set_age(file, file->max_age_usec);
}

static int open_current(LogFile *file)
{
        struct stat status;
        int fd = open_for_writing(file, log_name(file->slot, 0, false).text, 0, &status);

        if (fd < 0)
                return fd;
        begin(file, fd, (uint64_t)status.st_size);
        return 0;
}

LogFile *log_file_new(int directory_fd, unsigned slot, gid_t group)
{
        LogFile *file = calloc(1, sizeof(*file));

        if (file)
                *file = (LogFile){ .references = 1,
                                   .directory_fd = directory_fd,
                                   .slot = slot,
                                   .group = group,
                                   .fd = -1,
                                   .rotate_usec = USEC_INFINITY };
        return file;
}

LogFile *log_file_ref(LogFile *file)
{
        file->references++;
        return file;
}

LogFile *log_file_unref(LogFile *file)
{
        if (!file || --file->references > 0)
                return NULL;
        log_file_close(file);
        free(file);
        return NULL;
}

void log_file_close(LogFile *file)
{
        file->fd = fd_close(file->fd);
}

int log_file_refresh(LogFile *file)
{
        struct stat status;

        if (file->fd < 0)
                return open_current(file);
        if (fstat(file->fd, &status) < 0)
                return -errno;
        if (status.st_nlink == 0)
                return open_current(file);
        if ((uint64_t)status.st_size < file->size)
                file->size = (uint64_t)status.st_size;
        return 0;
}

/* ---- rotation ---- */

uint64_t log_file_room(const LogFile *file)
{
        return file->max_bytes > file->size ? file->max_bytes - file->size : 0;
}

bool log_file_is_old(LogFile *file, uint64_t now_usec)
{
        if (now_usec < file->rotate_usec)
                return false;
        if (file->size > 0)
                return true;
        file->rotate_usec = now_usec + file->max_age_usec; /* empty: its time begins now */
        return false;
}

static bool is_there(const LogFile *file, unsigned number, bool is_packed)
{
        return faccessat(file->directory_fd, log_name(file->slot, number, is_packed).text, F_OK,
                         AT_SYMLINK_NOFOLLOW)
               == 0;
}

/* The first number that no file has, at most max_files. */
static unsigned first_free(const LogFile *file)
{
        unsigned number = 1;

        while (number < file->max_files
               && (is_there(file, number, false) || is_there(file, number, true)))
                number++;
        return number;
}

static int rename_number(const LogFile *file, unsigned from, unsigned to, bool is_packed)
{
        LogName from_name = log_name(file->slot, from, is_packed),
                to_name = log_name(file->slot, to, is_packed);

        if (renameat(file->directory_fd, from_name.text, file->directory_fd, to_name.text) == 0)
                return 0;
        return errno == ENOENT ? 0 : -errno; /* somebody removed it: so be it */
}

/* Return: whether there was one */
static bool remove_number(const LogFile *file, unsigned number)
{
        bool was_plain =
                unlinkat(file->directory_fd, log_name(file->slot, number, false).text, 0) == 0;

        return unlinkat(file->directory_fd, log_name(file->slot, number, true).text, 0) == 0
               || was_plain;
}

static int shift(const LogFile *file)
{
        unsigned last = file->max_files > 0 ? first_free(file) : 0;
        int r = 0;

        /* The plain one that takes its number would not replace it. */
        if (last > 0)
                (void)unlinkat(file->directory_fd, log_name(file->slot, last, true).text, 0);
        for (unsigned to = last; r == 0 && to > 0; to--) {
                r = rename_number(file, to - 1, to, false);
                if (r == 0 && to > 1)
                        r = rename_number(file, to - 1, to, true);
        }
        return r;
}

/* Files left from a time when more were kept: they follow one another. */
static void remove_surplus(const LogFile *file)
{
        unsigned number = file->max_files;

        while (number < UINT_MAX && remove_number(file, number + 1))
                number++;
}

int log_file_rotate(LogFile *file)
{
        LogName current = log_name(file->slot, 0, false);
        char new_name[sizeof(LogName)];
        struct stat status;
        AUTO_CLOSE fd = -1;
        int r;

        (void)snprintf(new_name, sizeof(new_name), "%u.log.new", file->slot);
        /* One that a crash has left would stop us for ever. */
        (void)unlinkat(file->directory_fd, new_name, 0);
        fd = open_for_writing(file, new_name, O_EXCL, &status);
        if (fd < 0)
                return fd;
        r = shift(file);
        if (r == 0 && renameat(file->directory_fd, new_name, file->directory_fd, current.text) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(file->directory_fd, new_name, 0);
                return r;
        }
        begin(file, TAKE_FD(fd), 0);
        file->rotations++;
        remove_surplus(file);
        return 0;
}

/* ---- content ---- */

ssize_t log_file_move(LogFile *file, int pipe_fd, size_t length)
{
        off_t offset = (off_t)file->size;
        ssize_t n = splice(pipe_fd, NULL, file->fd, &offset, length, SPLICE_F_NONBLOCK);

        if (n <= 0)
                return n < 0 ? -errno : -EIO;
        file->size += (uint64_t)n;
        return n;
}

bool log_file_at_line_start(const LogFile *file)
{
        char last = '\n';

        /* If it cannot be read, a line more or less split is the least worry. */
        if (file->size > 0)
                (void)!pread(file->fd, &last, 1, (off_t)file->size - 1);
        return last == '\n';
}

int log_file_write(LogFile *file, const char *text, size_t length)
{
        ssize_t n = pwrite(file->fd, text, length, (off_t)file->size);

        if (n == (ssize_t)length) {
                file->size += length;
                return 0;
        }
        if (n < 0)
                return -errno;
        /* A part of it would be taken for the worker's. */
        return ftruncate(file->fd, (off_t)file->size) < 0 ? -errno : -ENOSPC;
}

/* ---- folder ---- */

static int open_directory(const char *directory, const char *pool)
{
        AUTO_CLOSE parent = -1;
        int r = directory_make(directory, LOG_DIRECTORY_MODE), fd;

        if (r < 0)
                return r;
        parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent < 0 || (mkdirat(parent, pool, LOG_DIRECTORY_MODE) < 0 && errno != EEXIST))
                return -errno;
        fd = openat(parent, pool, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int log_directory_open(const char *directory, const char *pool, Error *reterr)
{
        int fd = strchr(pool, '/') || pool[0] == '.' || pool[0] == '\0'
                         ? -EINVAL
                         : open_directory(directory, pool);

        if (fd < 0)
                return error_set(reterr, fd, "log-failed", "Cannot make the log folder %s/%s: %s",
                                 directory, pool, strerror(-fd));
        return fd;
}

static int open_number(int directory_fd, unsigned slot, unsigned number)
{
        struct stat status;
        int fd = open_regular(directory_fd, log_name(slot, number, false).text, O_RDONLY, &status);

        return fd == -ENOENT && number > 0 ? open_regular(
                       directory_fd, log_name(slot, number, true).text, O_RDONLY, &status)
                                           : fd;
}

int log_open_files(int directory_fd, unsigned slot, int *ret_fds, unsigned max)
{
        unsigned count = 0;

        for (unsigned number = 0; count < max; number++) {
                int fd = open_number(directory_fd, slot, number);

                if (fd >= 0)
                        ret_fds[count++] = fd;
                else if (fd == -ENOENT && number > 0)
                        break;
                else if (fd != -ENOENT && count == 0)
                        return fd;
                else if (fd != -ENOENT)
                        break; /* better the newest ones than none */
        }
        return (int)count;
}
