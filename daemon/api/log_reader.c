/* log_reader.c - see log_reader.h */
#include "api/log_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sys/fd.h"

enum {
        SCAN_BLOCK = 64 * 1024,
        SCAN_STEP = 4 * 1024 * 1024, /* about a millisecond from the page cache */
};

static off_t file_size(int fd)
{
        struct stat status;

        return fstat(fd, &status) < 0 ? 0 : status.st_size;
}

static void close_from(LogReader *reader, unsigned begin, unsigned end)
{
        for (unsigned i = begin; i < end; i++)
                (void)fd_close(reader->fds[i]);
}

/* What is known of the file that is being read. */
static void forget_first(LogReader *reader)
{
        reader->unpack = unpack_free(reader->unpack);
        reader->is_packed = reader->is_begun = false;
        reader->position = 0;
}

/* Let go of the files before @index; what follows is read from there. */
static void drop_before(LogReader *reader, unsigned index)
{
        if (index > 0)
                forget_first(reader);
        close_from(reader, 0, index);
        reader->count -= index;
        memmove(reader->fds, reader->fds + index, reader->count * sizeof(reader->fds[0]));
}

static void take_fds(LogReader *reader, const int *fds, size_t count)
{
        for (; count > CONTROL_LOG_FILES; count--)
                (void)fd_close(fds[count - 1]);
        reader->count = (unsigned)count;
        for (size_t i = 0; i < count; i++)
                reader->fds[i] = fds[count - 1 - i];
}

static void scan_begin_file(LogReader *reader, unsigned file)
{
        uint64_t inode;

        reader->scan_file = file;
        reader->scan_end = file_size(reader->fds[file]);
        reader->newlines = reader->skip_newlines = 0;
        reader->has_bytes = false;
        reader->scan_unpack =
                unpack_is_packed(reader->fds[file], &inode) ? unpack_new(reader->fds[file]) : NULL;
}

void log_reader_open(LogReader *reader, const int *fds, size_t count, uint64_t lines)
{
        *reader = (LogReader){ .lines_left = lines };
        take_fds(reader, fds, count);
        if (reader->count == 0)
                return;
        reader->has_end = true;
        reader->end = file_size(reader->fds[reader->count - 1]);
        if (lines == LOG_LINES_ALL)
                return;
        reader->is_scanning = true;
        scan_begin_file(reader, reader->count - 1);
        reader->scan_end = reader->end;
}

void log_reader_follow(LogReader *reader)
{
        reader->has_end = false;
}

static void scan_found(LogReader *reader, unsigned file, off_t position)
{
        reader->is_scanning = false;
        drop_before(reader, file);
        reader->position = position;
}

/* One block backwards. Return: whether the place was found in it */
static bool scan_block(LogReader *reader)
{
        char block[SCAN_BLOCK];
        size_t length = (size_t)MIN(reader->scan_end, (off_t)SCAN_BLOCK);
        off_t begin = reader->scan_end - (off_t)length;
        ssize_t n = pread(reader->fds[reader->scan_file], block, length, begin);

        for (size_t rest = n > 0 ? (size_t)n : 0; rest > 0;) {
                const char *newline = memrchr(block, '\n', rest);

                if (!newline)
                        break;
                rest = (size_t)(newline - block);
                /* The newline at the very end closes the last line, it does not begin one. */
                if (!reader->has_seen_end && begin + (off_t)rest + 1 == reader->scan_end) {
                        reader->has_seen_end = true;
                        continue;
                }
                reader->has_seen_end = true;
                if (--reader->lines_left == 0) {
                        scan_found(reader, reader->scan_file, begin + (off_t)rest + 1);
                        return true;
                }
        }
        if (n > 0)
                reader->has_seen_end = true;
        reader->scan_end = begin;
        return false;
}

/* ---- the same in a packed file, which can be read forwards only ---- */

/* The place is in this file: what has been read again so far is not asked for. */
static void scan_found_packed(LogReader *reader)
{
        Unpack *unpack = TAKE_PTR(reader->scan_unpack);

        scan_found(reader, reader->scan_file, 0);
        reader->unpack = unpack;
        reader->is_packed = reader->is_begun = true;
}

/* All is counted. Return: whether the place lies before this file */
static bool scan_counted(LogReader *reader)
{
        int fd = reader->fds[reader->scan_file];
        /* The newline at the very end closes the last line, it does not begin one. */
        bool is_end = !reader->has_seen_end && reader->ends_with_newline;
        uint64_t wanted = reader->lines_left + is_end;

        reader->has_seen_end |= reader->has_bytes;
        reader->scan_unpack = unpack_free(reader->scan_unpack);
        if (reader->newlines < wanted) {
                reader->lines_left -= reader->newlines - MIN(reader->newlines, (uint64_t)is_end);
                reader->scan_end = 0;
                return true;
        }
        reader->lines_left = 0;
        reader->skip_newlines = reader->newlines - wanted + 1;
        reader->newlines = 0;
        reader->scan_unpack = unpack_new(fd);
        return false;
}

