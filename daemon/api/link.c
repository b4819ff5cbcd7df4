/* link.c - see link.h */
#include "api/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/memfd.h"
#include "sys/packet.h"

/* A request that waits. They are kept in the order of their deadlines, which is that of their
 * birth, since all have the same time. */
typedef struct Waiting {
        struct Waiting *next, *previous;
        uint64_t request, deadline_usec;
        LinkReplyHandler on_reply; /* one of these three */
        LinkLogHandler on_log;
        LinkInspectHandler on_inspected;
        void *userdata;
} Waiting;

struct Link {
        sd_event_source *io, *timer;
        int fd;
        LinkHandlers handlers;
        uint64_t timeout_usec, last_request;
        Waiting *oldest, *newest;
        Map by_request; /* uint64_t -> Waiting */
        const void *memory;
        size_t size;
        BoardView board;
        union {
                ControlHead head;
                ControlBoard board;
                ControlReply reply;
                ControlLog log;
                ControlInspected inspected;
        } buffer;
};

/* ---- what waits ---- */

static void waiting_unlink(Link *link, Waiting *waiting)
{
        (void)map_remove(&link->by_request, waiting->request);
        if (waiting->next)
                waiting->next->previous = waiting->previous;
        else
                link->newest = waiting->previous;
        if (waiting->previous)
                waiting->previous->next = waiting->next;
        else
                link->oldest = waiting->next;
}

