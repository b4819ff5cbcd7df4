/* graph.c - reevectl graph: who waits for whom, and what a start took
 *
 * Each pool with those that it waits for beneath it, the one that was ready last, and so held it
 * up, first and marked. A pool that several wait for is drawn out once. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "ctl/api.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

/* By depth; deeper ones are named but not drawn out. */
enum { GRAPH_DEPTH_MAX = 64 };

typedef struct Graph {
        const Context *context;
        const json_t *pools;
        bool *is_shown; /* by place in @pools */
        Text prefix;
} Graph;

static size_t place_of(const json_t *pools, const char *name)
{
        for (size_t i = 0; i < json_array_size(pools); i++)
                if (text_equal(value_text(json_array_get(pools, i), "name", ""), name))
                        return i;
        return SIZE_MAX;
}

static bool names(const json_t *list, const char *name)
{
        for (size_t i = 0; i < json_array_size(list); i++)
                if (text_equal(json_string_value(json_array_get(list, i)), name))
                        return true;
        return false;
}

/* Those of After= and then those of Requires= that are not among them; NULL behind the last. */
static const char *need_at(const json_t *pool, size_t index)
{
        const json_t *after = value_at(pool, "after"), *requires = value_at(pool, "requires");
        const json_t *item = NULL;

        if (index < json_array_size(after))
                return json_string_value(json_array_get(after, index));
        index -= json_array_size(after);
        for (size_t i = 0; i < json_array_size(requires); i++) {
                item = json_array_get(requires, i);
                if (!names(after, json_string_value(item)) && index-- == 0)
                        return json_string_value(item);
        }
        return NULL;
}

/* Whom it waited for longest: times of one length and one zone compare as text. */
static const char *critical_need(const Graph *graph, const json_t *pool)
{
        const char *latest = "", *found = NULL, *name;

        for (size_t i = 0; (name = need_at(pool, i)); i++) {
                const json_t *need = json_array_get(graph->pools, place_of(graph->pools, name));
                const char *ready = value_text(need, "became_ready", "");

                if (strcmp(ready, latest) > 0) {
                        latest = ready;
                        found = name;
                }
        }
        return found;
}

static void seconds_write(Text *line, const json_t *pool, const char *path, const char *format)
{
        const json_t *value = value_at(pool, path);

        if (json_is_number(value))
                text_printf(line, format, json_number_value(value));
}

static void pool_describe(Text *line, const json_t *pool)
{
        const json_t *waiting = value_at(pool, "waiting_for");

        if (!pool) {
                text_append(line, "  no such pool");
                return;
        }
        text_printf(line, "  %s", value_text(pool, "state", VALUE_UNKNOWN));
        seconds_write(line, pool, "startup_seconds", ", ready after %.3f s");
        if (value_at(pool, "waited_seconds") && need_at(pool, 0))
                seconds_write(line, pool, "waited_seconds", ", waited %.3f s");
        for (size_t i = 0; i < json_array_size(waiting); i++)
                text_printf(line, "%s%s", i == 0 ? ", waits for " : ", ",
                            json_string_value(json_array_get(waiting, i)));
}

static void line_print(const Graph *graph, const char *branch, const char *name, const json_t *pool,
                       const char *rest)
{
        AUTO_TEXT line = { 0 };

        text_printf(&line, "%s%s%s", graph->prefix.length ? graph->prefix.bytes : "", branch, name);
        if (*rest)
                text_append(&line, rest);
        else
                pool_describe(&line, pool);
        if (!line.error)
                fprintf(graph->context->out, "%s\n", line.bytes);
}

static void needs_print(Graph *graph, const json_t *pool, unsigned depth);

static void need_print(Graph *graph, const json_t *parent, const char *name, bool is_last,
                       bool is_critical, unsigned depth)
{
        size_t place = place_of(graph->pools, name), length = graph->prefix.length;
        const json_t *pool = json_array_get(graph->pools, place);
        bool is_above = pool && graph->is_shown[place] && need_at(pool, 0);
        AUTO_TEXT branch = { 0 };

        text_printf(&branch, "%s%s%s", is_last ? "└─" : "├─", is_critical ? "*" : "",
                    names(value_at(parent, "requires"), name) ? "!" : "");
        line_print(graph, branch.error ? "" : branch.bytes, name, pool,
                   is_above ? "  (as above)" : "");
        if (!pool || is_above || depth >= GRAPH_DEPTH_MAX)
                return;
        graph->is_shown[place] = true;
        text_append(&graph->prefix, is_last ? "  " : "│ ");
        needs_print(graph, pool, depth + 1);
        graph->prefix.length = length;
        if (graph->prefix.bytes)
                graph->prefix.bytes[length] = '\0';
}

static void needs_print(Graph *graph, const json_t *pool, unsigned depth)
{
        const char *critical = critical_need(graph, pool), *name;
        bool has_more = need_at(pool, 1);

        if (critical)
                need_print(graph, pool, critical, !has_more, has_more, depth);
        for (size_t i = 0; (name = need_at(pool, i)); i++) {
                const char *next = need_at(pool, i + 1);
                bool is_last = !next || (text_equal(next, critical) && !need_at(pool, i + 2));

                if (!text_equal(name, critical))
                        need_print(graph, pool, name, is_last, false, depth);
        }
}

