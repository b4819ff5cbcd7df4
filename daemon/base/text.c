/* text.c - see text.h */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum { NAME_MAX_LENGTH = 63, DISTANCE_MAX_LENGTH = 63, DISTANCE_FAR = 1000 };

bool text_copy(char *buffer, size_t size, const char *source)
{
        size_t length = strlen(source);

        if (length < size) {
                memcpy(buffer, source, length + 1);
                return true;
        }
        length = size - 1;
        /* Do not cut through a UTF-8 sequence: its later bytes are 10xxxxxx. */
        while (length > 0 && ((unsigned char)source[length] & 0xC0) == 0x80)
                length--;
        memcpy(buffer, source, length);
        buffer[length] = '\0';
        return false;
}

static bool is_name_character(char c, bool is_first)
{
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
                return true;
        return !is_first && (c == '_' || c == '.' || c == '-');
}

bool text_is_name(const char *text)
{
        size_t i;

        for (i = 0; text[i] && i <= NAME_MAX_LENGTH; i++)
                if (!is_name_character(text[i], i == 0))
                        return false;
        return i > 0 && i <= NAME_MAX_LENGTH;
}

bool text_matches(const char *pattern, const char *name)
{
        const char *star = NULL, *resume = NULL;

        while (*name) {
                if (*pattern == '*') {
                        star = pattern++;
                        resume = name;
                } else if (*pattern == '?' || *pattern == *name) {
                        pattern++;
                        name++;
                } else if (star) {
                        /* Let the last star take one more character and try again. */
                        pattern = star + 1;
                        name = ++resume;
                } else {
                        return false;
                }
        }
        while (*pattern == '*')
                pattern++;
        return !*pattern;
}

unsigned text_distance(const char *a, const char *b)
{
        unsigned row[DISTANCE_MAX_LENGTH + 1];
        size_t a_length = strlen(a), b_length = strlen(b);

        if (a_length > DISTANCE_MAX_LENGTH || b_length > DISTANCE_MAX_LENGTH)
                return DISTANCE_FAR;
        for (size_t j = 0; j <= b_length; j++)
                row[j] = (unsigned)j;
        for (size_t i = 1; i <= a_length; i++) {
                unsigned diagonal = row[0];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= b_length; j++) {
                        bool same = tolower((unsigned char)a[i - 1])
                                    == tolower((unsigned char)b[j - 1]);
                        unsigned changed = diagonal + !same;

                        diagonal = row[j];
                        row[j] = MIN(row[j], row[j - 1]) + 1;
                        row[j] = MIN(row[j], changed);
                }
        }
        return row[b_length];
}

char **text_list_free(char **list)
{
        for (char **item = list; item && *item; item++)
                free(*item);
        free(list);
        return NULL;
}

size_t text_list_count(char *const *list)
{
        size_t count = 0;

        while (list && list[count])
                count++;
        return count;
}

int text_list_add(char ***list, const char *item)
{
        size_t count = text_list_count(*list);
        AUTO_FREE char *copy = strdup(item);
        char **longer;

        if (!copy)
                return -ENOMEM;
        longer = realloc(*list, (count + 2) * sizeof(char *));
        if (!longer)
                return -ENOMEM;
        longer[count] = TAKE_PTR(copy);
        longer[count + 1] = NULL;
        *list = longer;
        return 0;
}

char **text_list_copy(char *const *list)
{
        size_t count = text_list_count(list);
        char **copy = calloc(count + 1, sizeof(char *));

        for (size_t i = 0; copy && i < count; i++) {
                copy[i] = strdup(list[i]);
                if (!copy[i])
                        copy = text_list_free(copy);
        }
        return copy;
}

static bool text_reserve(Text *text, size_t more)
{
        size_t capacity = text->capacity ? text->capacity : 64;
        char *bytes;

        if (text->error)
                return false;
        while (capacity - text->length <= more)
                capacity *= 2;
        if (capacity == text->capacity)
                return true;
        bytes = realloc(text->bytes, capacity);
        if (!bytes) {
                text->error = -ENOMEM;
                return false;
        }
        text->bytes = bytes;
        text->capacity = capacity;
        return true;
}

void text_append_bytes(Text *text, const void *bytes, size_t length)
{
        if (!text_reserve(text, length))
                return;
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
}

void text_append(Text *text, const char *string)
{
        text_append_bytes(text, string, strlen(string));
}

void text_printf(Text *text, const char *format, ...)
{
        va_list arguments;
        int length, room;

        if (!text_reserve(text, 0))
                return;
        /* Most of what is written fits into the room there is: format once, not twice. */
        room = (int)MIN(text->capacity - text->length, (size_t)INT_MAX);
        va_start(arguments, format);
        length = vsnprintf(text->bytes + text->length, (size_t)room, format, arguments);
        va_end(arguments);
        if (length >= room && text_reserve(text, (size_t)length)) {
                va_start(arguments, format);
                (void)vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
                va_end(arguments);
        }
        if (text->error || length < 0)
                text->bytes[text->length] = '\0'; /* nothing of it, not a part */
        else
                text->length += (size_t)length;
}

int text_take(Text *text, char **ret_string)
{
        text_append_bytes(text, "", 0);
        if (text->error)
                return text->error;
        *ret_string = text->bytes;
        *text = (Text){ 0 };
        return 0;
}

void text_done(Text *text)
{
        free(text->bytes);
        *text = (Text){ 0 };
}
