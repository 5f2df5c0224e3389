/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Large output that is no table: lines of logs as text or JSON Lines. One buffer, large writes, nothing allocated per
 * line. What is printed may be any bytes: text is made fit for a terminal, JSON is valid UTF-8.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "command.h"
#include "report-internal.h"

/* What vd_out_reserve() can promise at most. */
#define VD_OUT_ROOM ((size_t)64 << 10)

struct vd_out {
	int fd; /* standard output */
	char *buf;
	size_t len, cap;
	int error;            /* positive errno of the first write that failed: all that follows is dropped */
	struct vd_said *said; /* of the command */
	bool color;
	bool paged;
	struct vd_pager pager;
};

/* Begin; with the user's pager when @paged and there is a terminal. Ends the program without memory. */
void vd_out_open(struct vd_ctx *ctx, bool paged, struct vd_out *ret_out);
/* Write what is buffered. Returns false when writing fails, now or before: the caller then has no reason to go on. */
bool vd_out_flush(struct vd_out *out);
/*
 * Flush, wait for the pager, free. Returns @status, or VD_EXIT_UNKNOWN with a message when something could not be
 * written; that the reader has gone is no failure.
 */
enum vd_exit vd_out_close(struct vd_ctx *ctx, struct vd_out *out, enum vd_exit status);

/* Room for @n more bytes, at most VD_OUT_ROOM; the caller writes there and adds to out->len. */
static inline char *vd_out_reserve(struct vd_out *out, size_t n)
{
	if (out->cap - out->len < n)
		vd_out_flush(out);
	return out->buf + out->len;
}

/* Bytes as they are. */
void vd_out_add(struct vd_out *out, const char *data, size_t len);
void vd_out_adds(struct vd_out *out, const char *s);
void vd_out_num(struct vd_out *out, int64_t n);

/*
 * Host text for a terminal: control characters, bytes that are not UTF-8 and characters that turn the reading
 * direction become \n, \e or \xHH, as vd_buf_add_escaped() does; a tab stays.
 */
void vd_out_escaped(struct vd_out *out, const char *s, size_t len);
/* One character of it at the start of @s, whatever it is: adds its text, returns the number of bytes used. */
size_t vd_out_escaped_char(struct vd_out *out, const char *s, size_t len);
/*
 * The inside of a JSON string, without its quotes; may be called several times for one string, as long as no character
 * is cut. A byte that is not UTF-8 becomes U+FFFD. Returns true when the text was UTF-8.
 */
bool vd_out_json(struct vd_out *out, const char *s, size_t len);
/* Base64, as the text of a JSON string without its quotes. */
void vd_out_base64(struct vd_out *out, const char *s, size_t len);
