/* wait.c - see wait.h
 *
 * One table of system calls that can wait, by number, so that a thread costs one look. Those that
 * only some processors have are left out where they are not there. */
#include "sample/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

typedef enum Rule {
        RULE_OTHER,
        RULE_LOCK,
        RULE_FCNTL, /* waits with the locking commands only */
        RULE_TIMER,
        RULE_POLL,
        RULE_NET,
        RULE_CHILD,
        RULE_PIPE,
        RULE_FILE,
        RULE_DISK,
} Rule;

typedef struct Call {
        const char *name;
        Rule rule;
        uint8_t count_argument; /* RULE_POLL: where the number of descriptors stands, from 1 */
} Call;

#define CALL(name, rule)     [SYS_##name] = { #name, rule, 0 }
#define POLL(name, argument) [SYS_##name] = { #name, RULE_POLL, argument }

static const Call calls[] = {
        CALL(futex, RULE_LOCK),
        CALL(semop, RULE_LOCK),
        CALL(semtimedop, RULE_LOCK),
        CALL(flock, RULE_LOCK),
        CALL(fcntl, RULE_FCNTL),
        CALL(nanosleep, RULE_TIMER),
        CALL(clock_nanosleep, RULE_TIMER),
        POLL(ppoll, 2),
        POLL(pselect6, 1),
        CALL(epoll_pwait, RULE_NET),
        CALL(accept, RULE_NET),
        CALL(accept4, RULE_NET),
        CALL(connect, RULE_NET),
        CALL(sendto, RULE_NET),
        CALL(sendmsg, RULE_NET),
        CALL(sendmmsg, RULE_NET),
        CALL(recvfrom, RULE_NET),
        CALL(recvmsg, RULE_NET),
        CALL(recvmmsg, RULE_NET),
        CALL(wait4, RULE_CHILD),
        CALL(waitid, RULE_CHILD),
        CALL(clone, RULE_CHILD),
        CALL(read, RULE_FILE),
        CALL(write, RULE_FILE),
        CALL(readv, RULE_FILE),
        CALL(writev, RULE_FILE),
        CALL(pread64, RULE_FILE),
        CALL(pwrite64, RULE_FILE),
        CALL(preadv, RULE_FILE),
        CALL(pwritev, RULE_FILE),
        CALL(preadv2, RULE_FILE),
        CALL(pwritev2, RULE_FILE),
        CALL(sendfile, RULE_FILE),
        CALL(splice, RULE_FILE),
        CALL(tee, RULE_PIPE),
        CALL(vmsplice, RULE_PIPE),
        CALL(copy_file_range, RULE_DISK),
        CALL(fsync, RULE_DISK),
        CALL(fdatasync, RULE_DISK),
        CALL(sync, RULE_DISK),
        CALL(syncfs, RULE_DISK),
        CALL(sync_file_range, RULE_DISK),
        CALL(msync, RULE_DISK),
        CALL(openat, RULE_DISK),
        CALL(getdents64, RULE_DISK),
        CALL(newfstatat, RULE_DISK),
        CALL(fstat, RULE_DISK),
        CALL(statx, RULE_DISK),
        CALL(faccessat, RULE_DISK),
        CALL(unlinkat, RULE_DISK),
        CALL(renameat2, RULE_DISK),
        CALL(mkdirat, RULE_DISK),
        CALL(linkat, RULE_DISK),
        CALL(truncate, RULE_DISK),
        CALL(ftruncate, RULE_DISK),
        CALL(fallocate, RULE_DISK),
        CALL(readahead, RULE_DISK),
        CALL(io_getevents, RULE_DISK),
        CALL(io_uring_enter, RULE_OTHER),
        CALL(close, RULE_OTHER),
        CALL(ioctl, RULE_OTHER),
        CALL(execve, RULE_OTHER),
        CALL(mmap, RULE_OTHER),
        CALL(munmap, RULE_OTHER),
        CALL(mprotect, RULE_OTHER),
        CALL(madvise, RULE_OTHER),
        CALL(msgrcv, RULE_OTHER),
        CALL(msgsnd, RULE_OTHER),
        CALL(mq_timedreceive, RULE_OTHER),
        CALL(mq_timedsend, RULE_OTHER),
        CALL(rt_sigsuspend, RULE_OTHER),
        CALL(rt_sigtimedwait, RULE_OTHER),
        CALL(restart_syscall, RULE_OTHER),
        CALL(sched_yield, RULE_OTHER),
        CALL(exit, RULE_OTHER),
        CALL(exit_group, RULE_OTHER),
#ifdef SYS_clone3
        CALL(clone3, RULE_CHILD),
#endif
#ifdef SYS_epoll_pwait2
        CALL(epoll_pwait2, RULE_NET),
#endif
#ifdef SYS_futex_waitv
        CALL(futex_waitv, RULE_LOCK),
#endif
#ifdef SYS_poll /* and the others that newer processors were not given */
        POLL(poll, 2),
        POLL(select, 1),
        CALL(epoll_wait, RULE_NET),
        CALL(pause, RULE_OTHER),
        CALL(fork, RULE_CHILD),
        CALL(vfork, RULE_CHILD),
        CALL(open, RULE_DISK),
        CALL(stat, RULE_DISK),
        CALL(lstat, RULE_DISK),
        CALL(access, RULE_DISK),
        CALL(getdents, RULE_DISK),
        CALL(unlink, RULE_DISK),
        CALL(rename, RULE_DISK),
        CALL(mkdir, RULE_DISK),
        CALL(rmdir, RULE_DISK),
#endif
};

