/* fixture.c - workers of these tests: one that tells how it was started, others that try to get
 * away
 *
 * fixture report        facts about this process as KEY=VALUE lines on stdout
 * fixture sit           say "PID" on stdout, then wait for a signal for ever
 * fixture stubborn      the same, ignoring TERM
 * fixture exit N        exit with N
 * fixture tree LEADER   a child that ignores TERM, and a grandchild: forked twice, in a session of
 *                       its own, with no environment. LEADER "stays" or "leaves". Prints
 *                       "child PID", "grandchild PID" */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void report_descriptors(void)
{
        (void)printf("fds=");
        for (int fd = 0; fd < 1024; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        (void)printf("%d ", fd);
        (void)printf("\n");
        for (int fd = 0; fd < 12; fd++) {
                struct stat status;

                if (fstat(fd, &status) == 0)
                        (void)printf("inode%d=%lu\n", fd, (unsigned long)status.st_ino);
        }
}

static void report_signals(void)
{
        sigset_t mask;

        (void)sigprocmask(SIG_SETMASK, NULL, &mask);
        (void)printf("blocked=");
        for (int i = 1; i < 65; i++)
                if (sigismember(&mask, i) == 1)
                        (void)printf("%d ", i);
        (void)printf("\nignored=");
        for (int i = 1; i < 65; i++) {
                struct sigaction action;

                if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
                        (void)printf("%d ", i);
        }
        (void)printf("\n");
}

static void report_limit(const char *name, __rlimit_resource_t resource)
{
        struct rlimit limit;

        (void)getrlimit(resource, &limit);
        (void)printf("%s=%llu:%llu\n", name, (unsigned long long)limit.rlim_cur,
                     (unsigned long long)limit.rlim_max);
}

static void report_identity(void)
{
        gid_t groups[64];
        int count = getgroups(64, groups);

        (void)printf("uid=%u %u\ngid=%u %u\ngroups=", getuid(), geteuid(), getgid(), getegid());
        for (int i = 0; i < count; i++)
                (void)printf("%u ", groups[i]);
        (void)printf("\n");
}

static void report_rest(void)
{
        char directory[256] = "", score[32] = "";
        cpu_set_t affinity;
        mode_t mask = umask(0);
        FILE *file = fopen("/proc/self/oom_score_adj", "re");

        (void)!fgets(score, sizeof(score), file);
        (void)fclose(file);
        (void)!getcwd(directory, sizeof(directory));
        (void)sched_getaffinity(0, sizeof(affinity), &affinity);
        (void)printf("pid=%d\nparent=%d\nsession=%d\numask=%03o\nnice=%d\ndirectory=%s\n", getpid(),
                     getppid(), getsid(0), mask, getpriority(PRIO_PROCESS, 0), directory);
        (void)printf("cpus=%d\nno_new_privileges=%d\noom=%s", CPU_COUNT(&affinity),
                     prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), score);
}

static int report(int argc, char **argv)
{
        report_descriptors();
        report_signals();
        report_limit("nofile", RLIMIT_NOFILE);
        report_limit("core", RLIMIT_CORE);
        report_limit("rss", RLIMIT_RSS);
        report_identity();
        report_rest();
        for (int i = 0; i < argc; i++)
                (void)printf("word%d=%s\n", i, argv[i]);
        for (char **item = environ; *item; item++)
                (void)printf("env.%s\n", *item);
        return 0;
}

/* stdout may be a pipe: flush, or the forked copies would say it again. Whoever speaks is about
 * to stay: a test that fails must not leave it behind for ever. */
static void say(const char *what, pid_t pid)
{
        (void)alarm(300);
        (void)printf("%s%d\n", what, pid);
        (void)fflush(stdout);
}

static __attribute__((noreturn)) void sit(void)
{
        say("", getpid());
        for (;;)
                (void)pause();
}

static void start_child(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                (void)signal(SIGTERM, SIG_IGN);
                say("child ", getpid());
                for (;;)
                        (void)pause();
        }
}

/* It speaks once the one between it and us is gone: whoever listens may count us then. */
static void start_grandchild(const char *program)
{
        int gate[2];
        pid_t pid;

        if (pipe2(gate, O_CLOEXEC) < 0)
                _exit(1);
        pid = fork();
        if (pid == 0) {
                char *const command[] = { (char *)program, "linger", NULL };
                char *const none[] = { NULL };

                (void)setsid();
                (void)close(gate[1]);
                if (fork() == 0) {
                        char byte;

                        (void)!read(gate[0], &byte, 1); /* its end comes with ours */
                        (void)execve(program, command, none);
                        _exit(127);
                }
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
        (void)close(gate[0]);
        (void)close(gate[1]);
}

static __attribute__((noreturn)) void tree(const char *program, const char *leader)
{
        start_child();
        start_grandchild(program);
        if (strcmp(leader, "leaves") == 0)
                _exit(7); /* at once: on its way out LeakSanitizer has a process of its own */
        for (;;)
                (void)pause();
}

int main(int argc, char **argv)
{
        const char *verb = argc > 1 ? argv[1] : "";

        if (strcmp(verb, "report") == 0)
                return report(argc, argv);
        if (strcmp(verb, "sit") == 0)
                sit();
        if (strcmp(verb, "stubborn") == 0) {
                (void)signal(SIGTERM, SIG_IGN);
                sit();
        }
        if (strcmp(verb, "exit") == 0)
                return atoi(argv[2]);
        if (strcmp(verb, "linger") == 0) {
                (void)signal(SIGTERM, SIG_IGN);
                say("grandchild ", getpid());
                for (;;)
                        (void)pause();
        }
        if (strcmp(verb, "tree") == 0)
                tree(argv[0], argv[2]);
        return 2;
}
