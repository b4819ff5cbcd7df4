/* child.c - see child.h
 *
 * The upper half runs in the child: only raw system calls on what stands in the Child, no memory, no
 * locks, nothing that never returns. A failing step is left in the Child, where the parent finds it.
 *
 * The daemon has some descriptors for each worker. A child that got a copy of them all, to close
 * them by exec, would cost more with every worker there is: twice as much with 1,000, five times
 * with 4,000 (measured). So it begins with our very table and leaves it with a copy of only what
 * is below a low number; what it takes along from above is brought below first (flight_stage()). */
#include "spawn/child.h"

#include <limits.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/text.h"
#include "spawn/mark.h"
#include "sys/fd.h"
#include "sys/raw.h"

/* Highest count of digits of a PID, and of the descriptor that the helper is told. */
enum { DIGITS_MAX = 10, KERNEL_SIGSET_BYTES = 8, SIGNALS = 64 };

/* ---- in the child ---- */

static int fail(Child *child, HelperStep step, long r)
{
        child->error = (int)-r;
        child->failed = step;
        return helper_exit_status(step);
}

static void write_own_pid(char *text)
{
        char digits[DIGITS_MAX];
        size_t count = 0;
        long pid = raw_call(SYS_getpid, 0, 0, 0, 0, 0);

        do {
                digits[count++] = (char)('0' + pid % 10);
                pid /= 10;
        } while (pid > 0);
        while (*text)
                text++;
        while (count > 0)
                *text++ = digits[--count];
        *text = '\0';
}

/* Handlers end with exec by themselves, but "ignored" is inherited. */
static void reset_signals(uint64_t ignored)
{
        static const struct {
                uint64_t handler, flags, restorer, mask;
        } initial; /* as the kernel has it; all zero is SIG_DFL */

        for (int i = 1; i <= SIGNALS; i++)
                if (ignored >> (i - 1) & 1)
                        (void)raw_call(SYS_rt_sigaction, i, (long)&initial, 0, KERNEL_SIGSET_BYTES,
                                       0);
}

/* Until here every change would have been one of the daemon's own table. */
static long leave_table(Child *child)
{
        long r = raw_call(SYS_close_range, child->low_end, UINT_MAX, CLOSE_RANGE_UNSHARE, 0, 0);

        if (r < 0) /* before Linux 5.9 */
                r = raw_call(SYS_unshare, CLONE_FILES, 0, 0, 0, 0);
        if (__atomic_exchange_n(&child->table, TABLE_OWN, __ATOMIC_ACQ_REL) == TABLE_AWAITED)
                (void)raw_call(SYS_futex, (long)&child->table, FUTEX_WAKE, 1, 0, 0);
        return r;
}

static long move_up(int *fd, int count)
{
        long r = raw_call(SYS_fcntl, *fd, F_DUPFD_CLOEXEC, count, 0, 0);

        if (r >= 0)
                *fd = (int)r;
        return r;
}

/* Everything is moved above the numbers it is to get before any of them is overwritten. What we
 * open ourselves closes by exec; what we were started with, by a careless parent, need not. */
static long place_descriptors(Child *child)
{
        int count = (int)child->fd_count;
        long r = child->execute_fd >= 0 ? move_up(&child->execute_fd, count) : 0;

        for (int i = 0; r >= 0 && i < count; i++)
                r = move_up(&child->fds[i], count);
        for (int i = 0; r >= 0 && i < count; i++)
                r = raw_call(SYS_dup3, child->fds[i], i, 0, 0, 0); /* not close-on-exec */
        if (r >= 0)                                                /* Linux 5.11 */
                (void)raw_call(SYS_close_range, count, UINT_MAX, CLOSE_RANGE_CLOEXEC, 0, 0);
        return r;
}

static long set_mark(uint64_t mark)
{
        struct rlimit limit;
        long r = raw_call(SYS_prlimit64, 0, RLIMIT_RSS, 0, (long)&limit, 0);

        /* A hard limit below the mark can only be an administrator's: leave it alone. */
        if (r < 0 || limit.rlim_max < mark)
                return r;
        limit.rlim_cur = mark;
        return raw_call(SYS_prlimit64, 0, RLIMIT_RSS, (long)&limit, 0, 0);
}

static long execute(const Child *child)
{
        if (child->execute_fd >= 0)
                return raw_call(SYS_execveat, child->execute_fd, (long)"", (long)child->command,
                                (long)child->environment, AT_EMPTY_PATH);
        return raw_call(SYS_execve, (long)child->command[0], (long)child->command,
                        (long)child->environment, 0, 0);
}

int child_run(void *userdata)
{
        static const uint64_t none;
        Child *child = userdata;
        long r = raw_call(SYS_setsid, 0, 0, 0, 0, 0);

        if (r < 0)
                return fail(child, STEP_SESSION, r);
        r = leave_table(child);
        if (r >= 0)
                r = place_descriptors(child);
        if (r < 0)
                return fail(child, STEP_DESCRIPTORS, r);
        r = child->mark != 0 ? set_mark(child->mark) : 0;
        if (r < 0)
                return fail(child, STEP_MARK, r);
        if (child->dies_with_us) /* refuses bad numbers only */
                (void)raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        write_own_pid(child->listen_pid);
        reset_signals(child->ignored);
        r = raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, KERNEL_SIGSET_BYTES, 0);
        if (r < 0)
                return fail(child, STEP_SIGNALS, r);
        r = execute(child);
        return fail(child, child->is_helped ? STEP_HELPER : STEP_EXECUTE, r);
}

