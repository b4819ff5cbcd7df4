/* logs.c - what workers wrote: the last lines, and on request what comes after them
 *
 * reeved hands over descriptors of a slot's files; they are read here. First the last lines, slot
 * after slot: the number asked for is shared out evenly, and what one slot has not, later ones may
 * give. Then, when following, whatever any of them adds. Everything is pulled by
 * the client's reads, so a slow client costs no memory and misses nothing; a byte rate keeps one
 * reader of a whole log from the others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/log_reader.h"
#include "api/log_text.h"
#include "api/resources.h"
#include "base/units.h"
#include "sys/fd.h"

enum {
        LINES_DEFAULT = 100,
        FOLLOWED_MAX = 128, /* slots of one stream: each holds descriptors */
        READ_BLOCK = 32 * 1024,
        BYTES_PER_TICK = 8 * 1024 * 1024, /* ten ticks a second */
};

static const char text_type[] = "text/plain; charset=utf-8",
                  raw_type[] = "application/octet-stream", event_type[] = "text/event-stream";

typedef struct LogSlot {
        LogLine line; /* knows the slot's number */
        LogReader reader;
        uint64_t file;          /* BoardWorker.log_file when the files were opened */
        bool is_open, is_stale; /* stale: rotated since */
        uint64_t share;         /* of the last lines asked for */
} LogSlot;

struct LogStream {
        LogStream *next, *previous;
        Face *face;
        Exchange *exchange;
        char pool[BOARD_NAME_SIZE];
        LogStyle style;
        uint64_t lines, lines_left; /* asked for; not shared out yet */
        bool is_following, has_one_slot, has_begun;
        bool is_past_tail; /* all slots that were there have given their last lines */
        LogSlot *slots;
        size_t slot_count, current; /* current: whose last lines are being given */
        uint64_t request;           /* to reeved, 0: none */
        LogSlot *asked;             /* whom it is for */
        size_t budget;              /* bytes until the next tick */
        Text pending;
        size_t taken;
};

static void slot_done(LogSlot *slot)
{
        log_reader_done(&slot->reader);
        log_line_done(&slot->line);
        slot->is_open = false;
}

static void log_stream_free(LogStream *self)
{
        if (self->request)
                link_forget(self->face->link, self->request);
        if (self->next)
                self->next->previous = self->previous;
        if (self->previous)
                self->previous->next = self->next;
        else
                self->face->log_streams = self->next;
        for (size_t i = 0; i < self->slot_count; i++)
                slot_done(&self->slots[i]);
        free(self->slots);
        text_done(&self->pending);
        free(self);
}

/* ---- files from reeved ---- */

static const StreamKind *stream_kind(const LogStream *self);

/* The first answer decides what the client gets: a stream, or a refusal. */
static void begin_stream(LogStream *self, const ControlLog *log, size_t fd_count)
{
        Exchange *exchange = self->exchange;

        if (!log || (self->has_one_slot && fd_count == 0)) {
                exchange_on_gone(exchange, NULL, NULL);
                if (!log)
                        exchange_answer_error(exchange, REEVE_ERROR_CORE_UNREACHABLE,
                                              "reeved has not opened the log in time.");
                else
                        exchange_answer_error(exchange, REEVE_ERROR_NOT_FOUND,
                                              "Slot %u of pool %s has no log.",
                                              self->slots[0].line.slot, self->pool);
                log_stream_free(self);
                return;
        }
        self->has_begun = true;
        if (exchange_stream(exchange, stream_kind(self), self) < 0)
                exchange_answer_error(exchange, REEVE_ERROR_BUSY, "There are %d streams already.",
                                      STREAMS_MAX);
}

/* How many of the lines the present slot may give. One that comes later gives all that it has. */
static uint64_t share_of_lines(const LogStream *self)
{
        uint64_t slots = self->slot_count - self->current;

        if (self->lines == LOG_LINES_ALL || self->is_past_tail)
                return self->lines;
        return self->lines_left / slots + (self->lines_left % slots != 0);
}

