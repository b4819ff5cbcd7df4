/* run.c - see run.h */
#include "ctl/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "ctl/arena.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "sys/clock.h"

enum { SUGGESTION_DISTANCE_MAX = 2 };

/* ---- help ---- */

static void help_all(FILE *out, const Verb *verbs, size_t count)
{
        fputs("usage: reevectl [OPTIONS] VERB [TARGET...]\n\n"
              "Shows and steers pools of workers run by reeved. Targets are POOL, POOL/SLOT, PID\n"
              "or patterns such as 'web*'. Without a verb: status.\n\n",
              out);
        for (size_t i = 0; i < count; i++)
                fprintf(out, "  %-14s %s\n", verbs[i].name, verbs[i].summary);
        fputs("\nOptions of most verbs:\n", out);
        options_describe(out, OPTIONS_TABLE | OPTIONS_CONNECTION | OPTIONS_WAITING | OPTION_WATCH
                                      | OPTION_HELP | OPTION_VERSION);
        fputs("\nreevectl help VERB tells more. Exit codes: 0 ok, 1 failed, 2 usage, 3 not "
              "running,\n"
              "4 unknown pool or worker, 5 timed out, 6 reeve unreachable, 7 refused, 8 partly "
              "done.\n",
              out);
}

static void help_verb(FILE *out, const Verb *verb)
{
        fprintf(out, "usage: reevectl %s %s\n\n%s.\n", verb->name, verb->usage, verb->summary);
        if (verb->options == 0)
                return;
        fputs("\n", out);
        options_describe(out, verb->options | OPTIONS_EVERYWHERE);
}

/* ---- verbs ---- */

static const Verb *verb_find(const char *name, const Verb *verbs, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (text_equal(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

static int verb_unknown(const char *name, const Verb *verbs, size_t count)
{
        const char *nearest = NULL;
        unsigned best = SUGGESTION_DISTANCE_MAX + 1;

        for (size_t i = 0; i < count; i++)
                if (text_distance(name, verbs[i].name) < best) {
                        best = text_distance(name, verbs[i].name);
                        nearest = verbs[i].name;
                }
        if (nearest)
                fprintf(stderr, "reevectl: there is no verb %s; did you mean %s?\n", name, nearest);
        else
                fprintf(stderr, "reevectl: there is no verb %s; see reevectl help\n", name);
        return REEVE_EXIT_USAGE;
}

static int help(const Options *options, const Verb *verbs, size_t count)
{
        bool is_help = text_equal(options->verb, "help");
        const char *name = is_help && options->word_count > 0 ? options->words[0]
                           : is_help                          ? NULL
                                                              : options->verb;
        const Verb *verb = name ? verb_find(name, verbs, count) : NULL;

        if (name && !verb)
                return verb_unknown(name, verbs, count);
        if (verb)
                help_verb(stdout, verb);
        else
                help_all(stdout, verbs, count);
        return REEVE_EXIT_OK;
}

static int verb_check_line(const Options *options, const Verb *verb, Error *reterr)
{
        size_t count = options->word_count;

        if (count < verb->words_min && !options->is_all)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE, "%s needs more: reevectl %s %s",
                                 verb->name, verb->name, verb->usage);
        if (count > verb->words_max)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "%s: \"%s\" is too much: reevectl %s %s", verb->name,
                                 options->words[verb->words_max], verb->name, verb->usage);
        return options_check(options, verb->options | OPTIONS_EVERYWHERE, reterr);
}

/* ---- once and again ---- */

/* The whole round is made in memory first: a screen that is rewritten at once does not flicker. */
static int watch_round(Context *context, const Verb *verb)
{
        char *bytes = NULL;
        size_t length = 0;
        FILE *screen = context->out, *complaints = context->err,
             *memory = open_memstream(&bytes, &length);
        int exit_code;

        if (!memory)
                return verb->run(context);
        context->out = memory;
        if (context->width)
                context->err = memory; /* or clearing the screen would take it away at once */
        exit_code = verb->run(context);
        context->out = screen;
        context->err = complaints;
        (void)fclose(memory); /* nothing of it can fail but memory, which shows as a cut */
        if (context->width)
                fputs("\033[H\033[2J", screen);
        (void)fwrite(bytes, 1, length, screen); /* the flush tells */
        if (!context->width)
                fputc('\n', screen);
        free(bytes);
        return exit_code;
}

static int watch(Context *context, const Verb *verb)
{
        uint64_t interval = MAX(context->options->watch_usec, 100 * USEC_PER_MSEC);
        int exit_code;

        (void)interrupt_arm(); /* without it Ctrl-C just ends us */
        do {
                exit_code = watch_round(context, verb);
                if (fflush(context->out) != 0 || exit_code == REEVE_EXIT_USAGE)
                        return exit_code; /* run() looks at the stream and says what it is */
        } while (interrupt_poll(-1, 0, context->out_fd, now_usec() + interval) == -ETIMEDOUT);
        return interrupt_came() ? REEVE_EXIT_OK : exit_code;
}

static int verb_run(const Options *options, const Verb *verb)
{
        Context context;
        Error error = { 0 };
        int exit_code;

        if (verb_check_line(options, verb, &error) < 0) {
                fprintf(stderr, "reevectl: %s\n", error.message);
                return outcome_exit(error.code);
        }
        if (context_init(&context, options) < 0) {
                fputs("reevectl: out of memory\n", stderr);
                return REEVE_EXIT_FAILED;
        }
        /* What can be watched, and is not, reads once and ends. */
        if (verb->options & OPTION_WATCH && !options->watch_usec)
                arena_use();
        exit_code = options->watch_usec ? watch(&context, verb) : verb->run(&context);
        context_done(&context);
        return exit_code;
}

static int line_run(const Options *options, const Verb *verbs, size_t count)
{
        const Verb *verb = options->verb ? verb_find(options->verb, verbs, count) : &verbs[0];

        if (options->seen & OPTION_VERSION || text_equal(options->verb, "version")) {
                puts("reevectl " REEVE_VERSION);
                return REEVE_EXIT_OK;
        }
        if (options->seen & OPTION_HELP || text_equal(options->verb, "help"))
                return help(options, verbs, count);
        if (!verb)
                return verb_unknown(options->verb, verbs, count);
        return verb_run(options, verb);
}

/* A pipe or socket whose reader had enough: the error of an earlier write is not kept. */
static bool is_unread(void)
{
        struct pollfd out = { .fd = STDOUT_FILENO };

        return poll(&out, 1, 0) > 0 && out.revents & (POLLERR | POLLHUP);
}

/* What was not written was not done, except when the reader had enough. */
static int output_end(int exit_code)
{
        bool is_broken = ferror(stdout);

        errno = 0;
        if (fflush(stdout) == 0 && !is_broken)
                return exit_code;
        if (errno == EPIPE || (errno == 0 && is_unread()))
                return exit_code;
        fprintf(stderr, "reevectl: cannot write the output%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
        return exit_code == REEVE_EXIT_OK ? REEVE_EXIT_FAILED : exit_code;
}

int run(int argc, char **argv, const Verb *verbs, size_t count)
{
        Options options = { 0 };
        Error error = { 0 };
        int exit_code;

        if (options_parse(argc, argv, &options, &error) < 0) {
                fprintf(stderr, "reevectl: %s\n", error.message);
                return outcome_exit(error.code);
        }
        exit_code = line_run(&options, verbs, count);
        options_done(&options);
        return output_end(exit_code);
}
