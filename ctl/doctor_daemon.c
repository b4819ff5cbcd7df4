/* doctor_daemon.c - the daemon as its API tells, and what it was set up with (see doctor.h) */
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/units.h"
#include "ctl/api.h"
#include "ctl/check_machine.h"
#include "ctl/doctor.h"
#include "ctl/programs.h"
#include "reeve/api.h"
#include "sys/configdir.h"

enum {
        NOFILE_WANTED = 4096, /* a slot takes about four descriptors */
        SPACE_WARN_PERCENT = 10,
        SPACE_FAIL_PERCENT = 1,
        TREE_ENTRIES_MAX = 100000,
        GROUPS_MAX = 1024,
};

/* ---- the daemon ---- */

static void socket_tell(Doctor *doctor, const Error *error)
{
        const Client *client = &doctor->context->client;

        for (size_t i = 0; i < CLIENT_SOCKETS_MAX && client->sockets[i]; i++)
                if (access(client->sockets[i], F_OK) == 0
                    && access(client->sockets[i], R_OK | W_OK) < 0) {
                        doctor_find(doctor, FINDING_FAIL, "daemon",
                                    "become a member of the group of OperateGroup= (reeve): "
                                    "usermod -aG reeve USER, then log in again",
                                    "%s is there, and this user may not use it",
                                    client->sockets[i]);
                        return;
                }
        doctor_find(doctor, FINDING_WARN, "daemon",
                    "start it: systemctl start reeved, or reeved; what follows is about the "
                    "machine alone",
                    "%s", error->message);
}

static void versions_check(Doctor *doctor)
{
        const char *core = value_text(doctor->daemon, "version", "?");
        const char *face = value_text(doctor->daemon, "api_version", core);

        if (text_equal(core, REEVE_VERSION) && text_equal(face, REEVE_VERSION))
                doctor_find(doctor, FINDING_OK, "version", NULL,
                            "reeved, reeve-api and reevectl are " REEVE_VERSION);
        else
                doctor_find(doctor, FINDING_WARN, "version",
                            "install the same version of all, then restart reeved",
                            "reeved is %s, reeve-api %s, reevectl " REEVE_VERSION, core, face);
}

static void warnings_check(Doctor *doctor)
{
        const json_t *warning, *warnings = json_object_get(doctor->daemon, "warnings");
        size_t index;

        json_array_foreach((json_t *)warnings, index, warning)
        {
                const char *pool = value_text(warning, "pool", "");

                doctor_find(doctor, FINDING_WARN, "warning", NULL, "%s%s%s", pool,
                            *pool ? ": " : "", value_sentence(warning) ?: "?");
        }
}

static void pools_check(Doctor *doctor)
{
        AUTO_JSON *list = NULL;
        const json_t *pool, *pools;
        Error error = { 0 };
        size_t index, ill = 0;

        if (api_list(doctor->context, REEVE_API_PREFIX "/pools", &list, &error) < 0) {
                doctor_find(doctor, FINDING_WARN, "pools", NULL, "%s", error.message);
                return;
        }
        pools = json_object_get(list, "items");
        json_array_foreach((json_t *)pools, index, pool)
        {
                const char *state = value_text(pool, "state", ""),
                           *name = value_text(pool, "name", "");
                bool is_failed = text_equal(state, "failed");
                char advice[256];

                if (!is_failed && !text_equal(state, "degraded"))
                        continue;
                ill++;
                (void)snprintf(advice, sizeof(advice),
                               "reevectl logs %s tells why; reevectl start %s tries again", name,
                               name);
                doctor_find(doctor, is_failed ? FINDING_FAIL : FINDING_WARN, "pools", advice,
                            "%s is %s: %s", name, state, value_text(pool, "last_error", "?"));
        }
        if (ill == 0)
                doctor_find(doctor, FINDING_OK, "pools", NULL, "%zu, none failed or degraded",
                            json_array_size(pools));
}

/* Those of reeved itself, else those that it would get if we started it. */
static void limits_check(Doctor *doctor)
{
        pid_t pid = (pid_t)value_integer(doctor->daemon, "pid", 0);
        struct rlimit files;

        if (prlimit(pid, RLIMIT_NOFILE, NULL, &files) < 0
            && prlimit(pid = 0, RLIMIT_NOFILE, NULL, &files) < 0)
                return;
        if (files.rlim_max < NOFILE_WANTED)
                doctor_find(doctor, FINDING_WARN, "limits",
                            "raise it: LimitNOFILE= in a drop-in of reeved.service, or ulimit -Hn",
                            "%s may open %" PRIu64 " descriptors; a slot takes about four",
                            pid ? "reeved" : "a process", (uint64_t)files.rlim_max);
        else
                doctor_find(doctor, FINDING_OK, "limits", NULL,
                            "%s may open %" PRIu64 " descriptors", pid ? "reeved" : "a process",
                            (uint64_t)files.rlim_max);
}

