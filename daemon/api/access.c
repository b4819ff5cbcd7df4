/* access.c - see access.h */
#include "api/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "api/digest.h"
#include "base/text.h"
#include "base/units.h"
#include "base/utf8.h"

enum {
        GROUPS_MAX = 65536,
        HOST_LENGTH_MAX = 255,
        PASSWD_LINE_SIZE = 4096,
        TOKEN_LENGTH_MIN = 32, /* 128 bits in hexadecimal digits; the empty token above all */
};

/* ---- settings ---- */

static int parse_gid(const char *text, gid_t *ret, Error *reterr)
{
        uint64_t number;

        *ret = (gid_t)-1;
        if (!text || !*text)
                return 0;
        if (units_parse_number(text, UINT32_MAX - 1, &number) < 0)
                return error_set(reterr, -EINVAL, "invalid", "\"%s\" is no group number.", text);
        *ret = (gid_t)number;
        return 0;
}

static int parse_admins(Access *access, const char *text, Error *reterr)
{
        AUTO_FREE char *copy = strdup(text ? text : "");
        char *rest = copy;
        uint64_t number;

        if (!copy)
                return -ENOMEM;
        for (char *word; (word = strsep(&rest, ","));) {
                if (!*word)
                        continue;
                if (units_parse_number(word, UINT32_MAX - 1, &number) < 0)
                        return error_set(reterr, -EINVAL, "invalid", "\"%s\" is no user number.",
                                         word);
                if (access->admin_count == ACCESS_ADMINS_MAX)
                        return error_set(reterr, -E2BIG, "invalid",
                                         "AdminUsers= may name %d users.", ACCESS_ADMINS_MAX);
                access->admins[access->admin_count++] = (uid_t)number;
        }
        return 0;
}

