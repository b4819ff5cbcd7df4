/* cpus.c - see cpus.h */
#include "sys/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/cgroup.h"
#include "sys/files.h"

/* More than any machine has; a mask too small for the kernel's is refused. */
enum { CPUS_MAX = 8192, TEXT_SIZE = 4096 };

/* Where cgroup v1 has the controller; in a container its own group is what is mounted there. */
static const char old_mount[] = "/sys/fs/cgroup/cpu";

unsigned cpus_parse_list(const char *text)
{
        unsigned count = 0;

        while (*text && *text != '\n') {
                char *end;
                unsigned long first = strtoul(text, &end, 10), last = first;

                if (end == text)
                        return 0;
                if (*end == '-') {
                        text = end + 1;
                        last = strtoul(text, &end, 10);
                        if (end == text)
                                return 0;
                }
                if (last < first || last >= CPUS_MAX || (*end && *end != ',' && *end != '\n'))
                        return 0;
                count += (unsigned)(last - first + 1);
                text = end + (*end == ',');
        }
        return count;
}

double cpus_parse_max(const char *text)
{
        char quota[24], period[24];
        uint64_t quota_usec, period_usec;

        if (sscanf(text, "%23s %23s", quota, period) != 2
            || units_parse_number(quota, INT64_MAX, &quota_usec) < 0
            || units_parse_number(period, INT64_MAX, &period_usec) < 0 || period_usec == 0)
                return 0;
        return (double)quota_usec / (double)period_usec;
}

static double tighter(double a, double b)
{
        return a > 0 && (b <= 0 || a < b) ? a : b;
}

static ssize_t read_in(const char *folder, const char *name, char *text, size_t size)
{
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        return file_read_into(AT_FDCWD, path, text, size);
}

/* Of one group, as v2 or as v1 writes it. */
static double quota_of(const char *folder)
{
        char text[TEXT_SIZE], quota[32], period[32];

        if (read_in(folder, "cpu.max", text, sizeof(text)) > 0)
                return cpus_parse_max(text);
        if (read_in(folder, "cpu.cfs_quota_us", quota, sizeof(quota)) <= 0
            || read_in(folder, "cpu.cfs_period_us", period, sizeof(period)) <= 0)
                return 0;
        (void)snprintf(text, sizeof(text), "%s %s", quota, period); /* -1 is no number: none */
        return cpus_parse_max(text);
}

double cpus_quota_above(const char *path)
{
        char folder[PATH_MAX], file[PATH_MAX + 16];
        double tightest = 0;

        if (!text_copy(folder, sizeof(folder), path))
                return 0;
        for (;;) {
                char *last = strrchr(folder, '/');

                (void)snprintf(file, sizeof(file), "%s/cgroup.procs", folder);
                if (!last || access(file, F_OK) < 0)
                        return tightest;
                tightest = tighter(quota_of(folder), tightest);
                *last = '\0';
        }
}

/* "4:cpu,cpuacct:/docker/ab": the path below the mount, "" if there is no such line */
static void find_old_group(const char *membership, char *group, size_t size)
{
        static const ptrdiff_t last = sizeof(",cpu") - 1;

        for (const char *line = membership; line; line = strchr(line, '\n')) {
                const char *names, *path, *end;

                line += *line == '\n';
                names = strchr(line, ':');
                path = names ? strchr(names + 1, ':') : NULL;
                end = strchrnul(line, '\n');
                if (!path || path > end)
                        continue;
                if (!text_after(names, ":cpu,") && !text_after(names, ":cpu:")
                    && !(path - names > last && text_after(path - last, ",cpu:")))
                        continue;
                (void)snprintf(group, size, "%.*s", (int)(end - path - 1), path + 1);
                return;
        }
        group[0] = '\0';
}

static double old_quota(void)
{
        AUTO_FREE char *membership = NULL;
        char group[PATH_MAX], path[PATH_MAX + sizeof(old_mount)];
        double quota;

        if (access(old_mount, F_OK) < 0
            || file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &membership, NULL) < 0)
                return 0;
        find_old_group(membership, group, sizeof(group));
        (void)snprintf(path, sizeof(path), "%s%s", old_mount, group);
        quota = cpus_quota_above(path);
        return tighter(cpus_quota_above(old_mount), quota);
}

static unsigned affinity_count(void)
{
        cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
        size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
        int count = 0;

        if (set && sched_getaffinity(0, size, set) == 0)
                count = CPU_COUNT_S(size, set);
        CPU_FREE(set);
        return count > 0 ? (unsigned)count : 0;
}

/* Our own affinity leaves out what our cpuset forbids; another group may have a smaller one. */
static unsigned cpuset_count(const char *group)
{
        char text[TEXT_SIZE];

        return read_in(group, "cpuset.cpus.effective", text, sizeof(text)) > 0
                       ? cpus_parse_list(text)
                       : 0;
}

static unsigned least(unsigned a, unsigned b)
{
        return b > 0 && b < a ? b : a;
}

/* Without libm, which is linked for nothing else. */
static double round_up(double value)
{
        double whole = (double)(unsigned)value;

        return whole < value ? whole + 1 : whole;
}

CpuCount cpus_count(const char *group)
{
        AUTO_FREE char *own = NULL;
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        CpuCount count = { .online = online > 0 ? (unsigned)online : 1 };

        if (!group && cgroup_find_own(&own, NULL) == 0)
                group = own;
        count.affinity = least(count.online, affinity_count());
        count.quota = old_quota();
        if (group) {
                count.affinity = least(count.affinity, cpuset_count(group));
                count.quota = tighter(cpus_quota_above(group), count.quota);
        }
        count.usable = count.affinity;
        if (count.quota > 0)
                count.usable = least(count.usable, MAX((unsigned)round_up(count.quota), 1U));
        return count;
}
