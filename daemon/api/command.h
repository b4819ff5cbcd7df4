/* command.h - the life of one command, from the message to reeved to the reply to the client
 *
 * The exchange sleeps until reeved has answered, and with Prefer: wait=N until the operation has
 * ended or the time is over. A client that goes meanwhile changes nothing: the command runs, and
 * its outcome is kept for who asks again with the same Idempotency-Key. */
#pragma once

#include "api/call.h"
#include "board/control.h"

/** command_send() - send @message for this request and see to its reply
 *  @idempotency: number of its row in the table of repeated requests, 0: none */
void command_send(Call *call, const ControlCommand *message, uint64_t idempotency);
