/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

#include <string.h>

#include "bytes.h"
#include "record-internal.h"

/* "2011-12-08 14:36:57.223" and "+0000: " behind it. */
#define DATE_LEN   23
#define ZONED_LEN  28
/* "14:36:57.223" */
#define CLOCK_LEN  12
/* A prefix does not reach further than this. */
#define MAX_PREFIX 256

static const struct {
	const char *word;
	size_t len;
} levels[] = { { "-", 1 }, { "debug", 5 }, { "info", 4 }, { "warning", 7 }, { "error", 5 } };

const char *vd_record_level_name(unsigned level)
{
	return levels[level < VD_ARRAY_SIZE(levels) ? level : 0].word;
}

static const bool words[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['_'] = true,
};

static inline bool is_word(char c)
{
	return words[(unsigned char)c];
}

/* A number of at most @max digits at *@pos; moves on behind it. */
VD_INLINE bool take_number(const char *s, size_t len, size_t *pos, unsigned max, uint32_t *ret_number)
{
	size_t at = *pos, end = at + max < len ? at + max : len;
	uint32_t n = 0, digit;
	unsigned digits;

	if (len - at >= 8) {
		n = vd_digits8(s + at, &digits);
		if (digits < 8) {
			*pos += digits;
			*ret_number = n;
			return digits && digits <= max;
		}
		n = 0;
	}
	for (; at < end && (digit = (uint32_t)(unsigned char)s[at] - '0') < 10; at++)
		n = n * 10 + digit;
	if (at == *pos || (at < len && is_digit(s[at])))
		return false;
	*pos = at;
	*ret_number = n;
	return true;
}

VD_INLINE bool take_text(const char *s, size_t len, size_t *pos, const char *text, size_t text_len)
{
	if (len - *pos < text_len || memcmp(s + *pos, text, text_len) != 0)
		return false;
	*pos += text_len;
	return true;
}

