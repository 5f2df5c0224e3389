/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of disks and what follows their rules: chains, overrides, transient overlays, mirrors, volumes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "svirt-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.disk");

#define TRANSIENT ".TRANSIENT-"

/* A disk while its layers are worked on. */
struct disk {
	const struct vd_res *res;
	const struct vd_source *top; /* res->source, or what its volume is */
	struct vd_chain chain;
	const char *mirror; /* path of the mirror; NULL */
	bool mirror_listed; /* it is a layer of the chain */
	bool has_overlay;   /* the top is the overlay of a transient disk */
};

static bool ends_with_overlay(const struct vd_svirt_run *run, const char *path)
{
	const char *found = path ? strstr(path, TRANSIENT) : NULL;

	return found && !strcmp(found + strlen(TRANSIENT), run->domain->name);
}

/* What the layer would be without any <seclabel> of its own. */
static void default_rule(const struct disk *d, const struct vd_source *source, unsigned depth, struct vd_svirt_row *row)
{
	/* The base of a transient disk was the top when it was labelled, and nobody takes the label away again. */
	bool was_top = d->has_overlay && depth == 1;
	bool cdrom = d->res->device && !strcmp(d->res->device, "cdrom");

	row->kind = VD_SVIRT_CONTENT;
	row->after = VD_AFTER_KEPT;
	row->access = VD_ACCESS_READ;
	if (depth > 0 && !was_top) {
		if (d->mirror && source->path && !strcmp(d->mirror, source->path)) {
			row->kind = VD_SVIRT_IMAGE;
			row->access = VD_ACCESS_READ_WRITE;
			row->note = "written by the active commit";
		}
		return;
	}
	if (d->res->shareable) {
		row->kind = VD_SVIRT_SHARED;
		row->access = d->res->readonly ? VD_ACCESS_READ : VD_ACCESS_READ_WRITE;
	} else if (!d->res->readonly && !cdrom) {
		row->kind = VD_SVIRT_IMAGE;
		row->after = was_top || (d->res->transient && !d->has_overlay) ? VD_AFTER_KEPT : VD_AFTER_REMEMBERED;
		row->access = was_top ? VD_ACCESS_READ : VD_ACCESS_READ_WRITE;
	}
	if (d->has_overlay && depth == 0)
		row->after = VD_AFTER_GONE;
}

/* The <seclabel> of a layer. One that was found in a header takes over what the layer above it has. */
static const struct vd_dev_seclabel *layer_seclabel(const struct disk *d, size_t index)
{
	while (index > 0 && d->chain.layers[index].origin != VD_ORIGIN_XML)
		index--;
	return vd_svirt_own_seclabel(d->chain.layers[index].source);
}

/* The layer's own <seclabel> wins over the top's, which holds for all layers below it, which wins over the rule. */
static void apply_override(const struct disk *d, size_t index, struct vd_svirt_row *row)
{
	const struct vd_dev_seclabel *own = layer_seclabel(d, index), *top = vd_svirt_own_seclabel(d->top);
	const struct vd_dev_seclabel *use = NULL;

	if (own && (own->relabel == 0 || own->label || own->labelskip))
		use = own;
	else if (top && (top->relabel == 0 || top->label))
		use = top;
	if (!use)
		return;
	if (use->relabel == 0) {
		row->kind = VD_SVIRT_UNTOUCHED;
		row->note = "the disk's <seclabel> turns relabelling off";
	} else if (use->labelskip) {
		row->kind = VD_SVIRT_UNTOUCHED;
		row->note = "libvirt could not label it (labelskip)";
	} else {
		row->kind = VD_SVIRT_OWN;
		row->label = use->label;
	}
}

