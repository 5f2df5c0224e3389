/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vlog.h"

#ifndef VD_WITH_AUDIT

bool vd_audit_available(void)
{
	return false;
}

int vd_audit_read(const char *text, size_t len, int64_t since_ms, vd_audit_fn fn, void *data,
                  struct vd_audit_counts *counts, struct vd_err *err)
{
	(void)text, (void)len, (void)since_ms, (void)fn, (void)data, (void)counts;
	return vd_err_set(err, ENOSYS, "virtdiag was built without libauparse and cannot read audit records");
}

int vd_audit_read_fd(int fd, int64_t since_ms, vd_audit_fn fn, void *data, struct vd_audit_counts *counts,
                     struct vd_err *err)
{
	(void)fd;
	return vd_audit_read(NULL, 0, since_ms, fn, data, counts, err);
}

#else

#include <auparse.h>

VLOG_CATEGORY("virtdiag.audit");

/* Records of one event may stand between those of others; so many events are kept together. */
#define MAX_PENDING     32
/* Of one event: an AVC, a SYSCALL and a PATH for each name of the call. */
#define MAX_EVENT_BYTES 65536
/* Milliseconds; the library takes no record without a time. */
#define MADE_UP_TIME    1000

/* An event with a denial, until its last record has come. */
struct pending {
	int64_t time_ms;
	bool no_time; /* the line does not tell: @time_ms is made up */
	unsigned long serial;
	struct vd_buf text;
};

struct reader {
	vd_audit_fn fn;
	void *data;
	int64_t since_ms;
	struct vd_audit_counts *counts;
	auparse_state_t *au;
	struct pending pending[MAX_PENDING]; /* a ring; the oldest is at @next when it is full */
	size_t next, used;
	bool no_time; /* of the event that is being fed */
	int status;   /* 0, or the errno that ends the reading */
};

bool vd_audit_available(void)
{
	return true;
}

/* --- one event, as libauparse has taken it apart ------------------------------------------------------------------ */

/* What was copied out of the library: its strings live until the next call. */
struct fields {
	struct vd_audit_event event;
	struct vd_strv strings;
	int status;
};

static void set(struct fields *f, const char **ret, const char *value)
{
	/* The kernel writes (null) or ? where there is nothing. */
	if (!value || !*value || !strcmp(value, "(null)") || !strcmp(value, "?"))
		return;
	f->status = vd_strv_add(&f->strings, value);
	if (f->status == 0)
		*ret = f->strings.items[f->strings.len - 1];
}

/* dev and the like keep their quotes; names come decoded. */
static void set_unquoted(struct fields *f, const char **ret, const char *value)
{
	size_t len = value ? strlen(value) : 0;
	VD_AUTO_FREE char *inner = NULL;

	if (len < 2 || value[0] != '"' || value[len - 1] != '"') {
		set(f, ret, value);
		return;
	}
	inner = strndup(value + 1, len - 2);
	if (inner)
		set(f, ret, inner);
	else
		f->status = -ENOMEM;
}

static uint64_t as_number(const char *s)
{
	return s ? strtoull(s, NULL, 10) : 0;
}

/* "{ read write }": the library gives them with commas for AVC, and for USER_AVC not at all. */
static void take_perms(struct fields *f, const char *record)
{
	const char *open = record ? strstr(record, "{ ") : NULL, *close = open ? strstr(open, " }") : NULL;
	VD_AUTO_FREE char *perms = NULL;

	if (!open || !close || close <= open + 1)
		return;
	perms = strndup(open + 2, (size_t)(close - open) - 2);
	if (perms)
		set(f, &f->event.perms, perms);
	else
		f->status = -ENOMEM;
}

