/* scratch.h - looking at what waits in a pipe, and throwing it away (inside logs/ only)
 *
 * Both need descriptors that one process has once, however many workers it captures: a pipe to
 * which bytes are copied (tee) without leaving the one they wait in, and /dev/null. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* As much as one look takes in: the content of a pipe of usual size. */
enum { SCRATCH_LOOK_MAX = 64 * 1024 };

/** scratch_ref() - open them for the first user; Return: 0, negative errno */
int scratch_ref(void);

/** scratch_unref() - close them after the last user */
void scratch_unref(void);

/** scratch_find_lines() - how many of the next bytes are whole lines
 *  @length: look at no more than this
 *  @ret_looked: how far the look went: less if they lie scattered in the pipe
 *  Return: bytes up to and with the last newline, 0 if there is none; negative errno */
ssize_t scratch_find_lines(int pipe_fd, size_t length, size_t *ret_looked);

/** scratch_discard() - take bytes out of the pipe and forget them
 *  Return: how many; negative errno */
ssize_t scratch_discard(int pipe_fd, size_t length);
