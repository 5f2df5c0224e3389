/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What libvirt's daemons wrote to the systemd journal: the border to libsystemd, which is given descriptors of files
 * that lib/root opened, so that a captured host's journal is read like this machine's. Without libsystemd
 * (WITH_SYSTEMD=no) opening fails with -EOPNOTSUPP.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "root.h"

/* One entry. Strings are borrowed until the next call; they may hold any bytes, newlines too. NULL: no such field. */
struct vd_journal_entry {
	int64_t time;   /* microseconds since the epoch: libvirt's own time is not in the journal */
	unsigned level; /* 1 debug to 4 error, from PRIORITY; 0 unknown */
	unsigned pid;   /* the journal has no thread */
	unsigned line;  /* CODE_LINE; 0 unknown */
	const char *message, *category, *function, *program;
	size_t message_len, category_len, function_len, program_len;
	/* Of an audit record, whose message is "TYPE BODY"; else 0. */
	unsigned audit_type; /* its number: 1400 */
	uint64_t audit_id;   /* serial number of its event */
	int64_t audit_time;  /* microseconds since the epoch, as in the record */
};

struct vd_journal;

/*
 * Open the journals of the host below @root, persistent and volatile ones, and keep to entries of libvirt's daemons.
 * The caller frees *@ret_journal. Returns 0; -ENOENT when the host has no journal; -EACCES when none of its files can
 * be read; -EOPNOTSUPP; another negative errno with @err set.
 */
int vd_journal_open(struct vd_root *root, struct vd_journal **ret_journal, struct vd_err *err) VD_MUST_CHECK;
/* Does the regular file @fd begin as a file of the journal does? The position of @fd stays. */
bool vd_journal_is_file(int fd);
/* The same of the one file @fd, which stays the caller's; @name is what errors call it. */
int vd_journal_open_file(int fd, const char *name, struct vd_journal **ret_journal, struct vd_err *err) VD_MUST_CHECK;
/* Which of the two ways audit records take into a journal. */
enum vd_journal_audit {
	VD_JOURNAL_AUDIT,  /* journald reads them itself */
	VD_JOURNAL_KERNEL, /* the kernel prints them, for want of auditd: "audit: type=1400 audit(...): ..." */
};
/* The same, and keep to what came by @way: with VD_JOURNAL_KERNEL everything that the kernel printed. */
int vd_journal_open_audit(struct vd_root *root, enum vd_journal_audit way, struct vd_journal **ret_journal,
                          struct vd_err *err) VD_MUST_CHECK;
void vd_journal_free(struct vd_journal *journal);
/* Open the files that are there now, as a rotation leaves them, and go on where reading stands. Errors as above. */
int vd_journal_reopen(struct vd_journal *journal, struct vd_root *root, struct vd_err *err) VD_MUST_CHECK;
/* Was a file left out because it is just being made? vd_journal_reopen() later. */
bool vd_journal_is_incomplete(const struct vd_journal *journal);
/* Why a file was left out for good, damaged for example, while others are read; NULL when none was. Borrowed. */
const struct vd_err *vd_journal_problem(const struct vd_journal *journal);
/* The directories that may hold files of the journal, whether they are there or not. Changes in them tell of entries.
 */
int vd_journal_dirs(struct vd_root *root, struct vd_strv *dirs) VD_MUST_CHECK;
/* Go on at the first entry that is not before @time, microseconds since the epoch. */
int vd_journal_seek(struct vd_journal *journal, int64_t time) VD_MUST_CHECK;
/* Go on @count entries before the end. */
int vd_journal_seek_last(struct vd_journal *journal, uint64_t count) VD_MUST_CHECK;
/* The next entry. Returns 0; 1 at the end, where later calls see what was added; a negative errno. */
int vd_journal_next(struct vd_journal *journal, struct vd_journal_entry *ret_entry) VD_MUST_CHECK;
