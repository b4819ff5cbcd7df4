/* spawn.c - see spawn.h
 *
 * Two halves. Before the clone everything is prepared that needs memory: the environment with
 * LISTEN_*, the plan of the helper, the table of descriptors. After it run_child() only makes
 * system calls on that, and leaves a failing step in the shared structure, where the parent
 * finds it: vfork semantics mean that we go on only when the child has executed or given up.
 *
 * The daemon has some descriptors for each worker. A child that got a copy of them all, to close
 * them by exec, would cost more with every worker there is: twice as much with 1,000, five times
 * with 4,000 (measured). So it begins with our very table and leaves it with a copy of only what
 * is below a low number; what it takes along from above is brought below first. */
#include "spawn/spawn.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "spawn/helper.h"
#include "spawn/mark.h"
#include "sys/clone.h"
#include "sys/fd.h"

/* Highest count of digits of a PID, and of the descriptor that the helper is told. */
enum { DIGITS_MAX = 10 };

typedef struct Child {
        const SpawnSpec *spec;
        const char **command; /* of what is executed first */
        const char **environment;
        char listen_pid[32]; /* "LISTEN_PID=", digits added in the child */
        char first_fd[16];   /* the helper's word for where its descriptors are */
        int *fds;            /* [i] becomes i in the child; the first fd_count of them */
        size_t fd_count;
        int execute_fd;   /* execute this and not command[0]; -1: none */
        int low_end;      /* above this nothing is taken along */
        size_t staged;    /* so many of the host's stages are in use */
        sigset_t ignored; /* by us, and so by what we execute if it were left so */
        uint64_t mark;    /* 0: none */
        bool is_helped;

        HelperStep failed; /* set by the child */
        int error;
} Child;

/* ---- in the child: system calls only, no memory, no locks, nothing that never returns ---- */

static int fail(Child *child, HelperStep step)
{
        child->error = errno;
        child->failed = step;
        return helper_exit_status(step);
}

static void write_own_pid(char *text)
{
        char digits[DIGITS_MAX];
        size_t count = 0;
        pid_t pid = getpid();

        do {
                digits[count++] = (char)('0' + pid % 10);
                pid /= 10;
        } while (pid > 0);
        text += strlen(text);
        while (count > 0)
                *text++ = digits[--count];
        *text = '\0';
}

/* Handlers end with exec by themselves, but "ignored" is inherited. */
static void reset_signals(const sigset_t *ignored)
{
        struct sigaction initial = { .sa_handler = SIG_DFL };

        for (int i = 1; i < _NSIG; i++)
                if (sigismember(ignored, i) == 1)
                        (void)sigaction(i, &initial, NULL);
}

/* Until here every change would have been one of the daemon's own table. */
static bool leave_table(const Child *child)
{
        return close_range((unsigned)child->low_end, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0
               || unshare(CLONE_FILES) == 0; /* before Linux 5.9 */
}

/* Everything is moved above the numbers it is to get before any of them is overwritten. What we
 * open ourselves closes by exec; what we were started with, by a careless parent, need not. */
static bool place_descriptors(Child *child)
{
        int count = (int)child->fd_count;

        for (int i = 0; i < count; i++) {
                child->fds[i] = fcntl(child->fds[i], F_DUPFD_CLOEXEC, count);
                if (child->fds[i] < 0)
                        return false;
        }
        if (child->execute_fd >= 0) {
                child->execute_fd = fcntl(child->execute_fd, F_DUPFD_CLOEXEC, count);
                if (child->execute_fd < 0)
                        return false;
        }
        for (int i = 0; i < count; i++)
                if (dup2(child->fds[i], i) < 0) /* clears close-on-exec */
                        return false;
        (void)close_range((unsigned)count, UINT_MAX, CLOSE_RANGE_CLOEXEC); /* Linux 5.11 */
        return true;
}

static bool set_mark(uint64_t mark)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_RSS, &limit) < 0)
                return false;
        /* A hard limit below the mark can only be an administrator's: leave it alone. */
        if (limit.rlim_max < mark)
                return true;
        limit.rlim_cur = mark;
        return setrlimit(RLIMIT_RSS, &limit) == 0;
}