/* Prefixes of kernel functions, for where the system call is not known; 6.1 to 6.18. */
static const struct {
        const char *prefix;
        WaitingOn word;
} channels[] = {
        { "futex_", WAITING_ON_LOCK },
        { "rwsem_", WAITING_ON_LOCK },
        { "__mutex_", WAITING_ON_LOCK },
        { "mutex_", WAITING_ON_LOCK },
        { "__down", WAITING_ON_LOCK },
        { "locks_lock", WAITING_ON_LOCK },
        { "flock_lock", WAITING_ON_LOCK },
        { "fcntl_setlk", WAITING_ON_LOCK },
        { "do_semtimedop", WAITING_ON_LOCK },
        { "hrtimer_nanosleep", WAITING_ON_TIMER },
        { "do_nanosleep", WAITING_ON_TIMER },
        { "common_nsleep", WAITING_ON_TIMER },
        { "timerfd_", WAITING_ON_TIMER },
        { "do_wait", WAITING_ON_CHILD },
        { "kernel_clone", WAITING_ON_CHILD },
        { "pipe_", WAITING_ON_PIPE },
        { "anon_pipe_", WAITING_ON_PIPE },
        { "wait_for_partner", WAITING_ON_PIPE },
        { "fifo_open", WAITING_ON_PIPE },
        { "ep_poll", WAITING_ON_NET },
        { "do_epoll_wait", WAITING_ON_NET },
        { "poll_schedule", WAITING_ON_NET },
        { "do_select", WAITING_ON_NET },
        { "do_sys_poll", WAITING_ON_NET },
        { "do_poll", WAITING_ON_NET },
        { "inet_", WAITING_ON_NET },
        { "tcp_", WAITING_ON_NET },
        { "sk_", WAITING_ON_NET },
        { "unix_", WAITING_ON_NET },
        { "skb_wait", WAITING_ON_NET },
        { "sock_", WAITING_ON_NET },
        { "__skb_wait", WAITING_ON_NET },
        { "io_schedule", WAITING_ON_DISK },
        { "folio_", WAITING_ON_DISK },
        { "wait_on_page", WAITING_ON_DISK },
        { "wait_on_buffer", WAITING_ON_DISK },
        { "__wait_on_buffer", WAITING_ON_DISK },
        { "blk_", WAITING_ON_DISK },
        { "ext4_", WAITING_ON_DISK },
        { "jbd2_", WAITING_ON_DISK },
        { "xfs_", WAITING_ON_DISK },
        { "btrfs_", WAITING_ON_DISK },
        { "rpc_wait", WAITING_ON_DISK },
        { "nfs_", WAITING_ON_DISK },
        { "request_wait_answer", WAITING_ON_DISK },
};

static const Call *call_of(int number)
{
        if (number < 0 || (size_t)number >= COUNT_OF(calls) || !calls[number].name)
                return NULL;
        return &calls[number];
}

bool wait_asks_file(int number)
{
        const Call *call = call_of(number);

        return call && call->rule == RULE_FILE;
}

const char *wait_call_name(int number)
{
        const Call *call = call_of(number);

        return call ? call->name : NULL;
}

