/* operations.c - what a change did so far */
#include "api/resources.h"
#include "base/text.h"
#include "base/units.h"
#include "board/board.h"

static void write_pids(Writer *writer, const char *key, const BoardOperation *row, uint32_t kind)
{
        uint32_t count = MIN(row->pid_count, (uint32_t)BOARD_OPERATION_PIDS);

        writer_open_list(writer, key);
        for (uint32_t i = 0; i < count; i++)
                if (BOARD_OPERATION_KIND_OF(row->pids[i]) == kind)
                        writer_number(writer, NULL, BOARD_OPERATION_PID_OF(row->pids[i]));
        writer_close_list(writer);
}

static void write_cuts(Writer *writer, const BoardOperation *row)
{
        writer_open_list(writer, "cut");
        for (size_t i = 0; i < COUNT_OF(row->cut); i++)
                if (row->cut[i][0])
                        writer_string(writer, NULL, row->cut[i]);
        writer_close_list(writer);
}

static void write_error(Writer *writer, const BoardOperation *row)
{
        if (!row->error_code[0]) {
                writer_null(writer, "error");
                return;
        }
        writer_open_object(writer, "error");
        writer_string(writer, "code", row->error_code);
        writer_string(writer, "detail", row->error_message);
        writer_close_object(writer);
}

static void write_memory_limit(Writer *writer, const char *key, uint64_t bytes)
{
        if (bytes == UINT64_MAX)
                writer_null(writer, key);
        else
                writer_number(writer, key, bytes);
}

static void write_memory(Writer *writer, const BoardOperation *row)
{
        if (row->memory_workers == 0) {
                writer_because(writer, "memory",
                               text_equal(row->kind, "scale")
                                       ? "no worker was ready to be measured"
                                       : "it is measured before a change of the scale");
                return;
        }
        writer_open_object(writer, "memory");
        writer_number(writer, "now_bytes", row->memory_now_bytes);
        writer_number(writer, "expected_bytes", row->memory_expected_bytes);
        writer_number(writer, "worker_bytes", row->memory_worker_bytes);
        writer_number(writer, "more_bytes", row->memory_more_bytes);
        write_memory_limit(writer, "available_bytes", row->memory_available_bytes);
        write_memory_limit(writer, "budget_bytes", row->memory_budget_bytes);
        writer_number(writer, "workers_measured", row->memory_workers);
        writer_close_object(writer);
}

static const char *plural(unsigned count, const char *one, const char *more)
{
        return count == 1 ? one : more;
}

static void write_step(Writer *writer, unsigned count, const char *before, const char *after)
{
        AUTO_TEXT step = { 0 };

        if (count == 0)
                return;
        text_printf(&step, "%s %u %s%s", before, count, plural(count, "worker", "workers"), after);
        if (!step.error)
                writer_string(writer, NULL, step.bytes);
}

/* Of those that stay as they are but for their counts. */
static void write_resizes(Writer *writer, const BoardOperation *row)
{
        bool is_growing = row->to_threads > row->from_threads;
        AUTO_TEXT counts = { 0 };

        if (row->to_threads == row->from_threads)
                text_printf(&counts, " to %u greenlets for each thread, without a restart",
                            row->to_greenlets);
        else
                text_printf(&counts, " to %u %s, without a restart%s", row->to_threads,
                            plural(row->to_threads, "thread", "threads"),
                            is_growing ? "" : ", once all others are ready");
        if (!counts.error)
                write_step(writer, row->plan_resizes, "resize", counts.bytes);
}

/* What it was to do, in the order in which it is done. */
static void write_steps(Writer *writer, const BoardOperation *row)
{
        writer_open_list(writer, "steps");
        write_step(writer, row->plan_starts, "start", "");
        write_resizes(writer, row);
        write_step(writer, row->plan_replaces, "replace", ", new ones first");
        write_step(writer, row->plan_stops, "stop", ", highest slot first");
        writer_close_list(writer);
}

static void write_progress(Writer *writer, const BoardOperation *row)
{
        const char *phase = operation_phase_to_name((OperationPhase)row->phase);

        if (phase)
                writer_string(writer, "phase", phase);
        else
                writer_null(writer, "phase"); /* it is over, or was never begun */
        write_steps(writer, row);
        writer_number(writer, "steps_done", row->steps_done);
        writer_number(writer, "steps_total", row->steps_total);
        writer_time(writer, "began", row->began_realtime_usec);
        writer_time(writer, "ended", row->ended_realtime_usec);
}

void operation_write(Writer *writer, const BoardOperation *row)
{
        if (row->id && !row->is_dry_run)
                writer_number(writer, "operation", row->id);
        else
                writer_null(writer, "operation");
        writer_string(writer, "state", operation_state_to_name((OperationState)row->state));
        writer_string(writer, "pool", row->pool);
        writer_string(writer, "kind", row->kind);
        writer_string(writer, "actor", row->actor);
        writer_number(writer, "generation", row->generation);
        writer_bool(writer, "dry_run", row->is_dry_run);
        grid_write(writer, "from", row->from_processes, row->from_threads, row->from_greenlets);
        grid_write(writer, "to", row->to_processes, row->to_threads, row->to_greenlets);
        write_pids(writer, "kept", row, BOARD_OPERATION_KEPT);
        write_pids(writer, "started", row, BOARD_OPERATION_STARTED);
        write_pids(writer, "stopped", row, BOARD_OPERATION_STOPPED);
        writer_number(writer, "pids_left_out", row->pids_left_out);
        write_cuts(writer, row);
        write_progress(writer, row);
        write_memory(writer, row);
        write_error(writer, row);
        writer_unavailable(writer);
}

void operations_show(Call *call)
{
        const char *text = call_segment(call, 2);
        AUTO_WRITER writer = { 0 };
        BoardOperation row;
        uint64_t id;
        int r = units_parse_number(text, UINT64_MAX, &id);

        if (r >= 0)
                r = board_view_operation(link_board(call->face->link), id, &row);
        else
                r = 0;
        if (r < 0) {
                call_refuse(call, REEVE_ERROR_BUSY, "The operation is changing; ask again.");
        } else if (r == 0) {
                call_refuse(call, REEVE_ERROR_UNKNOWN_OPERATION,
                            "There is no operation %s; the last %d are kept.", text,
                            BOARD_OPERATIONS);
        } else {
                writer_open_object(&writer, NULL);
                operation_write(&writer, &row);
                writer_close_object(&writer);
                call_answer(call, 200, &writer);
        }
}
