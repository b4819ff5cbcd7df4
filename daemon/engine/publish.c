/* publish.c - see publish.h
 *
 * The board is made anew, larger, when a table is full; everything moves over with its row
 * numbers and event ids, and reeve-api is handed the new one. */
#include "engine/publish.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "board/events.h"
#include "engine/face.h"
#include "engine/headcount.h"
#include "engine/health.h"
#include "engine/live.h"
#include "engine/order.h"
#include "engine/report.h"
#include "sample/sampler.h"
#include "sys/clock.h"
#include "sys/cpus.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/memfd.h"

/* Sparse memory: rows cost nothing until they are used. */
enum { FIRST_POOLS = 128, FIRST_WORKERS = 2048, FIRST_THREADS = 8192 };

/* ---- the board itself ---- */

static int make_board(const BoardCapacity *capacity, uint64_t epoch, void **ret_memory,
                      size_t *ret_size)
{
        size_t size = board_size(capacity);
        void *memory;
        int fd = memfd_new("reeve-board", size, &memory), r;

        if (fd < 0)
                return fd;
        r = board_format(memory, size, capacity, epoch);
        if (r < 0) {
                (void)munmap(memory, size);
                (void)fd_close(fd);
                return r;
        }
        *ret_memory = memory;
        *ret_size = size;
        return fd;
}

static int replace_board(Engine *engine, BoardCapacity capacity)
{
        size_t size;
        void *memory;
        int fd = make_board(&capacity, engine->epoch, &memory, &size), r;

        if (fd < 0)
                return fd;
        r = board_copy(memory, engine->board);
        if (r < 0) {
                (void)munmap(memory, size);
                (void)fd_close(fd);
                return r;
        }
        (void)munmap(engine->board, engine->board_size);
        (void)fd_close(engine->board_fd);
        engine->board = memory;
        engine->board_size = size;
        engine->board_fd = fd;
        face_send_board(engine->face);
        return 0;
}

static BoardCapacity capacity_of(const Engine *engine)
{
        const BoardHeader *header = board_header(engine->board);

        return (BoardCapacity){ header->pools.capacity, header->workers.capacity,
                                header->threads.capacity / 2 };
}

static int grow_board(Engine *engine)
{
        BoardCapacity capacity = capacity_of(engine);

        capacity.pools *= 2;
        capacity.workers *= 2;
        return replace_board(engine, capacity);
}

void publish_reserve_threads(Engine *engine, size_t count)
{
        BoardCapacity capacity = capacity_of(engine);
        int r;

        if (count <= capacity.threads)
                return;
        while (capacity.threads < count && capacity.threads < SAMPLER_THREADS_MAX)
                capacity.threads *= 2;
        r = replace_board(engine, capacity);
        if (r < 0)
                report(LOG_WARNING, "cannot make room for %zu threads on the board: %s", count,
                       strerror(-r));
}

static void fill_header(Engine *engine)
{
        BoardHeader *header = board_header(engine->board);
        char boot_id[64] = "";
        ssize_t n = file_read_into(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot_id,
                                   sizeof(boot_id));

        if (n > 0)
                boot_id[strcspn(boot_id, "\n")] = '\0';
        (void)text_copy(header->boot_id, sizeof(header->boot_id), boot_id);
        header->daemon_pid = (uint32_t)getpid();
        header->is_user_mode = engine->settings.is_user_mode;
        header->started_monotonic_usec = engine->started_usec;
        header->started_realtime_usec = engine->started_realtime_usec;
        (void)text_copy(header->version_text, sizeof(header->version_text), REEVE_VERSION);
        publish_sampler(engine, "off", "sampling is turned off by SampleIntervalSec=0");
        (void)text_copy(header->families, sizeof(header->families),
                        family_kind_to_name(family_root_kind(engine->families)));
        publish_cpus(engine);
}

void publish_sampler(Engine *engine, const char *name, const char *reason)
{
        BoardHeader *header = board_header(engine->board);

        if (text_equal(header->sampler, name) && text_equal(header->sampler_reason, reason))
                return;
        (void)text_copy(header->sampler, sizeof(header->sampler), name);
        (void)text_copy(header->sampler_reason, sizeof(header->sampler_reason), reason);
        board_touch(engine->board);
}

