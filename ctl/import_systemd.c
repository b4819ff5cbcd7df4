/* import_systemd.c - a .service file
 *
 * reeve's keys are systemd's where systemd has them, so what the table of keys knows is taken as
 * it is, and reeve's own reader judges the values afterwards. The rest has advice by name or by
 * the group that it belongs to. Defaults that differ are written out. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "ctl/import_ini.h"
#include "ctl/import_words.h"
#include "ctl/outcome.h"

typedef struct Unit {
        Import *import;
        const ImportSource *source;
        const IniEntry *entry; /* that is being taken */
        ImportPool *pool;
        char prefix[128], instance[128]; /* of NAME@INSTANCE.service */
        bool is_template;                /* NAME@.service: the slot is the instance */
        const IniEntry *at_home;         /* WorkingDirectory=~, whose User= may come later */
} Unit;

typedef struct Advice {
        const char *pattern; /* of keys, shell style */
        ImportKind kind;
        const char *text; /* NULL: nothing to say */
} Advice;

static void remark(Unit *unit, ImportKind kind, const char *advice)
{
        AUTO_TEXT text = { 0 };

        ini_entry_text(unit->entry, &text);
        import_remark(unit->import, kind, unit->source, unit->entry->line, unit->pool, text.bytes,
                      "%s", advice);
}

static void set(Unit *unit, const char *key, const char *value)
{
        import_set(unit->import, unit->pool, unit->entry ? unit->entry->line : 0, "Pool", key,
                   value);
}

/* ---- %i and its like ---- */

static const char *specifier(const Unit *unit, char letter, bool is_command)
{
        const ImportSource *source = unit->source;
        const struct {
                char letter;
                const char *value;
        } known[] = {
                { 'i', unit->instance },
                { 'I', unit->instance },
                { 'p', unit->prefix },
                { 'P', unit->prefix },
                { 'n', source->name },
                { 'N', unit->prefix },
                { 'h', source->home },
                { 'u', source->user },
                { 'H', source->host },
                { 't', "/run" },
                { 'S', "/var/lib" },
                { 'L', "/var/log" },
                { 'C', "/var/cache" },
                { 'E', "/etc" },
                { 'T', "/tmp" },
                { 'V', "/var/tmp" },
                { '%', "%" },
        };

        if ((letter == 'i' || letter == 'I') && unit->is_template)
                return is_command ? "${REEVE_SLOT}" : NULL;
        for (size_t i = 0; i < COUNT_OF(known); i++)
                if (known[i].letter == letter)
                        return known[i].value;
        return NULL;
}

/* Return: malloc'd, NULL without memory (remembered) */
static char *expand(Unit *unit, const char *value, bool is_command)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;
        bool is_told = false;

        for (; *value; value++) {
                const char *found =
                        *value == '%' && value[1] ? specifier(unit, value[1], is_command) : NULL;

                if (*value == '%' && value[1] && !found && !is_told) {
                        is_told = true;
                        remark(unit, IMPORT_CHANGED,
                               "this specifier (%) cannot be expanded here and stands as it is: "
                               "write the value");
                }
                if (found)
                        text_append(&text, found);
                else
                        text_append_bytes(&text, value, 1);
                value += found != NULL;
        }
        if (text_take(&text, &string) < 0)
                unit->import->error = -ENOMEM;
        return string;
}

/* ---- commands ---- */

/* '-', '@', ':', '+' and '!' before the path. Return: what follows */
static const char *without_prefixes(Unit *unit, const char *command)
{
        size_t length = strspn(command, "-@:+!|");

        if (strcspn(command, "-") < length)
                remark(unit, IMPORT_CHANGED,
                       "'-' had failures count as good ends: see Restart= for what follows an end");
        if (strcspn(command, "@") < length)
                remark(unit, IMPORT_CHANGED,
                       "'@' gave the program another name: the word after the path is an "
                       "argument now, take it out");
        if (strcspn(command, ":") < length && strchr(command, '$'))
                remark(unit, IMPORT_CHANGED,
                       "':' kept variables from being replaced: write $$ for each $");
        if (strcspn(command, "+!") < length)
                remark(unit, IMPORT_CHANGED,
                       "'+' and '!' gave the command more rights: it has those of User= now");
        return command + length;
}

