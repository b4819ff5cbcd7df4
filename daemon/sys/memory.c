/* memory.c - see memory.h */
#include "sys/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/cgroup.h"
#include "sys/files.h"

enum { TEXT_SIZE = 8192 };

/* Of v1, "no limit" is the largest multiple of a page that fits. */
#define NO_LIMIT_BYTES (UINT64_C(1) << 60)

/* How the two kinds of groups call it. */
typedef struct Names {
        const char *limit, *usage, *reclaimable;
} Names;

static const Names names[] = {
        { "memory.max", "memory.current", "inactive_file" },
        { "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file" },
};

int memory_parse_available(const char *text, uint64_t *ret_bytes)
{
        const char *line = strstr(text, "MemAvailable:");
        unsigned long long kilobytes;

        if (!line)
                return -ENODATA;
        if (sscanf(line, "MemAvailable: %19llu kB", &kilobytes) != 1
            || kilobytes > UINT64_MAX / 1024)
                return -EBADMSG;
        *ret_bytes = kilobytes * 1024;
        return 0;
}

/* "max" is no number. Return: 0, negative errno */
static int read_bytes(const char *folder, const char *name, uint64_t *ret)
{
        char text[32];
        ssize_t n = cgroup_read(folder, name, text, sizeof(text));

        if (n <= 0)
                return n < 0 ? (int)n : -ENODATA;
        text[strcspn(text, "\n")] = '\0';
        return units_parse_number(text, UINT64_MAX, ret);
}

static uint64_t reclaimable_of(const char *folder, const char *name)
{
        char text[TEXT_SIZE];
        uint64_t bytes = 0;

        if (cgroup_read(folder, "memory.stat", text, sizeof(text)) <= 0
            || cgroup_parse_count(text, name, &bytes) < 0)
                return 0;
        return bytes;
}

/* Return: UINT64_MAX without a limit */
static uint64_t room_of(const char *folder, const Names *of)
{
        uint64_t limit, usage, reclaimable;

        if (read_bytes(folder, of->limit, &limit) < 0 || limit >= NO_LIMIT_BYTES
            || read_bytes(folder, of->usage, &usage) < 0)
                return UINT64_MAX;
        reclaimable = reclaimable_of(folder, of->reclaimable);
        usage -= MIN(usage, reclaimable);
        return limit - MIN(limit, usage);
}

static void lower(MemoryRoom *room, const char *folder)
{
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                uint64_t left = room_of(folder, &names[i]);

                if (left >= room->available_bytes)
                        continue;
                room->available_bytes = left;
                (void)text_copy(room->group, sizeof(room->group), folder);
        }
}

void memory_room_above(const char *path, MemoryRoom *room)
{
        char folder[PATH_MAX];

        if (!text_copy(folder, sizeof(folder), path) || !cgroup_is_group(folder))
                return;
        do
                lower(room, folder);
        while (cgroup_leave(folder));
}

static void machine_room(MemoryRoom *room)
{
        char text[TEXT_SIZE];

        if (file_read_into(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) > 0)
                (void)memory_parse_available(text, &room->available_bytes);
}

static void old_room(MemoryRoom *room)
{
        char path[PATH_MAX];

        if (cgroup_find_old("memory", path, sizeof(path)) < 0)
                return;
        memory_room_above(path, room);
        /* In a container its own group may be what is mounted there. */
        memory_room_above(CGROUP_OLD_MOUNT "/memory", room);
}

MemoryRoom memory_room(const char *group)
{
        MemoryRoom room = { .available_bytes = UINT64_MAX };
        AUTO_FREE char *own = NULL;

        machine_room(&room);
        if (!group && cgroup_find_own(&own, NULL) == 0)
                group = own;
        if (group)
                memory_room_above(group, &room);
        old_room(&room);
        return room;
}
