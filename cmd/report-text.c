/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-internal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libsmartcols.h>

static const char *const hues[] = {
	[VD_HUE_NONE] = NULL,       [VD_HUE_GOOD] = "\033[32m", [VD_HUE_BAD] = "\033[1;31m",
	[VD_HUE_WARN] = "\033[33m", [VD_HUE_DIM] = "\033[2m",   [VD_HUE_BOLD] = "\033[1m",
};

/* --- cells ----------------------------------------------------------------------------------------------------- */

static void add_escaped(struct vd_buf *buf, const char *s, size_t len)
{
	vd_report_check(vd_buf_add_escaped(buf, s, len));
}

/*
 * A word of raw output: what is blank or unfit for a terminal, and the backslash, as \xHH, so that a row splits at its
 * blanks and every byte can be had back.
 */
static void add_raw(struct vd_buf *buf, const char *s, size_t len)
{
	VD_AUTO_BUF shown = VD_BUF_INIT;

	for (size_t i = 0, n; i < len; i += n) {
		n = vd_utf8_next(s + i, len - i, NULL);
		vd_buf_clear(&shown);
		add_escaped(&shown, s + i, n ? n : 1);
		if (n && shown.len == n && s[i] != ' ' && s[i] != '\\') {
			vd_report_check(vd_buf_add(buf, s + i, n));
			continue;
		}
		n = n ? n : 1;
		for (size_t k = 0; k < n; k++)
			vd_report_check(vd_buf_addf(buf, "\\x%02x", (unsigned char)s[i + k]));
	}
}

static void add_flags(struct vd_buf *buf, const struct vd_value *flags)
{
	for (size_t i = 0; i < vd_value_count(flags); i++) {
		size_t len = 0;
		const char *s = vd_value_get_str(vd_value_item(flags, i), &len);

		if (i)
			vd_report_check(vd_buf_addc(buf, ','));
		if (s)
			vd_report_check(vd_buf_add(buf, s, len));
	}
}

static void add_number(struct vd_buf *buf, const struct vd_ctx *ctx, enum vd_col_type type, int64_t n)
{
	int r;

	if (type == VD_COL_TIME)
		r = ctx->raw ? vd_time_rfc3339(buf, n) : vd_time_text(buf, n, ctx->local_time);
	else if (type == VD_COL_BYTES && !ctx->raw)
		r = vd_bytes_text(buf, n);
	else
		r = vd_buf_addf(buf, "%lld", (long long)n);
	vd_report_check(r);
}

static void add_double(struct vd_buf *buf, const struct vd_ctx *ctx, enum vd_col_type type, double d)
{
	int r;

	if (ctx->raw)
		r = vd_buf_addf(buf, "%.15g", d);
	else if (type == VD_COL_CPU)
		r = vd_cpu_text(buf, d);
	else
		r = vd_buf_addf(buf, "%.1f", d);
	vd_report_check(r);
}

/* The text of a cell into @buf (cleared first), fit for the terminal; "-" when it is absent or empty. */
static void cell_text(const struct vd_ctx *ctx, const struct vd_cell *cell, const struct vd_col *col,
                      struct vd_buf *buf)
{
	VD_AUTO_BUF host = VD_BUF_INIT;

	vd_buf_clear(buf);
	if (cell->text && !ctx->raw) {
		/* Safe already; libsmartcols never comes back from a byte that is not UTF-8, so make sure. */
		add_escaped(buf, cell->text, strlen(cell->text));
		return;
	}
	switch (cell->kind) {
	case VD_CELL_STR:
		vd_report_check(vd_buf_add(&host, cell->str, cell->len));
		break;
	case VD_CELL_FLAGS:
		add_flags(&host, cell->value);
		break;
	case VD_CELL_NUM:
		add_number(&host, ctx, col->type, cell->num);
		break;
	case VD_CELL_DOUBLE:
		add_double(&host, ctx, col->type, cell->real);
		break;
	case VD_CELL_BOOL:
		if (cell->num)
			vd_report_check(vd_buf_adds(buf, "yes"));
		break;
	case VD_CELL_ABSENT:
	case VD_CELL_VALUE:
		break;
	}
	if (host.len && ctx->raw)
		add_raw(buf, host.data, host.len);
	else if (host.len)
		add_escaped(buf, host.data, host.len);
	if (!buf->len)
		vd_report_check(vd_buf_addc(buf, '-'));
}

/* --- which columns --------------------------------------------------------------------------------------------- */

struct chosen {
	size_t *cols; /* owned: numbers of the columns to show, in order */
	size_t n;
};

