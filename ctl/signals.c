/* signals.c - see signals.h */
#include "ctl/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

int signal_name(const char *text, char ret_name[SIGNAL_NAME_SIZE])
{
        const char *word = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
        uint64_t wanted = 0;

        if (units_parse_number(text, NSIG - 1, &wanted) == 0 && wanted == 0)
                return -EINVAL;
        for (int number = 1; number < NSIG; number++) {
                const char *name = sigabbrev_np(number);

                if (!name || (wanted ? wanted != (uint64_t)number : strcasecmp(name, word) != 0))
                        continue;
                (void)snprintf(ret_name, SIGNAL_NAME_SIZE, "SIG%s", name);
                return 0;
        }
        return -EINVAL;
}
