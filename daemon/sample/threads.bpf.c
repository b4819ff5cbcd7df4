/* threads.bpf.c - walk the threads of our processes inside the kernel
 *
 * Two programs fill the same records. `walk_listed` is run by bpf(BPF_PROG_RUN) and walks the
 * threads of listed processes (Linux 6.7); `walk_all` is a task iterator that sees every thread of
 * the machine and takes those whose process is wanted (Linux 5.18). The kernel's structures are
 * declared here with the members that are read, and found at load time by their names (CO-RE), so
 * no kernel's headers are needed.
 *
 * PIDs are those of the PID namespace of whoever runs it. A thread may end or run on while it is
 * read: each value is whole, together they are as old as the walk is long.
 *
 * The kernel lends these functions to programs under the GPL only, so this file may be used under
 * the GPL version 2 as well as under the licence of the project. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "sample/bpf_record.h"

char terms[] SEC("license") = "GPL";

/* ---- the kernel's structures ---- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid_namespace;

struct upid {
        int nr;
        struct pid_namespace *ns;
};

struct pid {
        unsigned level;
        struct upid numbers[1]; /* level + 1 */
};

struct thread_info {
        __u32 status; /* x86 */
        __u32 cpu;
};

struct sched_entity {
        __u64 sum_exec_runtime;
};

struct sched_info {
        unsigned long long run_delay;
};

struct task_delay_info {
        __u64 blkio_delay;
};

struct super_block {
        unsigned long s_magic;
};

struct inode {
        unsigned short i_mode;
        struct super_block *i_sb;
};

struct qstr {
        const unsigned char *name;
};

struct dentry {
        struct qstr d_name;
};

struct path {
        struct dentry *dentry;
};

struct file {
        struct path f_path;
        struct inode *f_inode;
};

struct fdtable {
        unsigned max_fds;
        struct file **fd;
};

struct files_struct {
        struct fdtable *fdt;
};

struct task_struct {
        struct thread_info thread_info;
        unsigned __state;
        int on_cpu;
        struct sched_entity se;
        struct sched_info sched_info;
        int exit_state;
        int pid, tgid;
        struct task_struct *group_leader;
        struct pid *thread_pid;
        __u64 utime, stime;
        unsigned long nvcsw, nivcsw, min_flt, maj_flt;
        __u64 start_boottime;
        char comm[BPF_NAME_SIZE];
        struct files_struct *files;
        struct task_delay_info *delays;
};

struct pt_regs {
#if defined(__TARGET_ARCH_x86)
        unsigned long orig_ax, di, si, dx, r10, r8, r9;
#elif defined(__TARGET_ARCH_arm64)
        __u64 regs[31];
        __u64 orig_x0;
        __s32 syscallno;
#else
#error "registers of this processor are not known"
#endif
};

struct bpf_iter__task {
        struct task_struct *task;
};

#pragma clang attribute pop

/* State of the kernel's iterators; ours to keep on the stack. */
struct bpf_iter_task {
        __u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_iter_num {
        __u64 opaque[1];
} __attribute__((aligned(8)));

enum { BPF_TASK_ITER_PROC_THREADS = 2 };

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
                             unsigned flags) __ksym __weak;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym __weak;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym __weak;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* ---- what is shared with reeved ---- */

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, BpfControl);
} control SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 1); /* set by the loader */
        __type(key, __u32);
        __type(value, BpfRecord);
} records SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, BPF_PIDS_MAX);
        __type(key, __u32);
        __type(value, __u64);
} pids SEC(".maps");

/* PID of a wanted process to its place; for walk_all. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 65536);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, __u32);
        __type(value, __u32);
} wanted SEC(".maps");

/* 1 for system calls whose first argument is a descriptor that tells what is waited for. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, BPF_CALLS_MAX);
        __type(key, __u32);
        __type(value, __u8);
} calls SEC(".maps");

/* ---- one thread ---- */

static __always_inline BpfControl *find_control(void)
{
        __u32 zero = 0;

        return bpf_map_lookup_elem(&control, &zero);
}

