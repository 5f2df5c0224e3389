/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The head of a record in libvirt's own log, in every form that a text output of libvirt has had since 0.6.0, also
 * behind the prefix that journalctl or a syslog daemon writes. Pure: looks at one line in memory, allocates nothing.
 * A line that is no record belongs to the record above it.
 *
 *     2011-12-08 14:36:57.223+0000: 14351: debug : fn:line : message     since 0.9.8: UTC
 *     2011-10-03 14:36:57.223: 14351: debug : fn:line : message          0.9.7: local time
 *     14:36:57.223: 14351: debug : fn:line : message                     0.8.6 to 0.9.6
 *     14:36:57.223: debug : fn:line : message                            0.6.0 to 0.8.5; without fn:line below debug
 *                                                                        until 0.6.3
 *     14351: debug : fn:line : message                                   syslog since 0.9.7, behind its prefix
 *     libvirt: QEMU Driver error : message                               before logging is set up
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macros.h"

#define VD_NO_TIME INT64_MIN

enum vd_record_form {
	VD_RECORD_ZONED,   /* date, time and zone */
	VD_RECORD_LOCAL,   /* date and time, local */
	VD_RECORD_CLOCK,   /* time of day, local */
	VD_RECORD_BARE,    /* no time of its own: thread, level and so on behind a prefix */
	VD_RECORD_EARLY,   /* "libvirt: ... error : " */
	VD_RECORD_JOURNAL, /* only the message, behind the prefix of a libvirt daemon: level 0 */
	VD_RECORD_COUNT_
};

/* Slices are borrowed from the line and may be empty. */
struct vd_slice {
	const char *s;
	size_t len;
};

struct vd_record {
	enum vd_record_form form;
	unsigned char level;         /* 1 debug, 2 info, 3 warning, 4 error; 0 unknown */
	bool is_banner;              /* "libvirt version: ...", "hostname: ...": written when an output opens */
	bool no_thread;              /* thread is that of the process: all that the journal has */
	uint32_t thread;             /* kernel's thread id; 0 unknown */
	uint32_t line;               /* of the source; 0 unknown */
	size_t prefix;               /* bytes before the head: journal's prefix, blanks, quoting marks */
	struct vd_slice stamp;       /* the record's time as written */
	struct vd_slice function;    /* empty when there is none */
	struct vd_slice message;     /* to the end of the line */
	struct vd_slice level_word;  /* "debug" */
	struct vd_slice outer_stamp; /* time in the prefix, empty without one */
	struct vd_slice program;     /* "libvirtd" of the prefix, empty without one */
	struct vd_slice category;    /* only where the log says so: in the journal. Empty else */
	uint32_t pid;                /* of the prefix; 0 unknown */
};

enum vd_record_flags {
	VD_RECORD_PASTED = 1 << 0, /* allow blanks, '>' and '|' before the head: text out of mail, chat or a tracker */
};

/*
 * Is the line of @len bytes at @text the head of a record? @len may be less than the whole line when it is long.
 * Returns false, with @ret_record in no particular state, when it is not.
 */
bool vd_record_parse(const char *text, size_t len, unsigned flags, struct vd_record *ret_record);

/*
 * What turns stamps into times. Stamps without date or year are read as the latest moment that is not after
 * @reference, the time of the file's last change or now. Local stamps are read in this machine's zone. Zeroed with
 * @reference set is a valid start; the rest is a cache.
 */
struct vd_record_clock {
	int64_t reference; /* seconds since the epoch; 0: none, then such stamps have no time */
	char cached[20];   /* "2011-12-08 14:36:57" */
	int64_t second;    /* of it, as UTC */
};

/* Microseconds since the epoch, from the record's own stamp, else from its prefix; VD_NO_TIME when it has none. */
int64_t vd_record_time(struct vd_record_clock *clock, const struct vd_record *record);
/*
 * The time of a stamp that begins at @text in any of the forms known here, including ISO 8601 with 'T', "Nov 23
 * 09:47:18" and seconds since the epoch "1763891238.571234"; VD_NO_TIME when it is none. @ret_len, which may be NULL,
 * receives its length.
 */
int64_t vd_stamp_time(struct vd_record_clock *clock, const char *text, size_t len, size_t *ret_len);

/* "debug", "info", "warning", "error"; "-" for 0. */
const char *vd_record_level_name(unsigned level);
