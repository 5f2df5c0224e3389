/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paint.h"

#include <strings.h>

static const struct {
	const char *start;
	size_t len;
} hues[VD_PAINT_COUNT_] = {
	[VD_PAINT_PLAIN] = { "", 0 },           [VD_PAINT_DIM] = { "\033[2m", 4 },
	[VD_PAINT_BOLD] = { "\033[1m", 4 },     [VD_PAINT_RED] = { "\033[1;31m", 7 },
	[VD_PAINT_YELLOW] = { "\033[33m", 5 },  [VD_PAINT_CYAN] = { "\033[36m", 5 },
	[VD_PAINT_MAGENTA] = { "\033[35m", 5 }, [VD_PAINT_GREEN] = { "\033[32m", 5 },
};
#define RESET     "\033[0m"
#define RESET_LEN 4

enum vd_paint_hue vd_paint_label_hue(unsigned number)
{
	static const enum vd_paint_hue labels[] = { VD_PAINT_CYAN, VD_PAINT_GREEN, VD_PAINT_MAGENTA, VD_PAINT_YELLOW };

	return labels[number % VD_ARRAY_SIZE(labels)];
}

void vd_paint_start(struct vd_out *out, enum vd_paint_hue hue)
{
	if (!out->color || !hue)
		return;
	memcpy(vd_out_reserve(out, 8), hues[hue].start, hues[hue].len);
	out->len += hues[hue].len;
}

void vd_paint_end(struct vd_out *out, enum vd_paint_hue hue)
{
	if (!out->color || !hue)
		return;
	memcpy(vd_out_reserve(out, 8), RESET, RESET_LEN);
	out->len += RESET_LEN;
}

void vd_paint_word(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len)
{
	vd_paint_start(out, hue);
	vd_out_escaped(out, s, len);
	vd_paint_end(out, hue);
}

/* --- what may be worth a look ------------------------------------------------------------------------------------- */

/*
 * Sixteen bytes at a time, in the compiler's portable vectors, are asked whether something may begin in them: a
 * character to escape, a path, a context, a guest's name, three letters from the middle of a word of failure. Only
 * these places are looked at one by one.
 */
#define BLOCK 16
#define AHEAD 2 /* bytes behind a block that its last byte is compared with */

typedef unsigned char vec __attribute__((vector_size(BLOCK)));
typedef signed char svec __attribute__((vector_size(BLOCK)));

static inline vec load(const char *s)
{
	vec v;

	memcpy(&v, s, BLOCK);
	return v;
}

/* One bit per byte of a comparison's result. */
static inline unsigned bits_of(vec v)
{
#ifdef __SSE2__
	typedef char cvec __attribute__((vector_size(BLOCK)));

	return (unsigned)__builtin_ia32_pmovmskb128((cvec)v);
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (unsigned)(v[i] >> 7) << i;
	return bits;
#endif
}

/* The middles of the words of failure, so chosen that few other words have them. */
#define TRIGRAM(A, B, C) ((la == (A)) & (lb == (B)) & (lc == (C)))

/* What has to be escaped: control characters, DEL, everything beyond ASCII. A tab is among them. */
static inline unsigned escape_bits(const char *s)
{
	vec a = load(s);

	return bits_of((vec)((svec)a < 0x20) | (vec)(a == 0x7f));
}

static inline unsigned candidate_bits(const char *s)
{
	vec a = load(s), b = load(s + 1), c = load(s + 2);
	vec la = a | 0x20, lb = b | 0x20, lc = c | 0x20;
	vec found = (vec)((svec)a < 0x20) | (vec)(a == 0x7f) | (vec)(a == '/');

	found |= (vec)((a == ':') & (b == 's') & (c == '0')) | (vec)((a == 'm') & (b == 'e') & (c == '='));
	found |= (vec)(TRIGRAM('f', 'a', 'i') | TRIGRAM('r', 'r', 'o') | TRIGRAM('n', 'i', 'e'));
	found |= (vec)(TRIGRAM('n', 'n', 'o') | TRIGRAM('f', 'u', 's') | TRIGRAM('n', 'a', 'b'));
	found |= (vec)(TRIGRAM('m', 'e', 'd') | TRIGRAM('r', 'r', 'u'));
	return bits_of(found);
}

