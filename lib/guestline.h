/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a line of a guest's log is: who wrote it, when, and how bad it is. Pure: takes memory, keeps a small state from
 * line to line (a start block of QEMU spans dozens of them), does no input or output.
 *
 * Several writers share /var/log/libvirt/qemu/NAME.log: libvirt itself, the child it forks before that becomes QEMU,
 * QEMU's stdout and stderr, and the command lines of helper daemons. An LXC log has another shape: the command lines of
 * the controller and of the container's init are one line each, and nobody logs the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain.h"
#include "macros.h"
#include "record.h"

enum vd_guestline_kind {
	VD_KIND_START,      /* "starting up ..." */
	VD_KIND_ENV,        /* a variable of the start block */
	VD_KIND_ARGV,       /* the program or an argument of the start block */
	VD_KIND_LIBVIRT,    /* written by libvirt: a log record, or an event such as "initiating migration" */
	VD_KIND_QEMU,       /* QEMU's stdout and stderr, errors excepted */
	VD_KIND_QEMU_ERROR, /* an error that QEMU reports */
	VD_KIND_TAINTED,
	VD_KIND_SHUTDOWN,
	VD_KIND_CHARDEV,   /* "char device redirected to ..." */
	VD_KIND_CONTAINER, /* plain output of the LXC controller */
	VD_KIND_VIRTIOFSD,
	VD_KIND_SWTPM,
	VD_KIND_OTHER, /* nobody's: empty lines, lines outside any start */
	VD_KIND_COUNT_
};

/* Levels are libvirt's: 1 debug, 2 info, 3 warning, 4 error. */
enum {
	VD_LEVEL_DEBUG = 1,
	VD_LEVEL_INFO,
	VD_LEVEL_WARNING,
	VD_LEVEL_ERROR
};

struct vd_guestline {
	enum vd_guestline_kind kind;
	int level;
	int64_t time;        /* microseconds since the epoch; VD_NO_TIME: the line has none */
	const char *message; /* borrowed from the line: what follows time, thread, level and function */
	size_t message_len;
	bool block_begins; /* the first line of a start block whose "starting up" line is not there */
};

struct vd_guestline_state {
	/* Set by the caller: */
	enum vd_driver driver;
	enum vd_guestline_kind only; /* VIRTIOFSD or SWTPM: the log of that helper; START: the guest's own log */
	/* Private: */
	bool begun;                    /* a line was seen */
	bool running;                  /* within a start: lines without a mark are QEMU's */
	bool block, quoted;            /* in a start block; within '...' at the end of the line before */
	bool program;                  /* the block's program was seen */
	unsigned block_lines;          /* lines of the block so far */
	enum vd_guestline_kind helper; /* the next line is the command line of a helper; OTHER: it is not */
	bool helper_next;
};

/*
 * Begin at the start of a log, or anywhere within: the classifier finds its way in a few lines. @only as in struct
 * vd_guestline_state.
 */
void vd_guestline_init(struct vd_guestline_state *state, enum vd_driver driver, enum vd_guestline_kind only);
/*
 * What the next line is. @len bytes at @text without the newline; of a line that is too long for memory its first
 * piece. Always succeeds: a line that fits nothing is of kind other or of the process that runs.
 */
void vd_guestline_next(struct vd_guestline_state *state, const char *text, size_t len, struct vd_guestline *ret_line);

/* "start", "qemu-error", ...: the words of --kind and of JSON. */
const char *vd_guestline_kind_name(enum vd_guestline_kind kind);
/* "debug", "info", "warning", "error". */
const char *vd_guestline_level_name(int level);

/*
 * The time at the start of a line, in the forms that guest logs hold: "2026-11-23 09:47:18.792+0000: " of libvirt (zone
 * or fraction may be missing, digits too: damaged stamps are met), "2026-11-23T09:47:28.538727Z " of QEMU, both in
 * brackets for virtiofsd. Without a zone it is taken as UTC. Returns the number of bytes up to what follows, 0 when
 * there is no time; @ret_time receives microseconds since the epoch.
 */
size_t vd_guestline_time(const char *text, size_t len, int64_t *ret_time);
/* Does @text begin a line of its own, by a time stamp? What a rotation has cut goes on without one. */
bool vd_guestline_begins(const char *text, size_t len);
