/* url.h - the same requests over http:// and https://, by libcurl
 *
 * libcurl is loaded when the first such request is made and at no other time. */
#pragma once

#include "ctl/client.h"

/** url_perform() - as client_perform(), for a client with a URL */
int url_perform(const Client *client, const Request *request, const HttpSink *sink, Error *reterr);

/** url_token() - the bearer token: the first word of the token file, else $REEVE_TOKEN
 *  @ret: from malloc, NULL if there is none
 *  Return: 0; negative errno with a sentence in @reterr */
int url_token(const Client *client, char **ret, Error *reterr);
