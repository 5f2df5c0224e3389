/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"

/* Trees of a control group or a backing chain stay far below. */
#define MAX_DEPTH 20

static void set(struct vd_value *object, const char *key, struct vd_value *item)
{
	vd_report_check(vd_value_set(object, key, vd_report_need(item)));
}

static struct vd_value *rfc3339(int64_t t)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	vd_report_check(vd_time_rfc3339(&buf, t));
	return vd_report_need(vd_value_str(vd_buf_str(&buf)));
}

static struct vd_value *cell_value(struct vd_cell *cell, const struct vd_col *col)
{
	struct vd_value *v = NULL;

	switch (cell->kind) {
	case VD_CELL_ABSENT:
		v = col->type == VD_COL_FLAGS ? vd_value_array() : vd_value_null();
		break;
	case VD_CELL_STR:
		v = vd_value_strn(cell->str, cell->len);
		break;
	case VD_CELL_NUM:
		v = col->type == VD_COL_TIME ? rfc3339(cell->num) : vd_value_int(cell->num);
		break;
	case VD_CELL_DOUBLE:
		v = vd_value_double(cell->real);
		break;
	case VD_CELL_BOOL:
		v = vd_value_bool(cell->num);
		break;
	case VD_CELL_FLAGS:
	case VD_CELL_VALUE:
		/* Printed once: the document takes it over. */
		v = cell->value;
		cell->kind = VD_CELL_ABSENT;
		break;
	}
	return vd_report_need(v);
}

static void json_key(const char *name, char *buf, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		buf[i] = name[i] == '-' ? '_' : (char)tolower((unsigned char)name[i]);
	buf[i] = '\0';
}

static bool is_tree(const struct vd_table *table)
{
	for (size_t i = 0; i < table->n_cols; i++)
		if (table->cols[i].flags & VD_COL_TREE)
			return true;
	return false;
}

static struct vd_value *row_value(struct vd_row *row, bool tree, unsigned depth)
{
	const struct vd_table *table = row->table;
	struct vd_value *v = vd_report_need(vd_value_object()), *children;
	char key[64];

	for (size_t i = 0; i < table->n_cols; i++) {
		if (table->cols[i].flags & VD_COL_TEXT_ONLY)
			continue;
		json_key(table->cols[i].name, key, sizeof(key));
		set(v, key, cell_value(&row->cells[i], &table->cols[i]));
	}
	if (!tree && !row->first)
		return v;
	children = vd_report_need(vd_value_array());
	for (struct vd_row *c = depth < MAX_DEPTH ? row->first : NULL; c; c = c->sibling)
		vd_report_check(vd_value_append(children, row_value(c, tree, depth + 1)));
	set(v, "children", children);
	return v;
}

/* All tables with the key of @first become one array; those before it had another key. */
static void add_rows(struct vd_report *report, size_t first, struct vd_value *doc)
{
	const char *key = report->items[first].table->key;
	struct vd_value *rows;

	if (vd_value_find(doc, key))
		return;
	rows = vd_report_need(vd_value_array());
	for (size_t i = first; i < report->n_items; i++) {
		struct vd_table *table = report->items[i].table;

		if (!table || strcmp(table->key, key))
			continue;
		for (struct vd_row *row = table->rows; row; row = row->next)
			if (!row->parent)
				vd_report_check(vd_value_append(rows, row_value(row, is_tree(table), 0)));
	}
	set(doc, key, rows);
}

static struct vd_value *host_value(struct vd_ctx *ctx)
{
	const struct vd_host *host = vd_ctx_host(ctx);
	struct vd_value *v = vd_report_need(vd_value_object());
	char version[32];

	set(v, "name", vd_value_str(host->name));
	set(v, "machine_id", vd_value_str(host->machine_id));
	set(v, "libvirt", vd_value_str(host->libvirt ? vd_version_format(host->libvirt, version) : NULL));
	set(v, "root", vd_value_str(ctx->root ? vd_root_dir(ctx->root) : ctx->root_dir ? ctx->root_dir : "/"));
	return v;
}

/* What was said on standard error belongs to the document: nobody who reads JSON looks there. */
static void add_errors(struct vd_report *report)
{
	const struct vd_ctx *ctx = report->ctx;

	for (size_t i = 0; ctx->said && i < ctx->said->errors.len; i++) {
		struct vd_value *item = vd_report_need(vd_value_object());

		set(item, "what", vd_value_str(ctx->command_name ? ctx->command_name : "command line"));
		set(item, "why", vd_value_str(ctx->said->errors.items[i]));
		vd_report_check(vd_value_append(report->missing, item));
	}
}

void vd_report_json(struct vd_report *report, FILE *out)
{
	VD_AUTO_VALUE struct vd_value *doc = vd_report_need(vd_value_object());
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_ctx *ctx = report->ctx;
	bool lines = ctx->cmd && ctx->cmd->flags & VD_CMD_JSON_LINES;

	add_errors(report);
	set(doc, "schema", vd_value_str("virtdiag/1"));
	set(doc, "command", vd_value_str(ctx->command_name));
	set(doc, "host", host_value(ctx));
	set(doc, "time", rfc3339(time(NULL)));
	set(doc, "status", vd_value_str(vd_report_status_word(report)));
	for (size_t i = 0; i < report->n_items; i++)
		if (report->items[i].table)
			add_rows(report, i, doc);
	if (ctx->cmd && ctx->cmd->rows && !vd_value_find(doc, ctx->cmd->rows))
		set(doc, ctx->cmd->rows, vd_value_array());
	for (size_t i = 0; i < report->n_extras; i++)
		set(doc, report->extras[i].key, vd_steal(report->extras[i].value));
	set(doc, "missing", vd_steal(report->missing));
	vd_report_check(vd_json_print(&text, doc, !lines));
	fwrite(vd_buf_str(&text), 1, text.len, out);
	if (text.len && text.data[text.len - 1] != '\n')
		fputc('\n', out);
	if (ctx->said)
		ctx->said->json = true;
}