void publish_cpus(Engine *engine)
{
        BoardHeader *header = board_header(engine->board);
        CpuCount count = cpus_count(family_root_path(engine->families));

        header->cpus_online = count.online;
        header->cpus_affinity = count.affinity;
        header->cpus_usable = count.usable;
        header->cpus_quota = count.quota;
}

int publish_open(Engine *engine, const ProblemList *problems, Error *reterr)
{
        const BoardCapacity capacity = { FIRST_POOLS, FIRST_WORKERS, FIRST_THREADS };
        int fd = make_board(&capacity, engine->epoch, &engine->board, &engine->board_size);

        if (fd < 0)
                return error_set(reterr, fd, "board", "cannot make the board: %s", strerror(-fd));
        engine->board_fd = fd;
        fill_header(engine);
        for (size_t i = 0; i < problems->count; i++) {
                const Problem *problem = &problems->items[i];

                if (problem->kind == PROBLEM_WARNING)
                        publish_warning(engine, problem->pool ? problem->pool : "", "%s",
                                        problem->message);
        }
        return 0;
}

void publish_close(Engine *engine)
{
        if (engine->board)
                (void)munmap(engine->board, engine->board_size);
        engine->board = NULL;
        engine->board_fd = fd_close(engine->board_fd);
        free(engine->slots_by_row);
}

void publish_daemon(Engine *engine)
{
        BoardHeader *header = board_header(engine->board);

        header->is_ready = engine->is_ready;
        header->is_stopping = engine->is_stopping;
        header->notify_ignored = engine->notify_ignored;
}

/* ---- rows of workers ---- */

static int widen_rows(Engine *engine)
{
        size_t rows = engine->slot_rows ? engine->slot_rows * 2 : FIRST_WORKERS;
        Slot **wider = realloc(engine->slots_by_row, rows * sizeof(Slot *));

        if (!wider)
                return -ENOMEM;
        memset(&wider[engine->slot_rows], 0, (rows - engine->slot_rows) * sizeof(Slot *));
        engine->slots_by_row = wider;
        engine->slot_rows = rows;
        return 0;
}

int publish_take_row(Engine *engine, Slot *slot)
{
        uint32_t row = engine->free_row_hint;
        int r;

        while (row < engine->slot_rows && engine->slots_by_row[row])
                row++;
        if (row >= engine->slot_rows) {
                r = widen_rows(engine);
                if (r < 0)
                        return r;
        }
        if (row >= board_header(engine->board)->workers.capacity) {
                r = grow_board(engine);
                if (r < 0)
                        return r;
        }
        engine->slots_by_row[row] = slot;
        engine->free_row_hint = row + 1;
        slot->row = row;
        return 0;
}

void publish_drop_row(Engine *engine, Slot *slot)
{
        board_worker_clear(engine->board, slot->row);
        engine->slots_by_row[slot->row] = NULL;
        engine->free_row_hint = MIN(engine->free_row_hint, slot->row);
}

static void fill_life(const Slot *slot, BoardWorker *row)
{
        const WorkerExit *exit = &slot->worker.last_exit;

        row->pid = slot->process.pid;
        row->start_ticks = slot->process.start_ticks;
        row->started_monotonic_usec = slot->worker.started_usec;
        row->started_realtime_usec = slot->started_realtime_usec;
        row->ready_monotonic_usec = slot->worker.ready_usec;
        row->deadline_monotonic_usec = slot->worker.deadline_usec;
        row->restarts = slot->worker.restarts;
        row->exit_kind = (uint32_t)exit->kind;
        row->exit_value = exit->value;
        row->exit_reason = (uint32_t)exit->reason;
        row->exit_realtime_usec = exit->realtime_usec;
        (void)text_copy(row->status_text, sizeof(row->status_text),
                        slot->status_text ? slot->status_text : "");
        (void)text_copy(row->instance, sizeof(row->instance), slot->instance);
}

static void fill_sample(const Slot *slot, BoardWorker *row)
{
        const ProcessSample *sample = &slot->sample;

        row->cpu_ratio = slot->cpu_ratio;
        if (!slot->has_sample)
                return;
        row->sampled_monotonic_usec = sample->taken_usec;
        row->user_usec = sample->user_usec;
        row->system_usec = sample->system_usec;
        row->rss_bytes = sample->rss_bytes;
        row->thread_count = sample->thread_count;
        row->process_state = sample->state;
}

