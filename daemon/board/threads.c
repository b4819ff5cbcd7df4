/* threads.c - the threads of the board, both sides; see board.h
 *
 * The number of the round that is being written stands in the header before its first word is
 * stored, and words are stored with release order. So a reader that has copied a word of a later
 * round finds that number when it looks at the header after its copy. */
#include "board/threads.h"

#include <errno.h>

#include "board/board.h"
#include "board/row.h"

enum { READ_ATTEMPTS = 8 };

static uint64_t half_of(const BoardTable *table, uint64_t round)
{
        return round % 2 * (table->capacity / 2);
}

static void *place_of(const void *memory, const BoardTable *table, uint64_t round, uint32_t index)
{
        return (unsigned char *)memory + table->offset
               + (half_of(table, round) + index) * table->row_size;
}

/* ---- writer ---- */

void board_threads_begin(void *memory, BoardThreadRound *ret)
{
        BoardHeader *header = board_header(memory);

        *ret = (BoardThreadRound){ .memory = memory, .number = header->thread_round + 1 };
        __atomic_store_n(&header->thread_writing, ret->number, __ATOMIC_RELAXED);
}

int board_threads_worker(BoardThreadRound *round, uint32_t worker)
{
        const BoardHeader *header = board_header(round->memory);
        const BoardTable *table = &header->thread_ranges;
        BoardThreadRange range = { .round = round->number, .first = round->count };

        if (worker >= table->capacity / 2)
                return -ENOSPC;
        round->range = place_of(round->memory, table, round->number, worker);
        row_store_words((uint64_t *)round->range, (const uint64_t *)&range, sizeof(range) / 8);
        return 0;
}

int board_threads_add(BoardThreadRound *round, const BoardThread *row)
{
        const BoardTable *table = &board_header(round->memory)->threads;

        if (!round->range || round->count >= table->capacity / 2) {
                round->left_out++;
                return -ENOSPC;
        }
        row_store_words(place_of(round->memory, table, round->number, round->count),
                        (const uint64_t *)row, sizeof(*row) / 8);
        round->count++;
        __atomic_store_n(&round->range->count, round->range->count + 1, __ATOMIC_RELEASE);
        return 0;
}

void board_threads_end(BoardThreadRound *round)
{
        BoardHeader *header = board_header(round->memory);

        header->thread_count = round->count;
        header->threads_left_out = round->left_out;
        __atomic_store_n(&header->thread_round, round->number, __ATOMIC_RELEASE);
        board_touch(round->memory);
}

const BoardThread *board_threads_before(const void *memory, uint32_t worker, uint32_t *ret_count)
{
        const BoardHeader *header = memory;
        uint64_t round = header->thread_round;
        const BoardThreadRange *range;

        if (round == 0 || worker >= header->thread_ranges.capacity / 2)
                return NULL;
        range = place_of(memory, &header->thread_ranges, round, worker);
        if (range->round != round || range->count == 0)
                return NULL;
        *ret_count = range->count;
        return place_of(memory, &header->threads, round, range->first);
}

void threads_copy(void *memory_to, const void *memory_from)
{
        const BoardHeader *from = memory_from, *to = board_header(memory_to);
        uint64_t round = from->thread_round;

        for (uint32_t i = 0; i < from->thread_ranges.capacity / 2; i++) {
                const BoardThreadRange *range =
                        place_of(memory_from, &from->thread_ranges, round, i);

                if (range->round == round) /* others were never touched, and stay so */
                        row_store_words(place_of(memory_to, &to->thread_ranges, round, i),
                                        (const uint64_t *)range, sizeof(*range) / 8);
        }
        for (uint32_t i = 0; i < from->thread_count; i++)
                row_store_words(place_of(memory_to, &to->threads, round, i),
                                place_of(memory_from, &from->threads, round, i),
                                sizeof(BoardThread) / 8);
}

/* ---- reader ---- */

static bool is_whole(const BoardView *view, uint64_t round)
{
        const BoardHeader *header = board_view_header(view);

        /* What was copied was loaded with acquire order: this one cannot move before it. */
        return __atomic_load_n(&header->thread_writing, __ATOMIC_RELAXED) <= round + 1;
}

bool board_view_threads_whole(const BoardView *view, const BoardThreads *threads)
{
        return is_whole(view, threads->round);
}

static int range_read(const BoardView *view, uint32_t worker, BoardThreadRange *ret)
{
        const BoardHeader *header = board_view_header(view);
        uint64_t round = __atomic_load_n(&header->thread_round, __ATOMIC_ACQUIRE);

        if (round == 0 || worker >= view->thread_ranges.capacity / 2)
                return 0;
        row_load_words(place_of(view->memory, &view->thread_ranges, round, worker), (uint64_t *)ret,
                       sizeof(*ret) / 8);
        if (!is_whole(view, round))
                return -EAGAIN;
        return ret->round == round && ret->count > 0;
}

int board_view_threads(const BoardView *view, uint32_t worker, BoardThreads *ret)
{
        uint32_t capacity = view->threads.capacity / 2;
        BoardThreadRange range;
        int r = -EAGAIN;

        for (unsigned attempt = 0; r == -EAGAIN && attempt < READ_ATTEMPTS; attempt++)
                r = range_read(view, worker, &range);
        if (r <= 0)
                return r;
        if (range.first > capacity || range.count > capacity - range.first)
                return 0; /* no writer of ours */
        *ret = (BoardThreads){ .rows = place_of(view->memory, &view->threads, range.round,
                                                range.first),
                               .row_size = view->threads.row_size,
                               .count = range.count,
                               .round = range.round };
        return 1;
}

void board_view_thread(const BoardThreads *threads, uint32_t index, BoardThread *ret)
{
        row_load_words((const uint64_t *)(threads->rows + (size_t)index * threads->row_size),
                       (uint64_t *)ret, sizeof(*ret) / 8);
}
