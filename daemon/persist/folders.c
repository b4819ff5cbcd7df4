/* folders.c - see folders.h */
#include "persist/folders.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/fd.h"
#include "sys/files.h"

typedef struct FolderRule {
        const char *variable; /* systemd's; it may list several, the first counts */
        const char *system;
        const char *xdg_variable, *xdg_default; /* the default is below $HOME */
        const char *xdg_tail;
} FolderRule;

static const FolderRule config_rule = { "CONFIGURATION_DIRECTORY", "/etc/reeve", "XDG_CONFIG_HOME",
                                        ".config", "reeve" };
static const FolderRule state_rule = { "STATE_DIRECTORY", "/var/lib/reeve", "XDG_STATE_HOME",
                                       ".local/state", "reeve" };
static const FolderRule runtime_rule = { "RUNTIME_DIRECTORY", "/run/reeve", "XDG_RUNTIME_DIR", NULL,
                                         "reeve" };
static const FolderRule logs_rule = { "LOGS_DIRECTORY", "/var/log/reeve", "XDG_STATE_HOME",
                                      ".local/state", "reeve/log" };

static char *below(const char *folder, const char *tail)
{
        AUTO_TEXT text = { 0 };
        char *path = NULL;

        text_printf(&text, "%s/%s", folder, tail);
        return text_take(&text, &path) < 0 ? NULL : path;
}

static char *user_folder(const FolderRule *rule)
{
        const char *base = getenv(rule->xdg_variable), *home = getenv("HOME");
        AUTO_FREE char *fallback = NULL;

        if (!base || *base != '/') {
                if (rule->xdg_default && home && *home == '/')
                        fallback = below(home, rule->xdg_default);
                else if (!rule->xdg_default)
                        /* No session, no $XDG_RUNTIME_DIR: a place of our own, by number. */
                        (void)asprintf(&fallback, "/tmp/reeve-%u", (unsigned)getuid());
                base = fallback;
        }
        return base ? below(base, rule->xdg_tail) : NULL;
}

static char *choose(char *given, const FolderRule *rule, bool is_user_mode)
{
        const char *listed = getenv(rule->variable);
        char *chosen;

        if (given) {
                /* realpath() needs it to be there already; what is not is made later. */
                char *absolute = realpath(given, NULL);

                if (absolute || *given == '/')
                        return absolute ? (free(given), absolute) : given;
                chosen = realpath(".", NULL);
                absolute = chosen ? below(chosen, given) : NULL;
                free(chosen);
                free(given);
                return absolute;
        }
        if (listed && *listed)
                return strndup(listed, strcspn(listed, ":"));
        return is_user_mode ? user_folder(rule) : strdup(rule->system);
}

int folders_choose(Folders *folders, bool is_user_mode, Error *reterr)
{
        folders->config = choose(folders->config, &config_rule, is_user_mode);
        folders->state = choose(folders->state, &state_rule, is_user_mode);
        folders->runtime = choose(folders->runtime, &runtime_rule, is_user_mode);
        folders->logs = choose(folders->logs, &logs_rule, is_user_mode);
        folders->control = folders->state ? below(folders->state, "control") : NULL;
        folders->lock_fd = -1;
        if (folders->config && folders->state && folders->runtime && folders->logs
            && folders->control)
                return 0;
        return error_set(reterr, -ENOENT, "folders",
                         "cannot tell which folders to use: set HOME, or give --config, --state, "
                         "--runtime and --log-dir");
}

static int tell_holder(const Folders *folders, Error *reterr)
{
        char pid[32] = "";
        ssize_t n = pread(folders->lock_fd, pid, sizeof(pid) - 1, 0);

        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        return error_set(reterr, -EBUSY, "locked",
                         "another reeved (PID %s) uses the state folder %s; stop it first, or give "
                         "this one folders of its own with --state and --runtime",
                         *pid ? pid : "unknown", folders->state);
}

static int write_pid(int fd)
{
        char pid[32];
        int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)length, 0) != length)
                return errno ? -errno : -EIO;
        return 0;
}

int folders_lock(Folders *folders, Error *reterr)
{
        AUTO_FREE char *path = below(folders->state, "reeved.lock");
        int r = path ? directory_make(folders->state, 0755) : -ENOMEM;

        if (r >= 0)
                r = directory_make(folders->runtime, 0755);
        if (r >= 0) {
                folders->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
                r = folders->lock_fd < 0 ? -errno : 0;
        }
        if (r < 0)
                return error_set(reterr, r, "state",
                                 "cannot use %s and %s: %s. Give others with "
                                 "--state and --runtime.",
                                 folders->state, folders->runtime, strerror(-r));
        if (flock(folders->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return tell_holder(folders, reterr);
        r = write_pid(folders->lock_fd);
        return r < 0 ? error_set(reterr, r, "state", "cannot write %s: %s", path, strerror(-r)) : 0;
}

void folders_done(Folders *folders)
{
        free(folders->config);
        free(folders->state);
        free(folders->runtime);
        free(folders->logs);
        free(folders->control);
        (void)fd_close(folders->lock_fd);
}
