/* board.c - the writing side, see board.h
 *
 * The tables follow the header, each row on cache lines of its own, so that a reader of one row
 * never waits for a line that the writer is filling for another. The order of the tables is not
 * part of the contract: readers go by the offsets in the header. */
#include "board/board.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "board/row.h"
#include "board/threads.h"

enum { LINE_SIZE = 64, TABLE_COUNT = 7 };

static size_t line_up(size_t size)
{
        return (size + LINE_SIZE - 1) / LINE_SIZE * LINE_SIZE;
}

/* Lay the tables out behind the header. Return: the size of it all. */
static size_t board_lay_out(const BoardCapacity *capacity, BoardHeader *header)
{
        const struct {
                BoardTable *table;
                size_t row_size;
                uint32_t capacity;
        } plan[TABLE_COUNT] = {
                { &header->pools, sizeof(BoardPool), capacity->pools },
                { &header->workers, sizeof(BoardWorker), capacity->workers },
                { &header->operations, sizeof(BoardOperation), BOARD_OPERATIONS },
                { &header->events, sizeof(BoardEvent), BOARD_EVENTS },
                { &header->warnings, sizeof(BoardWarning), BOARD_WARNINGS },
                { &header->thread_ranges, sizeof(BoardThreadRange), capacity->workers * 2 },
                { &header->threads, sizeof(BoardThread), capacity->threads * 2 },
        };
        size_t offset = line_up(sizeof(BoardHeader));

        for (size_t i = 0; i < TABLE_COUNT; i++) {
                size_t row_size = line_up(plan[i].row_size);

                *plan[i].table = (BoardTable){ .offset = offset,
                                               .row_size = (uint32_t)row_size,
                                               .capacity = plan[i].capacity };
                /* 32-bit counts of rows of some kilobytes: no overflow in 64 bits. */
                offset += row_size * plan[i].capacity;
        }
        return offset;
}

static_assert(sizeof(size_t) == 8, "sizes of boards are computed in 64 bits");

size_t board_size(const BoardCapacity *capacity)
{
        BoardHeader header;

        return board_lay_out(capacity, &header);
}

int board_format(void *memory, size_t size, const BoardCapacity *capacity, uint64_t epoch)
{
        BoardHeader header = { .version = BOARD_VERSION,
                               .header_size = sizeof(header),
                               .epoch = epoch,
                               .first_event = 1,
                               .next_event = 1 };

        header.file_size = board_lay_out(capacity, &header);
        if (size < header.file_size)
                return -EINVAL;
        memcpy(memory, &header, sizeof(header));
        /* Last, so that nobody takes a half-made board for one. */
        __atomic_store_n(&board_header(memory)->magic, BOARD_MAGIC, __ATOMIC_RELEASE);
        return 0;
}

BoardHeader *board_header(void *memory)
{
        return memory;
}

void board_touch(void *memory)
{
        uint64_t *changes = &board_header(memory)->changes;

        /* There is one writer: an increment needs no locked instruction. */
        __atomic_store_n(changes, *changes + 1, __ATOMIC_RELEASE);
}

static void *row_at(void *memory, const BoardTable *table, uint64_t index)
{
        return (unsigned char *)memory + table->offset + index * table->row_size;
}

static int table_write(void *memory, const BoardTable *table, uint32_t index, const void *row,
                       size_t size)
{
        if (index >= table->capacity)
                return -ENOSPC;
        row_write(row_at(memory, table, index), row, size);
        board_touch(memory);
        return 0;
}

static void table_clear(void *memory, const BoardTable *table, uint32_t index)
{
        if (index >= table->capacity)
                return;
        row_clear(row_at(memory, table, index));
        board_touch(memory);
}

int board_pool_write(void *memory, uint32_t index, const BoardPool *row)
{
        return table_write(memory, &board_header(memory)->pools, index, row, sizeof(*row));
}

int board_worker_write(void *memory, uint32_t index, const BoardWorker *row)
{
        return table_write(memory, &board_header(memory)->workers, index, row, sizeof(*row));
}

int board_warning_write(void *memory, uint32_t index, const BoardWarning *row)
{
        return table_write(memory, &board_header(memory)->warnings, index, row, sizeof(*row));
}

