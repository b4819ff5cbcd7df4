/* snapshot.c - see snapshot.h */
#include "api/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

enum {
        /* The writer holds a row for well below a microsecond, unless the machine takes its
         * processor away in the middle: then it is given time. Who has waited for 50 ms has met a
         * writer that died there. */
        ROW_TRIES = 250,
        ROW_WAIT_NSEC = 200 * 1000,
};

typedef int (*RowReader)(const BoardView *board, uint32_t index, void *ret);

static int read_pool(const BoardView *board, uint32_t index, void *ret)
{
        return board_view_pool(board, index, ret);
}

static int read_worker(const BoardView *board, uint32_t index, void *ret)
{
        return board_view_worker(board, index, ret);
}

static int read_warning(const BoardView *board, uint32_t index, void *ret)
{
        return board_view_warning(board, index, ret);
}

static bool row_is_read(RowReader reader, const BoardView *board, uint32_t index, void *ret)
{
        const struct timespec wait = { .tv_nsec = ROW_WAIT_NSEC };
        int r = reader(board, index, ret);

        for (unsigned i = 0; i < ROW_TRIES && r == -EAGAIN; i++) {
                (void)nanosleep(&wait, NULL);
                r = reader(board, index, ret);
        }
        return r == 1;
}

/* All rows in use, one behind the other. Return: 0, -ENOMEM */
static int read_table(const BoardView *board, const BoardTable *table, RowReader reader,
                      size_t row_size, void **ret_rows, size_t *ret_count)
{
        AUTO_FREE char *rows = NULL;
        size_t count = 0, capacity = 0;

        for (uint32_t i = 0; i < table->capacity; i++) {
                if (count == capacity) {
                        size_t more = capacity ? capacity * 2 : 16;
                        char *grown = reallocarray(rows, more, row_size);

                        if (!grown)
                                return -ENOMEM;
                        rows = grown;
                        capacity = more;
                }
                if (row_is_read(reader, board, i, rows + count * row_size))
                        count++;
        }
        *ret_rows = TAKE_PTR(rows);
        *ret_count = count;
        return 0;
}

/* ---- pools ---- */

static int by_name(const void *a, const void *b)
{
        const PoolView *one = a, *other = b;

        return strncmp(one->row.name, other->row.name, sizeof(one->row.name));
}

static int fill_pools(Snapshot *snapshot, const BoardView *board)
{
        AUTO_FREE BoardPool *rows = NULL;
        size_t count;
        int r = read_table(board, &board->pools, read_pool, sizeof(BoardPool), (void **)&rows,
                           &count);

        if (r < 0)
                return r;
        snapshot->pools = calloc(count + 1, sizeof(PoolView));
        if (!snapshot->pools)
                return -ENOMEM;
        snapshot->pool_count = count;
        for (size_t i = 0; i < count; i++)
                snapshot->pools[i].row = rows[i];
        qsort(snapshot->pools, count, sizeof(PoolView), by_name);
        return 0;
}

/* ---- workers ---- */

typedef struct WorkerKey {
        uint64_t key; /* place of the pool, then slot */
        const BoardWorker *worker;
} WorkerKey;

static int by_key(const void *a, const void *b)
{
        const WorkerKey *one = a, *other = b;

        return one->key < other->key ? -1 : one->key > other->key;
}

static void pool_count_worker(PoolView *pool, const BoardWorker *worker, size_t index)
{
        if (pool->worker_count++ == 0)
                pool->first_worker = index;
        if (worker->pid <= 0)
                return;
        pool->processes++;
        if (worker->telemetry == BOARD_TELEMETRY_ATTACHED) {
                pool->attached++;
                pool->threads_live += worker->threads_live;
                pool->threads_busy += worker->threads_busy;
                pool->concurrency += worker->busy_mean;
        }
        if (worker->sampled_monotonic_usec == 0)
                return;
        pool->sampled++;
        pool->rss_bytes += worker->rss_bytes;
        if (worker->cpu_ratio >= 0) {
                pool->rated++;
                pool->cpu_ratio += worker->cpu_ratio;
        }
}

