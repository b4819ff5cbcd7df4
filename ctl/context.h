/* context.h - what every verb gets: its command line, the API, and where to print */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "ctl/client.h"
#include "ctl/options.h"

typedef struct Context {
        const Options *options;
        Client client;
        FILE *out, *err;
        int out_fd;        /* what is behind @out; -1: nothing that could go away */
        unsigned width;    /* of the terminal behind @out, 0: not a terminal, full width */
        bool has_colour;   /* of @out */
        bool has_progress; /* a person watches @err */
} Context;

/** context_init() - look at the terminal, the environment and the options
 *  Return: 0, -ENOMEM */
int context_init(Context *context, const Options *options);
void context_done(Context *context);

/** context_fail() - say an error and hand back the exit code that stands for it */
int context_fail(const Context *context, const Error *error);

/** context_usage() - say what is wrong with the command line; Return: REEVE_EXIT_USAGE */
int context_usage(const Context *context, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/** context_is_json() - whether the output is for programs */
bool context_is_json(const Context *context);
