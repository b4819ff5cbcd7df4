/* fixture.h - reeve-api in a child process, and a core that the test plays itself
 *
 * The test writes the board, receives commands on the control socket and answers them, and speaks
 * raw HTTP, so that both sides of the face are under its hands. All waits end after WAIT_MSEC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/board.h"
#include "board/control.h"

enum { WAIT_MSEC = 60000, RESPONSE_SIZE = 256 * 1024 };

#define FIXTURE_TOKEN_OPERATE "0123456789abcdef0123456789abcdef"
#define FIXTURE_TOKEN_VIEW    "fedcba9876543210fedcba9876543210"

typedef struct FixtureOptions {
        bool has_no_board;                  /* the test sends it when it likes */
        const char *operate_gid, *view_gid; /* NULL: no such group */
        uint64_t request_deadline_usec, reply_deadline_usec, heartbeat_usec, command_timeout_usec;
} FixtureOptions;

typedef struct Fixture {
        char folder[64], socket[96];
        uint16_t port;
        pid_t child;
        int control;
        int board_fd;
        void *board;
        size_t board_size;
} Fixture;

typedef struct Response {
        int status;                /* 0: the connection was closed without one */
        char bytes[RESPONSE_SIZE]; /* all of it, terminated */
        size_t length;
        char *body; /* into bytes, unchunked */
        size_t body_length;
} Response;

/** fixture_start() - pools "api"(@api), "web" (2 ready workers) and "empty" on a board of epoch 1 */
void fixture_start(Fixture *fixture, const FixtureOptions *options);

/** fixture_stop() - close the control socket and see reeve-api exit with 0 */
void fixture_stop(Fixture *fixture);

/** fixture_wait() - take down what a reeve-api that ended by itself leaves; Return: its exit code */
int fixture_wait(Fixture *fixture);

/** core_send_board() - hand over a fresh board of @epoch with the usual content */
void core_send_board(Fixture *fixture, uint64_t epoch);
void core_send_news(Fixture *fixture);
void core_add_event(Fixture *fixture, EventType type, const char *pool, const char *detail);

/** core_expect_command() - the next command; @ret_client_fd: its descriptor or -1, may be NULL */
void core_expect_command(Fixture *fixture, ControlCommand *ret, int *ret_client_fd);
/** core_expect_open_log() - the next request for a log */
void core_expect_open_log(Fixture *fixture, ControlOpenLog *ret);
/** core_expect_inspect() - the next question about a process; @ret_client_fd: as above */
void core_expect_inspect(Fixture *fixture, ControlInspect *ret, int *ret_client_fd);
/** core_expect_silence() - nothing has come */
void core_expect_silence(Fixture *fixture);
void core_reply(Fixture *fixture, const ControlCommand *command, ControlReply *reply);
void core_reply_log(Fixture *fixture, const ControlOpenLog *asked, const int *fds, size_t count,
                    uint64_t log_file);

/** core_reply_inspected() - @text: what reeve-inspect wrote, NULL: refused with @code */
void core_reply_inspected(Fixture *fixture, const ControlInspect *asked, const char *text,
                          const char *code);

/** fixture_connect*() - Return: a descriptor */
int fixture_connect(const Fixture *fixture);
int fixture_connect_tcp(const Fixture *fixture);

void http_send(int fd, const char *text);
void http_send_bytes(int fd, const char *bytes, size_t length);
/** http_read() - one response; with Content-Length, chunks, or up to the end */
void http_read(int fd, Response *ret);
/** http_read_head() - the head of a response whose body goes on */
void http_read_head(int fd, Response *ret);
/** http_wait_text() - read until @text was seen in what came, the head included */
void http_wait_text(int fd, Response *ret, const char *text);
/** http_is_closed() - whether the other side closes within the time */
bool http_is_closed(int fd);

/** http_ask() - a whole exchange on a fresh unix connection
 *  @headers: lines with their CRLF, or ""; @body: NULL: none
 *  Return: static, until the next call */
Response *http_ask(const Fixture *fixture, const char *method, const char *path,
                   const char *headers, const char *body);
Response *http_get(const Fixture *fixture, const char *path);
Response *http_ask_tcp(const Fixture *fixture, const char *method, const char *path,
                       const char *headers, const char *body);

/** http_header() - Return: the value of a header in a static buffer, NULL if it is not there */
const char *http_header(const Response *response, const char *name);

/** json_text(), json_number() - a member by path ("scale.mode", "items.0.pid")
 *  A missing member fails the test. */
const char *json_text_at(const Response *response, const char *path);
int64_t json_number_at(const Response *response, const char *path);
bool json_is_null_at(const Response *response, const char *path);
bool json_has(const Response *response, const char *path);
/** json_done() - forget what the above parsed */
void json_done(void);
