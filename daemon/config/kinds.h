/* kinds.h - the kinds of values that keys can have
 *
 * What a field of each kind is in C stands beside it. */
#pragma once

#include "config/draft.h"

/* A kind without pointers: zeros are its empty value, bytes are compared. */
#define PLAIN_KIND(Type, parse_, allowed_) \
        { \
                .allowed = allowed_, .size = sizeof(Type), .parse = parse_ \
        }

/* values.c: one value, one word */
extern const Kind kind_text;            /* char *; anything */
extern const Kind kind_path;            /* char *; absolute */
extern const Kind kind_account;         /* char *; name or number of a user or group */
extern const Kind kind_boolean;         /* bool */
extern const Kind kind_name;            /* an enum; Key.names */
extern const Kind kind_name_or_boolean; /* int, no or yes or one of the names */
extern const Kind kind_count;           /* unsigned; Key.min to Key.max */
extern const Kind kind_integer;         /* int; Key.min to Key.max as int64_t */
extern const Kind kind_span;            /* uint64_t usec, finite; 0 or at least Key.min */
extern const Kind kind_span_above_0;    /* uint64_t usec, finite; at least Key.min */
extern const Kind kind_timeout;         /* uint64_t usec; 0 is written for "none" as in systemd */
extern const Kind kind_size;            /* uint64_t bytes, finite */
extern const Kind kind_size_or_none;    /* uint64_t bytes, UINT64_MAX for infinity */
extern const Kind kind_count_or_none;   /* uint64_t, UINT64_MAX for infinity */
extern const Kind kind_signal;          /* int */
extern const Kind kind_mode;            /* unsigned, octal */
extern const Kind kind_quota;           /* unsigned percent of one core */
extern const Kind kind_ratio;           /* double from a percentage */
extern const Kind kind_share;           /* Share */
extern const Kind kind_output;          /* Output */
extern const Kind kind_log_level;       /* int, LOG_* */
extern const Kind kind_throughput;      /* char * */

/** account_is_valid() - whether @name can be the name or number of a user or group */
bool account_is_valid(const char *name);

/* lists.c: several words */
extern const Kind kind_command;           /* char **; [0] absolute */
extern const Kind kind_environment;       /* char **, NAME=value */
extern const Kind kind_environment_files; /* char **, absolute paths, '-' before optional ones */
extern const Kind kind_paths;             /* char **, as the one before, several in a line */
extern const Kind kind_pools;             /* char **, names of pools */
extern const Kind kind_accounts;          /* char ** */
extern const Kind kind_hosts;             /* char ** */

/* sandbox.c */
extern const Kind kind_capabilities; /* uint64_t, bits that are dropped */

/** key_is_refused() - whether @name is a key of systemd's sandbox that a pool cannot have */
bool key_is_refused(const char *name);

/* limits.c */
extern const Kind kind_limit;    /* ResourceLimit; Key.variant is a LimitUnit */
extern const Kind kind_affinity; /* cpu_set_t */

typedef enum LimitUnit {
        LIMIT_NUMBER,
        LIMIT_BYTES,
        LIMIT_SECONDS,
        LIMIT_USEC,
        LIMIT_NICE
} LimitUnit;

/* endpoints.c; fields of listeners are the first of an array, its count stands behind it */
extern const Kind kind_listen;      /* PoolConfig.listeners */
extern const Kind kind_listen_http; /* Config.listen_http */
extern const Kind kind_probe_http;  /* PoolConfig.probe; Key.variant is its ProbeKind */
extern const Kind kind_probe_tcp;
extern const Kind kind_probe_exec;