/* The number of @pid in the namespace of whoever runs us; 0: it is not to be seen there. */
static __always_inline int number_of(struct pid *pid)
{
        struct task_struct *self = bpf_get_current_task_btf();
        struct pid *own = self->thread_pid;
        struct upid *numbers, *own_numbers;
        struct pid_namespace *ns, *own_ns;
        unsigned level;
        int number;

        if (!own || !pid)
                return 0;
        level = own->level;
        if (pid->level < level || level > 32)
                return 0;
        numbers = __builtin_preserve_access_index(&pid->numbers[0]);
        own_numbers = __builtin_preserve_access_index(&own->numbers[0]);
        numbers = (void *)numbers + level * bpf_core_type_size(struct upid);
        own_numbers = (void *)own_numbers + level * bpf_core_type_size(struct upid);
        if (bpf_core_read(&ns, sizeof(ns), &numbers->ns)
            || bpf_core_read(&own_ns, sizeof(own_ns), &own_numbers->ns) || ns != own_ns
            || bpf_core_read(&number, sizeof(number), &numbers->nr))
                return 0;
        return number;
}

static __always_inline bool is_in_first_namespace(void)
{
        struct task_struct *self = bpf_get_current_task_btf();
        struct pid *own = self->thread_pid;

        return own && own->level == 0;
}

static __always_inline int tid_of(struct task_struct *task, bool is_first)
{
        return is_first ? task->pid : number_of(task->thread_pid);
}

enum { KIND_MASK = 0170000, KIND_REGULAR = 0100000, ANONYMOUS_MAGIC = 0x09041934 };

/* Anonymous files (timerfd, eventfd) look like regular ones inside, from Linux 6.16. */
static __always_inline void read_file(struct file *file, BpfRecord *record)
{
        struct inode *inode = BPF_CORE_READ(file, f_inode);
        __u32 mode = BPF_CORE_READ(inode, i_mode);
        __u32 kind = mode & KIND_MASK;

        record->file_name[0] = '\0';
        if ((kind == KIND_REGULAR || kind == 0)
            && BPF_CORE_READ(inode, i_sb, s_magic) == ANONYMOUS_MAGIC) {
                mode = 0;
                bpf_probe_read_kernel_str(record->file_name, sizeof(record->file_name),
                                          BPF_CORE_READ(file, f_path.dentry, d_name.name));
        }
        record->file_mode = mode;
        record->has_file = 1;
}

static __always_inline void find_file(struct task_struct *task, BpfRecord *record)
{
        __u32 call = (__u32)record->syscall, fd = (__u32)record->arguments[0];
        __u8 *asks = bpf_map_lookup_elem(&calls, &call);
        struct files_struct *files;
        struct fdtable *table;
        struct file **slots, *file = NULL;

        if (!asks || !*asks)
                return;
        files = task->files;
        table = files ? files->fdt : NULL;
        if (!table || fd >= table->max_fds)
                return;
        slots = table->fd;
        if (bpf_core_read(&file, sizeof(file), &slots[fd]) || !file)
                return;
        read_file(file, record);
}

/* A 32-bit program has other numbers; TS_COMPAT says that it is in a call of its own kind. */
static __always_inline bool is_foreign_call(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
        return task->thread_info.status & 2;
#else
        return false;
#endif
}

/* The registers of a thread on a processor are in the processor. One that was preempted in user
 * mode has a negative number. */
