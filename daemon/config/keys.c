/* keys.c - all keys: their section, kind, default, place in memory, and a sentence about each
 *
 * This is the one place to add a key. Reading, resetting, freeing and comparing, the manual and
 * the search for a misspelled key all walk this table. The defaults stand here as they would be
 * written in a file. Keys that systemd has mean what they mean in systemd.exec(5),
 * systemd.service(5), systemd.kill(5) and systemd.resource-control(5). */
#include "config/draft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/units.h"
#include "config/kinds.h"
#include "config/names.h"

enum { COUNT_MAX = 65536, PERCENT_MAX = 100000, GREENLETS_MAX = 65536 };
enum { REQUESTS_MAX = 1000000000 };

#define OF_POOL(field)   .offset = offsetof(PoolConfig, field)
#define OF_DAEMON(field) .offset = offsetof(Config, field)
#define FLAG(field)      .flag_offset = offsetof(PoolConfig, field)
#define RANGE(low, high) .min = (uint64_t)(low), .max = (uint64_t)(high)
#define WORKERS          .is_workers = true

#define KEY(section, name, initial, help, ...) \
        { \
                { section, name, initial, help, false }, __VA_ARGS__ \
        }
#define LIST(section, name, initial, help, ...) \
        { \
                { section, name, initial, help, true }, __VA_ARGS__ \
        }
