/* SPDX-License-Identifier: Apache-2.0
 *
 * control.h - part of worker.h: what reeve asks through $REEVE_CONTROL_SOCKET, and the answers
 *
 * One thread connects, says hello, answers, and connects anew when the other side is gone. */
#pragma once

#include "reeve/worker/pool.h"

/* Return: what follows KEY= at the start of a line of @message, NULL */
static inline const char *reeve_value_(const char *message, const char *key)
{
        size_t length = strlen(key);

        for (const char *line = message; line; line = strchr(line, '\n'), line += line != NULL)
                if (strncmp(line, key, length) == 0 && line[length] == '=')
                        return line + length + 1;
        return NULL;
}

/* Return: 0, negative errno; @ret: threads that there are now */
static inline int reeve_follow_(unsigned threads, unsigned *ret)
{
        ReeveProcess_ *process = &reeve_process_;
        int (*callback)(unsigned, void *);
        ReevePool *pool;
        void *userdata;
        int r = -ENOSYS;

        (void)pthread_mutex_lock(&process->lock);
        callback = process->on_threads;
        userdata = process->on_threads_userdata;
        pool = process->pool;
        (void)pthread_mutex_unlock(&process->lock);
        if (callback)
                r = callback(threads, userdata);
        else if (pool)
                r = reeve_pool_resize(pool, threads);
        *ret = callback || !pool ? threads : reeve_pool_threads(pool);
        return r;
}

static inline int reeve_answer_threads_(const char *value, char *answer, size_t size)
{
        unsigned long wanted = strtoul(value, NULL, 10);
        unsigned threads = 0;
        int r;

        if (wanted < 1 || wanted > 65535)
                return snprintf(answer, size, "ERROR=THREADS= must be between 1 and 65535\n");
        r = reeve_follow_((unsigned)wanted, &threads);
        if (r == -ENOSYS)
                return snprintf(answer, size, "ERROR=this worker has no pool of threads\n");
        if (r < 0)
                return snprintf(answer, size, "ERROR=cannot have %lu threads: %s\n", wanted,
                                strerror(-r));
        return snprintf(answer, size, "THREADS_OK=%lu\n", wanted);
}

/* How much of a value is given back. */
static inline int reeve_span_(const char *value)
{
        size_t length = strcspn(value, "\n");

        return length > 64 ? 64 : (int)length;
}

static inline void reeve_answer_(int fd, const char *message)
{
        const char *sequence = reeve_value_(message, "SEQUENCE");
        const char *threads = reeve_value_(message, "THREADS");
        const char *ping = reeve_value_(message, "PING");
        char answer[REEVE_MESSAGE_BYTES_];
        int length = 0;

        if (reeve_value_(message, "DRAIN"))
                __atomic_store_n(&reeve_process_.is_draining, true, __ATOMIC_RELEASE);
        if (sequence)
                length = snprintf(answer, sizeof(answer), "SEQUENCE=%.*s\n", reeve_span_(sequence),
                                  sequence);
        if (threads)
                length += reeve_answer_threads_(threads, answer + length,
                                                sizeof(answer) - (size_t)length);
        else if (ping)
                length += snprintf(answer + length, sizeof(answer) - (size_t)length, "PONG=%.*s\n",
                                   reeve_span_(ping), ping);
        if (length > 0)
                (void)send(fd, answer, (size_t)length, MSG_NOSIGNAL);
}

/* Return: descriptor, negative errno */
static inline int reeve_connect_(const char *path)
{
        struct sockaddr_un address;
        int fd, r;

        memset(&address, 0, sizeof(address));
        address.sun_family = AF_UNIX;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        r = -errno;
        (void)close(fd);
        return r;
}

static inline void reeve_converse_(int fd)
{
        char message[REEVE_MESSAGE_BYTES_];
        ReevePool *pool = __atomic_load_n(&reeve_process_.pool, __ATOMIC_ACQUIRE);
        int length =
                snprintf(message, sizeof(message), "HELLO=1\nPID=%ld\nSDK=c/1\n", (long)getpid());
        ssize_t n;

        if (pool)
                length += snprintf(message + length, sizeof(message) - (size_t)length,
                                   "THREADS_OK=%u\n", reeve_pool_threads(pool));
        if (send(fd, message, (size_t)length, MSG_NOSIGNAL) < 0)
                return;
        while ((n = recv(fd, message, sizeof(message) - 1, 0)) > 0 || (n < 0 && errno == EINTR)) {
                message[n > 0 ? n : 0] = 0;
                reeve_answer_(fd, message);
        }
}

/* For as long as the process lives: reeved may go and come back. */
static inline void *reeve_control_main_(void *argument)
{
        const char *path = (const char *)argument;
        int delay_msec = REEVE_RETRY_FIRST_MSEC_;

        for (;;) {
                int fd = reeve_connect_(path);

                if (fd >= 0) {
                        delay_msec = REEVE_RETRY_FIRST_MSEC_;
                        reeve_converse_(fd);
                        (void)close(fd);
                }
                (void)poll(NULL, 0, delay_msec);
                delay_msec = delay_msec * 2 > REEVE_RETRY_LAST_MSEC_ ? REEVE_RETRY_LAST_MSEC_
                                                                     : delay_msec * 2;
        }
        return NULL;
}
