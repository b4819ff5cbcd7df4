/* status_page.c - GET /: what runs here, on one plain page
 *
 * No script, no style of its own, nothing loaded from elsewhere. All text is escaped, since
 * descriptions and states of workers are written by others. */
#include <errno.h>

#include "api/resources.h"
#include "base/units.h"
#include "base/utf8.h"
#include "model/pool.h"
#include "model/worker.h"
#include "sys/clock.h"

static const char page_type[] = "text/html; charset=utf-8";

static void append_escaped(Text *page, const char *text)
{
        char clean[3 * BOARD_TEXT_SIZE + 1];

        (void)utf8_sanitize(clean, sizeof(clean), text, strnlen(text, BOARD_TEXT_SIZE));
        for (const char *p = clean; *p; p++) {
                switch (*p) {
                case '<': text_append(page, "&lt;"); break;
                case '>': text_append(page, "&gt;"); break;
                case '&': text_append(page, "&amp;"); break;
                case '"': text_append(page, "&quot;"); break;
                case '\'': text_append(page, "&#39;"); break;
                default: text_append_bytes(page, p, 1);
                }
        }
}

static void append_cell(Text *page, const char *text)
{
        text_append(page, "<td>");
        append_escaped(page, text ? text : "-");
        text_append(page, "</td>");
}

static void append_pools(Text *page, const Snapshot *snapshot)
{
        text_append(page, "<h2>Pools</h2>\n<table>\n<tr><th>pool<th>state<th>grid<th>ready<th>"
                          "restarts<th>description\n");
        for (size_t i = 0; i < snapshot->pool_count; i++) {
                const BoardPool *row = &snapshot->pools[i].row;

                if (row->is_builtin)
                        continue;
                text_append(page, "<tr>");
                append_cell(page, row->name);
                append_cell(page, pool_state_to_name((PoolState)row->state));
                text_printf(page, "<td>%ux%u", row->processes, row->threads);
                if (row->greenlets > 0)
                        text_printf(page, "x%u", row->greenlets);
                text_printf(page, "</td><td>%u/%u</td><td>%llu</td>", row->ready, row->processes,
                            (unsigned long long)row->restarts);
                append_cell(page, row->description);
                text_append(page, "\n");
        }
        text_append(page, "</table>\n");
}

static void append_sample(Text *page, const BoardWorker *row)
{
        char size[16];

        if (row->pid <= 0 || row->sampled_monotonic_usec == 0) {
                text_append(page, "<td>-</td><td>-</td>");
                return;
        }
        if (row->cpu_ratio >= 0)
                text_printf(page, "<td>%.2f</td>", row->cpu_ratio);
        else
                text_append(page, "<td>-</td>");
        text_printf(page, "<td>%s</td>", units_format_size(size, sizeof(size), row->rss_bytes));
}

static void append_workers(Text *page, const Snapshot *snapshot)
{
        text_append(page, "<h2>Workers</h2>\n<table>\n<tr><th>pool<th>slot<th>pid<th>state<th>"
                          "restarts<th>cores<th>rss<th>status\n");
        for (size_t i = 0; i < MIN(snapshot->worker_count, (size_t)PAGE_LIMIT_MAX); i++) {
                const BoardWorker *row = snapshot->workers[i];
                const PoolView *pool = snapshot_pool_of(snapshot, i);

                if (pool->row.is_builtin)
                        continue;
                text_append(page, "<tr>");
                append_cell(page, pool->row.name);
                text_printf(page, "<td>%u</td>", row->slot);
                text_printf(page, row->pid > 0 ? "<td>%d</td>" : "<td>-</td>", row->pid);
                append_cell(page, worker_state_to_name((WorkerState)row->state));
                text_printf(page, "<td>%u</td>", row->restarts);
                append_sample(page, row);
                append_cell(page, row->status_text);
                text_append(page, "\n");
        }
        text_append(page, "</table>\n");
}

static void append_state(Text *page, const Call *call)
{
        const BoardHeader *header = board_view_header(link_board(call->face->link));
        uint64_t now = now_usec(), started = header->started_monotonic_usec;
        char up[32];

        text_append(page, "<p>reeved ");
        append_escaped(page, header->version_text);
        text_printf(page, ", pid %u, up %s, sampler ", header->daemon_pid,
                    units_format_span(up, sizeof(up), now > started ? now - started : 0));
        append_escaped(page, header->sampler);
        text_append(page, ".</p>\n");
        append_pools(page, &call->face->snapshot);
        append_workers(page, &call->face->snapshot);
}

void status_page_show(Call *call)
{
        Reply reply = { .status = 200, .content_type = page_type };
        AUTO_TEXT page = { 0 };

        text_append(&page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                           "<title>reeve</title></head>\n<body>\n<h1>reeve</h1>\n");
        if (call->identity.role < ROLE_VIEW)
                text_append(&page,
                            "<p>To see what runs here, send a token with each request: "
                            "<code>Authorization: Bearer TOKEN</code>. "
                            "On this machine <code>reevectl status</code> needs none.</p>\n");
        else
                append_state(&page, call);
        text_append(&page, "</body>\n</html>\n");
        reply.length = page.length;
        if (text_take(&page, &reply.body) < 0)
                reply = (Reply){ .status = 500 };
        exchange_reply(call->exchange, &reply);
}
