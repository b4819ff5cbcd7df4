/* exec-main.c - reeve-exec: the last steps before a worker's command, outside of reeved
 *
 * Started as "reeve-exec NUMBER command..." (spawn/helper.h), as the user that reeved runs as, with
 * the worker's session, descriptors, environment and cgroup. Each step of the plan that applies is
 * done in the order of the table; the first that fails is reported and ends us.
 *
 * As "reeve-exec --hold SCOPE" it does nothing but live in a scope of systemd (spawn/holder.h). */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/units.h"
#include "spawn/helper.h"
#include "spawn/sandbox.h"
#include "sys/fd.h"
#include "sys/files.h"

enum { PLAN_MAX_BYTES = 1 << 20 };

typedef struct Step {
        HelperStep step;
        /* Does it if the plan asks for it; @detail: what it was about, for the report */
        bool (*apply)(const HelperPlan *plan, char *detail, size_t size);
} Step;

static void describe_limit(size_t resource, const struct rlimit *limit, char *detail, size_t size)
{
        (void)snprintf(detail, size, "%s=%llu:%llu", helper_limit_name(resource),
                       (unsigned long long)limit->rlim_cur, (unsigned long long)limit->rlim_max);
}

static bool apply_umask(const HelperPlan *plan, char *detail, size_t size)
{
        if (plan->spec.has_umask)
                (void)umask(plan->spec.umask); /* cannot fail */
        return true;
}

static bool apply_limits(const HelperPlan *plan, char *detail, size_t size)
{
        for (size_t i = 0; i < RESOURCE_COUNT; i++) {
                struct rlimit limit = { .rlim_cur = plan->limits[i].soft,
                                        .rlim_max = plan->limits[i].hard };

                if (!plan->limits[i].is_set)
                        continue;
                describe_limit(i, &limit, detail, size);
                if (setrlimit((__rlimit_resource_t)i, &limit) < 0)
                        return false;
        }
        return true;
}

static bool apply_nice(const HelperPlan *plan, char *detail, size_t size)
{
        (void)snprintf(detail, size, "%d", plan->spec.nice);
        return !plan->spec.has_nice || setpriority(PRIO_PROCESS, 0, plan->spec.nice) == 0;
}

static bool apply_oom_score(const HelperPlan *plan, char *detail, size_t size)
{
        int r;

        (void)snprintf(detail, size, "%d", plan->spec.oom_score_adjust);
        if (!plan->spec.has_oom_score_adjust)
                return true;
        r = file_write_text(AT_FDCWD, "/proc/self/oom_score_adj", detail);
        errno = -r;
        return r == 0;
}

static bool apply_affinity(const HelperPlan *plan, char *detail, size_t size)
{
        return !plan->spec.has_affinity
               || sched_setaffinity(0, sizeof(plan->spec.affinity), &plan->spec.affinity) == 0;
}

/* As root still, and with all capabilities; what is executed later is looked up in the new view. */
static bool apply_sandbox(const HelperPlan *plan, char *detail, size_t size)
{
        int r = 0;

        if (plan->spec.sandbox)
                r = sandbox_apply(plan->spec.sandbox, plan->spec.sandbox_length, detail, size);
        errno = -r;
        return r == 0;
}

static bool apply_capabilities(const HelperPlan *plan, char *detail, size_t size)
{
        int r = sandbox_drop_capabilities(plan->spec.dropped_capabilities);

        errno = -r;
        return r == 0;
}

static bool apply_group(const HelperPlan *plan, char *detail, size_t size)
{
        const SpawnIdentity *identity = &plan->spec.identity;
        bool is_ours = identity->uid == geteuid() && identity->gid == getegid();

        (void)snprintf(detail, size, "%u", identity->gid);
        if (!identity->is_set)
                return true;
        /* User= that names the very user who runs reeved needs no rights; its groups stay. */
        if (setgroups(identity->group_count, identity->groups) < 0 && !(errno == EPERM && is_ours))
                return false;
        return setresgid(identity->gid, identity->gid, identity->gid) == 0;
}

static bool apply_user(const HelperPlan *plan, char *detail, size_t size)
{
        const SpawnIdentity *identity = &plan->spec.identity;

        (void)snprintf(detail, size, "%u", identity->uid);
        /* From root to another user the kernel takes all capabilities away. */
        return !identity->is_set || setresuid(identity->uid, identity->uid, identity->uid) == 0;
}

