/* sse.c - see sse.h */
#include "ctl/sse.h"

#include <errno.h>
#include <string.h>

static void text_clear(Text *text)
{
        text->length = 0;
        if (text->bytes)
                text->bytes[0] = '\0';
}

/* Return: the value if @line is the field @name, NULL; one blank after the colon is not part */
static const char *field_value(const char *line, const char *name)
{
        const char *value = text_after(line, name);

        if (!value || (*value && *value != ':'))
                return NULL;
        value += *value == ':';
        return value + (*value == ' ');
}

static int event_end(SseReader *reader, SseFunction function, void *userdata)
{
        SseEvent event = { .type = reader->type[0] ? reader->type : "message",
                           .id = reader->id,
                           .data = reader->data.bytes };
        int r = 0;

        if (reader->data.error)
                return reader->data.error;
        if (reader->has_data)
                r = function(userdata, &event);
        text_clear(&reader->data);
        reader->has_data = false;
        reader->type[0] = '\0';
        return r;
}

static int line_end(SseReader *reader, SseFunction function, void *userdata)
{
        const char *line = reader->line.bytes ? reader->line.bytes : "", *value;

        if (!*line)
                return event_end(reader, function, userdata);
        value = field_value(line, "data");
        if (value) {
                if (reader->data.length + strlen(value) > SSE_LINE_MAX)
                        return -EMSGSIZE;
                if (reader->has_data)
                        text_append(&reader->data, "\n");
                text_append(&reader->data, value);
                reader->has_data = true;
        }
        value = field_value(line, "event");
        if (value)
                (void)text_copy(reader->type, SSE_NAME_SIZE, value); /* names of ours fit */
        value = field_value(line, "id");
        if (value)
                (void)text_copy(reader->id, SSE_NAME_SIZE, value);
        return 0;
}

int sse_reader_feed(SseReader *reader, const char *bytes, size_t length, SseFunction function,
                    void *userdata)
{
        while (length > 0) {
                const char *end = memchr(bytes, '\n', length);
                size_t part = end ? (size_t)(end - bytes) : length;
                int r;

                if (reader->line.length + part > SSE_LINE_MAX)
                        return -EMSGSIZE;
                text_append_bytes(&reader->line, bytes, part);
                if (reader->line.error)
                        return reader->line.error;
                if (!end)
                        return 0;
                if (reader->line.length > 0 && reader->line.bytes[reader->line.length - 1] == '\r')
                        reader->line.bytes[--reader->line.length] = '\0';
                r = line_end(reader, function, userdata);
                if (r < 0)
                        return r;
                text_clear(&reader->line);
                bytes += part + 1;
                length -= part + 1;
        }
        return 0;
}

void sse_reader_done(SseReader *reader)
{
        text_done(&reader->line);
        text_done(&reader->data);
}
