/* A writer hammers the board while a reader checks that no row is ever torn: once as a thread,
 * so that ThreadSanitizer can look, and once as a process over shared memory, as in life. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/board.h"

enum { ROWS_WANTED = 5000, ATTEMPTS_MAX = 50 * 1000 * 1000 };

static const BoardCapacity capacity = { .pools = 2, .workers = 2 };

typedef struct Shared {
        uint32_t stop;
        void *board;
} Shared;

/* All bytes of the texts of a row carry the same letter, and its numbers agree with it. */
static void write_round(void *board, uint64_t round)
{
        BoardPool pool = { .generation = round, .restarts = round, .has_throughput = round };
        BoardEvent event = { .realtime_usec = round };
        char letter = (char)('a' + round % 26);

        memset(pool.name, letter, sizeof(pool.name));
        memset(pool.last_error, letter, sizeof(pool.last_error));
        memset(event.detail, letter, sizeof(event.detail));
        (void)board_pool_write(board, 0, &pool);
        if (round % 8 == 0)
                board_pool_clear(board, 0);
        (void)board_event_add(board, &event);
}

static void hammer(Shared *shared)
{
        for (uint64_t round = 1; !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED); round++)
                write_round(shared->board, round);
}

static bool is_filled(const char *bytes, size_t length, char letter)
{
        for (size_t i = 0; i < length; i++)
                if (bytes[i] != letter)
                        return false;
        return true;
}

static bool pool_is_whole(const BoardPool *pool)
{
        char letter = (char)('a' + pool->generation % 26);

        return pool->restarts == pool->generation && pool->has_throughput == pool->generation
               && is_filled(pool->name, sizeof(pool->name), letter)
               && is_filled(pool->last_error, sizeof(pool->last_error), letter);
}

static void check_events(const BoardView *view)
{
        uint64_t first, next;
        BoardEvent event;

        board_view_event_range(view, &first, &next);
        assert_true(first <= next && next - first <= BOARD_EVENTS);
        for (unsigned i = 0; i < 2; i++) {
                uint64_t id = i == 0 ? first : next - 1; /* the oldest is about to go */

                if (id == 0 || board_view_event(view, id, &event) != 1)
                        continue;
                assert_int_equal(event.id, id);
                assert_true(is_filled(event.detail, sizeof(event.detail),
                                      (char)('a' + event.realtime_usec % 26)));
        }
}

/* Read until enough rows came whole and they have changed in between. */
static void read_rows(void *board)
{
        unsigned whole = 0, changed = 0, attempts = 0;
        uint64_t last = 0;
        BoardView view;
        BoardPool pool;

        assert_int_equal(board_view_init(&view, board, board_size(&capacity)), 0);
        while ((whole < ROWS_WANTED || changed < 100) && attempts++ < ATTEMPTS_MAX) {
                int r = board_view_pool(&view, 0, &pool);

                if (r == 1) {
                        assert_true(pool_is_whole(&pool));
                        assert_true(pool.generation >= last);
                        changed += pool.generation != last;
                        last = pool.generation;
                        whole++;
                } else {
                        assert_true(r == 0 || r == -EAGAIN);
                }
                check_events(&view);
        }
        assert_true(whole >= ROWS_WANTED);
        assert_true(changed >= 100);
}

static Shared *new_shared(void)
{
        size_t size = board_size(&capacity);
        unsigned char *memory =
                mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        Shared *shared = (Shared *)memory;

        assert_ptr_not_equal(memory, MAP_FAILED);
        shared->board = memory + 4096;
        assert_int_equal(board_format(shared->board, size, &capacity, 1), 0);
        return shared;
}

static void free_shared(Shared *shared)
{
        assert_int_equal(munmap(shared, board_size(&capacity) + 4096), 0);
}

static void *hammer_thread(void *shared)
{
        hammer(shared);
        return NULL;
}

static void test_thread(void **state)
{
        Shared *shared = new_shared();
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, hammer_thread, shared), 0);
        read_rows(shared->board);
        __atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        free_shared(shared);
}

static void test_process(void **state)
{
        Shared *shared = new_shared();
        pid_t parent = getpid(), child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() == parent)
                        hammer(shared);
                _exit(0);
        }
        read_rows(shared->board);
        __atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        free_shared(shared);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_thread),
                cmocka_unit_test(test_process),
        };
        return cmocka_run_group_tests_name("board/torn", tests, NULL, NULL);
}
