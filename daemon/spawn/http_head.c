/* http_head.c - see http_head.h
 *
 * Line by line; a line is looked at once it has ended, the status line as soon as its beginning is
 * wrong: who speaks another protocol may never send a newline. */
#include "spawn/http_head.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* The characters of a field's name: "token" of RFC 9110, section 5.6.2. */
static bool is_token(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_text(char c)
{
        return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

static bool are_text(const char *line, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (!is_text(line[i]))
                        return false;
        return true;
}

/* "HTTP/1.1 200 OK"; what stands behind the number is for people, and may be missing. */
static bool read_status(const char *line, size_t length, unsigned *ret)
{
        static const size_t number = sizeof("HTTP/1.x ") - 1;

        if (length < number + 3 || !is_digit(line[number - 2]) || line[number - 1] != ' ')
                return false;
        for (size_t i = number; i < number + 3; i++)
                if (!is_digit(line[i]))
                        return false;
        if (line[number] == '0' || (length > number + 3 && line[number + 3] != ' '))
                return false;
        *ret = (unsigned)(line[number] - '0') * 100 + (unsigned)(line[number + 1] - '0') * 10
               + (unsigned)(line[number + 2] - '0');
        return are_text(line + number, length - number);
}

static bool is_field(const char *line, size_t length)
{
        size_t name = 0;

        while (name < length && is_token(line[name]))
                name++;
        return name > 0 && name < length && line[name] == ':'
               && are_text(line + name, length - name);
}

/* Return: length of the next line with its end, 0 if it has none yet; @ret_text: without it */
static size_t next_line(const char *bytes, size_t length, size_t *ret_text)
{
        const char *end = memchr(bytes, '\n', length);
        size_t text;

        if (!end)
                return 0;
        text = (size_t)(end - bytes);
        *ret_text = text > 0 && bytes[text - 1] == '\r' ? text - 1 : text;
        return (size_t)(end - bytes) + 1;
}

ssize_t http_head_parse(const char *bytes, size_t length, unsigned *ret_status)
{
        static const char begin[] = "HTTP/1.";
        size_t compared = length < sizeof(begin) - 1 ? length : sizeof(begin) - 1;
        size_t text = 0, at = next_line(bytes, length, &text), line;
        unsigned status;

        if (memcmp(bytes, begin, compared) != 0)
                return -EBADMSG;
        if (at == 0)
                return 0;
        if (!read_status(bytes, text, &status))
                return -EBADMSG;
        while ((line = next_line(bytes + at, length - at, &text)) > 0) {
                if (text == 0) {
                        *ret_status = status;
                        return (ssize_t)(at + line);
                }
                if (!is_field(bytes + at, text))
                        return -EBADMSG;
                at += line;
        }
        return 0;
}
