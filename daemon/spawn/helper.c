/* helper.c - see helper.h
 *
 * The plan is one fixed structure followed by the groups and the directory. It never leaves the
 * machine or outlives the moment, so it is written as it lies in memory. */
#include "spawn/helper.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define PLAN_MAGIC UINT32_C(0x72766578) /* "rvex" */
enum { PLAN_VERSION = 2, PLAN_GROUPS_MAX = 65536 /* NGROUPS_MAX of Linux */ };

typedef struct Plan {
        uint32_t magic, version;
        uint32_t has_identity, has_umask, has_nice, has_oom_score_adjust, has_affinity,
                no_new_privileges, has_executable, dies_with_us;
        uint32_t umask, uid, gid, group_count, directory_length; /* 0: stay */
        int32_t nice, oom_score_adjust;
        uint32_t limits_set;     /* a bit for each */
        uint64_t sandbox_length; /* 0: none */
        uint64_t dropped_capabilities;
        uint64_t soft[RESOURCE_COUNT], hard[RESOURCE_COUNT];
        uint64_t affinity[sizeof(cpu_set_t) / sizeof(uint64_t)];
} Plan;

typedef struct StepText {
        int exit_status;
        const char *sentence;   /* what could not be done; the detail follows directly */
        const char *permission; /* what to do when it was not permitted, NULL: nothing to say */
} StepText;

static const StepText step_texts[] = {
        [STEP_SESSION] = { 220, "cannot start a session", NULL },
        [STEP_SIGNALS] = { 207, "cannot reset signals", NULL },
        [STEP_DESCRIPTORS] = { 202, "cannot hand over descriptors", NULL },
        [STEP_MARK] = { 205, "cannot mark the process", NULL },
        [STEP_HELPER] = { 203, "cannot execute reeve-exec", "is its file system mounted noexec?" },
        [STEP_PLAN] = { 203, "reeve-exec cannot read its instructions", NULL },
        [STEP_LIMIT] = { 205, "cannot set ",
                         "above the hard limit of reeved it needs CAP_SYS_RESOURCE" },
        [STEP_NICE] = { 201,
                        "cannot set Nice=", "below the niceness of reeved it needs CAP_SYS_NICE" },
        [STEP_OOM_SCORE] = { 206, "cannot set OOMScoreAdjust=",
                             "below the value of reeved it needs CAP_SYS_RESOURCE" },
        [STEP_AFFINITY] = { 215, "cannot set CPUAffinity=", NULL },
        [STEP_SANDBOX] = { 226, "cannot set up what it sees of the file system at ",
                           "reeved must run as root for that, with CAP_SYS_ADMIN" },
        [STEP_CAPABILITIES] = { 218, "cannot set CapabilityBoundingSet=",
                                "reeved must run as root for that" },
        [STEP_GROUP] = { 216, "cannot change to Group=", "reeved must run as root for that" },
        [STEP_USER] = { 217, "cannot change to User=", "reeved must run as root for that" },
        [STEP_NO_NEW_PRIVILEGES] = { 227, "cannot set NoNewPrivileges=", NULL },
        [STEP_DIRECTORY] = { 200, "cannot change to WorkingDirectory=",
                             "the worker's user must be allowed to enter it" },
        [STEP_EXECUTE] = { 203, "cannot execute ",
                           "the worker's user must be allowed to reach and execute it" },
};

static const char *const limit_names[RESOURCE_COUNT] = {
        [RLIMIT_CPU] = "LimitCPU",           [RLIMIT_FSIZE] = "LimitFSIZE",
        [RLIMIT_DATA] = "LimitDATA",         [RLIMIT_STACK] = "LimitSTACK",
        [RLIMIT_CORE] = "LimitCORE",         [RLIMIT_RSS] = "LimitRSS",
        [RLIMIT_NPROC] = "LimitNPROC",       [RLIMIT_NOFILE] = "LimitNOFILE",
        [RLIMIT_MEMLOCK] = "LimitMEMLOCK",   [RLIMIT_AS] = "LimitAS",
        [RLIMIT_LOCKS] = "LimitLOCKS",       [RLIMIT_SIGPENDING] = "LimitSIGPENDING",
        [RLIMIT_MSGQUEUE] = "LimitMSGQUEUE", [RLIMIT_NICE] = "LimitNICE",
        [RLIMIT_RTPRIO] = "LimitRTPRIO",     [RLIMIT_RTTIME] = "LimitRTTIME",
};

const char *helper_limit_name(size_t resource)
{
        return resource < COUNT_OF(limit_names) ? limit_names[resource] : NULL;
}

static uint32_t limits_set(const ResourceLimit *limits)
{
        uint32_t set = 0;

        for (size_t i = 0; limits && i < RESOURCE_COUNT; i++)
                set |= (uint32_t)limits[i].is_set << i;
        return set;
}

bool helper_is_needed(const SpawnSpec *spec)
{
        return spec->directory || spec->identity.is_set || spec->has_umask || spec->has_nice
               || spec->has_oom_score_adjust || spec->has_affinity || spec->no_new_privileges
               || spec->sandbox_length > 0 || spec->dropped_capabilities || spec->dies_with_us
               || limits_set(spec->limits) != 0;
}

static void encode_limits(const ResourceLimit *limits, Plan *plan)
{
        plan->limits_set = limits_set(limits);
        for (size_t i = 0; limits && i < RESOURCE_COUNT; i++) {
                plan->soft[i] = limits[i].soft;
                plan->hard[i] = limits[i].hard;
        }
}

