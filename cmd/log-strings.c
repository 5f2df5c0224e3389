/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-strings.h"

#include <stdlib.h>
#include <string.h>

enum string_col {
	COL_INPUT,
	COL_KIND,
	COL_VALID,
	COL_ITEM,
	COL_LEVEL,
	COL_MATCH,
	COL_CATEGORIES,
	COL_ITEMS,
	COL_WARNINGS,
};

/* The two kinds differ in what an item has behind its level; JSON has a row per string, with the items in it. */
#define STRING_COLS(name, help)                                                                          \
	{                                                                                                \
		[COL_INPUT] = { "INPUT", VD_COL_STR, VD_COL_JSON_ONLY, "the string as it was given" },   \
		[COL_KIND] = { "KIND", VD_COL_STR, VD_COL_JSON_ONLY, "filters or outputs" },             \
		[COL_VALID] = { "VALID", VD_COL_BOOL, 0, "whether libvirt takes it" },                   \
		[COL_ITEM] = { "ITEM", VD_COL_STR, VD_COL_TEXT_ONLY, "the item as it was given" },       \
		[COL_LEVEL] = { "LEVEL", VD_COL_STR, VD_COL_TEXT_ONLY, "the lowest level that passes" }, \
		[COL_MATCH] = { name, VD_COL_STR, VD_COL_TEXT_ONLY, help },                              \
		[COL_CATEGORIES] = { "CATEGORIES", VD_COL_NUM, VD_COL_TEXT_ONLY | VD_COL_HIDDEN,         \
			             "filters: how many log categories the pattern matches" },           \
		[COL_ITEMS] = { "ITEMS", VD_COL_VALUE, VD_COL_JSON_ONLY, "the items" },                  \
		[COL_WARNINGS] = { "WARNINGS", VD_COL_VALUE, VD_COL_JSON_ONLY,                           \
			           "what libvirt accepts but you may not mean" },                        \
	}

const struct vd_col vd_filter_string_cols[VD_N_STRING_COLS] = STRING_COLS("MATCH", "the pattern");
const struct vd_col vd_output_string_cols[VD_N_STRING_COLS] = STRING_COLS("DESTINATION", "with its path or name");

enum vd_exit vd_load_catalogue(struct vd_ctx *ctx, struct vd_catalogue *ret_catalogue)
{
	const char *given = vd_opt_str(ctx, "libvirt", NULL);
	VD_AUTO_ERR err = VD_ERR_INIT;
	unsigned version = 0;

	if (given && (vd_version_parse(given, &version) < 0 || !version))
		return vd_usage(ctx, "--libvirt: '%s' is not a version such as 9.0.0", given);
	if (!given)
		version = vd_ctx_host(ctx)->libvirt;
	if (vd_catalogue_load(version, ret_catalogue, &err) < 0)
		return vd_fail(ctx, &err);
	return VD_EXIT_OK;
}

static const char *const fit_names[] = {
	[VD_FIT_EXACT] = "exact",
	[VD_FIT_BETWEEN] = "between",
	[VD_FIT_NEWER] = "newer",
	[VD_FIT_OLDER] = "older",
};

/* The grammar of 9.0.0 was run and has not changed since; older ones were only read. */
static void note_era(struct vd_ctx *ctx, const struct vd_catalogue *catalogue, const char *version)
{
	if (catalogue->fit == VD_FIT_NEWER)
		vd_warn(ctx, "libvirt %s is newer than what virtdiag knows: judged as 11.3.0", version);
	if (catalogue->version >= VD_VERSION(9, 0, 0))
		return;
	vd_warn(ctx, "libvirt %s is judged by what its sources say, it was not run%s", version,
	        catalogue->fit == VD_FIT_BETWEEN ? "; log categories are those of the examined versions around it"
	        : catalogue->fit == VD_FIT_OLDER
	                ? "; it has no log categories but compares patterns with names of source files, of which there "
	                  "is no full list"
	                : "");
}

struct vd_report *vd_string_report_new(struct vd_ctx *ctx, const struct vd_catalogue *catalogue)
{
	struct vd_report *report = vd_report_new(ctx);
	char version[32];

	vd_version_format(catalogue->version, version);
	vd_report_extra(report, "libvirt", vd_value_str(version));
	vd_report_extra(report, "catalogue", vd_value_str(fit_names[catalogue->fit]));
	vd_report_extra(report, "confidence", vd_value_str(vd_filter_era_confidence(catalogue->version)));
	note_era(ctx, catalogue, version);
	return report;
}

void vd_parse_string(enum vd_log_kind kind, const char *text, struct vd_filters *ret_strings)
{
	vd_parse_string_as(kind, 0, text, ret_strings);
}

void vd_parse_string_as(enum vd_log_kind kind, unsigned version, const char *text, struct vd_filters *ret_strings)
{
	vd_need_memory(vd_filters_parse_as(kind, version, text, ret_strings, NULL) == 0);
}

/* --- JSON -----------------------------------------------------------------------------------------------------------
 */

static struct vd_value *span_value(const struct vd_filters *f, const struct vlog_span *span)
{
	return vd_value_strn(vd_filters_span(f, span), span->length);
}

