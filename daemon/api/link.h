/* link.h - the control socket, as reeve-api sees it (messages: board/control.h)
 *
 * Requests go out with a number each and come back with it exactly once, or time out. The board
 * is mapped here and swapped when reeved hands over another one. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "board/board.h"
#include "board/control.h"

typedef struct Link Link;

enum { LINK_WAITING_MAX = 1024 };
#define LINK_TIMEOUT_USEC (UINT64_C(10) * 1000000)

/** what a request is told
 *  @reply: NULL if none came in time; valid during the call
 *  @plan_fd: of a reload with has_plan, else -1; borrowed during the call */
typedef void (*LinkReplyHandler)(void *userdata, const ControlReply *reply, int plan_fd);
/** @fds: newest first, to be closed by the handler; @log: NULL if no answer came */
typedef void (*LinkLogHandler)(void *userdata, const ControlLog *log, const int *fds,
                               size_t fd_count);

/** @answer: NULL if none came; @fd: what reeve-inspect wrote, else -1; borrowed during the call */
typedef void (*LinkInspectHandler)(void *userdata, const ControlInspected *answer, int fd);

typedef struct LinkHandlers {
        void (*on_board)(void *userdata); /* the board is another one: link_board() */
        void (*on_news)(void *userdata);  /* events were added to the ring */
        /** @r: 0: reeved is gone; negative errno: what it says is not understood */
        void (*on_closed)(void *userdata, int r);
        void *userdata;
} LinkHandlers;

/** link_new() - begin to talk over @fd (taken) and say HELLO
 *  @timeout_usec: how long a request waits for its answer
 *  Return: 0, negative errno */
int link_new(sd_event *event, int fd, uint64_t timeout_usec, const LinkHandlers *handlers,
             Link **ret);
Link *link_free(Link *link);

/** link_board() - Return: the board, NULL until the first has come */
const BoardView *link_board(const Link *link);

/** link_command() - send a command; head and request number are filled in here
 *  @client_fd: goes along with CONTROL_HAS_CLIENT; -1: none
 *  @ret_request: to give up with link_forget(); 0 is no request; may be NULL
 *  Return: 0; -EAGAIN if reeved does not read; -EBUSY if too many wait; other negative errno */
int link_command(Link *link, ControlCommand *command, int client_fd, LinkReplyHandler handler,
                 void *userdata, uint64_t *ret_request);

/** link_open_log() - ask for the files of one slot */
int link_open_log(Link *link, const char *pool, uint32_t slot, LinkLogHandler handler,
                  void *userdata, uint64_t *ret_request);

/** link_inspect() - ask about a worker's process; head is filled in here
 *  @client_fd: goes along for what is for admins alone; -1: none */
int link_inspect(Link *link, ControlInspect *question, int client_fd, LinkInspectHandler handler,
                 void *userdata, uint64_t *ret_request);

/** link_forget() - the answer is no longer of interest */
void link_forget(Link *link, uint64_t request);
