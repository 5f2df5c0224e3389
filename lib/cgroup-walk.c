/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-parse.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-walk");

#define MAX_DEPTH  8      /* of partitions, and of groups that a container made for itself */
#define MAX_GROUPS 200000 /* nodes */

bool vd_cg_wanted(const struct vd_cg_walk *walk, const struct vd_guest *guest)
{
	if (!walk->options->only)
		return true;
	for (size_t i = 0; i < walk->options->n_only; i++)
		if (walk->options->only[i] == guest)
			return true;
	return false;
}

bool vd_cg_is_below(const char *path, const char *rel)
{
	size_t len = strlen(rel);

	return !strncmp(path, rel, len) && (!path[len] || path[len] == '/');
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

static char *join(const char *rel, const char *name)
{
	return vd_cg_concat(rel, "/", name);
}

static int add_node(struct vd_cg_walk *walk, struct vd_cgroup_node *parent, enum vd_cgroup_kind kind, const char *name,
                    const char *rel, struct vd_cgroup_node **ret_node)
{
	char *own_name = strdup(name), *own_rel = strdup(rel);

	if (!own_name || !own_rel) {
		free(own_name);
		free(own_rel);
		return -ENOMEM;
	}
	*ret_node = vd_cg_add_node(walk->tree, parent, kind, own_name, own_rel);
	walk->n_groups++;
	return *ret_node ? 0 : -ENOMEM;
}

/* Count the threads that walk->text lists, and see whether the guest's own are where they belong. */
struct scan {
	struct vd_cg_guest *guest; /* NULL: not known */
	struct vd_cgroup_node *node;
	enum vd_cgroup_child child;
	unsigned number;
	int64_t count;
	const struct vd_cg_vcpu *stray; /* a vCPU in a group that is not its own */
};

static void scan_ids(const struct vd_cg_walk *walk, struct scan *scan)
{
	size_t pos = 0;
	pid_t tid;

	while (vd_cgroup_next_id(walk->text.data, walk->text.len, &pos, &tid)) {
		const struct vd_cg_vcpu *vcpu;

		scan->count++;
		if (!scan->guest)
			continue;
		if (tid == scan->guest->pid)
			scan->guest->placed = true;
		vcpu = vd_cg_find_vcpu(scan->guest, tid);
		if (vcpu && (scan->child != VD_CGROUP_CHILD_VCPU || scan->number != vcpu->id))
			scan->stray = vcpu;
	}
}

static int stray_note(struct vd_cg_walk *walk, const struct scan *scan, const char *where)
{
	scan->node->misplaced = true;
	return vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, scan->guest->guest,
	                  "vCPU %u of %s (thread %d) is in %s, not in vcpu%u", scan->stray->id,
	                  vd_guest_name(scan->guest->guest), (int)scan->stray->tid, where, scan->stray->id);
}

/* libvirt takes the group away with the I/O thread: without a thread it was moved elsewhere. */
static int empty_note(struct vd_cg_walk *walk, const struct scan *scan)
{
	scan->node->misplaced = true;
	return vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, scan->guest->guest,
	                  "I/O thread %u of %s is not in its group iothread%u, which is empty", scan->number,
	                  vd_guest_name(scan->guest->guest), scan->number);
}

/* Threads in groups that are not shown, such as those that a container's own init made. */
static int count_hidden(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, int primary, const char *name,
                        const char *rel, unsigned depth, struct scan *scan)
{
	VD_AUTO_CG_DIRS dirs = vd_cg_no_dirs();
	VD_CLEANUP(vd_cg_entries_release) struct vd_cg_entries below = { 0 };
	VD_AUTO_FREE char *path = join(rel, name);
	struct vd_cgroup_node where = { .rel = path };
	int r;

	if (!path)
		return -ENOMEM;
	if (depth > MAX_DEPTH || !vd_cg_open(walk, parent, name, 1u << primary, &dirs))
		return 0;
	r = vd_cg_read_ids(walk, &dirs, primary, &where);
	if (!r)
		scan_ids(walk, scan);
	if (r != -ENOMEM)
		r = vd_cg_list(walk, &dirs, 1u << primary, path, &below);
	for (size_t i = 0; i < below.len && !r; i++)
		r = count_hidden(walk, &dirs, primary, below.items[i].name, path, depth + 1, scan);
	return r;
}

