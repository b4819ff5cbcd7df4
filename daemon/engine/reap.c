/* reap.c - see reap.h */
#include "engine/reap.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "engine/aide.h"
#include "engine/inspection.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/report.h"
#include "engine/tidy.h"
#include "sys/clock.h"

enum { REAP_BATCH = 256 };

typedef struct Death {
        Slot *slot; /* NULL: no worker, but perhaps what ran beside one */
        pid_t pid;
        WorkerExit exit;
} Death;

static WorkerExit exit_from(int code, int status)
{
        return (WorkerExit){ .kind = code == CLD_EXITED ? EXIT_CODE : EXIT_SIGNAL,
                             .value = status,
                             .realtime_usec = now_realtime_usec() };
}

/* Reap what has ended. Return: how many children, at most REAP_BATCH */
static size_t collect(Engine *engine, Death *deaths, bool *ret_is_more)
{
        size_t count = 0;

        while (count < REAP_BATCH) {
                siginfo_t ended = { 0 };
                Slot *slot;

                if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG) < 0 || ended.si_pid == 0) {
                        *ret_is_more = false;
                        return count;
                }
                slot = map_get(&engine->slots_by_pid, (uint64_t)ended.si_pid);
                deaths[count++] = (Death){ slot && slot->is_child ? slot : NULL, ended.si_pid,
                                           exit_from(ended.si_code, ended.si_status) };
        }
        *ret_is_more = true;
        return count;
}

static bool is_leader(pid_t pid, void *userdata)
{
        Engine *engine = userdata;

        return map_get(&engine->slots_by_pid, (uint64_t)pid) != NULL;
}

static void check_lingering(Engine *engine)
{
        Slot *slot, *next;

        /* slot_check_gone() takes at most this one slot off the list. */
        for (slot = TAILQ_FIRST(&engine->lingering); slot; slot = next) {
                next = TAILQ_NEXT(slot, lingering);
                slot_check_gone(slot);
        }
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Engine *engine = userdata;
        Death deaths[REAP_BATCH];
        bool is_more;

        do {
                size_t count = collect(engine, deaths, &is_more);

                family_root_refresh(engine->families, is_leader, engine);
                for (size_t i = 0; i < count; i++)
                        if (deaths[i].slot)
                                slot_exited(deaths[i].slot, &deaths[i].exit);
                /* Then: who is dead needs no verdict of a probe that died with it. */
                for (size_t i = 0; i < count; i++)
                        if (!deaths[i].slot && !tidy_reaped(engine, deaths[i].pid, &deaths[i].exit)
                            && !inspection_reaped(engine, deaths[i].pid, &deaths[i].exit))
                                aide_reaped(engine, deaths[i].pid, &deaths[i].exit);
        } while (is_more);
        check_lingering(engine);
        return 0;
}

static void on_empty(void *userdata)
{
        Slot *slot = userdata;

        if (slot->is_lingering)
                slot_check_gone(slot);
}

static int on_family(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Engine *engine = userdata;

        family_root_dispatch(engine->families, on_empty);
        return 0;
}

int reap_open(Engine *engine)
{
        sd_event_source *source = NULL;
        int fd, r;

        TAILQ_INIT(&engine->lingering);
        /* Not only with the first death: a stop of 1,000 workers of whom none had died took 20 s,
         * since by descent each was looked at as a stray for each. */
        family_root_refresh(engine->families, is_leader, engine);
        r = sd_event_add_signal(engine->event, &source, SIGCHLD, on_child, engine);
        if (r >= 0)
                r = sd_event_source_set_priority(source, PRIORITY_REAP);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        fd = family_root_fd(engine->families);
        if (r < 0 || fd < 0)
                return r;
        r = sd_event_add_io(engine->event, &engine->family_source, fd, EPOLLIN, on_family, engine);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(engine->family_source, PRIORITY_FAMILY);
}

/* PIDFD_GET_INFO of linux/pidfd.h (Linux 6.13; the exit status since 6.15), which the headers of
 * Debian 12 do not have. */
typedef struct PidfdInfo {
        uint64_t mask, cgroup_id;
        uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
        int32_t exit_code; /* as of wait(2) */
} PidfdInfo;

#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)
#define PIDFD_GET_INFO_CALL _IOWR(0xFF, 11, PidfdInfo)

_Static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");

static WorkerExit exit_of_stranger(int pidfd)
{
        PidfdInfo info = { .mask = PIDFD_INFO_EXIT_BIT };
        bool is_known =
                ioctl(pidfd, PIDFD_GET_INFO_CALL, &info) == 0 && (info.mask & PIDFD_INFO_EXIT_BIT);

        if (!is_known)
                return (WorkerExit){ .kind = EXIT_REASON,
                                     .reason = EXIT_REASON_UNKNOWN,
                                     .realtime_usec = now_realtime_usec() };
        if (WIFSIGNALED(info.exit_code))
                return exit_from(CLD_KILLED, WTERMSIG(info.exit_code));
        return exit_from(CLD_EXITED, WEXITSTATUS(info.exit_code));
}

void reap_adopted(Slot *slot)
{
        WorkerExit exit = exit_of_stranger(slot->process.fd);

        family_root_refresh(slot->pool->engine->families, is_leader, slot->pool->engine);
        slot_exited(slot, &exit);
}

void reap_linger(Slot *slot)
{
        if (slot->is_lingering)
                return;
        TAILQ_INSERT_TAIL(&slot->pool->engine->lingering, slot, lingering);
        slot->is_lingering = true;
}

void reap_forget(Slot *slot)
{
        if (!slot->is_lingering)
                return;
        TAILQ_REMOVE(&slot->pool->engine->lingering, slot, lingering);
        slot->is_lingering = false;
}
