/* layout.h - the board: what reeved shows to its readers in shared memory
 *
 * One memfd, one writer (reeved), any number of read-only mappings (reeve-api). Tables of fixed
 * rows: pools, workers, operations, warnings, and one ring of events. A reader costs the writer
 * nothing.
 *
 * Every row begins with a sequence number: odd while it is being written, so a reader copies
 * the row and looks at the number again (board_view_*() do that, with bounded retries).
 * `changes` in the header grows with every write, so a reader that polls can tell at once that
 * nothing happened; `generation` of a pool row is the contract's and unrelated to it.
 *
 * Threads are different: they are many, come and go, and all of them are seen at the same moment.
 * Their table has two halves, each for one round of the sampler; while one is written readers have
 * the other (see board_threads_begin()).
 *
 * A row is in use if `used` is not 0. Rows do not move while they are in use. The file is
 * sealed against shrinking. When a table is full, reeved makes a larger board and hands it over
 * (CONTROL_BOARD). Little is validated here: the writer is trusted, the bounds are checked. */
#pragma once

#include <assert.h>
#include <stdint.h>

#define BOARD_MAGIC   UINT64_C(0x3164726f62766572) /* "revbord1" */
#define BOARD_VERSION 2

enum {
        BOARD_NAME_SIZE = 64,
        BOARD_TEXT_SIZE = 256,
        BOARD_COMMAND_SIZE = 512,
        BOARD_OPERATION_PIDS = 4096,
        BOARD_OPERATIONS = 64,
        BOARD_EVENTS = 4096, /* power of two */
        BOARD_EVENT_DETAIL_SIZE = 176,
        BOARD_WARNINGS = 256,
        BOARD_LISTENERS_TEXT_SIZE = 256,
        BOARD_ORDER_SIZE = 1024,
        BOARD_LOG_PLACE_SIZE = 256,
        BOARD_HEALTH_ERROR_SIZE = 96,
        BOARD_THREAD_NAME_SIZE = 16,
        BOARD_WAIT_CHANNEL_SIZE = 32,
        BOARD_TASK_SIZE = 48,
        BOARD_ARGUMENTS = 6,
};

typedef struct BoardTable {
        uint64_t offset;   /* from the start of the file */
        uint32_t row_size; /* readers step by it, so rows may grow at their end */
        uint32_t capacity; /* rows */
} BoardTable;

typedef struct BoardHeader {
        uint64_t magic;
        uint32_t version, header_size;
        uint64_t file_size;
        uint64_t changes; /* grows with every write */
        char boot_id[40]; /* /proc/sys/kernel/random/boot_id */
        uint64_t epoch;   /* random per board lineage: event ids of two epochs differ */
        uint64_t started_monotonic_usec, started_realtime_usec; /* of reeved */
        uint32_t daemon_pid, is_user_mode;
        char version_text[32];
        char sampler[32]; /* rung of the ladder in use */
        char sampler_reason[BOARD_TEXT_SIZE];
        char families[16];                /* "cgroup" or "descent": how slots are kept together */
        uint64_t first_event, next_event; /* ids in the ring: first <= id < next */
        uint64_t warning_count; /* all ever raised, of which the table keeps the present ones */
        uint32_t is_ready, is_stopping;
        uint64_t notify_ignored; /* datagrams on notify sockets that were refused */
        BoardTable pools, workers, operations, events, warnings;
        uint32_t cpus_online, cpus_affinity, cpus_usable, cpus_padding; /* sys/cpus.h */
        double cpus_quota;                                              /* cores; 0: none */
        BoardTable threads, thread_ranges;                              /* two halves each */
        uint64_t thread_round;                   /* whole; shown in half round % 2; 0: none yet */
        uint64_t thread_writing;                 /* being written, else thread_round */
        uint64_t sample_interval_usec;           /* in force, budget considered; 0: no sampling */
        uint64_t thread_interval_usec;           /* until each thread was looked at again */
        uint32_t thread_count, threads_left_out; /* of thread_round; for want of room */
} BoardHeader;

