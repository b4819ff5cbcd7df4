/* sandbox.c - rules become mounts (see sandbox.h)
 *
 * All that is to be shown is taken from the file system as it was, before anything is changed, as
 * trees that hang nowhere (open_tree(2), Linux 5.2); then they are put in place, parents before
 * what lies below them. So ReadWritePaths= below a read-only folder is what it was, not a read-only
 * mount made writable, and the order in which keys are written does not matter. Of two rules for one
 * path the stricter one holds. */
#include "spawn/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/files.h"

/* Letters of rules, strictest first. */
static const char strictness[] = "iterwk";

typedef struct Rule {
        char kind;
        const char *written;
        char *path; /* without symbolic links; NULL: missing, which is allowed */
        int tree_fd;
} Rule;

typedef struct RuleList {
        Rule *items;
        size_t count;
} RuleList;

static void rule_list_done(RuleList *list)
{
        for (size_t i = 0; i < list->count; i++) {
                free(list->items[i].path);
                (void)fd_close(list->items[i].tree_fd);
        }
        free(list->items);
}

#define AUTO_RULES CLEANUP(rule_list_done) RuleList

static bool is_root(const Rule *rule)
{
        return text_equal(rule->path, "/");
}

/* ---- reading ---- */

static int read_rule(const char *text, Rule *ret)
{
        Rule rule = { .kind = text[0], .written = text + 2, .tree_fd = -1 };

        if (!text[0] || !strchr(strictness, text[0]) || (text[1] != '-' && text[1] != '+'))
                return -EBADMSG;
        rule.path = realpath(rule.written, NULL);
        if (!rule.path && !(text[1] == '-' && (errno == ENOENT || errno == ENOTDIR)))
                return -errno;
        if (rule.path && is_root(&rule) && strchr("ite", rule.kind)) {
                free(rule.path);
                return -EINVAL;
        }
        *ret = rule;
        return 0;
}

static int read_rules(const char *rules, size_t length, RuleList *list, const char **ret_where)
{
        size_t count = 0;

        for (size_t i = 0; i < length; i++)
                count += rules[i] == '\0';
        list->items = calloc(count + 1, sizeof(Rule));
        if (!list->items)
                return -ENOMEM;
        for (const char *text = rules; text < rules + length; text += strlen(text) + 1) {
                int r;

                *ret_where = strlen(text) > 2 ? text + 2 : "";
                r = strlen(text) > 2 ? read_rule(text, &list->items[list->count]) : -EBADMSG;
                if (r < 0)
                        return r;
                if (list->items[list->count].path)
                        list->count++;
        }
        return 0;
}

static int compare(const void *a, const void *b)
{
        const Rule *left = a, *right = b;
        int order = strcmp(left->path, right->path);

        if (order != 0)
                return order;
        return (int)(strchr(strictness, left->kind) - strchr(strictness, right->kind));
}

/* ---- trees ---- */

/* Return: descriptor of a mount that hangs nowhere; negative errno */
static int make_tmpfs(const char *mode, unsigned attributes)
{
        AUTO_CLOSE context = fsopen("tmpfs", FSOPEN_CLOEXEC);
        int fd;

        if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "mode", mode, 0) < 0
            || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
        return fd < 0 ? -errno : fd;
}

static int clone_tree(const char *path)
{
        int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

        return fd < 0 ? -errno : fd;
}

static int put(int tree_fd, const char *path)
{
        return move_mount(tree_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

/* A file can be taken from a mount only while that hangs somewhere, so for a moment it hangs over
 * /dev: nobody else is in this namespace. */
static int make_dead_file(void)
{
        AUTO_CLOSE tmpfs = make_tmpfs("755", MOUNT_ATTR_NOEXEC), file = -1;
        int fd, r;

        if (tmpfs < 0)
                return tmpfs;
        file = openat(tmpfs, "file", O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0);
        if (file < 0)
                return -errno;
        r = put(tmpfs, "/dev");
        if (r < 0)
                return r;
        fd = clone_tree("/dev/file");
        return umount2("/dev", MNT_DETACH) < 0 ? -errno : fd;
}

static int make_inaccessible(const char *path)
{
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        return S_ISDIR(status.st_mode) ? make_tmpfs("000", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC)
                                       : make_dead_file();
}

static int set_read_only(int fd, const char *path)
{
        struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
        unsigned flags = AT_RECURSIVE | (*path ? 0 : AT_EMPTY_PATH);

        return mount_setattr(fd, path, flags, &attributes, sizeof(attributes)) < 0 ? -errno : 0;
}

static int make_tree(const Rule *rule)
{
        AUTO_CLOSE fd = -1;
        int r = 0;

        switch (rule->kind) {
        case 'i': return make_inaccessible(rule->path);
        case 't': return make_tmpfs("1777", 0);
        case 'e': return make_tmpfs("755", MOUNT_ATTR_RDONLY);
        default: break;
        }
        fd = clone_tree(rule->path);
        if (fd >= 0 && rule->kind == 'r')
                r = set_read_only(fd, "");
        return r < 0 ? r : TAKE_FD(fd);
}

/* ---- in place ---- */

static bool exists(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0;
}

static int hang(const Rule *rule)
{
        int r;

        if (is_root(rule)) /* the others' clones are writable as they were */
                return rule->kind == 'r' ? set_read_only(AT_FDCWD, "/") : 0;
        if (rule->kind == 'k' && exists(rule->path))
                return 0;
        if (exists(rule->path))
                return put(rule->tree_fd, rule->path);
        /* Below an empty tmpfs a place is made for it; below what is inaccessible it is too. */
        r = directory_make(rule->path, 0755);
        return r < 0 ? 0 : put(rule->tree_fd, rule->path);
}

static int leave_namespace(void)
{
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        /* What the machine mounts later is seen here, what is mounted here stays here. */
        return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

static int hang_all(RuleList *list, const char **ret_where)
{
        int r;

        for (size_t i = 0; i < list->count; i++) {
                Rule *rule = &list->items[i];

                *ret_where = rule->written;
                r = is_root(rule) ? 0 : make_tree(rule);
                if (r < 0)
                        return r;
                rule->tree_fd = is_root(rule) ? -1 : r;
        }
        for (size_t i = 0; i < list->count; i++) {
                const Rule *rule = &list->items[i];

                if (i > 0 && text_equal(rule->path, list->items[i - 1].path))
                        continue;
                *ret_where = rule->written;
                r = hang(rule);
                if (r < 0)
                        return r;
        }
        return 0;
}

int sandbox_apply(const char *rules, size_t length, char *detail, size_t size)
{
        AUTO_RULES list = { 0 };
        const char *where = "/";
        int r = read_rules(rules, length, &list, &where);

        if (r == 0)
                r = leave_namespace();
        if (r == 0) {
                qsort(list.items, list.count, sizeof(Rule), compare);
                r = hang_all(&list, &where);
        }
        /* Our folder is one of the file system as it was. */
        if (r == 0 && chdir("/") < 0)
                r = -errno;
        (void)text_copy(detail, size, where);
        return r;
}

int sandbox_drop_capabilities(uint64_t dropped)
{
        for (unsigned long number = 0; number < 64; number++)
                if (dropped >> number & 1 && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0
                    && errno != EINVAL)
                        return -errno;
        return 0;
}
