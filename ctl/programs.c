/* programs.c - see programs.h */
#include "ctl/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reeve/api.h"

bool program_is(const char *path)
{
        struct stat status;

        return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *program)
{
        const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";

        while (*path) {
                size_t length = strcspn(path, ":");
                char *candidate = NULL;

                if (*path == '/' && asprintf(&candidate, "%.*s/%s", (int)length, path, program) < 0)
                        return NULL;
                if (candidate && program_is(candidate))
                        return candidate;
                free(candidate);
                path += length + (path[length] == ':');
        }
        return NULL;
}

int config_folder(Text *folder)
{
        const char *home = getenv("XDG_CONFIG_HOME");

        if (geteuid() == 0)
                text_append(folder, REEVE_DEFAULT_CONFIG);
        else if (home && *home)
                text_printf(folder, "%s/reeve", home);
        else
                text_printf(folder, "%s/.config/reeve", getenv("HOME") ? getenv("HOME") : "");
        return folder->error;
}
