/* import_draft.c - pools in the making, and what is told of them (see import.h) */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "config/config.h"
#include "ctl/import.h"

enum { NAME_MAX_LENGTH = 63, MESSAGE_MAX = 600, ROUNDS_MAX = 4 };

/* Room for one more. Return: the array, NULL without memory (remembered) */
static void *grow(Import *import, void *items, size_t count, size_t *capacity, size_t size)
{
        void *room = array_room(items, count, capacity, size);

        if (!room)
                import->error = -ENOMEM;
        return room;
}

static char *copy_of(Import *import, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                import->error = -ENOMEM;
        return copy;
}

/* ---- pools ---- */

static bool has_pool(const Import *import, const char *name)
{
        for (size_t i = 0; i < import->pool_count; i++)
                if (text_equal(import->pools[i]->name, name))
                        return true;
        return false;
}

/* [a-z0-9][a-z0-9_.-]*: what does not fit becomes '-'. */
static void name_fit(const char *wanted, char name[NAME_MAX_LENGTH + 1])
{
        size_t length = 0;

        for (; *wanted && length < NAME_MAX_LENGTH; wanted++) {
                int c = tolower((unsigned char)*wanted);
                bool is_mark = c == '_' || c == '.' || c == '-';

                if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (is_mark && length > 0))
                        name[length++] = (char)c;
                else if (length > 0 && name[length - 1] != '-')
                        name[length++] = '-';
        }
        while (length > 0 && name[length - 1] == '-')
                length--;
        name[length] = '\0';
        if (length == 0)
                strcpy(name, "pool");
}

/* "web", "web-2", ... */
static char *name_unlike(Import *import, const char *wanted)
{
        char name[NAME_MAX_LENGTH + 1], candidate[NAME_MAX_LENGTH + 16];

        name_fit(wanted, name);
        (void)snprintf(candidate, sizeof(candidate), "%s", name);
        for (unsigned number = 2; has_pool(import, candidate); number++)
                (void)snprintf(candidate, sizeof(candidate), "%.56s-%u", name, number);
        return copy_of(import, candidate);
}

static ImportPool *pool_free(ImportPool *pool)
{
        if (!pool)
                return NULL;
        for (size_t i = 0; i < pool->setting_count; i++)
                free(pool->settings[i].value);
        free(pool->settings);
        free(pool->name);
        free(pool->path);
        free(pool->origin);
        free(pool);
        return NULL;
}

ImportPool *import_pool_add(Import *import, const ImportSource *source, unsigned line,
                            const char *name, const char *origin)
{
        ImportPool **pools = grow(import, import->pools, import->pool_count, &import->pool_capacity,
                                  sizeof(ImportPool *));
        ImportPool *pool = calloc(1, sizeof(*pool));

        if (pools)
                import->pools = pools;
        if (pool) {
                pool->name = name_unlike(import, name);
                pool->path = copy_of(import, source->path);
                pool->origin = copy_of(import, origin);
                pool->line = line;
        } else {
                import->error = -ENOMEM;
        }
        if (import->error)
                return pool_free(pool);
        import->pools[import->pool_count++] = pool;
        if (!text_equal(pool->name, name))
                import_remark(import, IMPORT_NOTE, source, line, pool, origin,
                              "the pool is called %s: names match [a-z0-9][a-z0-9_.-]* and stand "
                              "once",
                              pool->name);
        return pool;
}

void import_pool_drop(Import *import)
{
        if (import->pool_count > 0)
                (void)pool_free(import->pools[--import->pool_count]);
}

void import_set(Import *import, ImportPool *pool, unsigned line, const char *section,
                const char *key, const char *value)
{
        ImportSetting *settings;

        if (!pool || !value || !*value || import->error)
                return;
        settings = grow(import, pool->settings, pool->setting_count, &pool->setting_capacity,
                        sizeof(*settings));
        if (!settings)
                return;
        pool->settings = settings;
        settings[pool->setting_count] = (ImportSetting){
                .section = section, .key = key, .value = copy_of(import, value), .line = line
        };
        if (!import->error)
                pool->setting_count++;
}

const char *import_value(const ImportPool *pool, const char *section, const char *key)
{
        for (size_t i = pool ? pool->setting_count : 0; i > 0; i--)
                if (text_equal(pool->settings[i - 1].section, section)
                    && text_equal(pool->settings[i - 1].key, key))
                        return pool->settings[i - 1].value;
        return NULL;
}

bool import_has(const ImportPool *pool, const char *section, const char *key)
{
        return import_value(pool, section, key);
}

/* ---- remarks ---- */

const char *import_kind_name(ImportKind kind)
{
        static const char *const names[] = { "note", "changed", "dropped" };

        return names[kind];
}

static void remark_add(Import *import, ImportRemark remark)
{
        ImportRemark *remarks = grow(import, import->remarks, import->remark_count,
                                     &import->remark_capacity, sizeof(*remarks));

        if (remarks)
                import->remarks = remarks;
        if (!import->error) {
                remarks[import->remark_count++] = remark;
                return;
        }
        free(remark.path);
        free(remark.pool);
        free(remark.setting);
        free(remark.message);
}

