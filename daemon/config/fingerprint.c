/* fingerprint.c - a number for what a worker is started from
 *
 * Two configurations that pool_config_same_worker() calls the same have the same number: both
 * walk the same keys of the table. A state file keeps it, so that a reeved that starts anew can
 * tell whether the workers that it finds were started from what is configured now. FNV-1a, 64
 * bits: it tells changes, not attackers. */
#include "config/fingerprint.h"

#include "config/draft.h"

uint64_t fingerprint_bytes(uint64_t hash, const void *bytes, size_t length)
{
        const unsigned char *p = bytes;

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ p[i]) * UINT64_C(1099511628211);
        return hash;
}

uint64_t fingerprint_number(uint64_t hash, uint64_t number)
{
        return fingerprint_bytes(hash, &number, sizeof(number));
}

uint64_t fingerprint_text(uint64_t hash, const char *text)
{
        return text ? fingerprint_bytes(hash, text, strlen(text) + 1) : hash;
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (bytes[i])
                        return false;
        return true;
}

static uint64_t fingerprint_field(uint64_t hash, const Key *key, const PoolConfig *config)
{
        const void *field = key_field(key, config);

        if (key->kind->fingerprint)
                return key->kind->fingerprint(hash, field);
        if (!key_is_flagged(key, config) && is_zero(field, key->kind->size))
                return hash;
        return fingerprint_bytes(hash, field, key->kind->size);
}

/* The name goes in with the value, and neither does for an empty one: a key that a later version
 * adds must not make all workers look changed when reeved is upgraded. */
uint64_t pool_config_fingerprint(const PoolConfig *config)
{
        uint64_t hash = UINT64_C(14695981039346656037);
        const Key *key;

        for (size_t i = 0; (key = key_at(i)); i++) {
                uint64_t named = fingerprint_text(hash, key->shown.name), mixed;

                if (!key->is_workers)
                        continue;
                mixed = fingerprint_field(named, key, config);
                hash = mixed == named ? hash : mixed;
        }
        return hash;
}
