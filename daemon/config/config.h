/* config.h - the text of *.pool, reeve.conf and drop-ins, checked and made immutable
 *
 * Text goes in (TextFile, already read), a Config comes out, or a list of problems. Nothing here
 * opens a file, looks up a user or asks the kernel: names of users stay names until the spawn
 * layer resolves them. A PoolConfig never changes once built; whoever needs it longer than the
 * Config it came in takes a reference.
 *
 * Keys, defaults and meanings are systemd's where systemd has the key. The table of all keys is
 * config/keys.c; the manual and `reevectl check` are fed from it. */
#pragma once

#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "base/text.h"
#include "base/textfile.h"

/* ---- problems ---- */

typedef enum ProblemKind { PROBLEM_ERROR, PROBLEM_WARNING } ProblemKind;

typedef struct Problem {
        ProblemKind kind;
        char *path;            /* may be NULL: about the whole */
        unsigned line, column; /* from 1, columns in characters; 0: the whole file */
        char *pool;            /* NULL: not about one pool */
        char *message;         /* one sentence: the value, what is allowed, the nearest key */
} Problem;

typedef struct ProblemList {
        Problem *items;
        size_t count;
        size_t error_count; /* those that were cut included */
        bool is_cut;        /* more than CONFIG_PROBLEMS_MAX were found */
} ProblemList;

enum { CONFIG_PROBLEMS_MAX = 200, CONFIG_LISTENERS_MAX = 64, CONFIG_POOLS_MAX = 1024 };
enum { CONFIG_LINE_MAX = 64 * 1024, CONFIG_LIST_MAX = 4096, PROBLEM_MESSAGE_SIZE = 600 };

/** problem_add() - note one; what follows CONFIG_PROBLEMS_MAX only sets is_cut
 *  @path: copied; @pool: copied, NULL if it is not about one pool
 *  The message is made fit for terminals (utf8_sanitize) and cut at PROBLEM_MESSAGE_SIZE.
 *  Return: 0, -ENOMEM */
int problem_add(ProblemList *list, ProblemKind kind, const char *path, unsigned line,
                unsigned column, const char *pool, const char *format, ...)
        __attribute__((format(printf, 7, 8)));

/** problem_list_errors() - Return: number of errors, warnings not counted */
size_t problem_list_errors(const ProblemList *list);

/** problem_format() - "web.pool:3:12: error: ..."; Return: malloc'd string, NULL without memory */
char *problem_format(const Problem *problem);
void problem_list_done(ProblemList *list);

#define AUTO_PROBLEMS CLEANUP(problem_list_done) ProblemList

/* ---- values ---- */

typedef enum ServiceType { SERVICE_SIMPLE, SERVICE_EXEC, SERVICE_NOTIFY } ServiceType;
typedef enum RestartMode {
        RESTART_NO,
        RESTART_ON_SUCCESS,
        RESTART_ON_FAILURE,
        RESTART_ON_ABNORMAL,
        RESTART_ON_ABORT,
        RESTART_ALWAYS,
} RestartMode;
typedef enum KillMode { KILL_CONTROL_GROUP, KILL_MIXED, KILL_PROCESS } KillMode;
typedef enum ScaleMode { SCALE_MANUAL, SCALE_AUTO } ScaleMode;
typedef enum ThreadControl { THREADS_LIVE, THREADS_REPLACE, THREADS_FIXED } ThreadControl;
typedef enum ListenMode { LISTEN_SHARED, LISTEN_REUSEPORT } ListenMode;
typedef enum LogStamp { STAMP_NONE, STAMP_ISO, STAMP_UTC, STAMP_EPOCH } LogStamp;
/* The sampling ladder, lowest rung first: see sample/sampler.h. */
typedef enum SampleRung {
        RUNG_PROCESS,
        RUNG_PROCFS,
        RUNG_ITERATOR,
        RUNG_PROGRAM,
        RUNG_COUNT
} SampleRung;
typedef enum LogFormat { LOG_FORMAT_TEXT, LOG_FORMAT_JSON } LogFormat;
typedef enum LogPacking { PACKING_NONE, PACKING_GZIP } LogPacking;
typedef enum OutputKind { OUTPUT_LOG, OUTPUT_JOURNAL, OUTPUT_NULL, OUTPUT_APPEND } OutputKind;

DECLARE_NAMES(service_type, ServiceType);
DECLARE_NAMES(restart_mode, RestartMode);
DECLARE_NAMES(kill_mode, KillMode);
DECLARE_NAMES(scale_mode, ScaleMode);
DECLARE_NAMES(thread_control, ThreadControl);
DECLARE_NAMES(listen_mode, ListenMode);
DECLARE_NAMES(output_kind, OutputKind);
DECLARE_NAMES(log_stamp, LogStamp);
DECLARE_NAMES(log_format, LogFormat);
DECLARE_NAMES(sample_rung, SampleRung); /* "process", "procfs", "bpf-iterator", "bpf" */
DECLARE_NAMES(log_packing, LogPacking);

