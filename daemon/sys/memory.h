/* memory.h - how much more memory our processes can have
 *
 * What the machine has left, and what the limits of the groups above leave: a container knows only
 * the second. Memory that is taken and can be had back at once (clean pages of files) counts as
 * free in both. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { MEMORY_GROUP_SIZE = 256 };

typedef struct MemoryRoom {
        uint64_t available_bytes;      /* UINT64_MAX: it cannot be told */
        char group[MEMORY_GROUP_SIZE]; /* folder of the group that sets it; empty: the machine */
} MemoryRoom;

/** memory_room() - ask the kernel; a few small files
 *  @group: folder of the v2 group whose processes are meant; NULL: ours
 *  What cannot be read limits nothing. */
MemoryRoom memory_room(const char *group);

/** memory_parse_available() - bytes of MemAvailable in the text of /proc/meminfo; pure
 *  Return: 0; -ENODATA (before Linux 3.14), -EBADMSG */
int memory_parse_available(const char *text, uint64_t *ret_bytes);

/** memory_room_above() - the least that the limits of a group and those above it leave
 *  @path: folder; the walk ends where a folder has no cgroup.procs. Of v2 (memory.max,
 *  memory.current) and v1 (memory.limit_in_bytes, memory.usage_in_bytes) whichever is there;
 *  inactive_file of memory.stat counts as free
 *  @room: lowered, with the group that does it, if that is less */
void memory_room_above(const char *path, MemoryRoom *room);
