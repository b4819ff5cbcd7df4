/* threads.c - threads as JSON: the list of a worker's, or one with all that is known
 *
 * They are read from the board when they are asked for, not copied with the snapshot: a page of 200
 * out of 10,000 threads reads 200 rows, and of the others the two values that tell their order.
 * Threads are listed as they were made: a cursor, "start:tid" of the last one, holds while others
 * come and go. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "base/units.h"
#include "model/thread.h"
#include "sys/clock.h"

enum { READ_ATTEMPTS = 8, CURSOR_SIZE = 48 };

typedef struct ThreadKey {
        uint64_t start_ticks;
        int32_t tid;
        uint32_t index; /* of its row */
} ThreadKey;

/* ---- one row ---- */

/* The gap of @field as a null; Return: false if there is none and the value is to be written. */
static bool write_gap(Writer *writer, const BoardThread *row, ThreadField field, const char *key)
{
        const char *reason = thread_gap_to_reason(thread_gap(row->gaps, field));

        if (reason)
                writer_because(writer, key, reason);
        return reason;
}

static void write_wait(Writer *writer, const BoardThread *row)
{
        writer_string(writer, "state", thread_state_to_name((ThreadState)row->state));
        if (!write_gap(writer, row, THREAD_WAITING_ON, "waiting_on"))
                writer_string(writer, "waiting_on", waiting_on_to_name((WaitingOn)row->waiting_on));
        if (!write_gap(writer, row, THREAD_WAIT_CHANNEL, "wait_channel"))
                writer_bytes(writer, "wait_channel", row->wait_channel,
                             strnlen(row->wait_channel, sizeof(row->wait_channel)));
}

static void write_times(Writer *writer, const BoardThread *row)
{
        writer_integer(writer, "cpu", row->last_cpu);
        if (!write_gap(writer, row, THREAD_CPU_RATIO, "cpu_ratio"))
                writer_ratio(writer, "cpu_ratio", row->cpu_ratio);
        writer_seconds(writer, "user_seconds", row->user_usec);
        writer_seconds(writer, "system_seconds", row->system_usec);
        if (!write_gap(writer, row, THREAD_RUN_DELAY, "run_delay_seconds"))
                writer_seconds(writer, "run_delay_seconds", row->run_delay_nsec / NSEC_PER_USEC);
        if (!write_gap(writer, row, THREAD_BLOCK_DELAY, "block_delay_seconds"))
                writer_seconds(writer, "block_delay_seconds",
                               row->block_delay_nsec / NSEC_PER_USEC);
}

static void write_counts(Writer *writer, const BoardThread *row)
{
        if (!write_gap(writer, row, THREAD_SWITCHES, "voluntary_switches"))
                writer_number(writer, "voluntary_switches", row->voluntary_switches);
        if (!write_gap(writer, row, THREAD_SWITCHES, "involuntary_switches"))
                writer_number(writer, "involuntary_switches", row->involuntary_switches);
        writer_number(writer, "minor_faults", row->minor_faults);
        writer_number(writer, "major_faults", row->major_faults);
}

static void write_task(Writer *writer, const BoardThread *row)
{
        size_t length = strnlen(row->task, sizeof(row->task));

        if (write_gap(writer, row, THREAD_TASK, "task"))
                return;
        if (length > 0)
                writer_bytes(writer, "task", row->task, length);
        else
                writer_null(writer, "task"); /* it says that it has none */
}

/* Of one that was listed and not looked at yet, only the number is known. */
static void write_unseen(Writer *writer)
{
        static const char *const keys[] = { "name",
                                            "state",
                                            "waiting_on",
                                            "wait_channel",
                                            "cpu",
                                            "cpu_ratio",
                                            "user_seconds",
                                            "system_seconds",
                                            "run_delay_seconds",
                                            "block_delay_seconds",
                                            "voluntary_switches",
                                            "involuntary_switches",
                                            "minor_faults",
                                            "major_faults",
                                            "task",
                                            "sample_age_seconds" };

        static_assert(COUNT_OF(keys) <= WRITER_REASONS_MAX, "each is told");
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                writer_because(writer, keys[i], thread_gap_to_reason(THREAD_GAP_NOT_YET));
}

static void write_seen(Writer *writer, const BoardThread *row)
{
        uint64_t now = now_usec(), taken = row->sampled_monotonic_usec;

        writer_bytes(writer, "name", row->name, strnlen(row->name, sizeof(row->name)));
        write_wait(writer, row);
        write_times(writer, row);
        write_counts(writer, row);
        write_task(writer, row);
        writer_seconds(writer, "sample_age_seconds", now > taken ? now - taken : 0);
}

