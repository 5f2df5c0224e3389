/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter-era.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.filter-era");

/* --- which rules ----------------------------------------------------------------------------------------------------
 */

static enum vd_era_matching matching_of(unsigned version)
{
	if (version < VD_VERSION(4, 4, 0))
		return VD_MATCH_SUBSTRING;
	if (version < VD_VERSION(4, 7, 0))
		return VD_MATCH_FNMATCH;
	return version < VD_VERSION(7, 0, 0) ? VD_MATCH_EITHER : VD_MATCH_GPATTERN;
}

struct vd_filter_era vd_filter_era(unsigned version)
{
	unsigned v = version ? version : VD_VERSION(11, 3, 0);

	return (struct vd_filter_era){
		.version = v,
		.by_hand = v < VD_VERSION(1, 3, 3),
		.item_by_item = v < VD_VERSION(2, 4, 0),
		.merges = v < VD_VERSION(2, 4, 0),
		.keeps_duplicates = v < VD_VERSION(2, 4, 0),
		.level_zero = v < VD_VERSION(0, 7, 0),
		.has_journald = v >= VD_VERSION(1, 0, 0),
		.file_names = v < VD_VERSION(1, 2, 3),
		.file_prefix = v < VD_VERSION(1, 0, 0),
		.extra_colon = v >= VD_VERSION(9, 0, 0)   ? VD_YES
		               : v <= VD_VERSION(7, 0, 0) ? VD_NO
		                                          : VD_UNSURE,
		.backslash_separates = v <= VD_VERSION(0, 6, 0)    ? VD_YES
		                       : v >= VD_VERSION(0, 9, 12) ? VD_NO
		                                                   : VD_UNSURE,
		.matching = matching_of(v),
		.plus = v < VD_VERSION(0, 9, 13)  ? VD_PLUS_LITERAL
		        : v < VD_VERSION(5, 9, 0) ? VD_PLUS_TRACE
		                                  : VD_PLUS_IGNORED,
	};
}

const char *vd_filter_era_confidence(unsigned version)
{
	return version == VD_VERSION(9, 0, 0) ? "run" : "read";
}

/* --- cut at spaces and colons: 1.3.3 and later ----------------------------------------------------------------------
 */

static struct vlog_span span(size_t offset, size_t length)
{
	return (struct vlog_span){ offset, length };
}

static size_t span_end(struct vlog_span part)
{
	return part.offset + part.length;
}

static void fail(struct vlog_item *item, enum vlog_item_error error, struct vlog_span fault)
{
	item->error = error;
	item->fault = fault;
	item->level = 0;
}

static void leave_open(struct vd_era_item *item, const char *sentence)
{
	item->valid = VD_UNSURE;
	item->open = sentence;
}

/* The second colon of the item and all behind it; length 0 when there is none. */
static struct vlog_span surplus(const char *s, const struct vlog_item *item)
{
	size_t end = span_end(item->text), colons = 0;

	for (size_t i = item->text.offset; i < end; i++)
		if (s[i] == ':' && ++colons == 2)
			return span(i, end - i);
	return span(end, 0);
}

/* The number of pieces was looked at before all else, so a bad level does not count when there are too many. */
static void judge_split_filter(const struct vd_filter_era *era, const char *s, struct vd_era_item *item)
{
	struct vlog_span extra = surplus(s, &item->parsed);

	if (extra.length && era->extra_colon == VD_NO) {
		fail(&item->parsed, VLOG_ITEM_MALFORMED, extra);
		item->valid = VD_NO;
	} else if (extra.length && era->extra_colon == VD_UNSURE && item->valid == VD_YES) {
		item->parsed.fault = extra;
		leave_open(item,
		           "7.0.0 refuses a second colon, 9.0.0 ignores what follows it; between them nobody looked");
	} else if (item->parsed.error == VLOG_ITEM_MATCH && era->item_by_item) {
		leave_open(item, "whether an empty pattern is accepted between 1.3.3 and 2.4.0 is not known");
	}
}

