/* fuzz_import.c - files of other supervisors, in all four formats
 *
 * The first byte chooses the format. Whatever comes of it, the reader of configurations must take
 * all of the pools that are left. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *find(const char *program)
{
        return *program == 'x' ? NULL : strdup("/usr/bin/program");
}

static int pools_read(const Import *import)
{
        AUTO_CONFIG_INPUT input = { 0 };
        AUTO_PROBLEMS problems = { 0 };
        AUTO(Config) *config = NULL;

        input.files = calloc(import->pool_count + 1, sizeof(*input.files));
        for (; input.files && input.count < import->pool_count; input.count++) {
                TextFile *file = &input.files[input.count];
                AUTO_TEXT text = { 0 };

                import_pool_format(import, import->pools[input.count], &text);
                file->length = text.length;
                if (text_take(&text, &file->text) < 0
                    || asprintf(&file->path, "%s.pool", import->pools[input.count]->name) < 0)
                        abort();
        }
        return config_parse(&input, &problems, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const ImportFormat *const formats[] = { &import_supervisord, &import_procfile,
                                                       &import_pm2, &import_systemd };
        AUTO_FREE char *text = size > 0 ? strndup((const char *)data + 1, size - 1) : NULL;
        ImportSource source = { .path = "dir/a@b.service",
                                .name = "a@b.service",
                                .folder = "/srv",
                                .text = text,
                                .home = "/root",
                                .user = "root",
                                .cpus = 2,
                                .environment = "x",
                                .find = find,
                                .home_of = find };
        AUTO_IMPORT import = { 0 };

        if (!text)
                return 0;
        source.length = strlen(text);
        if (formats[data[0] % COUNT_OF(formats)]->read(&source, &import, NULL) < 0)
                return 0;
        if (import_check(&import) == 0 && pools_read(&import) < 0)
                abort();
        return 0;
}
