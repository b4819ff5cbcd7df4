/* import_supervisord.c - supervisord.conf: programs and groups
 *
 * A [program:x] becomes a pool; numprocs its processes. Each setting has a row in a table: where
 * its value goes, or what to say. Commands are split as Python's shlex does, and no shell runs,
 * as in supervisord itself. Expansions like %(here)s are done here; %(process_num)d becomes
 * ${REEVE_SLOT}, which exists in ExecStart= only. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "ctl/import_ini.h"
#include "ctl/import_words.h"
#include "ctl/outcome.h"

enum { PRIORITY_DEFAULT = 999, LOG_FILES_DEFAULT = 10 };

typedef struct Program {
        Import *import;
        const ImportSource *source;
        const IniSection *section;
        ImportPool *pool;
        const char *name, *group; /* group NULL: in none */
} Program;

typedef struct Rule {
        const char *name;
        const char *section, *key; /* where the value goes as it is; NULL: see @take */
        void (*take)(Program *program, const IniEntry *entry);
        ImportKind kind;
        const char *advice; /* NULL: nothing to say */
} Rule;

static void remark(Program *program, ImportKind kind, const IniEntry *entry, const char *advice)
{
        AUTO_TEXT text = { 0 };

        ini_entry_text(entry, &text);
        import_remark(program->import, kind, program->source, entry->line, program->pool,
                      text.bytes, "%s", advice);
}

static void set(Program *program, const IniEntry *entry, const char *section, const char *key,
                const char *value)
{
        import_set(program->import, program->pool, entry ? entry->line : 0, section, key, value);
}

static const char *value_of(const Program *program, const char *key, const char *otherwise)
{
        const char *value = ini_value(program->section, key);

        return value && *value ? value : otherwise;
}

static bool is_true(const char *value)
{
        bool is = false;

        return value && units_parse_boolean(value, &is) == 0 && is;
}

/* ---- %(name)s ---- */

/* ${NAME}, where the value is one of ExecStart=; elsewhere nothing can be put there. */
static bool variable_append(Program *program, const char *name, bool is_command, Text *text)
{
        if (!is_command)
                return false;
        if (text_equal(name, "process_num"))
                text_append(text, "${REEVE_SLOT}");
        else if (text_after(name, "ENV_"))
                text_printf(text, "${%s}", name + strlen("ENV_"));
        else
                return false;
        return true;
}

static bool fixed_append(Program *program, const char *name, Text *text)
{
        const struct {
                const char *name, *value;
        } known[] = {
                { "here", program->source->folder },
                { "program_name", program->name },
                { "group_name", program->group ? program->group : program->name },
                { "host_node_name", program->source->host },
                { "numprocs", value_of(program, "numprocs", "1") },
        };

        for (size_t i = 0; i < COUNT_OF(known); i++)
                if (text_equal(known[i].name, name)) {
                        text_append(text, known[i].value ? known[i].value : "localhost");
                        return true;
                }
        return false;
}

/* One "%(name)02d" at @at. Return: its length; 0 if it is none or is not known */
static size_t expansion(Program *program, const IniEntry *entry, const char *at, bool is_command,
                        Text *text)
{
        size_t length = strcspn(at, ")"), digits;
        char name[128];

        if (!text_after(at, "%(") || !at[length] || length >= sizeof(name))
                return 0;
        (void)snprintf(name, sizeof(name), "%.*s", (int)length - 2, at + 2);
        digits = strspn(at + length + 1, "0123456789");
        if (!fixed_append(program, name, text) && !variable_append(program, name, is_command, text))
                return 0;
        if (digits > 0 && text_equal(name, "process_num"))
                remark(program, IMPORT_CHANGED, entry,
                       "REEVE_SLOT has no leading zeros: let the program fill them in");
        length += 1 + digits;
        return length + (at[length] == 's' || at[length] == 'd');
}

/* @is_command: '$' is doubled, and variables may be put in. */
static char *expand(Program *program, const IniEntry *entry, const char *value, bool is_command)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;

        while (*value) {
                size_t length = expansion(program, entry, value, is_command, &text);

                if (length == 0) {
                        if (text_after(value, "%("))
                                remark(program, IMPORT_CHANGED, entry,
                                       "this %(...) cannot be expanded here and stands as it is: "
                                       "write the value");
                        if (*value == '$' && is_command)
                                text_append(&text, "$");
                        text_append_bytes(&text, value, 1);
                        length = 1 + (value[0] == '%' && value[1] == '%');
                }
                value += length;
        }
        if (text_take(&text, &string) < 0)
                program->import->error = -ENOMEM;
        return string;
}

