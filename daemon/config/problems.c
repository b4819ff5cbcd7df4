/* problems.c - what is wrong with the configuration, in a list with a limit
 *
 * Messages quote values that anybody may have written, so they are made fit for a terminal here,
 * once. Errors are counted even where the list is full: a load must not pass because of that. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/config.h"

static char *copy_or_null(const char *text)
{
        return text ? strdup(text) : NULL;
}

static void problem_done(Problem *problem)
{
        free(problem->path);
        free(problem->pool);
        free(problem->message);
        *problem = (Problem){ 0 };
}

static int problem_fill(Problem *problem, const char *path, const char *pool, const char *message)
{
        problem->path = copy_or_null(path);
        problem->pool = copy_or_null(pool);
        problem->message = strdup(message);
        if ((!path || problem->path) && (!pool || problem->pool) && problem->message)
                return 0;
        problem_done(problem);
        return -ENOMEM;
}

static Problem *problem_reserve(ProblemList *list)
{
        Problem *items = reallocarray(list->items, list->count + 1, sizeof(Problem));

        if (!items)
                return NULL;
        list->items = items;
        items[list->count] = (Problem){ 0 };
        return &items[list->count];
}

int problem_add(ProblemList *list, ProblemKind kind, const char *path, unsigned line,
                unsigned column, const char *pool, const char *format, ...)
{
        char raw[PROBLEM_MESSAGE_SIZE], message[PROBLEM_MESSAGE_SIZE];
        va_list arguments;
        Problem *problem;

        list->error_count += kind == PROBLEM_ERROR;
        if (list->count >= CONFIG_PROBLEMS_MAX) {
                list->is_cut = true;
                return 0;
        }
        va_start(arguments, format);
        (void)vsnprintf(raw, sizeof(raw), format, arguments); /* a long message is cut */
        va_end(arguments);
        (void)utf8_sanitize(message, sizeof(message), raw, strlen(raw));
        problem = problem_reserve(list);
        if (!problem || problem_fill(problem, path, pool, message) < 0)
                return -ENOMEM;
        problem->kind = kind;
        problem->line = line;
        problem->column = column;
        list->count++;
        return 0;
}

size_t problem_list_errors(const ProblemList *list)
{
        return list->error_count;
}

char *problem_format(const Problem *problem)
{
        const char *kind = problem->kind == PROBLEM_ERROR ? "error" : "warning";
        AUTO_TEXT text = { 0 };
        char *string = NULL;

        if (problem->path)
                text_printf(&text, "%s:", problem->path);
        if (problem->path && problem->line)
                text_printf(&text, "%u:%u:", problem->line, problem->column);
        text_printf(&text, "%s%s: %s", text.length ? " " : "", kind, problem->message);
        return text_take(&text, &string) < 0 ? NULL : string;
}

void problem_list_done(ProblemList *list)
{
        for (size_t i = 0; i < list->count; i++)
                problem_done(&list->items[i]);
        free(list->items);
        *list = (ProblemList){ 0 };
}
