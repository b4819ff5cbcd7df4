/* call.h - a request that has found its route, and the usual ways to answer it */
#pragma once

#include "api/face.h"
#include "api/writer.h"

typedef struct Call {
        Face *face;
        Exchange *exchange;
        const Request *request;
        Identity identity;
} Call;

/** call_segment() - a part of the path: of "/v1/pools/web", 2 is "web" */
const char *call_segment(const Call *call, unsigned index);
const char *call_parameter(const Call *call, const char *name);

/** call_is_redacted() - whether command lines are to be shown without secrets */
bool call_is_redacted(const Call *call);

/** call_flag() - a parameter that is yes or no: "", "true", "1" are yes
 *  Return: 1, 0; -EINVAL with @refusal */
int call_flag(const Call *call, const char *name, Refusal *refusal);

/** call_accepts() - whether Accept names @type itself, not by a star */
bool call_accepts(const Call *call, const char *type);

/** call_answer_head() - 200 with a type and nothing else: HEAD of a stream */
void call_answer_head(Call *call, const char *type);

/** call_answer() - JSON that a writer holds; answers 500 if memory ran out on the way */
void call_answer(Call *call, unsigned status, Writer *writer);

/** call_answer_reply() - the same with headers: @reply gets body and type */
void call_answer_reply(Call *call, Reply *reply, Writer *writer);

/** call_refuse() - as exchange_answer_error() */
#define call_refuse(call, ...) exchange_answer_error((call)->exchange, __VA_ARGS__)

/** call_worker() - the worker whose PID stands in the path; answers 404 if there is none
 *  Return: its index in the snapshot, -1 when answered */
ptrdiff_t call_worker(Call *call);

/** call_pool() - the pool whose name stands in the path; answers 404 if there is none
 *  Return: the pool, NULL when answered */
const PoolView *call_pool(Call *call);

/* ---- lists ---- */

enum { PAGE_LIMIT_DEFAULT = 100, PAGE_LIMIT_MAX = 5000 };

typedef struct Page {
        size_t limit;
        const char *cursor; /* NULL: from the beginning */
        FieldSet fields;
        bool has_builtin; /* built-in pools are wanted too */
        /* More members beside items and next; may be NULL. */
        void (*extra)(Writer *writer, const void *data);
        const void *extra_data;
} Page;

/** page_parse() - limit, cursor, fields, builtin; Return: 0; -EINVAL with @refusal */
int page_parse(const Call *call, Page *ret, Refusal *refusal);

/** page_open(), page_close() - around the items
 *  @next: cursor of the next page, NULL at the end */
void page_open(Page *page, Writer *writer);
void page_close(Call *call, Page *page, Writer *writer, const char *next);

/** page_end() - the same when the list of items is closed already
 *  @has_items: whether there was one that fields= could be compared with */
void page_end(Call *call, Page *page, Writer *writer, const char *next, bool has_items);

/** fields_check() - Return: true; false when a field was asked for that no object has, answered */
bool fields_check(Call *call, const FieldSet *fields);
