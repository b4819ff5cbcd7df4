/* route.h - the one table of what can be asked for */
#pragma once

#include <stddef.h>

#include "api/call.h"

typedef struct Route {
        const char *pattern;    /* "/v1/pools/{}"; {} stands for any one segment */
        HttpMethod method;      /* HTTP_GET answers HEAD too */
        ControlRole role;       /* at least; ROLE_NONE: everybody */
        const char *parameters; /* of the query, separated by blanks */
        void (*handle)(Call *call);
} Route;

/** route_find() - the route of a path and a method
 *  @ret_methods: all methods of that path, 0 if there is no such path
 *  Return: NULL if there is none */
const Route *route_find(const Target *target, HttpMethod method, unsigned *ret_methods);

/** route_has_parameter() - whether a route knows a parameter of the query */
bool route_has_parameter(const Route *route, const char *name);

/** route_at() - Return: the table's row, NULL behind its end */
const Route *route_at(size_t index);
