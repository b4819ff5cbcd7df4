/* fuzz_http_head.c - hostile bytes as the answer to a probe
 *
 * What is taken begins as it must, ends with an empty line, and does not depend on what follows;
 * what is refused stays refused however it goes on. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "spawn/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *bytes = (const char *)data;
        unsigned status = 0, again = 0;
        ssize_t n = http_head_parse(bytes, size, &status);

        if (n > 0) {
                assert((size_t)n <= size && status >= 100 && status <= 999);
                assert(memcmp(bytes, "HTTP/1.", 7) == 0 && bytes[n - 1] == '\n');
                assert(http_head_parse(bytes, (size_t)n, &again) == n && again == status);
                assert(http_head_parse(bytes, (size_t)n - 1, &again) == 0);
        } else {
                assert(status == 0);
        }
        if (n < 0 && size > 0)
                assert(http_head_parse(bytes, size - 1, &again) <= 0);
        return 0;
}