/* Only the program itself is made absolute: systemd's quoting is reeve's own. */
static void take_start(Unit *unit, const char *value)
{
        AUTO_FREE char *expanded = expand(unit, without_prefixes(unit, value), true);
        AUTO_TEXT command = { 0 };
        AUTO_FREE char *program = NULL, *word = NULL;
        size_t length;

        if (!expanded || !*expanded)
                return;
        if (import_has(unit->pool, "Pool", "ExecStart")) {
                remark(unit, IMPORT_DROPPED, "a pool has one command; make this a pool of its own");
                return;
        }
        length = strcspn(expanded, " \t");
        word = strndup(expanded, length);
        if (word && *word != '/' && *word != '"' && unit->source->find)
                program = unit->source->find(word);
        if (word && *word != '/' && *word != '"' && !program)
                remark(unit, IMPORT_CHANGED,
                       "PATH has no such program on this machine: write its absolute path");
        text_printf(&command, "%s%s%s",
                    !word || *word == '/' || *word == '"' || program ? "" : "/usr/bin/env ",
                    program ? program
                    : word  ? word
                            : "",
                    expanded + length);
        if (command.error || !word)
                unit->import->error = -ENOMEM;
        else
                set(unit, "ExecStart", command.bytes);
}

/* "/bin/kill -HUP $MAINPID" is ReloadSignal=SIGHUP. */
static void take_reload(Unit *unit, const char *value)
{
        const char *kill = strstr(value, "kill ");
        char name[16] = "";

        if (kill && strstr(kill, "MAINPID")
            && (sscanf(kill, "kill -s %15[A-Z0-9]", name) == 1
                || sscanf(kill, "kill -%15[A-Z0-9]", name) == 1)) {
                char signal[24];

                (void)snprintf(signal, sizeof(signal), "%s%s",
                               isdigit((unsigned char)name[0]) || text_after(name, "SIG") ? ""
                                                                                          : "SIG",
                               name);
                set(unit, "ReloadSignal", signal);
                return;
        }
        if (import_has(unit->pool, "Pool", "ExecReload")) {
                remark(unit, IMPORT_DROPPED, "a pool has one command for reloads");
        } else {
                AUTO_FREE char *expanded = expand(unit, without_prefixes(unit, value), true);

                set(unit, "ExecReload", expanded);
        }
}

static void take_type(Unit *unit, const char *value)
{
        static const Advice types[] = {
                { "simple", IMPORT_NOTE, NULL },
                { "exec", IMPORT_NOTE, NULL },
                { "notify", IMPORT_NOTE, NULL },
                { "notify-reload", IMPORT_NOTE, NULL },
                { "forking", IMPORT_CHANGED,
                  "Type=exec: let the program stay in the foreground; what forks away counts as "
                  "ended" },
                { "oneshot", IMPORT_CHANGED,
                  "Type=exec: pools are for programs that stay; this one runs once at each start "
                  "of the pool" },
                { "dbus", IMPORT_CHANGED, "Type=exec: a name on the bus makes nobody ready" },
                { "idle", IMPORT_CHANGED, "Type=exec: nothing waits for other jobs" },
        };

        for (size_t i = 0; i < COUNT_OF(types); i++)
                if (text_equal(value, types[i].pattern) && types[i].text)
                        remark(unit, types[i].kind, types[i].text);
        if (text_equal(value, "notify-reload"))
                set(unit, "ReloadSignal", "SIGHUP");
        set(unit, "Type",
            text_after(value, "notify")   ? "notify"
            : text_equal(value, "simple") ? "simple"
                                          : "exec");
}