static void judge_split_output(const struct vd_filter_era *era, struct vd_era_item *item)
{
	const struct vlog_item *p = &item->parsed;

	if (era->item_by_item && p->error == VLOG_ITEM_REQUIREMENT &&
	    (p->dest == VLOG_DEST_STDERR || p->dest == VLOG_DEST_JOURNALD))
		leave_open(item, "whether something may follow this destination between 1.3.3 and 2.4.0 is not known");
}

/* --- read by hand: 0.6.0 to 1.3.2 -----------------------------------------------------------------------------------
 */

struct reader {
	const struct vd_filter_era *era;
	const char *s;
	size_t len, at;
};

/* What isspace() skips between items. */
static bool is_skipped(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What ends a pattern or path: vertical tab and form feed do not, a backslash does. */
static bool ends_name(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t name_end(const struct reader *r, size_t at)
{
	while (at < r->len && !ends_name(r->s[at]))
		at++;
	return at;
}

/* The word at @at for people: up to the next blank, at least one byte. */
static struct vlog_span word_at(const struct reader *r, size_t at)
{
	size_t end = at;

	while (end < r->len && !is_skipped(r->s[end]))
		end++;
	return span(at, end - at);
}

/* The level and its colon. False when that is wrong: then @item is decided. */
static bool read_level(struct reader *r, struct vlog_item *item)
{
	struct vlog_span word = word_at(r, r->at);
	const char *colon = memchr(r->s + word.offset, ':', word.length);
	size_t digits = r->at, value = 0;

	item->text = word;
	item->level_text = span(word.offset, colon ? (size_t)(colon - r->s) - word.offset : word.length);
	for (; digits < r->len && is_digit(r->s[digits]); digits++)
		value = value > 9 ? value : value * 10 + (size_t)(r->s[digits] - '0');
	if (!colon) {
		fail(item, VLOG_ITEM_MALFORMED, word);
		return false;
	}
	if (digits == r->at || r->s[digits] != ':' || value > 4 || (!value && !r->era->level_zero)) {
		fail(item, VLOG_ITEM_LEVEL,
		     item->level_text.length ? item->level_text : span(span_end(item->level_text), 1));
		return false;
	}
	item->level = (unsigned)value;
	r->at = digits + 1;
	return true;
}

static void read_filter(struct reader *r, struct vlog_item *item)
{
	size_t end;

	if (!read_level(r, item))
		return;
	if (r->at < r->len && r->s[r->at] == '+' && r->era->plus == VD_PLUS_TRACE) {
		item->plus = true;
		r->at++;
	}
	end = name_end(r, r->at);
	item->match = span(r->at, end - r->at);
	if (!item->match.length) {
		fail(item, VLOG_ITEM_MATCH, span(r->at - 1, 1));
		return;
	}
	item->text.length = end - item->text.offset;
	r->at = end;
}

/* The destination only has to begin with the word: what follows is the next item's problem. */
static bool read_dest(struct reader *r, struct vlog_item *item)
{
	for (int d = 0; d < VLOG_DEST_COUNT_; d++) {
		const char *name = vlog_dest_name((enum vlog_dest)d);
		size_t n = strlen(name);

		if ((d == VLOG_DEST_JOURNALD && !r->era->has_journald) || n > r->len - r->at ||
		    memcmp(name, r->s + r->at, n) != 0)
			continue;
		item->dest = (enum vlog_dest)d;
		item->match = span(r->at, n);
		r->at += n;
		return true;
	}
	return false;
}

static void read_output(struct reader *r, struct vlog_item *item)
{
	size_t end;

	if (!read_level(r, item))
		return;
	if (!read_dest(r, item)) {
		end = name_end(r, r->at);
		item->match = span(r->at, end - r->at);
		fail(item, VLOG_ITEM_DESTINATION, end > r->at ? item->match : span(r->at - 1, 1));
		return;
	}
	if (item->dest == VLOG_DEST_FILE || item->dest == VLOG_DEST_SYSLOG) {
		bool colon = r->at < r->len && r->s[r->at] == ':';

		end = colon ? name_end(r, r->at + 1) : r->at;
		if (end <= r->at + 1) {
			fail(item, VLOG_ITEM_REQUIREMENT, item->match);
			return;
		}
		item->argument = span(r->at + 1, end - r->at - 1);
		r->at = end;
	}
	item->text.length = r->at - item->text.offset;
}

static bool next_by_hand(struct reader *r, void (*read)(struct reader *, struct vlog_item *),
                         struct vd_era_item *ret_item)
{
	struct vd_era_item item = { .valid = VD_YES };
	size_t start;

	while (r->at < r->len &&
	       (is_skipped(r->s[r->at]) || (r->s[r->at] == '\\' && r->era->backslash_separates == VD_YES)))
		r->at++;
	if (r->at >= r->len)
		return false;
	start = r->at;
	if (r->s[start] == '\\' && r->era->backslash_separates == VD_UNSURE) {
		item.parsed.text = item.parsed.fault = word_at(r, start);
		leave_open(&item, "a backslash separates items in 0.6.0, in 0.9.12 it makes the next one fail; between "
		                  "them nobody looked");
		r->at = span_end(item.parsed.text);
		*ret_item = item;
		return true;
	}
	read(r, &item.parsed);
	if (item.parsed.error != VLOG_ITEM_OK) {
		item.valid = VD_NO;
		r->at = span_end(item.parsed.text);
	}
	*ret_item = item;
	return true;
}

/* --- both -----------------------------------------------------------------------------------------------------------
 */

static bool next_split(bool (*next)(const char *, size_t, size_t *, struct vlog_item *), const char *s, size_t len,
                       size_t *pos, struct vd_era_item *ret_item)
{
	struct vd_era_item item = { .valid = VD_NO };

	if (!next(s, len, pos, &item.parsed))
		return false;
	if (item.parsed.error == VLOG_ITEM_OK)
		item.valid = VD_YES;
	*ret_item = item;
	return true;
}

bool vd_era_filter_next(const struct vd_filter_era *era, const char *s, size_t len, size_t *pos,
                        struct vd_era_item *ret_item)
{
	struct reader r = { era, s, len, *pos };
	bool found;

	if (era->by_hand) {
		found = next_by_hand(&r, read_filter, ret_item);
		*pos = r.at;
		return found;
	}
	found = next_split(vlog_filter_next, s, len, pos, ret_item);
	if (found)
		judge_split_filter(era, s, ret_item);
	return found;
}

bool vd_era_output_next(const struct vd_filter_era *era, const char *s, size_t len, size_t *pos,
                        struct vd_era_item *ret_item)
{
	struct reader r = { era, s, len, *pos };
	bool found;

	if (era->by_hand) {
		found = next_by_hand(&r, read_output, ret_item);
		*pos = r.at;
		return found;
	}
	found = next_split(vlog_output_next, s, len, pos, ret_item);
	if (found)
		judge_split_output(era, ret_item);
	return found;
}

/* --- matching -------------------------------------------------------------------------------------------------------
 */

/* Character classes of brackets, in the C locale: category names are ASCII. */
static bool in_class(const char *name, size_t len, unsigned char c, bool *ret_known)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = { { "alpha", isalpha }, { "digit", isdigit }, { "alnum", isalnum }, { "upper", isupper },
		        { "lower", islower }, { "space", isspace }, { "punct", ispunct }, { "xdigit", isxdigit },
		        { "print", isprint }, { "graph", isgraph }, { "cntrl", iscntrl }, { "blank", isblank } };

	*ret_known = true;
	for (size_t i = 0; i < VD_ARRAY_SIZE(classes); i++)
		if (strlen(classes[i].name) == len && !memcmp(classes[i].name, name, len))
			return c < 0x80 && classes[i].is(c);
	*ret_known = false;
	return false;
}

struct glob {
	const char *pattern;
	size_t len;
	bool escapes; /* a backslash takes the next character's meaning */
	bool unsure;  /* something was met of which nobody knows what it does */
};

/*
 * The bracket expression at @at: does it hold @c? *@ret_next is behind it, or @at when it is not closed: then the
 * bracket is an ordinary character.
 */
static bool in_brackets(struct glob *g, size_t at, char c, size_t *ret_next)
{
	static const char kinds[] = ":.=";
	size_t i = at + 1, first;
	bool negated = i < g->len && (g->pattern[i] == '!' || g->pattern[i] == '^'), found = false;
	bool open[sizeof(kinds)] = { false }; /* of which of the kinds it is known that no end follows */

	*ret_next = at;
	i += negated;
	for (first = i; i < g->len && (g->pattern[i] != ']' || i == first); i++) {
		unsigned char low = (unsigned char)g->pattern[i], high = low;

		if (low == '[' && i + 1 < g->len && strchr(kinds, g->pattern[i + 1])) {
			bool known = false, *none = &open[strchr(kinds, g->pattern[i + 1]) - kinds];
			const char *end = *none ? NULL
			                        : memmem(g->pattern + i + 2, g->len - i - 2,
			                                 (char[]){ g->pattern[i + 1], ']' }, 2);

			*none = !end;
			if (end && g->pattern[i + 1] == ':')
				found |= in_class(g->pattern + i + 2, (size_t)(end - g->pattern) - i - 2,
				                  (unsigned char)c, &known);
			g->unsure |= !known;
			if (end)
				i = (size_t)(end - g->pattern) + 1;
			continue;
		}
		if (low == '\\' && g->escapes && i + 1 < g->len)
			low = high = (unsigned char)g->pattern[++i];
		if (i + 2 < g->len && g->pattern[i + 1] == '-' && g->pattern[i + 2] != ']') {
			i += 2;
			high = (unsigned char)g->pattern[i];
		}
		found |= (unsigned char)c >= low && (unsigned char)c <= high;
	}
	if (i >= g->len)
		return false;
	*ret_next = i + 1;
	return found != negated;
}

/* Does the element of the pattern at *@at, no star, match @c? Advances *@at behind it. */
static bool matches_one(struct glob *g, size_t *at, char c)
{
	size_t i = *at, next;
	bool found;

	*at = i + 1;
	if (g->pattern[i] == '?')
		return true;
	if (g->pattern[i] == '[') {
		found = in_brackets(g, i, c, &next);
		if (next > i) {
			*at = next;
			return found;
		}
	}
	if (g->pattern[i] == '\\' && g->escapes && i + 1 < g->len) {
		*at = i + 2;
		return g->pattern[i + 1] == c;
	}
	return g->pattern[i] == c;
}

/*
 * *PATTERN* as fnmatch() has it. Done by hand because that of the C library may take exponential time for a pattern of
 * many stars, and depends on the locale. Only the last star has to be tried again.
 */
static bool glob_matches(struct glob *g, const char *text)
{
	size_t retry = 0, i = 0;
	const char *retry_text = text;

	while (i < g->len) {
		size_t next = i;

		if (g->pattern[i] == '*') {
			retry = ++i;
			retry_text = text;
		} else if (*text && matches_one(g, &next, *text)) {
			text++;
			i = next;
		} else {
			if (!*text || !*retry_text)
				return false;
			text = ++retry_text;
			i = retry;
		}
	}
	return true;
}

/* Which flags libvirt gave fnmatch() is not known, so a backslash may escape or be an ordinary character. */
static enum vd_tri fnmatch_matches(const char *pattern, size_t len, const char *text)
{
	struct glob plain = { pattern, len, false, false }, escaping = { pattern, len, true, false };
	bool a = glob_matches(&plain, text), b = glob_matches(&escaping, text);

	/* An escape as the last character takes the star that libvirt appends. */
	if (len && pattern[len - 1] == '\\')
		return VD_UNSURE;
	return plain.unsure || escaping.unsure || a != b ? VD_UNSURE : a ? VD_YES : VD_NO;
}

static enum vd_tri tri(bool yes)
{
	return yes ? VD_YES : VD_NO;
}

enum vd_tri vd_era_matches(const struct vd_filter_era *era, const char *pattern, size_t len, const char *text)
{
	enum vd_tri a, b;

	switch (era->matching) {
	case VD_MATCH_SUBSTRING:
		return tri(memmem(text, strlen(text), pattern, len) != NULL);
	case VD_MATCH_FNMATCH:
		return fnmatch_matches(pattern, len, text);
	case VD_MATCH_EITHER:
		a = fnmatch_matches(pattern, len, text);
		b = tri(vlog_pattern_matches(pattern, len, text));
		return a == b ? a : VD_UNSURE;
	case VD_MATCH_GPATTERN:
		break;
	}
	return tri(vlog_pattern_matches(pattern, len, text));
}

enum vd_tri vd_era_matches_any_file(const struct vd_filter_era *era, const char *pattern, size_t len)
{
	if (era->file_prefix && memmem("file.", 5, pattern, len))
		return VD_YES;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)pattern[i]) && !strchr("_-./", pattern[i]))
			return VD_NO;
	return VD_UNSURE;
}

