/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files command*.c and the shell share: the parser's state, completion and the built-in commands. Nobody else
 * includes it.
 */

#include "command.h"

struct vd_optval {
	const struct vd_opt *opt;
	const char *value; /* borrowed from the command line; NULL for flags and left-out optional values */
	long number;       /* VD_OPT_NUMBER */
	int64_t usec;      /* VD_OPT_DURATION */
};

/* Options that every command takes, and those of VD_CMD_TABLE. Both end with an entry without a name. */
extern const struct vd_opt vd_global_opts[], vd_table_opts[];

extern const struct vd_cmd vd_cmd_help, vd_cmd_complete, vd_cmd_dump, vd_cmd_selftest, vd_cmd_sample;

/* Reads a command line word by word. The strict one reports errors, the lenient one of completion swallows them. */
struct vd_parse {
	struct vd_ctx *ctx;
	bool lenient;
	const struct vd_cmd *group;   /* a command with verbs, once it was named */
	const struct vd_cmd *cmd;     /* what runs, once it is known */
	bool ended;                   /* no more options: after "--", or inside a command to run */
	const struct vd_opt *pending; /* waits for its value, the next word */
	char **operands;              /* owned array of borrowed words */
	int n_operands;
	bool want_help, want_version;
	bool root_given;
};

/* Take one word. Returns VD_EXIT_OK, or VD_EXIT_USAGE after printing why. */
enum vd_exit vd_parse_word(struct vd_parse *p, char *word);
/* After the last word: argument counts and combinations. */
enum vd_exit vd_parse_finish(struct vd_parse *p);
void vd_parse_release(struct vd_parse *p);

/*
 * Look an option up by its long name (@len bytes) or by its letter: the command's own first, then the tables' (for
 * VD_CMD_TABLE), then the global ones. @cmd may be NULL. NULL when there is none.
 */
const struct vd_opt *vd_find_long(const struct vd_cmd *cmd, const char *name, size_t len);
const struct vd_opt *vd_find_short(const struct vd_cmd *cmd, char letter);
/* Is @opt of @cmd's own table, not a global or table option? */
bool vd_is_own_opt(const struct vd_cmd *cmd, const struct vd_opt *opt);
/* The command or verb called @name in a NULL-terminated list. */
const struct vd_cmd *vd_find_cmd(const struct vd_cmd *const *list, const char *name);
/* The argument that operand number @n (from 0) belongs to; NULL beyond the last. */
const struct vd_arg *vd_arg_at(const struct vd_cmd *cmd, int n);
/* Is @name (@len bytes, case ignored) a column of the command's tables that text can show? */
const struct vd_col *vd_find_col(const struct vd_col *cols, size_t n_cols, const char *name, size_t len);

/* Of the words of a NULL-terminated list the nearest to @word, when it is near enough to have been meant; else NULL. */
const char *vd_nearest(const char *word, const char *const *candidates);

/* "selinux check" for a command and its group (NULL: none) into @buf. */
const char *vd_cmd_full_name(const struct vd_cmd *group, const struct vd_cmd *cmd, char *buf, size_t size);
/* "[OPTIONS] [GUEST...]", "STRING..." as usage lines and the dump show them. */
int vd_cmd_synopsis(const struct vd_cmd *cmd, struct vd_buf *buf);

/* What may stand at the end of a command line. */
struct vd_completion {
	const char *directive; /* ":words"; ":files" and ":dirs": paths of the machine that we run on */
	bool nospace;          /* no blank after the word: it goes on */
	const char *head;      /* @head_len bytes that stand before every candidate; borrowed from the last word */
	size_t head_len;
	struct vd_strv words; /* "WORD" or "WORD\tDESCRIPTION"; owned, the caller releases it */
};
/* Complete the last of @argc words, the program's name not among them. Prints nothing. -EINVAL without a word. */
int vd_complete(int argc, char **argv, struct vd_completion *ret) VD_MUST_CHECK;

/* Help of a command; of virtdiag itself when both are NULL. */
void vd_help_print(FILE *out, const struct vd_cmd *group, const struct vd_cmd *cmd);
/* The few lines for a command line without a command. */
void vd_help_short(FILE *out);

/* Open ctx->root as the options say. Prints why not. */
enum vd_exit vd_ctx_open_root(struct vd_ctx *ctx);
/* The last thing before the end of a process: results that did not reach their reader turn @status into a failure. */
enum vd_exit vd_close_stdout(enum vd_exit status);
/* Frees what a context owns. */
void vd_ctx_release(struct vd_ctx *ctx);
