/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of guests' logs, chosen and printed, for people or as JSON Lines. What `logs show` and `logs tail` share. */

#include "guestlog.h"
#include "match.h"
#include "out.h"
#include "spool.h"

/* Which lines are wanted. */
struct vd_logs_choice {
	int level;                /* the lowest */
	unsigned kinds;           /* a bit for each kind; 0: all */
	int64_t since, until;     /* microseconds; VD_NO_TIME: no bound */
	struct vd_match *grep;    /* NULL: any text; owned */
	unsigned long long_lines; /* lines of which grep saw the first MiB alone */
};

/* The options that vd_logs_choice_read() reads, for the tables of both verbs. */
#define VD_LOGS_CHOICE_OPTS                                                                                    \
	{ .name = "since", .type = VD_OPT_STRING, .arg = "TIME", .help = "only lines from TIME on" },          \
	        { .name = "until", .type = VD_OPT_STRING, .arg = "TIME", .help = "only lines up to TIME" },    \
	        { .name = "grep",                                                                              \
		  .short_name = 'g',                                                                           \
		  .type = VD_OPT_STRING,                                                                       \
		  .arg = "PATTERN",                                                                            \
		  .help = "only lines that match the Perl-compatible PATTERN" },                               \
	        { .name = "level",                                                                             \
		  .type = VD_OPT_ENUM,                                                                         \
		  .arg = "LEVEL",                                                                              \
		  .help = "only lines of this level or worse",                                                 \
		  .words = vd_logs_level_words },                                                              \
	{                                                                                                      \
		.name = "kind", .type = VD_OPT_STRING, .arg = "KIND,...", .help = "only lines of these kinds", \
		.complete = vd_logs_complete_kind                                                              \
	}

extern const char *const vd_logs_level_words[];
void vd_logs_complete_kind(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words);

/* Read the options. After a message VD_EXIT_USAGE. Release @choice either way. */
enum vd_exit vd_logs_choice_read(struct vd_ctx *ctx, struct vd_logs_choice *choice);
void vd_logs_choice_release(struct vd_logs_choice *choice);
/* Is every line wanted? */
bool vd_logs_choice_all(const struct vd_logs_choice *choice);
/* Does the choice ask for lines that only helpers' logs hold? */
bool vd_logs_choice_helpers(const struct vd_logs_choice *choice, enum vd_guestline_kind only);
/*
 * Is the line wanted whose first piece this is? @time: its own, or that of the line before it that has one; VD_NO_TIME
 * passes no bound.
 */
bool vd_logs_choice_has(struct vd_logs_choice *choice, const struct vd_guestline *info, int64_t time, const char *text,
                        size_t len);

/* Where lines go. Zeroed with @ctx and @out is a valid start; vd_spool_release() its spool. */
struct vd_logs_printer {
	struct vd_ctx *ctx;
	struct vd_out *out;
	bool json;
	bool labels; /* the guest's name before each line */
	size_t label_width;
	/* Private: */
	bool invalid; /* the line so far */
	struct vd_spool spool;
};

/* What is printed with a line. */
struct vd_logs_line {
	const char *guest;
	unsigned label_number; /* chooses its hue */
	long boot;             /* 0 the last, -1 ...; with has_boot */
	bool has_boot;
	const struct vd_guestline *info;
	const char *path;
	int64_t offset;
};

/*
 * Print a piece of a line; @first and @last as in struct vd_line. The pieces of a line follow each other without
 * anything of another line in between.
 */
void vd_logs_print(struct vd_logs_printer *printer, const struct vd_logs_line *line, const char *text, size_t len,
                   bool first, bool last);
