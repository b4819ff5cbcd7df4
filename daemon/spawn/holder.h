/* holder.h - the process that keeps a scope of systemd alive (see place.h)
 *
 * It is forked from reeved, joins the scope or has systemd make it, reports, and becomes
 * `reeve-exec --hold`, which waits for its end. It ends with reeved. */
#pragma once

#include <stdint.h>

#include "sys/manager.h"
#include "sys/pidref.h"

typedef struct HolderPlan {
        ManagerScope scope;
        const char *path; /* of the scope's group */
        int helper_fd;    /* reeve-exec */
        uint64_t deadline_usec;
} HolderPlan;

typedef struct HolderReport {
        int32_t result;    /* 0: it is in the scope; negative errno */
        char message[240]; /* then why not */
} HolderReport;

/** holder_start() - fork it
 *  @ret_report_fd: holder_read() tells what becomes of it
 *  Return: 0, negative errno */
int holder_start(const HolderPlan *plan, PidRef *ret, int *ret_report_fd);

/** holder_read() - Return: 1 with @ret; 0: nothing yet; negative errno */
int holder_read(int report_fd, HolderReport *ret);

/** holder_end() - kill and reap it */
void holder_end(PidRef *holder);
