/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#include "audit.h"
#include "root.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.audit-host");

#define AUDIT_DIR   "/var/log/audit"
/* auditd keeps 5 by default and 999 at most. */
#define MAX_ROTATED 999

/* syslog(2) */
#define KLOG_READ_ALL    3
#define KLOG_SIZE_BUFFER 10
#define MAX_RING         (16 << 20)

void vd_audit_sources_release(struct vd_audit_sources *sources)
{
	vd_strv_release(&sources->read);
	vd_strv_release(&sources->unreadable);
	vd_strv_release(&sources->reason);
	sources->code = 0;
}

struct job {
	struct vd_root *root;
	int64_t since_ms;
	vd_audit_fn fn;
	void *data;
	struct vd_audit_counts *counts;
	struct vd_audit_sources *sources;
	struct vd_err *err;
};

static int tell_unreadable(struct job *j, const char *path, const struct vd_err *why)
{
	j->sources->code = why->code;
	if (vd_strv_add(&j->sources->unreadable, path) < 0 || vd_strv_add(&j->sources->reason, vd_err_text(why)) < 0)
		return vd_err_set(j->err, ENOMEM, "cannot read audit records: no memory");
	return 0;
}

static int read_file(struct job *j, const char *path)
{
	VD_AUTO_CLOSE int fd = -1;
	VD_AUTO_ERR why = VD_ERR_INIT;
	int r = vd_root_open_file(j->root, path, &fd, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return tell_unreadable(j, path, &why);
	r = vd_audit_read_fd(fd, j->since_ms, j->fn, j->data, j->counts, j->err);
	if (r < 0)
		return r;
	return vd_strv_add(&j->sources->read, path) < 0 ? vd_err_set(j->err, ENOMEM, "no memory") : 0;
}

/* N of "audit.log.N", 0 of "audit.log", -1 of anything else. */
static int rotation(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, "audit.log", 9))
		return -1;
	if (!name[9])
		return 0;
	if (name[9] != '.' || !isdigit((unsigned char)name[10]))
		return -1;
	n = strtol(name + 10, &end, 10);
	return *end || n < 1 || n > MAX_ROTATED ? -1 : (int)n;
}

static int read_audit_dir(struct job *j)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_ERR why = VD_ERR_INIT;
	bool there[MAX_ROTATED + 1] = { false };
	int r = vd_root_list(j->root, AUDIT_DIR, &names, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return tell_unreadable(j, AUDIT_DIR, &why);
	for (size_t i = 0; i < names.len; i++) {
		int n = rotation(names.items[i]);

		if (n >= 0)
			there[n] = true;
	}
	for (int n = MAX_ROTATED; n >= 0 && r >= 0; n--) {
		VD_AUTO_BUF path = VD_BUF_INIT;

		if (!there[n])
			continue;
		if (vd_buf_adds(&path, AUDIT_DIR "/audit.log") < 0 || (n && vd_buf_addf(&path, ".%d", n) < 0))
			return vd_err_set(j->err, ENOMEM, "no memory");
		r = read_file(j, path.data);
	}
	return r < 0 ? r : 0;
}

/* What the kernel still holds. Not allowed to ask: told as unreadable. */
static int read_ring(struct job *j)
{
	VD_AUTO_ERR why = VD_ERR_INIT;
	VD_AUTO_FREE char *text = NULL;
	int size = klogctl(KLOG_SIZE_BUFFER, NULL, 0), len, r;

	if (size > 0 && size <= MAX_RING) {
		text = malloc((size_t)size);
		if (!text)
			return vd_err_set(j->err, ENOMEM, "no memory");
	}
	len = text ? klogctl(KLOG_READ_ALL, text, size) : -1;
	if (len < 0) {
		vd_err_set(&why, errno, "cannot read the kernel's ring buffer: %s", strerror(errno));
		return tell_unreadable(j, "kernel ring", &why);
	}
	r = vd_audit_read(text, (size_t)len, j->since_ms, j->fn, j->data, j->counts, j->err);
	if (r < 0)
		return r;
	return vd_strv_add(&j->sources->read, "kernel ring") < 0 ? vd_err_set(j->err, ENOMEM, "no memory") : 0;
}

int vd_audit_read_host(struct vd_root *root, int64_t since_ms, vd_audit_fn fn, void *data,
                       struct vd_audit_counts *counts, struct vd_audit_sources *sources, struct vd_err *err)
{
	/* The same record may be in several: the first that there is counts. kern.log before syslog: it is shorter. */
	static const char *const logs[] = { "/var/log/kern.log", "/var/log/messages", "/var/log/syslog" };
	struct job j = { root, since_ms, fn, data, counts, sources, err };
	int r = read_audit_dir(&j);

	for (size_t i = 0; i < VD_ARRAY_SIZE(logs) && r == 0 && !sources->read.len; i++) {
		VD_AUTO_BUF old = VD_BUF_INIT;

		if (vd_buf_addf(&old, "%s.1", logs[i]) < 0)
			return vd_err_set(err, ENOMEM, "no memory");
		r = read_file(&j, old.data);
		if (r == 0)
			r = read_file(&j, logs[i]);
	}
	if (r == 0 && !sources->read.len && vd_root_is_live(root))
		r = read_ring(&j);
	VLOG_DEBUG("%zu logs read, %zu unreadable", sources->read.len, sources->unreadable.len);
	return r;
}
