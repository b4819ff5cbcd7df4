/* vanished.c - see vanished.h */
#include "sample/vanished.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

enum { LOOKUPS_MAX = 8 };
#define OLD_USEC USEC_PER_SEC

static bool is_gone(pid_t pid, pid_t tid)
{
        char path[48];

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
        return tid > 0 && access(path, F_OK) < 0 && errno == ENOENT;
}

static bool is_known(const Vanished *vanished, unsigned index, const TelemetryTask *task)
{
        return index < vanished->slots && vanished->starts[index] == task->start_nsec;
}

/* Return: whether it could be noted; else it is found again */
static bool note(Vanished *vanished, unsigned index, unsigned slots, const TelemetryTask *task)
{
        if (vanished->slots < slots) {
                uint64_t *longer = reallocarray(vanished->starts, slots, sizeof(uint64_t));

                if (!longer)
                        return false;
                for (unsigned i = vanished->slots; i < slots; i++)
                        longer[i] = 0;
                vanished->starts = longer;
                vanished->slots = slots;
        }
        vanished->starts[index] = task->start_nsec;
        return true;
}

static bool is_old(const TelemetryTask *task, uint64_t now_usec)
{
        return task->start_nsec / NSEC_PER_USEC + OLD_USEC < now_usec;
}

unsigned vanished_look(Vanished *vanished, const Telemetry *telemetry, pid_t pid, uint64_t now_usec,
                       TelemetrySample *sample)
{
        unsigned slots = sample->slots_used, first = vanished->next, found = 0, gone = 0,
                 lookups = 0;

        for (unsigned i = 0; i < slots; i++) {
                unsigned index = (first + i) % slots;
                TelemetryTask task;

                if (!telemetry_task(telemetry, index, &task))
                        continue;
                if (is_known(vanished, index, &task)) {
                        gone++;
                        continue;
                }
                if (sample->attached_pid != pid || lookups == LOOKUPS_MAX
                    || !is_old(&task, now_usec))
                        continue;
                if (++lookups == LOOKUPS_MAX)
                        vanished->next = index + 1;
                if (is_gone(pid, task.tid) && note(vanished, index, slots, &task)) {
                        found++;
                        gone++;
                }
        }
        /* The memory changes while it is read twice. */
        sample->threads_busy -= MIN(gone, sample->threads_busy);
        sample->threads_live -= MIN(gone, sample->threads_live);
        return found;
}

void vanished_done(Vanished *vanished)
{
        free(vanished->starts);
        *vanished = (Vanished){ 0 };
}
