/* waiters.c - see waiters.h */
#include "waiters.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sample/process.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/packet.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *wait_mutex(void *unused)
{
        (void)pthread_mutex_lock(&held);
        return NULL;
}

static void *wait_timed(void *unused)
{
        struct timespec far = { .tv_sec = INT_MAX };
        sem_t never;

        (void)sem_init(&never, 0, 0);
        (void)sem_timedwait(&never, &far);
        return NULL;
}

static void *wait_read_socket(void *unused)
{
        int pair[2];
        char byte;

        (void)socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        (void)!read(pair[0], &byte, 1);
        return NULL;
}

static void *wait_receive(void *unused)
{
        int pair[2];
        char byte;

        (void)socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        (void)recv(pair[0], &byte, 1, 0);
        return NULL;
}

static void *wait_epoll(void *unused)
{
        struct epoll_event event;
        int fd = epoll_create1(0);

        /* By its bare call: the library's name differs between processors. */
        (void)syscall(SYS_epoll_pwait, fd, &event, 1, -1, NULL, 8);
        return NULL;
}

static void *wait_poll(void *unused)
{
        int pair[2];
        struct pollfd entry = { .events = POLLIN };

        (void)socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        entry.fd = pair[0];
        (void)ppoll(&entry, 1, NULL, NULL);
        return NULL;
}

static void *wait_poll_nothing(void *unused)
{
        (void)ppoll(NULL, 0, NULL, NULL);
        return NULL;
}

static void *wait_sleep(void *unused)
{
        const struct timespec long_time = { .tv_sec = INT_MAX };

        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
        return NULL;
}

static void *wait_pipe(void *unused)
{
        int ends[2];
        char byte;

        (void)pipe(ends);
        (void)!read(ends[0], &byte, 1);
        return NULL;
}

static void *wait_full_pipe(void *unused)
{
        static const char much[1 << 20];
        int ends[2];

        (void)pipe(ends);
        (void)!write(ends[1], much, sizeof(much));
        return NULL;
}

static void *wait_timer(void *unused)
{
        uint64_t count;

        (void)!read(timerfd_create(CLOCK_MONOTONIC, 0), &count, sizeof(count));
        return NULL;
}

static void *wait_event(void *unused)
{
        uint64_t count;

        (void)!read(eventfd(0, 0), &count, sizeof(count));
        return NULL;
}

static pid_t sleeping_child(pid_t (*how)(void))
{
        pid_t pid = how();

        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void)pause();
        }
        return pid;
}

static void *wait_child(void *unused)
{
        (void)waitpid(sleeping_child(fork), NULL, 0);
        return NULL;
}

/* A parent in vfork() cannot be interrupted until its child has executed or ended. */
static void *wait_vfork(void *unused)
{
        if (syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL) != 0)
                return NULL;
        /* The child, whose memory is ours: bare calls only. */
        (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
                (void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 8);
        return NULL;
}

static void *wait_lock_file(void *unused)
{
        char path[] = "/tmp/reeve-waiter-XXXXXX";
        struct flock lock = { .l_type = F_WRLCK };
        int own = mkstemp(path), other = open(path, O_RDWR | O_CLOEXEC);

        (void)unlink(path);
        (void)fcntl(own, F_OFD_SETLK, &lock);
        (void)fcntl(other, F_OFD_SETLKW, &lock);
        return NULL;
}

static void *wait_signal(void *unused)
{
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigaddset(&none, SIGUSR2);
        (void)sigwaitinfo(&none, NULL);
        return NULL;
}

const Waiter waiters[] = {
        { "mutex", wait_mutex, THREAD_SLEEPING, WAITING_ON_LOCK, "futex" },
        { "timed-futex", wait_timed, THREAD_SLEEPING, WAITING_ON_LOCK, "futex" },
        { "file-lock", wait_lock_file, THREAD_SLEEPING, WAITING_ON_LOCK, "fcntl" },
        { "socket", wait_read_socket, THREAD_SLEEPING, WAITING_ON_NET, "read" },
        { "receive", wait_receive, THREAD_SLEEPING, WAITING_ON_NET, "recvfrom" },
        { "epoll", wait_epoll, THREAD_SLEEPING, WAITING_ON_NET, "epoll_pwait" },
        { "poll", wait_poll, THREAD_SLEEPING, WAITING_ON_NET, "ppoll" },
        { "poll-nothing", wait_poll_nothing, THREAD_SLEEPING, WAITING_ON_TIMER, "ppoll" },
        { "sleep", wait_sleep, THREAD_SLEEPING, WAITING_ON_TIMER, "clock_nanosleep" },
        { "timer", wait_timer, THREAD_SLEEPING, WAITING_ON_TIMER, "read" },
        { "pipe", wait_pipe, THREAD_SLEEPING, WAITING_ON_PIPE, "read" },
        { "full-pipe", wait_full_pipe, THREAD_SLEEPING, WAITING_ON_PIPE, "write" },
        { "child", wait_child, THREAD_SLEEPING, WAITING_ON_CHILD, "wait4" },
        { "event) R 1", wait_event, THREAD_SLEEPING, WAITING_ON_OTHER, "read" },
        { "signal", wait_signal, THREAD_SLEEPING, WAITING_ON_OTHER, "rt_sigtimedwait" },
        { "vfork", wait_vfork, THREAD_DISK_WAIT, WAITING_ON_CHILD, NULL },
};
const size_t waiter_count = COUNT_OF(waiters);

