/* face.c - see face.h */
#include "engine/face.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "board/control.h"
#include "engine/builtin.h"
#include "engine/commands.h"
#include "engine/inspection.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "engine/tokens.h"
#include "reeve/api.h"
#include "spawn/listeners.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/memfd.h"
#include "sys/packet.h"

enum { OPEN_TRIES = 50, OPEN_WAIT_MSEC = 20 };
enum { FACE_ADMINS_MAX = 32, COMMANDS_PER_ROUND = 64 };

struct Face {
        Engine *engine;
        Pool *pool;
        int executable_fd;
        Listeners local, tcp; /* api.sock; ListenHTTP= */
        int tokens_fd;        /* memfd of NAME:ROLE:SHA256 lines; -1: none */
        uid_t admins[FACE_ADMINS_MAX];
        size_t admin_count;
        gid_t operate_group, view_group; /* (gid_t)-1: none */
        gid_t group;                     /* of the process */
        int control_fd, child_fd;        /* our end, and its end until it runs */
        sd_event_source *control_source;
        char addresses[512];
};

/* ---- its configuration ---- */

/* Who it runs as: ApiUser=, else nobody. NULL: as we do, when we are not root ourselves. */
static const char *choose_user(Engine *engine)
{
        const char *user = engine->config->api_user;

        if (engine->settings.is_user_mode)
                return NULL;
        if (user && getpwnam(user))
                return user;
        publish_warning(engine, "",
                        "ApiUser=%s does not exist: reeve-api runs as nobody. Create the user, or "
                        "name another one in reeve.conf.",
                        user ? user : "");
        return "nobody";
}

static gid_t look_up_group(Engine *engine, const char *name, const char *key)
{
        const struct group *group = name ? getgrnam(name) : NULL;

        if (name && *name && !group && !engine->settings.is_user_mode)
                publish_warning(engine, "",
                                "%s=%s: there is no such group, so nobody has that role.", key,
                                name);
        return group ? group->gr_gid : (gid_t)-1;
}

static void look_up_admins(Face *face)
{
        const Config *config = face->engine->config;

        face->admins[face->admin_count++] = 0;
        if (getuid() != 0)
                face->admins[face->admin_count++] = getuid();
        for (char *const *name = config->admin_users; name && *name; name++) {
                const struct passwd *account = getpwnam(*name);

                if (account && account->pw_uid != 0 && face->admin_count < FACE_ADMINS_MAX)
                        face->admins[face->admin_count++] = account->pw_uid;
                else if (!account)
                        publish_warning(face->engine, "", "AdminUsers=%s: there is no such user.",
                                        *name);
        }
        face->operate_group = look_up_group(face->engine, config->operate_group, "OperateGroup");
        face->view_group = look_up_group(face->engine, config->view_group, "ViewGroup");
}

bool face_is_admin(const Face *face, uid_t uid)
{
        for (size_t i = 0; face && i < face->admin_count; i++)
                if (face->admins[i] == uid)
                        return true;
        return false;
}

/* ---- listeners ---- */

/* An earlier reeve-api may still be about to end: it does so when its reeved has. The loop does not
 * run yet, so there is nobody to be held up. */
static int open_when_free(const PoolConfig *config, Listeners *ret, Error *reterr)
{
        int r = -EADDRINUSE;

        for (int i = 0; i < OPEN_TRIES && r == -EADDRINUSE; i++) {
                if (i > 0)
                        (void)poll(NULL, 0, OPEN_WAIT_MSEC);
                r = listeners_open(config, ret, reterr);
        }
        return r;
}

