/* api.c - see api.h */
#include "ctl/api.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "ctl/outcome.h"

enum { LIST_LIMIT = 5000, LIST_PAGES_MAX = 1000 };

void api_path(Text *path, const char *name)
{
        for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
                if (isalnum(*p) || strchr("-_.~@", *p))
                        text_append_bytes(path, p, 1);
                else
                        text_printf(path, "%%%02X", *p);
        }
}

static int problem_errno(int status)
{
        if (status == 404)
                return -ENOENT;
        if (status == 412)
                return -ESTALE;
        return status < 500 ? -EPERM : -EIO;
}

int api_problem(int status, const char *body, size_t length, Error *reterr)
{
        AUTO_JSON *problem = json_loadb(body ? body : "", length, 0, NULL);
        const char *code = outcome_code(value_text(problem, "code", NULL), status);
        const char *detail = value_text(problem, "detail", value_text(problem, "title", NULL));

        if (!detail)
                return error_set(reterr, problem_errno(status), code,
                                 "reeve answered with status %d and no explanation", status);
        return error_set(reterr, problem_errno(status), code, "%s", detail);
}

int api_call(const Context *context, const Request *request, json_t **ret, Error *reterr)
{
        AUTO_REPLY reply = { 0 };
        json_error_t where;
        json_t *value;
        int r;

        r = client_fetch(&context->client, request, &reply, reterr);
        if (r < 0)
                return r;
        if (reply.head.status >= 400)
                return api_problem(reply.head.status, reply.body.bytes, reply.body.length, reterr);
        if (!ret)
                return reply.head.status;
        value = json_loadb(reply.body.bytes ? reply.body.bytes : "", reply.body.length, 0, &where);
        if (!value)
                return error_set(reterr, -EPROTO, OUTCOME_FAILED,
                                 "the reply to %s is no JSON: %s. Is it really reeve?",
                                 request->path, where.text);
        *ret = value;
        return reply.head.status;
}

int api_get(const Context *context, const char *path, json_t **ret, Error *reterr)
{
        int r = api_call(context, &(Request){ .path = path }, ret, reterr);

        return MIN(r, 0);
}

int api_pool(const Context *context, const char *name, json_t **ret, Error *reterr)
{
        AUTO_TEXT path = { 0 };

        text_append(&path, "/v1/pools/");
        api_path(&path, name);
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        return api_get(context, path.bytes, ret, reterr);
}

/* Get the page after @cursor and add its items to @items.
 * Return: 1 if another page follows, whose cursor is then in @cursor; 0; negative errno */
static int page_add(const Context *context, const char *path, json_t *items, Text *cursor,
                    Error *reterr)
{
        AUTO_TEXT query = { 0 };
        AUTO_JSON *page = NULL;
        const char *next;
        int r;

        text_printf(&query, "%s%climit=%d", path, strchr(path, '?') ? '&' : '?', LIST_LIMIT);
        if (cursor->length > 0) {
                text_append(&query, "&cursor=");
                api_path(&query, cursor->bytes);
        }
        if (query.error)
                return error_set(reterr, query.error, OUTCOME_FAILED, "out of memory");
        r = api_get(context, query.bytes, &page, reterr);
        if (r < 0)
                return r;
        if (json_array_extend(items, json_object_get(page, "items")) < 0)
                return error_set(reterr, -EPROTO, OUTCOME_FAILED,
                                 "the reply to %s is no list. Is it really reeve?", path);
        text_done(cursor);
        next = value_text(page, "next", NULL);
        if (next)
                text_append(cursor, next);
        return next && *next ? 1 : 0;
}

int api_list(const Context *context, const char *path, json_t **ret, Error *reterr)
{
        AUTO_JSON *items = json_array();
        AUTO_TEXT cursor = { 0 };
        int r = items ? 1 : -ENOMEM;

        /* A server that never says the end must not hold us for ever. */
        for (unsigned pages = 0; r > 0 && pages < LIST_PAGES_MAX; pages++)
                r = page_add(context, path, items, &cursor, reterr);
        if (r < 0)
                return r;
        *ret = json_pack("{s:O, s:n}", "items", items, "next");
        return *ret ? 0 : error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
}
