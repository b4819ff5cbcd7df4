/* endpoints.c - the kinds of values that are addresses: what is listened on, what is probed */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/fingerprint.h"
#include "config/kinds.h"
#include "config/words.h"

/* Both places where listeners are kept are a pointer with a count right behind it. */
typedef struct AddressArray {
        ListenAddress *items;
        size_t count;
} AddressArray;

#define IS_ADDRESS_ARRAY(Type, items_, count_) \
        (offsetof(Type, count_) == offsetof(Type, items_) + offsetof(AddressArray, count))
_Static_assert(IS_ADDRESS_ARRAY(PoolConfig, listeners, listener_count), "see AddressArray");
_Static_assert(IS_ADDRESS_ARRAY(Config, listen_http, listen_http_count), "see AddressArray");

static void clear_addresses(void *field)
{
        AddressArray *array = field;

        for (size_t i = 0; i < array->count; i++)
                address_done(&array->items[i]);
        free(array->items);
        *array = (AddressArray){ 0 };
}

static bool addresses_are_equal(const void *a, const void *b)
{
        const AddressArray *left = a, *right = b;

        if (left->count != right->count)
                return false;
        for (size_t i = 0; i < left->count; i++)
                if (address_compare(&left->items[i], &right->items[i]) != 0)
                        return false;
        return true;
}

/* The address itself, not its spelling, as in addresses_are_equal(). */
static uint64_t addresses_fingerprint(uint64_t hash, const void *field)
{
        const AddressArray *array = field;

        for (size_t i = 0; i < array->count; i++)
                hash = fingerprint_bytes(hash, &array->items[i].address, array->items[i].length);
        return hash;
}

