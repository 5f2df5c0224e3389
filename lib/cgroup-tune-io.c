/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of block devices, and the CPUs and memory nodes of groups. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/sysmacros.h>

#include "cgroup-parse.h"
#include "cgroup-tune-internal.h"
#include "cpuset.h"
#include "host.h"

/* Since when libvirt sets the weight of the scheduler bfq where the kernel has that, and not only the plain one. */
#define SETS_BFQ         VD_VERSION(5, 5, 0)
/* Since when mode restrictive of numatune is set when a guest starts; before, only by virsh numatune --live. */
#define SETS_RESTRICTIVE VD_VERSION(9, 2, 0)

/* What limits a device, and where: a file of its own in v1, a word of io.max in v2. */
struct device_kind {
	const char *name, *file_v1, *key_v2;
	size_t offset; /* in struct vd_blkio_device */
};

static const struct device_kind device_kinds[] = {
	{ "read_bytes_sec", "blkio.throttle.read_bps_device", "rbps", offsetof(struct vd_blkio_device, read_bytes) },
	{ "write_bytes_sec", "blkio.throttle.write_bps_device", "wbps", offsetof(struct vd_blkio_device, write_bytes) },
	{ "read_iops_sec", "blkio.throttle.read_iops_device", "riops", offsetof(struct vd_blkio_device, read_iops) },
	{ "write_iops_sec", "blkio.throttle.write_iops_device", "wiops", offsetof(struct vd_blkio_device, write_iops) },
};

static int64_t wanted(const struct vd_blkio_device *device, const struct device_kind *kind)
{
	int64_t n;

	memcpy(&n, (const char *)device + kind->offset, sizeof(n));
	return n;
}

/* One line "MAJ:MIN VALUE" or "MAJ:MIN KEY=VALUE KEY=VALUE...": the value of @key (NULL: the only one). */
static bool line_value(const char *line, size_t len, const char *key, const char **ret, size_t *ret_len)
{
	const char *end = line + len, *p = memchr(line, ' ', len);
	size_t n = key ? strlen(key) : 0;

	while (p && p < end) {
		size_t word;

		p += strspn(p, " ");
		word = strcspn(p, " \n");
		if (p >= end || !word)
			break;
		if (!key || (word > n && !memcmp(p, key, n) && p[n] == '=')) {
			*ret = p + (key ? n + 1 : 0);
			*ret_len = word - (key ? n + 1 : 0);
			return true;
		}
		p += word;
	}
	return false;
}

/* The next line of @text from *@pos on. */
static bool next_line(const struct vd_buf *text, size_t *pos, const char **ret, size_t *ret_len)
{
	const char *all = vd_buf_str(text);

	if (*pos >= text->len)
		return false;
	*ret = all + *pos;
	*ret_len = strcspn(*ret, "\n");
	*pos += *ret_len + 1;
	return true;
}

/* A line of a device of the XML in tune->text; @number NULL: any line whose value is @want. */
static bool find_value(struct vd_tune *tune, const char *number, const char *key, int64_t want, const char **ret,
                       size_t *ret_len)
{
	const char *line;
	size_t pos = 0, len;

	while (next_line(&tune->text, &pos, &line, &len)) {
		size_t head = strcspn(line, " \n");
		int64_t n;

		if (number ? head != strlen(number) || memcmp(line, number, head) != 0 : !memchr(line, ':', head))
			continue;
		if (!line_value(line, len, key, ret, ret_len))
			continue;
		if (number || (vd_cgroup_parse_limit(*ret, *ret_len, &n) == 0 && n == want))
			return true;
	}
	return false;
}

/* "254:0" of a block device; NULL when the path cannot be asked, as in a capture. The caller frees it. */
static char *device_number(struct vd_tune *tune, const char *path)
{
	struct vd_stat st;
	char *text = NULL;

	if (vd_root_stat(tune->root, path, &st, NULL) < 0 || st.type != VD_FILE_BLK || !st.rdev)
		return NULL;
	vd_tune_set(tune, &text, "%u:%u", major(st.rdev), minor(st.rdev));
	return text;
}