static int add_threads(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, struct vd_cgroup_node *guest_node,
                       const char *name, struct vd_cg_guest *guest, int primary)
{
	VD_AUTO_CG_DIRS dirs = vd_cg_no_dirs();
	VD_AUTO_FREE char *rel = join(guest_node->rel, name);
	struct scan scan = { .guest = guest };
	unsigned mask = 1u << primary;
	int r;

	if (!rel)
		return -ENOMEM;
	/* Only what the columns of threads show: their number, CPU time and pressure. */
	if (walk->from[VD_CGROUP_CPU] >= 0)
		mask |= 1u << walk->from[VD_CGROUP_CPU];
	if (walk->unified >= 0)
		mask |= 1u << walk->unified;
	if (!vd_cg_leaf(walk, parent, name, mask, &dirs) && !vd_cg_open(walk, parent, name, mask, &dirs))
		return 0;
	r = add_node(walk, guest_node, VD_CGROUP_THREADS, name, rel, &scan.node);
	if (r < 0)
		return r;
	scan.node->guest = guest_node->guest;
	scan.child = vd_cgroup_child_kind(name, &scan.number);
	r = vd_cg_read_node(walk, &dirs, -1, scan.node);
	if (!r)
		r = vd_cg_read_ids(walk, &dirs, primary, scan.node);
	if (!r) {
		scan_ids(walk, &scan);
		scan.node->tasks = scan.count;
		if (scan.stray)
			r = stray_note(walk, &scan, name);
		else if (guest && !scan.count && scan.child == VD_CGROUP_CHILD_IOTHREAD)
			r = empty_note(walk, &scan);
	}
	if (r == -ENODEV)
		vd_cg_drop_last(walk->tree, guest_node);
	return r == -ENOMEM ? r : 0;
}

static int compare_children(const void *a, const void *b)
{
	const struct vd_cg_entry *x = a, *y = b;
	unsigned m, n;
	enum vd_cgroup_child p = vd_cgroup_child_kind(x->name, &m), q = vd_cgroup_child_kind(y->name, &n);

	if (p != q)
		return (p > q) - (p < q);
	return (m > n) - (m < n);
}

static bool is_child(const struct vd_cgroup_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_children; i++)
		if (!strcmp(node->children[i]->name, name))
			return true;
	return false;
}

/*
 * The groups of threads by the names that nearly every guest has, "emulator" and "vcpu0" on, until one is missing or
 * @count are found: when these are all, the directory, half of whose cost is its files, need not be listed.
 */
static int add_usual_threads(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                             struct vd_cg_guest *guest, int primary, int64_t count)
{
	char name[32] = "emulator";
	int r = 0;

	for (unsigned i = 0; i < count && !r && walk->n_groups < MAX_GROUPS; i++) {
		if (i)
			snprintf(name, sizeof(name), "vcpu%u", i - 1);
		r = add_threads(walk, dirs, node, name, guest, primary);
		if (node->n_children <= i)
			break;
	}
	return r;
}

/* The groups below that of a guest; threads in those that are not shown go to @hidden. */
static int add_below(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                     struct vd_cg_guest *guest, int primary, struct scan *hidden)
{
	VD_CLEANUP(vd_cg_entries_release) struct vd_cg_entries below = { 0 };
	int64_t count = vd_cg_count_below(walk, dirs, primary);
	int r = count > 0 ? add_usual_threads(walk, dirs, node, guest, primary, count) : 0;

	if (r || count == (int64_t)node->n_children)
		return r;
	r = vd_cg_list(walk, dirs, 1u << primary, node->rel, &below);
	if (below.len)
		qsort(below.items, below.len, sizeof(*below.items), compare_children);
	for (size_t i = 0; i < below.len && !r && walk->n_groups < MAX_GROUPS; i++) {
		const char *name = below.items[i].name;
		unsigned number;

		if (!vd_cgroup_child_kind(name, &number))
			r = count_hidden(walk, dirs, primary, name, node->rel, 0, hidden);
		else if (!is_child(node, name))
			r = add_threads(walk, dirs, node, name, guest, primary);
	}
	return r;
}