/* ---- settings with a way of their own ---- */

static void take_command(Program *program, const IniEntry *entry)
{
        AUTO_FREE char *line = expand(program, entry, entry->value, true);
        const IniEntry directory_entry = { .line = entry->line, .key = "directory", .value = "" };
        AUTO_FREE char *given =
                expand(program, &directory_entry, value_of(program, "directory", "."), false);
        AUTO_FREE char *directory = given ? import_path(program->source->folder, given) : NULL;
        char **words = NULL;
        int r = line ? shell_split(line, &words) : -ENOMEM;

        if (r == -ENOMEM)
                program->import->error = r;
        else if (r < 0 || !words)
                remark(program, IMPORT_DROPPED, entry,
                       "a quote is not closed, or nothing is there");
        else
                import_command(program->import, program->source, program->pool, entry->line, words,
                               directory);
        if (r == 0 && words && shell_is_needed(entry->value) && !strchr(entry->value, '%'))
                remark(program, IMPORT_NOTE, entry,
                       "neither supervisord nor reeve runs a shell: such characters reach the "
                       "program as they are");
        (void)text_list_free(words);
}

static void take_path(Program *program, const IniEntry *entry)
{
        AUTO_FREE char *value = expand(program, entry, entry->value, false);
        AUTO_FREE char *path = value ? import_path(program->source->folder, value) : NULL;

        set(program, entry, "Pool", "WorkingDirectory", path);
}

static void take_seconds(Program *program, const IniEntry *entry)
{
        const char *key = text_equal(entry->key, "stopwaitsecs") ? "TimeoutStopSec" : "StableSec";
        char value[64];

        (void)snprintf(value, sizeof(value), "%.48ss", entry->value);
        set(program, entry, "Pool", key, value);
}

static void take_startretries(Program *program, const IniEntry *entry)
{
        uint64_t retries;
        char value[32];

        if (units_parse_number(entry->value, 65535, &retries) < 0) {
                remark(program, IMPORT_DROPPED, entry, "expected a whole number");
                return;
        }
        (void)snprintf(value, sizeof(value), "%u", (unsigned)retries + 1);
        set(program, entry, "Pool", "StartLimitBurst", value);
        remark(program, IMPORT_CHANGED, entry,
               "starts are counted over StartLimitIntervalSec= (60s), those after a good run too");
}

static void take_autostart(Program *program, const IniEntry *entry)
{
        if (is_true(entry->value))
                return;
        remark(program, IMPORT_CHANGED, entry,
               "pools start with reeved; this one has Processes=0, so start it by reevectl scale "
               "POOL -p N");
}

static void take_autorestart(Program *program, const IniEntry *entry)
{
        bool is_on = false;
        const char *value = text_equal(entry->value, "unexpected") ? "on-failure" : NULL;

        if (!value && units_parse_boolean(entry->value, &is_on) == 0)
                value = is_on ? "always" : "no";
        if (!value)
                remark(program, IMPORT_DROPPED, entry, "expected true, false or unexpected");
        set(program, entry, "Pool", "Restart", value);
}

static void take_exitcodes(Program *program, const IniEntry *entry)
{
        if (!text_equal(entry->value, "0")
            && text_equal(value_of(program, "autorestart", "unexpected"), "unexpected"))
                remark(program, IMPORT_CHANGED, entry,
                       "Restart=on-failure knows 0 alone as a good end: let the program exit with "
                       "0");
}

static void take_stopsignal(Program *program, const IniEntry *entry)
{
        AUTO_TEXT value = { 0 };
        bool has_digits = isdigit((unsigned char)entry->value[0]);

        text_printf(&value, "%s%s", has_digits || text_after(entry->value, "SIG") ? "" : "SIG",
                    entry->value);
        set(program, entry, "Pool", "KillSignal", value.bytes);
}