/* "254:0 4096" or "254:0 rbps=4096"; a negative value is no limit: "max" in v2, 0 in v1. */
static char *device_line(struct vd_tune *tune, const char *number, size_t len, const char *key, int64_t value)
{
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_BLKIO);
	char *text = NULL;

	if (value < 0)
		vd_tune_set(tune, &text, "%.*s %s%s%s", (int)len, number, key ? key : "", key ? "=" : "",
		            !v2   ? "0"
		            : key ? "max"
		                  : "default");
	else
		vd_tune_set(tune, &text, "%.*s %s%s%" PRId64, (int)len, number, key ? key : "", key ? "=" : "", value);
	return text;
}

static void mend_device(struct vd_tune *tune, struct vd_tunable *row, const char *number, size_t len, const char *key,
                        int64_t want, int64_t now)
{
	VD_AUTO_FREE char *line = device_line(tune, number, len, key, want);
	VD_AUTO_FREE char *old = device_line(tune, number, len, key, now);

	vd_tune_mend(tune, row, "", line, old);
}

static void device_row(struct vd_tune *tune, const struct vd_tune_group *group, const struct vd_blkio_device *device,
                       const char *name, const char *file, const char *key, int64_t want)
{
	VD_AUTO_FREE char *number = device_number(tune, device->path);
	int r = vd_tune_read(tune, VD_CGROUP_BLKIO, group, file);
	struct vd_tunable *row = vd_tune_row(tune, group, name, r);
	const char *value = NULL;
	size_t len = 0;
	int64_t n = -1;
	bool found = !r && find_value(tune, number, key, want, &value, &len);

	vd_tune_set(tune, &row->device, "%s", device->path);
	vd_tune_set(tune, &row->xml, "%" PRId64, want);
	vd_tune_set(tune, &row->expected, "%s%s%" PRId64, number ? number : "", number ? " " : "", want);
	if (found && vd_cgroup_parse_limit(value, len, &n) < 0)
		n = -1;
	if (found)
		vd_tune_set(tune, &row->kernel, "%s%s%.*s", number ? number : "", number ? " " : "", (int)len, value);
	else if (!r)
		vd_tune_set(tune, &row->kernel, "%s", "max");
	vd_tune_judge(tune, row, r, found && n == want, true);
	if (number)
		mend_device(tune, row, number, strlen(number), key, want, n);
	/* Which line is the device's cannot be told without its number; another value than all of them is wrong. */
	if (!r && !number && !found && tune->text.len && !vd_root_is_live(tune->root)) {
		row->status = VD_TUNABLE_UNKNOWN;
		vd_tune_set(tune, &row->why, "the number of %s is not in the capture", device->path);
	}
}

/* Is @number one of a device in the XML whose limit of this kind is set? */
static bool in_xml(struct vd_tune *tune, const struct device_kind *kind, const char *number, size_t len)
{
	const struct vd_tuning *t = &tune->domain->tuning;
	bool all_known = true, any = false;

	for (size_t i = 0; i < t->n_blkio_devices; i++) {
		VD_AUTO_FREE char *own = NULL;

		if (wanted(&t->blkio_devices[i], kind) <= 0)
			continue;
		any = true;
		own = device_number(tune, t->blkio_devices[i].path);
		if (own && strlen(own) == len && !memcmp(own, number, len))
			return true;
		all_known &= own != NULL;
	}
	return any && !all_known;
}

