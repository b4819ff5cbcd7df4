/* Threads of the board: rounds that are shown whole, growth, and readers that come too late. */
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

static void *new_board(const BoardCapacity *capacity)
{
        size_t size = board_size(capacity);
        void *memory = aligned_alloc(64, (size + 63) / 64 * 64);

        assert_non_null(memory);
        memset(memory, 0, size);
        assert_int_equal(board_format(memory, size, capacity, 7), 0);
        return memory;
}

static const BoardCapacity small = { .pools = 1, .workers = 3, .threads = 5 };

static void view(const void *memory, BoardView *ret)
{
        const BoardHeader *header = memory;

        assert_int_equal(board_view_init(ret, memory, header->file_size), 0);
}

/* A round with @count threads of worker 1 and one of worker 2. */
static void write_round(void *memory, unsigned count, int first_tid)
{
        BoardThreadRound round;

        board_threads_begin(memory, &round);
        assert_int_equal(board_threads_worker(&round, 1), 0);
        for (unsigned i = 0; i < count; i++) {
                BoardThread row = { .tid = first_tid + (int)i, .start_ticks = 100 + i };

                (void)snprintf(row.name, sizeof(row.name), "t%u", i);
                assert_int_equal(board_threads_add(&round, &row), 0);
        }
        assert_int_equal(board_threads_worker(&round, 2), 0);
        assert_int_equal(board_threads_add(&round, &(BoardThread){ .tid = 999 }), 0);
        board_threads_end(&round);
}

static void check_round(const void *memory, unsigned count, int first_tid)
{
        BoardThreads threads;
        BoardThread row;
        BoardView board;

        view(memory, &board);
        assert_int_equal(board_view_threads(&board, 0, &threads), 0);
        assert_int_equal(board_view_threads(&board, 1, &threads), count > 0);
        for (unsigned i = 0; i < count; i++) {
                assert_int_equal(threads.count, count);
                board_view_thread(&threads, i, &row);
                assert_int_equal(row.tid, first_tid + (int)i);
        }
        assert_int_equal(board_view_threads(&board, 2, &threads), 1);
        board_view_thread(&threads, 0, &row);
        assert_int_equal(row.tid, 999);
        assert_true(board_view_threads_whole(&board, &threads));
}

static void test_rounds_follow_one_another(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardThreads threads;
        BoardView board;
        uint64_t changes;

        view(memory, &board);
        assert_int_equal(board_view_threads(&board, 1, &threads), 0); /* none was written yet */
        changes = board_view_changes(&board);
        write_round(memory, 2, 10);
        check_round(memory, 2, 10);
        assert_true(board_view_changes(&board) > changes);
        write_round(memory, 4, 20);
        check_round(memory, 4, 20);
        write_round(memory, 0, 0);
        check_round(memory, 0, 0);
        assert_int_equal(board_header(memory)->thread_count, 1);
}

static void test_a_round_is_not_seen_before_its_end(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardThreadRound round;

        write_round(memory, 2, 10);
        board_threads_begin(memory, &round);
        check_round(memory, 2, 10);
        assert_int_equal(board_threads_worker(&round, 1), 0);
        assert_int_equal(board_threads_add(&round, &(BoardThread){ .tid = 1 }), 0);
        check_round(memory, 2, 10);
        board_threads_end(&round);
}

/* One round later what is being read still stands; two rounds later it may not. */
static void test_a_reader_that_is_too_slow_is_told(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardThreadRound round;
        BoardThreads threads;
        BoardView board;

        write_round(memory, 2, 10);
        view(memory, &board);
        assert_int_equal(board_view_threads(&board, 1, &threads), 1);
        write_round(memory, 3, 20);
        assert_true(board_view_threads_whole(&board, &threads));
        board_threads_begin(memory, &round);
        assert_false(board_view_threads_whole(&board, &threads));
        board_threads_end(&round);
        assert_false(board_view_threads_whole(&board, &threads));
}

static void test_what_has_no_room_is_counted(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        BoardThreadRound round;

        board_threads_begin(memory, &round);
        assert_int_equal(board_threads_add(&round, &(BoardThread){ .tid = 1 }), -ENOSPC);
        assert_int_equal(board_threads_worker(&round, 3), -ENOSPC);
        assert_int_equal(board_threads_worker(&round, 2), 0);
        for (int i = 0; i < 7; i++)
                assert_int_equal(board_threads_add(&round, &(BoardThread){ .tid = i }),
                                 i < 5 ? 0 : -ENOSPC);
        board_threads_end(&round);
        assert_int_equal(board_header(memory)->thread_count, 5);
        assert_int_equal(board_header(memory)->threads_left_out, 3);
}

static void test_growth_keeps_the_last_round(void **state)
{
        const BoardCapacity larger = { .pools = 1, .workers = 30, .threads = 500 };
        const BoardCapacity fewer = { .pools = 1, .workers = 30, .threads = 4 };
        AUTO_FREE void *memory = new_board(&small), *grown = new_board(&larger),
                       *lesser = new_board(&fewer);
        uint32_t count = 0;

        write_round(memory, 2, 10);
        write_round(memory, 4, 20);
        assert_int_equal(board_copy(grown, memory), 0);
        check_round(grown, 4, 20);
        assert_non_null(board_threads_before(grown, 1, &count));
        assert_int_equal(count, 4);
        write_round(grown, 40, 30);
        check_round(grown, 40, 30);
        assert_int_equal(board_copy(lesser, memory), -ENOSPC);
}

static void test_the_writer_finds_the_round_before(void **state)
{
        AUTO_FREE void *memory = new_board(&small);
        const BoardThread *before;
        BoardThreadRound round;
        uint32_t count = 0;

        assert_null(board_threads_before(memory, 1, &count));
        write_round(memory, 3, 10);
        board_threads_begin(memory, &round);
        before = board_threads_before(memory, 1, &count);
        assert_non_null(before);
        assert_int_equal(count, 3);
        assert_int_equal(before[2].tid, 12);
        assert_null(board_threads_before(memory, 0, &count));
        assert_null(board_threads_before(memory, 3, &count));
        board_threads_end(&round);
        assert_null(board_threads_before(memory, 1, &count)); /* the last one had none */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rounds_follow_one_another),
                cmocka_unit_test(test_a_round_is_not_seen_before_its_end),
                cmocka_unit_test(test_a_reader_that_is_too_slow_is_told),
                cmocka_unit_test(test_what_has_no_room_is_counted),
                cmocka_unit_test(test_growth_keeps_the_last_round),
                cmocka_unit_test(test_the_writer_finds_the_round_before),
        };
        return cmocka_run_group_tests_name("board/threads", tests, NULL, NULL);
}
