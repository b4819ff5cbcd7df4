/* import_pm2.c - PM2's ecosystem file, as JSON
 *
 * Each app is a pool. Every key has a row in a table, as for supervisord. Jansson does not keep
 * lines, so the line of a key is looked for in the text, behind that of its app's first key. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/import_words.h"
#include "ctl/outcome.h"
#include "ctl/value.h"

typedef struct App {
        Import *import;
        const ImportSource *source;
        const json_t *object;
        ImportPool *pool;
        const char *text, *end; /* of the app in the file */
        char *directory;        /* cwd, absolute */
} App;

typedef struct Rule Rule;

struct Rule {
        const char *name;
        const char *section, *key;
        void (*take)(App *app, const Rule *rule, const json_t *value);
        ImportKind kind;
        const char *advice;
};

/* ---- places ---- */

static unsigned line_of(const char *text, const char *at)
{
        unsigned line = 1;

        for (; text < at; text++)
                line += *text == '\n';
        return line;
}

/* The end of the JSON string that begins at @at. */
static const char *string_end(const char *at)
{
        for (at++; *at && *at != '"'; at++)
                at += *at == '\\' && at[1];
        return *at ? at + 1 : at;
}

/* Where @key stands in an object, @at behind its '{'; its values are passed over. NULL: nowhere */
static const char *key_place(const char *at, const char *end, const char *key)
{
        size_t length = strlen(key);
        unsigned depth = 1;

        while (at < end && *at && depth > 0) {
                if (*at == '"') {
                        const char *after = string_end(at),
                                   *next = after + strspn(after, " \t\r\n");

                        if (depth == 1 && *next == ':' && strncmp(at + 1, key, length) == 0
                            && at[1 + length] == '"')
                                return at;
                        at = after;
                        continue;
                }
                depth += *at == '{' || *at == '[';
                depth -= *at == '}' || *at == ']';
                at++;
        }
        return NULL;
}

/* The end of the object that begins at @at. */
static const char *object_end(const char *at)
{
        unsigned depth = 0;

        while (*at) {
                if (*at == '"') {
                        at = string_end(at);
                        continue;
                }
                depth += *at == '{' || *at == '[';
                depth -= *at == '}' || *at == ']';
                at++;
                if (depth == 0)
                        break;
        }
        return at;
}

static unsigned key_line(const App *app, const char *key)
{
        const char *place = key_place(app->text + 1, app->end, key);

        return line_of(app->source->text, place ? place : app->text);
}

/* ---- remarks and settings ---- */

static void remark(App *app, ImportKind kind, const char *key, const char *advice)
{
        const json_t *value = json_object_get(app->object, key);
        AUTO_FREE char *shown = value_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
        char setting[100];

        (void)snprintf(setting, sizeof(setting), "%s: %.72s", key, shown ? shown : "");
        import_remark(app->import, kind, app->source, key_line(app, key), app->pool, setting, "%s",
                      advice);
}

static void set(App *app, const char *key_there, const char *section, const char *key,
                const char *value)
{
        import_set(app->import, app->pool, key_there ? key_line(app, key_there) : 0, section, key,
                   value);
}

/* Strings as they are, numbers as people write them, true and false. Return: malloc'd, NULL */
static char *scalar(const json_t *value)
{
        char number[40];

        if (json_is_string(value))
                return strdup(json_string_value(value));
        if (json_is_boolean(value))
                return strdup(json_is_true(value) ? "true" : "false");
        if (json_is_integer(value))
                (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                               json_integer_value(value));
        else if (json_is_real(value))
                (void)snprintf(number, sizeof(number), "%.15g", json_real_value(value));
        else
                return NULL;
        return strdup(number);
}

static const char *string_at(const App *app, const char *key)
{
        const char *value = json_string_value(json_object_get(app->object, key));

        return value && *value ? value : NULL;
}

static bool is_nothing(const json_t *value)
{
        return !value || json_is_null(value) || json_is_false(value)
               || (json_is_array(value) && json_array_size(value) == 0)
               || (json_is_string(value) && json_string_length(value) == 0);
}

/* ---- settings with a way of their own ---- */

static void take_text(App *app, const Rule *rule, const json_t *value)
{
        AUTO_FREE char *text = scalar(value);

        set(app, rule->name, rule->section, rule->key, text);
}

/* PM2 counts milliseconds, or takes "3s". */
static void take_span(App *app, const Rule *rule, const json_t *value)
{
        AUTO_FREE char *text = scalar(value);
        AUTO_TEXT span = { 0 };

        if (!text)
                return;
        text_printf(&span, "%s%s", text, text[strspn(text, "0123456789")] ? "" : "ms");
        set(app, rule->name, rule->section, rule->key, span.bytes);
}