typedef enum ProtectSystem {
        PROTECT_SYSTEM_NO,
        PROTECT_SYSTEM_YES,
        PROTECT_SYSTEM_FULL,
        PROTECT_SYSTEM_STRICT,
} ProtectSystem;
typedef enum ProtectHome {
        PROTECT_HOME_NO,
        PROTECT_HOME_YES,
        PROTECT_HOME_READ_ONLY,
        PROTECT_HOME_TMPFS,
} ProtectHome;

/* What a worker sees of the file system; '-' before a path: it may be missing. */
typedef struct Sandbox {
        bool private_tmp;
        ProtectSystem protect_system;
        ProtectHome protect_home;
        char **read_only, **read_write, **inaccessible; /* absolute */
} Sandbox;

typedef struct Output {
        OutputKind kind;
        char *path; /* of OUTPUT_APPEND, absolute */
} Output;

/* A count, or a share of the processes ("25%"). */
typedef struct Share {
        bool is_percent;
        unsigned value;
} Share;

typedef struct ResourceLimit {
        bool is_set;
        uint64_t soft, hard; /* RLIM_INFINITY as UINT64_MAX */
} ResourceLimit;

typedef struct ListenAddress {
        char *text; /* as written, shown to people */
        int type;   /* SOCK_STREAM */
        socklen_t length;
        union {
                struct sockaddr any;
                struct sockaddr_in ipv4;
                struct sockaddr_in6 ipv6;
                struct sockaddr_un local;
        } address;
} ListenAddress;

typedef enum ProbeKind { PROBE_NONE, PROBE_HTTP, PROBE_TCP, PROBE_EXEC } ProbeKind;

enum { RESOURCE_COUNT = 16 }; /* RLIM_NLIMITS of Linux; index is RLIMIT_* */

/* What one cgroup may take; see cgroup v2 of the kernel's admin guide. */
typedef struct GroupLimits {
        uint64_t memory_max_bytes, memory_high_bytes, memory_swap_max_bytes; /* UINT64_MAX: none */
        uint64_t tasks_max;                                                  /* UINT64_MAX: none */
        unsigned cpu_quota_percent;     /* of one core, may exceed 100; 0: none */
        unsigned cpu_weight, io_weight; /* 0: the kernel's default, 100 */
} GroupLimits;

#define GROUP_LIMITS_NONE \
        ((GroupLimits){ .memory_max_bytes = UINT64_MAX, \
                        .memory_high_bytes = UINT64_MAX, \
                        .memory_swap_max_bytes = UINT64_MAX, \
                        .tasks_max = UINT64_MAX })

/* ---- one pool ---- */

typedef struct PoolConfig {
        unsigned references;
        char *name, *description, *path;

        char **command;        /* ExecStart words, ${VAR} not yet replaced; [0] absolute */
        char **reload_command; /* ExecReload, NULL if none */
        int reload_signal;     /* 0: none */
        ServiceType type;
        char *directory;          /* NULL: "/" as root, else the daemon's own */
        char *user, *group;       /* names or numbers, NULL: the daemon's */
        unsigned umask;           /* 0022 */
        char **environment;       /* NAME=value */
        char **environment_files; /* absolute; a leading '-' means: may be missing */
        bool no_new_privileges;
        Sandbox sandbox;
        uint64_t dropped_capabilities; /* bits of linux/capability.h, out of the bounding set */
        ResourceLimit limits[RESOURCE_COUNT];
        bool has_nice, has_oom_score_adjust, has_affinity;
        int nice, oom_score_adjust;
        cpu_set_t affinity;
        GroupLimits worker_limits, pool_limits; /* each worker with its children; all together */

        RestartMode restart;
        uint64_t restart_usec, restart_max_usec, stable_usec;
        uint64_t max_age_usec;                      /* 0: none */
        uint64_t max_memory_bytes, max_memory_usec; /* UINT64_MAX: none; for how long above it */
        unsigned max_requests;                      /* 0: none */
        unsigned start_limit_burst;                 /* 0: no limit */
        uint64_t start_limit_interval_usec;
        uint64_t timeout_start_usec, timeout_stop_usec, watchdog_usec; /* watchdog 0: off */
        int kill_signal;
        KillMode kill_mode;
        bool is_essential;
        char **after, **requires; /* names of pools */
        Output output, error;

        unsigned processes, threads, greenlets; /* start values; greenlets 0: none */
        unsigned processes_min, processes_max, threads_min, threads_max;
        ScaleMode mode;
        ThreadControl thread_control;
        Share max_surge, max_unavailable;
        bool is_overridden; /* start values come from a drop-in that `reevectl scale` left */
        uint64_t memory_budget_bytes; /* UINT64_MAX: none */
        char *throughput;

        ListenAddress *listeners;
        size_t listener_count;
        ListenMode listen_mode;
        bool no_delay;
        uint64_t defer_accept_usec; /* 0: connections are handed on as soon as they are there */

        ProbeKind probe;
        char *probe_target;   /* URL, address or command line as written */
        char **probe_command; /* the words of Exec=, NULL for others */
        uint64_t probe_interval_usec, probe_timeout_usec;
        unsigned probe_failures;
        char **dump_command; /* NULL: none */
        uint64_t dump_timeout_usec;

        uint64_t log_max_bytes;
        unsigned log_max_files;
        uint64_t log_max_age_usec;   /* of the current file; 0: any */
        uint64_t log_max_disk_bytes; /* of all the pool's files; UINT64_MAX: no limit */
        LogPacking log_packing;
        LogStamp log_stamp;
        LogFormat log_format;
        uint64_t log_rate_interval_usec; /* 0: no limit */
        unsigned log_rate_burst;         /* lines of a worker in that time; 0: no limit */
} PoolConfig;