static bool apply_no_new_privileges(const HelperPlan *plan, char *detail, size_t size)
{
        return !plan->spec.no_new_privileges || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* As the worker's user, so that a folder closed to it is found out here. */
static bool apply_directory(const HelperPlan *plan, char *detail, size_t size)
{
        if (!plan->spec.directory)
                return true;
        (void)text_copy(detail, size, plan->spec.directory);
        return chdir(plan->spec.directory) == 0;
}

/* Set again: the kernel forgets it when the user changes. */
static bool apply_tie(const HelperPlan *plan, char *detail, size_t size)
{
        return !plan->spec.dies_with_us || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

static const Step steps[] = {
        { STEP_PLAN, apply_umask },
        { STEP_LIMIT, apply_limits },
        { STEP_NICE, apply_nice },
        { STEP_OOM_SCORE, apply_oom_score },
        { STEP_AFFINITY, apply_affinity },
        { STEP_SANDBOX, apply_sandbox },
        { STEP_CAPABILITIES, apply_capabilities },
        { STEP_GROUP, apply_group },
        { STEP_USER, apply_user },
        { STEP_NO_NEW_PRIVILEGES, apply_no_new_privileges },
        { STEP_DIRECTORY, apply_directory },
        { STEP_PLAN, apply_tie },
};

/* Return: the exit status */
static int report(int fd, HelperStep step, int error, HelperReport *report)
{
        report->step = step;
        report->error = error;
        /* If reeved is gone there is nobody to tell; the exit status still says it. */
        (void)!write(fd, report, sizeof(*report));
        return helper_exit_status(step);
}

static int read_plan(int fd, char **ret_bytes, HelperPlan *ret)
{
        struct stat status;
        AUTO_FREE char *bytes = NULL;
        int r;

        if (fstat(fd, &status) < 0)
                return -errno;
        if (status.st_size <= 0 || status.st_size > PLAN_MAX_BYTES)
                return -EBADMSG;
        bytes = malloc((size_t)status.st_size);
        if (!bytes)
                return -ENOMEM;
        if (pread(fd, bytes, (size_t)status.st_size, 0) != status.st_size)
                return -EIO;
        r = helper_decode(bytes, (size_t)status.st_size, ret);
        if (r == 0)
                *ret_bytes = TAKE_PTR(bytes);
        return r;
}

static void execute(const HelperPlan *plan, int executable_fd, char **command)
{
        if (plan->has_executable)
                (void)syscall(SYS_execveat, executable_fd, "", command, environ, AT_EMPTY_PATH);
        else
                (void)execv(command[0], command);
}

static int run(int plan_fd, char **command)
{
        int report_fd = plan_fd + 1, executable_fd = plan_fd + 2;
        AUTO_FREE char *bytes = NULL;
        HelperReport message = { 0 };
        HelperPlan plan;
        int r;

        (void)fcntl(plan_fd, F_SETFD, FD_CLOEXEC);
        if (fcntl(report_fd, F_SETFD, FD_CLOEXEC) < 0)
                return helper_exit_status(STEP_PLAN);
        r = read_plan(plan_fd, &bytes, &plan);
        if (r < 0)
                return report(report_fd, STEP_PLAN, -r, &message);
        if (plan.has_executable)
                (void)fcntl(executable_fd, F_SETFD, FD_CLOEXEC);
        for (size_t i = 0; i < COUNT_OF(steps); i++) {
                message.detail[0] = '\0';
                if (!steps[i].apply(&plan, message.detail, sizeof(message.detail)))
                        return report(report_fd, steps[i].step, errno, &message);
        }
        execute(&plan, executable_fd, command);
        r = errno;
        (void)text_copy(message.detail, sizeof(message.detail), command[0]);
        return report(report_fd, STEP_EXECUTE, r, &message);
}

/* It dies with reeved, by the signal that holder.c has asked for. */
static _Noreturn void hold(void)
{
        for (;;)
                (void)pause();
}

int main(int argc, char **argv)
{
        uint64_t plan_fd;

        if (argc == 3 && text_equal(argv[1], "--hold"))
                hold();
        if (argc < 3 || units_parse_number(argv[1], 1 << 20, &plan_fd) < 0 || plan_fd < 3) {
                (void)fputs("reeve-exec is started by reeved and of no use by itself.\n", stderr);
                return 2;
        }
        return run((int)plan_fd, argv + 2);
}
