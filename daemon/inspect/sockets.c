/* sockets.c - see sockets.h */
#include "inspect/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inspect/finding.h"

/* Of net/tcp_states.h, by number. */
static const char *const tcp_states[] = {
        NULL,         "established", "syn-sent",     "syn-received", "fin-wait-1",
        "fin-wait-2", "time-wait",   "closed",       "close-wait",   "last-ack",
        "listening",  "closing",     "syn-received",
};

/* Return: NULL: no room, it is left out */
static Socket *table_add(SocketTable *table, uint64_t inode, const char *protocol)
{
        if (table->count == SOCKETS_MAX)
                return NULL;
        if (table->count == table->capacity) {
                size_t capacity = table->capacity ? table->capacity * 2 : 64;
                Socket *sockets = reallocarray(table->sockets, capacity, sizeof(Socket));

                if (!sockets)
                        return NULL;
                table->sockets = sockets;
                table->capacity = capacity;
        }
        table->sockets[table->count] = (Socket){ .inode = inode, .protocol = protocol };
        return &table->sockets[table->count++];
}

/* ---- lines ---- */

/* "0100007F:1F90" or 32 hex digits: words of the machine's byte order that lie as on the wire */
static void format_address(const char *hex, char *buffer, size_t size)
{
        char text[INET6_ADDRSTRLEN];
        uint32_t words[4] = { 0 };
        const char *colon = strchr(hex, ':');
        size_t count = colon ? (size_t)(colon - hex) / 8 : 0;
        unsigned port = colon ? (unsigned)strtoul(colon + 1, NULL, 16) : 0;

        for (size_t i = 0; i < MIN(count, COUNT_OF(words)); i++) {
                char digits[9] = "";

                memcpy(digits, hex + i * 8, 8);
                words[i] = (uint32_t)strtoul(digits, NULL, 16);
        }
        if (count == 1 && inet_ntop(AF_INET, words, text, sizeof(text)))
                (void)snprintf(buffer, size, "%s:%u", text, port);
        else if (count == 4 && inet_ntop(AF_INET6, words, text, sizeof(text)))
                (void)snprintf(buffer, size, "[%s]:%u", text, port);
}

static void add_internet(SocketTable *table, const char *line, const char *protocol)
{
        char local[64], peer[64];
        unsigned state;
        uint64_t inode;
        Socket *found;

        /* sl local remote st queues timer retransmits uid timeout inode */
        if (sscanf(line, "%*s %63s %63s %x %*s %*s %*s %*s %*s %" SCNu64, local, peer, &state,
                   &inode)
            != 4)
                return;
        found = table_add(table, inode, protocol);
        if (!found)
                return;
        format_address(local, found->local, sizeof(found->local));
        format_address(peer, found->peer, sizeof(found->peer));
        if (text_after(protocol, "tcp") && state < COUNT_OF(tcp_states))
                found->state = tcp_states[state];
}

static void add_local(SocketTable *table, const char *line, const char *protocol)
{
        unsigned flags, type, state;
        uint64_t inode;
        Socket *found;
        int path = 0;

        /* address: references protocol flags type state inode path */
        if (sscanf(line, "%*s %*s %*s %x %x %x %" SCNu64 " %n", &flags, &type, &state, &inode,
                   &path)
            != 4)
                return;
        found = table_add(table, inode, protocol);
        if (!found)
                return;
        found->state = flags & 0x10000 ? "listening" : state == 3 ? "established" : NULL;
        if (path > 0) {
                (void)text_copy(found->local, sizeof(found->local), line + path);
                found->local[strcspn(found->local, "\n")] = '\0';
        }
}

/* ---- files ---- */

static const struct {
        const char *file, *protocol;
        void (*add)(SocketTable *table, const char *line, const char *protocol);
} sources[] = {
        { "net/tcp", "tcp", add_internet }, { "net/tcp6", "tcp6", add_internet },
        { "net/udp", "udp", add_internet }, { "net/udp6", "udp6", add_internet },
        { "net/unix", "unix", add_local },
};

static int by_inode(const void *a, const void *b)
{
        const Socket *left = a, *right = b;

        return (left->inode > right->inode) - (left->inode < right->inode);
}

void sockets_read(const Subject *subject, SocketTable *ret)
{
        AUTO_FREE char *line = NULL;
        size_t room = 0;

        for (size_t i = 0; i < COUNT_OF(sources); i++) {
                int fd = openat(subject->fd, sources[i].file, O_RDONLY | O_CLOEXEC);
                FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

                if (!file) {
                        (void)fd_close(fd);
                        continue;
                }
                while (getline(&line, &room, file) > 0)
                        sources[i].add(ret, line, sources[i].protocol);
                (void)fclose(file);
        }
        if (ret->count > 0)
                qsort(ret->sockets, ret->count, sizeof(Socket), by_inode);
}

void sockets_done(SocketTable *table)
{
        free(table->sockets);
        *table = (SocketTable){ 0 };
}

void sockets_write(FILE *out, const SocketTable *table, uint64_t inode)
{
        const Socket key = { .inode = inode };
        const Socket *found =
                table->count ? bsearch(&key, table->sockets, table->count, sizeof(Socket), by_inode)
                             : NULL;

        if (!found) {
                finding_none(out, "protocol",
                             "a socket of a kind that is not looked up, or closed");
                return;
        }
        finding_text(out, "protocol", found->protocol);
        if (*found->local)
                finding_text(out, "local", found->local);
        if (*found->peer)
                finding_text(out, "peer", found->peer);
        if (found->state)
                finding_text(out, "state", found->state);
}