void doctor_daemon(Doctor *doctor)
{
        Error error = { 0 };

        if (api_get(doctor->context, REEVE_API_PREFIX "/", &doctor->daemon, &error) < 0) {
                socket_tell(doctor, &error);
        } else {
                doctor_find(doctor, FINDING_OK, "daemon", NULL,
                            "answers: pid %" PRId64 ", sampler %s, slots kept together by %s",
                            value_integer(doctor->daemon, "pid", 0),
                            value_text(doctor->daemon, "sampler", "?"),
                            value_text(doctor->daemon, "families", "?"));
                versions_check(doctor);
                warnings_check(doctor);
                pools_check(doctor);
        }
        limits_check(doctor);
}

/* ---- configuration ---- */

static void config_tell(Doctor *doctor, const char *folder, const ProblemList *problems,
                        const Config *config)
{
        AUTO_TEXT advice = { 0 };
        size_t errors = problem_list_errors(problems);

        text_printf(&advice, "reevectl check %s tells them", folder);
        if (errors > 0)
                doctor_find(doctor, FINDING_FAIL, "config", advice.bytes, "%s has %zu %s", folder,
                            errors, errors == 1 ? "error" : "errors");
        else if (problems->count > 0)
                doctor_find(doctor, FINDING_WARN, "config", advice.bytes, "%s has %zu %s", folder,
                            problems->count, problems->count == 1 ? "warning" : "warnings");
        else
                doctor_find(doctor, FINDING_OK, "config", NULL, "%s has %zu %s and no problems",
                            folder, config ? config->pool_count : 0,
                            config && config->pool_count == 1 ? "pool" : "pools");
}

static void config_check(Doctor *doctor)
{
        AUTO_CONFIG_INPUT input = { 0 };
        AUTO_PROBLEMS problems = { 0 };
        AUTO(Config) *config = NULL;
        AUTO_TEXT folder = { 0 };
        Error error = { 0 };

        if (config_folder(&folder) < 0) {
                doctor->is_out_of_memory = true;
                return;
        }
        if (config_directory_read(folder.bytes, NULL, &input, &error) < 0) {
                doctor_find(doctor, FINDING_WARN, "config",
                            "reevectl init writes a first one, reevectl import takes over that of "
                            "another supervisor",
                            "%s", error.message);
                return;
        }
        if (config_parse(&input, &problems, &config) == 0)
                (void)check_machine(config, &input, &problems); /* then it finds less */
        config_tell(doctor, folder.bytes, &problems, config);
}

/* ---- folders ---- */

static void space_check(Doctor *doctor, const char *what, const char *path)
{
        struct statvfs space;
        uint64_t percent, inodes;
        char size[32];

        if (statvfs(path, &space) < 0 || space.f_blocks == 0)
                return;
        percent = (uint64_t)space.f_bavail * 100 / space.f_blocks;
        inodes = space.f_files ? (uint64_t)space.f_favail * 100 / space.f_files : 100;
        units_format_size(size, sizeof(size), (uint64_t)space.f_bavail * space.f_frsize);
        doctor_find(doctor,
                    MIN(percent, inodes) < SPACE_FAIL_PERCENT   ? FINDING_FAIL
                    : MIN(percent, inodes) < SPACE_WARN_PERCENT ? FINDING_WARN
                                                                : FINDING_OK,
                    what,
                    percent < SPACE_WARN_PERCENT || inodes < SPACE_WARN_PERCENT
                            ? "make room, or lower MaxSize= and MaxFiles= of pools"
                            : NULL,
                    "%s: %s free (%" PRIu64 " %% of the space, %" PRIu64 " %% of the inodes)", path,
                    size, percent, inodes);
}

/* nftw() has no place for data of its caller; reevectl is one thread. */
static uint64_t tree_bytes, tree_entries;

static int tree_add(const char *path, const struct stat *status, int type, struct FTW *place)
{
        tree_entries++;
        if (type == FTW_F)
                tree_bytes += (uint64_t)status->st_blocks * 512;
        return tree_entries >= TREE_ENTRIES_MAX;
}

static void logs_check(Doctor *doctor, const char *path)
{
        char size[32];

        tree_bytes = tree_entries = 0;
        if (nftw(path, tree_add, 16, FTW_PHYS | FTW_MOUNT) < 0)
                return;
        doctor_find(doctor, FINDING_OK, "logs", NULL, "%s holds %s%s", path,
                    tree_entries >= TREE_ENTRIES_MAX ? "more than " : "",
                    units_format_size(size, sizeof(size), tree_bytes));
}

/* Return: whether there is such a folder */
static bool folder_check(Doctor *doctor, const char *what, const char *path, bool is_written)
{
        struct stat status;

        if (stat(path, &status) < 0) {
                if (doctor->daemon)
                        doctor_find(doctor, FINDING_WARN, what, NULL, "%s cannot be looked at: %s",
                                    path, strerror(errno));
                return false;
        }
        if (status.st_mode & S_IWOTH)
                doctor_find(doctor, FINDING_FAIL, what, "chmod o-w", "anybody may write to %s",
                            path);
        if (is_written && access(path, W_OK) < 0 && status.st_uid == geteuid())
                doctor_find(doctor, FINDING_FAIL, what, "is the file system mounted read-only?",
                            "%s cannot be written to: %s", path, strerror(errno));
        return true;
}

