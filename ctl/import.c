/* import.c - reevectl import: files of other supervisors in, pool files and a report out
 *
 * The formats are in files of their own and see nothing but text; here is what asks the machine
 * and writes files. Nothing is written before everything was read, judged, and found free. */
#include "ctl/import.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/outcome.h"
#include "ctl/programs.h"
#include "ctl/render.h"
#include "ctl/verbs.h"
#include "sys/files.h"

enum { FILE_BYTES_MAX = 1024 * 1024, HOST_NAME_SIZE = 256 };

/* ---- reading ---- */

static unsigned cpus_usable(void)
{
        cpu_set_t set;

        return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static int text_read(const char *path, char **ret_text, size_t *ret_length, Error *reterr)
{
        int r = file_read(AT_FDCWD, path, FILE_BYTES_MAX, ret_text, ret_length);

        if (r == -EFBIG)
                return error_set(reterr, r, OUTCOME_FAILED, "%s is larger than 1M", path);
        if (r < 0)
                return error_set(reterr, r, OUTCOME_FAILED, "cannot read %s: %s", path,
                                 strerror(-r));
        if (strlen(*ret_text) == *ret_length)
                return 0;
        free(TAKE_PTR(*ret_text));
        return error_set(reterr, -EINVAL, OUTCOME_FAILED, "%s is no text: it has zero bytes", path);
}

/* @folder is cut out of the absolute path of @path. Return: the part behind it */
static const char *folder_cut(char *folder)
{
        char *slash = strrchr(folder, '/');

        *slash = '\0';
        return slash + 1;
}

static char *home_of(const char *user)
{
        const struct passwd *entry = getpwnam(user);

        return entry ? strdup(entry->pw_dir) : NULL;
}

static int file_take(const Context *context, const char *path, Import *import, Error *reterr)
{
        AUTO_FREE char *folder = realpath(path, NULL), *text = NULL, *dotenv = NULL;
        char host[HOST_NAME_SIZE] = "localhost";
        ImportSource source = { .path = path,
                                .environment = context->options->environment,
                                .home = getenv("HOME") ?: "/",
                                .user = getenv("USER") ?: "root",
                                .host = host,
                                .cpus = cpus_usable(),
                                .find = program_find,
                                .home_of = home_of };
        const ImportFormat *format;
        int r = folder ? text_read(path, &text, &source.length, reterr) : -errno;

        if (!folder)
                return error_set(reterr, r, OUTCOME_FAILED, "cannot read %s: %s", path,
                                 strerror(-r));
        if (r < 0)
                return r;
        source.text = text;
        (void)gethostname(host, sizeof(host) - 1); /* "localhost" otherwise */
        source.name = folder_cut(folder);
        source.folder = *folder ? folder : "/";
        if (asprintf(&dotenv, "%s/.env", folder) < 0)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        source.dotenv = access(dotenv, F_OK) == 0 ? dotenv : NULL;
        format = import_format_find(context->options->import_format, source.name, text, reterr);
        return format ? format->read(&source, import, reterr) : -EINVAL;
}

/* ---- the report ---- */

static void report_tell(const Import *import, FILE *out)
{
        size_t changed = import_count(import, IMPORT_CHANGED);
        size_t dropped = import_count(import, IMPORT_DROPPED);

        for (size_t i = 0; i < import->remark_count; i++) {
                const ImportRemark *remark = &import->remarks[i];

                fprintf(out, "%s:%u: %s: %s: %s\n", remark->path, remark->line,
                        import_kind_name(remark->kind), remark->setting, remark->message);
        }
        fprintf(out, "%zu %s", import->pool_count, import->pool_count == 1 ? "pool" : "pools");
        for (size_t i = 0; i < import->pool_count; i++)
                fprintf(out, "%s%s", i ? ", " : ": ", import->pools[i]->name);
        if (changed + dropped > 0)
                fprintf(out, "; %zu changed, %zu without counterpart", changed, dropped);
        fputs("\n", out);
}

static json_t *pool_json(const Import *import, ImportPool *pool)
{
        AUTO_TEXT text = { 0 };

        import_pool_format(import, pool, &text);
        return json_pack("{s:s, s:s?, s:i, s:s?}", "name", pool->name, "path", pool->path, "line",
                         (int)pool->line, "text", text.bytes);
}

static int report_json(const Context *context, const Import *import, Error *reterr)
{
        AUTO_JSON *pools = json_array(), *remarks = json_array(), *report = NULL;

        for (size_t i = 0; i < import->pool_count; i++)
                (void)json_array_append_new(pools, pool_json(import, import->pools[i]));
        for (size_t i = 0; i < import->remark_count; i++) {
                const ImportRemark *remark = &import->remarks[i];

                (void)json_array_append_new(
                        remarks, json_pack("{s:s, s:s?, s:i, s:s?, s:s?, s:s?}", "kind",
                                           import_kind_name(remark->kind), "path", remark->path,
                                           "line", (int)remark->line, "pool", remark->pool,
                                           "setting", remark->setting, "message", remark->message));
        }
        report = json_pack("{s:O, s:O}", "pools", pools, "remarks", remarks);
        if (!report)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return render_json(context, report, reterr);
}

/* ---- pool files ---- */

static int file_write(const char *path, const Text *text, bool is_forced, Error *reterr)
{
        int r = 0;

        if (!is_forced && access(path, F_OK) == 0)
                return error_set(reterr, -EEXIST, OUTCOME_FAILED,
                                 "%s is there already; --force writes over it", path);
        if (text)
                r = file_replace(AT_FDCWD, path, text->bytes, text->length, 0644);
        if (r < 0)
                return error_set(reterr, r, OUTCOME_FAILED, "cannot write %s: %s", path,
                                 strerror(-r));
        return 0;
}

/* @is_trial: only whether it could be done */
static int pools_write(const Context *context, const Import *import, bool is_trial, Error *reterr)
{
        const Options *options = context->options;
        int r = 0;

        for (size_t i = 0; i < import->pool_count && r == 0; i++) {
                AUTO_TEXT path = { 0 }, text = { 0 };

                text_printf(&path, "%s/%s.pool", options->into, import->pools[i]->name);
                import_pool_format(import, import->pools[i], &text);
                if (path.error || text.error)
                        return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
                r = file_write(path.bytes, is_trial ? NULL : &text, options->is_forced, reterr);
                if (r == 0 && !is_trial && !context_is_json(context))
                        fprintf(context->out, "wrote %s\n", path.bytes);
        }
        return r;
}

static int pools_store(const Context *context, const Import *import, Error *reterr)
{
        const char *folder = context->options->into;
        int r = directory_make(folder, 0755);

        if (r < 0)
                return error_set(reterr, r, OUTCOME_FAILED, "cannot make %s: %s", folder,
                                 strerror(-r));
        r = pools_write(context, import, true, reterr);
        return r < 0 ? r : pools_write(context, import, false, reterr);
}

static void pools_print(const Context *context, const Import *import)
{
        for (size_t i = 0; i < import->pool_count; i++) {
                AUTO_TEXT text = { 0 };

                import_pool_format(import, import->pools[i], &text);
                fprintf(context->out, "%s# ---- %s.pool ----\n%s", i ? "\n" : "",
                        import->pools[i]->name, text.error ? "# out of memory\n" : text.bytes);
        }
}

static int import_show(const Context *context, const Import *import, Error *reterr)
{
        const Options *options = context->options;
        bool is_shown = !options->is_check && !options->into;
        int r = 0;

        if (options->into && !options->is_check)
                r = pools_store(context, import, reterr);
        if (r < 0)
                return r;
        if (context_is_json(context))
                return report_json(context, import, reterr);
        if (is_shown)
                pools_print(context, import);
        report_tell(import, is_shown ? context->err : context->out);
        return 0;
}

int verb_import(const Context *context)
{
        const Options *options = context->options;
        AUTO_IMPORT import = { 0 };
        Error error = { 0 };
        int r = 0;

        for (size_t i = 0; i < options->word_count && r == 0; i++)
                r = file_take(context, options->words[i], &import, &error);
        if (r == 0 && import_check(&import) < 0)
                r = error_set(&error, -ENOMEM, OUTCOME_FAILED, "out of memory");
        if (r == 0)
                r = import_show(context, &import, &error);
        if (r < 0)
                return context_fail(context, &error);
        if (import.pool_count == 0)
                return REEVE_EXIT_FAILED;
        return import_count(&import, IMPORT_CHANGED) + import_count(&import, IMPORT_DROPPED) > 0
                       ? REEVE_EXIT_PARTLY
                       : REEVE_EXIT_OK;
}
