/* columns.c - see columns.h
 *
 * One function a column. DETAIL is the sentence an operator looks for first: why a pool is not
 * as it should be, or what is special about it though it is. */
#include "ctl/columns.h"

#include <inttypes.h>

FIELD_COLUMN(write_name, text, "name");
FIELD_COLUMN(write_pool, text, "pool");
FIELD_COLUMN(write_state, text, "state");
FIELD_COLUMN(write_grid, grid, "scale");
FIELD_COLUMN(write_cpu, cores, "cpu_ratio");
FIELD_COLUMN(write_rss, bytes, "rss_bytes");
FIELD_COLUMN(write_pss, bytes, "memory_bytes");
FIELD_COLUMN(write_restarts, integer, "restarts");
FIELD_COLUMN(write_mode, text, "scale.mode");
FIELD_COLUMN(write_generation, integer, "generation");
FIELD_COLUMN(write_description, text, "description");
FIELD_COLUMN(write_slot, integer, "slot");
FIELD_COLUMN(write_pid, integer, "pid");
FIELD_COLUMN(write_uptime, span, "uptime_seconds");
FIELD_COLUMN(write_threads, integer, "threads");
FIELD_COLUMN(write_greenlets, integer, "telemetry.greenlets_live");
FIELD_COLUMN(write_exit, exit, "last_exit");
FIELD_COLUMN(write_definition, integer, "definition");
FIELD_COLUMN(write_instance, text, "instance");
FIELD_COLUMN(write_status_text, text, "status_text");
FIELD_COLUMN(write_log_bytes, bytes, "log.captured_bytes");
FIELD_COLUMN(write_next_start, time, "next_attempt_time");

void pool_write_name(Text *cell, const json_t *pool)
{
        text_append(cell, value_text(pool, "name", ""));
}

void worker_write_name(Text *cell, const json_t *worker)
{
        text_printf(cell, "%s/%" PRId64, value_text(worker, "pool", ""),
                    value_integer(worker, "slot", 0));
}

static void write_ready_count(Text *cell, const json_t *pool)
{
        value_write_integer(cell, pool, "processes.ready");
        text_append(cell, "/");
        value_write_integer(cell, pool, "processes.wanted");
}

static void write_ready(Text *cell, const json_t *worker)
{
        text_append(cell, value_is(worker, "ready") ? "yes" : "no");
}

static void write_detail(Text *cell, const json_t *pool)
{
        const char *sentence = value_text(pool, "last_error", "");

        if (!*sentence)
                sentence = value_sentence(json_array_get(value_at(pool, "warnings"), 0));
        if (value_write_waiting(cell, pool))
                return;
        if (sentence && *sentence)
                text_append(cell, sentence);
        else if (value_at(pool, "operation"))
                text_printf(cell, "operation %" PRId64 " runs",
                            value_integer(pool, "operation", 0));
        else if (value_is(pool, "scale.overridden"))
                text_append(cell, "scaled away from its file");
        else
                text_append(cell, VALUE_UNKNOWN);
}

const Column pool_columns[] = {
        { "POOL", 0, write_name },
        { "STATE", COLUMN_STATE, write_state },
        { "GRID", 0, write_grid },
        { "READY", COLUMN_RIGHT, write_ready_count },
        { "CPU", COLUMN_RIGHT, write_cpu },
        { "RSS", COLUMN_RIGHT, write_rss },
        { "PSS", COLUMN_WIDE | COLUMN_RIGHT, write_pss },
        { "RESTARTS", COLUMN_RIGHT, write_restarts },
        { "MODE", COLUMN_WIDE, write_mode },
        { "GENERATION", COLUMN_WIDE | COLUMN_RIGHT, write_generation },
        { "DETAIL", COLUMN_CUT, write_detail },
        { "DESCRIPTION", COLUMN_WIDE | COLUMN_CUT, write_description },
};
const size_t pool_column_count = COUNT_OF(pool_columns);

const Column worker_columns[] = {
        { "POOL", 0, write_pool, "pool" },
        { "SLOT", COLUMN_RIGHT, write_slot, "slot" },
        { "PID", COLUMN_RIGHT, write_pid, "pid" },
        { "STATE", COLUMN_STATE, write_state, "state" },
        { "READY", 0, write_ready, "ready" },
        { "UPTIME", COLUMN_RIGHT, write_uptime, "uptime_seconds" },
        { "CPU", COLUMN_RIGHT, write_cpu, "cpu_ratio" },
        { "RSS", COLUMN_RIGHT, write_rss, "rss_bytes" },
        { "THREADS", COLUMN_RIGHT, write_threads, "threads" },
        { "RESTARTS", COLUMN_RIGHT, write_restarts, "restarts" },
        { "LAST EXIT", COLUMN_CUT, write_exit, "last_exit" },
        { "GREENLETS", COLUMN_WIDE | COLUMN_RIGHT, write_greenlets, "telemetry" },
        { "DEFINITION", COLUMN_WIDE | COLUMN_RIGHT, write_definition, "definition" },
        { "INSTANCE", COLUMN_WIDE, write_instance, "instance" },
        { "NEXT START", COLUMN_WIDE, write_next_start, "next_attempt_time" },
        { "LOG", COLUMN_WIDE | COLUMN_RIGHT, write_log_bytes, "log" },
        { "STATUS", COLUMN_WIDE | COLUMN_CUT, write_status_text, "status_text" },
};
const size_t worker_column_count = COUNT_OF(worker_columns);

const Column unwell_columns[] = {
        { "WORKER", 0, worker_write_name },          { "STATE", COLUMN_STATE, write_state },
        { "PID", COLUMN_RIGHT, write_pid },          { "RESTARTS", COLUMN_RIGHT, write_restarts },
        { "NEXT START", 0, write_next_start },       { "LAST EXIT", COLUMN_CUT, write_exit },
        { "STATUS", COLUMN_CUT, write_status_text },
};
const size_t unwell_column_count = COUNT_OF(unwell_columns);

bool pool_is_well(const json_t *pool)
{
        const char *state = value_text(pool, "state", "");
        int64_t ready = value_integer(pool, "processes.ready", 0);

        if (text_equal(state, "running"))
                return true;
        return text_equal(state, "scaling") && ready >= value_integer(pool, "processes.wanted", 1);
}

bool worker_is_well(const json_t *worker)
{
        const char *state = value_text(worker, "state", "");

        return value_is(worker, "ready") || text_equal(state, "stopped")
               || text_equal(state, "reloading");
}
