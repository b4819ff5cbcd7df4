/* manager.c - see manager.h
 *
 * The manager is spoken to over its private socket, as systemctl does: it is there from the first
 * moment of a boot and needs no message bus. Where it refuses us the bus is tried. */
#include "sys/manager.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/clock.h"

#define LOOK_AGAIN_NSEC 2000000 /* 2 ms: a job takes some */

static void bus_done(sd_bus **bus)
{
        *bus = sd_bus_close_unref(*bus);
}

static void message_done(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

#define AUTO_BUS     CLEANUP(bus_done) sd_bus
#define AUTO_MESSAGE CLEANUP(message_done) sd_bus_message
#define AUTO_ERROR   CLEANUP(sd_bus_error_free) sd_bus_error

bool manager_is_running(void)
{
        return access("/run/systemd/system/", F_OK) == 0; /* sd_booted(3) */
}

static int open_private(bool is_user, sd_bus **ret)
{
        AUTO_BUS *bus = NULL;
        const char *runtime = is_user ? getenv("XDG_RUNTIME_DIR") : "/run";
        char address[PATH_MAX];
        int r;

        if (!runtime)
                return -ENOENT;
        (void)snprintf(address, sizeof(address), "unix:path=%s/systemd/private", runtime);
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        return r;
}

static int open_manager(bool is_user, sd_bus **ret)
{
        int r = open_private(is_user, ret);

        if (r < 0)
                r = is_user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
        return r;
}

/* The keys of systemd.scope(5) and systemd.resource-control(5). */
static int append_properties(sd_bus_message *message, const ManagerScope *scope)
{
        int r = sd_bus_message_append(message, "(sv)(sv)(sv)", "Description", "s",
                                      "Workers of reeve", "Slice", "s", scope->slice, "PIDs", "au",
                                      1, (uint32_t)getpid());

        /* At shutdown what is before something else is stopped after it: reeved stops workers. */
        if (r >= 0)
                r = sd_bus_message_append(message, "(sv)", "Before", "as", 1, scope->unit);
        /* No default limit for all workers together, and no trace of a scope that failed. */
        if (r >= 0)
                r = sd_bus_message_append(message, "(sv)(sv)(sv)", "Delegate", "b", 1, "TasksMax",
                                          "t", UINT64_MAX, "CollectMode", "s",
                                          "inactive-or-failed");
        return r;
}

static int build_request(sd_bus *bus, const ManagerScope *scope, sd_bus_message **ret)
{
        AUTO_MESSAGE *message = NULL;
        int r = sd_bus_message_new_method_call(
                bus, &message, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "StartTransientUnit");

        if (r >= 0)
                r = sd_bus_message_append(message, "ss", scope->name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "(sv)");
        if (r >= 0)
                r = append_properties(message, scope);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        if (r >= 0)
                r = sd_bus_message_append(message, "a(sa(sv))", 0);
        if (r >= 0)
                *ret = TAKE_PTR(message);
        return r;
}

static int refuse(Error *reterr, int r, const char *why)
{
        return error_set(reterr, r, "no-scope", "systemd gives no scope for workers: %s", why);
}

static int send_request(const ManagerScope *scope, uint64_t deadline_usec, Error *reterr)
{
        AUTO_BUS *bus = NULL;
        AUTO_MESSAGE *request = NULL;
        AUTO_ERROR error = SD_BUS_ERROR_NULL;
        uint64_t now = now_usec();
        int r = open_manager(scope->is_user, &bus);

        if (r >= 0)
                r = build_request(bus, scope, &request);
        if (r >= 0)
                r = now < deadline_usec
                            ? sd_bus_call(bus, request, deadline_usec - now, &error, NULL)
                            : -ETIMEDOUT;
        if (r >= 0)
                return 0;
        if (sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists"))
                r = -EEXIST;
        return refuse(reterr, r, error.message ? error.message : strerror(-r));
}

static bool are_we_in(const char *name)
{
        char group[PATH_MAX];
        const char *last;

        if (cgroup_of(getpid(), group, sizeof(group)) < 0)
                return false;
        last = strrchr(group, '/');
        return last && text_equal(last + 1, name);
}

int manager_make_scope(const ManagerScope *scope, uint64_t deadline_usec, Error *reterr)
{
        const struct timespec pause = { .tv_nsec = LOOK_AGAIN_NSEC };
        int r = send_request(scope, deadline_usec, reterr);

        /* The answer tells that a job was made; our own group tells when it is done. */
        while (r == 0 && !are_we_in(scope->name)) {
                if (now_usec() >= deadline_usec)
                        return refuse(reterr, -ETIMEDOUT, "it takes too long");
                (void)nanosleep(&pause, NULL);
        }
        return r;
}
