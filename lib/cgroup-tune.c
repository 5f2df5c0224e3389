/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-tune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-name.h"
#include "cgroup-parse.h"
#include "cgroup-tune-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-tune");

#define PAGE           4096
#define DEFAULT_PERIOD 100000
#define UNLIMITED_KIB  INT64_C(9007199254740991) /* libvirt's word for no limit, in KiB: LLONG_MAX / 1024 */
#define PRESSURE_LIMIT 1000

const char *vd_tunable_status_name(enum vd_tunable_status status)
{
	static const char *const names[] = { "ok", "differs", "unknown" };

	return names[status];
}

/* The first line of the file as it stands, without what ends it. */
static void keep_kernel(struct vd_tune *tune, struct vd_tunable *row)
{
	const char *text = vd_buf_str(&tune->text);

	vd_tune_set(tune, &row->kernel, "%.*s", (int)strcspn(text, "\n"), text);
}

static void shares(struct vd_tune *tune, const struct vd_tune_group *group)
{
	int64_t want = tune->domain->tuning.cpu_shares, n = -1;
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_CPU);
	struct vd_tunable *row;
	int r;

	if (!vd_tune_has(tune, VD_CGROUP_CPU))
		return;
	r = vd_tune_read(tune, VD_CGROUP_CPU, group, v2 ? "cpu.weight" : "cpu.shares");
	row = vd_tune_row(tune, group, "shares", r);
	/* v2 takes the number of the XML as a weight, unchanged; v1 has a smallest and a largest value. */
	if (want >= 0) {
		vd_tune_set(tune, &row->xml, "%" PRId64, want);
		if (!v2)
			want = want < 2 ? 2 : want > 262144 ? 262144 : want;
		vd_tune_set(tune, &row->expected, "%" PRId64, want);
	}
	if (!r) {
		keep_kernel(tune, row);
		if (vd_cgroup_parse_number(vd_buf_str(&tune->text), tune->text.len, &n) < 0)
			n = -1;
	}
	vd_tune_judge(tune, row, r, want >= 0 ? n == want : n == (v2 ? 100 : 1024), n != (v2 ? 100 : 1024));
	vd_tune_mend(tune, row, "", want >= 0 ? row->expected : v2 ? "100" : "1024", row->kernel);
}

/* How often a quota cut the group short. */
static void add_throttling(struct vd_tune *tune, const struct vd_tune_group *group, struct vd_tunable *row)
{
	struct vd_cgroup_cpu_stat stat;
	double ratio;

	if (vd_tune_count(tune, VD_CGROUP_CPU, group, "cpu.stat", "nr_throttled") <= 0)
		return;
	vd_cgroup_parse_cpu_stat(vd_buf_str(&tune->other), tune->other.len, &stat);
	if (stat.nr_periods <= 0)
		return;
	ratio = (double)stat.nr_throttled / (double)stat.nr_periods * 100;
	vd_tune_trouble(tune, row, "cut short in %.1f %% of %" PRId64 " periods, %.1f s in all", ratio, stat.nr_periods,
	                stat.throttled_usec < 0 ? 0 : (double)stat.throttled_usec / 1e6);
}

/* cpu.max of v2 holds both: "max 100000". Each field as text. */
static int read_quota_period(struct vd_tune *tune, const struct vd_tune_group *group, bool period, char **ret_text)
{
	const char *text, *end;
	int r;

	if (!vd_tune_is_v2(tune, VD_CGROUP_CPU)) {
		r = vd_tune_read(tune, VD_CGROUP_CPU, group, period ? "cpu.cfs_period_us" : "cpu.cfs_quota_us");
		text = vd_buf_str(&tune->text);
	} else {
		r = vd_tune_read(tune, VD_CGROUP_CPU, group, "cpu.max");
		text = vd_buf_str(&tune->text);
		if (!r && period)
			text += strcspn(text, " \n") + strspn(text + strcspn(text, " \n"), " ");
	}
	if (r < 0)
		return r;
	end = text + strcspn(text, " \n");
	vd_tune_set(tune, ret_text, "%.*s", (int)(end - text), text);
	return 0;
}

