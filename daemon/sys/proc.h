/* proc.h - what /proc says about a process, in one read each
 *
 * Processes vanish at any moment: -ESRCH and -ENOENT are normal answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ProcStat {
        char state; /* R S D Z T t X I */
        pid_t parent;
        unsigned threads;     /* of a zombie more than 1: its other threads still run */
        uint64_t start_ticks; /* since boot */
        uint64_t rss_limit;   /* soft RLIMIT_RSS: see spawn/mark.h */
} ProcStat;

/** proc_stat() - /proc/PID/stat; Return: 0; -ESRCH if there is no such process, -EBADMSG */
int proc_stat(pid_t pid, ProcStat *ret);

/** proc_stat_parse() - the text of /proc/PID/stat; pure
 *  The name in brackets may itself hold brackets, blanks and newlines.
 *  Return: 0, -EBADMSG */
int proc_stat_parse(const char *text, ProcStat *ret);

/** proc_stat_is_dead() - nothing of it runs any more; only its parent has not asked yet */
static inline bool proc_stat_is_dead(const ProcStat *stat)
{
        /* A leader whose main thread has ended is a zombie while other threads go on. */
        return stat->state == 'X' || (stat->state == 'Z' && stat->threads <= 1);
}

typedef struct PidList {
        pid_t *pids;
        size_t count, capacity;
} PidList;

enum { PID_LIST_MAX = 1 << 20 };

/** pid_list_add() - Return: 0; -ENOMEM, also beyond PID_LIST_MAX */
int pid_list_add(PidList *list, pid_t pid);
bool pid_list_has(const PidList *list, pid_t pid);
void pid_list_done(PidList *list);

#define AUTO_PIDS __attribute__((cleanup(pid_list_done))) PidList

/** pid_list_parse() - add blank-separated numbers, as in cgroup.procs and children
 *  0 (a process of an outer PID namespace) is left out. Return: 0, -EBADMSG, -ENOMEM */
int pid_list_parse(PidList *list, const char *text);

/** proc_children() - add the direct children of @pid, of all its threads
 *  Complete for our own children, since nobody else reaps them; of others some may be missing
 *  while they come and go. Without CONFIG_PROC_CHILDREN all of /proc is looked through.
 *  Return: 0; -ESRCH if @pid is gone, other negative errno */
int proc_children(pid_t pid, PidList *list);

/** proc_children_by_search() - the same, the long way; Return: 0, negative errno */
int proc_children_by_search(pid_t pid, PidList *list);

/** proc_all() - add every process there is; Return: 0, negative errno */
int proc_all(PidList *list);

/** proc_variable() - value of @name in the environment @pid was started with
 *  An environment of more than PROC_ENVIRONMENT_MAX bytes is not read.
 *  Return: length, cut to @size; -ENODATA if it is not set, other negative errno */
ssize_t proc_variable(pid_t pid, const char *name, char *buffer, size_t size);
enum { PROC_ENVIRONMENT_MAX = 1 << 20 };
