/* fixture.c - see fixture.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "api/digest.h"
#include "api/face.h"
#include "base/text.h"
#include "model/pool.h"
#include "model/worker.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/memfd.h"
#include "sys/packet.h"

/* ---- the board ---- */

static void write_pool(Fixture *fixture, uint32_t index, const char *name, bool is_builtin)
{
        BoardPool row = { .index = index,
                          .is_builtin = is_builtin,
                          .state = POOL_RUNNING,
                          .processes = 2,
                          .threads = 4,
                          .file_processes = 2,
                          .file_threads = 4,
                          .processes_max = 8,
                          .threads_min = 1,
                          .threads_max = 16,
                          .memory_budget_bytes = UINT64_MAX,
                          .generation = 5,
                          .ready = 2,
                          .total = 2 };

        (void)text_copy(row.name, sizeof(row.name), name);
        (void)text_copy(row.description, sizeof(row.description), "caf\xC3\xA9 <b>\xFF\"");
        (void)text_copy(row.command, sizeof(row.command), "/bin/serve --password=hunter2 --fast");
        (void)text_copy(row.listeners, sizeof(row.listeners), "127.0.0.1:80 /run/web.sock");
        assert_int_equal(board_pool_write(fixture->board, index, &row), 0);
}

static void write_worker(Fixture *fixture, uint32_t index, uint32_t slot, int32_t pid,
                         WorkerState state)
{
        BoardWorker row = { .pool = 1,
                            .slot = slot,
                            .pid = pid,
                            .state = state,
                            .start_ticks = 1000 + (uint64_t)slot,
                            .started_monotonic_usec = now_usec() - 5000000,
                            .started_realtime_usec = 1700000000123456,
                            .deadline_monotonic_usec = UINT64_MAX,
                            .cpu_ratio = 0.5,
                            .user_usec = 1500000,
                            .rss_bytes = 1 << 20,
                            .thread_count = 3,
                            .sampled_monotonic_usec = now_usec(),
                            .process_state = 'S',
                            .log_file = 1 };

        if (pid == 0) {
                row.exit_kind = BOARD_EXIT_SIGNAL;
                row.exit_value = SIGKILL;
                row.exit_realtime_usec = 1700000000000000;
                row.restarts = 3;
        }
        (void)text_copy(row.status_text, sizeof(row.status_text), "<script>");
        assert_int_equal(board_worker_write(fixture->board, index, &row), 0);
}

static void make_board(Fixture *fixture, uint64_t epoch)
{
        const BoardCapacity capacity = { .pools = 4, .workers = 16 };
        const BoardWarning warning = { .pool = "web", .text = "MemoryMax= is not honoured here." };

        if (fixture->board) {
                (void)munmap(fixture->board, fixture->board_size);
                fixture->board_fd = fd_close(fixture->board_fd);
        }
        fixture->board_size = board_size(&capacity);
        fixture->board_fd = memfd_new("board", fixture->board_size, &fixture->board);
        assert_true(fixture->board_fd >= 0);
        assert_int_equal(board_format(fixture->board, fixture->board_size, &capacity, epoch), 0);
        write_pool(fixture, 0, "@api", true);
        write_pool(fixture, 1, "web", false);
        write_pool(fixture, 2, "empty", false);
        write_worker(fixture, 2, 0, 4711, WORKER_READY);
        write_worker(fixture, 0, 1, 4712, WORKER_READY);
        write_worker(fixture, 1, 2, 0, WORKER_BACKOFF);
        assert_int_equal(board_warning_write(fixture->board, 0, &warning), 0);
        board_header(fixture->board)->is_ready = 1;
        board_header(fixture->board)->daemon_pid = 99;
}

static void hand_over(Fixture *fixture)
{
        ControlBoard message = { .head = { CONTROL_VERSION, CONTROL_BOARD, 0 },
                                 .size = fixture->board_size };
        AUTO_CLOSE fd = memfd_reopen_read_only(fixture->board_fd);

        assert_int_equal(packet_send(fixture->control, &message, sizeof(message), &fd, 1), 0);
}

void core_send_board(Fixture *fixture, uint64_t epoch)
{
        make_board(fixture, epoch);
        hand_over(fixture);
}

void core_send_news(Fixture *fixture)
{
        ControlNews news = { .head = { CONTROL_VERSION, CONTROL_NEWS, 0 } };

        assert_int_equal(packet_send(fixture->control, &news, sizeof(news), NULL, 0), 0);
}

void core_add_event(Fixture *fixture, EventType type, const char *pool, const char *detail)
{
        BoardEvent event = { .type = type, .realtime_usec = 1700000000000001 };

        (void)text_copy(event.pool, sizeof(event.pool), pool);
        (void)text_copy(event.detail, sizeof(event.detail), detail);
        (void)text_copy(event.actor, sizeof(event.actor), "uid 0");
        (void)board_event_add(fixture->board, &event);
}

