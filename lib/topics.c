/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "topics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "filter.h"
#include "host.h"
#include "vlog.h"
#include "near.h"

VLOG_CATEGORY("virtdiag.topics");

/* The fields of topics.tsv. */
enum field {
	F_ID,
	F_ALIASES,
	F_TITLE,
	F_SHOWS,
	F_FILTERS,
	F_DAEMON,
	F_USE,
	F_VOLUME,
	F_LINES,
	F_BYTES,
	F_SINCE,
	F_SOURCE,
	F_NOTE,
	F_COUNT_
};

static const char *or_null(const char *s)
{
	return strcmp(s, "-") ? s : NULL;
}

static void read_topic(char **f, struct vd_topic *ret_topic)
{
	*ret_topic = (struct vd_topic){
		.id = f[F_ID],
		.aliases = f[F_ALIASES],
		.title = f[F_TITLE],
		.shows = f[F_SHOWS],
		.filters = f[F_FILTERS],
		.daemon = strcmp(f[F_DAEMON], "any") && strcmp(f[F_DAEMON], "client") ? f[F_DAEMON] : NULL,
		.use = !strcmp(f[F_USE], "start")    ? VD_TOPIC_AT_START
		       : !strcmp(f[F_USE], "client") ? VD_TOPIC_CLIENT
		                                     : VD_TOPIC_ANYWHERE,
		.volume = or_null(f[F_VOLUME]),
		.lines = (unsigned)strtoul(f[F_LINES], NULL, 10),
		.bytes = (unsigned)strtoul(f[F_BYTES], NULL, 10),
		.since = f[F_SINCE],
		.source = f[F_SOURCE],
		.note = or_null(f[F_NOTE]),
	};
}

int vd_topics_load(struct vd_topics *ret_topics, struct vd_err *err)
{
	struct vd_topics t = VD_TOPICS_INIT;
	struct vd_field fields[F_COUNT_];
	size_t pos = 0, lines = 0;

	while (vd_data_next(vd_data_topics, vd_data_topics_len, &pos, fields, F_COUNT_))
		lines++;
	t.text = malloc(vd_data_topics_len + 1);
	t.items = calloc(lines + 1, sizeof(*t.items));
	if (!t.text || !t.items) {
		vd_topics_release(&t);
		return vd_err_set(err, ENOMEM, "cannot load the topics: no memory");
	}
	memcpy(t.text, vd_data_topics, vd_data_topics_len + 1);
	for (pos = 0; vd_data_next(vd_data_topics, vd_data_topics_len, &pos, fields, F_COUNT_); t.count++) {
		char *words[F_COUNT_];

		for (size_t i = 0; i < F_COUNT_; i++) {
			words[i] = t.text + (fields[i].s - vd_data_topics);
			words[i][fields[i].len] = '\0';
		}
		read_topic(words, &t.items[t.count]);
	}
	*ret_topics = t;
	return 0;
}

void vd_topics_release(struct vd_topics *topics)
{
	free(topics->items);
	free(topics->text);
	*topics = (struct vd_topics)VD_TOPICS_INIT;
}

/* Calls for each id and alias of a topic: advances *@list and gives the next word. */
static bool next_alias(const char **list, const char **ret_word, size_t *ret_len)
{
	if (!**list)
		return false;
	*ret_word = *list;
	*ret_len = strcspn(*list, ",");
	*list += *ret_len + ((*list)[*ret_len] == ',');
	return true;
}

const struct vd_topic *vd_topics_find(const struct vd_topics *topics, const char *name)
{
	for (size_t i = 0; i < topics->count; i++) {
		const char *list = topics->items[i].aliases, *word;
		size_t len;

		if (!strcmp(topics->items[i].id, name))
			return &topics->items[i];
		while (next_alias(&list, &word, &len))
			if (strlen(name) == len && !memcmp(word, name, len))
				return &topics->items[i];
	}
	return NULL;
}

