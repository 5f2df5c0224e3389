/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guest a denial belongs to: by libvirt's audit records, else by what runs now, else by the file. */
#include "denials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.denials");

/* A guest that is killed may be denied something while libvirt already writes the record of its end; its first denial
 * may come before the clock tick that /proc gives as its start. */
#define MARGIN_MS 2000
#define MAX_DIRS  16 /* on the way to one file */

/* --- files -------------------------------------------------------------------------------------------------------- */

void vd_denial_files_release(struct vd_denial_files *files)
{
	for (size_t i = 0; i < files->len; i++)
		free(files->items[i].path);
	free(files->items);
	*files = (struct vd_denial_files){ 0 };
}

/* Takes @path over. */
static int add_file(struct vd_denial_files *files, const struct vd_guest *guest, char *path, bool is_dir)
{
	struct vd_denial_file f = { .guest = guest, .path = path, .is_dir = is_dir };
	struct vd_stat st;

	if (!path)
		return -ENOMEM;
	if (files->len == files->cap) {
		size_t cap = files->cap ? files->cap * 2 : 64;
		void *p = realloc(files->items, cap * sizeof(*files->items));

		if (!p) {
			free(path);
			return -ENOMEM;
		}
		files->items = p;
		files->cap = cap;
	}
	if (vd_root_is_live(files->root) && vd_root_stat(files->root, path, &st, NULL) == 0) {
		f.dev = st.dev;
		f.ino = st.ino;
	}
	files->items[files->len++] = f;
	return 0;
}

static bool has_file(const struct vd_denial_files *files, const struct vd_guest *guest, const char *path, size_t len)
{
	for (size_t i = files->len; i-- > 0 && files->items[i].guest == guest;)
		if (!strncmp(files->items[i].path, path, len) && !files->items[i].path[len])
			return true;
	return false;
}

static int add_with_dirs(struct vd_denial_files *files, const struct vd_guest *guest, const char *given)
{
	char *path = NULL;
	size_t dirs = 0;

	if (vd_root_realpath(files->root, given, &path, NULL) < 0)
		path = strdup(given);
	if (!path)
		return -ENOMEM;
	if (has_file(files, guest, path, strlen(path))) {
		free(path);
		return 0;
	}
	for (size_t i = 1; path[i] && dirs < MAX_DIRS; i++) {
		char *dir;

		if (path[i] != '/' || has_file(files, guest, path, i))
			continue;
		dir = strndup(path, i);
		if (add_file(files, guest, dir, true) < 0) {
			free(path);
			return -ENOMEM;
		}
		dirs++;
	}
	return add_file(files, guest, path, false);
}

static int add_guest(struct vd_denial_files *files, const struct vd_guest *guest,
                     const struct vd_svirt_settings *settings)
{
	struct vd_expects expects = { 0 };
	int r = vd_svirt_expect(files->root, vd_guest_domain(guest), settings, NULL, &expects, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < expects.len && r == 0; i++)
		if (expects.items[i].path && expects.items[i].path[0] == '/')
			r = add_with_dirs(files, guest, expects.items[i].path);
	vd_expects_release(&expects);
	return r;
}

int vd_denial_files_load(struct vd_root *root, const struct vd_guests *guests, const struct vd_svirt_settings *settings,
                         struct vd_denial_files *ret_files)
{
	struct vd_denial_files files = { .root = root };

	for (size_t i = 0; i < guests->len; i++) {
		if (add_guest(&files, &guests->items[i], settings) < 0) {
			vd_denial_files_release(&files);
			return -ENOMEM;
		}
	}
	*ret_files = files;
	return 0;
}

/* --- labels ------------------------------------------------------------------------------------------------------- */

/* The categories of a context, when it has any and is no range of levels (a daemon's "s0-s0:c0.c1023"). */
static bool categories_of(const char *context, struct vd_catset *ret_set)
{
	struct vd_context c = { 0 };
	char sens[16];
	bool has = false;

	if (context && vd_context_parse(context, &c) == 0 && c.range && !strchr(c.range, '-'))
		has = vd_range_parse(c.range, sens, ret_set) == 0 && !vd_catset_empty(ret_set);
	vd_context_release(&c);
	return has;
}

static bool covers(const struct vd_tenure *t, int64_t ms)
{
	return ms >= t->from_ms - MARGIN_MS && (t->to_ms == INT64_MAX || ms <= t->to_ms + MARGIN_MS);
}