/* External data files: libvirt does not know them before 10.10; how later versions label them is not confirmed. */
static void data_file_rule(const struct vd_svirt_run *run, struct vd_svirt_row *row)
{
	row->role = VD_ROLE_DATA_FILE;
	row->kind = VD_SVIRT_UNTOUCHED;
	row->after = VD_AFTER_UNCHANGED;
	if (run->settings->libvirt && run->settings->libvirt < VD_VERSION(10, 10, 0)) {
		row->note = "libvirt before 10.10 does not know external data files: its label must be set by hand";
		return;
	}
	row->problem = VD_CHAIN_EVIDENCE;
	row->note = "an external data file; whether libvirt 10.10 and later label it is not confirmed";
	row->problem_text =
	        run->settings->libvirt
	                ? row->note
	                : "an external data file; libvirt's version, which decides whether it is labelled, is "
	                  "not known";
}

/* Sources that are no file of this host. Returns false for those that are. */
static bool foreign_rule(const struct vd_source *source, struct vd_svirt_row *row)
{
	switch (source->type) {
	case VD_SOURCE_NETWORK:
		row->network = true;
		row->note = "a network source: libvirt sets no label";
		break;
	case VD_SOURCE_DIR:
		row->note = "a directory as a disk: libvirt does not label it";
		break;
	case VD_SOURCE_VHOSTUSER:
		row->note = "a socket of another process: libvirt does not label it";
		break;
	case VD_SOURCE_VHOSTVDPA:
		row->note = "opened by the daemon, which passes it on: libvirt does not label it";
		row->access = VD_ACCESS_DAEMON;
		break;
	case VD_SOURCE_OTHER:
		row->note = "a kind of source that this program does not know";
		row->problem = VD_CHAIN_EVIDENCE;
		row->problem_text = row->note;
		break;
	case VD_SOURCE_VOLUME:
		row->note = "a volume of a storage pool that is not known here";
		row->problem = VD_CHAIN_EVIDENCE;
		row->problem_text = row->note;
		break;
	case VD_SOURCE_NONE:
	case VD_SOURCE_FILE:
	case VD_SOURCE_BLOCK:
		if (source->path)
			return false;
		row->note = "the XML names no file for it: libvirt refuses such a layer";
		row->problem = VD_CHAIN_EVIDENCE;
		row->problem_text = row->note;
		break;
	default:
		return false;
	}
	row->kind = VD_SVIRT_UNTOUCHED;
	row->after = VD_AFTER_UNCHANGED;
	return true;
}

/* "nbd:export" and "pool/volume": what to show where there is no path. */
static int remote_name(const struct vd_source *source, struct vd_buf *text)
{
	if (source->type == VD_SOURCE_VOLUME)
		return vd_buf_addf(text, "%s/%s", source->pool ? source->pool : "?",
		                   source->volume ? source->volume : "?");
	return vd_buf_addf(text, "%s%s%s", source->protocol ? source->protocol : "", source->protocol ? ":" : "",
	                   source->path ? source->path : "");
}

/* An NVMe disk is the PCI device of its controller, reached through vfio. */
static int nvme_path(struct vd_svirt_run *run, const struct vd_source *source, struct vd_svirt_row *row, char **slot)
{
	int r = source->path ? vd_svirt_vfio_group(run->root, "pci", source->path, slot) : 0;

	row->path = *slot;
	if (r == 0 && !*slot) {
		row->remote = source->path;
		row->note = "an NVMe controller whose IOMMU group is not known here";
	}
	return r;
}

