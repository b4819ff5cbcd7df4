/* cgroup.h - the cgroup v2 tree as far as we may write to it
 *
 * Also in the hybrid layout, where v2 is mounted beside the old controllers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* Where the old controllers are mounted, each in a folder of its name. */
#define CGROUP_OLD_MOUNT "/sys/fs/cgroup"

/** cgroup_find_old() - folder of our group in the v1 hierarchy of a controller
 *  @controller: "cpu", "memory"
 *  Return: 0; -ENOENT if it is not mounted, -ENAMETOOLONG, other negative errno */
int cgroup_find_old(const char *controller, char *path, size_t size);

/** cgroup_old_group() - the same below the mount, by the text of /proc/self/cgroup; pure
 *  "4:cpu,cpuacct:/docker/ab" has "/docker/ab"; empty if there is no such line */
void cgroup_old_group(const char *membership, const char *controller, char *group, size_t size);

/** cgroup_is_group() - whether a folder is a group of v1 or v2 */
bool cgroup_is_group(const char *folder);

/** cgroup_leave() - cut the last name off a folder; Return: whether what is left is a group */
bool cgroup_leave(char *folder);

/** cgroup_read() - one file of a group; Return: length, negative errno */
ssize_t cgroup_read(const char *folder, const char *name, char *text, size_t size);

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

/* The controllers that reeve sets limits with, as bits. */
typedef enum Controller {
        CONTROLLER_CPU = 1 << 0,
        CONTROLLER_MEMORY = 1 << 1,
        CONTROLLER_PIDS = 1 << 2,
        CONTROLLER_IO = 1 << 3,
        CONTROLLER_ALL = CONTROLLER_CPU | CONTROLLER_MEMORY | CONTROLLER_PIDS | CONTROLLER_IO,
} Controller;

/** cgroup_controllers() - the bits of a list such as "cpuset cpu io memory"; pure */
unsigned cgroup_controllers(const char *text);
/** controller_name() - "memory" for CONTROLLER_MEMORY */
const char *controller_name(Controller controller);
/** cgroup_available() - what the group at @path may hand on; 0 if it cannot be read */
unsigned cgroup_available(const char *path);

/** cgroup_hand_on() - let the groups below have these controllers, as far as they can be had
 *  The group must have no process of its own unless it is the root of the tree.
 *  @path: folder of the group; @wanted: bits
 *  Return: the bits that the groups below have now */
unsigned cgroup_hand_on(const char *path, unsigned wanted);

/** cgroup_parse_count() - the number after @name in a file such as memory.events; pure
 *  Return: 0; -ENODATA if there is no such line, -EBADMSG if no number follows */
int cgroup_parse_count(const char *text, const char *name, uint64_t *ret);

/** cgroup_oom_kills() - how often the kernel has killed in the group or below for want of memory
 *  Return: 0; -ENOENT without the controller, -ENODATA, -EBADMSG, other negative errno */
int cgroup_oom_kills(int fd, uint64_t *ret);

/** cgroup_remove() - remove the group and empty groups below it; Return: 0; -EBUSY if something
 *  lives there, other negative errno */
int cgroup_remove(const char *path);
