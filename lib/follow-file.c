/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One followed file: its lines, and what to do when it was rotated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "follow-internal.h"
#include "guestlog.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.follow-file");

/* More rotations than this since the last look are not caught up with. */
#define MAX_OLDER 64

/* How often they are listed while they are being renamed: from then on something may be missed. */
#define MAX_LISTINGS 16

/* Unfinished lines of all files together, and the least of one file, in bytes. */
#define MAX_RESTS (4u << 20)
#define MIN_REST  4096u

/* A rotated file, opened before it can be renamed again. */
struct older {
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	struct timespec changed;
	size_t order;              /* by name */
	size_t stem;               /* of path: its length without .gz and the like */
	char head[VD_FOLLOW_MARK]; /* its first bytes, unpacked */
	size_t head_len;
};

struct older_list {
	struct older items[MAX_OLDER]; /* newest first */
	size_t len;
};

static void note(struct vd_follow *f, struct vd_follow_file *file, enum vd_follow_note what)
{
	VLOG_DEBUG("%s: %d", file->path, (int)what);
	if (f->calls.note)
		f->calls.note(f->calls.data, file->data, what);
}

/* --- lines ----------------------------------------------------------------------------------------------------- */

static int hand_out(struct vd_follow *f, struct vd_follow_file *file, const char *path, const char *text, size_t len,
                    int64_t offset, bool last, bool newline)
{
	struct vd_line line = {
		.text = text, .len = len, .offset = offset, .first = !file->rest_begun, .last = last, .newline = newline
	};

	file->rest_begun = !last;
	return f->calls.line(f->calls.data, file->data, &line, path);
}

/* The unfinished line is one, although no newline came. */
static int end_rest(struct vd_follow *f, struct vd_follow_file *file, const char *path)
{
	int rc = 0;

	if (file->rest.len || file->rest_begun)
		rc = hand_out(f, file, path, vd_buf_str(&file->rest), file->rest.len, file->rest_offset, true, false);
	vd_buf_clear(&file->rest);
	return rc;
}

/* How much of an unfinished line is kept: the files together must not fill the memory. */
static size_t longest_rest(const struct vd_follow *f)
{
	size_t share = MAX_RESTS / (f->n_files ? f->n_files : 1);

	return share < MIN_REST ? MIN_REST : share > VD_FOLLOW_PIECE ? VD_FOLLOW_PIECE : share;
}

/* Keep the beginning of a line; of one that is too long hand out a piece. */
static int keep_rest(struct vd_follow *f, struct vd_follow_file *file, const char *path, const char *text, size_t len,
                     int64_t offset)
{
	char cut[4]; /* the beginning of a character that is not whole yet */
	size_t whole, n_cut;
	int rc;

	if (!file->rest.len && !file->rest_begun)
		file->rest_offset = offset;
	file->rest_time = vd_follow_now();
	if (vd_buf_add(&file->rest, text, len) < 0)
		return -ENOMEM;
	if (file->rest.len < longest_rest(f))
		return 0;
	whole = vd_utf8_whole(file->rest.data, file->rest.len);
	n_cut = file->rest.len - whole;
	memcpy(cut, file->rest.data + whole, n_cut);
	rc = hand_out(f, file, path, file->rest.data, whole, file->rest_offset, false, false);
	vd_buf_release(&file->rest);
	return rc < 0 ? rc : vd_buf_add(&file->rest, cut, n_cut) < 0 ? -ENOMEM : rc;
}

/* @n new bytes that stand at @offset of the file at @path. */
static int feed(struct vd_follow *f, struct vd_follow_file *file, const char *path, const char *bytes, size_t n,
                int64_t offset)
{
	const char *p = bytes, *end = bytes + n;
	int rc = 0;

	if (file->cut && n) {
		file->cut = false;
		if (vd_guestline_begins(bytes, n))
			rc = end_rest(f, file, path);
	}
	while (p < end && rc >= 0) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline ? newline : end) - p);
		int64_t at = offset + (p - bytes);

		if (!newline)
			return keep_rest(f, file, path, p, len, at);
		if (file->rest.len) {
			if (vd_buf_add(&file->rest, p, len) < 0)
				return -ENOMEM;
			rc = hand_out(f, file, path, file->rest.data, file->rest.len, file->rest_offset, true, true);
			vd_buf_clear(&file->rest);
		} else {
			rc = hand_out(f, file, path, p, len, at, true, true);
		}
		p = newline + 1;
	}
	return rc < 0 ? rc : 0;
}