static int run_child(void *userdata)
{
        Child *child = userdata;
        char *const *command = (char *const *)child->command;
        char *const *environment = (char *const *)child->environment;
        sigset_t none;

        if (setsid() < 0)
                return fail(child, STEP_SESSION);
        if (!leave_table(child) || !place_descriptors(child))
                return fail(child, STEP_DESCRIPTORS);
        if (child->mark != 0 && !set_mark(child->mark))
                return fail(child, STEP_MARK);
        if (child->spec->dies_with_us)
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* refuses bad numbers only */
        write_own_pid(child->listen_pid);
        reset_signals(&child->ignored);
        (void)sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return fail(child, STEP_SIGNALS);
        if (child->execute_fd >= 0)
                (void)syscall(SYS_execveat, child->execute_fd, "", command, environment,
                              AT_EMPTY_PATH);
        else
                (void)execve(command[0], command, environment);
        return fail(child, child->is_helped ? STEP_HELPER : STEP_EXECUTE);
}

/* ---- before it ---- */

/* Also what a pool's file sets by these names: a program would find the first of two. */
static bool is_ours(const char *assignment)
{
        return text_after(assignment, "LISTEN_PID=") || text_after(assignment, "LISTEN_FDS=")
               || text_after(assignment, "LISTEN_FDNAMES=");
}

static int listen_names(const SpawnSpec *spec, char **ret)
{
        AUTO_TEXT names = { 0 };

        text_append(&names, "LISTEN_FDNAMES=");
        for (size_t i = 0; i < spec->fd_count; i++)
                text_printf(&names, "%s%s", i > 0 ? ":" : "",
                            spec->fds[i].name ? spec->fds[i].name : "unknown");
        return text_take(&names, ret);
}

/* @strings: LISTEN_FDS and LISTEN_FDNAMES, which the caller owns */
static int build_environment(Child *child, char *strings[2])
{
        const SpawnSpec *spec = child->spec;
        size_t count = 0;

        child->environment = calloc(text_list_count(spec->environment) + 4, sizeof(char *));
        if (!child->environment)
                return -ENOMEM;
        for (char *const *item = spec->environment; item && *item; item++)
                if (spec->fd_count == 0 || !is_ours(*item))
                        child->environment[count++] = *item;
        (void)text_copy(child->listen_pid, sizeof(child->listen_pid), "LISTEN_PID=");
        if (spec->fd_count == 0)
                return 0;
        if (listen_names(spec, &strings[0]) < 0
            || asprintf(&strings[1], "LISTEN_FDS=%zu", spec->fd_count) < 0) {
                strings[1] = NULL;
                return -ENOMEM;
        }
        child->environment[count++] = child->listen_pid;
        child->environment[count++] = strings[0];
        child->environment[count++] = strings[1];
        return 0;
}

static int build_descriptors(Child *child, const SpawnHost *host)
{
        const SpawnSpec *spec = child->spec;
        int output = spec->output_fd >= 0 ? spec->output_fd : host->null_fd;

        child->fds = calloc(spec->fd_count + 6, sizeof(int)); /* 0..2 and up to 3 of the helper */
        if (!child->fds)
                return -ENOMEM;
        child->fds[0] = host->null_fd;
        child->fds[1] = output;
        child->fds[2] = spec->error_fd >= 0 ? spec->error_fd : host->null_fd;
        for (size_t i = 0; i < spec->fd_count; i++)
                child->fds[3 + i] = spec->fds[i].fd;
        child->fd_count = 3 + spec->fd_count;
        child->execute_fd = spec->executable_fd;
        child->ignored = host->ignored;
        return 0;
}

static int build_command(Child *child)
{
        char *const *words = child->spec->command;
        size_t count = text_list_count(words), first = 0;

        if (count == 0)
                return -EINVAL;
        child->command = calloc(count + 3, sizeof(char *));
        if (!child->command)
                return -ENOMEM;
        if (child->is_helped) {
                (void)snprintf(child->first_fd, sizeof(child->first_fd), "%zu", child->fd_count);
                child->command[first++] = "reeve-exec";
                child->command[first++] = child->first_fd;
        }
        memcpy(child->command + first, words, count * sizeof(char *));
        return 0;
}

