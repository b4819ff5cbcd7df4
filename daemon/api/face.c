/* face.c - see face.h
 *
 * The way of a request: http/ has made it sound; here it is asked, in this order, whether it was
 * meant for us (Host), who sends it, whether there is such a path and method, whether another
 * site's page sends it, whether the role suffices, and whether it says anything unknown. */
#include "api/face.h"

#include <errno.h>
#include <stdlib.h>

#include "api/resources.h"
#include "api/route.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { TICK_USEC = 100 * 1000 };

/* ---- requests ---- */

static void answer_method(Call *call, unsigned methods)
{
        Refusal refusal = { 0 };
        Reply reply;

        (void)refusal_set(&refusal, REEVE_ERROR_METHOD,
                          "This path knows other methods: see Allow.");
        (void)refusal_to_reply(&refusal, &reply);
        reply_header(&reply, "Allow", "%s%s%s%s", methods & HTTP_GET ? "GET, HEAD" : "",
                     methods & HTTP_GET && methods & (HTTP_POST | HTTP_PATCH) ? ", " : "",
                     methods & HTTP_POST ? "POST" : "", methods & HTTP_PATCH ? "PATCH" : "");
        exchange_reply(call->exchange, &reply);
}

static int check_role(const Call *call, ControlRole wanted, Refusal *refusal)
{
        static const char *const names[] = { "none", "view", "operate", "admin" };

        if (call->identity.role >= wanted)
                return 0;
        if (!call->request->peer->is_unix && !call->identity.has_token)
                return refusal_set(refusal, REEVE_ERROR_UNAUTHENTICATED,
                                   "Show a token: Authorization: Bearer TOKEN.");
        if (wanted == ROLE_ADMIN && !call->request->peer->is_unix)
                return refusal_set(refusal, REEVE_ERROR_FORBIDDEN,
                                   "This is for administrators, on the unix socket only.");
        return refusal_set(refusal, REEVE_ERROR_FORBIDDEN,
                           "This takes the role %s and you have the role %s.", names[wanted],
                           names[call->identity.role]);
}

static int check_parameters(const Call *call, const Route *route, Refusal *refusal)
{
        const Target *target = &call->request->target;

        for (unsigned i = 0; i < target->parameter_count; i++)
                if (!route_has_parameter(route, target->parameters[i].name))
                        return refusal_set(
                                refusal, REEVE_ERROR_BAD_REQUEST,
                                "There is no parameter %s here%s%s.", target->parameters[i].name,
                                *route->parameters ? "; there are: " : "", route->parameters);
        return 0;
}

/* Return: 0; -EINVAL with @refusal; -ENOENT when it was answered already */
static int check_route(Call *call, const Route *route, unsigned methods, Refusal *refusal)
{
        const Target *target = &call->request->target;
        bool is_api = target->segment_count > 0 && text_equal(target->segments[0], "v1");

        /* Who shows no token learns nothing of what there is. */
        if (is_api && check_role(call, route ? route->role : ROLE_VIEW, refusal) < 0
            && text_equal(refusal->code, REEVE_ERROR_UNAUTHENTICATED))
                return -EINVAL;
        *refusal = (Refusal){ 0 };
        if (methods == 0)
                return refusal_set(refusal, REEVE_ERROR_NOT_FOUND,
                                   "There is nothing at this path.");
        if (!route) {
                answer_method(call, methods);
                return -ENOENT;
        }
        if (route->method != HTTP_GET
            && access_check_unsafe(&call->face->access, call->request, refusal) < 0)
                return -EINVAL;
        if (check_role(call, route->role, refusal) < 0)
                return -EINVAL;
        return check_parameters(call, route, refusal);
}

/* What a handler needs is there: the board, copied as it is now. */
static int check_state(Call *call, Refusal *refusal)
{
        int r = snapshot_refresh(&call->face->snapshot, link_board(call->face->link));

        if (r < 0 && !call->face->snapshot.is_filled)
                return refusal_set(refusal, REEVE_ERROR_INTERNAL,
                                   "There is no memory to read the state.");
        return 0; /* without memory the last copy still stands */
}

static void handle(void *userdata, Exchange *exchange)
{
        Call call = { .face = userdata,
                      .exchange = exchange,
                      .request = exchange_request(exchange) };
        const Request *request = call.request;
        const Route *route = NULL;
        Refusal refusal = { 0 };
        unsigned methods;
        int r = 0;

        if (!access_host_is_allowed(&call.face->access, request->headers.host))
                r = refusal_set(&refusal, REEVE_ERROR_MISDIRECTED,
                                "This host name is not among AllowedHosts=.");
        if (r >= 0)
                r = access_identity(&call.face->access, request, &call.identity, &refusal);
        if (r >= 0) {
                route = route_find(&request->target, request->method, &methods);
                r = check_route(&call, route, methods, &refusal);
        }
        if (r >= 0)
                r = check_state(&call, &refusal);
        if (r >= 0)
                route->handle(&call);
        else if (r == -EINVAL)
                exchange_answer_refusal(exchange, &refusal);
}

/* Refusals of http/ come as a status and a sentence. */
static void refuse(void *userdata, unsigned status, const char *sentence, Reply *ret)
{
        const char *code = REEVE_ERROR_BAD_REQUEST;
        Refusal refusal = { .status = status };

        if (status == 404)
                code = REEVE_ERROR_NOT_FOUND;
        else if (status == 413 || status == 414)
                code = REEVE_ERROR_TOO_LARGE;
        else if (status == 501)
                code = REEVE_ERROR_NOT_SUPPORTED;
        else if (status == 503)
                code = REEVE_ERROR_BUSY;
        (void)refusal_set(&refusal, code, "%s", sentence);
        (void)refusal_to_reply(&refusal, ret); /* without memory the status says it alone */
}