static void avc_field(struct fields *f, auparse_state_t *au, const char *name, const char *value)
{
	struct vd_audit_event *e = &f->event;

	if (!strcmp(name, "pid") && !e->by_program)
		e->pid = (pid_t)as_number(value);
	else if (!strcmp(name, "spid"))
		e->pid = (pid_t)as_number(value);
	else if (!strcmp(name, "comm"))
		set(f, &e->comm, auparse_interpret_field(au));
	else if (!strcmp(name, "exe"))
		set(f, &e->exe, auparse_interpret_field(au));
	else if (!strcmp(name, "path"))
		set(f, &e->path, auparse_interpret_field(au));
	else if (!strcmp(name, "name") || !strcmp(name, "capability"))
		set(f, &e->name, auparse_interpret_field(au));
	else if (!strcmp(name, "dev"))
		set_unquoted(f, &e->dev, value);
	else if (!strcmp(name, "ino"))
		e->ino = as_number(value), e->has_ino = true;
	else if (!strcmp(name, "scontext"))
		set_unquoted(f, &e->scontext, value);
	else if (!strcmp(name, "tcontext"))
		set_unquoted(f, &e->tcontext, value);
	else if (!strcmp(name, "tclass"))
		set(f, &e->tclass, value);
	else if (!strcmp(name, "permissive"))
		e->permissive = as_number(value) == 1;
}

static void virt_field(struct fields *f, auparse_state_t *au, const char *name, const char *value)
{
	struct vd_audit_event *e = &f->event;

	if (!strcmp(name, "pid"))
		e->pid = (pid_t)as_number(value);
	else if (!strcmp(name, "virt"))
		set(f, &e->driver, value);
	else if (!strcmp(name, "vm"))
		set(f, &e->guest, auparse_interpret_field(au));
	else if (!strcmp(name, "uuid"))
		set(f, &e->uuid, value);
	else if (!strcmp(name, "vm-ctx"))
		set_unquoted(f, &e->context, value);
	else if (!strcmp(name, "img-ctx"))
		set_unquoted(f, &e->image_context, value);
	else if (!strcmp(name, "op"))
		set(f, &e->op, value);
	else if (!strcmp(name, "reason"))
		set(f, &e->reason, value);
	else if (!strcmp(name, "init-pid"))
		e->init_pid = (pid_t)as_number(value);
	else if (!strcmp(name, "vm-pid"))
		e->guest_pid = (pid_t)as_number(value);
	else if (!strcmp(name, "res"))
		e->failed = !strcmp(value, "failed");
	else if (!strcmp(name, "enforcing"))
		e->enforcing = as_number(value) == 1;
}

/* The PATH record of the object: the one with its inode. Its name may be relative; then it says no more than name=. */
static void path_record(struct fields *f, auparse_state_t *au)
{
	struct vd_audit_event *e = &f->event;
	const char *inode = auparse_find_field(au, "inode"), *name;

	if (e->path || !e->has_ino || !inode || as_number(inode) != e->ino)
		return;
	if (auparse_first_field(au) <= 0 || !auparse_find_field(au, "name"))
		return;
	name = auparse_interpret_field(au);
	if (name && name[0] == '/')
		set(f, &e->path, name);
}

static bool take_record(struct fields *f, auparse_state_t *au, int type, const char *type_name)
{
	struct vd_audit_event *e = &f->event;
	bool is_virt = false;

	/* The names are the library's; the numbers are the kernel's, which its headers do not all have. */
	if (type == 1400 || type == 1107) {
		e->kind = VD_AUDIT_DENIAL;
		e->by_program = type == 1107;
		take_perms(f, auparse_get_record_text(au));
	} else if (type_name && !strcmp(type_name, "VIRT_MACHINE_ID")) {
		e->kind = VD_AUDIT_LABEL;
		is_virt = true;
	} else if (type_name && (!strcmp(type_name, "VIRT_CONTROL") || !strcmp(type_name, "MAC_STATUS"))) {
		e->kind = *type_name == 'M' ? VD_AUDIT_MODE : VD_AUDIT_CONTROL;
		is_virt = true;
	} else {
		return false;
	}
	if (auparse_first_field(au) <= 0)
		return false;
	do {
		const char *name = auparse_get_field_name(au), *value = auparse_get_field_str(au);

		if (!name || !value)
			continue;
		if (is_virt)
			virt_field(f, au, name, value);
		else
			avc_field(f, au, name, value);
	} while (f->status == 0 && auparse_next_field(au) > 0);
	return true;
}

/* An event that tells nothing without its main parts is damaged. */
static bool is_whole(const struct vd_audit_event *e)
{
	switch (e->kind) {
	case VD_AUDIT_DENIAL:
		return e->scontext && e->tcontext && e->tclass && e->perms;
	case VD_AUDIT_LABEL:
		return e->guest != NULL; /* without a context when it runs unconfined */
	case VD_AUDIT_CONTROL:
		return e->guest && e->op;
	default:
		return true;
	}
}

