/* check_machine.h - what a configuration names and this machine has not
 *
 * The reader of configurations sees text alone; here its programs, users and folders are looked
 * up. What is missing may come later, so it is a warning; what can never work is an error. */
#pragma once

#include "config/config.h"

/** check_machine() - add a problem for each, at the line of its key
 *  @input: the files that @config was made of
 *  Return: 0, -ENOMEM */
int check_machine(const Config *config, const ConfigInput *input, ProblemList *problems);