static bool is_needed(const json_t *pools, const char *name)
{
        for (size_t i = 0; i < json_array_size(pools); i++) {
                const json_t *pool = json_array_get(pools, i);

                if (names(value_at(pool, "after"), name) || names(value_at(pool, "requires"), name))
                        return true;
        }
        return false;
}

static void root_print(Graph *graph, size_t place)
{
        const json_t *pool = json_array_get(graph->pools, place);

        line_print(graph, "", value_text(pool, "name", ""), pool, "");
        graph->is_shown[place] = true;
        needs_print(graph, pool, 0);
}

static int tree_print(const Context *context, const json_t *pools, Error *reterr)
{
        const Options *options = context->options;
        Graph graph = { .context = context, .pools = pools };
        size_t count = json_array_size(pools);

        graph.is_shown = calloc(count + 1, sizeof(bool));
        if (!graph.is_shown)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        for (size_t i = 0; i < options->word_count; i++)
                root_print(&graph, place_of(pools, options->words[i]));
        for (size_t i = 0; options->word_count == 0 && i < count; i++)
                if (!is_needed(pools, value_text(json_array_get(pools, i), "name", "")))
                        root_print(&graph, i);
        free(graph.is_shown);
        text_done(&graph.prefix);
        return 0;
}

/* ---- as dot and as JSON: only what the named pools stand on ---- */

static void mark(const json_t *pools, size_t place, bool *is_wanted)
{
        const json_t *pool = json_array_get(pools, place);
        const char *name;

        if (!pool || is_wanted[place])
                return;
        is_wanted[place] = true;
        for (size_t i = 0; (name = need_at(pool, i)); i++)
                mark(pools, place_of(pools, name), is_wanted);
}

static void dot_edges(const Context *context, const json_t *pool)
{
        const char *name;

        for (size_t i = 0; (name = need_at(pool, i)); i++)
                fprintf(context->out, "  \"%s\" -> \"%s\"%s;\n", value_text(pool, "name", ""), name,
                        names(value_at(pool, "requires"), name) ? "" : " [style=dashed]");
}

static void dot_print(const Context *context, const json_t *pools, const bool *is_wanted)
{
        fputs("digraph reeve {\n  rankdir=LR;\n", context->out);
        for (size_t i = 0; i < json_array_size(pools); i++) {
                const json_t *pool = json_array_get(pools, i);
                AUTO_TEXT label = { 0 };

                if (!is_wanted[i])
                        continue;
                text_append(&label, value_text(pool, "state", ""));
                seconds_write(&label, pool, "startup_seconds", ", %.3f s");
                fprintf(context->out, "  \"%s\" [label=\"%s\\n%s\"];\n",
                        value_text(pool, "name", ""), value_text(pool, "name", ""),
                        label.error ? "" : label.bytes);
                dot_edges(context, pool);
        }
        fputs("}\n", context->out);
}

static int json_print(const Context *context, const json_t *pools, const bool *is_wanted,
                      Error *reterr)
{
        static const char *const fields[] = { "name",         "state",          "after",
                                              "requires",     "waiting_for",    "started",
                                              "became_ready", "waited_seconds", "startup_seconds" };
        AUTO_JSON *items = json_array();
        AUTO_JSON *list = NULL;

        for (size_t i = 0; i < json_array_size(pools); i++) {
                json_t *item = is_wanted[i] ? json_object() : NULL;

                for (size_t j = 0; item && j < COUNT_OF(fields); j++)
                        (void)json_object_set(item, fields[j],
                                              json_object_get(json_array_get(pools, i), fields[j]));
                if (item)
                        (void)json_array_append_new(items, item);
        }
        list = json_pack("{s:O, s:n}", "items", items, "next");
        return list ? render_json(context, list, reterr)
                    : error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
}

static int part_print(const Context *context, const json_t *pools, Error *reterr)
{
        const Options *options = context->options;
        size_t count = json_array_size(pools);
        AUTO_FREE bool *is_wanted = calloc(count + 1, sizeof(bool));

        if (!is_wanted)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        for (size_t i = 0; i < options->word_count; i++)
                mark(pools, place_of(pools, options->words[i]), is_wanted);
        for (size_t i = 0; options->word_count == 0 && i < count; i++)
                is_wanted[i] = true;
        if (context_is_json(context))
                return json_print(context, pools, is_wanted, reterr);
        dot_print(context, pools, is_wanted);
        return 0;
}

int verb_graph(const Context *context)
{
        const Options *options = context->options;
        AUTO_JSON *list = NULL;
        const json_t *pools;
        Error error = { 0 };
        int r = api_list(context, "/v1/pools", &list, &error);

        if (r < 0)
                return context_fail(context, &error);
        pools = json_object_get(list, "items");
        for (size_t i = 0; i < options->word_count; i++)
                if (place_of(pools, options->words[i]) == SIZE_MAX) {
                        (void)error_set(&error, -ENOENT, REEVE_ERROR_UNKNOWN_POOL,
                                        "There is no pool called %s.", options->words[i]);
                        return context_fail(context, &error);
                }
        if (context_is_json(context) || options->format == FORMAT_DOT)
                r = part_print(context, pools, &error);
        else
                r = tree_print(context, pools, &error);
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}