static void remember(struct vd_follow_file *file, const char *bytes, size_t n)
{
	size_t keep = n < VD_FOLLOW_MARK ? n : VD_FOLLOW_MARK;
	size_t old = file->mark_len + keep > VD_FOLLOW_MARK ? VD_FOLLOW_MARK - keep : file->mark_len;

	memmove(file->mark, file->mark + file->mark_len - old, old);
	memcpy(file->mark + old, bytes + n - keep, keep);
	file->mark_len = old + keep;
}

static int copies_between(struct vd_follow *f, struct vd_follow_file *file);

/*
 * Are the first bytes of the chunk still at @offset? Reading is not one step: a file that is emptied and written anew
 * meanwhile gives old bytes first and new ones behind.
 */
static bool is_still_there(const struct vd_follow *f, const struct vd_follow_file *file, size_t n, int64_t offset)
{
	char again[VD_FOLLOW_MARK];
	size_t len = n < sizeof(again) ? n : sizeof(again);

	return pread(file->fd, again, len, (off_t)offset) == (ssize_t)len && !memcmp(again, f->chunk, len);
}

/*
 * Read on. The bytes before are read again: where they differ, the file was emptied and written anew, whatever its size
 * is now. 0 all was read, 1 the file is not what it was, or a negative result.
 */
static int drain(struct vd_follow *f, struct vd_follow_file *file)
{
	for (;;) {
		ssize_t n = pread(file->fd, f->chunk, VD_FOLLOW_CHUNK, (off_t)(file->offset - (int64_t)file->mark_len));
		const char *bytes = f->chunk + file->mark_len;
		int64_t at = file->offset;
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if ((size_t)n < file->mark_len || memcmp(f->chunk, file->mark, file->mark_len))
			return 1;
		if (n > (ssize_t)file->mark_len &&
		    !is_still_there(f, file, (size_t)n, file->offset - (int64_t)file->mark_len)) {
			if (file->mark_len)
				return 1;
			continue;
		}
		n -= (ssize_t)file->mark_len;
		if (!n)
			return 0;
		if (file->emptied) {
			/* It may have been filled, copied and emptied again since: read the copies, then look anew. */
			rc = copies_between(f, file);
			if (rc < 0)
				return rc;
			if (rc == 1)
				continue;
			file->emptied = false;
		}
		file->offset += n;
		remember(file, bytes, (size_t)n);
		rc = feed(f, file, file->path, bytes, (size_t)n, at);
		if (rc < 0)
			return rc;
	}
}

/* --- rotated files --------------------------------------------------------------------------------------------- */

/* Newest first: numbers rise with age, dates fall. */
static int by_age(const void *a, const void *b)
{
	const char *s = *(char *const *)a, *t = *(char *const *)b;
	const char *x = strrchr(s, '\1') + 1, *y = strrchr(t, '\1') + 1;

	if (*x != *y)
		return *x == '.' ? -1 : 1;
	if (*x == '.') {
		long m = strtol(x + 1, NULL, 10), n = strtol(y + 1, NULL, 10);

		return m < n ? -1 : m > n ? 1 : strcmp(x, y);
	}
	/* What is being packed before its packed file. */
	return strncmp(x, y, strlen(x)) && strncmp(x, y, strlen(y)) ? strcmp(y, x) : strcmp(x, y);
}

/* The names of the file's rotated files, newest first, each with \1 before its suffix. */
static int list_names(struct vd_follow *f, const struct vd_follow_file *file, struct vd_strv *ret_names)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	size_t len = strlen(file->name);
	int rc = vd_root_list(f->root, f->dirs[file->dir].path, &names, NULL);

	for (size_t i = 0; i < names.len && rc == 0; i++) {
		const char *name = names.items[i];
		VD_AUTO_BUF marked = VD_BUF_INIT;

		if (strncmp(name, file->name, len) || !name[len] || !vd_guestlog_is_rotation(name + len))
			continue;
		if (vd_buf_addf(&marked, "%.*s\1%s", (int)len, name, name + len) < 0 ||
		    vd_strv_add(ret_names, vd_buf_str(&marked)) < 0)
			rc = -ENOMEM;
	}
	if (ret_names->len > 1)
		qsort(ret_names->items, ret_names->len, sizeof(*ret_names->items), by_age);
	return rc;
}

static void read_head(struct older *o)
{
	struct vd_unpack *unpack = NULL;

	o->head_len = 0;
	if (vd_unpack_open(dup(o->fd), 0, &unpack, NULL) < 0)
		return;
	while (o->head_len < sizeof(o->head)) {
		ssize_t n = vd_unpack_read(unpack, o->head + o->head_len, sizeof(o->head) - o->head_len);

		if (n <= 0)
			break;
		o->head_len += (size_t)n;
	}
	vd_unpack_free(unpack);
}

