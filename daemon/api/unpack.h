/* unpack.h - the content of a log file that reeve-pack has compressed, from its beginning on
 *
 * Memory is bounded (window and two blocks), whatever the file says; one that is broken ends
 * where it breaks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Unpack Unpack;

/** unpack_is_packed() - whether reeve-pack made the file; @ret_inode: of the original */
bool unpack_is_packed(int fd, uint64_t *ret_inode);

/** unpack_new() - @fd: borrowed; Return: NULL without memory */
Unpack *unpack_new(int fd);
Unpack *unpack_free(Unpack *unpack);

/** unpack_peek() - the next bytes, in the reader's own memory until unpack_take()
 *  Return: how many; 0 at the end */
size_t unpack_peek(Unpack *unpack, const char **ret_bytes);

/** unpack_take() - so many of them are done with */
void unpack_take(Unpack *unpack, size_t length);
