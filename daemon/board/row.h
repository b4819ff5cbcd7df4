/* row.h - one row of the board, written and read without a lock (inside board/ only)
 *
 * A sequence lock: the number is odd while the row is being written; a reader copies the row
 * and takes the copy only if the number was even and is still the same. Every word is an atomic
 * access: the words are stored with release and loaded with acquire order, which ties them to
 * the sequence number without fences (ThreadSanitizer does not know fences) and costs plain
 * moves on x86-64. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What every row begins with. */
typedef struct RowHead {
        uint32_t sequence, used;
} RowHead;

enum { ROW_READ_ATTEMPTS = 64 };

/** row_store_words(), row_load_words() - whole words, with release and acquire order */
void row_store_words(uint64_t *place, const uint64_t *words, size_t count);
void row_load_words(const uint64_t *place, uint64_t *ret_words, size_t count);

/** row_write() - replace the row at @place by @row and mark it used
 *  @size: of the row in bytes, a multiple of 8; its own head is ignored */
void row_write(void *place, const void *row, size_t size);

/** row_clear() - mark the row at @place free; its words stay and mean nothing */
void row_clear(void *place);

/** row_read() - copy a row; *@ret is undefined unless 1 is returned
 *  Return: 1; 0 if the row is free; -EAGAIN if it changed in each of ROW_READ_ATTEMPTS */
int row_read(const void *place, void *ret, size_t size);
