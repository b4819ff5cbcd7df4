/* mark.h - a number by which a process is found however it hides
 *
 * REEVE_INSTANCE in the environment is lost when a program executes another with an environment
 * of its own, and /proc/PID/environ is closed to us when it changed its user. What every child
 * inherits, through fork, setsid, exec and change of user, are its resource limits; and
 * RLIMIT_RSS has had no effect since Linux 2.4.30, but everybody may read it in /proc/PID/stat.
 * So where there is no cgroup the soft limit is set to a number made from the instance, far above
 * any real memory. (With LimitRSS= in a pool's file only the environment is left.) */
#pragma once

#include <stdint.h>

/** mark_of_instance() - Return: the soft RLIMIT_RSS of all processes of that life, in the range
 *  that mark_is_one() knows; 0 for NULL and "" */
uint64_t mark_of_instance(const char *instance);

/** mark_is_one() - whether a limit can be a mark at all */
static inline int mark_is_one(uint64_t rss_limit)
{
        return rss_limit >> 48 == 0x5265;
}
