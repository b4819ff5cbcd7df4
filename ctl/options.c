/* options.c - see options.h
 *
 * A parser of our own rather than getopt_long(): options may precede the verb, "-p -1" takes a
 * negative value, and a misspelt name is answered with the nearest one. */
#include "ctl/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/outcome.h"

enum { SUGGESTION_DISTANCE_MAX = 3, WATCH_DEFAULT_SEC = 2, LINES_DEFAULT = 20 };

typedef enum ValueKind {
        VALUE_NONE, /* a bool becomes true */
        VALUE_TEXT,
        VALUE_SPAN,
        VALUE_OPTIONAL_SPAN, /* only as --name=VALUE */
        VALUE_NUMBER,
        VALUE_LINES, /* a number or "all" */
        VALUE_COUNT,
        VALUE_FORMAT,
} ValueKind;

typedef struct OptionSpec {
        OptionBit bit;
        char letter; /* 0: none */
        const char *name;
        ValueKind kind;
        size_t offset; /* of the field of Options */
        const char *value_name, *help;
} OptionSpec;

#define FIELD(name) offsetof(Options, name)

static const OptionSpec specs[] = {
        { OPTION_HELP, 'h', "help", VALUE_NONE, SIZE_MAX, NULL, "show help and exit" },
        { OPTION_VERSION, 0, "version", VALUE_NONE, SIZE_MAX, NULL, "show the version and exit" },
        { OPTION_OUTPUT, 'o', "output", VALUE_FORMAT, FIELD(format), "FORMAT",
          "table, wide, json or name (graph: dot, too)" },
        { OPTION_NO_HEADERS, 0, "no-headers", VALUE_NONE, FIELD(no_headers), NULL,
          "leave out the line of column names" },
        { OPTION_COLUMNS, 0, "columns", VALUE_TEXT, FIELD(columns), "LIST",
          "show these columns, in this order: pool,state,ready" },
        { OPTION_WATCH, 'w', "watch", VALUE_OPTIONAL_SPAN, FIELD(watch_usec), "SEC",
          "show it again every SEC (default 2s) until Ctrl-C" },
        { OPTION_HOST, 'H', "host", VALUE_TEXT, FIELD(host), "SOCKET|URL",
          "where the API is: a socket's path or http://HOST:PORT" },
        { OPTION_TOKEN_FILE, 0, "token-file", VALUE_TEXT, FIELD(token_file), "FILE",
          "file with the token for a URL (else $REEVE_TOKEN)" },
        { OPTION_ALL, 0, "all", VALUE_NONE, FIELD(is_all), NULL, "all pools" },
        { OPTION_TIMEOUT, 0, "timeout", VALUE_SPAN, FIELD(timeout_usec), "SPAN",
          "wait no longer than this: 60s, 5min" },
        { OPTION_NO_WAIT, 0, "no-wait", VALUE_NONE, FIELD(is_no_wait), NULL,
          "return once the change is accepted" },
        { OPTION_DRY_RUN, 0, "dry-run", VALUE_NONE, FIELD(is_dry_run), NULL,
          "show what would be done and change nothing" },
        { OPTION_PROCESSES, 'p', "processes", VALUE_COUNT, FIELD(processes), "N",
          "processes: a count, +N and -N as a change, or cpus" },
        { OPTION_THREADS, 't', "threads", VALUE_COUNT, FIELD(threads), "N",
          "threads per process: a count, or +N and -N as a change" },
        { OPTION_GREENLETS, 'g', "greenlets", VALUE_COUNT, FIELD(greenlets), "N",
          "greenlets per thread: a count" },
        { OPTION_MODE, 0, "mode", VALUE_TEXT, FIELD(mode), "MODE",
          "threads or processes (convert once), auto or manual" },
        { OPTION_TOTAL, 0, "total", VALUE_NUMBER, FIELD(total), "N",
          "keep the shape, change processes x threads to N" },
        { OPTION_RUNTIME, 0, "runtime", VALUE_NONE, FIELD(is_runtime), NULL,
          "do not keep the change across a restart of reeved" },
        { OPTION_GENERATION, 0, "if-generation", VALUE_NUMBER, FIELD(generation), "N",
          "change it only if the pool is at this generation" },
        { OPTION_RESET, 0, "reset", VALUE_NONE, FIELD(is_reset), NULL,
          "back to Processes= and Threads= of the pool's file" },
        { OPTION_ROLLING, 0, "rolling", VALUE_NONE, FIELD(is_rolling), NULL,
          "replace workers step by step, capacity kept" },
        { OPTION_SIGNAL, 's', "signal", VALUE_TEXT, FIELD(signal), "SIG",
          "signal to send: USR1, SIGTERM, 15" },
        { OPTION_FOLLOW, 'f', "follow", VALUE_NONE, FIELD(is_follow), NULL,
          "go on with what comes until Ctrl-C" },
        { OPTION_LINES, 'n', "lines", VALUE_LINES, FIELD(lines), "N",
          "the newest N to begin with, or all (logs: 20)" },
        { OPTION_SLOT, 0, "slot", VALUE_NUMBER, FIELD(slot), "N", "only this slot" },
        { OPTION_SINCE, 0, "since", VALUE_TEXT, FIELD(since), "ID",
          "only what came after the event with this id" },
        { OPTION_FOR, 0, "for", VALUE_TEXT, FIELD(condition), "CONDITION",
          "ready, running or stopped" },
        { OPTION_INTO, 0, "into", VALUE_TEXT, FIELD(into), "DIR", "write into this folder" },
        { OPTION_FORMAT, 0, "format", VALUE_TEXT, FIELD(import_format), "FORMAT",
          "supervisord, systemd, pm2 or procfile; else by what a file looks like" },
        { OPTION_ENVIRONMENT, 0, "env", VALUE_TEXT, FIELD(environment), "NAME",
          "of PM2: take the variables of env_NAME too" },
        { OPTION_FORCE, 0, "force", VALUE_NONE, FIELD(is_forced), NULL,
          "write over files that are there" },
        { OPTION_REOPEN, 0, "reopen", VALUE_NONE, FIELD(is_reopen), NULL,
          "open the log files anew" },
        { OPTION_CHECK, 0, "check", VALUE_NONE, FIELD(is_check), NULL,
          "only tell what would come of it" },
};