static void identify(void *userdata, HttpPeer *peer)
{
        Face *face = userdata;

        access_identify(&face->access, peer);
}

/* ---- listeners ---- */

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
        return value ? value : otherwise;
}

static int add_server(Face *face, int fd, bool is_unix)
{
        const FaceSettings *settings = &face->settings;
        const HttpServerSettings server = {
                .listen_fd = fd,
                .is_unix = is_unix,
                .request_deadline_usec =
                        or_default(settings->request_deadline_usec, REQUEST_DEADLINE_USEC),
                .reply_deadline_usec =
                        or_default(settings->reply_deadline_usec, REPLY_DEADLINE_USEC),
                .heartbeat_usec = or_default(settings->heartbeat_usec, HEARTBEAT_USEC),
                .identify = identify,
                .handle = handle,
                .refuse = refuse,
                .userdata = face,
        };
        int r = fd_set_nonblocking(fd);

        if (r >= 0)
                r = http_server_new(face->event, &server, &face->servers[face->server_count]);
        if (r >= 0)
                face->server_count++;
        return r;
}

static int add_servers(Face *face)
{
        const FaceSettings *settings = &face->settings;
        int r = settings->unix_fd >= 0 ? add_server(face, settings->unix_fd, true) : 0;

        for (size_t i = 0; r >= 0 && i < settings->tcp_count; i++)
                r = face->server_count < FACE_LISTENERS_MAX
                            ? add_server(face, settings->tcp_fds[i], false)
                            : -E2BIG;
        return r;
}

static void begin_to_serve(Face *face)
{
        int r = add_servers(face);

        if (r < 0)
                (void)sd_event_exit(face->event, r); /* the loop returns it */
        else if (face->settings.on_ready)
                face->settings.on_ready();
}

/* ---- what comes from reeved ---- */

const PoolView *face_find_pool(Face *face, const char *name)
{
        if (snapshot_refresh(&face->snapshot, link_board(face->link)) < 0)
                return NULL;
        return snapshot_find_pool(&face->snapshot, name);
}

static void on_news(void *userdata)
{
        Face *face = userdata;

        event_streams_wake(face);
        (void)commands_look(face);
}

static void on_board(void *userdata)
{
        Face *face = userdata;

        snapshot_forget(&face->snapshot);
        if (face->server_count == 0)
                begin_to_serve(face);
        on_news(face);
}

static void on_closed(void *userdata, int r)
{
        Face *face = userdata;

        /* reeved starts another reeve-api when it is back: this one has nothing left to show. */
        (void)sd_event_exit(face->event, r);
}

/* ---- the tick ---- */

void face_tick_on(Face *face)
{
        int enabled = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(face->tick, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time(face->tick, now_usec() + TICK_USEC);
        (void)sd_event_source_set_enabled(face->tick, SD_EVENT_ONESHOT);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        Face *face = userdata;
        bool goes_on = commands_look(face);

        goes_on |= log_streams_tick(face);
        if (goes_on)
                face_tick_on(face);
        return 0;
}

/* ---- begin and end ---- */

static int add_access(Face *face, const FaceSettings *settings, Error *reterr)
{
        int r = access_init(&face->access, &settings->access, reterr);

        return r >= 0 && settings->tokens
                       ? access_add_tokens(&face->access, settings->tokens, reterr)
                       : r;
}

static int begin(Face *face, const FaceSettings *settings, Error *reterr)
{
        const LinkHandlers handlers = {
                .on_board = on_board, .on_news = on_news, .on_closed = on_closed, .userdata = face
        };
        int r = sd_event_add_time(face->event, &face->tick, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                                  on_tick, face);

        if (r >= 0)
                r = sd_event_source_set_enabled(face->tick, SD_EVENT_OFF);
        if (r >= 0)
                r = add_access(face, settings, reterr);
        if (r >= 0)
                r = link_new(face->event, settings->control_fd,
                             or_default(settings->command_timeout_usec, LINK_TIMEOUT_USEC),
                             &handlers, &face->link);
        if (r < 0 && !error_is_set(reterr))
                return error_set(reterr, r, REEVE_ERROR_INTERNAL, "reeve-api cannot begin: %s",
                                 strerror(-r));
        return r;
}

int face_new(sd_event *event, const FaceSettings *settings, Face **ret, Error *reterr)
{
        Face *face = calloc(1, sizeof(*face));
        int r;

        if (!face)
                return error_set(reterr, -ENOMEM, REEVE_ERROR_INTERNAL, "There is no memory.");
        face->event = sd_event_ref(event);
        face->settings = *settings;
        r = begin(face, settings, reterr);
        if (r < 0) {
                (void)face_free(face);
                return r;
        }
        *ret = face;
        return 0;
}

Face *face_free(Face *face)
{
        if (!face)
                return NULL;
        while (face->server_count > 0)
                (void)http_server_free(face->servers[--face->server_count]);
        (void)link_free(face->link);
        commands_forget(face);
        sd_event_source_disable_unref(face->tick);
        access_done(&face->access);
        pool_cache_done(&face->pool_cache);
        idempotency_done(&face->idempotency);
        snapshot_done(&face->snapshot);
        sd_event_unref(face->event);
        free(face);
        return NULL;
}