static void write_row(Writer *writer, const PoolView *pool, const BoardWorker *worker,
                      const BoardThread *row)
{
        writer_integer(writer, "tid", row->tid);
        writer_integer(writer, "pid", worker->pid);
        writer_string(writer, "pool", pool->row.name);
        writer_number(writer, "slot", worker->slot);
        if (row->sampled_monotonic_usec > 0)
                write_seen(writer, row);
        else
                write_unseen(writer);
}

/* ---- finding rows ---- */

static int by_age(const void *left, const void *right)
{
        const ThreadKey *a = left, *b = right;

        if (a->start_ticks != b->start_ticks)
                return a->start_ticks < b->start_ticks ? -1 : 1;
        return (a->tid > b->tid) - (a->tid < b->tid);
}

/* The kernel mostly has them in this order already. */
static void sort_keys(ThreadKey *keys, size_t count)
{
        for (size_t i = 1; i < count; i++)
                if (by_age(&keys[i - 1], &keys[i]) > 0) {
                        qsort(keys, count, sizeof(*keys), by_age);
                        return;
                }
}

static void read_keys(const BoardThreads *threads, ThreadKey *ret_keys)
{
        for (uint32_t i = 0; i < threads->count; i++) {
                const BoardThread *row =
                        (const void *)(threads->rows + (size_t)i * threads->row_size);

                ret_keys[i] = (ThreadKey){ .start_ticks = __atomic_load_n(&row->start_ticks,
                                                                          __ATOMIC_RELAXED),
                                           .tid = __atomic_load_n(&row->tid, __ATOMIC_RELAXED),
                                           .index = i };
        }
}

/* A cursor that cannot be read is that of the beginning. */
static size_t skip_to(const ThreadKey *keys, size_t count, const char *cursor)
{
        ThreadKey last = { 0 };
        size_t first = 0;
        int tid;

        if (!cursor || sscanf(cursor, "%" SCNu64 ":%d", &last.start_ticks, &tid) != 2)
                return 0;
        last.tid = tid;
        while (first < count && by_age(&keys[first], &last) <= 0)
                first++;
        return first;
}

/* Copied rows of one page, or of one thread. */
typedef struct Rows {
        BoardThread *rows;
        size_t count;
        bool is_more;
} Rows;

static void rows_done(Rows *rows)
{
        free(rows->rows);
        *rows = (Rows){ 0 };
}
#define AUTO_ROWS CLEANUP(rows_done) Rows

static int copy_rows(const BoardThreads *threads, const ThreadKey *keys, size_t count, Rows *ret)
{
        ret->rows = calloc(count + 1, sizeof(*ret->rows));
        if (!ret->rows)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                board_view_thread(threads, keys[i].index, &ret->rows[i]);
        ret->count = count;
        return 0;
}

/* @tid: the only one that is wanted; 0: a page of them */
static int read_once(const BoardView *board, const BoardThreads *threads, const Page *page,
                     int32_t tid, Rows *ret)
{
        AUTO_FREE ThreadKey *keys = calloc(threads->count, sizeof(*keys));
        size_t first = 0, count = threads->count;
        int r;

        if (!keys)
                return -ENOMEM;
        read_keys(threads, keys);
        if (tid > 0) {
                while (first < count && keys[first].tid != tid)
                        first++;
                count = first < count;
        } else {
                sort_keys(keys, count);
                first = skip_to(keys, count, page->cursor);
                count = MIN(count - first, page->limit);
        }
        ret->is_more = tid == 0 && first + count < threads->count;
        r = copy_rows(threads, keys + first, count, ret);
        if (r == 0 && !board_view_threads_whole(board, threads))
                r = -EAGAIN;
        return r;
}

/* Return: 0; -EAGAIN if the sampler was faster each time, -ENOMEM */
static int read_rows(const BoardView *board, const BoardWorker *worker, const Page *page,
                     int32_t tid, Rows *ret)
{
        BoardThreads threads;
        int r = -EAGAIN;

        for (unsigned attempt = 0; r == -EAGAIN && attempt < READ_ATTEMPTS; attempt++) {
                rows_done(ret);
                r = board_view_threads(board, worker->index, &threads);
                if (r <= 0)
                        return r;
                r = read_once(board, &threads, page, tid, ret);
        }
        return r;
}

static void refuse_reading(Call *call, int error)
{
        call_refuse(call, error == -EAGAIN ? REEVE_ERROR_BUSY : REEVE_ERROR_INTERNAL,
                    "The threads could not be read: %s.", strerror(-error));
}

/* ---- the handlers ---- */

