/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paint-scan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "bytes.h"

#define AHEAD 2 /* bytes behind a block that its last byte is compared with */

static inline unsigned escape_bits(const char *s)
{
	vd_vec a = vd_vec_load(s);

	return vd_vec_bits((vd_vec)((vd_svec)a < 0x20) | (vd_vec)(a == 0x7f));
}

/*
 * The letters are from (e)rro(r), (f)ail, (de)nie(d), (ca)nno(t), (u)nab(le), (re)fus(ed) and (ti)med: few other words
 * have them, which matters more than how many are compared. Case does not matter, since a capital would be the first
 * letter.
 */
static inline unsigned candidate_bits(const char *s)
{
	vd_vec a = vd_vec_load(s), b = vd_vec_load(s + 1), c = vd_vec_load(s + 2);
	vd_vec found = (vd_vec)((vd_svec)a < 0x20) | (vd_vec)(a == 0x7f) | (vd_vec)(a == '/');
	vd_vec n = (vd_vec)(a == 'n');

	found |= (vd_vec)(((a == ':') & (b == 's')) | ((a == 'm') & (b == 'e') & ((c == '=') | (c == 'd'))));
	found |= (vd_vec)((a == b) & (c == 'o')) & (n | (vd_vec)(a == 'r'));
	found |= n & ((vd_vec)((b == 'i') & (c == 'e')) | (vd_vec)((b == 'a') & (c == 'b')));
	found |= (vd_vec)(((a == 'a') & (b == 'i') & (c == 'l')) | ((a == 'f') & (b == 'u') & (c == 's')));
	return vd_vec_bits(found);
}

/* In 16 bytes at a time, which every processor can. @pos < @len. */
static size_t scan_16(const char *s, size_t len, size_t pos, bool color, size_t slack)
{
	char tail[2 * VD_BLOCK + AHEAD];
	unsigned bits;

	for (; pos + VD_BLOCK + AHEAD <= len + slack && pos < len; pos += VD_BLOCK) {
		bits = color ? candidate_bits(s + pos) : escape_bits(s + pos);
		if (bits) {
			pos += (unsigned)__builtin_ctz(bits);
			return pos < len ? pos : len;
		}
	}
	if (pos >= len)
		return len;
	/* What is left is shorter than a block and what is read behind it. */
	memset(tail, ' ', sizeof(tail));
	memcpy(tail, s + pos, len - pos);
	bits = color ? candidate_bits(tail) : escape_bits(tail);
	if (len - pos > VD_BLOCK)
		bits |= (color ? candidate_bits(tail + VD_BLOCK) : escape_bits(tail + VD_BLOCK)) << VD_BLOCK;
	return bits ? pos + (unsigned)__builtin_ctz(bits) : len;
}

#ifdef __x86_64__
#define WIDE 32
#define AVX2 __attribute__((target("avx2")))

/*
 * Each of eight kinds of candidates has a bit. For each of three bytes in a row two tables, asked by its lower and its
 * upper half, tell of which kinds it may be; a place is a candidate when one kind is left after all six. A few other
 * places pass as well, "bno" for one, and "mid" between "med" and "ail", which does no harm.
 */
enum {
	ESCAPED = 1 << 0,
	SLASH = 1 << 1, /* and DEL, which has the same lower half */
	CONTEXT = 1 << 2,
	GUEST = 1 << 3,
	RRO_NNO = 1 << 4,
	NIE_NAB = 1 << 5,
	AIL_MED = 1 << 6,
	FUS = 1 << 7,
};

/* Besides what is in all[]. */
static const unsigned char halves[6][16] = {
	{ [0x1] = AIL_MED,
	  [0x2] = RRO_NNO,
	  [0x6] = FUS,
	  [0xa] = CONTEXT,
	  [0xd] = GUEST | AIL_MED,
	  [0xe] = RRO_NNO | NIE_NAB,
	  [0xf] = SLASH },
	{ [0x0 ... 0x1] = ESCAPED,
	  [0x2] = SLASH,
	  [0x3] = CONTEXT,
	  [0x6] = GUEST | RRO_NNO | NIE_NAB | AIL_MED | FUS,
	  [0x7] = SLASH | RRO_NNO,
	  [0x8 ... 0xf] = ESCAPED },
	{ [0x1] = NIE_NAB,
	  [0x2] = RRO_NNO,
	  [0x3] = CONTEXT,
	  [0x5] = GUEST | AIL_MED | FUS,
	  [0x9] = NIE_NAB | AIL_MED,
	  [0xe] = RRO_NNO },
	{ [0x6] = GUEST | RRO_NNO | NIE_NAB | AIL_MED, [0x7] = CONTEXT | RRO_NNO | FUS },
	{ [0x0] = CONTEXT,
	  [0x2] = NIE_NAB,
	  [0x3] = FUS,
	  [0x4] = AIL_MED,
	  [0x5] = NIE_NAB,
	  [0xc] = AIL_MED,
	  [0xd] = GUEST,
	  [0xf] = RRO_NNO },
	{ [0x3] = CONTEXT | GUEST, [0x6] = RRO_NNO | NIE_NAB | AIL_MED, [0x7] = FUS },
};

/* What any half may be of. */
static const unsigned char all[6] = { ESCAPED, 0, ESCAPED | SLASH, ESCAPED | SLASH, ESCAPED | SLASH, ESCAPED | SLASH };

AVX2 static inline __m256i load(const char *s)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)s);
}

AVX2 static inline __m256i table(unsigned i)
{
	__m128i kinds = _mm_loadu_si128((const __m128i *)(const void *)halves[i]);

	return _mm256_broadcastsi128_si256(_mm_or_si128(kinds, _mm_set1_epi8((char)all[i])));
}

/* The kinds that the bytes @v may be of, by the tables for the lower and the upper half. */
AVX2 static inline __m256i kinds(__m256i v, __m256i lower, __m256i upper)
{
	__m256i nibble = _mm256_set1_epi8(0x0f);

	return _mm256_and_si256(_mm256_shuffle_epi8(lower, _mm256_and_si256(v, nibble)),
	                        _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
}

/* The same as scan_16() with wider registers. As long as a whole block can be read; true: *@pos is the result. */
AVX2 static bool scan_32(const char *s, size_t len, bool color, size_t slack, size_t *pos)
{
	__m256i lower0 = table(0), upper0 = table(1), lower1 = table(2), upper1 = table(3), lower2 = table(4),
	        upper2 = table(5);
	size_t at = *pos;

	for (; at < len && at + WIDE + AHEAD <= len + slack; at += WIDE) {
		__m256i a = load(s + at), found;
		unsigned bits;

		if (color) {
			found = _mm256_and_si256(kinds(a, lower0, upper0), kinds(load(s + at + 1), lower1, upper1));
			found = _mm256_and_si256(found, kinds(load(s + at + 2), lower2, upper2));
			bits = ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
		} else {
			found = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), a),
			                        _mm256_cmpeq_epi8(a, _mm256_set1_epi8(0x7f)));
			bits = (unsigned)_mm256_movemask_epi8(found);
		}
		if (bits) {
			at += (unsigned)__builtin_ctz(bits);
			*pos = at < len ? at : len;
			return true;
		}
	}
	*pos = at < len ? at : len;
	return at >= len;
}
#endif

size_t vd_paint_scan(const char *s, size_t len, size_t pos, bool color, size_t slack)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && scan_32(s, len, color, slack, &pos))
		return pos;
#endif
	return pos < len ? scan_16(s, len, pos, color, slack) : len;
}
