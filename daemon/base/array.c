/* array.c - see array.h */
#include "base/array.h"

#include <stdlib.h>

void *array_room(void *items, size_t count, size_t *capacity, size_t size)
{
        size_t wanted = *capacity ? *capacity * 2 : 8;
        void *bigger;

        if (count < *capacity)
                return items;
        bigger = reallocarray(items, wanted, size);
        if (bigger)
                *capacity = wanted;
        return bigger;
}
