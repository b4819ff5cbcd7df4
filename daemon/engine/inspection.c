/* inspection.c - see inspection.h */
#include "engine/inspection.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/units.h"
#include "engine/commands.h"
#include "engine/face.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "reeve/api.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/memfd.h"

enum { RUNNING_MAX = 4, WAITING_MAX = 60, ANSWER_MAX_BYTES = 8 << 20, CPU_MAX_SEC = 5 };
#define DEADLINE_USEC (UINT64_C(6) * USEC_PER_SEC)

/* smaps_rollup holds up the worker's own calls for memory for 13 us a megabyte: 10 ms at the most. */
#define ROLLUP_MAX_BYTES (UINT64_C(768) << 20)

struct Inspection {
        Engine *engine;
        ControlInspect asked;
        bool is_running;
        PidRef process;
        int answer_fd;
        sd_event_source *timer;
        TAILQ_ENTRY(Inspection) entry;
};

static Inspection *inspection_free(Inspection *inspection)
{
        TAILQ_REMOVE(&inspection->engine->inspections, inspection, entry);
        inspection->timer = sd_event_source_disable_unref(inspection->timer);
        pidref_done(&inspection->process);
        (void)fd_close(inspection->answer_fd);
        free(inspection);
        return NULL;
}

static int find_slot(const Engine *engine, const ControlInspect *asked, Slot **ret, Error *reterr)
{
        *ret = map_get(&engine->slots_by_pid, (uint64_t)asked->pid);
        if (*ret && (*ret)->process.start_ticks == asked->start_ticks)
                return 0;
        return error_set(reterr, -ESRCH, REEVE_ERROR_UNKNOWN_WORKER,
                         "No worker has PID %d (any more).", asked->pid);
}

/* ---- one run ---- */

/* As reeve-inspect reads them. */
typedef struct Words {
        char pid[16], start[24], first[24], second[16];
        char *list[7];
} Words;

static void spell(const EngineSettings *settings, const ControlInspect *asked, Words *ret)
{
        static const char *const names[QUESTION_COUNT_] = {
                [QUESTION_PROCESS] = "process",
                [QUESTION_DESCRIPTORS] = "descriptors",
                [QUESTION_STACK] = "stack",
        };
        uint64_t first =
                asked->question == QUESTION_PROCESS ? ROLLUP_MAX_BYTES : asked->arguments[0];

        (void)snprintf(ret->pid, sizeof(ret->pid), "%d", asked->pid);
        (void)snprintf(ret->start, sizeof(ret->start), "%" PRIu64, asked->start_ticks);
        (void)snprintf(ret->first, sizeof(ret->first), "%" PRIu64, first);
        (void)snprintf(ret->second, sizeof(ret->second), "%" PRIu32, asked->arguments[1]);
        ret->list[0] = (char *)settings->inspect_path;
        ret->list[1] = (char *)names[asked->question];
        ret->list[2] = ret->pid;
        ret->list[3] = ret->start;
        ret->list[4] = ret->first;
        ret->list[5] = asked->question == QUESTION_DESCRIPTORS ? ret->second : NULL;
        ret->list[6] = NULL;
}

/* The kernel asks who opened it, so that reeve-inspect needs no right of its own. -1: not to be had */
static int open_kernel_stack(const ControlInspect *asked)
{
        char path[64];

        if (asked->question != QUESTION_STACK)
                return -1;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%" PRIu32 "/stack", asked->pid,
                       asked->arguments[0]);
        return open(path, O_RDONLY | O_CLOEXEC);
}

static void set_limits(ResourceLimit *limits)
{
        limits[RLIMIT_CPU] = (ResourceLimit){ true, CPU_MAX_SEC, CPU_MAX_SEC };
        limits[RLIMIT_FSIZE] = (ResourceLimit){ true, ANSWER_MAX_BYTES, ANSWER_MAX_BYTES };
        limits[RLIMIT_CORE] = (ResourceLimit){ true, 0, 0 };
}

static int spawn(Inspection *inspection, const Slot *slot, Spawned *ret, Error *reterr)
{
        Engine *engine = inspection->engine;
        AUTO_CLOSE executable_fd = open(engine->settings.inspect_path, O_PATH | O_CLOEXEC);
        AUTO_CLOSE stack_fd = open_kernel_stack(&inspection->asked);
        const SpawnFd stack = { .fd = stack_fd };
        char *const environment[] = { NULL };
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        Words words;
        const SpawnSpec spec = { .subject = slot->pool->subject,
                                 .command = words.list,
                                 .executable_fd = executable_fd,
                                 .environment = environment,
                                 .identity = slot->definition->account->identity,
                                 .limits = limits,
                                 .no_new_privileges = true,
                                 .output_fd = inspection->answer_fd,
                                 .error_fd = -1,
                                 .fds = &stack,
                                 .extra_count = stack_fd >= 0,
                                 .cgroup_fd = -1,
                                 .dies_with_us = true };

        if (executable_fd < 0)
                return error_set(reterr, -errno, REEVE_ERROR_INTERNAL, "cannot open %s: %s",
                                 engine->settings.inspect_path, strerror(errno));
        spell(&engine->settings, &inspection->asked, &words);
        set_limits(limits);
        return spawn_process(&engine->host, &spec, ret, reterr);
}

