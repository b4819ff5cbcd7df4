/* words.c - see words.h
 *
 * One state machine reads a word: outside quotes a blank ends it, inside the same quote does.
 * Backslash works in both kinds of quotes, as in unit files and unlike in a shell. */
#include "config/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t";

void word_done(Word *word)
{
        free(word->text);
        *word = (Word){ 0 };
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly @count digits of base 8 or 16. Return: the number, -EINVAL. */
static int64_t digits_read(const char *text, unsigned count, int base)
{
        int64_t value = 0;

        for (unsigned i = 0; i < count; i++) {
                int digit = hex_value(text[i]);

                if (digit < 0 || digit >= base)
                        return -EINVAL;
                value = value * base + digit;
        }
        return value;
}

static void append_utf8(Text *text, uint32_t c)
{
        unsigned char bytes[4];
        size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = { 0, 0x00, 0xC0, 0xE0, 0xF0 };

        for (size_t i = length; i-- > 1; c >>= 6)
                bytes[i] = (unsigned char)(0x80 | (c & 0x3F));
        bytes[0] = (unsigned char)(lead[length] | c);
        text_append_bytes(text, bytes, length);
}

static bool is_code_point(int64_t c)
{
        return c > 0 && c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
}

/* \xHH and \OOO are bytes, \uHHHH and \UHHHHHHHH are characters.
 * Return: characters used, 0 if this is no such escape, -EINVAL for a value that cannot be. */
static int numeric_escape(const char *escape, Text *text)
{
        static const struct {
                char letter;
                unsigned digits;
                int base;
        } forms[] = { { 'x', 2, 16 }, { 'u', 4, 16 }, { 'U', 8, 16 }, { '\0', 3, 8 } };

        for (size_t i = 0; i < COUNT_OF(forms); i++) {
                unsigned skip = forms[i].letter != '\0';
                int64_t value;

                if (skip && *escape != forms[i].letter)
                        continue;
                value = digits_read(escape + skip, forms[i].digits, forms[i].base);
                if (value < 0)
                        continue;
                if (forms[i].digits >= 4 ? !is_code_point(value) : value == 0 || value > 255)
                        return -EINVAL;
                if (forms[i].digits >= 4)
                        append_utf8(text, (uint32_t)value);
                else
                        text_append_bytes(text, &(char){ (char)value }, 1);
                return (int)(skip + forms[i].digits);
        }
        return 0;
}

/* @escape follows the backslash. Return: characters used, 0 if it means nothing, -EINVAL. */
static int escape_read(const char *escape, Text *text)
{
        static const char from[] = "abfnrtvs\\\"' ;\t", to[] = "\a\b\f\n\r\t\v \\\"' ;\t";
        const char *found = *escape ? strchr(from, *escape) : NULL;

        if (!found)
                return numeric_escape(escape, text);
        text_append_bytes(text, &to[found - from], 1);
        return 1;
}

static int backslash_read(WordReader *reader, Text *text)
{
        const char *escape = reader->at->value + reader->position + 1;
        int used = escape_read(escape, text);

        if (used < 0)
                return assignment_refuse(reader->at, reader->position,
                                         "an escape cannot stand for a zero byte or for no "
                                         "character; write \\\\ for a backslash");
        if (used == 0) {
                assignment_warn(reader->at, reader->position,
                                "the escape \\%.1s means nothing and is kept as it is; write "
                                "\\\\ for a backslash",
                                escape);
                text_append_bytes(text, "\\", 1);
        }
        reader->position += 1 + (size_t)used;
        return 0;
}

static int word_read(WordReader *reader, Word *word, Text *text)
{
        const char *value = reader->at->value;
        size_t opened = 0;
        char quote = '\0';
        int r;

        while (value[reader->position]) {
                char c = value[reader->position];

                if (!quote && strchr(BLANKS, c))
                        break;
                word->is_quoted |= c == '\\' || c == '"' || c == '\'';
                if (c == '\\') {
                        r = backslash_read(reader, text);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (quote ? c == quote : c == '"' || c == '\'') {
                        opened = reader->position;
                        quote = quote ? '\0' : c;
                } else {
                        text_append_bytes(text, &c, 1);
                }
                reader->position++;
        }
        if (quote)
                return assignment_refuse(reader->at, opened, "the quote %c is not closed", quote);
        return 0;
}

static bool word_begin(WordReader *reader, Word *word)
{
        const char *value = reader->at->value;

        word_done(word);
        reader->position += strspn(value + reader->position, BLANKS);
        word->offset = reader->position;
        return value[reader->position] != '\0';
}

int word_next(WordReader *reader, Word *word)
{
        AUTO_TEXT text = { 0 };
        int r;

        if (!word_begin(reader, word))
                return 0;
        r = word_read(reader, word, &text);
        if (r == 0)
                r = text_take(&text, &word->text);
        return r < 0 ? r : 1;
}

int word_next_plain(WordReader *reader, Word *word)
{
        const char *start = reader->at->value;
        size_t length;

        if (!word_begin(reader, word))
                return 0;
        start += reader->position;
        length = strcspn(start, BLANKS);
        word->text = strndup(start, length);
        reader->position += length;
        return word->text ? 1 : -ENOMEM;
}
