/* events.c - reevectl events: what happened, one line each */
#include <errno.h>
#include <inttypes.h>

#include "base/units.h"
#include "ctl/api.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/sse.h"
#include "ctl/stream.h"
#include "ctl/verbs.h"
#include "sys/clock.h"

/* reeve-api is back within a second of a crash; the tries last for five. */
enum { PAGE_LIMIT = 5000, TRIES_MAX = 20, PAUSE_MSEC = 250 };

static void detail_write(Text *line, const json_t *detail)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)detail, key, value)
        {
                AUTO_FREE char *dump = NULL;

                if (json_is_string(value)) {
                        text_printf(line, " %s=%s", key, json_string_value(value));
                        continue;
                }
                dump = value_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
                text_printf(line, " %s=%s", key, dump ? dump : "?");
        }
}

static void place_write(Text *line, const json_t *event)
{
        const char *pool = value_text(event, "pool", "");

        text_append(line, *pool ? pool : "reeve");
        if (value_at(event, "slot"))
                text_printf(line, "/%" PRId64, value_integer(event, "slot", 0));
}

/* "14:02:11  worker.exited  web/0 4711 code=1 (by uid 0)" */
static void event_tell(const Context *context, const json_t *event)
{
        const char *actor = value_text(event, "actor", "");
        AUTO_TEXT time = { 0 }, place = { 0 }, rest = { 0 };

        value_write_time(&time, event, "time");
        place_write(&place, event);
        if (value_integer(event, "pid", 0) > 0)
                text_printf(&rest, " pid=%" PRId64, value_integer(event, "pid", 0));
        detail_write(&rest, value_at(event, "detail"));
        if (*actor)
                text_printf(&rest, " (by %s)", actor);
        fprintf(context->out, "%s  %-16s %-12s%s\n", time.bytes ? time.bytes : "",
                value_text(event, "type", VALUE_UNKNOWN), place.bytes ? place.bytes : "",
                rest.bytes ? rest.bytes : "");
}

static int event_show(const Context *context, const json_t *event, Error *reterr)
{
        if (context_is_json(context))
                return render_json_line(context, event, reterr);
        event_tell(context, event);
        return 0;
}

static void page_path(const Options *options, Text *path)
{
        uint64_t limit = options->seen & OPTION_LINES ? MIN(options->lines, (uint64_t)PAGE_LIMIT)
                                                      : PAGE_LIMIT;

        text_printf(path, "/v1/events?limit=%" PRIu64, limit);
        if (options->since) {
                text_append(path, "&since=");
                api_path(path, options->since);
        }
}

/* @last: the id of the last event shown is left here; unchanged if there was none */
static int events_page(const Context *context, Text *last, Error *reterr)
{
        AUTO_TEXT path = { 0 };
        AUTO_JSON *page = NULL;
        const json_t *items;
        size_t count;
        int r;

        page_path(context->options, &path);
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        r = api_get(context, path.bytes, &page, reterr);
        items = json_object_get(page, "items");
        count = json_array_size(items);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = event_show(context, json_array_get(items, i), reterr);
        if (count > 0) {
                text_done(last);
                text_printf(last, "%" PRId64,
                            value_integer(json_array_get(items, count - 1), "id", 0));
        }
        return r;
}

/* ---- following ---- */

typedef struct Following {
        const Context *context;
        SseReader reader;
        unsigned count; /* events of this connection */
        Error *reterr;
} Following;

static int on_event(void *userdata, const SseEvent *sse)
{
        Following *following = userdata;
        const Context *context = following->context;
        AUTO_JSON *event = json_loads(sse->data, 0, NULL);
        int r;

        following->count++;
        if (text_equal(sse->type, "reset")) {
                fputs("reevectl: some events are missing here: reeve no longer had them\n",
                      context->err);
                return 0;
        }
        if (!event)
                return 0; /* not for us: a later version may send other things */
        r = event_show(context, event, following->reterr);
        if (r == 0 && (fflush(context->out) != 0 || ferror(context->out)))
                r = stream_write_failed(errno, following->reterr);
        return r;
}

static int on_bytes(void *userdata, const char *bytes, size_t length)
{
        Following *following = userdata;
        int r = sse_reader_feed(&following->reader, bytes, length, on_event, following);

        if (r == -EMSGSIZE || r == -ENOMEM)
                (void)error_set(following->reterr, r, OUTCOME_FAILED,
                                "an event of reeve is too large to be held");
        return r;
}

/* One connection; Return: as stream_run() */
static int events_stream(Following *following, const char *path, const char *last_id, Error *reterr)
{
        return stream_run(following->context,
                          &(Request){ .path = path,
                                      .accept = "text/event-stream",
                                      .last_event_id = *last_id ? last_id : NULL,
                                      .is_endless = true,
                                      .reader_fd = following->context->out_fd },
                          on_bytes, following, reterr);
}

/* Whether a stream that ended like this is worth another try: reeve-api may have been replaced. */
static bool is_lost(int r, const Error *error)
{
        return r > 0 || (r < 0 && text_equal(error->code, OUTCOME_UNREACHABLE));
}

/* Follow, and go on after the last event seen where a connection was lost. */
static int events_keep(const Context *context, const char *path, Error *reterr)
{
        Following following = { .context = context, .reterr = reterr };
        unsigned tries = 0;
        int r;

        do {
                char last_id[SSE_NAME_SIZE];

                (void)text_copy(last_id, sizeof(last_id), following.reader.id);
                sse_reader_done(&following.reader);
                following.reader = (SseReader){ 0 };
                (void)text_copy(following.reader.id, sizeof(last_id), last_id);
                following.count = 0;
                r = events_stream(&following, path, last_id, reterr);
                tries = following.count > 0 ? 0 : tries + 1;
        } while (is_lost(r, reterr) && tries < TRIES_MAX
                 && interrupt_poll(-1, 0, context->out_fd, now_usec() + PAUSE_MSEC * USEC_PER_MSEC)
                            == -ETIMEDOUT);
        sse_reader_done(&following.reader);
        if (interrupt_came())
                return 0; /* also in the pause after a lost connection */
        if (r > 0 && tries == TRIES_MAX)
                return error_set(reterr, -EPIPE, OUTCOME_UNREACHABLE,
                                 "reeve ended the stream of events");
        return MIN(r, 0);
}

/* With -n the newest come first, and the stream goes on behind the last of them. */
static int events_follow(const Context *context, Error *reterr)
{
        const Options *options = context->options;
        AUTO_TEXT path = { 0 }, last = { 0 };
        int r = 0;

        (void)interrupt_arm(); /* without it Ctrl-C just ends us */
        if (options->since)
                text_append(&last, options->since);
        if (options->seen & OPTION_LINES)
                r = events_page(context, &last, reterr);
        if (r < 0)
                return r;
        (void)fflush(context->out); /* what fails here fails again below */
        text_append(&path, "/v1/events");
        if (last.length > 0) {
                text_append(&path, "?since=");
                api_path(&path, last.bytes);
        }
        if (path.error || last.error)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return events_keep(context, path.bytes, reterr);
}

int verb_events(const Context *context)
{
        AUTO_TEXT last = { 0 };
        Error error = { 0 };
        int r;

        r = context->options->is_follow ? events_follow(context, &error)
                                        : events_page(context, &last, &error);
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}
