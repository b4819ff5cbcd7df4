/* board.h - writing and reading the shared view (its shape: board/layout.h)
 *
 * Neither side touches a descriptor: the maps are made by the caller (sys/memfd.h), so the board
 * stays pure and is tested in plain memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"
#include "board/layout.h"

DECLARE_NAMES(event_type, EventType);           /* "worker.started" ... */
DECLARE_NAMES(operation_state, OperationState); /* "running", "done", "failed", "rolled-back" */
DECLARE_NAMES(operation_phase, OperationPhase); /* "starting", "growing" ... */

/* ---- writer ---- */

typedef struct BoardCapacity {
        uint32_t pools, workers, threads;
} BoardCapacity;

/** board_size() - Return: bytes that a board of this capacity takes (sparse until written) */
size_t board_size(const BoardCapacity *capacity);

/** board_format() - lay out an empty board
 *  @memory: @size bytes, zeroed, aligned to 64
 *  Return: 0; -EINVAL if @size is too small */
int board_format(void *memory, size_t size, const BoardCapacity *capacity, uint64_t epoch);

/** board_copy() - carry everything over into a larger, freshly formatted board
 *  Row numbers, event ids and the epoch stay; what lay in its rows before is replaced.
 *  Return: 0; -ENOSPC if a table of @memory_to is smaller, with nothing copied */
int board_copy(void *memory_to, const void *memory_from);

/** board_*_write() - replace row @index; `sequence` and `used` of @row are set by the writer
 *  Return: 0; -ENOSPC if the table has no such row (grow the board) */
int board_pool_write(void *memory, uint32_t index, const BoardPool *row);
int board_worker_write(void *memory, uint32_t index, const BoardWorker *row);
int board_operation_write(void *memory, const BoardOperation *row); /* place: id % capacity */
int board_warning_write(void *memory, uint32_t index, const BoardWarning *row);
void board_pool_clear(void *memory, uint32_t index);
void board_worker_clear(void *memory, uint32_t index);
void board_warning_clear(void *memory, uint32_t index);

/** board_event_add() - append to the ring; id is given here; Return: the id */
uint64_t board_event_add(void *memory, const BoardEvent *event);

/** board_header() - for the single values; each is written whole
 *  first_event, next_event, changes and the tables belong to the functions above. */
BoardHeader *board_header(void *memory);

/** board_touch() - count a change made through board_header(), so that readers look again */
void board_touch(void *memory);

/* ---- writer of threads ----
 *
 * A round shows all threads at once: begin, add those of one worker after the other, end. Until
 * then readers see the round before. */

typedef struct BoardThreadRound {
        void *memory;
        uint64_t number;
        uint32_t count, left_out;
        BoardThreadRange *range; /* of the present worker; NULL: none yet */
} BoardThreadRound;

void board_threads_begin(void *memory, BoardThreadRound *ret);

/** board_threads_worker() - the threads that follow belong to the worker in this row
 *  Once a round for each. Return: 0; -ENOSPC if there is no such row */
int board_threads_worker(BoardThreadRound *round, uint32_t worker);

/** board_threads_add() - Return: 0; -ENOSPC, and it is counted as left out */
int board_threads_add(BoardThreadRound *round, const BoardThread *row);

void board_threads_end(BoardThreadRound *round);

/** board_threads_before() - what the last whole round showed of a worker, for the writer
 *  Valid until the round after the present one is begun.
 *  Return: first row, in place, *@ret_count of them; NULL if there are none */
const BoardThread *board_threads_before(const void *memory, uint32_t worker, uint32_t *ret_count);

/* ---- reader ---- */

/* The tables are copied when they are checked: what the writer does to its header later cannot
 * lead a reader out of the map. */
typedef struct BoardView {
        const unsigned char *memory;
        size_t size;
        BoardTable pools, workers, operations, events, warnings, threads, thread_ranges;
} BoardView;

/** board_view_init() - check magic, version and bounds once
 *  @memory: stays the caller's and must outlive the view; aligned to 8
 *  Return: 0; -EBADMSG if it is no board or its tables lie outside */
int board_view_init(BoardView *view, const void *memory, size_t size);

/** board_view_header() - the single values, live; texts in it change rarely and may be torn */
const BoardHeader *board_view_header(const BoardView *view);

/** board_view_changes() - Return: the count of writes so far: equal means nothing happened */
uint64_t board_view_changes(const BoardView *view);

/** board_view_event_range() - ids in the ring now: *@ret_first <= id < *@ret_next */
void board_view_event_range(const BoardView *view, uint64_t *ret_first, uint64_t *ret_next);

/** board_view_*() - copy one row; *@ret is undefined unless 1 is returned
 *  Return: 1 if it is in use and was copied whole; 0 if it is free or there is no such row;
 *  -EAGAIN if the writer kept changing it */
int board_view_pool(const BoardView *view, uint32_t index, BoardPool *ret);
int board_view_worker(const BoardView *view, uint32_t index, BoardWorker *ret);
int board_view_warning(const BoardView *view, uint32_t index, BoardWarning *ret);
/** by id; 0 if that operation was never there or has been overwritten */
int board_view_operation(const BoardView *view, uint64_t id, BoardOperation *ret);
/** by id; 0 if it has left the ring or has not come yet */
int board_view_event(const BoardView *view, uint64_t id, BoardEvent *ret);

/** board_view_find_pool() - Return: 1 and the row; 0 if no pool is called @name; -EAGAIN if
 *  none was found but a row could not be read */
int board_view_find_pool(const BoardView *view, const char *name, BoardPool *ret);

/* ---- reader of threads ---- */

typedef struct BoardThreads {
        const unsigned char *rows;
        uint32_t row_size, count;
        uint64_t round;
} BoardThreads;

/** board_view_threads() - the threads of a worker in the last whole round
 *  @worker: its row
 *  Return: 1; 0 if there is no round, or none of its threads in it; -EAGAIN, try again */
int board_view_threads(const BoardView *view, uint32_t worker, BoardThreads *ret);

/** board_view_thread() - copy one row; @index < threads->count */
void board_view_thread(const BoardThreads *threads, uint32_t index, BoardThread *ret);

/** board_view_threads_whole() - after copying: nothing that was copied was being overwritten
 *  Two rounds of the sampler must have passed meanwhile for it to be false. */
bool board_view_threads_whole(const BoardView *view, const BoardThreads *threads);
