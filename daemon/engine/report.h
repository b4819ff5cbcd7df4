/* report.h - what reeved says about itself, on stderr or in the journal
 *
 * One line a fact, at syslog's levels. Under systemd each line begins with "<N>", which journald
 * takes as its priority (sd-daemon(3)). */
#pragma once

#include <syslog.h>

/** report_init() - @level: the least urgent level that is shown (LOG_INFO) */
void report_init(int level);

/** report() - one line, without a newline at its end */
void report(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