static void take_restart_delay(App *app, const Rule *rule, const json_t *value)
{
        take_span(app, rule, value);
        take_span(app, &(Rule){ rule->name, rule->section, "RestartMaxDelaySec" }, value);
}

static void take_backoff(App *app, const Rule *rule, const json_t *value)
{
        take_span(app, rule, value);
        set(app, rule->name, "Pool", "RestartMaxDelaySec", "15s");
}

static void take_instances(App *app, const Rule *rule, const json_t *value)
{
        AUTO_FREE char *text = scalar(value);
        long count = text ? strtol(text, NULL, 10) : 1;
        char number[16];

        if (text_equal(text, "max") || count <= 0) {
                count = MAX((long)app->source->cpus + count, 1L);
                remark(app, IMPORT_NOTE, rule->name,
                       "Processes= is what it comes to with the CPUs of this machine");
        }
        (void)snprintf(number, sizeof(number), "%ld", MIN(count, 65536L));
        set(app, rule->name, "Scale", "Processes", number);
}

static void take_exec_mode(App *app, const Rule *rule, const json_t *value)
{
        if (text_after(json_string_value(value) ?: "", "cluster"))
                remark(app, IMPORT_CHANGED, rule->name,
                       "there is no cluster module: with ListenStream= in [Listen] the processes "
                       "share a socket, server.listen({fd: 3})");
}

static void take_args(App *app, const Rule *rule, const json_t *value)
{
        if (!json_is_array(value) && !json_is_string(value))
                remark(app, IMPORT_DROPPED, rule->name, "expected a string or an array");
}

static void take_autorestart(App *app, const Rule *rule, const json_t *value)
{
        set(app, rule->name, "Pool", "Restart", json_is_false(value) ? "no" : "always");
}

static void take_max_restarts(App *app, const Rule *rule, const json_t *value)
{
        take_text(app, rule, value);
        remark(app, IMPORT_CHANGED, rule->name,
               "starts are counted over StartLimitIntervalSec= (60s)");
}

static void take_wait_ready(App *app, const Rule *rule, const json_t *value)
{
        if (!json_is_true(value))
                return;
        set(app, rule->name, "Pool", "Type", "notify");
        remark(app, IMPORT_CHANGED, rule->name,
               "readiness is told by READY=1 to NOTIFY_SOCKET (sd_notify) in place of "
               "process.send('ready')");
}

static void take_listen_timeout(App *app, const Rule *rule, const json_t *value)
{
        if (json_is_true(json_object_get(app->object, "wait_ready")))
                take_span(app, rule, value);
}

static void take_file(App *app, const Rule *rule, const json_t *value)
{
        AUTO_FREE char *text = scalar(value);
        AUTO_FREE char *path = text ? import_path(app->directory, text) : NULL;
        AUTO_TEXT output = { 0 };

        if (!path || import_has(app->pool, "Pool", rule->key))
                return;
        if (text_equal(path, "/dev/null") || text_equal(text, "NULL")) {
                set(app, rule->name, "Pool", rule->key, "null");
                return;
        }
        text_printf(&output, "append:%s", path);
        set(app, rule->name, "Pool", rule->key, output.bytes);
        remark(app, IMPORT_NOTE, rule->name,
               "all processes of the pool append to it; it is not rotated, where "
               "StandardOutput=log "
               "would be");
}

static void take_timestamps(App *app, const Rule *rule, const json_t *value)
{
        set(app, rule->name, "Log", "Timestamps", "yes");
        if (json_is_string(value))
                remark(app, IMPORT_CHANGED, rule->name, "the format of the time is reeve's own");
}

static void take_treekill(App *app, const Rule *rule, const json_t *value)
{
        if (json_is_false(value))
                set(app, rule->name, "Pool", "KillMode", "process");
}

static void variables_take(App *app, const char *name)
{
        const json_t *value, *variables = json_object_get(app->object, name);
        const char *key;

        json_object_foreach((json_t *)variables, key, value)
        {
                AUTO_FREE char *text = scalar(value);

                if (text)
                        import_variable(app->import, app->pool, key_line(app, name), key, text);
        }
}

/* env first, so that the chosen env_NAME wins. */
static void take_env(App *app, const Rule *rule, const json_t *value)
{
        char chosen[128];

        variables_take(app, "env");
        (void)snprintf(chosen, sizeof(chosen), "env_%s",
                       app->source->environment ? app->source->environment : "");
        if (app->source->environment)
                variables_take(app, chosen);
}