static void scan_packed(LogReader *reader)
{
        const char *bytes, *newline;
        size_t length = unpack_peek(reader->scan_unpack, &bytes);

        if (length == 0 && reader->skip_newlines == 0) {
                (void)scan_counted(reader);
                if (!reader->scan_unpack && reader->skip_newlines > 0)
                        scan_found(reader, reader->scan_file, 0); /* no memory: all of it */
                return;
        }
        if (length > 0) {
                reader->has_bytes = true;
                reader->ends_with_newline = bytes[length - 1] == '\n';
        }
        for (size_t done = 0; done < length;) {
                newline = memchr(bytes + done, '\n', length - done);
                if (!newline)
                        break;
                done = (size_t)(newline - bytes) + 1;
                if (++reader->newlines == reader->skip_newlines) {
                        unpack_take(reader->scan_unpack, done);
                        scan_found_packed(reader);
                        return;
                }
        }
        unpack_take(reader->scan_unpack, length);
        if (length == 0)
                scan_found_packed(reader); /* it has changed meanwhile */
}

int log_reader_scan(LogReader *reader)
{
        off_t budget = SCAN_STEP;

        if (reader->is_scanning && reader->lines_left == 0 && reader->skip_newlines == 0) {
                if (reader->scan_unpack)
                        log_reader_done(reader); /* it was put aside: nothing will follow in it */
                else
                        scan_found(reader, reader->scan_file, reader->scan_end);
        }
        while (reader->is_scanning && budget > 0) {
                budget -= SCAN_BLOCK;
                if (reader->scan_unpack) {
                        scan_packed(reader);
                } else if (reader->scan_end > 0) {
                        (void)scan_block(reader);
                } else if (reader->scan_file > 0) {
                        scan_begin_file(reader, reader->scan_file - 1);
                } else {
                        scan_found(reader, 0, 0); /* there are fewer lines: all of them */
                }
        }
        return !reader->is_scanning;
}

static bool is_same_file(int one, int other)
{
        struct stat a, b;

        return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev
               && a.st_ino == b.st_ino;
}

/* Whether a file is the one that is being read, or what that was compressed to: the first that
 * names its inode, from the newest on, since numbers are given again only to newer files. */
static bool is_same_content(int fresh, int reading)
{
        struct stat status;
        uint64_t inode;

        if (is_same_file(fresh, reading))
                return true;
        return unpack_is_packed(fresh, &inode) && fstat(reading, &status) == 0
               && status.st_ino == inode;
}

/* The file that is being read goes on to be, as it was opened: it is only nameless now. */
static void keep_first(LogReader *fresh, LogReader *reader)
{
        (void)fd_close(fresh->fds[0]);
        fresh->fds[0] = TAKE_FD(reader->fds[0]);
        fresh->position = reader->position;
        fresh->unpack = TAKE_PTR(reader->unpack);
        fresh->is_packed = reader->is_packed;
        fresh->is_begun = reader->is_begun;
}

void log_reader_reopen(LogReader *reader, const int *fds, size_t count)
{
        LogReader fresh = { 0 };

        take_fds(&fresh, fds, count);
        for (unsigned i = reader->count > 0 ? fresh.count : 0; i > 0; i--)
                if (is_same_content(fresh.fds[i - 1], reader->fds[0])) {
                        drop_before(&fresh, i - 1);
                        keep_first(&fresh, reader);
                        break;
                }
        log_reader_done(reader);
        *reader = fresh;
}

/* How much of @size may be read at the present place. */
static size_t readable(const LogReader *reader, size_t size)
{
        if (reader->count > 1 || !reader->has_end)
                return size;
        return reader->end > reader->position ? MIN(size, (size_t)(reader->end - reader->position))
                                              : 0;
}

static ssize_t read_packed(LogReader *reader, char *buffer, size_t size)
{
        const char *bytes = NULL;
        size_t length = unpack_peek(reader->unpack, &bytes);

        length = MIN(length, size);
        if (length > 0)
                memcpy(buffer, bytes, length);
        unpack_take(reader->unpack, length);
        return (ssize_t)length;
}

/* Return: 0; -ENOMEM */
static int begin_first(LogReader *reader)
{
        uint64_t inode;

        if (reader->is_begun)
                return 0;
        reader->is_packed = unpack_is_packed(reader->fds[0], &inode);
        if (reader->is_packed && !(reader->unpack = unpack_new(reader->fds[0])))
                return -ENOMEM;
        /* A current file may still be empty: it is looked at until it has a beginning. */
        reader->is_begun = reader->is_packed || file_size(reader->fds[0]) > 0;
        return 0;
}

static ssize_t read_plain(LogReader *reader, char *buffer, size_t size)
{
        ssize_t n = pread(reader->fds[0], buffer, readable(reader, size), reader->position);

        if (n < 0)
                return -errno;
        reader->position += n;
        return n;
}

ssize_t log_reader_read(LogReader *reader, char *buffer, size_t size)
{
        while (reader->count > 0) {
                ssize_t n = begin_first(reader);

                if (n == 0)
                        n = reader->unpack ? read_packed(reader, buffer, size)
                                           : read_plain(reader, buffer, size);
                if (n != 0 || reader->count == 1)
                        return n;
                drop_before(reader, 1);
        }
        return 0;
}

bool log_reader_has_more(const LogReader *reader)
{
        return reader->count > 1
               || (reader->count == 1 && !reader->is_packed
                   && file_size(reader->fds[0]) > reader->position);
}

void log_reader_done(LogReader *reader)
{
        close_from(reader, 0, reader->count);
        (void)unpack_free(reader->unpack);
        (void)unpack_free(reader->scan_unpack);
        *reader = (LogReader){ 0 };
}
