/* limits.c - resource limits and CPU sets, as systemd.exec(5) writes them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "config/fingerprint.h"
#include "config/kinds.h"
#include "config/words.h"

enum { NICE_LOWEST = 20 }; /* RLIMIT_NICE 40 allows nice -20: the limit is 20 - nice */

static int number_parse(const char *text, uint64_t *ret)
{
        return units_parse_number(text, UINT64_MAX - 1, ret);
}

/* "+5" and "-5" are nice values, a bare number is the raw limit. */
static int nice_limit_parse(const char *text, uint64_t *ret)
{
        uint64_t number;

        if (*text != '+' && *text != '-')
                return units_parse_number(text, 40, ret);
        if (units_parse_number(text + 1, *text == '+' ? 19 : 20, &number) < 0)
                return -EINVAL;
        *ret = *text == '+' ? NICE_LOWEST - number : NICE_LOWEST + number;
        return 0;
}

/* LimitCPU= counts in seconds; a span with a rest takes one more, as in systemd. */
static int seconds_parse(const char *text, uint64_t *ret)
{
        uint64_t usec;
        int r = units_parse_span(text, &usec);

        if (r < 0)
                return r;
        *ret = usec / USEC_PER_SEC + (usec % USEC_PER_SEC != 0);
        return 0;
}

/* LimitRTTIME= counts in microseconds, and so does a bare number there. */
static int usec_parse(const char *text, uint64_t *ret)
{
        return text[strspn(text, "0123456789")] ? units_parse_span(text, ret)
                                                : number_parse(text, ret);
}

static int limit_part_parse(const char *text, LimitUnit unit, uint64_t *ret)
{
        if (text_equal(text, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }
        switch (unit) {
        case LIMIT_NUMBER: return number_parse(text, ret);
        case LIMIT_BYTES: return units_parse_size(text, ret);
        case LIMIT_SECONDS: return seconds_parse(text, ret);
        case LIMIT_USEC: return usec_parse(text, ret);
        case LIMIT_NICE: return nice_limit_parse(text, ret);
        }
        return -EINVAL;
}

static int parse_limit(const Assignment *at, void *field)
{
        const char *colon = strchr(at->value, ':');
        const char *hard_text = colon ? colon + 1 : at->value;
        AUTO_FREE char *soft_text = strndup(at->value, strcspn(at->value, ":"));
        LimitUnit unit = (LimitUnit)at->key->variant;
        ResourceLimit *limit = field;
        uint64_t soft, hard;

        if (!soft_text)
                return -ENOMEM;
        if (limit_part_parse(soft_text, unit, &soft) < 0
            || limit_part_parse(hard_text, unit, &hard) < 0)
                return -EINVAL;
        if (soft > hard)
                return assignment_refuse(at, 0, "%s=%s: the soft limit is above the hard limit",
                                         at->key->shown.name, at->value);
        limit->is_set = true;
        limit->soft = soft;
        limit->hard = hard;
        return 0;
}

static bool limit_is_equal(const void *a, const void *b)
{
        const ResourceLimit *left = a, *right = b;

        return left->is_set == right->is_set && left->soft == right->soft
               && left->hard == right->hard;
}

static uint64_t limit_fingerprint(uint64_t hash, const void *field)
{
        const ResourceLimit *limit = field;

        return limit->is_set
                       ? fingerprint_number(fingerprint_number(hash, limit->soft), limit->hard)
                       : hash;
}

/* "3" or "0-3". */
static int cpu_range_parse(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
        const char *dash = strchr(text, '-');
        AUTO_FREE char *first = strndup(text, strcspn(text, "-"));

        if (!first)
                return -ENOMEM;
        if (units_parse_number(first, CPU_SETSIZE - 1, ret_first) < 0
            || units_parse_number(dash ? dash + 1 : first, CPU_SETSIZE - 1, ret_last) < 0
            || *ret_first > *ret_last)
                return -EINVAL;
        return 0;
}

/* Ranges between blanks or commas; several lines add up. */
static int parse_affinity(const Assignment *at, void *field)
{
        AUTO_FREE char *copy = strdup(at->value);
        cpu_set_t cpus = *(cpu_set_t *)field;
        char *rest = copy, *range;
        bool is_empty = true;

        if (!copy)
                return -ENOMEM;
        while ((range = strsep(&rest, " ,\t"))) {
                uint64_t first, last;
                int r = *range ? cpu_range_parse(range, &first, &last) : 1;

                if (r == -EINVAL)
                        return assignment_refuse(at, (size_t)(range - copy),
                                                 "CPUAffinity=%s: expected numbers or ranges of "
                                                 "CPUs such as \"0-3 5\", each at most %d",
                                                 range, CPU_SETSIZE - 1);
                if (r < 0)
                        return r;
                for (uint64_t cpu = first; r == 0 && cpu <= last; cpu++)
                        CPU_SET(cpu, &cpus);
                is_empty &= r == 1;
        }
        if (is_empty)
                return -EINVAL;
        *(cpu_set_t *)field = cpus;
        return 0;
}

const Kind kind_limit = {
        .allowed = "SOFT:HARD or one value for both; each a number in the unit of the limit, or "
                   "infinity",
        .size = sizeof(ResourceLimit),
        .parse = parse_limit,
        .is_equal = limit_is_equal,
        .fingerprint = limit_fingerprint,
};
const Kind kind_affinity =
        PLAIN_KIND(cpu_set_t, parse_affinity, "numbers or ranges of CPUs such as \"0-3 5\"");
