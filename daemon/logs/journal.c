/* journal.c - see journal.h; the format is that of systemd's "Native Journal Protocol"
 *
 * Fields are NAME=value and a newline. A message is one line, so it has no newline in it, and any
 * other byte may stand in it. */
#include "logs/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/text.h"
#include "sys/fd.h"

enum { FIELDS_SIZE = 512, PRIORITY_DEFAULT = LOG_INFO };

static struct {
        unsigned references;
        int fd;
} journal = { .fd = -1 };

int journal_ref(void)
{
        if (journal.references == 0) {
                journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (journal.fd < 0)
                        return -errno;
        }
        journal.references++;
        return 0;
}

void journal_unref(void)
{
        assert(journal.references > 0);
        if (--journal.references == 0)
                journal.fd = fd_close(journal.fd);
}

static size_t write_fields(const JournalOrigin *origin, char *out, size_t size)
{
        char pid[32] = "";

        if (origin->pid > 0)
                (void)snprintf(pid, sizeof(pid), "REEVE_PID=%d\n", (int)origin->pid);
        return (size_t)snprintf(out, size,
                                "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=%s\nREEVE_POOL=%s\n"
                                "REEVE_SLOT=%u\nREEVE_INSTANCE=%s\nREEVE_STREAM=%s\n%s",
                                origin->pool, origin->pool, origin->slot, origin->instance,
                                origin->stream, pid);
}

/* The text of "PRIORITY=n\nMESSAGE=" for each n. */
static struct iovec opening(int priority, bool is_partial)
{
        static const char whole[] = "PRIORITY=0\nMESSAGE=PRIORITY=1\nMESSAGE=PRIORITY=2\nMESSAGE="
                                    "PRIORITY=3\nMESSAGE=PRIORITY=4\nMESSAGE=PRIORITY=5\nMESSAGE="
                                    "PRIORITY=6\nMESSAGE=PRIORITY=7\nMESSAGE=";
        static const char partial[] = "REEVE_PARTIAL=1\nPRIORITY=6\nMESSAGE=";
        enum { ONE = (sizeof(whole) - 1) / 8 };

        if (is_partial)
                return (struct iovec){ (void *)partial, sizeof(partial) - 1 };
        return (struct iovec){ (void *)(whole + (size_t)priority * ONE), ONE };
}

int journal_send(const JournalOrigin *origin, const LinePiece *pieces, size_t count)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct mmsghdr messages[JOURNAL_BATCH];
        struct iovec parts[JOURNAL_BATCH][4];
        char fields[FIELDS_SIZE];
        size_t fields_length = write_fields(origin, fields, sizeof(fields));
        int sent;

        assert(count > 0 && count <= JOURNAL_BATCH);
        if (!text_copy(address.sun_path, sizeof(address.sun_path), origin->path))
                return -ENAMETOOLONG;
        for (size_t i = 0; i < count; i++) {
                LinePiece piece = pieces[i];
                int priority = line_priority(&piece, PRIORITY_DEFAULT);

                parts[i][0] = (struct iovec){ fields, fields_length };
                parts[i][1] = opening(priority, !piece.has_end);
                parts[i][2] = (struct iovec){ (void *)piece.bytes, piece.length };
                parts[i][3] = (struct iovec){ "\n", 1 };
                messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &address,
                                                             .msg_namelen = sizeof(address),
                                                             .msg_iov = parts[i],
                                                             .msg_iovlen = 4 } };
        }
        sent = sendmmsg(journal.fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
        return sent < 0 ? -errno : sent;
}
