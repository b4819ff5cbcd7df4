/* priority.h - the order in which the loop takes what is ready at the same time
 *
 * Deaths first: a replacement waits for nothing else. What changes the model comes before what
 * shows it, and output of workers, which can be endless, comes last. */
#pragma once

enum {
        PRIORITY_SIGNAL = -30,   /* SIGTERM and its like */
        PRIORITY_REAP = -25,     /* SIGCHLD, pidfds of adopted workers */
        PRIORITY_FAMILY = -20,   /* a cgroup became empty */
        PRIORITY_SPAWN = -15,    /* reeve-exec reports */
        PRIORITY_FAREWELL = -12, /* who belongs to a worker that was asked to end */
        PRIORITY_NOTIFY = -10,   /* READY=1 */
        PRIORITY_TIMER = -8,     /* deadlines and back-offs */
        PRIORITY_RECONCILE = -5, /* pools that changed look for their next steps */
        PRIORITY_CONTROL = 0,    /* commands of reeve-api */
        PRIORITY_TELL = 5,       /* news for reeve-api, state on disk */
        PRIORITY_SAMPLE = 7,
        PRIORITY_TIDY = 8, /* what stopped workers left */
        PRIORITY_LOG = 10, /* output of workers has no end: nothing may come after it */
};
