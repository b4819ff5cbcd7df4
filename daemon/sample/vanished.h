/* vanished.h - threads that ended in the midst of a task, without their process
 *
 * Their slots in the telemetry say "busy" for ever. A task that runs for a second is looked for in
 * /proc/PID/task; whose thread is not there is lost, and its thread is counted as busy no more. */
#pragma once

#include "sample/telemetry.h"

typedef struct Vanished {
        uint64_t *starts; /* by slot: of the task that is known to be lost; NULL: there was none */
        unsigned slots;   /* entries of it */
        unsigned next;    /* slot to begin with next time */
} Vanished;

/** vanished_look() - called with each new sample; a few lookups in /proc at most, the rest next time
 *  @pid: of the worker, 0 once it has ended. Nothing new is found of one that is not the process
 *  that the telemetry names (it is in another PID namespace, or a child of it writes).
 *  @sample: threads_busy and threads_live are lowered by those that are gone
 *  Return: tasks that were found to be lost since the last call */
unsigned vanished_look(Vanished *vanished, const Telemetry *telemetry, pid_t pid, uint64_t now_usec,
                       TelemetrySample *sample);
void vanished_done(Vanished *vanished);
