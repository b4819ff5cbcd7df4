/* envfile.c - see envfile.h
 *
 * A reader that looks at one character at a time; what it is inside of decides what the
 * character means. */
#include "spawn/envfile.h"

#include <ctype.h>
#include <errno.h>

#include "base/text.h"
#include "base/utf8.h"

typedef struct Reader {
        const char *at, *end;
        Text name, value;
} Reader;

static void reader_done(Reader *reader)
{
        text_done(&reader->name);
        text_done(&reader->value);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

int envfile_is_name(const char *name, size_t length)
{
        if (length == 0 || isdigit((unsigned char)name[0]))
                return 0;
        for (size_t i = 0; i < length; i++)
                if (!isalnum((unsigned char)name[i]) && name[i] != '_')
                        return 0;
        return 1;
}

static void skip_line(Reader *reader)
{
        while (reader->at < reader->end && *reader->at++ != '\n')
                ;
}

/* Blanks, empty lines and comments before a name. */
static void skip_to_name(Reader *reader)
{
        while (reader->at < reader->end) {
                char c = *reader->at;

                if (c == '#' || c == ';')
                        skip_line(reader);
                else if (is_blank(c) || c == '\n')
                        reader->at++;
                else
                        return;
        }
}

static void cut_trailing_blanks(Text *text, size_t from)
{
        while (text->length > from && is_blank(text->bytes[text->length - 1]))
                text->bytes[--text->length] = '\0';
}

/* Return: true if "NAME=" was read */
static bool read_name(Reader *reader)
{
        while (reader->at < reader->end) {
                char c = *reader->at++;

                if (c == '=') {
                        cut_trailing_blanks(&reader->name, 0);
                        return true;
                }
                if (c == '\n')
                        return false;
                text_append_bytes(&reader->name, &c, 1);
        }
        return false;
}

static void read_single_quoted(Reader *reader)
{
        while (reader->at < reader->end && *reader->at != '\'')
                text_append_bytes(&reader->value, reader->at++, 1);
        if (reader->at < reader->end)
                reader->at++;
}

static void read_double_quoted(Reader *reader)
{
        while (reader->at < reader->end && *reader->at != '"') {
                char c = *reader->at++;

                if (c == '\\' && reader->at < reader->end) {
                        char next = *reader->at++;

                        if (next == '\n')
                                continue;
                        /* Before any other character the backslash is an ordinary one. */
                        if (!strchr("\"\\`$", next))
                                text_append_bytes(&reader->value, "\\", 1);
                        c = next;
                }
                text_append_bytes(&reader->value, &c, 1);
        }
        if (reader->at < reader->end)
                reader->at++;
}

/* Up to the end of the line, which is left for the caller. */
static void read_unquoted(Reader *reader)
{
        size_t kept = reader->value.length; /* quoted or escaped blanks stay */

        while (reader->at < reader->end && *reader->at != '\n') {
                char c = *reader->at++;
                bool is_escaped = c == '\\' && reader->at < reader->end;

                if (is_escaped) {
                        c = *reader->at++;
                        if (c == '\n')
                                continue;
                }
                text_append_bytes(&reader->value, &c, 1);
                if (is_escaped)
                        kept = reader->value.length;
        }
        cut_trailing_blanks(&reader->value, kept);
}

/* Quoted pieces may follow one another; the first unquoted character begins the last piece. */
static void read_value(Reader *reader)
{
        while (reader->at < reader->end && *reader->at != '\n') {
                char c = *reader->at;

                if (is_blank(c)) {
                        reader->at++;
                } else if (c == '\'' || c == '"') {
                        reader->at++;
                        (c == '"' ? read_double_quoted : read_single_quoted)(reader);
                } else {
                        read_unquoted(reader);
                }
        }
}

static int read_assignment(Reader *reader,
                           int (*set)(const char *name, const char *value, void *userdata),
                           void *userdata)
{
        AUTO_FREE char *name = NULL, *value = NULL;
        bool is_assignment = read_name(reader);
        int r;

        if (is_assignment)
                read_value(reader);
        r = text_take(&reader->name, &name);
        if (r == 0)
                r = text_take(&reader->value, &value);
        if (r < 0 || !is_assignment || !envfile_is_name(name, strlen(name)))
                return r;
        return set(name, value, userdata);
}

int envfile_parse(const char *text, size_t length,
                  int (*set)(const char *name, const char *value, void *userdata), void *userdata)
{
        Reader reader CLEANUP(reader_done) = { .at = text, .end = text + length };

        if (memchr(text, '\0', length) || !utf8_is_valid(text, length))
                return -EINVAL;
        for (;;) {
                int r;

                skip_to_name(&reader);
                if (reader.at >= reader.end)
                        return 0;
                r = read_assignment(&reader, set, userdata);
                if (r < 0)
                        return r;
        }
}
