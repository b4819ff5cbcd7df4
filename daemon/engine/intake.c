/* intake.c - see intake.h
 *
 * The pipes are in an epoll of their own, and that one is in the loop. Its list of what is ready is
 * a queue: a pipe that is told of leaves it, and comes back at its end with the next write, or
 * when it is asked for again. So of many workers that write without end each has its turn. */
#include "engine/intake.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "engine/priority.h"
#include "engine/report.h"
#include "sys/fd.h"

/* Pipes of one turn: what is more urgent, as a death, waits for so many at the most. */
enum { PIPES_ROUND = 16 };

static int on_intake(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct epoll_event ready[PIPES_ROUND];
        int count = epoll_wait(fd, ready, PIPES_ROUND, 0);

        /* EINTR: the loop comes back at once. Streams are not freed by what is done here. */
        for (int i = 0; i < count; i++)
                output_take(ready[i].data.ptr);
        return 0;
}

int intake_open(Engine *engine)
{
        int r;

        engine->intake_fd = epoll_create1(EPOLL_CLOEXEC);
        if (engine->intake_fd < 0)
                return -errno;
        r = sd_event_add_io(engine->event, &engine->intake_source, engine->intake_fd, EPOLLIN,
                            on_intake, engine);
        if (r >= 0)
                r = sd_event_source_set_priority(engine->intake_source, PRIORITY_LOG);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(engine->intake_source, LOG_ROUND_USEC, 1);
        return r < 0 ? r : 0;
}

void intake_close(Engine *engine)
{
        engine->intake_source = sd_event_source_disable_unref(engine->intake_source);
        engine->intake_fd = fd_close(engine->intake_fd);
}

static int control(const Engine *engine, int operation, int fd, Stream *stream)
{
        struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = stream };

        return epoll_ctl(engine->intake_fd, operation, fd, &event) < 0 ? -errno : 0;
}

int intake_add(Engine *engine, int fd, Stream *stream)
{
        return control(engine, EPOLL_CTL_ADD, fd, stream);
}

void intake_again(Engine *engine, int fd, Stream *stream)
{
        /* To set the same events again arms an edge-triggered entry again. */
        int r = control(engine, EPOLL_CTL_MOD, fd, stream);

        if (r < 0)
                report(LOG_ERR, "cannot watch the output of a worker: %s", strerror(-r));
}

void intake_remove(Engine *engine, int fd)
{
        (void)control(engine, EPOLL_CTL_DEL, fd, NULL); /* ENOENT: it was not added */
}