/* KEY="a",OTHER='b c',THIRD=x - Python's shlex with commas between */
static void take_environment(Program *program, const IniEntry *entry)
{
        const char *at = entry->value;

        for (;;) {
                AUTO_TEXT name = { 0 }, value = { 0 };
                AUTO_FREE char *expanded = NULL;
                char quote = '\0';

                at += strspn(at, " \t,");
                if (!*at)
                        return;
                for (; *at && *at != '='; at++)
                        if (!isspace((unsigned char)*at))
                                text_append_bytes(&name, at, 1);
                at += *at == '=';
                at += strspn(at, " \t");
                for (; *at && (quote || *at != ','); at++) {
                        if (*at == '\\' && quote == '"' && at[1])
                                text_append_bytes(&value, ++at, 1);
                        else if (quote ? *at == quote : *at == '"' || *at == '\'')
                                quote = quote ? '\0' : *at;
                        else if (quote || !isspace((unsigned char)*at))
                                text_append_bytes(&value, at, 1);
                }
                expanded = expand(program, entry, value.bytes ? value.bytes : "", false);
                if (quote || !name.bytes) {
                        remark(program, IMPORT_DROPPED, entry,
                               "expected KEY=\"value\",OTHER=\"value\"; this and what follows is "
                               "left out");
                        return;
                }
                import_variable(program->import, program->pool, entry->line, name.bytes,
                                expanded ? expanded : "");
        }
}

/* ---- output ---- */

/* "50MB" as "50M"; NULL if it is no size */
static const char *size_text(const char *value, char buffer[32])
{
        size_t digits = strspn(value, "0123456789");
        char unit = (char)toupper((unsigned char)value[digits]);

        if (digits == 0 || digits > 12 || (unit && !strchr("KMGB", unit)))
                return NULL;
        (void)snprintf(buffer, 32, "%.*s%s", (int)digits, value,
                       unit == 'K'   ? "K"
                       : unit == 'M' ? "M"
                       : unit == 'G' ? "G"
                                     : "");
        return buffer;
}

static bool is_unrotated(const char *maxbytes)
{
        return maxbytes && strspn(maxbytes, "0") == strcspn(maxbytes, "KMGBkmgb")
               && *maxbytes == '0';
}

static void take_file(Program *program, const IniEntry *entry, const char *key,
                      const char *maxbytes_key)
{
        AUTO_FREE char *value = expand(program, entry, entry->value, false);
        AUTO_FREE char *path = value ? import_path(program->source->folder, value) : NULL;
        AUTO_TEXT output = { 0 };

        if (!path || text_equal(value, "AUTO") || text_equal(value, "auto"))
                return;
        if (text_equal(value, "NONE") || text_equal(value, "none")
            || text_equal(value, "/dev/null")) {
                text_append(&output, "null");
        } else if (text_equal(value, "syslog")) {
                text_append(&output, "journal");
        } else if (!text_after(path, "/dev/")
                   && is_unrotated(ini_value(program->section, maxbytes_key))) {
                text_printf(&output, "append:%s", path);
        } else {
                remark(program, IMPORT_CHANGED, entry,
                       "the output goes to reeve's own rotated files, one for each slot: see "
                       "reevectl logs");
                return;
        }
        set(program, entry, "Pool", key, output.bytes);
}

static void take_stdout(Program *program, const IniEntry *entry)
{
        take_file(program, entry, "StandardOutput", "stdout_logfile_maxbytes");
}

static void take_stderr(Program *program, const IniEntry *entry)
{
        if (!is_true(ini_value(program->section, "redirect_stderr")))
                take_file(program, entry, "StandardError", "stderr_logfile_maxbytes");
}

static void take_maxbytes(Program *program, const IniEntry *entry)
{
        char buffer[32];
        const char *size = size_text(entry->value, buffer);

        if (is_unrotated(entry->value))
                return;
        if (!size)
                remark(program, IMPORT_DROPPED, entry, "expected a size such as 50MB");
        set(program, entry, "Log", "MaxSize", size);
}

static void take_backups(Program *program, const IniEntry *entry)
{
        uint64_t count;
        char value[32];

        if (units_parse_number(entry->value, 998, &count) < 0) {
                remark(program, IMPORT_DROPPED, entry, "expected a number up to 998");
                return;
        }
        (void)snprintf(value, sizeof(value), "%u", (unsigned)count + 1);
        set(program, entry, "Log", "MaxFiles", value);
}

static void take_numprocs_start(Program *program, const IniEntry *entry)
{
        if (!text_equal(entry->value, "0"))
                remark(program, IMPORT_CHANGED, entry,
                       "REEVE_SLOT begins at 0: add the difference in the program");
}

/* ---- the table ---- */

