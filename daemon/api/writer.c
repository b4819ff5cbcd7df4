/* writer.c - see writer.h */
#include "api/writer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/units.h"
#include "base/utf8.h"

/* ---- fields ---- */

int field_set_parse(FieldSet *set, const char *text)
{
        FieldSet parsed = { 0 };

        for (;;) {
                size_t length = strcspn(text, ",");

                if (length == 0 || parsed.count == WRITER_FIELDS_MAX)
                        return -EINVAL;
                parsed.names[parsed.count] = text;
                parsed.lengths[parsed.count++] = length;
                if (!text[length])
                        break;
                text += length + 1;
        }
        *set = parsed;
        return 0;
}

int field_set_unknown(const FieldSet *set)
{
        for (unsigned i = 0; i < set->count; i++)
                if (!(set->seen & (UINT32_C(1) << i)))
                        return (int)i;
        return -1;
}

/* A name may be asked for twice: both are then seen. */
static bool field_is_wanted(FieldSet *set, const char *key, size_t length)
{
        bool is_wanted = set->count == 0;

        for (unsigned i = 0; i < set->count; i++)
                if (set->lengths[i] == length && memcmp(set->names[i], key, length) == 0) {
                        set->seen |= UINT32_C(1) << i;
                        is_wanted = true;
                }
        return is_wanted;
}

/* ---- the grammar ---- */

/* Comma and key before a value. Return: false if this value is to be left out. */
static bool begin(Writer *writer, const char *key)
{
        if (writer->skipped > 0)
                return false;
        if (key && writer->fields && writer->depth == writer->field_depth
            && !field_is_wanted(writer->fields, key, strlen(key)))
                return false;
        if (writer->needs_comma)
                text_append_bytes(&writer->text, ",", 1);
        writer->needs_comma = true;
        if (key) {
                text_append_bytes(&writer->text, "\"", 1);
                text_append(&writer->text, key);
                text_append_bytes(&writer->text, "\":", 2);
        }
        return true;
}

static void open_any(Writer *writer, const char *key, const char *bracket)
{
        if (!begin(writer, key)) {
                writer->skipped++;
                return;
        }
        text_append_bytes(&writer->text, bracket, 1);
        writer->depth++;
        writer->needs_comma = false;
}

static void close_any(Writer *writer, const char *bracket)
{
        if (writer->skipped > 0) {
                writer->skipped--;
                return;
        }
        text_append_bytes(&writer->text, bracket, 1);
        writer->depth--;
        writer->needs_comma = true;
}

void writer_open_object(Writer *writer, const char *key)
{
        open_any(writer, key, "{");
}

void writer_close_object(Writer *writer)
{
        close_any(writer, "}");
}

void writer_open_list(Writer *writer, const char *key)
{
        open_any(writer, key, "[");
}

void writer_close_list(Writer *writer)
{
        close_any(writer, "]");
}

void writer_raw(Writer *writer, const char *key, const char *json, size_t length)
{
        if (begin(writer, key))
                text_append_bytes(&writer->text, json, length);
}

void writer_null(Writer *writer, const char *key)
{
        writer_raw(writer, key, "null", 4);
}

void writer_bool(Writer *writer, const char *key, bool value)
{
        writer_raw(writer, key, value ? "true" : "false", value ? 4 : 5);
}

/* ---- numbers ---- */

enum { DIGITS_SIZE = 24 };

/* printf is most of the cost of a row: five numbers out of six are whole. */
static char *digits(char *end, uint64_t value)
{
        do {
                *--end = (char)('0' + value % 10);
                value /= 10;
        } while (value > 0);
        return end;
}

void writer_number(Writer *writer, const char *key, uint64_t value)
{
        char buffer[DIGITS_SIZE], *end = buffer + sizeof(buffer), *p = digits(end, value);

        writer_raw(writer, key, p, (size_t)(end - p));
}

void writer_integer(Writer *writer, const char *key, int64_t value)
{
        char buffer[DIGITS_SIZE], *end = buffer + sizeof(buffer), *p;

        p = digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
        if (value < 0)
                *--p = '-';
        writer_raw(writer, key, p, (size_t)(end - p));
}

static void write_decimal(Writer *writer, const char *key, uint64_t scaled, unsigned decimals)
{
        char buffer[2 * DIGITS_SIZE], *end = buffer + sizeof(buffer), *p = end;
        uint64_t unit = 1;

        for (unsigned i = 0; i < decimals; i++, unit *= 10, scaled /= 10)
                *--p = (char)('0' + scaled % 10);
        *--p = '.';
        p = digits(p, scaled);
        writer_raw(writer, key, p, (size_t)(end - p));
}