static __always_inline void read_call(struct task_struct *task, BpfRecord *record)
{
        struct pt_regs *regs;

        record->syscall = BPF_UNKNOWN_SYSCALL;
        record->has_file = 0;
        if (record->is_on_cpu || record->exit_state || is_foreign_call(task))
                return;
        regs = (struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
        record->syscall = (__s32)regs->orig_ax;
        record->arguments[0] = regs->di;
        record->arguments[1] = regs->si;
        record->arguments[2] = regs->dx;
        record->arguments[3] = regs->r10;
        record->arguments[4] = regs->r8;
        record->arguments[5] = regs->r9;
#elif defined(__TARGET_ARCH_arm64)
        record->syscall = regs->syscallno;
        record->arguments[0] = regs->orig_x0;
        record->arguments[1] = regs->regs[1];
        record->arguments[2] = regs->regs[2];
        record->arguments[3] = regs->regs[3];
        record->arguments[4] = regs->regs[4];
        record->arguments[5] = regs->regs[5];
#endif
        if (record->syscall < 0)
                record->syscall = BPF_NO_SYSCALL;
        else
                find_file(task, record);
}

static __always_inline void read_counts(struct task_struct *task, BpfRecord *record)
{
        struct task_delay_info *delays = task->delays;

        record->user_nsec = task->utime;
        record->system_nsec = task->stime;
        record->run_delay_nsec = task->sched_info.run_delay;
        record->block_delay_nsec = delays ? delays->blkio_delay : BPF_NOT_ACCOUNTED;
        record->minor_faults = task->min_flt;
        record->major_faults = task->maj_flt;
        record->last_cpu = task->thread_info.cpu;
}

/* A record is mostly that of the same thread as the last time. If that one has not run since, all
 * the rest of it still holds, and its stack and its descriptors need not be fetched into the
 * cache, which is what costs most. */
static __always_inline bool is_as_it_was(struct task_struct *task, const BpfRecord *record, int tid)
{
        return record->tid == tid && record->start_nsec == task->start_boottime
               && record->voluntary_switches == task->nvcsw
               && record->involuntary_switches == task->nivcsw
               && record->cpu_nsec == task->se.sum_exec_runtime && record->state == task->__state
               && record->state != 0 && record->exit_state == task->exit_state && !task->on_cpu;
}

static __always_inline void read_thread(struct task_struct *task, BpfRecord *record, int tid)
{
        *(__u64 *)record->name = *(__u64 *)task->comm;
        *(__u64 *)(record->name + 8) = *(__u64 *)(task->comm + 8);
        if (is_as_it_was(task, record, tid))
                return;
        record->tid = tid;
        record->start_nsec = task->start_boottime;
        record->voluntary_switches = task->nvcsw;
        record->involuntary_switches = task->nivcsw;
        record->cpu_nsec = task->se.sum_exec_runtime;
        record->state = task->__state;
        record->exit_state = task->exit_state;
        record->is_on_cpu = task->on_cpu;
        read_counts(task, record);
        read_call(task, record);
}

static __always_inline void add(BpfControl *to, struct task_struct *task, int tid, __u32 process)
{
        __u32 place = to->count;
        BpfRecord *record = bpf_map_lookup_elem(&records, &place);

        if (!record) {
                to->left_out++;
                return;
        }
        record->process = process;
        read_thread(task, record, tid);
        to->count = place + 1;
}

/* ---- rung 1: the threads of listed processes ---- */

static __always_inline void walk_process(BpfControl *to, struct task_struct *process, __u32 place)
{
        struct bpf_iter_task threads;
        struct task_struct *task;

        bpf_rcu_read_lock();
        bpf_iter_task_new(&threads, process, BPF_TASK_ITER_PROC_THREADS);
        while ((task = bpf_iter_task_next(&threads)))
                add(to, task, task->pid, place);
        bpf_iter_task_destroy(&threads);
        bpf_rcu_read_unlock();
}

SEC("syscall")
int walk_listed(void *context)
{
        BpfControl *to = find_control();
        struct bpf_iter_num places;
        int *place;

        if (!to)
                return 1;
        to->count = 0;
        to->left_out = 0;
        bpf_iter_num_new(&places, 0, to->pid_count);
        while ((place = bpf_iter_num_next(&places))) {
                __u32 index = *place;
                __u64 *pid = bpf_map_lookup_elem(&pids, &index);
                struct task_struct *process;

                if (!pid)
                        break;
                process = bpf_task_from_pid((int)*pid);
                if (!process)
                        continue;
                walk_process(to, process, index);
                bpf_task_release(process);
        }
        bpf_iter_num_destroy(&places);
        return 0;
}

/* ---- rung 2: all threads of the machine, ours are taken ---- */

SEC("iter/task")
int walk_all(struct bpf_iter__task *context)
{
        struct task_struct *task = context->task;
        BpfControl *to = find_control();
        bool is_first;
        __u32 pid, *process;
        int tid;

        if (!task || !to)
                return 0;
        is_first = is_in_first_namespace();
        pid = is_first ? task->tgid : number_of(task->group_leader->thread_pid);
        process = bpf_map_lookup_elem(&wanted, &pid);
        if (!process)
                return 0;
        tid = tid_of(task, is_first);
        if (tid > 0)
                add(to, task, tid, *process);
        return 0;
}
