/* capture.h - a worker's output: from its pipe to its file, without a copy in between
 *
 * Each slot has one pipe for its whole life, held read-write by us, so that a restart of the
 * worker leaves it alone, and opened read-write again for the worker, so that our death does not
 * send it SIGPIPE. Bytes leave the pipe only when they are in the file (splice). Only where a file
 * is about to end they are looked at first (tee to a scratch pipe) to cut at a newline.
 *
 * Files: DIRECTORY/POOL/SLOT.log, rotated to SLOT.log.1 (newest) .. SLOT.log.N. No file grows
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

typedef struct LogCapture LogCapture;

typedef struct LogSettings {
        int directory_fd;    /* of the pool's log folder, borrowed: must outlive the capture */
        const char *subject; /* for messages, "pool web"; not needed afterwards */
        unsigned slot;
        uint64_t max_bytes; /* rotate before this size, at least LOG_MIN_BYTES; UINT64_MAX: never */
        unsigned max_files; /* rotated files kept beside the current one */
        gid_t reader_group; /* files are 0640 and belong to this group; (gid_t)-1: leave it */
} LogSettings;

typedef struct LogCounters {
        uint64_t captured_bytes; /* put into files */
        uint64_t dropped_bytes;  /* lost to a full disk */
        uint64_t file;           /* changes when a new file is begun; 0: none yet */
        bool is_dropping;        /* the disk is full now */
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

/** log_capture_fd() - readable when there is output; watch it level-triggered for input */
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
 *  Return: 1 if the state of dropping changed (tell people), 0 if not; negative errno only if
 *  the pipe itself is broken */
int log_capture_move(LogCapture *capture);
enum { LOG_MOVE_MAX = 256 * 1024, LOG_MIN_BYTES = 4096 };

LogCounters log_capture_counters(const LogCapture *capture);

/** log_capture_set_limits() - after a reload */
void log_capture_set_limits(LogCapture *capture, uint64_t max_bytes, unsigned max_files);

/** log_open_files() - open a slot's files for reading, newest first
 *  @ret_fds: room for @max; Return: how many were opened, negative errno */
int log_open_files(int directory_fd, unsigned slot, int *ret_fds, unsigned max);

DEFINE_AUTO(LogCapture, log_capture_free);
