/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Following files: what inotify tells, and what has to be looked at. */
#include "follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "follow-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.follow");

/* Everything is looked at after so many milliseconds: with inotify for what does not notify, and without. */
#define SWEEP_MS   1000
#define POLLING_MS 100

#define WATCHED (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
#define ABOVE   (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

int64_t vd_follow_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int vd_follow_new(struct vd_root *root, const struct vd_follow_calls *calls, struct vd_follow **ret_follow,
                  struct vd_err *err)
{
	struct vd_follow *f = calloc(1, sizeof(*f));

	if (f)
		f->chunk = malloc(VD_FOLLOW_CHUNK);
	if (!f || !f->chunk) {
		free(f);
		return vd_err_set(err, ENOMEM, "no memory to follow files");
	}
	f->root = root;
	f->calls = *calls;
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0)
		VLOG_INFO("no inotify, looking every %d ms: %s", POLLING_MS, strerror(errno));
	f->last_sweep = vd_follow_now();
	*ret_follow = f;
	return 0;
}

void vd_follow_free(struct vd_follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_files; i++)
		vd_follow_file_release(&f->files[i]);
	for (size_t i = 0; i < f->n_dirs; i++)
		free(f->dirs[i].path);
	if (f->inotify >= 0)
		close(f->inotify);
	free(f->files);
	free(f->dirs);
	free(f->chunk);
	free(f);
}

/* --- directories ----------------------------------------------------------------------------------------------- */

static int add_watch(struct vd_follow *f, const char *path, uint32_t mask)
{
	VD_AUTO_CLOSE int fd = -1;
	char name[64];
	int wd;

	if (f->inotify < 0 || vd_root_open_dir(f->root, path, &fd, NULL) < 0)
		return -1;
	/* By the descriptor, so that no link leads out of the root. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(f->inotify, name, mask | IN_MASK_ADD);
	if (wd < 0) {
		VLOG_INFO("%s cannot be watched, looking every %d ms: %s", path, POLLING_MS, strerror(errno));
		close(f->inotify);
		f->inotify = -1;
	}
	return wd;
}

/* Watch the directory, or while it is not there the nearest one above that is. */
static void watch(struct vd_follow *f, struct vd_follow_dir *dir)
{
	VD_AUTO_FREE char *above = NULL;

	dir->wd = add_watch(f, dir->path, WATCHED);
	if (dir->wd >= 0 || f->inotify < 0)
		return;
	above = strdup(dir->path);
	for (char *slash = above ? strrchr(above, '/') : NULL; slash; slash = strrchr(above, '/')) {
		*slash = '\0';
		dir->above_wd = add_watch(f, *above ? above : "/", ABOVE);
		if (dir->above_wd >= 0 || f->inotify < 0)
			break;
	}
	/* It may have come before the watch did. */
	dir->wd = add_watch(f, dir->path, WATCHED);
}

/* The number of @path of @len bytes among the directories, added when it is new; -ENOMEM. */
static ssize_t directory(struct vd_follow *f, const char *path, size_t len)
{
	struct vd_follow_dir *dirs;
	char *copy;

	for (size_t i = 0; i < f->n_dirs; i++)
		if (strlen(f->dirs[i].path) == len && !memcmp(f->dirs[i].path, path, len))
			return (ssize_t)i;
	dirs = realloc(f->dirs, (f->n_dirs + 1) * sizeof(*dirs));
	copy = strndup(path, len);
	if (dirs)
		f->dirs = dirs;
	if (!dirs || !copy) {
		free(copy);
		return -ENOMEM;
	}
	dirs[f->n_dirs] = (struct vd_follow_dir){ .path = copy, .wd = -1, .above_wd = -1 };
	watch(f, &dirs[f->n_dirs]);
	return (ssize_t)f->n_dirs++;
}

int vd_follow_add(struct vd_follow *f, const char *path, int64_t offset, void *data, struct vd_err *err)
{
	const char *slash = strrchr(path, '/');
	struct vd_follow_file *file;
	ssize_t dir;

	if (!slash || !slash[1])
		return vd_err_set(err, EINVAL, "'%s' is no path of a file", path);
	dir = directory(f, path, slash == path ? 1 : (size_t)(slash - path));
	if (dir >= 0 && f->n_files == f->cap_files) {
		size_t cap = f->cap_files ? f->cap_files * 2 : 16;
		struct vd_follow_file *files = realloc(f->files, cap * sizeof(*files));

		if (files) {
			f->files = files;
			f->cap_files = cap;
		}
	}
	if (dir < 0 || f->n_files == f->cap_files)
		return vd_err_set(err, ENOMEM, "no memory to follow '%s'", path);
	file = &f->files[f->n_files];
	*file = (struct vd_follow_file){ .path = strdup(path), .dir = (size_t)dir, .data = data, .fd = -1 };
	if (!file->path)
		return vd_err_set(err, ENOMEM, "no memory to follow '%s'", path);
	file->name = strrchr(file->path, '/') + 1;
	file->first_offset = offset;
	file->first_look = true;
	file->name_changed = true;
	f->n_files++;
	f->again = true;
	return 0;
}

int vd_follow_add_dir(struct vd_follow *f, const char *dir, struct vd_err *err)
{
	ssize_t i = directory(f, dir, strlen(dir));

	if (i < 0)
		return vd_err_set(err, ENOMEM, "no memory to follow '%s'", dir);
	f->dirs[i].tell = true;
	return 0;
}

/* --- events ---------------------------------------------------------------------------------------------------- */

/* Something happened to @name, of a file or of its rotated ones, in directory @dir. */
static void mark_files(struct vd_follow *f, size_t dir, const char *name, uint32_t mask)
{
	for (size_t i = 0; i < f->n_files; i++) {
		struct vd_follow_file *file = &f->files[i];

		if (file->dir != dir || strncmp(name, file->name, strlen(file->name)))
			continue;
		file->grown = true;
		file->name_changed |= (mask & ~(uint32_t)IN_MODIFY) != 0;
	}
}

static void mark_all(struct vd_follow *f)
{
	for (size_t i = 0; i < f->n_files; i++)
		f->files[i].grown = f->files[i].name_changed = true;
}

/* A directory that is told of came: so did the names in it. */
static void tell_names(struct vd_follow *f, const struct vd_follow_dir *dir)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_FREE char *path = strdup(dir->path);

	if (!path || !dir->tell || !f->calls.name || vd_root_list(f->root, path, &names, NULL) < 0)
		return;
	/* The call may add files and so move the directories. */
	for (size_t i = 0; i < names.len; i++)
		f->calls.name(f->calls.data, path, names.items[i]);
}

