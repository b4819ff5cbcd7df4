/* raw.h - system calls that touch nothing of the C library
 *
 * A child that runs in our memory beside us shares errno with us, and whatever else the library
 * keeps for each thread. What it calls is called here: the result is negative errno. Where neither
 * processor below is at hand only clone_run() is used, where we stand still meanwhile. */
#pragma once

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
        register long fourth __asm__("r10") = d;
        register long fifth __asm__("r8") = e;
        long r;

        __asm__ volatile("syscall"
                         : "=a"(r)
                         : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                         : "rcx", "r11", "memory");
        return r;
}

#elif defined(__aarch64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
        register long call __asm__("x8") = number;
        register long first __asm__("x0") = a;
        register long second __asm__("x1") = b;
        register long third __asm__("x2") = c;
        register long fourth __asm__("x3") = d;
        register long fifth __asm__("x4") = e;

        __asm__ volatile("svc #0"
                         : "+r"(first)
                         : "r"(call), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                         : "memory");
        return first;
}

#else

static inline long raw_call(long number, long a, long b, long c, long d, long e)
{
        long r = syscall(number, a, b, c, d, e);

        return r < 0 ? -errno : r;
}

#endif
