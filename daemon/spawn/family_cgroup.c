/* family_cgroup.c - one cgroup v2 per slot (see family.h)
 *
 *   PLACE                        a scope, or reeved's own group, or the one above it (place.h)
 *   PLACE/reeve-NAME.workers     all pools of this daemon
 *   .../POOL                     limits of a pool are set here
 *   .../POOL/SLOT                the processes, and the limits of one worker
 *
 * Slots keep their group between lives, but no descriptor of it: thousands of workers would cost as
 * many. A group is watched only while somebody waits for its end; cgroup.events is read once more
 * after the watch is made, so that no change falls in between. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "sys/cgroup.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/files.h"

static int refuse(Error *reterr, int r, const char *why)
{
        return error_set(reterr, r, "no-cgroups",
                         "no cgroups: %s. Processes are found by descent instead, and limits of "
                         "pools cannot be set",
                         why);
}

static int make_group(const char *path)
{
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int do_nothing(void *userdata)
{
        return 0;
}

/* The one sure way to know whether children can be born into our groups is to have one, and to see
 * it end by itself: see cgroup_family_kill(). */
static int try_birth(const char *path)
{
        AUTO_CLOSE fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int pidfd = -1;
        pid_t pid;
        int ended = 0;

        if (fd < 0)
                return -errno;
        pid = clone_run(do_nothing, NULL, fd, clone_is_supported(), &pidfd);
        if (pid < 0)
                return pid;
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
                ;
        (void)fd_close(pidfd);
        return WIFEXITED(ended) ? 0 : -EOWNERDEAD;
}

