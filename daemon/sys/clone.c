/* clone.c - see clone.h
 *
 * syscall(SYS_clone3) is of no use with CLONE_VM: both processes would return from it on one
 * stack, and the child would overwrite the return address that the parent needs later. So the
 * call is made in assembly: the child finds itself on its own stack, calls its function from
 * there and ends with exit; only the parent leaves the assembly.
 *
 * The child shares even errno with us: sys/raw.h. */
#include "sys/clone.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) \
        || __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* Room for our few frames and for what the C library needs below execve. */
enum { STACK_BYTES = 64 * 1024, GUARD_BYTES = 64 * 1024 };

#if defined(__x86_64__)

static long clone3_call(struct clone_args *arguments, int (*child)(void *), void *userdata)
{
        register int (*function)(void *) __asm__("r12") = child;
        register void *data __asm__("r13") = userdata;
        long r;

        __asm__ volatile("syscall\n\t"
                         "testq %%rax, %%rax\n\t"
                         "jnz 1f\n\t"
                         "xorl %%ebp, %%ebp\n\t" /* the last frame, for debuggers */
                         "movq %[data], %%rdi\n\t"
                         "callq *%[function]\n\t"
                         "movl %%eax, %%edi\n\t"
                         "movl %[exit], %%eax\n\t"
                         "syscall\n\t"
                         "hlt\n"
                         "1:"
                         : "=a"(r)
                         : "0"((long)SYS_clone3), "D"(arguments), "S"(sizeof(*arguments)),
                           [function] "r"(function), [data] "r"(data), [exit] "i"(SYS_exit)
                         : "rcx", "r11", "memory", "cc");
        return r;
}

#elif defined(__aarch64__)

static long clone3_call(struct clone_args *arguments, int (*child)(void *), void *userdata)
{
        register long number __asm__("x8") = SYS_clone3;
        register long first __asm__("x0") = (long)arguments;
        register long second __asm__("x1") = sizeof(*arguments);
        register int (*function)(void *) __asm__("x20") = child;
        register void *data __asm__("x21") = userdata;

        __asm__ volatile(
                "svc #0\n\t"
                "cbnz x0, 1f\n\t"
                "mov x29, xzr\n\t" /* the last frame, for debuggers */
                "mov x0, %[data]\n\t"
                "blr %[function]\n\t"
                "mov x8, %[exit]\n\t"
                "svc #0\n\t"
                "brk #0\n"
                "1:"
                : "+r"(first)
                : "r"(number),
                  "r"(second), [function] "r"(function), [data] "r"(data), [exit] "i"(SYS_exit)
                : "memory", "cc");
        return first;
}

#else

static long clone3_call(struct clone_args *arguments, int (*child)(void *), void *userdata)
{
        return -ENOSYS;
}

#endif

bool clone_is_supported(void)
{
        static int answer = -1;

        if (answer < 0) {
#if defined(__x86_64__) || defined(__aarch64__)
                /* A structure of no size is refused with EINVAL by a kernel that has the call;
                 * seccomp filters that know only clone say ENOSYS or EPERM. */
                answer = syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL;
#else
                answer = 0;
#endif
        }
        return answer;
}

void *clone_stack_new(void)
{
        char *memory = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

        if (memory == MAP_FAILED)
                return NULL;
        if (mprotect(memory + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) < 0) {
                (void)munmap(memory, GUARD_BYTES + STACK_BYTES);
                return NULL;
        }
        return memory + GUARD_BYTES;
}

void clone_stack_free(void *stack)
{
        if (stack)
                (void)munmap((char *)stack - GUARD_BYTES, GUARD_BYTES + STACK_BYTES);
}

static pid_t call(struct clone_args *arguments, int (*child)(void *), void *userdata, int cgroup_fd,
                  int *ret_pidfd)
{
        int pidfd = -1;
        long r;

        arguments->flags |= CLONE_VM | CLONE_FILES | CLONE_PIDFD;
        arguments->pidfd = (uintptr_t)&pidfd;
        arguments->exit_signal = SIGCHLD;
        arguments->stack_size = STACK_BYTES;
        if (cgroup_fd >= 0) {
                arguments->flags |= CLONE_INTO_CGROUP;
                arguments->cgroup = (unsigned)cgroup_fd;
        }
        r = clone3_call(arguments, child, userdata);
        if (r > 0)
                *ret_pidfd = pidfd;
        return (pid_t)r;
}