static void arm_timer(Link *link)
{
        if (link->oldest)
                (void)sd_event_source_set_time(link->timer, link->oldest->deadline_usec);
        (void)sd_event_source_set_enabled(link->timer,
                                          link->oldest ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int waiting_add(Link *link, const Waiting *model)
{
        Waiting *waiting;
        int r;

        if (link->by_request.count >= LINK_WAITING_MAX)
                return -EBUSY;
        waiting = malloc(sizeof(*waiting));
        if (!waiting)
                return -ENOMEM;
        *waiting = *model;
        waiting->deadline_usec = now_usec() + link->timeout_usec;
        r = map_put(&link->by_request, waiting->request, waiting);
        if (r < 0) {
                free(waiting);
                return r;
        }
        waiting->next = NULL;
        waiting->previous = link->newest;
        if (link->newest)
                link->newest->next = waiting;
        else
                link->oldest = waiting;
        link->newest = waiting;
        arm_timer(link);
        return 0;
}

/* Out of the list first: the handler may send the next request.
 * @message: of the kind that was waited for; NULL: none came */
static void waiting_answer(Link *link, Waiting *waiting, const void *message, const int *fds,
                           size_t fd_count)
{
        int fd = fd_count == 1 ? fds[0] : -1;

        waiting_unlink(link, waiting);
        if (waiting->on_reply)
                waiting->on_reply(waiting->userdata, message, fd);
        else if (waiting->on_log)
                waiting->on_log(waiting->userdata, message, fds, fd_count);
        else
                waiting->on_inspected(waiting->userdata, message, fd);
        free(waiting);
        arm_timer(link);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Link *link = userdata;

        while (link->oldest && link->oldest->deadline_usec <= usec)
                waiting_answer(link, link->oldest, NULL, NULL, 0);
        arm_timer(link);
        return 0;
}

void link_forget(Link *link, uint64_t request)
{
        Waiting *waiting = map_get(&link->by_request, request);

        if (!waiting)
                return;
        waiting_unlink(link, waiting);
        free(waiting);
        arm_timer(link);
}

/* ---- what comes ---- */

static void close_all(const int *fds, size_t count)
{
        for (size_t i = 0; i < count; i++)
                (void)fd_close(fds[i]);
}

static void unmap(Link *link)
{
        if (link->memory)
                (void)munmap((void *)link->memory, link->size); /* our own mapping: cannot fail */
        link->memory = NULL;
}

static int take_board(Link *link, int fd)
{
        const void *memory;
        BoardView board;
        size_t size;
        int r = memfd_map_read_only(fd, &memory, &size);

        if (r < 0)
                return r;
        r = board_view_init(&board, memory, size);
        if (r < 0) {
                (void)munmap((void *)memory, size);
                return r;
        }
        unmap(link);
        link->memory = memory;
        link->size = size;
        link->board = board;
        link->handlers.on_board(link->handlers.userdata);
        return 0;
}

static void take_reply(Link *link, size_t length, const int *fds, size_t fd_count)
{
        Waiting *waiting = map_get(&link->by_request, link->buffer.head.request);

        /* The operation's row comes only as far as its PIDs reach; the rest is stale. */
        if (!waiting || !waiting->on_reply)
                return;
        if (length < offsetof(ControlReply, operation))
                waiting_answer(link, waiting, NULL, NULL, 0);
        else
                waiting_answer(link, waiting, &link->buffer.reply, fds, fd_count);
}

static void take_log(Link *link, size_t length, const int *fds, size_t fd_count)
{
        Waiting *waiting = map_get(&link->by_request, link->buffer.head.request);

        if (!waiting || !waiting->on_log)
                close_all(fds, fd_count);
        else if (length < sizeof(ControlLog)) {
                close_all(fds, fd_count);
                waiting_answer(link, waiting, NULL, NULL, 0);
        } else {
                waiting_answer(link, waiting, &link->buffer.log, fds, fd_count);
        }
}

static void take_inspected(Link *link, size_t length, const int *fds, size_t fd_count)
{
        Waiting *waiting = map_get(&link->by_request, link->buffer.head.request);

        if (!waiting || !waiting->on_inspected)
                return;
        if (length < sizeof(ControlInspected))
                waiting_answer(link, waiting, NULL, NULL, 0);
        else
                waiting_answer(link, waiting, &link->buffer.inspected, fds, fd_count);
}

/* Return: 0; negative errno if the conversation is over */
static int take_message(Link *link, size_t length, const int *fds, size_t fd_count)
{
        const ControlHead *head = &link->buffer.head;
        int r = 0;

        if (length < sizeof(*head) || head->version != CONTROL_VERSION) {
                close_all(fds, fd_count);
                return -EPROTO;
        }
        switch (head->kind) {
        case CONTROL_LOG: take_log(link, length, fds, fd_count); return 0;
        case CONTROL_BOARD: r = fd_count == 1 ? take_board(link, fds[0]) : -EPROTO; break;
        case CONTROL_INSPECTED: take_inspected(link, length, fds, fd_count); break;
        case CONTROL_REPLY: take_reply(link, length, fds, fd_count); break;
        case CONTROL_NEWS: link->handlers.on_news(link->handlers.userdata); break;
        default: r = -EPROTO;
        }
        close_all(fds, fd_count);
        return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Link *link = userdata;
        int fds[PACKET_FDS_MAX];
        size_t fd_count;
        ssize_t n;
        int r;

        /* The tail of a short reply must not show what an earlier one left there. */
        memset(&link->buffer, 0, offsetof(ControlReply, operation.pids));
        n = packet_receive(fd, &link->buffer, sizeof(link->buffer), fds, &fd_count, NULL);
        if (n == -EAGAIN || n == -EINTR || n == -EMSGSIZE)
                return 0;
        r = n > 0 ? take_message(link, (size_t)n, fds, fd_count) : (int)n;
        if (n <= 0 || r < 0) {
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
                link->handlers.on_closed(link->handlers.userdata, r == -ECONNRESET ? 0 : r);
        }
        return 0;
}

/* ---- what goes ---- */

static int send_request(Link *link, ControlHead *head, size_t length, uint32_t kind, int client_fd,
                        const Waiting *model, uint64_t *ret_request)
{
        Waiting waiting = *model;
        int r;

        waiting.request = ++link->last_request;
        *head = (ControlHead){ .version = CONTROL_VERSION,
                               .kind = kind,
                               .request = waiting.request };
        r = waiting_add(link, &waiting);
        if (r < 0)
                return r;
        r = packet_send(link->fd, head, length, &client_fd, client_fd >= 0);
        if (r < 0)
                link_forget(link, waiting.request);
        else if (ret_request)
                *ret_request = waiting.request;
        return r;
}

int link_command(Link *link, ControlCommand *command, int client_fd, LinkReplyHandler handler,
                 void *userdata, uint64_t *ret_request)
{
        Waiting waiting = { .on_reply = handler, .userdata = userdata };

        if (client_fd >= 0)
                command->flags |= CONTROL_HAS_CLIENT;
        return send_request(link, &command->head, sizeof(*command), CONTROL_COMMAND, client_fd,
                            &waiting, ret_request);
}

int link_open_log(Link *link, const char *pool, uint32_t slot, LinkLogHandler handler,
                  void *userdata, uint64_t *ret_request)
{
        Waiting waiting = { .on_log = handler, .userdata = userdata };
        ControlOpenLog message = { .slot = slot, .max_files = CONTROL_LOG_FILES };

        (void)text_copy(message.pool, sizeof(message.pool), pool);
        return send_request(link, &message.head, sizeof(message), CONTROL_OPEN_LOG, -1, &waiting,
                            ret_request);
}

int link_inspect(Link *link, ControlInspect *question, int client_fd, LinkInspectHandler handler,
                 void *userdata, uint64_t *ret_request)
{
        Waiting waiting = { .on_inspected = handler, .userdata = userdata };

        if (client_fd >= 0)
                question->flags |= CONTROL_HAS_CLIENT;
        return send_request(link, &question->head, sizeof(*question), CONTROL_INSPECT, client_fd,
                            &waiting, ret_request);
}

static int say_hello(Link *link)
{
        ControlHello hello = { .head = { .version = CONTROL_VERSION, .kind = CONTROL_HELLO },
                               .pid = getpid() };

        (void)text_copy(hello.version_text, sizeof(hello.version_text), REEVE_VERSION);
        return packet_send(link->fd, &hello, sizeof(hello), NULL, 0);
}

const BoardView *link_board(const Link *link)
{
        return link->memory ? &link->board : NULL;
}

int link_new(sd_event *event, int fd, uint64_t timeout_usec, const LinkHandlers *handlers,
             Link **ret)
{
        Link *link = calloc(1, sizeof(*link));
        int r;

        if (!link) {
                (void)fd_close(fd);
                return -ENOMEM;
        }
        link->fd = fd;
        link->timeout_usec = timeout_usec;
        link->handlers = *handlers;
        r = sd_event_add_io(event, &link->io, fd, EPOLLIN, on_io, link);
        if (r >= 0)
                r = sd_event_add_time(event, &link->timer, CLOCK_MONOTONIC, 0, 0, on_timer, link);
        if (r >= 0)
                r = sd_event_source_set_enabled(link->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = say_hello(link);
        if (r < 0) {
                (void)link_free(link);
                return r;
        }
        *ret = link;
        return 0;
}

Link *link_free(Link *link)
{
        if (!link)
                return NULL;
        while (link->oldest) {
                Waiting *waiting = link->oldest;

                waiting_unlink(link, waiting);
                free(waiting);
        }
        sd_event_source_disable_unref(link->io);
        sd_event_source_disable_unref(link->timer);
        map_done(&link->by_request);
        unmap(link);
        (void)fd_close(link->fd);
        free(link);
        return NULL;
}
