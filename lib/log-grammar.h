/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The grammar of libvirt's log filter and output strings as libvirt 9.0.0 to 11.3.0 read them, and the matching of
 * patterns. Pure functions on memory: used by vlog for its own settings and by `virtdiag filters` and `outputs` to
 * judge those of libvirt. Depends on libc and macros.h only. Rules: libvirt 9.0.0, src/util/virlog.c.
 */

#include <stdbool.h>
#include <stddef.h>

#include "macros.h"

enum vlog_item_error {
	VLOG_ITEM_OK,
	VLOG_ITEM_MALFORMED,   /* not LEVEL:something; outputs: wrong number of pieces for the destination */
	VLOG_ITEM_LEVEL,       /* the level is not 1 to 4 as strtoul reads it */
	VLOG_ITEM_MATCH,       /* filters: the pattern is empty */
	VLOG_ITEM_DESTINATION, /* outputs: unknown destination */
	VLOG_ITEM_REQUIREMENT, /* outputs: the pieces do not fit the destination */
};

enum vlog_dest {
	VLOG_DEST_STDERR,
	VLOG_DEST_SYSLOG,
	VLOG_DEST_FILE,
	VLOG_DEST_JOURNALD,
	VLOG_DEST_COUNT_
};

/* A part of the input string: 0-based byte offset and length. */
struct vlog_span {
	size_t offset, length;
};

/*
 * One item of a string, valid or not. Spans point into the input; those that do not apply have length 0.
 * Of the parts only what was reached before the error is filled in.
 */
struct vlog_item {
	struct vlog_span text; /* the whole item */
	struct vlog_span level_text;
	struct vlog_span match;    /* filters: the pattern, the one "+" chopped; outputs: the destination word */
	struct vlog_span argument; /* outputs: syslog ident or path */
	struct vlog_span ignored;  /* filters: what follows a second colon, which libvirt >= 9.0.0 ignores */
	struct vlog_span fault;    /* the part that makes it invalid; never empty: the colon beside an empty part */
	unsigned level;            /* 1 to 4; 0 when invalid */
	enum vlog_dest dest;       /* outputs only */
	enum vlog_item_error error;
	bool plus; /* a leading "+" was chopped off the pattern */
};

/*
 * Find the next item of the filter string @s of @len bytes, starting at *@pos, and advance *@pos behind it.
 * Items are separated by spaces only. Returns false at the end. Never fails: a bad item is returned with its error.
 * @s may hold any bytes; the caller cuts it at the first NUL, as C strings end there.
 */
bool vlog_filter_next(const char *s, size_t len, size_t *pos, struct vlog_item *ret_item);
/* The same for an output string. Says nothing about whether a file could be opened. */
bool vlog_output_next(const char *s, size_t len, size_t *pos, struct vlog_item *ret_item);

/*
 * Does @pattern of @len bytes, wrapped as *PATTERN*, match @name? `*` is any run, `?` exactly one character (a UTF-8
 * character or one bad byte), all else is literal and case-sensitive (g_pattern_match_simple, libvirt 7.0.0 and later).
 * Linear in practice: never worse than length of pattern times length of name.
 */
bool vlog_pattern_matches(const char *pattern, size_t len, const char *name);

/* The length of the UTF-8 character at @s, which a NUL ends: 1 to 4, or 0 when the bytes there are not one. */
size_t vlog_utf8_length(const char *s);

/* "stderr", "syslog", "file", "journald". */
const char *vlog_dest_name(enum vlog_dest dest);
/* "debug", "info", "warning", "error" for 1 to 4, "unknown" else. */
const char *vlog_level_name(unsigned level);
