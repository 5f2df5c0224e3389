/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command tables and what drives them: parsing, help, synopsis, completion, self-test and the JSON dump all read
 * the same `const struct vd_cmd`. The one header that every cmd-*.c includes.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "err.h"
#include "guests.h"
#include "host.h"
#include "root.h"

/* The exit status, everywhere. */
enum vd_exit {
	VD_EXIT_OK = 0,      /* nothing wrong, or the action was done */
	VD_EXIT_PROBLEM = 1, /* a problem was found */
	VD_EXIT_USAGE = 2,   /* the command line is wrong */
	VD_EXIT_UNKNOWN = 3, /* could not examine, or could not do it */
};

enum vd_opt_type {
	VD_OPT_FLAG,
	VD_OPT_STRING,
	VD_OPT_NUMBER,   /* long, within min and max */
	VD_OPT_DURATION, /* "90", "5s", "10min", "2h", "1d 3h": microseconds */
	VD_OPT_ENUM,     /* one of words[] */
	VD_OPT_PATH,
	VD_OPT_GUEST,
	VD_OPT_FILTERS, /* a filter string */
	VD_OPT_OUTPUTS, /* an output string */
	VD_OPT_TOPIC,   /* a topic of filters suggest */
	VD_OPT_COLUMNS, /* the -o list of the command's tables */
	VD_OPT_TYPE_COUNT_
};

struct vd_ctx;

/*
 * Adds words that may stand where the cursor is; @prefix is what was typed of the word. A word may be followed by a tab
 * and a description. Never fails, never prints; words that do not begin with @prefix are dropped by the caller.
 *
 * For VD_OPT_FILTERS and VD_OPT_OUTPUTS the machinery cuts the string at its spaces: @prefix is the item under the
 * cursor alone ("1:secur"), the words are whole items ("1:security.security_selinux"), and what stands before is put
 * back. While the item has no colon yet the machinery itself offers "1:" to "4:", and for outputs the destinations.
 *
 * By type alone, without a callback: ENUM offers its words, GUEST the guests, PATH the shell's files, COLUMNS the
 * columns of the command. STRING, NUMBER, DURATION and TOPIC offer nothing: give a callback.
 */
typedef void (*vd_complete_fn)(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words);

struct vd_opt {
	const char *name; /* long name without dashes; NULL ends the list */
	char short_name;  /* 0: none */
	enum vd_opt_type type;
	const char *arg;          /* name of the value in help, "VERSION"; NULL for flags */
	const char *help;         /* one line, lower case, no full stop */
	const char *const *words; /* VD_OPT_ENUM; ends with NULL */
	bool optional_value;      /* --name or --name=VALUE (never as the next word) */
	long min, max;            /* VD_OPT_NUMBER */
	vd_complete_fn complete;  /* beyond what the type offers; NULL */
};

/* A positional argument. Optional ones after required ones; only the last may repeat. */
struct vd_arg {
	const char *name;      /* "GUEST", in capitals; NULL ends the list */
	enum vd_opt_type type; /* STRING, PATH, GUEST, FILTERS, OUTPUTS, TOPIC or ENUM */
	bool optional, repeats;
	const char *help;
	const char *const *words;
	vd_complete_fn complete;
};

/* What most commands about guests take: any number of them, none for all; and exactly one. */
#define VD_ARG_GUESTS(HELP)                                                                              \
	{                                                                                                \
		.name = "GUEST", .type = VD_OPT_GUEST, .optional = true, .repeats = true, .help = (HELP) \
	}
#define VD_ARG_GUEST(HELP)                                            \
	{                                                             \
		.name = "GUEST", .type = VD_OPT_GUEST, .help = (HELP) \
	}

enum vd_cmd_flags {
	VD_CMD_HIDDEN = 1 << 0, /* not in help nor completion */
	VD_CMD_TABLE = 1 << 1,  /* prints a table: accepts -o, -n, -r, --ascii (added by the machinery) */
	VD_CMD_STOP_AT_COMMAND =
	        1 << 2,             /* options end at the first operand beyond the required ones: a command to run */
	VD_CMD_NO_JSON = 1 << 3,    /* --json is refused */
	VD_CMD_LIVE_ONLY = 1 << 4,  /* --root is refused */
	VD_CMD_NO_HOST = 1 << 5,    /* looks at no host: ctx->root stays NULL */
	VD_CMD_JSON_LINES = 1 << 6, /* --json: one object a line, not one document */
};

struct vd_col;

struct vd_cmd {
	const char *name, *summary;        /* summary: one line, no full stop */
	const char *description;           /* a paragraph or more for --help and the man page; NULL */
	const char *const *examples;       /* pairs: command line, what it does; ends with NULL; may be NULL */
	const struct vd_cmd *const *verbs; /* a command has verbs or run(); ends with NULL */
	const struct vd_opt *opts;         /* NULL: none */
	const struct vd_arg *args;         /* NULL: none */
	const char *rows;                  /* the array of its rows in JSON, "guests"; of all that have one */
	unsigned flags;
	const struct vd_col *cols; /* VD_CMD_TABLE: columns of its table, for help and completion */
	size_t n_cols;
	enum vd_exit (*run)(struct vd_ctx *ctx, int argc, char **argv); /* argv: the operands only */
};