/* In cpu.max a quota may stand alone, a period needs the quota before it: the one that is there, in tune->text. */
static void mend_bandwidth(struct vd_tune *tune, struct vd_tunable *row, bool period)
{
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_CPU);
	const char *none = v2 ? "max" : "-1", *want = row->expected ? row->expected : period ? "100000" : none;
	VD_AUTO_FREE char *before = NULL;

	if (v2 && period)
		vd_tune_set(tune, &before, "%.*s ", (int)strcspn(vd_buf_str(&tune->text), " \n"),
		            vd_buf_str(&tune->text));
	vd_tune_mend(tune, row, before ? before : "", strcmp(want, "max") ? want : none, row->kernel);
}

/* @quota, @period: of the XML; 0 and -1 set nothing. A negative quota, no limit, is read as -1 too. */
static void bandwidth(struct vd_tune *tune, const struct vd_tune_group *group, const char *const names[2],
                      int64_t quota, int64_t period)
{
	const int64_t want[2] = { quota, period };

	if (!vd_tune_has(tune, VD_CGROUP_CPU))
		return;
	for (int i = 0; i < 2; i++) {
		VD_AUTO_FREE char *text = NULL;
		int r = read_quota_period(tune, group, i == 1, &text);
		struct vd_tunable *row = vd_tune_row(tune, group, names[i], r);
		int64_t n = 0, usual = i ? DEFAULT_PERIOD : -1;
		bool known = text && vd_cgroup_parse_limit(text, strlen(text), &n) == 0;

		if (want[i] > 0) {
			vd_tune_set(tune, &row->xml, "%" PRId64, want[i]);
			/* Larger ones are no limit to libvirt. */
			if (!i && want[i] > INT64_C(18446744073709551))
				vd_tune_set(tune, &row->expected, "%s", "max");
			else
				vd_tune_set(tune, &row->expected, "%" PRId64, want[i]);
		}
		row->kernel = vd_steal(text);
		if (!i && !r)
			add_throttling(tune, group, row);
		vd_tune_judge(tune, row, r, known && (want[i] > 0 ? n == want[i] : n == usual), known && n != usual);
		mend_bandwidth(tune, row, i == 1);
	}
}

/* The kernel cuts a limit down to pages, of whichever size they are on that machine. */
static bool same_memory(int64_t want, int64_t kernel)
{
	if (want < 0 || kernel < 0)
		return want < 0 && kernel < 0;
	for (int64_t page = PAGE; page <= 16 * PAGE; page *= 2)
		if (kernel == want / page * page)
			return true;
	return kernel == want;
}

struct memory_kind {
	const char *name;
	const char *file[2];    /* v1, v2 */
	const char *use[2];     /* what is used of it */
	const char *counter[2]; /* where the kernel counts that it was reached, with a key in v2 */
	const char *key;
};

static const struct memory_kind memory_kinds[] = {
	{ "hard_limit",
	  { "memory.limit_in_bytes", "memory.max" },
	  { "memory.usage_in_bytes", "memory.current" },
	  { "memory.failcnt", "memory.events" },
	  "max" },
	{ "soft_limit",
	  { "memory.soft_limit_in_bytes", "memory.high" },
	  { "memory.usage_in_bytes", "memory.current" },
	  { NULL, "memory.events" },
	  "high" },
	{ "swap_hard_limit",
	  { "memory.memsw.limit_in_bytes", "memory.swap.max" },
	  { "memory.memsw.usage_in_bytes", "memory.swap.current" },
	  { "memory.memsw.failcnt", "memory.swap.events" },
	  "max" },
};

