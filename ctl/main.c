/* main.c - reevectl: the verbs, and the process around them */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "ctl/run.h"
#include "ctl/verbs.h"

#define ANY SIZE_MAX

static const Verb verbs[] = {
        { "status", "[POOL|POOL/SLOT|PID...]",
          "Tell whether all is as it should be; 3 if something is not running",
          OPTIONS_TABLE | OPTIONS_CONNECTION | OPTION_WATCH, 0, ANY, verb_status },
        { "pools", "[POOL...]", "List the pools", OPTIONS_TABLE | OPTIONS_CONNECTION | OPTION_WATCH,
          0, ANY, verb_pools },
        { "ps", "[POOL|POOL/SLOT|PID...]", "List the worker processes",
          OPTIONS_TABLE | OPTIONS_CONNECTION | OPTION_WATCH, 0, ANY, verb_ps },
        { "threads", "[POOL|POOL/SLOT|PID...]",
          "List the threads of workers: what they do, and what they wait for",
          OPTIONS_TABLE | OPTIONS_CONNECTION | OPTION_WATCH, 0, ANY, verb_threads },
        { "show", "POOL|POOL/SLOT|PID...", "Show everything known of a pool or worker",
          OPTION_OUTPUT | OPTIONS_CONNECTION | OPTION_WATCH, 1, ANY, verb_show },
        { "stack", "PID|PID/TID...",
          "Show where threads are: calls and wait channels; for administrators",
          OPTION_OUTPUT | OPTIONS_CONNECTION, 1, ANY, verb_stack },
        { "scale", "POOL... PxT | POOL=PxT... | POOL... -p N -t N | --total N | --mode MODE",
          "Change how many processes and threads a pool has",
          OPTION_PROCESSES | OPTION_THREADS | OPTION_GREENLETS | OPTION_MODE | OPTION_TOTAL
                  | OPTION_RESET | OPTION_DRY_RUN | OPTION_RUNTIME | OPTION_GENERATION | OPTION_ALL
                  | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION,
          1, ANY, verb_scale },
        { "start", "POOL...", "Start pools and wait until they are ready",
          OPTION_ALL | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION, 1, ANY, verb_start },
        { "stop", "POOL...", "Stop pools and wait until nothing of them lives",
          OPTION_ALL | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION, 1, ANY, verb_stop },
        { "restart", "POOL... [--rolling]", "Replace all workers of pools",
          OPTION_ROLLING | OPTION_ALL | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION, 1,
          ANY, verb_restart },
        { "reset-failed", "POOL...", "Forget failures, so that workers start again",
          OPTION_ALL | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION, 1, ANY,
          verb_reset_failed },
        { "reload", "[POOL...] [--dry-run]",
          "Read the configuration again and apply what differs; or let pools reload themselves",
          OPTION_DRY_RUN | OPTION_ALL | OPTIONS_WAITING | OPTIONS_TABLE | OPTIONS_CONNECTION, 0,
          ANY, verb_reload },
        { "rollback", "POOL...", "Return pools to what they were before the last change",
          OPTION_DRY_RUN | OPTION_ALL | OPTIONS_WAITING | OPTION_OUTPUT | OPTIONS_CONNECTION, 1,
          ANY, verb_rollback },
        { "kill", "-s SIG POOL|POOL/SLOT|PID...", "Send a signal to workers",
          OPTION_SIGNAL | OPTION_ALL | OPTION_OUTPUT | OPTIONS_CONNECTION, 0, ANY, verb_kill },
        { "logs", "POOL... [-f] [-n N] [--slot N] [--reopen]", "Show what workers wrote",
          OPTION_FOLLOW | OPTION_LINES | OPTION_SLOT | OPTION_REOPEN | OPTION_ALL
                  | OPTIONS_CONNECTION,
          1, ANY, verb_logs },
        { "events", "[-f] [-n N] [--since ID]", "Show what happened",
          OPTION_FOLLOW | OPTION_LINES | OPTION_SINCE | OPTION_OUTPUT | OPTIONS_CONNECTION, 0, 0,
          verb_events },
        { "check", "[DIR]", "Check a configuration folder; needs no daemon", OPTION_OUTPUT, 0, 1,
          verb_check },
        { "init", "[NAME -- COMMAND...]",
          "Write a first configuration, with a pool of this command", OPTION_INTO, 0, ANY,
          verb_init },
        { "doctor", "", "Look for what is wrong with the daemon and this machine",
          OPTION_OUTPUT | OPTIONS_CONNECTION, 0, 0, verb_doctor },
        { "import", "FILE... [--into DIR]",
          "Make pools of what supervisord, systemd, PM2 or a Procfile run",
          OPTION_INTO | OPTION_FORMAT | OPTION_ENVIRONMENT | OPTION_FORCE | OPTION_CHECK
                  | OPTION_OUTPUT,
          1, ANY, verb_import },
        { "graph", "[POOL...] [-o dot|json]",
          "Show which pools wait for which, and what their start took",
          OPTION_OUTPUT | OPTIONS_CONNECTION, 0, ANY, verb_graph },
        { "wait", "POOL... [--for=CONDITION]", "Wait until pools are ready, running or stopped",
          OPTION_FOR | OPTION_TIMEOUT | OPTION_ALL | OPTIONS_CONNECTION, 1, ANY, verb_wait },
        { "version", "", "Show the version", 0, 0, 0, NULL },
        { "help", "[VERB]", "Show help", 0, 0, 1, NULL },
};

/* Texts of the API are UTF-8. Where nothing is said about the locale, as in cron or a unit,
 * "C" would turn their letters into escapes. */
static void locale_set(void)
{
        const char *locale = setlocale(LC_CTYPE, "");

        if (!locale || text_equal(locale, "C"))
                (void)setlocale(LC_CTYPE, "C.UTF-8"); /* not there: escapes it is */
}

int main(int argc, char **argv)
{
        locale_set();
        (void)signal(SIGPIPE, SIG_IGN); /* a reader that had enough is found by write() */
        return run(argc, argv, verbs, COUNT_OF(verbs));
}