/* Why a list is empty, or has not all. */
static void write_sampler(Writer *writer, const void *data)
{
        const BoardHeader *header = data;

        writer_bytes(writer, "sampler", header->sampler,
                     strnlen(header->sampler, sizeof(header->sampler)));
        writer_bytes(writer, "sampler_reason", header->sampler_reason,
                     strnlen(header->sampler_reason, sizeof(header->sampler_reason)));
        writer_number(writer, "left_out", header->threads_left_out);
}

static void write_page(Call *call, Page *page, ptrdiff_t index, const Rows *rows)
{
        const Snapshot *snapshot = &call->face->snapshot;
        const PoolView *pool = snapshot_pool_of(snapshot, (size_t)index);
        char next[CURSOR_SIZE] = "";
        AUTO_WRITER writer = { 0 };

        page_open(page, &writer);
        for (size_t i = 0; i < rows->count; i++) {
                writer_open_object(&writer, NULL);
                write_row(&writer, pool, snapshot->workers[index], &rows->rows[i]);
                writer_unavailable(&writer);
                writer_close_object(&writer);
        }
        if (rows->is_more)
                (void)snprintf(next, sizeof(next), "%" PRIu64 ":%d",
                               rows->rows[rows->count - 1].start_ticks,
                               rows->rows[rows->count - 1].tid);
        page_close(call, page, &writer, next[0] ? next : NULL);
}

void threads_list(Call *call)
{
        const BoardView *board = link_board(call->face->link);
        ptrdiff_t index = call_worker(call);
        Refusal refusal = { 0 };
        AUTO_ROWS rows = { 0 };
        Page page;
        int r;

        if (index < 0)
                return;
        if (page_parse(call, &page, &refusal) < 0) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        page.extra = write_sampler;
        page.extra_data = board_view_header(board);
        r = read_rows(board, call->face->snapshot.workers[index], &page, 0, &rows);
        if (r < 0)
                refuse_reading(call, r);
        else
                write_page(call, &page, index, &rows);
}

static void write_arguments(Writer *writer, const BoardThread *row)
{
        writer_open_list(writer, "arguments");
        for (size_t i = 0; i < COUNT_OF(row->arguments); i++) {
                char text[24];

                (void)snprintf(text, sizeof(text), "0x%" PRIx64, row->arguments[i]);
                writer_string(writer, NULL, text);
        }
        writer_close_list(writer);
}

/* Arguments are addresses within the program. */
static void write_detail(Writer *writer, const BoardThread *row, bool is_redacted)
{
        ThreadGap gap = row->sampled_monotonic_usec > 0 ? thread_gap(row->gaps, THREAD_SYSCALL)
                                                        : THREAD_GAP_NOT_YET;

        writer_number(writer, "start_ticks", row->start_ticks);
        if (gap != THREAD_GAP_NONE) {
                writer_because(writer, "syscall", thread_gap_to_reason(gap));
                writer_because(writer, "arguments", thread_gap_to_reason(gap));
                return;
        }
        writer_integer(writer, "syscall", row->syscall);
        if (is_redacted)
                writer_because(writer, "arguments", "it takes the role operate");
        else
                write_arguments(writer, row);
}

static void write_one(Call *call, Page *page, ptrdiff_t index, const BoardThread *row)
{
        const Snapshot *snapshot = &call->face->snapshot;
        AUTO_WRITER writer = { 0 };

        writer.fields = &page->fields;
        writer.field_depth = 1;
        writer_open_object(&writer, NULL);
        write_row(&writer, snapshot_pool_of(snapshot, (size_t)index), snapshot->workers[index],
                  row);
        write_detail(&writer, row, call_is_redacted(call));
        writer_unavailable(&writer);
        writer_close_object(&writer);
        if (fields_check(call, &page->fields))
                call_answer(call, 200, &writer);
}

void threads_show(Call *call)
{
        const char *text = call_segment(call, 4);
        ptrdiff_t index = call_worker(call);
        Refusal refusal = { 0 };
        AUTO_ROWS rows = { 0 };
        uint64_t tid = 0;
        Page page;
        int r;

        if (index < 0)
                return;
        if (page_parse(call, &page, &refusal) < 0) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        if (units_parse_number(text, INT32_MAX, &tid) < 0)
                tid = 0;
        r = tid > 0 ? read_rows(link_board(call->face->link), call->face->snapshot.workers[index],
                                &page, (int32_t)tid, &rows)
                    : 0;
        if (r < 0)
                refuse_reading(call, r);
        else if (rows.count == 0)
                call_refuse(call, REEVE_ERROR_UNKNOWN_THREAD,
                            "No thread of worker %s has the TID %s.", call_segment(call, 2), text);
        else
                write_one(call, &page, index, &rows.rows[0]);
}