typedef struct BoardPool {
        uint32_t sequence, used;
        uint32_t index;      /* own row number */
        uint32_t is_builtin; /* @api */
        char name[BOARD_NAME_SIZE];
        char description[BOARD_TEXT_SIZE];
        char command[BOARD_COMMAND_SIZE]; /* as configured; redacted by the face for `view` */
        char listeners[BOARD_LISTENERS_TEXT_SIZE]; /* blank-separated */
        char config_path[BOARD_TEXT_SIZE];
        uint32_t state;                                        /* PoolState */
        uint32_t mode;                                         /* ScaleMode */
        uint32_t thread_control;                               /* ThreadControl */
        uint32_t type;                                         /* ServiceType */
        uint32_t restart;                                      /* RestartMode */
        uint32_t processes, threads, greenlets;                /* the grid in force */
        uint32_t file_processes, file_threads, file_greenlets; /* Processes= and Threads= */
        uint32_t is_overridden;                                /* a scale wins over the file */
        uint32_t processes_min, processes_max, threads_min, threads_max;
        uint64_t memory_budget_bytes; /* UINT64_MAX: none */
        uint64_t generation;
        uint32_t ready, total, rising, failed; /* slots */
        uint64_t restarts;
        uint64_t operation; /* id of the running one, 0: none */
        uint64_t log_dropped_bytes;
        /* Words of the pools around it: 'a' (After=), 'r' (Requires=) or 's' (stops before it),
         * '+' if that one is waited for now, else '-', and its name: "a-redis r+db". */
        char order[BOARD_ORDER_SIZE];
        /* since it was last started: asked for, its turn came, all of it was ready; 0: not yet */
        uint64_t begun_monotonic_usec, turn_monotonic_usec, became_ready_monotonic_usec;
        uint64_t log_suppressed_lines, log_fallback_lines;
        char log_place[BOARD_LOG_PLACE_SIZE]; /* where output goes; empty: to reeve's files */
        char last_error[BOARD_TEXT_SIZE]; /* why it is degraded or failed; empty: nothing to say */
        uint64_t has_throughput; /* the rest of the row is filled by later readers of samples */
} BoardPool;

enum { BOARD_EXIT_NONE, BOARD_EXIT_CODE, BOARD_EXIT_SIGNAL, BOARD_EXIT_REASON }; /* ExitKind */

/* What a worker tells of itself in shared memory: nothing is to be had, it has not begun, it does,
 * it wrote what cannot be true. */
enum {
        BOARD_TELEMETRY_NONE,
        BOARD_TELEMETRY_AWAITED,
        BOARD_TELEMETRY_ATTACHED,
        BOARD_TELEMETRY_INVALID,
        BOARD_TELEMETRY_COUNT
};

typedef struct BoardWorker {
        uint32_t sequence, used;
        uint32_t pool; /* row number of its pool */
        uint32_t slot;
        int32_t pid;    /* 0: no process at present */
        uint32_t state; /* WorkerState */
        uint32_t is_adopted;
        uint32_t definition;         /* number of the definition it was started from */
        uint32_t threads, greenlets; /* REEVE_THREADS it was given */
        uint64_t start_ticks; /* field 22 of /proc/PID/stat: with pid and boot id, identity */
        uint64_t started_monotonic_usec, started_realtime_usec;
        uint64_t ready_monotonic_usec;    /* 0: not yet */
        uint64_t deadline_monotonic_usec; /* next start or kill; UINT64_MAX: none */
        uint32_t restarts;
        uint32_t exit_kind;
        int32_t exit_value;
        uint32_t exit_reason; /* ExitReason */
        uint64_t exit_realtime_usec;
        char status_text[128]; /* STATUS= of sd_notify, sanitized */
        char instance[40];     /* REEVE_INSTANCE */

        /* the last sample; sampled_monotonic_usec 0: none was taken */
        uint64_t sampled_monotonic_usec;
        uint64_t user_usec, system_usec;
        double cpu_ratio; /* cores, over the last interval; negative: not known yet */
        uint64_t rss_bytes;
        uint32_t thread_count;
        char process_state; /* R S D T t Z X I as in proc_pid_stat(5), 0: not known */
        char padding[3];
        uint64_t log_bytes, log_dropped_bytes; /* captured and dropped since the slot was made */
        uint64_t log_file;                     /* changes when a new log file is begun */

        uint32_t health_kind;                       /* ProbeKind; 0: it has no probe */
        uint32_t health_status;                     /* HealthStatus */
        uint32_t health_failures, is_health_shared; /* in a row; one probe for the pool */
        uint64_t health_probed_realtime_usec;       /* end of the last one; 0: none yet */
        char health_error[BOARD_HEALTH_ERROR_SIZE]; /* of the last one; empty: it went well */

        uint32_t telemetry;                  /* BOARD_TELEMETRY_...; the rest if ATTACHED */
        uint32_t threads_live, threads_busy; /* of the SDK */
        uint32_t greenlets_live;
        uint64_t tasks_done, tasks_failed, queue_length;
        uint64_t lost_tasks; /* ended with the workers that had begun them, in this slot */
        double busy_mean;    /* threads_busy, averaged over some 10 s */
        uint32_t index;      /* own row number: by it its threads are found */
        uint32_t index_padding;
} BoardWorker;