static void deliver(struct reader *r, struct fields *f)
{
	struct vd_audit_event *e = &f->event;

	if (!is_whole(e)) {
		r->counts->damaged++;
		return;
	}
	r->status = r->fn(r->data, e);
}

static void on_event(auparse_state_t *au, auparse_cb_event_t type, void *data)
{
	struct reader *r = data;
	struct fields f = { .event = { .time_ms = -1 } };
	bool main_record = false;

	if (type != AUPARSE_CB_EVENT_READY || r->status < 0 || auparse_first_record(au) <= 0)
		return;
	if (!r->no_time)
		f.event.time_ms = (int64_t)auparse_get_time(au) * 1000 + auparse_get_milli(au);
	f.event.serial = auparse_get_serial(au);
	do {
		int record = auparse_get_type(au);
		const char *name = auparse_get_type_name(au);

		/* One event may hold several denials, each a record of its own. */
		if (main_record && record == 1400) {
			deliver(r, &f);
			vd_strv_release(&f.strings);
			f.event = (struct vd_audit_event){ .time_ms = f.event.time_ms, .serial = f.event.serial };
			main_record = false;
		}
		if (!main_record)
			main_record = take_record(&f, au, record, name);
		else if (record == 1300 && auparse_find_field(au, "exe"))
			set(&f, &f.event.exe, auparse_interpret_field(au));
		else if (record == 1302)
			path_record(&f, au);
	} while (f.status == 0 && r->status == 0 && auparse_next_record(au) > 0);
	if (f.status < 0)
		r->status = f.status;
	else if (main_record && r->status == 0)
		deliver(r, &f);
	vd_strv_release(&f.strings);
}

/* --- lines to events ---------------------------------------------------------------------------------------------- */

/* An end mark behind each event: without one the library waits for two seconds of log time. */
static void feed(struct reader *r, const struct pending *p)
{
	struct vd_audit_line eoe = {
		.type = VD_AUDIT_TYPE_EOE, .time_ms = p->time_ms, .serial = p->serial, .body = "", .body_len = 0
	};
	VD_AUTO_BUF text = VD_BUF_INIT;

	r->no_time = p->no_time;
	r->status = vd_buf_add(&text, p->text.data, p->text.len);
	if (r->status == 0)
		r->status = vd_audit_line_add(&text, &eoe);
	if (r->status == 0 && auparse_feed(r->au, text.data, text.len) < 0)
		r->status = -ENOMEM;
	if (r->status == 0)
		auparse_flush_feed(r->au);
}

static void feed_oldest(struct reader *r)
{
	struct pending *p = &r->pending[(r->next + MAX_PENDING - r->used) % MAX_PENDING];

	feed(r, p);
	vd_buf_clear(&p->text);
	r->used--;
}

static struct pending *find_pending(struct reader *r, const struct vd_audit_line *line)
{
	for (size_t i = 1; i <= r->used; i++) {
		struct pending *p = &r->pending[(r->next + MAX_PENDING - i) % MAX_PENDING];

		if (p->time_ms == line->time_ms && p->serial == line->serial && !p->no_time)
			return p;
	}
	return NULL;
}

static int keep(struct reader *r, const struct vd_audit_line *given)
{
	struct vd_audit_line copy = *given, *line = &copy;
	struct pending *p = find_pending(r, line);
	bool begins = line->type == VD_AUDIT_TYPE_AVC || line->type == VD_AUDIT_TYPE_USER_AVC ||
	              line->type == VD_AUDIT_TYPE_MACHINE_ID || line->type == VD_AUDIT_TYPE_CONTROL ||
	              line->type == VD_AUDIT_TYPE_MAC_STATUS;

	if (!p && !begins)
		return 0;
	if (!p) {
		if (r->used == MAX_PENDING)
			feed_oldest(r);
		if (r->status < 0)
			return r->status;
		p = &r->pending[r->next];
		r->next = (r->next + 1) % MAX_PENDING;
		r->used++;
		p->no_time = line->time_ms < 0;
		if (p->no_time)
			line->time_ms = MADE_UP_TIME;
		p->time_ms = line->time_ms;
		p->serial = line->serial;
	}
	if (p->text.len + line->body_len > MAX_EVENT_BYTES)
		return 0;
	return vd_audit_line_add(&p->text, line);
}

