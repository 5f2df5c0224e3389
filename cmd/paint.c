/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "paint.h"

#include <strings.h>

#include "bytes.h"
#include "paint-scan.h"

static const struct {
	char start[8];
	size_t len;
} hues[VD_PAINT_COUNT_] = {
	/* eight bytes of each are read */
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

/* --- what stands there -------------------------------------------------------------------------------------------- */

enum {
	IS_ALPHA = 1,
	IS_NAME = 2,      /* of identifiers and contexts: letters, digits, '_', '-', '.' */
	IS_PATH = 4,      /* may stand in a path */
	IS_DELIMITER = 8, /* a path may begin behind it */
};
static const unsigned char classes[256] = {
	['!'] = IS_PATH,         ['#' ... '&'] = IS_PATH,
	['*' ... '+'] = IS_PATH, ['-' ... '.'] = IS_PATH | IS_NAME,
	['/'] = IS_PATH,         ['0' ... '9'] = IS_PATH | IS_NAME,
	[':'] = IS_PATH,         ['='] = IS_PATH | IS_DELIMITER,
	['?' ... '@'] = IS_PATH, ['A' ... 'Z'] = IS_PATH | IS_NAME | IS_ALPHA,
	['^'] = IS_PATH,         ['_'] = IS_PATH | IS_NAME,
	['`'] = IS_PATH,         ['a' ... 'z'] = IS_PATH | IS_NAME | IS_ALPHA,
	['~'] = IS_PATH,         [' '] = IS_DELIMITER,
	['\t'] = IS_DELIMITER,   ['\''] = IS_DELIMITER,
	['"'] = IS_DELIMITER,    ['('] = IS_DELIMITER,
	['['] = IS_DELIMITER,    ['{'] = IS_DELIMITER,
	['<'] = IS_DELIMITER,    [','] = IS_DELIMITER,
	[';'] = IS_DELIMITER,    ['|'] = IS_DELIMITER,
};

static inline bool is(char c, unsigned class)
{
	return (classes[(unsigned char)c] & class) != 0;
}

struct token {
	size_t start, end; /* start == end: nothing */
	enum vd_paint_hue hue;
};

/* A path begins behind a blank or a delimiter; it ends at one, without a full stop. */
static void find_path(const char *s, size_t len, size_t at, size_t slack, struct token *token)
{
	size_t end = at + 1;

	if (at && !is(s[at - 1], IS_DELIMITER) && !(s[at - 1] == ':' && at > 1 && is(s[at - 2], IS_ALPHA)))
		return;
	while (len + slack - end >= VD_BLOCK && end < len) {
		vd_vec v = vd_vec_load(s + end);
		vd_vec stop = (vd_vec)((vd_svec)v <= ' ') | (vd_vec)(v == 0x7f);
		unsigned bits;

		stop |= (vd_vec)((v == '"') | (v == '\'') | (v == ',') | (v == ';'));
		stop |= (vd_vec)(((v | 0x20) == '{') | ((v | 0x20) == '}') | ((v | 0x20) == '|'));
		stop |= (vd_vec)((v == '(') | (v == ')') | (v == '<') | (v == '>'));
		bits = vd_vec_bits(stop);
		end += bits ? (unsigned)__builtin_ctz(bits) : VD_BLOCK;
		if (bits)
			break;
	}
	end = end < len ? end : len;
	while (end < len && is(s[end], IS_PATH))
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

	if (end > len || s[at + 2] != '0')
		return;
	while (start > done && (is(s[start - 1], IS_NAME) || s[start - 1] == ':')) {
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
	while (before && is(s[before - 1], IS_NAME))
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
	static const char *const words[] = { "error",  "errors", "fail",   "fails",   "failed", "failure",
		                             "denied", "cannot", "unable", "refused", "timed" };
	size_t start = at, end = at;

	while (start > done && is(s[start - 1], IS_ALPHA))
		start--;
	while (end < len && is(s[end], IS_ALPHA))
		end++;
	if (end - start < 4 || end - start > 7)
		return;
	if ((start && (is(s[start - 1], IS_NAME) && s[start - 1] != '.')) ||
	    (end < len && (s[end] == '_' || s[end] == '=')))
		return;
	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (n == end - start && strncasecmp(s + start, words[i], n) == 0) {
			*token = (struct token){ start, end, VD_PAINT_RED };
			return;
		}
	}
}

static void find_token(const char *s, size_t len, size_t done, size_t at, size_t slack, struct token *token)
{
	*token = (struct token){ at, at, VD_PAINT_PLAIN };
	if (s[at] == '/')
		find_path(s, len, at, slack, token);
	else if (s[at] == ':')
		find_context(s, len, done, at, token);
	else if (s[at] == 'm' && len - at > 3 && s[at + 1] == 'e' && s[at + 2] == '=')
		find_guest(s, len, at, token);
	else
		find_word(s, len, done, at, token);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/*
 * Text is painted in slices, so that one check makes room for all that may become of a slice: a token of three bytes
 * gains twelve, an escaped byte three.
 */
#define SLICE 8192
#define ROOM  (SLICE * 6 + 512)
_Static_assert(ROOM <= VD_OUT_ROOM, "a painted slice fits");

/*
 * For the functions below there is room. Copying a fixed number of bytes, where they may be read, spares a call, and a
 * loop whose end no processor guesses: add_short() for what is seldom longer than that.
 */
#define SHORT 48

static inline void add_more(struct vd_out *out, const char *s, size_t len, size_t done)
{
	if (len > done)
		memcpy(out->buf + out->len + done, s + done, len - done);
	out->len += len;
}

static inline void add_short(struct vd_out *out, const char *s, size_t len, size_t slack)
{
	if (slack)
		memcpy(out->buf + out->len, s, SHORT);
	add_more(out, s, len, slack ? SHORT : 0);
}

static inline void add(struct vd_out *out, const char *s, size_t len, size_t slack)
{
	if (slack)
		memcpy(out->buf + out->len, s, VD_LINES_SLACK);
	add_more(out, s, len, slack ? VD_LINES_SLACK : 0);
}

static inline void add_start(struct vd_out *out, enum vd_paint_hue hue)
{
	memcpy(out->buf + out->len, hues[hue].start, 8);
	out->len += hues[hue].len;
}

static inline void add_end(struct vd_out *out, enum vd_paint_hue hue)
{
	memcpy(out->buf + out->len, RESET, RESET_LEN);
	out->len += hue ? RESET_LEN : 0;
}

/* A token inside text of @around, whose hue comes back behind it. */
static void add_token(struct vd_out *out, const char *s, const struct token *token, enum vd_paint_hue around,
                      size_t slack)
{
	add_end(out, around);
	add_start(out, token->hue);
	if (token->hue == VD_PAINT_BOLD) /* a guest's name may be any text */
		vd_out_escaped(out, s + token->start, token->end - token->start);
	else
		add(out, s + token->start, token->end - token->start, slack);
	add_end(out, token->hue);
	add_start(out, around);
}

static void paint_slice(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len, size_t slack)
{
	bool seek = out->color && hue != VD_PAINT_DIM;
	size_t done = 0, pos = 0;

	while ((pos = vd_paint_scan(s, len, pos, seek, slack)) < len) {
		struct token token;

		if ((unsigned char)s[pos] >= 0x80 || (unsigned char)s[pos] < 0x20 || s[pos] == 0x7f) {
			add(out, s + done, pos - done, slack);
			pos += vd_out_escaped_char(out, s + pos, len - pos);
			done = pos;
			continue;
		}
		find_token(s, len, done, pos, slack, &token);
		if (token.start == token.end) {
			pos++;
			continue;
		}
		add(out, s + done, token.start - done, slack);
		add_token(out, s, &token, hue, slack);
		done = pos = token.end;
	}
	add(out, s + done, len - done, slack);
}

/* @slack: 0, or VD_LINES_SLACK when so many bytes may be read behind the text. */
static void paint_text(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len, size_t slack)
{
	if (len && s[len - 1] == '\r')
		len--;
	do {
		size_t n = len;

		if (n > SLICE)
			for (n = SLICE; n > SLICE - 4 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
				continue; /* not in the middle of a character */
		vd_out_reserve(out, ROOM);
		if (out->color)
			add_start(out, hue);
		paint_slice(out, hue, s, n, n < len ? VD_LINES_SLACK < len - n ? VD_LINES_SLACK : slack : slack);
		if (out->color)
			add_end(out, hue);
		s += n;
		len -= n;
	} while (len);
}

void vd_paint_text(struct vd_out *out, enum vd_paint_hue hue, const char *s, size_t len)
{
	paint_text(out, hue, s, len, 0);
}

static const enum vd_paint_hue level_hues[] = { VD_PAINT_PLAIN, VD_PAINT_DIM, VD_PAINT_PLAIN, VD_PAINT_YELLOW,
	                                        VD_PAINT_RED };

/* The head of a record, which the parser has checked to be printable. A prefix of hosts and programs may be long. */
static void paint_head(struct vd_out *out, const char *line, const struct vd_record *record, size_t slack)
{
	const char *s = line, *message = record->message.s;

	vd_out_reserve(out, (size_t)(message - s) + ROOM / 4);
	add_start(out, VD_PAINT_DIM);
	if (record->level) {
		add_short(out, s, (size_t)(record->level_word.s - s), slack);
		add_end(out, VD_PAINT_DIM);
		add_start(out, level_hues[record->level]);
		add_short(out, record->level_word.s, record->level_word.len, slack);
		add_end(out, level_hues[record->level]);
		s = record->level_word.s + record->level_word.len;
		if (record->function.len) {
			add_short(out, s, (size_t)(record->function.s - s), slack);
			add_start(out, VD_PAINT_CYAN);
			add_short(out, record->function.s, record->function.len, slack);
			add_end(out, VD_PAINT_CYAN);
			s = record->function.s + record->function.len;
		}
		add_start(out, VD_PAINT_DIM);
	}
	add_short(out, s, (size_t)(message - s), slack);
	add_end(out, VD_PAINT_DIM);
}

static void paint_line(struct vd_out *out, const char *s, size_t len, const struct vd_record *record, bool dimmed,
                       size_t slack)
{
	size_t head = record ? (size_t)(record->message.s - s) : 0;

	if (!out->color || dimmed || head == 0 || head > VD_OUT_ROOM / 2) {
		paint_text(out, dimmed ? VD_PAINT_DIM : VD_PAINT_PLAIN, s, len, slack);
		return;
	}
	paint_head(out, s, record, slack);
	paint_text(out, VD_PAINT_PLAIN, s + head, len - head, slack);
}

void vd_paint_line(struct vd_out *out, const char *line, size_t len, const struct vd_record *record, bool dimmed)
{
	paint_line(out, line, len, record, dimmed, 0);
}

void vd_paint_fast(struct vd_out *out, const struct vd_line *line, const struct vd_record *record, bool dimmed)
{
	paint_line(out, line->text, line->len, record, dimmed, VD_LINES_SLACK);
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
	if (function->len < 12 || (function->s[3] != 'O' && function->s[3] != 'E' && function->s[3] != '_'))
		return false;
	return begins(function, "virObjectRef") || begins(function, "virObjectUnref") ||
	       begins(function, "virObjectNew") || begins(function, "vir_object_finalize") ||
	       begins(function, "virEventGLib") || begins(function, "virEventPoll") ||
	       begins(function, "virEventRunDefaultImpl");
}
