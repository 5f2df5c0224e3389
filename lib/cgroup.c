/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/magic.h>
#include <sys/vfs.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup");

static const char *const controller_names[] = {
	[VD_CGROUP_CPU] = "cpu",           [VD_CGROUP_CPUACCT] = "cpuacct", [VD_CGROUP_CPUSET] = "cpuset",
	[VD_CGROUP_MEMORY] = "memory",     [VD_CGROUP_BLKIO] = "blkio",     [VD_CGROUP_DEVICES] = "devices",
	[VD_CGROUP_FREEZER] = "freezer",   [VD_CGROUP_NET_CLS] = "net_cls", [VD_CGROUP_PERF_EVENT] = "perf_event",
	[VD_CGROUP_NET_PRIO] = "net_prio", [VD_CGROUP_HUGETLB] = "hugetlb", [VD_CGROUP_PIDS] = "pids",
	[VD_CGROUP_RDMA] = "rdma",         [VD_CGROUP_MISC] = "misc",
};
_Static_assert(VD_ARRAY_SIZE(controller_names) == VD_CGROUP_CONTROLLER_COUNT_, "a name for each controller");

#define LIBVIRT_CONTROLLERS ((1u << VD_CGROUP_NET_PRIO) - 1)

const char *vd_cgroup_controller_name(enum vd_cgroup_controller controller)
{
	return controller_names[controller];
}

const char *vd_cgroup_mode_name(enum vd_cgroup_mode mode)
{
	static const char *const names[] = { "none", "v1", "v2", "hybrid" };

	return names[mode];
}

static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += !!*p) {
		size_t n = strcspn(p, separators);

		if (n == len && !memcmp(p, word, n))
			return true;
		p += n;
	}
	return false;
}

static unsigned controllers_in(const char *list, const char *separators, bool v2)
{
	unsigned mask = 0;

	for (unsigned c = 0; list && c < VD_CGROUP_CONTROLLER_COUNT_; c++) {
		const char *name = v2 && c == VD_CGROUP_BLKIO ? "io" : controller_names[c];

		if (has_word(list, name, separators))
			mask |= 1u << c;
	}
	return mask;
}

static int make_label(unsigned carries, char **ret_label)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = 0;

	for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_ && !r; c++)
		if (carries & 1u << c)
			r = vd_buf_addf(&buf, "%s%s", buf.len ? "," : "", controller_names[c]);
	if (r < 0)
		return r;
	*ret_label = vd_buf_steal(&buf);
	return *ret_label ? 0 : -ENOMEM;
}

static int add_hierarchy(struct vd_root *root, struct vd_cgroup_layout *layout, const struct vd_mount *mount,
                         unsigned carries, bool v2)
{
	struct vd_cgroup_hierarchy *h = &layout->items[layout->len];
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct statfs fs;
	int r;

	*h = (struct vd_cgroup_hierarchy){ .v2 = v2, .carries = carries, .fd = -1 };
	h->path = strdup(mount->target);
	h->root = strdup(mount->root ? mount->root : "/");
	layout->len++;
	if (v2)
		h->label = strdup("v2");
	else if (make_label(carries, &h->label) < 0)
		return -ENOMEM;
	if (!h->path || !h->root || !h->label)
		return -ENOMEM;
	r = vd_root_open_dir(root, h->path, &h->fd, &err);
	if (r == -ENOMEM)
		return r;
	h->error = -r;
	if (!r && fstatfs(h->fd, &fs) == 0)
		h->kernel = (unsigned long)fs.f_type == CGROUP_SUPER_MAGIC ||
		            (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
	VLOG_DEBUG("hierarchy %s at %s: %s", h->label, h->path, r < 0 ? vd_err_text(&err) : "opened");
	return 0;
}

/* For each controller of v1 the last mount that has it in its options. */
static int detect_v1(struct vd_root *root, const struct vd_mounts *mounts, struct vd_cgroup_layout *layout)
{
	const struct vd_mount *last[VD_CGROUP_CONTROLLER_COUNT_] = { NULL };
	int r = 0;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct vd_mount *m = &mounts->items[i];
		unsigned mask = m->fstype && !strcmp(m->fstype, "cgroup") ? controllers_in(m->options, ",", false) : 0;

		for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_; c++)
			if (mask & 1u << c)
				last[c] = m;
	}
	for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_ && !r; c++) {
		unsigned carries = 0;
		bool known = false;

		for (unsigned d = 0; d < VD_CGROUP_CONTROLLER_COUNT_; d++) {
			if (last[c] && last[d] == last[c]) {
				carries |= 1u << d;
				known |= d < c;
			}
		}
		if (carries && !known)
			r = add_hierarchy(root, layout, last[c], carries, false);
	}
	return r;
}

