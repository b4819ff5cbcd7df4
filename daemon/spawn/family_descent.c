/* family_descent.c - families without cgroups (see family.h)
 *
 * A process is ours in one of these ways: it descends from a worker; or its parent died and it
 * became our own child, a stray, since we are the subreaper. A stray is told by the mark in its
 * limits, by REEVE_INSTANCE, or by having been seen in a family before.
 *
 * Why "empty" can be believed: the walk found nobody, so whatever still lived when it began has
 * lost its parent and is our child now; and the list of our own children, which is read after
 * the walk, is complete, since nobody but us reaps them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "spawn/mark.h"

/* More parents than any tree of processes has; ends a climb that runs in a circle because
 * PIDs were used again meanwhile. */
enum { CLIMB_MAX = 256 };

/* The number that stands for a process: its limit, else its instance. 0: none */
static uint64_t mark_of(pid_t pid, const ProcStat *stat)
{
        char instance[INSTANCE_SIZE];

        if (mark_is_one(stat->rss_limit))
                return stat->rss_limit;
        if (proc_variable(pid, "REEVE_INSTANCE", instance, sizeof(instance)) < 0)
                return 0;
        return mark_of_instance(instance);
}

static Family *find_seen(FamilyRoot *root, const Member *member)
{
        for (Family *family = root->first; family; family = family->next)
                for (size_t i = 0; i < family->seen.count; i++)
                        if (family->seen.items[i].pid == member->pid
                            && family->seen.items[i].start_ticks == member->start_ticks)
                                return family;
        return NULL;
}

static Family *attribute(FamilyRoot *root, pid_t pid, const ProcStat *stat)
{
        Member member = { .pid = pid, .start_ticks = stat->start_ticks };
        uint64_t mark = mark_of(pid, stat);
        Family *family = mark != 0 ? map_get(&root->marks, mark) : NULL;

        return family ? family : find_seen(root, &member);
}

/* ---- our own children ---- */

static Family *find_stray(const FamilyRoot *root, const Member *member)
{
        for (size_t i = 0; i < root->stray_count; i++)
                if (root->strays[i].member.pid == member->pid
                    && root->strays[i].member.start_ticks == member->start_ticks)
                        return root->strays[i].family;
        return NULL;
}

static bool look_at_child(FamilyRoot *root, pid_t pid, Stray *ret)
{
        ProcStat stat;

        if (root->is_leader && root->is_leader(pid, root->leader_userdata))
                return false;
        if (proc_stat(pid, &stat) < 0 || proc_stat_is_dead(&stat))
                return false;
        ret->member = (Member){ .pid = pid, .start_ticks = stat.start_ticks };
        ret->family = find_stray(root, &ret->member);
        if (!ret->family)
                ret->family = attribute(root, pid, &stat);
        return true;
}

static int refresh(FamilyRoot *root)
{
        AUTO_PIDS children = { 0 };
        AUTO_FREE Stray *strays = NULL, *before = NULL;
        size_t count = 0;
        int r = proc_children(getpid(), &children);

        if (r < 0)
                return r;
        strays = calloc(children.count + 1, sizeof(*strays));
        if (!strays)
                return -ENOMEM;
        for (size_t i = 0; i < children.count; i++)
                count += look_at_child(root, children.pids[i], &strays[count]);
        before = root->strays;
        root->strays = TAKE_PTR(strays);
        root->stray_count = count;
        return 0;
}

void descent_root_refresh(FamilyRoot *root)
{
        /* If it fails the list is old; family_is_empty() asks again and reports the failure. */
        (void)refresh(root);
}

/* ---- the root ---- */

static bool descends_from_us(pid_t pid)
{
        ProcStat stat;

        for (int i = 0; i < CLIMB_MAX && pid > 1 && proc_stat(pid, &stat) == 0; i++) {
                if (stat.parent == getpid())
                        return true;
                pid = stat.parent;
        }
        return false;
}

/* Workers of a reeved before us are children of init now. Whose life they are is asked once. */
static int find_elders(FamilyRoot *root)
{
        AUTO_PIDS all = { 0 };
        int r = proc_all(&all);

        for (size_t i = 0; r == 0 && i < all.count; i++) {
                ProcStat stat;
                uint64_t mark;

                if (proc_stat(all.pids[i], &stat) < 0)
                        continue;
                mark = mark_of(all.pids[i], &stat);
                if (mark != 0 && !descends_from_us(all.pids[i]))
                        r = map_put(&root->elders, mark, root);
        }
        return r;
}

int descent_root_open(FamilyRoot *root)
{
        int r = refresh(root);

        return r < 0 ? r : find_elders(root);
}

void descent_root_close(FamilyRoot *root)
{
        free(root->strays);
        root->strays = NULL;
        root->stray_count = 0;
        map_done(&root->marks);
        map_done(&root->elders);
}

Family *descent_root_owner(FamilyRoot *root, pid_t pid)
{
        ProcStat stat;

        for (int i = 0; i < CLIMB_MAX && pid > 1 && pid != getpid(); i++) {
                Member member = { .pid = pid };
                Family *family;

                if (proc_stat(pid, &stat) < 0)
                        return NULL;
                member.start_ticks = stat.start_ticks;
                family = find_stray(root, &member);
                if (!family)
                        family = attribute(root, pid, &stat);
                if (family)
                        return family;
                pid = stat.parent;
        }
        return NULL;
}

