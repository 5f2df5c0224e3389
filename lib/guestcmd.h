/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line of a start as a guest's log holds it, taken apart into variables, program and options, written for a
 * shell again, and compared with another one. Pure.
 *
 * For QEMU libvirt quotes each word for a shell and, since 4.4.0, writes an option per line; for LXC it quotes nothing,
 * so that words with blanks cannot be told apart there.
 */

#include "buf.h"
#include "domain.h"

enum vd_guestcmd_kind {
	VD_GUESTCMD_ENV,     /* name and value of a variable */
	VD_GUESTCMD_PROGRAM, /* name */
	VD_GUESTCMD_OPTION,  /* name with its dashes; value or NULL */
	VD_GUESTCMD_WORD,    /* name: a word that belongs to no option */
	VD_GUESTCMD_KIND_COUNT_
};

struct vd_guestcmd_arg {
	enum vd_guestcmd_kind kind;
	char *name, *value; /* owned; value may be NULL */
};

struct vd_guestcmd {
	struct vd_guestcmd_arg *items; /* in the order of the log */
	size_t len, cap;
	bool cut; /* it ends within a quoted word */
};

/*
 * Take apart @len bytes of a start block: its lines, each with its newline. Returns 0 or -ENOMEM; @ret_cmd is released
 * by the caller.
 */
int vd_guestcmd_parse(const char *text, size_t len, enum vd_driver driver, struct vd_guestcmd *ret_cmd) VD_MUST_CHECK;
void vd_guestcmd_release(struct vd_guestcmd *cmd);
/* "env", "program", "option", "word". */
const char *vd_guestcmd_kind_name(enum vd_guestcmd_kind kind);
/* The program's name, NULL without one. Borrowed. */
const char *vd_guestcmd_program(const struct vd_guestcmd *cmd);

/*
 * Append @word for a POSIX shell, whatever bytes it holds: control characters other than newline, which would move the
 * cursor of a terminal, are written with printf(1). 0 or -ENOMEM.
 */
int vd_guestcmd_quote(struct vd_buf *buf, const char *word) VD_MUST_CHECK;
/* Append the whole command for a POSIX shell, one option a line, run with these variables and no others. 0 or -ENOMEM.
 */
int vd_guestcmd_shell(struct vd_buf *buf, const struct vd_guestcmd *cmd) VD_MUST_CHECK;

enum vd_guestcmd_change {
	VD_GUESTCMD_SAME,
	VD_GUESTCMD_CHANGED,    /* not in the other command */
	VD_GUESTCMD_RENUMBERED, /* there but for numbers that libvirt gives anew at each start: the guest's id,
	                           descriptors */
};

/*
 * Compare @a and @b: @ret_a and @ret_b, arrays as long as the commands, receive what becomes of each argument. Order
 * does not count, of arguments as of the keys within one. 0 or -ENOMEM.
 */
int vd_guestcmd_compare(const struct vd_guestcmd *a, const struct vd_guestcmd *b, enum vd_guestcmd_change *ret_a,
                        enum vd_guestcmd_change *ret_b) VD_MUST_CHECK;
