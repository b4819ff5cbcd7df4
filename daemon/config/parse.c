/* parse.c - files to sections to keys to a Config
 *
 * First every file is given its place by its name: reeve.conf, NAME.pool, or a drop-in of one of
 * them. Then each file is read in the order given. Lines are made by lines.c, checked here for
 * what they look like, and handed one by one to inih, which splits them into section, key and
 * value and calls back with each. Its own ideas of comments, continuation and length are off or
 * cannot apply to such lines. Last, validate.c looks at the whole. */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/kinds.h"
#include "config/validate.h"

/* ---- which file is what ---- */

typedef enum FileRole { ROLE_OTHER, ROLE_DAEMON, ROLE_POOL, ROLE_DROP_IN } FileRole;

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The name of the folder that @path stands in; malloc'd, NULL without memory. */
static char *folder_name(const char *path)
{
        const char *end = base_name(path), *start;

        while (end > path && end[-1] == '/')
                end--;
        for (start = end; start > path && start[-1] != '/';)
                start--;
        return strndup(start, (size_t)(end - start));
}

/* What stands before @suffix. Return: 1 if @name ends so and more stands before it, 0, -ENOMEM. */
static int stem_of(const char *name, const char *suffix, char **ret)
{
        size_t length = strlen(name), cut = strlen(suffix);

        if (length <= cut || !text_equal(name + length - cut, suffix))
                return 0;
        *ret = strndup(name, length - cut);
        return *ret ? 1 : -ENOMEM;
}

/* @ret_pool: of a pool's file and its drop-ins, else NULL. */
static int file_role(const TextFile *file, FileRole *ret_role, char **ret_pool)
{
        AUTO_FREE char *folder = folder_name(file->path);
        FileRole role = ROLE_OTHER;
        int r = 0;

        if (!folder)
                return -ENOMEM;
        if (text_equal(base_name(file->path), "reeve.conf") || text_equal(folder, "reeve.conf.d"))
                role = ROLE_DAEMON;
        else if ((r = stem_of(folder, ".pool.d", ret_pool)) != 0)
                role = ROLE_DROP_IN;
        else if ((r = stem_of(base_name(file->path), ".pool", ret_pool)) != 0)
                role = ROLE_POOL;
        if (r < 0)
                return r;
        *ret_role = role;
        return 0;
}

/* ---- one file ---- */

typedef struct FileParse {
        DraftSet *set;
        Draft *draft;
        const TextFile *file;
        LineReader reader;
        LogicalLine line;
        bool has_section, is_skipping; /* the section's keys are not ours */
        int error;                     /* -ENOMEM */
} FileParse;

static void file_parse_done(FileParse *parse)
{
        logical_line_done(&parse->line);
}

#define AUTO_FILE_PARSE CLEANUP(file_parse_done) FileParse

__attribute__((format(printf, 3, 4))) static void tell_at(FileParse *parse, size_t offset,
                                                          const char *format, ...)
{
        char message[PROBLEM_MESSAGE_SIZE];
        unsigned line, column;
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        logical_line_place(&parse->line, offset, &line, &column);
        parse->error =
                problem_add(parse->set->problems, problem_kind_of(parse->file), parse->file->path,
                            line, column, parse->draft->pool, "%s", message);
}

static void tell_unknown_section(FileParse *parse, const char *section)
{
        bool is_pool = parse->draft->pool;

        if (section_exists(section))
                tell_at(parse, 0, "section [%s] belongs in %s", section,
                        is_pool ? "reeve.conf" : "pools.d/NAME.pool");
        else
                tell_at(parse, 0, "unknown section [%.64s]; allowed here: %s", section,
                        is_pool ? "[Pool], [Scale], [Listen], [Health], [Log]" : "[Reeve]");
}

/* "[Name]", nothing behind it. Return: whether inih shall see it. */
static bool section_is_sound(FileParse *parse)
{
        const Text *text = &parse->line.text;
        AUTO_FREE char *name = NULL;

        parse->has_section = true;
        parse->is_skipping = true;
        if (text->bytes[text->length - 1] != ']') {
                tell_at(parse, 0, "a section is written [Name] on a line of its own");
                return false;
        }
        name = strndup(text->bytes + 1, text->length - 2);
        if (!name) {
                parse->error = -ENOMEM;
                return false;
        }
        /* As in systemd, [X-...] is a place for other programs. */
        if (text_after(name, "X-"))
                return false;
        parse->is_skipping =
                !section_exists(name) || section_is_pools(name) != (parse->draft->pool != NULL);
        if (parse->is_skipping)
                tell_unknown_section(parse, name);
        return !parse->is_skipping;
}

