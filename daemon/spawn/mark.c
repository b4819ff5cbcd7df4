/* mark.c - see mark.h */
#include "spawn/mark.h"

#include <stddef.h>

/* FNV-1a: short, and spreads texts that differ in one digit. */
uint64_t mark_of_instance(const char *instance)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        if (!instance || !*instance)
                return 0;
        for (const char *p = instance; *p; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        hash ^= hash >> 48; /* what is cut off below still counts */
        return UINT64_C(0x5265) << 48 | (hash & UINT64_C(0xffffffffffff));
}
