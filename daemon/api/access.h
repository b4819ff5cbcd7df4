/* access.h - who may ask for what
 *
 * On the unix socket the kernel says who the other end is. Over TCP a bearer token does, with each
 * request, on loopback too: any local user and any page in a browser can reach a loopback port.
 * Against pages of other sites and rebound names stand the list of hosts and the proof that an
 * unsafe request comes from no other site. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "api/digest.h"
#include "api/http/exchange.h"
#include "api/refusal.h"
#include "base/error.h"
#include "board/control.h"

enum { ACCESS_ADMINS_MAX = 64, ACCESS_TOKENS_MAX = 64 };

typedef struct AccessToken {
        char name[32];
        ControlRole role;
        unsigned char digest[DIGEST_SIZE]; /* SHA-256 of the token */
} AccessToken;

typedef struct Access {
        gid_t operate_gid, view_gid; /* (gid_t)-1: no such group */
        uid_t admins[ACCESS_ADMINS_MAX];
        unsigned admin_count;
        char **hosts; /* beside localhost, 127.0.0.1 and [::1] */
        AccessToken tokens[ACCESS_TOKENS_MAX];
        unsigned token_count;
} Access;

/* The words reeved hands over in the environment; NULL or "": nothing. */
typedef struct AccessText {
        const char *operate_gid, *view_gid; /* numbers */
        const char *admin_uids;             /* "0,1000" */
        const char *allowed_hosts;          /* separated by blanks */
} AccessText;

typedef struct Identity {
        ControlRole role;
        bool has_token;
        uid_t uid; /* unless has_token */
        char token[32];
} Identity;

/** access_init() - Return: 0; -EINVAL with @reterr, -ENOMEM */
int access_init(Access *access, const AccessText *text, Error *reterr);

/** access_add_tokens() - lines NAME:ROLE:SHA256-HEX; blank lines and # comments are skipped
 *  NAME:ROLE:plain:TOKEN is how reeved hands over the token that it made itself.
 *  Return: 0; -EINVAL with @reterr naming the line */
int access_add_tokens(Access *access, const char *text, Error *reterr);

/** access_identify() - settle uid and role of the peer of a unix connection */
void access_identify(const Access *access, HttpPeer *peer);

/** access_host_is_allowed() - name[:port], any case, with or without the final dot */
bool access_host_is_allowed(const Access *access, const char *host);

/** access_identity() - who makes this request
 *  Return: 0, with ROLE_NONE if nobody known; -EINVAL with @refusal if the proof is no good */
int access_identity(const Access *access, const Request *request, Identity *ret, Refusal *refusal);

/** access_check_unsafe() - an unsafe request must not come from another site's page, and its body
 *  must be JSON, which no form can send; Return: 0; -EINVAL with @refusal */
int access_check_unsafe(const Access *access, const Request *request, Refusal *refusal);

/** access_actor() - "uid 1000 (alice)" or "token NAME"; Return: @buffer */
char *access_actor(const Identity *identity, char *buffer, size_t size);

void access_done(Access *access);
