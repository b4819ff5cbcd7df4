/* probe.h - one look at a worker over a socket: does it accept, does its page answer?
 *
 * A client of our own, since the loop may not block: no name is looked up, every call returns at
 * once, and the answer is read up to a fixed number of bytes. The caller watches the descriptor,
 * steps the probe when it is ready, and frees it when it has had enough. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

/* Where to look. */
typedef struct ProbeTarget {
        ListenAddress address;
        char *request; /* of Http=, NULL for Tcp= */
} ProbeTarget;

/** probe_target_parse() - from the text of Http= or Tcp= with its variables replaced
 *  @kind: PROBE_HTTP or PROBE_TCP
 *  @ret: probe_target_done()
 *  Return: 0; -EINVAL with @reterr if it is no numeric address and port (any more), -ENOMEM */
int probe_target_parse(ProbeKind kind, const char *text, ProbeTarget *ret, Error *reterr);
void probe_target_done(ProbeTarget *target);

typedef struct Probe Probe;

/** probe_start() - begin to connect
 *  @target: borrowed for the probe's life
 *  Return: 0; negative errno with @reterr (code probe-failed) */
int probe_start(const ProbeTarget *target, Probe **ret, Error *reterr);

int probe_fd(const Probe *probe);

/** probe_events() - Return: EPOLLIN or EPOLLOUT, to be asked again after every step */
uint32_t probe_events(const Probe *probe);

/** probe_step() - go on as far as it goes without waiting
 *  Return: 1: it is well; 0: not known yet; negative errno with @reterr: it is not */
int probe_step(Probe *probe, Error *reterr);

/** probe_free() - hang up; Return: NULL */
Probe *probe_free(Probe *probe);
DEFINE_AUTO(Probe, probe_free);