static void set(struct vd_value *object, const char *key, struct vd_value *value)
{
	vd_need_memory(vd_value_set(object, key, value) == 0);
}

static struct vd_value *tri_value(enum vd_tri tri)
{
	return tri == VD_UNSURE ? vd_value_null() : vd_value_bool(tri == VD_YES);
}

static struct vd_value *item_value(const struct vd_filters *f, size_t index)
{
	const struct vd_filter_item *item = &f->items[index];
	const struct vlog_item *p = &item->parsed;
	struct vd_value *v = vd_value_object();
	bool outputs = f->kind == VD_LOG_OUTPUTS;

	vd_need_memory(v != NULL);
	set(v, "index", vd_value_int((int64_t)index));
	set(v, "column", vd_value_int((int64_t)vd_filters_column(f, p->fault.length ? &p->fault : &p->text)));
	set(v, "text", span_value(f, &p->text));
	set(v, "level", p->level || item->valid ? vd_value_int(p->level) : vd_value_null());
	set(v, outputs ? "destination" : "match", p->match.length ? span_value(f, &p->match) : vd_value_null());
	if (outputs)
		set(v, "argument", p->argument.length ? span_value(f, &p->argument) : vd_value_null());
	set(v, "valid", item->open ? vd_value_null() : vd_value_bool(item->valid));
	set(v, "error", vd_value_str(item->error));
	set(v, "hint", vd_value_str(item->hint));
	set(v, "applied", tri_value(item->applied));
	set(v, "note", vd_value_str(item->open));
	return v;
}

static struct vd_value *items_value(const struct vd_filters *f)
{
	struct vd_value *array = vd_value_array();

	vd_need_memory(array != NULL);
	for (size_t i = 0; i < f->count; i++)
		vd_need_memory(vd_value_append(array, item_value(f, i)) == 0);
	return array;
}

static struct vd_value *warnings_value(const struct vd_filter_warnings *w)
{
	struct vd_value *array = vd_value_array();

	vd_need_memory(array != NULL);
	for (size_t i = 0; i < w->count; i++) {
		struct vd_value *v = vd_value_object();

		vd_need_memory(v != NULL);
		set(v, "id", vd_value_str(w->items[i].id));
		set(v, "item", w->items[i].item < 0 ? vd_value_null() : vd_value_int(w->items[i].item));
		set(v, "message", vd_value_str(w->items[i].message));
		vd_need_memory(vd_value_append(array, v) == 0);
	}
	return array;
}

static void add_json_row(struct vd_table *table, const struct vd_filters *f, const struct vd_filter_warnings *w)
{
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_INPUT, f->text);
	vd_row_str(row, COL_KIND, vd_log_kind_name(f->kind));
	if (f->invalid || !f->open)
		vd_row_bool(row, COL_VALID, !f->invalid);
	vd_row_value(row, COL_ITEMS, items_value(f));
	vd_row_value(row, COL_WARNINGS, warnings_value(w));
}

/* --- text -----------------------------------------------------------------------------------------------------------
 */

static size_t count_matches(const struct vd_filters *f, size_t index, const struct vd_catalogue *catalogue)
{
	size_t n = 0;

	for (size_t i = 0; i < catalogue->count; i++)
		n += vd_filters_item_matches(f, index, &catalogue->items[i]) == VD_YES;
	return n;
}

static void add_text_row(struct vd_table *table, const struct vd_filters *f, size_t index,
                         const struct vd_catalogue *catalogue)
{
	const struct vlog_item *p = &f->items[index].parsed;
	struct vd_row *row = vd_table_row(table, NULL);
	bool valid = f->items[index].valid, open = f->items[index].open != NULL;

	vd_row_bool(row, COL_VALID, valid);
	vd_row_text(row, COL_VALID, valid ? "yes" : open ? "unknown" : "no");
	vd_row_hue(row, COL_VALID, valid ? VD_HUE_GOOD : open ? VD_HUE_WARN : VD_HUE_BAD);
	vd_row_strn(row, COL_ITEM, vd_filters_span(f, &p->text), p->text.length);
	if (!valid)
		return;
	vd_row_str(row, COL_LEVEL, p->level ? vlog_level_name(p->level) : "0");
	/* A destination and what follows it are one stretch of the string. */
	if (f->kind == VD_LOG_OUTPUTS) {
		vd_row_strn(row, COL_MATCH, vd_filters_span(f, &p->match),
		            p->text.offset + p->text.length - p->match.offset);
	} else {
		vd_row_strn(row, COL_MATCH, vd_filters_span(f, &p->match), p->match.length);
		vd_row_num(row, COL_CATEGORIES, (int64_t)count_matches(f, index, catalogue));
	}
}

/* How many columns of the terminal the first @len bytes take once they are escaped. */
static size_t shown_width(const char *s, size_t len)
{
	VD_AUTO_BUF shown = VD_BUF_INIT;
	size_t width = 0;

	vd_need_memory(vd_buf_add_escaped(&shown, s, len) == 0);
	for (size_t at = 0; at < shown.len; width++) {
		size_t n = vd_utf8_next(shown.data + at, shown.len - at, NULL);

		at += n ? n : 1;
	}
	return width;
}

