/* stop_order.c - see stop_order.h */
#include "ctl/stop_order.h"

#include <stdlib.h>

typedef struct Sorting {
        const json_t *pools;
        char **names;
        bool *is_taken;
        char **sorted;
        size_t count, taken;
} Sorting;

static bool has(const json_t *list, const char *name)
{
        for (size_t i = 0; i < json_array_size(list); i++)
                if (text_equal(json_string_value(json_array_get(list, i)), name))
                        return true;
        return false;
}

static bool comes_after(const Sorting *sorting, const char *name, const char *other)
{
        for (size_t i = 0; i < json_array_size(sorting->pools); i++) {
                const json_t *pool = json_array_get(sorting->pools, i);

                if (text_equal(value_text(pool, "name", ""), name))
                        return has(value_at(pool, "after"), other)
                               || has(value_at(pool, "requires"), other);
        }
        return false;
}

/* The configuration has no circles; taking a name before looking further ends one all the same. */
static void take(Sorting *sorting, size_t place)
{
        if (sorting->is_taken[place])
                return;
        sorting->is_taken[place] = true;
        for (size_t i = 0; i < sorting->count; i++)
                if (comes_after(sorting, sorting->names[i], sorting->names[place]))
                        take(sorting, i);
        sorting->sorted[sorting->taken++] = sorting->names[place];
}

void stop_order(const Context *context, char **names)
{
        AUTO_JSON *list = NULL;
        Sorting sorting = { .names = names, .count = text_list_count(names) };

        if (sorting.count < 2 || api_list(context, "/v1/pools", &list, NULL) < 0)
                return;
        sorting.pools = json_object_get(list, "items");
        sorting.is_taken = calloc(sorting.count, sizeof(bool));
        sorting.sorted = calloc(sorting.count, sizeof(char *));
        for (size_t i = 0; sorting.is_taken && sorting.sorted && i < sorting.count; i++)
                take(&sorting, i);
        if (sorting.taken == sorting.count)
                memcpy(names, sorting.sorted, sorting.count * sizeof(char *));
        free(sorting.is_taken);
        free(sorting.sorted);
}