/* Who had the categories at @ms, by libvirt's records; the latest to get them when several had. */
static const struct vd_tenure *owner_then(const struct vd_denials *ds, const struct vd_catset *set, int64_t ms)
{
	size_t word = 0;

	/* One that tells most sets from this one, as there may be many. */
	while (word + 1 < VD_ARRAY_SIZE(set->bits) && !set->bits[word])
		word++;
	for (size_t i = ds->n_tenures; i-- > 0 && ms >= 0;) {
		const struct vd_tenure *t = &ds->tenures[i];

		if (!t->pid && t->has_set && t->set.bits[word] == set->bits[word] && covers(t, ms) &&
		    vd_catset_equal(&t->set, set))
			return t;
	}
	return NULL;
}

static const struct vd_tenure *process_then(const struct vd_denials *ds, pid_t pid, int64_t ms)
{
	for (size_t i = ds->n_tenures; i-- > 0 && pid > 0 && ms >= 0;)
		if (ds->tenures[i].pid == pid && covers(&ds->tenures[i], ms))
			return &ds->tenures[i];
	return NULL;
}

/* The guest whose label of now has the categories; a static one has them at any time. */
static const struct vd_guest *owner_now(const struct vd_guests *guests, const struct vd_catset *set, bool *ret_fixed)
{
	for (size_t i = 0; i < guests->len; i++) {
		const struct vd_guest *g = &guests->items[i];
		const struct vd_seclabel *l = vd_domain_seclabel(vd_guest_domain(g), "selinux");
		struct vd_catset have;

		if (!l || !l->label || (g->state != VD_GUEST_RUNNING && l->type != VD_SECLABEL_STATIC) ||
		    !categories_of(l->label, &have) || !vd_catset_equal(&have, set))
			continue;
		*ret_fixed = l->type == VD_SECLABEL_STATIC;
		return g;
	}
	return NULL;
}

static bool ran_at(const struct vd_guest *g, int64_t ms)
{
	return g->state == VD_GUEST_RUNNING && (ms < 0 || !g->since || (ms + MARGIN_MS) / 1000 >= g->since);
}

static bool is_process(const struct vd_guest *g, pid_t pid)
{
	const struct vd_dom_status *s = g->status ? g->status->status : NULL;

	if (g->pid == pid || (s && s->init_pid == pid))
		return true;
	/* Kernels before 4.7 wrote the thread's id. */
	for (size_t i = 0; s && i < s->n_vcpus; i++)
		if (s->vcpus[i].tid == pid)
			return true;
	return false;
}

/* --- one denial --------------------------------------------------------------------------------------------------- */

static int tie_to(struct vd_denial *d, enum vd_denial_tie how, enum vd_driver driver, const char *guest)
{
	d->guest = strdup(guest);
	d->tie = how;
	d->driver = driver;
	return d->guest ? 0 : -ENOMEM;
}

static int add_note(struct vd_denial *d, const char *fmt, const char *a, const char *b)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = d->note ? vd_buf_addf(&text, "%s; ", d->note) : 0;

	for (; *fmt && r == 0; fmt++) {
		if (*fmt == '1')
			r = vd_buf_adds(&text, a);
		else if (*fmt == '2')
			r = vd_buf_adds(&text, b);
		else
			r = vd_buf_addc(&text, *fmt);
	}
	if (r < 0)
		return r;
	free(d->note);
	d->note = vd_buf_steal(&text);
	return d->note ? 0 : -ENOMEM;
}

static int tie_by_label(const struct vd_denials *ds, struct vd_denial *d, const struct vd_guests *guests)
{
	const struct vd_tenure *t;
	const struct vd_guest *g;
	struct vd_catset set;
	bool fixed = false;

	t = process_then(ds, d->pids[0], d->last_ms);
	if (t)
		return tie_to(d, VD_TIE_PID, t->driver, t->guest);
	if (!categories_of(d->scontext, &set))
		return 0;
	t = owner_then(ds, &set, d->last_ms);
	if (t)
		return tie_to(d, VD_TIE_RECORD, t->driver, t->guest);
	g = owner_now(guests, &set, &fixed);
	if (!g)
		return 0;
	if (fixed || ran_at(g, d->last_ms))
		return tie_to(d, VD_TIE_LABEL, vd_guest_domain(g)->driver, vd_guest_name(g));
	return add_note(d, "these categories belong to 1 now, which started later: it was another guest then",
	                vd_guest_name(g), NULL);
}

static int tie_by_process(struct vd_denial *d, const struct vd_guests *guests)
{
	for (size_t i = 0; i < guests->len && d->pids[0] > 0; i++) {
		const struct vd_guest *g = &guests->items[i];

		if (is_process(g, d->pids[0]) && ran_at(g, d->last_ms))
			return tie_to(d, VD_TIE_PID, vd_guest_domain(g)->driver, vd_guest_name(g));
	}
	return 0;
}

