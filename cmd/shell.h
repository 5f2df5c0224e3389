/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a line of the interactive shell means and does. Where lines come from is cmd-shell.c's business. */

#include <signal.h>

#include "command.h"

/* The status of a command that signal N ended is VD_SHELL_SIGNAL + N, as in other shells. */
#define VD_SHELL_SIGNAL 128

struct vd_shell {
	struct vd_ctx *ctx;     /* of `virtdiag shell` itself */
	struct vd_strv globals; /* its global options, as words that go in front of every command; owned */
	char *guest;            /* after `use`: "qemu:web01"; NULL; owned */
	bool interactive;
	bool done;                          /* after exit */
	int status;                         /* of the last command */
	unsigned long line;                 /* number of the line in a script, for messages; 0: interactive */
	volatile sig_atomic_t *interrupted; /* set when the user pressed Ctrl-C */
};

/* The words that only the shell knows: name and summary, in pairs; ends with NULL. */
extern const char *const vd_shell_words[];

/* Make @shell for the command that @ctx runs. The caller releases it. 0 or -ENOMEM. */
int vd_shell_init(struct vd_shell *shell, struct vd_ctx *ctx) VD_MUST_CHECK;
void vd_shell_release(struct vd_shell *shell);

/*
 * Run the commands of one line, each in a process of its own: what a command leaves behind, an interrupt, a crash, lack
 * of memory, a changed signal, is gone with it. Sets shell->status, also to 2 for a line that cannot be read; an empty
 * line changes nothing. After an interrupt the rest of the line is dropped.
 */
void vd_shell_run(struct vd_shell *shell, const char *line);

/*
 * What may stand at the end of the command @words, the last one the word at the cursor, as vd_complete() would say it.
 * Returns a negative errno when nothing can be said. The caller releases @ret->words; @ret->head belongs to @words.
 */
struct vd_completion;
int vd_shell_complete(struct vd_shell *shell, const struct vd_strv *words, struct vd_completion *ret) VD_MUST_CHECK;