static int open_local(Face *face, Error *reterr)
{
        ListenAddress address = { .type = SOCK_STREAM };
        PoolConfig config = { .name = (char *)"@api", .listeners = &address, .listener_count = 1 };
        struct sockaddr_un *local = &address.address.local;
        /* The folder and the socket let in whom a role is possible for; the face then decides by
         * SO_PEERCRED. */
        bool is_open = face->view_group != (gid_t)-1 || face->admin_count > 2;
        mode_t mode = is_open ? 0666 : face->operate_group != (gid_t)-1 ? 0660 : 0600;
        int length, r;

        local->sun_family = AF_UNIX;
        length = snprintf(local->sun_path, sizeof(local->sun_path), "%s/" REEVE_API_SOCKET_NAME,
                          face->engine->settings.runtime_dir);
        if ((size_t)length >= sizeof(local->sun_path))
                return error_set(reterr, -ENAMETOOLONG, "path-too-long",
                                 "the path of the API socket is longer than %zu bytes; use a "
                                 "shorter --runtime folder",
                                 sizeof(local->sun_path) - 1);
        address.text = local->sun_path;
        address.length = (socklen_t)sizeof(*local);
        r = open_when_free(&config, &face->local, reterr);
        if (r < 0)
                return r;
        if ((face->operate_group != (gid_t)-1
             && chown(local->sun_path, (uid_t)-1, face->operate_group) < 0)
            || chmod(local->sun_path, mode) < 0)
                return error_set(reterr, -errno, "listen", "cannot set the mode of %s: %s",
                                 local->sun_path, strerror(errno));
        (void)text_copy(face->addresses, sizeof(face->addresses), local->sun_path);
        return 0;
}

static int open_tcp(Face *face, Error *reterr)
{
        const Config *asked = face->engine->config;
        PoolConfig config = { .name = (char *)"@api",
                              .listeners = asked->listen_http,
                              .listener_count = asked->listen_http_count };
        int r;

        if (asked->listen_http_count == 0)
                return 0;
        r = open_when_free(&config, &face->tcp, reterr);
        if (r < 0 || !face->tcp.bound)
                return r;
        for (const char *word = face->tcp.bound; *word;) {
                size_t length = strcspn(word, " "), used = strlen(face->addresses);

                (void)snprintf(face->addresses + used, sizeof(face->addresses) - used,
                               " and http://%.*s", (int)length, word);
                word += length + strspn(word + length, " ");
        }
        return 0;
}

/* ---- making and freeing ---- */

static int open_executable(Face *face, Error *reterr)
{
        const char *path = face->engine->settings.api_path;

        face->executable_fd = open(path, O_PATH | O_CLOEXEC);
        return face->executable_fd < 0 ? error_set(reterr, -errno, "api",
                                                   "cannot open reeve-api at %s: %s. Give its path "
                                                   "with --api.",
                                                   path, strerror(errno))
                                       : 0;
}

static int add_pool(Face *face, Error *reterr)
{
        AUTO(PoolConfig) *config =
                builtin_config("@api", "reeve's own HTTP API", face->engine->settings.api_path,
                               choose_user(face->engine));
        AUTO(Pool) *pool = NULL;
        int r;

        if (!config)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        r = pool_new(face->engine, config, true, &pool, reterr);
        if (r < 0)
                return r;
        face->group = pool->definition->account->identity.is_set
                              ? pool->definition->account->identity.gid
                              : (gid_t)-1;
        face->pool = pool;
        if (engine_add_pool(face->engine, pool) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        pool = NULL;
        return 0;
}

int face_new(Engine *engine, Face **ret, Error *reterr)
{
        Face *face = calloc(1, sizeof(Face));
        int r;

        if (!face)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        *face = (Face){ .engine = engine,
                        .executable_fd = -1,
                        .tokens_fd = -1,
                        .control_fd = -1,
                        .child_fd = -1,
                        .group = (gid_t)-1 };
        look_up_admins(face);
        r = open_executable(face, reterr);
        if (r >= 0)
                r = open_local(face, reterr);
        if (r >= 0)
                r = open_tcp(face, reterr);
        if (r >= 0)
                r = tokens_load(engine, &face->tokens_fd, reterr);
        if (r >= 0)
                r = add_pool(face, reterr);
        if (r < 0) {
                face_free(face);
                return r;
        }
        *ret = face;
        return 0;
}

static void disconnect(Face *face)
{
        inspections_end(face->engine);
        face->control_source = sd_event_source_disable_unref(face->control_source);
        face->control_fd = fd_close(face->control_fd);
}

Face *face_free(Face *face)
{
        if (!face)
                return NULL;
        disconnect(face);
        (void)fd_close(face->child_fd);
        (void)fd_close(face->executable_fd);
        (void)fd_close(face->tokens_fd);
        listeners_done(&face->local);
        listeners_done(&face->tcp);
        free(face);
        return NULL;
}

gid_t face_group(const Face *face)
{
        return face ? face->group : (gid_t)-1;
}

int face_executable(const Face *face)
{
        return face->executable_fd;
}

const char *face_addresses(const Face *face)
{
        return face ? face->addresses : "nowhere (no reeve-api)";
}

/* ---- one life ---- */

size_t face_fds(Face *face, SpawnFd *fds, size_t max)
{
        int pair[2];
        size_t count = 0;

        face->child_fd = fd_close(face->child_fd);
        disconnect(face);
        if (packet_pair(pair) < 0)
                return 0;
        face->control_fd = pair[0];
        face->child_fd = pair[1];
        fds[count++] = (SpawnFd){ face->child_fd, CONTROL_FD_NAME };
        if (face->tokens_fd >= 0)
                fds[count++] = (SpawnFd){ face->tokens_fd, "tokens" };
        for (size_t i = 0; i < face->local.count && count < max; i++)
                fds[count++] = (SpawnFd){ face->local.shared[i].fd, CONTROL_UNIX_NAME };
        for (size_t i = 0; i < face->tcp.count && count < max; i++)
                fds[count++] = (SpawnFd){ face->tcp.shared[i].fd, CONTROL_TCP_NAME };
        return count;
}

static int add_group(char ***environment, const char *name, gid_t group)
{
        char line[64];

        if (group == (gid_t)-1)
                return 0;
        (void)snprintf(line, sizeof(line), "%s=%u", name, (unsigned)group);
        return text_list_add(environment, line);
}

static int add_admins(const Face *face, char ***environment)
{
        char line[FACE_ADMINS_MAX * 12 + 32] = "REEVE_API_ADMIN_UIDS=";
        size_t used = strlen(line);

        for (size_t i = 0; i < face->admin_count; i++)
                used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%u", i ? "," : "",
                                         (unsigned)face->admins[i]);
        return text_list_add(environment, line);
}