static void fill_health(const Slot *slot, BoardWorker *row)
{
        const HealthNews news = health_news(slot);

        row->health_kind = (uint32_t)news.kind;
        row->health_status = (uint32_t)news.status;
        row->health_failures = news.failures;
        row->is_health_shared = news.is_shared;
        row->health_probed_realtime_usec = news.probed_realtime_usec;
        (void)text_copy(row->health_error, sizeof(row->health_error), news.last_error);
}

void publish_slot(Slot *slot)
{
        BoardWorker row = { .pool = slot->pool->row,
                            .index = slot->row,
                            .slot = slot->number,
                            .state = (uint32_t)slot->worker.state,
                            .is_adopted = slot->is_adopted,
                            .definition = slot->definition->number,
                            .threads = slot->definition->threads,
                            .greenlets = slot->definition->greenlets };

        LogCounters counters;

        headcount_note(slot);
        fill_life(slot, &row);
        fill_sample(slot, &row);
        if (slot->definition->config->probe != PROBE_NONE)
                fill_health(slot, &row);
        live_describe(slot, &row);
        if (output_counters(slot, &counters)) {
                row.log_bytes = counters.captured_bytes;
                row.log_dropped_bytes = counters.dropped_bytes;
                row.log_file = counters.file;
        }
        (void)board_worker_write(slot->pool->engine->board, slot->row, &row);
}

/* ---- pools and operations ---- */

static void fill_definition(const Pool *pool, BoardPool *row)
{
        const PoolConfig *config = pool->config;
        size_t used = 0;

        (void)text_copy(row->name, sizeof(row->name), pool->name);
        (void)text_copy(row->description, sizeof(row->description),
                        config->description ? config->description : "");
        for (char *const *word = config->command; *word && used < sizeof(row->command) - 1; word++)
                used += (size_t)snprintf(row->command + used, sizeof(row->command) - used, "%s%s",
                                         used ? " " : "", *word);
        (void)text_copy(row->listeners, sizeof(row->listeners),
                        pool->are_listeners_open && pool->listeners.bound ? pool->listeners.bound
                                                                          : "");
        (void)text_copy(row->config_path, sizeof(row->config_path),
                        config->path ? config->path : "");
        (void)output_place(pool, row->log_place, sizeof(row->log_place));
        row->thread_control = (uint32_t)config->thread_control;
        row->type = (uint32_t)config->type;
        row->restart = (uint32_t)config->restart;
        row->processes_min = config->processes_min;
        row->processes_max = config->processes_max;
        row->threads_min = config->threads_min;
        row->threads_max = config->threads_max;
        row->memory_budget_bytes = config->memory_budget_bytes;
}

static void fill_counts(const Pool *pool, BoardPool *row)
{
        row->total = headcount_of(pool, CENSUS_ALIVE);
        row->rising = headcount_of(pool, CENSUS_RISING);
        row->failed = headcount_of(pool, CENSUS_FAILED);
        row->ready = headcount_of(pool, CENSUS_READY);
        if (headcount_of(pool, CENSUS_LOSSY) == 0)
                return;
        for (size_t i = 0; i < pool->slot_count; i++) {
                LogCounters counters;

                if (!output_counters(pool->slots[i], &counters))
                        continue;
                row->log_dropped_bytes += counters.dropped_bytes;
                row->log_suppressed_lines += counters.suppressed_lines;
                row->log_fallback_lines += counters.fallback_lines;
        }
}

void publish_pool(const Pool *pool)
{
        BoardPool row = { .index = pool->row,
                          .is_builtin = pool->is_builtin,
                          .state = (uint32_t)pool->state,
                          .mode = (uint32_t)pool->mode,
                          .processes = pool->grid.processes,
                          .threads = pool->grid.threads,
                          .greenlets = pool->grid.greenlets,
                          .file_processes = pool->file_grid.processes,
                          .file_threads = pool->file_grid.threads,
                          .file_greenlets = pool->file_grid.greenlets,
                          .is_overridden = pool->is_overridden,
                          .generation = pool->generation,
                          .restarts = pool->restarts,
                          .operation = pool->operation ? pool->operation->row.id : 0 };

        fill_definition(pool, &row);
        fill_counts(pool, &row);
        row.begun_monotonic_usec = pool->begun_usec;
        row.turn_monotonic_usec = pool->turn_usec;
        row.became_ready_monotonic_usec = pool->ready_usec;
        order_describe(pool, row.order, sizeof(row.order));
        (void)text_copy(row.last_error, sizeof(row.last_error), pool->error.message);
        (void)board_pool_write(pool->engine->board, pool->row, &row);
}

