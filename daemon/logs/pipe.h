/* pipe.h - the pipe between a worker and its log (inside logs/ only) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What pipes have from the kernel, and what they grow to when a worker fills them: as much as one
 * call moves. More made nothing cheaper (1 MB was measured), holds memory for good, and an
 * ordinary user has 64 MB for all pipes together, beyond which new ones get two pages. */
enum { LOG_PIPE_SIZE = 64 * 1024, LOG_PIPE_SIZE_LARGE = 256 * 1024 };

/** log_pipe_new() - a pipe held by one read-write, non-blocking description
 *  Return: descriptor, negative errno */
int log_pipe_new(void);

/** log_pipe_open_writer() - a blocking description of the same pipe, handed to @owner
 *  Return: descriptor, negative errno */
int log_pipe_open_writer(int pipe_fd, uid_t owner);

/** log_pipe_waiting() - Return: bytes in the pipe, negative errno */
ssize_t log_pipe_waiting(int pipe_fd);

/** log_pipe_is_full() - whether a writer would block, however few bytes are in it */
bool log_pipe_is_full(int pipe_fd);

/** log_pipe_grow() - to LOG_PIPE_SIZE_LARGE, if the kernel lets us */
void log_pipe_grow(int pipe_fd);
