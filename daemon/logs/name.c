/* name.c - see name.h */
#include "logs/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PACKING_END ".packing"

LogName log_name(unsigned slot, unsigned number, bool is_packed)
{
        LogName name;

        if (number == 0)
                (void)snprintf(name.text, sizeof(name.text), "%u.log", slot);
        else
                (void)snprintf(name.text, sizeof(name.text), "%u.log.%u%s", slot, number,
                               is_packed ? ".gz" : "");
        return name;
}

/* By making the name again: no spelling but ours is taken ("01.log", "+1.log"). */
bool log_name_parse(const char *text, LogNumber *ret)
{
        LogNumber number = { 0 };
        size_t length = strlen(text);

        if (sscanf(text, "%9u.log.%9u", &number.slot, &number.number) < 1)
                return false;
        number.is_packed = length > 3 && strcmp(text + length - 3, ".gz") == 0;
        if (strcmp(log_name(number.slot, number.number, number.is_packed).text, text) != 0)
                return false;
        *ret = number;
        return true;
}

LogName log_name_of_packing(uint64_t inode)
{
        LogName name;

        (void)snprintf(name.text, sizeof(name.text), "%" PRIu64 PACKING_END, inode);
        return name;
}

bool log_name_is_packing(const char *text)
{
        size_t length = strlen(text), end = strlen(PACKING_END);

        return length > end && strcmp(text + length - end, PACKING_END) == 0;
}
