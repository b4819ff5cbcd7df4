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

/* In a full list an error takes the place of the last warning: it is what a person must see. */
static bool problem_displace(ProblemList *list, ProblemKind kind)
{
        list->is_cut = true;
        for (size_t i = list->count; kind == PROBLEM_ERROR && i-- > 0;) {
                if (list->items[i].kind != PROBLEM_WARNING)
                        continue;
                problem_done(&list->items[i]);
                memmove(&list->items[i], &list->items[i + 1],
                        (list->count - i - 1) * sizeof(Problem));
                list->count--;
                return true;
        }
        return false;
}

static int problem_keep(ProblemList *list, const Problem *problem_take)
{
        Problem *items = reallocarray(list->items, list->count + 1, sizeof(Problem));

        if (!items)
                return -ENOMEM;
        list->items = items;
        items[list->count++] = *problem_take;
        return 0;
}

int problem_add(ProblemList *list, ProblemKind kind, const char *path, unsigned line,
                unsigned column, const char *pool, const char *format, ...)
{
        char raw[PROBLEM_MESSAGE_SIZE], message[PROBLEM_MESSAGE_SIZE];
        Problem problem = { .kind = kind, .line = line, .column = column };
        va_list arguments;
        int r;

        list->error_count += kind == PROBLEM_ERROR;
        if (list->count >= CONFIG_PROBLEMS_MAX && !problem_displace(list, kind))
                return 0;
        va_start(arguments, format);
        (void)vsnprintf(raw, sizeof(raw), format, arguments); /* a long message is cut */
        va_end(arguments);
        (void)utf8_sanitize(message, sizeof(message), raw, strlen(raw));
        r = problem_fill(&problem, path, pool, message);
        if (r == 0)
                r = problem_keep(list, &problem);
        if (r < 0)
                problem_done(&problem);
        return r;
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