/* The guest's own threads and the groups below it. */
static int fill_guest(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                      struct vd_cg_guest *guest, int primary)
{
	struct scan scan = { .guest = guest, .node = node }, hidden = { .guest = guest };
	bool known;
	int r = vd_cg_read_ids(walk, dirs, primary, node);

	if (r == -ENODEV || r == -ENOMEM)
		return r;
	known = !r;
	if (known)
		scan_ids(walk, &scan);
	r = add_below(walk, dirs, node, guest, primary, &hidden);
	if (!r && scan.stray && node->n_children)
		r = stray_note(walk, &scan, "the guest's own group");
	for (size_t i = 0; i < node->n_children; i++) {
		known &= node->children[i]->tasks >= 0;
		scan.count += node->children[i]->tasks;
	}
	node->tasks = known ? scan.count + hidden.count : -1;
	return r;
}

/* What decides whose group it is. */
struct owner {
	struct vd_cg_guest *running;
	const struct vd_guest *guest; /* running or not; NULL */
	const char *name;             /* as it is shown */
};

/* Are all hierarchies of @mask the kernel's own, where no symlink can be on the way? */
static bool all_kernel(const struct vd_cg_walk *walk, unsigned mask)
{
	for (size_t i = 0; i < walk->layout->len; i++)
		if (mask & 1u << i && !walk->layout->items[i].kernel)
			return false;
	return true;
}

/*
 * Open the group of a guest into @dirs. Since 7.1.0 everything of a guest on a systemd host is in a group "libvirt"
 * below its scope: that goes into @nested then, and the limit of the scope into @limit.
 * Returns 1, 2 with @nested, or a negative errno.
 */
static int open_guest(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, const char *name, unsigned mask,
                      struct vd_cg_dirs *dirs, struct vd_cg_dirs *nested, int64_t *limit)
{
	bool scope = has_suffix(name, ".scope");

	/* In one step, which spares opening each scope. */
	if (scope && all_kernel(walk, mask)) {
		VD_AUTO_FREE char *below = join(name, "libvirt");
		struct vd_cg_dirs above;

		if (!below)
			return -ENOMEM;
		if (vd_cg_open(walk, parent, below, mask, nested) & walk->listed) {
			above = *nested;
			above.leaf = "..";
			vd_cg_read_limit(walk, &above, limit);
			return 2;
		}
		vd_cg_dirs_close(nested);
	}
	mask = vd_cg_open(walk, parent, name, mask, dirs);
	if (!mask)
		return errno ? -errno : -ENOENT;
	if (!scope || all_kernel(walk, mask) || !(vd_cg_open(walk, dirs, "libvirt", mask, nested) & walk->listed))
		return 1;
	vd_cg_read_limit(walk, dirs, limit);
	return 2;
}

static int add_guest(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, struct vd_cgroup_node *parent_node,
                     const char *parent_rel, const struct vd_cg_entry *entry, int64_t limit, const struct owner *owner)
{
	VD_AUTO_CG_DIRS dirs = vd_cg_no_dirs();
	VD_AUTO_CG_DIRS nested = vd_cg_no_dirs();
	VD_AUTO_FREE char *rel = join(parent_rel, entry->name);
	struct vd_cg_dirs *at = &dirs;
	struct vd_cgroup_node *node = NULL;
	unsigned mask = entry->mask | (walk->opened & ~walk->listed);
	int primary, r;

	if (!rel)
		return -ENOMEM;
	r = open_guest(walk, parent, entry->name, mask, &dirs, &nested, &limit);
	if (r <= 0)
		return r == -ENOENT ? 0 : r == -ENOMEM ? r : vd_cg_problem(walk->tree, rel, strerror(-r), true);
	if (r == 2) {
		char *below = join(rel, "libvirt");

		if (!below)
			return -ENOMEM;
		free(rel);
		rel = below;
		at = &nested;
	}
	r = add_node(walk, parent_node, VD_CGROUP_GUEST, owner->name, rel, &node);
	if (r < 0)
		return r;
	walk->tree->n_guest_groups++;
	node->guest = owner->guest;
	if (owner->running && !owner->running->node)
		owner->running->node = node;
	r = vd_cg_read_node(walk, at, limit, node);
	primary = vd_cg_primary(walk, node->present & walk->listed);
	if (!r && primary >= 0)
		r = fill_guest(walk, at, node, owner->running, primary);
	if (r == -ENODEV) {
		if (owner->running && owner->running->node == node)
			owner->running->node = NULL;
		walk->tree->n_guest_groups--;
		vd_cg_drop_last(walk->tree, parent_node);
		return 0;
	}
	node->stale = !owner->running && node->tasks == 0;
	node->orphan = !owner->running && node->tasks > 0 && walk->match.complete;
	return r;
}