static void choose(struct chosen *c, size_t col)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->cols[i] == col)
			return;
	c->cols[c->n++] = col;
}

static void choose_defaults(struct chosen *c, const struct vd_table *table)
{
	const unsigned not_shown = VD_COL_HIDDEN | VD_COL_JSON_ONLY;

	for (size_t i = 0; i < table->n_cols; i++)
		if (!(table->cols[i].flags & not_shown) && table->cols[i].type != VD_COL_VALUE)
			choose(c, i);
}

/* The columns of -o; the default ones without it, or when -o names none of this table. */
static void choose_columns(const struct vd_ctx *ctx, const struct vd_table *table, struct chosen *c)
{
	const char *s = ctx->columns;

	c->cols = vd_report_need(calloc(table->n_cols ? table->n_cols : 1, sizeof(*c->cols)));
	if (!s || *s == '+')
		choose_defaults(c, table);
	for (s = s && *s == '+' ? s + 1 : s; s && *s;) {
		size_t len = strcspn(s, ",");

		for (size_t i = 0; i < table->n_cols; i++)
			if (strlen(table->cols[i].name) == len && !strncasecmp(table->cols[i].name, s, len))
				choose(c, i);
		s += len + (s[len] == ',');
	}
	if (!c->n)
		choose_defaults(c, table);
}

/* --- tables ---------------------------------------------------------------------------------------------------- */

static void print_raw(const struct vd_report *report, const struct vd_table *table, const struct chosen *c, FILE *out)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; i < c->n && !report->ctx->no_headings; i++)
		fprintf(out, "%s%s", table->cols[c->cols[i]].name, i + 1 < c->n ? " " : "\n");
	for (const struct vd_row *row = table->rows; row; row = row->next) {
		for (size_t i = 0; i < c->n; i++) {
			size_t col = c->cols[i];

			cell_text(report->ctx, &row->cells[col], &table->cols[col], &text);
			fprintf(out, "%s%s", vd_buf_str(&text), i + 1 < c->n ? " " : "\n");
		}
	}
}

static int column_flags(const struct vd_col *col)
{
	int flags = 0;

	if (col->flags & VD_COL_RIGHT || col->type == VD_COL_NUM || col->type == VD_COL_BYTES ||
	    col->type == VD_COL_CPU || col->type == VD_COL_PERCENT)
		flags |= SCOLS_FL_RIGHT;
	if (col->flags & VD_COL_TREE)
		flags |= SCOLS_FL_TREE;
	if (col->flags & VD_COL_TRUNC)
		flags |= SCOLS_FL_TRUNC;
	return flags;
}

static void fill_line(const struct vd_report *report, const struct vd_row *row, const struct chosen *c,
                      struct libscols_line *line, struct vd_buf *text)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct vd_cell *cell = &row->cells[c->cols[i]];
		struct libscols_cell *target;

		cell_text(report->ctx, cell, &row->table->cols[c->cols[i]], text);
		vd_report_check(scols_line_set_data(line, i, vd_buf_str(text)));
		target = scols_line_get_cell(line, i);
		if (report->color && hues[cell->hue] && target)
			vd_report_check(scols_cell_set_color(target, hues[cell->hue]));
	}
}

static struct libscols_table *make_table(const struct vd_report *report, const struct vd_table *table,
                                         const struct chosen *c, size_t width, FILE *out)
{
	struct libscols_table *tb = vd_report_need(scols_new_table());
	const struct vd_ctx *ctx = report->ctx;

	scols_table_set_stream(tb, out);
	/*
	 * The text is made safe already; escaping it again would spoil it. But without any UTF-8 locale the library
	 * has to: it would not come back from the first character beyond ASCII.
	 */
	scols_table_enable_noencoding(tb, !strcmp(nl_langinfo(CODESET), "UTF-8"));
	vd_report_check(scols_table_set_column_separator(tb, "  "));
	scols_table_enable_colors(tb, report->color);
	scols_table_enable_noheadings(tb, ctx->no_headings);
	scols_table_enable_ascii(tb, ctx->ascii);
	scols_table_set_termforce(tb, width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (width)
		scols_table_set_termwidth(tb, width);
	for (size_t i = 0; i < c->n; i++) {
		const struct vd_col *col = &table->cols[c->cols[i]];

		vd_report_need(scols_table_new_column(tb, col->name, 0, column_flags(col)));
	}
	return tb;
}

static void pad(struct vd_buf *buf, size_t n)
{
	vd_report_check(vd_buf_reserve(buf, n));
	memset(buf->data + buf->len, ' ', n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

/* @cells: the texts of the chosen columns of one row, each with its NUL. Returns what follows them. */
static const char *add_plain_row(struct vd_buf *page, const struct vd_table *table, const struct chosen *c,
                                 const size_t *widths, const char *cells)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t len = strlen(cells);
		bool right = column_flags(&table->cols[c->cols[i]]) & SCOLS_FL_RIGHT;

		if (right)
			pad(page, widths[i] - len);
		vd_report_check(vd_buf_add(page, cells, len));
		if (!right && i + 1 < c->n)
			pad(page, widths[i] - len);
		vd_report_check(vd_buf_adds(page, i + 1 < c->n ? "  " : "\n"));
		cells += len + 1;
	}
	return cells;
}

/* Adds @text with its NUL to @cells and widens the column. False when its width is not its number of bytes. */
static bool add_plain_cell(struct vd_buf *cells, const char *text, size_t len, size_t *width)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	vd_report_check(vd_buf_add(cells, text, len + 1));
	if (len > *width)
		*width = len;
	return true;
}