static int probe(const char *workers)
{
        AUTO_FREE char *path = NULL;
        int r;

        /* Not in the group of all pools: one that hands out controllers takes no process. */
        if (asprintf(&path, "%s/_probe", workers) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = make_group(path);
        if (r < 0)
                return r;
        r = try_birth(path);
        (void)cgroup_remove(path); /* an empty group left behind does no harm */
        return r;
}

/* What our place may hand out is handed on to the groups of pools, and those hand it on in turn.
 * In our own group, which has us in it, the kernel would refuse memory and io with EBUSY, but grant
 * cpu and pids, make a threaded domain of it, and turn the groups below into ones that take no
 * process (EOPNOTSUPP). */
static void hand_on_controllers(FamilyRoot *root)
{
        if (root->place.kind == PLACE_OWN)
                return;
        (void)cgroup_hand_on(root->place.path, CONTROLLER_ALL);
        root->controllers = cgroup_hand_on(root->path, CONTROLLER_ALL);
}

/* The group of a pool holds no process of its own. */
static void hand_on(const FamilyRoot *root, const char *pool)
{
        if (root->controllers)
                (void)cgroup_hand_on(pool, root->controllers);
}

static int name_groups(FamilyRoot *root, const char *name)
{
        const Place *place = &root->place;

        if (asprintf(&root->path, "%s/%s", place->path, name) < 0) {
                root->path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&root->group, "%s/%s", text_equal(place->group, "/") ? "" : place->group, name)
            < 0) {
                root->group = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int explain_refusal(Error *reterr, int r, const char *path)
{
        char why[PATH_MAX + 160];

        (void)snprintf(why, sizeof(why), "%s cannot be used: %s%s", path, strerror(-r),
                       r == -EACCES || r == -EPERM || r == -EROFS
                               ? " (run reeved as a service with Delegate=yes)"
                               : "");
        return refuse(reterr, r, why);
}

/* Return: 0; negative errno, then the place is worth nothing */
static int settle(FamilyRoot *root, const char *name)
{
        int r = name_groups(root, name);

        if (r == 0)
                r = make_group(root->path);
        if (r == 0)
                r = probe(root->path);
        return r;
}

int cgroup_root_open(FamilyRoot *root, const char *name, int helper_fd, Error *reterr)
{
        char group[128];
        int r;

        if (text_equal(getenv("REEVE_TEST_FAMILIES"), "descent"))
                return refuse(reterr, -EOPNOTSUPP, "REEVE_TEST_FAMILIES=descent is set");
        (void)snprintf(group, sizeof(group), "reeve-%s.workers", name);
        r = place_find(group, helper_fd, &root->place);
        if (r == -ENOENT)
                return refuse(reterr, r, "no cgroup v2 tree is mounted");
        if (r < 0)
                return refuse(reterr, r, "our own group is not below what is mounted");
        r = settle(root, group);
        if (r < 0)
                return explain_refusal(reterr, r, root->path ? root->path : root->place.path);
        root->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (root->inotify_fd < 0)
                return refuse(reterr, -errno,
                              "no inotify instance can be had "
                              "(fs.inotify.max_user_instances)");
        root->directory_fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root->directory_fd < 0)
                return explain_refusal(reterr, -errno, root->path);
        hand_on_controllers(root);
        return 0;
}

void cgroup_root_close(FamilyRoot *root)
{
        (void)leftover_tidy(root, SIZE_MAX);
        map_done(&root->leftover_by_path);
        if (root->path)
                (void)rmdir(root->path); /* stays while something lives below it */
        place_done(&root->place);
        free(root->path);
        free(root->group);
        root->path = root->group = NULL;
        root->controllers = 0;
        root->inotify_fd = fd_close(root->inotify_fd);
        root->directory_fd = fd_close(root->directory_fd);
        map_done(&root->watches);
}

/* After a lost message every family that is waited for may be the one. */
static void ask_all(FamilyRoot *root, void (*on_empty)(void *userdata))
{
        for (Family *family = root->first, *next; family; family = next) {
                next = family->next;
                if (family->watch >= 0)
                        on_empty(family->userdata);
        }
}

void cgroup_root_dispatch(FamilyRoot *root, void (*on_empty)(void *userdata))
{
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n = read(root->inotify_fd, buffer, sizeof(buffer));

        /* One buffer a call: what is left makes the descriptor readable again. */
        for (char *p = buffer; n > 0 && p < buffer + n;) {
                const struct inotify_event *event = (const struct inotify_event *)p;
                Family *family = map_get(&root->watches, (uint64_t)event->wd);

                p += sizeof(*event) + event->len;
                if (event->mask & IN_Q_OVERFLOW)
                        ask_all(root, on_empty);
                else if (family && !(event->mask & IN_IGNORED))
                        on_empty(family->userdata);
        }
}

/* Names with a dot could be files of the kernel: "memory.max" is a valid name of a pool. */
static const char *escape_prefix(const char *pool)
{
        return strchr(pool, '.') ? "_" : "";
}

/* The group of all pools is gone, and with it the scope that it was in: `systemctl stop` ends one.
 * Return: 1 when both are there again; -EAGAIN: they are not yet; other negative errno */
static int restore_place(FamilyRoot *root)
{
        int r = place_renew(&root->place);

        if (r < 0 && r != -ENOENT)
                return r;
        r = make_group(root->path);
        if (r < 0)
                return r;
        (void)fd_close(root->directory_fd);
        root->directory_fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        hand_on_controllers(root);
        return root->directory_fd < 0 ? -errno : 1;
}

/* From the folder of all groups the way is half as long. */
static const char *below_root(const FamilyRoot *root, const char *path)
{
        return path + strlen(root->path) + 1;
}

/* A group that was there already may have limits from an earlier life. */
static int make_noted(const FamilyRoot *root, const char *path, bool *ret_is_fresh)
{
        *ret_is_fresh = mkdirat(root->directory_fd, below_root(root, path), 0755) == 0;
        return *ret_is_fresh || errno == EEXIST ? 0 : -errno;
}

static int make_pool_group(Family *family)
{
        AUTO_FREE char *pool =
                strndup(family->path, (size_t)(strrchr(family->path, '/') - family->path));
        int r = pool ? make_noted(family->root, pool, &family->is_pool_fresh) : -ENOMEM;

        if (r == -ENOENT)
                r = restore_place(family->root);
        if (r == 1)
                r = make_noted(family->root, pool, &family->is_pool_fresh);
        if (r == 0)
                hand_on(family->root, pool);
        return r;
}

static int make_groups(Family *family)
{
        int r = make_noted(family->root, family->path, &family->is_fresh);

        family->is_pool_fresh = false;
        if (r != -ENOENT)
                return r;
        r = make_pool_group(family);
        return r < 0 ? r : make_noted(family->root, family->path, &family->is_fresh);
}

/* Return: descriptor of the family's group; negative errno */
static int open_group(const Family *family)
{
        const FamilyRoot *root = family->root;
        int fd = openat(root->directory_fd, below_root(root, family->path),
                        O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int open_named(Family *family, const char *base, const char *base_group, const char *name,
                      Error *reterr)
{
        int r;

        if (asprintf(&family->path, "%s/%s", base, name) < 0)
                family->path = NULL;
        else if (asprintf(&family->group, "%s/%s", base_group, name) < 0)
                family->group = NULL;
        r = !family->path || !family->group             ? -ENOMEM
            : leftover_take(family->root, family->path) ? 0
                                                        : make_groups(family);
        return r == 0 ? 0
                      : error_set(reterr, r, "spawn-failed", "cannot make the cgroup %s: %s", name,
                                  strerror(-r));
}

int cgroup_family_open(Family *family, const char *pool, unsigned slot, Error *reterr)
{
        char name[NAME_MAX];

        (void)snprintf(name, sizeof(name), "%s%s/%u", escape_prefix(pool), pool, slot);
        return open_named(family, family->root->path, family->root->group, name, reterr);
}

int cgroup_family_open_within(Family *family, const Family *within, const char *name, Error *reterr)
{
        family->is_within = true;
        return open_named(family, within->path, within->group, name, reterr);
}

static void unwatch(Family *family)
{
        if (family->watch < 0)
                return;
        (void)inotify_rm_watch(family->root->inotify_fd, family->watch);
        (void)map_remove(&family->root->watches, (uint64_t)family->watch);
        family->watch = -1;
}

static int watch(Family *family)
{
        char path[PATH_MAX];
        int r;

        if (family->watch >= 0)
                return 0;
        (void)snprintf(path, sizeof(path), "%s/cgroup.events", family->path);
        family->watch = inotify_add_watch(family->root->inotify_fd, path, IN_MODIFY);
        if (family->watch < 0)
                return -errno;
        r = map_put(&family->root->watches, (uint64_t)family->watch, family);
        if (r < 0)
                unwatch(family);
        return r;
}

void cgroup_family_close(Family *family)
{
        unwatch(family);
        if (family->path && family->is_within)
                (void)rmdir(
                        family->path); /* what is still dying there goes with the slot's group */
        else if (family->path && family->is_spent)
                leftover_remove(family->path);
        else if (family->path)
                leftover_add(family->root, family->path);
        free(family->path);
        free(family->group);
}

/* Nothing lives in it, so it can be removed, and made anew by who opens it. */
static void renew(Family *family)
{
        family->is_spent = false;
        if (rmdir(family->path) < 0)
                (void)cgroup_remove(family->path); /* a group within it */
}

int cgroup_family_begin(Family *family, int *ret_cgroup_fd, Error *reterr)
{
        int fd;

        if (family->is_spent)
                renew(family);
        fd = open_group(family);

        if (fd == -ENOENT) { /* somebody has tidied up below us */
                fd = make_groups(family);
                family->is_tidied = true;
                fd = fd < 0 ? fd : open_group(family);
        }
        if (fd < 0)
                return error_set(reterr, fd, "spawn-failed", "cannot open the cgroup %s: %s",
                                 family->path, strerror(-fd));
        *ret_cgroup_fd = fd;
        return 0;
}

/* Asked at every death.
 * Return: 1 or 0, as when the group itself is gone; negative errno */
static int is_populated(const Family *family)
{
        const FamilyRoot *root = family->root;
        int r = cgroup_is_populated(root->directory_fd, below_root(root, family->path));

        return r == -ENODEV || r == -ENOENT ? 0 : r;
}

/* Mostly it is empty once its main process has ended, and is not watched at all. */
int cgroup_family_is_empty(Family *family)
{
        int r = is_populated(family);

        if (r > 0 && family->watch < 0) {
                /* Without a watch the answer is still true, the news is left to reaped children. */
                (void)watch(family);
                r = is_populated(family);
        }
        if (r == 0)
                unwatch(family);
        return r < 0 ? r : !r;
}

/* Since Linux 6.14 a group that was killed once takes no child by CLONE_INTO_CGROUP any more: it
 * is killed as it is born (seen with 6.18). The kernel counts the kills of each group, and compares
 * the count of the group that the parent is in with that of the one the child is to be in. What runs
 * beside a worker comes and goes in its group; there each process is killed by itself. */
int cgroup_family_kill(Family *family)
{
        AUTO_CLOSE fd = -1;

        if (family->is_within)
                return -ENOENT;
        family->is_spent = true;
        fd = open_group(family);
        /* Nobody is in a group that is gone; else -ENOENT says that cgroup.kill is missing. */
        if (fd == -ENOENT)
                return 0;
        return fd < 0 ? fd : cgroup_kill(fd);
}

int cgroup_family_collect(const Family *family, MemberList *ret)
{
        AUTO_PIDS pids = { 0 };
        AUTO_CLOSE fd = open_group(family);
        int r = fd < 0 ? fd : cgroup_pids(fd, &pids);

        for (size_t i = 0; i < pids.count; i++)
                if (member_list_add(ret, pids.pids[i], 0) < 0)
                        return -ENOMEM;
        return r == -ENODEV || r == -ENOENT ? 0 : r;
}

static bool is_below(const char *group, const char *family_group)
{
        const char *rest = text_after(group, family_group);

        return rest && (*rest == '\0' || *rest == '/');
}

bool cgroup_family_has(const Family *family, pid_t pid)
{
        char group[PATH_MAX];

        return family->group && cgroup_of(pid, group, sizeof(group)) == 0
               && is_below(group, family->group);
}

Family *cgroup_root_owner(const FamilyRoot *root, pid_t pid)
{
        char group[PATH_MAX];

        if (cgroup_of(pid, group, sizeof(group)) < 0 || !is_below(group, root->group))
                return NULL;
        for (Family *family = root->first; family; family = family->next)
                if (is_below(group, family->group))
                        return family;
        return NULL;
}