static bool same_head(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;

	return n && !memcmp(a, b, n);
}

/* Is it in the list already: renamed since, or a packed file that is not finished beside what is packed into it? */
static bool is_known(const struct older_list *list, const struct older *o)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct older *k = &list->items[i];

		if (k->dev == o->dev && k->ino == o->ino)
			return true;
		if (k->stem == o->stem && !memcmp(k->path, o->path, k->stem) &&
		    (!o->head_len || same_head(k->head, k->head_len, o->head, o->head_len)))
			return true;
	}
	return false;
}

static int by_change(const void *a, const void *b)
{
	const struct timespec *s = &((const struct older *)a)->changed, *t = &((const struct older *)b)->changed;

	if (s->tv_sec != t->tv_sec)
		return s->tv_sec > t->tv_sec ? -1 : 1;
	if (s->tv_nsec != t->tv_nsec)
		return s->tv_nsec > t->tv_nsec ? -1 : 1;
	return ((const struct older *)a)->order < ((const struct older *)b)->order ? -1 : 1;
}

static void older_release(struct older *o)
{
	free(o->path);
	if (o->fd >= 0)
		close(o->fd);
}

static void list_release(struct older_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		older_release(&list->items[i]);
}

/* Open number @number of the listed names and add it, if it can be opened and is not there already. 0 or -ENOMEM. */
static int open_listed(struct vd_follow *f, const struct vd_follow_file *file, const struct vd_strv *names,
                       size_t number, struct older_list *list)
{
	const char *name = names->items[number], *mark = strrchr(name, '\1'), *dot;
	struct older *o = &list->items[list->len];
	struct stat st;
	int rc;

	memset(o, 0, sizeof(*o));
	o->fd = -1;
	if (asprintf(&o->path, "%s/%.*s%s", f->dirs[file->dir].path, (int)(mark - name), name, mark + 1) < 0)
		return -ENOMEM;
	dot = strrchr(o->path, '.');
	o->stem = !dot || (dot[1] >= '0' && dot[1] <= '9') ? strlen(o->path) : (size_t)(dot - o->path);
	if (mark[1] == '-' && !strchr(mark + 1, '.'))
		o->stem = strlen(o->path);
	rc = vd_root_open_file(f->root, o->path, &o->fd, NULL);
	if (rc < 0 || fstat(o->fd, &st) < 0) {
		older_release(o);
		return rc == -ENOMEM ? rc : 0;
	}
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	o->changed = st.st_mtim;
	o->order = number;
	read_head(o);
	if (is_known(list, o))
		older_release(o);
	else
		list->len++;
	return 0;
}

static bool same_names(const struct vd_strv *a, const struct vd_strv *b)
{
	size_t i = 0;

	while (i < a->len && i < b->len && !strcmp(a->items[i], b->items[i]))
		i++;
	return i == a->len && i == b->len;
}

/*
 * Open the newest rotated files, in order of their last change, as files of virtlogd and of logrotate may stand beside
 * each other; of their names when that is the same. When names come or go meanwhile, a file may be missed that was
 * renamed or packed: then all is done again. A rotation that leaves the names as they were moves each file to a name
 * that is opened later, so that it is found, perhaps twice.
 */
static int open_older(struct vd_follow *f, const struct vd_follow_file *file, struct older_list *list)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	int rc = list_names(f, file, &names);

	for (unsigned tries = 0; rc == 0 && tries < MAX_LISTINGS; tries++) {
		VD_AUTO_STRV names_then = VD_STRV_INIT;

		for (size_t i = 0; i < names.len && list->len < MAX_OLDER && rc == 0; i++)
			rc = open_listed(f, file, &names, i, list);
		if (rc == 0)
			rc = list_names(f, file, &names_then);
		if (rc < 0 || same_names(&names, &names_then) || tries + 1 == MAX_LISTINGS)
			break;
		VLOG_DEBUG("%s: rotated while its old files were opened", file->path);
		list_release(list);
		list->len = 0;
		vd_strv_release(&names);
		names = names_then;
		names_then = (struct vd_strv)VD_STRV_INIT;
	}
	if (list->len > 1)
		qsort(list->items, list->len, sizeof(*list->items), by_change);
	return rc == -ENOMEM ? rc : 0;
}

