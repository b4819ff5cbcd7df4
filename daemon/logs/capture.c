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
#include "logs/flow.h"
#include "logs/pipe.h"
#include "logs/scratch.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* The last stretch of a file, as much as a pipe of usual size holds. */
enum { MARK_SIZE = 160, ZONE_SIZE = 64 * 1024 };

struct LogCapture {
        LogFile *file; /* shared with the other stream of the slot */
        int pipe_fd;
        uint64_t inode; /* of the pipe; asked of all workers whenever the state is kept */
        bool is_pipe_large;
        bool has_scratch;
        LineFlow *flow; /* NULL: bytes go as they are */
        LogCounters counters;
        uint64_t gap_bytes; /* dropped since the last mark */
        int gap_error;      /* why, positive errno */
};

/* ---- where a file ends ---- */

/* How many of the next bytes are whole lines. Return: 0 if there is none; negative errno */
static ssize_t find_lines(int pipe_fd, size_t length, size_t *ret_looked)
{
        const char *bytes = NULL, *newline;
        ssize_t n = scratch_look(pipe_fd, MIN(length, (size_t)ZONE_SIZE), &bytes);

        if (n < 0)
                return n;
        *ret_looked = (size_t)n;
        newline = memrchr(bytes, '\n', (size_t)n);
        return newline ? newline - bytes + 1 : 0;
}

/* One step in the zone. Return: bytes moved, 0 if a new file was begun; negative errno */
static ssize_t move_lines(LogCapture *capture, size_t length)
{
        LogFile *file = capture->file;
        uint64_t room = log_file_room(file);
        size_t looked = 0;
        ssize_t lines;

        if (room == 0)
                return log_file_rotate(file);
        lines = find_lines(capture->pipe_fd, (size_t)MIN((uint64_t)length, room), &looked);
        if (lines < 0)
                return lines;
        if (lines > 0)
                return log_file_move(file, capture->pipe_fd, (size_t)lines);
        if (log_file_at_line_start(file))
                return log_file_rotate(file);
        return log_file_move(file, capture->pipe_fd, looked); /* the rest of an overlong line */
}

/* One step anywhere, as above. A file that is too old ends where the next line does. */
static ssize_t move_some(LogCapture *capture, size_t length)
{
        LogFile *file = capture->file;
        uint64_t zone = MIN((uint64_t)ZONE_SIZE, file->max_bytes / 2);
        uint64_t room = log_file_room(file), before_zone = room > zone ? room - zone : 0;
        bool is_old = log_file_is_old(file, now_usec());

        if (is_old && log_file_at_line_start(file))
                return log_file_rotate(file);
        if (before_zone == 0 || is_old)
                return move_lines(capture, length);
        return log_file_move(file, capture->pipe_fd, (size_t)MIN((uint64_t)length, before_zone));
}

/* ---- gaps ---- */

