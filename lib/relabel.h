/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What libvirt's log tells of labelling: which path got which SELinux label, when, for which guest. Takes lines in
 * memory, records and pasted pieces of them alike, and does no I/O. Messages of libvirt 0.8 to 11.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "record.h"

enum vd_relabel_kind {
	VD_RELABEL_SET,         /* a path gets a label */
	VD_RELABEL_SET_FD,      /* an open file gets one: only its number is told */
	VD_RELABEL_RESTORE,     /* a path gets its old label back */
	VD_RELABEL_FAILED,      /* the kernel refused */
	VD_RELABEL_UNSUPPORTED, /* the file system has no labels: libvirt goes on */
	VD_RELABEL_IN_USE,      /* another guest uses the path with another label: refused */
	VD_RELABEL_DRAWN,       /* a guest got its labels: @label for files, @process for itself */
	VD_RELABEL_SOCKET,      /* a socket for a guest gets @label: with its name */
	VD_RELABEL_COUNT_
};
/* "set", "set fd", "restore", "failed", "unsupported", "in use", "drawn", "socket". */
const char *vd_relabel_kind_name(enum vd_relabel_kind kind);

/* One message. Slices are borrowed from the line and may be empty. */
struct vd_relabel {
	enum vd_relabel_kind kind;
	int fd;                /* SET_FD, and FAILED and UNSUPPORTED of one; else -1 */
	struct vd_slice path;  /* empty with an fd */
	struct vd_slice label; /* empty for RESTORE and IN_USE */
	struct vd_slice process;
	struct vd_slice guest;  /* SOCKET */
	struct vd_slice reason; /* FAILED: "Operation not permitted", "errno 1" */
};

/* Does the text hold such a message, at whatever place? Paths with quotes in them are taken whole. */
bool vd_relabel_parse(const char *text, size_t len, struct vd_relabel *ret_relabel);

/* --- a whole log -------------------------------------------------------------------------------------------------- */

/* One message with what its record and the lines around it tell. Strings are owned. */
struct vd_relabel_event {
	enum vd_relabel_kind kind;
	int64_t time;    /* microseconds since the epoch; VD_NO_TIME */
	uint32_t thread; /* 0 unknown */
	int fd;
	char *path, *label, *process, *reason; /* NULL when absent */
	char *guest;                           /* the name that the log gives; NULL: it does not tell */
	uint64_t number;                       /* of the line, from 1 */
};

/* More than that are counted, and the first ones dropped. */
#define VD_TRACE_MAX 200000u

struct vd_trace {
	struct vd_relabel_event *events; /* in the order of the log */
	size_t len, cap;
	uint64_t lines, dropped;
	struct vd_record_clock clock; /* set its reference before the first line */
	/* Private: which guest a thread last spoke of. */
	struct vd_trace_thread {
		uint32_t thread;
		char *guest;
	} * threads;
	size_t n_threads, cap_threads;
	int64_t time; /* of the last record: lines that follow belong to it */
	uint32_t thread;
};

/* Take the next line. Returns 0 or -ENOMEM. */
int vd_trace_line(struct vd_trace *trace, const char *text, size_t len) VD_MUST_CHECK;
/*
 * After the last line: give guests to events that their own thread did not name. A label's categories belong to the
 * guest for which they were drawn or whose sockets have them; what the same thread labelled next to it belongs to that
 * guest too (libvirt sets the labels of a guest in a process of their own). Returns 0 or -ENOMEM.
 */
int vd_trace_finish(struct vd_trace *trace) VD_MUST_CHECK;
/* Say that labels with the range of @label belong to @guest, as its XML tells. Before vd_trace_finish(). */
int vd_trace_know(struct vd_trace *trace, const char *label, const char *guest) VD_MUST_CHECK;
void vd_trace_release(struct vd_trace *trace);
#define VD_AUTO_TRACE VD_CLEANUP(vd_trace_release) struct vd_trace