char *vd_topics_nearest(const struct vd_topics *topics, const char *name)
{
	size_t name_len = strlen(name), best_len = 0;
	unsigned best = name_len < 4 ? 2 : 3;
	const char *nearest = NULL;

	for (size_t i = 0; i < topics->count; i++) {
		const char *list = topics->items[i].aliases, *word = topics->items[i].id;
		size_t len = strlen(word);

		do {
			unsigned distance = vd_edit_distance(name, name_len, word, len, best);

			if (distance < best) {
				best = distance;
				nearest = word;
				best_len = len;
			}
		} while (next_alias(&list, &word, &len));
	}
	return nearest ? strndup(nearest, best_len) : NULL;
}

/* --- merging --------------------------------------------------------------------------------------------------------
 */

/* An item of one of the strings, waiting for its place. */
struct candidate {
	const char *text; /* "1:qemu", borrowed from the parsed string */
	size_t len;
	unsigned level;
	bool *hits; /* per category: does it match? */
	bool placed;
};

struct merge {
	const struct vd_catalogue *catalogue;
	struct vd_filter_era era;
	unsigned *target; /* per category: the level it shall have; 0 the default */
	bool *covered;    /* per category: an item in @out matches it */
	struct candidate *candidates;
	size_t count;
	struct vd_buf out;
};

static void merge_release(struct merge *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->candidates[i].hits);
	free(m->candidates);
	free(m->target);
	free(m->covered);
	vd_buf_release(&m->out);
}

static bool hits(const struct merge *m, const char *pattern, size_t len, size_t category)
{
	const struct vd_category *c = &m->catalogue->items[category];

	for (size_t i = 0; i < c->n_texts; i++)
		if (vd_era_matches(&m->era, pattern, len, c->texts[i]) != VD_YES)
			return false;
	return c->n_texts;
}

static int place(struct merge *m, unsigned level, const char *pattern, size_t len)
{
	for (size_t c = 0; c < m->catalogue->count; c++)
		if (hits(m, pattern, len, c))
			m->covered[c] = true;
	return vd_buf_addf(&m->out, "%s%u:%.*s", m->out.len ? " " : "", level, (int)len, pattern);
}

/* The level that the category shall get: libvirt's default where no topic asks for one. */
static unsigned wanted(const struct merge *m, size_t category)
{
	return m->target[category] ? m->target[category] : VD_LOG_DEFAULT_LEVEL;
}

/*
 * How many categories that no item covers yet would get a wrong level from this candidate; *@ret_useful: would any get
 * the right one?
 */
static size_t count_wrong(const struct merge *m, const struct candidate *item, bool *ret_useful)
{
	size_t wrong = 0;

	*ret_useful = false;
	for (size_t c = 0; c < m->catalogue->count; c++) {
		if (!item->hits[c] || m->covered[c])
			continue;
		if (wanted(m, c) == item->level)
			*ret_useful = true;
		else
			wrong++;
	}
	return wrong;
}

/* The next item that can stand here: a silencer if there is one, else in the order of the topics. NULL: none. */
static struct candidate *next_placeable(struct merge *m)
{
	for (int silencers = 1; silencers >= 0; silencers--)
		for (size_t i = 0; i < m->count; i++) {
			struct candidate *item = &m->candidates[i];
			bool useful;

			if (!item->placed && (item->level >= VD_LOG_DEFAULT_LEVEL) == silencers &&
			    !count_wrong(m, item, &useful) && useful)
				return item;
		}
	return NULL;
}

/* The useful item with the fewest categories in its way. NULL: all is covered. */
static struct candidate *least_blocked(struct merge *m)
{
	struct candidate *best = NULL;
	size_t fewest = (size_t)-1;

	for (size_t i = 0; i < m->count; i++) {
		bool useful;
		size_t wrong = count_wrong(m, &m->candidates[i], &useful);

		if (!m->candidates[i].placed && useful && wrong < fewest) {
			fewest = wrong;
			best = &m->candidates[i];
		}
	}
	return best;
}

/* The first category that no item covers yet and @item would give a wrong level; NULL when it can stand. */
static const struct vd_category *find_blocker(const struct merge *m, const struct candidate *item)
{
	for (size_t c = 0; c < m->catalogue->count; c++)
		if (item->hits[c] && !m->covered[c] && wanted(m, c) != item->level)
			return &m->catalogue->items[c];
	return NULL;
}

