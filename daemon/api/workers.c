/* workers.c - workers as JSON: a row each, or one with all that is known
 *
 * A slot without a process (waiting for its next start, failed, ended) is a row with pid null, so
 * that nobody has to guess why a pool of four shows three. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "base/units.h"
#include "model/tally.h"
#include "model/worker.h"
#include "sys/clock.h"

static const char no_process[] = "the slot has no process at present";
/* A wall clock that moved by more was set, by a person or in a step. */
#define CLOCK_SET_USEC (50 * USEC_PER_MSEC)

static const char no_telemetry[] = "the worker gives no telemetry";
static const char not_sampled[] = "the process has not been sampled yet";

char *signal_name(char *buffer, int number)
{
        const char *name = sigabbrev_np(number);

        if (name)
                (void)snprintf(buffer, SIGNAL_NAME_SIZE, "SIG%s", name);
        else if (number >= SIGRTMIN && number <= SIGRTMAX)
                (void)snprintf(buffer, SIGNAL_NAME_SIZE, "SIGRTMIN+%d", number - SIGRTMIN);
        else
                (void)snprintf(buffer, SIGNAL_NAME_SIZE, "signal %d", number);
        return buffer;
}

static void write_last_exit(Writer *writer, const BoardWorker *row)
{
        const char *reason = exit_reason_to_name((ExitReason)row->exit_reason);
        char name[SIGNAL_NAME_SIZE];

        if (row->exit_kind == BOARD_EXIT_NONE) {
                writer_null(writer, "last_exit");
                return;
        }
        writer_open_object(writer, "last_exit");
        if (row->exit_kind == BOARD_EXIT_CODE)
                writer_integer(writer, "code", row->exit_value);
        else if (row->exit_kind == BOARD_EXIT_SIGNAL)
                writer_string(writer, "signal", signal_name(name, row->exit_value));
        if (row->exit_kind == BOARD_EXIT_REASON || row->exit_reason != EXIT_REASON_NONE)
                writer_string(writer, "reason", reason ? reason : "unknown");
        writer_time(writer, "time", row->exit_realtime_usec);
        writer_close_object(writer);
}

static void write_life(Writer *writer, const BoardWorker *row)
{
        uint64_t now = now_usec(), started = row->started_monotonic_usec;

        if (row->pid > 0) {
                writer_time(writer, "start_time", row->started_realtime_usec);
                writer_seconds(writer, "uptime_seconds", now > started ? now - started : 0);
        } else {
                writer_because(writer, "start_time", no_process);
                writer_because(writer, "uptime_seconds", no_process);
        }
        writer_number(writer, "restarts", row->restarts);
        writer_bool(writer, "adopted", row->is_adopted);
}

static void write_sample(Writer *writer, const BoardWorker *row)
{
        static const char *const keys[] = { "cpu_ratio", "user_seconds", "system_seconds",
                                            "rss_bytes", "threads" };
        const char *reason = row->pid > 0 ? not_sampled : no_process;

        if (row->pid > 0 && row->sampled_monotonic_usec > 0) {
                if (row->cpu_ratio >= 0)
                        writer_ratio(writer, "cpu_ratio", row->cpu_ratio);
                else
                        writer_because(writer, "cpu_ratio", "it takes a second sample");
                writer_seconds(writer, "user_seconds", row->user_usec);
                writer_seconds(writer, "system_seconds", row->system_usec);
                writer_number(writer, "rss_bytes", row->rss_bytes);
                writer_number(writer, "threads", row->thread_count);
        } else {
                for (size_t i = 0; i < COUNT_OF(keys); i++)
                        writer_because(writer, keys[i], reason);
        }
        writer_because(writer, "pss_bytes",
                       row->pid > 0 ? "it is counted when one worker is looked at: "
                                      "memory.pss_bytes of GET /v1/workers/{pid}"
                                    : no_process);
        if (row->telemetry == BOARD_TELEMETRY_ATTACHED)
                writer_number(writer, "busy", row->threads_busy);
        else
                writer_because(writer, "busy", row->pid > 0 ? no_telemetry : no_process);
}

