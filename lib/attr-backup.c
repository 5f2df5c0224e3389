/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attr-backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.attr-backup");

#define PARENT "/var/lib"
#define NAME   "virtdiag"
#define DIR    PARENT "/" NAME

/* So many runs of one second get a name. */
#define MAX_TRIES 100

struct vd_attr_backup {
	struct vd_root *root;
	char *path, *base; /* @base: its name in @dirfd */
	int dirfd, fd;
	off_t len;           /* bytes that count */
	off_t before;        /* @len before the last entry; -1: there is none to take back */
	struct vd_strv seen; /* "NAME PATH" of what is written down */
};

int vd_attr_backup_new(struct vd_root *root, struct vd_attr_backup **ret_backup)
{
	struct vd_attr_backup *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->root = root;
	b->dirfd = b->fd = -1;
	b->before = -1;
	*ret_backup = b;
	return 0;
}

static int fail(const struct vd_attr_backup *b, int r, struct vd_err *err)
{
	return vd_err_set(err, -r, "cannot write down the old value in '%s', so it was not changed: %s",
	                  b->path ? b->path : DIR, strerror(-r));
}

static int open_dir(struct vd_attr_backup *b, struct vd_err *err)
{
	VD_AUTO_CLOSE int parent = -1;
	int r = vd_root_open_dir(b->root, PARENT, &parent, err);

	if (r < 0)
		return r;
	/* The labels of other people's files are nobody else's business. */
	if (mkdirat(parent, NAME, 0700) < 0 && errno != EEXIST)
		return fail(b, -errno, err);
	b->dirfd = openat(parent, NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return b->dirfd < 0 ? fail(b, -errno, err) : 0;
}

static int make_file(struct vd_attr_backup *b, struct vd_err *err)
{
	time_t now = time(NULL);
	char date[32];
	struct tm tm;
	int r = b->dirfd < 0 ? open_dir(b, err) : 0;

	if (r < 0)
		return r;
	if (!gmtime_r(&now, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H%M%SZ", &tm))
		return fail(b, -EOVERFLOW, err);
	for (unsigned i = 0; b->fd < 0 && i < MAX_TRIES; i++) {
		char number[16] = "";

		free(b->path);
		b->path = NULL;
		if (i)
			snprintf(number, sizeof(number), ".%u", i);
		if (asprintf(&b->path, DIR "/labels.%s%s.getfattr", date, number) < 0) {
			b->path = NULL;
			return fail(b, -ENOMEM, err);
		}
		b->base = strrchr(b->path, '/') + 1;
		b->fd = openat(b->dirfd, b->base, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (b->fd < 0 && errno != EEXIST)
			break;
	}
	return b->fd < 0 ? fail(b, -errno, err) : 0;
}

/* setfattr(1) reads \ooo in both names and quoted values; these would end a line or a value, or begin such a number. */
static int add_escaped(struct vd_buf *text, const char *s)
{
	int r = 0;

	for (; *s && !r; s++) {
		unsigned char c = (unsigned char)*s;

		r = c < ' ' || c == 0x7f || c == '\\' || c == '"' ? vd_buf_addf(text, "\\%03o", c)
		                                                  : vd_buf_addc(text, (char)c);
	}
	return r;
}

static int add_entry(struct vd_buf *text, const char *path, const char *name, const char *value)
{
	int r = vd_buf_adds(text, "# file: ");

	if (!r)
		r = add_escaped(text, path);
	if (!r)
		r = vd_buf_addf(text, "\n%s=\"", name);
	if (!r)
		r = add_escaped(text, value);
	return r ? r : vd_buf_adds(text, "\"\n\n");
}

static int write_all(struct vd_attr_backup *b, const struct vd_buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = pwrite(b->fd, text->data + done, text->len - done, b->len + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	if (fsync(b->fd) < 0)
		return -errno;
	/* The name must be there after a power cut, too. */
	return b->len == 0 && fsync(b->dirfd) < 0 ? -errno : 0;
}

/* Cut off what stands behind the entries that count. */
static void cut(const struct vd_attr_backup *b)
{
	if (ftruncate(b->fd, b->len) < 0)
		VLOG_WARN("cannot cut %s to %lld bytes: %s", b->path, (long long)b->len, strerror(errno));
}

int vd_attr_backup_add(struct vd_attr_backup *b, const char *path, const char *name, const char *value,
                       struct vd_err *err)
{
	VD_AUTO_FREE char *real = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT, key = VD_BUF_INIT;
	int r = vd_root_realpath(b->root, path, &real, err);

	if (r < 0)
		return r;
	b->before = -1;
	if (vd_buf_addf(&key, "%s %s", name, real) < 0 || add_entry(&text, real, name, value) < 0)
		return fail(b, -ENOMEM, err);
	if (vd_strv_has(&b->seen, vd_buf_str(&key)))
		return 0;
	if (b->fd < 0) {
		r = make_file(b, err);
		if (r < 0)
			return r;
	}
	r = write_all(b, &text);
	if (r == 0)
		r = vd_strv_add(&b->seen, vd_buf_str(&key));
	if (r < 0) {
		cut(b);
		return fail(b, r, err);
	}
	b->before = b->len;
	b->len += (off_t)text.len;
	VLOG_DEBUG("%s of %s is kept in %s", name, real, b->path);
	return 0;
}

void vd_attr_backup_take_back(struct vd_attr_backup *b)
{
	if (b->before < 0)
		return;
	b->len = b->before;
	b->before = -1;
	free(b->seen.items[--b->seen.len]);
	b->seen.items[b->seen.len] = NULL;
	cut(b);
}

const char *vd_attr_backup_path(const struct vd_attr_backup *b)
{
	return b->len > 0 ? b->path : NULL;
}

void vd_attr_backup_free(struct vd_attr_backup *b)
{
	if (!b)
		return;
	if (b->fd >= 0 && !b->len)
		unlinkat(b->dirfd, b->base, 0);
	vd_cleanup_close(&b->fd);
	vd_cleanup_close(&b->dirfd);
	vd_strv_release(&b->seen);
	free(b->path);
	free(b);
}

void vd_attr_backup_cleanup(struct vd_attr_backup **b)
{
	vd_attr_backup_free(*b);
}
