/* place.c - see place.h
 *
 * The first reeved of a place decides; the ones after it must come to the same, or they would not
 * find the workers that live there. So what an earlier one has made is looked for first. */
#include "spawn/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "spawn/holder.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"

#define PATIENCE_USEC (5 * USEC_PER_SEC)

/* An init and a shell may be in the container's group with us, and are moved along. */
enum { COMPANIONS_MAX = 8 };

static const char leaf_name[] = "reeved";

/* ---- scope ---- */

bool place_scope_name(const char *group, char *name, size_t size)
{
        const char *unit = strrchr(group, '/');
        size_t length = unit ? strlen(unit + 1) : 0, stem = length - strlen(".service");

        if (length <= strlen(".service") || !text_equal(unit + 1 + stem, ".service"))
                return false;
        return snprintf(name, size, "%.*s-workers.scope", (int)stem, unit + 1) < (int)size;
}

static char *sibling(const char *path, const char *name)
{
        char *joined;
        int parent = (int)(strrchr(path, '/') - path);

        return asprintf(&joined, "%.*s/%s", parent, path, name) < 0 ? NULL : joined;
}

/* The last word of the folder that holds the unit, "-.slice" for the root. */
static void slice_of(const char *group, char *slice, size_t size)
{
        int parent = (int)(strrchr(group, '/') - group);
        char *last;

        (void)snprintf(slice, size, "%.*s", parent, group);
        last = strrchr(slice, '/');
        if (last)
                memmove(slice, last + 1, strlen(last));
        else
                (void)text_copy(slice, size, "-.slice");
}

static int start_holder(Place *place)
{
        char slice[NAME_MAX + 1];
        const HolderPlan plan = { .scope = { .name = strrchr(place->group, '/') + 1,
                                             .slice = slice,
                                             .unit = place->unit,
                                             .is_user = geteuid() != 0 },
                                  .path = place->path,
                                  .helper_fd = place->helper_fd,
                                  .deadline_usec = now_usec() + PATIENCE_USEC };

        slice_of(place->group, slice, sizeof(slice));
        return holder_start(&plan, &place->holder, &place->report_fd);
}

/* Return: 1: it holds; 0: not known yet; negative errno */
static int look_at_holder(Place *place)
{
        HolderReport report = { 0 };
        int r = holder_read(place->report_fd, &report);

        if (r == 0)
                return 0;
        place->report_fd = fd_close(place->report_fd);
        r = r < 0 ? r : report.result;
        if (r == 0)
                return 1;
        holder_end(&place->holder);
        return error_set(&place->why_no_scope, r, "no-scope", "%s",
                         report.message[0] ? report.message
                                           : "the process that asks systemd for "
                                             "a scope of workers ended");
}

static int wait_for_holder(Place *place)
{
        uint64_t deadline = now_usec() + PATIENCE_USEC + USEC_PER_SEC;
        int r;

        while ((r = look_at_holder(place)) == 0) {
                struct pollfd news = { .fd = place->report_fd, .events = POLLIN };
                uint64_t now = now_usec();

                if (now >= deadline)
                        return error_set(&place->why_no_scope, -ETIMEDOUT, "no-scope",
                                         "systemd does not answer");
                (void)poll(&news, 1, (int)((deadline - now) / USEC_PER_MSEC) + 1);
        }
        return r < 0 ? r : 0;
}

static void take_names(Place *place, char **path, char **group)
{
        free(place->path);
        free(place->group);
        place->path = TAKE_PTR(*path);
        place->group = TAKE_PTR(*group);
}

static void give_up_scope(Place *place)
{
        place->report_fd = fd_close(place->report_fd);
        holder_end(&place->holder);
        free(place->unit);
        place->unit = NULL;
        place->kind = PLACE_OWN;
}

/* Return: 0: workers go into a scope; negative errno: there is none, nothing has changed */
static int try_scope(Place *place)
{
        AUTO_FREE char *own_path = NULL, *own_group = NULL, *path = NULL, *group = NULL;
        char name[NAME_MAX + 1];
        int r;

        if (place->helper_fd < 0 || !manager_is_running()
            || !place_scope_name(place->group, name, sizeof(name)))
                return -ENOENT;
        own_path = strdup(place->path);
        own_group = strdup(place->group);
        path = sibling(place->path, name);
        group = sibling(place->group, name);
        place->unit = strdup(strrchr(place->group, '/') + 1);
        if (!own_path || !own_group || !path || !group || !place->unit)
                return -ENOMEM;
        take_names(place, &path, &group);
        place->kind = PLACE_SCOPE;
        r = start_holder(place);
        r = r < 0 ? r : wait_for_holder(place);
        if (r < 0) {
                take_names(place, &own_path, &own_group);
                give_up_scope(place);
        }
        return r;
}

int place_renew(Place *place)
{
        int r;

        if (place->kind != PLACE_SCOPE)
                return -ENOENT;
        if (place->report_fd < 0) {
                holder_end(&place->holder); /* it went with the scope, or has held another */
                r = start_holder(place);
                return r < 0 ? r : -EAGAIN;
        }
        r = look_at_holder(place);
        return r > 0 ? 0 : -EAGAIN;
}

/* ---- leaf ---- */

static bool exists(const char *folder, const char *name)
{
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        return access(path, F_OK) == 0;
}

static int parent_of(const char *path, char **ret)
{
        char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

        if (!parent)
                return -ENOMEM;
        *ret = parent;
        return 0;
}