static void take_output(Unit *unit, const char *key, const char *value)
{
        AUTO_FREE char *expanded = expand(unit, value, false);
        AUTO_TEXT output = { 0 };
        const char *path;

        if (!expanded || text_equal(expanded, "inherit"))
                return;
        path = text_after(expanded, "file:") ?: text_after(expanded, "truncate:");
        if (path) {
                remark(unit, IMPORT_CHANGED, "the file is appended to, not written over");
                text_printf(&output, "append:%s", path);
        } else if (text_after(expanded, "syslog") || text_after(expanded, "kmsg")
                   || text_after(expanded, "journal")) {
                text_append(&output, "journal");
        } else if (text_after(expanded, "tty") || text_after(expanded, "socket")
                   || text_after(expanded, "fd:")) {
                remark(unit, IMPORT_DROPPED, "output goes to log, journal, null or append:/path");
                return;
        } else {
                text_append(&output, expanded);
        }
        set(unit, key, output.bytes);
}

static void take_directory(Unit *unit, const char *value)
{
        const char *path = value + (*value == '-');
        AUTO_FREE char *expanded = expand(unit, path, false);

        if (path != value)
                remark(unit, IMPORT_CHANGED, "'-' let the folder be missing: it must be there now");
        unit->at_home = text_equal(expanded, "~") ? unit->entry : NULL;
        if (!unit->at_home)
                set(unit, "WorkingDirectory", expanded);
}

/* "~" is the home of the user that the service runs as. */
static void home_set(Unit *unit)
{
        const char *user = import_value(unit->pool, "Pool", "User");
        AUTO_FREE char *home = NULL;

        unit->entry = unit->at_home;
        if (!unit->entry)
                return;
        home = user ? unit->source->home_of(user) : strdup(unit->source->home);
        if (home)
                set(unit, "WorkingDirectory", home);
        else
                remark(unit, IMPORT_DROPPED,
                       "the user is not known on this machine: write the path of its home");
}

static void take_restart(Unit *unit, const char *value)
{
        bool is_watchdog = text_equal(value, "on-watchdog");

        if (is_watchdog)
                remark(unit, IMPORT_CHANGED,
                       "Restart=on-abnormal: after signals and timeouts of all kinds");
        set(unit, "Restart", is_watchdog ? "on-abnormal" : value);
}

/* ---- [Unit] ---- */

/* Units that are there before reeved is. */
static bool is_early(const char *name)
{
        return text_matches("*.target", name) || text_matches("systemd-*", name)
               || text_matches("*.mount", name) || text_equal(name, "dbus.service")
               || text_matches("*.slice", name) || text_matches("*.socket", name);
}

static void take_order(Unit *unit, const char *key, const char *value)
{
        AUTO_FREE char *copy = strdup(value);
        char *rest = NULL;

        for (char *name = copy ? strtok_r(copy, " \t", &rest) : NULL; name;
             name = strtok_r(NULL, " \t", &rest)) {
                char advice[300];

                if (is_early(name))
                        continue;
                (void)snprintf(advice, sizeof(advice),
                               "%.128s is a unit: a pool of that name can be named in %s=; for "
                               "units that reeve does not run, see After= of reeved.service",
                               name, key);
                remark(unit, IMPORT_DROPPED, advice);
        }
}

/* ---- what has no counterpart ---- */

