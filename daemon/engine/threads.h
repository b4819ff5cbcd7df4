/* threads.h - the threads of all workers, sampled and shown on the board
 *
 * Owns the sampling ladder (sample/sampler.h) and runs its helper, reeve-bpf, from the first round
 * on: a start of reeved does not wait for it. */
#pragma once

#include "engine/engine.h"

/** threads_open() - take the rung that is configured; Return: 0, -ENOMEM */
int threads_open(Engine *engine);

/** threads_close() - nothing is sampled any more; the board shows no threads */
void threads_close(Engine *engine);

/** threads_reset() - the configuration is another one, perhaps with another rung */
void threads_reset(Engine *engine);

/** threads_sample() - one round, after that of the processes, whose counts it uses
 *  @budget_usec: as in sampler_take() */
void threads_sample(Engine *engine, uint64_t now_usec, uint64_t budget_usec);

/** threads_tell_interval() - show how often is sampled now */
void threads_tell_interval(Engine *engine);
