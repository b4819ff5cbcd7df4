/* Writing, reading and growing a board in plain memory; refusing a damaged one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "board/board.h"
#include "board/control.h"

enum { EPOCH = 77 };

/* A zeroed, formatted board of its own pages. */
static void *new_board(const BoardCapacity *capacity)
{
        size_t size = board_size(capacity);
        void *memory = aligned_alloc(64, size);

        assert_non_null(memory);
        assert_int_equal(size % 64, 0);
        memset(memory, 0, size);
        assert_int_equal(board_format(memory, size, capacity, EPOCH), 0);
        return memory;
}

static BoardView new_view(const void *memory)
{
        BoardView view;

        assert_int_equal(board_view_init(&view, memory, ((const BoardHeader *)memory)->file_size),
                         0);
        return view;
}

static const BoardCapacity small = { .pools = 3, .workers = 5, .threads = 4 };

static void test_rows_are_there_until_cleared(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        BoardPool pool = { .index = 2, .ready = 4, .name = "web" }, read;

        assert_int_equal(board_view_pool(&view, 2, &read), 0);
        assert_int_equal(board_pool_write(memory, 2, &pool), 0);
        assert_int_equal(board_view_pool(&view, 2, &read), 1);
        assert_string_equal(read.name, "web");
        assert_int_equal(read.ready, 4);
        assert_int_equal(read.used, 1);
        assert_int_equal(board_view_pool(&view, 1, &read), 0);
        board_pool_clear(memory, 2);
        assert_int_equal(board_view_pool(&view, 2, &read), 0);
}

static void test_rows_outside_are_refused(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        BoardPool pool = { 0 };
        BoardWorker worker = { 0 };
        BoardWarning warning = { 0 };

        assert_int_equal(board_pool_write(memory, 3, &pool), -ENOSPC);
        assert_int_equal(board_worker_write(memory, 5, &worker), -ENOSPC);
        assert_int_equal(board_warning_write(memory, BOARD_WARNINGS, &warning), -ENOSPC);
        assert_int_equal(board_view_pool(&view, 3, &pool), 0);
        assert_int_equal(board_view_worker(&view, UINT32_MAX, &worker), 0);
        board_pool_clear(memory, UINT32_MAX);
        assert_int_equal(board_view_changes(&view), 0);
}

static void test_pool_is_found_by_name(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        BoardPool web = { .index = 0, .name = "web" }, cron = { .index = 2, .name = "cron" }, read;

        assert_int_equal(board_pool_write(memory, 0, &web), 0);
        assert_int_equal(board_pool_write(memory, 2, &cron), 0);
        assert_int_equal(board_view_find_pool(&view, "cron", &read), 1);
        assert_int_equal(read.index, 2);
        assert_int_equal(board_view_find_pool(&view, "cro", &read), 0);
        assert_int_equal(board_view_find_pool(&view, "", &read), 0);
}

static void test_every_write_counts(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        BoardWorker worker = { 0 };
        BoardOperation operation = { .id = 1 };
        BoardEvent event = { 0 };
        BoardWarning warning = { 0 };

        assert_int_equal(board_worker_write(memory, 0, &worker), 0);
        assert_int_equal(board_operation_write(memory, &operation), 0);
        assert_int_equal(board_warning_write(memory, 0, &warning), 0);
        (void)board_event_add(memory, &event);
        assert_int_equal(board_view_changes(&view), 4);
        board_worker_clear(memory, 0);
        board_warning_clear(memory, 0);
        board_touch(memory);
        assert_int_equal(board_view_changes(&view), 7);
}