int face_add_environment(Face *face, char ***environment)
{
        AUTO_TEXT hosts = { 0 };
        AUTO_FREE char *line = NULL;
        int r;

        text_append(&hosts, "REEVE_API_ALLOWED_HOSTS=localhost 127.0.0.1 [::1]");
        for (char *const *host = face->engine->config->allowed_hosts; host && *host; host++)
                text_printf(&hosts, " %s", *host);
        r = text_take(&hosts, &line);
        if (r >= 0)
                r = text_list_add(environment, line);
        if (r >= 0)
                r = add_admins(face, environment);
        if (r >= 0)
                r = add_group(environment, "REEVE_API_OPERATE_GID", face->operate_group);
        if (r >= 0)
                r = add_group(environment, "REEVE_API_VIEW_GID", face->view_group);
        return r;
}

/* ---- the control socket ---- */

static void send_reply(Face *face, const ControlCommand *command, ControlReply *reply, int plan_fd)
{
        size_t left_out = sizeof(uint32_t) * (BOARD_OPERATION_PIDS - reply->operation.pid_count);
        size_t length = sizeof(*reply) - left_out;
        int r;

        reply->head = (ControlHead){ CONTROL_VERSION, CONTROL_REPLY, command->head.request };
        r = packet_send(face->control_fd, reply, length, &plan_fd, plan_fd >= 0);
        (void)fd_close(plan_fd);
        if (r < 0)
                report(LOG_WARNING, "reeve-api does not take its answer: %s", strerror(-r));
}

static void handle_log(Face *face, const ControlOpenLog *asked)
{
        int fds[CONTROL_LOG_FILES];
        ControlLog answer;
        int r;

        command_open_log(face->engine, asked, fds, &answer);
        answer.head = (ControlHead){ CONTROL_VERSION, CONTROL_LOG, asked->head.request };
        r = packet_send(face->control_fd, &answer, sizeof(answer), fds, answer.count);
        if (r < 0)
                report(LOG_WARNING, "reeve-api does not take its answer: %s", strerror(-r));
        for (uint32_t i = 0; i < answer.count; i++)
                (void)fd_close(fds[i]);
}

void face_send_inspected(Face *face, uint64_t request, int fd, const Error *error)
{
        ControlInspected answer = { .head = { CONTROL_VERSION, CONTROL_INSPECTED, request } };
        int r;

        if (error) {
                (void)text_copy(answer.code, sizeof(answer.code),
                                error->code ? error->code : REEVE_ERROR_INTERNAL);
                (void)text_copy(answer.message, sizeof(answer.message), error->message);
        } else if (fd < 0) {
                (void)text_copy(answer.code, sizeof(answer.code), REEVE_ERROR_INTERNAL);
                (void)text_copy(answer.message, sizeof(answer.message),
                                "There are no descriptors left to hand the answer over.");
        }
        r = packet_send(face->control_fd, &answer, sizeof(answer), &fd, fd >= 0);
        if (r < 0)
                report(LOG_WARNING, "reeve-api does not take its answer: %s", strerror(-r));
}

