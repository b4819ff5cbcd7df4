/* test_heap.c - the smallest comes first, whatever was moved or taken out before */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

static void t_smallest_comes_first(void **state)
{
        static const uint64_t keys[] = { 5, 1, 4, 1, 3, UINT64_MAX, 0, 2 };
        HeapItem items[8] = { 0 };
        uint64_t before = 0;
        Heap heap = { 0 };

        assert_null(heap_first(&heap));
        for (size_t i = 0; i < 8; i++)
                assert_int_equal(heap_put(&heap, &items[i], keys[i]), 0);
        for (size_t i = 0; i < 8; i++) {
                HeapItem *first = heap_first(&heap);

                assert_true(first->key >= before);
                before = first->key;
                heap_remove(&heap, first);
        }
        assert_null(heap_first(&heap));
        heap_done(&heap);
}

static void t_item_is_moved_both_ways(void **state)
{
        HeapItem items[3] = { 0 };
        Heap heap = { 0 };

        for (size_t i = 0; i < 3; i++)
                assert_int_equal(heap_put(&heap, &items[i], 10 * (i + 1)), 0);
        assert_int_equal(heap_put(&heap, &items[2], 5), 0);
        assert_ptr_equal(heap_first(&heap), &items[2]);
        assert_int_equal(heap_put(&heap, &items[2], 99), 0);
        assert_ptr_equal(heap_first(&heap), &items[0]);
        assert_int_equal(heap.count, 3);
        heap_done(&heap);
}

static void t_item_that_is_not_in_is_not_removed(void **state)
{
        HeapItem in = { 0 }, out = { 0 };
        Heap heap = { 0 };

        assert_int_equal(heap_put(&heap, &in, 1), 0);
        heap_remove(&heap, &out);
        assert_int_equal(heap.count, 1);
        heap_remove(&heap, &in);
        heap_remove(&heap, &in);
        assert_int_equal(heap.count, 0);
        heap_done(&heap);
}

static void t_done_leaves_items_outside(void **state)
{
        HeapItem item = { 0 };
        Heap heap = { 0 };

        assert_int_equal(heap_put(&heap, &item, 1), 0);
        heap_done(&heap);
        assert_int_equal(item.place, 0);
        assert_null(heap_first(&heap));
}

/* Many puts, moves and removals, each compared with a look at all items. */
static void t_compares_with_a_plain_search(void **state)
{
        enum { ITEMS = 100, STEPS = 5000 };
        HeapItem items[ITEMS] = { 0 };
        Heap heap = { 0 };
        unsigned random = 1;

        for (unsigned step = 0; step < STEPS; step++) {
                const HeapItem *first;
                uint64_t least = UINT64_MAX;
                HeapItem *item;

                random = random * 1103515245u + 12345u;
                item = &items[random / 65536 % ITEMS];
                if (random / 1024 % 3 == 0)
                        heap_remove(&heap, item);
                else
                        assert_int_equal(heap_put(&heap, item, random / 4096 % 500), 0);
                for (size_t i = 0; i < ITEMS; i++)
                        if (items[i].place && items[i].key < least)
                                least = items[i].key;
                first = heap_first(&heap);
                assert_true(first ? first->key == least : least == UINT64_MAX);
        }
        heap_done(&heap);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(t_smallest_comes_first),
                cmocka_unit_test(t_item_is_moved_both_ways),
                cmocka_unit_test(t_item_that_is_not_in_is_not_removed),
                cmocka_unit_test(t_done_leaves_items_outside),
                cmocka_unit_test(t_compares_with_a_plain_search),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