static void test_operation_is_found_until_overwritten(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        AUTO_FREE BoardOperation *operation = calloc(1, sizeof(*operation));

        assert_non_null(operation);
        operation->id = 5;
        operation->pid_count = BOARD_OPERATION_PIDS;
        operation->pids[BOARD_OPERATION_PIDS - 1] =
                BOARD_OPERATION_PID(BOARD_OPERATION_STOPPED, 4194304);
        assert_int_equal(board_operation_write(memory, operation), 0);
        memset(operation, 0, sizeof(*operation));
        assert_int_equal(board_view_operation(&view, 5, operation), 1);
        assert_int_equal(BOARD_OPERATION_KIND_OF(operation->pids[BOARD_OPERATION_PIDS - 1]),
                         BOARD_OPERATION_STOPPED);
        assert_int_equal(BOARD_OPERATION_PID_OF(operation->pids[BOARD_OPERATION_PIDS - 1]),
                         4194304);
        assert_int_equal(board_view_operation(&view, 6, operation), 0);
        operation->id = 5 + BOARD_OPERATIONS;
        assert_int_equal(board_operation_write(memory, operation), 0);
        assert_int_equal(board_view_operation(&view, 5, operation), 0);
        assert_int_equal(board_view_operation(&view, 5 + BOARD_OPERATIONS, operation), 1);
}

static void check_events(const BoardView *view, uint64_t first_expected, uint64_t next_expected)
{
        uint64_t first, next;
        BoardEvent event;

        board_view_event_range(view, &first, &next);
        assert_int_equal(first, first_expected);
        assert_int_equal(next, next_expected);
        for (uint64_t id = first; id < next; id++) {
                assert_int_equal(board_view_event(view, id, &event), 1);
                assert_int_equal(event.id, id);
                assert_int_equal(event.realtime_usec, id * 3);
        }
        assert_int_equal(board_view_event(view, first - 1, &event), 0);
        assert_int_equal(board_view_event(view, next, &event), 0);
}

static void add_events(void *memory, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                BoardEvent event = { .id = 99, /* given by the writer */
                                     .realtime_usec = board_header(memory)->next_event * 3 };
                uint64_t expected = board_header(memory)->next_event;

                assert_int_equal(board_event_add(memory, &event), expected);
        }
}

static void test_event_ids_have_no_gaps(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);

        check_events(&view, 1, 1);
        add_events(memory, 10);
        check_events(&view, 1, 11);
        add_events(memory, BOARD_EVENTS - 10);
        check_events(&view, 1, BOARD_EVENTS + 1);
        add_events(memory, 1);
        check_events(&view, 2, BOARD_EVENTS + 2);
        add_events(memory, 3 * BOARD_EVENTS);
        check_events(&view, 3 * BOARD_EVENTS + 2, 4 * BOARD_EVENTS + 2);
}

static void fill(void *memory)
{
        BoardPool pool = { .index = 1, .name = "web" };
        BoardWorker worker = { .slot = 3, .pid = 4711 };
        BoardOperation operation = { .id = 64 + 7 };
        BoardWarning warning = { .text = "low on disk" };

        assert_int_equal(board_pool_write(memory, 1, &pool), 0);
        assert_int_equal(board_worker_write(memory, 4, &worker), 0);
        assert_int_equal(board_operation_write(memory, &operation), 0);
        assert_int_equal(board_warning_write(memory, 200, &warning), 0);
        add_events(memory, BOARD_EVENTS + 50);
        board_header(memory)->daemon_pid = 42;
        board_touch(memory);
}

static void test_growth_keeps_everything(void **state)
{
        const BoardCapacity larger = { .pools = 30, .workers = 500, .threads = 40 };
        AUTO_FREE void *old = new_board(&small);
        AUTO_FREE void *new = new_board(&larger);
        BoardView view = new_view(new), old_view = new_view(old);
        AUTO_FREE BoardOperation *operation = calloc(1, sizeof(*operation));
        BoardPool pool = { .name = "stale" };
        BoardWorker worker;
        BoardWarning warning;

        fill(old);
        /* What lay in the way is replaced. */
        assert_int_equal(board_pool_write(new, 0, &pool), 0);
        assert_int_equal(board_copy(new, old), 0);
        assert_true(board_view_changes(&view) > board_view_changes(&old_view));
        assert_int_equal(board_view_header(&view)->epoch, EPOCH);
        assert_int_equal(board_view_header(&view)->daemon_pid, 42);
        assert_int_equal(board_view_pool(&view, 0, &pool), 0);
        assert_int_equal(board_view_pool(&view, 1, &pool), 1);
        assert_string_equal(pool.name, "web");
        assert_int_equal(board_view_worker(&view, 4, &worker), 1);
        assert_int_equal(worker.pid, 4711);
        assert_int_equal(board_view_operation(&view, 64 + 7, operation), 1);
        assert_int_equal(board_view_warning(&view, 200, &warning), 1);
        check_events(&view, 51, BOARD_EVENTS + 51);
        add_events(new, 1);
        check_events(&view, 52, BOARD_EVENTS + 52);
        assert_int_equal(board_worker_write(new, 499, &worker), 0);
}