/* ---- one family ---- */

static void forget_mark(Family *family)
{
        if (family->mark != 0 && map_get(&family->root->marks, family->mark) == family)
                (void)map_remove(&family->root->marks, family->mark);
        family->mark = 0;
}

int descent_family_begin(Family *family)
{
        uint64_t mark = mark_of_instance(family->instance);
        int r = mark != 0 ? map_put(&family->root->marks, mark, family) : 0;

        if (r < 0)
                return r;
        if (family->mark != mark)
                forget_mark(family);
        family->mark = mark;
        family->is_adopted = map_get(&family->root->elders, mark) != NULL;
        return 0;
}

void descent_family_close(Family *family)
{
        FamilyRoot *root = family->root;

        forget_mark(family);
        for (size_t i = 0; i < root->stray_count; i++)
                if (root->strays[i].family == family)
                        root->strays[i].family = NULL;
        member_list_done(&family->seen);
}

typedef struct Walk {
        MemberList *members;
        Map visited;
} Walk;

static int visit(Walk *walk, pid_t pid, uint64_t start_ticks)
{
        ProcStat stat;
        int r;

        if (map_get(&walk->visited, (uint64_t)pid) || proc_stat(pid, &stat) < 0
            || proc_stat_is_dead(&stat) || (start_ticks != 0 && stat.start_ticks != start_ticks))
                return 0;
        r = map_put(&walk->visited, (uint64_t)pid, walk);
        return r < 0 ? r : member_list_add(walk->members, pid, stat.start_ticks);
}

/* Lives of the reeved before us: their strays are init's children, and only marked. */
static int visit_elders(Walk *walk, const Family *family)
{
        AUTO_PIDS all = { 0 };
        int r = proc_all(&all);

        for (size_t i = 0; r == 0 && i < all.count; i++) {
                ProcStat stat;

                if (proc_stat(all.pids[i], &stat) == 0
                    && mark_of(all.pids[i], &stat) == family->mark)
                        r = visit(walk, all.pids[i], stat.start_ticks);
        }
        return r;
}

static int visit_roots(Walk *walk, const Family *family, const PidRef *leader)
{
        const FamilyRoot *root = family->root;
        int r = leader && pidref_is_set(leader) ? visit(walk, leader->pid, leader->start_ticks) : 0;

        for (size_t i = 0; r == 0 && i < root->stray_count; i++)
                if (root->strays[i].family == family)
                        r = visit(walk, root->strays[i].member.pid,
                                  root->strays[i].member.start_ticks);
        if (r == 0 && family->is_adopted)
                r = visit_elders(walk, family);
        return r;
}

static int visit_children(Walk *walk, pid_t parent)
{
        AUTO_PIDS children = { 0 };
        int r = proc_children(parent, &children);

        if (r < 0)
                return r == -ESRCH ? 0 : r; /* ended meanwhile: its children are ours now */
        for (size_t i = 0; r == 0 && i < children.count; i++) {
                ProcStat stat;

                /* Between the list and this look it may have ended, and its PID be another's. */
                if (proc_stat(children.pids[i], &stat) == 0
                    && (stat.parent == parent || stat.parent == getpid()))
                        r = visit(walk, children.pids[i], stat.start_ticks);
        }
        return r;
}

static int walk_down(Family *family, const PidRef *leader, MemberList *ret)
{
        Walk walk = { .members = ret };
        int r = visit_roots(&walk, family, leader);

        /* The list grows while it is read. */
        for (size_t i = 0; r == 0 && i < ret->count; i++)
                r = visit_children(&walk, ret->items[i].pid);
        map_done(&walk.visited);
        return r;
}

static void remember(Family *family, const MemberList *members)
{
        MemberList seen = { 0 };

        for (size_t i = 0; i < members->count; i++)
                if (member_list_add(&seen, members->items[i].pid, members->items[i].start_ticks)
                    < 0)
                        break; /* a last resort is shorter than it could be */
        member_list_done(&family->seen);
        family->seen = seen;
}

int descent_family_collect(Family *family, const PidRef *leader, MemberList *ret)
{
        int r = refresh(family->root);

        if (r == 0)
                r = walk_down(family, leader, ret);
        remember(family, ret);
        return r;
}

static bool has_stray(const Family *family)
{
        const FamilyRoot *root = family->root;

        for (size_t i = 0; i < root->stray_count; i++)
                if (root->strays[i].family == family)
                        return true;
        return false;
}

int descent_family_is_empty(Family *family, const PidRef *leader)
{
        AUTO_MEMBERS members = { 0 };
        int r = walk_down(family, leader, &members);

        if (r < 0)
                return r;
        if (members.count > 0) {
                remember(family, &members);
                return 0;
        }
        r = refresh(family->root); /* before "seen" is forgotten: it may tell whose a stray is */
        if (r < 0)
                return r;
        if (has_stray(family))
                return 0;
        remember(family, &members);
        family->is_adopted = false;
        return 1;
}
