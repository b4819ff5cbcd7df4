/* daemon.c - reeved itself, and the small pages about it */
#include <stdio.h>

#include "api/resources.h"
#include "base/units.h"
#include "sys/clock.h"

/* The description of the API, in the binary byte for byte (openapi.S). */
extern const char reeve_openapi_begin[], reeve_openapi_end[];

static void write_features(Writer *writer, const BoardHeader *header)
{
        static const char *const always[] = { "events", "logs", "scale", "operations" };

        writer_open_list(writer, "features");
        for (size_t i = 0; i < COUNT_OF(always); i++)
                writer_string(writer, NULL, always[i]);
        writer_bytes(writer, NULL, header->families,
                     strnlen(header->families, sizeof(header->families)));
        writer_close_list(writer);
}

static void write_warnings(Writer *writer, const Snapshot *snapshot)
{
        writer_open_list(writer, "warnings");
        for (size_t i = 0; i < snapshot->warning_count; i++) {
                const BoardWarning *warning = &snapshot->warnings[i];

                writer_open_object(writer, NULL);
                writer_string(writer, "pool", warning->pool[0] ? warning->pool : NULL);
                writer_string(writer, "message", warning->text);
                writer_time(writer, "since", warning->since_realtime_usec);
                writer_close_object(writer);
        }
        writer_close_list(writer);
}

/* Texts of the header are live: take them as bytes, whether or not their end is there. */
#define writer_header_text(writer, key, field) \
        writer_bytes(writer, key, field, strnlen(field, sizeof(field)))

static void write_epoch(Writer *writer, uint64_t epoch)
{
        char text[20];

        (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)epoch);
        writer_string(writer, "epoch", text);
}

/* What `reevectl scale POOL cpus` goes by. */
static void write_cpus(Writer *writer, const BoardHeader *header)
{
        writer_open_object(writer, "cpus");
        writer_number(writer, "online", header->cpus_online);
        writer_number(writer, "affinity", header->cpus_affinity);
        if (header->cpus_quota > 0)
                writer_ratio(writer, "quota", header->cpus_quota);
        else
                writer_null(writer, "quota");
        writer_number(writer, "usable", header->cpus_usable);
        writer_close_object(writer);
}

static void write_intervals(Writer *writer, const BoardHeader *header)
{
        if (header->sample_interval_usec == 0) { /* sampler_reason tells why */
                writer_null(writer, "sample_interval_seconds");
                writer_null(writer, "thread_interval_seconds");
                return;
        }
        writer_seconds(writer, "sample_interval_seconds", header->sample_interval_usec);
        writer_seconds(writer, "thread_interval_seconds", header->thread_interval_usec);
}

void daemon_show(Call *call)
{
        const BoardHeader *header = board_view_header(link_board(call->face->link));
        uint64_t now = now_usec(), started = header->started_monotonic_usec;
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_header_text(&writer, "version", header->version_text);
        writer_string(&writer, "api_version", REEVE_VERSION); /* ours; that above is the core's */
        writer_number(&writer, "pid", header->daemon_pid);
        writer_time(&writer, "start_time", header->started_realtime_usec);
        writer_seconds(&writer, "uptime_seconds", now > started ? now - started : 0);
        writer_bool(&writer, "ready", header->is_ready);
        writer_bool(&writer, "stopping", header->is_stopping);
        writer_string(&writer, "mode", header->is_user_mode ? "user" : "system");
        writer_header_text(&writer, "boot_id", header->boot_id);
        write_epoch(&writer, header->epoch);
        writer_header_text(&writer, "sampler", header->sampler);
        writer_header_text(&writer, "sampler_reason", header->sampler_reason);
        write_intervals(&writer, header);
        writer_header_text(&writer, "families", header->families);
        write_cpus(&writer, header);
        writer_number(&writer, "notify_ignored", header->notify_ignored);
        write_features(&writer, header);
        writer_number(&writer, "warnings_total", header->warning_count);
        write_warnings(&writer, &call->face->snapshot);
        writer_close_object(&writer);
        call_answer(call, 200, &writer);
}

void daemon_livez(Call *call)
{
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_string(&writer, "status", "ok");
        writer_close_object(&writer);
        call_answer(call, 200, &writer);
}

void daemon_readyz(Call *call)
{
        const BoardHeader *header = board_view_header(link_board(call->face->link));

        if (header->is_ready && !header->is_stopping)
                daemon_livez(call);
        else
                call_refuse(call, REEVE_ERROR_BUSY, "reeved is %s.",
                            header->is_stopping ? "stopping" : "starting");
}

void daemon_openapi(Call *call)
{
        Reply reply = { .status = 200, .content_type = JSON_TYPE };

        reply.length = (size_t)(reeve_openapi_end - reeve_openapi_begin);
        reply.body = malloc(reply.length);
        if (reply.body)
                memcpy(reply.body, reeve_openapi_begin, reply.length);
        else
                reply = (Reply){ .status = 500 };
        exchange_reply(call->exchange, &reply);
}

void daemon_favicon(Call *call)
{
        Reply reply = { .status = 204 };

        exchange_reply(call->exchange, &reply);
}
