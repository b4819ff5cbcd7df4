/* scale_body.h - the body of PATCH /v1/pools/{pool}/scale */
#pragma once

#include "api/call.h"
#include "board/control.h"

/** scale_body_read() - fill the scale's part of a command
 *  Return: 0; -EINVAL with @refusal */
int scale_body_read(Call *call, ControlCommand *message, Refusal *refusal);
