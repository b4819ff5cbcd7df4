/* doctor.h - findings about the daemon and the machine, for `reevectl doctor` */
#pragma once

#include <jansson.h>

#include "ctl/context.h"

typedef enum FindingLevel { FINDING_OK, FINDING_WARN, FINDING_FAIL } FindingLevel;

typedef struct Doctor {
        const Context *context;
        json_t *findings; /* [{"check","level","message","advice"}] */
        json_t *daemon;   /* GET /v1/; NULL: not reachable */
        unsigned counts[3];
        bool is_out_of_memory;
} Doctor;

/** finding_name() - "ok", "warn", "fail" */
const char *finding_name(FindingLevel level);

/** doctor_find() - add a finding
 *  @check: static, a word for what was looked at
 *  @advice: what to do, NULL: nothing */
void doctor_find(Doctor *doctor, FindingLevel level, const char *check, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/** doctor_daemon() - whether it answers, its versions, warnings, pools, limits; sets @daemon */
void doctor_daemon(Doctor *doctor);

/** doctor_setup() - configuration, folders, logs, the systemd unit, groups */
void doctor_setup(Doctor *doctor);

/** doctor_machine() - kernel, cgroups, BPF, accounting, memory, clock */
void doctor_machine(Doctor *doctor);