static void write_telemetry(Writer *writer, const BoardWorker *row)
{
        static const char *const states[BOARD_TELEMETRY_COUNT] = { "none", "awaited", "attached",
                                                                   "invalid" };
        uint32_t state = row->telemetry < BOARD_TELEMETRY_COUNT ? row->telemetry : 0;

        if (state == BOARD_TELEMETRY_NONE) {
                writer_because(writer, "telemetry", no_telemetry);
                return;
        }
        writer_open_object(writer, "telemetry");
        writer_string(writer, "state", states[state]);
        writer_number(writer, "lost_tasks", row->lost_tasks);
        if (state == BOARD_TELEMETRY_ATTACHED) {
                writer_number(writer, "threads_live", row->threads_live);
                writer_number(writer, "threads_busy", row->threads_busy);
                if (row->greenlets > 0 || row->greenlets_live > 0)
                        writer_number(writer, "greenlets_live", row->greenlets_live);
                writer_number(writer, "tasks_done", row->tasks_done);
                writer_number(writer, "tasks_failed", row->tasks_failed);
                writer_number(writer, "queue_length", row->queue_length);
        }
        writer_close_object(writer);
}

/* The same moment is told the same each time: two clocks are never read at once, so the distance
 * between them is kept until the wall clock was really set. */
static uint64_t clock_offset_usec(void)
{
        static uint64_t kept;
        uint64_t offset = now_realtime_usec() - now_usec();

        if (offset - kept + CLOCK_SET_USEC > 2 * CLOCK_SET_USEC)
                kept = offset;
        return kept;
}

/* When what is due on the monotonic clock will be on the wall. */
static uint64_t realtime_of(uint64_t monotonic_usec)
{
        uint64_t offset = clock_offset_usec();

        return monotonic_usec == USEC_INFINITY || monotonic_usec == 0 ? 0 : monotonic_usec + offset;
}

static void write_log(Writer *writer, const BoardWorker *row)
{
        writer_open_object(writer, "log");
        writer_number(writer, "captured_bytes", row->log_bytes);
        writer_number(writer, "dropped_bytes", row->log_dropped_bytes);
        writer_number(writer, "file", row->log_file);
        writer_close_object(writer);
}

static void write_health(Writer *writer, const BoardWorker *row)
{
        const char *kind = probe_kind_to_name((ProbeKind)row->health_kind);
        const char *status = health_status_to_name((HealthStatus)row->health_status);

        if (!kind || !status) {
                writer_null(writer, "health");
                return;
        }
        writer_open_object(writer, "health");
        writer_string(writer, "kind", kind);
        writer_string(writer, "status", status);
        writer_bool(writer, "shared", row->is_health_shared);
        writer_number(writer, "consecutive_failures", row->health_failures);
        writer_string(writer, "last_error", row->health_error[0] ? row->health_error : NULL);
        writer_time(writer, "last_probe_time", row->health_probed_realtime_usec);
        writer_close_object(writer);
}

/* What tells how a worker is at a glance; a list has it too, since one in back-off has no PID by
 * which more could be asked for. */
static void write_condition(Writer *writer, const BoardWorker *row)
{
        writer_string(writer, "status_text", row->status_text[0] ? row->status_text : NULL);
        writer_string(writer, "instance", row->instance[0] ? row->instance : NULL);
        writer_number(writer, "definition", row->definition);
        writer_time(writer, "deadline_time", realtime_of(row->deadline_monotonic_usec));
        /* Of the deadlines the one that people ask for: a worker in back-off waits for its turn. */
        writer_time(writer, "next_attempt_time",
                    row->state == WORKER_BACKOFF ? realtime_of(row->deadline_monotonic_usec) : 0);
        write_telemetry(writer, row);
        write_log(writer, row);
        write_health(writer, row);
}