static void add_memory_trouble(struct vd_tune *tune, const struct vd_tune_group *group, const struct memory_kind *kind,
                               struct vd_tunable *row)
{
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_MEMORY);
	int64_t n;

	row->use = vd_tune_count(tune, VD_CGROUP_MEMORY, group, kind->use[v2], NULL);
	row->use_bytes = true;
	n = kind->counter[v2] ? vd_tune_count(tune, VD_CGROUP_MEMORY, group, kind->counter[v2], v2 ? kind->key : NULL)
	                      : -1;
	if (n > 0)
		vd_tune_trouble(tune, row,
		                kind->key[0] == 'h' ? "exceeded %" PRId64 " times" : "reached %" PRId64 " times", n);
	if (kind != memory_kinds)
		return;
	n = vd_tune_count(tune, VD_CGROUP_MEMORY, group, v2 ? "memory.events" : "memory.oom_control", "oom_kill");
	if (n > 0)
		vd_tune_trouble(tune, row, "%" PRId64 " processes killed", n);
}

static void memory(struct vd_tune *tune, const struct vd_tune_group *group, const struct memory_kind *kind, int64_t kib)
{
	int64_t n = 0, want = kib >= UNLIMITED_KIB ? -1 : kib * 1024;
	bool known = false;
	struct vd_tunable *row;
	const char *none;
	int r;

	if (!vd_tune_has(tune, VD_CGROUP_MEMORY))
		return;
	r = vd_tune_read(tune, VD_CGROUP_MEMORY, group, kind->file[vd_tune_is_v2(tune, VD_CGROUP_MEMORY)]);
	/* Swap is often not counted; then there is no such file, and libvirt refuses to limit it. */
	if (r == -ENOENT && kib < 0 && kind != memory_kinds)
		return;
	row = vd_tune_row(tune, group, kind->name, r);
	if (kib >= 0) {
		vd_tune_set(tune, &row->xml, "%" PRId64 " KiB", kib);
		if (want < 0)
			vd_tune_set(tune, &row->expected, "%s", "max");
		else
			vd_tune_set(tune, &row->expected, "%" PRId64, want);
	}
	if (!r) {
		known = vd_cgroup_parse_limit(vd_buf_str(&tune->text), tune->text.len, &n) == 0;
		if (known && n < 0)
			vd_tune_set(tune, &row->kernel, "%s", "max");
		else
			keep_kernel(tune, row);
		add_memory_trouble(tune, group, kind, row);
	}
	vd_tune_judge(tune, row, r, known && (kib >= 0 ? same_memory(want, n) : n < 0), known && n >= 0);
	none = vd_tune_is_v2(tune, VD_CGROUP_MEMORY) ? "max" : "-1";
	vd_tune_mend(tune, row, "", want >= 0 && kib >= 0 ? row->expected : none, n >= 0 ? row->kernel : none);
}

/* systemd's limit on the tasks of the scope: not libvirt's, but a guest dies of it. */
static void tasks(struct vd_tune *tune, const struct vd_tune_group *group)
{
	bool v2 = vd_tune_is_v2(tune, VD_CGROUP_CPUACCT);
	struct vd_tunable *row;
	int64_t n = 0;
	int r;

	if (!v2 || !vd_tune_has(tune, VD_CGROUP_CPUACCT))
		return;
	r = vd_tune_read(tune, VD_CGROUP_CPUACCT, group, "pids.max");
	if (r < 0)
		return;
	row = vd_tune_row(tune, group, "pids", r);
	keep_kernel(tune, row);
	row->use = vd_tune_count(tune, VD_CGROUP_CPUACCT, group, "pids.current", NULL);
	row->is_set = vd_cgroup_parse_limit(vd_buf_str(&tune->text), tune->text.len, &n) == 0 && n >= 0;
	n = vd_tune_count(tune, VD_CGROUP_CPUACCT, group, "pids.events", "max");
	if (n > 0)
		vd_tune_trouble(tune, row, "%" PRId64 " times no new task was allowed", n);
}

/* What somebody limited on the scope, where libvirt itself limits nothing but weights. */
static void scope(struct vd_tune *tune, const struct vd_tune_group *group)
{
	static const char *const names[2] = { "global_quota", "global_period" };
	size_t first = tune->list->len;

	for (size_t i = 0; i < VD_ARRAY_SIZE(memory_kinds); i++)
		memory(tune, group, &memory_kinds[i], -1);
	bandwidth(tune, group, names, -1, -1);
	/* Without a limit they are not worth a row. */
	while (tune->list->len > first && !tune->list->items[tune->list->len - 1].is_set) {
		struct vd_tunable *row = &tune->list->items[--tune->list->len];

		free(row->group);
		free(row->path);
		free(row->kernel);
		free(row->write);
		free(row->unwrite);
		free(row->trouble);
		free(row->why);
	}
}

