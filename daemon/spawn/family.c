/* family.c - see family.h
 *
 * Here is what both kinds have in common: lists of members, and sending signals so that only
 * members get them. What a member is, is decided in family_cgroup.c and family_descent.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "sys/cgroup.h"

/* Each pass finds what was forked during the one before. A fork bomb can keep ahead of any
 * number; then the next child that is reaped brings the next call. */
enum { KILL_PASSES = 16 };

/* Groups removed in one go: 300 us. */
enum { TIDY_ROUND = 8 };

static const char *const kind_names[] = {
        [FAMILY_CGROUP] = "cgroup",
        [FAMILY_DESCENT] = "descent",
};
DEFINE_NAMES(family_kind, FamilyKind, kind_names);

int member_list_add(MemberList *list, pid_t pid, uint64_t start_ticks)
{
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 32;
                Member *more = realloc(list->items, capacity * sizeof(*more));

                if (!more)
                        return -ENOMEM;
                list->items = more;
                list->capacity = capacity;
        }
        list->items[list->count++] = (Member){ .pid = pid, .start_ticks = start_ticks };
        return 0;
}

void member_list_done(MemberList *list)
{
        free(list->items);
        *list = (MemberList){ 0 };
}

/* ---- the root ---- */

int family_root_new(const char *name, int helper_fd, FamilyRoot **ret, Error *reterr)
{
        FamilyRoot *root = calloc(1, sizeof(*root));
        int r;

        if (!root)
                return -ENOMEM;
        root->inotify_fd = root->directory_fd = -1;
        TAILQ_INIT(&root->leftovers);
        root->place = PLACE_UNSET;
        /* Also with cgroups: foreign children would else be reaped by whoever is PID 1. */
        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
                r = -errno;
                free(root);
                return r;
        }
        root->kind = FAMILY_CGROUP;
        r = cgroup_root_open(root, name, helper_fd, reterr);
        if (r < 0) {
                cgroup_root_close(root);
                root->kind = FAMILY_DESCENT;
                r = descent_root_open(root);
        }
        if (r < 0) {
                (void)family_root_free(root);
                return r;
        }
        *ret = root;
        return 0;
}

FamilyRoot *family_root_free(FamilyRoot *root)
{
        if (!root)
                return NULL;
        cgroup_root_close(root);
        descent_root_close(root);
        free(root);
        return NULL;
}

FamilyKind family_root_kind(const FamilyRoot *root)
{
        return root->kind;
}

int family_root_fd(const FamilyRoot *root)
{
        return root->inotify_fd;
}

void family_root_dispatch(FamilyRoot *root, void (*on_empty)(void *userdata))
{
        if (root->kind == FAMILY_CGROUP)
                cgroup_root_dispatch(root, on_empty);
}

bool family_root_tidy(FamilyRoot *root)
{
        return leftover_tidy(root, TIDY_ROUND);
}

size_t family_root_clear(FamilyRoot *root)
{
        return root->kind == FAMILY_CGROUP ? leftover_clear(root) : 0;
}

void family_root_refresh(FamilyRoot *root, bool (*is_leader)(pid_t pid, void *userdata),
                         void *userdata)
{
        root->is_leader = is_leader;
        root->leader_userdata = userdata;
        if (root->kind == FAMILY_DESCENT)
                descent_root_refresh(root);
}

void *family_root_owner(FamilyRoot *root, pid_t pid)
{
        Family *family = root->kind == FAMILY_CGROUP ? cgroup_root_owner(root, pid)
                                                     : descent_root_owner(root, pid);

        return family ? family->userdata : NULL;
}

/* ---- one family ---- */

static Family *family_add(FamilyRoot *root, void *userdata)
{
        Family *family = calloc(1, sizeof(*family));

        if (!family)
                return NULL;
        *family = (Family){ .root = root, .next = root->first, .userdata = userdata, .watch = -1 };
        if (root->first)
                root->first->previous = family;
        root->first = family;
        return family;
}

static int settle(Family *family, int r, Family **ret)
{
        if (r < 0)
                (void)family_free(family);
        else
                *ret = family;
        return r < 0 ? r : 0;
}

int family_new(FamilyRoot *root, const char *pool, unsigned slot, void *userdata, Family **ret,
               Error *reterr)
{
        Family *family = family_add(root, userdata);

        if (!family)
                return error_set(reterr, -ENOMEM, "spawn-failed",
                                 "pool %s: cannot make room for a slot: out of memory", pool);
        return settle(family,
                      root->kind == FAMILY_CGROUP ? cgroup_family_open(family, pool, slot, reterr)
                                                  : 0,
                      ret);
}

int family_new_within(Family *within, const char *name, Family **ret, Error *reterr)
{
        Family *family = family_add(within->root, within->userdata);

        if (!family)
                return error_set(reterr, -ENOMEM, "spawn-failed", "out of memory");
        return settle(family,
                      within->root->kind == FAMILY_CGROUP
                              ? cgroup_family_open_within(family, within, name, reterr)
                              : 0,
                      ret);
}

void family_disown(Family *family)
{
        family->userdata = NULL;
}