static void test_a_smaller_board_is_no_growth(void **state)
{
        const BoardCapacity smaller = { .pools = 2, .workers = 5, .threads = 4 };
        AUTO_FREE void *old = new_board(&small);
        AUTO_FREE void *new = new_board(&smaller);

        fill(old);
        assert_int_equal(board_copy(new, old), -ENOSPC);
        assert_int_equal(board_header(new)->next_event, 1);
}

static void test_too_little_memory_is_refused(void **state)
{
        size_t size = board_size(&small);
        AUTO_FREE void *memory = aligned_alloc(64, size);
        BoardView view;

        assert_non_null(memory);
        memset(memory, 0, size);
        assert_int_equal(board_format(memory, size - 1, &small, EPOCH), -EINVAL);
        assert_int_equal(board_view_init(&view, memory, size), -EBADMSG);
        assert_int_equal(board_format(memory, size, &small, EPOCH), 0);
        assert_int_equal(board_view_init(&view, memory, size), 0);
        assert_int_equal(board_view_init(&view, memory, size - 1), -EBADMSG);
        assert_int_equal(board_view_init(&view, memory, sizeof(BoardHeader) - 1), -EBADMSG);
        assert_int_equal(board_view_init(&view, memory, 0), -EBADMSG);
        assert_int_equal(board_view_init(&view, (char *)memory + 4, size - 4), -EBADMSG);
}

/* The largest board that a caller can ask for is laid out without overflow. */
static void test_sizes_do_not_overflow(void **state)
{
        const BoardCapacity all = { .pools = UINT32_MAX, .workers = UINT32_MAX };

        assert_true(board_size(&all)
                    > UINT64_C(0xffffffff) * (sizeof(BoardPool) + sizeof(BoardWorker)));
}

static void refuse(const BoardHeader *good, const char *what, size_t size, const BoardHeader *bad)
{
        BoardView view, untouched;
        unsigned char *memory = aligned_alloc(64, size);

        assert_non_null(memory);
        memcpy(memory, good, size);
        memcpy(memory, bad, sizeof(*bad));
        memset(&view, 0x55, sizeof(view));
        untouched = view;
        if (board_view_init(&view, memory, size) != -EBADMSG)
                fail_msg("taken in spite of %s", what);
        assert_memory_equal(&view, &untouched, sizeof(view));
        free(memory);
}

