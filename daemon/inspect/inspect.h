/* inspect.h - the process control block, section by section
 *
 * Everything the kernel tells of one process that is too long to read, or too close to what the worker
 * can bend, for the core's loop: reeve-inspect reads it with the worker's own rights and has a
 * deadline. Each function writes one member (finding.h); what cannot be had is a null with the reason.
 * Sources are files of /proc/PID, proc(5). */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "inspect/subject.h"

/** inspect_memory() - memory{}: sizes in bytes, from status, maps and smaps_rollup
 *  @rollup_max_bytes: above this RSS smaps_rollup is not read: meanwhile the worker can map nothing,
 *  13 us a megabyte */
void inspect_memory(FILE *out, const Subject *subject, uint64_t rollup_max_bytes);

/** inspect_credentials() - credentials{}: ids, names, groups, capabilities, seccomp, label */
void inspect_credentials(FILE *out, const Subject *subject);

/** inspect_limits() - limits{}: each {soft, hard}, a number or "unlimited" */
void inspect_limits(FILE *out, const Subject *subject);

/** inspect_image() - image{}: executable, build id, command line, folders, namespaces */
void inspect_image(FILE *out, const Subject *subject);

/** inspect_io() - io{}: bytes and calls since it began */
void inspect_io(FILE *out, const Subject *subject);

/** inspect_scheduling() - scheduling{}: policy, priority, niceness, CPUs, OOM score */
void inspect_scheduling(FILE *out, const Subject *subject);

/** inspect_cgroup() - cgroup: the path in the unified hierarchy */
void inspect_cgroup(FILE *out, const Subject *subject);

/** inspect_children() - children[]: PIDs, at most 1,000 */
void inspect_children(FILE *out, const Subject *subject);

/** inspect_descriptors() - descriptors{}: how many of each kind; at most 100,000 are looked at */
void inspect_descriptors(FILE *out, const Subject *subject);

/** inspect_descriptor_list() - items[]: descriptors from number @from on, @limit of them; before
 *  them next, where to go on, if there are more */
void inspect_descriptor_list(FILE *out, const Subject *subject, int from, unsigned limit);

/** inspect_stack() - one thread: registers, what it waits in, kernel and user stack
 *  The thread is stopped only while its registers and the top of its stack are copied.
 *  @kernel_stack_fd: /proc/PID/task/TID/stack as root opened it, -1: not to be had */
void inspect_stack(FILE *out, const Subject *subject, pid_t tid, int kernel_stack_fd);