/* How "LEVEL : " begins, and which of these bytes count. */
static const struct {
	char text[9], mask[9];
} openings[] = {
	{ "", "" },
	{ "debug : ", "\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "info : ", "\xff\xff\xff\xff\xff\xff\xff" },
	{ "warning ", "\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "error : ", "\xff\xff\xff\xff\xff\xff\xff\xff" },
};

/* "LEVEL : " at *@pos. */
VD_INLINE bool take_level(const char *s, size_t len, size_t *pos, struct vd_record *record)
{
	static const unsigned char first[256] = { ['d'] = 1, ['i'] = 2, ['w'] = 3, ['e'] = 4 };
	const char *word = s + *pos;
	size_t left = len - *pos;
	unsigned level = left ? first[(unsigned char)*word] : 0;
	uint64_t have, want, mask;

	record->level = (unsigned char)level;
	record->level_word = (struct vd_slice){ word, levels[level].len };
	/* No branch for each level: which one comes next no processor guesses. */
	if (left >= 8 && level) {
		memcpy(&have, word, 8);
		memcpy(&want, openings[level].text, 8);
		memcpy(&mask, openings[level].mask, 8);
		if (((have ^ want) & mask) == 0 && (level != 3 || (left >= 10 && word[8] == ':' && word[9] == ' '))) {
			*pos += levels[level].len + 3;
			return true;
		}
	} else if (level == 2 && left == 7 && memcmp(word, "info : ", 7) == 0) {
		*pos += 7;
		return true;
	}
	/* Blanks at line ends get lost on the way through mail and trackers. */
	return level && take_text(s, len, pos, levels[level].word, levels[level].len) && len - *pos == 2 &&
	       take_text(s, len, pos, " :", 2);
}

/* What follows the level: "fn:line : " or not, and the message. */
VD_INLINE void take_rest(const char *s, size_t len, size_t pos, struct vd_record *record)
{
	size_t at = pos;
	bool found = false;

	/* Names are seldom longer than two blocks: no loop over their bytes, whose end no processor guesses. */
	while (!found && len - at >= 2 * VD_BLOCK) {
		uint32_t others =
		        ~(vd_vec_words(vd_vec_load(s + at)) | vd_vec_words(vd_vec_load(s + at + VD_BLOCK)) << VD_BLOCK);

		at += others ? (unsigned)__builtin_ctz(others) : 2 * VD_BLOCK;
		found = others != 0;
	}
	while (!found && at < len && is_word(s[at]))
		at++;
	record->function = (struct vd_slice){ s + pos, at - pos };
	record->line = 0;
	if (at > pos && !is_digit(s[pos]) && at < len && s[at] == ':' &&
	    (at++, take_number(s, len, &at, 7, &record->line)) &&
	    (take_text(s, len, &at, " : ", 3) || (len - at == 2 && take_text(s, len, &at, " :", 2)))) {
		pos = at;
	} else {
		record->function.len = 0;
		record->line = 0;
		at = pos;
		record->is_banner = record->level == 2 && (take_text(s, len, &at, "libvirt version: ", 17) ||
		                                           take_text(s, len, &at, "hostname: ", 10));
	}
	record->message = (struct vd_slice){ s + pos, len - pos };
}

VD_INLINE bool take_thread(const char *s, size_t len, size_t *pos, struct vd_record *record)
{
	return take_number(s, len, pos, 9, &record->thread) && take_text(s, len, pos, ": ", 2);
}

/*
 * "YYYY-MM-DD HH:MM:SS.mmm+ZZZZ: THREAD: LEVEL : " and what follows at the start of a line: nearly every line of nearly
 * every log. False says only that it is not as simple as that.
 */
VD_INLINE bool parse_common(const char *s, size_t len, struct vd_record *record)
{
	size_t pos = ZONED_LEN;

	if (len < ZONED_LEN + 8 || !is_date_stamp(s, len) || !is_zone(s + DATE_LEN) ||
	    !take_text(s, len, &pos, ": ", 2) || !take_thread(s, len, &pos, record) ||
	    !take_level(s, len, &pos, record))
		return false;
	record->form = VD_RECORD_ZONED;
	record->prefix = 0;
	record->pid = 0;
	record->is_banner = false;
	record->no_thread = false;
	record->stamp = (struct vd_slice){ s, ZONED_LEN };
	/* One by one: copied from each other, each would wait for the one before to reach memory. */
	record->outer_stamp = (struct vd_slice){ s, 0 };
	record->program = (struct vd_slice){ s, 0 };
	record->category = (struct vd_slice){ s, 0 };
	take_rest(s, len, pos, record);
	return true;
}

/* The record's own head at @pos. */
static bool parse_own(const char *s, size_t len, size_t pos, struct vd_record *record)
{
	size_t start = pos, stamp;

	if (is_date_stamp(s + pos, len - pos)) {
		bool zoned = len - pos > ZONED_LEN && is_zone(s + pos + DATE_LEN);

		record->form = zoned ? VD_RECORD_ZONED : VD_RECORD_LOCAL;
		pos += zoned ? ZONED_LEN : DATE_LEN;
		stamp = pos;
		if (!take_text(s, len, &pos, ": ", 2) || !take_thread(s, len, &pos, record) ||
		    !take_level(s, len, &pos, record))
			return false;
	} else if (is_clock_stamp(s + pos, len - pos)) {
		record->form = VD_RECORD_CLOCK;
		pos += CLOCK_LEN;
		stamp = pos;
		if (!take_text(s, len, &pos, ": ", 2))
			return false;
		if (pos < len && is_digit(s[pos]) && !take_thread(s, len, &pos, record))
			return false;
		if (!take_level(s, len, &pos, record))
			return false;
	} else {
		return false;
	}
	record->stamp = (struct vd_slice){ s + start, stamp - start };
	take_rest(s, len, pos, record);
	return true;
}

/*
 * "libvirt: QEMU Driver error : text", "libvirt:  error : text": what libvirt writes to standard error before logging
 * is set up, and its clients without a logging set-up of their own.
 */
static bool parse_early(const char *s, size_t len, size_t pos, struct vd_record *record)
{
	size_t at = pos, end;

	if (!take_text(s, len, &at, "libvirt: ", 9))
		return false;
	end = at + 48 < len ? at + 48 : len;
	for (; at < end && s[at] != ':'; at++) {
		size_t level = at + 1;

		if (s[at] == ' ' && take_level(s, len, &level, record)) {
			record->form = VD_RECORD_EARLY;
			record->stamp = (struct vd_slice){ s + pos, 0 };
			take_rest(s, len, level, record);
			return true;
		}
	}
	return false;
}

/* "STAMP HOST PROGRAM[PID]: " of journalctl and syslog daemons: its length; 0 when there is none. */
static size_t parse_prefix(const char *s, size_t len, struct vd_record *record)
{
	size_t pos = 0, program;

	len = len < MAX_PREFIX ? len : MAX_PREFIX;
	if (take_text(s, len, &pos, "<", 1)) { /* the priority, as it travels to a syslog daemon */
		uint32_t priority;

		if (!take_number(s, len, &pos, 3, &priority) || !take_text(s, len, &pos, ">", 1))
			return 0;
	}
	record->outer_stamp = (struct vd_slice){ s + pos, vd_stamp_length(s + pos, len - pos) };
	pos += record->outer_stamp.len;
	if (!record->outer_stamp.len || !take_text(s, len, &pos, " ", 1))
		return 0;
	while (pos < len && s[pos] > ' ' && s[pos] < 0x7f) /* the host */
		pos++;
	if (!take_text(s, len, &pos, " ", 1))
		return 0;
	program = pos;
	while (pos < len && s[pos] > ' ' && s[pos] < 0x7f && s[pos] != '[' && s[pos] != ':')
		pos++;
	record->program = (struct vd_slice){ s + program, pos - program };
	if (pos == program)
		return 0;
	if (take_text(s, len, &pos, "[", 1) &&
	    (!take_number(s, len, &pos, 9, &record->pid) || !take_text(s, len, &pos, "]", 1)))
		return 0;
	if (!take_text(s, len, &pos, ":", 1))
		return 0;
	take_text(s, len, &pos, " ", 1);
	return pos;
}

/* Behind a prefix every line is a record, if only one of another program. */
static bool parse_prefixed(const char *s, size_t len, size_t pos, struct vd_record *record)
{
	size_t prefix = parse_prefix(s + pos, len - pos, record), at;
	struct vd_record outer;

	if (!prefix)
		return false;
	pos += prefix;
	record->prefix = pos;
	outer = *record;
	if (parse_own(s, len, pos, record) || (*record = outer, parse_early(s, len, pos, record)))
		return true;
	*record = outer;
	record->stamp = (struct vd_slice){ s + pos, 0 };
	at = pos;
	if (take_thread(s, len, &at, record) && take_level(s, len, &at, record)) {
		record->form = VD_RECORD_BARE;
		take_rest(s, len, at, record);
		return true;
	}
	*record = outer;
	record->form = VD_RECORD_JOURNAL;
	record->stamp = (struct vd_slice){ s + pos, 0 };
	record->message = (struct vd_slice){ s + pos, len - pos };
	return true;
}

/* Can a prefix or an early message begin with it? Continuation lines seldom do. */
static bool may_begin(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || c == 'l' || c == '<' || c == '[';
}

bool vd_record_parse(const char *text, size_t len, unsigned flags, struct vd_record *ret_record)
{
	static const struct vd_record none;
	size_t pos = 0;

	if (!len)
		return false;
	if (is_digit(text[0]) && parse_common(text, len, ret_record))
		return true;
	if (flags & VD_RECORD_PASTED)
		while (pos < len && pos < MAX_PREFIX &&
		       (text[pos] == ' ' || text[pos] == '\t' || text[pos] == '>' || text[pos] == '|'))
			pos++;
	if (pos == len || !may_begin(text[pos]))
		return false;
	*ret_record = none;
	ret_record->prefix = pos;
	if (parse_own(text, len, pos, ret_record))
		return true;
	*ret_record = none;
	ret_record->prefix = pos;
	if (parse_early(text, len, pos, ret_record))
		return true;
	*ret_record = none;
	return parse_prefixed(text, len, pos, ret_record);
}
