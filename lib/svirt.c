/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt");

/* Mounts below /dev that a private /dev takes over from the host as they are. */
static const char *const dev_submounts[] = { "/dev/shm/", "/dev/pts/", "/dev/hugepages/", "/dev/mqueue/" };

static bool in_private_dev(const struct vd_svirt_run *run, const struct vd_svirt_row *row)
{
	if (!run->private_dev || row->host_dev || !row->path || strncmp(row->path, "/dev/", 5) != 0)
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(dev_submounts); i++)
		if (!strncmp(row->path, dev_submounts[i], strlen(dev_submounts[i])))
			return false;
	/* What the daemon opens itself and passes on is not made there. */
	return row->access != VD_ACCESS_DAEMON;
}

/* A copy of @s into *@slot; NULL stays NULL. */
static int copy(const char *s, char **slot)
{
	*slot = s ? strdup(s) : NULL;
	return s && !*slot ? -ENOMEM : 0;
}

/* A capture cannot hold sockets and directories of a running guest that nobody captured: that is no problem. */
static bool is_uncaptured(const struct vd_svirt_run *run, const struct vd_svirt_row *row)
{
	struct vd_stat st;
	int r;

	if (!run->running || !row->daemon_creates || !row->path || vd_root_is_live(run->root))
		return false;
	r = vd_root_lstat(run->root, row->path, &st, NULL);
	return r == -ENOENT || r == -ENOTDIR || r == -VD_NO_EVIDENCE;
}

static const char *context_of(const struct vd_svirt_run *run, const struct vd_svirt_row *row)
{
	switch (row->kind) {
	case VD_SVIRT_IMAGE:
		return run->image;
	case VD_SVIRT_SHARED:
		return run->shared;
	case VD_SVIRT_CONTENT:
		return run->content;
	case VD_SVIRT_OWN:
		return row->label;
	case VD_SVIRT_UNTOUCHED:
	default:
		return NULL;
	}
}

static enum vd_categories categories_of(const struct vd_svirt_run *run, const struct vd_svirt_row *row)
{
	struct vd_context c = { 0 };
	struct vd_catset set;
	char sens[16];
	bool has;

	if (row->kind == VD_SVIRT_IMAGE)
		return run->image_categories;
	if (row->kind != VD_SVIRT_OWN)
		return VD_CATEGORIES_NONE;
	has = vd_context_parse(row->label, &c) == 0 && c.range && vd_range_parse(c.range, sens, &set) == 0 &&
	      !vd_catset_empty(&set);
	vd_context_release(&c);
	return has ? VD_CATEGORIES_FIXED : VD_CATEGORIES_NONE;
}

/* What holds for every file of the guest, put over what the rule says. */
static struct vd_svirt_row adapt(const struct vd_svirt_run *run, const struct vd_svirt_row *from, bool *ret_private)
{
	struct vd_svirt_row row = *from;

	*ret_private = in_private_dev(run, from);
	if (row.kind != VD_SVIRT_UNTOUCHED && !run->labelling) {
		row.kind = VD_SVIRT_UNTOUCHED;
		row.note = run->off_note;
	}
	if (*ret_private && run->out->confined && run->image) {
		/* The whole of it is mounted with context=: no node there has another label, whatever libvirt tries. */
		row.kind = VD_SVIRT_IMAGE;
		row.note =
		        "in the guest's private /dev, which has the guest's label as a whole; the host's node is left "
		        "alone";
	}
	/*
	 * What was remembered was the label of the node in the private /dev, which is gone: the host's node, never
	 * labelled, is given the policy's default.
	 */
	if (*ret_private && from->kind != VD_SVIRT_UNTOUCHED && row.after == VD_AFTER_REMEMBERED)
		row.after = VD_AFTER_DEFAULT;
	else if (row.kind == VD_SVIRT_UNTOUCHED || *ret_private)
		row.after = VD_AFTER_UNCHANGED;
	if (!row.path)
		return row;
	if (*ret_private && run->running && !vd_root_is_live(run->root)) {
		row.remote = row.path;
		row.path = NULL;
		row.note = "in the guest's private /dev, which a capture does not hold";
	} else if (is_uncaptured(run, from)) {
		row.remote = row.path;
		row.path = NULL;
		row.note = "libvirt makes it for the running guest; the capture does not hold it";
	}
	return row;
}

static struct vd_expect *new_item(struct vd_svirt_run *run)
{
	struct vd_expects *out = run->out;

	if (out->len == run->cap) {
		size_t want = run->cap ? run->cap * 2 : 16;
		struct vd_expect *grown = reallocarray(out->items, want, sizeof(*grown));

		if (!grown)
			return NULL;
		out->items = grown;
		run->cap = want;
	}
	memset(&out->items[out->len], 0, sizeof(*out->items));
	return &out->items[out->len++];
}

