/* log_reader.c - see log_reader.h */
#include "api/log_reader.h"

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

/* Let go of the files before @index; what follows is read from there. */
static void drop_before(LogReader *reader, unsigned index)
{
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
        reader->scan_file = reader->count - 1;
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

int log_reader_scan(LogReader *reader)
{
        off_t budget = SCAN_STEP;

        if (reader->is_scanning && reader->lines_left == 0)
                scan_found(reader, reader->scan_file, reader->scan_end);
        while (reader->is_scanning && budget > 0) {
                budget -= SCAN_BLOCK;
                if (reader->scan_end > 0) {
                        (void)scan_block(reader);
                } else if (reader->scan_file > 0) {
                        reader->scan_file--;
                        reader->scan_end = file_size(reader->fds[reader->scan_file]);
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

void log_reader_reopen(LogReader *reader, const int *fds, size_t count)
{
        LogReader fresh = { 0 };
        bool had_file = reader->count > 0;

        take_fds(&fresh, fds, count);
        for (unsigned i = 0; had_file && i < fresh.count; i++)
                if (is_same_file(fresh.fds[i], reader->fds[0])) {
                        drop_before(&fresh, i);
                        fresh.position = reader->position;
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
        return MIN(size, (size_t)MAX(reader->end - reader->position, (off_t)0));
}

ssize_t log_reader_read(LogReader *reader, char *buffer, size_t size)
{
        while (reader->count > 0) {
                ssize_t n = pread(reader->fds[0], buffer, readable(reader, size), reader->position);

                if (n < 0)
                        return -errno;
                reader->position += n;
                if (n > 0 || reader->count == 1)
                        return n;
                drop_before(reader, 1);
                reader->position = 0;
        }
        return 0;
}

bool log_reader_has_more(const LogReader *reader)
{
        return reader->count > 1
               || (reader->count == 1 && file_size(reader->fds[0]) > reader->position);
}

void log_reader_done(LogReader *reader)
{
        close_from(reader, 0, reader->count);
        *reader = (LogReader){ 0 };
}
