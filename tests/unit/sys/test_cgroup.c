#include <errno.h>
#include <fcntl.h>
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

#include "base/cleanup.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

#define HYBRID \
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n" \
        "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n" \
        "41 31 0:38 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"

static void located(const char *mountinfo, const char *membership, int expected,
                    const char *expected_path)
{
        AUTO_FREE char *path = NULL, *group = NULL;

        assert_int_equal(cgroup_locate(mountinfo, membership, &path, &group), expected);
        if (expected == 0)
                assert_string_equal(path, expected_path);
        else
                assert_null(path);
}

static void test_where_our_group_is(void **state)
{
        located(HYBRID, "8:pids:/old\n0::/\n", 0, "/sys/fs/cgroup/unified");
        located(HYBRID, "0::/system.slice/reeved.service\n", 0,
                "/sys/fs/cgroup/unified/system.slice/reeved.service");
        located("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/user.slice/a b", 0,
                "/sys/fs/cgroup/user.slice/a b");
        /* A container whose own group is the root of what is mounted. */
        located("1 1 0:1 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/ab/x\n",
                0, "/sys/fs/cgroup/x");
        located("1 1 0:1 / /mnt/with\\040blank rw - cgroup2 cgroup rw\n", "0::/x\n", 0,
                "/mnt/with blank/x");
}

static void test_no_group_that_can_be_reached(void **state)
{
        located("1 1 0:1 / / rw - ext4 /dev/root rw\n", "0::/x\n", -ENOENT, NULL);
        located(HYBRID, "8:pids:/x\n", -ENOENT, NULL);
        located(HYBRID, "", -ENOENT, NULL);
        located("", "0::/x\n", -ENOENT, NULL);
        located("1 1 0:1 /a /sys/fs/cgroup rw - cgroup2 c rw\n", "0::/ab/x\n", -EXDEV, NULL);
        located(HYBRID, "0::/../elsewhere\n", -EXDEV, NULL);
}

/* Broken text of every length: it must end with an answer, whichever. */
static void test_cut_text(void **state)
{
        char mountinfo[sizeof(HYBRID)];

        for (size_t length = 0; length < sizeof(HYBRID); length++) {
                AUTO_FREE char *path = NULL;

                memcpy(mountinfo, HYBRID, length);
                mountinfo[length] = '\0';
                (void)cgroup_locate(mountinfo, "0::/\n", &path, NULL);
        }
}

static void write_file(const char *folder, const char *name, const char *text)
{
        AUTO_FREE char *path = NULL;
        AUTO_CLOSE fd = -1;

        assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void remove_file(const char *folder, const char *name)
{
        AUTO_FREE char *path = NULL;

        assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
        assert_int_equal(unlink(path), 0);
}

/* The files of a group, captured into an ordinary folder. */
static void test_files_of_a_group(void **state)
{
        char folder[] = "/tmp/reeve-cgroup-XXXXXX", below[64];
        AUTO_CLOSE fd = -1;
        AUTO_PIDS pids = { 0 };
        uint64_t kills = 0;

        assert_non_null(mkdtemp(folder));
        (void)snprintf(below, sizeof(below), "%s/below", folder);
        assert_int_equal(mkdir(below, 0700), 0);
        write_file(folder, "cgroup.procs", "10\n11\n");
        write_file(below, "cgroup.procs", "12\n");
        write_file(folder, "cgroup.events", "frozen 0\npopulated 1\n");
        write_file(folder, "cgroup.controllers", "cpuset cpu memory\n");
        fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(cgroup_pids(fd, &pids), 0);
        assert_int_equal(pids.count, 3);
        assert_true(pid_list_has(&pids, 12));
        assert_int_equal(cgroup_is_populated(fd, "."), 1);
        assert_int_equal(cgroup_available(folder), CONTROLLER_CPU | CONTROLLER_MEMORY);
        /* What is not offered is not asked for; what is written is handed on. */
        write_file(folder, "cgroup.subtree_control", "\n");
        assert_int_equal(cgroup_hand_on(folder, CONTROLLER_ALL),
                         CONTROLLER_CPU | CONTROLLER_MEMORY);
        assert_int_equal(cgroup_hand_on(folder, CONTROLLER_PIDS), 0);
        remove_file(folder, "cgroup.subtree_control");
        assert_int_equal(cgroup_hand_on(folder, CONTROLLER_ALL), 0);
        assert_int_equal(cgroup_oom_kills(fd, &kills), -ENOENT);
        write_file(folder, "memory.events", "low 0\noom 1\noom_kill 3\n");
        assert_int_equal(cgroup_oom_kills(fd, &kills), 0);
        assert_int_equal(kills, 3);
        remove_file(folder, "memory.events");
        assert_int_equal(cgroup_kill(fd), -ENOENT); /* as before Linux 5.14 */
        write_file(folder, "cgroup.events", "frozen 0\npopulated 0\n");
        assert_int_equal(cgroup_is_populated(fd, "."), 0);
        remove_file(folder, "cgroup.events");
        assert_int_equal(cgroup_is_populated(fd, "."), -ENOENT);
        write_file(folder, "cgroup.events", "frozen 0\n");
        assert_int_equal(cgroup_is_populated(fd, "."), -EBADMSG);
        remove_file(folder, "cgroup.events");
        remove_file(folder, "cgroup.controllers");
        remove_file(folder, "cgroup.procs");
        remove_file(below, "cgroup.procs");
        assert_int_equal(cgroup_remove(folder), 0);
        assert_int_equal(access(folder, F_OK), -1);
}

static void test_controllers(void **state)
{
        assert_int_equal(cgroup_controllers("cpuset cpu io memory hugetlb pids\n"), CONTROLLER_ALL);
        assert_int_equal(cgroup_controllers("cpuset hugetlb\n"), 0);
        assert_int_equal(cgroup_controllers(""), 0);
        assert_int_equal(cgroup_controllers("memor memory2 pids"), CONTROLLER_PIDS);
        assert_string_equal(controller_name(CONTROLLER_MEMORY), "memory");
        assert_string_equal(controller_name(CONTROLLER_IO), "io");
}

/* Files of the kernel, also as no kernel writes them. */
static void test_counts(void **state)
{
        static const struct {
                const char *text;
                int result;
                uint64_t count;
        } cases[] = {
                { "low 0\nhigh 12\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n", 0, 1 },
                { "oom_kill 18446744073709551615", 0, UINT64_MAX },
                { "oom_kill 2", 0, 2 },
                { "oom_kill 18446744073709551616\n", -EBADMSG, 0 },
                { "oom_kill -1\n", -EBADMSG, 0 },
                { "oom_kill 1 2\n", -EBADMSG, 0 },
                { "oom_kill \n", -EBADMSG, 0 },
                { "oom_kill 000000000000000000000000000000001\n", -EBADMSG, 0 },
                { "oom_kill", -ENODATA, 0 },
                { "oom_kills 4\noom 4\n", -ENODATA, 0 },
                { "\n\n\n", -ENODATA, 0 },
                { "", -ENODATA, 0 },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t count = 0;

                assert_int_equal(cgroup_parse_count(cases[i].text, "oom_kill", &count),
                                 cases[i].result);
                assert_int_equal(count, cases[i].count);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_where_our_group_is),
                cmocka_unit_test(test_no_group_that_can_be_reached),
                cmocka_unit_test(test_cut_text),
                cmocka_unit_test(test_controllers),
                cmocka_unit_test(test_counts),
                cmocka_unit_test(test_files_of_a_group),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
