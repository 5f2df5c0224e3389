/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-devices.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-devices");

VD_PRINTF(2, 3) static int unknown(struct vd_devfilter *filter, const char *fmt, ...)
{
	va_list ap;
	int r;

	filter->kind = VD_DEVFILTER_UNKNOWN;
	va_start(ap, fmt);
	r = vd_text_setv(&filter->why, fmt, ap);
	va_end(ap);
	return r;
}

static int add_rule(struct vd_devfilter *filter, const struct vd_devrule *rule)
{
	size_t n = filter->n_rules;

	if (!(n & (n - 1))) {
		struct vd_devrule *items = reallocarray(filter->rules, n ? n * 2 : 1, sizeof(*items));

		if (!items)
			return -ENOMEM;
		filter->rules = items;
	}
	filter->rules[filter->n_rules++] = *rule;
	return 0;
}

static int compare_rules(const void *a, const void *b)
{
	const struct vd_devrule *x = a, *y = b;

	if (x->type != y->type)
		return (x->type > y->type) - (x->type < y->type);
	if (x->major != y->major)
		return (x->major > y->major) - (x->major < y->major);
	return (x->minor > y->minor) - (x->minor < y->minor);
}

static int load_v1(struct vd_root *root, struct vd_devfilter *filter, const char *dir)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_devrule rule;
	size_t pos = 0;
	int r;

	if (asprintf(&filter->path, "%s/devices.list", dir) < 0) {
		filter->path = NULL;
		return -ENOMEM;
	}
	r = vd_root_read(root, filter->path, VD_MAX_CGROUP, &text, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return unknown(filter, "%s", vd_err_text(&err));
	filter->kind = VD_DEVFILTER_V1;
	while ((r = vd_devrule_next(vd_buf_str(&text), text.len, &pos, &rule)) != 0) {
		if (r == -EINVAL)
			return unknown(filter, "%s holds a line that is no rule", filter->path);
		if (add_rule(filter, &rule) < 0)
			return -ENOMEM;
		/* So looks a group that was never closed. */
		if (rule.type == 'a' && rule.major < 0 && rule.minor < 0 && rule.access == 7)
			filter->kind = VD_DEVFILTER_NONE;
	}
	return 0;
}

