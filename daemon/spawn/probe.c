/* probe.c - see probe.h */
#include "spawn/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/text.h"
#include "config/address.h"
#include "spawn/http_head.h"
#include "sys/fd.h"

/* A head is shorter, cookies and all; who sends more than this before its empty line is unwell, and
 * so is who announces its answer by more than this without ever giving it. */
enum { HEAD_MAX = 8192 };

typedef enum ProbeStage { STAGE_CONNECT, STAGE_SEND, STAGE_READ } ProbeStage;

struct Probe {
        const ProbeTarget *target;
        int fd;
        ProbeStage stage;
        size_t sent, length, read; /* @read: of all heads together */
        char head[HEAD_MAX];
};

/* ---- where ---- */

/* Without the text: everybody may read why a probe failed, and variables may hold secrets. */
static int refuse(Error *reterr, ProbeKind kind)
{
        return error_set(reterr, -EINVAL, "probe-failed",
                         "%s= is no %s with a numeric address and port once its variables are "
                         "replaced",
                         kind == PROBE_HTTP ? "Http" : "Tcp",
                         kind == PROBE_HTTP ? "URL" : "target");
}

/* "127.0.0.1:80/path" in its parts. The query belongs to the path. */
static int parse_url(const char *text, ProbeTarget *target)
{
        const char *host = text_after(text, "http://");
        size_t length = host ? strcspn(host, "/?") : 0;
        AUTO_FREE char *authority = host ? strndup(host, length) : NULL;
        AUTO_FREE char *address = NULL;
        const char *path = host ? host + length : "", *bracket;
        int r;

        if (!host)
                return -EINVAL;
        if (!authority)
                return -ENOMEM;
        bracket = strrchr(authority, ']');
        if (asprintf(&address, "%s%s", authority,
                     strchr(bracket ? bracket : authority, ':') ? "" : ":80")
            < 0) {
                address = NULL;
                return -ENOMEM;
        }
        r = address_parse(address, &target->address);
        if (r < 0)
                return r;
        if (asprintf(&target->request,
                     "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: reeve\r\nAccept: */*\r\n"
                     "Connection: close\r\n\r\n",
                     *path == '/' ? "" : "/", path, authority)
            < 0) {
                target->request = NULL;
                return -ENOMEM;
        }
        return 0;
}

int probe_target_parse(ProbeKind kind, const char *text, ProbeTarget *ret, Error *reterr)
{
        ProbeTarget target = { 0 };
        bool is_http = kind == PROBE_HTTP;
        /* A variable may have brought anything; a line of its own must not be made of it. */
        bool is_sound = is_http ? url_is_valid(text, strlen(text)) : address_is_target(text);
        int r = -EINVAL;

        if (is_sound)
                r = is_http ? parse_url(text, &target) : address_parse(text, &target.address);
        if (r == 0) {
                *ret = target;
                return 0;
        }
        probe_target_done(&target);
        return r == -ENOMEM ? error_set(reterr, r, "no-memory", "out of memory")
                            : refuse(reterr, kind);
}

void probe_target_done(ProbeTarget *target)
{
        address_done(&target->address);
        free(target->request);
        *target = (ProbeTarget){ 0 };
}

/* ---- the look ---- */

static int fail(Error *reterr, int r, const char *what)
{
        return error_set(reterr, r, "probe-failed", "%s: %s", what, strerror(-r));
}

Probe *probe_free(Probe *probe)
{
        if (!probe)
                return NULL;
        (void)fd_close(probe->fd);
        free(probe);
        return NULL;
}