/* "vda" of the record against the device of the file; true unless they are known to differ. */
static bool device_fits(const struct vd_denial_files *files, const struct vd_denial *d, const struct vd_denial_file *f)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	unsigned major, minor;

	if (!d->dev || strchr(d->dev, '/') || vd_buf_addf(&path, "/sys/class/block/%s/dev", d->dev) < 0 ||
	    vd_root_read(files->root, path.data, 64, &text, NULL) < 0 ||
	    sscanf(vd_buf_str(&text), "%u:%u", &major, &minor) != 2)
		return true;
	return f->dev == makedev(major, minor);
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_file_class(const char *tclass)
{
	return !strcmp(tclass, "file") || !strcmp(tclass, "dir") || !strcmp(tclass, "lnk_file") ||
	       !strcmp(tclass, "chr_file") || !strcmp(tclass, "blk_file") || !strcmp(tclass, "sock_file") ||
	       !strcmp(tclass, "fifo_file");
}

/* How surely the record speaks of the file: 3 path, 2 inode, 1 name, 0 not at all. */
static int matches(const struct vd_denial_files *files, const struct vd_denial *d, const struct vd_denial_file *f)
{
	bool by_name = d->name && !strcmp(d->name, last_component(f->path));

	if (d->path && !strcmp(d->path, f->path))
		return 3;
	if (d->has_ino && f->ino) {
		if (d->ino != f->ino || (d->name && !by_name))
			return 0;
		return device_fits(files, d, f) ? 2 : 0;
	}
	return by_name && !d->path && !f->is_dir;
}

static int note_several(struct vd_denial *d, const struct vd_denial_file *f, const struct vd_strv *names)
{
	VD_AUTO_BUF list = VD_BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < names->len && i < 3 && r == 0; i++)
		r = vd_buf_addf(&list, "%s%s", i ? ", " : "", names->items[i]);
	if (r == 0 && names->len > 3)
		r = vd_buf_addf(&list, " and %zu more", names->len - 3);
	if (r < 0)
		return r;
	return add_note(d, f->is_dir ? "a directory on the way to files of 1" : "a file of 1", vd_buf_str(&list), NULL);
}

static int tie_by_file(struct vd_denial *d, const struct vd_denial_files *files)
{
	const struct vd_denial_file *best = NULL;
	VD_AUTO_STRV names = VD_STRV_INIT;
	int how = 0, r = 0;

	if (!is_file_class(d->tclass) || (!d->path && !d->name))
		return 0;
	for (size_t i = 0; i < files->len && r == 0; i++) {
		const struct vd_denial_file *f = &files->items[i];
		const char *name = vd_guest_name(f->guest);
		int m;

		/* Of a guest that is known already only the path is of interest. */
		if (d->guest && (strcmp(d->guest, name) || vd_guest_domain(f->guest)->driver != d->driver))
			continue;
		m = matches(files, d, f);
		if (m > how)
			vd_strv_release(&names);
		if (m && m >= how && !vd_strv_has(&names, name))
			r = vd_strv_add(&names, name);
		if (m > how) {
			how = m;
			best = f;
		}
	}
	if (r < 0 || !best)
		return r;
	if (!d->path && (how >= 2 || names.len == 1)) {
		d->path = strdup(best->path);
		if (!d->path)
			return -ENOMEM;
	}
	if (d->guest)
		return 0;
	if (names.len > 1)
		return note_several(d, best, &names);
	return tie_to(d, how > 1 ? VD_TIE_FILE : VD_TIE_NAME, vd_guest_domain(best->guest)->driver, names.items[0]);
}

