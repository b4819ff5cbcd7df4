/* bpf_load.c - see bpf_load.h
 *
 * The only file that knows libbpf. It runs in a short-lived process: finding the kernel's
 * structures means reading all of its type information. */
#include "sample/bpf_load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample/bpf_record.h"
#include "sample/wait.h"
#include "threads.skel.h"

/* What the kernel's verifier said last: the line that matters is its last but one. */
static char complaint[160];

static int on_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
        char text[4096], *line;

        if (level != LIBBPF_WARN)
                return 0;
        (void)vsnprintf(text, sizeof(text), format, arguments);
        line = strncmp(text, "libbpf: ", 8) == 0 ? text + 8 : text;
        line[strcspn(line, "\n")] = '\0';
        /* The first is about the cause, those that follow about what fails with it. */
        if (!complaint[0])
                (void)snprintf(complaint, sizeof(complaint), "%.150s", line);
        return 0;
}

/* The inode of /proc/self/ns/pid in the first PID namespace is fixed: PROC_PID_INIT_INO. */
static bool is_first_namespace(void)
{
        struct stat status;

        return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == 0xEFFFFFFC;
}

static int tell_calls(struct threads *skeleton)
{
        __u8 yes = 1;
        int r = 0;

        for (__u32 number = 0; r == 0 && number < BPF_CALLS_MAX; number++)
                if (wait_asks_file((int)number))
                        r = bpf_map__update_elem(skeleton->maps.calls, &number, sizeof(number),
                                                 &yes, sizeof(yes), BPF_ANY);
        return r;
}

static int duplicate(int fd)
{
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        return copy < 0 ? -errno : copy;
}

/* The link outlives the skeleton in the descriptor. */
static int run_fd_of(struct threads *skeleton, SampleRung rung, struct bpf_link **link)
{
        if (rung == RUNG_PROGRAM)
                return bpf_program__fd(skeleton->progs.walk_listed);
        *link = bpf_program__attach_iter(skeleton->progs.walk_all, NULL);
        return *link ? bpf_link__fd(*link) : -errno;
}

static int hand_over(struct threads *skeleton, SampleRung rung, int *ret_fds)
{
        struct bpf_link *link = NULL;
        const int fds[BPF_FDS] = {
                [BPF_FD_RUN] = run_fd_of(skeleton, rung, &link),
                [BPF_FD_CONTROL] = bpf_map__fd(skeleton->maps.control),
                [BPF_FD_RECORDS] = bpf_map__fd(skeleton->maps.records),
                [BPF_FD_PIDS] = bpf_map__fd(skeleton->maps.pids),
                [BPF_FD_WANTED] = bpf_map__fd(skeleton->maps.wanted),
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < BPF_FDS; i++)
                r = ret_fds[i] = fds[i] < 0 ? fds[i] : duplicate(fds[i]);
        bpf_link__destroy(link);
        return r < 0 ? r : 0;
}

static int load(SampleRung rung, unsigned records, int *ret_fds)
{
        struct threads *skeleton = threads__open();
        int r;

        if (!skeleton)
                return -errno;
        (void)bpf_program__set_autoload(skeleton->progs.walk_listed, rung == RUNG_PROGRAM);
        (void)bpf_program__set_autoload(skeleton->progs.walk_all, rung == RUNG_ITERATOR);
        r = bpf_map__set_max_entries(skeleton->maps.records, records);
        if (r == 0)
                r = threads__load(skeleton);
        if (r == 0)
                r = tell_calls(skeleton);
        if (r == 0)
                r = hand_over(skeleton, rung, ret_fds);
        threads__destroy(skeleton);
        return r;
}

static int try_program(unsigned records, int *ret_fds, Error *reterr)
{
        int r;

        if (!is_first_namespace())
                return error_set(reterr, -EOPNOTSUPP, "namespace",
                                 "the program that walks listed processes knows the PIDs of the "
                                 "first PID namespace only");
        r = load(RUNG_PROGRAM, records, ret_fds);
        return r == 0 ? 0
                      : error_set(reterr, r, "program",
                                  "the kernel does not take the BPF program: "
                                  "%s",
                                  complaint[0] ? complaint : strerror(-r));
}

static int why_not_at_all(int error, Error *reterr)
{
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                return error_set(reterr, error, "btf",
                                 "the kernel does not describe its structures "
                                 "(/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)");
        if (error == -EPERM || error == -EACCES)
                return error_set(reterr, error, "rights",
                                 "BPF needs the capabilities CAP_BPF and CAP_PERFMON");
        return error_set(reterr, error, "iterator", "the kernel does not take the BPF iterator: %s",
                         complaint[0] ? complaint : strerror(-error));
}

int bpf_load(SampleRung rung, unsigned records, int *ret_fds, Error *reterr)
{
        int r;

        libbpf_set_print(on_message);
        complaint[0] = '\0';
        if (rung == RUNG_PROGRAM && try_program(records, ret_fds, reterr) == 0)
                return RUNG_PROGRAM;
        complaint[0] = '\0';
        r = load(RUNG_ITERATOR, records, ret_fds);
        return r == 0 ? RUNG_ITERATOR : why_not_at_all(r, reterr);
}