static void take_share(LogStream *self, const LogSlot *slot)
{
        uint64_t given = slot->share - MIN(slot->share, slot->reader.lines_left);

        self->lines_left -= MIN(self->lines_left, given);
}

static void on_files(void *userdata, const ControlLog *log, const int *fds, size_t fd_count)
{
        LogStream *self = userdata;
        LogSlot *slot = self->asked;

        self->request = 0;
        self->asked = NULL;
        if (slot->is_open && fd_count > 0)
                log_reader_reopen(&slot->reader, fds, fd_count);
        else if (log && !slot->is_open)
                log_reader_open(&slot->reader, fds, fd_count, slot->share = share_of_lines(self));
        if (log) {
                slot->is_open = true;
                slot->is_stale = false;
                slot->file = log->log_file;
        }
        if (!self->has_begun)
                begin_stream(self, log, fd_count);
        else
                stream_wake(self->exchange);
}

/* Return: 0; negative errno if reeved cannot be asked now */
static int ask(LogStream *self, LogSlot *slot)
{
        int r;

        if (self->request)
                return 0; /* one at a time */
        r = link_open_log(self->face->link, self->pool, slot->line.slot, on_files, self,
                          &self->request);
        if (r >= 0)
                self->asked = slot;
        return r;
}

/* ---- the last lines ---- */

/* Return: whether there is anything to do at once */
static bool read_slot(LogStream *self, LogSlot *slot)
{
        char block[READ_BLOCK];
        size_t size = MIN(sizeof(block), self->budget);
        ssize_t n = size > 0 ? log_reader_read(&slot->reader, block, size) : 0;

        if (n <= 0)
                return false;
        self->budget -= (size_t)n;
        (void)log_text_add(&slot->line, &self->style, block, (size_t)n, &self->pending);
        return true;
}

/* Return: STREAM_AGAIN, STREAM_NOTHING or STREAM_END; bytes may be pending in each case */
static int give_tail(LogStream *self)
{
        LogSlot *slot = &self->slots[self->current];

        if (!slot->is_open)
                return ask(self, slot) < 0 ? STREAM_END : STREAM_NOTHING;
        if (!log_reader_scan(&slot->reader))
                return STREAM_AGAIN;
        take_share(self, slot);
        slot->share = 0;
        if (self->budget == 0) {
                face_tick_on(self->face);
                return STREAM_NOTHING;
        }
        if (read_slot(self, slot))
                return STREAM_AGAIN;
        (void)log_text_flush(&slot->line, &self->style, !self->is_following, &self->pending);
        if (self->is_following)
                log_reader_follow(&slot->reader);
        else
                slot_done(slot);
        self->current++;
        self->is_past_tail |= self->current == self->slot_count;
        return STREAM_AGAIN;
}

/* ---- following ---- */

static LogSlot *find_slot(LogStream *self, uint32_t number)
{
        for (size_t i = 0; i < self->slot_count; i++)
                if (self->slots[i].line.slot == number)
                        return &self->slots[i];
        return NULL;
}

