/* target.c - see target.h */
#include "ctl/target.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "ctl/outcome.h"

static bool is_pattern(const char *text)
{
        return text[strcspn(text, "*?")] != '\0';
}

/* Whether @text can name pools: characters of names, of patterns, or a leading @. */
static bool is_pool_text(const char *text)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-*?";

        text += *text == '@';
        return *text && text[strspn(text, allowed)] == '\0';
}

static int slot_parse(const char *text, Target *target)
{
        uint64_t slot;
        int r;

        if (text_equal(text, "*")) {
                target->is_any_slot = true;
                return 0;
        }
        r = units_parse_number(text, INT_MAX, &slot);
        if (r == 0)
                target->slot = (unsigned)slot;
        return r;
}

static int refuse(const char *text, Error *reterr)
{
        return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                         "\"%.100s\" is no target; write POOL, POOL/SLOT or a PID", text);
}

int target_parse(const char *text, Target *ret, Error *reterr)
{
        size_t length = strcspn(text, "/:");
        Target target = { .kind = TARGET_POOL };
        uint64_t pid;

        if (length == 0 || length >= TARGET_POOL_SIZE)
                return refuse(text, reterr);
        memcpy(target.pool, text, length);
        target.is_pattern = is_pattern(target.pool);
        if (!is_pool_text(target.pool))
                return refuse(text, reterr);
        if (text[length]) {
                target.kind = TARGET_SLOT;
                if (slot_parse(text + length + 1, &target) < 0)
                        return refuse(text, reterr);
        } else if (units_parse_number(text, INT_MAX, &pid) == 0 && pid > 0) {
                target.kind = TARGET_PID;
                target.pid = (int)pid;
        }
        *ret = target;
        return 0;
}

bool target_has_worker(const Target *target, const char *pool, unsigned slot, int pid)
{
        if (target->kind == TARGET_PID)
                return target->pid == pid;
        if (target->is_pattern ? target_is_builtin(pool) || !text_matches(target->pool, pool)
                               : !text_equal(target->pool, pool))
                return false;
        return target->kind == TARGET_POOL || target->is_any_slot || target->slot == slot;
}

bool target_is_builtin(const char *pool)
{
        return pool[0] == '@';
}