/* Is @name the group of a guest? @driver: below "libvirt/qemu" every group is one; else -1. */
static int find_owner(const struct vd_cg_walk *walk, const char *name, int driver, struct vd_cgroup_id *id,
                      struct owner *ret_owner)
{
	int r = vd_cgroup_parse_name(name, id);

	if (r == -ENOMEM)
		return r;
	*ret_owner = (struct owner){ .running = vd_cg_match_name(&walk->match, name, driver) };
	ret_owner->name = r ? name : id->machine;
	if (ret_owner->running) {
		ret_owner->guest = ret_owner->running->guest;
		return 0;
	}
	if (r && driver < 0)
		return r;
	if (!r) {
		ret_owner->guest = vd_cg_match_reduced(&walk->match, id);
	} else {
		struct vd_cgroup_id bare = { (enum vd_driver)driver, -1, (char *)name, (char *)name };

		ret_owner->guest = vd_cg_match_reduced(&walk->match, &bare);
	}
	return 0;
}

/* Before 1.0.5 the groups lay in "libvirt/qemu" and "libvirt/lxc", bare names. */
static int old_driver(const char *rel)
{
	const char *slash = strrchr(rel, '/');

	if (!slash || slash - rel < 8 || memcmp(slash - 8, "/libvirt", 8))
		return -1;
	if (!strcmp(slash, "/qemu"))
		return VD_DRIVER_QEMU;
	return !strcmp(slash, "/lxc") ? VD_DRIVER_LXC : -1;
}

static int walk_partition(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                          const char *rel, int64_t limit, unsigned depth);

static int add_partition(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *parent,
                         const char *name, const char *rel, int64_t limit, unsigned depth, bool keep_empty)
{
	struct vd_cgroup_node *node = NULL;
	struct scan scan = { 0 };
	bool known;
	int primary, r = add_node(walk, parent, VD_CGROUP_PARTITION, name, rel, &node);

	if (r < 0)
		return r;
	r = vd_cg_read_node(walk, dirs, limit, node);
	if (r == -ENODEV) {
		vd_cg_drop_last(walk->tree, parent);
		return 0;
	}
	if (!r)
		r = walk_partition(walk, dirs, node, rel, node->memory_max >= 0 ? node->memory_max : limit, depth);
	if (r < 0)
		return r;
	if (!node->n_children && !keep_empty) {
		vd_cg_drop_last(walk->tree, parent);
		return 0;
	}
	primary = vd_cg_primary(walk, node->present & walk->listed);
	r = primary < 0 ? -EIO : vd_cg_read_ids(walk, dirs, primary, node);
	known = !r;
	if (known)
		scan_ids(walk, &scan);
	for (size_t i = 0; i < node->n_children; i++) {
		known &= node->children[i]->tasks >= 0;
		scan.count += node->children[i]->tasks;
	}
	/* With guests left out the sum would be one of nothing in particular. */
	node->tasks = known && !walk->options->only ? scan.count : -1;
	return r == -ENOMEM ? r : 0;
}

