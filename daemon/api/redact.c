/* redact.c - see redact.h
 *
 * It is a net, not a wall: a secret given as a bare word cannot be told from other words. The
 * documentation says to keep secrets out of command lines. */
#include "api/redact.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static bool names_secret(const char *word, size_t length)
{
        static const char *const keys[] = { "password", "passwd", "secret", "token", "key" };

        for (size_t i = 0; i < COUNT_OF(keys); i++) {
                size_t key_length = strlen(keys[i]);

                for (size_t j = 0; j + key_length <= length; j++)
                        if (strncasecmp(word + j, keys[i], key_length) == 0)
                                return true;
        }
        return false;
}

static void append(char *buffer, size_t size, size_t *used, const char *bytes, size_t length)
{
        length = MIN(length, size - 1 - *used);
        memcpy(buffer + *used, bytes, length);
        *used += length;
        buffer[*used] = '\0';
}

char *redact_command(char *buffer, size_t size, const char *command)
{
        bool is_value = false;
        size_t used = 0;

        buffer[0] = '\0';
        while (*command) {
                size_t blanks = strspn(command, " \t"), length, name;

                append(buffer, size, &used, command, blanks);
                command += blanks;
                length = strcspn(command, " \t");
                name = strcspn(command, "=: \t");
                if (is_value && length > 0) {
                        append(buffer, size, &used, "***", 3);
                        is_value = false;
                } else if (name < length && names_secret(command, name)) {
                        append(buffer, size, &used, command, name + 1);
                        append(buffer, size, &used, "***", 3);
                } else {
                        append(buffer, size, &used, command, length);
                        /* Only an option announces its value as the next word. */
                        is_value = command[0] == '-' && names_secret(command, length);
                }
                command += length;
        }
        return buffer;
}