/* Reads the controllers of the v2 mount at @path; false when the file cannot be read. */
static bool read_controllers(struct vd_root *root, const char *path, unsigned *ret_mask, bool *ret_empty)
{
	VD_AUTO_BUF text = VD_BUF_INIT, name = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_buf_addf(&name, "%s/cgroup.controllers", path) < 0 ||
	    vd_root_read(root, vd_buf_str(&name), VD_MAX_CGROUP, &text, &err) < 0)
		return false;
	*ret_mask = controllers_in(vd_buf_str(&text), " \n", true);
	*ret_empty = strspn(vd_buf_str(&text), " \n") == text.len;
	return true;
}

/* The last v2 mount with controllers, else the last one. *@ret_counts: does libvirt use it beside v1? */
static int detect_v2(struct vd_root *root, const struct vd_mounts *mounts, struct vd_cgroup_layout *layout,
                     bool *ret_counts)
{
	const struct vd_mount *chosen = NULL;
	unsigned carries = 0;
	bool counts = false;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct vd_mount *m = &mounts->items[i];
		unsigned mask = 0;
		bool empty = false, known;

		if (!m->fstype || strcmp(m->fstype, "cgroup2"))
			continue;
		known = read_controllers(root, m->target, &mask, &empty);
		if (counts && known && empty)
			continue;
		chosen = m;
		carries = mask;
		counts = !known || !empty;
	}
	*ret_counts = counts;
	if (!chosen)
		return 0;
	layout->unified = (int)layout->len;
	return add_hierarchy(root, layout, chosen, carries | 1u << VD_CGROUP_CPUACCT | 1u << VD_CGROUP_DEVICES, true);
}

static void choose(struct vd_cgroup_layout *layout, bool v2_counts)
{
	bool v1 = false;

	for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_; c++)
		layout->from[c] = -1;
	for (size_t i = 0; i < layout->len; i++)
		v1 |= !layout->items[i].v2 && (layout->items[i].carries & LIBVIRT_CONTROLLERS);
	if (!v1 && layout->unified >= 0)
		v2_counts = true;
	layout->mode = v1 ? (v2_counts ? VD_CGROUP_MODE_HYBRID : VD_CGROUP_MODE_V1)
	                  : (v2_counts ? VD_CGROUP_MODE_V2 : VD_CGROUP_MODE_NONE);
	/* v2 is asked first; v1 keeps what is left. */
	for (int v2 = 1; v2 >= 0; v2--) {
		for (size_t i = 0; i < layout->len; i++) {
			struct vd_cgroup_hierarchy *h = &layout->items[i];

			for (unsigned c = 0; c < VD_CGROUP_NET_PRIO; c++) {
				if (h->v2 != !!v2 || (v2 && !v2_counts) || !(h->carries & 1u << c) ||
				    layout->from[c] >= 0)
					continue;
				layout->from[c] = (int)i;
				h->used |= 1u << c;
			}
		}
	}
}

int vd_cgroup_detect(struct vd_root *root, const struct vd_mounts *mounts, struct vd_cgroup_layout *ret_layout,
                     struct vd_err *err)
{
	VD_CLEANUP(vd_cgroup_layout_release) struct vd_cgroup_layout layout = { .unified = -1 };
	bool v2_counts = false;

	if (detect_v1(root, mounts, &layout) < 0 || detect_v2(root, mounts, &layout, &v2_counts) < 0)
		return vd_err_set(err, ENOMEM, "out of memory while looking for cgroup hierarchies");
	choose(&layout, v2_counts);
	VLOG_DEBUG("cgroup layout %s, %zu hierarchies", vd_cgroup_mode_name(layout.mode), layout.len);
	*ret_layout = layout;
	layout = (struct vd_cgroup_layout){ .unified = -1 };
	return 0;
}

void vd_cgroup_layout_release(struct vd_cgroup_layout *layout)
{
	for (size_t i = 0; i < layout->len; i++) {
		free(layout->items[i].path);
		free(layout->items[i].root);
		free(layout->items[i].label);
		if (layout->items[i].fd >= 0)
			close(layout->items[i].fd);
	}
	layout->len = 0;
}
