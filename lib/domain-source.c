/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage in the domain XML: sources, their seclabels and backing chains, disks and what is like them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain-source");

/* Where each type of source keeps its path. */
static const struct {
	const char *name;
	enum vd_source_type type;
	const char *path_attr; /* of <source> */
} source_types[] = {
	{ "file", VD_SOURCE_FILE, "file" },
	{ "block", VD_SOURCE_BLOCK, "dev" },
	{ "dir", VD_SOURCE_DIR, "dir" },
	{ "network", VD_SOURCE_NETWORK, "name" },
	{ "volume", VD_SOURCE_VOLUME, NULL },
	{ "nvme", VD_SOURCE_NVME, NULL },
	{ "vhostuser", VD_SOURCE_VHOSTUSER, "path" },
	{ "vhostvdpa", VD_SOURCE_VHOSTVDPA, "dev" },
};

struct vd_source *vd_source_new(enum vd_source_type type)
{
	struct vd_source *source = calloc(1, sizeof(*source));

	if (source)
		source->type = type;
	return source;
}

static void seclabels_free(struct vd_dev_seclabel *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(labels[i].model);
		free(labels[i].label);
	}
	free(labels);
}

void vd_source_free(struct vd_source *source)
{
	while (source) {
		struct vd_source *next = source->backing;

		/* The parser and lib/image give a data file no data file of its own: one level of recursion. */
		vd_source_free(source->data_file);
		seclabels_free(source->seclabels, source->n_seclabels);
		free(source->path);
		free(source->protocol);
		free(source->pool);
		free(source->volume);
		free(source->format);
		free(source->fdgroup);
		free(source);
		source = next;
	}
}

static void free_source(struct vd_source **source)
{
	vd_source_free(*source);
}

/* Copies @s into *@slot; false without memory. */
static bool copy_string(char **slot, const char *s)
{
	*slot = s ? strdup(s) : NULL;
	return !s || *slot;
}

struct vd_source *vd_source_copy(const struct vd_source *source)
{
	VD_CLEANUP(free_source) struct vd_source *copy = vd_source_new(source->type);

	if (!copy || !copy_string(&copy->path, source->path) || !copy_string(&copy->protocol, source->protocol) ||
	    !copy_string(&copy->pool, source->pool) || !copy_string(&copy->volume, source->volume) ||
	    !copy_string(&copy->format, source->format) || !copy_string(&copy->fdgroup, source->fdgroup))
		return NULL;
	copy->startup_policy_optional = source->startup_policy_optional;
	copy->backing_state = VD_BACKING_ABSENT;
	if (!source->n_seclabels)
		return vd_steal(copy);
	copy->seclabels = calloc(source->n_seclabels, sizeof(*copy->seclabels));
	if (!copy->seclabels)
		return NULL;
	for (size_t i = 0; i < source->n_seclabels; i++) {
		const struct vd_dev_seclabel *from = &source->seclabels[i];
		struct vd_dev_seclabel *to = &copy->seclabels[copy->n_seclabels++];

		to->relabel = from->relabel;
		to->labelskip = from->labelskip;
		if (!copy_string(&to->model, from->model) || !copy_string(&to->label, from->label))
			return NULL;
	}
	return vd_steal(copy);
}

struct vd_source *vd_parse_new_source(struct vd_parse *p, struct vd_source **slot)
{
	*slot = vd_source_new(VD_SOURCE_NONE);
	if (!*slot)
		p->rc = -ENOMEM;
	return *slot;
}

void vd_parse_dev_seclabels(struct vd_parse *p, const struct vd_xml_node *node, struct vd_source *source)
{
	struct vd_dev_seclabel *grown;
	size_t n = 0;

	VD_XML_EACH(label, node, "seclabel")
	n++;
	if (!n)
		return;
	grown = realloc(source->seclabels, (source->n_seclabels + n) * sizeof(*grown));
	if (!grown) {
		p->rc = -ENOMEM;
		return;
	}
	source->seclabels = grown;
	VD_XML_EACH(label, node, "seclabel")
	{
		struct vd_dev_seclabel *to = &source->seclabels[source->n_seclabels++];

		to->model = vd_parse_dup_nonempty(p, vd_xml_attr(label, "model"));
		to->relabel = vd_parse_yes_no(label, "relabel");
		to->labelskip = vd_parse_yes_no(label, "labelskip") == 1;
		to->label = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(label, "label")));
	}
}