/* The first candidate at or behind @pos, @len when there is none. */
static inline size_t next_candidate(const char *s, size_t len, size_t pos, bool color)
{
	char tail[2 * BLOCK + AHEAD];
	unsigned bits;

	for (; len >= BLOCK + AHEAD && pos <= len - BLOCK - AHEAD; pos += BLOCK) {
		bits = color ? candidate_bits(s + pos) : escape_bits(s + pos);
		if (bits)
			return pos + (unsigned)__builtin_ctz(bits);
	}
	if (pos >= len)
		return len;
	/* What is left is shorter than a block and what is read behind it. */
	memset(tail, ' ', sizeof(tail));
	memcpy(tail, s + pos, len - pos);
	bits = color ? candidate_bits(tail) : escape_bits(tail);
	if (len - pos > BLOCK)
		bits |= (color ? candidate_bits(tail + BLOCK) : escape_bits(tail + BLOCK)) << BLOCK;
	return bits ? pos + (unsigned)__builtin_ctz(bits) : len;
}

/* --- what stands there -------------------------------------------------------------------------------------------- */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

struct token {
	size_t start, end; /* start == end: nothing */
	enum vd_paint_hue hue;
};

/* A path begins behind a blank or a delimiter; it ends at one, without a full stop. */
static void find_path(const char *s, size_t len, size_t at, struct token *token)
{
	size_t end = at + 1;

	if (at && !strchr(" \t'\"=([{<,;|", s[at - 1]) && !(s[at - 1] == ':' && at > 1 && is_alpha(s[at - 2])))
		return;
	while (end < len && s[end] > ' ' && s[end] < 0x7f && !strchr("'\"<>,;|()[]{}", s[end]))
		end++;
	while (end > at + 1 && (s[end - 1] == '.' || s[end - 1] == ':'))
		end--;
	/* "/" alone, and the middle of a URI */
	if (end < at + 3 || s[at + 1] == '/' || s[at + 1] == '=')
		return;
	*token = (struct token){ at, end, VD_PAINT_GREEN };
}

/* "system_u:object_r:svirt_image_t:s0:c1,c2" around the ":s0" at @at. Not before @done. */
static void find_context(const char *s, size_t len, size_t done, size_t at, struct token *token)
{
	size_t start = at, end = at + 3, colons = 0;

	while (start > done && (is_name(s[start - 1]) || s[start - 1] == ':')) {
		start--;
		colons += s[start] == ':';
	}
	if (colons != 2 || at < start + 6 || s[at - 1] != 't' || s[at - 2] != '_')
		return;
	while (end < len && ((s[end] >= '0' && s[end] <= '9') || (s[end] > 0 && strchr(":,.-cs", s[end]))))
		end++;
	while (strchr(":,.-", s[end - 1]))
		end--;
	*token = (struct token){ start, end, VD_PAINT_MAGENTA };
}

/* The name behind "vm=0x7f92f0014020 name=", "Domain id=4 name=", "VM: name=" of which "me=" was found at @at. */
static void find_guest(const char *s, size_t len, size_t at, struct token *token)
{
	size_t start = at + 3, end, before = at - 2;
	bool quoted = start < len && s[start] == '\'';

	if (at < 6 || s[at - 1] != 'a' || s[at - 2] != 'n' || s[before - 1] != ' ')
		return;
	before--;
	while (before && is_name(s[before - 1]))
		before--;
	if (!before || !((s[before - 1] == '=' && before >= 3 && memcmp(s + before - 3, "vm=", 3) == 0) ||
	                 (s[before - 1] == '=' && before >= 3 && memcmp(s + before - 3, "id=", 3) == 0) ||
	                 (s[before - 1] == ':' && before >= 3 && memcmp(s + before - 3, "VM:", 3) == 0)))
		return;
	start += quoted;
	for (end = start; end < len && (quoted ? s[end] != '\'' : !strchr(" ,)", s[end])); end++)
		if (s[end] < ' ' || s[end] == 0x7f)
			return;
	*token = (struct token){ start, end, VD_PAINT_BOLD };
}

static void find_word(const char *s, size_t len, size_t done, size_t at, struct token *token)
{
	static const char *const words[] = { "error",  "errors", "fail",    "fails", "failed",  "failure",  "denied",
		                             "cannot", "unable", "refused", "timed", "corrupt", "corrupted" };
	size_t start = at, end = at;

	while (start > done && is_alpha(s[start - 1]))
		start--;
	while (end < len && is_alpha(s[end]))
		end++;
	if ((start && (is_name(s[start - 1]) && s[start - 1] != '.')) ||
	    (end < len && (s[end] == '_' || s[end] == '=')))
		return;
	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (n != end - start || strncasecmp(s + start, words[i], n) != 0)
			continue;
		if (words[i][0] != 't')
			*token = (struct token){ start, end, VD_PAINT_RED };
		else if (len - end >= 4 && memcmp(s + end, " out", 4) == 0)
			*token = (struct token){ start, end + 4, VD_PAINT_RED };
		return;
	}
}

