/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "host.h"
#include "vlog.h"
#include "near.h"

VLOG_CATEGORY("virtdiag.filter");

const char *vd_log_kind_name(enum vd_log_kind kind)
{
	return kind == VD_LOG_FILTERS ? "filters" : "outputs";
}

const char *vd_filters_span(const struct vd_filters *filters, const struct vlog_span *span)
{
	return filters->text + span->offset;
}

size_t vd_filters_column(const struct vd_filters *filters, const struct vlog_span *span)
{
	size_t column = 1;

	for (size_t at = 0; at < span->offset && at < filters->len; column++) {
		size_t n = vd_utf8_next(filters->text + at, filters->len - at, NULL);

		at += n ? n : 1;
	}
	return column;
}

/* --- what is wrong, in libvirt's words and in ours ---------------------------------------------------------------- */

/* A span for "%.*s". */
#define SPAN(text, span) (int)(span).length, (text) + (span).offset

/* Before 1.3.3 a warning was all; the words of 1.3.3 to 2.4.0 are not known, so these are ours. */
static int old_error_sentence(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	const char *what = f->kind == VD_LOG_OUTPUTS ? "output" : "filter";

	return f->era.by_hand ? vd_buf_addf(buf, "Ignoring invalid log %s setting.", what)
	                      : vd_buf_addf(buf, "'%.*s' is not a valid log %s", SPAN(f->text, i->text), what);
}

/*
 * The sentences of libvirt 9.0.0 and 11.3.0, src/util/virlog.c; the daemon puts "invalid argument: " in front. Those
 * of 2.4.0 to 7.0.0 lack the word "log", and until 4.x a bad level of a filter was blamed on an output.
 */