static int add_slot(LogStream *self, uint32_t number)
{
        LogSlot *slots = reallocarray(self->slots, self->slot_count + 1, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        self->slots = slots;
        self->slots[self->slot_count++] = (LogSlot){ .line.slot = number };
        return 0;
}

/* Slots that came into being since are followed as well; files may have been rotated. */
static void look_at_board(LogStream *self)
{
        const PoolView *pool = face_find_pool(self->face, self->pool);
        const Snapshot *snapshot = &self->face->snapshot;

        for (size_t i = 0; pool && i < pool->worker_count; i++) {
                const BoardWorker *row = snapshot->workers[pool->first_worker + i];
                LogSlot *slot = find_slot(self, row->slot);

                if (slot && slot->is_open)
                        slot->is_stale |= slot->file != row->log_file;
                /* `asked` points into the array: it must not move while an answer is due. */
                else if (!slot && !self->has_one_slot && !self->request
                         && self->slot_count < FOLLOWED_MAX)
                        (void)add_slot(self, row->slot); /* without memory: at the next look */
        }
}

static bool slot_wants_reading(const LogSlot *slot)
{
        return slot->is_open && (slot->is_stale || log_reader_has_more(&slot->reader));
}

static int follow(LogStream *self)
{
        bool is_any = false;

        for (size_t i = 0; i < self->slot_count; i++) {
                LogSlot *slot = &self->slots[i];
                bool was_read = slot->is_open && read_slot(self, slot);

                is_any |= was_read;
                if (!was_read && slot->is_stale)
                        (void)ask(self, slot); /* else at the next tick */
                if (slot->is_open)
                        (void)log_text_flush(&slot->line, &self->style, false, &self->pending);
                if (self->pending.length >= READ_BLOCK)
                        break;
        }
        face_tick_on(self->face);
        return is_any ? STREAM_AGAIN : STREAM_NOTHING;
}

static bool log_stream_look(LogStream *self)
{
        self->budget = BYTES_PER_TICK;
        if (!self->has_begun)
                return false;
        if (self->current < self->slot_count) {
                stream_wake(self->exchange);
                return true;
        }
        if (!self->is_following)
                return false;
        look_at_board(self);
        if (self->current < self->slot_count) {
                stream_wake(self->exchange);
                return true;
        }
        for (size_t i = 0; i < self->slot_count; i++)
                if (slot_wants_reading(&self->slots[i])) {
                        stream_wake(self->exchange);
                        break;
                }
        return true;
}

bool log_streams_tick(Face *face)
{
        bool goes_on = false;

        for (LogStream *self = face->log_streams; self; self = self->next)
                goes_on |= log_stream_look(self);
        return goes_on;
}

/* ---- the stream ---- */

static ssize_t take_pending(LogStream *self, char *buffer, size_t size)
{
        size_t length = MIN(size, self->pending.length - self->taken);

        memcpy(buffer, self->pending.bytes + self->taken, length);
        self->taken += length;
        return (ssize_t)length;
}

static ssize_t on_pull(void *source, char *buffer, size_t size)
{
        LogStream *self = source;
        int r;

        if (self->taken == self->pending.length) {
                self->taken = self->pending.length = 0;
                if (self->current < self->slot_count)
                        r = give_tail(self);
                else
                        r = self->is_following ? follow(self) : STREAM_END;
                if (self->pending.error < 0)
                        return STREAM_END;
                if (self->pending.length == 0)
                        return r;
        }
        return take_pending(self, buffer, size);
}

static void on_close(void *source)
{
        log_stream_free(source);
}

static const StreamKind *stream_kind(const LogStream *self)
{
        static const StreamKind kinds[] = {
                [LOG_TEXT] = { text_type, on_pull, on_close, NULL },
                [LOG_EVENTS] = { event_type, on_pull, on_close, ": heartbeat\n\n" },
                [LOG_RAW] = { raw_type, on_pull, on_close, NULL },
        };

        return &kinds[self->style.form];
}

/* ---- the route ---- */

typedef struct LogQuery {
        uint64_t lines;
        bool is_following, has_slot;
        uint32_t slot;
        LogForm form;
} LogQuery;

static int parse_query(Call *call, LogQuery *ret, Refusal *refusal)
{
        const char *lines = call_parameter(call, "lines"), *slot = call_parameter(call, "slot");
        int follow_flag = call_flag(call, "follow", refusal), raw = 0;
        LogQuery query = { .lines = LINES_DEFAULT, .has_slot = slot != NULL };
        uint64_t number = 0;

        if (follow_flag >= 0)
                raw = call_flag(call, "raw", refusal);
        if (follow_flag < 0 || raw < 0)
                return -EINVAL;
        if (lines && text_equal(lines, "all"))
                query.lines = LOG_LINES_ALL;
        else if (lines && units_parse_number(lines, UINT64_MAX, &query.lines) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "The parameter lines must be a number or all.");
        if (slot && units_parse_number(slot, UINT32_MAX, &number) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "The parameter slot must be a number.");
        query.slot = (uint32_t)number;
        query.is_following = follow_flag;
        if (raw)
                query.form = LOG_RAW;
        else
                query.form = call_accepts(call, event_type) ? LOG_EVENTS : LOG_TEXT;
        *ret = query;
        return 0;
}

/* A pool that is stopped has no slots on the board; their files are there, and it is now that
 * somebody wants to read them. */
static size_t slot_total(const PoolView *pool)
{
        return pool->worker_count ? pool->worker_count
                                  : MIN(pool->row.processes, (uint32_t)FOLLOWED_MAX);
}

static int fill_slots(LogStream *self, const Call *call, const PoolView *pool,
                      const LogQuery *query)
{
        const BoardWorker **workers = &call->face->snapshot.workers[pool->first_worker];
        int r = query->has_slot ? add_slot(self, query->slot) : 0;

        for (size_t i = 0; r >= 0 && !query->has_slot && i < slot_total(pool); i++)
                r = add_slot(self, pool->worker_count ? workers[i]->slot : (uint32_t)i);
        self->style.has_prefix =
                !query->has_slot && (self->slot_count > 1 || pool->row.processes > 1);
        return r;
}

static LogStream *log_stream_new(Call *call, const PoolView *pool, const LogQuery *query)
{
        LogStream *self = calloc(1, sizeof(*self));

        if (!self)
                return NULL;
        self->face = call->face;
        self->exchange = call->exchange;
        (void)text_copy(self->pool, sizeof(self->pool), pool->row.name);
        self->style.form = query->form;
        self->lines = self->lines_left = query->lines;
        self->is_following = query->is_following;
        self->has_one_slot = query->has_slot;
        self->budget = BYTES_PER_TICK;
        self->next = call->face->log_streams;
        if (self->next)
                self->next->previous = self;
        call->face->log_streams = self;
        if (fill_slots(self, call, pool, query) < 0) {
                log_stream_free(self);
                return NULL;
        }
        return self;
}

static void on_gone(void *userdata)
{
        log_stream_free(userdata);
}

static void start(Call *call, LogStream *self)
{
        int r = self->slot_count > 0 ? ask(self, &self->slots[0]) : 0;

        if (r < 0) {
                log_stream_free(self);
                call_refuse(call, REEVE_ERROR_BUSY, "reeved cannot be asked for the log now.");
        } else if (self->slot_count > 0) {
                exchange_on_gone(call->exchange, on_gone, self);
        } else {
                begin_stream(self, &(ControlLog){ 0 }, 0);
        }
}

/* Nothing of it is here, and nothing was that the journal did not take. */
static bool refuse_elsewhere(Call *call, const PoolView *pool)
{
        const BoardPool *row = &pool->row;

        if (!row->log_place[0] || row->log_fallback_lines > 0)
                return false;
        call_refuse(call, REEVE_ERROR_NOT_FOUND, "The output of pool %s goes to %s.", row->name,
                    row->log_place);
        return true;
}

void logs_show(Call *call)
{
        const PoolView *pool = call_pool(call);
        Refusal refusal = { 0 };
        LogQuery query = { 0 };
        LogStream *self;

        if (!pool)
                return;
        if (refuse_elsewhere(call, pool))
                return;
        if (parse_query(call, &query, &refusal) >= 0 && query.is_following && !query.has_slot
            && pool->worker_count > FOLLOWED_MAX)
                (void)refusal_set(&refusal, REEVE_ERROR_INVALID,
                                  "At most %d slots can be followed at once: give a slot.",
                                  FOLLOWED_MAX);
        if (refusal.code[0]) {
                exchange_answer_refusal(call->exchange, &refusal);
        } else if (call->request->method == HTTP_HEAD) {
                call_answer_head(call, query.form == LOG_TEXT  ? text_type
                                       : query.form == LOG_RAW ? raw_type
                                                               : event_type);
        } else {
                self = log_stream_new(call, pool, &query);
                if (self)
                        start(call, self);
                else
                        call_refuse(call, REEVE_ERROR_INTERNAL, "There is no memory for a stream.");
        }
}
