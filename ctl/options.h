/* options.h - the command line as values
 *
 * Options may stand anywhere, before the verb too. All are known to one table (options.c), which
 * help and the check "has this verb such an option" read as well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* The bit of an option in Options.seen and in a verb's set. */
typedef enum OptionBit {
        OPTION_HELP = 1 << 0,
        OPTION_VERSION = 1 << 1,
        OPTION_OUTPUT = 1 << 2,
        OPTION_NO_HEADERS = 1 << 3,
        OPTION_COLUMNS = 1 << 4,
        OPTION_WATCH = 1 << 5,
        OPTION_HOST = 1 << 6,
        OPTION_TOKEN_FILE = 1 << 7,
        OPTION_ALL = 1 << 8,
        OPTION_TIMEOUT = 1 << 9,
        OPTION_NO_WAIT = 1 << 10,
        OPTION_DRY_RUN = 1 << 11,
        OPTION_PROCESSES = 1 << 12,
        OPTION_THREADS = 1 << 13,
        OPTION_GREENLETS = 1 << 14,
        OPTION_MODE = 1 << 15,
        OPTION_TOTAL = 1 << 16,
        OPTION_RUNTIME = 1 << 17,
        OPTION_GENERATION = 1 << 18,
        OPTION_RESET = 1 << 19,
        OPTION_ROLLING = 1 << 20,
        OPTION_SIGNAL = 1 << 21,
        OPTION_FOLLOW = 1 << 22,
        OPTION_LINES = 1 << 23,
        OPTION_SLOT = 1 << 24,
        OPTION_SINCE = 1 << 25,
        OPTION_FOR = 1 << 26,
        OPTION_INTO = 1 << 27,
        OPTION_FORMAT = 1 << 28,
        OPTION_ENVIRONMENT = 1 << 29,
        OPTION_FORCE = 1 << 30,
        OPTION_REOPEN = UINT64_C(1) << 32,
        OPTION_CHECK = UINT64_C(1) << 31, /* past int: the enum is as wide as it must be */

        OPTIONS_CONNECTION = OPTION_HOST | OPTION_TOKEN_FILE,
        OPTIONS_TABLE = OPTION_OUTPUT | OPTION_NO_HEADERS | OPTION_COLUMNS,
        OPTIONS_WAITING = OPTION_TIMEOUT | OPTION_NO_WAIT,
        OPTIONS_EVERYWHERE = OPTION_HELP,
} OptionBit;

typedef enum Format { FORMAT_TABLE, FORMAT_WIDE, FORMAT_JSON, FORMAT_NAME, FORMAT_DOT } Format;

/* A count as "-p" takes it: 4, +1 and -1 as changes, or cpus. */
typedef struct CountChange {
        bool is_set, is_relative;
        bool is_cpus; /* as many as the processors that can be used: not known yet */
        int64_t value;
} CountChange;

enum { COUNT_CHANGE_MAX = 65536 };

typedef struct Options {
        uint64_t seen;      /* OPTION_* given */
        const char *verb;   /* NULL: none given */
        const char **words; /* what follows the verb; the strings are argv's */
        size_t word_count;

        Format format;
        const char *columns, *host, *token_file, *mode, *signal, *since, *condition, *into,
                *import_format, *environment;
        bool no_headers, is_all, is_dry_run, is_no_wait, is_runtime, is_reset, is_rolling,
                is_follow, is_forced, is_check, is_reopen;
        uint64_t watch_usec;   /* 0: once */
        uint64_t timeout_usec; /* USEC_INFINITY: for ever */
        CountChange processes, threads, greenlets;
        uint64_t total, generation, slot;
        uint64_t lines; /* UINT64_MAX: all */
} Options;

/** options_parse() - read a command line
 *  @argv: its strings must outlive @ret; argc 0 is an empty line
 *  @ret: to be given to options_done()
 *  Return: 0; -EINVAL with a sentence in @reterr, -ENOMEM */
int options_parse(int argc, char **argv, Options *ret, Error *reterr);
void options_done(Options *options);

/** options_check() - whether all given options belong to @allowed
 *  Return: 0, -EINVAL with a sentence naming the one that does not */
int options_check(const Options *options, uint64_t allowed, Error *reterr);

/** options_describe() - one line of help for each option of @set */
void options_describe(FILE *out, uint64_t set);

/** count_change_parse() - "4", "+1", "-2"; Return: 0, -EINVAL, -ERANGE */
int count_change_parse(const char *text, CountChange *ret);
