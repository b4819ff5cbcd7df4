/* print_keys.c - every key of the configuration, a line each, for the test of the manual
 *
 *     Pool<TAB>RestartSec<TAB>100ms<TAB>one<TAB>pool        section, key, default, how many
 *     Pool<TAB>Environment<TAB><TAB>list<TAB>worker         lines count, whose key it is */
#include <stdio.h>

#include "config/draft.h"

int main(void)
{
        const Key *key;

        for (size_t i = 0; (key = key_at(i)); i++)
                printf("%s\t%s\t%s\t%s\t%s\n", key->shown.section, key->shown.name,
                       key->shown.initial ? key->shown.initial : "",
                       key->shown.is_list ? "list" : "one", key->is_workers ? "worker" : "pool");
        return 0;
}
