/* events.c - the ring of events, as a page and as a stream
 *
 * A stream holds no queue: it remembers the id of the next event and reads it from the ring when
 * its client has room. A client that is too slow for the ring is told so by `reset` and goes on
 * with what there is. An id in the stream is EPOCH-NUMBER, so that a number from before a restart
 * is not taken for one of today; a bare number means the present epoch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resources.h"
#include "base/units.h"
#include "board/events.h"

enum { BATCH_BYTES = 32 * 1024, EPOCH_DIGITS = 16 };

static const char stream_type[] = "text/event-stream";

/* ---- one event ---- */

/* What looks like a number is one: counts and codes are to be computed with. */
static void write_word(Writer *writer, const char *key, const char *value)
{
        const char *digits = *value == '-' ? value + 1 : value;
        size_t length = strspn(digits, "0123456789");

        if (length > 0 && length <= 15 && !digits[length] && (digits[0] != '0' || length == 1))
                writer_raw(writer, key, value, strlen(value));
        else
                writer_string(writer, key, value);
}

static void write_detail(Writer *writer, const BoardEvent *event)
{
        const char *cursor = event->detail;
        char key[40], value[BOARD_EVENT_DETAIL_SIZE * 3];

        writer_open_object(writer, "detail");
        while (event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)) == 1)
                write_word(writer, key, value);
        writer_close_object(writer);
}

static void event_write(Writer *writer, const BoardEvent *event)
{
        writer_open_object(writer, NULL);
        writer_number(writer, "id", event->id);
        writer_time(writer, "time", event->realtime_usec);
        writer_string(writer, "type", event_type_to_name((EventType)event->type));
        writer_string(writer, "pool", event->pool[0] ? event->pool : NULL);
        if (event->has_slot)
                writer_number(writer, "slot", event->slot);
        else
                writer_null(writer, "slot");
        if (event->pid > 0)
                writer_integer(writer, "pid", event->pid);
        else
                writer_null(writer, "pid");
        writer_string(writer, "actor", event->actor[0] ? event->actor : NULL);
        write_detail(writer, event);
        writer_close_object(writer);
}

/* ---- where to begin ---- */

typedef struct EventPosition {
        uint64_t next;   /* the first id that is wanted */
        bool is_reset;   /* not all that was asked for is there */
        const char *why; /* a word, with is_reset */
} EventPosition;

/* @text: "EPOCH-NUMBER" or "NUMBER", the last event that the client has seen.
 * Return: 0; -EINVAL if it is neither */
static int position_parse(const BoardView *board, const char *text, EventPosition *ret)
{
        uint64_t epoch = board_view_header(board)->epoch, given = epoch, first, next, seen;
        const char *dash = strchr(text, '-');
        char hex[EPOCH_DIGITS + 1];

        if (dash) {
                if (dash - text != EPOCH_DIGITS || strspn(text, "0123456789abcdef") != EPOCH_DIGITS)
                        return -EINVAL;
                memcpy(hex, text, EPOCH_DIGITS);
                hex[EPOCH_DIGITS] = '\0';
                given = strtoull(hex, NULL, 16);
                text = dash + 1;
        }
        if (units_parse_number(text, UINT64_MAX - 1, &seen) < 0)
                return -EINVAL;
        board_view_event_range(board, &first, &next);
        *ret = (EventPosition){ .next = seen + 1 };
        if (given != epoch)
                *ret = (EventPosition){ .next = first, .is_reset = true, .why = "epoch" };
        else if (seen + 1 > next)
                *ret = (EventPosition){ .next = first, .is_reset = true, .why = "ahead" };
        else if (seen + 1 < first && first > 1)
                *ret = (EventPosition){ .next = first, .is_reset = true, .why = "too-old" };
        return 0;
}

static bool event_is_wanted(const BoardView *board, uint64_t id, const char *pool, BoardEvent *ret)
{
        return board_view_event(board, id, ret) == 1
               && (!pool || !*pool || text_equal(ret->pool, pool));
}

/* ---- a page ---- */

