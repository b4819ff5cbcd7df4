/* check_machine.c - see check_machine.h */
#include "ctl/check_machine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/lines.h"
#include "ctl/programs.h"

typedef struct Check {
        const ConfigInput *input;
        const PoolConfig *pool; /* NULL: reeve.conf */
        ProblemList *problems;
        int r;
} Check;

typedef struct Spot {
        const char *path;
        unsigned line;
} Spot;

/* ---- where a key stands ---- */

/* Files of a pool are NAME.pool and NAME.pool.d/x.conf; the daemon's are reeve.conf and so on. */
static bool is_file_of(const char *path, const char *pool)
{
        char part[128];
        const char *found;

        (void)snprintf(part, sizeof(part), "/%s%s", pool ? pool : "reeve",
                       pool ? ".pool" : ".conf");
        found = strstr(path, part);
        return found
               && (found[strlen(part)] == '\0' || text_after(found + strlen(part), ".d/") != NULL);
}

static bool is_key(const char *line, const char *key)
{
        const char *rest = text_after(line, key);

        return rest && rest[strspn(rest, " \t")] == '=';
}

static void spot_find(const Check *check, const TextFile *file, const char *key, const char *value,
                      Spot *spot)
{
        LineReader reader = { .file = file };
        AUTO_LINE line = { 0 };

        while (line_reader_next(&reader, &line) > 0)
                if (is_key(line.text.bytes, key) && strstr(line.text.bytes, value)) {
                        spot->path = file->path;
                        logical_line_place(&line, 0, &spot->line, &(unsigned){ 0 });
                }
}

/* The last line that says it; without one, the pool's file as a whole. */
static Spot spot_of(const Check *check, const char *key, const char *value)
{
        const char *pool = check->pool ? check->pool->name : NULL;
        Spot spot = { .path = check->pool ? check->pool->path : NULL };

        for (size_t i = 0; i < check->input->count; i++) {
                const TextFile *file = &check->input->files[i];

                if (file->text && is_file_of(file->path, pool))
                        spot_find(check, file, key, value, &spot);
        }
        return spot;
}

static void tell(Check *check, ProblemKind kind, const char *key, const char *value,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void tell(Check *check, ProblemKind kind, const char *key, const char *value,
                 const char *format, ...)
{
        Spot spot = spot_of(check, key, value);
        char message[PROBLEM_MESSAGE_SIZE];
        va_list arguments;
        int r;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        r = problem_add(check->problems, kind, spot.path, spot.line, spot.line ? 1 : 0,
                        check->pool ? check->pool->name : NULL, "%s=%s: %s", key, value, message);
        if (r < 0)
                check->r = r;
}

/* ---- what is looked up ---- */

static void program_check(Check *check, const char *key, char *const *command)
{
        const char *path = command ? command[0] : NULL;
        struct stat status;

        if (!path || strchr(path, '$') || program_is(path))
                return;
        if (stat(path, &status) < 0)
                tell(check, PROBLEM_WARNING, key, path,
                     errno == EACCES ? "this user cannot see whether there is such a program"
                                     : "there is no such program on this machine");
        else if (S_ISDIR(status.st_mode))
                tell(check, PROBLEM_ERROR, key, path, "is a folder, not a program");
        else if (!(status.st_mode & 0111))
                tell(check, PROBLEM_ERROR, key, path,
                     "may not be executed; chmod +x, or put its interpreter before it");
}

static void folder_check(Check *check, const char *key, const char *path)
{
        struct stat status;

        if (!path || strchr(path, '$'))
                return;
        if (stat(path, &status) < 0) {
                if (errno != EACCES)
                        tell(check, PROBLEM_WARNING, key, path,
                             "there is no such folder on this machine");
        } else if (!S_ISDIR(status.st_mode)) {
                tell(check, PROBLEM_ERROR, key, path, "is not a folder");
        }
}

/* The folder of a file that is written. */
static void output_check(Check *check, const char *key, const Output *output)
{
        AUTO_FREE char *folder = output->kind == OUTPUT_APPEND ? strdup(output->path) : NULL;
        char *slash = folder ? strrchr(folder, '/') : NULL;
        struct stat status;

        if (!slash || slash == folder)
                return;
        *slash = '\0';
        if (stat(folder, &status) < 0 && errno == ENOENT)
                tell(check, PROBLEM_WARNING, key, output->path,
                     "there is no folder %s on this machine", folder);
}

static void environment_check(Check *check, char *const *files)
{
        for (; files && *files; files++)
                if (**files != '-' && access(*files, F_OK) < 0 && errno == ENOENT)
                        tell(check, PROBLEM_WARNING, "EnvironmentFile", *files,
                             "there is no such file on this machine; with '-' before it, it may be "
                             "missing");
}

static bool is_number(const char *name)
{
        return !name[strspn(name, "0123456789")];
}

static void user_check(Check *check, const char *key, const char *name)
{
        if (name && *name && !is_number(name) && !getpwnam(name))
                tell(check, PROBLEM_WARNING, key, name, "there is no such user on this machine");
}

static void group_check(Check *check, const char *key, const char *name)
{
        if (name && *name && !is_number(name) && !getgrnam(name))
                tell(check, PROBLEM_WARNING, key, name, "there is no such group on this machine");
}

static void pool_check(Check *check)
{
        const PoolConfig *pool = check->pool;

        program_check(check, "ExecStart", pool->command);
        program_check(check, "ExecReload", pool->reload_command);
        folder_check(check, "WorkingDirectory", pool->directory);
        environment_check(check, pool->environment_files);
        user_check(check, "User", pool->user);
        group_check(check, "Group", pool->group);
        output_check(check, "StandardOutput", &pool->output);
        output_check(check, "StandardError", &pool->error);
}

int check_machine(const Config *config, const ConfigInput *input, ProblemList *problems)
{
        Check check = { .input = input, .problems = problems };

        if (config->token_file && access(config->token_file, F_OK) < 0 && errno == ENOENT)
                tell(&check, PROBLEM_WARNING, "TokenFile", config->token_file,
                     "there is no such file on this machine");
        for (size_t i = 0; i < config->pool_count; i++) {
                check.pool = config->pools[i];
                pool_check(&check);
        }
        return check.r;
}