/* ---- the core's side of the control socket ---- */

static void wait_readable(int fd)
{
        struct pollfd wanted = { .fd = fd, .events = POLLIN };

        assert_int_equal(poll(&wanted, 1, WAIT_MSEC), 1);
}

static void expect(Fixture *fixture, void *buffer, size_t size, uint32_t kind, int *ret_fd)
{
        ControlHead *head = buffer;
        int fds[PACKET_FDS_MAX];
        size_t count;
        ssize_t n;

        wait_readable(fixture->control);
        n = packet_receive(fixture->control, buffer, size, fds, &count, NULL);
        assert_int_equal(n, size);
        assert_int_equal(head->version, CONTROL_VERSION);
        assert_int_equal(head->kind, kind);
        if (ret_fd)
                *ret_fd = count > 0 ? fds[0] : -1;
        else
                while (count > 0)
                        (void)fd_close(fds[--count]);
}

void core_expect_command(Fixture *fixture, ControlCommand *ret, int *ret_client_fd)
{
        expect(fixture, ret, sizeof(*ret), CONTROL_COMMAND, ret_client_fd);
}

void core_expect_open_log(Fixture *fixture, ControlOpenLog *ret)
{
        expect(fixture, ret, sizeof(*ret), CONTROL_OPEN_LOG, NULL);
}

void core_expect_inspect(Fixture *fixture, ControlInspect *ret, int *ret_client_fd)
{
        expect(fixture, ret, sizeof(*ret), CONTROL_INSPECT, ret_client_fd);
}

void core_expect_silence(Fixture *fixture)
{
        struct pollfd wanted = { .fd = fixture->control, .events = POLLIN };

        assert_int_equal(poll(&wanted, 1, 0), 0);
}

void core_reply(Fixture *fixture, const ControlCommand *command, ControlReply *reply)
{
        size_t unused = BOARD_OPERATION_PIDS - reply->operation.pid_count;

        reply->head = (ControlHead){ CONTROL_VERSION, CONTROL_REPLY, command->head.request };
        assert_int_equal(packet_send(fixture->control, reply,
                                     sizeof(*reply) - unused * sizeof(uint32_t), NULL, 0),
                         0);
}

void core_reply_log(Fixture *fixture, const ControlOpenLog *asked, const int *fds, size_t count,
                    uint64_t log_file)
{
        ControlLog log = { .head = { CONTROL_VERSION, CONTROL_LOG, asked->head.request },
                           .count = (uint32_t)count,
                           .log_file = log_file };

        assert_int_equal(packet_send(fixture->control, &log, sizeof(log), fds, count), 0);
}

void core_reply_inspected(Fixture *fixture, const ControlInspect *asked, const char *text,
                          const char *code)
{
        ControlInspected answer = { .head = { CONTROL_VERSION, CONTROL_INSPECTED,
                                              asked->head.request } };
        AUTO_CLOSE fd = text ? memfd_create("findings", MFD_CLOEXEC) : -1;

        if (text)
                assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        else
                (void)text_copy(answer.code, sizeof(answer.code), code);
        (void)text_copy(answer.message, sizeof(answer.message), "for a reason");
        assert_int_equal(packet_send(fixture->control, &answer, sizeof(answer), &fd, text != NULL),
                         0);
}

/* ---- reeve-api ---- */

static int listen_on(const struct sockaddr *address, socklen_t length)
{
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, address, length), 0);
        assert_int_equal(listen(fd, 128), 0);
        return fd;
}

static int listen_unix(Fixture *fixture)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char folder[] = "/tmp/reeve-api-test-XXXXXX";
        int fd;

        assert_ptr_equal(mkdtemp(folder), folder);
        (void)text_copy(fixture->folder, sizeof(fixture->folder), folder);
        (void)snprintf(fixture->socket, sizeof(fixture->socket), "%s/api.sock", fixture->folder);
        (void)text_copy(address.sun_path, sizeof(address.sun_path), fixture->socket);
        fd = listen_on((struct sockaddr *)&address, sizeof(address));
        /* Other users are to get as far as the check of their role. */
        assert_int_equal(chmod(fixture->folder, 0755), 0);
        assert_int_equal(chmod(fixture->socket, 0666), 0);
        return fd;
}

static int listen_tcp(Fixture *fixture)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);
        int fd = listen_on((struct sockaddr *)&address, sizeof(address));

        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        fixture->port = ntohs(address.sin_port);
        return fd;
}

