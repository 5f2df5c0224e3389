/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A growable byte string and a growable list of strings. The lowest layer: knows only macros.h.
 *
 * struct vd_buf always holds a NUL byte after data[len] once something was added, so data is a C string when its
 * content has no NUL of its own. The functions that grow return 0 or -ENOMEM and change nothing on failure.
 */

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

#include "macros.h"

struct vd_buf {
	char *data; /* owned; NULL while nothing was added */
	size_t len; /* bytes used, the final NUL not counted */
	size_t cap; /* bytes allocated */
};

#define VD_BUF_INIT        \
	{                  \
		NULL, 0, 0 \
	}
#define VD_AUTO_BUF VD_CLEANUP(vd_buf_release) struct vd_buf

/* Make room for @extra more bytes and the NUL. */
int vd_buf_reserve(struct vd_buf *buf, size_t extra) VD_MUST_CHECK;
/* Append @len bytes, a C string, one byte, formatted text. */
int vd_buf_add(struct vd_buf *buf, const void *data, size_t len) VD_MUST_CHECK;
int vd_buf_adds(struct vd_buf *buf, const char *s) VD_MUST_CHECK;
int vd_buf_addc(struct vd_buf *buf, char c) VD_MUST_CHECK;
int vd_buf_addf(struct vd_buf *buf, const char *fmt, ...) VD_PRINTF(2, 3) VD_MUST_CHECK;
/* The content as a C string, "" when empty; borrowed, valid until @buf changes. */
const char *vd_buf_str(const struct vd_buf *buf);
/* Empties @buf and keeps the memory for reuse. */
void vd_buf_clear(struct vd_buf *buf);
/* Frees everything and leaves @buf as VD_BUF_INIT. */
void vd_buf_release(struct vd_buf *buf);
/* Hands the C string to the caller, who frees it; @buf becomes empty. NULL when there is no memory. */
char *vd_buf_steal(struct vd_buf *buf);

/* Write all of it to @fd, where that stands. Returns 0 or a negative errno: some of it may be written then. */
int vd_buf_write(const struct vd_buf *buf, int fd) VD_MUST_CHECK;
/*
 * Format into *@slot, whose old text, NULL or one from malloc(), is freed last: it may be an argument of the new one.
 * Without memory the old text stays. Returns 0 or -ENOMEM.
 */
int vd_text_setv(char **slot, const char *fmt, va_list args) __attribute__((format(printf, 2, 0))) VD_MUST_CHECK;

/*
 * Characters that a terminal acts on (C0, DEL, C1) or that are not seen or turn the reading direction: a file name that
 * holds them could make the screen say something else than the truth.
 */
bool vd_char_unsafe(unsigned c);
/*
 * Append @len bytes of host data made fit for a terminal: control characters, DEL, C1 controls and bytes that are not
 * UTF-8 become \n, \t, \e or \xHH; a backslash stays as it is. For every name or path that is shown to a person.
 */
int vd_buf_add_escaped(struct vd_buf *buf, const char *data, size_t len) VD_MUST_CHECK;

/*
 * Append @word quoted for a POSIX shell: as it is when it holds only safe characters, in '...' otherwise.
 * Returns -EILSEQ when it holds a control character, which no line for pasting may carry.
 */
int vd_buf_add_shell(struct vd_buf *buf, const char *word) VD_MUST_CHECK;

/* A list of strings. items[len] is NULL once something was added, so it can serve as an argument vector. */
struct vd_strv {
	char **items; /* owned, each one too */
	size_t len, cap;
};

#define VD_STRV_INIT       \
	{                  \
		NULL, 0, 0 \
	}
#define VD_AUTO_STRV VD_CLEANUP(vd_strv_release) struct vd_strv

/* Append a copy of @s. */
int vd_strv_add(struct vd_strv *v, const char *s) VD_MUST_CHECK;
/* Append a copy of the first @len bytes of @s. */
int vd_strv_addn(struct vd_strv *v, const char *s, size_t len) VD_MUST_CHECK;
/* Append @s itself; @v owns it from now on, and it is freed when the call fails. */
int vd_strv_take(struct vd_strv *v, char *s) VD_MUST_CHECK;
bool vd_strv_has(const struct vd_strv *v, const char *s);
/* Sort by byte value. */
void vd_strv_sort(struct vd_strv *v);
void vd_strv_release(struct vd_strv *v);

/* True when @len bytes at @data are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool vd_utf8_valid(const char *data, size_t len);
/*
 * The length in bytes, 1 to 4, of the well-formed UTF-8 character at the start of @data; 0 when there is none.
 * @ret_char, when not NULL, receives the code point.
 */
size_t vd_utf8_next(const char *data, size_t len, unsigned *ret_char);
/*
 * Where to cut @data of @len bytes, of which more follows: before a UTF-8 character that begins in its last three bytes
 * and does not end there, else @len. Not 0 unless @len is.
 */
size_t vd_utf8_whole(const char *data, size_t len);
