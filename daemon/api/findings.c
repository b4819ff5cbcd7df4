/* findings.c - see findings.h */
#include "api/findings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/redact.h"
#include "base/units.h"

enum { DEPTH_MAX = 8, NAME_SIZE = 48, PATH_SIZE = 160 };

typedef struct Line {
        char kind;
        char name[NAME_SIZE];
        const char *value;
        size_t length;
} Line;

/* Where the reading is: names of what is open, and which brackets close it. */
typedef struct Place {
        char names[DEPTH_MAX][NAME_SIZE];
        bool is_list[DEPTH_MAX];
        unsigned depth;
        bool is_secret; /* the next argument is the value of a password */
} Place;

void findings_begin(Findings *findings, const char *text, size_t length, bool is_redacted)
{
        *findings = (Findings){ .next = text, .end = text + length, .is_redacted = is_redacted };
}

void findings_done(Findings *findings)
{
        findings->kept = text_list_free(findings->kept);
        findings->members = text_list_free(findings->members);
}

/* ---- lines ---- */

static bool read_name(const char *bytes, size_t length, char *ret)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

        if (length >= NAME_SIZE)
                return false;
        memcpy(ret, bytes, length);
        ret[length] = '\0';
        return strspn(ret, allowed) == length;
}

/* Return: where the line behind it begins; NULL if it is cut off or out of form */
static const char *read_line(const Findings *findings, Line *ret)
{
        const char *begin = findings->next, *newline, *tab;
        size_t left = (size_t)(findings->end - begin);

        newline = left ? memchr(begin, '\n', left) : NULL;
        if (!newline || newline == begin)
                return NULL;
        tab = memchr(begin, '\t', (size_t)(newline - begin));
        *ret = (Line){ .kind = *begin, .value = tab ? tab + 1 : newline };
        ret->length = (size_t)(newline - ret->value);
        if (!read_name(begin + 1, (size_t)((tab ? tab : newline) - begin - 1), ret->name))
                return NULL;
        return newline + 1;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x09" is one byte again. */
static void unescape(const char *value, size_t length, Text *ret)
{
        for (size_t i = 0; i < length; i++) {
                bool is_escape = value[i] == '\\' && i + 3 < length && value[i + 1] == 'x'
                                 && hex_digit(value[i + 2]) >= 0 && hex_digit(value[i + 3]) >= 0;
                char byte = value[i];

                if (is_escape) {
                        byte = (char)(hex_digit(value[i + 2]) * 16 + hex_digit(value[i + 3]));
                        i += 3;
                }
                text_append_bytes(ret, &byte, 1);
        }
}

/* ---- values ---- */

/* What is no whole number that readers of JSON can hold is none of ours. */
static void write_number(Writer *writer, const char *key, const Line *line)
{
        bool is_negative = line->length > 0 && *line->value == '-';
        char digits[24] = "";
        uint64_t number;

        if (line->length - is_negative < sizeof(digits))
                memcpy(digits, line->value + is_negative, line->length - is_negative);
        if (units_parse_number(digits, INT64_MAX, &number) < 0)
                writer_null(writer, key);
        else
                writer_integer(writer, key, is_negative ? -(int64_t)number : (int64_t)number);
}

static void write_text(Findings *findings, Writer *writer, Place *place, const char *key,
                       const Line *line)
{
        bool is_argument = place->depth > 0 && place->is_list[place->depth - 1]
                           && text_equal(place->names[place->depth - 1], "arguments");
        AUTO_TEXT value = { 0 };

        unescape(line->value, line->length, &value);
        if (is_argument && findings->is_redacted && value.length > 0) {
                size_t shown = redact_shown(&place->is_secret, value.bytes, value.length);

                if (shown < value.length) {
                        value.length = shown;
                        text_append(&value, "***");
                }
        }
        if (value.error)
                writer->text.error = value.error;
        else
                writer_bytes(writer, key, value.length ? value.bytes : "", value.length);
}

static const char *keep(Findings *findings, const char *text)
{
        if (text_list_add(&findings->kept, text) < 0)
                return NULL;
        return findings->kept[text_list_count(findings->kept) - 1];
}

static void write_none(Findings *findings, Writer *writer, const Place *place, const char *key,
                       const Line *line)
{
        char path[PATH_SIZE] = "", reason[200] = "";
        const char *kept_path, *kept_reason;
        size_t used = 0;

        writer_null(writer, key);
        for (unsigned i = 0; i < place->depth; i++) {
                if (place->is_list[i])
                        return; /* which of them cannot be told by a path */
                used += (size_t)snprintf(path + used, sizeof(path) - used, "%s.", place->names[i]);
                if (used >= sizeof(path))
                        return;
        }
        (void)snprintf(path + used, sizeof(path) - used, "%s", line->name);
        (void)snprintf(reason, sizeof(reason), "%.*s", (int)MIN(line->length, sizeof(reason) - 1),
                       line->value);
        kept_path = keep(findings, path);
        kept_reason = keep(findings, reason);
        if (kept_path && kept_reason)
                writer_reason(writer, kept_path, kept_reason);
}

/* ---- nesting ---- */

static bool open_one(Writer *writer, Place *place, const char *key, const Line *line)
{
        if (place->depth == DEPTH_MAX)
                return false;
        place->is_list[place->depth] = line->kind == '[';
        memcpy(place->names[place->depth++], line->name, NAME_SIZE);
        if (line->kind == '[')
                writer_open_list(writer, key);
        else
                writer_open_object(writer, key);
        return true;
}

static bool close_one(Writer *writer, Place *place)
{
        if (place->depth == 0)
                return false;
        if (place->is_list[--place->depth])
                writer_close_list(writer);
        else
                writer_close_object(writer);
        return true;
}

/* Return: false if it is out of form */
static bool take(Findings *findings, Writer *writer, Place *place, const Line *line)
{
        bool in_list = place->depth > 0 && place->is_list[place->depth - 1];
        const char *key = in_list ? NULL : line->name;

        if (line->kind == '}' || line->kind == ']')
                return !*line->name && place->depth > 0 && in_list == (line->kind == ']')
                       && close_one(writer, place);
        if (in_list != !*line->name
            || (place->depth == 0 && text_list_add(&findings->members, line->name) < 0))
                return false;
        switch (line->kind) {
        case '{':
        case '[': return open_one(writer, place, key, line);
        case 'n': write_number(writer, key, line); return true;
        case 's': write_text(findings, writer, place, key, line); return true;
        case 'b': writer_bool(writer, key, line->length == 1 && *line->value == '1'); return true;
        case '?': write_none(findings, writer, place, key, line); return true;
        default: return false;
        }
}

void findings_write(Findings *findings, Writer *writer)
{
        Place place = { 0 };
        const char *after;
        Line line;

        while ((after = read_line(findings, &line))) {
                findings->is_whole = line.kind == '.' && place.depth == 0;
                if (line.kind == '.' || !take(findings, writer, &place, &line))
                        break;
                findings->next = after;
        }
        while (close_one(writer, &place))
                ;
}

bool findings_take_text(Findings *findings, const char *name, char *buffer, size_t size)
{
        const char *after;
        Line line;

        after = read_line(findings, &line);
        if (!after || line.kind != 's' || !text_equal(line.name, name) || line.length >= size)
                return false;
        memcpy(buffer, line.value, line.length);
        buffer[line.length] = '\0';
        findings->next = after;
        return true;
}

bool findings_has(const Findings *findings, const char *name)
{
        for (char *const *member = findings->members; member && *member; member++)
                if (text_equal(*member, name))
                        return true;
        return false;
}