/* Devices that the kernel limits and the XML does not. */
static void strange_devices(struct vd_tune *tune, const struct vd_tune_group *group, const struct device_kind *kind)
{
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_BLKIO);
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *line, *value;
	size_t pos = 0, len, n;

	if (vd_tune_read(tune, VD_CGROUP_BLKIO, group, v2 ? "io.max" : kind->file_v1) < 0)
		return;
	if (vd_buf_add(&text, vd_buf_str(&tune->text), tune->text.len) < 0) {
		tune->r = -ENOMEM;
		return;
	}
	while (next_line(&text, &pos, &line, &len)) {
		size_t head = strcspn(line, " \n");
		struct vd_tunable *row;
		int64_t limit;

		if (!line_value(line, len, v2 ? kind->key_v2 : NULL, &value, &n) ||
		    vd_cgroup_parse_limit(value, n, &limit) < 0 || limit < 0 || in_xml(tune, kind, line, head))
			continue;
		row = vd_tune_row(tune, group, kind->name, 0);
		vd_tune_set(tune, &row->device, "%.*s", (int)head, line);
		vd_tune_set(tune, &row->kernel, "%.*s %.*s", (int)head, line, (int)n, value);
		vd_tune_judge(tune, row, 0, false, true);
		mend_device(tune, row, line, head, v2 ? kind->key_v2 : NULL, -1, limit);
	}
}

/* "500", or a line "default 500"; @n -1 when neither is there. */
static void parse_weight(const struct vd_buf *text, int64_t *n)
{
	const char *line;
	size_t pos = 0, len;

	*n = -1;
	while (next_line(text, &pos, &line, &len)) {
		size_t skip = len > 8 && !memcmp(line, "default ", 8) ? 8 : 0;

		if (vd_cgroup_parse_number(line + skip, len - skip, n) == 0)
			return;
	}
}

/*
 * How systemd turns its weight, 1 to 10000, into one of the scheduler bfq, 1 to 1000, around the default of both: above
 * it 9900 steps are 900.
 */
static int64_t bfq_weight(int64_t n)
{
	return n <= 100 ? n : 100 + (n - 100) / 11;
}

static void weight(struct vd_tune *tune, const struct vd_tune_group *group, int r, bool converted)
{
	int64_t want = tune->domain->tuning.blkio_weight, n = -1;
	struct vd_tunable *row;
	bool usual;

	/* Without a scheduler that weighs there is no such file. */
	if (r == -ENOENT && want <= 0)
		return;
	row = vd_tune_row(tune, group, "weight", r);
	if (!r)
		parse_weight(&tune->text, &n);
	if (want > 0) {
		vd_tune_set(tune, &row->xml, "%" PRId64, want);
		vd_tune_set(tune, &row->expected, "%" PRId64, converted && n != want ? bfq_weight(want) : want);
	}
	if (n >= 0)
		vd_tune_set(tune, &row->kernel, "%" PRId64, n);
	/* The kernel's own: bfq and v2 100, cfq 500, and 1000 for cfq's top. */
	usual = n == 100 || n == 500 || n == 1000;
	vd_tune_judge(tune, row, r, want > 0 ? n == want || (converted && n == bfq_weight(want)) : usual,
	              n >= 0 && !usual);
	/* cfq's default was 500, that of what came after it is 100; which of them is there is not known here. */
	vd_tune_mend(tune, row, "", row->expected, row->kernel);
}

/* Without its version libvirt may have set the plain file beside the one of bfq, which the last row is about. */
static void either_weight(struct vd_tune *tune, const struct vd_tune_group *group, const char *plain)
{
	struct vd_tunable *last = &tune->list->items[tune->list->len - 1];
	int64_t n;

	if (strcmp(last->name, "weight") != 0 || last->status != VD_TUNABLE_DIFFERS || !last->expected ||
	    vd_tune_read(tune, VD_CGROUP_BLKIO, group, plain) < 0)
		return;
	parse_weight(&tune->text, &n);
	if (n != tune->domain->tuning.blkio_weight)
		return;
	last->status = VD_TUNABLE_OK;
	vd_tune_set(tune, &last->kernel, "%" PRId64, n);
	vd_tune_set(tune, &last->path, "%s", vd_buf_str(&tune->path));
	vd_tune_set(tune, &last->why, "%s",
	            "libvirt's version is not known: before 5.5.0 it set this file, since then that of bfq");
}

