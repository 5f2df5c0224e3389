/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the audit log tells about SELinux and guests: denials, and libvirt's own records of which guest ran with which
 * label and process. The only module that knows libauparse; without it (WITH_AUDIT=no) reading fails with -ENOSYS.
 *
 * Lines may come from audit.log (raw or enriched), or be what the kernel writes where no auditd runs, behind any prefix
 * of syslog, dmesg or the journal: "audit: type=1400 audit(1729238705.963:170): avc: ...". The text is hostile: lines
 * are bounded, and only whole records of known types reach the library.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* The kernel's records have at most 8970 bytes (MAX_AUDIT_MESSAGE_LENGTH); longer lines are counted and left out. */
#define VD_AUDIT_MAX_LINE 16384

enum vd_audit_kind {
	VD_AUDIT_DENIAL,  /* AVC, or USER_AVC of a program that asks the policy itself */
	VD_AUDIT_LABEL,   /* VIRT_MACHINE_ID of the selinux model: a guest got its labels */
	VD_AUDIT_CONTROL, /* VIRT_CONTROL: start, stop, init of a container */
	VD_AUDIT_MODE,    /* MAC_STATUS: somebody switched between enforcing and permissive */
	VD_AUDIT_COUNT_
};

/* One event. Strings are NULL when the record does not hold them; borrowed, valid during the callback. */
struct vd_audit_event {
	enum vd_audit_kind kind;
	int64_t time_ms; /* milliseconds since the epoch; -1: a line of the journal that does not tell */
	unsigned long serial;
	pid_t pid; /* who was denied, or the daemon that wrote the record; 0 unknown */
	/* VD_AUDIT_DENIAL */
	bool by_program;        /* USER_AVC */
	bool permissive;        /* permissive=1: recorded, not stopped */
	const char *comm, *exe; /* exe: of the SYSCALL record */
	const char *perms;      /* "read write" */
	const char *scontext, *tcontext, *tclass;
	const char *path; /* absolute, of the record itself or of its PATH record */
	const char *name; /* the last component only; for a capability its name */
	const char *dev;  /* "dm-0", "tmpfs" */
	bool has_ino;
	uint64_t ino;
	/* VD_AUDIT_LABEL, VD_AUDIT_CONTROL */
	const char *driver, *guest, *uuid; /* "qemu" or "lxc" */
	const char *context, *image_context;
	const char *op, *reason; /* "start" "booted", "stop" "destroyed", "init" */
	pid_t init_pid;          /* of a container, in its "init" record; else 0 */
	pid_t guest_pid;         /* vm-pid; 0 when it has none, as a failed start */
	bool failed;             /* res=failed */
	/* VD_AUDIT_MODE */
	int enforcing; /* 1 or 0 */
};

struct vd_audit_counts {
	uint64_t lines;   /* read */
	uint64_t damaged; /* of a known type, but too long, or not what such a record looks like */
	int64_t first_ms; /* of the oldest record with a time; -1 none */
	int64_t last_ms;
};
#define VD_AUDIT_COUNTS_INIT \
	{                    \
		0, 0, -1, -1 \
	}

/* Called for each event; a negative errno ends the reading and is returned. */
typedef int (*vd_audit_fn)(void *data, const struct vd_audit_event *event);

/* Was the program built with libauparse? */
bool vd_audit_available(void);

/*
 * Read the log in @fd (at its offset) to the end; events before @since_ms are left out. Adds to @counts. Records of
 * one event need not stand together.
 * Returns 0; -ENOSYS without libauparse; the errno of read(); what @fn returned; -ENOMEM.
 */
int vd_audit_read_fd(int fd, int64_t since_ms, vd_audit_fn fn, void *data, struct vd_audit_counts *counts,
                     struct vd_err *err) VD_MUST_CHECK;
/* The same for @len bytes in memory. */
int vd_audit_read(const char *text, size_t len, int64_t since_ms, vd_audit_fn fn, void *data,
                  struct vd_audit_counts *counts, struct vd_err *err) VD_MUST_CHECK;

/* --- lib/audit-host.c: where a host keeps them ------------------------------------------------------------------- */

struct vd_root;

/* What was read, and what was there and could not be. */
struct vd_audit_sources {
	struct vd_strv read;               /* paths, "journal", "kernel ring"; the oldest first */
	struct vd_strv unreadable, reason; /* of the same length */
	int code;                          /* a positive errno of the last unreadable one; 0 */
};
void vd_audit_sources_release(struct vd_audit_sources *sources);
#define VD_AUTO_AUDIT_SOURCES VD_CLEANUP(vd_audit_sources_release) struct vd_audit_sources

/*
 * Read the audit log of the host, rotated files first. Where there is none, the records that the journal holds, else
 * the text logs that the kernel's records end up in without auditd, and on this machine the kernel's ring buffer. A
 * file that cannot be read is told in @sources and is no error. Returns 0; what vd_audit_read_fd() returns.
 */
int vd_audit_read_host(struct vd_root *root, int64_t since_ms, vd_audit_fn fn, void *data,
                       struct vd_audit_counts *counts, struct vd_audit_sources *sources,
                       struct vd_err *err) VD_MUST_CHECK;

/* --- lib/audit-line.c: lines, without any library ----------------------------------------------------------------- */

enum vd_audit_type {
	VD_AUDIT_TYPE_OTHER,
	VD_AUDIT_TYPE_AVC,
	VD_AUDIT_TYPE_USER_AVC,
	VD_AUDIT_TYPE_SYSCALL, /* these three add to an AVC of the same event */
	VD_AUDIT_TYPE_CWD,
	VD_AUDIT_TYPE_PATH,
	VD_AUDIT_TYPE_EOE,
	VD_AUDIT_TYPE_MACHINE_ID,
	VD_AUDIT_TYPE_CONTROL,
	VD_AUDIT_TYPE_MAC_STATUS,
	VD_AUDIT_TYPE_COUNT_
};
/* "AVC", ...; NULL for OTHER. */
const char *vd_audit_type_name(enum vd_audit_type type);

struct vd_audit_line {
	enum vd_audit_type type;
	int64_t time_ms; /* -1: the line does not tell */
	unsigned long serial;
	const char *body; /* behind "audit(...): "; borrowed, not NUL-terminated */
	size_t body_len;
};

/*
 * Take one line without its newline apart. Returns true for a record of a known type; @ret_line->type is OTHER and the
 * result false for anything else. *@ret_damaged (may be NULL): it names a known type, but is not a record.
 */
bool vd_audit_line_parse(const char *line, size_t len, struct vd_audit_line *ret_line, bool *ret_damaged);
/*
 * Append the record in the one form that libauparse reads, "type=AVC msg=audit(1729238705.963:170): ...\n", control
 * bytes but the enriched form's separator turned to blanks. Returns 0 or -ENOMEM.
 */
int vd_audit_line_add(struct vd_buf *buf, const struct vd_audit_line *line) VD_MUST_CHECK;
