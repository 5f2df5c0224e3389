/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of vlog share and nobody else sees. A message is composed once (log-format.c) into a struct vlog_line
 * and then handed to each output (log-output.c; log-socket.c for the daemons behind a socket). log.c holds the state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "log-grammar.h"
#include "macros.h"
#include "vlog.h"

/* Long enough for nearly every message; longer ones are put into memory from malloc(). */
#define VLOG_STACK_SIZE 1024

/* --- log-format.c: lines -------------------------------------------------------------------------------------- */

/*
 * One message. Released by vlog_line_release(). @raw is head and message as the program gave it, with a NUL behind;
 * @safe, made by vlog_line_make_safe(), has the control characters escaped and ends in a newline.
 */
struct vlog_line {
	struct timespec time;
	char *raw, *safe;
	size_t stamp;  /* where in raw and safe the thread id begins, behind "TIME: " */
	size_t text;   /* where the message begins */
	size_t length; /* of raw, without the NUL */
	size_t safe_length;
	char stack[VLOG_STACK_SIZE];
};

#define VLOG_AUTO_LINE VD_CLEANUP(vlog_line_release) struct vlog_line

/* Start a line at @time: write "TIME: TID: LEVEL : FUNCTION:LINE : ", the function only when it is not NULL. */
void vlog_line_start(struct vlog_line *line, const struct timespec *time, unsigned level, const char *function,
                     int number);
/* Append the message, without a newline at its end. Never fails: without memory, the message is cut. */
void vlog_line_format(struct vlog_line *line, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* The same with @length bytes that are the message. */
void vlog_line_append(struct vlog_line *line, const char *text, size_t length);
/* Fill in @safe and @safe_length. Without memory, escapes in place by question marks. Does nothing a second time. */
void vlog_line_make_safe(struct vlog_line *line);
void vlog_line_release(struct vlog_line *line);

/* Forget the thread's cached thread id: for the child of a fork. */
void vlog_forget_thread_id(void);

/*
 * Write @length bytes of @s with everything that is no printable UTF-8 or tab escaped to @to, which has @size bytes,
 * and a NUL. @s ends in a NUL, there or later. Characters that do not fit are left out. Returns the length; at most 4
 * times @length.
 */
size_t vlog_escape(const char *s, size_t length, char *to, size_t size);

/*
 * Set @error (may be NULL) to a sentence and the part of the string that is at fault. Returns @code.
 */
int vlog_fail(struct vlog_error *error, int code, struct vlog_span where, const char *fmt, ...) VD_PRINTF(4, 5);
/* The same for a bad item of the string @s. Returns -EINVAL. */
int vlog_fail_item(struct vlog_error *error, const char *s, const struct vlog_item *item);

/* --- log-plain.c: the usual conversions --------------------------------------------------------------------------- */

/*
 * Format as vsnprintf(3) does, in a third of its time, when @fmt has no conversions but %s, %d, %i, %u and %x, the
 * numbers also with l, ll or z, and %%, and all of it fits into @size bytes with a NUL. False, with anything in @to,
 * when not. @ap is left as it is.
 */
bool vlog_format_plain(char *to, size_t size, size_t *ret_length, const char *fmt, va_list ap)
        __attribute__((format(printf, 4, 0)));
/* Write @number in decimal, without a NUL. Returns its end. */
char *vlog_put_number(char *to, unsigned long long number);

/* --- log-output.c: outputs -------------------------------------------------------------------------------------- */

/* One output. Immutable but for the flags, which are atomic. */
struct vlog_output {
	enum vlog_dest dest;
	unsigned level;
	int fd;              /* owned unless it is that of standard error */
	char *name;          /* absolute path or ident, owned; NULL else */
	unsigned banner;     /* the banner is written */
	unsigned complained; /* a failure to write was reported */
	unsigned torn;       /* the last line was written in part only */
	unsigned pipe;       /* a pipe or socket; of standard error that is asked each time, it can be exchanged */
};

/* All outputs in force at a time. Readers are counted; the count is guarded by the lock of log.c. */
struct vlog_outputs {
	size_t readers; /* and one for being in force */
	size_t count;
	struct vlog_output *item;
	unsigned lowest;                   /* the lowest level that any of them takes */
	struct vlog_outputs *next_retired; /* of those no longer in force and not yet freed */
};

/* The outputs that @s asks for, opened; NULL for none. Errors as vlog_set_outputs(). */
int vlog_outputs_new(const char *s, struct vlog_error *error, struct vlog_outputs **ret_outputs);
void vlog_outputs_free(struct vlog_outputs *outputs);
/* See vlog_reopen(). */
int vlog_outputs_reopen(struct vlog_outputs *outputs);
/* Write a message to each output that takes its level; @line is its text. */
void vlog_outputs_write(struct vlog_outputs *outputs, struct vlog_line *line, const struct vlog_record *record);
/* Moves @fd away from 0 to 2, which belong to the standard streams even when they are closed. -1 and errno on error. */
int vlog_high_fd(int fd);

/* --- log-socket.c: the daemons behind a socket ------------------------------------------------------------------- */

/* Where they listen; variables, so that tests can listen themselves. */
extern const char *vlog_journald_path, *vlog_syslog_path;

/* A datagram socket, or a negative errno. */
int vlog_socket_new(void);
/* Send a message; failures are quiet. */
void vlog_journald_write(int fd, const struct vlog_line *line, const struct vlog_record *record);
void vlog_syslog_write(int fd, const char *ident, struct vlog_line *line, unsigned level);

/* --- log.c: state ------------------------------------------------------------------------------------------------ */

/* Copy the banner, "" when there is none, to @to. Returns its length. */
size_t vlog_copy_banner(char *to, size_t size);