static void take_env_file(App *app, const Rule *rule, const json_t *value)
{
        const char *given = json_string_value(value);
        AUTO_FREE char *path = given ? import_path(app->directory, given) : NULL;

        set(app, rule->name, "Pool", "EnvironmentFile", path);
}

static void take_memory(App *app, const Rule *rule, const json_t *value)
{
        take_text(app, rule, value);
        remark(app, IMPORT_NOTE, rule->name,
               "a worker must be above it for MaxMemorySec= (30s), and its successor comes first");
}

/* ---- the table ---- */

static const Rule rules[] = {
        { "name", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "script", NULL, NULL, NULL, IMPORT_NOTE, NULL }, /* see command_set() */
        { "cmd", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "args", NULL, NULL, take_args, IMPORT_NOTE, NULL },
        { "interpreter", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "exec_interpreter", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "interpreter_args", NULL, NULL, take_args, IMPORT_NOTE, NULL },
        { "interpreterArgs", NULL, NULL, take_args, IMPORT_NOTE, NULL },
        { "node_args", NULL, NULL, take_args, IMPORT_NOTE, NULL },
        { "cwd", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "instances", NULL, NULL, take_instances, IMPORT_NOTE, NULL },
        { "exec_mode", NULL, NULL, take_exec_mode, IMPORT_NOTE, NULL },
        { "env", NULL, NULL, take_env, IMPORT_NOTE, NULL },
        { "env_file", NULL, NULL, take_env_file, IMPORT_NOTE, NULL },
        { "autorestart", NULL, NULL, take_autorestart, IMPORT_NOTE, NULL },
        { "max_memory_restart", "Pool", "MaxMemory", take_memory, IMPORT_NOTE, NULL },
        { "restart_delay", "Pool", "RestartSec", take_restart_delay, IMPORT_NOTE, NULL },
        { "exp_backoff_restart_delay", "Pool", "RestartSec", take_backoff, IMPORT_NOTE, NULL },
        { "min_uptime", "Pool", "StableSec", take_span, IMPORT_NOTE, NULL },
        { "max_restarts", "Pool", "StartLimitBurst", take_max_restarts, IMPORT_NOTE, NULL },
        { "kill_timeout", "Pool", "TimeoutStopSec", take_span, IMPORT_NOTE, NULL },
        { "wait_ready", NULL, NULL, take_wait_ready, IMPORT_NOTE, NULL },
        { "listen_timeout", "Pool", "TimeoutStartSec", take_listen_timeout, IMPORT_NOTE, NULL },
        { "treekill", NULL, NULL, take_treekill, IMPORT_NOTE, NULL },
        { "user", "Pool", "User", take_text, IMPORT_NOTE, NULL },
        { "uid", "Pool", "User", take_text, IMPORT_NOTE, NULL },
        { "gid", "Pool", "Group", take_text, IMPORT_NOTE, NULL },
        { "description", "Pool", "Description", take_text, IMPORT_NOTE, NULL },
        { "out_file", NULL, "StandardOutput", take_file, IMPORT_NOTE, NULL },
        { "output", NULL, "StandardOutput", take_file, IMPORT_NOTE, NULL },
        { "out", NULL, "StandardOutput", take_file, IMPORT_NOTE, NULL },
        { "log_file", NULL, "StandardOutput", take_file, IMPORT_NOTE, NULL },
        { "log", NULL, "StandardOutput", take_file, IMPORT_NOTE, NULL },
        { "error_file", NULL, "StandardError", take_file, IMPORT_NOTE, NULL },
        { "error", NULL, "StandardError", take_file, IMPORT_NOTE, NULL },
        { "err_file", NULL, "StandardError", take_file, IMPORT_NOTE, NULL },
        { "log_date_format", NULL, NULL, take_timestamps, IMPORT_NOTE, NULL },
        { "time", NULL, NULL, take_timestamps, IMPORT_NOTE, NULL },
        { "merge_logs", NULL, NULL, NULL, IMPORT_NOTE, NULL }, /* files are one for the pool */
        { "combine_logs", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "namespace", NULL, NULL, NULL, IMPORT_NOTE, "pools are addressed by patterns of names" },
        { "version", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "source_map_support", NULL, NULL, NULL, IMPORT_NOTE,
          "put --enable-source-maps into the command if traces need it" },
        { "disable_source_map_support", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "pid_file", NULL, NULL, NULL, IMPORT_DROPPED, "reevectl ps POOL -o json tells the PIDs" },
        { "log_type", NULL, NULL, NULL, IMPORT_DROPPED, "output is kept as it is written" },
        { "instance_var", NULL, NULL, NULL, IMPORT_DROPPED, "read REEVE_SLOT in the program" },
        { "increment_var", NULL, NULL, NULL, IMPORT_DROPPED,
          "add REEVE_SLOT to the first value in the program" },
        { "cron_restart", NULL, NULL, NULL, IMPORT_DROPPED,
          "let cron run reevectl restart POOL --rolling" },
        { "cron", NULL, NULL, NULL, IMPORT_DROPPED,
          "let cron run reevectl restart POOL --rolling" },
        { "stop_exit_codes", NULL, NULL, NULL, IMPORT_DROPPED,
          "Restart=on-failure ends with exit code 0 alone" },
        { "shutdown_with_message", NULL, NULL, NULL, IMPORT_DROPPED,
          "workers are stopped by KillSignal=, handle it in the program" },
        { "watch", NULL, NULL, NULL, IMPORT_DROPPED,
          "files are not watched; deploy with reevectl restart POOL --rolling" },
        { "ignore_watch", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "watch_options", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "watch_delay", NULL, NULL, NULL, IMPORT_NOTE, NULL },
        { "append_env_to_name", NULL, NULL, NULL, IMPORT_DROPPED, "rename the pool's file" },
        { "filter_env", NULL, NULL, NULL, IMPORT_NOTE,
          "workers get PATH, LANG, TZ and what the pool says, nothing else of the environment" },
};

