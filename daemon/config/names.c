/* names.c - the enums of config.h and their spelling */
#include "config/names.h"

#include "base/cleanup.h"

static const char *const service_type_names[] = {
        [SERVICE_SIMPLE] = "simple",
        [SERVICE_EXEC] = "exec",
        [SERVICE_NOTIFY] = "notify",
};

static const char *const restart_mode_names[] = {
        [RESTART_NO] = "no",
        [RESTART_ON_SUCCESS] = "on-success",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_ON_ABNORMAL] = "on-abnormal",
        [RESTART_ON_ABORT] = "on-abort",
        [RESTART_ALWAYS] = "always",
};

static const char *const kill_mode_names[] = {
        [KILL_CONTROL_GROUP] = "control-group",
        [KILL_MIXED] = "mixed",
        [KILL_PROCESS] = "process",
};

static const char *const scale_mode_names[] = {
        [SCALE_MANUAL] = "manual",
        [SCALE_AUTO] = "auto",
};

static const char *const thread_control_names[] = {
        [THREADS_LIVE] = "live",
        [THREADS_REPLACE] = "replace",
        [THREADS_FIXED] = "fixed",
};

static const char *const listen_mode_names[] = {
        [LISTEN_SHARED] = "shared",
        [LISTEN_REUSEPORT] = "reuseport",
};

static const char *const output_kind_names[] = {
        [OUTPUT_LOG] = "log",
        [OUTPUT_JOURNAL] = "journal",
        [OUTPUT_NULL] = "null",
        [OUTPUT_APPEND] = "append",
};

static const char *const log_stamp_names[] = {
        [STAMP_NONE] = "no",
        [STAMP_ISO] = "iso",
        [STAMP_UTC] = "utc",
        [STAMP_EPOCH] = "epoch",
};

static const char *const sample_rung_names[] = {
        [RUNG_PROCESS] = "process",
        [RUNG_PROCFS] = "procfs",
        [RUNG_ITERATOR] = "bpf-iterator",
        [RUNG_PROGRAM] = "bpf",
};

static const char *const log_format_names[] = {
        [LOG_FORMAT_TEXT] = "text",
        [LOG_FORMAT_JSON] = "json",
};

static const char *const log_packing_names[] = {
        [PACKING_NONE] = "no",
        [PACKING_GZIP] = "gzip",
};

static const char *const protect_system_names[] = {
        [PROTECT_SYSTEM_NO] = "no",
        [PROTECT_SYSTEM_YES] = "yes",
        [PROTECT_SYSTEM_FULL] = "full",
        [PROTECT_SYSTEM_STRICT] = "strict",
};

static const char *const protect_home_names[] = {
        [PROTECT_HOME_NO] = "no",
        [PROTECT_HOME_YES] = "yes",
        [PROTECT_HOME_READ_ONLY] = "read-only",
        [PROTECT_HOME_TMPFS] = "tmpfs",
};

DEFINE_NAMES(service_type, ServiceType, service_type_names);
DEFINE_NAMES(restart_mode, RestartMode, restart_mode_names);
DEFINE_NAMES(kill_mode, KillMode, kill_mode_names);
DEFINE_NAMES(scale_mode, ScaleMode, scale_mode_names);
DEFINE_NAMES(thread_control, ThreadControl, thread_control_names);
DEFINE_NAMES(listen_mode, ListenMode, listen_mode_names);
DEFINE_NAMES(output_kind, OutputKind, output_kind_names);
DEFINE_NAMES(log_stamp, LogStamp, log_stamp_names);
DEFINE_NAMES(log_format, LogFormat, log_format_names);
DEFINE_NAMES(sample_rung, SampleRung, sample_rung_names);
DEFINE_NAMES(log_packing, LogPacking, log_packing_names);

#define NAME_TABLE(table) \
        { \
                table, COUNT_OF(table) \
        }

const NameTable service_types = NAME_TABLE(service_type_names);
const NameTable restart_modes = NAME_TABLE(restart_mode_names);
const NameTable kill_modes = NAME_TABLE(kill_mode_names);
const NameTable scale_modes = NAME_TABLE(scale_mode_names);
const NameTable thread_controls = NAME_TABLE(thread_control_names);
const NameTable protect_systems = NAME_TABLE(protect_system_names);
const NameTable protect_homes = NAME_TABLE(protect_home_names);
const NameTable listen_modes = NAME_TABLE(listen_mode_names);
const NameTable log_stamps = NAME_TABLE(log_stamp_names);
const NameTable log_formats = NAME_TABLE(log_format_names);
const NameTable sample_rungs = NAME_TABLE(sample_rung_names);
const NameTable log_packings = NAME_TABLE(log_packing_names);
