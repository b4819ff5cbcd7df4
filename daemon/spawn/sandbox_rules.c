/* sandbox_rules.c - keys of a pool become rules (see sandbox.h)
 *
 * The keys mean what they mean in systemd.exec(5), with one difference: PrivateTmp= is a tmpfs of
 * each worker, not folders on disk. */
#include "spawn/sandbox.h"

static void add(Text *rules, char kind, bool is_optional, const char *path)
{
        const char head[] = { kind, is_optional ? '-' : '+' };

        text_append_bytes(rules, head, sizeof(head));
        text_append_bytes(rules, path, strlen(path) + 1);
}

static void add_all(Text *rules, char kind, char *const *paths)
{
        for (; paths && *paths; paths++)
                add(rules, kind, **paths == '-', *paths + (**paths == '-'));
}

static void add_each(Text *rules, char kind, const char *const *paths, size_t count)
{
        for (size_t i = 0; i < count; i++)
                add(rules, kind, true, paths[i]);
}

static void add_system(Text *rules, ProtectSystem protect)
{
        static const char *const programs[] = { "/usr", "/boot", "/efi" };
        static const char *const devices[] = { "/dev", "/proc", "/sys" };

        switch (protect) {
        case PROTECT_SYSTEM_NO: break;
        case PROTECT_SYSTEM_FULL:
                add(rules, 'r', true, "/etc");
                add_each(rules, 'r', programs, COUNT_OF(programs));
                break;
        case PROTECT_SYSTEM_YES: add_each(rules, 'r', programs, COUNT_OF(programs)); break;
        case PROTECT_SYSTEM_STRICT:
                add(rules, 'r', false, "/");
                add_each(rules, 'w', devices, COUNT_OF(devices));
                break;
        }
}

static void add_home(Text *rules, ProtectHome protect)
{
        static const char kinds[] = {
                [PROTECT_HOME_YES] = 'i', [PROTECT_HOME_READ_ONLY] = 'r', [PROTECT_HOME_TMPFS] = 'e'
        };
        static const char *const homes[] = { "/home", "/root", "/run/user" };

        if (protect != PROTECT_HOME_NO)
                add_each(rules, kinds[protect], homes, COUNT_OF(homes));
}

bool sandbox_is_needed(const Sandbox *sandbox)
{
        return sandbox->private_tmp || sandbox->protect_system != PROTECT_SYSTEM_NO
               || sandbox->protect_home != PROTECT_HOME_NO || sandbox->read_only
               || sandbox->read_write || sandbox->inaccessible;
}

void sandbox_rules(const Sandbox *sandbox, const char *keep, Text *rules)
{
        if (!sandbox_is_needed(sandbox))
                return;
        add_system(rules, sandbox->protect_system);
        add_home(rules, sandbox->protect_home);
        if (sandbox->private_tmp) {
                add(rules, 't', true, "/tmp");
                add(rules, 't', true, "/var/tmp");
        }
        add_all(rules, 'i', sandbox->inaccessible);
        add_all(rules, 'r', sandbox->read_only);
        add_all(rules, 'w', sandbox->read_write);
        if (keep)
                add(rules, 'k', true, keep);
}
