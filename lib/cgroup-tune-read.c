/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the files of one guest's groups, and rows of limits. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-parse.h"
#include "cgroup-tune-internal.h"

bool vd_tune_has(const struct vd_tune *tune, enum vd_cgroup_controller c)
{
	int h = tune->layout->from[c];

	return h >= 0 && tune->node->present & 1u << h;
}

bool vd_tune_is_v2(const struct vd_tune *tune, enum vd_cgroup_controller c)
{
	return tune->layout->from[c] >= 0 && tune->layout->items[tune->layout->from[c]].v2;
}

static int read_into(struct vd_tune *tune, enum vd_cgroup_controller c, const struct vd_tune_group *group,
                     const char *file, struct vd_buf *path, struct vd_buf *text)
{
	int r;

	vd_buf_clear(path);
	vd_buf_clear(text);
	if (tune->r < 0)
		return tune->r;
	r = vd_buf_addf(path, "%s%s/%s", tune->layout->items[tune->layout->from[c]].path, group->rel, file);
	if (!r)
		r = vd_root_read(tune->root, vd_buf_str(path), VD_MAX_CGROUP, text, NULL);
	if (r == -ENOMEM)
		tune->r = r;
	return r;
}

int vd_tune_read(struct vd_tune *tune, enum vd_cgroup_controller c, const struct vd_tune_group *group, const char *file)
{
	return read_into(tune, c, group, file, &tune->path, &tune->text);
}

int64_t vd_tune_count(struct vd_tune *tune, enum vd_cgroup_controller c, const struct vd_tune_group *group,
                      const char *file, const char *key)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	int64_t n = -1;
	int r = read_into(tune, c, group, file, &path, &tune->other);

	if (!r && key)
		r = vd_cgroup_parse_keyed(vd_buf_str(&tune->other), tune->other.len, key, &n);
	else if (!r)
		r = vd_cgroup_parse_number(vd_buf_str(&tune->other), tune->other.len, &n);
	return r < 0 ? -1 : n;
}

void vd_tune_set(struct vd_tune *tune, char **slot, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vd_text_setv(slot, fmt, ap);
	va_end(ap);
	if (r < 0)
		tune->r = r;
}

void vd_tune_trouble(struct vd_tune *tune, struct vd_tunable *row, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		tune->r = -ENOMEM;
	} else if (row->trouble) {
		vd_tune_set(tune, &row->trouble, "%s, %s", row->trouble, text);
	} else {
		row->trouble = vd_steal(text);
	}
}

struct vd_tunable *vd_tune_row(struct vd_tune *tune, const struct vd_tune_group *group, const char *name,
                               int read_result)
{
	struct vd_tunables *list = tune->list;
	struct vd_tunable *row;

	if (list->len == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 32;
		struct vd_tunable *items = reallocarray(list->items, cap, sizeof(*items));

		if (!items) {
			tune->r = -ENOMEM;
			return &tune->scratch;
		}
		list->items = items;
		list->cap = cap;
	}
	row = &list->items[list->len++];
	*row = (struct vd_tunable){ .name = name, .use = -1 };
	vd_tune_set(tune, &row->group, "%s", group->name);
	vd_tune_set(tune, &row->path, "%s", vd_buf_str(&tune->path));
	if (read_result < 0)
		row->status = VD_TUNABLE_UNKNOWN;
	return row;
}

void vd_tune_judge(struct vd_tune *tune, struct vd_tunable *row, int read_result, bool matches, bool kernel_limits)
{
	row->is_set = row->xml || kernel_limits;
	/* The kernel has no such file: what the XML wants is not in force. A capture may lack files. */
	if (read_result == -ENOENT && vd_root_is_live(tune->root)) {
		row->status = row->expected ? VD_TUNABLE_DIFFERS : VD_TUNABLE_OK;
		if (row->expected)
			vd_tune_set(tune, &row->why, "the kernel has no such file");
	} else if (read_result < 0) {
		row->status = row->expected ? VD_TUNABLE_UNKNOWN : VD_TUNABLE_OK;
		vd_tune_set(tune, &row->why, "%s", strerror(-read_result));
	} else {
		row->status = matches ? VD_TUNABLE_OK : VD_TUNABLE_DIFFERS;
	}
}

void vd_tune_mend(struct vd_tune *tune, struct vd_tunable *row, const char *before, const char *want, const char *now)
{
	if (row->status != VD_TUNABLE_DIFFERS || !row->kernel || !want)
		return;
	vd_tune_set(tune, &row->write, "%s%s", before, want);
	if (now)
		vd_tune_set(tune, &row->unwrite, "%s%s", before, now);
}
