/* sockets.h - the sockets of a process' network, by inode: who talks to whom */
#pragma once

#include <netinet/in.h>
#include <stdio.h>

#include "inspect/subject.h"

enum { SOCKETS_MAX = 65536, SOCKET_PATH_SIZE = 110 };

typedef struct Socket {
        uint64_t inode;
        const char *protocol, *state; /* static; state NULL: has none */
        char local[SOCKET_PATH_SIZE]; /* "127.0.0.1:80", "[::1]:80", a path; "": nameless */
        char peer[64];
} Socket;

typedef struct SocketTable {
        Socket *sockets; /* by inode */
        size_t count, capacity;
} SocketTable;

/** sockets_read() - from /proc/PID/net; what cannot be read is left out */
void sockets_read(const Subject *subject, SocketTable *ret);
void sockets_done(SocketTable *table);
#define AUTO_SOCKETS CLEANUP(sockets_done) SocketTable

/** sockets_write() - the members protocol, local, peer and state of an object that is open */
void sockets_write(FILE *out, const SocketTable *table, uint64_t inode);
