/* values.c - the kinds of values that are one word: numbers, spans, sizes, names, paths
 *
 * Each parser takes what systemd takes for the same key. It touches the field only when the whole
 * value is good; the sentence about a bad one is made by draft_assign() from Kind.allowed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "base/units.h"
#include "config/address.h"
#include "config/fingerprint.h"
#include "config/kinds.h"

static void clear_string(void *field)
{
        free(*(char **)field);
        *(char **)field = NULL;
}

static bool string_is_equal(const void *a, const void *b)
{
        return text_equal(*(char *const *)a, *(char *const *)b);
}

static uint64_t string_fingerprint(uint64_t hash, const void *field)
{
        return fingerprint_text(hash, *(char *const *)field);
}

static int set_string(void *field, const char *value)
{
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*(char **)field);
        *(char **)field = copy;
        return 0;
}

static int parse_text(const Assignment *at, void *field)
{
        return set_string(field, at->value);
}

static int parse_path(const Assignment *at, void *field)
{
        if (at->value[0] != '/')
                return -EINVAL;
        return set_string(field, at->value);
}

bool account_is_valid(const char *name)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
        static const char rest[] = LETTERS "0123456789.-";
        uint64_t number;

        /* (uid_t)-1 means "leave as it is" to the kernel and is nobody's number. */
        if (units_parse_number(name, UINT32_MAX - 1, &number) == 0)
                return true;
        return *name && strchr(LETTERS, *name) && !name[strspn(name, rest)];
#undef LETTERS
}

static int parse_account(const Assignment *at, void *field)
{
        if (!account_is_valid(at->value))
                return -EINVAL;
        return set_string(field, at->value);
}

static int parse_boolean(const Assignment *at, void *field)
{
        return units_parse_boolean(at->value, field);
}

static int parse_name(const Assignment *at, void *field)
{
        int value = names_find(at->key->names->names, at->key->names->count, at->value);

        if (value < 0)
                return value;
        *(int *)field = value;
        return 0;
}

/* "no" is the first name, "yes" the one after it, however they are spelled. */
static int parse_name_or_boolean(const Assignment *at, void *field)
{
        bool is_on;

        if (units_parse_boolean(at->value, &is_on) < 0)
                return parse_name(at, field);
        *(int *)field = is_on;
        return 0;
}

static int parse_count(const Assignment *at, void *field)
{
        uint64_t number;

        if (units_parse_number(at->value, at->key->max, &number) < 0 || number < at->key->min)
                return -EINVAL;
        *(unsigned *)field = (unsigned)number;
        return 0;
}

static int parse_integer(const Assignment *at, void *field)
{
        bool is_negative = at->value[0] == '-';
        uint64_t number;
        int64_t value;

        if (units_parse_number(at->value + (is_negative || at->value[0] == '+'), INT32_MAX, &number)
            < 0)
                return -EINVAL;
        value = is_negative ? -(int64_t)number : (int64_t)number;
        if (value < (int64_t)at->key->min || value > (int64_t)at->key->max)
                return -EINVAL;
        *(int *)field = (int)value;
        return 0;
}

static int parse_span(const Assignment *at, void *field)
{
        uint64_t usec;

        if (units_parse_span(at->value, &usec) < 0 || usec == USEC_INFINITY
            || (usec != 0 && usec < at->key->min))
                return -EINVAL;
        *(uint64_t *)field = usec;
        return 0;
}

static int parse_span_above_0(const Assignment *at, void *field)
{
        uint64_t usec = 0;
        int r = parse_span(at, &usec);

        if (r < 0 || usec == 0)
                return -EINVAL;
        *(uint64_t *)field = usec;
        return 0;
}

static int parse_timeout(const Assignment *at, void *field)
{
        uint64_t usec;

        if (units_parse_span(at->value, &usec) < 0)
                return -EINVAL;
        /* 0 always meant "no timeout" in unit files, never "at once". */
        *(uint64_t *)field = usec ? usec : USEC_INFINITY;
        return 0;
}

static int parse_size_or_none(const Assignment *at, void *field)
{
        uint64_t bytes;

        if (units_parse_size(at->value, &bytes) < 0 || bytes < at->key->min)
                return -EINVAL;
        *(uint64_t *)field = bytes;
        return 0;
}

static int parse_size(const Assignment *at, void *field)
{
        return text_equal(at->value, "infinity") ? -EINVAL : parse_size_or_none(at, field);
}

