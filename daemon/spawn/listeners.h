/* listeners.h - the listening sockets of a pool; they belong to reeved and outlive workers */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "config/config.h"
#include "spawn/spawn.h"

typedef struct Listeners {
        ListenMode mode;
        SpawnFd *shared; /* one each; name: "NAME" of FileDescriptorName style: the pool's name */
        size_t count;
        char *name;  /* the pool's, which `shared` points to */
        char *bound; /* blank-separated addresses as bound (port 0 becomes the real one) */
} Listeners;

/** listeners_open() - bind and listen on every ListenStream= of a pool
 *  A socket file is removed first only if nobody listens on it; missing folders are made.
 *  LISTEN_REUSEPORT: the first socket reserves the address; each slot gets its own
 *  (listeners_for_slot()).
 *  Return: 0; negative errno with @reterr: "pool web: cannot listen on 127.0.0.1:80:
 *  Permission denied. Ports below 1024 need root ..." */
int listeners_open(const PoolConfig *config, Listeners *ret, Error *reterr);

/** listeners_adopt() - take the sockets back from a living worker that was given them (shared
 *  mode), by pidfd_getfd(2); they are checked to be what the configuration asks for
 *  @pidfd: of a worker that an earlier reeved started
 *  Return: 0; -EOPNOTSUPP in reuseport mode; other negative errno, then bind anew */
int listeners_adopt(const PoolConfig *config, int pidfd, Listeners *ret);

/** listeners_tune() - NoDelay= and DeferAcceptSec= on sockets that are open, as the others do by
 *  themselves */
void listeners_tune(const Listeners *listeners, const PoolConfig *config);

/** listeners_done() - close them; sockets in the file system are removed */
void listeners_done(Listeners *listeners);

/** listeners_release() - close them but leave their files: workers go on serving without us */
void listeners_release(Listeners *listeners);

/** listeners_for_slot() - what a worker of this slot is given
 *  @slot_fds: the slot's own sockets in reuseport mode, kept by the caller between lives: an
 *  array of listeners->count descriptors, -1 where not made yet; ignored in shared mode
 *  @ret: listeners->count entries, borrowed descriptors
 *  Return: 0; negative errno with @reterr */
int listeners_for_slot(const Listeners *listeners, const PoolConfig *config, int *slot_fds,
                       SpawnFd *ret, Error *reterr);