static void event_in(struct vd_follow *f, size_t dir, const struct inotify_event *e)
{
	const char *name = e->len ? e->name : "";

	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
		if (e->mask & IN_MOVE_SELF)
			inotify_rm_watch(f->inotify, e->wd);
		f->dirs[dir].wd = -1;
		watch(f, &f->dirs[dir]);
		mark_all(f);
		return;
	}
	mark_files(f, dir, name, e->mask);
	if ((e->mask & (IN_CREATE | IN_MOVED_TO)) && f->dirs[dir].tell && f->calls.name && e->len) {
		VD_AUTO_FREE char *path = strdup(f->dirs[dir].path);

		if (path)
			f->calls.name(f->calls.data, path, name);
	}
}

static void one_event(struct vd_follow *f, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		f->again = true;
	for (size_t i = 0; i < f->n_dirs; i++) {
		if (e->wd == f->dirs[i].wd) {
			event_in(f, i, e);
		} else if (e->wd == f->dirs[i].above_wd && f->dirs[i].wd < 0) {
			watch(f, &f->dirs[i]);
			if (f->dirs[i].wd >= 0) {
				tell_names(f, &f->dirs[i]);
				mark_all(f);
			}
		}
	}
}

static void read_events(struct vd_follow *f)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while (f->inotify >= 0 && (n = read(f->inotify, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)p;

			one_event(f, e);
			p += sizeof(*e) + e->len;
		}
}

int vd_follow_fd(const struct vd_follow *f)
{
	return f->inotify;
}

static int64_t sweep_interval(const struct vd_follow *f)
{
	return f->inotify >= 0 ? SWEEP_MS : POLLING_MS;
}

int vd_follow_timeout(const struct vd_follow *f)
{
	int64_t left = f->last_sweep + sweep_interval(f) - vd_follow_now();

	return f->again || left <= 0 ? 0 : (int)left;
}

/* Without events: everything may have changed. */
static void sweep(struct vd_follow *f)
{
	f->last_sweep = vd_follow_now();
	f->again = false;
	mark_all(f);
	for (size_t i = 0; i < f->n_dirs; i++) {
		if (f->dirs[i].wd < 0 && f->inotify >= 0) {
			watch(f, &f->dirs[i]);
			if (f->dirs[i].wd < 0)
				continue;
			tell_names(f, &f->dirs[i]);
		} else if (f->inotify < 0) {
			tell_names(f, &f->dirs[i]);
		}
	}
}

int vd_follow_read(struct vd_follow *f)
{
	int rc = 0;

	read_events(f);
	if (f->again || vd_follow_now() - f->last_sweep >= sweep_interval(f))
		sweep(f);
	for (size_t i = 0; i < f->n_files && rc >= 0; i++)
		if (f->files[i].grown || f->files[i].name_changed)
			rc = vd_follow_file_read(f, &f->files[i]);
	return rc < 0 ? rc : 0;
}

/* --- unfinished lines ------------------------------------------------------------------------------------------ */

bool vd_follow_rest(const struct vd_follow *f, void *data, int64_t idle_ms, const char **ret_text, size_t *ret_len)
{
	for (size_t i = 0; i < f->n_files; i++) {
		const struct vd_follow_file *file = &f->files[i];

		if (file->data != data || !file->rest.len || vd_follow_now() - file->rest_time < idle_ms)
			continue;
		*ret_text = file->rest.data;
		*ret_len = file->rest.len;
		return true;
	}
	return false;
}

int vd_follow_rest_timeout(const struct vd_follow *f, int64_t idle_ms)
{
	int64_t now = vd_follow_now(), best = -1;

	for (size_t i = 0; i < f->n_files; i++) {
		int64_t left = f->files[i].rest_time + idle_ms - now;

		if (f->files[i].rest.len && left > 0 && (best < 0 || left < best))
			best = left;
	}
	return (int)best;
}
