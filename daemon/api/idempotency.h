/* idempotency.h - the same request sent twice has one effect
 *
 * A client whose connection broke does not know whether its POST arrived. With an Idempotency-Key
 * it may send it again: within ten minutes the first reply is given again, word for word. Keys
 * belong to whoever sent them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/digest.h"
#include "api/http/exchange.h"

enum { IDEMPOTENCY_ROWS = 256, IDEMPOTENCY_KEY_MAX = 128 };
#define IDEMPOTENCY_KEEP_USEC (UINT64_C(600) * 1000000)

typedef enum IdempotencyState {
        IDEMPOTENCY_NEW,     /* noted: go ahead, then idempotency_settle() */
        IDEMPOTENCY_RUNNING, /* the first one has no reply yet */
        IDEMPOTENCY_REPLAY,  /* here is its reply */
        IDEMPOTENCY_DIFFERS, /* the key came with another request before */
        IDEMPOTENCY_FULL,    /* every row is taken by a request that still runs */
} IdempotencyState;

typedef struct IdempotencyRow {
        uint64_t number; /* 0: free */
        uint64_t began_usec;
        bool has_reply;
        unsigned char key[DIGEST_SIZE];     /* of actor and key */
        unsigned char request[DIGEST_SIZE]; /* of method, target and body */
        Reply reply;
} IdempotencyRow;

typedef struct IdempotencyTable {
        IdempotencyRow rows[IDEMPOTENCY_ROWS];
        uint64_t last_number;
} IdempotencyTable;

/** idempotency_begin() - has this request been seen?
 *  @now_usec: CLOCK_MONOTONIC
 *  @ret_number: with NEW, for idempotency_settle()
 *  @ret_reply: with REPLAY, a copy
 *  Return: IdempotencyState, negative errno */
int idempotency_begin(IdempotencyTable *table, const char *actor, const char *key,
                      const Request *request, uint64_t now_usec, uint64_t *ret_number,
                      Reply *ret_reply);

/** idempotency_settle() - note the reply; NULL: there is none worth keeping, forget the request */
void idempotency_settle(IdempotencyTable *table, uint64_t number, const Reply *reply);

void idempotency_done(IdempotencyTable *table);