static void key_take(App *app, const char *key, const json_t *value)
{
        for (size_t i = 0; i < COUNT_OF(rules); i++) {
                if (!text_equal(rules[i].name, key))
                        continue;
                if (is_nothing(value) && !text_equal(key, "autorestart")
                    && !text_equal(key, "treekill"))
                        return;
                if (rules[i].take)
                        rules[i].take(app, &rules[i], value);
                if (rules[i].advice)
                        remark(app, rules[i].kind, key, rules[i].advice);
                return;
        }
        if (!text_after(key, "env_"))
                remark(app, IMPORT_DROPPED, key, "reeve has nothing for this");
        else if (!app->source->environment)
                remark(app, IMPORT_NOTE, key, "choose one of these environments with --env");
}

/* ---- the command ---- */

/* What PM2 runs files of an ending by. */
static const char *interpreter_of(const App *app, const char *script)
{
        static const struct {
                const char *pattern, *program;
        } known[] = { { "*.js", "node" }, { "*.cjs", "node" },   { "*.mjs", "node" },
                      { "*.ts", "bun" },  { "*.py", "python3" }, { "*.sh", "bash" },
                      { "*.rb", "ruby" }, { "*.php", "php" },    { "*.pl", "perl" } };
        const char *given = string_at(app, "interpreter") ?: string_at(app, "exec_interpreter");

        if (given)
                return text_equal(given, "none") ? NULL : given;
        for (size_t i = 0; i < COUNT_OF(known); i++)
                if (text_matches(known[i].pattern, script))
                        return known[i].program;
        return NULL;
}

static void words_add(App *app, char ***words, const char *word)
{
        AUTO_TEXT escaped = { 0 };

        import_escape(&escaped, word);
        if (escaped.error || text_list_add(words, escaped.bytes ? escaped.bytes : "") < 0)
                app->import->error = -ENOMEM;
}

/* "--a b" or ["--a", "b"] */
static void words_add_value(App *app, char ***words, const char *key)
{
        const json_t *item, *value = json_object_get(app->object, key);
        char **split = NULL;
        size_t index;

        json_array_foreach((json_t *)value, index, item)
        {
                AUTO_FREE char *text = scalar(item);

                if (text)
                        words_add(app, words, text);
        }
        if (!json_is_string(value))
                return;
        if (shell_split(json_string_value(value), &split) == -EINVAL)
                remark(app, IMPORT_DROPPED, key, "a quote is not closed");
        for (char **word = split; word && *word; word++)
                words_add(app, words, *word);
        (void)text_list_free(split);
}

