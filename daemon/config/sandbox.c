/* sandbox.c - the kinds of values of the sandbox, and keys of systemd that a pool cannot have
 *
 * What a pool cannot have is named: somebody who brings a unit's sandbox along must not believe that
 * it is in force because nobody complained, nor search for a typing error. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "config/kinds.h"
#include "config/words.h"

/* ---- capabilities ---- */

static const char *const capability_names[] = {
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "MKNOD",
        "LEASE",
        "AUDIT_WRITE",
        "AUDIT_CONTROL",
        "SETFCAP",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "SYSLOG",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "AUDIT_READ",
        "PERFMON",
        "BPF",
        "CHECKPOINT_RESTORE",
};

_Static_assert(CAP_CHECKPOINT_RESTORE == COUNT_OF(capability_names) - 1, "in the kernel's order");

static int capability_find(const char *name)
{
        if (strncasecmp(name, "CAP_", 4) != 0)
                return -EINVAL;
        for (size_t i = 0; i < COUNT_OF(capability_names); i++)
                if (strcasecmp(name + 4, capability_names[i]) == 0)
                        return (int)i;
        return -EINVAL;
}

/* The field has what is dropped, so that zero is "as reeved". Lines that name what stays add to one
 * another, as in systemd; a '~' before the first name turns a line into what goes. */
static int parse_capabilities(const Assignment *at, void *field)
{
        bool is_inverted = at->value[0] == '~';
        WordReader reader = { .at = at };
        AUTO_WORD word = { 0 };
        uint64_t named = 0, *dropped = field;
        int r;

        while ((r = word_next_plain(&reader, &word)) > 0) {
                bool is_first = word.offset == 0;
                const char *name = word.text + (is_first && is_inverted);
                int number = *name ? capability_find(name) : 0;

                if (number < 0)
                        return assignment_refuse(at, word.offset,
                                                 "%s=%s: expected names such as CAP_NET_RAW",
                                                 at->key->shown.name, word.text);
                if (*name)
                        named |= UINT64_C(1) << number;
        }
        if (r < 0)
                return r;
        *dropped = is_inverted ? *dropped | named : (*dropped ? *dropped : UINT64_MAX) & ~named;
        return 0;
}

const Kind kind_capabilities = PLAIN_KIND(uint64_t, parse_capabilities,
                                          "names such as CAP_NET_RAW, after a '~' those to drop");

/* ---- what a pool cannot have ---- */

static const char *const refused_names[] = {
        "AmbientCapabilities",
        "AppArmorProfile",
        "BindPaths",
        "BindReadOnlyPaths",
        "DeviceAllow",
        "DevicePolicy",
        "DynamicUser",
        "ExecPaths",
        "IPAddressAllow",
        "IPAddressDeny",
        "IPCNamespacePath",
        "KeyringMode",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "MountAPIVFS",
        "MountFlags",
        "NetworkNamespacePath",
        "NoExecPaths",
        "PrivateDevices",
        "PrivateIPC",
        "PrivateMounts",
        "PrivateNetwork",
        "PrivateUsers",
        "ProcSubset",
        "ProtectClock",
        "ProtectControlGroups",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "ProtectProc",
        "RemoveIPC",
        "RestrictAddressFamilies",
        "RestrictFileSystems",
        "RestrictNamespaces",
        "RestrictNetworkInterfaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "RootDirectory",
        "RootImage",
        "SELinuxContext",
        "SecureBits",
        "SmackProcessLabel",
        "SystemCallArchitectures",
        "SystemCallErrorNumber",
        "SystemCallFilter",
        "SystemCallLog",
        "TemporaryFileSystem",
};

bool key_is_refused(const char *name)
{
        for (size_t i = 0; i < COUNT_OF(refused_names); i++)
                if (text_equal(refused_names[i], name))
                        return true;
        return false;
}
