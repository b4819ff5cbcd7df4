/* api.h - the API's resources, with problems turned into Errors */
#pragma once

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/context.h"
#include "ctl/value.h"

/** api_path() - append @name to a path or query, percent-encoded where it must be */
void api_path(Text *path, const char *name);

/** api_call() - one request, one JSON reply
 *  @ret: a new reference; untouched on failure. NULL: not wanted
 *  Return: the HTTP status below 400; negative errno with the problem's code and detail in
 *  @reterr: -ENOENT (404), -ESTALE (412), -EPERM (other 4xx), -EIO (5xx), or client_fetch()'s */
int api_call(const Context *context, const Request *request, json_t **ret, Error *reterr);

/** api_get() - GET of @path; Return: as api_call(), but 0 for success */
int api_get(const Context *context, const char *path, json_t **ret, Error *reterr);

/** api_list() - all pages of a list as one: {"items":[...],"next":null}
 *  @path: may have a query already
 *  Return: as api_get() */
int api_list(const Context *context, const char *path, json_t **ret, Error *reterr);

/** api_pool() - one pool; Return: as api_get() */
int api_pool(const Context *context, const char *name, json_t **ret, Error *reterr);

/** api_problem() - the sentence of a reply of status 400 and above; Return: as api_call() */
int api_problem(int status, const char *body, size_t length, Error *reterr);