/* Pools are few and workers many: find the place of each pool's row once.
 * Return: an array of places by row number, NULL without memory */
static uint32_t *places_of_pools(const Snapshot *snapshot, uint32_t capacity)
{
        uint32_t *places = malloc(((size_t)capacity + 1) * sizeof(*places));

        for (uint32_t i = 0; places && i < capacity; i++)
                places[i] = UINT32_MAX;
        for (size_t i = 0; places && i < snapshot->pool_count; i++)
                if (snapshot->pools[i].row.index < capacity)
                        places[snapshot->pools[i].row.index] = (uint32_t)i;
        return places;
}

static void order_workers(Snapshot *snapshot, WorkerKey *keys, size_t count)
{
        qsort(keys, count, sizeof(*keys), by_key);
        for (size_t i = 0; i < count; i++) {
                snapshot->workers[i] = keys[i].worker;
                pool_count_worker(&snapshot->pools[keys[i].key >> 32], keys[i].worker, i);
        }
        snapshot->worker_count = count;
}

static int fill_workers(Snapshot *snapshot, const BoardView *board)
{
        AUTO_FREE uint32_t *places = places_of_pools(snapshot, board->pools.capacity);
        AUTO_FREE WorkerKey *keys = NULL;
        size_t count, used = 0;
        int r = read_table(board, &board->workers, read_worker, sizeof(BoardWorker),
                           (void **)&snapshot->rows, &count);

        if (r < 0)
                return r;
        keys = calloc(count + 1, sizeof(*keys));
        snapshot->workers = calloc(count + 1, sizeof(*snapshot->workers));
        if (!keys || !places || !snapshot->workers)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                const BoardWorker *row = &snapshot->rows[i];
                uint32_t place = row->pool < board->pools.capacity ? places[row->pool] : UINT32_MAX;

                if (place != UINT32_MAX) /* else its pool goes away at this moment */
                        keys[used++] = (WorkerKey){ .key = (uint64_t)place << 32 | row->slot,
                                                    .worker = row };
        }
        order_workers(snapshot, keys, used);
        return 0;
}

/* ---- the whole ---- */

int snapshot_refresh(Snapshot *snapshot, const BoardView *board)
{
        uint64_t changes = board_view_changes(board);
        AUTO_SNAPSHOT fresh = { .changes = changes, .is_filled = true };
        Snapshot old;
        int r;

        if (snapshot->is_filled && snapshot->changes == changes)
                return 0;
        r = fill_pools(&fresh, board);
        if (r >= 0)
                r = fill_workers(&fresh, board);
        if (r >= 0)
                r = read_table(board, &board->warnings, read_warning, sizeof(BoardWarning),
                               (void **)&fresh.warnings, &fresh.warning_count);
        if (r < 0)
                return r;
        fresh.number = snapshot->number + 1;
        old = *snapshot;
        *snapshot = fresh;
        fresh = old;
        return 0;
}

void snapshot_forget(Snapshot *snapshot)
{
        snapshot->is_filled = false;
}

const PoolView *snapshot_find_pool(const Snapshot *snapshot, const char *name)
{
        size_t low = 0, high = snapshot->pool_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const PoolView *pool = &snapshot->pools[middle];
                int order = strncmp(name, pool->row.name, sizeof(pool->row.name));

                if (order == 0)
                        return pool;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const PoolView *snapshot_pool_of(const Snapshot *snapshot, size_t worker)
{
        const PoolView *pool = snapshot->pools;

        while (worker < pool->first_worker || worker >= pool->first_worker + pool->worker_count)
                pool++; /* every worker of a snapshot lies in one of its pools */
        return pool;
}

ptrdiff_t snapshot_find_worker(const Snapshot *snapshot, int32_t pid)
{
        for (size_t i = 0; pid > 0 && i < snapshot->worker_count; i++)
                if (snapshot->workers[i]->pid == pid)
                        return (ptrdiff_t)i;
        return -1;
}

void snapshot_done(Snapshot *snapshot)
{
        free(snapshot->pools);
        free(snapshot->workers);
        free(snapshot->warnings);
        free(snapshot->rows);
        *snapshot = (Snapshot){ 0 };
}
