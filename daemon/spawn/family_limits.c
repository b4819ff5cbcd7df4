/* family_limits.c - what the group of a slot or of a pool may take (see family.h)
 *
 * One table: a field of GroupLimits, the controller and file that it is written to, and the keys
 * that set it. Memory, CPU time and tasks are limited for each worker in the group of its slot, and
 * for all of them in the group of the pool; weights compare pools, so they stand there only. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "sys/cgroup.h"
#include "sys/fd.h"
#include "sys/files.h"

/* The period in which a quota is counted; the kernel's and systemd's default. */
enum { CPU_PERIOD_USEC = 100000 };

typedef enum SettingKind { SETTING_AMOUNT, SETTING_QUOTA, SETTING_WEIGHT } SettingKind;

typedef struct Setting {
        const char *keys[2]; /* by FamilyScope; NULL: there is none */
        Controller controller;
        const char *file, *other_file; /* the second where the kernel lacks the first */
        SettingKind kind;
        size_t offset;
} Setting;

#define FIELD(name) offsetof(GroupLimits, name)

/* memory.high before memory.max: a worker that is over both is slowed before it is killed. */
static const Setting settings[] = {
        { { "MemoryHigh", "PoolMemoryHigh" },
          CONTROLLER_MEMORY,
          "memory.high",
          NULL,
          SETTING_AMOUNT,
          FIELD(memory_high_bytes) },
        { { "MemorySwapMax", NULL },
          CONTROLLER_MEMORY,
          "memory.swap.max",
          NULL,
          SETTING_AMOUNT,
          FIELD(memory_swap_max_bytes) },
        { { "MemoryMax", "PoolMemoryMax" },
          CONTROLLER_MEMORY,
          "memory.max",
          NULL,
          SETTING_AMOUNT,
          FIELD(memory_max_bytes) },
        { { "TasksMax", "PoolTasksMax" },
          CONTROLLER_PIDS,
          "pids.max",
          NULL,
          SETTING_AMOUNT,
          FIELD(tasks_max) },
        { { "CPUQuota", "PoolCPUQuota" },
          CONTROLLER_CPU,
          "cpu.max",
          NULL,
          SETTING_QUOTA,
          FIELD(cpu_quota_percent) },
        { { NULL, "CPUWeight" },
          CONTROLLER_CPU,
          "cpu.weight",
          NULL,
          SETTING_WEIGHT,
          FIELD(cpu_weight) },
        /* The first by blk-iocost, the second by the scheduler BFQ. */
        { { NULL, "IOWeight" },
          CONTROLLER_IO,
          "io.weight",
          "io.bfq.weight",
          SETTING_WEIGHT,
          FIELD(io_weight) },
};

static uint64_t value_of(const Setting *setting, const GroupLimits *limits)
{
        const char *field = (const char *)limits + setting->offset;

        return setting->kind == SETTING_AMOUNT ? *(const uint64_t *)field
                                               : *(const unsigned *)field;
}

static bool is_none(const Setting *setting, uint64_t value)
{
        return value == (setting->kind == SETTING_AMOUNT ? UINT64_MAX : 0);
}

static void format_value(const Setting *setting, uint64_t value, char *text, size_t size)
{
        bool is_unlimited = is_none(setting, value);

        switch (setting->kind) {
        case SETTING_AMOUNT:
                if (is_unlimited)
                        (void)text_copy(text, size, "max");
                else
                        (void)snprintf(text, size, "%" PRIu64, value);
                break;
        case SETTING_QUOTA:
                if (is_unlimited)
                        (void)snprintf(text, size, "max %d", CPU_PERIOD_USEC);
                else
                        (void)snprintf(text, size, "%" PRIu64 " %d",
                                       value * (CPU_PERIOD_USEC / 100), CPU_PERIOD_USEC);
                break;
        case SETTING_WEIGHT:
                (void)snprintf(text, size, "%" PRIu64, is_unlimited ? 100 : value);
                break;
        }
}

