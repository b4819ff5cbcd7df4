#include <errno.h>
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

#include "sys/cgroup.h"
#include "sys/memory.h"

#define MEGA (UINT64_C(1) << 20)

static void test_available(void **state)
{
        uint64_t bytes = 7;

        assert_int_equal(memory_parse_available("MemTotal:  8 kB\nMemFree: 1 kB\n"
                                                "MemAvailable:    2048 kB\nBuffers: 3 kB\n",
                                                &bytes),
                         0);
        assert_int_equal(bytes, 2 * MEGA);
        assert_int_equal(memory_parse_available("MemTotal: 8 kB\n", &bytes), -ENODATA);
        assert_int_equal(memory_parse_available("MemAvailable: much kB\n", &bytes), -EBADMSG);
        assert_int_equal(memory_parse_available("MemAvailable: 9999999999999999999 kB\n", &bytes),
                         -EBADMSG);
        assert_int_equal(bytes, 2 * MEGA);
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

static void clear(const char *folder)
{
        static const char *const files[] = { "cgroup.procs",          "memory.max",
                                             "memory.current",        "memory.stat",
                                             "memory.limit_in_bytes", "memory.usage_in_bytes" };
        char path[256];

        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
                (void)unlink(path);
        }
        assert_int_equal(rmdir(folder), 0);
}

static void check(const char *folder, uint64_t bytes, const char *group)
{
        MemoryRoom room = { .available_bytes = 1000 * MEGA };

        memory_room_above(folder, &room);
        assert_int_equal(room.available_bytes, bytes);
        assert_string_equal(room.group, group);
}

/* TOP/unit/pool: the tightest counts, wherever it stands. */
static void test_the_tightest_of_all_above(void **state)
{
        char top[] = "/tmp/reeve-memory-XXXXXX", unit[64], pool[80];

        assert_non_null(mkdtemp(top));
        (void)snprintf(unit, sizeof(unit), "%s/unit", top);
        (void)snprintf(pool, sizeof(pool), "%s/pool", unit);
        assert_int_equal(mkdir(unit, 0700), 0);
        assert_int_equal(mkdir(pool, 0700), 0);
        put(top, "cgroup.procs", "");
        put(unit, "cgroup.procs", "");
        put(pool, "cgroup.procs", "");
        check(pool, 1000 * MEGA, "");
        put(pool, "memory.max", "max\n");
        put(pool, "memory.current", "1048576\n");
        put(unit, "memory.max", "104857600\n");
        check(pool, 1000 * MEGA, ""); /* how much is used is not known */
        put(unit, "memory.current", "73400320\n");
        check(pool, 30 * MEGA, unit);
        put(unit, "memory.stat", "anon 1\nfile 31457280\ninactive_file 10485760\n");
        check(pool, 40 * MEGA, unit);
        put(pool, "memory.max", "1048576\n");
        check(pool, 0, pool);
        check(top, 1000 * MEGA, "");
        put(top, "memory.limit_in_bytes", "9223372036854771712\n");
        put(top, "memory.usage_in_bytes", "4096\n");
        check(top, 1000 * MEGA, "");
        put(top, "memory.limit_in_bytes", "2097152\n");
        put(top, "memory.stat", "inactive_file 1\ntotal_inactive_file 4096\n");
        check(top, 2 * MEGA, top);
        check("/nowhere/at/all", 1000 * MEGA, "");
        clear(pool);
        clear(unit);
        clear(top);
}

static void check_old(const char *membership, const char *controller, const char *expected)
{
        char group[64] = "?";

        cgroup_old_group(membership, controller, group, sizeof(group));
        assert_string_equal(group, expected);
}

static void test_groups_of_v1(void **state)
{
        static const char text[] =
                "9:name=systemd:/s\n4:cpu,cpuacct:/docker/a:b\n3:memory:/\n0::/x\n";

        check_old(text, "cpu", "/docker/a:b");
        check_old(text, "cpuacct", "/docker/a:b");
        check_old(text, "memory", "/");
        check_old(text, "pids", "");
        check_old(text, "mem", "");
        check_old("", "cpu", "");
        check_old("4:cpu", "cpu", "");
        check_old("4:cpu\n3:memory:/m", "cpu", "");
        check_old("4:cpu\n3:memory:/m", "memory", "/m");
}

static void test_here(void **state)
{
        MemoryRoom room = memory_room(NULL);

        assert_in_range(room.available_bytes, 1, UINT64_MAX - 1);
        room = memory_room("/nowhere");
        assert_in_range(room.available_bytes, 1, UINT64_MAX - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_available),
                cmocka_unit_test(test_the_tightest_of_all_above),
                cmocka_unit_test(test_groups_of_v1),
                cmocka_unit_test(test_here),
        };

        return cmocka_run_group_tests_name("sys/memory", tests, NULL, NULL);
}
