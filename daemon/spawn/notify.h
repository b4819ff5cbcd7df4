/* notify.h - sd_notify(3) from workers: one socket per pool
 *
 * The kernel tells the sender's PID; the socket tells the pool. What comes is input: a datagram
 * that is too long, carries a NUL, or comes from nobody of ours is counted and dropped, and every
 * descriptor that came along is closed (which is also the answer to BARRIER=1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct NotifyMessage {
        pid_t sender;
        bool is_ready, is_reloading, is_stopping, is_watchdog, is_watchdog_trigger;
        bool has_status, has_main_pid, has_extend, has_tasks;
        char status[128]; /* sanitized */
        pid_t main_pid;
        uint64_t extend_usec;
        uint64_t tasks_done; /* X_REEVE_TASKS_DONE=: since its start */
} NotifyMessage;

/** notify_listen() - bind the socket of one pool
 *  @path: removed first if it is a socket; mode 0666, the folder decides who gets there
 *  Return: descriptor, non-blocking; negative errno with @reterr */
int notify_listen(const char *path, Error *reterr);

/** notify_receive() - take one datagram
 *  Return: 1 and a message; 0 if nothing waits; -EBADMSG if what came was refused (count it and go
 *  on); other negative errno */
int notify_receive(int fd, NotifyMessage *ret);

/** notify_parse() - the text of one datagram; pure
 *  Return: 0; -EBADMSG */
int notify_parse(const char *bytes, size_t length, NotifyMessage *ret);
