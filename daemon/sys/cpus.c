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

/* Of one group, as v2 or as v1 writes it. */
static double quota_of(const char *folder)
{
        char text[TEXT_SIZE], quota[32], period[32];

        if (cgroup_read(folder, "cpu.max", text, sizeof(text)) > 0)
                return cpus_parse_max(text);
        if (cgroup_read(folder, "cpu.cfs_quota_us", quota, sizeof(quota)) <= 0
            || cgroup_read(folder, "cpu.cfs_period_us", period, sizeof(period)) <= 0)
                return 0;
        (void)snprintf(text, sizeof(text), "%s %s", quota, period); /* -1 is no number: none */
        return cpus_parse_max(text);
}

double cpus_quota_above(const char *path)
{
        char folder[PATH_MAX];
        double tightest = 0;

        if (!text_copy(folder, sizeof(folder), path) || !cgroup_is_group(folder))
                return 0;
        do
                tightest = tighter(quota_of(folder), tightest);
        while (cgroup_leave(folder));
        return tightest;
}

/* In a container its own group may be what is mounted there. */
static double old_quota(void)
{
        char path[PATH_MAX];
        double quota;

        if (cgroup_find_old("cpu", path, sizeof(path)) < 0)
                return 0;
        quota = cpus_quota_above(path);
        return tighter(cpus_quota_above(CGROUP_OLD_MOUNT "/cpu"), quota);
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

        return cgroup_read(group, "cpuset.cpus.effective", text, sizeof(text)) > 0
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
