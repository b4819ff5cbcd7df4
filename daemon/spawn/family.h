/* family.h - all processes of one slot, however they try to get away
 *
 * A family is what a worker's process brings into the world: children, double-forked
 * daemons, new sessions. Two ways to hold it together, chosen once at start:
 *
 *   cgroup   one cgroup v2 per slot; members are the kernel's own list, SIGKILL is cgroup.kill,
 *            "gone" is populated 0 in cgroup.events.
 *   descent  reeved is a subreaper, so whoever loses its parent becomes reeved's child and is
 *            told by its mark (spawn/mark.h), by REEVE_INSTANCE in its environment, or by the
 *            parent it was last seen under; living descendants are found by walking down
 *            /proc/PID/task/TID/children. Lives that a reeved before us began are no children
 *            of ours: for them all of /proc is looked through.
 *
 * REEVE_TEST_FAMILIES=descent in the environment forces the second. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/names.h"
#include "config/config.h"
#include "sys/pidref.h"

typedef enum FamilyKind { FAMILY_CGROUP = 1, FAMILY_DESCENT } FamilyKind;
DECLARE_NAMES(family_kind, FamilyKind);

typedef struct FamilyRoot FamilyRoot; /* the daemon's one place for all families */
typedef struct Family Family;         /* of one slot; outlives its processes, serves the next */

/** family_root_new() - find out what can be had; becomes a subreaper in any case
 *  @name: unique to this daemon's state folder, part of the cgroup's name
 *  @helper_fd: reeve-exec, borrowed; -1: systemd is not asked for a scope
 *  @reterr: why cgroups are not used, filled also on success with kind descent (a warning)
 *  Return: 0; negative errno */
int family_root_new(const char *name, int helper_fd, FamilyRoot **ret, Error *reterr);
/** family_root_free() - all families must be freed before; removes empty groups; Return: NULL */
FamilyRoot *family_root_free(FamilyRoot *root);
FamilyKind family_root_kind(const FamilyRoot *root);
/** family_root_controllers() - bits of sys/cgroup.h: which limits can be set? */
unsigned family_root_controllers(const FamilyRoot *root);
/** family_root_path() - folder of the group of all pools, owned by @root; NULL for descent */
const char *family_root_path(const FamilyRoot *root);
/** family_root_trouble() - what is worse than it could be: systemd has refused a scope
 *  Return: a sentence, owned by @root; NULL: nothing */
const char *family_root_trouble(const FamilyRoot *root);
/** family_root_why_not() - why one of them is missing, and what to do; sentences */
void family_root_why_not(const FamilyRoot *root, unsigned controller, char *text, size_t size);

/** family_root_fd() - readable when some group may have become empty; -1 for descent, where the
 *  caller asks again after every child that it reaps */
int family_root_fd(const FamilyRoot *root);
/** family_root_dispatch() - read the news of family_root_fd()
 *  @on_empty: called for each family that may have become empty, with its `userdata` */
void family_root_dispatch(FamilyRoot *root, void (*on_empty)(void *userdata));

/** family_root_tidy() - families that were freed leave their groups; remove a few of them
 *  Return: true if there are more: call it again when there is time */
bool family_root_tidy(FamilyRoot *root);

/** family_root_clear() - end what lives in slots that nobody has taken: an earlier daemon began it and
 *  did not live to write it down
 *  Waits a second at most, so it is for before the loop. Only with cgroups: by descent such a worker
 *  is not found.
 *  Return: number of slots in which something lived */
size_t family_root_clear(FamilyRoot *root);

/** family_root_refresh() - descent: look at our own children once, so that the calls below need
 *  not each; call it after reaping, before family_is_empty(). Nothing to do for cgroup.
 *  @is_leader: whether this child is a worker's main process; it and @userdata are kept, and
 *  asked again by the calls below */
void family_root_refresh(FamilyRoot *root, bool (*is_leader)(pid_t pid, void *userdata),
                         void *userdata);

/** family_new() - make the place of one slot
 *  @userdata: handed to on_empty, and returned by family_root_owner()
 *  Return: 0; negative errno with @reterr */
int family_new(FamilyRoot *root, const char *pool, unsigned slot, void *userdata, Family **ret,
               Error *reterr);
