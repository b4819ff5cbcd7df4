/* value.h - fields of the API's JSON as people read them
 *
 * Every reader is forgiving: what is missing, null or of another type is "not known", shown as
 * "-". Fields inside objects are named by a path: "scale.processes". */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

#define VALUE_UNKNOWN "-"

static inline void value_cleanup(json_t **value)
{
        json_decref(*value);
}

/** AUTO_JSON - a local that holds a reference */
#define AUTO_JSON CLEANUP(value_cleanup) json_t

/** value_at() - Return: the value at @path, borrowed; NULL if missing or null */
const json_t *value_at(const json_t *object, const char *path);

/** value_text() - Return: the string at @path, borrowed, else @otherwise */
const char *value_text(const json_t *object, const char *path, const char *otherwise);

/** value_integer() - Return: the integer at @path, else @otherwise */
int64_t value_integer(const json_t *object, const char *path, int64_t otherwise);

/** value_is() - whether @path holds true */
bool value_is(const json_t *object, const char *path);

/** value_sentence() - one sentence of an entry of "warnings" and its like: a string, or an
 *  object with message, detail or text; Return: borrowed, NULL */
const char *value_sentence(const json_t *entry);

/** value_dump() - @value as JSON, with jansson's JSON_... @flags
 *
 *  json_dumps() gives memory of jansson's own, which may not be malloc's (ctl/arena.h).
 *  Return: from malloc; NULL if @value is NULL or there is no memory */
char *value_dump(const json_t *value, size_t flags);

/* ---- written for people: each appends to @cell, "-" if the value is not known ---- */

void value_write_text(Text *cell, const json_t *object, const char *path);
void value_write_integer(Text *cell, const json_t *object, const char *path);
/** "35%": of one core */
void value_write_cores(Text *cell, const json_t *object, const char *path);
/** "1.5G" */
void value_write_bytes(Text *cell, const json_t *object, const char *path);
/** "3h 12min", from seconds */
void value_write_span(Text *cell, const json_t *object, const char *path);
/** "2x4", from an object with processes, threads and perhaps greenlets */
void value_write_grid(Text *cell, const json_t *object, const char *path);
/** "code 1, 14:02:11", from a last_exit */
void value_write_exit(Text *cell, const json_t *object, const char *path);
/** "101 102", "none" for an empty or missing array of integers */
void value_write_integers(Text *cell, const json_t *object, const char *path);
/** "waits for redis, db"; Return: whether it waits */
bool value_write_waiting(Text *cell, const json_t *pool);
/** local wall-clock time from RFC 3339: "14:02:11", with the date when it is not today's */
void value_write_time(Text *cell, const json_t *object, const char *path);
