/* server.h - a server with a script: what it answers is settled before it is asked
 *
 * It listens on a unix socket in a temp folder, takes one connection for each reply of the
 * script in turn, keeps what it was asked and sends the reply's bytes as they are. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { SERVER_REPLIES_MAX = 16, SERVER_REQUEST_SIZE = 4096 };

typedef struct Server {
        char folder[64], path[96];
        int listen_fd;
        pthread_t thread;
        const char *replies[SERVER_REPLIES_MAX]; /* raw bytes */
        size_t reply_count;
        bool is_slow; /* every byte is sent by itself */
        char requests[SERVER_REPLIES_MAX][SERVER_REQUEST_SIZE];
        size_t request_count; /* to be read after server_stop() */
        bool is_running;
} Server;

/** server_reply() - add a raw reply to the script */
void server_reply(Server *server, const char *raw);

/** server_json() - add a reply of JSON with a status; the text is copied */
void server_json(Server *server, int status, const char *json);

/** server_start() - listen and begin to answer */
void server_start(Server *server);

/** server_stop() - wait until the script is over or end it, and remove the folder */
void server_stop(Server *server);
