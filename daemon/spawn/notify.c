/* notify.c - see notify.h */
#include "spawn/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "base/units.h"
#include "base/utf8.h"
#include "sys/fd.h"
#include "sys/packet.h"

/* systemd's own messages stay far below; the rest of a longer one would be lost. */
enum { MESSAGE_MAX_BYTES = 4096 };

/* A socket that nobody listens on any more is in the way; any other file is somebody's. */
static void remove_old_socket(const char *path)
{
        struct stat status;

        if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
                (void)unlink(path); /* bind says it if this did not help */
}

int notify_listen(const char *path, Error *reterr)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        AUTO_CLOSE fd = -1;
        int on = 1;

        if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
                return error_set(reterr, -ENAMETOOLONG, "spawn-failed",
                                 "%s: the path of a socket has at most 107 bytes; choose a "
                                 "shorter runtime folder (--runtime)",
                                 path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        remove_old_socket(path);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0
            || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0)
                return error_set(reterr, -errno, "spawn-failed",
                                 "cannot listen for notifications on %s: %s", path,
                                 strerror(errno));
        return TAKE_FD(fd);
}

static int parse_main_pid(const char *value, NotifyMessage *message)
{
        uint64_t pid;

        /* 1 is init or reeved itself. */
        if (units_parse_number(value, INT32_MAX, &pid) < 0 || pid <= 1)
                return -EBADMSG;
        message->main_pid = (pid_t)pid;
        message->has_main_pid = true;
        return 0;
}

static int parse_tasks(const char *value, NotifyMessage *message)
{
        message->has_tasks = true;
        return units_parse_number(value, UINT64_MAX, &message->tasks_done) < 0 ? -EBADMSG : 0;
}

static int parse_extend(const char *value, NotifyMessage *message)
{
        if (units_parse_number(value, UINT64_MAX - 1, &message->extend_usec) < 0)
                return -EBADMSG;
        message->has_extend = true;
        return 0;
}

/* Keys that are not for us (FDSTORE, MONOTONIC_USEC, X_...) are no mistake. */
static int parse_line(const char *line, NotifyMessage *message)
{
        const char *value;

        if (text_equal(line, "READY=1"))
                message->is_ready = true;
        else if (text_equal(line, "RELOADING=1"))
                message->is_reloading = true;
        else if (text_equal(line, "STOPPING=1"))
                message->is_stopping = true;
        else if (text_equal(line, "WATCHDOG=1"))
                message->is_watchdog = true;
        else if (text_equal(line, "WATCHDOG=trigger"))
                message->is_watchdog_trigger = true;
        else if ((value = text_after(line, "MAINPID=")))
                return parse_main_pid(value, message);
        else if ((value = text_after(line, "EXTEND_TIMEOUT_USEC=")))
                return parse_extend(value, message);
        else if ((value = text_after(line, "X_REEVE_TASKS_DONE=")))
                return parse_tasks(value, message);
        else if ((value = text_after(line, "STATUS="))) {
                (void)utf8_sanitize(message->status, sizeof(message->status), value, strlen(value));
                message->has_status = true;
        }
        return 0;
}

int notify_parse(const char *bytes, size_t length, NotifyMessage *ret)
{
        char text[MESSAGE_MAX_BYTES + 1], *rest = text, *line;
        NotifyMessage message = { 0 };

        if (length == 0 || length > MESSAGE_MAX_BYTES)
                return -EBADMSG;
        /* One NUL at the very end is a common slip of sizeof for strlen. */
        if (bytes[length - 1] == '\0')
                length--;
        if (length == 0 || memchr(bytes, '\0', length))
                return -EBADMSG;
        memcpy(text, bytes, length);
        text[length] = '\0';
        while ((line = strsep(&rest, "\n")))
                if (parse_line(line, &message) < 0)
                        return -EBADMSG;
        *ret = message;
        return 0;
}

int notify_receive(int fd, NotifyMessage *ret)
{
        char buffer[MESSAGE_MAX_BYTES];
        int fds[PACKET_FDS_MAX];
        struct ucred sender;
        size_t fd_count = 0;
        ssize_t n = packet_receive(fd, buffer, sizeof(buffer), fds, &fd_count, &sender);

        if (n == -EAGAIN || n == -EINTR)
                return 0;
        if (n < 0)
                return n == -EMSGSIZE ? -EBADMSG : (int)n;
        /* Nothing is kept for workers; BARRIER=1 waits for exactly this close. */
        while (fd_count > 0)
                (void)fd_close(fds[--fd_count]);
        if (sender.pid <= 0 || notify_parse(buffer, (size_t)n, ret) < 0)
                return -EBADMSG;
        ret->sender = sender.pid;
        return 1;
}
