/* doctor_machine.c - what the kernel offers (see doctor.h)
 *
 * Versions are only read where there is nothing to try: most features are asked for directly. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl/doctor.h"
#include "sys/cgroup.h"
#include "sys/files.h"

enum { CAPABILITY_BPF = 39, CAPABILITY_PERFMON = 38, TEXT_SIZE = 8192 };

/* ---- kernel ---- */

static bool has_kernel(const char *release, unsigned major, unsigned minor)
{
        unsigned has_major = 0, has_minor = 0;

        if (sscanf(release, "%u.%u", &has_major, &has_minor) != 2)
                return false;
        return has_major > major || (has_major == major && has_minor >= minor);
}

static bool has_call(long number)
{
        /* Arguments that no call accepts: what is there says so, what is not says ENOSYS. */
        return syscall(number, -1, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS;
}

static void kernel_check(Doctor *doctor)
{
        struct utsname name;

        if (uname(&name) < 0)
                return;
        if (!has_call(SYS_pidfd_open) || !has_kernel(name.release, 5, 10)) {
                doctor_find(doctor, FINDING_FAIL, "kernel",
                            "Linux 6.1 or later is what reeve is "
                            "tested on",
                            "Linux %s has no pidfd_open: reeved cannot watch workers",
                            name.release);
                return;
        }
        if (!has_call(SYS_clone3))
                doctor_find(doctor, FINDING_WARN, "kernel",
                            "a seccomp filter may refuse it: see that of the container",
                            "Linux %s without clone3: workers are moved into their groups after "
                            "they began",
                            name.release);
        else
                doctor_find(doctor, FINDING_OK, "kernel", NULL, "Linux %s: pidfd, clone3%s%s",
                            name.release, has_kernel(name.release, 5, 14) ? ", cgroup.kill" : "",
                            has_kernel(name.release, 6, 15)
                                    ? ", exit codes of adopted workers"
                                    : "; exit codes of adopted workers need 6.15");
}

/* ---- cgroups ---- */

static void controllers_check(Doctor *doctor, const char *path)
{
        unsigned available = cgroup_available(path);
        AUTO_TEXT missing = { 0 };

        for (unsigned bit = CONTROLLER_CPU; bit <= CONTROLLER_IO; bit <<= 1)
                if (!(available & bit))
                        text_printf(&missing, "%s%s", missing.length ? ", " : "",
                                    controller_name((Controller)bit));
        if (missing.length > 0)
                doctor_find(doctor, FINDING_WARN, "cgroup",
                            "mount cgroup v2 alone (systemd.unified_cgroup_hierarchy=1) or "
                            "delegate them (Delegate=yes); without them limits have no effect",
                            "cgroup v2 without the controllers %s", missing.bytes);
        else
                doctor_find(doctor, FINDING_OK, "cgroup", NULL,
                            "cgroup v2 with the controllers cpu, memory, io and pids");
}

static void cgroup_check(Doctor *doctor)
{
        AUTO_FREE char *path = NULL;
        int r = cgroup_find_own(&path, NULL);

        if (r < 0)
                doctor_find(doctor, FINDING_WARN, "cgroup",
                            "slots are kept together by descent, and limits have no effect; "
                            "mount cgroup v2",
                            "no cgroup v2 of ours can be seen: %s", strerror(-r));
        else
                controllers_check(doctor, path);
}

/* ---- measuring ---- */

static bool number_read(const char *path, int64_t *ret)
{
        char text[64];

        if (file_read_into(AT_FDCWD, path, text, sizeof(text)) < 0)
                return false;
        *ret = strtoll(text, NULL, 10);
        return true;
}

static bool has_capability(unsigned capability)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { 0 };

        return syscall(SYS_capget, &header, data) == 0
               && data[capability / 32].effective & (1U << (capability % 32));
}

static void bpf_check(Doctor *doctor)
{
        bool has_rights = has_capability(21 /* CAP_SYS_ADMIN */)
                          || (has_capability(CAPABILITY_BPF) && has_capability(CAPABILITY_PERFMON));

        if (!has_rights)
                doctor_find(doctor, FINDING_WARN, "bpf",
                            "reeved as root, or with CAP_BPF and CAP_PERFMON, measures threads for "
                            "less",
                            "this user may not load BPF programs; /proc is read instead");
        else if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                doctor_find(doctor, FINDING_WARN, "bpf", "use a kernel with CONFIG_DEBUG_INFO_BTF",
                            "the kernel does not describe its types (BTF); /proc is read instead");
        else
                doctor_find(doctor, FINDING_OK, "bpf", NULL, "BPF programs may be loaded");
}

static void accounting_check(Doctor *doctor)
{
        int64_t value;

        if (!number_read("/proc/sys/kernel/task_delayacct", &value))
                return; /* before 5.14 it was always on */
        if (value == 0)
                doctor_find(doctor, FINDING_WARN, "delays",
                            "sysctl kernel.task_delayacct=1 turns it on",
                            "waiting for block I/O is not counted by the kernel");
        else
                doctor_find(doctor, FINDING_OK, "delays", NULL, "waiting for block I/O is counted");
}

/* ---- memory, clock ---- */

static void memory_check(Doctor *doctor)
{
        char text[TEXT_SIZE];
        const char *swap;
        int64_t overcommit;

        if (number_read("/proc/sys/vm/overcommit_memory", &overcommit) && overcommit == 2)
                doctor_find(doctor, FINDING_WARN, "memory",
                            "count on it, or set vm.overcommit_memory=0",
                            "memory is not overcommitted: workers fail to allocate before memory "
                            "runs out");
        if (file_read_into(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0)
                return;
        swap = strstr(text, "SwapTotal:");
        doctor_find(doctor, FINDING_OK, "memory", NULL, "%s",
                    swap && strtoll(swap + strlen("SwapTotal:"), NULL, 10) == 0
                            ? "no swap: the kernel kills at once when memory runs out; see "
                              "OOMScoreAdjust= and MemoryMax="
                            : "there is swap: what grows gets slow before it is killed");
}

static void clock_check(Doctor *doctor)
{
        struct timex state = { 0 };

        if (adjtimex(&state) == TIME_ERROR || state.status & STA_UNSYNC)
                doctor_find(doctor, FINDING_WARN, "clock",
                            "run systemd-timesyncd or chrony; reeve measures by another clock, but "
                            "times that it shows may be wrong",
                            "the wall clock is not synchronized");
        else
                doctor_find(doctor, FINDING_OK, "clock", NULL, "the wall clock is synchronized");
}

void doctor_machine(Doctor *doctor)
{
        kernel_check(doctor);
        cgroup_check(doctor);
        bpf_check(doctor);
        accounting_check(doctor);
        memory_check(doctor);
        clock_check(doctor);
}
