/* scale.c - see scale.h */
#include "persist/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/files.h"

static int scale_path(const char *control_dir, const char *pool, char *path, size_t size)
{
        int length = snprintf(path, size, "%s/%s.pool.d/50-scale.conf", control_dir, pool);

        return (size_t)length < size ? 0 : -ENAMETOOLONG;
}

static int forget(const char *path)
{
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_parent(const char *path)
{
        char parent[PATH_MAX];

        (void)text_copy(parent, sizeof(parent), path);
        *strrchr(parent, '/') = '\0';
        return directory_make(parent, 0755);
}

static int write_grid(const char *path, const Grid *grid)
{
        AUTO_TEXT text = { 0 };
        int r;

        text_printf(&text,
                    "# Set by reevectl scale; it wins over the pool's own file.\n"
                    "# reevectl scale --reset removes it.\n"
                    "[Scale]\n"
                    "Processes=%u\n"
                    "Threads=%u\n",
                    grid->processes, grid->threads);
        if (grid->greenlets > 0)
                text_printf(&text, "Greenlets=%u\n", grid->greenlets);
        r = text.error;
        if (r >= 0)
                r = make_parent(path);
        return r < 0 ? r : file_replace(AT_FDCWD, path, text.bytes, text.length, 0644);
}

int scale_keep(const char *control_dir, const Pool *pool, Error *reterr)
{
        char path[PATH_MAX];
        int r = scale_path(control_dir, pool->name, path, sizeof(path));

        if (r >= 0)
                r = pool->is_overridden ? write_grid(path, &pool->grid) : forget(path);
        return r < 0 ? error_set(reterr, r, "state",
                                 "pool %s: its scale is in force but cannot be kept in %s: %s",
                                 pool->name, control_dir, strerror(-r))
                     : 0;
}

int scale_load(const Config *with_control, const char *pool, Grid *ret)
{
        const PoolConfig *config = with_control ? config_find(with_control, pool) : NULL;

        if (!config || !config->is_overridden)
                return 0;
        *ret = (Grid){ config->processes, config->threads, config->greenlets };
        return 1;
}