static const char *pin_of(const struct vd_tuning *tuning, enum vd_pin_kind kind, unsigned id)
{
	for (size_t i = 0; i < tuning->n_pins; i++)
		if (tuning->pins[i].kind == kind && tuning->pins[i].id == id)
			return tuning->pins[i].cpus;
	/* numad's choice is not in the XML. */
	return tuning->cpuset_auto ? NULL : tuning->cpuset;
}

static void threads(struct vd_tune *tune, const struct vd_cgroup_node *node)
{
	static const char *const names[][2] = {
		[VD_CGROUP_CHILD_EMULATOR] = { "emulator_quota", "emulator_period" },
		[VD_CGROUP_CHILD_VCPU] = { "quota", "period" },
		[VD_CGROUP_CHILD_IOTHREAD] = { "iothread_quota", "iothread_period" },
	};
	static const char *const pins[] = {
		[VD_CGROUP_CHILD_EMULATOR] = "emulatorpin",
		[VD_CGROUP_CHILD_VCPU] = "vcpupin",
		[VD_CGROUP_CHILD_IOTHREAD] = "iothreadpin",
	};
	const struct vd_tuning *t = &tune->domain->tuning;
	struct vd_tune_group group = { node->name, node->rel };
	unsigned number = 0;
	enum vd_cgroup_child child = vd_cgroup_child_kind(node->name, &number);
	enum vd_pin_kind kind = VD_PIN_VCPU;
	int64_t quota = t->quota, period = t->period;

	if (child == VD_CGROUP_CHILD_NONE)
		return;
	if (child == VD_CGROUP_CHILD_EMULATOR) {
		kind = VD_PIN_EMULATOR;
		quota = t->emulator_quota;
		period = t->emulator_period;
	} else if (child == VD_CGROUP_CHILD_IOTHREAD) {
		kind = VD_PIN_IOTHREAD;
		quota = t->iothread_quota;
		period = t->iothread_period;
	}
	bandwidth(tune, &group, names[child], quota, period);
	vd_tune_cpuset(tune, &group, pins[child], pin_of(t, kind, number));
}

