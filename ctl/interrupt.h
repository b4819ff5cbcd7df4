/* interrupt.h - Ctrl-C as an event that a wait can see
 *
 * Verbs that wait or follow arm this, so that they can say what goes on without them and leave
 * the terminal as it was. Unarmed, Ctrl-C ends the program as usual. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** interrupt_arm() - from now on SIGINT and SIGTERM wake interrupt_poll()
 *  Return: 0, negative errno */
int interrupt_arm(void);

/** interrupt_came() - whether one of the signals came */
bool interrupt_came(void);

/** interrupt_poll() - wait for a descriptor, a signal, or the end of patience
 *  @fd: may be -1: only the signal and the deadline count
 *  @events: POLLIN or POLLOUT
 *  @reader_fd: -1, or our output: its reader going away ends the wait
 *  @deadline_usec: CLOCK_MONOTONIC, USEC_INFINITY: none
 *  Return: 0 when @fd is ready; -ETIMEDOUT, -EINTR after a signal, -EPIPE when the reader left */
int interrupt_poll(int fd, short events, int reader_fd, uint64_t deadline_usec);