static int error_sentence(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	bool outputs = f->kind == VD_LOG_OUTPUTS, log = f->era.version > VD_VERSION(7, 0, 0);
	const char *output = log ? "log output" : "output";
	const char *what = outputs ? output : "filter";

	if (f->era.item_by_item)
		return old_error_sentence(f, i, buf);
	switch (i->error) {
	case VLOG_ITEM_MALFORMED:
		return vd_buf_addf(buf, "Malformed format for %s '%.*s'", what, SPAN(f->text, i->text));
	case VLOG_ITEM_LEVEL:
		return vd_buf_addf(buf, "Invalid %spriority '%.*s' for %s '%.*s'", outputs && log ? "log " : "",
		                   SPAN(f->text, i->level_text), f->era.version < VD_VERSION(5, 0, 0) ? output : what,
		                   SPAN(f->text, i->text));
	case VLOG_ITEM_MATCH:
		return vd_buf_addf(buf, "Invalid match string '%s'", i->plus ? "+" : "");
	case VLOG_ITEM_DESTINATION:
		return vd_buf_addf(buf, "Invalid %sdestination '%.*s' for %s '%.*s'", log ? "log " : "",
		                   SPAN(f->text, i->match), output, SPAN(f->text, i->text));
	case VLOG_ITEM_REQUIREMENT:
		return vd_buf_addf(buf, "%s '%.*s' does not meet the format requirements for destination type '%s'",
		                   log ? "Log output" : "Output", SPAN(f->text, i->text), vlog_dest_name(i->dest));
	case VLOG_ITEM_OK:
		break;
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* No colon at all; or, where exactly two pieces are wanted, too many. */
static int hint_malformed(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	const char *s = f->text + i->text.offset;
	size_t len = i->text.length, digits = 0;
	bool outputs = f->kind == VD_LOG_OUTPUTS;

	if (memchr(s, ':', len))
		return vd_buf_adds(buf, "a pattern cannot hold a colon: libvirt 1.3.3 to 7.0.0 refuse a second one");
	while (digits < len && is_digit(s[digits]))
		digits++;
	if (digits == len)
		return vd_buf_adds(buf, outputs ? "a space ends the item: write LEVEL:DESTINATION without spaces"
		                                : "a space ends the item: write LEVEL:PATTERN without spaces");
	if (*s == '#')
		return vd_buf_adds(buf, "comments are not possible inside the string");
	if (outputs && *s == '/')
		return vd_buf_adds(buf,
		                   "if it belongs to a path: a path cannot hold a space, nothing quotes or escapes it");
	if (digits) {
		size_t skip = strchr("=-_.;,/", s[digits]) ? digits + 1 : digits;

		return vd_buf_addf(buf, "the colon is missing; did you mean %.*s:%.*s?", (int)digits, s,
		                   (int)(len - skip), s + skip);
	}
	return outputs ? vd_buf_adds(buf, "an item is LEVEL:DESTINATION, for example 1:stderr")
	               : vd_buf_adds(buf, "an item is LEVEL:PATTERN, for example 1:qemu");
}

/* A level given as a word. 0: none. LIBVIRT_DEBUG takes such words, these strings do not. */
static unsigned level_of_word(const char *s, size_t len)
{
	static const struct {
		const char *word;
		unsigned level;
	} words[] = { { "debug", 1 },   { "info", 2 },  { "notice", 2 }, { "warn", 3 },
		      { "warning", 3 }, { "error", 4 }, { "err", 4 } };

	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && !strncasecmp(words[i].word, s, len))
			return words[i].level;
	return 0;
}

/* A level that later versions accept: blanks and a plus before the digits. */
static bool level_of_digits(const char *s, size_t len)
{
	while (len && strchr(" \t\n\v\f\r+", *s)) {
		s++;
		len--;
	}
	return len == 1 && *s >= '1' && *s <= '4';
}

static int hint_level(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	const char *s = f->text + i->level_text.offset, *end = f->text + i->text.offset + i->text.length;
	size_t len = i->level_text.length, rest = (size_t)(end - s) - len;
	const char *after = rest ? s + len + 1 : end;
	unsigned level = level_of_word(s, len);

	if (len && is_quote(*s))
		return vd_buf_adds(buf, "quotes are part of the string here: leave them out");
	if (memmem(s, len, "log_", 4) || memmem(s, len, "LIBVIRT_", 8))
		return vd_buf_adds(buf, "give the value alone, without the name of the setting and without quotes");
	if (level)
		return vd_buf_addf(buf, "levels are numbers: %.*s is %u", (int)len, s, level);
	if (end - after == 1 && *after >= '1' && *after <= '4')
		return vd_buf_addf(buf, "the level comes first: %c:%.*s", *after, (int)len, s);
	if (f->era.by_hand && level_of_digits(s, len))
		return vd_buf_adds(buf, "before libvirt 1.3.3 a level is digits only, without sign or blank");
	return vd_buf_adds(buf, "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)");
}

static int hint_match(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	if (i->plus)
		return vd_buf_adds(buf, "a pattern must follow the \"+\"");
	if (i->text.length == i->level_text.length + 1 && i->text.offset + i->text.length < f->len)
		return vd_buf_adds(buf, "nothing follows the colon: a space ends the item");
	if (f->era.matching == VD_MATCH_SUBSTRING)
		return vd_buf_adds(buf, "there is no pattern between level and end; for everything use log_level");
	return vd_buf_adds(buf, "there is no pattern between level and end; 1:* means everything");
}

static int hint_destination(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	const char *s = f->text + i->match.offset;
	size_t len = i->match.length;
	const char *nearest = NULL;
	unsigned best = 3;

	if (len && *s == '/')
		return vd_buf_addf(buf, "for a file write %.*s:file:%.*s", SPAN(f->text, i->level_text), (int)len, s);
	if (len == 6 && !strncasecmp(s, "stdout", len))
		return vd_buf_adds(buf, "there is no stdout; use stderr");
	if (len >= 8 && !memcmp(s, "journald", 8) && !f->era.has_journald)
		return vd_buf_adds(buf, "the journal came with libvirt 1.0.0; use syslog:NAME");
	for (int d = 0; d < VLOG_DEST_COUNT_; d++) {
		const char *name = vlog_dest_name((enum vlog_dest)d);
		unsigned distance = strlen(name) == len && !strncasecmp(name, s, len)
		                            ? 0
		                            : vd_edit_distance(s, len, name, strlen(name), 2);

		if (distance < best) {
			best = distance;
			nearest = name;
		}
	}
	if (len && nearest)
		return vd_buf_addf(buf, "did you mean %s?", nearest);
	return vd_buf_addf(buf, "a destination is stderr, %ssyslog:NAME or file:PATH",
	                   f->era.has_journald ? "journald, " : "");
}

static int hint_requirement(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	const char *s = f->text + i->text.offset;
	size_t colons = 0;

	for (size_t n = 0; n < i->text.length && !f->era.by_hand; n++)
		colons += s[n] == ':';
	if (i->dest == VLOG_DEST_STDERR || i->dest == VLOG_DEST_JOURNALD)
		return vd_buf_addf(buf, "%s takes nothing behind it", vlog_dest_name(i->dest));
	if (colons < 2)
		return i->dest == VLOG_DEST_FILE ? vd_buf_adds(buf, "a path is missing: file:/var/log/libvirt/NAME.log")
		                                 : vd_buf_adds(buf, "a name is missing: syslog:libvirtd");
	return i->dest == VLOG_DEST_FILE
	               ? vd_buf_adds(buf, "a path cannot hold a colon: nothing quotes or escapes it")
	               : vd_buf_adds(buf, "a syslog name cannot hold a colon: nothing quotes or escapes it");
}

static int add_hint(const struct vd_filters *f, const struct vlog_item *i, struct vd_buf *buf)
{
	switch (i->error) {
	case VLOG_ITEM_MALFORMED:
		return hint_malformed(f, i, buf);
	case VLOG_ITEM_LEVEL:
		return hint_level(f, i, buf);
	case VLOG_ITEM_MATCH:
		return hint_match(f, i, buf);
	case VLOG_ITEM_DESTINATION:
		return hint_destination(f, i, buf);
	case VLOG_ITEM_REQUIREMENT:
		return hint_requirement(f, i, buf);
	case VLOG_ITEM_OK:
		break;
	}
	return 0;
}

/* --- output paths ------------------------------------------------------------------------------------------------- */

/*
 * Resolve "//", "/./", "/../" and a final "/" textually, as libvirt does before it opens the file. A relative path
 * stays relative: what its leading ".." lead to depends on the daemon's working directory. "" means that directory.
 */
static int normalise_path(const char *s, size_t len, struct vd_buf *buf)
{
	bool absolute = len && *s == '/';
	size_t floor = 0;

	if (absolute && vd_buf_addc(buf, '/') < 0)
		return -ENOMEM;
	for (size_t at = 0; at < len;) {
		const char *slash = memchr(s + at, '/', len - at);
		size_t n = slash ? (size_t)(slash - s) - at : len - at;
		bool up = n == 2 && s[at] == '.' && s[at + 1] == '.';

		if (up && buf->len > floor + absolute) {
			while (buf->len > floor && buf->data[buf->len - 1] != '/')
				buf->len--;
			if (buf->len > floor + absolute)
				buf->len--;
			buf->data[buf->len] = '\0';
		} else if (n && !(n == 1 && s[at] == '.') && !(up && absolute)) {
			if (buf->len > absolute && vd_buf_addc(buf, '/') < 0)
				return -ENOMEM;
			if (vd_buf_add(buf, s + at, n) < 0)
				return -ENOMEM;
			if (up)
				floor = buf->len;
		}
		at += n + 1;
	}
	return 0;
}

/* True when the normalised path can only name a directory. */
static bool is_directory_path(const char *path)
{
	size_t len = strlen(path);

	return !len || !strcmp(path, "/") || !strcmp(path, "..") || (len > 2 && !strcmp(path + len - 3, "/.."));
}

/* The path of a file output whose grammar is fine. */
static int judge_path(const struct vd_filters *f, struct vd_filter_item *item)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_BUF error = VD_BUF_INIT;
	const struct vlog_span *argument = &item->parsed.argument;

	if (vd_buf_reserve(&path, argument->length) < 0 ||
	    normalise_path(f->text + argument->offset, argument->length, &path) < 0)
		return -ENOMEM;
	item->path = strdup(vd_buf_str(&path));
	if (!item->path)
		return -ENOMEM;
	/* Before 2.4.0 a file that cannot be opened did not make the string invalid. */
	if (!is_directory_path(item->path) || f->era.item_by_item)
		return 0;
	item->valid = false;
	item->parsed.fault = argument->length ? *argument : item->parsed.text;
	if (vd_buf_addf(&error, "failed to open %s: Is a directory",
	                *item->path ? item->path : "the working directory of the daemon") < 0)
		return -ENOMEM;
	item->error = vd_buf_steal(&error);
	item->hint = strdup("a path is missing: file:/var/log/libvirt/NAME.log");
	return item->error && item->hint ? 0 : -ENOMEM;
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

static int judge_item(const struct vd_filters *f, struct vd_filter_item *item)
{
	VD_AUTO_BUF error = VD_BUF_INIT;
	VD_AUTO_BUF hint = VD_BUF_INIT;

	if (item->open)
		return 0;
	item->valid = item->parsed.error == VLOG_ITEM_OK;
	if (item->valid)
		return f->kind == VD_LOG_OUTPUTS && item->parsed.dest == VLOG_DEST_FILE ? judge_path(f, item) : 0;
	if (error_sentence(f, &item->parsed, &error) < 0 || add_hint(f, &item->parsed, &hint) < 0)
		return -ENOMEM;
	item->error = vd_buf_steal(&error);
	item->hint = hint.len ? vd_buf_steal(&hint) : NULL;
	return item->error ? 0 : -ENOMEM;
}

/* What takes effect: all or nothing, or what stands before the first bad item. */
static void set_applied(struct vd_filters *f)
{
	enum vd_tri state = f->era.item_by_item || (!f->invalid && !f->open) ? VD_YES : f->invalid ? VD_NO : VD_UNSURE;

	for (size_t i = 0; i < f->count; i++) {
		struct vd_filter_item *item = &f->items[i];

		if (f->era.item_by_item && !item->valid)
			state = item->open && state != VD_NO ? VD_UNSURE : VD_NO;
		item->applied = state;
	}
}

static int parse_items(struct vd_filters *f)
{
	size_t pos = 0, cap = 0;
	struct vd_era_item next;

	while (f->kind == VD_LOG_FILTERS ? vd_era_filter_next(&f->era, f->text, f->len, &pos, &next)
	                                 : vd_era_output_next(&f->era, f->text, f->len, &pos, &next)) {
		struct vd_filter_item *item;

		if (f->count == cap) {
			size_t want = cap ? cap * 2 : 8;
			void *grown = reallocarray(f->items, want, sizeof(*f->items));

			if (!grown)
				return -ENOMEM;
			f->items = grown;
			cap = want;
		}
		item = &f->items[f->count++];
		*item = (struct vd_filter_item){ .parsed = next.parsed, .open = next.open };
		if (judge_item(f, item) < 0)
			return -ENOMEM;
		f->invalid += !item->valid && !item->open;
		f->open += item->open != NULL;
	}
	set_applied(f);
	return 0;
}

int vd_filters_parse_as(enum vd_log_kind kind, unsigned version, const char *text, struct vd_filters *ret_filters,
                        struct vd_err *err)
{
	struct vd_filters f = VD_FILTERS_INIT;

	f.kind = kind;
	f.era = vd_filter_era(version);
	f.len = strlen(text);
	f.text = strdup(text);
	if (!f.text || parse_items(&f) < 0) {
		vd_filters_release(&f);
		return vd_err_set(err, ENOMEM, "cannot take the %s string apart: no memory", vd_log_kind_name(kind));
	}
	VLOG_DEBUG("%s string of %zu bytes: %zu items, %zu invalid, %zu open", vd_log_kind_name(kind), f.len, f.count,
	           f.invalid, f.open);
	*ret_filters = f;
	return 0;
}

int vd_filters_parse(enum vd_log_kind kind, const char *text, struct vd_filters *ret_filters, struct vd_err *err)
{
	return vd_filters_parse_as(kind, 0, text, ret_filters, err);
}

void vd_filters_release(struct vd_filters *filters)
{
	for (size_t i = 0; i < filters->count; i++) {
		free(filters->items[i].error);
		free(filters->items[i].hint);
		free(filters->items[i].path);
	}
	free(filters->items);
	free(filters->text);
	*filters = (struct vd_filters)VD_FILTERS_INIT;
}

/* --- meaning ------------------------------------------------------------------------------------------------------ */

/* Does the pattern match one of the @n possible texts, or all of them? None: the text is unknown. */
static enum vd_tri matches_texts(const struct vd_filters *f, const struct vlog_span *match, const char *const *texts,
                                 size_t n)
{
	const char *pattern = vd_filters_span(f, match);
	enum vd_tri first = n ? vd_era_matches(&f->era, pattern, match->length, texts[0])
	                      : vd_era_matches_any_file(&f->era, pattern, match->length);

	for (size_t i = 1; i < n; i++)
		if (vd_era_matches(&f->era, pattern, match->length, texts[i]) != first)
			return VD_UNSURE;
	return first;
}

static bool same_match(const struct vd_filters *f, size_t a, size_t b)
{
	const struct vlog_span *x = &f->items[a].parsed.match, *y = &f->items[b].parsed.match;

	return x->length == y->length && !memcmp(vd_filters_span(f, x), vd_filters_span(f, y), x->length);
}

/* The item whose level counts where @index matches: itself, or a later one that was merged into it. */
static size_t decider(const struct vd_filters *f, size_t index)
{
	for (size_t i = f->count; f->era.merges && i > index + 1; i--)
		if (f->items[i - 1].valid && f->items[i - 1].applied == VD_YES && same_match(f, index, i - 1))
			return i - 1;
	return index;
}

static unsigned level_of(const struct vd_filters *f, const char *const *texts, size_t n, unsigned default_level,
                         long *ret_item)
{
	long item = -1;
	unsigned level = default_level;

	for (size_t i = 0; i < f->count && item < 0; i++) {
		const struct vd_filter_item *it = &f->items[i];
		enum vd_tri found;

		/* A string that is refused as a whole is looked at as if its bad items were not there. */
		if ((!it->valid && !it->open) || (f->era.item_by_item && it->applied == VD_NO))
			continue;
		found = it->parsed.match.length ? matches_texts(f, &it->parsed.match, texts, n) : VD_UNSURE;
		if (found == VD_NO)
			continue;
		item = (long)(found == VD_YES ? decider(f, i) : i);
		level = found == VD_YES && !it->open && it->applied != VD_UNSURE ? f->items[item].parsed.level : 0;
	}
	if (ret_item)
		*ret_item = item;
	return level;
}

unsigned vd_filters_level(const struct vd_filters *filters, const char *category, unsigned default_level,
                          long *ret_item)
{
	return level_of(filters, &category, 1, default_level, ret_item);
}

unsigned vd_filters_level_in(const struct vd_filters *filters, const struct vd_category *category,
                             unsigned default_level, long *ret_item)
{
	return level_of(filters, category->texts, category->n_texts, default_level, ret_item);
}

enum vd_tri vd_filters_item_matches(const struct vd_filters *filters, size_t index, const struct vd_category *category)
{
	return matches_texts(filters, &filters->items[index].parsed.match, category->texts, category->n_texts);
}

/* Do two valid outputs write to the same place? Files by path, syslog by ident. */
static bool same_output(const struct vd_filters *f, const struct vd_filter_item *a, const struct vd_filter_item *b)
{
	const struct vlog_span *x = &a->parsed.argument, *y = &b->parsed.argument;

	if (a->parsed.dest != b->parsed.dest)
		return false;
	if (a->parsed.dest == VLOG_DEST_FILE)
		return !strcmp(a->path, b->path);
	return x->length == y->length && !memcmp(vd_filters_span(f, x), vd_filters_span(f, y), x->length);
}

bool vd_outputs_same(const struct vd_filters *outputs, size_t a, size_t b)
{
	return same_output(outputs, &outputs->items[a], &outputs->items[b]);
}

bool vd_outputs_kept(const struct vd_filters *outputs, size_t index)
{
	if (!outputs->items[index].valid)
		return false;
	if (outputs->era.keeps_duplicates)
		return outputs->items[index].applied == VD_YES;
	for (size_t i = index + 1; i < outputs->count; i++)
		if (outputs->items[i].valid && same_output(outputs, &outputs->items[index], &outputs->items[i]))
			return false;
	return true;
}

unsigned vd_outputs_lowest(const struct vd_filters *outputs)
{
	unsigned lowest = 5;

	for (size_t i = 0; i < outputs->count; i++)
		if (vd_outputs_kept(outputs, i) && outputs->items[i].parsed.level < lowest)
			lowest = outputs->items[i].parsed.level;
	return lowest;
}
