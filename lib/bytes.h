/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sixteen bytes at a time, in the compiler's portable vectors: comparisons give 0xff or 0 per byte. For the few loops
 * that go over every byte of large logs. Depends on nothing.
 */

#include <stdint.h>
#include <string.h>

#include "macros.h"

#define VD_BLOCK 16

typedef unsigned char vd_vec __attribute__((vector_size(VD_BLOCK)));
typedef signed char vd_svec __attribute__((vector_size(VD_BLOCK)));

static inline vd_vec vd_vec_load(const char *s)
{
	vd_vec v;

	memcpy(&v, s, VD_BLOCK);
	return v;
}

/* One bit per byte of a comparison's result, the first byte lowest. */
static inline unsigned vd_vec_bits(vd_vec v)
{
#ifdef __SSE2__
	typedef char cvec __attribute__((vector_size(VD_BLOCK)));

	return (unsigned)__builtin_ia32_pmovmskb128((cvec)v);
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < VD_BLOCK; i++)
		bits |= (unsigned)(v[i] >> 7) << i;
	return bits;
#endif
}

/* Bits of the bytes that are ASCII letters, digits or '_'. */
static inline unsigned vd_vec_words(vd_vec v)
{
	vd_vec letter = (v | 0x20) - 'a', digit = v - '0';

	return vd_vec_bits((vd_vec)(letter < 26) | (vd_vec)(digit < 10) | (vd_vec)(v == '_'));
}

/*
 * The decimal number at @s, of which eight bytes may be read: its digits in *@ret_digits. With eight digits there may
 * be more.
 */
VD_INLINE uint32_t vd_digits8(const char *s, unsigned *ret_digits)
{
	uint64_t v, other;
	unsigned n;

	memcpy(&v, s, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	v ^= UINT64_C(0x3030303030303030);
	/* A digit is 0 to 9 now; any other byte gets a bit in its upper half, exactly up to the first of them. */
	other = (v | (v + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0);
	n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
	*ret_digits = n;
	/* The digits move to the end, zeros come in front; then pairs, fours and eight of them are joined. */
	v = n ? v << (64 - 8 * n) : 0;
	v = v * 10 + (v >> 8);
	v = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
	     ((v >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
	    32;
	return (uint32_t)v;
}