/* --- names of source files ------------------------------------------------------------------------------------------
 */

/* Was the category @name called after "DIR/BASE.c", as @path[@len] is below src/? */
static bool is_named_after(const char *name, const char *path, size_t len)
{
	const char *dot = strchr(name, '.'), *slash = memchr(path, '/', len);
	const char *tail = dot ? dot + 1 : name, *base = slash ? slash + 1 : path;
	size_t base_len = (size_t)(path + len - base);

	if (base_len < 3 || memcmp(base + base_len - 2, ".c", 2) != 0 || !dot != !slash)
		return false;
	if (dot && ((size_t)(dot - name) != (size_t)(slash - path) || memcmp(name, path, (size_t)(dot - name)) != 0))
		return false;
	base_len -= 2;
	if (strlen(tail) == base_len && !memcmp(tail, base, base_len))
		return true;
	return base_len > 3 && !memcmp(base, "vir", 3) && strlen(tail) == base_len - 3 &&
	       !memcmp(tail, base + 3, base_len - 3);
}

/* The file of @files that @name was called after, without "src/"; NULL when there is none. */
static const char *find_file(const char *name, const char *files, size_t *ret_len)
{
	while (*files) {
		size_t len = strcspn(files, ",");

		if (len > 4 && !memcmp(files, "src/", 4) && is_named_after(name, files + 4, len - 4)) {
			*ret_len = len - 4;
			return files + 4;
		}
		files += len + (files[len] == ',');
	}
	return NULL;
}

