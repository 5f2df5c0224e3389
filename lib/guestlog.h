/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log files of guests: finding them, and reading a guest's rotated files as one stream. Rotation is virtlogd's
 * (NAME.log.0 is the newest of the old ones) or logrotate's (NAME.log.1.gz, NAME.log-20261123); both may have been at
 * work. What helper daemons log for a guest belongs to it.
 */

#include "guestboot.h"
#include "guestline.h"
#include "guests.h"
#include "lines.h"
#include "root.h"
#include "unpack.h"

struct vd_guestlog_file {
	char *path;   /* inside the root */
	int64_t size; /* bytes on disk, -1 unknown */
};

/* One log with its rotated files. */
struct vd_guestlog {
	char *guest; /* name */
	char *alias; /* of the device whose helper logs here; NULL */
	enum vd_driver driver;
	enum vd_guestline_kind only;    /* START: the guest's own log; VIRTIOFSD, SWTPM: that of a helper */
	char *path;                     /* of the file that is written to, which may be missing */
	bool has_current;               /* ... it is there, as the last of @files */
	struct vd_guestlog_file *files; /* oldest first, at least one */
	size_t n_files;
};

struct vd_guestlogs {
	struct vd_guestlog *items; /* by driver, guest; the guest's own log before those of its helpers */
	size_t len;
	struct vd_strv dirs;               /* where was looked, existing or not; those of guests' own logs first */
	struct vd_guest_problem *problems; /* directories that could not be read */
	size_t n_problems;
	bool session;
};

/*
 * Find all logs of the system or, as @options say, of a user's session. @guests (may be NULL) help to tell to whom a
 * helper's log belongs when the name alone does not. Directories that do not exist are no problem.
 * Returns 0 unless memory runs out or the session user does not exist.
 */
int vd_guestlogs_load(struct vd_root *root, const struct vd_guests_options *options, const struct vd_guests *guests,
                      struct vd_guestlogs *ret_logs, struct vd_err *err) VD_MUST_CHECK;
void vd_guestlogs_release(struct vd_guestlogs *logs);
/* The own log of the guest of that name; NULL when it has none. Borrowed. */
const struct vd_guestlog *vd_guestlogs_get(const struct vd_guestlogs *logs, enum vd_driver driver, const char *guest);

/*
 * Cut @name, the name of a file, into the log's name and the mark of its rotation: "web01" and the rest of
 * "web01.log.2.gz". Returns the length of the log's name, 0 when it is no log.
 */
size_t vd_guestlog_base(const char *name);
/* Is @s what a rotation puts behind a log's name (".0", ".2.gz", "-20261123.xz"), or nothing at all? */
bool vd_guestlog_is_rotation(const char *s);

/* One line, or a piece of one, of a log. */
struct vd_guestlog_line {
	struct vd_line line;      /* its offset counts in the stream of all files */
	struct vd_guestline info; /* of the line's first piece */
	const char *path;         /* the file where the line begins */
	int64_t offset;           /* ... and where in it, unpacked */
};

struct vd_guestlog_reader;

/*
 * Read the files of @log from byte @offset of file @first to the end of the newest, as one stream: a line that a
 * rotation has cut in two is one line. @log and @root must outlive the reader.
 * Files that cannot be opened or are damaged are passed over and told by vd_guestlog_problems().
 */
int vd_guestlog_open(struct vd_root *root, const struct vd_guestlog *log, size_t first, int64_t offset,
                     struct vd_guestlog_reader **ret_reader, struct vd_err *err) VD_MUST_CHECK;
/* 0; 1 at the end; a negative errno, of memory alone. What @ret_line borrows lives until the next call. */
int vd_guestlog_next(struct vd_guestlog_reader *reader, struct vd_guestlog_line *ret_line) VD_MUST_CHECK;
/* Files that could not be read to their end: pairs of path and reason. Borrowed. */
const struct vd_strv *vd_guestlog_problems(const struct vd_guestlog_reader *reader);
/*
 * The starts that @log tells of, into @boots, which is initialised here and released by the caller also on failure;
 * @keep as for vd_boots_init(). Files that could not be read are added to @problems, pairs of path and reason.
 * Returns 0, -ENOMEM.
 */
int vd_guestlog_boots(struct vd_root *root, const struct vd_guestlog *log, bool keep, struct vd_boots *boots,
                      struct vd_strv *problems, struct vd_err *err) VD_MUST_CHECK;

/* The last start of a guest that failed, or its last crash. Strings are owned. */
struct vd_guestlog_failure {
	int64_t time; /* of its end, else of its start, in microseconds since the epoch; VD_NO_TIME unknown */
	char *reason; /* as vd_boot_reason() words it */
	char *error;  /* the first error that was logged of it; NULL */
};
/*
 * Find the last failure in the end of the newest file of @log, some hundred starts. Returns 0; 1 when there is none
 * there; -ENOMEM. A file that cannot be read has none: vd_guestlog_boots() tells why. The caller releases
 * *@ret_failure, which is untouched unless 0 is returned.
 */
int vd_guestlog_last_failure(struct vd_root *root, const struct vd_guestlog *log,
                             struct vd_guestlog_failure *ret_failure, struct vd_err *err) VD_MUST_CHECK;
void vd_guestlog_failure_release(struct vd_guestlog_failure *failure);

/* Longer command lines than this are no command lines: the kernel starts none above 2 MiB. */
#define VD_GUESTLOG_MAX_COMMAND (8u << 20)

/* The command line of one start as it stands in the log. */
struct vd_guestlog_command {
	struct vd_buf text;  /* the block's lines, each with a newline; empty: none was logged */
	struct vd_buf init;  /* LXC: the line of the container's init */
	bool beginning_lost; /* the block begins with the oldest file, so lines before it may have been rotated away */
};

/*
 * Find the command line of boot @number, counted from 0 for the oldest. The caller releases @ret_command with
 * vd_guestlog_command_release(). Returns 0; -EFBIG; -ENOMEM. Files that could not be read are no error here.
 */
int vd_guestlog_find_command(struct vd_root *root, const struct vd_guestlog *log, size_t number,
                             struct vd_guestlog_command *ret_command, struct vd_err *err) VD_MUST_CHECK;
void vd_guestlog_command_release(struct vd_guestlog_command *command);
void vd_guestlog_close(struct vd_guestlog_reader *reader);
void vd_guestlog_cleanup(struct vd_guestlog_reader **reader);
#define VD_AUTO_GUESTLOG VD_CLEANUP(vd_guestlog_cleanup)
