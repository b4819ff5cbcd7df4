/* call.c - see call.h */
#include "api/call.h"

#include <errno.h>

#include "base/units.h"

const char *call_segment(const Call *call, unsigned index)
{
        return call->request->target.segments[index];
}

const char *call_parameter(const Call *call, const char *name)
{
        return target_parameter(&call->request->target, name);
}

bool call_is_redacted(const Call *call)
{
        return call->identity.role < ROLE_OPERATE;
}

int call_flag(const Call *call, const char *name, Refusal *refusal)
{
        const char *text = call_parameter(call, name);
        bool value;

        if (!text)
                return 0;
        if (!*text)
                return 1;
        if (units_parse_boolean(text, &value) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "The parameter %s must be true or false.", name);
        return value;
}

bool call_accepts(const Call *call, const char *type)
{
        const char *accept = call->request->headers.accept;

        return accept && strcasestr(accept, type);
}

void call_answer_head(Call *call, const char *type)
{
        Reply reply = { .status = 200, .content_type = type };

        exchange_reply(call->exchange, &reply);
}

void call_answer_reply(Call *call, Reply *reply, Writer *writer)
{
        if (writer_take(writer, &reply->body, &reply->length) < 0) {
                reply_done(reply);
                reply->status = 500;
        } else if (!reply->content_type) {
                reply->content_type = JSON_TYPE;
        }
        exchange_reply(call->exchange, reply);
}

void call_answer(Call *call, unsigned status, Writer *writer)
{
        Reply reply = { .status = status };

        call_answer_reply(call, &reply, writer);
}

ptrdiff_t call_worker(Call *call)
{
        const char *text = call_segment(call, 2);
        ptrdiff_t index = -1;
        uint64_t pid;

        if (units_parse_number(text, INT32_MAX, &pid) >= 0)
                index = snapshot_find_worker(&call->face->snapshot, (int32_t)pid);
        if (index < 0)
                call_refuse(call, REEVE_ERROR_UNKNOWN_WORKER, "No worker has the PID %s.", text);
        return index;
}

const PoolView *call_pool(Call *call)
{
        const char *name = call_segment(call, 2);
        const PoolView *pool = snapshot_find_pool(&call->face->snapshot, name);

        if (!pool)
                call_refuse(call, REEVE_ERROR_UNKNOWN_POOL, "There is no pool %s.", name);
        return pool;
}

/* ---- lists ---- */

int page_parse(const Call *call, Page *ret, Refusal *refusal)
{
        const char *limit = call_parameter(call, "limit"), *fields = call_parameter(call, "fields");
        Page page = { .limit = PAGE_LIMIT_DEFAULT, .cursor = call_parameter(call, "cursor") };
        uint64_t number;
        int r;

        if (limit) {
                if (units_parse_number(limit, PAGE_LIMIT_MAX, &number) < 0 || number == 0)
                        return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                           "The parameter limit must be a number from 1 to %d.",
                                           PAGE_LIMIT_MAX);
                page.limit = (size_t)number;
        }
        if (fields && field_set_parse(&page.fields, fields) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "The parameter fields must be names with commas between, %d at "
                                   "most.",
                                   WRITER_FIELDS_MAX);
        r = call_flag(call, "builtin", refusal);
        if (r < 0)
                return r;
        page.has_builtin = r;
        *ret = page;
        return 0;
}

void page_open(Page *page, Writer *writer)
{
        writer_open_object(writer, NULL);
        writer_open_list(writer, "items");
        writer->fields = &page->fields;
        writer->field_depth = writer->depth + 1;
}

bool fields_check(Call *call, const FieldSet *fields)
{
        int unknown = field_set_unknown(fields);

        if (unknown < 0)
                return true;
        call_refuse(call, REEVE_ERROR_BAD_REQUEST, "There is no field %.*s here.",
                    (int)MIN(fields->lengths[unknown], (size_t)64), fields->names[unknown]);
        return false;
}

/* The same request with another cursor, as RFC 8288 wants it. */
static void add_link(const Call *call, Reply *reply, const char *next)
{
        const Target *target = &call->request->target;
        AUTO_TEXT link = { 0 };

        text_append(&link, "<");
        for (unsigned i = 0; i < target->segment_count; i++)
                text_printf(&link, "/%s", target->segments[i]);
        text_append(&link, "?");
        for (unsigned i = 0; i < target->parameter_count; i++) {
                const TargetParameter *parameter = &target->parameters[i];

                if (text_equal(parameter->name, "cursor"))
                        continue;
                text_printf(&link, "%s=", parameter->name);
                for (const char *p = parameter->value; *p; p++)
                        text_printf(&link,
                                    strchr("<>\"#%&+ ", *p) || (unsigned char)*p > 0x7E ? "%%%02X"
                                                                                        : "%c",
                                    (unsigned char)*p);
                text_append(&link, "&");
        }
        text_printf(&link, "cursor=%s>; rel=\"next\"", next);
        if (link.error == 0)
                reply_header(reply, "Link", "%s", link.bytes);
}

void page_close(Call *call, Page *page, Writer *writer, const char *next)
{
        bool has_items = writer->needs_comma;

        writer->fields = NULL;
        writer_close_list(writer);
        page_end(call, page, writer, next, has_items);
}

void page_end(Call *call, Page *page, Writer *writer, const char *next, bool has_items)
{
        Reply reply = { .status = 200 };

        writer->fields = NULL;
        writer_string(writer, "next", next);
        if (page->extra)
                page->extra(writer, page->extra_data);
        writer_close_object(writer);
        /* An empty list has no members to compare the fields with. */
        if (has_items && !fields_check(call, &page->fields))
                return;
        if (next)
                add_link(call, &reply, next);
        call_answer_reply(call, &reply, writer);
}
