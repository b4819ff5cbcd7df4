/* cgroup.c - see cgroup.h */
#include "sys/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/files.h"

/* Workers may make groups below theirs; nobody needs them deeper than this. */
enum { DEPTH_MAX = 16, PROC_FILE_MAX = 4 << 20, PROCS_MAX_BYTES = 16 << 20 };

/* "\040" and friends: how mountinfo writes blanks, tabs, newlines and backslashes. */
static void unescape(char *text)
{
        char *out = text;

        for (const char *p = text; *p; p++) {
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7'
                    && p[3] >= '0' && p[3] <= '7') {
                        *out++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + p[3] - '0');
                        p += 3;
                } else {
                        *out++ = *p;
                }
        }
        *out = '\0';
}

/* One line of mountinfo: "41 31 0:38 ROOT POINT options [optional...] - TYPE source ..." */
static bool parse_mount(const char *line, char root[PATH_MAX], char point[PATH_MAX])
{
        const char *end = strchrnul(line, '\n'), *type = strstr(line, " - ");

        if (!type || type > end || !text_after(type, " - cgroup2 "))
                return false;
        if (sscanf(line, "%*u %*u %*s %4095s %4095s", root, point) != 2)
                return false;
        unescape(root);
        unescape(point);
        return true;
}

static int join(const char *root, const char *point, const char *group, char **ret_path)
{
        const char *below = group;
        AUTO_TEXT path = { 0 };

        if (!text_equal(root, "/"))
                below = text_after(group, root);
        /* "/..": our group lies above what this mount or namespace shows. */
        if (!below || (*below && *below != '/') || text_after(group, "/.."))
                return -EXDEV;
        text_append(&path, point);
        if (!text_equal(below, "/"))
                text_append(&path, below);
        return text_take(&path, ret_path);
}

static char *find_group(const char *membership)
{
        const char *line = membership;

        while (line && !text_after(line, "0::/")) {
                line = strchr(line, '\n');
                line = line ? line + 1 : NULL;
        }
        return line ? strndup(line + 3, strcspn(line + 3, "\n")) : NULL;
}

int cgroup_locate(const char *mountinfo, const char *membership, char **ret_path, char **ret_group)
{
        AUTO_FREE char *group = find_group(membership), *path = NULL;
        char root[PATH_MAX], point[PATH_MAX];
        int r = -ENOENT;

        if (!group)
                return -ENOENT;
        for (const char *line = mountinfo; r < 0 && line && *line;) {
                if (parse_mount(line, root, point))
                        r = join(root, point, group, &path);
                line = strchr(line, '\n');
                line = line ? line + 1 : NULL;
        }
        if (r < 0)
                return r;
        *ret_path = TAKE_PTR(path);
        if (ret_group)
                *ret_group = TAKE_PTR(group);
        return 0;
}

int cgroup_find_own(char **ret_path, char **ret_group)
{
        AUTO_FREE char *mountinfo = NULL, *membership = NULL;
        int r;

        r = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_FILE_MAX, &mountinfo, NULL);
        if (r == 0)
                r = file_read(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &membership, NULL);
        return r < 0 ? r : cgroup_locate(mountinfo, membership, ret_path, ret_group);
}

int cgroup_of(pid_t pid, char *buffer, size_t size)
{
        AUTO_FREE char *membership = NULL, *group = NULL;
        char path[48];
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
        r = file_read(AT_FDCWD, path, PROC_FILE_MAX, &membership, NULL);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        group = find_group(membership);
        if (!group)
                return -ENOENT;
        return text_copy(buffer, size, group) ? 0 : -ENAMETOOLONG;
}

static int add_procs(int fd, PidList *list)
{
        AUTO_FREE char *text = NULL;
        int r = file_read(fd, "cgroup.procs", PROCS_MAX_BYTES, &text, NULL);

        return r < 0 ? r : pid_list_parse(list, text);
}

/* A folder of cgroupfs has one link for each below it, and two of its own. */
static bool has_groups(int fd)
{
        struct stat status;

        return fstat(fd, &status) < 0 || status.st_nlink > 2;
}

