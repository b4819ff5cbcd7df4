/* names.c - see names.h */
#include "base/names.h"

#include <errno.h>

#include "base/text.h"

int names_find(const char *const *table, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (table[i] && text_equal(table[i], name))
                        return (int)i;
        return -EINVAL;
}