static bool parse_average(const char *text, const char *key, double *ret)
{
	const char *at = strstr(text, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	*ret = strtod(at, &end);
	return end > at && *ret >= 0 && *ret <= PRESSURE_LIMIT;
}

static void pressures(struct vd_tune *tune)
{
	static const struct {
		const char *file;
		enum vd_cgroup_resource resource;
	} files[] = {
		{ "cpu.pressure", VD_CGROUP_RES_CPU },
		{ "memory.pressure", VD_CGROUP_RES_MEMORY },
		{ "io.pressure", VD_CGROUP_RES_IO },
	};
	int h = tune->layout->unified;

	tune->list->pressures = calloc(VD_ARRAY_SIZE(files), sizeof(*tune->list->pressures));
	if (!tune->list->pressures) {
		tune->r = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(files) && h >= 0 && tune->node->present & 1u << h && !tune->r; i++) {
		struct vd_pressure p = { .resource = files[i].resource };
		const char *text;
		int r;

		vd_buf_clear(&tune->path);
		vd_buf_clear(&tune->text);
		r = vd_buf_addf(&tune->path, "%s%s/%s", tune->layout->items[h].path, tune->node->rel, files[i].file);
		if (!r)
			r = vd_root_read(tune->root, vd_buf_str(&tune->path), VD_MAX_CGROUP, &tune->text, NULL);
		if (r == -ENOMEM)
			tune->r = r;
		text = vd_buf_str(&tune->text);
		if (r < 0 || strncmp(text, "some ", 5) || !parse_average(text, "avg10=", &p.avg10) ||
		    !parse_average(text, "avg60=", &p.avg60) || !parse_average(text, "avg300=", &p.avg300))
			continue;
		vd_tune_set(tune, &p.path, "%s", vd_buf_str(&tune->path));
		tune->list->pressures[tune->list->n_pressures++] = p;
	}
}

/* A scope holds the group "libvirt" since 7.1.0. *@ret_rel is NULL when there is none; the caller frees it. */
static int find_scope(const struct vd_cgroup_node *node, char **ret_rel)
{
	static const char nested[] = ".scope/libvirt";
	size_t len = strlen(node->rel), n = sizeof(nested) - 1;

	if (len <= n || strcmp(node->rel + len - n, nested) != 0)
		return 0;
	*ret_rel = strndup(node->rel, len - strlen("/libvirt"));
	return *ret_rel ? 0 : -ENOMEM;
}

static void load(struct vd_tune *tune, const char *scope_rel)
{
	static const char *const global[2] = { "global_quota", "global_period" };
	static const char *const plain[2] = { "quota", "period" };
	const struct vd_tuning *t = &tune->domain->tuning;
	bool lxc = tune->domain->driver == VD_DRIVER_LXC;
	const struct vd_tune_group guest = { "guest", tune->node->rel }, outer = { "scope", scope_rel };
	/* Weights are systemd's business on its hosts: libvirt asks it by D-Bus to set them on the scope. */
	const struct vd_tune_group *weights = scope_rel ? &outer : &guest;
	/* A container is limited to its memory, a virtual machine is not. */
	int64_t hard = lxc && t->hard_limit < 0 ? tune->domain->memory_kib : t->hard_limit;

	shares(tune, weights);
	bandwidth(tune, &guest, lxc ? plain : global, lxc ? t->quota : t->global_quota,
	          lxc ? t->period : t->global_period);
	memory(tune, &guest, &memory_kinds[0], hard);
	memory(tune, &guest, &memory_kinds[1], t->soft_limit);
	memory(tune, &guest, &memory_kinds[2], t->swap_hard_limit);
	vd_tune_blkio(tune, &guest, weights);
	if (lxc)
		vd_tune_cpuset(tune, &guest, "vcpu cpuset", t->cpuset_auto ? NULL : t->cpuset);
	tasks(tune, weights);
	if (scope_rel)
		scope(tune, &outer);
	for (size_t i = 0; i < tune->node->n_children; i++)
		if (tune->node->children[i]->kind == VD_CGROUP_THREADS)
			threads(tune, tune->node->children[i]);
	pressures(tune);
}

int vd_tunables_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                     unsigned libvirt, struct vd_tunables *ret_list, struct vd_err *err)
{
	VD_CLEANUP(vd_tunables_release) struct vd_tunables list = { 0 };
	VD_AUTO_FREE char *scope_rel = NULL;
	struct vd_tune tune = { .root = root, .layout = layout, .node = node, .libvirt = libvirt, .list = &list };

	tune.domain = vd_guest_domain(node->guest);
	tune.r = find_scope(node, &scope_rel);
	if (!tune.r)
		load(&tune, scope_rel);
	vd_buf_release(&tune.text);
	vd_buf_release(&tune.other);
	vd_buf_release(&tune.path);
	if (tune.r < 0)
		return vd_err_set(err, ENOMEM, "out of memory while reading the limits of %s",
		                  vd_guest_name(node->guest));
	VLOG_DEBUG("%zu limits of %s", list.len, vd_guest_name(node->guest));
	*ret_list = list;
	list = (struct vd_tunables){ 0 };
	return 0;
}

void vd_tunables_release(struct vd_tunables *list)
{
	for (size_t i = 0; i < list->len; i++) {
		struct vd_tunable *row = &list->items[i];

		free(row->group);
		free(row->device);
		free(row->xml);
		free(row->expected);
		free(row->kernel);
		free(row->path);
		free(row->write);
		free(row->unwrite);
		free(row->trouble);
		free(row->why);
	}
	free(list->items);
	for (size_t i = 0; i < list->n_pressures; i++)
		free(list->pressures[i].path);
	free(list->pressures);
	*list = (struct vd_tunables){ 0 };
}
