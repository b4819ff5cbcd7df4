/* import_detect.c - which format a file is in */
#include <errno.h>

#include "base/names.h"
#include "ctl/import.h"
#include "ctl/outcome.h"

static const ImportFormat *const formats[] = { &import_systemd, &import_pm2, &import_supervisord,
                                               &import_procfile };

static const ImportFormat *by_name(const char *wanted, Error *reterr)
{
        AUTO_TEXT names = { 0 };

        for (size_t i = 0; i < COUNT_OF(formats); i++) {
                if (text_equal(formats[i]->name, wanted))
                        return formats[i];
                text_printf(&names, "%s%s", i ? ", " : "", formats[i]->name);
        }
        (void)error_set(reterr, -EINVAL, OUTCOME_USAGE, "--format=%s: expected one of %s", wanted,
                        names.bytes ? names.bytes : "");
        return NULL;
}

/* Configuration that is a program: only its own runtime can tell what it comes to. */
static bool is_script(const char *name)
{
        return text_matches("*.js", name) || text_matches("*.cjs", name)
               || text_matches("*.mjs", name) || text_matches("*.ts", name);
}

const ImportFormat *import_format_find(const char *wanted, const char *name, const char *text,
                                       Error *reterr)
{
        if (is_script(name)) {
                (void)error_set(reterr, -EINVAL, OUTCOME_FAILED,
                                "%s is a program; turn it into JSON and import that: node -p "
                                "'JSON.stringify(require(\"./%s\"))' >ecosystem.json",
                                name, name);
                return NULL;
        }
        if (wanted)
                return by_name(wanted, reterr);
        for (size_t i = 0; i < COUNT_OF(formats); i++)
                if (formats[i]->is_it(name, text))
                        return formats[i];
        (void)error_set(reterr, -EINVAL, OUTCOME_FAILED,
                        "%s looks like none of supervisord, systemd, PM2 and Procfile; say what "
                        "it is with --format",
                        name);
        return NULL;
}
