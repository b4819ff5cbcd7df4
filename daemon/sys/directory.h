/* directory.h - a folder being read, closed by itself */
#pragma once

#include <dirent.h>

#include "base/cleanup.h"

static inline void cleanup_directory(DIR **directory)
{
        if (*directory)
                (void)closedir(*directory); /* only read from */
}

/** AUTO_DIRECTORY - a local DIR that is closed when its scope ends; NULL means none */
#define AUTO_DIRECTORY CLEANUP(cleanup_directory) DIR
