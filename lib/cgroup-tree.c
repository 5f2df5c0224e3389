/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-tree");

const char *vd_cgroup_resource_name(enum vd_cgroup_resource resource)
{
	static const char *const names[] = { NULL, "cpu", "mem", "io" };

	return names[resource];
}

bool vd_cgroup_is_throttled(const struct vd_cgroup_node *node)
{
	return node->nr_periods > 0 && node->nr_throttled > node->nr_periods / 20 &&
	       (double)node->nr_throttled / (double)node->nr_periods > 0.05;
}

static void free_node(struct vd_cgroup_node *node)
{
	/* As deep as the walk went, which is limited. */
	for (size_t i = 0; i < node->n_children; i++)
		free_node(node->children[i]);
	free(node->children);
	free(node->name);
	free(node->rel);
	free(node->path);
	free(node);
}

struct vd_cgroup_node *vd_cg_add_node(struct vd_cgroup_tree *tree, struct vd_cgroup_node *parent,
                                      enum vd_cgroup_kind kind, char *name, char *rel)
{
	struct vd_cgroup_node ***list = parent ? &parent->children : &tree->roots, **items = *list;
	size_t *len = parent ? &parent->n_children : &tree->n_roots;
	struct vd_cgroup_node *node = calloc(1, sizeof(*node));

	/* A power of two is full. */
	if (node && !(*len & (*len - 1)))
		items = reallocarray(*list, *len ? *len * 2 : 1, sizeof(struct vd_cgroup_node *));
	if (items)
		*list = items;
	if (!node || !items) {
		free(node);
		free(name);
		free(rel);
		return NULL;
	}
	*node = (struct vd_cgroup_node){ .kind = kind, .name = name, .rel = rel };
	node->tasks = node->cpu_usec = node->memory = node->memory_max = -1;
	node->nr_periods = node->nr_throttled = node->oom_kills = -1;
	node->pressure = -1;
	node->quiet = parent ? parent->quiet : 0;
	items[(*len)++] = node;
	return node;
}

void vd_cg_drop_last(struct vd_cgroup_tree *tree, struct vd_cgroup_node *parent)
{
	free_node(parent ? parent->children[--parent->n_children] : tree->roots[--tree->n_roots]);
}

static int add_root(struct vd_strv *roots, const char *partition, bool systemd)
{
	char *path = NULL;
	int r = vd_cgroup_partition_path(partition, systemd, &path);

	if (r == -EINVAL)
		return 0;
	if (r < 0)
		return r;
	if (vd_strv_has(roots, path)) {
		free(path);
		return 0;
	}
	return vd_strv_take(roots, path);
}

/*
 * Where groups of guests can be: the default partition and those of the guests, each as systemd and as libvirt alone
 * would lay it, and the place of before 1.0.5. What lies below another one is found there.
 */
static int collect_roots(const struct vd_guests *guests, struct vd_strv *ret_roots)
{
	VD_AUTO_STRV all = VD_STRV_INIT;
	int r = add_root(&all, NULL, true);

	if (!r)
		r = add_root(&all, NULL, false);
	if (!r)
		r = vd_strv_add(&all, "/libvirt");
	for (size_t i = 0; i < guests->len && !r; i++) {
		const char *partition = vd_guest_domain(&guests->items[i])->partition;

		if (!partition || !strcmp(partition, "/machine"))
			continue;
		r = add_root(&all, partition, true);
		if (!r)
			r = add_root(&all, partition, false);
	}
	vd_strv_sort(&all);
	for (size_t i = 0; i < all.len && !r; i++) {
		bool inside = false;

		for (size_t j = 0; j < ret_roots->len && !inside; j++)
			inside = *ret_roots->items[j] && vd_cg_is_below(all.items[i], ret_roots->items[j]);
		if (!inside)
			r = vd_strv_add(ret_roots, all.items[i]);
	}
	return r;
}

static int walk_roots(struct vd_cg_walk *walk, struct vd_cgroup_node *parent, const struct vd_strv *roots)
{
	int r = 0;

	for (size_t i = 0; i < roots->len && !r; i++) {
		const char *rel = roots->items[i];
		bool keep = !walk->options->only && (!strcmp(rel, "/machine") || !strcmp(rel, "/machine.slice"));

		r = vd_cg_walk_root(walk, parent, rel, keep);
	}
	return r;
}

/* In a single hierarchy only the group itself can tell whether the process is in it. */
static int check_placed(struct vd_cg_walk *walk, const char *label)
{
	int r = 0;

	for (size_t i = 0; i < walk->match.n_running && !r; i++) {
		struct vd_cg_guest *g = &walk->match.running[i];

		if (g->node && !g->placed && g->pid > 0) {
			g->node->misplaced = true;
			r = vd_cg_note(walk->tree, VD_CGROUP_NOTE_MISPLACED, g->guest,
			               "process %d of %s is not in its group of %s", (int)g->pid,
			               vd_guest_name(g->guest), label);
		}
		g->node = NULL;
		g->placed = false;
	}
	return r;
}