static pid_t run_clone3(int (*child)(void *), void *userdata, int cgroup_fd, int *ret_pidfd)
{
        static void *stack; /* made once: only one child at a time is on it */
        struct clone_args arguments = { .flags = CLONE_VFORK };

        if (!stack)
                stack = clone_stack_new();
        if (!stack)
                return -ENOMEM;
        arguments.stack = (uintptr_t)stack;
        return call(&arguments, child, userdata, cgroup_fd, ret_pidfd);
}

bool clone_can_launch(void)
{
#if IS_SANITIZED
        return false;
#else
        return clone_is_supported();
#endif
}

pid_t clone_launch(int (*child)(void *userdata), void *userdata, int cgroup_fd, void *stack,
                   uint32_t *running, int *ret_pidfd)
{
        struct clone_args arguments = { .flags = CLONE_CHILD_CLEARTID,
                                        .child_tid = (uintptr_t)running,
                                        .stack = (uintptr_t)stack };
        sigset_t all, before;
        pid_t pid;

        (void)sigfillset(&all);
        if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
                return -errno;
        __atomic_store_n(running, 1, __ATOMIC_RELEASE);
        pid = call(&arguments, child, userdata, cgroup_fd, ret_pidfd);
        (void)sigprocmask(SIG_SETMASK, &before, NULL); /* cannot fail: a mask we were given */
        if (pid < 0)
                *running = 0;
        return pid;
}

void clone_wait(uint32_t *word, uint32_t value, uint64_t max_usec)
{
        uint64_t end = now_usec() + max_usec, now;

        while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value && (now = now_usec()) < end) {
                const struct timespec rest = { .tv_sec = (time_t)((end - now) / 1000000),
                                               .tv_nsec = (long)((end - now) % 1000000) * 1000 };

                /* Not a private futex: that is how the kernel wakes. */
                (void)syscall(SYS_futex, word, FUTEX_WAIT, value, &rest, NULL, 0);
        }
}

typedef struct Adopted {
        int (*child)(void *);
        void *userdata;
        int cgroup_fd;
        int error; /* of moving itself, positive */
} Adopted;

static int enter_and_run(Adopted *adopted)
{
        if (adopted->cgroup_fd >= 0) {
                int r = file_write_text(adopted->cgroup_fd, "cgroup.procs", "0");

                if (r < 0) {
                        adopted->error = -r;
                        return 1;
                }
        }
        return adopted->child(adopted->userdata);
}

/* Not inlined, and its caller's frame stays: the child of vfork uses this very stack. */
static __attribute__((noinline)) pid_t vfork_call(Adopted *adopted)
{
        pid_t pid = vfork();

        if (pid == 0)
                _exit(enter_and_run(adopted));
        return pid < 0 ? -errno : pid;
}

static void reap(pid_t pid)
{
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static pid_t run_vfork(int (*child)(void *), void *userdata, int cgroup_fd, int *ret_pidfd)
{
        Adopted adopted = { .child = child, .userdata = userdata, .cgroup_fd = cgroup_fd };
        pid_t pid = vfork_call(&adopted);
        int pidfd;

        if (pid < 0)
                return pid;
        if (adopted.error) {
                reap(pid);
                return -adopted.error;
        }
        pidfd = pidfd_open(pid, 0); /* not reaped yet: the PID is its own */
        if (pidfd < 0) {
                int r = -errno;

                (void)kill(pid, SIGKILL); /* unwatched it must not live */
                reap(pid);
                return r;
        }
        *ret_pidfd = pidfd;
        return pid;
}

pid_t clone_run(int (*child)(void *userdata), void *userdata, int cgroup_fd, bool use_clone3,
                int *ret_pidfd)
{
        sigset_t all, before;
        pid_t pid;

        /* A handler of ours that ran in the child would run on our data. */
        (void)sigfillset(&all);
        if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
                return -errno;
        pid = (use_clone3 ? run_clone3 : run_vfork)(child, userdata, cgroup_fd, ret_pidfd);
        (void)sigprocmask(SIG_SETMASK, &before, NULL); /* cannot fail: a mask we were given */
        return pid;
}
