/* folders.h - where reeved keeps what, and that it is alone there */
#pragma once

#include <stdbool.h>

#include "base/error.h"

typedef struct Folders {
        char *config, *state, *runtime, *logs;
        char *control; /* STATE/control: what reevectl scale set */
        int lock_fd;   /* holds the lock on the state folder */
} Folders;

/** folders_choose() - given ones first, then systemd's variables, then the defaults
 *  Root: /etc/reeve, /var/lib/reeve, /run/reeve, /var/log/reeve. Others: the XDG folders
 *  (XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR).
 *  @folders: fields already set are kept (made absolute); the rest is filled
 *  Return: 0; negative errno with @reterr */
int folders_choose(Folders *folders, bool is_user_mode, Error *reterr);

/** folders_lock() - make the state and runtime folders and lock the former
 *  Return: 0; -EBUSY if another reeved holds it, and @reterr names its PID */
int folders_lock(Folders *folders, Error *reterr);

void folders_done(Folders *folders);
