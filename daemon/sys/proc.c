/* proc.c - see proc.h
 *
 * Children come from /proc/PID/task/TID/children, one file a thread. The kernel writes it
 * without holding its lock over the whole list, so a child that is reaped meanwhile can hide
 * the next one; of our own process that cannot happen, since we alone reap. */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sys/directory.h"
#include "sys/files.h"

enum { CHILDREN_MAX_BYTES = 8 << 20 };

int proc_stat_parse(const char *text, ProcStat *ret)
{
        const char *rest = strrchr(text, ')');
        ProcStat stat;
        unsigned long long start, limit;
        long threads;
        int parent;

        /* Fields 3 and 4, 20 and 22, 25 of proc_pid_stat(5). */
        if (!rest
            || sscanf(rest + 1,
                      " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld "
                      "%*d %llu %*u %*d %llu",
                      &stat.state, &parent, &threads, &start, &limit)
                       != 5)
                return -EBADMSG;
        stat.parent = parent;
        stat.threads = threads > 0 ? (unsigned)threads : 0;
        stat.start_ticks = start;
        stat.rss_limit = limit;
        *ret = stat;
        return 0;
}

int proc_stat(pid_t pid, ProcStat *ret)
{
        char path[48], text[1024];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        n = file_read_into(AT_FDCWD, path, text, sizeof(text));
        if (n < 0)
                return n == -ENOENT ? -ESRCH : (int)n;
        return proc_stat_parse(text, ret);
}

int pid_list_add(PidList *list, pid_t pid)
{
        if (list->count == list->capacity) {
                size_t capacity = list->capacity ? list->capacity * 2 : 32;
                pid_t *more;

                if (capacity > PID_LIST_MAX)
                        return -ENOMEM;
                more = realloc(list->pids, capacity * sizeof(*more));
                if (!more)
                        return -ENOMEM;
                list->pids = more;
                list->capacity = capacity;
        }
        list->pids[list->count++] = pid;
        return 0;
}

bool pid_list_has(const PidList *list, pid_t pid)
{
        for (size_t i = 0; i < list->count; i++)
                if (list->pids[i] == pid)
                        return true;
        return false;
}

void pid_list_done(PidList *list)
{
        free(list->pids);
        *list = (PidList){ 0 };
}

int pid_list_parse(PidList *list, const char *text)
{
        while (*(text += strspn(text, " \n"))) {
                char *end;
                long pid = strtol(text, &end, 10);
                int r;

                if (end == text || pid < 0 || pid > INT32_MAX)
                        return -EBADMSG;
                text = end;
                r = pid == 0 ? 0 : pid_list_add(list, (pid_t)pid);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The next entry that is a number; 0 at the end. */
static pid_t next_number(DIR *directory)
{
        const struct dirent *entry;

        while ((entry = readdir(directory)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                        return (pid_t)strtol(entry->d_name, NULL, 10);
        return 0;
}

int proc_all(PidList *list)
{
        AUTO_DIRECTORY *directory = opendir("/proc");
        pid_t pid;

        if (!directory)
                return -errno;
        while ((pid = next_number(directory)) > 0) {
                int r = pid_list_add(list, pid);

                if (r < 0)
                        return r;
        }
        return 0;
}

int proc_children_by_search(pid_t parent, PidList *list)
{
        AUTO_PIDS all = { 0 };
        int r = proc_all(&all);

        for (size_t i = 0; r == 0 && i < all.count; i++) {
                ProcStat stat;

                if (proc_stat(all.pids[i], &stat) == 0 && stat.parent == parent)
                        r = pid_list_add(list, all.pids[i]);
        }
        return r;
}

static int children_of_thread(pid_t pid, pid_t tid, PidList *list)
{
        AUTO_FREE char *text = NULL;
        char path[64];
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
        r = file_read(AT_FDCWD, path, CHILDREN_MAX_BYTES, &text, NULL);
        return r < 0 ? r : pid_list_parse(list, text);
}

static bool has_children_files(void)
{
        static int answer = -1;

        if (answer < 0)
                answer = access("/proc/thread-self/children", F_OK) == 0;
        return answer;
}

int proc_children(pid_t pid, PidList *list)
{
        AUTO_DIRECTORY *directory = NULL;
        char path[48];
        pid_t tid;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
        directory = opendir(path);
        if (!directory)
                return errno == ENOENT ? -ESRCH : -errno;
        if (!has_children_files())
                return proc_children_by_search(pid, list);
        while ((tid = next_number(directory)) > 0) {
                int r = children_of_thread(pid, tid, list);

                if (r < 0 && r != -ENOENT && r != -ESRCH)
                        return r;
        }
        return 0;
}

/* Environments are NUL-separated; the last one may be cut. */
static const char *find_variable(const char *block, size_t length, const char *name)
{
        const char *end = block + length;
        size_t name_length = strlen(name);

        for (const char *p = block; p < end; p += strlen(p) + 1)
                if (strncmp(p, name, name_length) == 0 && p[name_length] == '=')
                        return p + name_length + 1;
        return NULL;
}

ssize_t proc_variable(pid_t pid, const char *name, char *buffer, size_t size)
{
        AUTO_FREE char *block = NULL;
        char path[48];
        const char *value;
        size_t length;
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
        r = file_read(AT_FDCWD, path, PROC_ENVIRONMENT_MAX, &block, &length);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        value = find_variable(block, length, name);
        if (!value)
                return -ENODATA;
        (void)text_copy(buffer, size, value);
        return (ssize_t)strlen(buffer);
}
