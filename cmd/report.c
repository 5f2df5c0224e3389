/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- memory ---------------------------------------------------------------------------------------------------- */

void vd_report_oom(void)
{
	fputs("virtdiag: out of memory\n", stderr);
	exit(VD_EXIT_UNKNOWN);
}

void vd_need_memory(bool ok)
{
	if (!ok)
		vd_report_oom();
}

void *vd_report_need(void *p)
{
	vd_need_memory(p);
	return p;
}

void vd_report_check(int r)
{
	if (r < 0)
		vd_report_oom();
}

/* Room for a thousand texts; what is longer gets a chunk of its own. */
#define CHUNK 65536u

struct vd_chunk {
	struct vd_chunk *next;
	max_align_t data[];
};

/* @size bytes for as long as the report lives. */
static void *pool_get(struct vd_pool *pool, size_t size)
{
	const size_t unit = sizeof(max_align_t);
	struct vd_chunk *chunk;
	char *p;

	if (size > SIZE_MAX / 2)
		vd_report_oom();
	size = (size + unit - 1) / unit * unit;
	if (size > pool->left) {
		size_t room = size > CHUNK / 4 ? size : CHUNK;

		chunk = vd_report_need(malloc(sizeof(*chunk) + room));
		chunk->next = pool->chunks;
		pool->chunks = chunk;
		/* A large piece does not end the chunk that small ones come from. */
		if (room == size)
			return chunk->data;
		pool->at = (char *)chunk->data;
		pool->left = room;
	}
	p = pool->at;
	pool->at += size;
	pool->left -= size;
	return p;
}

