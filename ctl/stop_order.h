/* stop_order.h - several pools are asked to stop: who needs others is asked first
 *
 * reeved keeps a pool up while one that comes after it is on its way down. It can only know of those
 * that were asked before. */
#pragma once

#include "ctl/api.h"

/** stop_order() - sort names of pools so that who comes after another (After=, Requires=) is before it
 *  Where the order cannot be had they stay as they are: each is stopped all the same. */
void stop_order(const Context *context, char **names);