static bool assignment_is_sound(FileParse *parse)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_";
        const char *text = parse->line.text.bytes;
        size_t length = strspn(text, allowed);

        if (!parse->has_section) {
                tell_at(parse, 0, "a key before the first section; begin the file with %s",
                        parse->draft->pool ? "[Pool]" : "[Reeve]");
                parse->has_section = parse->is_skipping = true; /* once is enough */
                return false;
        }
        if (parse->is_skipping)
                return false;
        if (length > 0 && text[length + strspn(text + length, " \t")] == '=')
                return !text_after(text, "X-");
        tell_at(parse, 0, "expected KEY=VALUE, [Section], or a comment that begins with # or ;");
        return false;
}

static bool line_is_sound(FileParse *parse, size_t size)
{
        const Text *text = &parse->line.text;

        /* Room for the newline and the terminator that inih expects. */
        if (parse->line.is_too_long || text->length + 2 > size) {
                tell_at(parse, 0, "a line (with those it continues on) has at most %d bytes",
                        CONFIG_LINE_MAX);
                return false;
        }
        if (text->length == 0)
                return false;
        return text->bytes[0] == '[' ? section_is_sound(parse) : assignment_is_sound(parse);
}

/* Past the list's limit nothing more would be seen; warnings alone never end the reading. */
static bool is_hopeless(const ProblemList *problems)
{
        return problems->is_cut && problem_list_errors(problems) > 0;
}

/* inih's reader: the next line that it may see. */
static char *feed_line(char *buffer, int size, void *stream)
{
        FileParse *parse = stream;
        int r;

        do {
                if (parse->error || is_hopeless(parse->set->problems))
                        return NULL;
                r = line_reader_next(&parse->reader, &parse->line);
                if (r <= 0) {
                        parse->error = r;
                        return NULL;
                }
        } while (!line_is_sound(parse, (size_t)size));
        memcpy(buffer, parse->line.text.bytes, parse->line.text.length);
        memcpy(buffer + parse->line.text.length, "\n", 2);
        return buffer;
}

static void tell_unknown_key(FileParse *parse, const char *section, const char *name)
{
        const Key *key = key_find_anywhere(name);
        const char *home = key ? key->shown.section : NULL;

        if (key_is_refused(name)) {
                tell_at(parse, 0,
                        "%s= is not supported by reeve; put it into a drop-in of reeved.service, "
                        "whose workers inherit it, or run the command under systemd-run",
                        name);
                return;
        }
        if (key && text_equal(home, section)) {
                tell_at(parse, 0, "unknown key %s= in [%s]; did you mean %s=?", name, section,
                        key->shown.name);
                return;
        }
        if (key) {
                tell_at(parse, 0, "%s= belongs in [%s]%s, not in [%s]", key->shown.name, home,
                        section_is_pools(home) == section_is_pools(section) ? ""
                        : section_is_pools(home)                            ? " of a pool"
                                                                            : " of reeve.conf",
                        section);
                return;
        }
        key = key_find_near(section, name);
        if (key && text_equal(key->shown.section, section))
                tell_at(parse, 0, "unknown key %s= in [%s]; did you mean %s=?", name, section,
                        key->shown.name);
        else if (key)
                tell_at(parse, 0, "unknown key %s= in [%s]; did you mean %s= of [%s]?", name,
                        section, key->shown.name, key->shown.section);
        else
                tell_at(parse, 0, "unknown key %.100s= in [%s]; %s lists all keys", name, section,
                        section_is_pools(section) ? "reeve.pool(5)" : "reeve.conf(5)");
}

/* The daemon's own files must never decide what is run. */
static bool control_may_set(const Key *key)
{
        static const char *const names[] = { "Processes", "Threads", "Greenlets", "Mode" };

        return text_equal(key->shown.section, "Scale")
               && names_find(names, COUNT_OF(names), key->shown.name) >= 0;
}

