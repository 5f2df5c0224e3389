/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-strays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-internal.h"
#include "cgroup-name.h"
#include "cgroup-parse.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-strays");

#define MAX_THREADS 65536
#define MAX_COMM    64

struct look {
	struct vd_root *root;
	const struct vd_cgroup_layout *layout;
	const struct vd_cgroup_node *node;
	const struct vd_domain *domain;
	pid_t pid;
	struct vd_strays *strays;
	unsigned outside; /* 1u << hierarchy: the process itself is not in the guest's group there */
};

/* What libvirt takes a thread for. */
struct role {
	enum vd_stray_kind kind;
	unsigned number;
	bool certain;
	char child[32]; /* the group that it belongs into, when there is such a group */
};

/* QEMU's own threads that are there from its start; others come and go, and inherit the group of who makes them. */
static bool is_emulators_own(const char *name)
{
	return !strcmp(name, "IO mon_iothread") || !strcmp(name, "call_rcu");
}

static void find_role(const struct look *l, pid_t tid, const char *name, struct role *role)
{
	const struct vd_dom_status *status = l->domain->status;
	char end;

	*role = (struct role){ .kind = VD_STRAY_EMULATOR, .child = "emulator" };
	role->certain = tid == l->pid || is_emulators_own(name);
	for (size_t i = 0; status && i < status->n_vcpus; i++) {
		if (status->vcpus[i].tid != tid || tid == l->pid)
			continue;
		role->kind = VD_STRAY_VCPU;
		role->number = status->vcpus[i].id;
		snprintf(role->child, sizeof(role->child), "vcpu%u", role->number);
	}
	if (role->kind == VD_STRAY_EMULATOR && sscanf(name, "IO iothread%u%c", &role->number, &end) == 1) {
		role->kind = VD_STRAY_IOTHREAD;
		snprintf(role->child, sizeof(role->child), "iothread%u", role->number);
	}
	role->certain |= role->kind != VD_STRAY_EMULATOR;
}

/* --- where it is, where it should be ------------------------------------------------------------------------------ */

/* The file of @hierarchy that moves a thread, or a whole process, into the group @rel. NULL: no memory. */
static char *move_file(const struct vd_cgroup_hierarchy *h, const char *rel, const char *child, bool process)
{
	const char *file = process ? "cgroup.procs" : h->v2 ? "cgroup.threads" : "tasks";
	char *path = NULL;

	return asprintf(&path, "%s%s%s%s/%s", h->path, rel, child ? "/" : "", child ? child : "", file) < 0 ? NULL
	                                                                                                    : path;
}

/* Does the guest have this group for threads in that hierarchy? */
static bool has_child(const struct look *l, const struct vd_cgroup_hierarchy *h, const char *child)
{
	VD_AUTO_FREE char *path = move_file(h, l->node->rel, child, false);
	struct vd_stat st;

	return path && vd_root_stat(l->root, path, &st, NULL) == 0;
}

static bool is_vcpu_group(const struct look *l, const char *path)
{
	unsigned number;
	const char *slash = strrchr(path, '/');

	return vd_cg_is_below(path, l->node->rel) && slash &&
	       vd_cgroup_child_kind(slash + 1, &number) == VD_CGROUP_CHILD_VCPU;
}

/* The kernel's helpers are made by the thread that asked for them, and stay with it. */
static bool is_kernels(const char *name)
{
	return !strncmp(name, "kvm", 3) || !strncmp(name, "vhost", 5);
}

/* Is the thread with @role wrong in @path of @h? Then *@ret_child is the group below the guest's, NULL for that one. */
static bool is_wrong(const struct look *l, const struct vd_cgroup_hierarchy *h, const struct role *role,
                     const char *name, const char *path, const char **ret_child)
{
	const char *rel = l->node->rel;
	bool child = has_child(l, h, role->child);

	*ret_child = child ? role->child : NULL;
	if (!vd_cg_is_below(path, rel))
		return true;
	/* A group that a container's own processes made is the container's business. */
	if (!child)
		return false;
	if (role->certain)
		return strncmp(path + strlen(rel), "/", 1) != 0 || strcmp(path + strlen(rel) + 1, role->child) != 0;
	return is_vcpu_group(l, path) && !is_kernels(name);
}

/* --- keeping it --------------------------------------------------------------------------------------------------- */

static int add_move(struct vd_stray *s, pid_t id, char *file, char *back)
{
	struct vd_stray_move *items = NULL;

	if (file && back)
		items = reallocarray(s->moves, s->n_moves + 1, sizeof(*items));
	if (!items) {
		free(file);
		free(back);
		return -ENOMEM;
	}
	s->moves = items;
	items[s->n_moves++] = (struct vd_stray_move){ id, file, back };
	return 0;
}