enum { BOARD_OPERATION_KEPT = 0, BOARD_OPERATION_STARTED = 1, BOARD_OPERATION_STOPPED = 2 };
typedef enum OperationState {
        OPERATION_RUNNING = 1,
        OPERATION_DONE,
        OPERATION_FAILED,
        OPERATION_ROLLED_BACK,
        OPERATION_STATE_COUNT
} OperationState;

/* What a running operation is at, in the order in which it happens. */
typedef enum OperationPhase {
        PHASE_STARTING = 1, /* workers of the grid that were not there */
        PHASE_GROWING,      /* workers that run get more threads */
        PHASE_REPLACING,    /* outdated ones, step by step */
        PHASE_SHRINKING,    /* workers that run lose threads */
        PHASE_STOPPING,     /* workers above the grid, and what stood in */
        PHASE_SETTLING,     /* all is there: it is seen whether it stays */
        PHASE_ROLLING_BACK,
        PHASE_COUNT
} OperationPhase;

typedef struct BoardOperation {
        uint32_t sequence, used;
        uint64_t id;
        uint32_t state; /* OperationState */
        uint32_t is_dry_run;
        char pool[BOARD_NAME_SIZE];
        char kind[16]; /* scale, restart, start, stop, reload, rollback */
        char actor[BOARD_NAME_SIZE];
        uint32_t from_processes, from_threads, from_greenlets;
        uint32_t to_processes, to_threads, to_greenlets;
        uint64_t generation; /* of the pool once the change was accepted */
        uint64_t began_realtime_usec, ended_realtime_usec; /* ended 0: still running */
        uint32_t steps_done, steps_total;                  /* starts and stops */
        /* What it takes: now, when it is over, for one worker of the new grid, and at its height more
         * than now; what can be had, and MemoryBudget= (UINT64_MAX: not known, none). */
        uint64_t memory_now_bytes, memory_expected_bytes, memory_worker_bytes, memory_more_bytes;
        uint64_t memory_available_bytes, memory_budget_bytes;
        uint32_t memory_workers; /* that were measured for it; 0: nothing of it is known */
        uint32_t phase;          /* OperationPhase; 0: it is over, or was not begun */
        /* What it was to do: start so many, give others to so many without a restart, ... */
        uint32_t plan_starts, plan_resizes, plan_replaces, plan_stops;
        char cut[3][120];    /* sentences, empty when unused */
        char error_code[32]; /* empty: none */
        char error_message[400];
        uint32_t pid_count;                  /* entries of pids in use */
        uint32_t pids_left_out;              /* more than fitted */
        uint32_t pids[BOARD_OPERATION_PIDS]; /* kind in the two upper bits, PID below */
} BoardOperation;

#define BOARD_OPERATION_PID(kind, pid) (((uint32_t)(kind) << 30) | (uint32_t)(pid))
#define BOARD_OPERATION_KIND_OF(entry) ((entry) >> 30)
#define BOARD_OPERATION_PID_OF(entry)  ((entry)&UINT32_C(0x3fffffff))

