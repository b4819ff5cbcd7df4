/* refusal.c - see refusal.h */
#include "api/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/writer.h"
#include "base/cleanup.h"
#include "base/text.h"

typedef struct CodeRow {
        const char *code;
        unsigned status;
        const char *title;
} CodeRow;

static const CodeRow codes[] = {
        { REEVE_ERROR_BAD_REQUEST, 400, "The request cannot be read" },
        { REEVE_ERROR_BAD_JSON, 400, "The body is not valid JSON" },
        { REEVE_ERROR_UNAUTHENTICATED, 401, "Who are you?" },
        { REEVE_ERROR_FORBIDDEN, 403, "Not allowed" },
        { REEVE_ERROR_CROSS_SITE, 403, "Requests of other sites are refused" },
        { REEVE_ERROR_NOT_FOUND, 404, "There is nothing here" },
        { REEVE_ERROR_UNKNOWN_POOL, 404, "No such pool" },
        { REEVE_ERROR_UNKNOWN_WORKER, 404, "No such worker" },
        { REEVE_ERROR_UNKNOWN_THREAD, 404, "No such thread" },
        { REEVE_ERROR_UNKNOWN_OPERATION, 404, "No such operation" },
        { REEVE_ERROR_METHOD, 405, "This method does not work here" },
        { REEVE_ERROR_CONFLICT, 409, "Something else is in the way" },
        { REEVE_ERROR_NO_ROOM, 409, "Too little memory" },
        { REEVE_ERROR_STALE_GENERATION, 412, "The pool has changed meanwhile" },
        { REEVE_ERROR_TOO_LARGE, 413, "Too large" },
        { REEVE_ERROR_MEDIA_TYPE, 415, "The body must be JSON" },
        { REEVE_ERROR_MISDIRECTED, 421, "This host name is not served here" },
        { REEVE_ERROR_INVALID, 422, "A value is wrong" },
        { REEVE_ERROR_OVER_LIMIT, 422, "Outside the pool's limits" },
        { REEVE_ERROR_THREADS_FIXED, 422, "The pool's thread count is fixed" },
        { REEVE_ERROR_NOT_SUPPORTED, 422, "Not possible here" },
        { REEVE_ERROR_INTERNAL, 500, "A fault of reeve-api" },
        { REEVE_ERROR_BUSY, 503, "Too busy" },
        { REEVE_ERROR_CORE_UNREACHABLE, 503, "reeved does not answer" },
};

static const CodeRow *row_of(const char *code)
{
        for (size_t i = 0; i < COUNT_OF(codes); i++)
                if (text_equal(codes[i].code, code))
                        return &codes[i];
        return NULL;
}

unsigned refusal_status(const char *code)
{
        const CodeRow *row = row_of(code);

        return row ? row->status : 422;
}

int refusal_set(Refusal *refusal, const char *code, const char *format, ...)
{
        va_list arguments;

        (void)text_copy(refusal->code, sizeof(refusal->code), code);
        va_start(arguments, format);
        (void)vsnprintf(refusal->detail, sizeof(refusal->detail), format, arguments);
        va_end(arguments);
        return -EINVAL;
}

void refusal_point(Refusal *refusal, const char *pointer, const char *format, ...)
{
        RefusalError *error;
        va_list arguments;

        if (refusal->error_count == REFUSAL_ERRORS_MAX)
                return;
        error = &refusal->errors[refusal->error_count++];
        (void)text_copy(error->pointer, sizeof(error->pointer), pointer);
        va_start(arguments, format);
        (void)vsnprintf(error->detail, sizeof(error->detail), format, arguments);
        va_end(arguments);
}

static void write_errors(Writer *writer, const Refusal *refusal)
{
        writer_open_list(writer, "errors");
        for (unsigned i = 0; i < refusal->error_count; i++) {
                writer_open_object(writer, NULL);
                writer_string(writer, "pointer", refusal->errors[i].pointer);
                writer_string(writer, "detail", refusal->errors[i].detail);
                writer_close_object(writer);
        }
        writer_close_list(writer);
}

int refusal_to_reply(const Refusal *refusal, Reply *ret)
{
        const CodeRow *row = row_of(refusal->code);
        AUTO_WRITER writer = { 0 };
        Reply reply = { .status = refusal->status ? refusal->status : refusal_status(refusal->code),
                        .content_type = PROBLEM_TYPE };
        int r;

        writer_open_object(&writer, NULL);
        writer_string(&writer, "type", "about:blank");
        writer_string(&writer, "title", row ? row->title : "Refused");
        writer_number(&writer, "status", reply.status);
        writer_string(&writer, "detail", refusal->detail);
        writer_string(&writer, "code", refusal->code);
        write_errors(&writer, refusal);
        if (refusal->current)
                writer_raw(&writer, "current", refusal->current, refusal->current_length);
        writer_close_object(&writer);
        r = writer_take(&writer, &reply.body, &reply.length);
        if (r < 0)
                reply.content_type = NULL;
        if (reply.status == 401)
                reply_header(&reply, "WWW-Authenticate", "Bearer realm=\"reeve\"");
        if (reply.status == 503)
                reply_header(&reply, "Retry-After", "1");
        *ret = reply;
        return r;
}

void exchange_answer_refusal(Exchange *exchange, Refusal *refusal)
{
        Reply reply;

        (void)refusal_to_reply(refusal, &reply); /* without memory the status says it alone */
        exchange_reply(exchange, &reply);
        refusal_done(refusal);
}

void exchange_answer_error(Exchange *exchange, const char *code, const char *format, ...)
{
        Refusal refusal = { 0 };
        va_list arguments;

        (void)refusal_set(&refusal, code, "%s", "");
        va_start(arguments, format);
        (void)vsnprintf(refusal.detail, sizeof(refusal.detail), format, arguments);
        va_end(arguments);
        exchange_answer_refusal(exchange, &refusal);
}

void refusal_done(Refusal *refusal)
{
        free(refusal->current);
        refusal->current = NULL;
}