/* Without a place to begin: so many of the newest. */
static uint64_t begin_of_newest(const BoardView *board, const char *pool, size_t limit)
{
        uint64_t first, next, id;
        BoardEvent event;

        board_view_event_range(board, &first, &next);
        for (id = next; id > first && limit > 0; id--)
                limit -= event_is_wanted(board, id - 1, pool, &event);
        return id;
}

typedef struct EventRange {
        const BoardView *board;
        bool is_reset;
} EventRange;

static void write_range(Writer *writer, const void *data)
{
        const EventRange *range = data;
        const BoardView *board = range->board;
        char epoch[EPOCH_DIGITS + 1];
        uint64_t first, next;

        board_view_event_range(board, &first, &next);
        (void)snprintf(epoch, sizeof(epoch), "%016llx",
                       (unsigned long long)board_view_header(board)->epoch);
        writer_string(writer, "epoch", epoch);
        writer_number(writer, "first_id", first);
        writer_number(writer, "next_id", next);
        writer_bool(writer, "reset", range->is_reset);
}

static void show_page(Call *call, Page *page, const EventPosition *begin, const char *pool)
{
        const BoardView *board = link_board(call->face->link);
        EventRange range = { .board = board, .is_reset = begin->is_reset };
        uint64_t first, end, last = 0;
        AUTO_WRITER writer = { 0 };
        BoardEvent event;
        char next[24] = "";
        size_t count = 0;

        board_view_event_range(board, &first, &end);
        page_open(page, &writer);
        for (uint64_t id = MAX(begin->next, first); id < end; id++) {
                if (!event_is_wanted(board, id, pool, &event))
                        continue;
                if (count++ == page->limit) {
                        (void)snprintf(next, sizeof(next), "%llu", (unsigned long long)last);
                        break;
                }
                last = id;
                event_write(&writer, &event);
        }
        page->extra = write_range;
        page->extra_data = &range;
        page_close(call, page, &writer, next[0] ? next : NULL);
}

/* ---- a stream ---- */

struct EventStream {
        EventStream *next, *previous;
        Face *face;
        Stream *stream;
        uint64_t epoch;
        EventPosition position;
        char pool[BOARD_NAME_SIZE]; /* empty: all */
        Text pending;               /* written and not yet taken */
        size_t taken;
};

static void stream_append(EventStream *self, const char *name, uint64_t id, Writer *data)
{
        text_printf(&self->pending,
                    "id: %016llx-%llu\nevent: %s\ndata: ", (unsigned long long)self->epoch,
                    (unsigned long long)id, name);
        text_append_bytes(&self->pending, data->text.bytes ? data->text.bytes : "",
                          data->text.length);
        text_append(&self->pending, "\n\n");
        if (data->text.error < 0)
                self->pending.error = data->text.error;
}

static void stream_append_reset(EventStream *self, const BoardView *board)
{
        EventRange range = { .board = board, .is_reset = true };
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_string(&writer, "reason", self->position.why);
        write_range(&writer, &range);
        writer_close_object(&writer);
        stream_append(self, "reset", self->position.next - 1, &writer);
        self->position.is_reset = false;
}

static void stream_append_event(EventStream *self, const BoardEvent *event)
{
        const char *name = event_type_to_name((EventType)event->type);
        AUTO_WRITER writer = { 0 };

        event_write(&writer, event);
        stream_append(self, name ? name : "unknown", event->id, &writer);
}

/* The ring may have gone on without us, and the board may be another one than last time. */
static void stream_find_place(EventStream *self, const BoardView *board, uint64_t first)
{
        uint64_t epoch = board_view_header(board)->epoch;

        if (self->epoch != epoch) {
                self->epoch = epoch;
                self->position = (EventPosition){ .next = first, .is_reset = true, .why = "epoch" };
        } else if (self->position.next < first) {
                self->position =
                        (EventPosition){ .next = first, .is_reset = true, .why = "too-old" };
        }
}

static void stream_fill(EventStream *self, const BoardView *board)
{
        uint64_t first, end;
        BoardEvent event;

        board_view_event_range(board, &first, &end);
        stream_find_place(self, board, first);
        if (self->position.is_reset)
                stream_append_reset(self, board);
        while (self->position.next < end && self->pending.length < BATCH_BYTES
               && self->pending.error == 0) {
                if (event_is_wanted(board, self->position.next, self->pool, &event))
                        stream_append_event(self, &event);
                self->position.next++;
        }
}