static void append_token(Text *lines, const char *name, const char *role, const char *token)
{
        unsigned char digest[DIGEST_SIZE];

        assert_int_equal(digest_bytes(token, strlen(token), digest), 0);
        text_printf(lines, "%s:%s:", name, role);
        for (size_t i = 0; i < sizeof(digest); i++)
                text_printf(lines, "%02x", digest[i]);
        text_append(lines, "\n");
}

static int serve(FaceSettings *settings)
{
        AUTO(Face) *face = NULL;
        sd_event *event = NULL;
        Error error = { 0 };
        int r = sd_event_new(&event);

        if (r >= 0)
                r = face_new(event, settings, &face, &error);
        if (r >= 0)
                r = sd_event_loop(event);
        else
                (void)fprintf(stderr, "face_new: %s\n", error.message);
        face = face_free(face);
        (void)sd_event_unref(event);
        return r < 0;
}

static void run_child(Fixture *fixture, const FixtureOptions *options, int control, int local,
                      int tcp)
{
        FaceSettings settings = { .control_fd = control,
                                  .unix_fd = local,
                                  .tcp_fds = { tcp },
                                  .tcp_count = 1,
                                  .request_deadline_usec = options->request_deadline_usec,
                                  .reply_deadline_usec = options->reply_deadline_usec,
                                  .heartbeat_usec = options->heartbeat_usec,
                                  .command_timeout_usec = options->command_timeout_usec };
        AUTO_TEXT tokens = { 0 };
        char uid[16];

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* if the test dies, so does this */
        (void)signal(SIGPIPE, SIG_IGN);
        (void)fd_close(fixture->control);
        append_token(&tokens, "deploy", "operate", FIXTURE_TOKEN_OPERATE);
        append_token(&tokens, "eyes", "view", FIXTURE_TOKEN_VIEW);
        settings.tokens = tokens.bytes;
        (void)snprintf(uid, sizeof(uid), "%u", (unsigned)getuid());
        settings.access = (AccessText){ .operate_gid = options->operate_gid,
                                        .view_gid = options->view_gid,
                                        .admin_uids = uid,
                                        .allowed_hosts = "reeve.example" };
        exit(serve(&settings));
}

void fixture_start(Fixture *fixture, const FixtureOptions *options)
{
        static const FixtureOptions defaults;
        int pair[2], local, tcp;
        ControlHello hello;

        *fixture = (Fixture){ .board_fd = -1 };
        options = options ? options : &defaults;
        assert_int_equal(packet_pair(pair), 0);
        fixture->control = pair[0];
        local = listen_unix(fixture);
        tcp = listen_tcp(fixture);
        make_board(fixture, 1);
        fixture->child = fork();
        assert_true(fixture->child >= 0);
        if (fixture->child == 0)
                run_child(fixture, options, pair[1], local, tcp);
        (void)fd_close(pair[1]);
        (void)fd_close(local);
        (void)fd_close(tcp);
        expect(fixture, &hello, sizeof(hello), CONTROL_HELLO, NULL);
        assert_int_equal(hello.pid, fixture->child);
        if (!options->has_no_board)
                hand_over(fixture);
}

int fixture_wait(Fixture *fixture)
{
        int status;

        json_done();
        assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
        assert_true(WIFEXITED(status));
        (void)fd_close(fixture->control);
        (void)munmap(fixture->board, fixture->board_size);
        (void)fd_close(fixture->board_fd);
        (void)unlink(fixture->socket);
        (void)rmdir(fixture->folder);
        return WEXITSTATUS(status);
}

void fixture_stop(Fixture *fixture)
{
        fixture->control = fd_close(fixture->control);
        assert_int_equal(fixture_wait(fixture), 0);
}

/* ---- HTTP ---- */

int fixture_connect(const Fixture *fixture)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)text_copy(address.sun_path, sizeof(address.sun_path), fixture->socket);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

int fixture_connect_tcp(const Fixture *fixture)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons(fixture->port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

/* What the server does not want to read any more is none of the test's business. */
void http_send_bytes(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                bytes += n;
                length -= (size_t)n;
        }
}

void http_send(int fd, const char *text)
{
        http_send_bytes(fd, text, strlen(text));
}

/* Return: whether something came; false at the end */
static bool read_more(int fd, Response *response)
{
        ssize_t n;

        wait_readable(fd);
        assert_true(response->length < RESPONSE_SIZE - 1);
        n = recv(fd, response->bytes + response->length, RESPONSE_SIZE - 1 - response->length, 0);
        if (n <= 0)
                return false;
        response->length += (size_t)n;
        response->bytes[response->length] = '\0';
        return true;
}

void http_read_head(int fd, Response *ret)
{
        char *end;

        ret->length = 0;
        ret->status = 0;
        ret->bytes[0] = '\0';
        while (!(end = strstr(ret->bytes, "\r\n\r\n")))
                if (!read_more(fd, ret))
                        return;
        assert_int_equal(sscanf(ret->bytes, "HTTP/1.%*d %d", &ret->status), 1);
        ret->body = end + 4;
}

