/* fingerprint.h - how values of each kind go into the number (FNV-1a, 64 bits) */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** fingerprint_bytes(), fingerprint_number(), fingerprint_text() - Return: @hash with it mixed in
 *  A text goes in with its terminator, so that "ab" "c" is not "a" "bc"; NULL changes nothing. */
uint64_t fingerprint_bytes(uint64_t hash, const void *bytes, size_t length);
uint64_t fingerprint_number(uint64_t hash, uint64_t number);
uint64_t fingerprint_text(uint64_t hash, const char *text);
