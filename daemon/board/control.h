/* control.h - what core and face say to each other
 *
 * A SOCK_SEQPACKET pair: one datagram, one message, descriptors by SCM_RIGHTS. reeve-api sends
 * commands, each with a `request` number; reeved answers each exactly once with the same
 * number. News from reeved has request 0. Structs are fixed and begin with ControlHead; both
 * sides come from one build, so a version that differs ends the connection.
 *
 *   reeve-api -> reeved                        reeved -> reeve-api
 *   HELLO                                      BOARD (fd)       the board, at once and when it grew
 *   COMMAND (+ client's socket for admin)      REPLY (fd)       outcome of a command (+ plan of a reload)
 *   OPEN_LOG                                   LOG (fds)        files of one slot, newest first
 *   INSPECT (+ client's socket for admin)      INSPECTED (fd)   what reeve-inspect wrote
 *                                              NEWS             events were added to the ring
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "board/layout.h"

#define CONTROL_VERSION 1

/* Names under which reeve-api finds its descriptors (LISTEN_FDNAMES). */
#define CONTROL_FD_NAME   "control"
#define CONTROL_UNIX_NAME "api-unix" /* the unix listener */
#define CONTROL_TCP_NAME  "api-tcp"  /* each TCP listener */

typedef enum ControlKind {
        CONTROL_HELLO = 1,
        CONTROL_BOARD,
        CONTROL_COMMAND,
        CONTROL_REPLY,
        CONTROL_OPEN_LOG,
        CONTROL_LOG,
        CONTROL_NEWS,
        CONTROL_INSPECT,
        CONTROL_INSPECTED,
} ControlKind;

typedef struct ControlHead {
        uint32_t version, kind;
        uint64_t request; /* 0: news */
} ControlHead;

typedef enum ControlVerb {
        CONTROL_SCALE = 1,
        CONTROL_START,
        CONTROL_STOP,
        CONTROL_RESTART,
        CONTROL_RELOAD_POOL,
        CONTROL_ROLLBACK,
        CONTROL_SIGNAL, /* to one worker, by pid and start ticks */
        CONTROL_RELOAD, /* the configuration */
        CONTROL_RESET_FAILED,
        CONTROL_REOPEN_LOGS,
} ControlVerb;

enum {
        CONTROL_DRY_RUN = 1 << 0,
        CONTROL_RUNTIME = 1 << 1, /* do not keep the scale across restarts */
        CONTROL_ROLLING = 1 << 2,
        CONTROL_IF_GENERATION = 1 << 3,
        CONTROL_HAS_PROCESSES = 1 << 4,
        CONTROL_HAS_THREADS = 1 << 5,
        CONTROL_HAS_GREENLETS = 1 << 6,
        CONTROL_RELATIVE_PROCESSES = 1 << 7,
        CONTROL_RELATIVE_THREADS = 1 << 8,
        CONTROL_HAS_MODE = 1 << 9,    /* manual or auto, as state */
        CONTROL_HAS_CLIENT = 1 << 10, /* the client's unix socket comes along */
};

/* Roles, each containing the ones before. */
typedef enum ControlRole { ROLE_NONE, ROLE_VIEW, ROLE_OPERATE, ROLE_ADMIN } ControlRole;

typedef struct ControlHello {
        ControlHead head;
        int32_t pid;
        char version_text[32];
} ControlHello;

typedef struct ControlBoard {
        ControlHead head;
        uint64_t size;
} ControlBoard;

typedef struct ControlCommand {
        ControlHead head;
        uint32_t verb; /* ControlVerb */
        uint32_t flags;
        uint32_t role;       /* as the face determined it; the core checks admin itself */
        uint32_t scale_verb; /* ScaleVerb */
        char pool[BOARD_NAME_SIZE];
        char actor[48];
        int64_t processes, threads, greenlets;
        uint64_t total;
        uint64_t generation;
        uint32_t mode; /* ScaleMode */
        int32_t signal;
        int32_t pid;
        uint32_t padding;
        uint64_t start_ticks;
} ControlCommand;

typedef enum ControlOutcome {
        OUTCOME_ACCEPTED = 1, /* an operation runs: its row says how it goes */
        OUTCOME_DONE,         /* nothing was left to do, or it is done already */
        OUTCOME_REFUSED,      /* code and message say why */
} ControlOutcome;

typedef struct ControlReply {
        ControlHead head;
        uint32_t outcome;
        uint32_t padding;
        uint64_t generation; /* of the pool, after the command */
        char code[32];
        char message[400];
        uint32_t has_operation;   /* `operation` below is filled (a dry run, or a running one) */
        uint32_t has_plan;        /* of a reload: a memfd comes along, text as of reload_plan.h */
        BoardOperation operation; /* sent only as far as its pid_count reaches */
} ControlReply;

typedef struct ControlOpenLog {
        ControlHead head;
        char pool[BOARD_NAME_SIZE];
        uint32_t slot;
        uint32_t max_files; /* at most this many, newest first; at most CONTROL_LOG_FILES */
} ControlOpenLog;

enum { CONTROL_LOG_FILES = 16 };

typedef struct ControlLog {
        ControlHead head;
        uint32_t count; /* descriptors that come along, newest first */
        uint32_t padding;
        uint64_t log_file; /* BoardWorker.log_file at that moment */
        char code[32];     /* empty: fine */
        char message[400];
} ControlLog;

/* What reeve-inspect is asked (daemon/inspect-main.c). */
typedef enum ControlQuestion {
        QUESTION_PROCESS = 1,
        QUESTION_DESCRIPTORS, /* arguments: first number, how many */
        QUESTION_STACK,       /* arguments: thread; for admins alone */
        QUESTION_COUNT_,
} ControlQuestion;

typedef struct ControlInspect {
        ControlHead head;
        uint32_t question; /* ControlQuestion */
        uint32_t flags;    /* CONTROL_HAS_CLIENT */
        int32_t pid;       /* of a worker */
        uint32_t padding;
        uint64_t start_ticks;
        uint32_t arguments[2];
} ControlInspect;

typedef struct ControlInspected {
        ControlHead head;
        char code[32]; /* empty: a descriptor comes along */
        char message[400];
} ControlInspected;

typedef struct ControlNews {
        ControlHead head;
        uint64_t next_event;
} ControlNews;

/* A datagram must fit the default send buffer (212,992 bytes with the kernel's bookkeeping)
 * with room for several to wait; and 32 and 64 bit agree on where fields lie. */
enum { CONTROL_MESSAGE_MAX = 32 * 1024 };
#define CONTROL_ASSERT_MESSAGE(Type) \
        static_assert(sizeof(Type) <= CONTROL_MESSAGE_MAX && sizeof(Type) % 8 == 0 \
                              && __builtin_offsetof(Type, head) == 0, \
                      #Type " must fit a datagram and begin with its head")
CONTROL_ASSERT_MESSAGE(ControlHello);
CONTROL_ASSERT_MESSAGE(ControlBoard);
CONTROL_ASSERT_MESSAGE(ControlCommand);
CONTROL_ASSERT_MESSAGE(ControlReply);
CONTROL_ASSERT_MESSAGE(ControlOpenLog);
CONTROL_ASSERT_MESSAGE(ControlLog);
CONTROL_ASSERT_MESSAGE(ControlInspect);
CONTROL_ASSERT_MESSAGE(ControlInspected);
CONTROL_ASSERT_MESSAGE(ControlNews);
static_assert(__builtin_offsetof(ControlReply, operation) % 8 == 0, "no hidden padding");
