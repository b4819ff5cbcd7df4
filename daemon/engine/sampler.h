/* sampler.h - looks at the workers' processes at an interval, within a CPU budget */
#pragma once

#include "engine/engine.h"

/** sampler_open() - begin, unless SampleIntervalSec=0; Return: 0, negative errno */
int sampler_open(Engine *engine);

/** sampler_reset() - the configuration is another one: another interval, or none any more */
void sampler_reset(Engine *engine);

/** sampler_hurry() - the next round is due now */
void sampler_hurry(Engine *engine);
