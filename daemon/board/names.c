/* names.c - spellings of the board's enums, which the HTTP API shows */
#include <assert.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "board/board.h"

static const char *const event_types[] = {
        [EVENT_WORKER_STARTED] = "worker.started",   [EVENT_WORKER_READY] = "worker.ready",
        [EVENT_WORKER_EXITED] = "worker.exited",     [EVENT_WORKER_STATE] = "worker.state",
        [EVENT_POOL_SCALED] = "pool.scaled",         [EVENT_POOL_STATE] = "pool.state",
        [EVENT_POOL_OPERATION] = "pool.operation",   [EVENT_POOL_LOG] = "pool.log",
        [EVENT_DAEMON_READY] = "daemon.ready",       [EVENT_DAEMON_WARNING] = "daemon.warning",
        [EVENT_DAEMON_STOPPING] = "daemon.stopping", [EVENT_DAEMON_API] = "daemon.api",
        [EVENT_WORKER_UNREADY] = "worker.unready",   [EVENT_WORKER_UNHEALTHY] = "worker.unhealthy",
        [EVENT_WORKER_RECYCLED] = "worker.recycled", [EVENT_DAEMON_RELOADED] = "daemon.reloaded",
};

static const char *const operation_states[] = {
        [OPERATION_RUNNING] = "running",
        [OPERATION_DONE] = "done",
        [OPERATION_FAILED] = "failed",
        [OPERATION_ROLLED_BACK] = "rolled-back",
};

static const char *const operation_phases[] = {
        [PHASE_STARTING] = "starting",         [PHASE_GROWING] = "growing",
        [PHASE_REPLACING] = "replacing",       [PHASE_SHRINKING] = "shrinking",
        [PHASE_STOPPING] = "stopping",         [PHASE_SETTLING] = "settling",
        [PHASE_ROLLING_BACK] = "rolling-back",
};

static_assert(COUNT_OF(event_types) == EVENT_TYPE_COUNT, "every event type has a name");
static_assert(COUNT_OF(operation_states) == OPERATION_STATE_COUNT, "every state has a name");

static_assert(COUNT_OF(operation_phases) == PHASE_COUNT, "every phase has a name");

DEFINE_NAMES(event_type, EventType, event_types);
DEFINE_NAMES(operation_state, OperationState, operation_states);
DEFINE_NAMES(operation_phase, OperationPhase, operation_phases);
