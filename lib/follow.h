/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Following files by name as they grow, as `tail -F` does, for many files at once and without losing a line: through
 * rotation by renaming, copying and truncating, deleting and creating anew, also when several rotations happened since
 * the last look, and from before file or directory are there. Uses inotify on the directories, one watch each, and
 * looks at everything once a second beside, for file systems that do not notify.
 *
 * A line that a rotation has cut in two is one line, unless what follows begins with a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "lines.h"
#include "root.h"

/* The longest piece of a line that is handed out. */
#define VD_FOLLOW_PIECE (128u << 10)

enum vd_follow_note {
	VD_FOLLOW_CAME,      /* the file is there now and was not before */
	VD_FOLLOW_ROTATED,   /* another file has the name */
	VD_FOLLOW_TRUNCATED, /* it was emptied and begins anew */
	VD_FOLLOW_LOST,      /* ... and the copy that should have what was not yet read is not there */
	VD_FOLLOW_GONE,      /* nothing has the name; the file is followed as long as it grows */
};

struct vd_follow_calls {
	/*
	 * A line, or a piece of one when it is longer than VD_FOLLOW_PIECE, less when many files are followed: borrowed
	 * for the call. @line->offset is that in the file at @path. @file: what was given to vd_follow_add(). A
	 * negative result ends reading with it.
	 */
	int (*line)(void *data, void *file, const struct vd_line *line, const char *path);
	/* Something happened to the file. May be NULL. */
	void (*note)(void *data, void *file, enum vd_follow_note note);
	/* @name appeared in the followed directory @dir. May be NULL. */
	void (*name)(void *data, const char *dir, const char *name);
	void *data;
};

struct vd_follow;

/* The caller frees *@ret_follow. Returns 0, or a negative errno: -EMFILE when the user has no more inotify instances.
 */
int vd_follow_new(struct vd_root *root, const struct vd_follow_calls *calls, struct vd_follow **ret_follow,
                  struct vd_err *err) VD_MUST_CHECK;
void vd_follow_free(struct vd_follow *follow);

/*
 * Follow @path, which need not exist, from byte @offset of the file that has the name now; a file that comes later is
 * read from its beginning. @file is handed to the calls. Returns 0, -ENOMEM.
 */
int vd_follow_add(struct vd_follow *follow, const char *path, int64_t offset, void *file,
                  struct vd_err *err) VD_MUST_CHECK;
/* Tell of names that appear in @dir, which need not exist. */
int vd_follow_add_dir(struct vd_follow *follow, const char *dir, struct vd_err *err) VD_MUST_CHECK;

/* To poll(2) for input; vd_follow_read() then. -1 when inotify has no more watches: call it every 100 ms. */
int vd_follow_fd(const struct vd_follow *follow);
/* Milliseconds until vd_follow_read() should be called without input. */
int vd_follow_timeout(const struct vd_follow *follow);
/* Read what is there and make the calls. Returns 0 when all was read, a negative errno, or the result of a call. */
int vd_follow_read(struct vd_follow *follow) VD_MUST_CHECK;

/*
 * The beginning of the file's unfinished last line, when there is one and it has not grown for @idle_ms; borrowed until
 * the next read. False when there is none.
 */
bool vd_follow_rest(const struct vd_follow *follow, void *file, int64_t idle_ms, const char **ret_text,
                    size_t *ret_len);
/* Milliseconds until the first unfinished line has been idle for @idle_ms, -1 when there is none to come. */
int vd_follow_rest_timeout(const struct vd_follow *follow, int64_t idle_ms);