/** family_new_within() - a family of what is run beside a worker, for a while and to be ended alone
 *  By cgroup it lies within the slot's group, and ends and counts with it; by descent it stands by
 *  itself, and its owner ends it.
 *  @within: the slot's; freed later than the new one
 *  @name: a short word, of which there is one at a time
 *  Return: 0; negative errno with @reterr */
int family_new_within(Family *within, const char *name, Family **ret, Error *reterr);
/** family_disown() - it has no owner any more: family_root_owner() answers NULL for its processes */
void family_disown(Family *family);
/** family_free() - forget it; its group is left to family_root_tidy() or to the slot's next family.
 *  It must be empty, or be left to its fate knowingly; Return: NULL */
Family *family_free(Family *family);

/** family_begin() - a new life starts in this slot
 *  @instance: REEVE_INSTANCE of that life
 *  @ret_cgroup_fd: descriptor of the cgroup to be born into, the caller closes it; -1: descent
 *  Return: 0; negative errno with @reterr */
int family_begin(Family *family, const char *instance, int *ret_cgroup_fd, Error *reterr);

/* ---- limits (family_limits.c) ---- */

typedef enum FamilyScope { FAMILY_OF_SLOT, FAMILY_OF_POOL } FamilyScope;

/** family_is_fresh() - whether its group was made by family_new() or since, so that no limit is
 *  set there yet; one that was there before may have any */
bool family_is_fresh(const Family *family, FamilyScope scope);

/** family_limit() - make the group of the slot, or of its pool, have @to
 *  @from: what it has; NULL: not known. Only what differs is written, and only what the
 *  controllers allow.
 *  @ret_key: the first that the kernel refused: "MemoryMax", static
 *  Return: 0; the kernel's errno, negative (the others are set nevertheless) */
int family_limit(Family *family, FamilyScope scope, const GroupLimits *from, const GroupLimits *to,
                 const char **ret_key);

/** family_limit_key() - the keys of the limits that are set in @limits, for messages
 *  @index: from 0
 *  @ret_controller: the one that is needed for it
 *  Return: "PoolMemoryMax" or the like, static; NULL past the last */
const char *family_limit_key(const GroupLimits *limits, FamilyScope scope, size_t index,
                             unsigned *ret_controller);

/** family_take_tidied() - whether the groups were made anew, without limits, since last asked */
bool family_take_tidied(Family *family);

/** family_take_oom_kills() - how often the kernel has killed in it for want of memory since this
 *  was last asked; 0 where it cannot be told */
uint64_t family_take_oom_kills(Family *family);

/** family_signal() - @signal to every process of the family, leader first; through pidfds
 *  It is followed by CONT, so that stopped processes get it too, unless it is to stop or to kill.
 *  @leader: NULL or unset when it is already gone; so too in the calls below
 *  Return: number of processes reached */
int family_signal(Family *family, const PidRef *leader, int signal);

/** family_signal_leader() - the same to the leader alone; Return: 0, negative errno */
int family_signal_leader(const PidRef *leader, int signal);

/** family_wake_leader() - the second half of it, for one that was sent @signal by its pidfd: a stopped
 *  process takes none but SIGKILL until it goes on */
void family_wake_leader(const PidRef *leader, int signal);

/** family_signal_others() - the same without the leader, who has been told already
 *  Return: number of processes reached */
int family_signal_others(Family *family, const PidRef *leader, int signal);

/** family_kill() - SIGKILL to all, including those born meanwhile (cgroup: one write)
 *  Return: 0, negative errno */
int family_kill(Family *family, const PidRef *leader);

/** family_is_empty() - whether nothing of the slot lives
 *  While it is not, family_root_fd() or the next reaped child will bring the news (should
 *  inotify's watches be used up: only the latter).
 *  @leader: its main process if it is not reaped yet
 *  Return: 1 if empty, 0 if not, negative errno if it cannot be told */
int family_is_empty(Family *family, const PidRef *leader);

/** family_members() - living PIDs, for messages that name survivors
 *  Return: how many there are; at most @size of them are stored */
size_t family_members(Family *family, const PidRef *leader, pid_t *pids, size_t size);

/** family_root_owner() - whose process is this?
 *  Return: userdata of the family, NULL if it is none of ours */
void *family_root_owner(FamilyRoot *root, pid_t pid);
