/* process.c - the short files of a process: limits, I/O, scheduling, cgroup, children */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/finding.h"
#include "inspect/inspect.h"
#include "sys/files.h"

enum { CHILDREN_MAX = 1000 };

/* ---- limits ---- */

typedef struct Limit {
        const char *kernel, *name;
} Limit;

static const Limit limits[] = {
        { "Max cpu time", "cpu_seconds" },
        { "Max file size", "file_size_bytes" },
        { "Max data size", "data_bytes" },
        { "Max stack size", "stack_bytes" },
        { "Max core file size", "core_file_bytes" },
        { "Max resident set", "rss_bytes" },
        { "Max processes", "processes" },
        { "Max open files", "open_files" },
        { "Max locked memory", "locked_memory_bytes" },
        { "Max address space", "address_space_bytes" },
        { "Max file locks", "file_locks" },
        { "Max pending signals", "pending_signals" },
        { "Max msgqueue size", "message_queue_bytes" },
        { "Max nice priority", "nice_priority" },
        { "Max realtime priority", "realtime_priority" },
        { "Max realtime timeout", "realtime_timeout_microseconds" },
};

static void write_limit_value(FILE *out, const char *name, const char *value)
{
        if (strcmp(value, "unlimited") == 0)
                finding_text(out, name, value);
        else
                finding_number(out, name, strtoull(value, NULL, 10));
}

static void write_limit(FILE *out, const char *text, const Limit *limit)
{
        const char *line = strstr(text, limit->kernel);
        char soft[32], hard[32];

        if (!line || sscanf(line + strlen(limit->kernel), "%31s %31s", soft, hard) != 2)
                return;
        finding_open_object(out, limit->name);
        write_limit_value(out, "soft", soft);
        write_limit_value(out, "hard", hard);
        finding_close_object(out);
}

void inspect_limits(FILE *out, const Subject *subject)
{
        AUTO_FREE char *text = NULL;
        int r = subject_read(subject, "limits", &text, NULL);

        if (r < 0) {
                finding_failed(out, "limits", r);
                return;
        }
        finding_open_object(out, "limits");
        for (size_t i = 0; i < COUNT_OF(limits); i++)
                write_limit(out, text, &limits[i]);
        finding_close_object(out);
}

/* ---- I/O ---- */

void inspect_io(FILE *out, const Subject *subject)
{
        static const char *const fields[][2] = {
                { "read_bytes", "read_bytes" },
                { "write_bytes", "write_bytes" },
                { "rchar", "read_call_bytes" },
                { "wchar", "write_call_bytes" },
                { "syscr", "read_calls" },
                { "syscw", "write_calls" },
                { "cancelled_write_bytes", "cancelled_write_bytes" },
        };
        AUTO_FREE char *text = NULL;
        int r = subject_read(subject, "io", &text, NULL);
        uint64_t number;

        if (r < 0) {
                finding_failed(out, "io", r);
                return;
        }
        finding_open_object(out, "io");
        for (size_t i = 0; i < COUNT_OF(fields); i++)
                if (field_number(text, fields[i][0], 10, &number))
                        finding_number(out, fields[i][1], number);
        finding_close_object(out);
}

/* ---- scheduling ---- */

/* Fields of /proc/PID/stat, counted as in proc(5), behind the name in brackets. */
enum { STAT_PRIORITY = 18, STAT_NICE = 19, STAT_PROCESSOR = 39, STAT_POLICY = 41 };

static bool stat_field(const char *stat, unsigned number, long long *ret)
{
        const char *p = strrchr(stat, ')');
        char *end;

        for (unsigned i = 2; p && i < number; i++)
                p = strchr(p + 1, ' ');
        if (!p)
                return false;
        *ret = strtoll(p, &end, 10);
        return end != p;
}

static void write_policy(FILE *out, const char *stat)
{
        static const char *const names[] = {
                [SCHED_OTHER] = "other",
                [SCHED_FIFO] = "fifo",
                [SCHED_RR] = "rr",
                [SCHED_BATCH] = "batch",
                [SCHED_IDLE] = "idle",
                [6] = "deadline",
                [7] = "ext", /* sched_ext, Linux 6.12 */
        };
        long long policy;

        if (stat_field(stat, STAT_POLICY, &policy) && policy >= 0
            && (size_t)policy < COUNT_OF(names) && names[policy])
                finding_text(out, "policy", names[policy]);
        else
                finding_none(out, "policy", "a policy that this version does not know");
}

static void write_small_file(FILE *out, const Subject *subject, const char *file, const char *name)
{
        char text[32];
        ssize_t n = file_read_into(subject->fd, file, text, sizeof(text));

        if (n > 0)
                finding_integer(out, name, strtoll(text, NULL, 10));
        else
                finding_failed(out, name, (int)n);
}

void inspect_scheduling(FILE *out, const Subject *subject)
{
        AUTO_FREE char *stat = NULL, *status = NULL;
        int r = subject_read(subject, "stat", &stat, NULL);
        const char *cpus;
        long long number;

        if (r >= 0)
                r = subject_read(subject, "status", &status, NULL);
        if (r < 0) {
                finding_failed(out, "scheduling", r);
                return;
        }
        finding_open_object(out, "scheduling");
        write_policy(out, stat);
        if (stat_field(stat, STAT_PRIORITY, &number))
                finding_integer(out, "priority", number);
        if (stat_field(stat, STAT_NICE, &number))
                finding_integer(out, "nice", number);
        if (stat_field(stat, STAT_PROCESSOR, &number))
                finding_integer(out, "last_cpu", number);
        cpus = field_find(status, "Cpus_allowed_list");
        if (cpus)
                finding_bytes(out, "allowed_cpus", cpus, strcspn(cpus, "\n"));
        write_small_file(out, subject, "oom_score", "oom_score");
        write_small_file(out, subject, "oom_score_adj", "oom_score_adjust");
        finding_close_object(out);
}

/* ---- cgroup and children ---- */

void inspect_cgroup(FILE *out, const Subject *subject)
{
        AUTO_FREE char *text = NULL;
        int r = subject_read(subject, "cgroup", &text, NULL);
        const char *path = r < 0 ? NULL : field_find(text, "0:");

        if (r < 0)
                finding_failed(out, "cgroup", r);
        else if (path)
                finding_bytes(out, "cgroup", path, strcspn(path, "\n"));
        else
                finding_none(out, "cgroup", "there is no unified hierarchy (cgroup v2) here");
}

void inspect_children(FILE *out, const Subject *subject)
{
        AUTO_FREE char *text = NULL;
        char path[48], *end;
        unsigned count = 0;
        int r;

        (void)snprintf(path, sizeof(path), "task/%d/children", (int)subject->pid);
        r = subject_read(subject, path, &text, NULL);
        if (r < 0) {
                finding_failed(out, "children", r);
                return;
        }
        finding_open_list(out, "children");
        for (char *p = text; *p && count < CHILDREN_MAX; p = end, count++) {
                uint64_t pid = strtoull(p, &end, 10);

                if (end == p)
                        break;
                finding_number(out, "", pid);
        }
        finding_close_list(out);
}
