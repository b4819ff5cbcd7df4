/* worker.h - what several test workers do: report, wait, tell reeve */
#pragma once

#include <stddef.h>

/** worker_notify() - one datagram to $NOTIFY_SOCKET, by hand as sd_notify(3) has it
 *  Return: 0; -1 if there is no socket or it takes nothing */
int worker_notify(const char *text);

/** worker_report() - append one line to the file, with a single write */
void worker_report(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** worker_number() - argument @index as a number, @otherwise if it is not there */
long worker_number(int argc, char **argv, int index, long otherwise);

/** worker_wait_for_term() - until SIGTERM comes; call worker_block_term() before READY=1 */
void worker_block_term(void);
void worker_wait_for_term(void);