/* The same thing was seen in another hierarchy: say it once. */
static struct vd_stray *same_stray(const struct look *l, enum vd_stray_kind kind, pid_t tid, const char *where)
{
	for (size_t i = 0; i < l->strays->len; i++) {
		struct vd_stray *s = &l->strays->items[i];

		if (s->tid == tid && s->kind == kind && !strcmp(s->where, *where ? where : "/"))
			return s;
	}
	return NULL;
}

static struct vd_stray *add_stray(struct look *l, const struct role *role, enum vd_stray_kind kind, pid_t tid,
                                  const char *name, const char *where, const char *child)
{
	struct vd_stray *items = reallocarray(l->strays->items, l->strays->len + 1, sizeof(*items)), *s;

	if (!items)
		return NULL;
	l->strays->items = items;
	s = &items[l->strays->len++];
	*s = (struct vd_stray){ .kind = kind, .number = role->number, .tid = tid, .certain = role->certain };
	s->name = strdup(name);
	s->where = strdup(*where ? where : "/");
	s->group = strdup(child && kind != VD_STRAY_PROCESS ? child : "its group");
	return s->name && s->where && s->group ? s : NULL;
}

static int add_label(struct vd_stray *s, const struct vd_cgroup_hierarchy *h)
{
	char *both = NULL;

	if (h->v2)
		return 0;
	if (asprintf(&both, "%s%s%s", s->in ? s->in : "", s->in ? " and " : "", h->label) < 0)
		return -ENOMEM;
	free(s->in);
	s->in = both;
	return 0;
}

/* A thread of a process that is elsewhere altogether: after the process, it moves to its own group. */
static int follow(struct look *l, const struct vd_cgroup_hierarchy *h, pid_t tid, const char *path, const char *child)
{
	for (size_t i = 0; i < l->strays->len && child && strcmp(child, "emulator") != 0; i++) {
		struct vd_stray *s = &l->strays->items[i];

		if (s->kind == VD_STRAY_PROCESS && s->n_moves)
			return add_move(s, tid, move_file(h, l->node->rel, child, false),
			                move_file(h, path, NULL, false));
	}
	return 0;
}

static int examine(struct look *l, int h, pid_t tid, const char *name, const char *path)
{
	const struct vd_cgroup_hierarchy *hier = &l->layout->items[h];
	bool outside = !vd_cg_is_below(path, l->node->rel), process = outside && tid == l->pid;
	struct vd_stray *s;
	struct role role;
	const char *child;
	int r;

	find_role(l, tid, name, &role);
	if (!is_wrong(l, hier, &role, name, path, &child))
		return 0;
	if (process)
		l->outside |= 1u << h;
	else if (outside && l->outside & 1u << h)
		return follow(l, hier, tid, path, child);
	s = same_stray(l, process ? VD_STRAY_PROCESS : role.kind, tid, path);
	if (!s)
		s = add_stray(l, &role, process ? VD_STRAY_PROCESS : role.kind, tid, name, path, child);
	if (!s)
		return -ENOMEM;
	VLOG_DEBUG("thread %d, %s, is in %s of %s", (int)tid, name, path, hier->label);
	r = add_label(s, hier);
	return r < 0 ? r
	             : add_move(s, tid, move_file(hier, l->node->rel, child, process),
	                        move_file(hier, path, NULL, process));
}

/* --- the threads -------------------------------------------------------------------------------------------------- */

/* Read a file of the thread; an empty text when it is not there. */
static int read_of(const struct look *l, pid_t tid, const char *file, size_t max, struct vd_buf *text)
{
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)l->pid, (int)tid, file);
	vd_buf_clear(text);
	r = vd_root_read(l->root, path, max, text, NULL);
	if (r < 0)
		vd_buf_clear(text);
	return r == -ENOMEM ? r : 0;
}

static int look_at(struct look *l, pid_t tid)
{
	VD_AUTO_BUF name = VD_BUF_INIT, groups = VD_BUF_INIT;
	int r = read_of(l, tid, "comm", MAX_COMM, &name);

	if (!r)
		r = read_of(l, tid, "cgroup", VD_MAX_CGROUP, &groups);
	if (name.len && name.data[name.len - 1] == '\n')
		name.data[--name.len] = '\0';
	for (size_t h = 0; h < l->layout->len && !r && groups.len; h++) {
		VD_AUTO_FREE char *path = NULL;

		if (!l->layout->items[h].used || !(l->node->present & 1u << h))
			continue;
		path = vd_cg_path_in(&groups, &l->layout->items[h], &r);
		if (path && strncmp(path, "/..", 3) != 0)
			r = examine(l, (int)h, tid, vd_buf_str(&name), path);
	}
	return r;
}

