/* freeze.c - see freeze.h */
#include "inspect/freeze.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/clock.h"

enum { PAGE = 4096 };

/* ---- what this machine's registers are called ---- */

#define REGISTER(field) \
        { \
#field, offsetof(struct user_regs_struct, field) \
        }

#if defined(__x86_64__)
static const RegisterName names[] = {
        REGISTER(rip),     REGISTER(rsp), REGISTER(rbp),    REGISTER(rax),      REGISTER(rbx),
        REGISTER(rcx),     REGISTER(rdx), REGISTER(rsi),    REGISTER(rdi),      REGISTER(r8),
        REGISTER(r9),      REGISTER(r10), REGISTER(r11),    REGISTER(r12),      REGISTER(r13),
        REGISTER(r14),     REGISTER(r15), REGISTER(eflags), REGISTER(orig_rax), REGISTER(fs_base),
        REGISTER(gs_base),
};

static void find_pointers(Frozen *frozen)
{
        frozen->program_counter = frozen->registers.rip;
        frozen->stack_pointer = frozen->registers.rsp;
}

size_t frozen_dwarf(const Frozen *frozen, uint64_t *ret, size_t max)
{
        const struct user_regs_struct *r = &frozen->registers;
        const uint64_t values[] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
                                    r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
                                    r->r12, r->r13, r->r14, r->r15, r->rip };
        size_t count = MIN(max, COUNT_OF(values));

        memcpy(ret, values, count * sizeof(values[0]));
        return count;
}
#elif defined(__aarch64__)
static const RegisterName names[] = {
        REGISTER(pc),       REGISTER(sp),       REGISTER(pstate),  REGISTER(regs[0]),
        REGISTER(regs[1]),  REGISTER(regs[2]),  REGISTER(regs[3]), REGISTER(regs[4]),
        REGISTER(regs[5]),  REGISTER(regs[6]),  REGISTER(regs[7]), REGISTER(regs[8]),
        REGISTER(regs[29]), REGISTER(regs[30]),
};

static void find_pointers(Frozen *frozen)
{
        frozen->program_counter = frozen->registers.pc;
        frozen->stack_pointer = frozen->registers.sp;
}

size_t frozen_dwarf(const Frozen *frozen, uint64_t *ret, size_t max)
{
        size_t count = MIN(max, (size_t)32);

        memcpy(ret, frozen->registers.regs, MIN(count, (size_t)31) * sizeof(uint64_t));
        if (count == 32)
                ret[31] = frozen->registers.sp;
        return count;
}
#else
static const RegisterName names[] = { { "", 0 } };

static void find_pointers(Frozen *frozen)
{
}

size_t frozen_dwarf(const Frozen *frozen, uint64_t *ret, size_t max)
{
        return 0;
}
#endif

size_t frozen_registers(const RegisterName **ret)
{
        *ret = names;
        return *names[0].name ? COUNT_OF(names) : 0;
}

/* ---- memory ---- */

/* Page by page: where the stack ends, so does what is copied. */
static void copy_stack(pid_t pid, Frozen *frozen)
{
        struct iovec to = { .iov_base = frozen->stack, .iov_len = FREEZE_STACK_MAX };
        struct iovec from[FREEZE_STACK_MAX / PAGE + 1];
        uint64_t address = frozen->stack_pointer, left = FREEZE_STACK_MAX;
        size_t count = 0;
        ssize_t n;

        while (left > 0 && count < COUNT_OF(from)) {
                uint64_t length = MIN(left, PAGE - address % PAGE);

                from[count++] =
                        (struct iovec){ .iov_base = (void *)(uintptr_t)address, .iov_len = length };
                address += length;
                left -= length;
        }
        n = process_vm_readv(pid, &to, 1, from, count, 0);
        frozen->stack_length = n > 0 ? (size_t)n : 0;
}

bool frozen_read(const Frozen *frozen, pid_t pid, uint64_t address, uint64_t *ret)
{
        uint64_t offset = address - frozen->stack_pointer;
        struct iovec to = { .iov_base = ret, .iov_len = sizeof(*ret) };
        struct iovec from = { .iov_base = (void *)(uintptr_t)address, .iov_len = sizeof(*ret) };

        if (address >= frozen->stack_pointer && frozen->stack_length >= sizeof(*ret)
            && offset <= frozen->stack_length - sizeof(*ret)) {
                memcpy(ret, frozen->stack + offset, sizeof(*ret));
                return true;
        }
        return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(*ret);
}

/* ---- stopping ---- */

/* Return: 0 with how it stopped; -ETIMEDOUT, -ESRCH */
static int wait_stopped(pid_t tid, int *ret_status)
{
        uint64_t end = now_usec() + FREEZE_WAIT_MSEC * USEC_PER_MSEC;
        sigset_t child;

        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        for (;;) {
                const struct timespec step = { .tv_nsec = 1000000 };
                pid_t r = waitpid(tid, ret_status, __WALL | WNOHANG);

                if (r == tid)
                        return WIFSTOPPED(*ret_status) ? 0 : -ESRCH;
                if (r < 0)
                        return -errno;
                if (now_usec() > end)
                        return -ETIMEDOUT;
                (void)sigtimedwait(&child, NULL, &step); /* by news, or a moment later */
        }
}

static int copy(pid_t pid, pid_t tid, Frozen *frozen)
{
        struct iovec room = { .iov_base = &frozen->registers,
                              .iov_len = sizeof(frozen->registers) };

        if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &room) < 0)
                return -errno;
        find_pointers(frozen);
        copy_stack(pid, frozen);
        return 0;
}

/* What it was stopped by is given back to it, unless that was ours. */
static void let_go(pid_t tid, int status)
{
        bool is_event = status >> 16 != 0;
        long signal = is_event ? 0 : WSTOPSIG(status);

        (void)ptrace(PTRACE_DETACH, tid, NULL, (void *)(uintptr_t)signal);
}

static int freeze(pid_t pid, pid_t tid, Frozen *frozen)
{
        uint64_t began;
        int status, r;

        if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
                return -errno;
        began = now_usec();
        r = wait_stopped(tid, &status);
        if (r < 0)
                return r; /* it goes on when we end: whoever traced it no longer does */
        r = copy(pid, tid, frozen);
        let_go(tid, status);
        frozen->stopped_usec = now_usec() - began;
        return r;
}

int freeze_thread(pid_t pid, pid_t tid, Frozen *ret)
{
        const RegisterName *known;
        sigset_t child;
        int r;

        if (frozen_registers(&known) == 0)
                return -ENOTSUP;
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        (void)sigprocmask(SIG_BLOCK, &child, NULL);
        *ret = (Frozen){ .stack = malloc(FREEZE_STACK_MAX) };
        if (!ret->stack)
                return -ENOMEM;
        r = ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0 ? -errno : freeze(pid, tid, ret);
        if (r < 0)
                frozen_done(ret);
        return r;
}

void frozen_done(Frozen *frozen)
{
        free(frozen->stack);
        *frozen = (Frozen){ 0 };
}
