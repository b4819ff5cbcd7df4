/* log_text.c - see log_text.h */
#include "api/log_text.h"

#include <errno.h>

#include "api/writer.h"
#include "base/utf8.h"

static void append_clean(Text *text, const char *bytes, size_t length)
{
        char clean[4096 + 4];

        while (length > 0) {
                size_t part = MIN(length, sizeof(clean) / 3 - 1);

                /* Not through a character, unless there is none to be seen. */
                for (unsigned i = 0; part < length && i < 3 && part > 1
                                     && ((unsigned char)bytes[part] & 0xC0) == 0x80;
                     i++)
                        part--;
                text_append_bytes(text, clean, utf8_sanitize(clean, sizeof(clean), bytes, part));
                bytes += part;
                length -= part;
        }
}

static void append_event(Text *text, const LogLine *line, const char *bytes, size_t length,
                         bool is_whole)
{
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_number(&writer, "slot", line->slot);
        writer_bytes(&writer, "line", bytes, length);
        if (!is_whole)
                writer_bool(&writer, "partial", true);
        writer_close_object(&writer);
        text_append(text, "data: ");
        if (writer.text.error < 0)
                text->error = writer.text.error;
        else
                text_append_bytes(text, writer.text.bytes, writer.text.length);
        text_append(text, "\n\n");
}

static void append_piece(LogLine *line, const LogStyle *style, const char *bytes, size_t length,
                         bool has_end, Text *text)
{
        if (style->form == LOG_EVENTS) {
                append_event(text, line, bytes, length, has_end && !line->has_begun);
        } else {
                if (style->has_prefix && !line->has_begun)
                        text_printf(text, "%u | ", line->slot);
                append_clean(text, bytes, length);
                if (has_end)
                        text_append_bytes(text, "\n", 1);
        }
        line->has_begun = !has_end;
}

static int line_keep(LogLine *line, const char *bytes, size_t length)
{
        if (!line->bytes)
                line->bytes = malloc(LOG_PIECE_MAX);
        if (!line->bytes)
                return -ENOMEM;
        memcpy(line->bytes + line->length, bytes, length);
        line->length += length;
        return 0;
}

/* Bytes of one line, with its end or without; at most what the piece has room for. */
static int add_part(LogLine *line, const LogStyle *style, const char *bytes, size_t length,
                    bool has_end, Text *text)
{
        int r;

        if (line->length == 0 && has_end) {
                append_piece(line, style, bytes, length, true, text);
                return 0;
        }
        r = line_keep(line, bytes, length);
        if (r < 0)
                return text->error = r;
        if (has_end || line->length == LOG_PIECE_MAX) {
                append_piece(line, style, line->bytes, line->length, has_end, text);
                line->length = 0;
        }
        return 0;
}

int log_text_add(LogLine *line, const LogStyle *style, const char *bytes, size_t length, Text *text)
{
        int r = 0;

        if (style->form == LOG_RAW) {
                text_append_bytes(text, bytes, length);
                return text->error;
        }
        while (r >= 0 && length > 0) {
                size_t room = LOG_PIECE_MAX - line->length, part = MIN(length, room);
                const char *end = memchr(bytes, '\n', part);

                if (end)
                        part = (size_t)(end - bytes);
                r = add_part(line, style, bytes, part, end != NULL, text);
                part += end != NULL;
                bytes += part;
                length -= part;
        }
        return r < 0 ? r : text->error;
}

/* Bytes at the end that may be the beginning of a character whose rest has not come. */
static size_t incomplete_tail(const char *bytes, size_t length)
{
        for (size_t i = 1; i <= 3 && i <= length; i++) {
                unsigned char c = (unsigned char)bytes[length - i];

                if ((c & 0xC0) == 0x80)
                        continue;
                return c >= 0xC0 && utf8_sequence((const unsigned char *)bytes + length - i, i) == 0
                               ? i
                               : 0;
        }
        return 0;
}

int log_text_flush(LogLine *line, const LogStyle *style, bool is_final, Text *text)
{
        bool are_lines = style->has_prefix || style->form == LOG_EVENTS;
        size_t kept =
                is_final || line->length == 0 ? 0 : incomplete_tail(line->bytes, line->length);

        if (line->length == kept || style->form == LOG_RAW || (are_lines && !is_final))
                return text->error;
        append_piece(line, style, line->bytes, line->length - kept, is_final && are_lines, text);
        memmove(line->bytes, line->bytes + line->length - kept, kept);
        line->length = kept;
        return text->error;
}

void log_line_done(LogLine *line)
{
        free(TAKE_PTR(line->bytes));
        line->length = 0;
}
