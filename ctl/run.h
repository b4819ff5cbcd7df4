/* run.h - one command line from beginning to end, apart from the process around it */
#pragma once

#include "ctl/context.h"

typedef struct Verb {
        const char *name;
        const char *usage;   /* what follows the name: "POOL... [--rolling]" */
        const char *summary; /* one line */
        uint64_t options;    /* OPTION_* it has, beside OPTIONS_EVERYWHERE */
        size_t words_min, words_max;
        int (*run)(const Context *context);
} Verb;

/** run() - read a command line, do it, and answer for the output
 *  @verbs, @count: the table; the first is the default
 *  Return: the exit code */
int run(int argc, char **argv, const Verb *verbs, size_t count);