/* Whose categories the object carries: of a daemon's denial that is the guest, of a guest's own the other one. */
static int look_at_object(const struct vd_denials *ds, struct vd_denial *d, const struct vd_guests *guests)
{
	const struct vd_tenure *t;
	const struct vd_guest *g;
	struct vd_catset set, own;
	bool fixed = false;
	const char *owner, *when;
	enum vd_driver driver;

	if (!categories_of(d->tcontext, &set))
		return 0;
	t = owner_then(ds, &set, d->last_ms);
	g = t ? NULL : owner_now(guests, &set, &fixed);
	if (!t && !g)
		return d->kind == VD_DENIAL_CATEGORY
		               ? add_note(d, "no guest is known to have the object's categories", NULL, NULL)
		               : 0;
	owner = t ? t->guest : vd_guest_name(g);
	driver = t ? t->driver : vd_guest_domain(g)->driver;
	when = t ? "then" : fixed ? "by its static label" : "now";
	if (!d->guest && !categories_of(d->scontext, &own) && (t || fixed || ran_at(g, d->last_ms)))
		return tie_to(d, VD_TIE_OBJECT, driver, owner);
	if (d->kind == VD_DENIAL_CATEGORY && (!d->guest || strcmp(owner, d->guest)))
		return add_note(d, "the object carries the categories of 1 (2)", owner, when);
	return 0;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

bool vd_denials_want_files(const struct vd_denials *ds)
{
	for (size_t i = 0; i < ds->len; i++)
		if (is_file_class(ds->items[i].tclass) && (!ds->items[i].guest || !ds->items[i].path))
			return true;
	return false;
}

static int compare_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* By what makes two denials one. */
static int compare_identity(const void *a, const void *b)
{
	const struct vd_denial *x = a, *y = b;
	int c = compare_text(x->guest, y->guest);

	if (!c)
		c = (int)x->driver - (int)y->driver;
	if (!c)
		c = compare_text(x->scontext, y->scontext);
	if (!c)
		c = compare_text(x->tcontext, y->tcontext);
	if (!c)
		c = compare_text(x->tclass, y->tclass);
	if (!c)
		c = compare_text(x->perms, y->perms);
	if (!c)
		c = compare_text(x->comm, y->comm);
	if (!c)
		c = compare_text(x->path, y->path);
	if (!c)
		c = compare_text(x->path ? NULL : x->name, y->path ? NULL : y->name);
	if (!c)
		c = compare_text(x->dev, y->dev);
	if (!c && x->ino != y->ino)
		c = x->ino < y->ino ? -1 : 1;
	if (!c)
		c = (int)x->permissive - (int)y->permissive;
	return c ? c : compare_text(x->note, y->note);
}

static int compare_time(const void *a, const void *b)
{
	const struct vd_denial *x = a, *y = b;

	if (x->last_ms != y->last_ms)
		return x->last_ms < y->last_ms ? -1 : 1;
	if (x->first_ms != y->first_ms)
		return x->first_ms < y->first_ms ? -1 : 1;
	return compare_identity(a, b);
}

static bool has_pid(const struct vd_denial *d, pid_t pid)
{
	for (size_t i = 0; i < d->n_pids && i < VD_DENIAL_PIDS; i++)
		if (d->pids[i] == pid)
			return true;
	return false;
}

static void merge(struct vd_denial *into, struct vd_denial *d)
{
	into->count += d->count;
	if (d->first_ms >= 0 && (into->first_ms < 0 || d->first_ms < into->first_ms))
		into->first_ms = d->first_ms;
	if (d->last_ms > into->last_ms)
		into->last_ms = d->last_ms;
	for (size_t i = 0; i < d->n_pids && i < VD_DENIAL_PIDS; i++) {
		if (has_pid(into, d->pids[i]))
			continue;
		if (into->n_pids < VD_DENIAL_PIDS)
			into->pids[into->n_pids] = d->pids[i];
		into->n_pids++;
	}
	if (!into->path && d->path)
		into->path = vd_steal(d->path);
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

static void fold(struct vd_denials *ds)
{
	size_t kept = 0;

	if (!ds->len)
		return;
	qsort(ds->items, ds->len, sizeof(*ds->items), compare_identity);
	for (size_t i = 0; i < ds->len; i++) {
		if (kept && !compare_identity(&ds->items[kept - 1], &ds->items[i]))
			merge(&ds->items[kept - 1], &ds->items[i]);
		else
			ds->items[kept++] = ds->items[i];
	}
	ds->len = kept;
	qsort(ds->items, ds->len, sizeof(*ds->items), compare_time);
	/* The chains of the hash table mean nothing any more. */
	free(vd_steal(ds->buckets));
}

int vd_denials_tie(struct vd_denials *ds, const struct vd_guests *guests, const struct vd_denial_files *files)
{
	int r = 0;

	for (size_t i = 0; i < ds->len && r == 0; i++) {
		struct vd_denial *d = &ds->items[i];

		if (!d->guest)
			r = tie_by_label(ds, d, guests);
		if (r == 0 && !d->guest)
			r = tie_by_process(d, guests);
		if (r == 0 && files && (!d->guest || !d->path))
			r = tie_by_file(d, files);
		if (r == 0)
			r = look_at_object(ds, d, guests);
	}
	if (r == 0)
		fold(ds);
	VLOG_DEBUG("%zu denials after folding", ds->len);
	return r;
}
