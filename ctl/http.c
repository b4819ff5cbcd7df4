/* http.c - see http.h
 *
 * A machine over parts of a reply: lines are gathered until their end, bodies are passed on
 * without being kept. */
#include "ctl/http.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/units.h"

enum { CHUNK_DIGITS_MAX = 15 };

static int status_line_read(HttpReader *reader)
{
        const char *p = text_after(reader->line, "HTTP/1.");

        if (!p || !isdigit((unsigned char)p[0]) || p[1] != ' ')
                return -EPROTO;
        p += 2;
        for (size_t i = 0; i < 3; i++)
                if (!isdigit((unsigned char)p[i]))
                        return -EPROTO;
        reader->head.status = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
        reader->part = HTTP_FIELDS;
        return 0;
}

/* Return: the value of the field @name in @line without the blanks around it, NULL */
static const char *field_value(char *line, const char *name)
{
        size_t length = strlen(name);
        char *value;

        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
                return NULL;
        value = line + length + 1;
        value += strspn(value, " \t");
        for (size_t end = strlen(value); end > 0 && strchr(" \t", value[end - 1]); end--)
                value[end - 1] = '\0';
        return value;
}

static int field_read(HttpReader *reader)
{
        const char *value;

        value = field_value(reader->line, "Content-Length");
        if (value) {
                reader->has_length = true;
                return units_parse_number(value, INT64_MAX, &reader->remaining) < 0 ? -EPROTO : 0;
        }
        value = field_value(reader->line, "Transfer-Encoding");
        if (value) {
                reader->is_chunked = strcasecmp(value, "chunked") == 0;
                return reader->is_chunked ? 0 : -EPROTO;
        }
        value = field_value(reader->line, "Content-Type");
        if (value)
                (void)text_copy(reader->head.content_type, HTTP_FIELD_SIZE,
                                value); /* a cut is fine */
        value = field_value(reader->line, "ETag");
        if (value)
                (void)text_copy(reader->head.etag, HTTP_FIELD_SIZE, value);
        return 0;
}

static int head_end(HttpReader *reader, const HttpSink *sink)
{
        int status = reader->head.status;

        if (status < 200) {
                /* 100 Continue and its like: the reply proper is yet to come. */
                *reader = (HttpReader){ 0 };
                return 0;
        }
        if (status == 204 || status == 304)
                reader->part = HTTP_COMPLETE;
        else if (reader->is_chunked)
                reader->part = HTTP_CHUNK_SIZE;
        else if (reader->has_length)
                reader->part = reader->remaining > 0 ? HTTP_BODY_LENGTH : HTTP_COMPLETE;
        else
                reader->part = HTTP_BODY_CLOSE;
        return sink->head(sink->data, &reader->head);
}

static int chunk_size_read(HttpReader *reader)
{
        size_t digits = strspn(reader->line, "0123456789abcdefABCDEF");
        uint64_t size = 0;

        if (digits == 0 || digits > CHUNK_DIGITS_MAX
            || !strchr("; \t", reader->line[digits])) /* finds the terminator, too */
                return -EPROTO;
        for (size_t i = 0; i < digits; i++) {
                int c = tolower((unsigned char)reader->line[i]);

                size = size * 16 + (uint64_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
        }
        reader->remaining = size;
        reader->part = size > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILERS;
        return 0;
}

static int line_read(HttpReader *reader, const HttpSink *sink)
{
        switch (reader->part) {
        case HTTP_STATUS_LINE: return status_line_read(reader);
        case HTTP_FIELDS: return reader->line[0] ? field_read(reader) : head_end(reader, sink);
        case HTTP_CHUNK_SIZE: return chunk_size_read(reader);
        case HTTP_CHUNK_END: reader->part = HTTP_CHUNK_SIZE; return reader->line[0] ? -EPROTO : 0;
        case HTTP_TRAILERS:
                if (!reader->line[0])
                        reader->part = HTTP_COMPLETE;
                return 0;
        case HTTP_BODY_LENGTH:
        case HTTP_BODY_CLOSE:
        case HTTP_CHUNK_DATA:
        case HTTP_COMPLETE: break;
        }
        return -EPROTO;
}

/* Add bytes up to the end of the line; Return: bytes used, negative errno */
static ssize_t line_gather(HttpReader *reader, const char *bytes, size_t length,
                           const HttpSink *sink)
{
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        int r;

        if (part >= HTTP_LINE_SIZE - reader->line_length)
                return -EMSGSIZE;
        memcpy(reader->line + reader->line_length, bytes, part);
        reader->line_length += part;
        if (!end)
                return (ssize_t)part;
        if (reader->line_length > 0 && reader->line[reader->line_length - 1] == '\r')
                reader->line_length--;
        reader->line[reader->line_length] = '\0';
        reader->line_length = 0;
        if (reader->part == HTTP_FIELDS && ++reader->line_count > HTTP_LINES_MAX)
                return -EMSGSIZE;
        r = line_read(reader, sink);
        return r < 0 ? r : (ssize_t)part + 1;
}

static ssize_t body_pass(HttpReader *reader, const char *bytes, size_t length, const HttpSink *sink)
{
        size_t part = length;
        int r;

        if (reader->part != HTTP_BODY_CLOSE)
                part = MIN((uint64_t)part, reader->remaining);
        r = sink->body(sink->data, bytes, part);
        if (r < 0)
                return r;
        if (reader->part == HTTP_BODY_CLOSE)
                return (ssize_t)part;
        reader->remaining -= part;
        if (reader->remaining == 0)
                reader->part = reader->part == HTTP_CHUNK_DATA ? HTTP_CHUNK_END : HTTP_COMPLETE;
        return (ssize_t)part;
}

static bool is_body(HttpPart part)
{
        return part == HTTP_BODY_LENGTH || part == HTTP_BODY_CLOSE || part == HTTP_CHUNK_DATA;
}

int http_reader_feed(HttpReader *reader, const char *bytes, size_t length, const HttpSink *sink)
{
        while (length > 0 && reader->part != HTTP_COMPLETE) {
                ssize_t used = is_body(reader->part) ? body_pass(reader, bytes, length, sink)
                                                     : line_gather(reader, bytes, length, sink);

                if (used < 0)
                        return (int)used;
                bytes += used;
                length -= (size_t)used;
        }
        return reader->part == HTTP_COMPLETE;
}

int http_reader_end(const HttpReader *reader)
{
        return reader->part == HTTP_COMPLETE || reader->part == HTTP_BODY_CLOSE ? 0 : -EPROTO;
}
