/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What follow.c and follow-file.c share. */

#include <sys/types.h>

#include "buf.h"
#include "follow.h"

/*
 * How much of what was read last is kept, to see that the file is still the same. Several lines: less than one may be
 * the same in another file at the same place, where a line is unfinished and has only its time and program so far.
 */
#define VD_FOLLOW_MARK 1024

/* A followed file. */
struct vd_follow_file {
	char *path, *name; /* name: the last part of path */
	size_t dir;        /* of vd_follow.dirs */
	void *data;        /* of the caller */
	int fd;            /* what is read now; -1 nothing */
	dev_t dev;
	ino_t ino;
	int64_t offset;
	char mark[VD_FOLLOW_MARK]; /* the bytes before offset */
	size_t mark_len;
	struct vd_buf rest;         /* of a line that is not finished */
	int64_t rest_offset;        /* where it begins */
	bool rest_begun;            /* pieces of it were handed out */
	int64_t rest_time;          /* when it grew last, by the monotonic clock in milliseconds */
	bool emptied;               /* it was emptied since it has the name, and was not read again yet */
	char known[VD_FOLLOW_MARK]; /* ... the first bytes of the newest copy that was there then */
	size_t known_len;
	bool had_copies;      /* ... there was one */
	bool cut;             /* a new file follows: see whether the rest goes on there */
	bool first_look;      /* not looked at yet */
	int64_t first_offset; /* where to begin in a file that is there at the first look; then 0 */
	bool name_changed;    /* look whether another file has the name */
	bool grown;           /* look whether there is more to read */
	bool gone;            /* nothing has the name */
	bool waiting;         /* an empty file has it, and the old one is read on */
};

struct vd_follow_dir {
	char *path;
	int wd;       /* -1: not watched */
	int above_wd; /* of the nearest directory above that exists, while this one does not; -1 */
	bool tell;    /* of new names */
};

struct vd_follow {
	struct vd_root *root;
	struct vd_follow_calls calls;
	int inotify; /* -1: polling */
	char *chunk; /* one for all files */
	struct vd_follow_file *files;
	size_t n_files, cap_files;
	struct vd_follow_dir *dirs;
	size_t n_dirs;
	int64_t last_sweep; /* milliseconds */
	bool again;         /* events were lost: look at everything */
};

#define VD_FOLLOW_CHUNK VD_FOLLOW_PIECE

int64_t vd_follow_now(void);
/* Read all that @file has, through rotations. 0 or a negative result. */
int vd_follow_file_read(struct vd_follow *f, struct vd_follow_file *file);
void vd_follow_file_release(struct vd_follow_file *file);