static const Rule rules[] = {
        { "command", NULL, NULL, take_command, IMPORT_NOTE, NULL },
        { "process_name", NULL, NULL, NULL, IMPORT_NOTE, NULL }, /* slots are POOL/0, POOL/1 */
        { "numprocs", NULL, NULL, NULL, IMPORT_NOTE, NULL },     /* see set_processes() */
        { "numprocs_start", NULL, NULL, take_numprocs_start, IMPORT_NOTE, NULL },
        { "priority", NULL, NULL, NULL, IMPORT_NOTE, NULL }, /* see order_set() */
        { "autostart", NULL, NULL, take_autostart, IMPORT_NOTE, NULL },
        { "startsecs", NULL, NULL, take_seconds, IMPORT_NOTE, NULL },
        { "startretries", NULL, NULL, take_startretries, IMPORT_NOTE, NULL },
        { "autorestart", NULL, NULL, take_autorestart, IMPORT_NOTE, NULL },
        { "exitcodes", NULL, NULL, take_exitcodes, IMPORT_NOTE, NULL },
        { "stopsignal", NULL, NULL, take_stopsignal, IMPORT_NOTE, NULL },
        { "stopwaitsecs", NULL, NULL, take_seconds, IMPORT_NOTE, NULL },
        { "stopasgroup", NULL, NULL, NULL, IMPORT_NOTE, NULL }, /* see set_kill_mode() */
        { "killasgroup", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "user", "Pool", "User", NULL, IMPORT_NOTE, NULL },
        { "directory", NULL, NULL, take_path, IMPORT_NOTE, NULL },
        { "umask", "Pool", "UMask", NULL, IMPORT_NOTE, NULL },
        { "environment", NULL, NULL, take_environment, IMPORT_NOTE, NULL },
        { "redirect_stderr", NULL, NULL, NULL, IMPORT_NOTE,
          NULL }, /* stderr goes where stdout does */
        { "stdout_logfile", NULL, NULL, take_stdout, IMPORT_NOTE, NULL },
        { "stdout_logfile_maxbytes", NULL, NULL, take_maxbytes, IMPORT_NOTE, NULL },
        { "stdout_logfile_backups", NULL, NULL, take_backups, IMPORT_NOTE, NULL },
        { "stderr_logfile", NULL, NULL, take_stderr, IMPORT_NOTE, NULL },
        { "stderr_logfile_maxbytes", NULL, NULL, NULL, IMPORT_NOTE,
          "MaxSize= holds for the output of a slot as a whole" },
        { "stderr_logfile_backups", NULL, NULL, NULL, IMPORT_NOTE,
          "MaxFiles= holds for the output of a slot as a whole" },
        { "stdout_syslog", NULL, NULL, NULL, IMPORT_DROPPED, "StandardOutput=journal does this" },
        { "stderr_syslog", NULL, NULL, NULL, IMPORT_DROPPED, "StandardError=journal does this" },
        { "stdout_capture_maxbytes", NULL, NULL, NULL, IMPORT_DROPPED,
          "output is not searched for events; see the worker protocol in reeve.pool(5)" },
        { "stderr_capture_maxbytes", NULL, NULL, NULL, IMPORT_DROPPED,
          "output is not searched for events; see the worker protocol in reeve.pool(5)" },
        { "stdout_events_enabled", NULL, NULL, NULL, IMPORT_DROPPED,
          "output raises no events; follow it with reevectl logs -f" },
        { "stderr_events_enabled", NULL, NULL, NULL, IMPORT_DROPPED,
          "output raises no events; follow it with reevectl logs -f" },
        { "serverurl", NULL, NULL, NULL, IMPORT_DROPPED,
          "workers find reeve by the variables REEVE_*, see reeve.pool(5)" },
};

static void entry_take(Program *program, const IniEntry *entry)
{
        for (size_t i = 0; i < COUNT_OF(rules); i++) {
                const Rule *rule = &rules[i];

                if (!text_equal(rule->name, entry->key))
                        continue;
                if (rule->take)
                        rule->take(program, entry);
                if (rule->key)
                        set(program, entry, rule->section, rule->key, entry->value);
                if (rule->advice)
                        remark(program, rule->kind, entry, rule->advice);
                return;
        }
        remark(program, IMPORT_DROPPED, entry, "is no setting of supervisord that reeve knows of");
}

/* ---- what is true of a program as a whole ---- */

