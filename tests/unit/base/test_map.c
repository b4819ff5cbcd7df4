#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

static void test_put_get_remove(void **state)
{
        Map map = { 0 };
        int a, b;

        assert_null(map_get(&map, 1));
        assert_null(map_remove(&map, 1));
        assert_int_equal(map_put(&map, 1, &a), 0);
        assert_int_equal(map_put(&map, 1, &b), 0);
        assert_ptr_equal(map_get(&map, 1), &b);
        assert_int_equal(map.count, 1);
        assert_ptr_equal(map_remove(&map, 1), &b);
        assert_null(map_get(&map, 1));
        assert_int_equal(map.count, 0);
        map_done(&map);
}

/* Every key is found after each removal: a gap must not cut a probe short. */
static void test_removal_keeps_probes_whole(void **state)
{
        enum { KEYS = 3000 };
        static int values[KEYS];
        Map map = { 0 };

        for (uint64_t key = 0; key < KEYS; key++)
                assert_int_equal(map_put(&map, key * 64, &values[key]), 0);
        for (uint64_t gone = 0; gone < KEYS; gone += 3) {
                assert_ptr_equal(map_remove(&map, gone * 64), &values[gone]);
                assert_null(map_get(&map, gone * 64));
        }
        for (uint64_t key = 0; key < KEYS; key++)
                assert_ptr_equal(map_get(&map, key * 64), key % 3 ? &values[key] : NULL);
        map_done(&map);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_put_get_remove),
                cmocka_unit_test(test_removal_keeps_probes_whole),
        };
        return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
