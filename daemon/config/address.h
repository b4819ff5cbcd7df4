/* address.h - numeric socket addresses, as ListenStream= of systemd.socket(5) writes them */
#pragma once

#include <stdbool.h>

#include "config/config.h"

/** address_parse() - "127.0.0.1:80", "[::1]:80", "80" (any address), "/path", "@abstract"
 *  Names are never looked up.
 *  @ret: text and address, filled and to be freed with address_done()
 *  Return: 0; -EINVAL if it is none of these, -ENAMETOOLONG for a path, -ENOMEM */
int address_parse(const char *text, ListenAddress *ret);

void address_done(ListenAddress *address);

/** address_is_loopback() - 127.0.0.0/8, ::1, or 127.0.0.0/8 written as IPv6 */
bool address_is_loopback(const ListenAddress *address);

/** address_is_any() - 0.0.0.0 or [::] */
bool address_is_any(const ListenAddress *address);

/** address_compare() - order by family, port and address; 0 if they are the same socket */
int address_compare(const ListenAddress *a, const ListenAddress *b);

/** address_is_same_port() - TCP of one family on one port */
bool address_is_same_port(const ListenAddress *a, const ListenAddress *b);

/** address_has_port() - whether it names a place: port 0 means that the kernel chooses */
bool address_has_port(const ListenAddress *address);

/** address_is_target() - "ADDRESS:PORT" that can be connected to; ${REEVE_SLOT} may be in it */
bool address_is_target(const char *text);

/** url_is_valid() - http://ADDRESS:PORT/PATH with a numeric address; port 80 may be left out
 *  @url: @length bytes of it count; ${REEVE_SLOT} may be in it */
bool url_is_valid(const char *url, size_t length);