static void note_time(struct vd_audit_counts *c, int64_t ms)
{
	if (ms < 0)
		return;
	if (c->first_ms < 0 || ms < c->first_ms)
		c->first_ms = ms;
	if (ms > c->last_ms)
		c->last_ms = ms;
}

static void take_line(struct reader *r, const char *text, size_t len)
{
	struct vd_audit_line line;
	bool damaged = false;

	r->counts->lines++;
	if (!vd_audit_line_parse(text, len, &line, &damaged)) {
		r->counts->damaged += damaged;
		return;
	}
	note_time(r->counts, line.time_ms);
	if (line.type == VD_AUDIT_TYPE_EOE || (line.time_ms >= 0 && line.time_ms < r->since_ms))
		return;
	if (len > VD_AUDIT_MAX_LINE) {
		r->counts->damaged++;
		return;
	}
	r->status = keep(r, &line);
}

static int begin(struct reader *r, struct vd_err *err)
{
	r->au = auparse_init(AUSOURCE_FEED, NULL);
	if (!r->au)
		return vd_err_set(err, ENOMEM, "cannot read audit records: no memory");
	auparse_set_escape_mode(r->au, AUPARSE_ESC_RAW);
	auparse_add_callback(r->au, on_event, r, NULL);
	return 0;
}

static int end(struct reader *r, struct vd_err *err)
{
	while (r->used && r->status == 0)
		feed_oldest(r);
	for (size_t i = 0; i < MAX_PENDING; i++)
		vd_buf_release(&r->pending[i].text);
	auparse_destroy(r->au);
	VLOG_DEBUG("%llu lines, %llu damaged", (unsigned long long)r->counts->lines,
	           (unsigned long long)r->counts->damaged);
	if (r->status == -ENOMEM)
		return vd_err_set(err, ENOMEM, "cannot read audit records: no memory");
	return r->status;
}

int vd_audit_read(const char *text, size_t len, int64_t since_ms, vd_audit_fn fn, void *data,
                  struct vd_audit_counts *counts, struct vd_err *err)
{
	struct reader r = { .fn = fn, .data = data, .since_ms = since_ms, .counts = counts };
	int status = begin(&r, err);

	if (status < 0)
		return status;
	for (const char *p = text, *stop = text + len; p < stop && r.status == 0;) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));

		take_line(&r, p, (size_t)((nl ? nl : stop) - p));
		p = nl ? nl + 1 : stop;
	}
	return end(&r, err);
}

/* A line longer than the buffer is known by its first part; the rest is dropped. */
static int read_lines(struct reader *r, int fd, char *buf, size_t size)
{
	size_t have = 0;
	bool dropping = false;

	for (;;) {
		ssize_t n = read(fd, buf + have, size - have);
		char *p = buf, *nl;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
		while (r->status == 0 && (nl = memchr(p, '\n', have - (size_t)(p - buf))) != NULL) {
			if (!dropping)
				take_line(r, p, (size_t)(nl - p));
			dropping = false;
			p = nl + 1;
		}
		if (r->status < 0)
			return 0;
		have -= (size_t)(p - buf);
		memmove(buf, p, have);
		if (have == size) {
			if (!dropping)
				take_line(r, buf, have);
			dropping = true;
			have = 0;
		}
	}
	/* The last line may still be written to; a whole record counts. */
	if (have && !dropping)
		take_line(r, buf, have);
	return 0;
}

int vd_audit_read_fd(int fd, int64_t since_ms, vd_audit_fn fn, void *data, struct vd_audit_counts *counts,
                     struct vd_err *err)
{
	struct reader r = { .fn = fn, .data = data, .since_ms = since_ms, .counts = counts };
	const size_t size = 4 * VD_AUDIT_MAX_LINE;
	VD_AUTO_FREE char *buf = malloc(size);
	int status = buf ? begin(&r, err) : vd_err_set(err, ENOMEM, "cannot read audit records: no memory");

	if (status < 0)
		return status;
	status = read_lines(&r, fd, buf, size);
	if (status < 0 && r.status == 0)
		r.status = vd_err_set(err, -status, "cannot read the audit log: %s", strerror(-status));
	return end(&r, err);
}

#endif