/* ---- before it ---- */

/* Also what a pool's file sets by these names: a program would find the first of two. */
static bool is_ours(const char *assignment)
{
        return text_after(assignment, "LISTEN_PID=") || text_after(assignment, "LISTEN_FDS=")
               || text_after(assignment, "LISTEN_FDNAMES=");
}

/* "LISTEN_FDS=2" and "LISTEN_FDNAMES=a:b", as two strings one behind the other */
static void add_listen_words(const SpawnSpec *spec, Text *strings)
{
        text_printf(strings, "LISTEN_FDS=%zu", spec->fd_count);
        text_append_bytes(strings, "", 1);
        text_append(strings, "LISTEN_FDNAMES=");
        for (size_t i = 0; i < spec->fd_count; i++)
                text_printf(strings, "%s%s", i > 0 ? ":" : "",
                            spec->fds[i].name ? spec->fds[i].name : "unknown");
        text_append_bytes(strings, "", 1);
}

/* Return: how many strings were added */
static size_t add_words(char *const *words, bool is_listening, Text *strings)
{
        size_t count = 0;

        for (; words && *words; words++)
                if (!is_listening || !is_ours(*words)) {
                        text_append_bytes(strings, *words, strlen(*words) + 1);
                        count++;
                }
        return count;
}

/* Return: behind the last of them */
static char *point_to(char **words, size_t count, char *string)
{
        for (size_t i = 0; i < count; i++) {
                words[i] = string;
                string += strlen(string) + 1;
        }
        return string;
}

static int copy_words(Child *child, const SpawnSpec *spec)
{
        bool is_listening = spec->fd_count > 0;
        size_t skip = child->is_helped ? 2 : 0, words, variables;
        AUTO_TEXT strings = { 0 };
        char *next;

        words = add_words(spec->command, false, &strings);
        variables = add_words(spec->environment, is_listening, &strings);
        if (is_listening)
                add_listen_words(spec, &strings);
        child->command = calloc(words + skip + 1, sizeof(char *));
        child->environment = calloc(variables + 4, sizeof(char *));
        if (!child->command || !child->environment)
                return -ENOMEM;
        if (text_take(&strings, &child->strings) < 0)
                return -ENOMEM;
        next = point_to(child->command + skip, words, child->strings);
        next = point_to(child->environment, variables, next);
        if (is_listening) {
                (void)point_to(child->environment + variables, 2, next);
                child->environment[variables + 2] = child->listen_pid;
        }
        (void)text_copy(child->listen_pid, sizeof(child->listen_pid), "LISTEN_PID=");
        return words > 0 ? 0 : -EINVAL;
}

static int copy_descriptors(Child *child, const SpawnHost *host, const SpawnSpec *spec)
{
        size_t count = spec->fd_count + spec->extra_count;

        child->fds = calloc(count + 6, sizeof(int)); /* 0..2 and up to 3 of the helper */
        if (!child->fds)
                return -ENOMEM;
        child->fds[0] = host->null_fd;
        child->fds[1] = spec->output_fd >= 0 ? spec->output_fd : host->null_fd;
        child->fds[2] = spec->error_fd >= 0 ? spec->error_fd : host->null_fd;
        for (size_t i = 0; i < count; i++)
                child->fds[3 + i] = spec->fds[i].fd;
        child->fd_count = 3 + count;
        child->execute_fd = spec->executable_fd;
        return 0;
}

static uint64_t find_mark(const SpawnSpec *spec)
{
        if (spec->cgroup_fd >= 0 || (spec->limits && spec->limits[RLIMIT_RSS].is_set))
                return 0;
        for (char *const *item = spec->environment; item && *item; item++) {
                const char *instance = text_after(*item, "REEVE_INSTANCE=");

                if (instance)
                        return mark_of_instance(instance);
        }
        return 0;
}

int child_new(const SpawnHost *host, const SpawnSpec *spec, Child **ret)
{
        AUTO(Child) *child = calloc(1, sizeof(*child));
        int r;

        if (!child)
                return -ENOMEM;
        (void)text_copy(child->subject, sizeof(child->subject), spec->subject);
        child->ignored = host->ignored;
        child->mark = find_mark(spec);
        child->dies_with_us = spec->dies_with_us;
        child->can_land = spec->can_land;
        child->is_helped = helper_is_needed(spec);
        r = copy_descriptors(child, host, spec);
        if (r == 0)
                r = copy_words(child, spec);
        if (r == 0)
                *ret = TAKE_PTR(child);
        return r;
}

Child *child_free(Child *child)
{
        if (!child)
                return NULL;
        free(child->command);
        free(child->environment);
        free(child->strings);
        free(child->fds);
        free(child);
        return NULL;
}

void child_add_helper(Child *child, const SpawnHost *host, int plan_fd, int report_fd)
{
        (void)snprintf(child->first_fd, sizeof(child->first_fd), "%zu", child->fd_count);
        child->command[0] = (char *)"reeve-exec"; /* only read */
        child->command[1] = child->first_fd;
        /* The helper's own descriptors stand above the worker's and are closed by its exec. */
        child->fds[child->fd_count++] = plan_fd;
        child->fds[child->fd_count++] = report_fd;
        if (child->execute_fd >= 0)
                child->fds[child->fd_count++] = child->execute_fd;
        child->execute_fd = host->helper_fd;
}

int child_explain(const Child *child, Error *reterr)
{
        return helper_explain(child->subject, child->failed, child->error,
                              child->failed == STEP_EXECUTE ? child->command[0] : "", reterr);
}