Family *family_free(Family *family)
{
        if (!family)
                return NULL;
        if (family->previous)
                family->previous->next = family->next;
        else
                family->root->first = family->next;
        if (family->next)
                family->next->previous = family->previous;
        cgroup_family_close(family);
        descent_family_close(family);
        free(family);
        return NULL;
}

int family_begin(Family *family, const char *instance, int *ret_cgroup_fd, Error *reterr)
{
        int r;

        if (!text_copy(family->instance, sizeof(family->instance), instance))
                return error_set(reterr, -ENAMETOOLONG, "spawn-failed",
                                 "REEVE_INSTANCE=%s is too long", instance);
        if (family->root->kind == FAMILY_CGROUP)
                return cgroup_family_begin(family, ret_cgroup_fd, reterr);
        r = descent_family_begin(family);
        if (r < 0)
                return error_set(reterr, r, "spawn-failed", "cannot begin a life: %s",
                                 strerror(-r));
        *ret_cgroup_fd = -1;
        return 0;
}

static int collect(Family *family, const PidRef *leader, MemberList *ret)
{
        return family->root->kind == FAMILY_CGROUP ? cgroup_family_collect(family, ret)
                                                   : descent_family_collect(family, leader, ret);
}

int family_is_empty(Family *family, const PidRef *leader)
{
        return family->root->kind == FAMILY_CGROUP ? cgroup_family_is_empty(family)
                                                   : descent_family_is_empty(family, leader);
}

size_t family_members(Family *family, const PidRef *leader, pid_t *pids, size_t size)
{
        AUTO_MEMBERS members = { 0 };

        (void)collect(family, leader, &members); /* what was found until it failed */
        for (size_t i = 0; i < members.count && i < size; i++)
                pids[i] = members.items[i].pid;
        return members.count;
}

/* A stopped process takes no signal but KILL until it goes on. */
static bool wants_continue(int signal)
{
        return signal != SIGSTOP && signal != SIGTSTP && signal != SIGCONT && signal != SIGKILL;
}

void family_wake_leader(const PidRef *leader, int signal)
{
        if (wants_continue(signal))
                (void)pidref_signal(leader, SIGCONT); /* it may have ended by now */
}

int family_signal_leader(const PidRef *leader, int signal)
{
        int r = pidref_signal(leader, signal);

        if (r == 0)
                family_wake_leader(leader, signal);
        return r;
}

/* Between listing and opening, the PID may have become somebody else's. Once the pidfd is open
 * and the PID still belongs to a member, the pidfd is that member or a process that has ended. */
static int signal_member(Family *family, const Member *member, int signal)
{
        PidRef process CLEANUP(pidref_done) = PIDREF_UNSET;
        int r = pidref_open(member->pid, member->start_ticks, &process);

        if (r < 0)
                return r;
        if (member->start_ticks == 0 && !cgroup_family_has(family, member->pid))
                return -ESRCH;
        return family_signal_leader(&process, signal);
}

static int signal_members(Family *family, const PidRef *leader, const MemberList *members,
                          int signal)
{
        int reached = 0;

        for (size_t i = 0; i < members->count; i++)
                if ((!leader || members->items[i].pid != leader->pid)
                    && signal_member(family, &members->items[i], signal) == 0)
                        reached++;
        return reached;
}

int family_signal_others(Family *family, const PidRef *leader, int signal)
{
        AUTO_MEMBERS members = { 0 };

        (void)collect(family, leader, &members); /* what was found until it failed */
        return signal_members(family, leader, &members, signal);
}

int family_signal(Family *family, const PidRef *leader, int signal)
{
        AUTO_MEMBERS members = { 0 };
        int reached = 0;

        (void)collect(family, leader, &members); /* before the leader ends and they lose it */
        if (leader && pidref_is_set(leader) && family_signal_leader(leader, signal) == 0)
                reached++;
        return reached + signal_members(family, leader, &members, signal);
}

/* Return: how many were found that had not been killed before, negative errno */
static int kill_new(Family *family, const PidRef *leader, Map *killed)
{
        AUTO_MEMBERS members = { 0 };
        int r = collect(family, leader, &members), count = 0;

        for (size_t i = 0; i < members.count; i++) {
                const Member *member = &members.items[i];
                int sent;

                if (map_get(killed, (uint64_t)member->pid))
                        continue;
                sent = signal_member(family, member, SIGKILL);
                if (sent < 0 && sent != -ESRCH)
                        r = sent;
                if (map_put(killed, (uint64_t)member->pid, family) < 0)
                        return -ENOMEM;
                count++;
        }
        return r < 0 ? r : count;
}

static int kill_in_passes(Family *family, const PidRef *leader)
{
        Map killed CLEANUP(map_done) = { 0 };
        int r = 1, failed = 0;

        for (int pass = 0; pass < KILL_PASSES && r != 0; pass++) {
                r = kill_new(family, leader, &killed);
                if (r < 0)
                        failed = r; /* go on with those that can be killed */
                if (r == -ENOMEM)
                        break;
        }
        return failed;
}

int family_kill(Family *family, const PidRef *leader)
{
        int r = family->root->kind == FAMILY_CGROUP ? cgroup_family_kill(family) : -ENOENT;

        return r == -ENOENT ? kill_in_passes(family, leader) : r;
}
