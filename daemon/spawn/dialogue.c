/* dialogue.c - see dialogue.h */
#include "spawn/dialogue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "base/units.h"
#include "base/utf8.h"
#include "sys/fd.h"

/* More threads or greenlets than anybody can mean. */
#define COUNT_MAX 65536

int dialogue_listen(const char *path, Error *reterr)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        AUTO_CLOSE fd = -1;
        struct stat status;

        if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
                return error_set(reterr, -ENAMETOOLONG, "spawn-failed",
                                 "%s: the path of a socket has at most 107 bytes; choose a "
                                 "shorter runtime folder (--runtime)",
                                 path);
        if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
                (void)unlink(path); /* bind says it if this did not help */
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0
            || chmod(path, 0666) < 0 || listen(fd, 4) < 0)
                return error_set(reterr, -errno, "spawn-failed",
                                 "cannot listen for a worker on %s: %s", path, strerror(errno));
        return TAKE_FD(fd);
}

static int parse_count(const char *value, bool *ret_has, unsigned *ret)
{
        uint64_t count;

        if (units_parse_number(value, COUNT_MAX, &count) < 0)
                return -EBADMSG;
        *ret_has = true;
        *ret = (unsigned)count;
        return 0;
}

/* Keys that are not for us (PID, SDK, PONG ...) are no mistake. */
static int parse_line(const char *line, DialogueWord *word)
{
        const char *value;

        if (text_equal(line, "HELLO=1"))
                word->is_hello = true;
        else if ((value = text_after(line, "THREADS_OK=")))
                return parse_count(value, &word->has_threads, &word->threads);
        else if ((value = text_after(line, "GREENLETS_OK=")))
                return parse_count(value, &word->has_greenlets, &word->greenlets);
        else if ((value = text_after(line, "SEQUENCE="))) {
                word->has_sequence = true;
                return units_parse_number(value, UINT64_MAX, &word->sequence) < 0 ? -EBADMSG : 0;
        } else if ((value = text_after(line, "ERROR="))) {
                word->has_error = true;
                (void)utf8_sanitize(word->error, sizeof(word->error), value, strlen(value));
        }
        return 0;
}

int dialogue_parse(const char *bytes, size_t length, DialogueWord *ret)
{
        char text[DIALOGUE_MESSAGE_MAX + 1], *rest = text, *line;
        DialogueWord word = { 0 };

        if (length == 0 || length > DIALOGUE_MESSAGE_MAX || memchr(bytes, '\0', length))
                return -EBADMSG;
        memcpy(text, bytes, length);
        text[length] = '\0';
        while ((line = strsep(&rest, "\n")))
                if (parse_line(line, &word) < 0)
                        return -EBADMSG;
        *ret = word;
        return 0;
}