static ssize_t on_pull(void *source, char *buffer, size_t size)
{
        EventStream *self = source;
        const BoardView *board = link_board(self->face->link);
        size_t length;

        if (self->taken == self->pending.length) {
                self->taken = self->pending.length = 0;
                stream_fill(self, board);
        }
        if (self->pending.error < 0)
                return STREAM_END; /* no memory: the client comes back with its last id */
        length = MIN(size, self->pending.length - self->taken);
        if (length > 0)
                memcpy(buffer, self->pending.bytes + self->taken, length);
        self->taken += length;
        return length > 0 ? (ssize_t)length : STREAM_NOTHING;
}

static void on_close(void *source)
{
        EventStream *self = source;

        if (self->next)
                self->next->previous = self->previous;
        if (self->previous)
                self->previous->next = self->next;
        else
                self->face->event_streams = self->next;
        text_done(&self->pending);
        free(self);
}

static const StreamKind event_stream_kind = {
        .content_type = stream_type,
        .pull = on_pull,
        .close = on_close,
        .heartbeat = ": heartbeat\n\n",
};

void event_streams_wake(Face *face)
{
        for (EventStream *self = face->event_streams; self; self = self->next)
                stream_wake(self->stream);
}

static EventStream *stream_new(Call *call, const EventPosition *begin, const char *pool)
{
        EventStream *self = calloc(1, sizeof(*self));

        if (!self)
                return NULL;
        self->face = call->face;
        self->stream = call->exchange;
        self->epoch = board_view_header(link_board(call->face->link))->epoch;
        self->position = *begin;
        (void)text_copy(self->pool, sizeof(self->pool), pool ? pool : "");
        /* Something to send at once: headers alone would wait for the first event. */
        text_append(&self->pending, ": events of reeve\n\n");
        self->next = call->face->event_streams;
        if (self->next)
                self->next->previous = self;
        call->face->event_streams = self;
        return self;
}

static void begin_stream(Call *call, const EventPosition *begin, const char *pool)
{
        EventStream *self = stream_new(call, begin, pool);

        if (!self)
                call_refuse(call, REEVE_ERROR_INTERNAL, "There is no memory for another stream.");
        else if (exchange_stream(call->exchange, &event_stream_kind, self) < 0)
                call_refuse(call, REEVE_ERROR_BUSY, "There are %d streams already.", STREAMS_MAX);
}

/* ---- the route ---- */

static int parse_begin(Call *call, const Page *page, bool is_stream, const char *pool,
                       EventPosition *ret, Refusal *refusal)
{
        const BoardView *board = link_board(call->face->link);
        const char *seen = page->cursor ? page->cursor : call_parameter(call, "since");
        uint64_t first;

        if (is_stream && call->request->headers.last_event_id)
                seen = call->request->headers.last_event_id;
        if (seen && position_parse(board, seen, ret) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "The id of an event is a number, or EPOCH-NUMBER as in a "
                                   "stream.");
        if (seen)
                return 0;
        *ret = (EventPosition){ 0 };
        if (is_stream)
                board_view_event_range(board, &first, &ret->next);
        else
                ret->next = begin_of_newest(board, pool, page->limit);
        return 0;
}

void events_show(Call *call)
{
        const char *pool = call_parameter(call, "pool");
        Refusal refusal = { 0 };
        EventPosition begin;
        bool is_stream;
        Page page;
        int r = call_flag(call, "follow", &refusal);

        is_stream = r > 0 || call_accepts(call, stream_type);
        if (r >= 0)
                r = page_parse(call, &page, &refusal);
        if (r >= 0)
                r = parse_begin(call, &page, is_stream, pool, &begin, &refusal);
        if (r < 0)
                exchange_answer_refusal(call->exchange, &refusal);
        else if (is_stream && call->request->method == HTTP_HEAD)
                call_answer_head(call, stream_type);
        else if (is_stream)
                begin_stream(call, &begin, pool);
        else
                show_page(call, &page, &begin, pool);
}
