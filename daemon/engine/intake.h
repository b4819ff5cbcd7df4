/* intake.h - the pipes of all workers' output, behind one source of the loop
 *
 * A source of sd-event for each pipe would take 300 bytes, and be the larger part of what a worker
 * costs while it says nothing. */
#pragma once

#include "engine/engine.h"
#include "engine/output.h"

/** intake_open() - Return: 0; negative errno */
int intake_open(Engine *engine);

/** intake_close() - once no pipe is left */
void intake_close(Engine *engine);

/** intake_add() - output_take() is called when there is something in the stream's pipe
 *  Return: 0; negative errno */
int intake_add(Engine *engine, int fd, Stream *stream);

/** intake_again() - more was left in the pipe: it has its next turn after all others */
void intake_again(Engine *engine, int fd, Stream *stream);

/** intake_remove() - before @fd is closed; nothing if it was not added */
void intake_remove(Engine *engine, int fd);