/*
 * The pattern that names a category: its name; of one that may have several texts the end that all of them share, down
 * to the name of the source file. The shortest that still matches them all, and never empty: they end in ".c".
 */
static const char *naming_pattern(const struct vd_category *c)
{
	size_t len = strlen(c->texts[0]), shared = len;

	for (size_t t = 1; t < c->n_texts; t++) {
		size_t other = strlen(c->texts[t]), n = 0;

		while (n < shared && n < other && c->texts[0][len - 1 - n] == c->texts[t][other - 1 - n])
			n++;
		shared = n;
	}
	return c->texts[0] + len - shared;
}

/* The uncovered category with the longest pattern among those whose pattern holds @pattern. */
static size_t longest_uncovered(const struct merge *m, const char *pattern)
{
	size_t longest = m->catalogue->count, len = 0;

	for (size_t c = 0; c < m->catalogue->count; c++) {
		const struct vd_category *category = &m->catalogue->items[c];
		const char *other = category->n_texts ? naming_pattern(category) : "";

		if (!m->covered[c] && strstr(other, pattern) && strlen(other) > len) {
			longest = c;
			len = strlen(other);
		}
	}
	return longest;
}

/*
 * Name one by one the categories that @item must not decide; then it can stand. A pattern matches longer ones that hold
 * it too, so these come first.
 */
static int clear_way(struct merge *m, const struct candidate *item)
{
	const struct vd_category *blocker;

	while ((blocker = find_blocker(m, item))) {
		size_t c = longest_uncovered(m, naming_pattern(blocker));
		const char *pattern = naming_pattern(&m->catalogue->items[c]);

		if (place(m, wanted(m, c), pattern, strlen(pattern)) < 0)
			return -ENOMEM;
		/* Named it is, whatever else there is to it. */
		m->covered[c] = true;
	}
	return 0;
}

static int order_items(struct merge *m)
{
	struct candidate *item;

	for (;;) {
		item = next_placeable(m);
		if (!item) {
			item = least_blocked(m);
			if (!item)
				return 0;
			if (clear_way(m, item) < 0)
				return -ENOMEM;
			continue;
		}
		if (place(m, item->level, item->text, item->len) < 0)
			return -ENOMEM;
		item->placed = true;
	}
}

static bool is_known(const struct merge *m, const struct candidate *item)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->candidates[i].level == item->level && m->candidates[i].len == item->len &&
		    !memcmp(m->candidates[i].text, item->text, item->len))
			return true;
	return false;
}

static int add_candidate(struct merge *m, const struct vd_filters *f, const struct vlog_item *parsed,
                         struct vd_strv *left_out)
{
	struct candidate item = { vd_filters_span(f, &parsed->match), parsed->match.length, parsed->level, NULL,
		                  false };
	void *grown;

	if (is_known(m, &item))
		return 0;
	if (!vd_catalogue_matches(m->catalogue, item.text, item.len))
		return left_out ? vd_strv_addn(left_out, vd_filters_span(f, &parsed->text), parsed->text.length) : 0;
	grown = reallocarray(m->candidates, m->count + 1, sizeof(*m->candidates));
	if (!grown)
		return -ENOMEM;
	m->candidates = grown;
	item.hits = calloc(m->catalogue->count + 1, sizeof(*item.hits));
	if (!item.hits)
		return -ENOMEM;
	for (size_t c = 0; c < m->catalogue->count; c++)
		item.hits[c] = hits(m, item.text, item.len, c);
	m->candidates[m->count++] = item;
	return 0;
}

/*
 * The level that the string gives the category; @base: what no item matches. An item that only may match says nothing:
 * none of the strings that are made here rest on one.
 */
static unsigned level_of(const struct merge *m, const struct vd_filters *f, size_t category, unsigned base)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct vlog_item *item = &f->items[i].parsed;

		if (hits(m, vd_filters_span(f, &item->match), item->match.length, category))
			return item->level;
	}
	return base;
}

/* @base is the level of what no item matches, 0 when the topic does not care. */
static void set_targets(struct merge *m, const struct vd_filters *f, unsigned base)
{
	for (size_t c = 0; c < m->catalogue->count; c++) {
		unsigned level = level_of(m, f, c, base);

		if (level && (!m->target[c] || level < m->target[c]))
			m->target[c] = level;
	}
}

