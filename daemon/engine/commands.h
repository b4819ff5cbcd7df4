/* commands.h - what reeve-api asks for, checked and done
 *
 * The face is not trusted with more than it could ask for anyway: every command names a pool and
 * values from fixed sets, all are checked here, and admin verbs are believed only from the
 * client's own socket. */
#pragma once

#include "board/control.h"
#include "engine/engine.h"

/** command_run() - do it and say what came of it
 *  @client_fd: the client's unix socket for admin verbs, -1: none; borrowed
 *  @ret: filled but for its head
 *  @ret_plan_fd: with has_plan, to be closed; else -1 */
void command_run(Engine *engine, const ControlCommand *command, int client_fd, ControlReply *ret,
                 int *ret_plan_fd);

/** command_open_log() - open a slot's log files for reading
 *  @ret_fds: room for CONTROL_LOG_FILES; the caller closes them
 *  @ret: filled but for its head */
void command_open_log(Engine *engine, const ControlOpenLog *asked, int *ret_fds, ControlLog *ret);

/** command_client_is_admin() - whether the socket that came along is an administrator's
 *  @flags: with CONTROL_HAS_CLIENT if one came */
bool command_client_is_admin(const Engine *engine, uint32_t flags, int client_fd);