int board_operation_write(void *memory, const BoardOperation *row)
{
        const BoardTable *table = &board_header(memory)->operations;

        return table_write(memory, table, (uint32_t)(row->id % table->capacity), row, sizeof(*row));
}

void board_pool_clear(void *memory, uint32_t index)
{
        table_clear(memory, &board_header(memory)->pools, index);
}

void board_worker_clear(void *memory, uint32_t index)
{
        table_clear(memory, &board_header(memory)->workers, index);
}

void board_warning_clear(void *memory, uint32_t index)
{
        table_clear(memory, &board_header(memory)->warnings, index);
}

/* The oldest event leaves the range before its place is taken, and the new one joins the range
 * once it is whole; a reader that comes in between finds an id that is not the one it asked for. */
static void event_put(void *memory, const BoardEvent *event)
{
        BoardHeader *header = board_header(memory);
        uint64_t next = event->id + 1;

        if (next - header->first_event > header->events.capacity)
                __atomic_store_n(&header->first_event, next - header->events.capacity,
                                 __ATOMIC_RELEASE);
        row_write(row_at(memory, &header->events, event->id % header->events.capacity), event,
                  sizeof(*event));
        __atomic_store_n(&header->next_event, next, __ATOMIC_RELEASE);
        board_touch(memory);
}

uint64_t board_event_add(void *memory, const BoardEvent *event)
{
        BoardEvent numbered = *event;

        numbered.id = board_header(memory)->next_event;
        event_put(memory, &numbered);
        return numbered.id;
}

/* ---- growth ---- */

static void copy_rows(void *memory_to, const BoardTable *to, const BoardView *from_view,
                      const BoardTable *from, size_t size)
{
        const unsigned char *row = from_view->memory + from->offset;

        for (uint32_t i = 0; i < from->capacity; i++, row += from->row_size) {
                if (((const RowHead *)row)->used)
                        row_write(row_at(memory_to, to, i), row, size);
                else
                        row_clear(row_at(memory_to, to, i));
        }
}

static void copy_events(void *memory_to, const BoardView *from)
{
        BoardHeader *to = board_header(memory_to);
        BoardEvent event;
        uint64_t first, next;

        board_view_event_range(from, &first, &next);
        to->first_event = first;
        to->next_event = first;
        for (uint64_t id = first; id < next; id++)
                if (board_view_event(from, id, &event) > 0)
                        event_put(memory_to, &event);
}

/* All of the header but what describes the new file itself. */
static void copy_header(BoardHeader *to, const BoardHeader *from)
{
        BoardHeader merged = *from;

        merged.header_size = to->header_size;
        merged.file_size = to->file_size;
        merged.pools = to->pools;
        merged.workers = to->workers;
        merged.operations = to->operations;
        merged.events = to->events;
        merged.warnings = to->warnings;
        merged.threads = to->threads;
        merged.thread_ranges = to->thread_ranges;
        *to = merged;
}

int board_copy(void *memory_to, const void *memory_from)
{
        BoardHeader *to = board_header(memory_to);
        const BoardHeader *header = memory_from;
        BoardView from;
        int r = board_view_init(&from, memory_from, header->file_size);

        if (r < 0)
                return r;
        if (to->pools.capacity < from.pools.capacity || to->workers.capacity < from.workers.capacity
            || to->warnings.capacity < from.warnings.capacity
            || to->threads.capacity < from.threads.capacity
            || to->operations.capacity != from.operations.capacity
            || to->events.capacity != from.events.capacity)
                return -ENOSPC;
        copy_header(to, header);
        copy_rows(memory_to, &to->pools, &from, &from.pools, sizeof(BoardPool));
        copy_rows(memory_to, &to->workers, &from, &from.workers, sizeof(BoardWorker));
        copy_rows(memory_to, &to->operations, &from, &from.operations, sizeof(BoardOperation));
        copy_rows(memory_to, &to->warnings, &from, &from.warnings, sizeof(BoardWarning));
        copy_events(memory_to, &from);
        threads_copy(memory_to, memory_from);
        board_touch(memory_to);
        return 0;
}
