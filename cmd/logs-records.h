/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of `virtdiag logs` about daemons' logs share: daemon, stats, qmp. */

#include "command.h"
#include "functions.h"
#include "match.h"
#include "out.h"
#include "records.h"
#include "whose.h"

extern const struct vd_cmd vd_cmd_logs_daemon, vd_cmd_logs_stats, vd_cmd_logs_qmp;

/* --- where records come from -------------------------------------------------------------------------------------- */

struct vd_records_input {
	struct vd_records records;
	bool failed; /* something could not be opened or read: a message was printed */
};

/*
 * Open what the operands name: files of this machine, "-" standard input; without operands the logs of the daemons of
 * the examined host. Prints a message for each that fails; false when nothing is left to read.
 */
bool vd_input_open(struct vd_ctx *ctx, int argc, char **argv, int64_t since, struct vd_records_input *input);
/* The next line; false at the end. Prints a message when reading fails and goes on with the other logs. */
bool vd_input_next(struct vd_ctx *ctx, struct vd_records_input *input, struct vd_records_line *ret_line);
void vd_input_release(struct vd_records_input *input);
/* Is what is read one pipe, whose writer may be slow? */
bool vd_input_is_live(const struct vd_records_input *input);
/* May the next line have to be waited for, at a pipe? What was printed so far is to be seen then. */
bool vd_input_would_wait(struct vd_records_input *input);

/* --- following ---------------------------------------------------------------------------------------------------- */

struct vd_followed_logs {
	struct vd_strv paths; /* absolute ones; owned */
	bool journal;         /* the journal too */
	bool failed;          /* something cannot be followed: a message was printed */
};

/*
 * The logs to follow: what the operands name, else where the host's daemons log. Prints a message for what cannot be
 * followed; false when nothing is left.
 */
bool vd_input_follow(struct vd_ctx *ctx, int argc, char **argv, struct vd_followed_logs *logs);
/*
 * Hand the last lines of the logs, option "lines", and then what is added to @take until it returns false, a signal
 * ends the program, or nobody reads standard output any more. Flushes @out whenever there is nothing to read.
 */
enum vd_exit vd_logs_follow(struct vd_ctx *ctx, struct vd_out *out, const struct vd_followed_logs *logs,
                            bool (*take)(void *data, const struct vd_records_line *line), void *data);

/* --- which records are wanted ------------------------------------------------------------------------------------- */

struct vd_select {
	unsigned level;         /* the lowest */
	long thread;            /* 0: any */
	const char *function;   /* glob; NULL: any */
	const char *category;   /* glob; NULL: any */
	int64_t since, until;   /* microseconds; INT64_MIN, INT64_MAX */
	struct vd_match *match; /* owned; NULL: any */
	bool *categories;       /* owned: which of functions the glob matches */
	struct vd_functions functions;
	bool any; /* no condition at all, but perhaps match */
};

/* The options that vd_select_init() reads: put them into the table of a verb, or only those about time. */
/* clang-format off */
#define VD_SELECT_TIME_OPTS \
	{ .name = "since", .type = VD_OPT_STRING, .arg = "TIME", .help = "only records from this time on" }, \
	{ .name = "until", .type = VD_OPT_STRING, .arg = "TIME", .help = "only records up to this time" }
#define VD_SELECT_OPTS \
	{ .name = "level", .type = VD_OPT_ENUM, .arg = "LEVEL", \
	  .help = "only records of this level or a graver one", .words = vd_level_words }, \
	{ .name = "thread", .type = VD_OPT_NUMBER, .arg = "ID", .help = "only records of this thread", \
	  .min = 1, .max = 999999999 }, \
	{ .name = "function", .type = VD_OPT_STRING, .arg = "GLOB", \
	  .help = "only records of functions whose name matches" }, \
	{ .name = "category", .type = VD_OPT_STRING, .arg = "GLOB", \
	  .help = "only records of log categories that match", .complete = vd_complete_category }, \
	VD_SELECT_TIME_OPTS
/* clang-format on */

extern const char *const vd_level_words[]; /* "debug", "info", "warning", "error" */
void vd_complete_category(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words);

/* Read the options of VD_SELECT_OPTS, of VD_SELECT_TIME_OPTS with @time_only. Prints a message and returns
 * VD_EXIT_USAGE when one is wrong. */
enum vd_exit vd_select_init(struct vd_ctx *ctx, bool time_only, struct vd_select *select);
void vd_select_release(struct vd_select *select);
/* Does a condition need the time of records? */
bool vd_select_wants_time(const struct vd_select *select);
/* Warn that no record is as asked for, or none of libvirt's where any would do. @guest: that of --guest, or NULL. */
void vd_select_warn_none(struct vd_ctx *ctx, const struct vd_select *select, const char *guest);
/* Is the record of the log @source wanted, --grep aside? A line before the first record has none: NULL. */
bool vd_select_takes(const struct vd_select *select, const struct vd_record *record, const char *source, int64_t time);

/*
 * Tell @whose which guest --guest GUEST means, by name, by UUID, or both when this host knows it. @names keeps what was
 * told: it must live as long.
 */
void vd_want_guest(struct vd_ctx *ctx, struct vd_whose *whose, const char *guest, struct vd_strv *names);
