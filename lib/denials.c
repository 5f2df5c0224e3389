/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "denials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define N_BUCKETS   8192
#define NOWHERE     ((size_t)-1)
/* Guests that start and stop: a bound for hostile logs, far above what logs of their usual size hold. */
#define MAX_TENURES 50000

const char *vd_denial_tie_name(enum vd_denial_tie tie)
{
	static const char *const names[VD_TIE_COUNT_] = {
		[VD_TIE_RECORD] = "record", [VD_TIE_PID] = "pid",   [VD_TIE_LABEL] = "label",
		[VD_TIE_FILE] = "file",     [VD_TIE_NAME] = "name", [VD_TIE_OBJECT] = "object",
	};

	return tie < VD_TIE_COUNT_ ? names[tie] : NULL;
}

const char *vd_denial_kind_name(enum vd_denial_kind kind)
{
	return kind == VD_DENIAL_CATEGORY ? "category" : "type";
}

static bool begins(const char *s, const char *word)
{
	return !strncmp(s, word, strlen(word));
}

bool vd_context_is_libvirt(const char *context)
{
	struct vd_context c = { 0 };
	bool is;

	if (!context || vd_context_parse(context, &c) < 0)
		return false;
	/* virtd_t, virtqemud_t, virt_image_t, virtlogd_t, virsh_t, svirt_t, svirt_image_t, swtpm_t, virtiofsd_t ... */
	is = begins(c.type, "virt") || begins(c.type, "svirt") || begins(c.type, "virsh") || begins(c.type, "swtpm");
	vd_context_release(&c);
	return is;
}

/* --- denials ------------------------------------------------------------------------------------------------------ */

static void denial_release(struct vd_denial *d)
{
	free(d->comm);
	free(d->exe);
	free(d->perms);
	free(d->scontext);
	free(d->tcontext);
	free(d->tclass);
	free(d->path);
	free(d->name);
	free(d->dev);
	free(d->guest);
	free(d->note);
}

void vd_denials_release(struct vd_denials *ds)
{
	for (size_t i = 0; i < ds->len; i++)
		denial_release(&ds->items[i]);
	for (size_t i = 0; i < ds->n_tenures; i++) {
		free(ds->tenures[i].guest);
		free(ds->tenures[i].uuid);
	}
	free(ds->items);
	free(ds->tenures);
	free(ds->buckets);
	*ds = (struct vd_denials){ 0 };
}

static uint64_t hash_add(uint64_t h, const char *s)
{
	/* With its end, so that two words are not one. */
	return s ? vd_hash(h, s, strlen(s) + 1) : vd_hash(h, "\xff", 1);
}

