/* capture.h - a worker's output: from its pipe to its file, without a copy in between
 *
 * Each slot has one pipe for its whole life, held read-write by us, so that a restart of the
 * worker leaves it alone, and opened read-write again for the worker, so that our death does not
 * send it SIGPIPE. Bytes leave the pipe only when they are in the file (splice). Only where a file
 * is about to end they are looked at first (tee to a scratch pipe) to cut at a newline.
 *
 * Files: DIRECTORY/POOL/SLOT.log, rotated to SLOT.log.1 (newest) .. SLOT.log.N, which tidy.h may
 * compress. No file grows
 * beyond its limit, and a line of up to 64 kB (or half the limit) is never split between two.
 *
 * The process must ignore SIGXFSZ: under a limit of file size it would end with the first write
 * beyond; ignored, the write fails like one to a full disk. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/config.h"

typedef struct LogCapture LogCapture;

/* What may change while a worker writes. Bytes that need no looking at are moved unseen. */
typedef struct LogStyle {
        LogStamp stamp;
        LogFormat format;
        uint64_t rate_interval_usec; /* 0: no limit */
        unsigned rate_burst;         /* lines in that time, 0: no limit */
} LogStyle;

typedef struct LogSettings {
        int directory_fd;    /* of the pool's log folder, borrowed: must outlive the capture */
        const char *subject; /* for messages, "pool web"; not needed afterwards */
        const char *pool;    /* its name; not needed afterwards */
        const char *stream;  /* "stdout", "stderr" or "both": static */
        unsigned slot;
        bool to_journal; /* instead of the file, which then only catches what it misses */
        const char *journal_socket; /* static; NULL: systemd's */
        uint64_t max_bytes;         /* rotate before this size, at least LOG_MIN_BYTES;
                                       UINT64_MAX: never */
        unsigned max_files;         /* rotated files kept beside the current one */
        uint64_t max_age_usec;      /* rotate what is older; 0: any age */
        gid_t reader_group; /* files are 0640 and belong to this group; (gid_t)-1: leave it */
        LogStyle style;
        LogCapture *beside; /* of the same slot: both write to one file; NULL: there is none */
} LogSettings;

typedef struct LogCounters {
        uint64_t captured_bytes;   /* put into files or sent to the journal */
        uint64_t dropped_bytes;    /* lost to a full disk */
        uint64_t suppressed_lines; /* beyond the rate limit */
        uint64_t fallback_lines;   /* that the journal did not take: they are in the file */
        uint64_t file;             /* changes when a new file is begun; 0: none yet */
        uint64_t rotations;        /* files put aside */
        bool is_dropping;          /* the disk is full now */
        bool is_fallback;          /* the journal cannot be had now */
} LogCounters;

/** log_directory_open() - make and open DIRECTORY/POOL; Return: descriptor, negative errno */
int log_directory_open(const char *directory, const char *pool, Error *reterr);

/** log_capture_new() - make the pipe; the file is opened when the first byte comes
 *  Return: 0; negative errno with @reterr */
int log_capture_new(const LogSettings *settings, LogCapture **ret, Error *reterr);

/** log_capture_new_from() - the same with a pipe that is already in use: after a crash or an
 *  upgrade of ours
 *  @pipe_fd_take: read-write and non-blocking, as from log_pipe_reopen(); ours on success */
int log_capture_new_from(const LogSettings *settings, int pipe_fd_take, LogCapture **ret,
                         Error *reterr);

/** log_pipe_reopen() - the pipe that a living worker writes to, by /proc/PID/fd/FD
 *  @inode: what log_capture_inode() said of it, so that nothing else which the worker may have
 *  put there is taken for it; 0: any pipe
 *  Return: descriptor, close-on-exec, non-blocking; -ENOENT if no such pipe is there; other
 *  negative errno */
int log_pipe_reopen(pid_t pid, int fd, uint64_t inode);

/** log_capture_free() - what is still in the pipe is written out first; Return: NULL */
LogCapture *log_capture_free(LogCapture *capture);

/** log_capture_set_life() - who writes from now on: shown with lines that are dressed
 *  @pid: 0: nobody, or not known; @instance: copied */
void log_capture_set_life(LogCapture *capture, pid_t pid, const char *instance);

/** log_capture_end_life() - the writer is gone: a line it has not ended is taken as it is */
void log_capture_end_life(LogCapture *capture);

/** log_capture_reopen() - close the file: what comes next goes to the one that has its name then */
void log_capture_reopen(LogCapture *capture);

/** log_capture_fd() - readable when there is output; watch it edge-triggered for input: half a line
 *  may wait in it. Arm it again when log_capture_move() says LOG_MOVE_MORE. */
int log_capture_fd(const LogCapture *capture);

/** log_capture_inode() - of the pipe, for log_pipe_reopen(); Return: 0 if it cannot be had */
uint64_t log_capture_inode(const LogCapture *capture);

/** log_capture_open_writer() - the worker's end, a new description, blocking
 *  @owner: the pipe is handed to this user so that the worker may reopen /dev/stdout
 *  Return: descriptor, close-on-exec; negative errno */
int log_capture_open_writer(LogCapture *capture, uid_t owner);

/** log_capture_move() - move what waits, at most LOG_MOVE_MAX bytes so that all get their turn
 *  Never fails for want of room: it drops, counts and tries again at the next call; when the
 *  disk has room again a line in the log says how much is missing.
 *  Return: LOG_MOVE_...; negative errno only if the pipe itself is broken */
int log_capture_move(LogCapture *capture);
enum {
        LOG_MOVE_CHANGED = 1 << 0, /* the disk, or the journal, is there again, or is not */
        LOG_MOVE_MORE = 1 << 1,    /* call again, soon: not all was moved */
        LOG_MOVE_ROTATED = 1 << 2, /* a file was put aside */
};
enum { LOG_MOVE_MAX = 256 * 1024, LOG_MIN_BYTES = 4096 };

/* A flood is moved in large pieces: one look a millisecond costs half of what it does when reader
 * and writer chase one another through the pipe. */
#define LOG_ROUND_USEC 1000

LogCounters log_capture_counters(const LogCapture *capture);

/** log_capture_set() - after a reload: sizes, age, and style are taken over
 *  Return: 0; negative errno if lines can only be looked at from the next start on */
int log_capture_set(LogCapture *capture, const LogSettings *settings);

/** log_open_files() - open a slot's files for reading, newest first; compressed ones as they are
 *  @ret_fds: room for @max; Return: how many were opened, negative errno */
int log_open_files(int directory_fd, unsigned slot, int *ret_fds, unsigned max);

DEFINE_AUTO(LogCapture, log_capture_free);