/* All commands in help order; ends with NULL. */
extern const struct vd_cmd *const vd_commands[];

/* The values that the user gave, by option name. A name that is not in the table is a bug and aborts in the self-test.
 */
struct vd_optval;

enum vd_color_when {
	VD_COLOR_AUTO,
	VD_COLOR_ALWAYS,
	VD_COLOR_NEVER
};

/* What a command has said so far: with --json a failure must not leave standard output empty. */
struct vd_said {
	struct vd_strv errors; /* the messages of vd_error(), vd_usage() and vd_fail() */
	bool json;             /* the document, or a line of JSON Lines, was printed */
	bool hint;             /* the sudo line was printed: once is enough */
};

/* What every command gets. Global options are plain members; those of the command are asked by name. */
struct vd_ctx {
	const struct vd_cmd *cmd; /* the verb that runs */
	char *command_name;       /* "selinux check" */
	const char *root_dir;     /* --root; NULL live */
	long pid;                 /* --pid; 0 */
	bool use_session;         /* --session */
	const char *session_user; /* --session=USER; "" the calling user */
	bool json, no_pager, local_time, verbose, quiet, strict;
	enum vd_color_when color;
	const char *log_filters, *log_outputs; /* --log-filters, --log-outputs; NULL */
	/* Of tables: */
	const char *columns; /* -o; NULL the default ones */
	bool no_headings, raw, ascii;
	struct vd_optval *values; /* see vd_opt_*() */
	size_t n_values;
	struct vd_root *root; /* opened by the machinery before run() */
	int argc;             /* the whole command line, for messages that repeat it */
	char *const *argv;
	struct vd_host host; /* loaded on the first vd_ctx_host() */
	bool host_loaded;
	struct vd_said *said; /* NULL: nobody keeps it */
};

/* Was option @name of this command given (a flag, or with a value)? */
bool vd_opt_given(const struct vd_ctx *ctx, const char *name);
/* The last value of option @name, @fallback when it was not given or has no value. Borrowed. */
const char *vd_opt_str(const struct vd_ctx *ctx, const char *name, const char *fallback);
/* Of an option that may be given several times: the value it was given the @n-th time, from 0 on; NULL behind the last.
 */
const char *vd_opt_str_at(const struct vd_ctx *ctx, const char *name, size_t n);
/* VD_OPT_NUMBER. */
long vd_opt_num(const struct vd_ctx *ctx, const char *name, long fallback);
/* VD_OPT_DURATION, microseconds. */
int64_t vd_opt_duration(const struct vd_ctx *ctx, const char *name, int64_t fallback);

/* The host's names and version, loaded once. Never NULL: fields are empty when unknown. */
const struct vd_host *vd_ctx_host(struct vd_ctx *ctx);

/* Print "virtdiag: MESSAGE" on stderr, control characters escaped. Not silenced by --quiet. */
void vd_error(const struct vd_ctx *ctx, const char *fmt, ...) VD_PRINTF(2, 3);
/* The same for a warning: silenced by --quiet. */
void vd_warn(const struct vd_ctx *ctx, const char *fmt, ...) VD_PRINTF(2, 3);
/* Usage error: prints the message and a pointer to --help; returns VD_EXIT_USAGE. */
enum vd_exit vd_usage(const struct vd_ctx *ctx, const char *fmt, ...) VD_PRINTF(2, 3);
/*
 * Print the sentence of @err as an error, with the sudo line when it is EACCES or EPERM on this machine and we are
 * not root. Returns VD_EXIT_UNKNOWN.
 */
enum vd_exit vd_fail(const struct vd_ctx *ctx, const struct vd_err *err);

/*
 * Load all guests (session or system as the options say). On failure prints and returns false.
 * The caller releases them.
 */
bool vd_ctx_guests(struct vd_ctx *ctx, struct vd_guests *ret_guests);
/*
 * Pick the guests that operands name (all when there are none) into a malloc()ed array of borrowed pointers.
 * Unknown or ambiguous names print a message with candidates. Returns VD_EXIT_OK; VD_EXIT_USAGE when ambiguous;
 * VD_EXIT_UNKNOWN for a name that no guest has (then nothing is picked).
 */
enum vd_exit vd_pick_guests(struct vd_ctx *ctx, const struct vd_guests *guests, int argc, char **argv,
                            const struct vd_guest ***ret_picked, size_t *ret_count);

/*
 * Run a whole command line (argv[0] is the program's name), as main() does: parse, open the root, run, close. Used by
 * main() and by the shell. With --json a command that failed and printed no document gets one here, with the errors in
 * "missing": so no command needs to care.
 */
enum vd_exit vd_run(int argc, char **argv);

/* After "permission denied" on this machine: the sudo line of the command that runs, on stderr, once. Nothing for root.
 */
void vd_sudo_hint(const struct vd_ctx *ctx);
