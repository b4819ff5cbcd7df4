/* spawn.c - see spawn.h
 *
 * What needs memory is prepared here; what the child does then stands in child.c, and how it is kept
 * while it does so in flight.c. */
#include "spawn/spawn.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "spawn/child.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/files.h"

/* "-1000" and its newline, with some room */
enum { OOM_SCORE_TEXT_MAX = 16 };

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

/* Stand still until it has executed. Return: PID, negative errno */
static pid_t run(SpawnHost *host, Child *child, int cgroup_fd, int *ret_pidfd)
{
        pid_t pid = clone_run(child_run, child, cgroup_fd, host->way != SPAWN_BY_VFORK, ret_pidfd);

        flight_unstage(host, child);
        return pid;
}

static void reap(pid_t pid)
{
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static PidRef hold(pid_t pid, int pidfd, uint64_t before_ticks)
{
        PidRef process = { .pid = pid, .fd = pidfd };

        /* Begun and back within one tick, it can have started in no other. */
        if (before_ticks == pidref_ticks_now())
                process.start_ticks = before_ticks;
        else
                (void)pidref_read_start(&process); /* can be read later as well */
        return process;
}

/* @child_take: when it is on its way. Return: 0 with @ret; negative errno with @reterr */
static int start(SpawnHost *host, Child **child_take, int cgroup_fd, Spawned *ret, Error *reterr)
{
        Child *child = *child_take;
        bool is_launched = host->way == SPAWN_BESIDE && child->can_land;
        uint64_t before_ticks = pidref_ticks_now();
        int pidfd = -1;
        pid_t pid = flight_stage(host, child);

        if (pid == 0)
                pid = (is_launched ? flight_begin : run)(host, child, cgroup_fd, &pidfd);
        if (pid < 0) {
                flight_unstage(host, child);
                return explain_clone(child->subject, pid, reterr);
        }
        if (is_launched) {
                ret->child = child;
                *child_take = NULL;
        } else if (child->failed != STEP_NONE) {
                (void)fd_close(pidfd);
                reap(pid);
                return child_explain(child, reterr);
        }
        ret->process = hold(pid, pidfd, before_ticks);
        return 0;
}

static int start_helped(SpawnHost *host, Child **child_take, const SpawnSpec *spec, Spawned *ret,
                        Error *reterr)
{
        AUTO_CLOSE plan_fd = write_plan(spec);
        AUTO_CLOSE read_fd = -1;
        AUTO_CLOSE write_fd = -1;
        int ends[2], r;

        if (plan_fd < 0)
                return explain_clone(spec->subject, plan_fd, reterr);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return explain_clone(spec->subject, -errno, reterr);
        read_fd = ends[0];
        write_fd = ends[1];
        r = fd_set_nonblocking(read_fd);
        if (r < 0)
                return explain_clone(spec->subject, r, reterr);
        child_add_helper(*child_take, host, plan_fd, write_fd);
        r = start(host, child_take, spec->cgroup_fd, ret, reterr);
        if (r == 0)
                ret->status_fd = TAKE_FD(read_fd);
        return r;
}

int spawn_process(SpawnHost *host, const SpawnSpec *asked, Spawned *ret, Error *reterr)
{
        SpawnSpec spec = *asked;
        AUTO(Child) *child = NULL;
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        int r;

        if (host->resets_oom_score && !spec.has_oom_score_adjust)
                spec.has_oom_score_adjust = true; /* 0, as nobody asked for more */
        r = child_new(host, &spec, &child);
        if (r < 0)
                return explain_clone(spec.subject, r, reterr);
        if (child->is_helped)
                r = start_helped(host, &child, &spec, &spawned, reterr);
        else
                r = start(host, &child, spec.cgroup_fd, &spawned, reterr);
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

static SpawnWay choose_way(void)
{
        if (text_equal(getenv("REEVE_TEST_NO_CLONE3"), "1") || !clone_is_supported())
                return SPAWN_BY_VFORK;
        if (text_equal(getenv("REEVE_TEST_WAIT_FOR_EXEC"), "1") || !clone_can_launch())
                return SPAWN_BY_CLONE3;
        return SPAWN_BESIDE;
}

static void note_ignored_signals(SpawnHost *host)
{
        struct sigaction now;

        host->ignored = 0;
        for (int i = 1; i < _NSIG; i++)
                if (sigaction(i, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
                        host->ignored |= UINT64_C(1) << (i - 1);
}

/* Written for a child that shares our memory it would become ours as well (Linux 4.8: all that share
 * an mm share the score, unless one waits in vfork). So it is reeve-exec that writes it. */
static bool has_foreign_oom_score(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = { 0 };
        AUTO_FREE char *text = NULL;
        long score;

        if (file_read(AT_FDCWD, "/proc/self/oom_score_adj", OOM_SCORE_TEXT_MAX, &text, NULL) < 0)
                return false;
        score = strtol(text, NULL, 10);
        if (score <= 0)
                return score < 0;
        return syscall(SYS_capget, &header, held) == 0
               && (held[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & CAP_TO_MASK(CAP_SYS_RESOURCE));
}

static int keep_stages(SpawnHost *host)
{
        while (host->stage_count < SPAWN_STAGES) {
                int fd = fcntl(host->null_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

                if (fd < 0)
                        return -errno;
                host->stages[host->stage_count++] = fd;
        }
        return 0;
}

int spawn_host_init(SpawnHost *host, const char *helper_path, Error *reterr)
{
        AUTO_CLOSE null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        AUTO_CLOSE helper_fd = -1;
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
                             .way = choose_way() };
        TAILQ_INIT(&host->flights);
        note_ignored_signals(host);
        host->resets_oom_score = has_foreign_oom_score();
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
        while (host->free_stacks > 0)
                clone_stack_free(host->stacks[--host->free_stacks]);
        for (size_t i = 0; i < host->stage_count; i++)
                (void)fd_close(host->stages[i]);
        (void)fd_close(host->helper_fd);
        (void)fd_close(host->null_fd);
        *host = SPAWN_HOST_UNSET;
}