static int parse_hosts(Access *access, const char *text)
{
        AUTO_FREE char *copy = strdup(text ? text : "");
        char *rest = copy;

        if (!copy)
                return -ENOMEM;
        for (char *word; (word = strsep(&rest, " \t"));) {
                int r = *word ? text_list_add(&access->hosts, word) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int access_init(Access *access, const AccessText *text, Error *reterr)
{
        Access fresh = { 0 };
        int r = parse_gid(text->operate_gid, &fresh.operate_gid, reterr);

        if (r >= 0)
                r = parse_gid(text->view_gid, &fresh.view_gid, reterr);
        if (r >= 0)
                r = parse_admins(&fresh, text->admin_uids, reterr);
        if (r >= 0)
                r = parse_hosts(&fresh, text->allowed_hosts);
        if (r < 0) {
                access_done(&fresh);
                return r;
        }
        *access = fresh;
        return 0;
}

/* ---- tokens ---- */

/* The token that reeved makes by itself comes in the clear, since reeved links no library that
 * could hash it; it is hashed here at once. */
static int parse_digest(const char *hex, unsigned char *ret)
{
        const char *plain = text_after(hex, "plain:");

        if (plain)
                return strlen(plain) < TOKEN_LENGTH_MIN ? -EINVAL
                                                        : digest_bytes(plain, strlen(plain), ret);
        for (size_t i = 0; i < DIGEST_SIZE; i++) {
                char pair[3] = { hex[2 * i], hex[2 * i] ? hex[2 * i + 1] : '\0', '\0' };

                if (strspn(pair, "0123456789abcdefABCDEF") != 2)
                        return -EINVAL;
                ret[i] = (unsigned char)strtoul(pair, NULL, 16);
        }
        return hex[(size_t)2 * DIGEST_SIZE] ? -EINVAL : 0;
}

static ControlRole token_role(const char *name)
{
        /* Over TCP a stolen token is all it takes: what admins do needs the kernel's word. */
        if (text_equal(name, "view"))
                return ROLE_VIEW;
        return text_equal(name, "operate") ? ROLE_OPERATE : ROLE_NONE;
}

static int add_token(Access *access, char *line, unsigned number, Error *reterr)
{
        AccessToken token = { 0 };
        char *rest = line, *name = strsep(&rest, ":"), *role = strsep(&rest, ":");

        if (!role || !rest || !*name || !text_copy(token.name, sizeof(token.name), name)
            || !utf8_is_valid(name, strlen(name)))
                return error_set(reterr, -EINVAL, "invalid",
                                 "line %u of the tokens must be NAME:ROLE:SHA256-HEX.", number);
        token.role = token_role(role);
        if (token.role == ROLE_NONE)
                return error_set(reterr, -EINVAL, "invalid",
                                 "line %u of the tokens: the role must be view or operate.",
                                 number);
        if (parse_digest(rest, token.digest) < 0)
                return error_set(reterr, -EINVAL, "invalid",
                                 "line %u of the tokens: 64 hexadecimal digits of SHA-256 must "
                                 "follow the role.",
                                 number);
        if (access->token_count == ACCESS_TOKENS_MAX)
                return error_set(reterr, -E2BIG, "invalid", "There may be %d tokens.",
                                 ACCESS_TOKENS_MAX);
        access->tokens[access->token_count++] = token;
        return 0;
}

int access_add_tokens(Access *access, const char *text, Error *reterr)
{
        AUTO_FREE char *copy = strdup(text);
        char *rest = copy;
        unsigned number = 0;

        if (!copy)
                return -ENOMEM;
        for (char *line; (line = strsep(&rest, "\n"));) {
                int r;

                number++;
                line[strcspn(line, " \t\r")] = '\0';
                r = *line && *line != '#' ? add_token(access, line, number, reterr) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The time it takes must not tell how much of a digest is right, nor which token it is. */
static const AccessToken *find_token(const Access *access, const char *secret)
{
        unsigned char digest[DIGEST_SIZE];
        const AccessToken *found = NULL;

        if (digest_bytes(secret, strlen(secret), digest) < 0)
                return NULL;
        for (unsigned i = 0; i < access->token_count; i++) {
                unsigned difference = 0;

                for (size_t j = 0; j < sizeof(digest); j++)
                        difference |= (unsigned)(access->tokens[i].digest[j] ^ digest[j]);
                if (difference == 0)
                        found = &access->tokens[i];
        }
        return found;
}

/* ---- the unix socket ---- */

static bool is_member(int fd, gid_t primary, gid_t wanted)
{
        AUTO_FREE gid_t *groups = NULL;
        socklen_t size = 64 * sizeof(gid_t);

        if (wanted == (gid_t)-1)
                return false;
        if (primary == wanted)
                return true;
        groups = malloc(size);
        if (!groups)
                return false;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) {
                gid_t *more = errno == ERANGE && size <= GROUPS_MAX * sizeof(gid_t)
                                      ? realloc(groups, size)
                                      : NULL; /* the kernel said how much it needs */

                if (!more)
                        return false;
                groups = more;
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                        return false;
        }
        for (size_t i = 0; i < size / sizeof(gid_t); i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

static bool is_admin(const Access *access, uid_t uid)
{
        for (unsigned i = 0; i < access->admin_count; i++)
                if (access->admins[i] == uid)
                        return true;
        return uid == 0;
}

void access_identify(const Access *access, HttpPeer *peer)
{
        struct ucred credentials = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
        socklen_t size = sizeof(credentials);

        peer->role = ROLE_NONE;
        peer->uid = (uid_t)-1;
        if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return;
        peer->uid = credentials.uid;
        if (is_admin(access, credentials.uid))
                peer->role = ROLE_ADMIN;
        else if (is_member(peer->fd, credentials.gid, access->operate_gid))
                peer->role = ROLE_OPERATE;
        else if (is_member(peer->fd, credentials.gid, access->view_gid))
                peer->role = ROLE_VIEW;
}

/* ---- hosts ---- */

static bool is_port(const char *text)
{
        uint64_t port;

        return units_parse_number(text, 65535, &port) == 0;
}

/* The name without port and final dot. Return: its length; 0 if this is no host */
static size_t host_name_length(const char *host)
{
        const char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
        size_t length;

        if (!end)
                return 0;
        if (*end == ']')
                end++;
        if (*end && (*end != ':' || !is_port(end + 1)))
                return 0;
        length = (size_t)(end - host);
        if (length > 1 && host[length - 1] == '.')
                length--;
        return length <= HOST_LENGTH_MAX ? length : 0;
}

static bool host_equals(const char *host, size_t length, const char *name)
{
        return strlen(name) == length && strncasecmp(host, name, length) == 0;
}

bool access_host_is_allowed(const Access *access, const char *host)
{
        static const char *const always[] = { "localhost", "127.0.0.1", "[::1]" };
        size_t length = host_name_length(host);

        if (length == 0)
                return false;
        for (size_t i = 0; i < COUNT_OF(always); i++)
                if (host_equals(host, length, always[i]))
                        return true;
        for (char **name = access->hosts; name && *name; name++)
                if (host_equals(host, length, *name))
                        return true;
        return false;
}

/* ---- requests ---- */

int access_identity(const Access *access, const Request *request, Identity *ret, Refusal *refusal)
{
        const char *header = request->headers.authorization;
        const AccessToken *token;

        *ret = (Identity){ .role = ROLE_NONE, .uid = (uid_t)-1 };
        if (request->peer->is_unix) {
                ret->uid = request->peer->uid;
                ret->role = (ControlRole)request->peer->role;
                return 0;
        }
        if (!header)
                return 0;
        if (strncasecmp(header, "Bearer ", 7) != 0)
                return refusal_set(refusal, REEVE_ERROR_UNAUTHENTICATED,
                                   "Authorization must be \"Bearer\" and a token.");
        token = find_token(access, header + 7);
        if (!token)
                return refusal_set(refusal, REEVE_ERROR_UNAUTHENTICATED,
                                   "This token is not known.");
        ret->has_token = true;
        ret->role = token->role;
        (void)text_copy(ret->token, sizeof(ret->token), token->name);
        return 0;
}

/* A browser says where a request comes from: Sec-Fetch-Site, in older ones Origin alone. Programs
 * send neither, and have shown a token or their uid. */
static bool is_cross_site(const Access *access, const HttpHeaders *headers)
{
        const char *site = headers->sec_fetch_site, *origin = headers->origin, *authority;

        if (site)
                return !text_equal(site, "same-origin") && !text_equal(site, "none");
        if (!origin)
                return false;
        authority = text_after(origin, "http://");
        if (!authority)
                authority = text_after(origin, "https://");
        /* Equal to Host alone would prove nothing: a rebound name is equal to itself. */
        return !authority || strcasecmp(authority, headers->host) != 0
               || !access_host_is_allowed(access, authority);
}

static bool is_json(const char *content_type)
{
        size_t length = strcspn(content_type, "; \t");

        return length == strlen("application/json")
               && strncasecmp(content_type, "application/json", length) == 0;
}

int access_check_unsafe(const Access *access, const Request *request, Refusal *refusal)
{
        const char *type = request->headers.content_type;

        if (is_cross_site(access, &request->headers))
                return refusal_set(refusal, REEVE_ERROR_CROSS_SITE,
                                   "This request comes from the page of another site.");
        if ((type && !is_json(type)) || (!type && request->body_length > 0))
                return refusal_set(refusal, REEVE_ERROR_MEDIA_TYPE,
                                   "Send the body with Content-Type: application/json.");
        return 0;
}

/* Read from /etc/passwd alone: the other sources of the name service may block for seconds. */
static bool user_name(uid_t uid, char *buffer, size_t size)
{
        FILE *file = fopen("/etc/passwd", "re");
        struct passwd entry, *found = NULL;
        char line[PASSWD_LINE_SIZE];
        bool is_found = false;

        while (file && !is_found && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0)
                is_found = found->pw_uid == uid;
        if (is_found)
                (void)utf8_sanitize(buffer, size, found->pw_name, strlen(found->pw_name));
        if (file)
                (void)fclose(file); /* only read */
        return is_found;
}

char *access_actor(const Identity *identity, char *buffer, size_t size)
{
        char name[33];

        if (identity->has_token)
                (void)snprintf(buffer, size, "token %s", identity->token);
        else if (user_name(identity->uid, name, sizeof(name)))
                (void)snprintf(buffer, size, "uid %u (%s)", identity->uid, name);
        else
                (void)snprintf(buffer, size, "uid %u", identity->uid);
        return buffer;
}

void access_done(Access *access)
{
        access->hosts = text_list_free(access->hosts);
        explicit_bzero(access->tokens, sizeof(access->tokens));
        access->token_count = 0;
}