/* Does the rotated file hold what we have read last, at its place? Then it is, or is a copy of, what we read. */
static bool holds_mark(const struct vd_follow_file *file, const struct older *o)
{
	struct vd_unpack *unpack = NULL;
	char bytes[VD_FOLLOW_MARK];
	size_t have = 0;

	if (!file->mark_len || vd_unpack_open(dup(o->fd), file->offset - (int64_t)file->mark_len, &unpack, NULL) < 0)
		return false;
	while (have < file->mark_len) {
		ssize_t n = vd_unpack_read(unpack, bytes + have, file->mark_len - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	vd_unpack_free(unpack);
	return have == file->mark_len && !memcmp(bytes, file->mark, have);
}

/* Read a rotated file from @offset to its end. */
static int read_older(struct vd_follow *f, struct vd_follow_file *file, const struct older *o, int64_t offset)
{
	struct vd_unpack *unpack = NULL;
	ssize_t n;
	int rc = 0;

	VLOG_DEBUG("%s: catching up with %s", file->path, o->path);
	if (vd_unpack_open(dup(o->fd), offset, &unpack, NULL) < 0)
		return 0;
	while (rc >= 0 && (n = vd_unpack_read(unpack, f->chunk, VD_FOLLOW_CHUNK)) > 0) {
		rc = feed(f, file, o->path, f->chunk, (size_t)n, offset);
		offset += n;
	}
	vd_unpack_free(unpack);
	return rc;
}

/*
 * Is @o a copy of what the name holds now, made by a rotation that has not emptied it yet? One that is still empty is
 * just being made: read now, and the name after it, it would be told twice.
 */
static bool is_copy_of_current(const struct vd_follow_file *file, const struct older *o)
{
	char head[VD_FOLLOW_MARK];
	ssize_t n = pread(file->fd, head, sizeof(head), 0);

	return !o->head_len || (n > 0 && same_head(head, (size_t)n, o->head, o->head_len));
}

/* Remember number @newest of the list, or the next older one that holds anything, as the newest that needs no reading.
 */
static void know(struct vd_follow_file *file, const struct older_list *list, size_t newest)
{
	size_t i = newest;

	while (i < list->len && !list->items[i].head_len)
		i++;
	file->had_copies = i < list->len;
	file->known_len = file->had_copies ? list->items[i].head_len : 0;
	if (file->had_copies)
		memcpy(file->known, list->items[i].head, file->known_len);
}

/*
 * Read the rotated files before number @from of the list, from old to new, but for a copy of what the name holds; they
 * are known then.
 */
static int read_newer(struct vd_follow *f, struct vd_follow_file *file, const struct older_list *list, size_t from)
{
	int rc = 0;

	know(file, list, from);
	while (rc >= 0 && from > 0) {
		from--;
		if (from == 0 && is_copy_of_current(file, &list->items[0]))
			break;
		file->cut = true;
		rc = read_older(f, file, &list->items[from], 0);
		know(file, list, from);
	}
	return rc;
}

/*
 * The file was emptied and has content again. Are there copies that were not there then? They are read: 1. 0: there are
 * none, or a negative result. A packed copy is another file than the copy was, so their contents are compared.
 */
static int copies_between(struct vd_follow *f, struct vd_follow_file *file)
{
	VD_CLEANUP(list_release) struct older_list list = { .len = 0 };
	size_t from = 0;
	int rc = open_older(f, file, &list);

	while (rc == 0 && from < list.len &&
	       !same_head(list.items[from].head, list.items[from].head_len, file->known, file->known_len))
		from++;
	if (rc < 0 || from == 0 || (from == list.len && file->had_copies))
		return rc;
	if (from == 1 && is_copy_of_current(file, &list.items[0]))
		return 0;
	rc = read_newer(f, file, &list, from);
	return rc < 0 ? rc : 1;
}

/* The file was emptied: what was written before is in a copy, and whole rotations may lie between. */
static int catch_up_truncated(struct vd_follow *f, struct vd_follow_file *file)
{
	VD_CLEANUP(list_release) struct older_list list = { .len = 0 };
	size_t from = 0;
	int rc = open_older(f, file, &list);

	while (from < list.len && !holds_mark(file, &list.items[from]))
		from++;
	if (from == list.len) {
		note(f, file, VD_FOLLOW_LOST);
		know(file, &list, list.len && is_copy_of_current(file, &list.items[0]) ? 1 : 0);
	} else {
		know(file, &list, from);
		if (rc == 0)
			rc = read_older(f, file, &list.items[from], file->offset);
		if (rc >= 0)
			rc = read_newer(f, file, &list, from);
	}
	file->offset = 0;
	file->mark_len = 0;
	file->emptied = file->cut = true;
	return rc < 0 ? rc : 0;
}

/*
 * Another file has the name, the old one was read to its end. When it was renamed, there may be whole files between the
 * two. @st is that of the new file.
 */
static int catch_up_renamed(struct vd_follow *f, struct vd_follow_file *file, const struct stat *st)
{
	VD_CLEANUP(list_release) struct older_list list = { .len = 0 };
	size_t from = 0;
	int rc = open_older(f, file, &list);

	while (from < list.len && (list.items[from].dev != file->dev || list.items[from].ino != file->ino) &&
	       !holds_mark(file, &list.items[from]))
		from++;
	/* Not there: it was deleted. What it left unfinished stays so. */
	if (from == list.len)
		return rc < 0 ? rc : end_rest(f, file, file->path);
	file->cut = true;
	while (rc >= 0 && from > 0) {
		from--;
		/* The new file has been renamed already: it is read under its name next. */
		if (list.items[from].dev == st->st_dev && list.items[from].ino == st->st_ino)
			break;
		rc = read_older(f, file, &list.items[from], 0);
		file->cut = true;
	}
	return rc < 0 ? rc : 0;
}

/* --- the file itself ------------------------------------------------------------------------------------------- */

static void take(struct vd_follow_file *file, int fd, const struct stat *st)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = fd;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->offset = 0;
	file->mark_len = 0;
	file->gone = file->emptied = file->waiting = false;
}

/* Begin in the middle of a file that was there from the start. */
static void begin_at(struct vd_follow_file *file, const struct stat *st)
{
	int64_t at = file->first_offset < st->st_size ? file->first_offset : st->st_size;
	size_t len = at < VD_FOLLOW_MARK ? (size_t)at : VD_FOLLOW_MARK;
	ssize_t n = pread(file->fd, file->mark, len, (off_t)(at - (int64_t)len));

	file->offset = at;
	file->mark_len = n == (ssize_t)len ? len : 0;
}

/* See which file has the name. 0 nothing changed, 1 there is another one, which was taken; a negative result. */
static int look_at_name(struct vd_follow *f, struct vd_follow_file *file)
{
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int rc = vd_root_open_file(f->root, file->path, &fd, NULL);

	if (rc < 0 || fstat(fd, &st) < 0) {
		if (!file->gone && file->fd >= 0)
			note(f, file, VD_FOLLOW_GONE);
		file->gone = true;
		file->first_look = false;
		file->first_offset = 0;
		return rc == -ENOMEM ? rc : 0;
	}
	if (file->fd >= 0 && st.st_dev == file->dev && st.st_ino == file->ino) {
		file->gone = false;
		return 0;
	}
	if (file->fd < 0) {
		take(file, vd_steal_fd(fd), &st);
		if (file->first_look)
			begin_at(file, &st);
		else
			note(f, file, VD_FOLLOW_CAME);
		file->first_look = false;
		file->first_offset = 0;
		return 1;
	}
	/* As long as the new file is empty, the writer may still write to the old one. */
	file->waiting = !st.st_size;
	if (file->waiting)
		return 0;
	rc = drain(f, file);
	if (rc == 1)
		rc = catch_up_truncated(f, file);
	if (rc == 0)
		rc = catch_up_renamed(f, file, &st);
	if (rc < 0)
		return rc;
	take(file, vd_steal_fd(fd), &st);
	note(f, file, VD_FOLLOW_ROTATED);
	return 1;
}

int vd_follow_file_read(struct vd_follow *f, struct vd_follow_file *file)
{
	int rc = 0;

	for (;;) {
		bool named = file->name_changed || file->fd < 0 || file->waiting;

		file->grown = file->name_changed = false;
		if (file->fd >= 0)
			rc = drain(f, file);
		if (rc == 1) {
			note(f, file, VD_FOLLOW_TRUNCATED);
			rc = catch_up_truncated(f, file);
			named = true;
			file->name_changed = true;
		}
		if (rc < 0)
			return rc;
		if (!named)
			return 0;
		rc = look_at_name(f, file);
		if (rc < 0)
			return rc;
		/* What is new is read, and what happened meanwhile is seen. */
		if (rc == 0 && !file->name_changed)
			return 0;
		file->name_changed = rc == 1;
		rc = 0;
	}
}

void vd_follow_file_release(struct vd_follow_file *file)
{
	free(file->path);
	vd_buf_release(&file->rest);
	if (file->fd >= 0)
		close(file->fd);
}