/* An earlier life has moved whoever started us, and us with it, into the leaf. */
static bool is_in_leaf(const Place *place, const char *workers)
{
        AUTO_FREE char *beside = NULL;

        if (!text_equal(strrchr(place->group, '/') + 1, leaf_name))
                return false;
        beside = sibling(place->path, workers);
        return beside && access(beside, F_OK) == 0;
}

static int leave_leaf(Place *place)
{
        AUTO_FREE char *path = NULL, *group = NULL;
        int r = parent_of(place->path, &path);

        if (r == 0)
                r = parent_of(place->group, &group);
        if (r == 0 && !*group) { /* "/reeved" */
                free(group);
                group = strdup("/");
                r = group ? 0 : -ENOMEM;
        }
        if (r < 0)
                return r;
        take_names(place, &path, &group);
        place->kind = PLACE_LEAF;
        return 0;
}

/* In the root of a cgroup namespace all are of one container; elsewhere only we are ours. */
static bool may_move(const Place *place, const PidList *pids)
{
        if (text_equal(place->group, "/"))
                return pids->count <= COMPANIONS_MAX;
        return pids->count == 1 && pids->pids[0] == getpid();
}

static int move_all(const char *leaf, const PidList *pids)
{
        char path[PATH_MAX], number[16];

        (void)snprintf(path, sizeof(path), "%s/cgroup.procs", leaf);
        for (size_t i = 0; i < pids->count; i++) {
                int r;

                (void)snprintf(number, sizeof(number), "%d", (int)pids->pids[i]);
                r = file_write_text(AT_FDCWD, path, number);
                if (r < 0 && r != -ESRCH)
                        return r;
        }
        return 0;
}

static int list_own(const char *folder, PidList *pids)
{
        AUTO_FREE char *text = NULL;
        char path[PATH_MAX];
        int r;

        (void)snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
        r = file_read(AT_FDCWD, path, 4096, &text, NULL);
        return r < 0 ? r : pid_list_parse(pids, text);
}

static int try_leaf(Place *place)
{
        AUTO_FREE char *leaf = NULL;
        AUTO_PIDS pids = { 0 };
        int r = list_own(place->path, &pids);

        if (r < 0)
                return r;
        if (cgroup_available(place->path) == 0 || !may_move(place, &pids))
                return -EBUSY;
        if (asprintf(&leaf, "%s/%s", place->path, leaf_name) < 0) {
                leaf = NULL;
                return -ENOMEM;
        }
        if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
                return -errno;
        r = move_all(leaf, &pids);
        if (r == 0)
                place->kind = PLACE_LEAF;
        return r;
}

/* ---- which ---- */

int place_find(const char *name, int helper_fd, Place *ret)
{
        Place place = PLACE_UNSET;
        int r = cgroup_find_own(&place.path, &place.group);

        if (r < 0)
                return r;
        place.helper_fd = helper_fd;
        if (is_in_leaf(&place, name)) {
                r = leave_leaf(&place);
        } else if (!exists(place.path, "cgroup.type")) { /* only the root of the tree has none */
                place.kind = PLACE_ROOT;
        } else if (try_scope(&place) < 0 && !error_is_set(&place.why_no_scope)) {
                (void)try_leaf(&place); /* else it stays as it is */
        }
        if (r < 0) {
                place_done(&place);
                return r;
        }
        *ret = place;
        return 0;
}

void place_done(Place *place)
{
        char holder[PATH_MAX];

        holder_end(&place->holder);
        if (place->kind == PLACE_SCOPE) {
                (void)snprintf(holder, sizeof(holder), "%s/holder", place->path);
                (void)rmdir(holder); /* systemd does it else */
        }
        (void)fd_close(place->report_fd);
        free(place->path);
        free(place->group);
        free(place->unit);
        *place = PLACE_UNSET;
}

/* ---- why not ---- */

int place_kernel_binding(const char *text, const char *controller)
{
        for (const char *line = text; line; line = strchr(line, '\n')) {
                const char *rest;

                line += *line == '\n';
                rest = text_after(line, controller);
                if (rest && *rest == '\t')
                        return rest[1] >= '1' && rest[1] <= '9';
        }
        return -ENOENT;
}

static int kernel_binding(const char *controller)
{
        AUTO_FREE char *text = NULL;
        int r = file_read(AT_FDCWD, "/proc/cgroups", 65536, &text, NULL);

        return r < 0 ? 0
                     : place_kernel_binding(text,
                                            text_equal(controller, "io") ? "blkio" : controller);
}

void place_why_not(const Place *place, const char *controller, bool is_available, char *text,
                   size_t size)
{
        int binding = kernel_binding(controller);

        if (binding == -ENOENT)
                (void)text_copy(text, size, "this kernel lacks it.");
        else if (binding == 1)
                (void)text_copy(text, size,
                                "cgroup v1 has it. Boot with systemd.unified_cgroup_hierarchy=1.");
        else if (error_is_set(&place->why_no_scope))
                (void)snprintf(text, size, "%s.", place->why_no_scope.message);
        else if (is_available)
                (void)text_copy(text, size,
                                "others are in reeved's own cgroup. Run reeved as a service, or "
                                "alone in its group.");
        else
                (void)snprintf(text, size,
                               "%s was not given it. Run reeved as a service with Delegate=yes.",
                               place->group);
}
