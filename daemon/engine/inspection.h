/* inspection.h - questions about a worker's process that reeve-inspect answers
 *
 * What takes long to read, or is written by whoever may be hostile, is read neither here nor in
 * reeve-api, but by a process of the worker's own user, one for each question. It writes into a file
 * in memory that reeve-api gets when it has ended, or when its time is over. Few run at once, and the
 * others wait their turn: to look must not cost more than what is looked at. */
#pragma once

#include "board/control.h"
#include "engine/engine.h"
#include "model/worker.h"

/** inspection_ask() - begin, or wait for a turn; the answer goes out by face_send_inspected()
 *  @client_fd: the client's unix socket for what is for admins alone, -1: none; borrowed
 *  Return: 0; negative errno with @reterr, and no answer will come */
int inspection_ask(Engine *engine, const ControlInspect *asked, int client_fd, Error *reterr);

/** inspection_reaped() - a child that is no worker has ended; Return: whether it was one of these */
bool inspection_reaped(Engine *engine, pid_t pid, const WorkerExit *exit);

/** inspections_end() - whoever asked is gone, and so are the questions */
void inspections_end(Engine *engine);
