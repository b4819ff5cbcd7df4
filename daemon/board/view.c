/* view.c - the reading side, see board.h */
#include <errno.h>
#include <string.h>

#include "board/board.h"
#include "board/row.h"

/* Sizes are compared by division, since a product of what the file says could overflow. */
static bool table_is_inside(const BoardTable *table, size_t row_size, size_t file_size)
{
        return table->row_size >= row_size && table->row_size % 8 == 0 && table->offset % 8 == 0
               && table->offset >= sizeof(BoardHeader) && table->offset <= file_size
               && table->capacity <= (file_size - table->offset) / table->row_size;
}

static bool header_is_sound(const BoardHeader *header, size_t size)
{
        return header->magic == BOARD_MAGIC && header->version == BOARD_VERSION
               && header->header_size >= sizeof(*header) && header->file_size <= size
               && table_is_inside(&header->pools, sizeof(BoardPool), size)
               && table_is_inside(&header->workers, sizeof(BoardWorker), size)
               && table_is_inside(&header->operations, sizeof(BoardOperation), size)
               && table_is_inside(&header->events, sizeof(BoardEvent), size)
               && table_is_inside(&header->warnings, sizeof(BoardWarning), size)
               && table_is_inside(&header->threads, sizeof(BoardThread), size)
               && table_is_inside(&header->thread_ranges, sizeof(BoardThreadRange), size)
               /* Ids are divided by these two. */
               && header->operations.capacity > 0 && header->events.capacity > 0;
}

int board_view_init(BoardView *view, const void *memory, size_t size)
{
        BoardHeader header;

        if (size < sizeof(header) || (uintptr_t)memory % 8 != 0)
                return -EBADMSG;
        memcpy(&header, memory, sizeof(header));
        if (!header_is_sound(&header, size))
                return -EBADMSG;
        *view = (BoardView){ .memory = memory,
                             .size = size,
                             .pools = header.pools,
                             .workers = header.workers,
                             .operations = header.operations,
                             .events = header.events,
                             .warnings = header.warnings,
                             .threads = header.threads,
                             .thread_ranges = header.thread_ranges };
        return 0;
}

const BoardHeader *board_view_header(const BoardView *view)
{
        return (const BoardHeader *)view->memory;
}

uint64_t board_view_changes(const BoardView *view)
{
        return __atomic_load_n(&board_view_header(view)->changes, __ATOMIC_ACQUIRE);
}

void board_view_event_range(const BoardView *view, uint64_t *ret_first, uint64_t *ret_next)
{
        const BoardHeader *header = board_view_header(view);

        /* next first: read the other way round, first could have passed it by then. */
        uint64_t next = __atomic_load_n(&header->next_event, __ATOMIC_ACQUIRE);
        uint64_t first = __atomic_load_n(&header->first_event, __ATOMIC_ACQUIRE);

        *ret_next = next;
        *ret_first = first < next ? first : next;
}

static int table_read(const BoardView *view, const BoardTable *table, uint64_t index, void *ret,
                      size_t size)
{
        if (index >= table->capacity)
                return 0;
        return row_read(view->memory + table->offset + index * table->row_size, ret, size);
}

int board_view_pool(const BoardView *view, uint32_t index, BoardPool *ret)
{
        return table_read(view, &view->pools, index, ret, sizeof(*ret));
}

int board_view_worker(const BoardView *view, uint32_t index, BoardWorker *ret)
{
        return table_read(view, &view->workers, index, ret, sizeof(*ret));
}

int board_view_warning(const BoardView *view, uint32_t index, BoardWarning *ret)
{
        return table_read(view, &view->warnings, index, ret, sizeof(*ret));
}

int board_view_operation(const BoardView *view, uint64_t id, BoardOperation *ret)
{
        int r = table_read(view, &view->operations, id % view->operations.capacity, ret,
                           sizeof(*ret));

        return r == 1 && ret->id != id ? 0 : r;
}

int board_view_event(const BoardView *view, uint64_t id, BoardEvent *ret)
{
        int r = table_read(view, &view->events, id % view->events.capacity, ret, sizeof(*ret));

        return r == 1 && ret->id != id ? 0 : r;
}

int board_view_find_pool(const BoardView *view, const char *name, BoardPool *ret)
{
        int found = 0;

        for (uint32_t i = 0; found != 1 && i < view->pools.capacity; i++) {
                int r = board_view_pool(view, i, ret);

                if (r == 1 && strncmp(ret->name, name, sizeof(ret->name)) == 0)
                        found = 1;
                else if (r < 0)
                        found = r; /* it may have been this one */
        }
        return found;
}
