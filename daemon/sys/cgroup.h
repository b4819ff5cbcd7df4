/* cgroup.h - the cgroup v2 tree as far as we may write to it
 *
 * Also in the hybrid layout, where v2 is mounted beside the old controllers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sys/proc.h"

/** cgroup_find_own() - folder of the v2 group that we are in
 *  @ret_path: malloc'd, absolute, in the file system
 *  @ret_group: malloc'd, the same as /proc/self/cgroup has it; may be NULL
 *  Return: 0; -ENOENT if there is no v2 tree, -EXDEV if our group lies outside of what is
 *  mounted, other negative errno */
int cgroup_find_own(char **ret_path, char **ret_group);

/** cgroup_locate() - the same from the text of the two files of /proc/self; pure
 *  @mountinfo, @membership: /proc/self/mountinfo and /proc/self/cgroup */
int cgroup_locate(const char *mountinfo, const char *membership, char **ret_path, char **ret_group);

/** cgroup_of() - the v2 group of a process, as /proc/PID/cgroup has it
 *  Return: 0; -ESRCH, -ENAMETOOLONG, -ENOENT if it has none */
int cgroup_of(pid_t pid, char *buffer, size_t size);

/** cgroup_pids() - add all processes of a group and of the groups below it
 *  @fd: O_PATH descriptor of its folder
 *  Return: 0, negative errno */
int cgroup_pids(int fd, PidList *list);

/** cgroup_is_populated() - whether a process lives in the group or below; zombies do not count
 *  @group: from the folder @fd, "pool/3"
 *  Return: 1, 0, negative errno */
int cgroup_is_populated(int fd, const char *group);

/** cgroup_kill() - SIGKILL to all in the group and below at once, forks under way included
 *  Return: 0; -ENOENT before Linux 5.14, other negative errno */
int cgroup_kill(int fd);

/** cgroup_has_controller() - whether @name stands in a list like cgroup.controllers
 *  @file: "cgroup.controllers" or "cgroup.subtree_control" */
bool cgroup_has_controller(int fd, const char *file, const char *name);

/** cgroup_remove() - remove the group and empty groups below it; Return: 0; -EBUSY if something
 *  lives there, other negative errno */
int cgroup_remove(const char *path);
