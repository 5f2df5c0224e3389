/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "log-grammar.h"

/* A filter has two pieces that count, an output three; a fourth only says that there are too many. */
#define MAX_PIECES 4

struct pieces {
	struct vlog_span piece[MAX_PIECES]; /* the last holds all that is left, colons included, when there are more */
	unsigned count;
};

static const char *const dest_names[] = {
	[VLOG_DEST_STDERR] = "stderr",
	[VLOG_DEST_SYSLOG] = "syslog",
	[VLOG_DEST_FILE] = "file",
	[VLOG_DEST_JOURNALD] = "journald",
};
_Static_assert(VD_ARRAY_SIZE(dest_names) == VLOG_DEST_COUNT_, "a destination has no name");

static struct vlog_span span(size_t offset, size_t length)
{
	return (struct vlog_span){ offset, length };
}

static size_t span_end(struct vlog_span part)
{
	return part.offset + part.length;
}

/* Cuts the next run of bytes other than space out of @s. */
static bool next_text(const char *s, size_t len, size_t *pos, struct vlog_span *ret_text)
{
	size_t start = *pos, end;

	while (start < len && s[start] == ' ')
		start++;
	for (end = start; end < len && s[end] != ' ';)
		end++;
	*pos = end;
	if (start >= len)
		return false;
	*ret_text = span(start, end - start);
	return true;
}

static struct pieces split(const char *s, struct vlog_span text)
{
	struct pieces pieces = { 0 };
	size_t start = text.offset, end = span_end(text);

	for (;;) {
		const char *colon = pieces.count + 1 < MAX_PIECES ? memchr(s + start, ':', end - start) : NULL;
		size_t stop = colon ? (size_t)(colon - s) : end;

		pieces.piece[pieces.count++] = span(start, stop - start);
		if (!colon)
			return pieces;
		start = stop + 1;
	}
}

/* What isspace() says in the C locale; the locale of a daemon does not change it for these bytes. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * The value of a level, or 0 when it is none. libvirt calls strtoul() in base 10, insists that the whole piece is used
 * and refuses any minus sign: white space and one plus before the digits are fine, and so are leading zeros.
 * Done by hand because @s does not end behind the piece.
 */
static unsigned parse_level(const char *s, struct vlog_span text)
{
	size_t i = text.offset, end = span_end(text), digits;
	unsigned value = 0;

	while (i < end && is_space(s[i]))
		i++;
	if (i < end && s[i] == '+')
		i++;
	for (digits = i; i < end && s[i] >= '0' && s[i] <= '9'; i++)
		value = value > 9 ? value : value * 10 + (unsigned)(s[i] - '0');
	if (i == digits || i < end || value > 4)
		return 0;
	return value;
}

static void fail(struct vlog_item *item, enum vlog_item_error error, struct vlog_span fault)
{
	item->error = error;
	item->fault = fault;
}

/* The fault for a piece that may be empty: a caret needs something to point at, so then it is the colon beside it. */
static struct vlog_span fault_of(struct vlog_span piece, size_t colon)
{
	return piece.length ? piece : span(colon, 1);
}

/* The part that filters and outputs share: two pieces at least, and the level. False when @item is decided. */
static bool read_level(const char *s, struct vlog_item *item, struct pieces *ret_pieces)
{
	*ret_pieces = split(s, item->text);
	if (ret_pieces->count < 2) {
		fail(item, VLOG_ITEM_MALFORMED, item->text);
		return false;
	}
	item->level_text = ret_pieces->piece[0];
	item->level = parse_level(s, item->level_text);
	if (!item->level) {
		fail(item, VLOG_ITEM_LEVEL, fault_of(item->level_text, span_end(item->level_text)));
		return false;
	}
	return true;
}

static void read_filter(const char *s, struct vlog_item *item)
{
	struct pieces pieces;
	struct vlog_span match;

	if (!read_level(s, item, &pieces))
		return;
	match = pieces.piece[1];
	if (pieces.count > 2)
		item->ignored = span(pieces.piece[2].offset, span_end(item->text) - pieces.piece[2].offset);
	if (match.length && s[match.offset] == '+') {
		item->plus = true;
		match = span(match.offset + 1, match.length - 1);
	}
	if (!match.length) {
		fail(item, VLOG_ITEM_MATCH, fault_of(pieces.piece[1], pieces.piece[1].offset - 1));
		item->level = 0;
		return;
	}
	item->match = match;
}

