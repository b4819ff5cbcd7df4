/* holder.c - see holder.h */
#include "spawn/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"

#define TRY_AGAIN_NSEC 10000000 /* 10 ms: a scope that is about to go needs about as long */

enum { REPORT_FD = STDERR_FILENO + 1, HELPER_FD };

/* ---- in the holder ---- */

static bool is_alive(const char *path)
{
        AUTO_CLOSE fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd >= 0 && cgroup_is_populated(fd, ".") == 1;
}

/* A group of its own: the scope's must have no process to hand controllers on. */
static int move_in(const char *path)
{
        char name[PATH_MAX];

        (void)snprintf(name, sizeof(name), "%s/holder", path);
        if (mkdir(name, 0755) < 0 && errno != EEXIST)
                return -errno;
        (void)snprintf(name, sizeof(name), "%s/holder/cgroup.procs", path);
        return file_write_text(AT_FDCWD, name, "0");
}

static int refuse_place(Error *reterr, int r, const char *path)
{
        return error_set(reterr, r, "no-scope", "the scope of workers, %s, cannot be used: %s",
                         path, strerror(-r));
}

static int get_in(const HolderPlan *plan, Error *reterr)
{
        const struct timespec pause = { .tv_nsec = TRY_AGAIN_NSEC };
        int r;

        for (;;) {
                /* Workers of an earlier reeved live in it. */
                if (is_alive(plan->path))
                        break;
                r = manager_make_scope(&plan->scope, plan->deadline_usec, reterr);
                if (r == 0)
                        break;
                if (r != -EEXIST || now_usec() >= plan->deadline_usec)
                        return r;
                (void)nanosleep(&pause, NULL);
        }
        r = move_in(plan->path);
        return r < 0 ? refuse_place(reterr, r, plan->path) : 0;
}

/* Nothing of reeved's may live on in here: its lock would be held after its death. */
static int keep_two(int report_fd, int helper_fd)
{
        int report = fcntl(report_fd, F_DUPFD, HELPER_FD + 1);
        int helper = fcntl(helper_fd, F_DUPFD, HELPER_FD + 1);
        int null = open("/dev/null", O_RDWR);

        if (report < 0 || helper < 0 || null < 0)
                return -errno;
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
                if (dup2(null, fd) < 0)
                        return -errno;
        if (dup2(report, REPORT_FD) < 0 || dup2(helper, HELPER_FD) < 0)
                return -errno;
        if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(HELPER_FD, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return close_range(HELPER_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

static void forget_signals(void)
{
        sigset_t none;

        for (int number = 1; number < NSIG; number++)
                (void)signal(number, SIG_DFL); /* some cannot be set */
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void hold(const HolderPlan *plan, int report_fd, pid_t parent)
{
        char *const words[] = { (char *)"reeve-exec", (char *)"--hold", (char *)plan->scope.name,
                                NULL };
        HolderReport report = { 0 };
        Error error = { 0 };

        forget_signals();
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent
            || keep_two(report_fd, plan->helper_fd) < 0)
                _exit(1);
        report.result = get_in(plan, &error);
        (void)text_copy(report.message, sizeof(report.message), error.message);
        if (write(REPORT_FD, &report, sizeof(report)) != sizeof(report) || report.result < 0)
                _exit(1);
        (void)fexecve(HELPER_FD, words, environ);
        _exit(1);
}

/* ---- in reeved ---- */

int holder_start(const HolderPlan *plan, PidRef *ret, int *ret_report_fd)
{
        AUTO_CLOSE read_fd = -1, write_fd = -1;
        pid_t parent = getpid(), pid;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        read_fd = ends[0];
        write_fd = ends[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                hold(plan, write_fd, parent);
        r = pidref_open(pid, 0, ret);
        if (r < 0) {
                (void)kill(pid, SIGKILL);
                return r;
        }
        *ret_report_fd = TAKE_FD(read_fd);
        return 0;
}

int holder_read(int report_fd, HolderReport *ret)
{
        HolderReport report;
        ssize_t n = read(report_fd, &report, sizeof(report));

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n != sizeof(report))
                return -EPIPE; /* it is gone */
        report.message[sizeof(report.message) - 1] = '\0';
        *ret = report;
        return 1;
}

void holder_end(PidRef *holder)
{
        if (!pidref_is_set(holder))
                return;
        (void)pidref_signal(holder, SIGKILL);
        /* It may be reaped already, as any child is. */
        while (waitid(P_PIDFD, (id_t)holder->fd, &(siginfo_t){ 0 }, WEXITED) < 0 && errno == EINTR)
                ;
        pidref_done(holder);
}
