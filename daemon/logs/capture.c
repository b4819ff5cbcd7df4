/* capture.c - see capture.h
 *
 * Most bytes go by one splice, unseen. Where a file ends matters only in its last stretch, the
 * zone: there only whole lines are put, up to the last newline that fits. A line of which the
 * end has not come yet begins the next file, since it could not be taken back once it is in
 * this one. Only a line that began before the zone and runs through all of it is split. This
 * holds no state: each step looks at the pipe and at the end of the file.
 *
 * A full disk is met by dropping what waits, because a worker that blocks on its output is
 * worse than a gap in the log. The gap is counted and, once the file takes it, marked in the log
 * by a line of ours in the place of the gap. */
#include "logs/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "logs/file.h"
#include "logs/pipe.h"
#include "logs/scratch.h"
#include "sys/fd.h"

enum { MARK_SIZE = 160 };

struct LogCapture {
        LogFile file;
        int pipe_fd;
        uint64_t inode; /* of the pipe; asked of all workers whenever the state is kept */
        bool is_pipe_large;
        bool has_scratch;
        uint64_t max_bytes;
        LogCounters counters;
        uint64_t gap_bytes; /* dropped since the last mark */
        int gap_error;      /* why, positive errno */
};

/* ---- where a file ends ---- */

static uint64_t bytes_below(uint64_t limit, const LogFile *file)
{
        return limit > file->size ? limit - file->size : 0;
}

/* One step in the zone. Return: bytes moved, 0 if a new file was begun; negative errno */
static ssize_t move_lines(LogCapture *capture, size_t length)
{
        LogFile *file = &capture->file;
        uint64_t room = bytes_below(capture->max_bytes, file);
        size_t looked = 0;
        ssize_t lines;

        if (room == 0)
                return log_file_rotate(file);
        lines = scratch_find_lines(capture->pipe_fd, (size_t)MIN((uint64_t)length, room), &looked);
        if (lines < 0)
                return lines;
        if (lines > 0)
                return log_file_move(file, capture->pipe_fd, (size_t)lines);
        if (log_file_at_line_start(file))
                return log_file_rotate(file);
        return log_file_move(file, capture->pipe_fd, looked); /* the rest of an overlong line */
}

/* One step anywhere, as above. */
static ssize_t move_some(LogCapture *capture, size_t length)
{
        uint64_t zone = MIN((uint64_t)SCRATCH_LOOK_MAX, capture->max_bytes / 2);
        uint64_t before_zone = bytes_below(capture->max_bytes - zone, &capture->file);

        if (before_zone == 0)
                return move_lines(capture, length);
        return log_file_move(&capture->file, capture->pipe_fd,
                             (size_t)MIN((uint64_t)length, before_zone));
}

/* ---- gaps ---- */

static int write_mark(LogCapture *capture)
{
        LogFile *file = &capture->file;
        char mark[MARK_SIZE];
        int length = snprintf(mark, sizeof(mark), "%s[reeve: %llu bytes were dropped here: %s]\n",
                              log_file_at_line_start(file) ? "" : "\n",
                              (unsigned long long)capture->gap_bytes, strerror(capture->gap_error));
        int r = 0;

        if (file->size > 0 && (uint64_t)length > bytes_below(capture->max_bytes, file)) {
                r = log_file_rotate(file);
                /* The line that was cut short stays behind: no need to end it. */
                if (r == 0 && mark[0] == '\n')
                        memmove(mark, mark + 1, (size_t)length--);
        }
        if (r == 0)
                r = log_file_write(file, mark, (size_t)length);
        if (r == 0)
                capture->gap_bytes = 0;
        return r;
}

static void drop(LogCapture *capture, size_t length, int error)
{
        ssize_t n = scratch_discard(capture->pipe_fd, length);

        if (n <= 0)
                return; /* the worker has read it back itself: nothing is lost by us */
        if (capture->gap_bytes == 0)
                capture->gap_error = error;
        capture->gap_bytes += (uint64_t)n;
        capture->counters.dropped_bytes += (uint64_t)n;
}

/* ---- moving ---- */

/* Whether the file can be written to, as far as can be told before there are bytes for it. */
static int prepare(LogCapture *capture)
{
        int r = log_file_refresh(&capture->file);

        return r == 0 && capture->gap_bytes > 0 ? write_mark(capture) : r;
}

/* Return: bytes that wait, at most @budget; 0 when none do; negative errno */
static ssize_t next_length(LogCapture *capture, size_t budget)
{
        ssize_t waiting = log_pipe_waiting(capture->pipe_fd);

        /* Half full by the time we look: this worker writes faster than we are called. */
        if (waiting >= LOG_PIPE_SIZE / 2 && !capture->is_pipe_large) {
                log_pipe_grow(capture->pipe_fd);
                capture->is_pipe_large = true; /* or cannot be had: do not ask again */
        }
        return MIN(waiting, (ssize_t)budget);
}