static bool find_dest(const char *s, struct vlog_span word, enum vlog_dest *ret_dest)
{
	for (size_t i = 0; i < VLOG_DEST_COUNT_; i++) {
		if (strlen(dest_names[i]) == word.length && !memcmp(dest_names[i], s + word.offset, word.length)) {
			*ret_dest = (enum vlog_dest)i;
			return true;
		}
	}
	return false;
}

static void read_output(const char *s, struct vlog_item *item)
{
	struct pieces pieces;
	unsigned wanted;

	if (!read_level(s, item, &pieces))
		return;
	item->match = pieces.piece[1];
	if (!find_dest(s, item->match, &item->dest)) {
		fail(item, VLOG_ITEM_DESTINATION, fault_of(item->match, item->match.offset - 1));
		item->level = 0;
		return;
	}
	wanted = item->dest == VLOG_DEST_FILE || item->dest == VLOG_DEST_SYSLOG ? 3 : 2;
	if (wanted == 3 && pieces.count >= 3)
		item->argument = pieces.piece[2];
	if (pieces.count == wanted)
		return;
	/* Too few: the word that wants an argument. Too many: the surplus from its colon on. */
	if (pieces.count < wanted)
		fail(item, VLOG_ITEM_REQUIREMENT, item->match);
	else
		fail(item, VLOG_ITEM_REQUIREMENT,
		     span(pieces.piece[wanted].offset - 1, span_end(item->text) + 1 - pieces.piece[wanted].offset));
	item->level = 0;
}

static bool next_item(const char *s, size_t len, size_t *pos, void (*read)(const char *, struct vlog_item *),
                      struct vlog_item *ret_item)
{
	struct vlog_item item = { 0 };

	if (!next_text(s, len, pos, &item.text))
		return false;
	read(s, &item);
	*ret_item = item;
	return true;
}

bool vlog_filter_next(const char *s, size_t len, size_t *pos, struct vlog_item *ret_item)
{
	return next_item(s, len, pos, read_filter, ret_item);
}

bool vlog_output_next(const char *s, size_t len, size_t *pos, struct vlog_item *ret_item)
{
	return next_item(s, len, pos, read_output, ret_item);
}

size_t vlog_utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t length = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

	/* A NUL is no continuation byte, so this never reads behind the end. */
	for (size_t i = 1; i < length; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates and what lies above U+10FFFF. */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
	    (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return length;
}

/* The character at @s, not its end, is skipped; a byte that starts none counts as one. */
static const char *next_character(const char *s)
{
	size_t length = vlog_utf8_length(s);

	return s + (length ? length : 1);
}

bool vlog_pattern_matches(const char *pattern, size_t len, const char *name)
{
	/*
	 * The wrapping star before the pattern is the first place to fall back to, the one behind it means that the
	 * rest of the name does not matter. Only the last star seen has to be tried again: what an earlier one matched
	 * was the leftmost choice, so a longer run there cannot help.
	 */
	const char *retry_name = name;
	size_t retry = 0, i = 0;

	while (i < len) {
		if (pattern[i] == '*') {
			retry = ++i;
			retry_name = name;
		} else if (*name && (pattern[i] == '?' || pattern[i] == *name)) {
			name = pattern[i] == '?' ? next_character(name) : name + 1;
			i++;
		} else {
			if (!*name || !*retry_name)
				return false;
			retry_name = next_character(retry_name);
			name = retry_name;
			i = retry;
		}
	}
	return true;
}

const char *vlog_dest_name(enum vlog_dest dest)
{
	return (unsigned)dest < VLOG_DEST_COUNT_ ? dest_names[dest] : "unknown";
}

const char *vlog_level_name(unsigned level)
{
	static const char *const names[] = { "unknown", "debug", "info", "warning", "error" };

	return level < VD_ARRAY_SIZE(names) ? names[level] : names[0];
}