void helper_encode(const SpawnSpec *spec, Text *bytes)
{
        const SpawnIdentity *identity = &spec->identity;
        Plan plan = {
                .magic = PLAN_MAGIC,
                .version = PLAN_VERSION,
                .has_identity = identity->is_set,
                .has_umask = spec->has_umask,
                .has_nice = spec->has_nice,
                .has_oom_score_adjust = spec->has_oom_score_adjust,
                .has_affinity = spec->has_affinity,
                .no_new_privileges = spec->no_new_privileges,
                .has_executable = spec->executable_fd >= 0,
                .dies_with_us = spec->dies_with_us,
                .umask = spec->umask,
                .uid = identity->uid,
                .gid = identity->gid,
                .group_count = identity->is_set ? (uint32_t)identity->group_count : 0,
                .directory_length = spec->directory ? (uint32_t)strlen(spec->directory) : 0,
                .nice = spec->nice,
                .oom_score_adjust = spec->oom_score_adjust,
                .sandbox_length = spec->sandbox_length,
                .dropped_capabilities = spec->dropped_capabilities,
        };

        encode_limits(spec->limits, &plan);
        memcpy(plan.affinity, &spec->affinity, sizeof(spec->affinity));
        text_append_bytes(bytes, &plan, sizeof(plan));
        if (plan.group_count > 0)
                text_append_bytes(bytes, identity->groups, plan.group_count * sizeof(gid_t));
        if (plan.directory_length > 0)
                text_append_bytes(bytes, spec->directory, plan.directory_length + 1);
        if (plan.sandbox_length > 0)
                text_append_bytes(bytes, spec->sandbox, plan.sandbox_length);
}

static bool is_sound(const Plan *plan, size_t length)
{
        uint64_t rest = length - sizeof(*plan), wanted;

        if (plan->magic != PLAN_MAGIC || plan->version != PLAN_VERSION
            || plan->group_count > PLAN_GROUPS_MAX)
                return false;
        wanted = (uint64_t)plan->group_count * sizeof(gid_t);
        if (plan->directory_length > 0)
                wanted += (uint64_t)plan->directory_length + 1;
        return rest >= wanted && rest - wanted == plan->sandbox_length;
}

int helper_decode(const void *bytes, size_t length, HelperPlan *ret)
{
        const Plan *plan = bytes;
        const gid_t *groups = (const gid_t *)(plan + 1);
        const char *directory, *sandbox;

        if (length < sizeof(*plan) || !is_sound(plan, length))
                return -EBADMSG;
        directory = (const char *)(groups + plan->group_count);
        if (plan->directory_length > 0
            && strnlen(directory, plan->directory_length + 1) != plan->directory_length)
                return -EBADMSG;
        sandbox = directory + (plan->directory_length > 0 ? plan->directory_length + 1 : 0);
        if (plan->sandbox_length > 0 && sandbox[plan->sandbox_length - 1] != '\0')
                return -EBADMSG;
        *ret = (HelperPlan){ .has_executable = plan->has_executable };
        ret->spec = (SpawnSpec){
                .executable_fd = -1,
                .directory = plan->directory_length > 0 ? directory : NULL,
                .identity = { .is_set = plan->has_identity,
                              .uid = plan->uid,
                              .gid = plan->gid,
                              .groups = (gid_t *)groups, /* only read */
                              .group_count = plan->group_count },
                .has_umask = plan->has_umask,
                .umask = plan->umask,
                .has_nice = plan->has_nice,
                .nice = plan->nice,
                .has_oom_score_adjust = plan->has_oom_score_adjust,
                .oom_score_adjust = plan->oom_score_adjust,
                .has_affinity = plan->has_affinity,
                .no_new_privileges = plan->no_new_privileges,
                .dies_with_us = plan->dies_with_us,
                .dropped_capabilities = plan->dropped_capabilities,
                .sandbox = plan->sandbox_length > 0 ? sandbox : NULL,
                .sandbox_length = plan->sandbox_length,
                .output_fd = -1,
                .error_fd = -1,
                .cgroup_fd = -1,
        };
        memcpy(&ret->spec.affinity, plan->affinity, sizeof(ret->spec.affinity));
        for (size_t i = 0; i < RESOURCE_COUNT; i++)
                ret->limits[i] = (ResourceLimit){ .is_set = plan->limits_set >> i & 1,
                                                  .soft = plan->soft[i],
                                                  .hard = plan->hard[i] };
        return 0;
}

int helper_exit_status(HelperStep step)
{
        return (size_t)step < COUNT_OF(step_texts) ? step_texts[step].exit_status : 1;
}

int helper_explain(const char *subject, HelperStep step, int error, const char *detail,
                   Error *reterr)
{
        static const StepText unknown = { 1, "cannot start", NULL };
        const StepText *text = (size_t)step < COUNT_OF(step_texts) && step_texts[step].sentence
                                       ? &step_texts[step]
                                       : &unknown;
        bool has_advice = text->permission && (error == EPERM || error == EACCES);

        return error_set(reterr, -error, "spawn-failed", "%s: %s%s: %s%s%s%s", subject,
                         text->sentence, detail, strerror(error), has_advice ? " (" : "",
                         has_advice ? text->permission : "", has_advice ? ")" : "");
}