/* The string, and under it "^~~~" for the part that is wrong. */
static void add_caret(struct vd_report *report, const struct vd_filters *f, const struct vlog_span *fault)
{
	size_t before = shown_width(f->text, fault->offset);
	size_t width = shown_width(f->text, fault->offset + fault->length) - before;
	VD_AUTO_BUF line = VD_BUF_INIT;

	for (size_t i = 0; i < before; i++)
		vd_need_memory(vd_buf_addc(&line, ' ') == 0);
	vd_need_memory(vd_buf_addc(&line, '^') == 0);
	for (size_t i = 1; i < width; i++)
		vd_need_memory(vd_buf_addc(&line, '~') == 0);
	vd_report_line(report, "  %s", vd_esc(report, f->text));
	vd_report_line(report, "  %s", line.data);
}

static void add_errors(struct vd_report *report, const struct vd_filters *strings)
{
	for (size_t i = 0; i < strings->count; i++) {
		const struct vd_filter_item *item = &strings->items[i];

		if (item->open) {
			vd_report_mark(report, VD_HUE_WARN, "unknown: %s", item->open);
			add_caret(report, strings,
			          item->parsed.fault.length ? &item->parsed.fault : &item->parsed.text);
			vd_report_unknown(report);
		}
		if (item->valid || item->open)
			continue;
		vd_report_mark(report, VD_HUE_BAD, "error: %s", vd_esc(report, item->error));
		add_caret(report, strings, &item->parsed.fault);
		if (item->hint)
			vd_report_line(report, "  %s", vd_esc(report, item->hint));
	}
	if (strings->invalid)
		vd_report_problem(report);
}

void vd_report_string_errors(struct vd_ctx *ctx, struct vd_report *report, const struct vd_filters *strings)
{
	VD_AUTO_FILTER_WARNINGS none = VD_FILTER_WARNINGS_INIT;

	if (ctx->json)
		add_json_row(
		        vd_report_table(report, "strings",
		                        strings->kind == VD_LOG_OUTPUTS ? vd_output_string_cols : vd_filter_string_cols,
		                        VD_N_STRING_COLS),
		        strings, &none);
	add_errors(report, strings);
}

static void add_warnings(struct vd_report *report, const struct vd_filter_warnings *w)
{
	for (size_t i = 0; i < w->count; i++) {
		vd_report_mark(report, VD_HUE_WARN, "warning: %s: %s", w->items[i].id,
		               vd_esc(report, w->items[i].message));
		vd_report_warning(report);
	}
}

/* How many items stand before the first one that is not surely in force. */
static size_t count_applied(const struct vd_filters *f)
{
	size_t n = 0;

	while (n < f->count && f->items[n].applied == VD_YES)
		n++;
	return n;
}

static void add_empty_summary(struct vd_report *report, const struct vd_filters *f)
{
	/* An empty value could not be given at run time before 3.0.0, and in the configuration it means unset. */
	if (f->era.version < VD_VERSION(3, 0, 0))
		vd_report_line(report, "An empty string sets nothing.");
	else
		vd_report_line(report, f->kind == VD_LOG_FILTERS ? "An empty string removes all filters."
		                                                 : "An empty string brings back the default output.");
}

static void add_summary(struct vd_report *report, const struct vd_filters *f, const struct vd_catalogue *catalogue)
{
	char version[32];
	size_t applied = count_applied(f);

	vd_version_format(catalogue->version, version);
	if (f->era.item_by_item && (f->invalid || f->open))
		vd_report_line(report, "libvirt %s stops at the first bad item: %zu of %zu items %s in force.", version,
		               applied, f->count, applied == 1 ? "is" : "are");
	else if (!f->invalid && f->open)
		vd_report_line(report, "Whether libvirt %s takes the string is not known.", version);
	else if (f->invalid)
		vd_report_line(report, "libvirt %s refuses the whole string: %zu of %zu items %s invalid.", version,
		               f->invalid, f->count, f->invalid == 1 ? "is" : "are");
	else if (!f->count)
		add_empty_summary(report, f);
	/* 9.0.0 does not start with it; in which version between them that began is not known. */
	if (f->invalid && !f->era.item_by_item && f->era.version <= VD_VERSION(7, 0, 0))
		vd_report_line(report,
		               "In a configuration file or the environment it is ignored, and the daemon goes on.");
}

void vd_report_string(struct vd_ctx *ctx, struct vd_report *report, const struct vd_catalogue *catalogue,
                      const struct vd_filters *strings, const struct vd_filter_warnings *warnings)
{
	struct vd_table *table = vd_report_table(report, "strings", NULL, 0);

	if (ctx->json)
		add_json_row(table, strings, warnings);
	for (size_t i = 0; !ctx->json && i < strings->count; i++)
		add_text_row(table, strings, i, catalogue);
	if (strings->count && (strings->invalid || strings->open || warnings->count))
		vd_report_line(report, "%s", "");
	add_errors(report, strings);
	add_warnings(report, warnings);
	if (strings->count || !strings->len)
		add_summary(report, strings, catalogue);
}
