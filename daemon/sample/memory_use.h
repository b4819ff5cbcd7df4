/* memory_use.h - what a worker takes in memory, as far as it can be told at once
 *
 * By /proc/PID/statm, some 10 us: what is resident, less what is backed by files or shared memory.
 * smaps_rollup would share out each page, and stops the worker's page faults for milliseconds while
 * it does. Of children the same is added (a master that forks its workers); pages that a fork still
 * shares with its parent are then counted for both, so the sum is an upper bound. */
#pragma once

#include <sys/types.h>

#include "model/footprint.h"

/* More children are left out. */
enum { MEMORY_USE_CHILDREN = 32 };

/** memory_use_parse() - text of /proc/PID/statm (proc_pid_statm(5)); pure
 *  Return: 0, -EBADMSG */
int memory_use_parse(const char *text, MemoryUse *ret);

/** memory_use_take() - a process and the children of its main thread
 *  Return: 0; -ESRCH if it is gone; other negative errno */
int memory_use_take(pid_t pid, MemoryUse *ret);
