/* credentials.c - who a process is and what it may do */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/finding.h"
#include "inspect/inspect.h"
#include "sys/files.h"

/* Of linux/capability.h, by number; newer ones show as cap_NUMBER. */
static const char *const capability_names[] = {
        "cap_chown",
        "cap_dac_override",
        "cap_dac_read_search",
        "cap_fowner",
        "cap_fsetid",
        "cap_kill",
        "cap_setgid",
        "cap_setuid",
        "cap_setpcap",
        "cap_linux_immutable",
        "cap_net_bind_service",
        "cap_net_broadcast",
        "cap_net_admin",
        "cap_net_raw",
        "cap_ipc_lock",
        "cap_ipc_owner",
        "cap_sys_module",
        "cap_sys_rawio",
        "cap_sys_chroot",
        "cap_sys_ptrace",
        "cap_sys_pacct",
        "cap_sys_admin",
        "cap_sys_boot",
        "cap_sys_nice",
        "cap_sys_resource",
        "cap_sys_time",
        "cap_sys_tty_config",
        "cap_mknod",
        "cap_lease",
        "cap_audit_write",
        "cap_audit_control",
        "cap_setfcap",
        "cap_mac_override",
        "cap_mac_admin",
        "cap_syslog",
        "cap_wake_alarm",
        "cap_block_suspend",
        "cap_audit_read",
        "cap_perfmon",
        "cap_bpf",
        "cap_checkpoint_restore",
};

static const char *const seccomp_names[] = { "disabled", "strict", "filter" };

/* The numbers behind Uid: and Gid: are real, effective, saved and that for files.
 * Return: the effective one, -1 if there is none */
static int64_t write_ids(FILE *out, const char *status, const char *field,
                         const char *const names[3])
{
        const char *value = field_find(status, field);
        unsigned ids[3];

        if (!value || sscanf(value, "%u %u %u", &ids[0], &ids[1], &ids[2]) != 3)
                return -1;
        for (size_t i = 0; i < COUNT_OF(ids); i++)
                finding_number(out, names[i], ids[i]);
        return ids[1];
}

static void write_user(FILE *out, const char *status)
{
        static const char *const names[] = { "uid", "effective_uid", "saved_uid" };
        int64_t uid = write_ids(out, status, "Uid", names);
        const struct passwd *account = uid < 0 ? NULL : getpwuid((uid_t)uid);

        if (account)
                finding_text(out, "user", account->pw_name);
        else
                finding_none(out, "user", "its user has no name here");
}

static void write_group(FILE *out, const char *status)
{
        static const char *const names[] = { "gid", "effective_gid", "saved_gid" };
        int64_t gid = write_ids(out, status, "Gid", names);
        const struct group *group = gid < 0 ? NULL : getgrgid((gid_t)gid);

        if (group)
                finding_text(out, "group", group->gr_name);
        else
                finding_none(out, "group", "its group has no name here");
}

static void write_groups(FILE *out, const char *status)
{
        const char *p = field_find(status, "Groups");

        finding_open_list(out, "groups");
        for (; p && *p >= '0' && *p <= '9'; p += strspn(p, " ")) {
                char *end;

                finding_number(out, "", strtoull(p, &end, 10));
                p = end;
        }
        finding_close_list(out);
}

static void write_capability_set(FILE *out, const char *name, uint64_t bits)
{
        finding_open_list(out, name);
        for (unsigned bit = 0; bits; bit++, bits >>= 1) {
                char number[16];

                (void)snprintf(number, sizeof(number), "cap_%u", bit);
                if (bits & 1)
                        finding_text(out, "",
                                     bit < COUNT_OF(capability_names) ? capability_names[bit]
                                                                      : number);
        }
        finding_close_list(out);
}

static void write_capabilities(FILE *out, const char *status)
{
        static const char *const sets[][2] = {
                { "CapEff", "effective" }, { "CapPrm", "permitted" }, { "CapInh", "inheritable" },
                { "CapBnd", "bounding" },  { "CapAmb", "ambient" },
        };
        uint64_t bits;

        finding_open_object(out, "capabilities");
        for (size_t i = 0; i < COUNT_OF(sets); i++)
                if (field_number(status, sets[i][0], 16, &bits))
                        write_capability_set(out, sets[i][1], bits);
        finding_close_object(out);
}

static void write_confinement(FILE *out, const Subject *subject, const char *status)
{
        char label[512];
        uint64_t number;
        ssize_t n;

        if (field_number(status, "NoNewPrivs", 10, &number))
                finding_flag(out, "no_new_privileges", number != 0);
        if (field_number(status, "Seccomp", 10, &number) && number < COUNT_OF(seccomp_names))
                finding_text(out, "seccomp", seccomp_names[number]);
        if (field_number(status, "Seccomp_filters", 10, &number))
                finding_number(out, "seccomp_filters", number);
        n = file_read_into(subject->fd, "attr/current", label, sizeof(label));
        while (n > 0 && (label[n - 1] == '\n' || label[n - 1] == '\0'))
                n--;
        if (n > 0)
                finding_bytes(out, "label", label, (size_t)n);
        else
                finding_none(out, "label", "no security module labels processes here");
}

void inspect_credentials(FILE *out, const Subject *subject)
{
        AUTO_FREE char *status = NULL;
        int r = subject_read(subject, "status", &status, NULL);

        if (r < 0) {
                finding_failed(out, "credentials", r);
                return;
        }
        finding_open_object(out, "credentials");
        write_user(out, status);
        write_group(out, status);
        write_groups(out, status);
        write_capabilities(out, status);
        write_confinement(out, subject, status);
        finding_close_object(out);
}
