/* pools.c - pools as JSON */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/redact.h"
#include "api/resources.h"
#include "config/config.h"
#include "model/pool.h"

static const char no_telemetry[] = "the workers give no telemetry";
static const char not_sampled[] = "not all workers have been sampled yet";

void grid_write(Writer *writer, const char *key, uint32_t processes, uint32_t threads,
                uint32_t greenlets)
{
        writer_open_object(writer, key);
        writer_number(writer, "processes", processes);
        writer_number(writer, "threads", threads);
        writer_number(writer, "greenlets", greenlets);
        writer_close_object(writer);
}

static void write_range(Writer *writer, const char *key, uint32_t min, uint32_t max)
{
        writer_open_list(writer, key);
        writer_number(writer, NULL, min);
        writer_number(writer, NULL, max);
        writer_close_list(writer);
}

static void write_scale(Writer *writer, const BoardPool *row)
{
        writer_open_object(writer, "scale");
        writer_string(writer, "mode", scale_mode_to_name((ScaleMode)row->mode));
        writer_number(writer, "processes", row->processes);
        writer_number(writer, "threads", row->threads);
        writer_number(writer, "greenlets", row->greenlets);
        writer_open_object(writer, "limits");
        write_range(writer, "processes", row->processes_min, row->processes_max);
        write_range(writer, "threads", row->threads_min, row->threads_max);
        if (row->memory_budget_bytes == UINT64_MAX)
                writer_null(writer, "memory_bytes"); /* no budget is set: nothing is missing */
        else
                writer_number(writer, "memory_bytes", row->memory_budget_bytes);
        writer_close_object(writer);
        writer_string(writer, "thread_control",
                      thread_control_to_name((ThreadControl)row->thread_control));
        writer_bool(writer, "overridden", row->is_overridden);
        grid_write(writer, "file", row->file_processes, row->file_threads, row->file_greenlets);
        writer_close_object(writer);
}

static void write_counts(Writer *writer, const PoolView *pool)
{
        const BoardPool *row = &pool->row;

        writer_open_object(writer, "processes");
        writer_number(writer, "ready", row->ready);
        writer_number(writer, "wanted", row->processes);
        writer_number(writer, "total", row->total);
        writer_close_object(writer);
        writer_number(writer, "rising", row->rising);
        writer_number(writer, "failed", row->failed);
        writer_open_object(writer, "threads");
        writer_number(writer, "wanted", (uint64_t)row->processes * row->threads);
        if (pool->attached > 0) {
                writer_number(writer, "live", pool->threads_live);
                writer_number(writer, "busy", pool->threads_busy);
        } else {
                writer_null(writer, "live");
                writer_null(writer, "busy");
        }
        writer_close_object(writer);
        if (pool->attached == 0) {
                writer_reason(writer, "threads.live", no_telemetry);
                writer_reason(writer, "threads.busy", no_telemetry);
        }
}

static void write_measures(Writer *writer, const PoolView *pool)
{
        bool is_rated = pool->rated == pool->processes,
             is_sampled = pool->sampled == pool->processes;

        if (pool->attached > 0)
                writer_ratio(writer, "concurrency", pool->concurrency);
        else
                writer_because(writer, "concurrency", no_telemetry);
        for (unsigned i = 0; i < 2; i++) {
                const char *key = i == 0 ? "parallelism" : "cpu_ratio";

                if (is_rated)
                        writer_ratio(writer, key, pool->cpu_ratio);
                else
                        writer_because(writer, key, not_sampled);
        }
        writer_because(
                writer, "memory_bytes",
                "it is counted when one worker is looked at: memory.pss_bytes of its own page");
        if (is_sampled)
                writer_number(writer, "rss_bytes", pool->rss_bytes);
        else
                writer_because(writer, "rss_bytes", not_sampled);
        writer_because(writer, "throughput_per_second", "the work done is not measured");
        writer_because(writer, "verdict", "nothing judges the pool yet");
}

static void write_warnings(Writer *writer, const Snapshot *snapshot, const BoardPool *row)
{
        writer_open_list(writer, "warnings");
        for (size_t i = 0; i < snapshot->warning_count; i++) {
                const BoardWarning *warning = &snapshot->warnings[i];

                if (!text_equal(warning->pool, row->name))
                        continue;
                writer_open_object(writer, NULL);
                writer_string(writer, "message", warning->text);
                writer_time(writer, "since", warning->since_realtime_usec);
                writer_close_object(writer);
        }
        writer_close_list(writer);
}

static void write_words(Writer *writer, const char *key, const char *words)
{
        writer_open_list(writer, key);
        while (*words) {
                size_t blanks = strspn(words, " "), length = strcspn(words + blanks, " ");

                if (length > 0)
                        writer_bytes(writer, NULL, words + blanks, length);
                words += blanks + length;
        }
        writer_close_list(writer);
}

