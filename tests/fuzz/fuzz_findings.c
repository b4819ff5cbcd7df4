/* fuzz_findings.c - hostile lines in the place of what reeve-inspect writes
 *
 * Whatever they are, what is made of them is valid JSON, and all that was opened is closed. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>

#include "api/findings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO_FINDINGS findings = { 0 };
        AUTO_WRITER writer = { 0 };
        json_t *value;

        findings_begin(&findings, (const char *)data, size, size % 2);
        writer_open_object(&writer, NULL);
        findings_write(&findings, &writer);
        writer_unavailable(&writer);
        writer_close_object(&writer);
        assert(writer.depth == 0 && writer.text.error == 0);
        /* Without JSON_REJECT_DUPLICATES: names are the worker's to repeat. */
        value = json_loadb(writer.text.bytes, writer.text.length, 0, NULL);
        assert(value);
        json_decref(value);
        return 0;
}
