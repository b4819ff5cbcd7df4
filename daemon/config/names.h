/* names.h - the tables of names that keys choose from */
#pragma once

#include "config/draft.h"

extern const NameTable service_types, restart_modes, kill_modes, scale_modes, thread_controls,
        listen_modes, log_stamps, log_formats, log_packings, protect_systems, protect_homes,
        sample_rungs;
