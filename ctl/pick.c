/* pick.c - see pick.h */
#include "ctl/pick.h"

#include <errno.h>

#include "ctl/outcome.h"

static bool has_name(char *const *names, const char *name)
{
        for (; names && *names; names++)
                if (text_equal(*names, name))
                        return true;
        return false;
}

static int name_add(char ***names, const char *name, Error *reterr)
{
        if (has_name(*names, name))
                return 0;
        if (text_list_add(names, name) < 0)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return 0;
}

/* Add the pools of @list that @pattern matches. */
static int pattern_add(const json_t *list, const char *pattern, char ***names, Error *reterr)
{
        const json_t *items = json_object_get(list, "items");
        bool is_found = false;

        for (size_t i = 0; i < json_array_size(items); i++) {
                const char *name = value_text(json_array_get(items, i), "name", "");
                int r;

                if (target_is_builtin(name) || !text_matches(pattern, name))
                        continue;
                is_found = true;
                r = name_add(names, name, reterr);
                if (r < 0)
                        return r;
        }
        if (is_found)
                return 0;
        return error_set(reterr, -ENOENT, REEVE_ERROR_UNKNOWN_POOL, "no pool matches \"%s\"",
                         pattern);
}

static int word_add(const Context *context, const char *word, json_t **list, char ***names,
                    Error *reterr)
{
        Target target;
        int r = target_parse(word, &target, reterr);

        if (r < 0)
                return r;
        if (target.kind == TARGET_SLOT)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "%s takes whole pools, not %s; one worker is ended, and started "
                                 "again by its Restart=, with reevectl kill -s TERM %s",
                                 context->options->verb, word, word);
        if (!target.is_pattern)
                return name_add(names, target.pool, reterr);
        if (!*list)
                r = api_list(context, "/v1/pools", list, reterr);
        return r < 0 ? r : pattern_add(*list, target.pool, names, reterr);
}

int pick_pools(const Context *context, const char *const *words, size_t count, char ***ret,
               Error *reterr)
{
        static const char *const everything[] = { "*" };
        AUTO_JSON *list = NULL;
        char **names = NULL;
        int r = 0;

        if (context->options->is_all && count > 0)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE, "give pools or --all, not both");
        if (context->options->is_all) {
                words = everything;
                count = 1;
        }
        if (count == 0)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "%s needs a pool, a pattern or --all", context->options->verb);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = word_add(context, words[i], &list, &names, reterr);
        if (r < 0)
                names = text_list_free(names);
        else
                *ret = names;
        return r;
}

/* Add the workers of @all that @target means; Return: their number, negative errno */
static int target_add(const json_t *all, const Target *target, json_t *picked)
{
        const json_t *items = json_object_get(all, "items");
        int found = 0;

        for (size_t i = 0; i < json_array_size(items); i++) {
                json_t *worker = json_array_get(items, i);

                if (!target_has_worker(target, value_text(worker, "pool", ""),
                                       (unsigned)value_integer(worker, "slot", 0),
                                       (int)value_integer(worker, "pid", 0)))
                        continue;
                found++;
                if (json_array_append(picked, worker) < 0)
                        return -ENOMEM;
        }
        return found;
}

static int nobody(const Context *context, const Target *target, const char *word, Error *reterr)
{
        json_t *pool = NULL;
        int r;

        /* A pool with no worker is no mistake; a pool that is not there is one. */
        if (target->kind == TARGET_POOL && !target->is_pattern) {
                r = api_pool(context, target->pool, &pool, reterr);
                json_decref(pool);
                return r;
        }
        return error_set(reterr, -ENOENT, REEVE_ERROR_UNKNOWN_WORKER, "%s means no worker", word);
}

static int word_pick(const Context *context, const char *word, const json_t *all, json_t *picked,
                     Error *reterr)
{
        Target target;
        int r = target_parse(word, &target, reterr);

        if (r < 0)
                return r;
        r = target_add(all, &target, picked);
        if (r == 0 && target.kind == TARGET_PID) {
                target.kind = TARGET_POOL; /* pools may be called by a number */
                r = target_add(all, &target, picked);
                target.kind = TARGET_PID;
        }
        if (r < 0)
                return error_set(reterr, r, OUTCOME_FAILED, "out of memory");
        return r > 0 ? 0 : nobody(context, &target, word, reterr);
}

/* The request for the workers: of one pool where only one can be meant. */
static int workers_get(const Context *context, const char *const *words, size_t count,
                       const char *fields, json_t **ret, Error *reterr)
{
        AUTO_TEXT path = { 0 };
        Target target;

        text_append(&path, "/v1/workers");
        if (fields && *fields)
                text_printf(&path, "?fields=pool,slot,pid,%s", fields);
        if (count == 1) {
                int r = target_parse(words[0], &target, reterr);

                if (r < 0)
                        return r;
                if (path.bytes && !target.is_pattern && target.kind != TARGET_PID) {
                        text_append(&path, strchr(path.bytes, '?') ? "&pool=" : "?pool=");
                        api_path(&path, target.pool);
                }
        }
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        return api_list(context, path.bytes, ret, reterr);
}

int pick_workers(const Context *context, const char *const *words, size_t count, const char *fields,
                 json_t **ret, Error *reterr)
{
        AUTO_JSON *all = NULL;
        AUTO_JSON *picked = json_array();
        int r = workers_get(context, words, count, fields, &all, reterr);

        if (r < 0)
                return r;
        if (count == 0) {
                *ret = TAKE_PTR(all);
                return 0;
        }
        for (size_t i = 0; r == 0 && i < count; i++)
                r = word_pick(context, words[i], all, picked, reterr);
        if (r < 0)
                return r;
        *ret = json_pack("{s:O, s:n}", "items", picked, "next");
        return *ret ? 0 : error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
}