static char *pool_text(struct vd_pool *pool, const char *s, size_t len)
{
	char *copy = pool_get(pool, len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

static void pool_release(struct vd_pool *pool)
{
	for (struct vd_chunk *chunk = pool->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

/* --- making ---------------------------------------------------------------------------------------------------- */

static bool env_set(const char *name)
{
	const char *s = getenv(name);

	return s && *s;
}

bool vd_want_color(const struct vd_ctx *ctx)
{
	const char *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");

	if (ctx->color != VD_COLOR_AUTO)
		return ctx->color == VD_COLOR_ALWAYS;
	if (env_set("NO_COLOR"))
		return false;
	if (force && *force && strcmp(force, "0"))
		return true;
	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

struct vd_report *vd_report_new(struct vd_ctx *ctx)
{
	struct vd_report *report = vd_report_need(calloc(1, sizeof(*report)));

	report->ctx = ctx;
	report->missing = vd_report_need(vd_value_array());
	report->color = !ctx->json && vd_want_color(ctx);
	return report;
}

bool vd_report_color(const struct vd_report *report)
{
	return report->color;
}

static struct vd_item *add_item(struct vd_report *report)
{
	if (report->n_items == report->cap_items) {
		report->cap_items = report->cap_items ? report->cap_items * 2 : 16;
		report->items = vd_report_need(realloc(report->items, report->cap_items * sizeof(*report->items)));
	}
	memset(&report->items[report->n_items], 0, sizeof(*report->items));
	return &report->items[report->n_items++];
}

struct vd_table *vd_report_table(struct vd_report *report, const char *key, const struct vd_col *cols, size_t n_cols)
{
	struct vd_table *table = pool_get(&report->pool, sizeof(*table));

	memset(table, 0, sizeof(*table));
	table->pool = &report->pool;
	table->key = pool_text(&report->pool, key, strlen(key));
	table->cols = cols ? cols : report->ctx->cmd->cols;
	table->n_cols = cols ? n_cols : report->ctx->cmd->n_cols;
	add_item(report)->table = table;
	return table;
}

struct vd_row *vd_table_row(struct vd_table *table, struct vd_row *parent)
{
	size_t size = sizeof(struct vd_row) + table->n_cols * sizeof(struct vd_cell);
	struct vd_row *row = pool_get(table->pool, size);

	memset(row, 0, size);
	row->table = table;
	row->parent = parent;
	if (table->last)
		table->last->next = row;
	else
		table->rows = row;
	table->last = row;
	table->n_rows++;
	if (parent) {
		if (parent->last)
			parent->last->sibling = row;
		else
			parent->first = row;
		parent->last = row;
	}
	return row;
}

/* --- cells ----------------------------------------------------------------------------------------------------- */

static void cell_release(struct vd_cell *cell)
{
	if (cell->kind == VD_CELL_FLAGS || cell->kind == VD_CELL_VALUE)
		vd_value_free(cell->value);
	cell->kind = VD_CELL_ABSENT;
}

/* The cell, emptied for a new value; its hue and text stay. */
static struct vd_cell *cell_for(struct vd_row *row, size_t col, enum vd_cell_kind kind)
{
	struct vd_cell *cell = &row->cells[col];

	cell_release(cell);
	cell->kind = kind;
	return cell;
}

void vd_row_str(struct vd_row *row, size_t col, const char *s)
{
	if (s)
		vd_row_strn(row, col, s, strlen(s));
	else
		cell_for(row, col, VD_CELL_ABSENT);
}

void vd_row_strn(struct vd_row *row, size_t col, const char *s, size_t len)
{
	char *copy = pool_text(row->table->pool, s, len);
	struct vd_cell *cell = cell_for(row, col, VD_CELL_STR);

	cell->str = copy;
	cell->len = len;
}

void vd_row_num(struct vd_row *row, size_t col, int64_t n)
{
	cell_for(row, col, VD_CELL_NUM)->num = n;
}

void vd_row_double(struct vd_row *row, size_t col, double d)
{
	cell_for(row, col, VD_CELL_DOUBLE)->real = d;
}

void vd_row_bool(struct vd_row *row, size_t col, bool b)
{
	cell_for(row, col, VD_CELL_BOOL)->num = b;
}

void vd_row_flag(struct vd_row *row, size_t col, const char *flag)
{
	struct vd_cell *cell = &row->cells[col];

	if (cell->kind != VD_CELL_FLAGS) {
		cell = cell_for(row, col, VD_CELL_FLAGS);
		cell->value = vd_report_need(vd_value_array());
	}
	vd_report_check(vd_value_append(cell->value, vd_value_str(flag)));
}

void vd_row_value(struct vd_row *row, size_t col, struct vd_value *v)
{
	cell_for(row, col, VD_CELL_VALUE)->value = vd_report_need(v);
}

void vd_row_text(struct vd_row *row, size_t col, const char *text)
{
	row->cells[col].text = pool_text(row->table->pool, text, strlen(text));
}

void vd_row_hue(struct vd_row *row, size_t col, enum vd_hue hue)
{
	row->cells[col].hue = hue;
}

/* --- lines, status --------------------------------------------------------------------------------------------- */

static void VD_PRINTF(3, 0) add_line(struct vd_report *report, enum vd_hue hue, const char *fmt, va_list ap)
{
	struct vd_item *item;
	char shown[512];
	char *text;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(shown, sizeof(shown), fmt, ap);
	if (n < 0)
		vd_report_oom();
	text = pool_get(&report->pool, (size_t)n + 1);
	if ((size_t)n < sizeof(shown))
		memcpy(text, shown, (size_t)n + 1);
	else
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	item = add_item(report);
	item->text = text;
	item->hue = hue;
}

void vd_report_line(struct vd_report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(report, VD_HUE_NONE, fmt, ap);
	va_end(ap);
}

void vd_report_mark(struct vd_report *report, enum vd_hue hue, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line(report, hue, fmt, ap);
	va_end(ap);
}

void vd_report_extra(struct vd_report *report, const char *key, struct vd_value *v)
{
	struct vd_extra *extra;

	report->extras = vd_report_need(realloc(report->extras, (report->n_extras + 1) * sizeof(*extra)));
	extra = &report->extras[report->n_extras++];
	extra->key = vd_report_need(strdup(key));
	extra->value = vd_report_need(v);
}

void vd_report_missing(struct vd_report *report, const char *what, const char *why, bool matters)
{
	struct vd_value *item;
	char *line = NULL;

	report->unknown |= matters;
	report->denied |= strstr(why, strerror(EACCES)) || strstr(why, strerror(EPERM));
	/* Errors of reading a file name it already. */
	if (asprintf(&line, "%c%s%s%s", matters ? '!' : '-', strstr(why, what) ? "" : what,
	             strstr(why, what) ? "" : ": ", why) < 0)
		vd_report_oom();
	/* Several checks may miss the same file: say it once. */
	if (vd_strv_has(&report->missing_lines, line)) {
		free(line);
		return;
	}
	vd_report_check(vd_strv_take(&report->missing_lines, line));
	item = vd_report_need(vd_value_object());
	vd_report_check(vd_value_set(item, "what", vd_value_str(what)));
	vd_report_check(vd_value_set(item, "why", vd_value_str(why)));
	vd_report_check(vd_value_append(report->missing, item));
}

void vd_report_problem(struct vd_report *report)
{
	report->problem = true;
}

void vd_report_unknown(struct vd_report *report)
{
	report->unknown = true;
}

void vd_report_warning(struct vd_report *report)
{
	report->warning = true;
}

enum vd_exit vd_report_exit(const struct vd_report *report)
{
	if (report->problem || (report->warning && report->ctx->strict))
		return VD_EXIT_PROBLEM;
	return report->unknown ? VD_EXIT_UNKNOWN : VD_EXIT_OK;
}

const char *vd_report_status_word(const struct vd_report *report)
{
	switch (vd_report_exit(report)) {
	case VD_EXIT_OK:
		return "ok";
	case VD_EXIT_PROBLEM:
		return "problems";
	default:
		return "unknown";
	}
}

/* --- helpers for commands -------------------------------------------------------------------------------------- */

const char *vd_esc(struct vd_report *report, const char *s)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	vd_report_check(vd_buf_add_escaped(&buf, s, strlen(s)));
	return pool_text(&report->pool, vd_buf_str(&buf), buf.len);
}

const char *vd_shell_line(struct vd_report *report, const char *const *argv)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	for (size_t i = 0; argv[i]; i++) {
		int r = i ? vd_buf_addc(&buf, ' ') : 0;

		if (!r)
			r = vd_buf_add_shell(&buf, argv[i]);
		if (r == -EILSEQ)
			return NULL;
		vd_report_check(r);
	}
	return pool_text(&report->pool, vd_buf_str(&buf), buf.len);
}

struct vd_value *vd_value_strings(const char *const *argv)
{
	struct vd_value *v = vd_report_need(vd_value_array());

	for (; *argv; argv++)
		vd_report_check(vd_value_append(v, vd_value_str(*argv)));
	return v;
}

/* --- printing -------------------------------------------------------------------------------------------------- */

static void print_missing(const struct vd_report *report)
{
	const struct vd_ctx *ctx = report->ctx;

	for (size_t i = 0; i < report->missing_lines.len; i++) {
		const char *line = report->missing_lines.items[i];

		if (*line == '!')
			vd_error(ctx, "not examined: %s", line + 1);
		else
			vd_warn(ctx, "not examined: %s", line + 1);
	}
	if (report->denied)
		vd_sudo_hint(ctx);
}

static void table_release(struct vd_table *table)
{
	for (struct vd_row *row = table ? table->rows : NULL; row; row = row->next)
		for (size_t i = 0; i < table->n_cols; i++)
			cell_release(&row->cells[i]);
}

static void report_free(struct vd_report *report)
{
	for (size_t i = 0; i < report->n_items; i++)
		table_release(report->items[i].table);
	free(report->items);
	for (size_t i = 0; i < report->n_extras; i++) {
		free(report->extras[i].key);
		vd_value_free(report->extras[i].value);
	}
	free(report->extras);
	vd_value_free(report->missing);
	vd_strv_release(&report->missing_lines);
	pool_release(&report->pool);
	free(report);
}

enum vd_exit vd_report_finish(struct vd_report *report)
{
	struct vd_pager pager;
	enum vd_exit status;
	size_t width;
	bool shown;

	/* What was said to have failed was not examined; the document and the exit status agree on that. */
	report->unknown |= report->ctx->said && report->ctx->said->errors.len;
	status = vd_report_exit(report);
	if (report->ctx->json) {
		vd_report_json(report, stdout);
	} else {
		width = vd_terminal_width();
		shown = vd_pager_open(report->ctx, &pager);
		if (shown) {
			vd_report_text(report, stdout, width);
			shown = vd_pager_close(report->ctx, &pager);
		}
		if (!shown)
			vd_report_text(report, stdout, width);
		print_missing(report);
	}
	report_free(report);
	return status;
}

void vd_report_failure(struct vd_ctx *ctx)
{
	struct vd_report *report = vd_report_new(ctx);

	/* The status is the caller's. */
	report->unknown = true;
	vd_report_json(report, stdout);
	report_free(report);
}

void vd_report_discard(struct vd_report *report)
{
	report_free(report);
}
