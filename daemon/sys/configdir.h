/* configdir.h - the files of a configuration folder, read in the order in which they apply */
#pragma once

#include "base/error.h"
#include "base/textfile.h"

enum {
        CONFIG_DIR_POOLS_MAX = 1024,
        CONFIG_DIR_FILES_MAX = 4096,
        CONFIG_DIR_FILE_BYTES_MAX = 1024 * 1024,
};

/** config_directory_read() - reeve.conf, reeve.conf.d/\*.conf, then for each pools.d/NAME.pool the
 *  file, its drop-ins NAME.pool.d/\*.conf and those of @control_dir; each group sorted by name
 *  Hidden files, editors' and packagers' leavings and what is no regular file are passed over.
 *  reeve.conf and pools.d may be missing. Drop-ins without a pool's file are in the list, at its
 *  end. A file that cannot be read is in the list with TextFile.trouble.
 *  @control_dir: where `reevectl scale` leaves its drop-ins; NULL or missing: none
 *  @ret: config_input_done()
 *  Return: 0; negative errno with @reterr when there is no such folder or too much in it */
int config_directory_read(const char *config_dir, const char *control_dir, ConfigInput *ret,
                          Error *reterr);
