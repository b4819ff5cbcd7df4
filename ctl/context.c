/* context.c - see context.h */
#include "ctl/context.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/outcome.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 20 };

static unsigned terminal_width(int fd)
{
        struct winsize size;

        if (!isatty(fd))
                return 0;
        if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return WIDTH_DEFAULT;
        return MAX((unsigned)size.ws_col, (unsigned)WIDTH_MIN);
}

static bool wants_colour(void)
{
        const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

        /* https://no-color.org: present and not empty, whatever its value. */
        return !(no_color && *no_color) && terminal && !text_equal(terminal, "dumb");
}

int context_init(Context *context, const Options *options)
{
        *context = (Context){ .options = options,
                              .out = stdout,
                              .err = stderr,
                              .out_fd = STDOUT_FILENO,
                              .width = terminal_width(STDOUT_FILENO),
                              .has_progress = isatty(STDERR_FILENO) == 1 };
        context->has_colour = context->width > 0 && wants_colour();
        return client_init(&context->client, options->host, options->token_file);
}

void context_done(Context *context)
{
        client_done(&context->client);
}

int context_fail(const Context *context, const Error *error)
{
        int exit_code = outcome_exit(error->code);

        if (!text_equal(error->code, OUTCOME_BROKEN_PIPE))
                fprintf(context->err, "reevectl: %s\n", error->message);
        return exit_code;
}

int context_usage(const Context *context, const char *format, ...)
{
        va_list arguments;

        fputs("reevectl: ", context->err);
        va_start(arguments, format);
        (void)vfprintf(context->err, format, arguments);
        va_end(arguments);
        if (context->options->verb)
                fprintf(context->err, ". See reevectl help %s", context->options->verb);
        fputc('\n', context->err);
        return REEVE_EXIT_USAGE;
}

bool context_is_json(const Context *context)
{
        return context->options->format == FORMAT_JSON;
}