#define LIMIT(name, resource, unit_, help) \
        KEY("Pool", "Limit" name, NULL, help, .kind = &kind_limit, \
            OF_POOL(limits[RLIMIT_##resource]), .variant = unit_, WORKERS)

static const Key keys[] = {
        KEY("Reeve", "LogLevel", "info", "The least important messages that are logged.",
            .kind = &kind_log_level, OF_DAEMON(log_level)),
        LIST("Reeve", "ListenHTTP", NULL,
             "A loopback address on which the API and the dashboard are served over TCP.",
             .kind = &kind_listen_http, OF_DAEMON(listen_http)),
        LIST("Reeve", "AllowedHosts", NULL,
             "Names in the Host header that are served beside localhost, 127.0.0.1 and [::1].",
             .kind = &kind_hosts, OF_DAEMON(allowed_hosts)),
        KEY("Reeve", "TokenFile", NULL,
            "A file with lines NAME:ROLE:SHA256-HEX, the tokens for requests over TCP.",
            .kind = &kind_path, OF_DAEMON(token_file)),
        KEY("Reeve", "ViewGroup", NULL, "The group that may look over the unix socket.",
            .kind = &kind_account, OF_DAEMON(view_group)),
        KEY("Reeve", "OperateGroup", "reeve",
            "The group that may scale, start and stop over the unix socket.", .kind = &kind_account,
            OF_DAEMON(operate_group)),
        LIST("Reeve", "AdminUsers", "root",
             "Users that may do everything, beside the one that runs reeved.",
             .kind = &kind_accounts, OF_DAEMON(admin_users)),
        KEY("Reeve", "ApiUser", "reeve-api", "The user of reeve-api when reeved runs as root.",
            .kind = &kind_account, OF_DAEMON(api_user)),
        KEY("Reeve", "SampleIntervalSec", "1s",
            "How often processes and threads are measured; 0 turns sampling off.",
            .kind = &kind_span, OF_DAEMON(sample_interval_usec), .min = 10 * USEC_PER_MSEC),
        KEY("Reeve", "SampleBudget", "1%", "The share of one core that sampling may take.",
            .kind = &kind_ratio, OF_DAEMON(sample_budget_ratio), RANGE(0, 100)),
        KEY("Reeve", "Sampler", "bpf",
            "How threads are looked at: by this, or by what comes after it where it cannot be had.",
            .kind = &kind_name, OF_DAEMON(sampler), .names = &sample_rungs),
        KEY("Reeve", "HistoryMemory", "64M", "Memory for the time series of all pools.",
            .kind = &kind_size, OF_DAEMON(history_memory_bytes)),
        KEY("Reeve", "SpawnRate", NULL,
            "How many workers are started per second at most, over all pools; empty: no limit.",
            .kind = &kind_count, OF_DAEMON(spawn_rate), RANGE(0, 1000000)),

        KEY("Pool", "Description", NULL, "What the pool is for, shown to people.",
            .kind = &kind_text, OF_POOL(description)),
        KEY("Pool", "ExecStart", NULL,
            "The command of every worker; ${VAR} is replaced, no shell is used.",
            .kind = &kind_command, OF_POOL(command), WORKERS),
        KEY("Pool", "Type", "exec",
            "When a worker counts as started: once forked, once executed, or once it says so.",
            .kind = &kind_name, OF_POOL(type), .names = &service_types, WORKERS),
        KEY("Pool", "WorkingDirectory", NULL,
            "The folder that workers run in; by default / when reeved is root.", .kind = &kind_path,
            OF_POOL(directory), WORKERS),
        KEY("Pool", "User", NULL, "The user that workers run as.", .kind = &kind_account,
            OF_POOL(user), WORKERS),
        KEY("Pool", "Group", NULL, "The group that workers run as; by default that of User=.",
            .kind = &kind_account, OF_POOL(group), WORKERS),
        KEY("Pool", "UMask", "0022", "The file mode bits that workers do not give.",
            .kind = &kind_mode, OF_POOL(umask), RANGE(0, 07777), WORKERS),
        LIST("Pool", "Environment", NULL,
             "Variables of the workers: NAME=value, several on a line, quoted when they have "
             "blanks.",
             .kind = &kind_environment, OF_POOL(environment), WORKERS),
        LIST("Pool", "EnvironmentFile", NULL,
             "A file with more variables; with '-' before the path it may be missing.",
             .kind = &kind_environment_files, OF_POOL(environment_files), WORKERS),
        KEY("Pool", "NoNewPrivileges", "no",
            "Whether workers lose the way to more rights by set-uid programs.",
            .kind = &kind_boolean, OF_POOL(no_new_privileges), WORKERS),
        LIST("Pool", "CapabilityBoundingSet", NULL,
             "The capabilities that workers can have at all; with ~ before: those they cannot.",
             .kind = &kind_capabilities, OF_POOL(dropped_capabilities), WORKERS),
        KEY("Pool", "PrivateTmp", "no",
            "Whether each worker has an empty /tmp and /var/tmp of its own, in memory.",
            .kind = &kind_boolean, OF_POOL(sandbox.private_tmp), WORKERS),
        KEY("Pool", "ProtectSystem", "no",
            "What of the system workers cannot write to: /usr and /boot, /etc too, or all.",
            .kind = &kind_name, OF_POOL(sandbox.protect_system), .names = &protect_systems,
            WORKERS),
        KEY("Pool", "ProtectHome", "no",
            "Whether workers see no homes, cannot write to them, or see empty ones.",
            .kind = &kind_name, OF_POOL(sandbox.protect_home), .names = &protect_homes, WORKERS),
        LIST("Pool", "ReadOnlyPaths", NULL, "Where workers cannot write.", .kind = &kind_paths,
             OF_POOL(sandbox.read_only), WORKERS),
        LIST("Pool", "ReadWritePaths", NULL, "Where they can although what is above is read-only.",
             .kind = &kind_paths, OF_POOL(sandbox.read_write), WORKERS),
        LIST("Pool", "InaccessiblePaths", NULL, "What workers cannot see into.",
             .kind = &kind_paths, OF_POOL(sandbox.inaccessible), WORKERS),
        LIMIT("CPU", CPU, LIMIT_SECONDS, "CPU time of a process; a bare number is seconds."),
        LIMIT("FSIZE", FSIZE, LIMIT_BYTES, "Size of files that are written."),
        LIMIT("DATA", DATA, LIMIT_BYTES, "Size of the data segment."),
        LIMIT("STACK", STACK, LIMIT_BYTES, "Size of the main thread's stack."),
        LIMIT("CORE", CORE, LIMIT_BYTES, "Size of core files."),
        LIMIT("RSS", RSS, LIMIT_BYTES, "Resident memory; Linux no longer honours it."),
        LIMIT("NOFILE", NOFILE, LIMIT_NUMBER, "Number of open descriptors."),
        LIMIT("AS", AS, LIMIT_BYTES, "Size of the address space."),
        LIMIT("NPROC", NPROC, LIMIT_NUMBER, "Number of processes and threads of the user."),
        LIMIT("MEMLOCK", MEMLOCK, LIMIT_BYTES, "Memory that may be locked."),
        LIMIT("LOCKS", LOCKS, LIMIT_NUMBER, "Number of file locks; Linux no longer honours it."),
        LIMIT("SIGPENDING", SIGPENDING, LIMIT_NUMBER, "Number of signals that wait."),
        LIMIT("MSGQUEUE", MSGQUEUE, LIMIT_BYTES, "Memory for POSIX message queues."),
        LIMIT("NICE", NICE, LIMIT_NICE, "The best nice value that can be had, as +N or -N."),
        LIMIT("RTPRIO", RTPRIO, LIMIT_NUMBER, "The highest real-time priority."),
        LIMIT("RTTIME", RTTIME, LIMIT_USEC,
              "Real-time CPU time without a blocking call; a bare number is microseconds."),
        KEY("Pool", "Nice", NULL, "The nice value of workers.", .kind = &kind_integer,
            OF_POOL(nice), FLAG(has_nice), RANGE(-20, 19), WORKERS),
        LIST("Pool", "CPUAffinity", NULL, "The CPUs that workers may run on.",
             .kind = &kind_affinity, OF_POOL(affinity), FLAG(has_affinity), WORKERS),
        KEY("Pool", "OOMScoreAdjust", NULL, "How early the kernel kills a worker without memory.",
            .kind = &kind_integer, OF_POOL(oom_score_adjust), FLAG(has_oom_score_adjust),
            RANGE(-1000, 1000), WORKERS),
        KEY("Pool", "MemoryMax", "infinity", "Memory of a worker; past it the kernel kills in it.",
            .kind = &kind_size_or_none, OF_POOL(worker_limits.memory_max_bytes), .min = 1),
        KEY("Pool", "MemoryHigh", "infinity", "Memory of a worker above which it is slowed down.",
            .kind = &kind_size_or_none, OF_POOL(worker_limits.memory_high_bytes), .min = 1),
        KEY("Pool", "MemorySwapMax", "infinity", "Swap space of a worker; 0: none of it.",
            .kind = &kind_size_or_none, OF_POOL(worker_limits.memory_swap_max_bytes)),
        KEY("Pool", "CPUQuota", NULL, "CPU time of a worker, in percent of one core.",
            .kind = &kind_quota, OF_POOL(worker_limits.cpu_quota_percent), RANGE(1, PERCENT_MAX)),
        KEY("Pool", "TasksMax", "infinity", "Number of processes and threads of a worker.",
            .kind = &kind_count_or_none, OF_POOL(worker_limits.tasks_max), .min = 1),
        KEY("Pool", "CPUWeight", NULL, "The share of CPU time of the pool against other pools.",
            .kind = &kind_count, OF_POOL(pool_limits.cpu_weight), RANGE(1, 10000)),
        KEY("Pool", "IOWeight", NULL, "The share of disk time of the pool against other pools.",
            .kind = &kind_count, OF_POOL(pool_limits.io_weight), RANGE(1, 10000)),
        KEY("Pool", "PoolMemoryMax", "infinity", "Memory of all workers of the pool together.",
            .kind = &kind_size_or_none, OF_POOL(pool_limits.memory_max_bytes), .min = 1),
        KEY("Pool", "PoolMemoryHigh", "infinity",
            "Memory of all workers together above which they are slowed down.",
            .kind = &kind_size_or_none, OF_POOL(pool_limits.memory_high_bytes), .min = 1),
        KEY("Pool", "PoolCPUQuota", NULL, "CPU time of all workers, in percent of one core.",
            .kind = &kind_quota, OF_POOL(pool_limits.cpu_quota_percent), RANGE(1, PERCENT_MAX)),
        KEY("Pool", "PoolTasksMax", "infinity",
            "Number of processes and threads of all workers together.", .kind = &kind_count_or_none,
            OF_POOL(pool_limits.tasks_max), .min = 1),
        KEY("Pool", "Restart", "always", "After which ends a worker is started again.",
            .kind = &kind_name, OF_POOL(restart), .names = &restart_modes),
        KEY("Pool", "RestartSec", "100ms", "The delay before the first restart.",
            .kind = &kind_span, OF_POOL(restart_usec)),
        KEY("Pool", "RestartMaxDelaySec", "30s",
            "The longest delay; delays double from RestartSec= up to here, which is at least that.",
            .kind = &kind_span, OF_POOL(restart_max_usec)),
        KEY("Pool", "StableSec", "10s",
            "After how long without trouble a worker's delay begins at RestartSec= again.",
            .kind = &kind_span, OF_POOL(stable_usec)),
        KEY("Pool", "StartLimitBurst", "10",
            "Starts allowed within StartLimitIntervalSec= before a worker fails; 0: any number.",
            .kind = &kind_count, OF_POOL(start_limit_burst), RANGE(0, COUNT_MAX)),
        KEY("Pool", "StartLimitIntervalSec", "60s",
            "The time over which starts are counted; 0: they are not counted.", .kind = &kind_span,
            OF_POOL(start_limit_interval_usec)),
        KEY("Pool", "MaxAgeSec", NULL,
            "The age, give or take a tenth, at which a worker is recycled; empty or 0: none.",
            .kind = &kind_span, OF_POOL(max_age_usec)),
        KEY("Pool", "MaxMemory", "infinity",
            "The resident memory of its main process above which a worker is recycled.",
            .kind = &kind_size_or_none, OF_POOL(max_memory_bytes), .min = 1),
        KEY("Pool", "MaxMemorySec", "30s",
            "For how long without a break a worker must be above MaxMemory=.", .kind = &kind_span,
            OF_POOL(max_memory_usec)),
        KEY("Pool", "MaxRequests", NULL,
            "The number of tasks after which a worker that counts them is recycled; empty or 0: "
            "none.",
            .kind = &kind_count, OF_POOL(max_requests), RANGE(0, REQUESTS_MAX)),
        KEY("Pool", "TimeoutStartSec", "30s", "How long a worker may take to become ready.",
            .kind = &kind_timeout, OF_POOL(timeout_start_usec)),
        KEY("Pool", "TimeoutStopSec", "10s", "How long a worker may take to stop before SIGKILL.",
            .kind = &kind_timeout, OF_POOL(timeout_stop_usec)),
        KEY("Pool", "WatchdogSec", NULL,
            "How often a worker must say WATCHDOG=1; empty or 0: it need not.", .kind = &kind_span,
            OF_POOL(watchdog_usec), WORKERS),
        KEY("Pool", "KillSignal", "SIGTERM", "The signal that asks a worker to stop.",
            .kind = &kind_signal, OF_POOL(kill_signal)),
        KEY("Pool", "KillMode", "control-group",
            "Who gets the signals: all processes, the first one and SIGKILL for all, or the first.",
            .kind = &kind_name, OF_POOL(kill_mode), .names = &kill_modes),
        KEY("Pool", "Essential", "no",
            "Whether reeved exits with the worker's code when the pool fails (containers).",
            .kind = &kind_boolean, OF_POOL(is_essential)),
        KEY("Pool", "ExecReload", NULL, "A command that makes a worker reload.",
            .kind = &kind_command, OF_POOL(reload_command)),
        KEY("Pool", "ReloadSignal", NULL, "A signal that makes a worker reload.",
            .kind = &kind_signal, OF_POOL(reload_signal)),
        LIST("Pool", "After", NULL, "Pools that are ready before this one is started.",
             .kind = &kind_pools, OF_POOL(after)),
        LIST("Pool", "Requires", NULL, "Pools without which this one fails.", .kind = &kind_pools,
             OF_POOL(requires)),
        KEY("Pool", "StandardOutput", "log", "Where the output of workers goes.",
            .kind = &kind_output, OF_POOL(output), WORKERS),
        KEY("Pool", "StandardError", NULL, "Where errors go; by default where the output goes.",
            .kind = &kind_output, OF_POOL(error), WORKERS),

        KEY("Scale", "Processes", "1", "Number of worker processes at the start.",
            .kind = &kind_count, OF_POOL(processes), RANGE(0, COUNT_MAX)),
        KEY("Scale", "Threads", "1", "Number of threads of a worker at the start.",
            .kind = &kind_count, OF_POOL(threads), RANGE(1, COUNT_MAX)),
        KEY("Scale", "Greenlets", NULL, "Number of greenlets of a thread at the start.",
            .kind = &kind_count, OF_POOL(greenlets), RANGE(0, GREENLETS_MAX)),
        KEY("Scale", "ProcessesMin", "0", "The fewest processes that scaling may leave.",
            .kind = &kind_count, OF_POOL(processes_min), RANGE(0, COUNT_MAX)),
        KEY("Scale", "ProcessesMax", "1024", "The most processes that scaling may start.",
            .kind = &kind_count, OF_POOL(processes_max), RANGE(0, COUNT_MAX)),
        KEY("Scale", "ThreadsMin", "1", "The fewest threads a worker may have.",
            .kind = &kind_count, OF_POOL(threads_min), RANGE(1, COUNT_MAX)),
        KEY("Scale", "ThreadsMax", "1024", "The most threads a worker may have.",
            .kind = &kind_count, OF_POOL(threads_max), RANGE(1, COUNT_MAX)),
        KEY("Scale", "Mode", "manual", "Whether people or the governor choose the grid.",
            .kind = &kind_name, OF_POOL(mode), .names = &scale_modes),
        KEY("Scale", "ThreadControl", NULL,
            "How a new number of threads reaches workers; by default replace where REEVE_THREADS "
            "occurs in ExecStart= or Environment=, else fixed.",
            .kind = &kind_name, OF_POOL(thread_control), .names = &thread_controls, WORKERS),
        KEY("Scale", "MaxSurge", "25%", "How many workers more than wanted a change may start.",
            .kind = &kind_share, OF_POOL(max_surge), RANGE(0, COUNT_MAX)),
        KEY("Scale", "MaxUnavailable", "0", "How many workers may be missing during a change.",
            .kind = &kind_share, OF_POOL(max_unavailable), RANGE(0, COUNT_MAX)),
        KEY("Scale", "MemoryBudget", "infinity", "Memory that all workers may be expected to take.",
            .kind = &kind_size_or_none, OF_POOL(memory_budget_bytes), .min = 1),
        KEY("Scale", "Throughput", NULL, "Where the work done can be read.",
            .kind = &kind_throughput, OF_POOL(throughput)),

        LIST("Listen", "ListenStream", NULL,
             "An address to listen on, handed to workers as in sd_listen_fds(3).",
             .kind = &kind_listen, OF_POOL(listeners), WORKERS),
        KEY("Listen", "ListenMode", "shared", "One socket for all workers, or one for each.",
            .kind = &kind_name, OF_POOL(listen_mode), .names = &listen_modes, WORKERS),
        KEY("Listen", "NoDelay", "yes", "Whether small answers leave at once (TCP_NODELAY).",
            .kind = &kind_boolean, OF_POOL(no_delay)),
        KEY("Listen", "DeferAcceptSec", "0",
            "For how long a connection without a request is kept from workers; 0: not at all.",
            .kind = &kind_span, OF_POOL(defer_accept_usec)),

        KEY("Health", "Http", NULL, "A page that answers 200 to 399 while a worker is well.",
            .kind = &kind_probe_http, OF_POOL(probe), .variant = PROBE_HTTP),
        KEY("Health", "Tcp", NULL, "An address that accepts connections while a worker is well.",
            .kind = &kind_probe_tcp, OF_POOL(probe), .variant = PROBE_TCP),
        KEY("Health", "Exec", NULL, "A command that exits with 0 while a worker is well.",
            .kind = &kind_probe_exec, OF_POOL(probe), .variant = PROBE_EXEC),
        KEY("Health", "IntervalSec", "5s", "The time between two probes.",
            .kind = &kind_span_above_0, OF_POOL(probe_interval_usec), .min = 10 * USEC_PER_MSEC),
        KEY("Health", "TimeoutSec", "2s", "How long a probe may take.", .kind = &kind_span_above_0,
            OF_POOL(probe_timeout_usec), .min = USEC_PER_MSEC),
        KEY("Health", "Failures", "3",
            "Failed probes in a row after which a worker is unready, and after twice as many hung.",
            .kind = &kind_count, OF_POOL(probe_failures), RANGE(1, 1000)),
        KEY("Health", "ExecDump", NULL,
            "A command that looks at a hung worker, REEVE_PID, before it is ended.",
            .kind = &kind_command, OF_POOL(dump_command)),
        KEY("Health", "DumpTimeoutSec", "5s", "How long ExecDump= may take.",
            .kind = &kind_span_above_0, OF_POOL(dump_timeout_usec), .min = USEC_PER_MSEC),

        KEY("Log", "MaxSize", "50M", "The size at which a log file is put aside.",
            .kind = &kind_size_or_none, OF_POOL(log_max_bytes), .min = 4096),
        KEY("Log", "MaxFiles", "5",
            "How many log files of a worker are kept, the current one included.",
            .kind = &kind_count, OF_POOL(log_max_files), RANGE(1, 1000)),
        KEY("Log", "MaxFileSec", "0",
            "The age at which a log file is put aside, looked at when output comes; 0: any age.",
            .kind = &kind_span, OF_POOL(log_max_age_usec), .min = USEC_PER_SEC),
        KEY("Log", "MaxDisk", "infinity",
            "What all log files of the pool may take together; the oldest that were put aside go.",
            .kind = &kind_size_or_none, OF_POOL(log_max_disk_bytes), .min = 4096),
        KEY("Log", "Compress", "no", "How log files that were put aside are compressed.",
            .kind = &kind_name_or_boolean, OF_POOL(log_packing), .names = &log_packings),
        KEY("Log", "Timestamps", "no",
            "The time before each line: iso (or yes) with the local time and its offset, utc, or "
            "epoch with the seconds since 1970.",
            .kind = &kind_name_or_boolean, OF_POOL(log_stamp), .names = &log_stamps),
        KEY("Log", "Format", "text",
            "Lines as they are, or each as a JSON object with time, pool, slot, pid, stream, line.",
            .kind = &kind_name, OF_POOL(log_format), .names = &log_formats),
        KEY("Log", "RateLimitIntervalSec", "0",
            "The time over which a worker's lines are counted for RateLimitBurst=; 0: no limit.",
            .kind = &kind_span, OF_POOL(log_rate_interval_usec), .min = USEC_PER_MSEC),
        KEY("Log", "RateLimitBurst", "10000",
            "How many lines of a worker are taken in RateLimitIntervalSec=; 0: any number.",
            .kind = &kind_count, OF_POOL(log_rate_burst), RANGE(0, 100000000)),
};

const Key *key_at(size_t index)
{
        return index < COUNT_OF(keys) ? &keys[index] : NULL;
}

const Key *key_find(const char *section, const char *name)
{
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                if (text_equal(keys[i].shown.name, name)
                    && text_equal(keys[i].shown.section, section))
                        return &keys[i];
        return NULL;
}

const Key *key_find_anywhere(const char *name)
{
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                if (strcasecmp(keys[i].shown.name, name) == 0)
                        return &keys[i];
        return NULL;
}

/* A third of the letters may be wrong; more than that and the suggestion only confuses. */
static unsigned far_for(const char *name)
{
        return (unsigned)MIN(strlen(name) / 3, (size_t)3) + 1;
}

const Key *key_find_near(const char *section, const char *name)
{
        unsigned nearest = 2 * far_for(name);
        const Key *found = NULL;

        for (size_t i = 0; i < COUNT_OF(keys); i++) {
                bool is_elsewhere = !text_equal(keys[i].shown.section, section);
                unsigned distance = 2 * text_distance(name, keys[i].shown.name) + is_elsewhere;

                if (distance >= nearest)
                        continue;
                nearest = distance;
                found = &keys[i];
        }
        return found;
}

bool section_exists(const char *section)
{
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                if (text_equal(keys[i].shown.section, section))
                        return true;
        return false;
}

bool section_is_pools(const char *section)
{
        return !text_equal(section, "Reeve");
}

void key_clear(const Key *key, void *target)
{
        void *field = key_field(key, target);

        if (key->kind->clear)
                key->kind->clear(field);
        else
                memset(field, 0, key->kind->size);
}

bool key_is_equal(const Key *key, const void *a, const void *b)
{
        const void *left = key_field(key, a), *right = key_field(key, b);

        if (key_is_flagged(key, a) != key_is_flagged(key, b))
                return false;
        return key->kind->is_equal ? key->kind->is_equal(left, right)
                                   : memcmp(left, right, key->kind->size) == 0;
}

static void describe_names(const NameTable *table, Text *text)
{
        text_append(text, "one of ");
        for (size_t i = 0; i < table->count; i++)
                text_printf(text, "%s%s", i ? ", " : "", table->names[i]);
}

void key_describe(const Key *key, Text *text)
{
        bool is_number = key->kind == &kind_count || key->kind == &kind_integer;
        char buffer[64];

        if (!key->kind->allowed) {
                describe_names(key->names, text);
                return;
        }
        text_append(text, key->kind->allowed);
        if (is_number)
                text_printf(text, " from %" PRId64 " to %" PRId64, (int64_t)key->min,
                            (int64_t)key->max);
        else if (key->kind == &kind_size_or_none && key->min > 1)
                text_printf(text, ", at least %s",
                            units_format_size(buffer, sizeof(buffer), key->min));
        else if (key->kind == &kind_span && key->min)
                text_printf(text, ", at least %s or 0",
                            units_format_span(buffer, sizeof(buffer), key->min));
        else if (key->kind == &kind_span_above_0)
                text_printf(text, ", at least %s",
                            units_format_span(buffer, sizeof(buffer), key->min));
}

const ConfigKey *config_key_at(size_t index)
{
        return index < COUNT_OF(keys) ? &keys[index].shown : NULL;
}

char *config_key_allowed(const ConfigKey *key)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;

        key_describe(CONTAINER_OF(key, Key, shown), &text);
        return text_take(&text, &string) < 0 ? NULL : string;
}

char *config_format_keys(void)
{
        AUTO_TEXT text = { 0 };
        const char *section = "";
        char *string = NULL;

        for (size_t i = 0; i < COUNT_OF(keys); i++) {
                const ConfigKey *key = &keys[i].shown;

                if (!text_equal(section, key->section))
                        text_printf(&text, "%s[%s]\n", i ? "\n" : "", key->section);
                section = key->section;
                text_printf(&text, "%s=%s\n    %s\n    Allowed: ", key->name,
                            key->initial ? key->initial : "", key->help);
                key_describe(&keys[i], &text);
                text_append(&text, key->is_list ? "; more lines add.\n" : ".\n");
        }
        return text_take(&text, &string) < 0 ? NULL : string;
}