static int usage(Error *reterr, const char *format, const char *a, const char *b)
{
        return error_set(reterr, -EINVAL, OUTCOME_USAGE, format, a, b);
}

int count_change_parse(const char *text, CountChange *ret)
{
        bool is_relative = *text == '+' || *text == '-';
        uint64_t number;
        int r;

        if (text_equal(text, "cpus")) {
                *ret = (CountChange){ .is_set = true, .is_cpus = true };
                return 0;
        }
        r = units_parse_number(text + is_relative, COUNT_CHANGE_MAX, &number);
        if (r < 0)
                return r;
        *ret = (CountChange){ .is_set = true,
                              .is_relative = is_relative,
                              .value = *text == '-' ? -(int64_t)number : (int64_t)number };
        return 0;
}

static int format_parse(const char *text, Format *ret)
{
        static const char *const names[] = { "table", "wide", "json", "name", "dot" };
        int r = names_find(names, COUNT_OF(names), text);

        if (r < 0)
                return r;
        *ret = (Format)r;
        return 0;
}

static int lines_parse(const char *text, uint64_t *ret)
{
        if (text_equal(text, "all")) {
                *ret = UINT64_MAX;
                return 0;
        }
        return units_parse_number(text, INT64_MAX, ret);
}

static int value_parse(const OptionSpec *spec, const char *text, void *field)
{
        switch (spec->kind) {
        case VALUE_NONE: *(bool *)field = true; return 0;
        case VALUE_TEXT: *(const char **)field = text; return *text ? 0 : -EINVAL;
        case VALUE_OPTIONAL_SPAN:
        case VALUE_SPAN: return units_parse_span(text, field);
        case VALUE_NUMBER: return units_parse_number(text, INT64_MAX, field);
        case VALUE_LINES: return lines_parse(text, field);
        case VALUE_COUNT: return count_change_parse(text, field);
        case VALUE_FORMAT: return format_parse(text, field);
        }
        return -EINVAL;
}

static int option_take(Options *options, const OptionSpec *spec, const char *text, Error *reterr)
{
        options->seen |= spec->bit;
        if (spec->offset == SIZE_MAX)
                return 0;
        if (value_parse(spec, text, (char *)options + spec->offset) == 0)
                return 0;
        return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                         "--%s=%s: not a value of this option (%s: %s)", spec->name, text,
                         spec->value_name, spec->help);
}

static const OptionSpec *spec_of_letter(char letter)
{
        for (size_t i = 0; i < COUNT_OF(specs); i++)
                if (specs[i].letter == letter)
                        return &specs[i];
        return NULL;
}

static const OptionSpec *spec_of_name(const char *name, size_t length, Error *reterr)
{
        unsigned best = SUGGESTION_DISTANCE_MAX + 1;
        const OptionSpec *nearest = NULL;
        char word[64];

        (void)snprintf(word, sizeof(word), "%.*s", (int)MIN(length, sizeof(word)), name);
        for (size_t i = 0; i < COUNT_OF(specs); i++) {
                unsigned distance = text_distance(word, specs[i].name);

                if (distance == 0)
                        return &specs[i];
                if (distance < best) {
                        best = distance;
                        nearest = &specs[i];
                }
        }
        if (nearest)
                (void)usage(reterr, "there is no option --%s; did you mean --%s?", word,
                            nearest->name);
        else
                (void)usage(reterr, "there is no option --%s; see reevectl help%s", word, "");
        return NULL;
}

