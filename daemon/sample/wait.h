/* wait.h - what a thread waits for, told from its state, its system call and its wait channel; pure
 *
 * In this order; docs/introspection.md has the table for readers:
 *
 *   state             word
 *   running           none
 *   runnable          cpu
 *   stopped           other
 *   zombie, dead      none
 *   sleeping          by the system call, else by the wait channel
 *   disk-wait         child, io-net, pipe or lock where the system call or the channel says so,
 *                     else io-disk
 *
 *   system call                                   word
 *   futex, semop, flock, fcntl with a lock        lock; with a timeout too: so interpreters wait
 *                                                 for their global lock
 *   nanosleep, clock_nanosleep                    timer
 *   poll, select without descriptors              timer
 *   poll, select, epoll                           io-net
 *   accept, connect, send, receive                io-net
 *   wait4, waitid, vfork                          child
 *   read, write, sendfile, splice                 by the descriptor: socket io-net, pipe or FIFO
 *                                                 pipe, timerfd timer, file io-disk, others other
 *   fsync, open, rename and their like            io-disk
 *   others                                        other */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/thread.h"

enum { WAIT_ARGUMENTS = 6 };
enum { WAIT_NO_SYSCALL = -1, WAIT_UNKNOWN_SYSCALL = -2 };

typedef enum WaitFile {
        WAIT_FILE_UNKNOWN,
        WAIT_FILE_DISK, /* regular file, folder, block device */
        WAIT_FILE_PIPE,
        WAIT_FILE_SOCKET,
        WAIT_FILE_TIMER,
        WAIT_FILE_OTHER, /* terminal, eventfd ... */
} WaitFile;

typedef struct WaitFacts {
        ThreadState state;
        int syscall; /* of this machine, or one of the two above */
        const uint64_t *arguments;
        WaitFile file;       /* of the first argument, if wait_asks_file() */
        const char *channel; /* kernel function, empty: not known */
} WaitFacts;

/** wait_derive() - Return: WaitingOn; -ENODATA if nothing that is known tells */
int wait_derive(const WaitFacts *facts);

/** wait_asks_file() - whether the word depends on the kind of file behind the first argument */
bool wait_asks_file(int syscall);

/** wait_call_name() - Return: "futex"; NULL for one that is not in the table; static */
const char *wait_call_name(int syscall);

/** wait_file_of_mode() - @mode: st_mode; @anonymous: "[timerfd]" if mode has no type, or "" */
WaitFile wait_file_of_mode(unsigned mode, const char *anonymous);

/** wait_file_of_link() - of what /proc/PID/fd/N points to: "pipe:[1]", "/var/x"
 *  A path says little, FIFOs and terminals have one as well: UNKNOWN unless it is below /dev. */
WaitFile wait_file_of_link(const char *target);
