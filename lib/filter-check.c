/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.filter-check");

/* How many names a message lists. */
#define MAX_NAMES 3
/* Looking for a similar name costs milliseconds: a string with more strange items than this is no set of slips. */
#define MAX_LOOKS 20

void vd_filter_warnings_release(struct vd_filter_warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		free(warnings->items[i].message);
	free(warnings->items);
	*warnings = (struct vd_filter_warnings)VD_FILTER_WARNINGS_INIT;
}

int vd_filter_warn(struct vd_filter_warnings *w, const char *id, long item, const char *fmt, ...)
{
	struct vd_filter_warning warning = { id, item, NULL };
	va_list ap;
	int n;

	if (w->count == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 8;
		void *grown = reallocarray(w->items, cap, sizeof(*w->items));

		if (!grown)
			return -ENOMEM;
		w->items = grown;
		w->cap = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&warning.message, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	VLOG_DEBUG("item %ld: %s", item, id);
	w->items[w->count++] = warning;
	return 0;
}

/* --- filters --------------------------------------------------------------------------------------------------------
 */

/* All that the checks of one item need. */
struct check {
	const struct vd_filters *filters;
	const struct vd_catalogue *catalogue;
	const struct vd_filters *outputs;
	unsigned default_level;
	struct vd_filter_warnings *warnings;
	unsigned looks;  /* how often a similar name was looked for */
	unsigned lowest; /* the lowest level that an output lets through; 0: not worked out */
	/* For each category, worked out once: */
	struct decided {
		long first; /* which item decides on it; -1 none */
		bool sure;  /* its level is known */
	} * decided;
};

/* One item of the string, with its parts as borrowed bytes. */
struct item {
	const struct vlog_item *parsed;
	long index;
	const char *text, *match;
	int text_len, match_len;
};

/* "a, b or c" */
static int join_names(const struct vd_strv *names, const char *last, struct vd_buf *buf)
{
	for (size_t i = 0; i < names->len; i++) {
		const char *before = !i ? "" : i + 1 == names->len ? last : ", ";

		if (vd_buf_addf(buf, "%s%s", before, names->items[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* What people take for a separator but this version does not: before 1.3.3 white space did separate. */
static bool is_separator(const struct vd_filter_era *era, char c)
{
	return c && strchr(era->by_hand ? ",;" : "\t,\n;\r", c);
}

/*
 * What to write instead of the separators: "1:qemu 2:util" for "1:qemu,2:util". A piece without a level gets that of
 * the item: "1:qemu 1:util" for "1:qemu,util".
 */
static int with_spaces(const struct vd_filter_era *era, const struct item *item, struct vd_buf *buf)
{
	const char *s = item->text, *end = s + item->text_len;

	while (s < end) {
		size_t len = 0;

		while (s + len < end && !is_separator(era, s[len]))
			len++;
		if (len) {
			bool after_colon = buf->len && buf->data[buf->len - 1] == ':';

			if (buf->len && !after_colon && vd_buf_addc(buf, ' ') < 0)
				return -ENOMEM;
			if (buf->len && !after_colon && !memchr(s, ':', len) &&
			    vd_buf_addf(buf, "%u:", item->parsed->level) < 0)
				return -ENOMEM;
			if (vd_buf_add(buf, s, len) < 0)
				return -ENOMEM;
		}
		s += len + 1;
	}
	return 0;
}

static const char *separator_name(char c)
{
	switch (c) {
	case '\t':
		return "a tab";
	case '\n':
		return "a newline";
	case '\r':
		return "a carriage return";
	case ',':
		return "a comma";
	default:
		return "a semicolon";
	}
}

/* The first byte of the item that people take for a separator; NULL when there is none. */
static const char *find_separator(const struct vd_filter_era *era, const struct item *item)
{
	for (int i = 0; i < item->text_len; i++)
		if (is_separator(era, item->text[i]))
			return item->text + i;
	return NULL;
}

static int check_separator(struct check *c, const struct item *item, const char *separator)
{
	VD_AUTO_BUF better = VD_BUF_INIT;

	if (with_spaces(&c->filters->era, item, &better) < 0)
		return -ENOMEM;
	return vd_filter_warn(
	        c->warnings, "separator", item->index,
	        "%s does not separate filters, only %s: this is one filter, for the pattern '%.*s'; did you "
	        "mean "
	        "'%s'?",
	        separator_name(*separator), c->filters->era.by_hand ? "white space does" : "spaces do", item->match_len,
	        item->match, vd_buf_str(&better));
}

static bool has_upper(const struct item *item)
{
	for (int i = 0; i < item->match_len; i++)
		if (item->match[i] >= 'A' && item->match[i] <= 'Z')
			return true;
	return false;
}

/* What patterns are compared with. */
static const char *what(const struct check *c)
{
	return c->filters->era.file_names ? "known source file" : "category";
}

/* Does the pattern match something when letters are taken in lower case? */
static int check_case(struct check *c, const struct item *item, bool *ret_found)
{
	VD_AUTO_BUF lower = VD_BUF_INIT;

	*ret_found = false;
	if (!has_upper(item))
		return 0;
	for (int i = 0; i < item->match_len; i++) {
		char ch = item->match[i];

		if (vd_buf_addc(&lower, ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch) < 0)
			return -ENOMEM;
	}
	*ret_found = vd_catalogue_matches(c->catalogue, lower.data, lower.len);
	return *ret_found ? vd_filter_warn(c->warnings, "case", item->index,
	                                   "'%.*s' matches no %s: matching is case-sensitive; did you mean '%s'?",
	                                   item->match_len, item->match, what(c), lower.data)
	                  : 0;
}

/*
 * Before 1.2.3 there were no categories: nobody has a list of the file names that a version has, so what is not among
 * those that became categories later may still match.
 */
static int check_no_file(struct check *c, const struct item *item)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_BUF list = VD_BUF_INIT;

	for (size_t i = 0; i < c->catalogue->count && names.len < MAX_NAMES; i++) {
		const struct vd_category *category = &c->catalogue->items[i];

		if (category->n_texts &&
		    memmem(category->name, strlen(category->name), item->match, (size_t)item->match_len) &&
		    vd_strv_add(&names, category->texts[0]) < 0)
			return -ENOMEM;
	}
	if (join_names(&names, " or ", &list) < 0)
		return -ENOMEM;
	return vd_filter_warn(
	        c->warnings, "no-match", item->index,
	        "'%.*s' matches no source file that is known for this version, of which there is no full list: "
	        "before libvirt 1.2.3 patterns are compared with file names such as %s%s%s",
	        item->match_len, item->match,
	        names.len                     ? vd_buf_str(&list)
	        : c->filters->era.file_prefix ? "file.qemu_driver.c"
	                                      : "qemu/qemu_monitor.c",
	        memchr(item->match, ':', (size_t)item->match_len) ? "; a colon is part of the pattern" : "", "");
}

static int check_nearest(struct check *c, const struct item *item)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_BUF list = VD_BUF_INIT;
	bool colon = memchr(item->match, ':', (size_t)item->match_len) != NULL;
	const char *since = NULL;

	if (c->filters->era.file_names)
		return check_no_file(c, item);
	/* Names that came and went between two examined versions are known to nobody. */
	if (c->catalogue->version < VD_VERSION(7, 0, 0) && c->catalogue->fit == VD_FIT_BETWEEN)
		since = " known for this version";
	if ((c->looks++ < MAX_LOOKS &&
	     vd_catalogue_nearest(c->catalogue, item->match, (size_t)item->match_len, MAX_NAMES, &names) < 0) ||
	    join_names(&names, " or ", &list) < 0)
		return -ENOMEM;
	return vd_filter_warn(c->warnings, "no-match", item->index, "'%.*s' matches no category%s%s%s%s%s",
	                      item->match_len, item->match, since ? since : "",
	                      colon ? ": a colon is part of the pattern before 1.3.3" : "",
	                      names.len ? "; did you mean " : "", vd_buf_str(&list), names.len ? "?" : "");
}

static bool has_any(const struct item *item, const char *chars)
{
	for (int i = 0; i < item->match_len; i++)
		if (strchr(chars, item->match[i]))
			return true;
	return false;
}

/* The pattern without the stars and question marks around it. */
static void strip_stars(const struct item *item, const char **ret_s, int *ret_len)
{
	const char *s = item->match;
	int len = item->match_len;

	while (len && strchr("*?", *s)) {
		s++;
		len--;
	}
	while (len && strchr("*?", s[len - 1]))
		len--;
	*ret_s = s;
	*ret_len = len;
}

/* Before 4.4.0 nothing is a wildcard, and no name holds a star. */
static int check_star(struct check *c, const struct item *item)
{
	const char *rest;
	int len;

	strip_stars(item, &rest, &len);
	if (!len)
		return vd_filter_warn(
		        c->warnings, "star-literal", item->index,
		        "'%.*s' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters; log_level "
		        "sets the level of everything",
		        item->match_len, item->match);
	if (memchr(rest, '*', (size_t)len) || memchr(rest, '?', (size_t)len))
		return vd_filter_warn(c->warnings, "star-literal", item->index,
		                      "'%.*s' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters",
		                      item->match_len, item->match);
	return vd_filter_warn(
	        c->warnings, "star-literal", item->index,
	        "'%.*s' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters; any part of a name "
	        "matches, so write '%.*s'",
	        item->match_len, item->match, len, rest);
}

static int check_brackets(struct check *c, const struct item *item)
{
	return vd_filter_warn(
	        c->warnings, "brackets-literal", item->index,
	        "'%.*s' matches no %s: brackets are ordinary characters%s", item->match_len, item->match, what(c),
	        c->filters->era.matching == VD_MATCH_SUBSTRING ? ", nothing is a wildcard before libvirt 4.4.0"
	                                                       : ", only * and ? are wildcards");
}

/* The pattern surely matches no category of this version: say the most likely reason, once. */
static int check_no_match(struct check *c, const struct item *item)
{
	const struct vd_filter_era *era = &c->filters->era;
	const char *separator = find_separator(era, item);
	bool found;

	if (separator)
		return check_separator(c, item, separator);
	if (era->matching == VD_MATCH_SUBSTRING && has_any(item, "*?"))
		return check_star(c, item);
	if ((era->matching == VD_MATCH_SUBSTRING || era->matching == VD_MATCH_GPATTERN) && has_any(item, "[") &&
	    has_any(item, "]"))
		return check_brackets(c, item);
	if (*item->match == '+' && era->plus == VD_PLUS_LITERAL)
		return 0;
	if (check_case(c, item, &found) < 0)
		return -ENOMEM;
	return found ? 0 : check_nearest(c, item);
}

/* Nobody knows what the pattern matches, because the way of matching changed somewhere around this version. */
static int check_unsure(struct check *c, const struct item *item)
{
	const struct vd_filter_era *era = &c->filters->era;

	if (era->matching == VD_MATCH_EITHER && has_any(item, "["))
		return vd_filter_warn(
		        c->warnings, "brackets-literal", item->index,
		        "cannot tell what '%.*s' matches: brackets are wildcards until libvirt 4.6, ordinary "
		        "characters in 7.0.0, and nobody looked in which version between them that changed",
		        item->match_len, item->match);
	return 0;
}

/* Which valid item before @index decides on category number @category; -1 none. */
static long earlier_match(const struct check *c, long index, size_t category)
{
	long first = c->decided[category].first;

	return first >= 0 && first < index ? first : -1;
}

/* Before 2.4.0 a later item with the same pattern takes this one's place. */
static long merged_into(const struct check *c, const struct item *item)
{
	const struct vd_filters *f = c->filters;

	for (size_t i = f->count; f->era.merges && i > (size_t)item->index + 1; i--) {
		const struct vlog_span *other = &f->items[i - 1].parsed.match;

		if (f->items[i - 1].applied == VD_YES && (int)other->length == item->match_len &&
		    !memcmp(vd_filters_span(f, other), item->match, other->length))
			return (long)i - 1;
	}
	return -1;
}

static int check_merged(struct check *c, const struct item *item, long later)
{
	const struct vlog_span *text = &c->filters->items[later].parsed.text;

	return vd_filter_warn(
	        c->warnings, "shadowed", item->index,
	        "'%.*s' never counts: before libvirt 2.4.0 '%.*s', which has the same pattern, takes its place",
	        item->text_len, item->text, (int)text->length, vd_filters_span(c->filters, text));
}

/* "'1:qemu' and '1:util'" for the items that @won marks. */
static int join_items(const struct vd_filters *f, const bool *won, long count, struct vd_buf *buf)
{
	for (long i = 0; i < count; i++) {
		const struct vlog_span *text = &f->items[i].parsed.text;

		if (won[i] && vd_buf_addf(buf, "%s'%.*s'", buf->len ? " and " : "", (int)text->length,
		                          vd_filters_span(f, text)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Does all that the item matches hold the pattern of one of the items that @won marks? */
static bool same_pattern_part(const struct check *c, const struct item *item, const bool *won)
{
	for (long i = 0; i < item->index; i++) {
		const struct vlog_span *earlier = &c->filters->items[i].parsed.match;

		if (won[i] &&
		    memmem(item->match, (size_t)item->match_len, vd_filters_span(c->filters, earlier), earlier->length))
			return true;
	}
	return false;
}

/* Do earlier items always win? *@ret_matched tells whether the item matches anything at all. */
static int check_shadowed(struct check *c, const struct item *item, enum vd_tri *ret_matched)
{
	VD_AUTO_FREE bool *won = calloc((size_t)item->index + 1, sizeof(*won));
	VD_AUTO_BUF list = VD_BUF_INIT;
	bool same_level = true, sure = true;

	*ret_matched = VD_NO;
	if (!won)
		return -ENOMEM;
	for (size_t i = 0; i < c->catalogue->count; i++) {
		const struct vd_category *category = &c->catalogue->items[i];
		enum vd_tri found = vd_filters_item_matches(c->filters, (size_t)item->index, category);
		long first;

		if (found == VD_NO || !category->n_texts)
			continue;
		if (*ret_matched != VD_YES)
			*ret_matched = found;
		first = earlier_match(c, item->index, i);
		sure = sure && first >= 0 && found == VD_YES && c->decided[i].sure;
		if (!sure)
			continue;
		won[first] = true;
		same_level = same_level && c->filters->items[first].parsed.level == item->parsed->level;
	}
	/* Files that nobody knows of may be left to the item. */
	if (*ret_matched == VD_NO || !sure || (c->filters->era.file_names && !same_pattern_part(c, item, won)))
		return 0;
	if (join_items(c->filters, won, item->index, &list) < 0)
		return -ENOMEM;
	return same_level ? vd_filter_warn(c->warnings, "shadowed", item->index,
	                                   "'%.*s' changes nothing: all that it matches has that level already by %s",
	                                   item->text_len, item->text, vd_buf_str(&list))
	                  : vd_filter_warn(
	                            c->warnings, "shadowed", item->index,
	                            "'%.*s' never counts: all that it matches is decided before it by %s; put it first",
	                            item->text_len, item->text, vd_buf_str(&list));
}

/* The item turns on a category that is known to flood the log. */
static int check_flood(struct check *c, const struct item *item)
{
	VD_AUTO_STRV names = VD_STRV_INIT, silencers = VD_STRV_INIT;
	VD_AUTO_BUF list = VD_BUF_INIT, before = VD_BUF_INIT;

	/* What floods was measured by category; the silencers are categories too. */
	for (size_t i = 0; i < c->catalogue->count && !c->filters->era.file_names; i++) {
		const struct vd_category *category = &c->catalogue->items[i];
		enum vd_volume volume = item->parsed->level == 1   ? category->volume
		                        : item->parsed->level == 2 ? category->at_info
		                                                   : VD_VOLUME_NONE;

		if (volume != VD_VOLUME_FLOOD || !category->silencer ||
		    vd_filters_item_matches(c->filters, (size_t)item->index, category) != VD_YES ||
		    earlier_match(c, item->index, i) >= 0)
			continue;
		if (vd_strv_add(&names, category->name) < 0 ||
		    (!vd_strv_has(&silencers, category->silencer) && vd_strv_add(&silencers, category->silencer) < 0))
			return -ENOMEM;
	}
	if (!names.len)
		return 0;
	for (size_t i = 0; i < silencers.len; i++)
		if (vd_buf_addf(&before, "%s%s", i ? " " : "", silencers.items[i]) < 0)
			return -ENOMEM;
	if (join_names(&names, " and ", &list) < 0)
		return -ENOMEM;
	return vd_filter_warn(c->warnings, "flood", item->index, "'%.*s' lets %s flood the log; put '%s' before it",
	                      item->text_len, item->text, vd_buf_str(&list), vd_buf_str(&before));
}

/* Both the filter and the output must let a message pass. */
static int check_below_output(struct check *c, const struct item *item)
{
	if (!c->outputs || item->parsed->level >= c->default_level)
		return 0;
	if (!c->lowest)
		c->lowest = vd_outputs_lowest(c->outputs);
	if (item->parsed->level >= c->lowest)
		return 0;
	if (c->lowest > 4)
		return vd_filter_warn(c->warnings, "below-output", item->index,
		                      "'%.*s' has no effect: there is no output", item->text_len, item->text);
	return vd_filter_warn(c->warnings, "below-output", item->index,
	                      "'%.*s' asks for %s, but no output lets anything below %s through", item->text_len,
	                      item->text, vlog_level_name(item->parsed->level), vlog_level_name(c->lowest));
}

/* What the "+" before a pattern does depends on the version. */
static int check_plus(struct check *c, const struct item *item)
{
	switch (c->filters->era.plus) {
	case VD_PLUS_LITERAL:
		return *item->match != '+'
		               ? 0
		               : vd_filter_warn(c->warnings, "stack-trace-flag", item->index,
		                                "the \"+\" is part of the pattern before libvirt 0.9.13, and no file "
		                                "name holds one: '%.*s' matches nothing",
		                                item->match_len, item->match);
	case VD_PLUS_TRACE:
		return !item->parsed->plus
		               ? 0
		               : vd_filter_warn(c->warnings, "stack-trace-flag", item->index,
		                                "the \"+\" asks for a stack trace with each message, until libvirt "
		                                "5.9.0");
	case VD_PLUS_IGNORED:
		break;
	}
	return !item->parsed->plus
	               ? 0
	               : vd_filter_warn(c->warnings, "stack-trace-flag", item->index,
	                                "the \"+\" asked for stack traces before libvirt 5.9.0; it is ignored now");
}

/* What may be wrong with a pattern that works. */
static int check_form(struct check *c, const struct item *item, enum vd_tri matched)
{
	const struct vlog_span *ignored = &item->parsed->ignored;
	const char *separator = find_separator(&c->filters->era, item);

	if (check_plus(c, item) < 0)
		return -ENOMEM;
	if (ignored->length && !separator &&
	    vd_filter_warn(c->warnings, "suffix-ignored", item->index,
	                   "':%.*s' is ignored: only the first two parts count, level and pattern '%.*s'",
	                   (int)ignored->length, vd_filters_span(c->filters, ignored), item->match_len,
	                   item->match) < 0)
		return -ENOMEM;
	return matched != VD_NO && separator ? check_separator(c, item, separator) : 0;
}

static int check_item(struct check *c, long index)
{
	const struct vlog_item *p = &c->filters->items[index].parsed;
	struct item item = { p,
		             index,
		             vd_filters_span(c->filters, &p->text),
		             vd_filters_span(c->filters, &p->match),
		             (int)p->text.length,
		             (int)p->match.length };
	long later = merged_into(c, &item);
	enum vd_tri matched;

	if (check_shadowed(c, &item, &matched) < 0 || (matched == VD_NO && check_no_match(c, &item) < 0) ||
	    (matched == VD_UNSURE && check_unsure(c, &item) < 0) || check_form(c, &item, matched) < 0)
		return -ENOMEM;
	if (later >= 0)
		return check_merged(c, &item, later);
	return check_below_output(c, &item) < 0 || check_flood(c, &item) < 0 ? -ENOMEM : 0;
}

int vd_filters_check(const struct vd_filters *filters, const struct vd_catalogue *catalogue,
                     const struct vd_filters *outputs, unsigned default_level, struct vd_filter_warnings *warnings)
{
	VD_AUTO_FREE struct decided *decided = calloc(catalogue->count + 1, sizeof(*decided));
	struct check c = { filters, catalogue, outputs, default_level, warnings, 0, 0, decided };

	if (!decided)
		return -ENOMEM;
	for (size_t i = 0; i < catalogue->count; i++)
		decided[i].sure = vd_filters_level_in(filters, &catalogue->items[i], 0, &decided[i].first) != 0;
	for (size_t i = 0; i < filters->count; i++)
		if (filters->items[i].valid && (!filters->era.item_by_item || filters->items[i].applied != VD_NO) &&
		    check_item(&c, (long)i) < 0)
			return -ENOMEM;
	return 0;
}
