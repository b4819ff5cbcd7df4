/* doctor.c - reevectl doctor: what is wrong, or will be, and what to do about it
 *
 * Nothing is changed and nothing is needed: without a daemon the machine is looked at all the
 * same. Each finding is one of ok, warn and fail. */
#include "ctl/doctor.h"

#include <errno.h>
#include <stdarg.h>

#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

enum { MESSAGE_SIZE = 512 };

const char *finding_name(FindingLevel level)
{
        static const char *const names[] = { "ok", "warn", "fail" };

        return names[level];
}

void doctor_find(Doctor *doctor, FindingLevel level, const char *check, const char *advice,
                 const char *format, ...)
{
        char message[MESSAGE_SIZE];
        va_list arguments;
        json_t *finding;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        finding = json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "level", finding_name(level),
                            "message", message, "advice", advice);
        doctor->counts[level]++;
        if (!finding || json_array_append_new(doctor->findings, finding) < 0)
                doctor->is_out_of_memory = true;
}

static void findings_tell(const Doctor *doctor)
{
        FILE *out = doctor->context->out;
        const json_t *finding;
        size_t index;

        json_array_foreach(doctor->findings, index, finding)
        {
                const char *advice = value_text(finding, "advice", NULL);

                fprintf(out, "%-4s  %-8s  %s\n", value_text(finding, "level", ""),
                        value_text(finding, "check", ""), value_text(finding, "message", ""));
                if (advice)
                        fprintf(out, "                -> %s\n", advice);
        }
        fprintf(out, "%u ok, %u %s, %u failed\n", doctor->counts[FINDING_OK],
                doctor->counts[FINDING_WARN],
                doctor->counts[FINDING_WARN] == 1 ? "warning" : "warnings",
                doctor->counts[FINDING_FAIL]);
}

static int findings_json(const Doctor *doctor, Error *reterr)
{
        AUTO_JSON *report =
                json_pack("{s:O, s:i, s:i, s:i}", "findings", doctor->findings, "ok",
                          doctor->counts[FINDING_OK], "warn", doctor->counts[FINDING_WARN], "fail",
                          doctor->counts[FINDING_FAIL]);

        if (!report)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return render_json(doctor->context, report, reterr);
}

int verb_doctor(const Context *context)
{
        AUTO_JSON *findings = json_array(), *daemon = NULL;
        Doctor doctor = { .context = context, .findings = findings };
        Error error = { 0 };
        int r = 0;

        doctor_daemon(&doctor);
        daemon = doctor.daemon;
        doctor_setup(&doctor);
        doctor_machine(&doctor);
        if (doctor.is_out_of_memory)
                r = error_set(&error, -ENOMEM, OUTCOME_FAILED, "out of memory");
        else if (context_is_json(context))
                r = findings_json(&doctor, &error);
        else
                findings_tell(&doctor);
        if (r < 0)
                return context_fail(context, &error);
        return doctor.counts[FINDING_FAIL]   ? REEVE_EXIT_FAILED
               : doctor.counts[FINDING_WARN] ? REEVE_EXIT_PARTLY
                                             : REEVE_EXIT_OK;
}
