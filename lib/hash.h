/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hashes for tables in memory: FNV-1a with 64 bits. Not against somebody who looks for collisions. */

#include <stddef.h>
#include <stdint.h>

#define VD_HASH_START UINT64_C(0xcbf29ce484222325)

/* Go on from @hash, VD_HASH_START at first, with @len bytes of @data. */
static inline uint64_t vd_hash(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}