/* Its end is what answers, with what was written until then. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        Inspection *inspection = userdata;

        (void)pidref_signal(&inspection->process, SIGKILL); /* it may have ended */
        return 0;
}

static int run(Inspection *inspection, Error *reterr)
{
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        Engine *engine = inspection->engine;
        Slot *slot;
        int r = find_slot(engine, &inspection->asked, &slot, reterr);

        if (r < 0)
                return r;
        inspection->answer_fd = memfd_create("reeve-inspect", MFD_CLOEXEC);
        r = inspection->answer_fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_time(engine->event, &inspection->timer, CLOCK_MONOTONIC,
                                      now_usec() + DEADLINE_USEC, 0, on_deadline, inspection);
        if (r >= 0)
                r = sd_event_source_set_priority(inspection->timer, PRIORITY_TIMER);
        if (r < 0)
                return error_set(reterr, r, REEVE_ERROR_INTERNAL, "cannot look at a worker: %s",
                                 strerror(-r));
        r = spawn(inspection, slot, &spawned, reterr);
        if (r < 0)
                return r;
        (void)fd_close(spawned.status_fd); /* without an answer it failed */
        inspection->process = spawned.process;
        inspection->is_running = true;
        return 0;
}

/* ---- turns ---- */

static void answer(Inspection *inspection, const Error *error)
{
        int fd = error ? -1 : memfd_reopen_read_only(inspection->answer_fd);

        face_send_inspected(inspection->engine->face, inspection->asked.head.request, fd, error);
        (void)fd_close(fd);
        (void)inspection_free(inspection);
}

static void start_next(Engine *engine)
{
        Inspection *inspection, *next;
        unsigned running = 0;

        for (inspection = TAILQ_FIRST(&engine->inspections); inspection && running < RUNNING_MAX;
             inspection = next) {
                Error error = { 0 };

                next = TAILQ_NEXT(inspection, entry);
                if (inspection->is_running || run(inspection, &error) >= 0)
                        running++;
                else
                        answer(inspection, &error);
        }
}

bool inspection_reaped(Engine *engine, pid_t pid, const WorkerExit *exit)
{
        Inspection *inspection;

        TAILQ_FOREACH(inspection, &engine->inspections, entry)
                if (inspection->is_running && inspection->process.pid == pid)
                        break;
        if (!inspection)
                return false;
        pidref_done(&inspection->process);
        answer(inspection, NULL);
        start_next(engine);
        return true;
}

static unsigned count(const Engine *engine)
{
        const Inspection *inspection;
        unsigned number = 0;

        TAILQ_FOREACH(inspection, &engine->inspections, entry)
                number++;
        return number;
}

int inspection_ask(Engine *engine, const ControlInspect *asked, int client_fd, Error *reterr)
{
        Inspection *inspection;
        Slot *slot;
        int r = find_slot(engine, asked, &slot, reterr);

        if (r < 0)
                return r;
        if (asked->question == QUESTION_STACK
            && !command_client_is_admin(engine, asked->flags, client_fd))
                return error_set(reterr, -EPERM, REEVE_ERROR_FORBIDDEN,
                                 "Stacks and registers are for administrators on the unix socket.");
        if (count(engine) >= RUNNING_MAX + WAITING_MAX)
                return error_set(reterr, -EBUSY, REEVE_ERROR_BUSY,
                                 "Too many look at workers at this moment; try again in a second.");
        inspection = malloc(sizeof(*inspection));
        if (!inspection)
                return error_set(reterr, -ENOMEM, REEVE_ERROR_INTERNAL, "out of memory");
        *inspection = (Inspection){
                .engine = engine, .asked = *asked, .process = PIDREF_UNSET, .answer_fd = -1
        };
        TAILQ_INSERT_TAIL(&engine->inspections, inspection, entry);
        start_next(engine);
        return 0;
}

void inspections_end(Engine *engine)
{
        while (!TAILQ_EMPTY(&engine->inspections)) {
                Inspection *inspection = TAILQ_FIRST(&engine->inspections);

                if (inspection->is_running)
                        (void)pidref_signal(&inspection->process, SIGKILL); /* it may have ended */
                (void)inspection_free(inspection);
        }
}