void writer_ratio(Writer *writer, const char *key, double value)
{
        if (!isfinite(value) || value < 0 || value > 1e12)
                writer_null(writer, key);
        else
                write_decimal(writer, key, (uint64_t)llround(value * 1e4), 4);
}

void writer_seconds(Writer *writer, const char *key, uint64_t usec)
{
        write_decimal(writer, key, usec, 6);
}

/* ---- strings ---- */

void time_format(char *buffer, uint64_t realtime_usec)
{
        time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
        struct tm parts = { 0 };

        /* A year beyond what struct tm holds leaves the parts at their zeros. */
        (void)gmtime_r(&seconds, &parts);
        (void)snprintf(buffer, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
                       (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
                       (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
                       (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100,
                       (unsigned)(realtime_usec % USEC_PER_SEC));
}

void writer_time(Writer *writer, const char *key, uint64_t realtime_usec)
{
        char text[TIME_TEXT_SIZE];

        if (realtime_usec == 0) {
                writer_null(writer, key);
                return;
        }
        time_format(text, realtime_usec);
        writer_string(writer, key, text);
}

static void append_escaped(Text *text, const char *bytes, size_t length)
{
        size_t done = 0;

        for (size_t i = 0; i < length; i++) {
                char escaped[2] = { '\\', bytes[i] == '\t' ? 't' : bytes[i] };

                if (bytes[i] != '"' && bytes[i] != '\\' && bytes[i] != '\t')
                        continue;
                text_append_bytes(text, bytes + done, i - done);
                text_append_bytes(text, escaped, 2);
                done = i + 1;
        }
        text_append_bytes(text, bytes + done, length - done);
}

static bool is_plain(const char *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (bytes[i] < 0x20 || bytes[i] == 0x7F || bytes[i] == '"' || bytes[i] == '\\')
                        return false;
        return true;
}

void writer_bytes(Writer *writer, const char *key, const char *bytes, size_t length)
{
        AUTO_FREE char *clean = NULL;

        if (!begin(writer, key))
                return;
        text_append_bytes(&writer->text, "\"", 1);
        if (is_plain(bytes, length)) { /* char is signed: bytes above 0x7F are no plain ones */
                text_append_bytes(&writer->text, bytes, length);
        } else {
                clean = malloc(3 * length + 1); /* a bad byte becomes three */
                if (!clean)
                        writer->text.error = -ENOMEM;
                else
                        append_escaped(&writer->text, clean,
                                       utf8_sanitize(clean, 3 * length + 1, bytes, length));
        }
        text_append_bytes(&writer->text, "\"", 1);
}

void writer_string(Writer *writer, const char *key, const char *value)
{
        if (value)
                writer_bytes(writer, key, value, strlen(value));
        else
                writer_null(writer, key);
}

/* ---- values that cannot be had ---- */

void writer_reason(Writer *writer, const char *path, const char *reason)
{
        if (writer->skipped > 0 || writer->reason_count == WRITER_REASONS_MAX)
                return;
        if (writer->fields && !field_is_wanted(writer->fields, path, strcspn(path, ".")))
                return;
        writer->reasons[writer->reason_count].field = path;
        writer->reasons[writer->reason_count++].reason = reason;
}

void writer_because(Writer *writer, const char *key, const char *reason)
{
        writer_null(writer, key);
        writer_reason(writer, key, reason);
}

void writer_unavailable(Writer *writer)
{
        unsigned count = writer->reason_count;
        FieldSet *fields = writer->fields;

        /* Whatever was selected: a null without its reason would be a lie. */
        if (fields)
                (void)field_is_wanted(fields, "unavailable", strlen("unavailable"));
        writer->fields = NULL;
        writer->reason_count = 0;
        writer_open_object(writer, "unavailable");
        for (unsigned i = 0; i < count; i++)
                writer_string(writer, writer->reasons[i].field, writer->reasons[i].reason);
        writer_close_object(writer);
        writer->fields = fields;
}

int writer_take(Writer *writer, char **ret_text, size_t *ret_length)
{
        size_t length = writer->text.length;
        int r = text_take(&writer->text, ret_text);

        if (r < 0)
                return r;
        *ret_length = length;
        return 0;
}

void writer_done(Writer *writer)
{
        text_done(&writer->text);
}