static void write_row(Writer *writer, const PoolView *pool, const BoardWorker *row)
{
        const WorkerFacts *facts = worker_facts((WorkerState)row->state);

        if (row->pid > 0)
                writer_integer(writer, "pid", row->pid);
        else
                writer_because(writer, "pid", no_process);
        writer_string(writer, "pool", pool->row.name);
        writer_number(writer, "slot", row->slot);
        writer_string(writer, "state", worker_state_to_name((WorkerState)row->state));
        writer_bool(writer, "ready", facts && facts->is_ready);
        write_life(writer, row);
        write_sample(writer, row);
        write_last_exit(writer, row);
        write_condition(writer, row);
}

/* ---- one worker ---- */

static void write_process_state(Writer *writer, const BoardWorker *row)
{
        char letter[2] = { row->process_state, '\0' };

        if (row->process_state)
                writer_string(writer, "process_state", letter);
        else
                writer_because(writer, "process_state", not_sampled);
}

static void write_detail(Writer *writer, const BoardWorker *row)
{
        writer_number(writer, "threads_wanted", row->threads);
        writer_number(writer, "greenlets_wanted", row->greenlets);
        writer_number(writer, "start_ticks", row->start_ticks);
        writer_time(writer, "ready_time", realtime_of(row->ready_monotonic_usec));
        write_process_state(writer, row);
}

void worker_write(Writer *writer, const PoolView *pool, const BoardWorker *row, bool has_detail)
{
        write_row(writer, pool, row);
        if (has_detail)
                write_detail(writer, row);
}

/* ---- the list ---- */

/* A cursor is "pool:slot" of the last row that was given. */
static bool is_behind(const char *cursor, const PoolView *pool, const BoardWorker *row)
{
        size_t length = cursor ? strcspn(cursor, ":") : 0;
        uint64_t slot;
        int order;

        if (!cursor)
                return true;
        order = strncmp(pool->row.name, cursor, length);
        if (order == 0 && pool->row.name[length])
                order = 1;
        if (order != 0)
                return order > 0;
        if (!cursor[length] || units_parse_number(cursor + length + 1, UINT32_MAX, &slot) < 0)
                return true;
        return row->slot > slot;
}

static bool is_listed(const Page *page, const char *wanted, const PoolView *pool)
{
        return wanted ? text_equal(wanted, pool->row.name)
                      : page->has_builtin || !pool->row.is_builtin;
}

void workers_list(Call *call)
{
        const Snapshot *snapshot = &call->face->snapshot;
        const char *wanted = call_parameter(call, "pool");
        const PoolView *pool = snapshot->pools;
        char last[BOARD_NAME_SIZE + 16], *next = NULL;
        AUTO_WRITER writer = { 0 };
        Refusal refusal = { 0 };
        size_t count = 0;
        Page page;

        if (wanted && !snapshot_find_pool(snapshot, wanted))
                (void)refusal_set(&refusal, REEVE_ERROR_UNKNOWN_POOL, "There is no such pool.");
        if (refusal.code[0] || page_parse(call, &page, &refusal) < 0) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        page_open(&page, &writer);
        for (size_t i = 0; i < snapshot->worker_count; i++) {
                const BoardWorker *row = snapshot->workers[i];

                while (i >= pool->first_worker + pool->worker_count)
                        pool++; /* workers stand in the order of their pools */
                if (!is_listed(&page, wanted, pool) || !is_behind(page.cursor, pool, row))
                        continue;
                if (count++ == page.limit) {
                        next = last;
                        break;
                }
                (void)snprintf(last, sizeof(last), "%s:%u", pool->row.name, row->slot);
                writer_open_object(&writer, NULL);
                write_row(&writer, pool, row);
                writer_unavailable(&writer);
                writer_close_object(&writer);
        }
        page_close(call, &page, &writer, next);
}