void vd_tune_blkio(struct vd_tune *tune, const struct vd_tune_group *guest, const struct vd_tune_group *weight_group)
{
	const struct vd_tuning *t = &tune->domain->tuning;
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_BLKIO), by_systemd = guest != weight_group;
	const char *bfq = v2 ? "io.bfq.weight" : "blkio.bfq.weight", *plain = v2 ? "io.weight" : "blkio.weight";
	/* libvirt itself takes bfq's file where there is one; systemd writes both, and to bfq's what it has worked out.
	 */
	bool plain_first = by_systemd || (tune->libvirt && tune->libvirt < SETS_BFQ);
	const char *first = plain_first ? plain : bfq, *second = plain_first ? bfq : plain;
	const char *devices = v2 ? "io.weight" : "blkio.bfq.weight_device";
	bool use_first;
	int r;

	if (!vd_tune_has(tune, VD_CGROUP_BLKIO))
		return;
	r = vd_tune_read(tune, VD_CGROUP_BLKIO, weight_group, first);
	use_first = r != -ENOENT;
	if (!use_first)
		r = vd_tune_read(tune, VD_CGROUP_BLKIO, weight_group, second);
	if (!v2 && (use_first ? first : second) == plain)
		devices = "blkio.weight_device";
	weight(tune, weight_group, r, by_systemd && !use_first);
	if (!by_systemd && !tune->libvirt && use_first)
		either_weight(tune, weight_group, plain);
	for (size_t i = 0; i < t->n_blkio_devices; i++)
		if (t->blkio_devices[i].weight > 0)
			device_row(tune, weight_group, &t->blkio_devices[i], "device weight", devices, NULL,
			           t->blkio_devices[i].weight);
	for (size_t k = 0; k < VD_ARRAY_SIZE(device_kinds); k++) {
		const struct device_kind *kind = &device_kinds[k];

		for (size_t i = 0; i < t->n_blkio_devices; i++)
			if (wanted(&t->blkio_devices[i], kind) > 0)
				device_row(tune, guest, &t->blkio_devices[i], kind->name, v2 ? "io.max" : kind->file_v1,
				           v2 ? kind->key_v2 : NULL, wanted(&t->blkio_devices[i], kind));
		strange_devices(tune, guest, kind);
	}
}

/* What a v1 group has when nothing was pinned is what its parent had. */
static bool like_parent(struct vd_tune *tune, const struct vd_tune_group *group, const struct vd_cpuset *set,
                        const char *file)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	const char *slash = strrchr(group->rel, '/');
	struct vd_cpuset own;
	int r = vd_buf_addf(&path, "%s%.*s/%s", tune->layout->items[tune->layout->from[VD_CGROUP_CPUSET]].path,
	                    slash ? (int)(slash - group->rel) : 0, group->rel, file);

	if (!r)
		r = vd_root_read(tune->root, vd_buf_str(&path), VD_MAX_CGROUP, &text, NULL);
	if (r == -ENOMEM)
		tune->r = r;
	/* Not in the capture: nothing speaks against it. */
	if (r < 0)
		return true;
	return vd_cpuset_parse(vd_buf_str(&text), text.len, &own) == 0 && vd_cpuset_equal(&own, set);
}

/* CPUs of a pin that are switched off. */
static void add_offline(struct vd_tune *tune, const struct vd_tune_group *group, struct vd_tunable *row,
                        struct vd_cpuset want)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	VD_AUTO_FREE char *list = NULL;
	struct vd_cpuset now;
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_CPUSET);

	if (vd_buf_addf(&path, "%s%s/%s", tune->layout->items[tune->layout->from[VD_CGROUP_CPUSET]].path, group->rel,
	                v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus") < 0 ||
	    vd_root_read(tune->root, vd_buf_str(&path), VD_MAX_CGROUP, &text, NULL) < 0 ||
	    vd_cpuset_parse(vd_buf_str(&text), text.len, &now) < 0)
		return;
	vd_cpuset_subtract(&want, &now);
	if (vd_cpuset_is_empty(&want))
		return;
	list = vd_cpuset_format(&want);
	if (list)
		vd_tune_trouble(tune, row, "CPU %s cannot be used: offline, or taken away above", list);
}