/* ---- the process ---- */

static void *begin(void *userdata)
{
        const Waiter *waiter = userdata;

        (void)prctl(PR_SET_NAME, waiter->name);
        return waiter->wait(NULL);
}

static _Noreturn void be_the_process(void)
{
        pthread_attr_t attributes;
        pthread_t thread;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "main");
        (void)pthread_mutex_lock(&held);
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setstacksize(&attributes, 256 * 1024);
        for (size_t i = 0; i < waiter_count; i++)
                if (pthread_create(&thread, &attributes, begin, (void *)&waiters[i]) != 0)
                        _exit(1);
        for (;;)
                (void)pause();
}

SampleTarget target_of(pid_t pid)
{
        ProcessSample sample = { 0 };

        (void)process_sample_take(pid, now_usec(), &sample);
        return (SampleTarget){ .pid = pid,
                               .start_ticks = sample.start_ticks,
                               .thread_count = sample.thread_count };
}

static bool are_all_waiting(const Seen *seen)
{
        for (size_t i = 0; i < waiter_count; i++) {
                const Sample *sample = seen_find(seen, waiters[i].name);

                if (!sample || sample->state != waiters[i].state
                    || (waiters[i].channel
                        && strcmp(sample->wait_channel, waiters[i].channel) != 0))
                        return false;
        }
        return seen->count == waiter_count + 1;
}

/* No event tells that a thread has fallen asleep: it is looked for. */
SampleTarget waiters_start(void)
{
        pid_t pid = fork();
        uint64_t until = now_usec() + 30 * 1000000UL;
        SampleTarget target;
        Seen seen = { 0 };

        if (pid == 0)
                be_the_process();
        do {
                AUTO(Sampler) *sampler = sampler_on(RUNG_PROCFS, 0);

                (void)sched_yield();
                target = target_of(pid);
                seen_take(sampler, &target, 1, &seen);
        } while (!are_all_waiting(&seen) && now_usec() < until);
        return target;
}

/* Those that wait for children have one each, which end with them. */
void waiters_end(const SampleTarget *target)
{
        (void)kill(target->pid, SIGKILL);
        (void)waitpid(target->pid, NULL, 0);
}

/* ---- the sampler ---- */

/* The kernel's version and kind do not matter: reeve-bpf chooses. */
bool is_bpf_allowed(void)
{
        union bpf_attr attributes = {
                .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1
        };
        int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes));

        if (fd < 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                return false;
        (void)close(fd);
        return access(REEVE_BPF_PATH, X_OK) == 0;
}

static const char *run_program(int socket_fd, SampleRung rung, unsigned records)
{
        char number[16];
        char *words[] = { "reeve-bpf", (char *)sample_rung_to_name(rung), number, NULL };
        posix_spawn_file_actions_t actions;
        int status = 0;
        pid_t pid;

        (void)snprintf(number, sizeof(number), "%u", records);
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, socket_fd, 3);
        if (posix_spawn(&pid, REEVE_BPF_PATH, &actions, NULL, words, NULL) != 0)
                pid = -1;
        (void)posix_spawn_file_actions_destroy(&actions);
        if (pid < 0)
                return "reeve-bpf is not installed";
        (void)waitpid(pid, &status, 0);
        return status ? "reeve-bpf failed" : NULL;
}

void helper_run(Sampler *sampler, unsigned records)
{
        unsigned wanted;
        SampleRung rung;
        int pair[2];

        if (!sampler_load_due(sampler, &rung, &wanted))
                return;
        if (packet_pair(pair) < 0)
                abort();
        sampler_loaded(sampler, pair[0], run_program(pair[1], rung, records ? records : wanted));
        (void)fd_close(pair[0]);
        (void)fd_close(pair[1]);
}

Sampler *sampler_on(SampleRung rung, unsigned records)
{
        Sampler *sampler;

        if (sampler_new(rung, &sampler) < 0)
                abort();
        helper_run(sampler, records);
        return sampler;
}

static void note(void *userdata, size_t target, const Sample *sample)
{
        Seen *seen = userdata;

        if (seen->count == SEEN_MAX)
                return;
        seen->targets[seen->count] = target;
        seen->samples[seen->count++] = *sample;
}

void seen_take(Sampler *sampler, const SampleTarget *targets, size_t count, Seen *ret)
{
        ret->count = 0;
        (void)sampler_take(sampler, targets, count, now_usec(), 10 * 1000000UL, note, ret);
}

const Sample *seen_find(const Seen *seen, const char *name)
{
        for (size_t i = 0; i < seen->count; i++)
                if (strcmp(seen->samples[i].name, name) == 0)
                        return &seen->samples[i];
        return NULL;
}