static size_t bucket_of(const struct vd_audit_event *e)
{
	uint64_t h = VD_HASH_START;

	h = hash_add(h, e->scontext);
	h = hash_add(h, e->tcontext);
	h = hash_add(h, e->tclass);
	h = hash_add(h, e->perms);
	h = hash_add(h, e->comm);
	h = hash_add(h, e->path);
	h = hash_add(h, e->name);
	h = hash_add(h, e->dev);
	h = vd_hash(h, &e->ino, sizeof(e->ino));
	h = vd_hash(h, &e->pid, sizeof(e->pid));
	return (size_t)((h ^ h >> 32) % N_BUCKETS);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_same_denial(const struct vd_denial *d, const struct vd_audit_event *e)
{
	return d->permissive == e->permissive && d->has_ino == e->has_ino && d->ino == e->ino && d->pids[0] == e->pid &&
	       same(d->scontext, e->scontext) && same(d->tcontext, e->tcontext) && same(d->tclass, e->tclass) &&
	       same(d->perms, e->perms) && same(d->comm, e->comm) && same(d->path, e->path) && same(d->name, e->name) &&
	       same(d->dev, e->dev);
}

static int copy(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

/* The object has categories that the process lacks: then those forbid it, whatever the types. */
static enum vd_denial_kind kind_of(const char *scontext, const char *tcontext)
{
	struct vd_context s = { 0 }, t = { 0 };
	struct vd_catset have, need;
	char sens[16];
	bool category = false;

	if (vd_context_parse(scontext, &s) == 0 && vd_context_parse(tcontext, &t) == 0 && s.range && t.range) {
		const char *high = strchr(s.range, '-');

		category = vd_range_parse(high ? high + 1 : s.range, sens, &have) == 0 &&
		           vd_range_parse(t.range, sens, &need) == 0 && !vd_catset_subset(&need, &have);
		/* A domain that MCS does not bind is denied by type: only guests and containers are bound. */
		category = category && strchr(s.range, ':') && !high;
	}
	vd_context_release(&s);
	vd_context_release(&t);
	return category ? VD_DENIAL_CATEGORY : VD_DENIAL_TYPE;
}

static int grow(void **items, size_t len, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *p;

	if (len < *cap)
		return 0;
	p = realloc(*items, more * size);
	if (!p)
		return -ENOMEM;
	*items = p;
	*cap = more;
	return 0;
}

static int new_denial(struct vd_denials *ds, const struct vd_audit_event *e, size_t bucket)
{
	struct vd_denial d = { .permissive = e->permissive,
		               .by_program = e->by_program,
		               .has_ino = e->has_ino,
		               .ino = e->ino,
		               .first_ms = e->time_ms,
		               .last_ms = e->time_ms,
		               .count = 1,
		               .pids = { e->pid },
		               .n_pids = e->pid > 0,
		               .kind = kind_of(e->scontext, e->tcontext),
		               .next = ds->buckets[bucket] };

	if (copy(&d.comm, e->comm) < 0 || copy(&d.exe, e->exe) < 0 || copy(&d.perms, e->perms) < 0 ||
	    copy(&d.scontext, e->scontext) < 0 || copy(&d.tcontext, e->tcontext) < 0 ||
	    copy(&d.tclass, e->tclass) < 0 || copy(&d.path, e->path) < 0 || copy(&d.name, e->name) < 0 ||
	    copy(&d.dev, e->dev) < 0 || grow((void **)&ds->items, ds->len, &ds->cap, sizeof(*ds->items)) < 0) {
		denial_release(&d);
		return -ENOMEM;
	}
	ds->buckets[bucket] = ds->len;
	ds->items[ds->len++] = d;
	return 0;
}

static void note_time(struct vd_denial *d, int64_t first, int64_t last)
{
	if (first >= 0 && (d->first_ms < 0 || first < d->first_ms))
		d->first_ms = first;
	if (last > d->last_ms)
		d->last_ms = last;
}

static int add_denial(struct vd_denials *ds, const struct vd_audit_event *e)
{
	size_t bucket = bucket_of(e);

	if (!ds->buckets) {
		ds->buckets = malloc(N_BUCKETS * sizeof(*ds->buckets));
		if (!ds->buckets)
			return -ENOMEM;
		for (size_t i = 0; i < N_BUCKETS; i++)
			ds->buckets[i] = NOWHERE;
	}
	for (size_t i = ds->buckets[bucket]; i != NOWHERE; i = ds->items[i].next) {
		if (!is_same_denial(&ds->items[i], e))
			continue;
		ds->items[i].count++;
		note_time(&ds->items[i], e->time_ms, e->time_ms);
		return 0;
	}
	if (ds->len == VD_DENIALS_MAX) {
		ds->dropped++;
		return 0;
	}
	return new_denial(ds, e, bucket);
}

/* --- who had which label and process when ------------------------------------------------------------------------- */

static int add_tenure(struct vd_denials *ds, const struct vd_audit_event *e, const char *range, pid_t pid)
{
	struct vd_tenure t = {
		.pid = pid,
		.from_ms = e->time_ms,
		.to_ms = INT64_MAX,
		.driver = e->driver && !strcmp(e->driver, "lxc") ? VD_DRIVER_LXC : VD_DRIVER_QEMU,
	};
	char sens[16];

	if (ds->n_tenures == MAX_TENURES)
		return 0;
	t.has_set = range && vd_range_parse(range, sens, &t.set) == 0;
	if (copy(&t.guest, e->guest) < 0 || copy(&t.uuid, e->uuid) < 0 ||
	    grow((void **)&ds->tenures, ds->n_tenures, &ds->cap_tenures, sizeof(*ds->tenures)) < 0) {
		free(t.guest);
		free(t.uuid);
		return -ENOMEM;
	}
	ds->tenures[ds->n_tenures++] = t;
	return 0;
}

static bool is_of(const struct vd_tenure *t, const struct vd_audit_event *e)
{
	return t->uuid && e->uuid ? !strcmp(t->uuid, e->uuid) : !strcmp(t->guest, e->guest);
}

/* Nothing of the guest's earlier life goes on. */
static void end_tenures(struct vd_denials *ds, const struct vd_audit_event *e)
{
	for (size_t i = ds->n_tenures; i-- > 0;)
		if (ds->tenures[i].to_ms == INT64_MAX && is_of(&ds->tenures[i], e))
			ds->tenures[i].to_ms = e->time_ms;
}

static int add_label(struct vd_denials *ds, const struct vd_audit_event *e)
{
	struct vd_context c = { 0 };
	int r = 0;

	/* The record of the dac model holds a uid and a gid, that of an unconfined guest nothing. */
	if (e->context && vd_context_parse(e->context, &c) < 0)
		return 0;
	end_tenures(ds, e);
	if (c.range)
		r = add_tenure(ds, e, c.range, 0);
	vd_context_release(&c);
	return r;
}

static int add_control(struct vd_denials *ds, const struct vd_audit_event *e)
{
	if (!strcmp(e->op, "stop")) {
		end_tenures(ds, e);
		return 0;
	}
	/* A failed start: libvirt has killed what it had started by now. */
	if (!strcmp(e->op, "start") && e->failed) {
		end_tenures(ds, e);
		return 0;
	}
	if (!strcmp(e->op, "init"))
		return e->init_pid > 0 ? add_tenure(ds, e, NULL, e->init_pid) : 0;
	return e->guest_pid > 0 ? add_tenure(ds, e, NULL, e->guest_pid) : 0;
}

int vd_denials_add(void *denials, const struct vd_audit_event *event)
{
	struct vd_denials *ds = denials;

	switch (event->kind) {
	case VD_AUDIT_DENIAL:
		return add_denial(ds, event);
	case VD_AUDIT_LABEL:
		return add_label(ds, event);
	case VD_AUDIT_CONTROL:
		return add_control(ds, event);
	case VD_AUDIT_MODE:
		if (!ds->mode_ms || event->time_ms >= ds->mode_ms) {
			ds->mode = event->enforcing;
			ds->mode_ms = event->time_ms;
		}
		return 0;
	default:
		return 0;
	}
}
