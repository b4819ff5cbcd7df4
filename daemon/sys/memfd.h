/* memfd.h - anonymous shared memory, sealed */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/** memfd_new() - a memfd of @size bytes, mapped for writing
 *  Sealed against shrinking and further seals; mode 0400, since it is 0777 by default and another
 *  user could reopen it for writing through /proc.
 *  @ret_memory: munmap() it
 *  Return: descriptor, negative errno */
int memfd_new(const char *name, size_t size, void **ret_memory);

/** memfd_reopen_read_only() - a second description that cannot write, to be handed over
 *  Return: descriptor, negative errno */
int memfd_reopen_read_only(int fd);

/** memfd_map_read_only() - map what was handed over; its size and seal are checked
 *  Return: 0; -EBADMSG if it is not sealed against shrinking; other negative errno */
int memfd_map_read_only(int fd, const void **ret_memory, size_t *ret_size);
