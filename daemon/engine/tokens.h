/* tokens.h - who may use the API over TCP: TokenFile=, or one token made at each start */
#pragma once

#include "engine/engine.h"

/** tokens_load() - the lines NAME:ROLE:SHA256-HEX for reeve-api, in a sealed memfd
 *  A line that is none is left out with a warning, so that one slip does not take the API away.
 *  Without TokenFile= one token that may operate is made; root, or whoever runs us, finds it in
 *  the runtime folder.
 *  @ret_fd: descriptor; -1 without ListenHTTP=
 *  Return: 0; negative errno with @reterr */
int tokens_load(Engine *engine, int *ret_fd, Error *reterr);
