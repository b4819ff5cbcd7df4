/* place.h - where in the cgroup tree the groups of workers can be, and which limits work there
 *
 * A group that has processes of its own cannot hand controllers on to groups below it, unless it
 * is the root of the tree. reeved's own group has one, reeved. So, in this order:
 *
 *   scope  reeved is a service of systemd: workers live in a scope beside it, NAME-workers.scope,
 *          which systemd makes and leaves to us. The service's own group stays a leaf, so that
 *          systemd can start the next reeved in it while workers live on. A scope lives as long as
 *          a process in it, so there is one that only waits, the holder (reeve-exec --hold).
 *   root   reeved is in the root group of the whole tree, where the rule does not hold.
 *   leaf   reeved is alone in its group (a container, a group made for it): it moves into a group
 *          `reeved` below, and workers come beside it.
 *   own    none of these: groups below reeved's own, without limits. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "sys/pidref.h"

typedef enum PlaceKind { PLACE_OWN, PLACE_ROOT, PLACE_LEAF, PLACE_SCOPE } PlaceKind;

typedef struct Place {
        PlaceKind kind;
        char *path, *group; /* of the group that holds all that we make: folder; as in /proc */
        char *unit;         /* scope: of reeved, "reeved.service" */
        Error why_no_scope; /* asked for, and not given */
        PidRef holder;      /* unset: none */
        int report_fd;      /* of a holder that is on its way; -1: none */
        int helper_fd;      /* reeve-exec, borrowed; -1: no scope is asked for */
} Place;

#define PLACE_UNSET ((Place){ .holder = PIDREF_UNSET, .report_fd = -1, .helper_fd = -1 })

/** place_find() - find it; may wait some seconds for systemd
 *  @name: of the group that will be made there, by which an earlier life is known
 *  @helper_fd: borrowed
 *  Return: 0; -ENOENT without a v2 tree, -EXDEV if ours is not within what is mounted, other
 *  negative errno */
int place_find(const char *name, int helper_fd, Place *ret);

/** place_renew() - the scope is gone, somebody has stopped it: get another one, without waiting
 *  Return: 0: it is there; -EAGAIN: ask again later; -ENOENT: this is no scope */
int place_renew(Place *place);

/** place_done() - lets go of a scope, which then goes away with the last worker */
void place_done(Place *place);

/** place_why_not() - why groups of workers lack a controller, and what to do
 *  @controller: "memory"; @available: whether the place has it and only cannot hand it on */
void place_why_not(const Place *place, const char *controller, bool is_available, char *text,
                   size_t size);

/** place_scope_name() - "reeved-workers.scope" for the group ".../reeved.service"; pure
 *  Return: whether the group is that of a service, and the name fits */
bool place_scope_name(const char *group, char *name, size_t size);

/** place_kernel_binding() - who has a controller, by the text of /proc/cgroups; pure
 *  @controller: as there: "blkio", not "io"
 *  Return: 1: a hierarchy of cgroup v1; 0: v2 or nobody; -ENOENT: this kernel lacks it */
int place_kernel_binding(const char *text, const char *controller);