static int parse_count_or_none(const Assignment *at, void *field)
{
        uint64_t number = UINT64_MAX;

        if (!text_equal(at->value, "infinity")
            && (units_parse_number(at->value, INT64_MAX, &number) < 0 || number < at->key->min))
                return -EINVAL;
        *(uint64_t *)field = number;
        return 0;
}

/* "RTMIN+3", "RTMAX-1", "RTMIN". */
static int realtime_signal(const char *name)
{
        bool is_min = text_after(name, "RTMIN");
        const char *rest = is_min ? name + 5 : text_after(name, "RTMAX");
        uint64_t number = 0;
        int value;

        if (!rest)
                return -EINVAL;
        if (*rest
            && (*rest != (is_min ? '+' : '-') || units_parse_number(rest + 1, 64, &number) < 0))
                return -EINVAL;
        value = is_min ? SIGRTMIN + (int)number : SIGRTMAX - (int)number;
        return value >= SIGRTMIN && value <= SIGRTMAX ? value : -EINVAL;
}

static int parse_signal(const Assignment *at, void *field)
{
        const char *name = text_after(at->value, "SIG");
        uint64_t number;
        int value = -EINVAL;

        name = name ? name : at->value;
        if (units_parse_number(name, (uint64_t)SIGRTMAX, &number) == 0 && number > 0)
                value = (int)number;
        for (int i = 1; i < SIGRTMIN && value < 0; i++)
                if (text_equal(sigabbrev_np(i), name))
                        value = i;
        if (value < 0)
                value = realtime_signal(name);
        if (value < 0)
                return value;
        *(int *)field = value;
        return 0;
}

static int parse_mode(const Assignment *at, void *field)
{
        size_t length = strspn(at->value, "01234567");

        if (at->value[length] || length > 5 || strtoul(at->value, NULL, 8) > 07777)
                return -EINVAL;
        *(unsigned *)field = (unsigned)strtoul(at->value, NULL, 8);
        return 0;
}

/* Digits before a '%' at the end, with at most two decimals: in hundredths of a percent. */
static int parse_percentage(const char *text, uint64_t max, uint64_t *ret_hundredths)
{
        size_t whole = strspn(text, "0123456789"), decimals = 0;
        uint64_t value = 0;

        if (whole == 0 || whole > 9)
                return -EINVAL;
        if (text[whole] == '.') {
                decimals = strspn(text + whole + 1, "0123456789");
                if (decimals == 0 || decimals > 2)
                        return -EINVAL;
        }
        if (strcmp(text + whole + (decimals ? decimals + 1 : 0), "%") != 0)
                return -EINVAL;
        value = strtoull(text, NULL, 10) * 100;
        for (size_t i = 0, scale = 10; i < decimals; i++, scale /= 10)
                value += (uint64_t)(text[whole + 1 + i] - '0') * scale;
        if (value > max * 100)
                return -ERANGE;
        *ret_hundredths = value;
        return 0;
}

static int parse_quota(const Assignment *at, void *field)
{
        uint64_t hundredths;

        if (parse_percentage(at->value, at->key->max, &hundredths) < 0 || hundredths % 100
            || hundredths == 0)
                return -EINVAL;
        *(unsigned *)field = (unsigned)(hundredths / 100);
        return 0;
}

static int parse_ratio(const Assignment *at, void *field)
{
        uint64_t hundredths;

        if (parse_percentage(at->value, at->key->max, &hundredths) < 0 || hundredths == 0)
                return -EINVAL;
        *(double *)field = (double)hundredths / 10000;
        return 0;
}

static int parse_share(const Assignment *at, void *field)
{
        bool is_percent = strchr(at->value, '%');
        uint64_t number;

        if (!is_percent && units_parse_number(at->value, at->key->max, &number) < 0)
                return -EINVAL;
        if (is_percent && (parse_percentage(at->value, 100, &number) < 0 || number % 100))
                return -EINVAL;
        *(Share *)field = (Share){
                .is_percent = is_percent,
                .value = (unsigned)(is_percent ? number / 100 : number),
        };
        return 0;
}

static void clear_output(void *field)
{
        free(((Output *)field)->path);
        *(Output *)field = (Output){ 0 };
}

static bool output_is_equal(const void *a, const void *b)
{
        const Output *left = a, *right = b;

        return left->kind == right->kind && text_equal(left->path, right->path);
}

static uint64_t output_fingerprint(uint64_t hash, const void *field)
{
        const Output *output = field;

        return output->kind ? fingerprint_text(fingerprint_number(hash, output->kind), output->path)
                            : hash;
}

