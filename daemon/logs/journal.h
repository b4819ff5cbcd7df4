/* journal.h - lines to systemd's journal, by its native protocol (inside logs/ only)
 *
 * A datagram is an entry. The socket is not connected, so a journald that was restarted is found
 * again by the next entry, and it never blocks: what journald does not take is told at once.
 * sd_journal_sendv() would block while journald stands still. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "logs/lines.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { JOURNAL_BATCH = 64 };

typedef struct JournalOrigin {
        const char *path;     /* of the socket, borrowed */
        const char *pool;     /* borrowed, as the next two */
        const char *instance; /* REEVE_INSTANCE */
        const char *stream;
        unsigned slot;
        pid_t pid; /* 0: not known */
} JournalOrigin;

/** journal_ref() - open the socket for the first user; Return: 0, negative errno */
int journal_ref(void);

/** journal_unref() - close it after the last */
void journal_unref(void);

/** journal_send() - pieces of lines, in order, each an entry
 *  @count: at most JOURNAL_BATCH
 *  Return: how many were taken, at least 1; negative errno: -EAGAIN if journald does not keep up,
 *  -ENOENT or -ECONNREFUSED if there is none */
int journal_send(const JournalOrigin *origin, const LinePiece *pieces, size_t count);
