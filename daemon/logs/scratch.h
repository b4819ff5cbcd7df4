/* scratch.h - looking at what waits in a pipe, and throwing it away (inside logs/ only)
 *
 * Both need descriptors that one process has once, however many workers it captures: a pipe to
 * which bytes are copied (tee) without leaving the one they wait in, and /dev/null. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* As much as one look takes in: the content of a pipe that has grown. */
enum { SCRATCH_LOOK_MAX = 256 * 1024 };

/** scratch_ref() - open them for the first user; Return: 0, negative errno */
int scratch_ref(void);

/** scratch_unref() - close them after the last user */
void scratch_unref(void);

/** scratch_look() - read the next bytes, which stay in the pipe
 *  @length: look at no more than this
 *  @ret_bytes: valid until the next look
 *  Return: how far the look went, less if they lie scattered in the pipe; negative errno */
ssize_t scratch_look(int pipe_fd, size_t length, const char **ret_bytes);

/** scratch_discard() - take bytes out of the pipe and forget them
 *  Return: how many; negative errno */
ssize_t scratch_discard(int pipe_fd, size_t length);
