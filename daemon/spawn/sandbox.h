/* sandbox.h - what a worker sees of the file system, in a mount namespace of its own
 *
 * reeved turns the keys of a pool into rules, a text (sandbox_rules.c, pure); reeve-exec applies
 * them as root before it becomes the worker's user (sandbox.c). A rule is a letter, a '-' if its
 * path may be missing or a '+', and the path, with a NUL at the end:
 *
 *   i  inaccessible: an empty folder or file without rights
 *   t  an empty tmpfs that all may write to (/tmp)
 *   e  an empty tmpfs that nobody may write to
 *   r  read-only, with all that is mounted below
 *   w  as it was before the others
 *   k  as it was, if another rule has hidden it */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "config/config.h"

/** sandbox_is_needed() - whether any key asks for a view of its own */
bool sandbox_is_needed(const Sandbox *sandbox);

/** sandbox_rules() - append the rules that the keys mean; failures are remembered in @rules
 *  @keep: a folder that the worker must reach whatever is hidden (reeved's sockets); may be NULL */
void sandbox_rules(const Sandbox *sandbox, const char *keep, Text *rules);

/** sandbox_apply() - leave the mount namespace of our parent and apply rules
 *  @rules, @length: as above; the last byte is a NUL
 *  @detail: the path that could not be dealt with
 *  Return: 0, negative errno */
int sandbox_apply(const char *rules, size_t length, char *detail, size_t size);

/** sandbox_drop_capabilities() - take bits out of the bounding set; those that the kernel does not
 *  know are out already. Return: 0, negative errno */
int sandbox_drop_capabilities(uint64_t dropped);