/* What <source> says of itself, without what may be nested in it. */
static void parse_source_attrs(struct vd_parse *p, const struct vd_xml_node *node, const char *type,
                               struct vd_source *source)
{
	const char *policy = vd_xml_attr(node, "startupPolicy");
	const char *path_attr = NULL;

	source->type = VD_SOURCE_OTHER;
	for (size_t i = 0; i < VD_ARRAY_SIZE(source_types); i++)
		if (!strcmp(type ? type : "file", source_types[i].name)) {
			source->type = source_types[i].type;
			path_attr = source_types[i].path_attr;
		}
	if (path_attr)
		source->path = vd_parse_dup_nonempty(p, vd_xml_attr(node, path_attr));
	if (source->type == VD_SOURCE_NETWORK)
		source->protocol = vd_parse_dup_nonempty(p, vd_xml_attr(node, "protocol"));
	if (source->type == VD_SOURCE_VOLUME) {
		source->pool = vd_parse_dup_nonempty(p, vd_xml_attr(node, "pool"));
		source->volume = vd_parse_dup_nonempty(p, vd_xml_attr(node, "volume"));
	}
	/* <source file=''/> and no <source> at all are the same: nothing in the drive. */
	if (!source->path &&
	    (source->type == VD_SOURCE_FILE || source->type == VD_SOURCE_BLOCK || source->type == VD_SOURCE_DIR))
		source->type = VD_SOURCE_NONE;
	source->fdgroup = vd_parse_dup_nonempty(p, vd_xml_attr(node, "fdgroup"));
	source->startup_policy_optional = policy && !strcmp(policy, "optional");
	vd_parse_dev_seclabels(p, node, source);
}

void vd_parse_source(struct vd_parse *p, const struct vd_xml_node *node, const char *type, struct vd_source *source)
{
	const struct vd_xml_node *store = vd_xml_child(node, "dataStore");

	if (!node)
		return;
	parse_source_attrs(p, node, type, source);
	if (!store || !vd_parse_new_source(p, &source->data_file))
		return;
	parse_source_attrs(p, vd_xml_child(store, "source"), vd_xml_attr(store, "type"), source->data_file);
	source->data_file->format = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(store, "format"), "type"));
	/* A data file is raw: nothing lies below it. */
	source->data_file->backing_state = VD_BACKING_END;
}

void vd_parse_backing(struct vd_parse *p, const struct vd_xml_node *owner, struct vd_source *top)
{
	const struct vd_xml_node *node = vd_xml_child(owner, "backingStore");
	struct vd_source *layer = top;

	for (; node && p->rc == 0; node = vd_xml_child(node, "backingStore")) {
		const struct vd_xml_node *source = vd_xml_child(node, "source");

		if (!source && !vd_xml_attr(node, "type")) {
			layer->backing_state = VD_BACKING_END;
			return;
		}
		layer->backing_state = VD_BACKING_GIVEN;
		layer = vd_parse_new_source(p, &layer->backing);
		if (!layer)
			return;
		vd_parse_source(p, source, vd_xml_attr(node, "type"), layer);
		layer->format = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(node, "format"), "type"));
	}
}

struct vd_res *vd_parse_res(struct vd_parse *p, enum vd_res_kind kind, enum vd_role role, const char *target)
{
	struct vd_domain *dom = p->dom;
	struct vd_res *res;

	if (p->rc < 0)
		return NULL;
	if (dom->n_resources == p->cap_resources) {
		size_t cap = p->cap_resources ? p->cap_resources * 2 : 16;

		res = realloc(dom->resources, cap * sizeof(*res));
		if (!res) {
			p->rc = -ENOMEM;
			return NULL;
		}
		dom->resources = res;
		p->cap_resources = cap;
	}
	res = &dom->resources[dom->n_resources];
	memset(res, 0, sizeof(*res));
	res->kind = kind;
	res->role = role;
	res->target = vd_parse_dup(p, target);
	if (!res->target || !vd_parse_new_source(p, &res->source)) {
		free(res->target);
		return NULL;
	}
	dom->n_resources++;
	return res;
}

void vd_parse_res_path(struct vd_parse *p, struct vd_res *res, enum vd_source_type type, const char *path)
{
	free(res->source->path);
	res->source->path = vd_parse_dup_nonempty(p, path);
	res->source->type = res->source->path ? type : VD_SOURCE_NONE;
}

