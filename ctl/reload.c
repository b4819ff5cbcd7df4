/* reload.c - reevectl reload: what the files say, applied */
#include "ctl/operation.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

/* The reply names what differs in arrays; each is a line, empty ones are left out. */
static bool differences_tell(const Context *context, const json_t *reply)
{
        bool is_any = false;
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)reply, key, value)
        {
                if (!json_is_array(value) || json_array_size(value) == 0)
                        continue;
                is_any = true;
                fprintf(context->out, "%s:", key);
                for (size_t i = 0; i < json_array_size(value); i++) {
                        const json_t *item = json_array_get(value, i);
                        const char *sentence = value_sentence(item);
                        const char *name = value_text(item, "name", value_text(item, "pool", ""));

                        fprintf(context->out, "%s %s", i ? "," : "", sentence ? sentence : name);
                }
                fputc('\n', context->out);
        }
        return is_any;
}

int verb_reload(const Context *context)
{
        bool is_dry_run = context->options->is_dry_run;
        Request request = { .method = "POST",
                            .path = "/v1/reload",
                            .body = is_dry_run ? "{\"dry_run\":true}" : "{}",
                            .wait_sec = CLIENT_TIMEOUT_SEC };
        AUTO_JSON *reply = NULL;
        Error error = { 0 };
        int r;

        r = api_call(context, &request, &reply, &error);
        if (r >= 0 && context_is_json(context))
                r = render_json(context, reply, &error);
        else if (r >= 0 && !differences_tell(context, reply))
                fprintf(context->out, "%s\n",
                        is_dry_run ? "nothing would change" : "reloaded; nothing differs");
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}