/* The first that fits counts. */
static const Advice advices[] = {
        { "ExecStartPre", IMPORT_DROPPED,
          "do it in the command: ExecStart=/bin/sh -c 'PREPARE && exec PROGRAM'" },
        { "ExecCondition", IMPORT_DROPPED,
          "do it in the command: ExecStart=/bin/sh -c 'TEST && exec PROGRAM'" },
        { "ExecStartPost", IMPORT_DROPPED,
          "let the program do it, or follow reevectl events -f -o json" },
        { "ExecStop*", IMPORT_DROPPED,
          "workers are stopped by KillSignal=; let the program clean up when it comes" },
        { "PIDFile", IMPORT_NOTE, "not needed: reeve holds the process itself" },
        { "RemainAfterExit", IMPORT_DROPPED, "a pool without workers is not running" },
        { "GuessMainPID", IMPORT_NOTE, "not needed" },
        { "BusName", IMPORT_DROPPED, "a name on the bus makes nobody ready; use Type=notify" },
        { "NotifyAccess", IMPORT_NOTE, "messages are taken from the processes of the slot" },
        { "SuccessExitStatus", IMPORT_DROPPED, "0 alone is a good end: exit with 0" },
        { "RestartPreventExitStatus", IMPORT_DROPPED, "use Restart=on-abnormal or exit with 0" },
        { "RestartForceExitStatus", IMPORT_DROPPED, "use Restart=always" },
        { "RestartSteps", IMPORT_DROPPED, "delays double up to RestartMaxDelaySec=" },
        { "TimeoutAbortSec", IMPORT_DROPPED, "a hung worker is given TimeoutStopSec=" },
        { "*FailureMode", IMPORT_DROPPED,
          "a worker that takes too long is sent SIGTERM, then SIGKILL" },
        { "Sockets", IMPORT_DROPPED, "write ListenStream= of the socket unit into [Listen]" },
        { "FileDescriptorStoreMax", IMPORT_DROPPED, "listening sockets are kept by reeve anyway" },
        { "DynamicUser", IMPORT_DROPPED, "make a user for the pool and name it in User=" },
        { "SupplementaryGroups", IMPORT_DROPPED, "make the user a member of these groups" },
        { "PAMName", IMPORT_DROPPED, "workers have no sessions" },
        { "RuntimeDirectory*", IMPORT_DROPPED, "make the folder by tmpfiles.d(5)" },
        { "StateDirectory*", IMPORT_DROPPED, "make the folder once, for the user of the pool" },
        { "CacheDirectory*", IMPORT_DROPPED, "make the folder once, for the user of the pool" },
        { "LogsDirectory*", IMPORT_DROPPED, "make the folder once, for the user of the pool" },
        { "ConfigurationDirectory*", IMPORT_DROPPED, "make the folder once" },
        { "LoadCredential*", IMPORT_DROPPED,
          "use EnvironmentFile= or a file that only User= may read" },
        { "SetCredential*", IMPORT_DROPPED,
          "use EnvironmentFile= or a file that only User= may read" },
        { "PassEnvironment", IMPORT_DROPPED, "write the variables into Environment=" },
        { "UnsetEnvironment", IMPORT_DROPPED, "workers get PATH, LANG, TZ and what the pool says" },
        { "Slice", IMPORT_DROPPED, "workers live in groups of reeve's own" },
        { "Delegate*", IMPORT_DROPPED, "a slot's group is reeve's" },
        { "SyslogIdentifier", IMPORT_NOTE, "output is told apart by pool and slot" },
        { "SyslogFacility", IMPORT_DROPPED, "output is told apart by pool and slot" },
        { "SyslogLevel*", IMPORT_DROPPED, "output is told apart by pool and slot" },
        { "LogRateLimit*", IMPORT_DROPPED,
          "output is not rationed; MaxSize= and MaxFiles= bound it" },
        { "LogLevelMax", IMPORT_DROPPED, "output is not filtered" },
        { "StandardInput*", IMPORT_DROPPED, "workers read /dev/null" },
        { "TTY*", IMPORT_DROPPED, "workers have no terminal" },
        { "SendSIGKILL", IMPORT_DROPPED, "what outlives TimeoutStopSec= is always killed" },
        { "SendSIGHUP", IMPORT_DROPPED, "KillSignal= alone is sent" },
        { "FinalKillSignal", IMPORT_DROPPED, "it is always SIGKILL" },
        { "RestartKillSignal", IMPORT_DROPPED, "KillSignal= is used for restarts too" },
        { "WatchdogSignal", IMPORT_DROPPED, "a hung worker is stopped as any other" },
        { "OOMPolicy", IMPORT_NOTE, "a worker that the kernel kills is started again" },
        { "Description", IMPORT_NOTE, NULL },
        { "Documentation", IMPORT_NOTE, NULL },
        { "Private*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "Protect*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "Restrict*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "Read*Paths", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "InaccessiblePaths", IMPORT_DROPPED,
          "a drop-in of reeved.service sets it for all pools" },
        { "Capabilit*", IMPORT_DROPPED, "a drop-in of reeved.service bounds them for all pools" },
        { "AmbientCapabilities", IMPORT_DROPPED,
          "listen by ListenStream= for low ports; else give the file capabilities (setcap)" },
        { "SystemCall*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "IO*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "IP*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
        { "Device*", IMPORT_DROPPED, "a drop-in of reeved.service sets it for all pools" },
};

static const char *same_key(const char *key)
{
        const ConfigKey *known;

        for (size_t i = 0; (known = config_key_at(i)); i++)
                if (text_equal(known->section, "Pool") && text_equal(known->name, key))
                        return known->name;
        return NULL;
}

static void advise(Unit *unit)
{
        for (size_t i = 0; i < COUNT_OF(advices); i++)
                if (text_matches(advices[i].pattern, unit->entry->key)) {
                        if (advices[i].text)
                                remark(unit, advices[i].kind, advices[i].text);
                        return;
                }
        remark(unit, IMPORT_DROPPED, "reeve has nothing for this");
}

static void take_same(Unit *unit, const char *key, const char *value)
{
        AUTO_FREE char *expanded = expand(unit, value, false);

        set(unit, key, expanded);
}

/* ---- a unit ---- */

static void entry_service(Unit *unit)
{
        const IniEntry *entry = unit->entry;
        const char *same = same_key(entry->key);

        if (!*entry->value)
                return; /* the reset of a list: nothing came before */
        if (text_equal(entry->key, "ExecStart"))
                take_start(unit, entry->value);
        else if (text_equal(entry->key, "ExecReload"))
                take_reload(unit, entry->value);
        else if (text_equal(entry->key, "Type"))
                take_type(unit, entry->value);
        else if (text_equal(entry->key, "WorkingDirectory"))
                take_directory(unit, entry->value);
        else if (text_equal(entry->key, "Restart"))
                take_restart(unit, entry->value);
        else if (text_after(entry->key, "Standard") && same)
                take_output(unit, same, entry->value);
        else if (text_equal(entry->key, "TimeoutSec")) {
                take_same(unit, "TimeoutStartSec", entry->value);
                take_same(unit, "TimeoutStopSec", entry->value);
        } else if (text_equal(entry->key, "MemoryLimit")) {
                take_same(unit, "MemoryMax", entry->value);
        } else if (text_equal(entry->key, "RuntimeMaxSec")) {
                take_same(unit, "MaxAgeSec", entry->value);
                remark(unit, IMPORT_CHANGED, "MaxAgeSec=: at that age a worker is replaced");
        } else if (text_equal(entry->key, "StartLimitInterval")) {
                take_same(unit, "StartLimitIntervalSec", entry->value);
        } else if (text_equal(entry->key, "KillMode") && text_equal(entry->value, "none")) {
                remark(unit, IMPORT_CHANGED, "KillMode=process: something must end a worker");
                set(unit, "KillMode", "process");
        } else if (same) {
                take_same(unit, same, entry->value);
        } else {
                advise(unit);
        }
}

static void entry_unit(Unit *unit)
{
        const char *key = unit->entry->key, *value = unit->entry->value;

        if (text_equal(key, "Description"))
                take_same(unit, "Description", value);
        else if (text_after(key, "StartLimit") && same_key(key))
                take_same(unit, same_key(key), value);
        else if (text_equal(key, "StartLimitInterval"))
                take_same(unit, "StartLimitIntervalSec", value);
        else if (text_equal(key, "After") || text_equal(key, "Requires"))
                take_order(unit, key, value);
        else if (text_equal(key, "Wants") || text_equal(key, "BindsTo")
                 || text_equal(key, "PartOf"))
                take_order(unit, "Requires", value);
        else if (text_matches("Condition*", key) || text_matches("Assert*", key))
                remark(unit, IMPORT_DROPPED,
                       "test it in the command, or leave the pool's file out");
        else if (text_equal(key, "OnFailure") || text_equal(key, "OnSuccess"))
                remark(unit, IMPORT_DROPPED, "follow reevectl events -f -o json and act on it");
        else if (!text_equal(key, "Documentation") && !text_equal(key, "DefaultDependencies"))
                remark(unit, IMPORT_DROPPED, "there are no jobs and conflicts between pools");
}

/* systemd's defaults where reeve's differ, so that nothing changes unseen. */
static void set_defaults(Unit *unit)
{
        static const struct {
                const char *key, *value;
        } defaults[] = { { "Restart", "no" },
                         { "TimeoutStartSec", "90s" },
                         { "TimeoutStopSec", "90s" },
                         { "StandardOutput", "journal" } };

        unit->entry = NULL;
        for (size_t i = 0; i < COUNT_OF(defaults); i++)
                if (!import_has(unit->pool, "Pool", defaults[i].key))
                        set(unit, defaults[i].key, defaults[i].value);
        for (size_t i = 0; unit->pool && i < unit->pool->setting_count; i++)
                if (text_equal(unit->pool->settings[i].key, "RestartSec")
                    && !import_has(unit->pool, "Pool", "RestartMaxDelaySec")) {
                        set(unit, "RestartMaxDelaySec", unit->pool->settings[i].value);
                        break; /* systemd's delay does not grow */
                }
}

static void names_set(Unit *unit)
{
        const char *at = strchr(unit->source->name, '@');
        size_t stem = strlen(unit->source->name);

        if (text_matches("*.service", unit->source->name))
                stem -= strlen(".service");
        (void)snprintf(unit->prefix, sizeof(unit->prefix), "%.*s",
                       (int)(at ? (size_t)(at - unit->source->name) : stem), unit->source->name);
        if (at && (size_t)(at - unit->source->name) < stem)
                (void)snprintf(unit->instance, sizeof(unit->instance), "%.*s",
                               (int)(stem - (size_t)(at - unit->source->name) - 1), at + 1);
        unit->is_template = at && !*unit->instance;
}

static void sections_take(Unit *unit, const IniFile *file)
{
        for (size_t i = 0; i < file->count; i++) {
                const IniSection *section = &file->sections[i];
                bool is_service = text_equal(section->name, "Service");
                bool is_unit = text_equal(section->name, "Unit");

                for (size_t j = 0; j < section->count && (is_service || is_unit); j++) {
                        unit->entry = &section->entries[j];
                        if (is_service)
                                entry_service(unit);
                        else
                                entry_unit(unit);
                }
        }
}

static bool systemd_is_it(const char *name, const char *text)
{
        return text_matches("*.service", name) || strstr(text, "[Service]") == text
               || strstr(text, "\n[Service]");
}

static int systemd_read(const ImportSource *source, Import *import, Error *reterr)
{
        Unit unit = { .import = import, .source = source };
        AUTO_INI file = { 0 };
        AUTO_TEXT name = { 0 };
        const IniSection *service;
        int r = ini_read(source->path, source->text, INI_SYSTEMD, &file, reterr);

        if (r < 0)
                return r == -ENOMEM ? error_set(reterr, r, OUTCOME_FAILED, "out of memory") : r;
        service = ini_section(&file, "Service");
        if (!service)
                return error_set(reterr, -EINVAL, OUTCOME_FAILED,
                                 "%s: there is no [Service] in it; of systemd's units, services "
                                 "alone can be pools",
                                 source->path);
        names_set(&unit);
        text_printf(&name, "%s%s%s", unit.prefix, *unit.instance ? "." : "", unit.instance);
        unit.pool = import_pool_add(import, source, service->line, name.bytes ? name.bytes : "",
                                    "[Service]");
        sections_take(&unit, &file);
        home_set(&unit);
        if (unit.is_template)
                import_remark(import, IMPORT_CHANGED, source, service->line, unit.pool,
                              source->name,
                              "a template's instances become the slots of one pool: %%i is "
                              "${REEVE_SLOT}, 0 and up; say how many by Processes= in [Scale]");
        set_defaults(&unit);
        return 0;
}

const ImportFormat import_systemd = { "systemd", "systemd service", systemd_is_it, systemd_read };
