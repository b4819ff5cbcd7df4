/* face.h - reeve-api as the core sees it: the built-in pool @api and the socket to it
 *
 * reeve-api is supervised like any worker. What is special: it runs as ApiUser=, it is executed
 * by descriptor (that user may not reach the path), and it is given our listeners and one end
 * of a control socket, made anew for each of its lives. */
#pragma once

#include "engine/pool.h"

/** face_new() - open what reeve-api will be handed, and add the pool @api
 *  Return: 0; negative errno with @reterr */
int face_new(Engine *engine, Face **ret, Error *reterr);

/** face_free() - its pool must be gone; Return: NULL */
Face *face_free(Face *face);

/** face_group() - group that may read logs: that of reeve-api; (gid_t)-1 without a face */
gid_t face_group(const Face *face);

/** face_executable() - O_PATH descriptor of reeve-api, borrowed */
int face_executable(const Face *face);

/** face_addresses() - where the API is to be had, for people: "/run/reeve/api.sock and http://..." */
const char *face_addresses(const Face *face);

/** face_fds() - its descriptors for one life; the control pair is made here
 *  Return: how many were stored in @fds */
size_t face_fds(Face *face, SpawnFd *fds, size_t max);

/** face_add_environment() - the settings it is given; Return: 0, -ENOMEM */
int face_add_environment(Face *face, char ***environment);

/** face_launched() - the life that face_fds() was for began (or did not) */
void face_launched(Face *face, bool has_begun);

/** face_send_board(), face_send_news() - nothing happens while it is not connected */
void face_send_board(Face *face);
void face_send_news(Face *face);

/** face_send_inspected() - answer a question of inspection.h
 *  @fd: the answer, borrowed; @error: why there is none, NULL: @fd */
void face_send_inspected(Face *face, uint64_t request, int fd, const Error *error);

/** face_is_admin() - whether this user may do what only admins may */
bool face_is_admin(const Face *face, uid_t uid);
