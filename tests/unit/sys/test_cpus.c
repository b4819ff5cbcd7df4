#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/cpus.h"

static void test_lists(void **state)
{
        assert_int_equal(cpus_parse_list("0-3,7\n"), 5);
        assert_int_equal(cpus_parse_list("0\n"), 1);
        assert_int_equal(cpus_parse_list("0-1,4-5,8191"), 5);
        assert_int_equal(cpus_parse_list("\n"), 0);
        assert_int_equal(cpus_parse_list("3-1"), 0);
        assert_int_equal(cpus_parse_list("0-"), 0);
        assert_int_equal(cpus_parse_list("0-99999999999999999999"), 0);
        assert_int_equal(cpus_parse_list("all"), 0);
}

static void test_quotas(void **state)
{
        assert_float_equal(cpus_parse_max("150000 100000\n"), 1.5, 0.001);
        assert_float_equal(cpus_parse_max("max 100000\n"), 0, 0);
        assert_float_equal(cpus_parse_max("1000 0\n"), 0, 0);
        assert_float_equal(cpus_parse_max("-1 100000\n"), 0, 0);
        assert_float_equal(cpus_parse_max("150000"), 0, 0);
        assert_float_equal(cpus_parse_max(""), 0, 0);
}

static void put(const char *folder, const char *name, const char *text)
{
        char path[256];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "we");
        assert_non_null(file);
        (void)fputs(text, file);
        (void)fclose(file);
}

/* Folders with the files of groups: TOP/slice/unit/pool; the tightest counts, wherever it stands. */
static void test_the_tightest_of_all_above(void **state)
{
        char top[] = "/tmp/reeve-cpus-XXXXXX", slice[64], unit[80], pool[96];
        char *const folders[] = { top, slice, unit, pool };

        assert_non_null(mkdtemp(top));
        (void)snprintf(slice, sizeof(slice), "%s/slice", top);
        (void)snprintf(unit, sizeof(unit), "%s/unit", slice);
        (void)snprintf(pool, sizeof(pool), "%s/pool", unit);
        for (size_t i = 0; i < 4; i++) {
                assert_true(mkdir(folders[i], 0700) == 0 || i == 0);
                put(folders[i], "cgroup.procs", "");
        }
        assert_float_equal(cpus_quota_above(pool), 0, 0);
        put(pool, "cpu.max", "max 100000\n");
        put(unit, "cpu.max", "400000 100000\n");
        assert_float_equal(cpus_quota_above(pool), 4, 0.001);
        put(slice, "cpu.max", "50000 20000\n");
        assert_float_equal(cpus_quota_above(pool), 2.5, 0.001);
        assert_float_equal(cpus_quota_above(top), 0, 0);
        /* As v1 writes it. */
        put(top, "cpu.cfs_quota_us", "120000\n");
        put(top, "cpu.cfs_period_us", "100000\n");
        assert_float_equal(cpus_quota_above(pool), 1.2, 0.001);
        put(top, "cpu.cfs_quota_us", "-1\n");
        assert_float_equal(cpus_quota_above(pool), 2.5, 0.001);
        assert_float_equal(cpus_quota_above("/nowhere/at/all"), 0, 0);
        for (size_t i = 4; i-- > 0;) {
                static const char *const files[] = { "cgroup.procs", "cpu.max", "cpu.cfs_quota_us",
                                                     "cpu.cfs_period_us" };

                for (size_t j = 0; j < 4; j++) {
                        char path[256];

                        (void)snprintf(path, sizeof(path), "%s/%s", folders[i], files[j]);
                        (void)unlink(path);
                }
                assert_int_equal(rmdir(folders[i]), 0);
        }
}

static void test_here(void **state)
{
        CpuCount count = cpus_count(NULL);

        assert_in_range(count.usable, 1, count.affinity);
        assert_in_range(count.affinity, 1, count.online);
        assert_true(count.quota >= 0);
        count = cpus_count("/nowhere");
        assert_in_range(count.usable, 1, count.online);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_quotas),
                cmocka_unit_test(test_the_tightest_of_all_above),
                cmocka_unit_test(test_here),
        };

        return cmocka_run_group_tests_name("sys/cpus", tests, NULL, NULL);
}
