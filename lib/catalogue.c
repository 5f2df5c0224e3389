/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "catalogue.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "host.h"
#include "log-grammar.h"
#include "vlog.h"
#include "near.h"

VLOG_CATEGORY("virtdiag.catalogue");

/* The fields of categories.tsv. */
enum field {
	F_NAME,
	F_FILES,
	F_AREA,
	F_SINCE,
	F_UNTIL,
	F_VOLUME,
	F_AT_INFO,
	F_LINES,
	F_SILENCER,
	F_COUNT_
};

static const char *const volume_names[VD_VOLUME_COUNT_] = { "-", "low", "high", "flood" };

const char *vd_volume_name(enum vd_volume volume)
{
	return volume < VD_VOLUME_COUNT_ ? volume_names[volume] : volume_names[VD_VOLUME_NONE];
}

static enum vd_volume parse_volume(const char *word)
{
	for (int i = 0; i < VD_VOLUME_COUNT_; i++)
		if (!strcmp(word, volume_names[i]))
			return (enum vd_volume)i;
	return VD_VOLUME_NONE;
}

/* Fields hold "-" where there is nothing. */
static const char *or_null(const char *s)
{
	return strcmp(s, "-") ? s : NULL;
}

/* The versions whose categories were looked at, oldest first. */
static const unsigned examined[] = {
	VD_VERSION(1, 2, 3), VD_VERSION(1, 2, 9), VD_VERSION(2, 0, 0), VD_VERSION(3, 0, 0),
	VD_VERSION(4, 3, 0), VD_VERSION(7, 0, 0), VD_VERSION(9, 0, 0), VD_VERSION(11, 3, 0)
};

/* Names that 9.0.0 has no more were not looked for in these. */
static bool is_skipped(unsigned version, unsigned until)
{
	return until && until < VD_VERSION(9, 0, 0) && version > VD_VERSION(1, 2, 3) && version < VD_VERSION(4, 3, 0);
}

/* Are the names of just this version known? */
static bool is_exact(unsigned version)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(examined); i++)
		if (examined[i] == version)
			return !is_skipped(version, VD_VERSION(1, 2, 3));
	return false;
}

/*
 * Is a category, known from @since to @until (NULL: to the newest), one of @version? Between two examined versions
 * nobody looked, so the names of both count: a warning "no such category" must not be wrong.
 */
static bool in_version(const struct vd_category *c, unsigned version)
{
	unsigned since = 0, until = 0, before = 0, after = 0;

	if (vd_version_parse(c->since, &since) < 0 || (c->until && vd_version_parse(c->until, &until) < 0))
		return false;
	if (version < VD_CATALOGUE_OLDEST)
		version = VD_CATALOGUE_OLDEST;
	for (size_t i = 0; i < VD_ARRAY_SIZE(examined); i++) {
		if (is_skipped(examined[i], until))
			continue;
		if (examined[i] < since)
			before = examined[i];
		if (until && !after && examined[i] > until)
			after = examined[i];
	}
	return version > before && (!until || version < after);
}

/* Turn the fields of one line into strings inside @text, a writable copy of the data with the same offsets. */
static void cut_fields(char *text, const struct vd_field *fields, const char *base, char **ret_fields)
{
	for (size_t i = 0; i < F_COUNT_; i++) {
		ret_fields[i] = text + (fields[i].s - base);
		ret_fields[i][fields[i].len] = '\0';
	}
}