static void command_set(App *app, const char *script)
{
        const char *interpreter = interpreter_of(app, script);
        bool is_bare = !interpreter && !strchr(script, '/') && app->source->find;
        AUTO_FREE char *found = is_bare ? app->source->find(script) : NULL;
        AUTO_FREE char *path = found ? strdup(script) : import_path(app->directory, script);
        char **words = NULL;

        if (interpreter) {
                words_add(app, &words, interpreter);
                words_add_value(app, &words, "interpreter_args");
                words_add_value(app, &words, "interpreterArgs");
                words_add_value(app, &words, "node_args");
        }
        words_add(app, &words, path ? path : script);
        words_add_value(app, &words, "args");
        if (words && !app->import->error)
                import_command(app->import, app->source, app->pool, key_line(app, "script"), words,
                               app->directory);
        (void)text_list_free(words);
}

/* ---- an app ---- */

/* PM2 stops by SIGINT, and kills 1.6 s later. */
static void set_defaults(App *app)
{
        set(app, NULL, "Pool", "KillSignal", "SIGINT");
        if (!import_has(app->pool, "Pool", "TimeoutStopSec"))
                set(app, NULL, "Pool", "TimeoutStopSec", "1600ms");
}

static void app_take(App *app)
{
        const char *script = string_at(app, "script") ?: string_at(app, "cmd");
        const char *name = string_at(app, "name");
        const char *directory = string_at(app, "cwd");
        unsigned line = line_of(app->source->text, app->text);
        const json_t *value;
        const char *key;

        if (!script) {
                import_remark(app->import, IMPORT_DROPPED, app->source, line, NULL,
                              name ? name : "app", "has no script to run");
                return;
        }
        app->directory = import_path(app->source->folder, directory ? directory : ".");
        app->pool = import_pool_add(app->import, app->source, line, name ? name : script,
                                    name ? name : script);
        if (!app->directory || !app->pool)
                return;
        set(app, directory ? "cwd" : NULL, "Pool", "WorkingDirectory", app->directory);
        if (shell_is_needed(script))
                import_shell(app->import, app->source, app->pool, key_line(app, "script"), script,
                             app->directory);
        else
                command_set(app, script);
        json_object_foreach((json_t *)app->object, key, value) key_take(app, key, value);
        set_defaults(app);
}

/* Apps are told apart in the text in the order in which they stand there. */
static void apps_take(const ImportSource *source, Import *import, const json_t *apps,
                      const char *place)
{
        const json_t *item;
        size_t index;

        json_array_foreach((json_t *)apps, index, item)
        {
                App app = { .import = import, .source = source, .object = item };

                place += strcspn(place, "{[\"");
                app.text = place;
                app.end = place = object_end(place);
                if (json_is_object(item))
                        app_take(&app);
                free(app.directory);
        }
}

static void document_take(const ImportSource *source, Import *import, const json_t *document)
{
        const json_t *value, *apps = json_object_get(document, "apps");
        const char *brace = source->text + strcspn(source->text, "{");
        const char *place = *brace ? key_place(brace + 1, brace + strlen(brace), "apps") : NULL;
        AUTO_JSON *alone = json_is_object(apps) ? json_pack("[O]", apps) : NULL;
        const char *key;

        if (json_is_array(apps) && place)
                apps_take(source, import, apps, strchr(place, '[') + 1);
        else if (alone && place)
                apps_take(source, import, alone, strchr(place, '{'));
        json_object_foreach((json_t *)document, key, value)
        {
                const char *at = key_place(brace + 1, brace + strlen(brace), key);

                if (!text_equal(key, "apps"))
                        import_remark(import, IMPORT_DROPPED, source, line_of(source->text, at),
                                      NULL, key, "reeve does not deploy; see your deployment tool");
        }
}

static bool pm2_is_it(const char *name, const char *text)
{
        size_t blanks = strspn(text, " \t\r\n");

        return text_matches("*.json", name) || text[blanks] == '{'
               || (text[blanks] == '[' && strchr("{\r\n \t", text[blanks + 1])
                   && strstr(text, "\"script\""));
}

static int pm2_read(const ImportSource *source, Import *import, Error *reterr)
{
        json_error_t error;
        AUTO_JSON *document =
                json_loadb(source->text, source->length, JSON_REJECT_DUPLICATES, &error);
        AUTO_JSON *alone = NULL;

        if (!document)
                return error_set(reterr, -EINVAL, OUTCOME_FAILED, "%s:%d:%d: no JSON: %s",
                                 source->path, error.line, error.column, error.text);
        if (json_is_array(document)) {
                apps_take(source, import, document, strchr(source->text, '[') + 1);
        } else if (json_object_get(document, "script")) {
                alone = json_pack("[O]", document);
                apps_take(source, import, alone, source->text);
        } else {
                document_take(source, import, document);
        }
        return 0;
}

const ImportFormat import_pm2 = { "pm2", "PM2 ecosystem", pm2_is_it, pm2_read };
