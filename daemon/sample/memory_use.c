/* memory_use.c - see memory_use.h */
#include "sample/memory_use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/files.h"

int memory_use_parse(const char *text, MemoryUse *ret)
{
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        unsigned long long resident, shared;

        if (sscanf(text, "%*u %15llu %15llu", &resident, &shared) != 2)
                return -EBADMSG;
        /* They are counted one after the other, and by some kernels roughly. */
        shared = MIN(shared, resident);
        *ret = (MemoryUse){ .private_bytes = (resident - shared) * page,
                            .shared_bytes = shared * page };
        return 0;
}

static int take_one(pid_t pid, MemoryUse *ret)
{
        char path[32], text[160];
        ssize_t length;

        (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
        length = file_read_into(AT_FDCWD, path, text, sizeof(text));
        if (length < 0)
                return length == -ENOENT ? -ESRCH : (int)length;
        return memory_use_parse(text, ret);
}

/* Without CONFIG_PROC_CHILDREN there are none to be seen. */
static void add_children(pid_t pid, MemoryUse *use)
{
        char path[48], text[MEMORY_USE_CHILDREN * 11 + 1];
        const char *at = text;
        ssize_t length;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
        length = file_read_into(AT_FDCWD, path, text, sizeof(text));
        for (unsigned i = 0; length > 0 && i < MEMORY_USE_CHILDREN; i++) {
                MemoryUse child;
                char *end;
                long number = strtol(at, &end, 10);

                if (end == at || *end != ' ')
                        return; /* the end, or a number that was cut */
                at = end;
                if (take_one((pid_t)number, &child) < 0)
                        continue;
                use->private_bytes += child.private_bytes;
                use->shared_bytes = MAX(use->shared_bytes, child.shared_bytes);
        }
}

int memory_use_take(pid_t pid, MemoryUse *ret)
{
        MemoryUse use;
        int r = take_one(pid, &use);

        if (r < 0)
                return r;
        add_children(pid, &use);
        *ret = use;
        return 0;
}
