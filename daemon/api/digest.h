/* digest.h - SHA-256, by GnuTLS, which libmicrohttpd brings along anyway */
#pragma once

#include <stddef.h>

enum { DIGEST_SIZE = 32 };

/** digest_bytes() - Return: 0; -EIO if the library refuses */
int digest_bytes(const void *bytes, size_t length, unsigned char ret[DIGEST_SIZE]);