WaitFile wait_file_of_mode(unsigned mode, const char *anonymous)
{
        switch (mode & S_IFMT) {
        case S_IFREG:
        case S_IFDIR:
        case S_IFBLK: return WAIT_FILE_DISK;
        case S_IFIFO: return WAIT_FILE_PIPE;
        case S_IFSOCK: return WAIT_FILE_SOCKET;
        case 0: return strcmp(anonymous, "[timerfd]") == 0 ? WAIT_FILE_TIMER : WAIT_FILE_OTHER;
        default: return WAIT_FILE_OTHER;
        }
}

WaitFile wait_file_of_link(const char *target)
{
        static const struct {
                const char *prefix;
                WaitFile file;
        } kinds[] = {
                { "socket:", WAIT_FILE_SOCKET },
                { "pipe:", WAIT_FILE_PIPE },
                { "anon_inode:[timerfd]", WAIT_FILE_TIMER },
                { "anon_inode:", WAIT_FILE_OTHER },
                { "/dev/", WAIT_FILE_OTHER },
        };

        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                if (strncmp(target, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
                        return kinds[i].file;
        return WAIT_FILE_UNKNOWN;
}

static int of_channel(const char *channel)
{
        for (size_t i = 0; i < COUNT_OF(channels); i++)
                if (strncmp(channel, channels[i].prefix, strlen(channels[i].prefix)) == 0)
                        return (int)channels[i].word;
        return -ENODATA;
}

static int of_file(const WaitFacts *facts)
{
        switch (facts->file) {
        case WAIT_FILE_DISK: return WAITING_ON_DISK;
        case WAIT_FILE_PIPE: return WAITING_ON_PIPE;
        case WAIT_FILE_SOCKET: return WAITING_ON_NET;
        case WAIT_FILE_TIMER: return WAITING_ON_TIMER;
        case WAIT_FILE_OTHER: return WAITING_ON_OTHER;
        case WAIT_FILE_UNKNOWN: break;
        }
        return -ENODATA;
}

static int of_fcntl(uint64_t command)
{
        return command == F_SETLKW || command == F_OFD_SETLKW ? WAITING_ON_LOCK : WAITING_ON_OTHER;
}

static int of_call(const Call *call, const WaitFacts *facts)
{
        switch (call->rule) {
        case RULE_OTHER: break;
        case RULE_LOCK: return WAITING_ON_LOCK;
        case RULE_FCNTL: return of_fcntl(facts->arguments[1]);
        case RULE_TIMER: return WAITING_ON_TIMER;
        case RULE_POLL:
                return facts->arguments[call->count_argument - 1] ? WAITING_ON_NET
                                                                  : WAITING_ON_TIMER;
        case RULE_NET: return WAITING_ON_NET;
        case RULE_CHILD: return WAITING_ON_CHILD;
        case RULE_PIPE: return WAITING_ON_PIPE;
        case RULE_FILE: return of_file(facts);
        case RULE_DISK: return WAITING_ON_DISK;
        }
        return -ENODATA;
}

static int of_sleep(const WaitFacts *facts)
{
        const Call *call = call_of(facts->syscall);
        int word = call ? of_call(call, facts) : -ENODATA;

        if (word < 0)
                word = of_channel(facts->channel);
        if (word < 0 && (facts->syscall != WAIT_UNKNOWN_SYSCALL || facts->channel[0]))
                word = WAITING_ON_OTHER;
        return word;
}

/* A call that is in the midst of something else, as of a page of its arguments that must be read
 * first, waits for the disk whatever it is called. */
static int of_disk_wait(const WaitFacts *facts)
{
        int word = of_channel(facts->channel);

        if (word < 0)
                word = of_sleep(facts);
        switch (word) {
        case WAITING_ON_CHILD:
        case WAITING_ON_NET:
        case WAITING_ON_PIPE: return word;
        case WAITING_ON_LOCK: return facts->channel[0] ? word : WAITING_ON_DISK;
        default: return WAITING_ON_DISK;
        }
}

int wait_derive(const WaitFacts *facts)
{
        switch (facts->state) {
        case THREAD_RUNNING:
        case THREAD_ZOMBIE:
        case THREAD_DEAD: return WAITING_ON_NONE;
        case THREAD_RUNNABLE: return WAITING_ON_CPU;
        case THREAD_STOPPED: return WAITING_ON_OTHER;
        case THREAD_SLEEPING: return of_sleep(facts);
        case THREAD_DISK_WAIT: return of_disk_wait(facts);
        case THREAD_STATE_COUNT: break;
        }
        return -ENODATA;
}
