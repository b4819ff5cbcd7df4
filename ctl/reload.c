/* reload.c - reevectl reload: what the files say, applied */
#include "ctl/api.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

enum { RELOAD_WAIT_SEC = 30 };

static void reload_tell(const Context *context, const json_t *reply)
{
        const char *message = value_text(reply, "message", "");
        bool is_running = text_equal(value_text(reply, "state", ""), "running");

        if (*message)
                fprintf(context->out, "%s\n", message);
        else if (context->options->is_dry_run)
                fputs("nothing would change\n", context->out);
        else
                fprintf(context->out, "reloaded%s\n",
                        is_running ? "; pools are being changed" : "");
}

int verb_reload(const Context *context)
{
        Request request = { .method = "POST",
                            .path = "/v1/reload",
                            .body = context->options->is_dry_run ? "{\"dry_run\":true}" : "{}",
                            .wait_sec = RELOAD_WAIT_SEC };
        AUTO_JSON *reply = NULL;
        Error error = { 0 };
        int r = api_call(context, &request, &reply, &error);

        if (r >= 0 && context_is_json(context))
                r = render_json(context, reply, &error);
        else if (r >= 0)
                reload_tell(context, reply);
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}