/* Return: 0; negative errno if the pipe is broken */
static int move_all(LogCapture *capture)
{
        size_t budget = LOG_MOVE_MAX;
        ssize_t length = next_length(capture, budget), n;
        int r = length > 0 || capture->gap_bytes > 0 ? prepare(capture) : 0;

        for (; length != 0 && budget > 0; length = next_length(capture, budget)) {
                if (length < 0)
                        return (int)length;
                n = r < 0 ? r : move_some(capture, (size_t)length);
                if (n == -EINTR)
                        continue;
                if (n == -EAGAIN)
                        return 0; /* somebody else has emptied the pipe */
                if (n < 0) {
                        drop(capture, (size_t)length, (int)-n);
                        return 0; /* the next call tries the file again */
                }
                budget -= (size_t)n;
                capture->counters.captured_bytes += (uint64_t)n;
        }
        return 0;
}

int log_capture_move(LogCapture *capture)
{
        bool was_dropping = capture->counters.is_dropping;
        int r = move_all(capture);

        capture->counters.is_dropping = capture->gap_bytes > 0;
        capture->counters.file = capture->file.number;
        if (r < 0)
                return r;
        return capture->counters.is_dropping != was_dropping;
}

/* ---- life ---- */

/* What waits now; a worker that goes on writing does not hold us up. At least one call,
 * for it also marks a gap that no output has followed. */
static void move_last(LogCapture *capture)
{
        ssize_t left = log_pipe_waiting(capture->pipe_fd);

        do {
                (void)log_capture_move(capture);
                left -= LOG_MOVE_MAX;
        } while (left > 0);
}

LogCapture *log_capture_free(LogCapture *capture)
{
        if (!capture)
                return NULL;
        if (capture->pipe_fd >= 0)
                move_last(capture);
        log_file_done(&capture->file);
        (void)fd_close(capture->pipe_fd);
        if (capture->has_scratch)
                scratch_unref();
        free(capture);
        return NULL;
}

static LogCapture *capture_alloc(const LogSettings *settings)
{
        LogCapture *capture = calloc(1, sizeof(*capture));

        if (!capture)
                return NULL;
        capture->file = (LogFile){ .directory_fd = settings->directory_fd,
                                   .slot = settings->slot,
                                   .group = settings->reader_group,
                                   .fd = -1 };
        capture->pipe_fd = -1;
        log_capture_set_limits(capture, settings->max_bytes, settings->max_files);
        return capture;
}

static int capture_open(LogCapture *capture)
{
        int r = scratch_ref();

        if (r < 0)
                return r;
        capture->has_scratch = true;
        return 0;
}

static int new_failed(Error *reterr, int r, const LogSettings *settings)
{
        return error_set(reterr, r, "log-failed", "%s: cannot log slot %u: %s", settings->subject,
                         settings->slot, strerror(-r));
}

static uint64_t inode_of(int fd)
{
        struct stat status;

        return fstat(fd, &status) < 0 ? 0 : status.st_ino;
}

int log_capture_new_from(const LogSettings *settings, int pipe_fd_take, LogCapture **ret,
                         Error *reterr)
{
        AUTO(LogCapture) *capture = capture_alloc(settings);
        int r = capture ? capture_open(capture) : -ENOMEM;

        if (r < 0)
                return new_failed(reterr, r, settings);
        /* Files that readers may open in a folder that they may not enter help nobody. */
        if (settings->reader_group != (gid_t)-1)
                (void)fchown(settings->directory_fd, (uid_t)-1, settings->reader_group);
        capture->pipe_fd = pipe_fd_take;
        capture->inode = inode_of(pipe_fd_take);
        *ret = TAKE_PTR(capture);
        return 0;
}

int log_capture_new(const LogSettings *settings, LogCapture **ret, Error *reterr)
{
        AUTO_CLOSE pipe_fd = log_pipe_new();
        int r;

        if (pipe_fd < 0)
                return new_failed(reterr, pipe_fd, settings);
        r = log_capture_new_from(settings, pipe_fd, ret, reterr);
        if (r == 0)
                (void)TAKE_FD(pipe_fd);
        return r;
}

int log_capture_fd(const LogCapture *capture)
{
        return capture->pipe_fd;
}

uint64_t log_capture_inode(const LogCapture *capture)
{
        return capture->inode;
}

int log_capture_open_writer(LogCapture *capture, uid_t owner)
{
        return log_pipe_open_writer(capture->pipe_fd, owner);
}

LogCounters log_capture_counters(const LogCapture *capture)
{
        return capture->counters;
}

void log_capture_set_limits(LogCapture *capture, uint64_t max_bytes, unsigned max_files)
{
        capture->max_bytes = MAX(max_bytes, (uint64_t)LOG_MIN_BYTES);
        capture->file.max_files = max_files;
}
