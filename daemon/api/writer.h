/* writer.h - JSON text, written straight into a buffer
 *
 * Building a tree of objects first costs 30-50 us for ten workers; a list of a thousand has 7 ms.
 * Strings come from workers and may hold anything: they are sanitized here, so that every text
 * written is valid JSON.
 *
 * A Writer may be told to write only some members of the objects at one depth (fields=), and it
 * keeps the reasons for values that cannot be had, which writer_unavailable() then writes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { WRITER_FIELDS_MAX = 32, WRITER_REASONS_MAX = 48 };

/* The members that fields= selects. */
typedef struct FieldSet {
        const char *names[WRITER_FIELDS_MAX];
        size_t lengths[WRITER_FIELDS_MAX];
        unsigned count; /* 0: all */
        uint32_t seen;  /* bit i: names[i] is a member that exists */
} FieldSet;

typedef struct Writer {
        Text text;
        unsigned depth;
        unsigned skipped; /* depth below the first thing left out, 0: nothing is */
        bool needs_comma;
        FieldSet *fields;     /* NULL: all */
        unsigned field_depth; /* the depth at which they are members */
        struct {
                const char *field, *reason;
        } reasons[WRITER_REASONS_MAX];
        unsigned reason_count;
} Writer;

/** field_set_parse() - "pid,slot,state"; the names point into @text
 *  Return: 0; -EINVAL if a name is empty or there are too many */
int field_set_parse(FieldSet *set, const char *text);

/** field_set_unknown() - Return: the index of a name that no member had so far, -1 if all did */
int field_set_unknown(const FieldSet *set);

/** writer_open_*(), writer_close_*() - @key is NULL within lists and at the top */
void writer_open_object(Writer *writer, const char *key);
void writer_close_object(Writer *writer);
void writer_open_list(Writer *writer, const char *key);
void writer_close_list(Writer *writer);

void writer_null(Writer *writer, const char *key);
void writer_bool(Writer *writer, const char *key, bool value);
void writer_number(Writer *writer, const char *key, uint64_t value);
void writer_integer(Writer *writer, const char *key, int64_t value);
/** four decimals; null if it is no finite number */
void writer_ratio(Writer *writer, const char *key, double value);
/** microseconds as seconds with six decimals */
void writer_seconds(Writer *writer, const char *key, uint64_t usec);
/** RFC 3339, UTC, microseconds; 0: null */
void writer_time(Writer *writer, const char *key, uint64_t realtime_usec);
/** NULL: null */
void writer_string(Writer *writer, const char *key, const char *value);
void writer_bytes(Writer *writer, const char *key, const char *bytes, size_t length);
/** @json: a value that is JSON already */
void writer_raw(Writer *writer, const char *key, const char *json, size_t length);

/** writer_because() - null, with a reason that writer_unavailable() tells
 *  @reason: lasts until writer_unavailable() */
void writer_because(Writer *writer, const char *key, const char *reason);

/** writer_reason() - the same for a null that was written already
 *  @path: "threads.live" for a member of a member; left out if fields= leaves out `threads` */
void writer_reason(Writer *writer, const char *path, const char *reason);

/** writer_unavailable() - the member "unavailable": the reasons since the last call, {} if none */
void writer_unavailable(Writer *writer);

/** writer_take() - hand the text over; Return: 0, -ENOMEM */
int writer_take(Writer *writer, char **ret_text, size_t *ret_length);
void writer_done(Writer *writer);
#define AUTO_WRITER CLEANUP(writer_done) Writer

/** time_format() - as writer_time() does; @buffer: TIME_TEXT_SIZE */
enum { TIME_TEXT_SIZE = 32 };
void time_format(char *buffer, uint64_t realtime_usec);