/*
 * A table without colour, tree and terminal, all of ASCII, as libsmartcols prints it, at a tenth of the cost: pages of
 * many guests have one table for each. False, with nothing printed, when the table is of another kind.
 */
static bool print_plain(const struct vd_report *report, const struct vd_table *table, const struct chosen *c, FILE *out)
{
	VD_AUTO_BUF cells = VD_BUF_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_BUF page = VD_BUF_INIT;
	VD_AUTO_FREE size_t *widths = vd_report_need(calloc(c->n, sizeof(*widths)));
	const char *at;

	if (report->color || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return false;
	for (size_t i = 0; i < c->n; i++) {
		const struct vd_col *col = &table->cols[c->cols[i]];

		if (col->flags & VD_COL_TREE || !add_plain_cell(&cells, col->name, strlen(col->name), &widths[i]))
			return false;
	}
	for (const struct vd_row *row = table->rows; row; row = row->next) {
		for (size_t i = 0; i < c->n; i++) {
			cell_text(report->ctx, &row->cells[c->cols[i]], &table->cols[c->cols[i]], &text);
			if (!add_plain_cell(&cells, vd_buf_str(&text), text.len, &widths[i]))
				return false;
		}
	}
	at = vd_buf_str(&cells);
	for (size_t n = 0; n <= table->n_rows; n++) {
		at = add_plain_row(&page, table, c, widths, at);
		/* The headings are left out, the room that they take is not. */
		if (n == 0 && report->ctx->no_headings)
			vd_buf_clear(&page);
	}
	fwrite(vd_buf_str(&page), 1, page.len, out);
	return true;
}

static void print_table(const struct vd_report *report, const struct vd_table *table, size_t width, FILE *out)
{
	struct chosen c = { NULL, 0 };
	struct libscols_table *tb;
	VD_AUTO_BUF text = VD_BUF_INIT;

	choose_columns(report->ctx, table, &c);
	if (report->ctx->raw) {
		print_raw(report, table, &c, out);
		free(c.cols);
		return;
	}
	if (!width && print_plain(report, table, &c, out)) {
		free(c.cols);
		return;
	}
	tb = make_table(report, table, &c, width, out);
	for (struct vd_row *row = table->rows; row; row = row->next) {
		struct libscols_line *parent = row->parent ? row->parent->line : NULL;

		row->line = vd_report_need(scols_table_new_line(tb, parent));
		fill_line(report, row, &c, row->line, &text);
	}
	vd_report_check(scols_print_table(tb));
	scols_unref_table(tb);
	free(c.cols);
}

/* --- the page -------------------------------------------------------------------------------------------------- */

static void print_line(const struct vd_report *report, const struct vd_item *item, FILE *out)
{
	int mark = (int)strcspn(item->text, " ");

	if (report->color && hues[item->hue])
		fprintf(out, "%s%.*s\033[0m%s", hues[item->hue], mark, item->text, item->text + mark);
	else
		fputs(item->text, out);
	fputc('\n', out);
}

void vd_report_text(struct vd_report *report, FILE *out, size_t width)
{
	setlocale(LC_CTYPE, "");
	/* Widths are counted in characters, and names are UTF-8 whatever the locale says. */
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
		report->ctx->ascii = true;
		setlocale(LC_CTYPE, "C.UTF-8");
	}
	for (size_t i = 0; i < report->n_items; i++) {
		const struct vd_item *item = &report->items[i];

		/* Raw output is for programs: rows and nothing else. */
		if (!item->table && !report->ctx->raw)
			print_line(report, item, out);
		else if (item->table && item->table->n_rows)
			print_table(report, item->table, width, out);
	}
}