static int write_value(int fd, const Setting *setting, uint64_t value)
{
        char text[64];
        int r;

        format_value(setting, value, text, sizeof(text));
        r = file_write_text(fd, setting->file, text);
        if (r == -ENOENT && setting->other_file)
                r = file_write_text(fd, setting->other_file, text);
        /* What cannot be limited has no limit: memory.swap.max without swap accounting. */
        return r == -ENOENT && is_none(setting, value) ? 0 : r;
}

unsigned family_root_controllers(const FamilyRoot *root)
{
        return root->controllers;
}

const char *family_root_path(const FamilyRoot *root)
{
        return root->path;
}

const char *family_root_trouble(const FamilyRoot *root)
{
        const Error *error = &root->place.why_no_scope;

        return root->kind == FAMILY_CGROUP && error_is_set(error) ? error->message : NULL;
}

void family_root_why_not(const FamilyRoot *root, unsigned controller, char *text, size_t size)
{
        if (root->kind == FAMILY_DESCENT)
                (void)text_copy(text, size, "there are no cgroups here at all.");
        else
                place_why_not(&root->place, controller_name((Controller)controller),
                              cgroup_available(root->place.path) & controller, text, size);
}

bool family_is_fresh(const Family *family, FamilyScope scope)
{
        return scope == FAMILY_OF_SLOT ? family->is_fresh : family->is_pool_fresh;
}

bool family_take_tidied(Family *family)
{
        bool was_tidied = family->is_tidied;

        family->is_tidied = false;
        return was_tidied;
}

/* Return: the folder of the group, O_PATH; negative errno */
static int open_scope(const Family *family, FamilyScope scope)
{
        char path[PATH_MAX];
        int fd;

        if (!text_copy(path, sizeof(path), family->path))
                return -ENAMETOOLONG;
        if (scope == FAMILY_OF_POOL)
                *strrchr(path, '/') = '\0';
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool is_to_be_written(const FamilyRoot *root, const Setting *setting, FamilyScope scope,
                             const GroupLimits *from, const GroupLimits *to)
{
        return setting->keys[scope] && (root->controllers & setting->controller)
               && (!from || value_of(setting, from) != value_of(setting, to));
}

int family_limit(Family *family, FamilyScope scope, const GroupLimits *from, const GroupLimits *to,
                 const char **ret_key)
{
        AUTO_CLOSE fd = -1;
        int failed = 0;

        for (size_t i = 0; i < COUNT_OF(settings); i++) {
                int r;

                if (!is_to_be_written(family->root, &settings[i], scope, from, to))
                        continue;
                if (fd < 0)
                        fd = open_scope(family, scope);
                r = fd < 0 ? fd : write_value(fd, &settings[i], value_of(&settings[i], to));
                if (r < 0 && failed == 0) {
                        *ret_key = settings[i].keys[scope];
                        failed = r;
                }
        }
        return failed;
}

const char *family_limit_key(const GroupLimits *limits, FamilyScope scope, size_t index,
                             unsigned *ret_controller)
{
        for (size_t i = 0; i < COUNT_OF(settings); i++) {
                if (!settings[i].keys[scope]
                    || is_none(&settings[i], value_of(&settings[i], limits)))
                        continue;
                if (index-- > 0)
                        continue;
                *ret_controller = settings[i].controller;
                return settings[i].keys[scope];
        }
        return NULL;
}

uint64_t family_take_oom_kills(Family *family)
{
        AUTO_CLOSE fd = -1;
        uint64_t kills, before = family->oom_kills;

        if (!(family->root->controllers & CONTROLLER_MEMORY))
                return 0;
        fd = open_scope(family, FAMILY_OF_SLOT);
        if (fd < 0 || cgroup_oom_kills(fd, &kills) < 0)
                return 0;
        family->oom_kills = kills;
        return kills > before ? kills - before : 0;
}
