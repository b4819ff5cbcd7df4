/* resources.h - the handlers that the table of routes names, and what they share */
#pragma once

#include "api/call.h"

/* ---- daemon.c ---- */
void daemon_show(Call *call);  /* GET /v1/ */
void daemon_livez(Call *call); /* GET /livez */
void daemon_readyz(Call *call);
void daemon_openapi(Call *call);
void daemon_favicon(Call *call);

/* ---- status_page.c ---- */
void status_page_show(Call *call); /* GET / */

/* ---- pools.c ---- */
void pools_list(Call *call);
void pools_show(Call *call);

/** pool_write() - the members of a pool; between the braces of its object */
void pool_write(Writer *writer, const Snapshot *snapshot, const PoolView *pool, bool is_redacted);

/** pool_text() - the whole object, from the cache
 *  Return: 0 and text that lasts until the next request; -ENOMEM */
int pool_text(Face *face, const PoolView *pool, bool is_redacted, const char **ret_text,
              size_t *ret_length);

/** pool_order_write() - After=, Requires=, who is waited for, and what the start took */
void pool_order_write(Writer *writer, const BoardPool *row);

/** grid_write() - {"processes":4,"threads":8,"greenlets":0} */
void grid_write(Writer *writer, const char *key, uint32_t processes, uint32_t threads,
                uint32_t greenlets);

/* ---- workers.c ---- */
void workers_list(Call *call);

/** worker_write() - what the board knows of a worker; between the braces of its object
 *  @has_detail: with what a list leaves out */
void worker_write(Writer *writer, const PoolView *pool, const BoardWorker *row, bool has_detail);

/* ---- inspect.c ---- */
void inspect_worker(Call *call);      /* GET /v1/workers/{pid} */
void inspect_descriptors(Call *call); /* GET /v1/workers/{pid}/descriptors */
void inspect_stack(Call *call);       /* GET /v1/workers/{pid}/threads/{tid}/stack */

/* ---- threads.c ---- */
void threads_list(Call *call);
void threads_show(Call *call);

/** signal_name() - "SIGTERM", "SIGRTMIN+1", or "signal 99"; Return: @buffer */
enum { SIGNAL_NAME_SIZE = 24 };
char *signal_name(char *buffer, int number);

/* ---- operations.c ---- */
void operations_show(Call *call);

/** operation_write() - the scale object */
void operation_write(Writer *writer, const BoardOperation *operation);

/* ---- events.c ---- */
void events_show(Call *call); /* a page, or a stream */
void event_streams_wake(Face *face);

/* ---- logs.c ---- */
void logs_show(Call *call);
/** log_streams_tick() - Return: whether there is any stream that wants the next tick */
bool log_streams_tick(Face *face);

/* ---- commands.c ---- */
void commands_scale(Call *call);
void commands_start(Call *call);
void commands_stop(Call *call);
void commands_restart(Call *call);
void commands_reload_pool(Call *call);
void commands_rollback(Call *call);
void commands_reset_failed(Call *call);
void commands_reopen_logs(Call *call);
void commands_signal(Call *call);
void commands_reload(Call *call);

/* ---- command.c ---- */
/** commands_look() - answer those whose operation has ended or whose time is over
 *  Return: whether any goes on waiting */
bool commands_look(Face *face);

/** commands_forget() - free those that reeved never answered; their exchanges are gone already */
void commands_forget(Face *face);