static int address_add_take(AddressArray *array, ListenAddress *address)
{
        ListenAddress *items = reallocarray(array->items, array->count + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        array->items = items;
        items[array->count++] = *address;
        *address = (ListenAddress){ 0 };
        return 0;
}

static int address_take(const Assignment *at, ListenAddress *ret)
{
        int r = address_parse(at->value, ret);

        if (r == -ENAMETOOLONG)
                return assignment_refuse(at, 0, "%s=%s: the path of a socket has at most %zu bytes",
                                         at->key->shown.name, at->value,
                                         sizeof(ret->address.local.sun_path) - 1);
        if (r == -EINVAL && text_after(at->value, "localhost"))
                return assignment_refuse(at, 0,
                                         "%s=%s: names are not looked up; write 127.0.0.1%s or "
                                         "[::1]%s",
                                         at->key->shown.name, at->value,
                                         at->value + strlen("localhost"),
                                         at->value + strlen("localhost"));
        return r;
}

/* Takes the address over unless there are too many. */
static int address_keep(const Assignment *at, void *field, ListenAddress *address)
{
        AddressArray *array = field;
        int r;

        if (array->count >= CONFIG_LISTENERS_MAX)
                return assignment_refuse(at, 0, "%s=: at most %d addresses are allowed",
                                         at->key->shown.name, CONFIG_LISTENERS_MAX);
        r = assignment_mark(at, 0, address->text);
        return r < 0 ? r : address_add_take(array, address);
}

#define AUTO_ADDRESS CLEANUP(address_done) ListenAddress

static int parse_listen(const Assignment *at, void *field)
{
        AUTO_ADDRESS address = { 0 };
        int r = address_take(at, &address);

        if (r < 0)
                return r;
        if (!at->value[strspn(at->value, "0123456789")])
                assignment_warn(at, 0,
                                "%s=%s listens on all addresses of this host; write "
                                "127.0.0.1:%s for this host only, or [::]:%s to say so",
                                at->key->shown.name, at->value, at->value, at->value);
        return address_keep(at, field, &address);
}

static int parse_listen_http(const Assignment *at, void *field)
{
        AUTO_ADDRESS address = { 0 };
        int r = address_take(at, &address);

        if (r < 0)
                return r;
        if (!address_is_loopback(&address))
                return assignment_refuse(at, 0,
                                         "%s=%s is not a loopback address and is refused; use "
                                         "127.0.0.1:PORT or [::1]:PORT and put a TLS proxy or "
                                         "ssh before it",
                                         at->key->shown.name, at->value);
        return address_keep(at, field, &address);
}

/* The three keys of a probe share two fields of PoolConfig; `probe` is the one they are tied to. */
static PoolConfig *pool_of_probe(void *field)
{
        return CONTAINER_OF((ProbeKind *)field, PoolConfig, probe);
}

/* An empty Http= takes back a Http= and leaves a Tcp= alone. */
static void probe_clear(void *field, ProbeKind kind)
{
        PoolConfig *pool = pool_of_probe(field);

        if (pool->probe != kind)
                return;
        free(pool->probe_target);
        pool->probe_target = NULL;
        pool->probe_command = text_list_free(pool->probe_command);
        pool->probe = PROBE_NONE;
}

static void clear_probe_http(void *field)
{
        probe_clear(field, PROBE_HTTP);
}

static void clear_probe_tcp(void *field)
{
        probe_clear(field, PROBE_TCP);
}

static void clear_probe_exec(void *field)
{
        probe_clear(field, PROBE_EXEC);
}

/* @ret_command: the words of a command, for Exec= only */
static int probe_check(const Assignment *at, char ***ret_command)
{
        switch ((ProbeKind)at->key->variant) {
        case PROBE_HTTP: return url_is_valid(at->value, strlen(at->value)) ? 0 : -EINVAL;
        case PROBE_TCP: return address_is_target(at->value) ? 0 : -EINVAL;
        case PROBE_EXEC: return kind_command.parse(at, ret_command);
        case PROBE_NONE: break;
        }
        return -EINVAL;
}

static void free_words(char ***words)
{
        (void)text_list_free(*words);
}

static int parse_probe(const Assignment *at, void *field)
{
        PoolConfig *pool = pool_of_probe(field);
        ProbeKind kind = (ProbeKind)at->key->variant;
        char **command CLEANUP(free_words) = NULL;
        char *copy;
        int r = probe_check(at, &command);

        if (r < 0)
                return r;
        if (pool->probe != PROBE_NONE && pool->probe != kind)
                return assignment_refuse(at, 0,
                                         "[Health] takes one of Http=, Tcp= and Exec=; empty the "
                                         "other one first (KEY= with nothing behind it)");
        copy = strdup(at->value);
        if (!copy)
                return -ENOMEM;
        probe_clear(field, kind);
        pool->probe = kind;
        pool->probe_target = copy;
        pool->probe_command = TAKE_PTR(command);
        return 0;
}

#define ADDRESSES "ADDRESS:PORT with a numeric address, such as 127.0.0.1:8000 or [::1]:8000"

#define ADDRESSES_KIND(parse, allowed) \
        { \
                allowed, sizeof(AddressArray), parse, clear_addresses, addresses_are_equal, \
                        addresses_fingerprint \
        }
#define PROBE_KIND(clear_, allowed_) \
        { \
                .allowed = allowed_, .size = sizeof(ProbeKind), .parse = parse_probe, \
                .clear = clear_ \
        }

const Kind kind_listen =
        ADDRESSES_KIND(parse_listen, ADDRESSES ", a port, or the absolute path of a socket");
const Kind kind_listen_http = ADDRESSES_KIND(parse_listen_http, ADDRESSES);
const Kind kind_probe_http =
        PROBE_KIND(clear_probe_http, "http://ADDRESS:PORT/PATH with a numeric address");
const Kind kind_probe_tcp = PROBE_KIND(clear_probe_tcp, "ADDRESS:PORT with a numeric address");
const Kind kind_probe_exec = PROBE_KIND(clear_probe_exec, "an absolute path and arguments");
