/* face.h - reeve-api as a whole: what all resources share
 *
 * One thread, one loop. The board is read when a request comes, commands go over the link and
 * their exchanges sleep until the answer; streams are woken by news. */
#pragma once

#include <systemd/sd-event.h>

#include "api/access.h"
#include "api/http/server.h"
#include "api/idempotency.h"
#include "api/link.h"
#include "api/pool_cache.h"
#include "api/snapshot.h"
#include "base/cleanup.h"

enum { FACE_LISTENERS_MAX = 32 };

typedef struct Command Command;
typedef struct EventStream EventStream;
typedef struct LogStream LogStream;

/* What reeved hands over; descriptors are taken. */
typedef struct FaceSettings {
        int control_fd, unix_fd; /* unix_fd -1: none */
        int tcp_fds[FACE_LISTENERS_MAX];
        size_t tcp_count;
        const char *tokens; /* lines of the token file; NULL: none */
        AccessText access;
        /* 0: what the design says. Tests make them short. */
        uint64_t request_deadline_usec, reply_deadline_usec, heartbeat_usec, command_timeout_usec;
        void (*on_ready)(void); /* requests are answered from now on; may be NULL */
} FaceSettings;

typedef struct Face {
        FaceSettings settings; /* texts in it are read at the beginning only */
        sd_event *event;
        sd_event_source *tick; /* on while something must be looked at now and then */
        Link *link;
        Access access;
        Snapshot snapshot;
        PoolCache pool_cache;
        IdempotencyTable idempotency;
        HttpServer *servers[FACE_LISTENERS_MAX];
        size_t server_count;
        Command *commands; /* sent, or waiting for their operation to end */
        EventStream *event_streams;
        LogStream *log_streams;
} Face;

/** face_new() - begin to serve once reeved has handed over the board; until then requests wait
 *  in the backlogs of their listeners. The loop exits with 0 when reeved closes the control socket
 *  Return: 0; negative errno with @reterr */
int face_new(sd_event *event, const FaceSettings *settings, Face **ret, Error *reterr);
Face *face_free(Face *face);
DEFINE_AUTO(Face, face_free);

/** face_find_pool() - as the board has it this moment
 *  Return: the pool, until the next request; NULL if there is none, or no memory to look */
const PoolView *face_find_pool(Face *face, const char *name);

/** face_tick_on() - call the streams and commands 100 ms from now; they ask again if need be */
void face_tick_on(Face *face);
