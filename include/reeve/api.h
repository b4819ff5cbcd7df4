/* SPDX-License-Identifier: Apache-2.0
 * reeve/api.h - names that reeve-api, reevectl and other clients share
 *
 * Field names stand in the OpenAPI document (GET /openapi.json); here are the paths, the error
 * codes and the defaults that a client needs before it can ask for it. */
#pragma once

#define REEVE_API_PREFIX "/v1"

/* Where the API listens when nothing else is said. User mode: $XDG_RUNTIME_DIR/reeve/api.sock. */
#define REEVE_API_SOCKET_NAME "api.sock"
#define REEVE_DEFAULT_RUNTIME "/run/reeve"
#define REEVE_DEFAULT_STATE   "/var/lib/reeve"
#define REEVE_DEFAULT_LOGS    "/var/log/reeve"
#define REEVE_DEFAULT_CONFIG  "/etc/reeve"
#define REEVE_SOCKET_VARIABLE "REEVE_SOCKET"
#define REEVE_TOKEN_FILE_NAME "api.token"

/* Stable values of "code" in application/problem+json, with the status they come with. */
#define REEVE_ERROR_BAD_REQUEST       "bad-request"        /* 400 */
#define REEVE_ERROR_BAD_JSON          "bad-json"           /* 400 */
#define REEVE_ERROR_UNAUTHENTICATED   "unauthenticated"    /* 401 */
#define REEVE_ERROR_FORBIDDEN         "forbidden"          /* 403 */
#define REEVE_ERROR_CROSS_SITE        "cross-site"         /* 403 */
#define REEVE_ERROR_NOT_FOUND         "not-found"          /* 404 */
#define REEVE_ERROR_UNKNOWN_POOL      "unknown-pool"       /* 404 */
#define REEVE_ERROR_UNKNOWN_WORKER    "unknown-worker"     /* 404 */
#define REEVE_ERROR_UNKNOWN_THREAD    "unknown-thread"     /* 404 */
#define REEVE_ERROR_UNKNOWN_OPERATION "unknown-operation"  /* 404 */
#define REEVE_ERROR_METHOD            "method-not-allowed" /* 405 */
#define REEVE_ERROR_CONFLICT          "conflict"           /* 409 */
#define REEVE_ERROR_NO_ROOM           "no-room"            /* 409: too little memory for it now */
#define REEVE_ERROR_STALE_GENERATION  "stale-generation"   /* 412 */
#define REEVE_ERROR_TOO_LARGE         "too-large"          /* 413 */
#define REEVE_ERROR_MEDIA_TYPE        "media-type"         /* 415 */
#define REEVE_ERROR_MISDIRECTED       "misdirected"        /* 421: Host not allowed */
#define REEVE_ERROR_INVALID           "invalid"            /* 422: well-formed, wrong value */
#define REEVE_ERROR_OVER_LIMIT        "over-limit"         /* 422 */
#define REEVE_ERROR_THREADS_FIXED     "threads-fixed"      /* 422: ThreadControl=fixed */
#define REEVE_ERROR_NOT_SUPPORTED     "not-supported"      /* 422 */
#define REEVE_ERROR_BUSY              "busy"               /* 503 */
#define REEVE_ERROR_CORE_UNREACHABLE  "core-unreachable"   /* 503 */
#define REEVE_ERROR_INTERNAL          "internal"           /* 500 */

/* Exit codes of reevectl. */
enum {
        REEVE_EXIT_OK = 0,
        REEVE_EXIT_FAILED = 1,
        REEVE_EXIT_USAGE = 2,
        REEVE_EXIT_NOT_RUNNING = 3,
        REEVE_EXIT_UNKNOWN = 4,
        REEVE_EXIT_TIMED_OUT = 5,
        REEVE_EXIT_UNREACHABLE = 6,
        REEVE_EXIT_REFUSED = 7,
        REEVE_EXIT_PARTLY = 8,
        REEVE_EXIT_BAD_CONFIG = 78, /* EX_CONFIG of sysexits.h */
};
