/* lines.c - see lines.h
 *
 * inih knows Python's syntax: indented lines continue, ';' begins a comment anywhere, long lines
 * fall apart. Files of systemd mean other things by the same text, so lines are made here, and
 * inih (parse.c) gets them one by one with nothing left to guess. Every byte of a logical line
 * remembers the physical line it came from, for problems with line and column. */
#include "config/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/draft.h"

static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF";

static unsigned column_of(const char *start, const char *at)
{
        unsigned column = 1;

        /* Later bytes of a UTF-8 character are 10xxxxxx and take no column. */
        for (; start < at; start++)
                column += ((unsigned char)*start & 0xC0) != 0x80;
        return column;
}

static const char *line_start(const char *text, const char *at)
{
        while (at > text && at[-1] != '\n')
                at--;
        return at;
}

static bool is_text_byte(const char *at, const char *end)
{
        unsigned char byte = (unsigned char)*at;

        /* CRLF is one end of line; a carriage return elsewhere is a control like others. */
        return byte == '\t' || byte == '\n' || (byte >= 0x20 && byte != 0x7F)
               || (byte == '\r' && at + 1 < end && at[1] == '\n');
}

int line_reader_check(const TextFile *file, const char *pool, ProblemList *problems)
{
        const char *at = file->text, *end = file->text + file->length;
        unsigned line = 1;
        const char *start;
        size_t length;

        for (; at < end; at += length) {
                length = utf8_sequence((const unsigned char *)at, (size_t)(end - at));
                if (length == 0 || !is_text_byte(at, end))
                        break;
                line += *at == '\n';
        }
        if (at == end)
                return 0;
        start = line_start(file->text, at);
        (void)problem_add(problems, problem_kind_of(file), file->path, line, column_of(start, at),
                          pool,
                          "the byte 0x%02x is not text; files are UTF-8 without control "
                          "characters, and this one was not read further",
                          (unsigned)(unsigned char)*at);
        return -EINVAL;
}

/* The next physical line, its end mark cut off. */
static bool physical_line_next(LineReader *reader, const char **ret_start, size_t *ret_length)
{
        const TextFile *file = reader->file;
        const char *start = file->text + reader->position;
        size_t left = file->length - reader->position, length;
        const char *newline;

        if (left == 0)
                return false;
        newline = memchr(start, '\n', left);
        length = newline ? (size_t)(newline - start) : left;
        reader->position += newline ? length + 1 : length;
        if (reader->line++ == 0 && text_after(start, BYTE_ORDER_MARK)) {
                start += strlen(BYTE_ORDER_MARK);
                length -= strlen(BYTE_ORDER_MARK);
        }
        if (newline && length > 0 && start[length - 1] == '\r')
                length--;
        *ret_start = start;
        *ret_length = length;
        return true;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* An odd number of backslashes at the end: the last one is not itself escaped. */
static bool is_continued(const char *start, size_t length)
{
        size_t backslashes = 0;

        while (backslashes < length && start[length - 1 - backslashes] == '\\')
                backslashes++;
        return backslashes % 2 == 1;
}

static int part_add(LogicalLine *line, const char *source, unsigned number, unsigned column)
{
        if (line->part_count == line->part_capacity) {
                size_t capacity = line->part_capacity ? line->part_capacity * 2 : 8;
                LinePart *parts = reallocarray(line->parts, capacity, sizeof(LinePart));

                if (!parts)
                        return -ENOMEM;
                line->parts = parts;
                line->part_capacity = capacity;
        }
        line->parts[line->part_count++] = (LinePart){
                .offset = line->text.length, .source = source, .line = number, .column = column
        };
        return 0;
}

static int part_append(LogicalLine *line, const char *start, size_t length, bool is_continuing)
{
        if (line->text.length + length > CONFIG_LINE_MAX)
                line->is_too_long = true;
        if (line->is_too_long)
                return 0;
        text_append_bytes(&line->text, start, length - is_continuing);
        if (is_continuing)
                text_append_bytes(&line->text, " ", 1);
        return line->text.error;
}

static void strip_end(LogicalLine *line)
{
        Text *text = &line->text;

        while (text->length > 0 && is_blank(text->bytes[text->length - 1]))
                text->bytes[--text->length] = '\0';
}

static void logical_line_clear(LogicalLine *line)
{
        line->text.length = 0;
        line->part_count = 0;
        line->is_too_long = false;
}

int line_reader_next(LineReader *reader, LogicalLine *line)
{
        bool is_continuing = false;
        const char *start;
        unsigned column;
        size_t length;
        int r;

        logical_line_clear(line);
        while (physical_line_next(reader, &start, &length)) {
                for (column = 1; length > 0 && is_blank(*start); length--, column++)
                        start++;
                if (length > 0 && (*start == '#' || *start == ';'))
                        continue; /* also between continued lines, and never continued itself */
                if (length == 0 && !is_continuing)
                        continue;
                is_continuing = is_continued(start, length);
                r = part_add(line, start, reader->line, column);
                if (r == 0)
                        r = part_append(line, start, length, is_continuing);
                if (r < 0)
                        return r;
                if (!is_continuing)
                        break;
        }
        if (line->part_count == 0)
                return 0;
        strip_end(line);
        return 1;
}

void logical_line_done(LogicalLine *line)
{
        text_done(&line->text);
        free(line->parts);
        *line = (LogicalLine){ 0 };
}

void logical_line_place(const LogicalLine *line, size_t offset, unsigned *ret_line,
                        unsigned *ret_column)
{
        size_t i = line->part_count - 1;
        const LinePart *part;

        offset = MIN(offset, line->text.length);
        while (i > 0 && line->parts[i].offset > offset)
                i--;
        part = &line->parts[i];
        *ret_line = part->line;
        *ret_column =
                part->column - 1 + column_of(part->source, part->source + (offset - part->offset));
}