typedef enum EventType {
        EVENT_WORKER_STARTED = 1,
        EVENT_WORKER_READY,
        EVENT_WORKER_EXITED,
        EVENT_WORKER_STATE,
        EVENT_POOL_SCALED,
        EVENT_POOL_STATE,
        EVENT_POOL_OPERATION, /* ended: done, failed, rolled back */
        EVENT_POOL_LOG,       /* bytes dropped, file again writable */
        EVENT_DAEMON_READY,
        EVENT_DAEMON_WARNING,
        EVENT_DAEMON_STOPPING,
        EVENT_DAEMON_API,       /* reeve-api ended or is back */
        EVENT_WORKER_UNREADY,   /* its probe fails */
        EVENT_WORKER_UNHEALTHY, /* taken to be hung: it is replaced */
        EVENT_WORKER_RECYCLED,  /* is replaced since it has served long enough */
        EVENT_DAEMON_RELOADED,
        EVENT_TYPE_COUNT
} EventType;

typedef struct BoardEvent {
        uint32_t sequence, used;
        uint64_t id; /* from 1, without gaps within an epoch */
        uint64_t realtime_usec;
        uint32_t type; /* EventType */
        int32_t pid;   /* 0: none */
        uint32_t slot, has_slot;
        char pool[BOARD_NAME_SIZE];           /* empty: the daemon */
        char actor[48];                       /* who asked: "uid 0", "token demo", "reeved" */
        char detail[BOARD_EVENT_DETAIL_SIZE]; /* "key=value" words, see board/events.h */
} BoardEvent;

typedef struct BoardWarning {
        uint32_t sequence, used;
        char pool[BOARD_NAME_SIZE]; /* empty: the daemon */
        char text[BOARD_TEXT_SIZE];
        uint64_t since_realtime_usec;
} BoardWarning;

/* Where the threads of a worker stand, by row of the worker. */
typedef struct BoardThreadRange {
        uint64_t round; /* this entry is of another one: it has none */
        uint32_t first, count;
} BoardThreadRange;

/* Values that are not there are told by `gaps` (model/thread.h). */
typedef struct BoardThread {
        uint64_t sampled_monotonic_usec;
        uint64_t start_ticks; /* with tid: identity */
        int32_t tid;
        int32_t last_cpu;
        int32_t syscall;    /* number, negative: none */
        uint32_t gaps;      /* ThreadGaps */
        uint8_t state;      /* ThreadState */
        uint8_t waiting_on; /* WaitingOn */
        uint8_t padding[2];
        float cpu_ratio;
        uint64_t cpu_nsec, user_usec, system_usec;
        uint64_t run_delay_nsec, block_delay_nsec;
        uint64_t voluntary_switches, involuntary_switches;
        uint64_t minor_faults, major_faults;
        uint64_t arguments[BOARD_ARGUMENTS]; /* of syscall */
        char name[BOARD_THREAD_NAME_SIZE];   /* any bytes, terminated */
        char wait_channel[BOARD_WAIT_CHANNEL_SIZE];
        char task[BOARD_TASK_SIZE]; /* what it says that it works on; any bytes, terminated */
} BoardThread;

static_assert(sizeof(BoardThread) % 8 == 0 && sizeof(BoardThreadRange) % 8 == 0,
              "rows are copied by words");

/* Rows are copied by 8-byte words, and sequence and used are the first of them. */
#define BOARD_ASSERT_ROW(Type) \
        static_assert(sizeof(Type) % 8 == 0 && _Alignof(Type) <= 8 \
                              && __builtin_offsetof(Type, sequence) == 0 \
                              && __builtin_offsetof(Type, used) == 4, \
                      #Type " must be whole words that begin with sequence and used")
BOARD_ASSERT_ROW(BoardPool);
BOARD_ASSERT_ROW(BoardWorker);
BOARD_ASSERT_ROW(BoardOperation);
BOARD_ASSERT_ROW(BoardEvent);
BOARD_ASSERT_ROW(BoardWarning);
static_assert(sizeof(BoardHeader) % 8 == 0, "tables begin on whole words");
static_assert((BOARD_EVENTS & (BOARD_EVENTS - 1)) == 0, "an id is masked to its place");
