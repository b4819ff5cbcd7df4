/* list.c - reevectl pools, reevectl ps: the plain lists */
#include "ctl/columns.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/verbs.h"

/* Keep the pools of @list that the words mean; all if there are none. */
static int pools_pick(const Context *context, json_t *list, Error *reterr)
{
        const Options *options = context->options;
        AUTO_JSON *kept = json_array();
        json_t *items = json_object_get(list, "items");

        for (size_t w = 0; w < options->word_count; w++) {
                size_t before = json_array_size(kept);

                for (size_t i = 0; i < json_array_size(items); i++)
                        if (text_matches(options->words[w],
                                         value_text(json_array_get(items, i), "name", "")))
                                (void)json_array_append(kept, json_array_get(items, i));
                if (json_array_size(kept) == before)
                        return error_set(reterr, -1, REEVE_ERROR_UNKNOWN_POOL,
                                         "there is no pool \"%s\"", options->words[w]);
        }
        return options->word_count > 0 ? json_object_set(list, "items", kept) : 0;
}

static void empty_tell(const Context *context, const json_t *list, const char *sentence)
{
        if (context->options->format < FORMAT_JSON
            && json_array_size(json_object_get(list, "items")) == 0)
                fprintf(context->err, "%s\n", sentence);
}

int verb_pools(const Context *context)
{
        AUTO_JSON *list = NULL;
        Error error = { 0 };
        int r;

        r = api_list(context, "/v1/pools", &list, &error);
        if (r == 0)
                r = pools_pick(context, list, &error);
        if (r == 0)
                r = render_list(context, pool_columns, pool_column_count, list, pool_write_name,
                                &error);
        if (r < 0)
                return context_fail(context, &error);
        empty_tell(context, list,
                   "There are no pools: put NAME.pool files into pools.d and reload");
        return REEVE_EXIT_OK;
}

int verb_ps(const Context *context)
{
        const Options *options = context->options;
        AUTO_JSON *list = NULL;
        AUTO_TEXT fields = { 0 };
        Error error = { 0 };
        int r;

        r = render_fields(context, worker_columns, worker_column_count, &fields, &error);
        if (r == 0)
                r = pick_workers(context, options->words, options->word_count, fields.bytes, &list,
                                 &error);
        if (r == 0)
                r = render_list(context, worker_columns, worker_column_count, list,
                                worker_write_name, &error);
        if (r < 0)
                return context_fail(context, &error);
        empty_tell(context, list, "There are no workers");
        return REEVE_EXIT_OK;
}
