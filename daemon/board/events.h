/* events.h - the detail of an event: "key=value" words in one text
 *
 * Blanks, control characters and backslashes of a value are escaped (\s \t \n \\ \xHH), so that
 * a word ends at the next blank; bytes that are not UTF-8 become U+FFFD, so that every detail
 * can be put into JSON as it is. Keys are lower-case words: [a-z0-9_]. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** event_detail_add() - append a word
 *  @detail: terminated text of at most @size bytes, "" at first
 *  @value: any text; what does not fit is cut at a character's edge
 *  Return: 0; 1 if the value was cut; -ENOSPC if not even the key fits, or -EINVAL if it is no
 *  key, both with @detail unchanged */
int event_detail_add(char *detail, size_t size, const char *key, const char *value);

/** event_detail_add_number() - append a word with a number; it is never cut
 *  Return: 0; -ENOSPC, -EINVAL with @detail unchanged */
int event_detail_add_number(char *detail, size_t size, const char *key, int64_t value);

/** event_detail_next() - take the next word
 *  @cursor: the detail at first; moved behind the word
 *  @key, @value: unescaped and terminated; a value too long for its buffer is cut
 *  Return: 1 and the word; 0 at the end; -EBADMSG if what follows is no word */
int event_detail_next(const char **cursor, char *key, size_t key_size, char *value,
                      size_t value_size);
