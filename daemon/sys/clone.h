/* clone.h - a child that runs in our memory until it executes
 *
 * clone3 with CLONE_VM|CLONE_PIDFD, on a stack of its own: its cost does not depend on how much
 * memory we have, and the child is born in its cgroup. With clone_run() we stand still until the
 * child has executed (CLONE_VFORK); with clone_launch() we go on beside it. Where clone3 is missing
 * (seccomp filters of old containers, other processors) vfork and pidfd_open do the former, and
 * the child moves itself into the cgroup. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** clone_is_supported() - whether clone3 can be used; asks the kernel once */
bool clone_is_supported(void);

/** clone_run() - make a child and run @child in it; returns when it has executed or ended
 *  All signals are blocked meanwhile; the child starts with all blocked.
 *  @child: may only make system calls on what was prepared; it must not return but by a failure,
 *  and its result is then the exit status. It must not call functions that never return.
 *  @cgroup_fd: the cgroup it is born into, -1: ours
 *  @use_clone3: false takes the other way
 *  @ret_pidfd: close-on-exec
 *  Return: PID; negative errno, and no process remains */
pid_t clone_run(int (*child)(void *userdata), void *userdata, int cgroup_fd, bool use_clone3,
                int *ret_pidfd);

/** clone_can_launch() - whether children can run beside us; not under sanitizers, whose own code
 *  would run on our data in both */
bool clone_can_launch(void);

/** clone_stack_new() - guarded, for one child at a time; Return: NULL if out of memory */
void *clone_stack_new(void);
void clone_stack_free(void *stack);

/** clone_launch() - make a child and let it run @child in our memory beside us
 *  As clone_run(), and: it may only make raw calls (sys/raw.h), its descriptors are ours until it
 *  unshares them, and all that it touches must stay until it has left.
 *  @stack: of clone_stack_new(), nobody else's meanwhile
 *  @running: 1 from now on; the kernel writes 0 when the child has executed or ended, and then wakes
 *  who waits for it with a futex
 *  Return: PID; negative errno, and no process remains
 *  Source: CLONE_CHILD_CLEARTID in clone(2); mm_release() in kernel/fork.c does it at exec too */
pid_t clone_launch(int (*child)(void *userdata), void *userdata, int cgroup_fd, void *stack,
                   uint32_t *running, int *ret_pidfd);

/** clone_wait() - until *@word is not @value any more, or the time is over */
void clone_wait(uint32_t *word, uint32_t value, uint64_t max_usec);