static int parse_output(const Assignment *at, void *field)
{
        const char *path = text_after(at->value, "append:");
        int kind = path ? OUTPUT_APPEND : output_kind_from_name(at->value);
        char *copy = NULL;

        if (kind < 0 || (kind == OUTPUT_APPEND && (!path || path[0] != '/')))
                return -EINVAL;
        if (path) {
                copy = strdup(path);
                if (!copy)
                        return -ENOMEM;
        }
        clear_output(field);
        *(Output *)field = (Output){ .kind = (OutputKind)kind, .path = copy };
        return 0;
}

static int parse_log_level(const Assignment *at, void *field)
{
        static const char *const levels[] = {
                [LOG_EMERG] = "emerg", [LOG_ALERT] = "alert",     [LOG_CRIT] = "crit",
                [LOG_ERR] = "err",     [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
                [LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
        };
        int level = names_find(levels, COUNT_OF(levels), at->value);
        uint64_t number;

        if (units_parse_number(at->value, LOG_DEBUG, &number) == 0)
                level = (int)number;
        if (level < 0)
                return level;
        *(int *)field = level;
        return 0;
}

/* The address of a page and the name of a metric on it. */
static bool is_metrics_page(const char *value)
{
        size_t length = strcspn(value, " \t");
        const char *metric = value + length + strspn(value + length, " \t");

        return url_is_valid(value, length) && *metric && !metric[strcspn(metric, " \t")];
}

static int parse_throughput(const Assignment *at, void *field)
{
        const char *pattern = text_after(at->value, "log:");

        if (pattern ? !*pattern : !is_metrics_page(at->value))
                return -EINVAL;
        return set_string(field, at->value);
}

#define STRING_KIND(parse, allowed) \
        { \
                allowed, sizeof(char *), parse, clear_string, string_is_equal, string_fingerprint \
        }

const Kind kind_text = STRING_KIND(parse_text, "text");
const Kind kind_path = STRING_KIND(parse_path, "an absolute path");
const Kind kind_account = STRING_KIND(parse_account, "the name or the number of an account");
const Kind kind_throughput =
        STRING_KIND(parse_throughput, "\"http://ADDRESS/PATH METRIC\" or \"log:REGEX\"");

const Kind kind_boolean = PLAIN_KIND(bool, parse_boolean, "yes or no");
const Kind kind_name = PLAIN_KIND(int, parse_name, NULL);
const Kind kind_name_or_boolean = PLAIN_KIND(int, parse_name_or_boolean, NULL);
const Kind kind_count = PLAIN_KIND(unsigned, parse_count, "a whole number");
const Kind kind_integer = PLAIN_KIND(int, parse_integer, "a whole number");
const Kind kind_span =
        PLAIN_KIND(uint64_t, parse_span, "a span of time such as 100ms, 30s or 1min 30s");
const Kind kind_span_above_0 = PLAIN_KIND(uint64_t, parse_span_above_0,
                                          "a span of time above 0, such as 100ms or 1min 30s");
const Kind kind_timeout =
        PLAIN_KIND(uint64_t, parse_timeout, "a span of time such as 30s, or infinity");
const Kind kind_size = PLAIN_KIND(uint64_t, parse_size, "a size in bytes such as 64M (K, M, G, T)");
const Kind kind_size_or_none = PLAIN_KIND(uint64_t, parse_size_or_none,
                                          "a size in bytes such as 2G (K, M, G, T), or infinity");
const Kind kind_count_or_none =
        PLAIN_KIND(uint64_t, parse_count_or_none, "a whole number above 0, or infinity");
const Kind kind_signal =
        PLAIN_KIND(int, parse_signal, "a signal by name such as SIGTERM, or its number");
const Kind kind_mode = PLAIN_KIND(unsigned, parse_mode, "an octal mode such as 0022");
const Kind kind_quota = PLAIN_KIND(unsigned, parse_quota, "a percentage of one core such as 150%");
const Kind kind_ratio = PLAIN_KIND(double, parse_ratio, "a percentage above 0%, such as 1%");
const Kind kind_share = PLAIN_KIND(Share, parse_share, "a count, or a percentage from 0% to 100%");
const Kind kind_log_level = PLAIN_KIND(
        int, parse_log_level, "one of emerg, alert, crit, err, warning, notice, info, debug");

const Kind kind_output = {
        .allowed = "one of log, journal, null, append:/absolute/path",
        .size = sizeof(Output),
        .parse = parse_output,
        .clear = clear_output,
        .is_equal = output_is_equal,
        .fingerprint = output_fingerprint,
};
