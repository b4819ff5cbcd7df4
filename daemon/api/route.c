/* route.c - see route.h */
#include "api/route.h"

#include "api/resources.h"

static const Route routes[] = {
        { "/", HTTP_GET, ROLE_NONE, "", status_page_show },
        { "/favicon.ico", HTTP_GET, ROLE_NONE, "", daemon_favicon },
        { "/livez", HTTP_GET, ROLE_NONE, "", daemon_livez },
        { "/openapi.json", HTTP_GET, ROLE_NONE, "", daemon_openapi },
        { "/readyz", HTTP_GET, ROLE_NONE, "", daemon_readyz },
        { "/v1", HTTP_GET, ROLE_VIEW, "", daemon_show },
        { "/v1/events", HTTP_GET, ROLE_VIEW, "since limit cursor fields follow pool", events_show },
        { "/v1/operations/{}", HTTP_GET, ROLE_VIEW, "", operations_show },
        { "/v1/pools", HTTP_GET, ROLE_VIEW, "limit cursor fields builtin", pools_list },
        { "/v1/pools/{}", HTTP_GET, ROLE_VIEW, "fields", pools_show },
        { "/v1/pools/{}/logs", HTTP_GET, ROLE_VIEW, "lines follow slot raw", logs_show },
        { "/v1/pools/{}/logs/reopen", HTTP_POST, ROLE_OPERATE, "", commands_reopen_logs },
        { "/v1/pools/{}/reload", HTTP_POST, ROLE_OPERATE, "", commands_reload_pool },
        { "/v1/pools/{}/reset-failed", HTTP_POST, ROLE_OPERATE, "", commands_reset_failed },
        { "/v1/pools/{}/restart", HTTP_POST, ROLE_OPERATE, "", commands_restart },
        { "/v1/pools/{}/rollback", HTTP_POST, ROLE_OPERATE, "", commands_rollback },
        { "/v1/pools/{}/scale", HTTP_PATCH, ROLE_OPERATE, "", commands_scale },
        { "/v1/pools/{}/start", HTTP_POST, ROLE_OPERATE, "", commands_start },
        { "/v1/pools/{}/stop", HTTP_POST, ROLE_OPERATE, "", commands_stop },
        { "/v1/reload", HTTP_POST, ROLE_ADMIN, "", commands_reload },
        { "/v1/workers", HTTP_GET, ROLE_VIEW, "pool limit cursor fields builtin", workers_list },
        { "/v1/workers/{}", HTTP_GET, ROLE_VIEW, "fields", inspect_worker },
        { "/v1/workers/{}/descriptors", HTTP_GET, ROLE_VIEW, "limit cursor fields",
          inspect_descriptors },
        { "/v1/workers/{}/threads", HTTP_GET, ROLE_VIEW, "limit cursor fields", threads_list },
        { "/v1/workers/{}/threads/{}", HTTP_GET, ROLE_VIEW, "fields", threads_show },
        { "/v1/workers/{}/signal", HTTP_POST, ROLE_OPERATE, "", commands_signal },
        { "/v1/workers/{}/threads/{}/stack", HTTP_GET, ROLE_ADMIN, "", inspect_stack },
};

static bool pattern_matches(const char *pattern, const Target *target)
{
        unsigned i = 0;

        for (const char *p = pattern + 1; *p; i++) {
                size_t length = strcspn(p, "/");

                if (i == target->segment_count)
                        return false;
                if (strncmp(p, "{}", 2) != 0
                    && (strlen(target->segments[i]) != length
                        || strncmp(p, target->segments[i], length) != 0))
                        return false;
                p += length;
                p += *p == '/';
        }
        return i == target->segment_count;
}

const Route *route_find(const Target *target, HttpMethod method, unsigned *ret_methods)
{
        const Route *found = NULL;

        *ret_methods = 0;
        if (method == HTTP_HEAD)
                method = HTTP_GET;
        for (size_t i = 0; i < COUNT_OF(routes); i++) {
                if (!pattern_matches(routes[i].pattern, target))
                        continue;
                *ret_methods |= routes[i].method;
                if (routes[i].method == method)
                        found = &routes[i];
        }
        return found;
}

bool route_has_parameter(const Route *route, const char *name)
{
        size_t length = strlen(name);

        for (const char *p = route->parameters; *p; p += strspn(p, " ")) {
                size_t word = strcspn(p, " ");

                if (word == length && strncmp(p, name, length) == 0)
                        return true;
                p += word;
        }
        return false;
}

const Route *route_at(size_t index)
{
        return index < COUNT_OF(routes) ? &routes[index] : NULL;
}