int vd_svirt_add(struct vd_svirt_run *run, const struct vd_svirt_row *from)
{
	bool private_dev = false;
	struct vd_svirt_row row = adapt(run, from, &private_dev);
	struct vd_expect *e = new_item(run);

	if (!e)
		return -ENOMEM;
	e->role = row.role;
	e->categories = categories_of(run, &row);
	e->after = row.after;
	e->access = row.access;
	e->optional = row.optional;
	e->private_dev = private_dev;
	e->network = row.network;
	e->daemon_creates = row.daemon_creates;
	e->quiet = row.quiet;
	e->drawn = row.kind == VD_SVIRT_IMAGE && run->drawn;
	e->note = row.note;
	e->res_index = run->res_index;
	e->layer = row.layer;
	e->problem = row.problem;
	if (copy(row.target, &e->target) < 0 || copy(row.path, &e->path) < 0 || copy(row.remote, &e->remote) < 0 ||
	    copy(context_of(run, &row), &e->running) < 0 || copy(row.problem_text, &e->problem_text) < 0)
		return -ENOMEM;
	VLOG_DEBUG("%s %s: %s", e->target, e->path ? e->path : "-", e->running ? e->running : "left alone");
	return 0;
}

/* A managed save image: the next start reads it, and libvirt then labels it for that. */
static int add_save_image(struct vd_svirt_run *run)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_svirt_row row = {
		.role = VD_ROLE_SAVE,
		.target = "save",
		.kind = VD_SVIRT_CONTENT,
		.after = VD_AFTER_DEFAULT,
		.access = VD_ACCESS_DAEMON,
		.note = "read at the next start",
	};
	struct vd_stat st;

	if (run->running || run->settings->session || run->domain->driver != VD_DRIVER_QEMU)
		return 0;
	if (vd_buf_addf(&path, "/var/lib/libvirt/qemu/save/%s.save", run->domain->name) < 0)
		return -ENOMEM;
	if (vd_root_stat(run->root, vd_buf_str(&path), &st, NULL) < 0)
		return 0;
	row.path = vd_buf_str(&path);
	return vd_svirt_add(run, &row);
}

/* What libvirt makes for a guest that runs, whatever its devices: worth a word only when its label is amiss. */
static int add_own_files(struct vd_svirt_run *run)
{
	const struct vd_dom_status *status = run->running ? run->domain->status : NULL;
	VD_AUTO_BUF key = VD_BUF_INIT;
	struct vd_svirt_row row = {
		.role = VD_ROLE_OTHER,
		.kind = VD_SVIRT_IMAGE,
		.after = VD_AFTER_GONE,
		.access = VD_ACCESS_READ_WRITE,
		.daemon_creates = true,
		.quiet = true,
	};
	struct {
		const char *target, *path;
	} files[] = { { "lib-dir", NULL }, { "channel-dir", NULL }, { "master-key", NULL } };

	if (!status || run->domain->driver != VD_DRIVER_QEMU)
		return 0;
	files[0].path = status->lib_dir;
	files[1].path = status->channel_target_dir;
	if (status->lib_dir) {
		if (vd_buf_addf(&key, "%s/master-key.aes", status->lib_dir) < 0)
			return -ENOMEM;
		files[2].path = vd_buf_str(&key);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(files); i++) {
		struct vd_stat st;
		int r;

		if (!files[i].path || vd_root_stat(run->root, files[i].path, &st, NULL) < 0)
			continue;
		row.target = files[i].target;
		row.path = files[i].path;
		r = vd_svirt_add(run, &row);
		if (r < 0)
			return r;
	}
	return 0;
}

static int expect_all(struct vd_svirt_run *run)
{
	const struct vd_domain *d = run->domain;
	int r = vd_svirt_labels(run);

	for (size_t i = 0; r == 0 && i < d->n_resources; i++) {
		run->res_index = (int)i;
		r = vd_svirt_add_resource(run, &d->resources[i]);
	}
	run->res_index = -1;
	if (r == 0)
		r = add_own_files(run);
	return r == 0 ? add_save_image(run) : r;
}

int vd_svirt_expect(struct vd_root *root, const struct vd_domain *domain, const struct vd_svirt_settings *settings,
                    const char *categories, struct vd_expects *ret_expects, struct vd_err *err)
{
	struct vd_expects out = { 0 };
	struct vd_svirt_run run = {
		.root = root,
		.domain = domain,
		.settings = settings,
		.override = domain->status ? NULL : categories,
		.running = domain->status,
		.out = &out,
		.res_index = -1,
	};
	int r;

	if (domain->driver == VD_DRIVER_QEMU)
		run.private_dev =
		        run.running ? domain->status->mount_namespace : settings->mount_namespace && !settings->session;
	r = expect_all(&run);
	free(run.image);
	if (r < 0) {
		vd_expects_release(&out);
		return vd_err_set(err, ENOMEM, "no memory for the labels of %s", domain->name);
	}
	*ret_expects = out;
	return 0;
}

void vd_expects_release(struct vd_expects *expects)
{
	for (size_t i = 0; i < expects->len; i++) {
		free(expects->items[i].target);
		free(expects->items[i].path);
		free(expects->items[i].remote);
		free(expects->items[i].running);
		free(expects->items[i].problem_text);
	}
	free(expects->items);
	free(expects->process);
	free(expects->refused);
	memset(expects, 0, sizeof(*expects));
}
