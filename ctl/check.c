/* check.c - reevectl check: what reeved would say of a configuration, without reeved */
#include <errno.h>

#include "config/config.h"
#include "ctl/check_machine.h"
#include "ctl/outcome.h"
#include "ctl/programs.h"
#include "ctl/render.h"
#include "ctl/verbs.h"
#include "sys/configdir.h"

static json_t *problem_json(const Problem *problem)
{
        return json_pack("{s:s, s:s?, s:i, s:i, s:s?, s:s}", "kind",
                         problem->kind == PROBLEM_ERROR ? "error" : "warning", "path",
                         problem->path, "line", (int)problem->line, "column", (int)problem->column,
                         "pool", problem->pool, "message", problem->message);
}

static int problems_json(const Context *context, const ProblemList *problems, size_t pool_count,
                         Error *reterr)
{
        AUTO_JSON *items = json_array();
        AUTO_JSON *report = NULL;

        for (size_t i = 0; i < problems->count; i++)
                (void)json_array_append_new(items, problem_json(&problems->items[i]));
        report = json_pack("{s:I, s:i, s:O}", "pools", (json_int_t)pool_count, "errors",
                           (int)problem_list_errors(problems), "problems", items);
        if (!report)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return render_json(context, report, reterr);
}

static void problems_tell(const Context *context, const ProblemList *problems, size_t pool_count)
{
        size_t errors = problem_list_errors(problems);

        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *line = problem_format(&problems->items[i]);

                fprintf(context->out, "%s\n", line ? line : "out of memory");
        }
        if (problems->is_cut)
                fputs("There are more problems than are shown.\n", context->out);
        if (errors > 0)
                fprintf(context->out, "%zu %s\n", errors, errors == 1 ? "error" : "errors");
        else
                fprintf(context->out, "%zu %s, %s\n", pool_count,
                        pool_count == 1 ? "pool" : "pools",
                        problems->count > 0 ? "no errors" : "no problems");
}

static int folder_check(const Context *context, const char *folder, Error *reterr)
{
        CLEANUP(config_input_done) ConfigInput input = { 0 };
        CLEANUP(problem_list_done) ProblemList problems = { 0 };
        AUTO(Config) *config = NULL;
        size_t pool_count;
        int r;

        r = config_directory_read(folder, NULL, &input, reterr);
        if (r < 0)
                return r;
        r = config_parse(&input, &problems, &config);
        if (r == -ENOMEM)
                return error_set(reterr, r, OUTCOME_FAILED, "out of memory");
        pool_count = config ? config->pool_count : 0;
        if (config && check_machine(config, &input, &problems) < 0)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        if (!context_is_json(context))
                problems_tell(context, &problems, pool_count);
        else if (problems_json(context, &problems, pool_count, reterr) < 0)
                return -ENOMEM;
        return problem_list_errors(&problems) > 0;
}

int verb_check(const Context *context)
{
        const Options *options = context->options;
        AUTO_TEXT folder = { 0 };
        Error error = { 0 };
        int r = 0;

        if (options->word_count == 0)
                r = config_folder(&folder);
        else
                text_append(&folder, options->words[0]);
        if (r < 0 || folder.error)
                r = error_set(&error, -ENOMEM, OUTCOME_FAILED, "out of memory");
        else
                r = folder_check(context, folder.bytes, &error);
        if (r < 0) {
                (void)context_fail(context, &error);
                return r == -ENOMEM ? REEVE_EXIT_FAILED : REEVE_EXIT_BAD_CONFIG;
        }
        return r > 0 ? REEVE_EXIT_BAD_CONFIG : REEVE_EXIT_OK;
}