/* The folders of a user's own reeved follow XDG, as reeved(8) tells. */
static void user_folder(Text *path, const char *variable, const char *otherwise, const char *rest)
{
        const char *value = getenv(variable);

        if (value && *value)
                text_printf(path, "%s%s", value, rest);
        else if (otherwise)
                text_printf(path, "%s%s%s", getenv("HOME") ?: "", otherwise, rest);
}

static void folders_check(Doctor *doctor)
{
        AUTO_TEXT runtime = { 0 }, state = { 0 }, logs = { 0 };

        if (geteuid() == 0 || text_equal(value_text(doctor->daemon, "mode", ""), "system")) {
                text_append(&runtime, REEVE_DEFAULT_RUNTIME);
                text_append(&state, REEVE_DEFAULT_STATE);
                text_append(&logs, REEVE_DEFAULT_LOGS);
        } else {
                user_folder(&runtime, "XDG_RUNTIME_DIR", NULL, "/reeve");
                user_folder(&state, "XDG_STATE_HOME", "/.local/state", "/reeve");
                user_folder(&logs, "XDG_STATE_HOME", "/.local/state", "/reeve/log");
        }
        if (runtime.bytes && folder_check(doctor, "runtime", runtime.bytes, true))
                space_check(doctor, "runtime", runtime.bytes);
        if (state.bytes)
                (void)folder_check(doctor, "state", state.bytes, true);
        if (logs.bytes && folder_check(doctor, "logs", logs.bytes, true)) {
                space_check(doctor, "logs", logs.bytes);
                logs_check(doctor, logs.bytes);
        }
}

/* ---- systemd, accounts ---- */

static bool line_value(const char *line, const char *key, char *value, size_t size)
{
        const char *rest = text_after(line, key);

        if (!rest || *rest != '=')
                return false;
        (void)snprintf(value, size, "%.*s", (int)strcspn(rest + 1, "\n"), rest + 1);
        return true;
}

/* The unit as systemd knows it. */
static void unit_check(Doctor *doctor)
{
        char load[32] = "", active[32] = "", enabled[32] = "", restarts[32] = "0", line[256];
        FILE *pipe;

        if (access("/run/systemd/system", F_OK) < 0)
                return;
        pipe = popen(geteuid() == 0 ? "systemctl show reeved 2>/dev/null"
                                    : "systemctl --user show reeved 2>/dev/null",
                     "re");
        while (pipe && fgets(line, sizeof(line), pipe)) {
                (void)(line_value(line, "LoadState", load, sizeof(load))
                       || line_value(line, "ActiveState", active, sizeof(active))
                       || line_value(line, "UnitFileState", enabled, sizeof(enabled))
                       || line_value(line, "NRestarts", restarts, sizeof(restarts)));
        }
        if (!pipe || pclose(pipe) != 0 || !text_equal(load, "loaded"))
                return;
        if (text_equal(active, "failed"))
                doctor_find(doctor, FINDING_FAIL, "unit",
                            "journalctl -u reeved -b tells why; systemctl start reeved tries again",
                            "reeved.service failed");
        else if (!text_equal(restarts, "0"))
                doctor_find(doctor, FINDING_WARN, "unit", "journalctl -u reeved -b tells why",
                            "reeved.service is %s, %s; systemd had to restart it %s times", active,
                            enabled, restarts);
        else
                doctor_find(doctor, FINDING_OK, "unit", NULL, "reeved.service is %s, %s", active,
                            enabled);
}

static void accounts_check(Doctor *doctor)
{
        const struct passwd *me = getpwuid(geteuid());
        const struct group *group = getgrnam("reeve");
        gid_t groups[GROUPS_MAX];
        int count = GROUPS_MAX;

        if (geteuid() == 0) {
                if (!group || !getpwnam("reeve-api"))
                        doctor_find(doctor, FINDING_WARN, "accounts",
                                    "systemd-sysusers makes them, from sysusers.d/reeve.conf",
                                    "the user reeve-api or the group reeve is missing: reeve-api "
                                    "runs as nobody, and only administrators may use the API");
                else
                        doctor_find(doctor, FINDING_OK, "accounts", NULL,
                                    "user reeve-api and group reeve are there");
                return;
        }
        if (!group || !me || getgrouplist(me->pw_name, me->pw_gid, groups, &count) < 0)
                return;
        for (int i = 0; i < count; i++)
                if (groups[i] == group->gr_gid) {
                        doctor_find(doctor, FINDING_OK, "accounts", NULL,
                                    "%s is a member of the group reeve", me->pw_name);
                        return;
                }
        doctor_find(doctor, FINDING_WARN, "accounts",
                    "usermod -aG reeve USER lets a user steer the pools of the system",
                    "%s is no member of the group reeve", me->pw_name);
}

void doctor_setup(Doctor *doctor)
{
        config_check(doctor);
        folders_check(doctor);
        unit_check(doctor);
        accounts_check(doctor);
}