/* Where each program is attached: in the group, or in one above it. */
static int find_places(struct vd_root *root, struct vd_devfilter *filter, const char *mount, const char *rel)
{
	VD_AUTO_FREE char *at = strdup(rel);

	if (!at)
		return -ENOMEM;
	for (;;) {
		VD_AUTO_CLOSE int fd = -1;
		VD_AUTO_BUF path = VD_BUF_INIT;
		uint32_t ids[VD_BPF_MAX_PROGRAMS];
		size_t count = 0;
		char *slash;

		if (vd_buf_addf(&path, "%s%s", mount, at) < 0)
			return -ENOMEM;
		if (vd_root_open_dir(root, vd_buf_str(&path), &fd, NULL) == 0 &&
		    vd_bpf_device_programs(fd, false, ids, &count) < 0)
			count = 0;
		for (size_t i = 0; i < count; i++) {
			for (size_t k = 0; k < filter->n_programs; k++) {
				if (filter->programs[k].id != ids[i] || filter->places[k])
					continue;
				filter->places[k] = strdup(vd_buf_str(&path));
				if (!filter->places[k])
					return -ENOMEM;
			}
		}
		slash = strrchr(at, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}
}

static int take_rules(struct vd_devfilter *filter, const struct vd_bpf_program *program)
{
	for (size_t i = 0; i < program->n_entries; i++) {
		struct vd_devrule rule;

		if (vd_bpf_entry_rule(&program->entries[i], &rule) && add_rule(filter, &rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

static const char *why_not(int r)
{
	return r == -EPERM || r == -EACCES ? "reading device programs takes CAP_SYS_ADMIN: run as root" : strerror(-r);
}

static int load_programs(struct vd_devfilter *filter, const uint32_t *ids, size_t count)
{
	filter->programs = calloc(count, sizeof(*filter->programs));
	filter->places = calloc(count, sizeof(*filter->places));
	if (!filter->programs || !filter->places)
		return -ENOMEM;
	filter->kind = VD_DEVFILTER_BPF;
	for (size_t i = 0; i < count; i++) {
		int r = vd_bpf_load(ids[i], &filter->programs[i]);

		if (r == -ENOMEM)
			return r;
		filter->n_programs++;
		if (r < 0)
			return unknown(filter, "device program %u cannot be read: %s", ids[i], why_not(r));
		if (!vd_bpf_is_libvirt(&filter->programs[i]))
			filter->foreign = true;
		else if (take_rules(filter, &filter->programs[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int load_v2(struct vd_root *root, struct vd_devfilter *filter, const char *mount, const char *rel)
{
	VD_AUTO_CLOSE int fd = -1;
	VD_AUTO_ERR err = VD_ERR_INIT;
	uint32_t ids[VD_BPF_MAX_PROGRAMS];
	size_t count = 0;
	int r;

	if (asprintf(&filter->path, "%s%s", mount, rel) < 0) {
		filter->path = NULL;
		return -ENOMEM;
	}
	if (!vd_root_is_live(root))
		return unknown(filter, "%s",
		               "the rules of cgroup v2 are a program in the kernel, which a capture does not hold");
	r = vd_root_open_dir(root, filter->path, &fd, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return unknown(filter, "%s", vd_err_text(&err));
	r = vd_bpf_device_programs(fd, true, ids, &count);
	if (r < 0)
		return unknown(filter, "the device programs of %s cannot be read: %s", filter->path, why_not(r));
	if (!count) {
		filter->kind = VD_DEVFILTER_NONE;
		return 0;
	}
	r = load_programs(filter, ids, count);
	return r < 0 ? r : find_places(root, filter, mount, rel);
}

int vd_devfilter_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                      struct vd_devfilter *ret_filter, struct vd_err *err)
{
	VD_CLEANUP(vd_devfilter_release) struct vd_devfilter filter = { 0 };
	int h = layout->from[VD_CGROUP_DEVICES], r = 0;

	if (h >= 0 && node->rel && node->present & 1u << h) {
		const struct vd_cgroup_hierarchy *hier = &layout->items[h];
		VD_AUTO_FREE char *dir = NULL;

		if (asprintf(&dir, "%s%s", hier->path, node->rel) < 0) {
			dir = NULL;
			r = -ENOMEM;
		} else {
			r = hier->v2 ? load_v2(root, &filter, hier->path, node->rel) : load_v1(root, &filter, dir);
		}
	}
	if (r < 0)
		return vd_err_set(err, ENOMEM, "out of memory while reading device rules");
	if (filter.n_rules)
		qsort(filter.rules, filter.n_rules, sizeof(*filter.rules), compare_rules);
	VLOG_DEBUG("%s: %zu rules, %zu programs%s", node->rel ? node->rel : "-", filter.n_rules, filter.n_programs,
	           filter.foreign ? ", not all of libvirt's" : "");
	*ret_filter = filter;
	filter = (struct vd_devfilter){ 0 };
	return 0;
}

void vd_devfilter_release(struct vd_devfilter *filter)
{
	for (size_t i = 0; i < filter->n_programs; i++) {
		vd_bpf_program_release(&filter->programs[i]);
		free(filter->places[i]);
	}
	free(filter->programs);
	free(filter->places);
	free(filter->rules);
	free(filter->path);
	free(filter->why);
	*filter = (struct vd_devfilter){ 0 };
}

/* One rule must cover all that is asked, in v1 and in libvirt's program alike. */
static bool rules_allow(const struct vd_devfilter *filter, char type, uint32_t major, uint32_t minor, unsigned access)
{
	for (size_t i = 0; i < filter->n_rules; i++)
		if (vd_devrule_matches(&filter->rules[i], type, major, minor) &&
		    (filter->rules[i].access & access) == access)
			return true;
	return false;
}

int vd_devfilter_allows(const struct vd_devfilter *filter, char type, uint32_t major, uint32_t minor, unsigned access)
{
	int result = 1;

	switch (filter->kind) {
	case VD_DEVFILTER_NONE:
		return 1;
	case VD_DEVFILTER_V1:
		return rules_allow(filter, type, major, minor, access);
	case VD_DEVFILTER_BPF:
		/* All of them must agree; one that says no decides, whatever the others would say. */
		for (size_t i = 0; i < filter->n_programs; i++) {
			int r = vd_bpf_decide(&filter->programs[i], type, major, minor, access);

			if (!r)
				return 0;
			if (r < 0)
				result = r;
		}
		return result;
	default:
		return -ENOTSUP;
	}
}