static size_t value_offset(const LogicalLine *line)
{
        const char *text = line->text.bytes;
        size_t offset = strcspn(text, "=") + 1;

        return offset + strspn(text + offset, " \t");
}

/* inih's handler. Return: 1, "go on": what is wrong was told. */
static int take_value(void *user, const char *section, const char *name, const char *value)
{
        FileParse *parse = user;
        const Key *key = key_find(section, name);
        Assignment at = {
                .draft = parse->draft,
                .key = key,
                .file = parse->file,
                .line = &parse->line,
                .value = value,
                .problems = parse->set->problems,
        };

        if (!key) {
                tell_unknown_key(parse, section, name);
        } else if (parse->file->is_control && !control_may_set(key)) {
                tell_at(parse, 0, "%s= may not be set by reeve itself and is left out", name);
        } else {
                at.value_offset = value_offset(&parse->line);
                parse->error = draft_assign(&at);
                if (parse->file->is_control)
                        ((PoolConfig *)parse->draft->target)->is_overridden = true;
        }
        return 1;
}

/* Debian's inih keeps its compile-time choices in variables; these are the ones that leave a
 * line alone. Set before each use: the library may have other users in the process. */
static void inih_set_up(void)
{
        ini_allow_multiline = false;
        ini_allow_bom = false;
        ini_allow_inline_comments = false;
        ini_allow_no_value = false;
        ini_stop_on_first_error = false;
        ini_use_stack = false;
        ini_allow_realloc = false;
        ini_initial_alloc = CONFIG_LINE_MAX + 2;
        ini_max_line = CONFIG_LINE_MAX + 2;
}

static int file_parse(DraftSet *set, Draft *draft, const TextFile *file)
{
        AUTO_FILE_PARSE parse = {
                .set = set, .draft = draft, .file = file, .reader = { .file = file }
        };
        int r;

        if (line_reader_check(file, draft->pool, set->problems) < 0) {
                draft->is_unread |= file == draft->file;
                return 0;
        }
        inih_set_up();
        r = ini_parse_stream(feed_line, &parse, take_value, &parse);
        if (r == -2) /* inih's word for "no memory" */
                return -ENOMEM;
        return parse.error;
}

/* ---- all files ---- */

static int compare_drafts(const void *a, const void *b)
{
        return strcmp(((const Draft *)a)->pool, ((const Draft *)b)->pool);
}

Draft *draft_find(const DraftSet *set, const char *name)
{
        Draft key = { .pool = name };

        return set->pool_count
                       ? bsearch(&key, set->pools, set->pool_count, sizeof(Draft), compare_drafts)
                       : NULL;
}

static int tell_file(DraftSet *set, const TextFile *file, ProblemKind kind, const char *format,
                     const char *word)
{
        return problem_add(set->problems, kind, file->path, 0, 0, NULL, format, word);
}

static int pool_begin(DraftSet *set, const TextFile *file, char *name_take)
{
        PoolConfig *pool = calloc(1, sizeof(PoolConfig));
        Draft *draft = &set->pools[set->pool_count];
        int r;

        if (!pool)
                return -ENOMEM;
        pool->references = 1;
        pool->path = strdup(file->path);
        r = draft_init(draft, pool, name_take, file);
        if (r < 0 || !pool->path) {
                draft_done(draft);
                (void)pool_config_unref(pool);
                return -ENOMEM;
        }
        pool->name = name_take;
        set->pool_count++;
        return 0;
}

static int pool_file_register(DraftSet *set, const TextFile *file, char **name)
{
        int r;

        if (!text_is_name(*name))
                return tell_file(set, file, PROBLEM_ERROR,
                                 **name == '@' ? "\"%.80s\" cannot be the name of a pool: names "
                                                 "that begin with @ are reeve's own; rename the "
                                                 "file"
                                               : "\"%.80s\" cannot be the name of a pool: names "
                                                 "match [a-z0-9][a-z0-9_.-]{0,62}; rename the "
                                                 "file",
                                 *name);
        for (size_t i = 0; i < set->pool_count; i++)
                if (text_equal(set->pools[i].pool, *name))
                        return tell_file(set, file, PROBLEM_ERROR,
                                         "the pool %s has a second file; keep one", *name);
        if (set->pool_count >= CONFIG_POOLS_MAX)
                return problem_add(set->problems, PROBLEM_ERROR, file->path, 0, 0, NULL,
                                   "the pool %s is one too many: at most %d are allowed", *name,
                                   CONFIG_POOLS_MAX);
        r = pool_begin(set, file, *name);
        if (r == 0)
                *name = NULL;
        return r;
}