void import_remark(Import *import, ImportKind kind, const ImportSource *source, unsigned line,
                   const ImportPool *pool, const char *setting, const char *format, ...)
{
        char message[MESSAGE_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        remark_add(import, (ImportRemark){ .kind = kind,
                                           .path = copy_of(import, source->path),
                                           .line = line,
                                           .pool = copy_of(import, pool ? pool->name : NULL),
                                           .setting = copy_of(import, setting),
                                           .message = copy_of(import, message) });
}

size_t import_count(const Import *import, ImportKind kind)
{
        size_t count = 0;

        for (size_t i = 0; i < import->remark_count; i++)
                count += import->remarks[i].kind == kind;
        return count;
}

void import_done(Import *import)
{
        while (import->pool_count > 0)
                import_pool_drop(import);
        for (size_t i = 0; i < import->remark_count; i++) {
                free(import->remarks[i].path);
                free(import->remarks[i].pool);
                free(import->remarks[i].setting);
                free(import->remarks[i].message);
        }
        free(import->pools);
        free(import->remarks);
        *import = (Import){ 0 };
}

/* ---- text ---- */

static unsigned lines_of(const Text *text)
{
        unsigned lines = 1;

        for (size_t i = 0; i < text->length; i++)
                lines += text->bytes[i] == '\n';
        return lines;
}

/* What is told of a pool, as comments on one line each. */
static void format_remarks(const Import *import, const ImportPool *pool, Text *text)
{
        for (size_t i = 0; i < import->remark_count; i++) {
                const ImportRemark *remark = &import->remarks[i];
                size_t start = text->length;

                if (remark->kind == IMPORT_NOTE || !text_equal(remark->pool, pool->name))
                        continue;
                text_printf(text, "# %s: %s: %s", import_kind_name(remark->kind), remark->setting,
                            remark->message);
                for (size_t at = start; at < text->length; at++)
                        if (iscntrl((unsigned char)text->bytes[at]))
                                text->bytes[at] = ' ';
                text_append(text, "\n");
        }
}

void import_pool_format(const Import *import, ImportPool *pool, Text *text)
{
        static const char *const sections[] = { "Pool", "Scale", "Listen", "Health", "Log" };

        text_printf(text, "# Made by reevectl import from %s of %s, line %u\n", pool->origin,
                    pool->path, pool->line);
        format_remarks(import, pool, text);
        for (size_t i = 0; i < COUNT_OF(sections); i++) {
                bool is_open = false;

                for (size_t j = 0; j < pool->setting_count; j++) {
                        ImportSetting *setting = &pool->settings[j];

                        if (setting->is_refused || !text_equal(setting->section, sections[i]))
                                continue;
                        if (!is_open)
                                text_printf(text, "%s[%s]\n", i ? "\n" : "", sections[i]);
                        is_open = true;
                        setting->placed = lines_of(text);
                        text_printf(text, "%s=%s\n", setting->key, setting->value);
                }
        }
}

/* ---- the judge ---- */

static int input_make(const Import *import, ConfigInput *input)
{
        input->files = calloc(import->pool_count + 1, sizeof(*input->files));
        if (!input->files)
                return -ENOMEM;
        for (size_t i = 0; i < import->pool_count; i++) {
                ImportPool *pool = import->pools[i];
                TextFile *file = &input->files[input->count];
                AUTO_TEXT text = { 0 };

                if (pool->is_refused)
                        continue;
                input->count++;
                import_pool_format(import, pool, &text);
                file->length = text.length;
                if (text_take(&text, &file->text) < 0
                    || asprintf(&file->path, "pools.d/%s.pool", pool->name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static ImportPool *pool_named(const Import *import, const char *name)
{
        for (size_t i = 0; i < import->pool_count; i++)
                if (text_equal(import->pools[i]->name, name))
                        return import->pools[i];
        return NULL;
}

/* What a problem of the text stands for: a setting goes, or the whole pool. */
static void problem_take(Import *import, const Problem *problem)
{
        ImportPool *pool = problem->pool ? pool_named(import, problem->pool) : NULL;
        ImportSource source = { 0 };

        if (!pool || pool->is_refused)
                return;
        source.path = pool->path;
        for (size_t i = 0; i < pool->setting_count; i++) {
                ImportSetting *setting = &pool->settings[i];

                if (setting->placed != problem->line || setting->is_refused)
                        continue;
                setting->is_refused = true;
                import_remark(import, IMPORT_DROPPED, &source,
                              setting->line ? setting->line : pool->line, pool, setting->key, "%s",
                              problem->message);
                return;
        }
        pool->is_refused = true;
        import_remark(import, IMPORT_DROPPED, &source, pool->line, pool, pool->origin, "%s",
                      problem->message);
}

static void refused_remove(Import *import)
{
        size_t kept = 0;

        for (size_t i = 0; i < import->pool_count; i++) {
                if (import->pools[i]->is_refused)
                        (void)pool_free(import->pools[i]);
                else
                        import->pools[kept++] = import->pools[i];
        }
        import->pool_count = kept;
}

/* Return: 1 if there were errors, 0 if there was none, -ENOMEM */
static int round_of_checks(Import *import, bool is_last)
{
        AUTO_CONFIG_INPUT input = { 0 };
        AUTO_PROBLEMS problems = { 0 };
        AUTO(Config) *config = NULL;
        int r = input_make(import, &input);

        if (r == 0)
                r = config_parse(&input, &problems, &config);
        if (r != -EINVAL)
                return r;
        for (size_t i = 0; i < problems.count; i++) {
                ImportPool *pool = pool_named(import, problems.items[i].pool);

                if (problems.items[i].kind != PROBLEM_ERROR)
                        continue;
                problem_take(import, &problems.items[i]);
                if (is_last && pool)
                        pool->is_refused = true;
        }
        return 1;
}

int import_check(Import *import)
{
        int r = import->error ? import->error : 1;

        for (unsigned round = 1; r > 0 && round <= ROUNDS_MAX; round++) {
                r = round_of_checks(import, round == ROUNDS_MAX);
                refused_remove(import);
        }
        return r < 0 ? r : import->error;
}