static int add_layer(struct vd_svirt_run *run, struct disk *d, size_t index, unsigned depth)
{
	const struct vd_layer *layer = &d->chain.layers[index];
	const struct vd_source *source = layer->source;
	struct vd_svirt_row row = { .role = d->res->role, .path = source->path, .layer = (int)depth };
	VD_AUTO_BUF remote = VD_BUF_INIT;
	VD_AUTO_FREE char *node = NULL;
	char target[128];

	snprintf(target, sizeof(target), depth ? "%.100s[%u]" : "%.100s", d->res->target, depth);
	row.target = target;
	if (depth > 0)
		row.role = VD_ROLE_BACKING;
	else
		row.optional = d->top->startup_policy_optional;
	row.daemon_creates = d->has_overlay && depth == 0;
	default_rule(d, source, depth, &row);
	if (layer->data_file)
		data_file_rule(run, &row);
	else
		apply_override(d, index, &row);
	if (d->chain.problem != VD_CHAIN_OK && d->chain.problem_layer == index) {
		row.problem = d->chain.problem;
		row.problem_text = d->chain.problem_text;
	}
	if (source->type == VD_SOURCE_NVME && nvme_path(run, source, &row, &node) < 0)
		return -ENOMEM;
	foreign_rule(source, &row);
	if (source->type == VD_SOURCE_NETWORK || source->type == VD_SOURCE_VOLUME) {
		if (remote_name(source, &remote) < 0)
			return -ENOMEM;
		row.remote = vd_buf_str(&remote);
		row.path = NULL;
	}
	if (d->mirror && row.path && !layer->data_file && !strcmp(d->mirror, row.path))
		d->mirror_listed = true;
	return vd_svirt_add(run, &row);
}

static int add_mirror(struct vd_svirt_run *run, const struct disk *d)
{
	struct vd_svirt_row row = {
		.role = d->res->role,
		.path = d->mirror,
		.kind = VD_SVIRT_IMAGE,
		.after = VD_AFTER_DEFAULT,
		.access = VD_ACCESS_READ_WRITE,
		.note = "target of the block copy",
	};
	char target[128];

	snprintf(target, sizeof(target), "%.100s:mirror", d->res->target);
	row.target = target;
	return vd_svirt_add(run, &row);
}

/* The overlay that libvirt makes at start over a transient disk. */
static int add_overlay(struct vd_svirt_run *run, const struct disk *d)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_svirt_row row = {
		.role = d->res->role,
		.kind = VD_SVIRT_IMAGE,
		.after = VD_AFTER_GONE,
		.access = VD_ACCESS_READ_WRITE,
		.daemon_creates = true,
		.note = "overlay of the transient disk, made at start and removed at the end",
	};
	char target[128];

	if (vd_buf_addf(&path, "%s" TRANSIENT "%s", d->top->path, run->domain->name) < 0)
		return -ENOMEM;
	snprintf(target, sizeof(target), "%.100s:transient", d->res->target);
	row.target = target;
	row.path = vd_buf_str(&path);
	return vd_svirt_add(run, &row);
}

static int add_layers(struct vd_svirt_run *run, struct disk *d)
{
	unsigned depth = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->chain.len; i++) {
		/* A data file counts with the layer that it belongs to. */
		if (i > 0 && !d->chain.layers[i].data_file)
			depth++;
		r = add_layer(run, d, i, depth);
	}
	if (r == 0 && d->mirror && !d->mirror_listed)
		r = add_mirror(run, d);
	/* A running guest names its overlay itself. */
	if (r == 0 && d->res->transient && !run->running && d->top->path && d->top->type == VD_SOURCE_FILE)
		r = add_overlay(run, d);
	return r;
}

int vd_svirt_add_disk(struct vd_svirt_run *run, const struct vd_res *res)
{
	struct disk d = { .res = res, .top = res->source };
	struct vd_source *volume = NULL;
	int r = 0;

	if (res->source->type == VD_SOURCE_VOLUME)
		r = vd_svirt_volume(run, res->source, &volume);
	if (r < 0)
		return r;
	if (volume)
		d.top = volume;
	if (res->mirror && (res->mirror->type == VD_SOURCE_FILE || res->mirror->type == VD_SOURCE_BLOCK))
		d.mirror = res->mirror->path;
	d.has_overlay = run->running && ends_with_overlay(run, d.top->path);
	r = vd_chain_walk(run->root, d.top, &d.chain, NULL);
	if (r == 0) {
		r = add_layers(run, &d);
		vd_chain_release(&d.chain);
	}
	vd_source_free(volume);
	VLOG_DEBUG("%s: %s done", run->domain->name, res->target);
	return r;
}