static void add_text(char texts[VD_ERA_MAX_TEXTS][VD_ERA_TEXT_MAX], size_t *n, const char *prefix, const char *dir,
                     size_t dir_len, const char *base, size_t base_len)
{
	char *text = texts[*n];
	int r = snprintf(text, VD_ERA_TEXT_MAX, "%s%.*s%.*s", prefix, (int)dir_len, dir, (int)base_len, base);

	for (size_t i = 0; i < *n; i++)
		if (!strcmp(texts[i], text))
			return;
	*n += r > 0 && r < VD_ERA_TEXT_MAX;
}

size_t vd_era_texts(const struct vd_filter_era *era, const char *name, const char *files,
                    char ret_texts[VD_ERA_MAX_TEXTS][VD_ERA_TEXT_MAX])
{
	const char *prefix = era->file_prefix ? "file." : "", *base, *slash, *path;
	size_t len = 0, dir_len, base_len, n = 0;
	bool may_lack_vir;

	path = find_file(name, files, &len);
	if (!path)
		return 0;
	slash = memchr(path, '/', len);
	dir_len = slash ? (size_t)(slash - path) + 1 : 0;
	base = path + dir_len;
	base_len = len - dir_len;
	may_lack_vir = era->version < VD_VERSION(1, 0, 2) && base_len > 5 && !memcmp(base, "vir", 3);
	for (int vir = 0; vir <= may_lack_vir; vir++) {
		add_text(ret_texts, &n, prefix, path, dir_len, base + 3 * vir, base_len - (size_t)(3 * vir));
		if (era->file_prefix)
			add_text(ret_texts, &n, prefix, path, 0, base + 3 * vir, base_len - (size_t)(3 * vir));
	}
	VLOG_DEBUG("%s: %zu possible file names", name, n);
	return n;
}
