/* idempotency.c - see idempotency.h */
#include "api/idempotency.h"

#include <string.h>

#include "base/text.h"

static int digest_key(const char *actor, const char *key, unsigned char *ret)
{
        AUTO_TEXT text = { 0 };

        text_printf(&text, "%s\n%s", actor, key);
        return text.error < 0 ? text.error : digest_bytes(text.bytes, text.length, ret);
}

static int digest_request(const Request *request, unsigned char *ret)
{
        const Target *target = &request->target;
        AUTO_TEXT text = { 0 };

        text_printf(&text, "%d", (int)request->method);
        for (unsigned i = 0; i < target->segment_count; i++)
                text_printf(&text, "/%s", target->segments[i]);
        for (unsigned i = 0; i < target->parameter_count; i++)
                text_printf(&text, "&%s=%s", target->parameters[i].name,
                            target->parameters[i].value);
        text_append_bytes(&text, "\n", 1);
        if (request->body_length > 0)
                text_append_bytes(&text, request->body, request->body_length);
        return text.error < 0 ? text.error : digest_bytes(text.bytes, text.length, ret);
}

static void row_forget(IdempotencyRow *row)
{
        reply_done(&row->reply);
        *row = (IdempotencyRow){ 0 };
}

static IdempotencyRow *find(IdempotencyTable *table, const unsigned char *key, uint64_t now_usec)
{
        for (size_t i = 0; i < IDEMPOTENCY_ROWS; i++) {
                IdempotencyRow *row = &table->rows[i];

                if (row->has_reply && now_usec - row->began_usec > IDEMPOTENCY_KEEP_USEC)
                        row_forget(row);
                if (row->number > 0 && memcmp(row->key, key, DIGEST_SIZE) == 0)
                        return row;
        }
        return NULL;
}

/* A free row, else the oldest one whose request has ended. */
static IdempotencyRow *find_room(IdempotencyTable *table)
{
        IdempotencyRow *oldest = NULL;

        for (size_t i = 0; i < IDEMPOTENCY_ROWS; i++) {
                IdempotencyRow *row = &table->rows[i];

                if (row->number == 0)
                        return row;
                if (row->has_reply && (!oldest || row->number < oldest->number))
                        oldest = row;
        }
        if (oldest)
                row_forget(oldest);
        return oldest;
}

int idempotency_begin(IdempotencyTable *table, const char *actor, const char *key,
                      const Request *request, uint64_t now_usec, uint64_t *ret_number,
                      Reply *ret_reply)
{
        IdempotencyRow fresh = { .began_usec = now_usec }, *row;
        int r = digest_key(actor, key, fresh.key);

        if (r >= 0)
                r = digest_request(request, fresh.request);
        if (r < 0)
                return r;
        row = find(table, fresh.key, now_usec);
        if (row && memcmp(row->request, fresh.request, DIGEST_SIZE) != 0)
                return IDEMPOTENCY_DIFFERS;
        if (row && !row->has_reply)
                return IDEMPOTENCY_RUNNING;
        if (row) {
                r = reply_copy(ret_reply, &row->reply);
                return r < 0 ? r : IDEMPOTENCY_REPLAY;
        }
        row = find_room(table);
        if (!row)
                return IDEMPOTENCY_FULL;
        *row = fresh;
        *ret_number = row->number = ++table->last_number;
        return IDEMPOTENCY_NEW;
}

void idempotency_settle(IdempotencyTable *table, uint64_t number, const Reply *reply)
{
        for (size_t i = 0; number > 0 && i < IDEMPOTENCY_ROWS; i++) {
                IdempotencyRow *row = &table->rows[i];

                if (row->number != number)
                        continue;
                if (reply && reply_copy(&row->reply, reply) >= 0)
                        row->has_reply = true;
                else
                        row_forget(row);
                return;
        }
}

void idempotency_done(IdempotencyTable *table)
{
        for (size_t i = 0; i < IDEMPOTENCY_ROWS; i++)
                row_forget(&table->rows[i]);
}
