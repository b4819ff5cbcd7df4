#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spawn/place.h"

static void named(const char *group, const char *expected)
{
        char name[64] = "";
        bool is_service = place_scope_name(group, name, sizeof(name));

        assert_int_equal(is_service, expected != NULL);
        if (expected)
                assert_string_equal(name, expected);
}

static void test_the_scope_of_a_service(void **state)
{
        named("/system.slice/reeved.service", "reeved-workers.scope");
        named("/system.slice/system-reeved.slice/reeved@two.service", "reeved@two-workers.scope");
        named("/user.slice/user-1000.slice/user@1000.service/app.slice/reeved.service",
              "reeved-workers.scope");
        named("/reeved.service", "reeved-workers.scope");
        named("/user.slice/user-0.slice/session-3.scope", NULL);
        named("/system.slice/reeved.service/below", NULL);
        named("/system.slice/.service", NULL);
        named("/", NULL);
        named("", NULL);
        named("/system.slice/"
              "a-name-that-is-too-long-for-the-room-that-is-given-here-is-none.service",
              NULL);
}

#define HYBRID \
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" \
        "cpuset\t4\t1\t1\ncpu\t2\t1\t1\ncpuacct\t2\t1\t1\nblkio\t0\t1\t1\nmemory\t12\t1\t1\n"

static void test_who_has_a_controller(void **state)
{
        assert_int_equal(place_kernel_binding(HYBRID, "cpu"), 1);
        assert_int_equal(place_kernel_binding(HYBRID, "memory"), 1);
        assert_int_equal(place_kernel_binding(HYBRID, "blkio"), 0);
        assert_int_equal(place_kernel_binding(HYBRID, "pids"), -ENOENT);
        assert_int_equal(place_kernel_binding("", "cpu"), -ENOENT);
        assert_int_equal(place_kernel_binding("cpu", "cpu"), -ENOENT);
        assert_int_equal(place_kernel_binding("cpu\t", "cpu"), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_scope_of_a_service),
                cmocka_unit_test(test_who_has_a_controller),
        };

        return cmocka_run_group_tests_name("spawn/place", tests, NULL, NULL);
}