static void read_category(char **f, struct vd_category *ret_category)
{
	*ret_category = (struct vd_category){
		.name = f[F_NAME],
		.files = strcmp(f[F_FILES], "-") ? f[F_FILES] : "",
		.area = f[F_AREA],
		.since = f[F_SINCE],
		.until = or_null(f[F_UNTIL]),
		.volume = parse_volume(f[F_VOLUME]),
		.at_info = parse_volume(f[F_AT_INFO]),
		.lines = (unsigned)strtoul(f[F_LINES], NULL, 10),
		.silencer = or_null(f[F_SILENCER]),
	};
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static enum vd_catalogue_fit fit_of(unsigned version)
{
	if (version > VD_CATALOGUE_NEWEST)
		return VD_FIT_NEWER;
	if (version < VD_CATALOGUE_OLDEST)
		return VD_FIT_OLDER;
	return is_exact(version) ? VD_FIT_EXACT : VD_FIT_BETWEEN;
}

/* Fill in what patterns are compared with. */
static int set_texts(struct vd_catalogue *c)
{
	struct vd_filter_era era = vd_filter_era(c->version);
	char texts[VD_ERA_MAX_TEXTS][VD_ERA_TEXT_MAX];
	char *room = NULL;

	if (era.file_names) {
		room = c->old = calloc(c->count + 1, sizeof(texts));
		if (!room)
			return -ENOMEM;
	}
	for (size_t i = 0; i < c->count; i++) {
		struct vd_category *item = &c->items[i];

		if (!era.file_names) {
			item->texts[0] = item->name;
			item->n_texts = 1;
			continue;
		}
		item->n_texts = vd_era_texts(&era, item->name, item->files, texts);
		for (size_t t = 0; t < item->n_texts; t++, room += VD_ERA_TEXT_MAX) {
			memcpy(room, texts[t], VD_ERA_TEXT_MAX);
			item->texts[t] = room;
		}
	}
	return 0;
}

int vd_catalogue_load(unsigned version, struct vd_catalogue *ret_catalogue, struct vd_err *err)
{
	struct vd_catalogue c = VD_CATALOGUE_INIT;
	struct vd_field fields[F_COUNT_];
	char *words[F_COUNT_], buf[32];
	size_t pos = 0;

	c.version = version ? version : VD_CATALOGUE_NEWEST;
	c.fit = fit_of(c.version);
	if (c.version < VD_ERA_OLDEST)
		return vd_err_set(err, ENOTSUP,
		                  "cannot judge filters and outputs for libvirt %s: it has none, they came with 0.6.0",
		                  vd_version_format(c.version, buf));
	c.text = malloc(vd_data_categories_len + 1);
	c.items = calloc(count_lines(vd_data_categories, vd_data_categories_len) + 1, sizeof(*c.items));
	if (!c.text || !c.items) {
		vd_catalogue_release(&c);
		return vd_err_set(err, ENOMEM, "cannot load the log categories: no memory");
	}
	memcpy(c.text, vd_data_categories, vd_data_categories_len + 1);
	while (vd_data_next(vd_data_categories, vd_data_categories_len, &pos, fields, F_COUNT_)) {
		cut_fields(c.text, fields, vd_data_categories, words);
		read_category(words, &c.items[c.count]);
		if (in_version(&c.items[c.count], c.version))
			c.count++;
	}
	if (set_texts(&c) < 0) {
		vd_catalogue_release(&c);
		return vd_err_set(err, ENOMEM, "cannot load the log categories: no memory");
	}
	VLOG_DEBUG("%zu categories for libvirt %s", c.count, vd_version_format(c.version, buf));
	*ret_catalogue = c;
	return 0;
}

void vd_catalogue_release(struct vd_catalogue *catalogue)
{
	free(catalogue->items);
	free(catalogue->text);
	free(catalogue->old);
	*catalogue = (struct vd_catalogue)VD_CATALOGUE_INIT;
}

static int compare_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct vd_category *)item)->name);
}

const struct vd_category *vd_catalogue_find(const struct vd_catalogue *catalogue, const char *name)
{
	if (!catalogue->count)
		return NULL;
	return bsearch(name, catalogue->items, catalogue->count, sizeof(*catalogue->items), compare_name);
}

bool vd_catalogue_matches(const struct vd_catalogue *catalogue, const char *pattern, size_t len)
{
	struct vd_filter_era era = vd_filter_era(catalogue->version);

	for (size_t i = 0; i < catalogue->count; i++)
		for (size_t t = 0; t < catalogue->items[i].n_texts; t++)
			if (vd_era_matches(&era, pattern, len, catalogue->items[i].texts[t]) != VD_NO)
				return true;
	return false;
}

/* --- nearest names ------------------------------------------------------------------------------------------------ */

#define MAX_WORD 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* The pattern as a plain word: lower case, without the stars around it and without a source file's ending. */
struct word {
	char s[MAX_WORD + 1];
	size_t len;
};

static bool plain_word(const char *pattern, size_t len, struct word *ret_word)
{
	while (len && *pattern == '*') {
		pattern++;
		len--;
	}
	while (len && pattern[len - 1] == '*')
		len--;
	if (!len || len > MAX_WORD)
		return false;
	for (size_t i = 0; i < len; i++)
		ret_word->s[i] = (char)tolower((unsigned char)pattern[i]);
	ret_word->s[len] = '\0';
	ret_word->len = len;
	return true;
}

static int add_name(struct vd_strv *names, const char *name)
{
	return vd_strv_has(names, name) ? 0 : vd_strv_add(names, name);
}