static void find_token(const char *s, size_t len, size_t done, size_t at, struct token *token)
{
	*token = (struct token){ at, at, VD_PAINT_PLAIN };
	if (s[at] == '/')
		find_path(s, len, at, token);
	else if (s[at] == ':')
		find_context(s, len, done, at, token);
	else if (s[at] == 'm' && len - at > 3 && s[at + 1] == 'e' && s[at + 2] == '=')
		find_guest(s, len, at, token);
	else
		find_word(s, len, done, at, token);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static inline void add(struct vd_out *out, const char *s, size_t len)
{
	/* Most pieces are short: spare them the general way. */
	if (len <= 512) {
		memcpy(vd_out_reserve(out, 512), s, len);
		out->len += len;
	} else {
		vd_out_add(out, s, len);
	}
}

/* A token inside text of @around. Not through vd_paint_end(), so that the text's own hue comes back. */
static void add_token(struct vd_out *out, const char *s, const struct token *token, enum vd_paint_hue around)
{
	vd_paint_end(out, around);
	vd_paint_word(out, token->hue, s + token->start, token->end - token->start);
	vd_paint_start(out, around);
}

void vd_paint_text(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len)
{
	bool seek = out->color && hue != VD_PAINT_DIM;
	size_t done = 0, pos = 0;

	if (len && s[len - 1] == '\r')
		len--;
	vd_paint_start(out, hue);
	while ((pos = next_candidate(s, len, pos, seek)) < len) {
		struct token token;

		if ((unsigned char)s[pos] >= 0x80 || (unsigned char)s[pos] < 0x20 || s[pos] == 0x7f) {
			add(out, s + done, pos - done);
			pos += vd_out_escaped_char(out, s + pos, len - pos);
			done = pos;
			continue;
		}
		find_token(s, len, done, pos, &token);
		if (token.start == token.end) {
			pos++;
			continue;
		}
		add(out, s + done, token.start - done);
		add_token(out, s, &token, hue);
		done = pos = token.end;
	}
	add(out, s + done, len - done);
	vd_paint_end(out, hue);
}

static const enum vd_paint_hue level_hues[] = { VD_PAINT_PLAIN, VD_PAINT_DIM, VD_PAINT_PLAIN, VD_PAINT_YELLOW,
	                                        VD_PAINT_RED };

/* The head of a record, which the parser has checked to be printable. */
static void paint_head(struct vd_out *out, const char *line, const struct vd_record *record)
{
	const char *s = line, *message = record->message.s;

	vd_paint_start(out, VD_PAINT_DIM);
	if (record->level) {
		add(out, s, (size_t)(record->level_word.s - s));
		vd_paint_end(out, VD_PAINT_DIM);
		vd_paint_start(out, level_hues[record->level]);
		add(out, record->level_word.s, record->level_word.len);
		vd_paint_end(out, level_hues[record->level]);
		s = record->level_word.s + record->level_word.len;
		if (record->function.len) {
			add(out, s, (size_t)(record->function.s - s));
			vd_paint_start(out, VD_PAINT_CYAN);
			add(out, record->function.s, record->function.len);
			vd_paint_end(out, VD_PAINT_CYAN);
			s = record->function.s + record->function.len;
		}
		vd_paint_start(out, VD_PAINT_DIM);
	}
	add(out, s, (size_t)(message - s));
	vd_paint_end(out, VD_PAINT_DIM);
}

void vd_paint_line(struct vd_out *out, const char *line, size_t len, const struct vd_record *record, bool dimmed)
{
	size_t head = record ? (size_t)(record->message.s - line) : 0;

	if (!out->color || dimmed || !record) {
		vd_paint_text(out, dimmed ? VD_PAINT_DIM : VD_PAINT_PLAIN, line, len);
		return;
	}
	paint_head(out, line, record);
	vd_paint_text(out, VD_PAINT_PLAIN, line + head, len - head);
}

static bool begins(const struct vd_slice *slice, const char *s)
{
	size_t len = strlen(s);

	return slice->len >= len && memcmp(slice->s, s, len) == 0;
}

bool vd_record_is_noise(const struct vd_record *record)
{
	const struct vd_slice *function = &record->function;

	if (record->level >= 3)
		/* A client that went away without saying goodbye. */
		return function->len == 20 && begins(function, "virNetSocketReadWire") &&
		       begins(&record->message, "End of file while reading data: Input/output error");
	if (function->len < 12 || function->s[0] != 'v')
		return false;
	return begins(function, "virObjectRef") || begins(function, "virObjectUnref") ||
	       begins(function, "virObjectNew") || begins(function, "vir_object_finalize") ||
	       begins(function, "virEventGLib") || begins(function, "virEventPoll") ||
	       begins(function, "virEventRunDefaultImpl");
}
