/* test_arena.c - memory that is taken and never given back (ctl/arena.h) */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/arena.h"

static void test_values_from_before(void **state)
{
        json_t *before = json_string("before");
        json_t *after;

        assert_false(arena_has(before));
        arena_use();
        arena_use(); /* a second time changes nothing */
        after = json_loads("{\"before\":[1,\"two\",{}]}", 0, NULL);
        assert_true(arena_has(after));
        assert_int_equal(json_object_set_new(after, "before", before), 0);
        assert_string_equal(json_string_value(json_object_get(after, "before")), "before");
        json_decref(after); /* and with it the value of malloc's: sanitizers look for it */
}

static void test_pieces_lie_apart(void **state)
{
        char *first = arena_alloc(1);
        char *second = arena_alloc(33);
        char *third = arena_alloc(0);

        assert_true(arena_has(first) && arena_has(second) && arena_has(third));
        assert_int_equal((uintptr_t)second % alignof(max_align_t), 0);
        assert_true(second >= first + 1 && third >= second + 33);
        memset(second, 'x', 33);
        arena_free(first);
        assert_true((char *)arena_alloc(1) >= third);
}

static void test_full(void **state)
{
        char *large = arena_alloc((size_t)60 << 20);
        char *larger = arena_alloc((size_t)60 << 20);

        assert_true(arena_has(large));
        assert_non_null(larger);
        assert_false(arena_has(larger));
        arena_free(larger);
        arena_free(NULL);
        assert_true(arena_has(arena_alloc(16))); /* what fits still does */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values_from_before),
                cmocka_unit_test(test_pieces_lie_apart),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