void http_wait_text(int fd, Response *ret, const char *text)
{
        while (!memmem(ret->bytes, ret->length, text, strlen(text)))
                if (!read_more(fd, ret))
                        fail_msg("the stream ended without: %s", text);
}

static void unchunk(Response *response)
{
        char *from = response->body, *to = response->body;

        for (;;) {
                size_t length = strtoul(from, &from, 16);

                assert_memory_equal(from, "\r\n", 2);
                from += 2;
                if (length == 0)
                        break;
                memmove(to, from, length);
                to += length;
                from += length + 2;
        }
        *to = '\0';
        response->body_length = (size_t)(to - response->body);
}

void http_read(int fd, Response *ret)
{
        const char *length, *encoding;

        http_read_head(fd, ret);
        if (ret->status == 0)
                return;
        length = http_header(ret, "Content-Length");
        if (length) {
                ret->body_length = strtoul(length, NULL, 10);
                while (ret->length < (size_t)(ret->body - ret->bytes) + ret->body_length
                       && read_more(fd, ret)) {
                }
                return;
        }
        encoding = http_header(ret, "Transfer-Encoding");
        if (encoding) {
                while (ret->length < 5 || memcmp(ret->bytes + ret->length - 5, "0\r\n\r\n", 5) != 0)
                        assert_true(read_more(fd, ret));
                unchunk(ret);
                return;
        }
        while (ret->status != 204 && ret->status != 304 && read_more(fd, ret)) {
        }
        ret->body_length = ret->length - (size_t)(ret->body - ret->bytes);
}

bool http_is_closed(int fd)
{
        struct pollfd wanted = { .fd = fd, .events = POLLIN };
        char rest[4096];

        while (poll(&wanted, 1, WAIT_MSEC) == 1)
                if (recv(fd, rest, sizeof(rest), 0) <= 0)
                        return true;
        return false;
}

static Response *ask_on(int fd, const char *method, const char *path, const char *headers,
                        const char *body)
{
        static Response response;
        AUTO_TEXT text = { 0 };

        text_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
                    path, headers);
        if (body)
                text_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                            strlen(body));
        text_printf(&text, "\r\n%s", body ? body : "");
        http_send_bytes(fd, text.bytes, text.length);
        http_read(fd, &response);
        (void)fd_close(fd);
        json_done();
        return &response;
}

Response *http_ask(const Fixture *fixture, const char *method, const char *path,
                   const char *headers, const char *body)
{
        return ask_on(fixture_connect(fixture), method, path, headers, body);
}

Response *http_ask_tcp(const Fixture *fixture, const char *method, const char *path,
                       const char *headers, const char *body)
{
        return ask_on(fixture_connect_tcp(fixture), method, path, headers, body);
}

Response *http_get(const Fixture *fixture, const char *path)
{
        return http_ask(fixture, "GET", path, "", NULL);
}

const char *http_header(const Response *response, const char *name)
{
        static char value[1024];
        size_t length = strlen(name);

        for (const char *line = strstr(response->bytes, "\r\n"); line && line[2] != '\r';
             line = strstr(line + 2, "\r\n")) {
                if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':')
                        continue;
                line += 2 + length + 1;
                line += strspn(line, " ");
                (void)text_copy(value, MIN(sizeof(value), strcspn(line, "\r") + 1), line);
                return value;
        }
        return NULL;
}

/* ---- JSON ---- */

static json_t *parsed;

void json_done(void)
{
        json_decref(parsed);
        parsed = NULL;
}

static const json_t *find(const Response *response, const char *path)
{
        const json_t *value;
        json_error_t error;

        json_done();
        parsed = json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, &error);
        if (!parsed)
                fail_msg("%s in: %.300s", error.text, response->body);
        value = parsed;
        while (value && *path) {
                size_t length = strcspn(path, ".");
                char key[64];

                (void)text_copy(key, MIN(sizeof(key), length + 1), path);
                value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
                                             : json_object_get(value, key);
                path += length;
                path += *path == '.';
        }
        return value;
}

const char *json_text_at(const Response *response, const char *path)
{
        const json_t *value = find(response, path);

        if (!json_is_string(value))
                fail_msg("no text at %s in: %.600s", path, response->body);
        return json_string_value(value);
}

int64_t json_number_at(const Response *response, const char *path)
{
        const json_t *value = find(response, path);

        if (!json_is_number(value))
                fail_msg("no number at %s in: %.600s", path, response->body);
        return (int64_t)json_number_value(value);
}

bool json_is_null_at(const Response *response, const char *path)
{
        return json_is_null(find(response, path));
}

bool json_has(const Response *response, const char *path)
{
        return find(response, path) != NULL;
}