int probe_start(const ProbeTarget *target, Probe **ret, Error *reterr)
{
        const ListenAddress *address = &target->address;
        AUTO(Probe) *probe = malloc(sizeof(Probe));

        if (!probe)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        probe->target = target;
        probe->stage = STAGE_CONNECT;
        probe->sent = probe->length = probe->read = 0;
        probe->fd = socket(address->address.any.sa_family,
                           SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (probe->fd < 0)
                return fail(reterr, -errno, "cannot make a socket");
        if (connect(probe->fd, &address->address.any, address->length) < 0 && errno != EINPROGRESS)
                return fail(reterr, -errno, "cannot connect");
        *ret = TAKE_PTR(probe);
        return 0;
}

int probe_fd(const Probe *probe)
{
        return probe->fd;
}

uint32_t probe_events(const Probe *probe)
{
        return probe->stage == STAGE_READ ? EPOLLIN : EPOLLOUT;
}

/* Who connects to a port of the range that connections are given theirs from, and nobody listens,
 * may be given that very port, and be connected to itself. */
static bool is_own_reflection(int fd)
{
        struct sockaddr_storage here = { 0 }, there = { 0 };
        socklen_t here_length = sizeof(here), there_length = sizeof(there);

        return getsockname(fd, (struct sockaddr *)&here, &here_length) == 0
               && getpeername(fd, (struct sockaddr *)&there, &there_length) == 0
               && here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

/* Return: 1 once connected, 0 not yet, negative errno */
static int finish_connect(const Probe *probe, Error *reterr)
{
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        int error = 0;
        socklen_t length = sizeof(error);

        if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                error = errno;
        if (error != 0)
                return fail(reterr, -error, "cannot connect");
        if (getpeername(probe->fd, (struct sockaddr *)&peer, &size) < 0)
                return errno == ENOTCONN ? 0 : fail(reterr, -errno, "cannot connect");
        return is_own_reflection(probe->fd) ? fail(reterr, -ECONNREFUSED, "cannot connect") : 1;
}

/* Return: 1 once all is sent, 0 not yet, negative errno */
static int send_request(Probe *probe, Error *reterr)
{
        const char *request = probe->target->request;
        size_t length = strlen(request);

        while (probe->sent < length) {
                ssize_t n =
                        send(probe->fd, request + probe->sent, length - probe->sent, MSG_NOSIGNAL);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n < 0)
                        return fail(reterr, -errno, "cannot ask");
                probe->sent += (size_t)n;
        }
        return 1;
}

static int judge(unsigned status, Error *reterr)
{
        if (status >= 200 && status < 400)
                return 1;
        return error_set(reterr, -EPROTO, "probe-failed", "the answer was status %u", status);
}

/* Return: 1 or negative errno once the head is there, 0 not yet */
static int look_at_head(Probe *probe, Error *reterr)
{
        unsigned status = 0;
        ssize_t n;

        /* 100 to 199 announce the answer proper. */
        while ((n = http_head_parse(probe->head, probe->length, &status)) > 0 && status < 200) {
                probe->length -= (size_t)n;
                memmove(probe->head, probe->head + n, probe->length);
        }
        if (n > 0)
                return judge(status, reterr);
        if (n < 0)
                return error_set(reterr, -EBADMSG, "probe-failed", "the answer is not HTTP/1");
        if (probe->read == sizeof(probe->head))
                return error_set(reterr, -EMSGSIZE, "probe-failed",
                                 "the head of the answer is longer than %d bytes", HEAD_MAX);
        return 0;
}

/* The body is not waited for: the answer stands in the head. */
static int read_head(Probe *probe, Error *reterr)
{
        ssize_t n;
        int r = 0;

        while (r == 0) {
                n = recv(probe->fd, probe->head + probe->length, sizeof(probe->head) - probe->read,
                         0);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n < 0)
                        return fail(reterr, -errno, "no answer");
                if (n == 0)
                        return error_set(reterr, -ECONNRESET, "probe-failed",
                                         "the connection was closed before an answer");
                probe->length += (size_t)n;
                probe->read += (size_t)n;
                r = look_at_head(probe, reterr);
        }
        return r;
}

int probe_step(Probe *probe, Error *reterr)
{
        int r = 1;

        if (probe->stage == STAGE_CONNECT) {
                r = finish_connect(probe, reterr);
                if (r <= 0 || !probe->target->request)
                        return r;
                probe->stage = STAGE_SEND;
        }
        if (probe->stage == STAGE_SEND) {
                r = send_request(probe, reterr);
                if (r <= 0)
                        return r;
                probe->stage = STAGE_READ;
        }
        return read_head(probe, reterr);
}