/*
 * What one topic silences more than another that gives @base to everything is to have @base: where no item can say
 * "everything", the silencer's pattern serves for that too.
 */
static int add_softened(struct merge *m, const struct vd_filters *f, const struct vlog_item *parsed, unsigned base)
{
	struct vlog_item softer = *parsed;

	if (!base || parsed->level <= base)
		return 0;
	softer.level = base;
	return add_candidate(m, f, &softer, NULL);
}

static int add_strings(struct merge *m, const struct vd_filters *strings, const unsigned *bases, size_t count,
                       struct vd_strv *left_out)
{
	unsigned base = 0;

	for (size_t s = 0; s < count; s++)
		if (bases[s] > base)
			base = bases[s];
	for (size_t s = 0; s < count; s++) {
		set_targets(m, &strings[s], bases[s]);
		for (size_t i = 0; i < strings[s].count; i++) {
			const struct vlog_item *parsed = &strings[s].items[i].parsed;
			int r = add_candidate(m, &strings[s], parsed, left_out);

			if (r >= 0 && count > 1)
				r = add_softened(m, &strings[s], parsed, base);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Would the item decide on any category if it stood here? */
static bool adds_something(const struct merge *m, const struct candidate *item)
{
	for (size_t c = 0; c < m->catalogue->count; c++)
		if (item->hits[c] && !m->covered[c])
			return true;
	return false;
}

/*
 * One string alone keeps its order: it was written by people who thought about it. In other versions an item may have
 * nothing left to decide.
 */
static int keep_order(struct merge *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (adds_something(m, &m->candidates[i]) &&
		    place(m, m->candidates[i].level, m->candidates[i].text, m->candidates[i].len) < 0)
			return -ENOMEM;
	return 0;
}

static int merge_strings(const struct vd_filters *strings, const unsigned *bases, size_t count,
                         const struct vd_catalogue *catalogue, struct vd_strv *left_out, char **ret_filters)
{
	VD_CLEANUP(merge_release)
	struct merge m = { .catalogue = catalogue, .era = vd_filter_era(catalogue->version) };
	int r;

	m.target = calloc(catalogue->count + 1, sizeof(*m.target));
	m.covered = calloc(catalogue->count + 1, sizeof(*m.covered));
	if (!m.target || !m.covered || vd_buf_reserve(&m.out, 1) < 0)
		return -ENOMEM;
	r = add_strings(&m, strings, bases, count, left_out);
	if (r >= 0)
		r = count == 1 ? keep_order(&m) : order_items(&m);
	if (r < 0)
		return r;
	*ret_filters = vd_buf_steal(&m.out);
	return *ret_filters ? 0 : -ENOMEM;
}

/* --- other versions ----------------------------------------------------------------------------------------------- */

/* "1:qemu" at *@s: its level and pattern; advances *@s behind it. The table holds valid items only. */
static bool next_item(const char **s, unsigned *ret_level, const char **ret_pattern, size_t *ret_len)
{
	while (**s == ' ')
		++*s;
	if (!**s)
		return false;
	*ret_level = (unsigned)(**s - '0');
	*ret_pattern = *s + 2;
	*ret_len = strcspn(*s, " ") - 2;
	*s += *ret_len + 2;
	return true;
}

static bool is_everything(const char *pattern, size_t len)
{
	return len == 1 && *pattern == '*';
}

/* The level that the topic gives to everything by a lone star, where that has to be said otherwise; 0: none. */
static unsigned level_of_all(const struct vd_topic *topic, const struct vd_filter_era *era)
{
	const char *s = topic->filters, *pattern;
	unsigned level;
	size_t len;

	while (era->matching == VD_MATCH_SUBSTRING && next_item(&s, &level, &pattern, &len))
		if (is_everything(pattern, len))
			return level;
	return 0;
}

unsigned vd_topics_log_level(const struct vd_topic *const *topics, size_t count, unsigned version)
{
	struct vd_filter_era era = vd_filter_era(version);
	unsigned lowest = VD_LOG_DEFAULT_LEVEL;

	for (size_t i = 0; i < count; i++) {
		unsigned level = level_of_all(topics[i], &era);

		if (level && level < lowest)
			lowest = level;
	}
	return lowest < VD_LOG_DEFAULT_LEVEL ? lowest : 0;
}

/*
 * A category pattern as a file name of before 1.2.3: "qemu.qemu_process" is "qemu/qemu_process", "util.json" is
 * "util/virjson". Before 1.0.0, when the directory may be missing, the file's name alone, unless it is in util/: what
 * is called so is found in too many others. *@ret_found is false when no known file is called so.
 */
static int file_pattern(const struct vd_catalogue *catalogue, const struct vd_filter_era *era, const char *pattern,
                        size_t len, struct vd_buf *ret_pattern, bool *ret_found)
{
	const char *dot = memchr(pattern, '.', len);
	size_t head = dot ? (size_t)(dot - pattern) : len;
	bool util = head == 4 && !memcmp(pattern, "util", 4);

	*ret_found = false;
	for (int vir = 0; dot && vir < 2 && !*ret_found && !(era->file_prefix && util); vir++) {
		vd_buf_clear(ret_pattern);
		if ((!era->file_prefix && vd_buf_addf(ret_pattern, "%.*s/", (int)head, pattern) < 0) ||
		    vd_buf_addf(ret_pattern, "%s%.*s", vir ? "vir" : "", (int)(len - head - 1), dot + 1) < 0)
			return -ENOMEM;
		*ret_found = vd_catalogue_matches(catalogue, ret_pattern->data, ret_pattern->len);
	}
	if (dot)
		return 0;
	*ret_found = true;
	return vd_buf_add(ret_pattern, pattern, len);
}

/* The string of a topic as it has to be for the version of @catalogue. */
static int adapt(const struct vd_topic *topic, const struct vd_catalogue *catalogue, struct vd_strv *left_out,
                 struct vd_buf *ret_filters)
{
	struct vd_filter_era era = vd_filter_era(catalogue->version);
	const char *s = topic->filters, *pattern;
	unsigned level;
	size_t len;

	while (next_item(&s, &level, &pattern, &len)) {
		VD_AUTO_BUF name = VD_BUF_INIT;
		bool found = true;
		int r;

		/* log_level stands for it; what only keeps the default level is not needed. */
		if (era.matching == VD_MATCH_SUBSTRING && is_everything(pattern, len))
			continue;
		r = era.file_names ? file_pattern(catalogue, &era, pattern, len, &name, &found)
		                   : vd_buf_add(&name, pattern, len);
		if (r < 0)
			return r;
		r = found      ? vd_buf_addf(ret_filters, "%s%u:%s", ret_filters->len ? " " : "", level, name.data)
		    : left_out ? vd_strv_addn(left_out, pattern - 2, len + 2)
		               : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int vd_topics_merge(const struct vd_topic *const *topics, size_t count, const struct vd_catalogue *catalogue,
                    struct vd_strv *left_out, char **ret_filters, struct vd_err *err)
{
	struct vd_filters *strings = calloc(count + 1, sizeof(*strings));
	VD_AUTO_FREE unsigned *bases = calloc(count + 1, sizeof(*bases));
	struct vd_filter_era era = vd_filter_era(catalogue->version);
	size_t parsed = 0;
	int r = strings && bases ? 0 : -ENOMEM;

	for (; !r && parsed < count; parsed++) {
		VD_AUTO_BUF text = VD_BUF_INIT;

		bases[parsed] = level_of_all(topics[parsed], &era);
		r = adapt(topics[parsed], catalogue, left_out, &text);
		if (!r)
			r = vd_filters_parse_as(VD_LOG_FILTERS, catalogue->version, vd_buf_str(&text), &strings[parsed],
			                        NULL);
	}
	if (!r)
		r = merge_strings(strings, bases, count, catalogue, left_out, ret_filters);
	for (size_t i = 0; strings && i < parsed; i++)
		vd_filters_release(&strings[i]);
	free(strings);
	if (r < 0)
		return vd_err_set(err, -r, "cannot merge the topics: no memory");
	VLOG_DEBUG("%zu topics give '%s'", count, *ret_filters);
	return 0;
}