/* "qemu/qemu_monitor.c" or "virjson.c": how categories were called before libvirt 1.2.3, and what people see in logs.
 */
static int near_by_file(const struct vd_catalogue *c, const struct word *w, size_t max, struct vd_strv *names)
{
	if (!strchr(w->s, '/') && !(w->len > 2 && !strcmp(w->s + w->len - 2, ".c")))
		return 0;
	for (size_t i = 0; i < c->count && names->len < max; i++) {
		int r = strstr(c->items[i].files, w->s) ? add_name(names, c->items[i].name) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * How far a category is from the word: the smallest distance to its whole name, to what stands before its first dot
 * or to what stands behind it. A name that has the word inside it, or the reverse, is near too.
 */
static unsigned distance_to(const struct vd_category *c, const struct word *w, unsigned limit)
{
	size_t len = strlen(c->name);
	const char *dot = strchr(c->name, '.'), *tail = dot ? dot + 1 : c->name;
	unsigned whole = vd_edit_distance(w->s, w->len, c->name, len, limit);
	unsigned part = vd_edit_distance(w->s, w->len, tail, strlen(tail), limit);
	unsigned head = dot ? vd_edit_distance(w->s, w->len, c->name, (size_t)(dot - c->name), limit) : limit + 1;

	return min3(whole, part, head);
}

/* The area alone is the better advice when the word is near it: "qumu" is "qemu", not one of its 40 categories. */
static int add_nearest(const struct vd_category *c, const struct word *w, unsigned distance, struct vd_strv *names)
{
	const char *dot = strchr(c->name, '.');

	if (dot && vd_edit_distance(w->s, w->len, c->name, (size_t)(dot - c->name), distance) <= distance) {
		char area[MAX_WORD + 1];
		size_t n = (size_t)(dot - c->name) < MAX_WORD ? (size_t)(dot - c->name) : MAX_WORD;

		memcpy(area, c->name, n);
		area[n] = '\0';
		return add_name(names, area);
	}
	return add_name(names, c->name);
}

static int near_by_spelling(const struct vd_catalogue *c, const struct word *w, size_t max, struct vd_strv *names)
{
	unsigned limit = w->len < 4 ? 1 : w->len < 9 ? 2 : 3;

	for (unsigned d = 1; d <= limit && !names->len; d++)
		for (size_t i = 0; i < c->count && names->len < max; i++) {
			int r = distance_to(&c->items[i], w, limit) == d ? add_nearest(&c->items[i], w, d, names) : 0;

			if (r < 0)
				return r;
		}
	return 0;
}

/*
 * A part of the word that few categories hold names those; one that many hold is itself the better pattern: "qemu" for
 * "qemu.nosuch".
 */
static int add_part(const struct vd_catalogue *c, const char *part, size_t len, size_t max, struct vd_strv *names)
{
	size_t hits = 0;

	for (size_t i = 0; i < c->count; i++)
		hits += memmem(c->items[i].name, strlen(c->items[i].name), part, len) != NULL;
	if (hits > max) {
		while (len && part[len - 1] == '.')
			len--;
		return vd_strv_addn(names, part, len);
	}
	for (size_t i = 0; hits && i < c->count; i++)
		if (memmem(c->items[i].name, strlen(c->items[i].name), part, len)) {
			int r = add_name(names, c->items[i].name);

			if (r < 0)
				return r;
		}
	return 0;
}

/* The longest part of the word that category names hold, at least four bytes. */
static int near_by_part(const struct vd_catalogue *c, const struct word *w, size_t max, struct vd_strv *names)
{
	for (size_t len = w->len; len >= 4; len--)
		for (size_t at = 0; at + len <= w->len; at++) {
			int r = add_part(c, w->s + at, len, max, names);

			if (r < 0 || names->len)
				return r;
		}
	return 0;
}

int vd_catalogue_nearest(const struct vd_catalogue *catalogue, const char *pattern, size_t len, size_t max,
                         struct vd_strv *names)
{
	struct word w;
	int r;

	if (!plain_word(pattern, len, &w))
		return 0;
	if (vd_catalogue_matches(catalogue, w.s, w.len))
		return names->len < max ? add_name(names, w.s) : 0;
	r = near_by_file(catalogue, &w, max, names);
	if (r >= 0 && !names->len)
		r = near_by_spelling(catalogue, &w, max, names);
	if (r >= 0 && !names->len)
		r = near_by_part(catalogue, &w, max, names);
	return r;
}
