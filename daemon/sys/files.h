/* files.h - small files, read whole and written whole */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/** file_read() - read a whole small file, one byte at most beyond @max is asked for
 *  @ret_text: malloc'd and terminated; it may hold NUL bytes before its end
 *  @ret_length: may be NULL
 *  Return: 0; -EFBIG if it is longer than @max; other negative errno */
int file_read(int directory_fd, const char *path, size_t max, char **ret_text, size_t *ret_length);

/** file_read_into() - read a file of the kernel into a fixed buffer and terminate it
 *  What does not fit is left out. Return: length without the terminator, negative errno */
ssize_t file_read_into(int directory_fd, const char *path, char *buffer, size_t size);

/** file_write_text() - write to an existing file of the kernel (cgroup, /proc)
 *  Return: 0, negative errno (-EIO if it took only a part) */
int file_write_text(int directory_fd, const char *path, const char *text);

/** file_replace() - write a new file beside @path and rename it there: old or new, never half
 *  Not synced: callers keep such files on tmpfs, or can lose the last change with the power.
 *  Return: 0, negative errno with the old file untouched */
int file_replace(int directory_fd, const char *path, const void *bytes, size_t length, mode_t mode);

/** directory_make() - make a folder and its missing parents; Return: 0, negative errno */
int directory_make(const char *path, mode_t mode);
