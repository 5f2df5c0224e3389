/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One result, two renderers: text (tables and trees by libsmartcols, headers, detail blocks) or the JSON envelope of
 * design 1.1. Commands fill it and never print results themselves. Without memory the program ends with status 3:
 * functions here do not fail.
 */

#include "command.h"
#include "value.h"

enum vd_col_type {
	VD_COL_STR,     /* host text; escaped for the terminal */
	VD_COL_NUM,     /* integer, right-aligned */
	VD_COL_BYTES,   /* integer; text 1.5G; JSON bytes */
	VD_COL_CPU,     /* double seconds; text 9d04h, 4h12m, 3.20s; JSON seconds */
	VD_COL_PERCENT, /* double */
	VD_COL_TIME,    /* integer seconds since the epoch; text 2026-11-23 03:02:01Z; JSON RFC 3339 string */
	VD_COL_BOOL,    /* text yes or - */
	VD_COL_FLAGS,   /* array of strings; text comma separated */
	VD_COL_VALUE,   /* any JSON value; never in text */
};

enum vd_col_flags {
	VD_COL_HIDDEN = 1 << 0, /* text: only when asked for with -o; JSON: always */
	VD_COL_RIGHT = 1 << 1,
	VD_COL_TREE = 1 << 2,  /* carries the tree lines */
	VD_COL_TRUNC = 1 << 3, /* may be cut when the terminal is too narrow */
	VD_COL_JSON_ONLY = 1 << 4,
	VD_COL_TEXT_ONLY = 1 << 5,
};

struct vd_col {
	const char *name; /* upper case; the JSON key is the lower-case form with '-' as '_' */
	enum vd_col_type type;
	unsigned flags;
	const char *help; /* one line */
};

enum vd_hue {
	VD_HUE_NONE,
	VD_HUE_GOOD,
	VD_HUE_BAD,
	VD_HUE_WARN,
	VD_HUE_DIM,
	VD_HUE_BOLD
};

struct vd_report;
struct vd_table;
struct vd_row;

/* Begin the report of the command that runs. */
struct vd_report *vd_report_new(struct vd_ctx *ctx);

/*
 * Add a table. Rows of several tables with the same @key form one JSON array. In text it stands where it was added
 * and is left out when it has no rows. Columns are the command's own (ctx->cmd->cols) when @cols is NULL.
 */
struct vd_table *vd_report_table(struct vd_report *report, const char *key, const struct vd_col *cols, size_t n_cols);
/* Add a row, below @parent in a tree (NULL: top level). JSON: "children" of the parent. */
struct vd_row *vd_table_row(struct vd_table *table, struct vd_row *parent);

/* Set a cell by column number. Cells that are not set are absent: "-" in text, null in JSON. */
void vd_row_str(struct vd_row *row, size_t col, const char *s); /* NULL: absent */
void vd_row_strn(struct vd_row *row, size_t col, const char *s, size_t len);
void vd_row_num(struct vd_row *row, size_t col, int64_t n);   /* NUM, BYTES, TIME */
void vd_row_double(struct vd_row *row, size_t col, double d); /* CPU, PERCENT */
void vd_row_bool(struct vd_row *row, size_t col, bool b);
void vd_row_flag(struct vd_row *row, size_t col, const char *flag);    /* adds one; VD_COL_FLAGS is [] when none */
void vd_row_value(struct vd_row *row, size_t col, struct vd_value *v); /* owned by the row from now on */
/* What text shows in place of the value, for example "same"; not escaped further. */
void vd_row_text(struct vd_row *row, size_t col, const char *text);
void vd_row_hue(struct vd_row *row, size_t col, enum vd_hue hue);

/* A line of text at this place (text output only). Host data in arguments must be escaped with vd_esc() first. */
void vd_report_line(struct vd_report *report, const char *fmt, ...) VD_PRINTF(2, 3);
/* The same with a hue for the words before the first space. */
void vd_report_mark(struct vd_report *report, enum vd_hue hue, const char *fmt, ...) VD_PRINTF(3, 4);
/* A further key at the top of the JSON document; @v is owned by the report. */
void vd_report_extra(struct vd_report *report, const char *key, struct vd_value *v);
/* Evidence that could not be read: JSON "missing"; text: a line on stderr. Makes the status at least unknown when
 * @matters. */
void vd_report_missing(struct vd_report *report, const char *what, const char *why, bool matters);
/* A problem was found: status problems, exit 1. */
void vd_report_problem(struct vd_report *report);
/* No verdict is possible on something: exit 3 unless a problem is found. */
void vd_report_unknown(struct vd_report *report);
/* A warning: a problem with --strict, nothing else. */
void vd_report_warning(struct vd_report *report);

/* Print everything, free @report, return the exit status. */
enum vd_exit vd_report_finish(struct vd_report *report);
/* Free @report and print nothing. */
void vd_report_discard(struct vd_report *report);

/* Ends the program with status 3 unless @ok: there is no way to report without memory. */
void vd_need_memory(bool ok);

/*
 * Print the JSON document of a command that failed before it had a report: no rows, ctx->said->errors in "missing",
 * status unknown. @ctx may be that of a command line that is wrong: then there may be no command.
 */
void vd_report_failure(struct vd_ctx *ctx);

/* Escape host text for the terminal. The result lives until the report is finished. */
const char *vd_esc(struct vd_report *report, const char *s);
/* A shell line of @argv ("chcon -t virt_content_t -l s0 -- /srv/a.img"); NULL when an argument cannot be quoted. */
const char *vd_shell_line(struct vd_report *report, const char *const *argv);
/* An array value of strings from a NULL-terminated vector. */
struct vd_value *vd_value_strings(const char *const *argv);
/* Is text output coloured? */
bool vd_report_color(const struct vd_report *report);
