/* fuzz_request.c - hostile text as what a request brings: target, body, hosts, tokens, fields
 *
 * The first byte chooses the reader. What comes out must be sound: names of the path within their
 * alphabet, values of the query valid UTF-8, a refusal exactly when something was refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/access.h"
#include "api/body.h"
#include "api/http/target.h"
#include "api/log_text.h"
#include "api/redact.h"
#include "api/writer.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_target(const char *bytes, size_t length)
{
        Target target;

        if (target_parse(&target, bytes, length) < 0)
                return;
        assert(!target.bad == (target.bad_status == 0));
        for (unsigned i = 0; i < target.segment_count; i++)
                assert(*target.segments[i] && !strpbrk(target.segments[i], "/%?&<\"\\"));
        for (unsigned i = 0; i < target.parameter_count; i++) {
                const TargetParameter *parameter = &target.parameters[i];

                assert(utf8_is_valid(parameter->value, strlen(parameter->value)));
                assert(target_parameter(&target, parameter->name) == parameter->value);
        }
        target_done(&target);
}

static void try_body(const char *bytes, size_t length)
{
        static const BodyMember members[] = {
                { "processes", BODY_INTEGER, 0, 65536 },
                { "mode", BODY_WORD, 0, 0 },
                { "dry_run", BODY_BOOLEAN, 0, 0 },
        };
        BodyValue values[COUNT_OF(members)];
        Refusal refusal = { 0 };
        Reply reply;
        int r = body_parse(bytes, length, members, COUNT_OF(members), values, &refusal);

        assert((r < 0) == (refusal.code[0] != '\0'));
        if (r >= 0)
                assert(values[0].integer >= 0 && values[0].integer <= 65536);
        else if (refusal_to_reply(&refusal, &reply) >= 0) {
                assert(utf8_is_valid(reply.body, reply.length));
                reply_done(&reply);
        }
}

static void try_access(const char *text)
{
        Access access = { 0 };
        Error error = { 0 };
        int r = access_add_tokens(&access, text, &error);

        assert(r >= 0 || r == -12 || error_is_set(&error));
        (void)access_host_is_allowed(&access, text);
        access_done(&access);
}

static void try_texts(const char *text, size_t length)
{
        const LogStyle styles[] = { { LOG_TEXT, true }, { LOG_EVENTS, false } };
        char buffer[64];
        FieldSet fields;
        LogLine line = { 0 };
        AUTO_TEXT output = { 0 };

        (void)redact_command(buffer, sizeof(buffer), text);
        (void)field_set_parse(&fields, text);
        for (size_t i = 0; i < COUNT_OF(styles); i++) {
                (void)log_text_add(&line, &styles[i], text, length, &output);
                (void)log_text_flush(&line, &styles[i], true, &output);
        }
        assert(utf8_is_valid(output.bytes ? output.bytes : "", output.length));
        log_line_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text;

        if (size == 0)
                return 0;
        text = strndup((const char *)data + 1, size - 1);
        assert(text);
        switch (data[0] % 4) {
        case 0: try_target((const char *)data + 1, size - 1); break;
        case 1: try_body((const char *)data + 1, size - 1); break;
        case 2: try_access(text); break;
        case 3: try_texts(text, strlen(text)); break;
        }
        free(text);
        return 0;
}