static int load_each(struct vd_cg_walk *walk, const struct vd_strv *roots)
{
	int r = 0;

	for (size_t h = 0; h < walk->layout->len && !r; h++) {
		const struct vd_cgroup_hierarchy *hier = &walk->layout->items[h];
		struct vd_cgroup_node *top;
		char *name;

		if (!hier->used || hier->fd < 0)
			continue;
		name = strdup(hier->label);
		top = name ? vd_cg_add_node(walk->tree, NULL, VD_CGROUP_HIERARCHY, name, NULL) : NULL;
		if (!top)
			return -ENOMEM;
		top->path = strdup(hier->path);
		if (!top->path)
			return -ENOMEM;
		vd_cg_walk_view(walk, (int)h);
		r = walk_roots(walk, top, roots);
		if (!r)
			r = check_placed(walk, hier->label);
		if (!r && !top->n_children)
			vd_cg_drop_last(walk->tree, NULL);
	}
	return r;
}

/* What is left of guests that no longer run, in words. */
static int note_leftovers(struct vd_cgroup_tree *tree, struct vd_cgroup_node *const *nodes, size_t len)
{
	int r = 0;

	for (size_t i = 0; i < len && !r; i++) {
		const struct vd_cgroup_node *n = nodes[i];

		if (n->stale)
			r = vd_cg_note(tree, VD_CGROUP_NOTE_STALE, n->guest,
			               "%s is left behind: no process is in it, no guest runs in it", n->path);
		else if (n->orphan)
			r = vd_cg_note(tree, VD_CGROUP_NOTE_ORPHAN, n->guest,
			               "%s holds processes, but libvirt knows no running guest for it", n->path);
		if (!r && (n->stale || n->orphan))
			tree->notes[tree->n_notes - 1].node = n;
		if (!r)
			r = note_leftovers(tree, n->children, n->n_children);
	}
	return r;
}

static int report_closed(struct vd_cg_walk *walk)
{
	int r = 0;

	for (size_t i = 0; i < walk->layout->len && !r; i++) {
		const struct vd_cgroup_hierarchy *h = &walk->layout->items[i];

		/* A capture need not hold what libvirt does not use. */
		if (h->fd < 0 && h->used)
			r = vd_cg_problem(walk->tree, h->path, strerror(h->error), h->error != ENOENT);
	}
	return r;
}

static int load(struct vd_cg_walk *walk, const struct vd_guests *guests)
{
	VD_AUTO_STRV roots = VD_STRV_INIT;
	int r = vd_cg_match_init(&walk->match, guests);

	if (!r)
		r = collect_roots(guests, &roots);
	if (!r)
		r = report_closed(walk);
	if (!r && walk->options->all_controllers)
		r = load_each(walk, &roots);
	if (!r && !walk->options->all_controllers) {
		vd_cg_walk_view(walk, -1);
		r = walk_roots(walk, NULL, &roots);
		if (!r)
			r = vd_cg_place(walk, &roots);
	}
	return r < 0 ? r : note_leftovers(walk->tree, walk->tree->roots, walk->tree->n_roots);
}

int vd_cgroup_tree_load(struct vd_root *root, const struct vd_cgroup_layout *layout, const struct vd_guests *guests,
                        const struct vd_cgroup_tree_options *options, struct vd_cgroup_tree *ret_tree,
                        struct vd_err *err)
{
	VD_CLEANUP(vd_cgroup_tree_release) struct vd_cgroup_tree tree = { 0 };
	struct vd_cg_walk walk = { .root = root, .layout = layout, .options = options, .tree = &tree, .at = "" };
	int r = load(&walk, guests);

	vd_cg_match_release(&walk.match);
	vd_buf_release(&walk.text);
	vd_buf_release(&walk.names);
	if (r < 0)
		return vd_err_set(err, ENOMEM, "out of memory while reading cgroups");
	VLOG_DEBUG("%zu groups of guests, %zu notes, %zu problems", tree.n_guest_groups, tree.n_notes, tree.n_problems);
	*ret_tree = tree;
	tree = (struct vd_cgroup_tree){ 0 };
	return 0;
}

void vd_cgroup_tree_release(struct vd_cgroup_tree *tree)
{
	for (size_t i = 0; i < tree->n_roots; i++)
		free_node(tree->roots[i]);
	free(tree->roots);
	for (size_t i = 0; i < tree->n_notes; i++)
		free(tree->notes[i].text);
	free(tree->notes);
	for (size_t i = 0; i < tree->n_problems; i++) {
		free(tree->problems[i].path);
		free(tree->problems[i].why);
	}
	free(tree->problems);
	*tree = (struct vd_cgroup_tree){ 0 };
}
