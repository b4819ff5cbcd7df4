/* notices.c - see notices.h
 *
 * A sender is believed about its own slot only: its PID, which the kernel vouches for, must be
 * the main process or one of its family, and the slot must be of the pool whose socket it used. */
#include "engine/notices.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/recycle.h"
#include "engine/report.h"
#include "spawn/notify.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/proc.h"

/* Datagrams taken in one go, and how often: a flood, which any local user can send, costs a few
 * percent of a core. */
enum { NOTICES_PER_ROUND = 32, NOTICES_ROUND_USEC = 5000 };

static Slot *sender_slot(Pool *pool, pid_t sender)
{
        Slot *slot = map_get(&pool->engine->slots_by_pid, (uint64_t)sender);

        if (!slot)
                slot = family_root_owner(pool->engine->families, sender);
        return slot && slot->pool == pool ? slot : NULL;
}

/* MAINPID=: another process of the same family is the one to watch from now on. It is held before
 * its family is asked for, so that a PID that changes hands in between is not taken. */
static bool change_main(Slot *slot, pid_t pid)
{
        PidRef process = PIDREF_UNSET;
        ProcStat stat;

        if (pid == slot->process.pid)
                return true;
        if (pidref_open(pid, 0, &process) < 0)
                return false;
        if (family_root_owner(slot->pool->engine->families, pid) != slot
            || pidref_read_start(&process) < 0 || proc_stat(pid, &stat) < 0
            || stat.start_ticks != process.start_ticks) {
                pidref_done(&process);
                return false;
        }
        report(LOG_INFO, "%s: worker %u: its main process is %d now", slot->pool->subject,
               slot->number, (int)pid);
        return slot_hold(slot, &process, stat.parent == getpid()) >= 0;
}

static void apply(Slot *slot, const NotifyMessage *message)
{
        uint64_t now = now_usec();

        if (message->has_status)
                slot_say(slot, message->status);
        if (message->has_extend)
                worker_extend(&slot->worker, now, message->extend_usec);
        if (message->has_tasks)
                recycle_told(slot, message->tasks_done);
        if (message->is_watchdog)
                worker_heartbeat(&slot->worker, slot->definition->config, now);
        if (message->is_reloading)
                slot_event(slot, WORKER_EVENT_NOTIFY_RELOADING, NULL);
        if (message->is_ready)
                slot_event(slot, WORKER_EVENT_NOTIFY_READY, NULL);
        if (message->is_stopping)
                slot_event(slot, WORKER_EVENT_NOTIFY_STOPPING, NULL);
        if (message->is_watchdog_trigger)
                slot_event(slot, WORKER_EVENT_WATCHDOG, NULL);
        slot_rearm(slot);
}

static void handle(Pool *pool, const NotifyMessage *message)
{
        Slot *slot = sender_slot(pool, message->sender);

        if (slot && pidref_is_set(&slot->process))
                slot_has_spoken(slot);
        if (!slot || !pidref_is_set(&slot->process)
            || (message->has_main_pid && !change_main(slot, message->main_pid))) {
                pool->engine->notify_ignored++;
                return;
        }
        apply(slot, message);
}

static int on_notify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Pool *pool = userdata;
        NotifyMessage message;

        for (unsigned i = 0; i < NOTICES_PER_ROUND; i++) {
                int r = notify_receive(fd, &message);

                if (r == 0)
                        break;
                if (r > 0)
                        handle(pool, &message);
                else
                        pool->engine->notify_ignored++;
        }
        return 0;
}

int notices_open(Pool *pool, Error *reterr)
{
        int length = snprintf(pool->notify_path, sizeof(pool->notify_path), "%s/notify/%s.sock",
                              pool->engine->settings.runtime_dir, pool->name);
        int r;

        if ((size_t)length >= sizeof(pool->notify_path))
                return error_set(reterr, -ENAMETOOLONG, "path-too-long",
                                 "%s: the path of its notify socket is longer than %zu bytes; use "
                                 "a shorter --runtime folder or pool name",
                                 pool->subject, sizeof(pool->notify_path) - 1);
        pool->notify_fd = notify_listen(pool->notify_path, reterr);
        if (pool->notify_fd < 0)
                return pool->notify_fd;
        r = sd_event_add_io(pool->engine->event, &pool->notify_source, pool->notify_fd, EPOLLIN,
                            on_notify, pool);
        if (r >= 0)
                r = sd_event_source_set_priority(pool->notify_source, PRIORITY_NOTIFY);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(pool->notify_source, NOTICES_ROUND_USEC, 4);
        return r < 0 ? error_set(reterr, r, "loop", "%s: cannot watch its notify socket: %s",
                                 pool->subject, strerror(-r))
                     : 0;
}

void notices_close(Pool *pool)
{
        pool->notify_source = sd_event_source_disable_unref(pool->notify_source);
        if (pool->notify_fd >= 0)
                (void)unlink(pool->notify_path);
        pool->notify_fd = fd_close(pool->notify_fd);
}

bool notices_are_waiting(const Pool *pool)
{
        return poll(&(struct pollfd){ .fd = pool->notify_fd, .events = POLLIN }, 1, 0) > 0;
}