static int pids_below(int fd, PidList *list, unsigned depth)
{
        AUTO_DIRECTORY *directory = NULL;
        AUTO_CLOSE own = -1;
        const struct dirent *entry;
        int r = add_procs(fd, list);

        if (r < 0 || depth == 0 || !has_groups(fd))
                return r;
        own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (own < 0)
                return -errno;
        directory = fdopendir(own);
        if (!directory)
                return -errno;
        (void)TAKE_FD(own); /* closed with the directory */
        while (r == 0 && (entry = readdir(directory))) {
                AUTO_CLOSE child = -1;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;
                child = openat(fd, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                r = child < 0 ? 0 : pids_below(child, list, depth - 1);
                if (r == -ENODEV || r == -ENOENT)
                        r = 0; /* removed meanwhile: nobody is in it */
        }
        return r;
}

int cgroup_pids(int fd, PidList *list)
{
        return pids_below(fd, list, DEPTH_MAX);
}

int cgroup_is_populated(int fd, const char *group)
{
        char path[PATH_MAX], text[256];
        const char *value;
        ssize_t n;

        if (snprintf(path, sizeof(path), "%s/cgroup.events", group) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        n = file_read_into(fd, path, text, sizeof(text));
        if (n < 0)
                return (int)n;
        value = strstr(text, "populated ");
        if (!value)
                return -EBADMSG;
        return value[strlen("populated ")] == '1';
}

int cgroup_kill(int fd)
{
        return file_write_text(fd, "cgroup.kill", "1");
}

static const char *const controller_names[] = { "cpu", "memory", "pids", "io" };

const char *controller_name(Controller controller)
{
        for (size_t i = 0; i < COUNT_OF(controller_names); i++)
                if (controller == 1U << i)
                        return controller_names[i];
        return "";
}

unsigned cgroup_controllers(const char *text)
{
        unsigned found = 0;

        while (*text) {
                size_t length = strcspn(text, " \n");

                for (size_t i = 0; i < COUNT_OF(controller_names); i++)
                        if (strlen(controller_names[i]) == length
                            && memcmp(text, controller_names[i], length) == 0)
                                found |= 1U << i;
                text += length;
                text += strspn(text, " \n");
        }
        return found;
}

static unsigned read_controllers(const char *path, const char *file)
{
        char name[PATH_MAX], text[1024];

        if (snprintf(name, sizeof(name), "%s/%s", path, file) >= (int)sizeof(name)
            || file_read_into(AT_FDCWD, name, text, sizeof(text)) < 0)
                return 0;
        return cgroup_controllers(text);
}

unsigned cgroup_available(const char *path)
{
        return read_controllers(path, "cgroup.controllers");
}

/* One by one: a write of several is refused as a whole. */
unsigned cgroup_hand_on(const char *path, unsigned wanted)
{
        unsigned had = read_controllers(path, "cgroup.subtree_control");
        unsigned missing = wanted & ~had & cgroup_available(path);
        char name[PATH_MAX], word[16];

        if (!missing)
                return had & wanted;
        (void)snprintf(name, sizeof(name), "%s/cgroup.subtree_control", path);
        for (size_t i = 0; i < COUNT_OF(controller_names); i++) {
                if (!(missing & 1U << i))
                        continue;
                (void)snprintf(word, sizeof(word), "+%s", controller_names[i]);
                if (file_write_text(AT_FDCWD, name, word) == 0)
                        had |= 1U << i;
        }
        return had & wanted;
}

/* ---- groups above, and those of v1 ---- */

void cgroup_old_group(const char *membership, const char *controller, char *group, size_t size)
{
        size_t length = strlen(controller);

        group[0] = '\0';
        for (const char *line = membership; line; line = strchr(line, '\n')) {
                const char *names, *path, *end;

                line += *line == '\n';
                end = strchrnul(line, '\n');
                names = memchr(line, ':', (size_t)(end - line));
                path = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
                for (const char *name = names; path && name < path;
                     name = strpbrk(name + 1, ",:")) {
                        if (strncmp(name + 1, controller, length) != 0
                            || (name[1 + length] != ',' && name[1 + length] != ':'))
                                continue;
                        (void)snprintf(group, size, "%.*s", (int)(end - path - 1), path + 1);
                        return;
                }
        }
}

int cgroup_find_old(const char *controller, char *path, size_t size)
{
        AUTO_FREE char *membership = NULL;
        char group[PATH_MAX];
        int r;

        (void)snprintf(path, size, CGROUP_OLD_MOUNT "/%s", controller);
        if (access(path, F_OK) < 0)
                return -errno;
        r = file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &membership, NULL);
        if (r < 0)
                return r;
        cgroup_old_group(membership, controller, group, sizeof(group));
        if ((size_t)snprintf(path, size, CGROUP_OLD_MOUNT "/%s%s", controller, group) >= size)
                return -ENAMETOOLONG;
        return 0;
}

bool cgroup_is_group(const char *folder)
{
        char path[PATH_MAX];

        return snprintf(path, sizeof(path), "%s/cgroup.procs", folder) < (int)sizeof(path)
               && access(path, F_OK) == 0;
}

bool cgroup_leave(char *folder)
{
        char *last = strrchr(folder, '/');

        if (!last)
                return false;
        *last = '\0';
        return cgroup_is_group(folder);
}

ssize_t cgroup_read(const char *folder, const char *name, char *text, size_t size)
{
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        return file_read_into(AT_FDCWD, path, text, size);
}

int cgroup_parse_count(const char *text, const char *name, uint64_t *ret)
{
        for (const char *line = text; line; line = strchr(line, '\n')) {
                const char *value;
                char number[24];
                size_t length;

                line += *line == '\n';
                value = text_after(line, name);
                if (!value || *value++ != ' ')
                        continue;
                length = strcspn(value, "\n");
                if (length >= sizeof(number))
                        return -EBADMSG;
                memcpy(number, value, length);
                number[length] = '\0';
                return units_parse_number(number, UINT64_MAX, ret) < 0 ? -EBADMSG : 0;
        }
        return -ENODATA;
}

int cgroup_oom_kills(int fd, uint64_t *ret)
{
        char text[512];
        ssize_t n = file_read_into(fd, "memory.events", text, sizeof(text));

        return n < 0 ? (int)n : cgroup_parse_count(text, "oom_kill", ret);
}

static int remove_below(int parent_fd, const char *name, unsigned depth)
{
        AUTO_DIRECTORY *directory = NULL;
        AUTO_CLOSE fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const struct dirent *entry;

        if (fd < 0)
                return -errno;
        directory = fdopendir(fd);
        if (!directory)
                return -errno;
        (void)TAKE_FD(fd); /* closed with the directory */
        while (depth > 0 && (entry = readdir(directory)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        /* What is left shows in the rmdir below. */
                        (void)remove_below(dirfd(directory), entry->d_name, depth - 1);
        return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cgroup_remove(const char *path)
{
        return remove_below(AT_FDCWD, path, DEPTH_MAX);
}
