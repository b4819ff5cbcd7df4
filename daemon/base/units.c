/* units.c - see units.h */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

typedef struct SpanUnit {
        const char *name;
        uint64_t usec;
} SpanUnit;

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)

static const SpanUnit span_units[] = {
        { "usec", 1 },
        { "us", 1 },
        { "msec", 1000 },
        { "ms", 1000 },
        { "seconds", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "minutes", MINUTE },
        { "minute", MINUTE },
        { "min", MINUTE },
        { "m", MINUTE },
        { "hours", HOUR },
        { "hour", HOUR },
        { "hr", HOUR },
        { "h", HOUR },
        { "days", DAY },
        { "day", DAY },
        { "d", DAY },
        { "weeks", WEEK },
        { "week", WEEK },
        { "w", WEEK },
};

static int span_unit_find(const char *text, size_t length, uint64_t *ret_usec)
{
        if (length == 0) {
                *ret_usec = USEC_PER_SEC;
                return 0;
        }
        for (size_t i = 0; i < COUNT_OF(span_units); i++)
                if (strlen(span_units[i].name) == length
                    && memcmp(span_units[i].name, text, length) == 0) {
                        *ret_usec = span_units[i].usec;
                        return 0;
                }
        return -EINVAL;
}

static int decimal_read(const char **text, uint64_t *ret_whole, uint64_t *ret_micro)
{
        const char *p = *text;
        uint64_t whole = 0, micro = 0, scale = 100000;

        if (!isdigit((unsigned char)*p))
                return -EINVAL;
        for (; isdigit((unsigned char)*p); p++)
                if (__builtin_mul_overflow(whole, 10, &whole)
                    || __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
                        return -ERANGE;
        if (*p == '.') {
                if (!isdigit((unsigned char)*++p))
                        return -EINVAL;
                for (; isdigit((unsigned char)*p); p++, scale /= 10)
                        micro += (uint64_t)(*p - '0') * scale;
        }
        *text = p;
        *ret_whole = whole;
        *ret_micro = micro;
        return 0;
}

static int span_read_part(const char **text, uint64_t *total_usec)
{
        uint64_t whole, micro, unit, part;
        const char *p = *text, *name;
        int r;

        r = decimal_read(&p, &whole, &micro);
        if (r < 0)
                return r;
        while (*p == ' ')
                p++;
        name = p;
        while (isalpha((unsigned char)*p))
                p++;
        r = span_unit_find(name, (size_t)(p - name), &unit);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(whole, unit, &part)
            || __builtin_add_overflow(
                    part, unit / USEC_PER_SEC * micro + unit % USEC_PER_SEC * micro / USEC_PER_SEC,
                    &part)
            || __builtin_add_overflow(*total_usec, part, total_usec))
                return -ERANGE;
        *text = p;
        return 0;
}

int units_parse_span(const char *text, uint64_t *ret_usec)
{
        uint64_t total = 0;
        int r;

        if (text_equal(text, "infinity")) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        do {
                r = span_read_part(&text, &total);
                if (r < 0)
                        return r;
                while (*text == ' ')
                        text++;
        } while (*text);
        *ret_usec = total;
        return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
        static const char suffixes[] = "KMGTP";
        uint64_t whole, micro, unit = 1, bytes;
        const char *suffix;
        int r;

        if (text_equal(text, "infinity")) {
                *ret_bytes = SIZE_INFINITY;
                return 0;
        }
        r = decimal_read(&text, &whole, &micro);
        if (r < 0)
                return r;
        if (*text) {
                suffix = strchr(suffixes, toupper((unsigned char)*text));
                if (!suffix || text[1])
                        return -EINVAL;
                unit = UINT64_C(1) << (10 * (suffix - suffixes + 1));
        }
        if (__builtin_mul_overflow(whole, unit, &bytes)
            || __builtin_add_overflow(
                    bytes, unit / 1000000 * micro + unit % 1000000 * micro / 1000000, &bytes))
                return -ERANGE;
        *ret_bytes = bytes;
        return 0;
}

int units_parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
        uint64_t whole, micro;
        int r;

        if (text[strspn(text, "0123456789")])
                return -EINVAL;
        r = decimal_read(&text, &whole, &micro);
        if (r < 0)
                return r;
        if (whole > max)
                return -ERANGE;
        *ret_number = whole;
        return 0;
}

int units_parse_boolean(const char *text, bool *ret_value)
{
        static const char *const yes[] = { "yes", "true", "on", "1" };
        static const char *const no[] = { "no", "false", "off", "0" };

        for (size_t i = 0; i < COUNT_OF(yes); i++) {
                if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0)
                        continue;
                *ret_value = strcasecmp(text, yes[i]) == 0;
                return 0;
        }
        return -EINVAL;
}

char *units_format_span(char *buffer, size_t size, uint64_t usec)
{
        static const SpanUnit shown[] = {
                { "w", WEEK },     { "d", DAY },          { "h", HOUR },
                { "min", MINUTE }, { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC },
                { "us", 1 },
        };
        size_t used = 0;
        unsigned parts = 0;

        if (usec == USEC_INFINITY || usec == 0) {
                (void)snprintf(buffer, size, "%s", usec ? "infinity" : "0");
                return buffer;
        }
        for (size_t i = 0; i < COUNT_OF(shown) && parts < 2 && used < size; i++) {
                if (usec < shown[i].usec) {
                        /* "1h" and some ms is "1h": the second unit is the next one or none. */
                        parts += parts > 0;
                        continue;
                }
                used += (size_t)snprintf(buffer + used, size - used, "%s%" PRIu64 "%s",
                                         used ? " " : "", usec / shown[i].usec, shown[i].name);
                usec %= shown[i].usec;
                parts++;
        }
        return buffer;
}

char *units_format_size(char *buffer, size_t size, uint64_t bytes)
{
        static const char suffixes[] = "BKMGTPE";
        double value = (double)bytes;
        size_t i = 0;

        if (bytes == SIZE_INFINITY) {
                (void)snprintf(buffer, size, "infinity");
                return buffer;
        }
        while (value >= 1023.5 && i + 2 < sizeof(suffixes)) {
                value /= 1024;
                i++;
        }
        (void)snprintf(buffer, size, i && value < 9.95 ? "%.1f%c" : "%.0f%c", value, suffixes[i]);
        return buffer;
}
