/* address.c - see address.h */
#include "config/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

enum { PORT_MAX = 65535, TARGET_MAX = 512 };

#define SLOT "${REEVE_SLOT}"

static int port_parse(const char *text, uint64_t min, in_port_t *ret)
{
        uint64_t port;

        if (units_parse_number(text, PORT_MAX, &port) < 0 || port < min)
                return -EINVAL;
        *ret = htons((in_port_t)port);
        return 0;
}

/* A path or an abstract name, whose first byte is zero to the kernel and '@' to people. */
static int local_parse(const char *text, ListenAddress *ret)
{
        struct sockaddr_un *local = &ret->address.local;
        size_t length = strlen(text);

        if (length < 2)
                return -EINVAL;
        if (length >= sizeof(local->sun_path))
                return -ENAMETOOLONG;
        local->sun_family = AF_UNIX;
        memcpy(local->sun_path, text, length);
        if (text[0] == '@')
                local->sun_path[0] = '\0';
        /* An abstract name has no terminator: its length says where it ends (unix(7)). */
        ret->length =
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] != '@'));
        return 0;
}

static int ipv6_parse(const char *text, ListenAddress *ret)
{
        struct sockaddr_in6 *ipv6 = &ret->address.ipv6;
        const char *end = strstr(text, "]:");
        char host[INET6_ADDRSTRLEN];
        size_t length = end ? (size_t)(end - text - 1) : 0;

        if (!end || length >= sizeof(host))
                return -EINVAL;
        memcpy(host, text + 1, length);
        host[length] = '\0';
        ipv6->sin6_family = AF_INET6;
        ret->length = sizeof(*ipv6);
        if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) != 1)
                return -EINVAL;
        return port_parse(end + 2, 0, &ipv6->sin6_port);
}

static int ipv4_parse(const char *text, ListenAddress *ret)
{
        struct sockaddr_in *ipv4 = &ret->address.ipv4;
        size_t length = strcspn(text, ":");
        char host[INET_ADDRSTRLEN];

        if (text[length] != ':' || length >= sizeof(host))
                return -EINVAL;
        memcpy(host, text, length);
        host[length] = '\0';
        ipv4->sin_family = AF_INET;
        ret->length = sizeof(*ipv4);
        if (inet_pton(AF_INET, host, &ipv4->sin_addr) != 1)
                return -EINVAL;
        return port_parse(text + length + 1, 0, &ipv4->sin_port);
}

/* A port alone is [::]:PORT, which takes IPv4 too unless the system says otherwise. */
static int port_only_parse(const char *text, ListenAddress *ret)
{
        struct sockaddr_in6 *ipv6 = &ret->address.ipv6;

        ipv6->sin6_family = AF_INET6;
        ret->length = sizeof(*ipv6);
        return port_parse(text, 1, &ipv6->sin6_port);
}

static int address_read(const char *text, ListenAddress *ret)
{
        if (text[0] == '/' || text[0] == '@')
                return local_parse(text, ret);
        if (text[0] == '[')
                return ipv6_parse(text, ret);
        if (!text[strspn(text, "0123456789")])
                return port_only_parse(text, ret);
        return ipv4_parse(text, ret);
}

int address_parse(const char *text, ListenAddress *ret)
{
        ListenAddress address = { .type = SOCK_STREAM };
        int r = address_read(text, &address);

        if (r < 0)
                return r;
        address.text = strdup(text);
        if (!address.text)
                return -ENOMEM;
        *ret = address;
        return 0;
}

void address_done(ListenAddress *address)
{
        free(address->text);
        *address = (ListenAddress){ 0 };
}

static bool is_ipv4_loopback(const uint8_t *bytes)
{
        return bytes[0] == 127;
}

bool address_is_loopback(const ListenAddress *address)
{
        const struct in6_addr *ipv6 = &address->address.ipv6.sin6_addr;

        if (address->address.any.sa_family == AF_INET)
                return is_ipv4_loopback((const uint8_t *)&address->address.ipv4.sin_addr);
        if (address->address.any.sa_family != AF_INET6)
                return false;
        return IN6_IS_ADDR_LOOPBACK(ipv6)
               || (IN6_IS_ADDR_V4MAPPED(ipv6) && is_ipv4_loopback(ipv6->s6_addr + 12));
}

bool address_is_any(const ListenAddress *address)
{
        switch (address->address.any.sa_family) {
        case AF_INET: return address->address.ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
        case AF_INET6: return IN6_IS_ADDR_UNSPECIFIED(&address->address.ipv6.sin6_addr);
        default: return false;
        }
}

static in_port_t port_of(const ListenAddress *address)
{
        switch (address->address.any.sa_family) {
        case AF_INET: return ntohs(address->address.ipv4.sin_port);
        case AF_INET6: return ntohs(address->address.ipv6.sin6_port);
        default: return 0;
        }
}

bool address_has_port(const ListenAddress *address)
{
        return address->address.any.sa_family == AF_UNIX || port_of(address) != 0;
}

bool address_is_same_port(const ListenAddress *a, const ListenAddress *b)
{
        return a->address.any.sa_family != AF_UNIX && port_of(a) == port_of(b)
               && a->address.any.sa_family == b->address.any.sa_family;
}

int address_compare(const ListenAddress *a, const ListenAddress *b)
{
        int a_family = a->address.any.sa_family, b_family = b->address.any.sa_family;
        socklen_t length = MIN(a->length, b->length);

        if (a_family != b_family)
                return a_family < b_family ? -1 : 1;
        if (port_of(a) != port_of(b))
                return port_of(a) < port_of(b) ? -1 : 1;
        if (memcmp(&a->address, &b->address, length) != 0)
                return memcmp(&a->address, &b->address, length);
        return (a->length > b->length) - (a->length < b->length);
}

/* ${REEVE_SLOT} stands for a digit or two; any digit shows whether the rest is sound. */
static bool slot_fill(const char *text, size_t length, char *buffer, size_t size)
{
        size_t used = 0;

        for (size_t i = 0; i < length; i++) {
                if (used + 1 >= size)
                        return false;
                if (strncmp(text + i, SLOT, strlen(SLOT)) == 0) {
                        i += strlen(SLOT) - 1;
                        buffer[used++] = '1';
                } else {
                        buffer[used++] = text[i];
                }
        }
        buffer[used] = '\0';
        return true;
}

static bool target_is_valid(const char *text, size_t length, bool is_web)
{
        ListenAddress address = { 0 };
        char filled[TARGET_MAX];
        bool has_no_port;

        if (!slot_fill(text, length, filled, sizeof(filled) - strlen(":80")))
                return false;
        has_no_port =
                length > 0
                && (filled[0] == '[' ? filled[strlen(filled) - 1] == ']' : !strchr(filled, ':'));
        if (is_web && has_no_port)
                strcat(filled, ":80");
        return strchr(filled, ':') && address_read(filled, &address) == 0
               && address.address.any.sa_family != AF_UNIX && address_has_port(&address);
}

bool address_is_target(const char *text)
{
        return target_is_valid(text, strlen(text), false);
}

bool url_is_valid(const char *url, size_t length)
{
        const char *host = text_after(url, "http://");

        if (!host || strcspn(url, " \t\"<>\\^`#") < length)
                return false;
        return target_is_valid(host, MIN(strcspn(host, "/?"), length - (size_t)(host - url)), true);
}
