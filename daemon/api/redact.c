/* redact.c - see redact.h
 *
 * It is a net, not a wall: a secret given as a bare word cannot be told from other words. The
 * documentation says to keep secrets out of command lines. */
#include "api/redact.h"

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

size_t redact_shown(bool *is_value, const char *word, size_t length)
{
        bool was_announced = *is_value && length > 0;
        size_t name = 0;

        while (name < length && !strchr("=:", word[name]))
                name++;
        /* Only an option announces its value as the next word. */
        *is_value = !was_announced && name == length && length > 0 && word[0] == '-'
                    && names_secret(word, length);
        if (was_announced)
                return 0;
        return name < length && names_secret(word, name) ? name + 1 : length;
}

char *redact_command(char *buffer, size_t size, const char *command)
{
        bool is_value = false;
        size_t used = 0;

        buffer[0] = '\0';
        while (*command) {
                size_t blanks = strspn(command, " \t"), length, shown;

                append(buffer, size, &used, command, blanks);
                command += blanks;
                length = strcspn(command, " \t");
                shown = redact_shown(&is_value, command, length);
                append(buffer, size, &used, command, shown);
                if (shown < length)
                        append(buffer, size, &used, "***", 3);
                command += length;
        }
        return buffer;
}
