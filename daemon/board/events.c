/* events.c - see events.h */
#include "board/events.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { ESCAPE_SIZE = 8 };

static bool is_key_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t key_length(const char *text)
{
        size_t length = 0;

        while (is_key_character(text[length]))
                length++;
        return length;
}

/* One character of a value as it stands in the detail. Return: bytes taken from @value. */
static size_t escape(const char *value, size_t length, char ret_text[ESCAPE_SIZE])
{
        const unsigned char *bytes = (const unsigned char *)value;
        size_t taken = utf8_sequence(bytes, length);

        if (taken == 0) {
                memcpy(ret_text, "\xEF\xBF\xBD", 4);
                return 1;
        }
        if (taken == 1 && *bytes == ' ')
                memcpy(ret_text, "\\s", 3);
        else if (taken == 1 && *bytes == '\t')
                memcpy(ret_text, "\\t", 3);
        else if (taken == 1 && *bytes == '\n')
                memcpy(ret_text, "\\n", 3);
        else if (taken == 1 && *bytes == '\\')
                memcpy(ret_text, "\\\\", 3);
        else if (*bytes < 0x20 || *bytes == 0x7F)
                (void)snprintf(ret_text, ESCAPE_SIZE, "\\x%02x", *bytes);
        else
                (void)snprintf(ret_text, ESCAPE_SIZE, "%.*s", (int)taken, value);
        return taken;
}

int event_detail_add(char *detail, size_t size, const char *key, const char *value)
{
        size_t end = strlen(detail), left = strlen(value);
        int length;

        if (key_length(key) == 0 || key[key_length(key)] != '\0')
                return -EINVAL;
        length = snprintf(detail + end, size - end, "%s%s=", end > 0 ? " " : "", key);
        if (length < 0 || (size_t)length >= size - end) {
                detail[end] = '\0';
                return -ENOSPC;
        }
        end += (size_t)length;
        while (left > 0) {
                char text[ESCAPE_SIZE];
                size_t taken = escape(value, left, text);

                if (strlen(text) >= size - end)
                        return 1;
                memcpy(detail + end, text, strlen(text) + 1);
                end += strlen(text);
                value += taken;
                left -= taken;
        }
        return 0;
}

int event_detail_add_number(char *detail, size_t size, const char *key, int64_t value)
{
        size_t before = strlen(detail);
        char text[24];
        int r;

        (void)snprintf(text, sizeof(text), "%lld", (long long)value);
        r = event_detail_add(detail, size, key, text);
        if (r <= 0)
                return r;
        /* A number that lacks its last digits would be a lie. */
        detail[before] = '\0';
        return -ENOSPC;
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a word. Return: bytes taken from @text, 0 if it is no escape we write. */
static size_t unescape(const char *text, char *ret_byte)
{
        static const char letters[] = "stn\\", meanings[] = " \t\n\\";
        const char *letter;

        *ret_byte = *text;
        if (*text != '\\')
                return 1;
        if (text[1] == 'x' && digit(text[2]) >= 0 && digit(text[3]) >= 0) {
                *ret_byte = (char)(digit(text[2]) * 16 + digit(text[3]));
                return 4;
        }
        letter = text[1] ? strchr(letters, text[1]) : NULL;
        if (!letter)
                return 0;
        *ret_byte = meanings[letter - letters];
        return 2;
}

/* Terminate a value, at a character's edge if it was cut. */
static void finish(char *value, size_t length, bool is_cut)
{
        while (is_cut && length > 0 && ((unsigned char)value[length] & 0xC0) == 0x80)
                length--;
        value[length] = '\0';
}

static int take_value(const char **cursor, char *value, size_t size)
{
        const char *p = *cursor;
        size_t length = 0;
        bool is_cut = false;

        while (*p && *p != ' ') {
                char byte;
                size_t taken = unescape(p, &byte);

                if (taken == 0)
                        return -EBADMSG;
                if (!is_cut) {
                        /* The first byte that does not fit stays where the end will be: it
                         * tells whether a character was cut through. */
                        value[length] = byte;
                        is_cut = length + 1 == size;
                        length += !is_cut;
                }
                p += taken;
        }
        finish(value, length, is_cut);
        *cursor = p;
        return 1;
}

int event_detail_next(const char **cursor, char *key, size_t key_size, char *value,
                      size_t value_size)
{
        const char *p = *cursor;
        size_t length;
        int r;

        while (*p == ' ')
                p++;
        if (!*p)
                return 0;
        length = key_length(p);
        if (length == 0 || length >= key_size || p[length] != '=' || value_size == 0)
                return -EBADMSG;
        memcpy(key, p, length);
        key[length] = '\0';
        p += length + 1;
        r = take_value(&p, value, value_size);
        if (r > 0)
                *cursor = p;
        return r;
}
