/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs stats: who fills libvirt's logs, and the filters that would silence the worst. */
#include <errno.h>
#include <stdlib.h>

#include "logs-records.h"
#include "logs-verbs.h"
#include "report.h"

/* A hostile log may invent names: beyond this many the rest is counted as one. */
#define MAX_NAMES 20000
#define SLOTS     65536u
#define MAX_NAME  128

enum by {
	BY_CATEGORY,
	BY_FUNCTION,
	BY_THREAD,
	BY_LEVEL,
	BY_COUNT_
};
static const char *const by_words[] = { "category", "function", "thread", "level", NULL };

struct counter {
	char *name; /* owned */
	uint64_t lines, bytes;
	uint64_t by_level[5]; /* bytes; categories only */
};

struct counters {
	struct counter *items;
	size_t len, cap;
	uint32_t slots[SLOTS]; /* index of the item plus one; 0: free */
};

struct stats {
	struct vd_select select;
	struct vd_functions functions;
	struct counters by[BY_COUNT_];
	struct counter *current[BY_COUNT_]; /* of the record that a line belongs to; NULL: of none */
	unsigned level;
	uint64_t records, lines, bytes;
};

static uint32_t hash_of(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The counter called so, a new one when it is new. Pointers stay valid until the next call: kept as indices. */
static size_t find(struct counters *counters, const char *name, size_t len)
{
	uint32_t at;

	len = len < MAX_NAME ? len : MAX_NAME;
	if (counters->len >= MAX_NAMES) {
		name = "(others)";
		len = strlen(name);
	}
	at = hash_of(name, len) % SLOTS;
	for (; counters->slots[at]; at = (at + 1) % SLOTS) {
		const struct counter *item = &counters->items[counters->slots[at] - 1];

		if (strlen(item->name) == len && memcmp(item->name, name, len) == 0)
			return counters->slots[at] - 1;
	}
	if (counters->len == counters->cap) {
		counters->cap = counters->cap ? counters->cap * 2 : 256;
		counters->items = vd_report_need(realloc(counters->items, counters->cap * sizeof(*counters->items)));
	}
	counters->items[counters->len] = (struct counter){ .name = vd_report_need(strndup(name, len)) };
	counters->slots[at] = (uint32_t)++counters->len;
	return counters->len - 1;
}

static struct counter *counter_of(struct counters *counters, const char *name, size_t len)
{
	size_t i = find(counters, name, len);

	return &counters->items[i];
}

static void take_record(struct stats *stats, const struct vd_record *record, const char *source)
{
	unsigned number = vd_functions_of(&stats->functions, record, source);
	struct vd_field category = vd_functions_category(&stats->functions, number);
	const char *level = vd_record_level_name(record->level);
	char thread[16];
	int n = snprintf(thread, sizeof(thread), "%u", record->thread);

	if (!category.len)
		category = (struct vd_field){ "(unknown)", 9 };
	stats->current[BY_CATEGORY] = counter_of(&stats->by[BY_CATEGORY], category.s, category.len);
	stats->current[BY_FUNCTION] =
	        record->function.len ? counter_of(&stats->by[BY_FUNCTION], record->function.s, record->function.len)
	                             : counter_of(&stats->by[BY_FUNCTION], "(none)", 6);
	stats->current[BY_THREAD] = counter_of(&stats->by[BY_THREAD], thread, (size_t)n);
	stats->current[BY_LEVEL] = counter_of(&stats->by[BY_LEVEL], level, strlen(level));
	stats->level = record->level;
	stats->records++;
}

static void take_line(struct stats *stats, const struct vd_records_line *line)
{
	uint64_t bytes = line->line.len + line->line.newline;

	if (line->record) {
		bool taken = vd_select_takes(&stats->select, line->record, line->source, line->time);

		memset(stats->current, 0, sizeof(stats->current));
		if (taken)
			take_record(stats, line->record, line->source);
	}
	if (!stats->current[BY_CATEGORY])
		return;
	stats->lines += line->line.first;
	stats->bytes += bytes;
	for (unsigned by = 0; by < BY_COUNT_; by++) {
		stats->current[by]->lines += line->line.first;
		stats->current[by]->bytes += bytes;
		stats->current[by]->by_level[stats->level] += bytes;
	}
}

static int by_bytes(const void *a, const void *b)
{
	const struct counter *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : strcmp(x->name, y->name);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

enum {
	COL_BY,
	COL_NAME,
	COL_LINES,
	COL_BYTES,
	COL_PERCENT,
};

static const struct vd_col stats_cols[] = {
	[COL_BY] = { "BY", VD_COL_STR, 0, "category, function, thread or level" },
	[COL_NAME] = { "NAME", VD_COL_STR, 0, "its name" },
	[COL_LINES] = { "LINES", VD_COL_NUM, 0, "lines, with those that continue a record" },
	[COL_BYTES] = { "BYTES", VD_COL_BYTES, 0, "bytes of these lines" },
	[COL_PERCENT] = { "PERCENT", VD_COL_PERCENT, 0, "part of all bytes counted" },
};

static void add_rows(struct vd_report *report, const struct stats *stats, enum by by, size_t top)
{
	struct vd_table *table = vd_report_table(report, "emitters", NULL, 0);
	const struct counters *counters = &stats->by[by];

	for (size_t i = 0; i < counters->len && (!top || i < top); i++) {
		const struct counter *counter = &counters->items[i];
		struct vd_row *row = vd_table_row(table, NULL);

		vd_row_str(row, COL_BY, by_words[by]);
		vd_row_str(row, COL_NAME, counter->name);
		vd_row_num(row, COL_LINES, (int64_t)counter->lines);
		vd_row_num(row, COL_BYTES, (int64_t)counter->bytes);
		vd_row_double(row, COL_PERCENT, percent(counter->bytes, stats->bytes));
	}
}

/* --- the filters that would help --- */

/* At most so many items, for categories with at least this part of all bytes. */
#define MAX_ITEMS   5
#define MIN_PERCENT 5.0

static int by_length(const void *a, const void *b)
{
	const struct counter *x = *(const struct counter *const *)a, *y = *(const struct counter *const *)b;

	return strlen(x->name) < strlen(y->name) ? 1 : -1;
}

/*
 * A filter item matches every category that has its text in it, and the first that matches decides: longer names come
 * first, or they would never be reached. Warnings always pass; info messages pass where they are not the flood.
 */
static double silence(const struct stats *stats, struct vd_buf *filters)
{
	const struct counter *worst[MAX_ITEMS];
	uint64_t saved = 0;
	size_t n = 0;

	for (size_t i = 0; i < stats->by[BY_CATEGORY].len && n < MAX_ITEMS; i++) {
		const struct counter *counter = &stats->by[BY_CATEGORY].items[i];
		uint64_t chatter = counter->by_level[1] + counter->by_level[2];

		if (counter->name[0] != '(' && percent(chatter, stats->bytes) >= MIN_PERCENT)
			worst[n++] = counter;
	}
	qsort(worst, n, sizeof(*worst), by_length);
	for (size_t i = 0; i < n; i++) {
		bool info_too = worst[i]->by_level[2] * 10 > worst[i]->by_level[1];

		vd_report_check(vd_buf_addf(filters, "%s%d:%s", i ? " " : "", info_too ? 3 : 2, worst[i]->name));
		saved += worst[i]->by_level[1] + (info_too ? worst[i]->by_level[2] : 0);
	}
	return percent(saved, stats->bytes);
}

static void add_silencer(struct vd_report *report, const struct stats *stats)
{
	VD_AUTO_BUF filters = VD_BUF_INIT;
	double saved = silence(stats, &filters);

	vd_report_extra(report, "records", vd_value_int((int64_t)stats->records));
	vd_report_extra(report, "lines", vd_value_int((int64_t)stats->lines));
	vd_report_extra(report, "bytes", vd_value_int((int64_t)stats->bytes));
	vd_report_extra(report, "catalogue", vd_value_strn(stats->functions.version.s, stats->functions.version.len));
	vd_report_extra(report, "silencer", filters.len ? vd_value_str(filters.data) : vd_value_null());
	if (!filters.len)
		return;
	vd_report_line(report, "%s", "");
	vd_report_line(
	        report,
	        "These, in front of your filters, would keep %.0f %% of it out, warnings and errors not:", saved);
	vd_report_line(report, "  %s", filters.data);
}

static void stats_release(struct stats *stats)
{
	for (unsigned by = 0; by < BY_COUNT_; by++) {
		for (size_t i = 0; i < stats->by[by].len; i++)
			free(stats->by[by].items[i].name);
		free(stats->by[by].items);
	}
	vd_functions_release(&stats->functions);
	vd_select_release(&stats->select);
	free(stats);
}

static void stats_cleanup(struct stats **stats)
{
	stats_release(*stats);
}

static enum vd_exit run_stats(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(stats_cleanup) struct stats *stats = vd_report_need(calloc(1, sizeof(*stats)));
	VD_CLEANUP(vd_input_release) struct vd_records_input input = { .records = VD_RECORDS_INIT };
	const char *by = vd_opt_str(ctx, "by", NULL);
	enum vd_exit status = vd_select_init(ctx, false, &stats->select);
	struct vd_records_line line;
	struct vd_report *report;

	if (status != VD_EXIT_OK)
		return status;
	vd_report_check(vd_functions_load(&stats->functions));
	if (!vd_input_open(ctx, argc, argv, stats->select.since, &input))
		return VD_EXIT_UNKNOWN;
	input.records.want_time = vd_select_wants_time(&stats->select);
	while (vd_input_next(ctx, &input, &line))
		take_line(stats, &line);
	report = vd_report_new(ctx);
	for (unsigned i = 0; i < BY_COUNT_; i++) {
		if (stats->by[i].len)
			qsort(stats->by[i].items, stats->by[i].len, sizeof(struct counter), by_bytes);
		if (!by || !strcmp(by, by_words[i]))
			add_rows(report, stats, (enum by)i, (size_t)vd_opt_num(ctx, "top", 10));
	}
	add_silencer(report, stats);
	if (!stats->records)
		vd_select_warn_none(ctx, &stats->select, NULL);
	if (input.failed)
		vd_report_unknown(report);
	return vd_report_finish(report);
}

static const struct vd_opt stats_opts[] = {
	VD_SELECT_OPTS,
	{ .name = "by", .type = VD_OPT_ENUM, .arg = "WHAT", .help = "count by this only", .words = by_words },
	{ .name = "top",
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .help = "show so many of each (10); 0 all",
	  .max = MAX_NAMES },
	{ 0 },
};

static const struct vd_arg stats_args[] = {
	{ .name = "FILE",
	  .type = VD_OPT_PATH,
	  .optional = true,
	  .repeats = true,
	  .help = "a log, which may be compressed; - is standard input" },
	{ 0 },
};

static const char *const stats_examples[] = {
	"virtdiag logs stats /var/log/libvirt/libvirtd.log",
	"who fills that log, and what would silence it",
	NULL,
};

const struct vd_cmd vd_cmd_logs_stats = {
	.name = "stats",
	.summary = "count who fills libvirt's own logs, and with what",
	.description = "Counts lines and bytes of libvirt's own logs by log category, function, thread and level, the "
	               "largest first, and names the filters that would silence the worst categories. Without FILE "
	               "it counts the logs of this host's daemons.",
	.examples = stats_examples,
	.opts = stats_opts,
	.args = stats_args,
	.rows = "emitters",
	.flags = VD_CMD_TABLE,
	.cols = stats_cols,
	.n_cols = VD_ARRAY_SIZE(stats_cols),
	.run = run_stats,
};
