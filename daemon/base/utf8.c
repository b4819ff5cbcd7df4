/* utf8.c - see utf8.h */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_tail(unsigned char byte)
{
        return (byte & 0xC0) == 0x80;
}

size_t utf8_sequence(const unsigned char *bytes, size_t length)
{
        unsigned char first;

        if (length == 0)
                return 0;
        first = bytes[0];
        if (first < 0x80)
                return 1;
        if (first >= 0xC2 && first <= 0xDF)
                return length >= 2 && is_tail(bytes[1]) ? 2 : 0;
        if (first >= 0xE0 && first <= 0xEF) {
                if (length < 3 || !is_tail(bytes[1]) || !is_tail(bytes[2]))
                        return 0;
                /* No overlong forms, no surrogates. */
                if ((first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F))
                        return 0;
                return 3;
        }
        if (first >= 0xF0 && first <= 0xF4) {
                if (length < 4 || !is_tail(bytes[1]) || !is_tail(bytes[2]) || !is_tail(bytes[3]))
                        return 0;
                if ((first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F))
                        return 0;
                return 4;
        }
        return 0;
}

bool utf8_is_valid(const char *bytes, size_t length)
{
        const unsigned char *p = (const unsigned char *)bytes;

        while (length > 0) {
                size_t n = utf8_sequence(p, length);

                if (n == 0)
                        return false;
                p += n;
                length -= n;
        }
        return true;
}

static bool is_control(const unsigned char *p, size_t n)
{
        if (n == 1)
                return (*p < 0x20 && *p != '\t') || *p == 0x7F;
        if (n == 2)
                return p[0] == 0xC2 && p[1] < 0xA0;
        if (n == 3 && p[0] == 0xE2)
                return (p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE)
                       || (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
        return false;
}

size_t utf8_sanitize(char *buffer, size_t size, const char *bytes, size_t length)
{
        const unsigned char *p = (const unsigned char *)bytes;
        size_t written = 0;

        while (length > 0) {
                size_t n = utf8_sequence(p, length);
                const char *out = (const char *)p;
                size_t out_length = n;

                if (n == 0) {
                        out = "\xEF\xBF\xBD";
                        out_length = 3;
                        n = 1;
                } else if (is_control(p, n)) {
                        out = "?";
                        out_length = 1;
                }
                if (written + out_length >= size)
                        break;
                memcpy(buffer + written, out, out_length);
                written += out_length;
                p += n;
                length -= n;
        }
        if (size > 0)
                buffer[written] = '\0';
        return written;
}
