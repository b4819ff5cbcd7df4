/* row.c - see row.h */
#include "board/row.h"

#include <errno.h>

void row_store_words(uint64_t *place, const uint64_t *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                __atomic_store_n(&place[i], words[i], __ATOMIC_RELEASE);
}

void row_load_words(const uint64_t *place, uint64_t *ret_words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                ret_words[i] = __atomic_load_n(&place[i], __ATOMIC_ACQUIRE);
}

/* Return: the even number that ends the write. An odd one found here was left by a writer that
 * died in the midst of a row; the next even one after it will do. */
static uint32_t row_begin(RowHead *head)
{
        uint32_t odd = __atomic_load_n(&head->sequence, __ATOMIC_RELAXED) | 1;

        __atomic_store_n(&head->sequence, odd, __ATOMIC_RELAXED);
        return odd + 1;
}

static void row_end(RowHead *head, uint32_t even, uint32_t used)
{
        __atomic_store_n(&head->used, used, __ATOMIC_RELEASE);
        __atomic_store_n(&head->sequence, even, __ATOMIC_RELEASE);
}

void row_write(void *place, const void *row, size_t size)
{
        uint32_t even = row_begin(place);

        row_store_words((uint64_t *)place + 1, (const uint64_t *)row + 1, size / 8 - 1);
        row_end(place, even, 1);
}

void row_clear(void *place)
{
        row_end(place, row_begin(place), 0);
}

static int row_read_once(const RowHead *head, void *ret, size_t size)
{
        uint32_t before = __atomic_load_n(&head->sequence, __ATOMIC_ACQUIRE);
        RowHead copy = { .sequence = before };

        copy.used = __atomic_load_n(&head->used, __ATOMIC_ACQUIRE);
        if (copy.used) {
                row_load_words((const uint64_t *)head + 1, (uint64_t *)ret + 1, size / 8 - 1);
                *(RowHead *)ret = copy;
        }
        /* The loads above are acquires: this one cannot move before them. */
        if (before % 2 || __atomic_load_n(&head->sequence, __ATOMIC_RELAXED) != before)
                return -EAGAIN;
        return copy.used ? 1 : 0;
}

int row_read(const void *place, void *ret, size_t size)
{
        int r = -EAGAIN;

        for (unsigned attempt = 0; r == -EAGAIN && attempt < ROW_READ_ATTEMPTS; attempt++)
                r = row_read_once(place, ret, size);
        return r;
}
