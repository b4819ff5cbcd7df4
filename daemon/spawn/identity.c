/* identity.c - User= and Group= become numbers (see spawn.h)
 *
 * Asks the name service, which may be a directory server at the other end of a network: only
 * while configuration is loaded. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "spawn/spawn.h"

enum { NAME_BUFFER_BYTES = 64 * 1024, GROUPS_MAX = 65536 };

typedef struct Lookup {
        const char *key, *text, *subject; /* "User", "foo", "pool web" */
        Error *reterr;
} Lookup;

static int not_found(const Lookup *lookup, int error, const char *what)
{
        /* "Not there" is 0 or one of several errors, depending on the service asked. */
        if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
                return error_set(lookup->reterr, -ESRCH, "spawn-failed", "%s: %s=%s: no such %s",
                                 lookup->subject, lookup->key, lookup->text, what);
        return error_set(lookup->reterr, -error, "spawn-failed", "%s: %s=%s: %s", lookup->subject,
                         lookup->key, lookup->text, strerror(error));
}

static bool is_number(const char *text, uint32_t *ret)
{
        uint64_t number;

        /* The highest one means "leave unchanged" to the kernel. */
        if (units_parse_number(text, UINT32_MAX - 1, &number) < 0)
                return false;
        *ret = (uint32_t)number;
        return true;
}

static int find_gid(const Lookup *lookup, gid_t *ret)
{
        AUTO_FREE char *buffer = malloc(NAME_BUFFER_BYTES);
        struct group group, *found = NULL;
        int error;

        if (!buffer)
                return -ENOMEM;
        if (is_number(lookup->text, ret))
                return 0;
        error = getgrnam_r(lookup->text, &group, buffer, NAME_BUFFER_BYTES, &found);
        if (!found)
                return not_found(lookup, error, "group");
        *ret = group.gr_gid;
        return 0;
}

static int copy_account(const struct passwd *account, SpawnIdentity *identity)
{
        identity->uid = account->pw_uid;
        identity->gid = account->pw_gid;
        identity->user = strdup(account->pw_name);
        identity->home = strdup(account->pw_dir);
        identity->shell = strdup(account->pw_shell);
        return identity->user && identity->home && identity->shell ? 0 : -ENOMEM;
}

/* A number needs no account, but then it needs Group=. */
static int find_uid(const Lookup *lookup, bool has_group, SpawnIdentity *identity)
{
        AUTO_FREE char *buffer = malloc(NAME_BUFFER_BYTES);
        struct passwd account, *found = NULL;
        uint32_t number;
        int error;

        if (!buffer)
                return -ENOMEM;
        if (!is_number(lookup->text, &number)) {
                error = getpwnam_r(lookup->text, &account, buffer, NAME_BUFFER_BYTES, &found);
                return found ? copy_account(found, identity) : not_found(lookup, error, "user");
        }
        (void)getpwuid_r(number, &account, buffer, NAME_BUFFER_BYTES, &found);
        if (found)
                return copy_account(found, identity);
        if (!has_group)
                return error_set(lookup->reterr, -ESRCH, "spawn-failed",
                                 "%s: User=%s has no account and so no group; set Group= too",
                                 lookup->subject, lookup->text);
        identity->uid = number;
        return 0;
}

/* As the daemon: Group= alone changes neither the user nor the supplementary groups. */
static int keep_groups(SpawnIdentity *identity)
{
        int count = getgroups(0, NULL);

        if (count <= 0)
                return count < 0 ? -errno : 0;
        identity->groups = calloc((size_t)count, sizeof(gid_t));
        if (!identity->groups)
                return -ENOMEM;
        count = getgroups(count, identity->groups);
        if (count < 0)
                return -errno;
        identity->group_count = (size_t)count;
        return 0;
}

static int list_groups(SpawnIdentity *identity)
{
        int count = 64;

        if (!identity->user)
                return 0;
        for (;;) {
                int room = count;
                gid_t *more = realloc(identity->groups, (size_t)count * sizeof(gid_t));

                if (!more)
                        return -ENOMEM;
                identity->groups = more;
                if (getgrouplist(identity->user, identity->gid, identity->groups, &count) >= 0)
                        break;
                if (count <= room || count > GROUPS_MAX)
                        return -E2BIG;
        }
        identity->group_count = (size_t)count;
        return 0;
}

static int resolve(const Lookup *user, const Lookup *group, SpawnIdentity *identity)
{
        int r;

        identity->uid = geteuid();
        identity->gid = getegid();
        if (user->text) {
                r = find_uid(user, group->text != NULL, identity);
                if (r < 0)
                        return r;
        }
        if (group->text) {
                r = find_gid(group, &identity->gid);
                if (r < 0)
                        return r;
        }
        return user->text ? list_groups(identity) : keep_groups(identity);
}

int spawn_identity_resolve(const char *user, const char *group, const char *subject,
                           SpawnIdentity *ret, Error *reterr)
{
        SpawnIdentity identity = { .is_set = user || group };
        Error error = { 0 };
        Lookup user_lookup = { "User", user, subject, &error };
        Lookup group_lookup = { "Group", group, subject, &error };
        int r = identity.is_set ? resolve(&user_lookup, &group_lookup, &identity) : 0;

        if (r < 0) {
                spawn_identity_done(&identity);
                if (!error_is_set(&error))
                        (void)error_set(&error, r, "spawn-failed", "%s: cannot resolve User=: %s",
                                        subject, strerror(-r));
                return error_set(reterr, r, error.code, "%s", error.message);
        }
        *ret = identity;
        return 0;
}

void spawn_identity_done(SpawnIdentity *identity)
{
        free(identity->groups);
        free(identity->user);
        free(identity->home);
        free(identity->shell);
        *identity = (SpawnIdentity){ 0 };
}