static void handle_inspect(Face *face, const ControlInspect *asked, int client_fd)
{
        Error error = { 0 };

        if (inspection_ask(face->engine, asked, client_fd, &error) < 0)
                face_send_inspected(face, asked->head.request, -1, &error);
}

typedef union FaceMessage {
        ControlHead head;
        ControlHello hello;
        ControlCommand command;
        ControlOpenLog open_log;
        ControlInspect inspect;
} FaceMessage;

/* Return: false if it is none of ours; the connection is then given up. */
static bool handle(Face *face, const FaceMessage *message, size_t length, int client_fd)
{
        ControlReply reply;
        int plan_fd;

        if (length < sizeof(ControlHead) || message->head.version != CONTROL_VERSION)
                return false;
        switch (message->head.kind) {
        case CONTROL_HELLO: return true;
        case CONTROL_COMMAND:
                if (length != sizeof(ControlCommand))
                        return false;
                command_run(face->engine, &message->command, client_fd, &reply, &plan_fd);
                send_reply(face, &message->command, &reply, plan_fd);
                return true;
        case CONTROL_OPEN_LOG:
                if (length != sizeof(ControlOpenLog))
                        return false;
                handle_log(face, &message->open_log);
                return true;
        case CONTROL_INSPECT:
                if (length != sizeof(ControlInspect) || message->inspect.question < QUESTION_PROCESS
                    || message->inspect.question >= QUESTION_COUNT_)
                        return false;
                handle_inspect(face, &message->inspect, client_fd);
                return true;
        default: return false;
        }
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Face *face = userdata;

        for (unsigned i = 0; i < COMMANDS_PER_ROUND; i++) {
                FaceMessage message;
                int fds[PACKET_FDS_MAX];
                size_t fd_count = 0;
                ssize_t n = packet_receive(fd, &message, sizeof(message), fds, &fd_count, NULL);
                bool is_good;

                if (n == -EAGAIN)
                        return 0;
                is_good = n > 0 && handle(face, &message, (size_t)n, fd_count == 1 ? fds[0] : -1);
                while (fd_count > 0)
                        (void)fd_close(fds[--fd_count]);
                if (is_good)
                        continue;
                /* Reset: it ended with news of ours unread. */
                if (n != 0 && n != -ECONNRESET)
                        report(LOG_ERR, "reeve-api sends what it should not: disconnecting it");
                disconnect(face);
                return 0;
        }
        return 0;
}

void face_launched(Face *face, bool has_begun)
{
        int r;

        face->child_fd = fd_close(face->child_fd);
        if (!has_begun) {
                disconnect(face);
                return;
        }
        r = sd_event_add_io(face->engine->event, &face->control_source, face->control_fd, EPOLLIN,
                            on_control, face);
        if (r >= 0)
                r = sd_event_source_set_priority(face->control_source, PRIORITY_CONTROL);
        if (r < 0)
                report(LOG_ERR, "cannot listen to reeve-api: %s", strerror(-r));
        face_send_board(face);
}

void face_send_board(Face *face)
{
        ControlBoard message = { .head = { CONTROL_VERSION, CONTROL_BOARD, 0 } };
        int fd, r;

        if (!face || face->control_fd < 0)
                return;
        message.size = face->engine->board_size;
        fd = memfd_reopen_read_only(face->engine->board_fd);
        r = fd < 0 ? fd : packet_send(face->control_fd, &message, sizeof(message), &fd, 1);
        (void)fd_close(fd);
        if (r < 0) {
                /* Without the board it is of no use: it starts anew and gets it then. */
                report(LOG_ERR, "cannot hand the board to reeve-api: %s", strerror(-r));
                disconnect(face);
        }
}

void face_send_news(Face *face)
{
        ControlNews message = { .head = { CONTROL_VERSION, CONTROL_NEWS, 0 } };

        if (!face || face->control_fd < 0)
                return;
        message.next_event = board_header(face->engine->board)->next_event;
        /* EAGAIN: it has unread news already, and reads the ring when it gets there. */
        (void)packet_send(face->control_fd, &message, sizeof(message), NULL, 0);
}
