/* interrupt.c - see interrupt.h
 *
 * The handler writes to an eventfd that every wait polls: a signal that comes between the look
 * at a flag and the poll is not lost. */
#include "ctl/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/clock.h"

static volatile sig_atomic_t came;
static int wake_fd = -1; /* poll() passes over negative descriptors */

static void on_signal(int number)
{
        static const uint64_t one = 1;
        int saved = errno;

        came = 1;
        if (write(wake_fd, &one, sizeof(one)) < 0) {
                /* the counter is full: whoever waits is awake already */
        }
        errno = saved;
}

int interrupt_arm(void)
{
        struct sigaction action = { .sa_handler = on_signal };

        if (wake_fd >= 0)
                return 0;
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_fd < 0)
                return -errno;
        (void)sigemptyset(&action.sa_mask); /* cannot fail */
        if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
                return -errno;
        return 0;
}

bool interrupt_came(void)
{
        return came != 0;
}

static int poll_timeout_msec(uint64_t deadline_usec)
{
        uint64_t now = now_usec(), left_msec;

        if (deadline_usec == USEC_INFINITY)
                return -1;
        left_msec = deadline_usec > now ? (deadline_usec - now + 999) / 1000 : 0;
        return (int)MIN(left_msec, (uint64_t)3600 * 1000);
}

int interrupt_poll(int fd, short events, int reader_fd, uint64_t deadline_usec)
{
        struct pollfd polled[] = { { .fd = fd, .events = events },
                                   { .fd = wake_fd, .events = POLLIN },
                                   { .fd = reader_fd } };

        for (;;) {
                int count = poll(polled, COUNT_OF(polled), poll_timeout_msec(deadline_usec));

                if (count < 0 && errno != EINTR)
                        return -errno;
                if (came)
                        return -EINTR;
                if (count > 0 && polled[0].revents)
                        return 0;
                if (count > 0 && polled[2].revents)
                        return -EPIPE;
                if (deadline_usec != USEC_INFINITY && now_usec() >= deadline_usec)
                        return -ETIMEDOUT;
        }
}