static int write_mark(LogCapture *capture)
{
        LogFile *file = capture->file;
        char mark[MARK_SIZE];
        int length = snprintf(mark, sizeof(mark), "%s[reeve: %llu bytes were dropped here: %s]\n",
                              log_file_at_line_start(file) ? "" : "\n",
                              (unsigned long long)capture->gap_bytes, strerror(capture->gap_error));
        int r = 0;

        if (file->size > 0 && (uint64_t)length > log_file_room(file)) {
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
        int r = log_file_refresh(capture->file);

        return r == 0 && capture->gap_bytes > 0 ? write_mark(capture) : r;
}

static bool needs_file(const LogCapture *capture)
{
        const LineFlow *flow = capture->flow;

        return capture->gap_bytes > 0 || !flow || !flow->to_journal;
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

/* By lines. Half a line waits in the pipe unless the pipe is full of it.
 * Return: bytes taken; 0 if it waits; negative errno */
static ssize_t move_flow(LogCapture *capture, size_t length, LineRest rest)
{
        bool is_final = rest == REST_ENDS;
        ssize_t n = flow_move(capture->flow, capture->pipe_fd, length, rest, is_final);

        if (n == 0 && rest == REST_WAITS && !capture->flow->is_stuck
            && log_pipe_is_full(capture->pipe_fd)) {
                /* More may have come since the look: perhaps the end of the line. */
                ssize_t waiting = log_pipe_waiting(capture->pipe_fd);

                if (waiting > 0)
                        n = flow_move(capture->flow, capture->pipe_fd, (size_t)waiting, REST_GOES,
                                      false);
        }
        return n;
}

/* Return: whether to call again (1) or not (0); negative errno if the pipe is broken */
static int move_all(LogCapture *capture, LineRest rest)
{
        size_t budget = LOG_MOVE_MAX;
        ssize_t length = next_length(capture, budget), n;
        int r = capture->gap_bytes > 0 || (length > 0 && needs_file(capture)) ? prepare(capture)
                                                                              : 0;

        for (; length != 0 && budget > 0; length = next_length(capture, budget)) {
                uint64_t rotations = capture->file->rotations;

                if (length < 0)
                        return (int)length;
                if (r < 0)
                        n = r;
                else if (capture->flow)
                        n = move_flow(capture, (size_t)length, rest);
                else
                        n = move_some(capture, (size_t)length);
                if (n == -EINTR)
                        continue;
                if (n == -EAGAIN)
                        return 0; /* somebody else has emptied the pipe */
                if (n < 0) {
                        drop(capture, (size_t)length, (int)-n);
                        return 1; /* the next call tries the file again */
                }
                if (n == 0 && capture->flow && capture->file->rotations == rotations)
                        return capture->flow->is_stuck;
                budget -= MIN((size_t)n, budget);
                capture->counters.captured_bytes += (uint64_t)n;
        }
        return budget == 0;
}

static int move(LogCapture *capture, LineRest rest)
{
        LogCounters *counters = &capture->counters, before = *counters;
        uint64_t rotations = capture->file->rotations;
        int r = move_all(capture, rest);

        counters->is_dropping = capture->gap_bytes > 0;
        counters->file = capture->file->number;
        counters->rotations = capture->file->rotations;
        if (capture->flow) {
                counters->is_fallback = capture->flow->is_fallback;
                counters->fallback_lines = capture->flow->fallback_lines;
                counters->suppressed_lines = capture->flow->suppressed_lines;
        }
        if (r < 0)
                return r;
        return (r > 0 ? LOG_MOVE_MORE : 0)
               | (counters->is_dropping != before.is_dropping
                                  || counters->is_fallback != before.is_fallback
                          ? LOG_MOVE_CHANGED
                          : 0)
               | (counters->rotations != rotations ? LOG_MOVE_ROTATED : 0);
}

int log_capture_move(LogCapture *capture)
{
        return move(capture, REST_WAITS);
}

/* ---- life ---- */

/* What waits now; a worker that goes on writing does not hold us up. At least one call,
 * for it also marks a gap that no output has followed. */
static void move_last(LogCapture *capture)
{
        ssize_t left = log_pipe_waiting(capture->pipe_fd);

        do {
                (void)move(capture, REST_ENDS);
                left -= LOG_MOVE_MAX;
        } while (left > 0);
}

static LineFlow *flow_free(LineFlow *flow)
{
        if (flow)
                flow_done(flow);
        free(flow);
        return NULL;
}

LogCapture *log_capture_free(LogCapture *capture)
{
        if (!capture)
                return NULL;
        if (capture->pipe_fd >= 0)
                move_last(capture);
        (void)flow_free(capture->flow);
        (void)log_file_unref(capture->file);
        (void)fd_close(capture->pipe_fd);
        if (capture->has_scratch)
                scratch_unref();
        free(capture);
        return NULL;
}

void log_capture_set_life(LogCapture *capture, pid_t pid, const char *instance)
{
        if (capture->flow)
                flow_set_life(capture->flow, pid, instance);
}

void log_capture_end_life(LogCapture *capture)
{
        if (capture->flow)
                move_last(capture);
}

void log_capture_reopen(LogCapture *capture)
{
        log_file_close(capture->file);
}

static int flow_new(const LogSettings *settings, LogFile *file, LineFlow **ret)
{
        AUTO_FREE LineFlow *flow = calloc(1, sizeof(LineFlow));
        int r = flow ? flow_init(flow, settings, file) : -ENOMEM;

        if (r < 0)
                return r;
        *ret = TAKE_PTR(flow);
        return 0;
}

int log_capture_set(LogCapture *capture, const LogSettings *settings)
{
        LogFile *file = capture->file;

        file->max_bytes = MAX(settings->max_bytes, (uint64_t)LOG_MIN_BYTES);
        file->max_files = settings->max_files;
        if (file->max_age_usec != settings->max_age_usec)
                log_file_set_age(file, settings->max_age_usec);
        if (capture->flow) {
                flow_set(capture->flow, &settings->style);
                return 0;
        }
        return flow_is_needed(settings) ? flow_new(settings, file, &capture->flow) : 0;
}

static int capture_open(LogCapture *capture, const LogSettings *settings)
{
        int r = scratch_ref();

        if (r < 0)
                return r;
        capture->has_scratch = true;
        if (settings->beside)
                capture->file = log_file_ref(settings->beside->file);
        else
                capture->file = log_file_new(settings->directory_fd, settings->slot,
                                             settings->reader_group);
        return capture->file ? log_capture_set(capture, settings) : -ENOMEM;
}

static LogCapture *capture_alloc(void)
{
        LogCapture *capture = calloc(1, sizeof(*capture));

        if (capture)
                capture->pipe_fd = -1;
        return capture;
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
        AUTO(LogCapture) *capture = capture_alloc();
        int r = capture ? capture_open(capture, settings) : -ENOMEM;

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
