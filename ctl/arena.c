/* arena.c - see arena.h
 *
 * A list of 1,000 workers is a great many small values, which jansson allocates one by one and
 * lets go of one by one just before the program ends. Here an allocation is an addition, and
 * letting go is nothing, which takes a fifth off `reevectl ps` (docs/benchmarks.md). The region is
 * address space only; pages come as they are touched. */
#include "ctl/arena.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { REGION_SIZE = 64 << 20 };

static struct {
        char *start;
        size_t used;
} arena;

bool arena_has(const void *pointer)
{
        const char *p = pointer;

        return arena.start && p >= arena.start && p < arena.start + REGION_SIZE;
}

void *arena_alloc(size_t size)
{
        const size_t grain = alignof(max_align_t);
        size_t start = arena.used;

        if (!arena.start || size > REGION_SIZE - start - grain)
                return malloc(size);
        arena.used = (start + size + grain - 1) / grain * grain;
        return arena.start + start;
}

void arena_free(void *pointer)
{
        if (!arena_has(pointer))
                free(pointer);
}

void arena_use(void)
{
        void *start;

        if (arena.start)
                return;
        start = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED)
                return;
        arena.start = start;
        json_set_alloc_funcs(arena_alloc, arena_free);
}