static void set_processes(Program *program)
{
        const char *autostart = ini_value(program->section, "autostart");

        if (autostart && !is_true(autostart))
                set(program, NULL, "Scale", "Processes", "0");
        else
                set(program, NULL, "Scale", "Processes", value_of(program, "numprocs", "1"));
}

/* supervisord signals the first process alone unless it is told to signal all. */
static void set_kill_mode(Program *program)
{
        set(program, NULL, "Pool", "KillMode",
            is_true(ini_value(program->section, "stopasgroup")) ? "control-group" : "mixed");
}

/* Its defaults where they differ from ours, so that nothing changes unseen. */
static void set_defaults(Program *program)
{
        static const struct {
                const char *section, *key, *value;
        } defaults[] = { { "Pool", "Restart", "on-failure" },
                         { "Pool", "RestartSec", "1s" },
                         { "Log", "MaxSize", "50M" },
                         { "Log", "MaxFiles", "11" } };

        for (size_t i = 0; i < COUNT_OF(defaults); i++)
                if (!import_has(program->pool, defaults[i].section, defaults[i].key))
                        set(program, NULL, defaults[i].section, defaults[i].key, defaults[i].value);
}

/* [supervisord] has settings that all programs inherit. */
static void set_inherited(Program *program, const IniFile *file)
{
        static const struct {
                const char *from, *key;
        } inherited[] = { { "user", "User" }, { "umask", "UMask" } };
        const IniSection *daemon = ini_section(file, "supervisord");

        for (size_t i = 0; i < COUNT_OF(inherited); i++)
                if (!ini_value(program->section, inherited[i].from))
                        set(program, NULL, "Pool", inherited[i].key,
                            ini_value(daemon, inherited[i].from));
        for (size_t i = 0; daemon && i < daemon->count; i++)
                if (text_equal(daemon->entries[i].key, "environment"))
                        take_environment(program, &daemon->entries[i]);
}

/* Whether @list ("a,b, c") has @name. */
static bool list_has(const char *list, const char *name)
{
        size_t length = strlen(name);

        while (list && *list) {
                size_t word;

                list += strspn(list, ", \t");
                word = strcspn(list, ", \t");
                if (word == length && strncmp(list, name, length) == 0)
                        return true;
                list += word;
        }
        return false;
}

static const IniSection *group_of(const IniFile *file, const char *program)
{
        for (size_t i = 0; i < file->count; i++)
                if (text_after(file->sections[i].name, "group:")
                    && list_has(ini_value(&file->sections[i], "programs"), program))
                        return &file->sections[i];
        return NULL;
}

static void program_make(const ImportSource *source, Import *import, const IniFile *file,
                         const IniSection *section)
{
        const IniSection *group = group_of(file, section->name + strlen("program:"));
        Program program = { .import = import, .source = source, .section = section };
        AUTO_TEXT name = { 0 }, origin = { 0 };

        program.name = section->name + strlen("program:");
        program.group = group ? group->name + strlen("group:") : NULL;
        text_printf(&name, "%s%s%s", group ? program.group : "", group ? "." : "", program.name);
        text_printf(&origin, "[%s]", section->name);
        if (name.error || origin.error) {
                import->error = -ENOMEM;
                return;
        }
        program.pool = import_pool_add(import, source, section->line, name.bytes, origin.bytes);
        set_inherited(&program, file); /* first: a program's own variables win */
        for (size_t i = 0; i < section->count; i++)
                entry_take(&program, &section->entries[i]);
        set_processes(&program);
        set_kill_mode(&program);
        set_defaults(&program);
}

/* ---- order ---- */

static long priority_of(const IniFile *file, const IniSection *section)
{
        const IniSection *group = group_of(file, section->name + strlen("program:"));
        const char *of_group = ini_value(group, "priority");
        const char *own = ini_value(section, "priority");

        return of_group ? strtol(of_group, NULL, 10)
               : own    ? strtol(own, NULL, 10)
                        : PRIORITY_DEFAULT;
}

static const IniSection *section_of(const IniFile *file, const ImportPool *pool)
{
        for (size_t i = 0; i < file->count; i++)
                if (file->sections[i].line == pool->line)
                        return &file->sections[i];
        return NULL;
}

/* The priority just below that of @pool, -1 if there is none. */
static long priority_below(const Import *import, size_t first, const IniFile *file, long priority)
{
        long best = -1;

        for (size_t i = first; i < import->pool_count; i++) {
                long other = priority_of(file, section_of(file, import->pools[i]));

                if (other < priority && other > best)
                        best = other;
        }
        return best;
}