static void test_damaged_headers_are_refused(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        const BoardHeader *good = memory;
        size_t size = good->file_size;
        BoardHeader bad;

#define REFUSE(change) \
        do { \
                bad = *good; \
                bad.change; \
                refuse(good, #change, size, &bad); \
        } while (0)
        REFUSE(magic = 0);
        REFUSE(version++);
        REFUSE(header_size = 8);
        REFUSE(file_size = size + 1);
        REFUSE(pools.offset = 0);
        REFUSE(pools.offset += 4);
        REFUSE(pools.offset = UINT64_MAX - 7);
        REFUSE(workers.offset = size + 8);
        REFUSE(workers.capacity = UINT32_MAX);
        REFUSE(workers.row_size = 0);
        REFUSE(workers.row_size -= 64);
        REFUSE(workers.row_size += 4);
        REFUSE(events.row_size = UINT32_MAX - 7);
        REFUSE(events.capacity = 0);
        REFUSE(operations.capacity = 0);
        REFUSE(operations.offset = size);
        REFUSE(thread_ranges.row_size = 8);
        REFUSE(thread_ranges.offset += 4);
        REFUSE(threads.capacity++);
#undef REFUSE
}

/* Whatever stands in a header that is taken, no row read through it lies outside: the address
 * sanitizer of the test build watches. */
static void test_random_headers_lead_nowhere(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        AUTO_FREE BoardOperation *operation = calloc(1, sizeof(*operation));
        BoardHeader good = *(BoardHeader *)memory;
        size_t size = good.file_size, words = sizeof(good) / 8;
        unsigned taken = 0;

        srandom(1);
        for (unsigned round = 0; round < 20000; round++) {
                BoardView view;
                BoardEvent event;
                BoardPool pool;
                uint64_t *word = (uint64_t *)memory + (size_t)random() % words;

                memcpy(memory, &good, sizeof(good));
                *word = round % 2 ? *word + (uint64_t)random() % 4096
                                  : (uint64_t)random() << (random() % 33);
                if (board_view_init(&view, memory, size) < 0)
                        continue;
                taken++;
                (void)board_view_event(&view, (uint64_t)random(), &event);
                (void)board_view_operation(&view, (uint64_t)random(), operation);
                for (uint32_t i = 0; i < MIN(view.pools.capacity, 64U); i++)
                        (void)board_view_pool(&view, i, &pool);
                if (view.pools.capacity > 0)
                        (void)board_view_pool(&view, view.pools.capacity - 1, &pool);
        }
        assert_true(taken > 0); /* single values may be anything */
        assert_true(taken < 20000);
}

/* A row that a dead writer left half-written is not handed out, and can be written again. */
static void test_half_written_row_is_not_handed_out(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardView view = new_view(memory);
        BoardPool pool = { .name = "web" }, read;
        uint32_t *sequence = (uint32_t *)((char *)memory + view.pools.offset);

        assert_int_equal(board_pool_write(memory, 0, &pool), 0);
        *sequence |= 1;
        assert_int_equal(board_view_pool(&view, 0, &read), -EAGAIN);
        assert_int_equal(board_view_find_pool(&view, "web", &read), -EAGAIN);
        assert_int_equal(board_pool_write(memory, 0, &pool), 0);
        assert_int_equal(board_view_pool(&view, 0, &read), 1);
}

static void test_names_go_both_ways(void **state)
{
        for (int type = 1; type < EVENT_TYPE_COUNT; type++) {
                assert_non_null(event_type_to_name((EventType)type));
                assert_int_equal(event_type_from_name(event_type_to_name((EventType)type)), type);
        }
        for (int i = 1; i < OPERATION_STATE_COUNT; i++)
                assert_int_equal(
                        operation_state_from_name(operation_state_to_name((OperationState)i)), i);
        assert_null(event_type_to_name((EventType)0));
        assert_int_equal(event_type_from_name("worker.unheard-of"), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_are_there_until_cleared),
                cmocka_unit_test(test_rows_outside_are_refused),
                cmocka_unit_test(test_pool_is_found_by_name),
                cmocka_unit_test(test_every_write_counts),
                cmocka_unit_test(test_operation_is_found_until_overwritten),
                cmocka_unit_test(test_event_ids_have_no_gaps),
                cmocka_unit_test(test_growth_keeps_everything),
                cmocka_unit_test(test_a_smaller_board_is_no_growth),
                cmocka_unit_test(test_too_little_memory_is_refused),
                cmocka_unit_test(test_sizes_do_not_overflow),
                cmocka_unit_test(test_damaged_headers_are_refused),
                cmocka_unit_test(test_random_headers_lead_nowhere),
                cmocka_unit_test(test_half_written_row_is_not_handed_out),
                cmocka_unit_test(test_names_go_both_ways),
        };
        return cmocka_run_group_tests_name("board/board", tests, NULL, NULL);
}
