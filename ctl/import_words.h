/* import_words.h - command lines of shells and of pool files
 *
 * Words on their way into a pool file have '$' doubled already, so that "${REEVE_SLOT}" can be
 * put among them; import_quote() cares for blanks, quotes and backslashes only. */
#pragma once

#include "ctl/import.h"

/** shell_split() - words as sh and shlex split them: quotes and backslashes, nothing expanded
 *  @ret: NULL-terminated, text_list_free()
 *  Return: 0; -EINVAL for a quote that is not closed; -ENOMEM */
int shell_split(const char *line, char ***ret);

/** shell_is_needed() - whether sh would do more with @line than split it into words */
bool shell_is_needed(const char *line);

/** shell_is_one() - whether @line is one plain command, so that "exec" may stand before it */
bool shell_is_one(const char *line);

/** import_escape() - append @text with '$' doubled, so that it stands for itself */
void import_escape(Text *word, const char *text);

/** import_quote() - append @word to a value, in quotes if it needs them; a blank goes before */
void import_quote(Text *value, const char *word);

/** import_command() - the value of ExecStart= from words
 *  The first word is made absolute: against @directory when it has a slash, else by PATH; what
 *  PATH has not is left to /usr/bin/env, with a remark.
 *  @words: at least one; with '$' doubled where it stands for itself
 *  @directory: WorkingDirectory=, NULL: the source's folder */
void import_command(Import *import, const ImportSource *source, ImportPool *pool, unsigned line,
                    char *const *words, const char *directory);

/** import_shell() - ExecStart= from a line for sh: split when that is all sh would do */
void import_shell(Import *import, const ImportSource *source, ImportPool *pool, unsigned line,
                  const char *command, const char *directory);

/** import_variable() - Environment= of one variable */
void import_variable(Import *import, ImportPool *pool, unsigned line, const char *name,
                     const char *value);

/** import_path() - @path made absolute against @folder, "." and ".." at its head taken out
 *  Return: malloc'd, NULL without memory */
char *import_path(const char *folder, const char *path);
