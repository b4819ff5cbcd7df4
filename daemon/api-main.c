/* api-main.c - reeve-api: takes what reeved hands over, gives up what it does not need, serves
 *
 * It talks to strangers, so it runs as an unprivileged user (reeved sees to that) and may neither
 * execute, nor fork, nor trace, nor change who it is, from before it reads the first request. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "api/face.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/fd.h"

#define TOKENS_FD_NAME "tokens" /* lines of the token file, in a memfd */

enum { TOKENS_SIZE_MAX = 64 * 1024 };

/* ---- what may be called ---- */

/* The leak checker of the sanitizers clones a tracer at exit. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

static const int denied_calls[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(setuid),
        SCMP_SYS(setgid),
        SCMP_SYS(setreuid),
        SCMP_SYS(setregid),
        SCMP_SYS(setresuid),
        SCMP_SYS(setresgid),
        SCMP_SYS(setgroups),
        SCMP_SYS(setfsuid),
        SCMP_SYS(setfsgid),
        SCMP_SYS(capset),
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(mount_setattr),
        SCMP_SYS(move_mount),
        SCMP_SYS(open_tree),
        SCMP_SYS(fsopen),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(delete_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(kexec_file_load),
        SCMP_SYS(reboot),
        SCMP_SYS(swapon),
        SCMP_SYS(swapoff),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(personality),
        SCMP_SYS(acct),
        SCMP_SYS(quotactl),
        SCMP_SYS(ptrace),
};

static int deny_processes(scmp_filter_ctx filter)
{
        int r;

        /* clone3 hides its flags in memory, where no filter can look: as if the kernel had none,
         * so that libraries fall back on clone. */
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
        if (r < 0)
                return r;
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

static int add_rules(scmp_filter_ctx filter)
{
        int r = HAS_SANITIZER ? 0 : deny_processes(filter);

        for (size_t i = 0; r >= 0 && i < COUNT_OF(denied_calls); i++)
                if (!HAS_SANITIZER || denied_calls[i] != SCMP_SYS(ptrace))
                        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied_calls[i], 0);
        return r;
}

/* no_new_privs is set along with it, whether or not reeved did so already. */
static int install_filter(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int r;

        if (!filter)
                return -ENOMEM;
        r = add_rules(filter);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

/* ---- what reeved hands over ---- */

/* Read with pread: the offset of the memfd is shared with earlier lives of this program. */
static char *read_tokens(int fd)
{
        AUTO_FREE char *text = malloc(TOKENS_SIZE_MAX + 1);
        ssize_t n = text ? pread(fd, text, TOKENS_SIZE_MAX, 0) : -1;

        if (n < 0)
                return NULL;
        text[n] = '\0';
        return TAKE_PTR(text);
}

static int take_fd(FaceSettings *settings, int fd, const char *name, char **ret_tokens)
{
        if (text_equal(name, CONTROL_FD_NAME))
                settings->control_fd = fd;
        else if (text_equal(name, CONTROL_UNIX_NAME))
                settings->unix_fd = fd;
        else if (text_equal(name, CONTROL_TCP_NAME) && settings->tcp_count < FACE_LISTENERS_MAX)
                settings->tcp_fds[settings->tcp_count++] = fd;
        else if (text_equal(name, TOKENS_FD_NAME)) {
                free(*ret_tokens);
                *ret_tokens = read_tokens(fd);
                (void)fd_close(fd);
                return *ret_tokens ? 0 : -EIO;
        }
        return 0;
}

static int take_fds(FaceSettings *settings, char **ret_tokens, Error *reterr)
{
        char **names = NULL;
        int count = sd_listen_fds_with_names(1, &names), r = 0;

        for (int i = 0; r >= 0 && i < count; i++)
                r = take_fd(settings, SD_LISTEN_FDS_START + i, names[i], ret_tokens);
        names = text_list_free(names);
        if (count < 0 || r < 0)
                return error_set(reterr, count < 0 ? count : r, "internal",
                                 "cannot take what reeved handed over: %s",
                                 strerror(count < 0 ? -count : -r));
        if (settings->control_fd < 0)
                return error_set(reterr, -EBADF, "internal",
                                 "this program is started by reeved, not by hand.");
        return 0;
}

static void take_environment(FaceSettings *settings)
{
        settings->access = (AccessText){ .operate_gid = getenv("REEVE_API_OPERATE_GID"),
                                         .view_gid = getenv("REEVE_API_VIEW_GID"),
                                         .admin_uids = getenv("REEVE_API_ADMIN_UIDS"),
                                         .allowed_hosts = getenv("REEVE_API_ALLOWED_HOSTS") };
}

/* ---- life ---- */

/* Followed logs and connections together may take more than the usual thousand. */
static void raise_descriptor_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* with fewer, more clients wait */
}

static int block_signals(void)
{
        sigset_t set;

        (void)signal(SIGPIPE, SIG_IGN);
        if (sigemptyset(&set) < 0 || sigaddset(&set, SIGTERM) < 0 || sigaddset(&set, SIGINT) < 0
            || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return 0;
}

static int prepare(sd_event *event)
{
        int r = block_signals();

        raise_descriptor_limit();
        /* Without a handler both end the loop with 0. */
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        return r < 0 ? r : sd_event_set_watchdog(event, true);
}

static void on_ready(void)
{
        (void)sd_notify(0, "READY=1"); /* nobody to tell is no failure */
}

static int serve(sd_event *event, Error *reterr)
{
        FaceSettings settings = { .control_fd = -1, .unix_fd = -1, .on_ready = on_ready };
        AUTO_FREE char *tokens = NULL;
        AUTO(Face) *face = NULL;
        int r = prepare(event);

        if (r < 0)
                return error_set(reterr, r, "internal", "cannot prepare: %s", strerror(-r));
        r = take_fds(&settings, &tokens, reterr);
        if (r < 0)
                return r;
        take_environment(&settings);
        settings.tokens = tokens;
        r = install_filter();
        if (r < 0)
                return error_set(reterr, r, "internal", "cannot install the system call filter: %s",
                                 strerror(-r));
        r = face_new(event, &settings, &face, reterr);
        if (r < 0)
                return r;
        return sd_event_loop(event);
}

int main(int argc, char **argv)
{
        sd_event *event = NULL;
        Error error = { 0 };
        int r;

        if (argc > 1 && text_equal(argv[1], "--version")) {
                (void)printf("reeve-api %s\n", REEVE_VERSION);
                return 0;
        }
        r = sd_event_new(&event);
        if (r >= 0)
                r = serve(event, &error);
        if (r < 0)
                (void)fprintf(stderr, "reeve-api: %s\n",
                              error_is_set(&error) ? error.message : strerror(-r));
        (void)sd_event_unref(event);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
