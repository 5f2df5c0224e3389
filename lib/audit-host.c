/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit.h"
#include "journal.h"
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

/* --- the journal --- */

/* One entry as a line of audit.log; nothing for what is no audit record. */
static int add_entry(const struct vd_journal_entry *e, enum vd_journal_audit way, struct vd_buf *text)
{
	static const char mark[] = "audit(";
	const char *body;

	if (!e->message)
		return 0;
	if (way == VD_JOURNAL_KERNEL) {
		if (!memmem(e->message, e->message_len, mark, sizeof(mark) - 1))
			return 0;
		return vd_buf_add(text, e->message, e->message_len) < 0 ? -ENOMEM : vd_buf_addc(text, '\n');
	}
	body = memchr(e->message, ' ', e->message_len);
	if (!body || !e->audit_type)
		return 0;
	body++;
	if (vd_buf_addf(text, "type=%u msg=audit(%lld.%03d:%llu): ", e->audit_type, (long long)e->audit_time / 1000000,
	                (int)(e->audit_time / 1000 % 1000), (unsigned long long)e->audit_id) < 0 ||
	    vd_buf_add(text, body, e->message_len - (size_t)(body - e->message)) < 0)
		return -ENOMEM;
	return vd_buf_addc(text, '\n');
}

/* All that came by @way into the file @fd. Returns the number of records or a negative errno. */
static int64_t copy_journal(struct job *j, enum vd_journal_audit way, int fd, struct vd_err *why)
{
	struct vd_journal *journal = NULL;
	struct vd_journal_entry entry;
	VD_AUTO_BUF text = VD_BUF_INIT;
	int64_t n = 0;
	int r = vd_journal_open_audit(j->root, way, &journal, why);

	if (r < 0)
		return r;
	/* An entry is some time younger than its record. */
	if (j->since_ms > 0)
		r = vd_journal_seek(journal, j->since_ms * 1000);
	while (r >= 0 && (r = vd_journal_next(journal, &entry)) == 0) {
		size_t before = text.len;

		r = add_entry(&entry, way, &text);
		n += text.len > before;
		if (r == 0 && text.len > 65536) {
			r = vd_buf_write(&text, fd);
			vd_buf_clear(&text);
		}
	}
	vd_journal_free(journal);
	if (r > 0)
		r = vd_buf_write(&text, fd);
	if (r < 0 && !why->code)
		vd_err_set(why, -r, "cannot read the journal: %s", strerror(-r));
	return r < 0 ? r : n;
}

/* Without auditd journald may get the records itself; the kernel prints them as well then. */
static int read_journal(struct job *j)
{
	for (unsigned way = VD_JOURNAL_AUDIT; way <= VD_JOURNAL_KERNEL; way++) {
		VD_AUTO_CLOSE int fd = memfd_create("virtdiag-journal", MFD_CLOEXEC);
		VD_AUTO_ERR why = VD_ERR_INIT;
		int64_t n;
		int r;

		if (fd < 0)
			return vd_err_set(j->err, errno, "cannot read the journal: %s", strerror(errno));
		n = copy_journal(j, (enum vd_journal_audit)way, fd, &why);
		VLOG_DEBUG("journal, way %u: %lld records", way, (long long)n);
		/* Other logs may hold the same. */
		if (n == -ENOENT || n == -EOPNOTSUPP)
			return 0;
		if (n < 0)
			return tell_unreadable(j, "journal", &why);
		if (!n)
			continue;
		if (lseek(fd, 0, SEEK_SET) < 0)
			return vd_err_set(j->err, errno, "cannot read the journal: %s", strerror(errno));
		r = vd_audit_read_fd(fd, j->since_ms, j->fn, j->data, j->counts, j->err);
		if (r < 0)
			return r;
		return vd_strv_add(&j->sources->read, "journal") < 0 ? vd_err_set(j->err, ENOMEM, "no memory") : 0;
	}
	return 0;
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

	if (r == 0 && !sources->read.len)
		r = read_journal(&j);
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