static int walk_entry(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                      const char *rel, const struct vd_cg_entry *entry, int64_t limit, unsigned depth)
{
	VD_CLEANUP(vd_cgroup_id_release) struct vd_cgroup_id id = { 0 };
	VD_AUTO_CG_DIRS below = vd_cg_no_dirs();
	VD_AUTO_FREE char *path = NULL;
	struct owner owner;
	int r = find_owner(walk, entry->name, old_driver(rel), &id, &owner);

	if (!r)
		return vd_cg_wanted(walk, owner.guest) ? add_guest(walk, dirs, node, rel, entry, limit, &owner) : 0;
	if (r != -ENOENT)
		return r;
	/* Scopes and services of others; a partition is neither. */
	if (depth >= MAX_DEPTH || !*rel || has_suffix(entry->name, ".scope") || has_suffix(entry->name, ".service"))
		return 0;
	path = join(rel, entry->name);
	if (!path)
		return -ENOMEM;
	if (!vd_cg_open(walk, dirs, entry->name, entry->mask | (walk->opened & ~walk->listed), &below))
		return errno == ENOENT ? 0 : vd_cg_problem(walk->tree, path, strerror(errno), true);
	return add_partition(walk, &below, node, entry->name, path, limit, depth + 1, false);
}

static int walk_partition(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node,
                          const char *rel, int64_t limit, unsigned depth)
{
	VD_CLEANUP(vd_cg_entries_release) struct vd_cg_entries entries = { 0 };
	int r = vd_cg_list(walk, dirs, walk->listed, rel, &entries);

	for (size_t i = 0; i < entries.len && !r; i++) {
		if (walk->n_groups >= MAX_GROUPS)
			return vd_cg_problem(walk->tree, rel, "too many groups", true);
		r = walk_entry(walk, dirs, node, rel, &entries.items[i], limit, depth);
	}
	return r;
}

/* Open the group @rel from the top; *@ret_mask is 0 when it does not exist. Collects the memory limit on the way. */
static int open_root(struct vd_cg_walk *walk, const char *rel, struct vd_cg_dirs *dirs, int64_t *limit,
                     unsigned *ret_mask)
{
	struct vd_cg_dirs top = vd_cg_no_dirs(); /* borrowed: never closed */
	const struct vd_cg_dirs *at = &top;
	unsigned mask = walk->opened;

	for (size_t i = 0; i < walk->layout->len; i++)
		top.fd[i] = mask & 1u << i ? walk->layout->items[i].fd : -1;
	walk->at = rel;
	for (const char *p = rel; *p && mask & walk->listed;) {
		size_t len = strcspn(p, "/");
		VD_AUTO_FREE char *name = strndup(p, len);
		struct vd_cg_dirs next;

		if (!name)
			return -ENOMEM;
		p += len + (p[len] == '/');
		if (!len)
			continue;
		vd_cg_read_limit(walk, at, limit);
		mask = vd_cg_open(walk, at, name, mask, &next);
		vd_cg_dirs_close(dirs);
		*dirs = next;
		at = dirs;
	}
	*ret_mask = mask & walk->listed ? mask : 0;
	return 0;
}

int vd_cg_walk_root(struct vd_cg_walk *walk, struct vd_cgroup_node *parent, const char *rel, bool keep_empty)
{
	VD_AUTO_CG_DIRS dirs = vd_cg_no_dirs();
	struct vd_cg_dirs top = vd_cg_no_dirs(); /* borrowed: never closed */
	int64_t limit = -1;
	unsigned mask;
	int r;

	VLOG_DEBUG("groups below %s", *rel ? rel : "/");
	if (!*rel) {
		for (size_t i = 0; i < walk->layout->len; i++)
			top.fd[i] = walk->opened & 1u << i ? walk->layout->items[i].fd : -1;
		return walk_partition(walk, &top, parent, rel, limit, 0);
	}
	errno = 0;
	r = open_root(walk, rel, &dirs, &limit, &mask);
	if (r < 0)
		return r;
	if (!mask)
		return errno == EACCES || errno == EPERM ? vd_cg_problem(walk->tree, rel, strerror(errno), true) : 0;
	return add_partition(walk, &dirs, parent, rel + 1, rel, limit, 0, keep_empty);
}
