/* signals.h - signals as people write them */
#pragma once

enum { SIGNAL_NAME_SIZE = 24 };

/** signal_name() - "usr1", "SIGUSR1" or "10" as the API takes it: "SIGUSR1"
 *  Return: 0, -EINVAL if there is no such signal */
int signal_name(const char *text, char ret_name[SIGNAL_NAME_SIZE]);