void vd_res_release(struct vd_res *res)
{
	free(res->target);
	free(res->device);
	free(res->subtype);
	free(res->mode);
	free(res->mirror_job);
	free(res->address);
	free(res->binary);
	vd_source_free(res->source);
	vd_source_free(res->mirror);
}

/* <mirror>: since libvirt 1.2.6 like <backingStore>; before, attributes of its own. */
static void parse_mirror(struct vd_parse *p, const struct vd_xml_node *node, struct vd_res *res)
{
	const char *job = vd_xml_attr(node, "job"), *old_file = vd_xml_attr(node, "file");
	const struct vd_xml_node *source = vd_xml_child(node, "source");

	if (!node || !vd_parse_new_source(p, &res->mirror))
		return;
	res->mirror_job = vd_parse_dup(p, job ? job : "copy");
	if (!source && old_file) {
		res->mirror->type = VD_SOURCE_FILE;
		res->mirror->path = vd_parse_dup(p, old_file);
		res->mirror->format = vd_parse_dup_nonempty(p, vd_xml_attr(node, "format"));
		return;
	}
	vd_parse_source(p, source, vd_xml_attr(node, "type"), res->mirror);
	res->mirror->format = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(node, "format"), "type"));
	vd_parse_backing(p, source, res->mirror);
	if (res->mirror->backing_state == VD_BACKING_ABSENT)
		vd_parse_backing(p, node, res->mirror);
	VLOG_DEBUG("%s: disk '%s' has a mirror (%s)", p->file, res->target, res->mirror_job ? res->mirror_job : "-");
}

void vd_parse_disk(struct vd_parse *p, const struct vd_xml_node *disk)
{
	const char *device = vd_xml_attr(disk, "device"), *target = vd_xml_attr(vd_xml_child(disk, "target"), "dev");
	enum vd_role role = VD_ROLE_DISK;
	struct vd_res *res;

	if (!device)
		device = "disk";
	if (!strcmp(device, "cdrom"))
		role = VD_ROLE_CDROM;
	else if (!strcmp(device, "floppy"))
		role = VD_ROLE_FLOPPY;
	res = vd_parse_res(p, VD_RES_DISK, role, target && *target ? target : "disk");
	if (!res)
		return;
	res->device = vd_parse_dup(p, device);
	res->readonly = vd_xml_child(disk, "readonly") != NULL;
	res->shareable = vd_xml_child(disk, "shareable") != NULL;
	res->transient = vd_xml_child(disk, "transient") != NULL;
	vd_parse_source(p, vd_xml_child(disk, "source"), vd_xml_attr(disk, "type"), res->source);
	res->source->format = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(disk, "driver"), "type"));
	if (res->source->type == VD_SOURCE_NVME)
		vd_parse_pci_address(p, vd_xml_child(disk, "source"), res);
	vd_parse_backing(p, disk, res->source);
	parse_mirror(p, vd_xml_child(disk, "mirror"), res);
}

/* <nvram>: text is the path; since libvirt 8.5 also a <source> as disks have it. The template is another file. */
void vd_parse_nvram(struct vd_parse *p, const struct vd_xml_node *nvram)
{
	const struct vd_xml_node *source = vd_xml_child(nvram, "source");
	const char *template = vd_xml_attr(nvram, "template");
	struct vd_res *res = vd_parse_res(p, VD_RES_NVRAM, VD_ROLE_NVRAM, "nvram");

	if (!res)
		return;
	if (source) {
		vd_parse_source(p, source, vd_xml_attr(nvram, "type"), res->source);
		vd_parse_backing(p, nvram, res->source);
	} else {
		vd_parse_res_path(p, res, VD_SOURCE_FILE, vd_xml_text(nvram));
	}
	res->source->format = vd_parse_dup_nonempty(p, vd_xml_attr(nvram, "format"));
	if (!template || !*template)
		return;
	res = vd_parse_res(p, VD_RES_NVRAM_TEMPLATE, VD_ROLE_NVRAM, "nvram-template");
	if (res) {
		vd_parse_res_path(p, res, VD_SOURCE_FILE, template);
		res->readonly = true;
		res->source->format = vd_parse_dup_nonempty(p, vd_xml_attr(nvram, "templateFormat"));
	}
}