void publish_operation(Engine *engine, const BoardOperation *row)
{
        (void)board_operation_write(engine->board, row);
}

int publish_take_pool_row(Engine *engine, Pool *pool)
{
        BoardPool row;
        BoardView view;
        uint32_t index = 0;
        int r = board_view_init(&view, engine->board, engine->board_size);

        while (r >= 0 && board_view_pool(&view, index, &row) == 1)
                index++;
        if (r >= 0 && index >= board_header(engine->board)->pools.capacity)
                r = grow_board(engine);
        if (r >= 0)
                pool->row = index;
        return r;
}

void publish_drop_pool_row(Engine *engine, Pool *pool)
{
        board_pool_clear(engine->board, pool->row);
}

/* ---- events and warnings ---- */

void publish_event(Engine *engine, EventType type, const Pool *pool, const Slot *slot,
                   const char *actor, ...)
{
        BoardEvent event = { .type = (uint32_t)type, .realtime_usec = now_realtime_usec() };
        const char *key;
        va_list pairs;

        if (pool)
                (void)text_copy(event.pool, sizeof(event.pool), pool->name);
        if (slot) {
                event.has_slot = 1;
                event.slot = slot->number;
                event.pid = pidref_is_set(&slot->process) ? slot->process.pid : slot->ended_pid;
        }
        (void)text_copy(event.actor, sizeof(event.actor), actor ? actor : "reeved");
        va_start(pairs, actor);
        while ((key = va_arg(pairs, const char *)))
                (void)event_detail_add(event.detail, sizeof(event.detail), key,
                                       va_arg(pairs, const char *));
        va_end(pairs);
        (void)board_event_add(engine->board, &event);
        engine->has_news = true;
        engine_tell_soon(engine);
}

void publish_warning(Engine *engine, const char *pool, const char *format, ...)
{
        BoardWarning row = { .since_realtime_usec = now_realtime_usec() }, other;
        BoardView view;
        uint32_t index = 0, place = UINT32_MAX;
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(row.text, sizeof(row.text), format, arguments);
        va_end(arguments);
        (void)text_copy(row.pool, sizeof(row.pool), pool);
        if (board_view_init(&view, engine->board, engine->board_size) < 0)
                return;
        for (; index < BOARD_WARNINGS; index++) {
                if (board_view_warning(&view, index, &other) != 1)
                        place = MIN(place, index);
                else if (text_equal(other.text, row.text) && text_equal(other.pool, row.pool))
                        return;
        }
        report(LOG_WARNING, "warning: %s%s%s%s", *pool ? "pool " : "", pool, *pool ? ": " : "",
               row.text);
        board_header(engine->board)->warning_count++;
        if (place < BOARD_WARNINGS)
                (void)board_warning_write(engine->board, place, &row);
}

void publish_drop_warning(Engine *engine, const char *pool, const char *format, ...)
{
        char text[BOARD_TEXT_SIZE];
        BoardWarning row;
        BoardView view;
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (board_view_init(&view, engine->board, engine->board_size) < 0)
                return;
        for (uint32_t i = 0; i < BOARD_WARNINGS; i++)
                if (board_view_warning(&view, i, &row) == 1 && text_equal(row.pool, pool)
                    && text_equal(row.text, text))
                        board_warning_clear(engine->board, i);
}

void publish_clear_warnings(Engine *engine, const char *pool)
{
        BoardWarning row;
        BoardView view;

        if (board_view_init(&view, engine->board, engine->board_size) < 0)
                return;
        for (uint32_t i = 0; i < BOARD_WARNINGS; i++)
                if (board_view_warning(&view, i, &row) == 1 && text_equal(row.pool, pool))
                        board_warning_clear(engine->board, i);
}
