/* clone.h - a child that runs in our memory until it executes, while we wait
 *
 * clone3 with CLONE_VM|CLONE_VFORK|CLONE_PIDFD, on a stack of its own: its cost does not depend
 * on how much memory we have, and the child is born in its cgroup. Where clone3 is missing
 * (seccomp filters of old containers, other processors) vfork and pidfd_open do the same, and
 * the child moves itself into the cgroup. */
#pragma once

#include <stdbool.h>
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
