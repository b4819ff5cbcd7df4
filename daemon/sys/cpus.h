/* cpus.h - how many processors our processes can really keep busy
 *
 * Less than are there: an affinity or cpuset may leave some of them, a quota of a container or a
 * slice some of their time. */
#pragma once

#include <stddef.h>

typedef struct CpuCount {
        unsigned online;   /* of the machine */
        unsigned affinity; /* that the affinity and the cpuset leave us */
        double quota;      /* cores, the tightest of all groups above; 0: there is none */
        unsigned usable;   /* the least of these, a quota rounded up; at least 1 */
} CpuCount;

/** cpus_count() - ask the kernel; a few small files
 *  @group: folder of the v2 group whose processes are meant; NULL: ours
 *  What cannot be read limits nothing. */
CpuCount cpus_count(const char *group);

/** cpus_parse_list() - number of processors in "0-3,7\n"; 0 if that is no such list; pure */
unsigned cpus_parse_list(const char *text);

/** cpus_parse_max() - cores by the text of cpu.max, "150000 100000\n"; pure
 *  Return: above 0; 0 for "max" and for what cannot be read */
double cpus_parse_max(const char *text);

/** cpus_quota_above() - the tightest quota of a group and those above it
 *  @path: folder; the walk ends where a folder has no cgroup.procs
 *  Return: cores; 0: none */
double cpus_quota_above(const char *path);