static int look_at_all(struct look *l)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)l->pid);
	r = vd_root_list(l->root, path, &names, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	/* The process first: whether it is outside decides what the others are. */
	r = look_at(l, l->pid);
	for (size_t i = 0; i < names.len && i < MAX_THREADS && !r; i++) {
		size_t pos = 0;
		pid_t tid;

		if (vd_cgroup_next_id(names.items[i], strlen(names.items[i]), &pos, &tid) && tid != l->pid)
			r = look_at(l, tid);
	}
	return r;
}

int vd_strays_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_cgroup_node *node,
                   struct vd_strays *ret_strays, struct vd_err *err)
{
	VD_CLEANUP(vd_strays_release) struct vd_strays strays = { 0 };
	struct look l = { .root = root, .layout = layout, .node = node, .strays = &strays };

	l.domain = vd_guest_domain(node->guest);
	l.pid = node->guest->pid;
	if (l.pid > 0 && node->rel && look_at_all(&l) < 0)
		return vd_err_set(err, ENOMEM, "out of memory while looking at the threads of %s",
		                  vd_guest_name(node->guest));
	*ret_strays = strays;
	strays = (struct vd_strays){ 0 };
	return 0;
}

void vd_strays_release(struct vd_strays *strays)
{
	for (size_t i = 0; i < strays->len; i++) {
		struct vd_stray *s = &strays->items[i];

		for (size_t k = 0; k < s->n_moves; k++) {
			free(s->moves[k].file);
			free(s->moves[k].back);
		}
		free(s->moves);
		free(s->name);
		free(s->where);
		free(s->group);
		free(s->in);
	}
	free(strays->items);
	*strays = (struct vd_strays){ 0 };
}

/* --- in a tree ---------------------------------------------------------------------------------------------------- */

/* Among the first @n notes. */
static bool has_note(const struct vd_cgroup_tree *tree, size_t n, const struct vd_guest *guest)
{
	for (size_t i = 0; i < n; i++)
		if (tree->notes[i].id == VD_CGROUP_NOTE_MISPLACED && tree->notes[i].guest == guest)
			return true;
	return false;
}

static int note_stray(struct vd_cgroup_tree *tree, const struct vd_guest *guest, const struct vd_stray *s)
{
	return vd_cg_note(tree, VD_CGROUP_NOTE_MISPLACED, guest, "%s %d%s%s%s of %s is in %s%s%s, not in %s",
	                  s->kind == VD_STRAY_PROCESS ? "process" : "thread", (int)s->tid, s->name[0] ? " (\"" : "",
	                  s->name, s->name[0] ? "\")" : "", vd_guest_name(guest), s->where, s->in ? " of " : "",
	                  s->in ? s->in : "", s->group);
}

/*
 * May the guest have threads elsewhere? To ask each thread takes longer than all the rest of a tree, so on a live host
 * only a guest is asked that has more threads than there are tasks in its group.
 */
static bool may_stray(struct vd_root *root, const struct vd_cgroup_node *node)
{
	VD_AUTO_STRV threads = VD_STRV_INIT;
	char path[64];

	if (!vd_root_is_live(root) || node->tasks < 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)node->guest->pid);
	return vd_root_list(root, path, &threads, NULL) == 0 && (int64_t)threads.len > node->tasks;
}

/* @own: how many notes the tree had from the start. */
static int add_strays(struct vd_root *root, const struct vd_cgroup_layout *layout, struct vd_cgroup_tree *tree,
                      struct vd_cgroup_node *node, size_t own, struct vd_err *err)
{
	VD_CLEANUP(vd_strays_release) struct vd_strays strays = { 0 };
	const struct vd_guest *guest = node->guest;
	int r = 0;

	if (node->kind != VD_CGROUP_GUEST) {
		for (size_t i = 0; i < node->n_children && !r; i++)
			r = add_strays(root, layout, tree, node->children[i], own, err);
		return r;
	}
	if (!guest || guest->state != VD_GUEST_RUNNING || has_note(tree, own, guest))
		return 0;
	if (!may_stray(root, node))
		return 0;
	r = vd_strays_load(root, layout, node, &strays, err);
	if (r < 0 || !strays.len)
		return r;
	node->misplaced = true;
	/* With a tree for each hierarchy the guest comes again, and each names its own. */
	for (size_t i = 0; i < strays.len && !r; i++)
		r = note_stray(tree, guest, &strays.items[i]);
	return r;
}

int vd_cgroup_tree_add_strays(struct vd_root *root, const struct vd_cgroup_layout *layout, struct vd_cgroup_tree *tree,
                              struct vd_err *err)
{
	size_t own = tree->n_notes;
	int r = 0;

	for (size_t i = 0; i < tree->n_roots && !r; i++)
		r = add_strays(root, layout, tree, tree->roots[i], own, err);
	return r;
}