PoolConfig *pool_config_ref(PoolConfig *pool);
PoolConfig *pool_config_unref(PoolConfig *pool);
DEFINE_AUTO(PoolConfig, pool_config_unref);

/** pool_config_difference() - the first key that differs and that a worker is started from
 *  Return: its name, static; NULL if there is none */
const char *pool_config_difference(const PoolConfig *a, const PoolConfig *b);

/** pool_config_same_worker() - whether a worker started from @a need not move when @b takes its place
 *  The start values of [Scale], its limits, Description and the restart policy do not count:
 *  they are read by the core when needed; what reaches the worker's process counts. */
bool pool_config_same_worker(const PoolConfig *a, const PoolConfig *b);

/** pool_config_fingerprint() - a number that stays the same while what a worker is started from does,
 *  also over restarts of the daemon; another number means another definition */
uint64_t pool_config_fingerprint(const PoolConfig *config);

/** share_of() - Return: @share of @count, percentages rounded up */
unsigned share_of(Share share, unsigned count);

/* ---- the whole ---- */

typedef struct Config {
        ListenAddress *listen_http;
        size_t listen_http_count;
        char **allowed_hosts;
        char *token_file;
        char *view_group, *operate_group; /* NULL: nobody beyond admins */
        char **admin_users;
        char *api_user;
        uint64_t sample_interval_usec; /* 0: sampling off */
        double sample_budget_ratio;
        SampleRung sampler; /* the highest rung that is tried */
        uint64_t history_memory_bytes;
        unsigned spawn_rate; /* starts per second, 0: no limit */
        int log_level;       /* syslog's LOG_* */

        PoolConfig **pools; /* sorted by name */
        size_t pool_count;
} Config;

/** config_parse() - build a Config from the text of all files
 *  @input: reeve.conf, then NAME.pool followed by its drop-ins; the file's name says which it is
 *  A drop-in may only say what its pool's file may say. A drop-in of the daemon itself
 *  (TextFile.is_control) may only set start values and mode of [Scale], never stops a load (what
 *  does not fit is left out or cut, with a warning), and is ignored, with a warning, when its
 *  pool has no file.
 *  @problems: errors and warnings are added; must be initialized
 *  @ret: a new Config; set only when no error was found
 *  Return: 0; -EINVAL if there were errors (all in @problems), -ENOMEM */
int config_parse(const ConfigInput *input, ProblemList *problems, Config **ret);

Config *config_free(Config *config);
DEFINE_AUTO(Config, config_free);

/** config_find() - Return: the pool called @name, NULL */
PoolConfig *config_find(const Config *config, const char *name);

/* ---- the keys, for the manual and for tools ---- */

typedef struct ConfigKey {
        const char *section, *name;
        const char *initial; /* the value when nothing is written; NULL: empty */
        const char *help;    /* one sentence */
        bool is_list;        /* every line adds; an empty one resets */
} ConfigKey;

/** config_key_at() - walk over all keys, section by section
 *  Return: static; NULL when @index is past the last */
const ConfigKey *config_key_at(size_t index);

/** config_key_allowed() - what may be written: "one of simple, exec, notify"
 *  Return: malloc'd string, NULL without memory */
char *config_key_allowed(const ConfigKey *key);

/** config_format_keys() - all keys as text, one a paragraph; Return: malloc'd string or NULL */
char *config_format_keys(void);