/* A sealed file with the plan, to be read by reeve-exec. Return: descriptor, negative errno */
static int write_plan(const SpawnSpec *spec)
{
        AUTO_CLOSE fd = memfd_create("reeve-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        AUTO_TEXT plan = { 0 };

        if (fd < 0)
                return -errno;
        helper_encode(spec, &plan);
        if (plan.error)
                return plan.error;
        if (pwrite(fd, plan.bytes, plan.length, 0) != (ssize_t)plan.length)
                return -EIO;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The helper's own descriptors stand above the worker's and are closed by its exec. */
static void add_helper(Child *child, const SpawnHost *host, int plan_fd, int report_fd)
{
        child->fds[child->fd_count++] = plan_fd;
        child->fds[child->fd_count++] = report_fd;
        if (child->execute_fd >= 0)
                child->fds[child->fd_count++] = child->execute_fd;
        child->execute_fd = host->helper_fd;
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

static void child_done(Child *child)
{
        free(child->command);
        free(child->environment);
        free(child->fds);
}

static int explain_clone(const char *subject, int r, Error *reterr)
{
        const char *advice = "";

        if (r == -EAGAIN)
                advice = " (a limit on processes is reached: TasksMax= and LimitNPROC= of reeved, "
                         "or kernel.pid_max)";
        else if (r == -ENOMEM)
                advice = " (the machine is short of memory)";
        return error_set(reterr, r, "spawn-failed", "%s: cannot make a process: %s%s", subject,
                         strerror(-r), advice);
}

static int stage_one(const SpawnHost *host, Child *child, int *fd)
{
        int low;

        if (*fd < host->low_end) {
                child->low_end = MAX(child->low_end, *fd + 1);
                return 0;
        }
        if (child->staged == host->stage_count)
                return -EMFILE;
        low = host->stages[child->staged];
        if (dup3(*fd, low, O_CLOEXEC) < 0)
                return -errno;
        child->staged++;
        child->low_end = MAX(child->low_end, low + 1);
        *fd = low;
        return 0;
}

static int stage(const SpawnHost *host, Child *child)
{
        bool is_one_output = child->fds[1] == child->fds[2]; /* mostly */
        int r = stage_one(host, child, &child->execute_fd);

        for (size_t i = 0; r == 0 && i < child->fd_count; i++)
                if (i != 2 || !is_one_output)
                        r = stage_one(host, child, &child->fds[i]);
        if (is_one_output)
                child->fds[2] = child->fds[1];
        return r;
}

static void clear_stages(const SpawnHost *host, const Child *child)
{
        for (size_t i = 0; i < child->staged; i++)
                (void)dup3(host->null_fd, host->stages[i], O_CLOEXEC); /* both are open */
}

static pid_t run(const SpawnHost *host, Child *child, int *ret_pidfd)
{
        int r = stage(host, child);
        pid_t pid = r < 0 ? r
                          : clone_run(run_child, child, child->spec->cgroup_fd, !host->no_clone3,
                                      ret_pidfd);

        clear_stages(host, child);
        return pid;
}

/* Return: 0 with @ret; negative errno with @reterr */
static int start(const SpawnHost *host, Child *child, PidRef *ret, Error *reterr)
{
        const SpawnSpec *spec = child->spec;
        uint64_t before_ticks = pidref_ticks_now();
        int pidfd = -1, ended = 0;
        pid_t pid = run(host, child, &pidfd);

        if (pid < 0)
                return explain_clone(spec->subject, pid, reterr);
        if (child->failed == STEP_NONE) {
                *ret = (PidRef){ .pid = pid, .fd = pidfd };
                /* Begun and back within one tick, it can have started in no other. */
                if (before_ticks == pidref_ticks_now())
                        ret->start_ticks = before_ticks;
                else
                        (void)pidref_read_start(ret); /* can be read later as well */
                return 0;
        }
        (void)fd_close(pidfd);
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
                ;
        return helper_explain(spec->subject, child->failed, child->error,
                              child->failed == STEP_EXECUTE ? child->command[0] : "", reterr);
}

static int prepare(Child *child, const SpawnHost *host, char *strings[2])
{
        int r = build_descriptors(child, host);

        if (r == 0)
                r = build_command(child);
        return r < 0 ? r : build_environment(child, strings);
}

static int start_helped(const SpawnHost *host, Child *child, Spawned *spawned, Error *reterr)
{
        AUTO_CLOSE plan_fd = write_plan(child->spec);
        AUTO_CLOSE read_fd = -1;
        AUTO_CLOSE write_fd = -1;
        int ends[2], r;

        if (plan_fd < 0)
                return explain_clone(child->spec->subject, plan_fd, reterr);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return explain_clone(child->spec->subject, -errno, reterr);
        read_fd = ends[0];
        write_fd = ends[1];
        r = fd_set_nonblocking(read_fd);
        if (r < 0)
                return explain_clone(child->spec->subject, r, reterr);
        add_helper(child, host, plan_fd, write_fd);
        r = start(host, child, &spawned->process, reterr);
        if (r == 0)
                spawned->status_fd = TAKE_FD(read_fd);
        return r;
}

int spawn_process(const SpawnHost *host, const SpawnSpec *spec, Spawned *ret, Error *reterr)
{
        Child child CLEANUP(child_done) = { .spec = spec,
                                            .execute_fd = -1,
                                            .mark = find_mark(spec),
                                            .is_helped = helper_is_needed(spec) };
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        AUTO_FREE char *names = NULL, *count = NULL;
        char *strings[2] = { NULL, NULL };
        int r = prepare(&child, host, strings);

        names = strings[0];
        count = strings[1];
        if (r < 0)
                return explain_clone(spec->subject, r, reterr);
        if (child.is_helped)
                r = start_helped(host, &child, &spawned, reterr);
        else
                r = start(host, &child, &spawned.process, reterr);
        if (r == 0)
                *ret = spawned;
        return r;
}

int spawn_read_status(int status_fd, const char *subject, Error *reterr)
{
        HelperReport report;
        ssize_t n = read(status_fd, &report, sizeof(report));

        if (n == 0)
                return 1;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n != (ssize_t)sizeof(report) || report.error <= 0)
                return helper_explain(subject, STEP_NONE, n < 0 ? errno : EBADMSG, "", reterr);
        report.detail[sizeof(report.detail) - 1] = '\0';
        return helper_explain(subject, (HelperStep)report.step, report.error, report.detail,
                              reterr);
}

static void note_ignored_signals(SpawnHost *host)
{
        struct sigaction now;

        (void)sigemptyset(&host->ignored);
        for (int i = 1; i < _NSIG; i++)
                if (sigaction(i, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
                        (void)sigaddset(&host->ignored, i);
}

static int keep_stages(SpawnHost *host)
{
        host->low_end = MAX(host->null_fd, host->helper_fd) + 1;
        while (host->stage_count < SPAWN_STAGES) {
                int fd = fcntl(host->null_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

                if (fd < 0)
                        return -errno;
                host->stages[host->stage_count++] = fd;
                host->low_end = MAX(host->low_end, fd + 1);
        }
        return 0;
}

int spawn_host_init(SpawnHost *host, const char *helper_path, Error *reterr)
{
        AUTO_CLOSE null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        AUTO_CLOSE helper_fd = -1;
        const char *forced = getenv("REEVE_TEST_NO_CLONE3");
        int r;

        if (null_fd < 0)
                return error_set(reterr, -errno, "spawn-failed",
                                 "cannot open /dev/null, which every worker reads from: %s",
                                 strerror(errno));
        helper_fd = open(helper_path, O_PATH | O_CLOEXEC);
        if (helper_fd < 0 || access(helper_path, X_OK) < 0)
                return error_set(reterr, -errno, "spawn-failed",
                                 "cannot use %s, which sets up workers: %s. Install it beside "
                                 "reeved",
                                 helper_path, strerror(errno));
        *host = (SpawnHost){ .helper_fd = TAKE_FD(helper_fd),
                             .null_fd = TAKE_FD(null_fd),
                             .no_clone3 = text_equal(forced, "1") || !clone_is_supported() };
        note_ignored_signals(host);
        r = keep_stages(host);
        if (r < 0) {
                spawn_host_done(host);
                return error_set(reterr, r, "spawn-failed",
                                 "cannot keep %d descriptors for starting workers: %s. Raise "
                                 "LimitNOFILE= of reeved",
                                 SPAWN_STAGES, strerror(-r));
        }
        return 0;
}

void spawn_host_done(SpawnHost *host)
{
        for (size_t i = 0; i < host->stage_count; i++)
                (void)fd_close(host->stages[i]);
        (void)fd_close(host->helper_fd);
        (void)fd_close(host->null_fd);
        *host = SPAWN_HOST_UNSET;
}
