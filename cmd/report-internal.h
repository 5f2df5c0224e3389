/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What report.c and its two renderers share. Commands see report.h only. */

#include "report.h"

enum vd_cell_kind {
	VD_CELL_ABSENT,
	VD_CELL_STR,
	VD_CELL_NUM,
	VD_CELL_DOUBLE,
	VD_CELL_BOOL,
	VD_CELL_FLAGS, /* value: an array of strings */
	VD_CELL_VALUE,
};

struct vd_cell {
	enum vd_cell_kind kind;
	enum vd_hue hue;
	union {
		int64_t num;
		double real;
		struct vd_value *value; /* FLAGS and VALUE: owned */
		char *str;              /* STR: of the pool, len bytes and a NUL */
	};
	size_t len;
	char *text; /* vd_row_text(): of the pool; NULL */
};

/* Memory that lives as long as the report: a page of many guests has some ten thousand rows and texts. */
struct vd_pool {
	struct vd_chunk *chunks;
	char *at; /* what is left of the newest */
	size_t left;
};

struct vd_row {
	struct vd_table *table;
	struct vd_row *parent;
	struct vd_row *next;         /* in the table, in the order they were added */
	struct vd_row *first, *last; /* children */
	struct vd_row *sibling;      /* next child of the same parent */
	void *line;                  /* for the text renderer */
	struct vd_cell cells[];
};

struct vd_table {
	struct vd_pool *pool; /* the report's */
	char *key;            /* of the pool, as are the rows */
	const struct vd_col *cols;
	size_t n_cols;
	struct vd_row *rows, *last;
	size_t n_rows;
};

/* A thing on the page, in order. */
struct vd_item {
	struct vd_table *table; /* of the pool, as is all of it; NULL: a line of text */
	char *text;             /* of the pool */
	enum vd_hue hue;        /* of the text up to the first space */
};

struct vd_report {
	struct vd_ctx *ctx;
	struct vd_item *items;
	size_t n_items, cap_items;
	struct vd_extra {
		char *key;
		struct vd_value *value;
	} * extras; /* further keys of the JSON document */
	size_t n_extras;
	struct vd_value *missing; /* array of {what, why} */
	struct vd_strv missing_lines;
	bool denied; /* something is missing for lack of permission */
	bool problem, unknown, warning;
	struct vd_pool pool; /* also results of vd_esc() and vd_shell_line() */
	bool color;
};

/* "ok", "problems" or "unknown". */
const char *vd_report_status_word(const struct vd_report *report);
enum vd_exit vd_report_exit(const struct vd_report *report);

/* Print the JSON document to @out. */
void vd_report_json(struct vd_report *report, FILE *out);
/* Print lines and tables to @out. @width: of the terminal, 0 not a terminal. */
void vd_report_text(struct vd_report *report, FILE *out, size_t width);

/* As vd_need_memory(false). */
void vd_report_oom(void) __attribute__((noreturn));
/* @p, or the end of the program when it is NULL. */
void *vd_report_need(void *p);
/* The same for functions that return -ENOMEM. */
void vd_report_check(int r);

/* Is coloured output wanted? */
bool vd_want_color(const struct vd_ctx *ctx);
/* Is there a terminal at stdout? Its width, 80 when it does not say; 0 when there is none. */
size_t vd_terminal_width(void);
/*
 * Send what is written to stdout from here on through the user's pager, when stdout is a terminal and one is wanted.
 * vd_pager_close() waits for it. Returns false when there is none, or it cannot be run, with a warning; nothing is to
 * be closed then.
 */
struct vd_pager {
	pid_t pid;
	int saved_stdout;
};
bool vd_pager_open(const struct vd_ctx *ctx, struct vd_pager *ret_pager);
/* False, with a warning, when the shell could not run it: nobody has seen the output then. */
bool vd_pager_close(const struct vd_ctx *ctx, struct vd_pager *pager);

/* Text of a time: "2026-11-23 03:02:01Z", in local time with the offset. */
int vd_time_text(struct vd_buf *buf, int64_t t, bool local);
/* RFC 3339, UTC. */
int vd_time_rfc3339(struct vd_buf *buf, int64_t t);
/* 25.1G, 512.0M, 17 (bytes). */
int vd_bytes_text(struct vd_buf *buf, int64_t bytes);
/* 9d04h, 4h12m, 9m03s, 3.20s. */
int vd_cpu_text(struct vd_buf *buf, double seconds);
