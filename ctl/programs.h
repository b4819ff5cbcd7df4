/* programs.h - where programs and the configuration of this user are */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/** program_is() - whether @path is a file that may be executed */
bool program_is(const char *path);

/** program_find() - by PATH, as execvp() does; parts of it that are not absolute are passed over
 *  Return: malloc'd, NULL if it is not there (or without memory) */
char *program_find(const char *program);

/** config_folder() - append the configuration folder of who runs us: /etc/reeve for root, else
 *  the XDG one
 *  Return: 0, -ENOMEM */
int config_folder(Text *folder);