/* Lower priorities start first: After= names all pools of the next lower one. */
static void order_set(const ImportSource *source, Import *import, size_t first, const IniFile *file)
{
        for (size_t i = first; i < import->pool_count; i++) {
                ImportPool *pool = import->pools[i];
                long priority = priority_of(file, section_of(file, pool));
                long below = priority_below(import, first, file, priority);
                AUTO_TEXT after = { 0 };

                for (size_t j = first; j < import->pool_count && below >= 0; j++)
                        if (priority_of(file, section_of(file, import->pools[j])) == below)
                                text_printf(&after, "%s%s", after.length ? " " : "",
                                            import->pools[j]->name);
                if (after.error)
                        import->error = after.error;
                import_set(import, pool, pool->line, "Pool", "After", after.bytes);
                if (after.length > 0)
                        import_remark(import, IMPORT_NOTE, source, pool->line, pool, "priority",
                                      "starts once %s is ready, where supervisord only began with "
                                      "it first",
                                      after.bytes);
        }
}

/* ---- other sections ---- */

static void section_tell(const ImportSource *source, Import *import, const IniSection *section)
{
        static const struct {
                const char *name;
                ImportKind kind;
                const char *advice;
        } known[] = {
                { "group:", IMPORT_NOTE,
                  "the pools of the group begin with its name: reevectl restart 'GROUP.*'" },
                { "fcgi-program:", IMPORT_DROPPED,
                  "the socket cannot be descriptor 0; ListenStream= of a pool passes it as "
                  "LISTEN_FDS" },
                { "eventlistener:", IMPORT_DROPPED,
                  "read events with reevectl events -f -o json, or GET /v1/events" },
                { "include", IMPORT_DROPPED, "import these files too, in one call with this one" },
                { "inet_http_server", IMPORT_DROPPED,
                  "ListenHTTP= and TokenFile= in reeve.conf open the API over TCP" },
                { "unix_http_server", IMPORT_NOTE,
                  "the API's socket is always there; see OperateGroup= in reeve.conf(5)" },
                { "supervisord", IMPORT_NOTE,
                  "user, umask and environment went to the pools; the rest is about the daemon, "
                  "see reeve.conf(5)" },
                { "supervisorctl", IMPORT_NOTE, "reevectl finds its daemon by itself" },
                { "rpcinterface:", IMPORT_NOTE, "scripts use the HTTP API, see reeve-api(7)" },
                { "ctlplugin:", IMPORT_DROPPED, "reevectl takes no plug-ins" },
        };
        char name[160];

        (void)snprintf(name, sizeof(name), "[%.150s]", section->name);
        for (size_t i = 0; i < COUNT_OF(known); i++)
                if (text_after(section->name, known[i].name)) {
                        import_remark(import, known[i].kind, source, section->line, NULL, name,
                                      "%s", known[i].advice);
                        return;
                }
        import_remark(import, IMPORT_DROPPED, source, section->line, NULL, name,
                      "is no section of supervisord that reeve knows of");
}

static bool supervisord_is_it(const char *name, const char *text)
{
        static const char *const marks[] = { "[program:", "[supervisord]",
                                             "[group:", "[eventlistener:", "[fcgi-program:" };

        for (size_t i = 0; i < COUNT_OF(marks); i++)
                if (strstr(text, marks[i]))
                        return true;
        return text_equal(name, "supervisord.conf");
}

static int supervisord_read(const ImportSource *source, Import *import, Error *reterr)
{
        AUTO_INI file = { 0 };
        size_t first = import->pool_count;
        int r = ini_read(source->path, source->text, INI_PYTHON, &file, reterr);

        if (r < 0)
                return r == -ENOMEM ? error_set(reterr, r, OUTCOME_FAILED, "out of memory") : r;
        for (size_t i = 0; i < file.count && !import->error; i++) {
                if (text_after(file.sections[i].name, "program:"))
                        program_make(source, import, &file, &file.sections[i]);
                else
                        section_tell(source, import, &file.sections[i]);
        }
        if (!import->error)
                order_set(source, import, first, &file);
        return 0;
}

const ImportFormat import_supervisord = { "supervisord", "supervisord", supervisord_is_it,
                                          supervisord_read };