/* @either: not set is right as well, for the reason @either gives; NULL: it is not. */
static void set_row(struct vd_tune *tune, const struct vd_tune_group *group, const char *name, const char *file,
                    const char *want, const char *either)
{
	int r = vd_tune_read(tune, VD_CGROUP_CPUSET, group, file);
	struct vd_tunable *row = vd_tune_row(tune, group, name, r);
	struct vd_cpuset wanted_set = { { 0 } }, set = { { 0 } };
	bool known = !r && vd_cpuset_parse(vd_buf_str(&tune->text), tune->text.len, &set) == 0, usual;
	const char *text = vd_buf_str(&tune->text);

	if (want && vd_cpuset_parse(want, strlen(want), &wanted_set) < 0)
		want = NULL;
	if (want) {
		vd_tune_set(tune, &row->xml, "%s", want);
		free(row->expected);
		row->expected = vd_cpuset_format(&wanted_set);
		if (!row->expected)
			tune->r = -ENOMEM;
	}
	if (!r)
		vd_tune_set(tune, &row->kernel, "%.*s", (int)strcspn(text, "\n"), text);
	usual = known && (vd_cpuset_is_empty(&set) || like_parent(tune, group, &set, file));
	vd_tune_judge(tune, row, r, known && (want ? vd_cpuset_equal(&set, &wanted_set) || (either && usual) : usual),
	              known && !usual);
	if (want && either && !row->why)
		vd_tune_set(tune, &row->why, "%s", either);
	vd_tune_mend(tune, row, "", row->expected, row->kernel);
	if (want && known && !strcmp(file, "cpuset.cpus"))
		add_offline(tune, group, row, wanted_set);
}

/*
 * The nodes that libvirt writes for the threads of a virtual machine: modes strict and restrictive. Containers have it
 * the other way round: strict is set by a system call, what else there is by cgroup. NULL: none, or not told here.
 */
static const char *wanted_nodes(const struct vd_domain *domain)
{
	const struct vd_tuning *t = &domain->tuning;
	bool strict = t->numa_mode && !strcmp(t->numa_mode, "strict");

	if (!t->numa_mode || t->numa_cells)
		return NULL;
	if (domain->driver == VD_DRIVER_LXC)
		return strict ? NULL : t->numa_nodeset;
	return strict || !strcmp(t->numa_mode, "restrictive") ? t->numa_nodeset : NULL;
}

/* Why the nodes of the XML need not be set; NULL: they must be. */
static const char *may_be_unset(const struct vd_tune *tune)
{
	const struct vd_tuning *t = &tune->domain->tuning;

	if (tune->domain->driver != VD_DRIVER_QEMU || !t->numa_mode || strcmp(t->numa_mode, "restrictive") != 0 ||
	    tune->libvirt >= SETS_RESTRICTIVE)
		return NULL;
	return tune->libvirt
	               ? "before 9.2.0 libvirt sets it by virsh numatune --live alone, unless its packager added that"
	               : "libvirt's version is not known: before 9.2.0 it sets it by virsh numatune --live alone";
}

void vd_tune_cpuset(struct vd_tune *tune, const struct vd_tune_group *group, const char *tunable, const char *pin)
{
	const struct vd_tuning *t = &tune->domain->tuning;

	if (!vd_tune_has(tune, VD_CGROUP_CPUSET))
		return;
	/* What numad chose, and what differs between virtual CPUs, cannot be judged. */
	if (pin || !t->cpuset_auto)
		set_row(tune, group, tunable, "cpuset.cpus", pin, NULL);
	if (!t->numa_cells && (!t->numa_mode || t->numa_nodeset))
		set_row(tune, group, "numatune", "cpuset.mems", wanted_nodes(tune->domain), may_be_unset(tune));
}