static void write_definition(Writer *writer, const BoardPool *row, bool is_redacted)
{
        char command[BOARD_COMMAND_SIZE + 256];

        if (is_redacted)
                (void)redact_command(command, sizeof(command), row->command);
        writer_string(writer, "command", is_redacted ? command : row->command);
        write_words(writer, "listeners", row->listeners);
        writer_string(writer, "config_path", row->config_path[0] ? row->config_path : NULL);
        writer_string(writer, "type", service_type_to_name((ServiceType)row->type));
        writer_string(writer, "restart", restart_mode_to_name((RestartMode)row->restart));
        writer_bool(writer, "builtin", row->is_builtin);
}

void pool_write(Writer *writer, const Snapshot *snapshot, const PoolView *pool, bool is_redacted)
{
        const BoardPool *row = &pool->row;

        writer_string(writer, "name", row->name);
        writer_string(writer, "description", row->description);
        writer_string(writer, "state", pool_state_to_name((PoolState)row->state));
        writer_number(writer, "generation", row->generation);
        write_scale(writer, row);
        write_counts(writer, pool);
        write_measures(writer, pool);
        writer_number(writer, "restarts", row->restarts);
        if (row->operation)
                writer_number(writer, "operation", row->operation);
        else
                writer_null(writer, "operation");
        writer_string(writer, "last_error", row->last_error[0] ? row->last_error : NULL);
        writer_number(writer, "log_dropped_bytes", row->log_dropped_bytes);
        pool_order_write(writer, row);
        write_definition(writer, row, is_redacted);
        write_warnings(writer, snapshot, row);
        writer_unavailable(writer);
}

int pool_text(Face *face, const PoolView *pool, bool is_redacted, const char **ret_text,
              size_t *ret_length)
{
        PoolCacheRow *row = pool_cache_find(&face->pool_cache, pool->row.name, is_redacted,
                                            face->snapshot.number);
        AUTO_WRITER writer = { 0 };
        int r;

        if (!row->text) {
                writer_open_object(&writer, NULL);
                pool_write(&writer, &face->snapshot, pool, is_redacted);
                writer_close_object(&writer);
                r = writer_take(&writer, &row->text, &row->length);
                if (r < 0)
                        return r;
        }
        *ret_text = row->text;
        *ret_length = row->length;
        return 0;
}

void pools_list(Call *call)
{
        const Snapshot *snapshot = &call->face->snapshot;
        AUTO_WRITER writer = { 0 };
        const char *last = NULL, *next = NULL;
        Refusal refusal = { 0 };
        size_t count = 0;
        Page page;

        if (page_parse(call, &page, &refusal) < 0) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        page_open(&page, &writer);
        for (size_t i = 0; i < snapshot->pool_count; i++) {
                const PoolView *pool = &snapshot->pools[i];

                if ((pool->row.is_builtin && !page.has_builtin)
                    || (page.cursor && strcmp(pool->row.name, page.cursor) <= 0))
                        continue;
                if (count++ == page.limit) {
                        next = last;
                        break;
                }
                last = pool->row.name;
                writer_open_object(&writer, NULL);
                pool_write(&writer, snapshot, pool, call_is_redacted(call));
                writer_close_object(&writer);
        }
        page_close(call, &page, &writer, next);
}

/* If-None-Match: a list of tags, or a star. */
static bool tag_matches(const char *header, const char *tag)
{
        size_t length = strlen(tag);

        if (!header)
                return false;
        for (const char *p = header; *p;) {
                p += strspn(p, " \t,");
                if (text_after(p, "W/"))
                        p += 2;
                if (*p == '*' || (strncmp(p, tag, length) == 0 && strchr(", \t", p[length])))
                        return true;
                p += strcspn(p, ",");
        }
        return false;
}

static void show_whole(Call *call, const PoolView *pool, Reply *reply)
{
        const char *text;
        size_t length;

        if (pool_text(call->face, pool, call_is_redacted(call), &text, &length) >= 0)
                reply->body = malloc(length);
        if (reply->body) {
                memcpy(reply->body, text, length);
                reply->length = length;
                reply->content_type = JSON_TYPE;
        } else {
                reply->status = 500;
        }
        exchange_reply(call->exchange, reply);
}

static void show_fields(Call *call, const PoolView *pool, Page *page, Reply *reply)
{
        AUTO_WRITER writer = { .fields = &page->fields, .field_depth = 1 };

        writer_open_object(&writer, NULL);
        pool_write(&writer, &call->face->snapshot, pool, call_is_redacted(call));
        writer_close_object(&writer);
        if (fields_check(call, &page->fields))
                call_answer_reply(call, reply, &writer);
        else
                reply_done(reply);
}

void pools_show(Call *call)
{
        const PoolView *pool = call_pool(call);
        Reply reply = { .status = 200 };
        Refusal refusal = { 0 };
        char tag[24];
        Page page;

        if (!pool)
                return;
        if (page_parse(call, &page, &refusal) < 0) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        (void)snprintf(tag, sizeof(tag), "\"%llu\"", (unsigned long long)pool->row.generation);
        reply_header(&reply, "ETag", "%s", tag);
        if (tag_matches(call->request->headers.if_none_match, tag)) {
                reply.status = 304;
                exchange_reply(call->exchange, &reply);
        } else if (page.fields.count > 0) {
                show_fields(call, pool, &page, &reply);
        } else {
                show_whole(call, pool, &reply);
        }
}