/* All pools that have a file, so that it does not matter where their drop-ins stand. */
static int pools_register(DraftSet *set, const ConfigInput *input)
{
        int r = 0;

        set->pools = calloc(CONFIG_POOLS_MAX, sizeof(Draft));
        if (!set->pools)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < input->count; i++) {
                AUTO_FREE char *name = NULL;
                FileRole role;

                r = file_role(&input->files[i], &role, &name);
                if (r == 0 && role == ROLE_POOL)
                        r = pool_file_register(set, &input->files[i], &name);
        }
        if (set->pool_count)
                qsort(set->pools, set->pool_count, sizeof(Draft), compare_drafts);
        return r;
}

static int file_apply(DraftSet *set, const TextFile *file)
{
        AUTO_FREE char *name = NULL;
        Draft *draft = &set->daemon;
        FileRole role;
        int r = file_role(file, &role, &name);

        if (r < 0)
                return r;
        if (role == ROLE_OTHER)
                return tell_file(set, file, PROBLEM_ERROR, "%s",
                                 "this is no file of reeve: it "
                                 "reads reeve.conf, NAME.pool, and *.conf in NAME.pool.d");
        if (role != ROLE_DAEMON)
                draft = draft_find(set, name);
        if (!draft && role == ROLE_DROP_IN)
                return tell_file(set, file, PROBLEM_WARNING,
                                 "this drop-in is for the pool %s, which has no file; it is not "
                                 "used",
                                 name);
        /* A name that was refused, or the second file of one pool, which was refused too. */
        if (!draft || (role == ROLE_POOL && draft->file != file))
                return 0;
        if (!file->text) {
                draft->is_unread |= file == draft->file;
                return tell_file(set, file, problem_kind_of(file), "%s",
                                 file->trouble ? file->trouble : "cannot be read");
        }
        return file_parse(set, draft, file);
}

static int drafts_validate(DraftSet *set)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < set->pool_count; i++)
                r = set->pools[i].is_unread ? 0 : pool_validate(set, &set->pools[i]);
        if (r == 0)
                r = relations_validate(set);
        if (r == 0)
                r = listeners_validate(set);
        return r;
}

/* The drafts' pools become the config's. */
static int config_take_pools(Config *config, DraftSet *set)
{
        config->pools = calloc(set->pool_count + 1, sizeof(PoolConfig *));
        if (!config->pools)
                return -ENOMEM;
        for (; config->pool_count < set->pool_count; config->pool_count++) {
                Draft *draft = &set->pools[config->pool_count];

                config->pools[config->pool_count] = TAKE_PTR(draft->target);
        }
        return 0;
}

static void draft_set_done(DraftSet *set)
{
        for (size_t i = 0; i < set->pool_count; i++) {
                PoolConfig *pool = set->pools[i].target;

                draft_done(&set->pools[i]);
                (void)pool_config_unref(pool);
        }
        free(set->pools);
        draft_done(&set->daemon);
}

#define AUTO_DRAFT_SET CLEANUP(draft_set_done) DraftSet

int config_parse(const ConfigInput *input, ProblemList *problems, Config **ret)
{
        AUTO_DRAFT_SET set = { .problems = problems };
        AUTO(Config) *config = calloc(1, sizeof(Config));
        size_t errors_before = problem_list_errors(problems);
        int r;

        if (!config)
                return -ENOMEM;
        r = draft_init(&set.daemon, config, NULL, NULL);
        if (r == 0)
                r = pools_register(&set, input);
        for (size_t i = 0; r == 0 && i < input->count && !is_hopeless(problems); i++)
                r = file_apply(&set, &input->files[i]);
        if (r == 0)
                r = drafts_validate(&set);
        if (r == 0 && problem_list_errors(problems) > errors_before)
                r = -EINVAL;
        if (r == 0)
                r = config_take_pools(config, &set);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(config);
        return 0;
}