typedef struct Arguments {
        char **next; /* NULL-terminated by @end */
        char **end;
} Arguments;

static const char *argument_next(Arguments *arguments)
{
        return arguments->next < arguments->end ? *arguments->next++ : NULL;
}

static int long_take(Options *options, const char *word, Arguments *arguments, Error *reterr)
{
        size_t length = strcspn(word, "=");
        const OptionSpec *spec = spec_of_name(word, length, reterr);
        const char *value = word[length] ? word + length + 1 : NULL;

        if (!spec)
                return -EINVAL;
        if (spec->kind == VALUE_NONE && value)
                return usage(reterr, "--%s takes no value%s", spec->name, "");
        if (spec->kind == VALUE_OPTIONAL_SPAN && !value)
                value = "2s";
        else if (spec->kind != VALUE_NONE && !value)
                value = argument_next(arguments);
        if (spec->kind != VALUE_NONE && !value)
                return usage(reterr, "--%s needs a value: %s", spec->name, spec->value_name);
        return option_take(options, spec, value, reterr);
}

/* "-f", "-fn5", "-n 5", "-ojson" */
static int short_take(Options *options, const char *letters, Arguments *arguments, Error *reterr)
{
        int r = 0;

        while (*letters && r == 0) {
                char letter[] = { *letters++, '\0' };
                const OptionSpec *spec = spec_of_letter(letter[0]);
                const char *value = NULL;

                if (!spec)
                        return usage(reterr, "there is no option -%s; see reevectl help%s", letter,
                                     "");
                if (spec->kind == VALUE_OPTIONAL_SPAN) {
                        value = "2s";
                } else if (spec->kind != VALUE_NONE) {
                        value = *letters ? letters : argument_next(arguments);
                        letters = "";
                        if (!value)
                                return usage(reterr, "-%s needs a value: %s", letter,
                                             spec->value_name);
                }
                r = option_take(options, spec, value, reterr);
        }
        return r;
}

static void word_take(Options *options, const char *word)
{
        if (!options->verb)
                options->verb = word;
        else
                options->words[options->word_count++] = word;
}

int options_parse(int argc, char **argv, Options *ret, Error *reterr)
{
        Options options = { .timeout_usec = 0, .lines = LINES_DEFAULT };
        Arguments arguments = { .next = argv + (argc > 0), .end = argv + argc };
        AUTO_FREE const char **words = calloc((size_t)argc + 1, sizeof(char *));
        const char *word;
        int r = 0;

        if (!words)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        options.words = words;
        while (r == 0 && (word = argument_next(&arguments))) {
                if (text_equal(word, "--"))
                        while ((word = argument_next(&arguments)))
                                word_take(&options, word);
                else if (text_after(word, "--"))
                        r = long_take(&options, word + 2, &arguments, reterr);
                else if (word[0] == '-' && word[1])
                        r = short_take(&options, word + 1, &arguments, reterr);
                else
                        word_take(&options, word);
        }
        if (r < 0)
                return r;
        words = NULL;
        *ret = options;
        return 0;
}

void options_done(Options *options)
{
        free(options->words);
        options->words = NULL;
        options->word_count = 0;
}

int options_check(const Options *options, uint64_t allowed, Error *reterr)
{
        uint64_t surplus = options->seen & ~allowed;

        for (size_t i = 0; i < COUNT_OF(specs); i++)
                if (surplus & (uint64_t)specs[i].bit)
                        return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                         "%s has no option --%s; see reevectl help %s",
                                         options->verb, specs[i].name, options->verb);
        if (options->format == FORMAT_DOT && !text_equal(options->verb, "graph"))
                return usage(reterr, "%s cannot be shown as dot; see reevectl help %s",
                             options->verb, options->verb);
        return 0;
}

void options_describe(FILE *out, uint64_t set)
{
        for (size_t i = 0; i < COUNT_OF(specs); i++) {
                const OptionSpec *spec = &specs[i];
                char left[64], letter[] = { '-', spec->letter, ',', ' ', '\0' };

                if (!(set & (uint64_t)spec->bit))
                        continue;
                (void)snprintf(left, sizeof(left), "%s--%s%s%s", spec->letter ? letter : "    ",
                               spec->name, spec->value_name ? "=" : "",
                               spec->value_name ? spec->value_name : "");
                fprintf(out, "  %-28s %s\n", left, spec->help);
        }
}
