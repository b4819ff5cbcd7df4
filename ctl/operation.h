/* operation.h - a change under way: asked for, waited for, told
 *
 * scale, start, stop, restart and their like all answer with the API's scale object. Here it is
 * followed until it is over, with progress for a person, and told in a sentence. */
#pragma once

#include "ctl/api.h"

enum { OPERATION_TIMEOUT_SEC = 300 };

/** One change asked for; the strings and the body belong to it. */
typedef struct Change {
        char *pool;
        const char *method, *action; /* "PATCH" and "scale": /v1/pools/POOL/scale */
        json_t *body;
        json_t *scale; /* the last scale object seen, NULL: none */
} Change;

/* How a verb says that a change ended well. */
typedef void (*ChangeTold)(const Context *context, const Change *change);

/** change_init() - @pool and @body are taken over, also on failure; Return: 0, -ENOMEM */
int change_init(Change *change, const char *pool, const char *method, const char *action,
                json_t *body);
void change_done(Change *change);

/** changes_run() - ask for all changes, then wait for each and tell how it ended
 *  Asking first and waiting afterwards lets pools change at the same time. Honours --no-wait,
 *  --timeout, --if-generation, --dry-run and -o json.
 *  Return: the exit code of all together */
int changes_run(const Context *context, Change *changes, size_t count, ChangeTold tell);

/** changes_follow() - as changes_run(), for operations that something else has begun
 *  @changes: `scale` is set to {"operation":ID,"state":"running"} at least; nothing is printed as JSON */
int changes_follow(const Context *context, Change *changes, size_t count, ChangeTold tell);

/** change_is_nothing() - whether there was nothing to do, so that no operation was begun */
bool change_is_nothing(const json_t *scale);

/** change_tell() - "web: 2x4 -> 4x4, generation 6; kept 101, started 140, stopped none" */
void change_tell(const Context *context, const Change *change);
