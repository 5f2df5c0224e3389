/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by cgroup-tree.c, -walk.c, -place.c, -node.c, -match.c and -strays.c only. */

#include "cgroup-name.h"
#include "cgroup-tree.h"

/* A running guest while its groups are looked for. */
struct vd_cg_guest {
	const struct vd_guest *guest;
	pid_t pid;
	struct vd_cg_vcpu {
		pid_t tid;
		unsigned id;
	} * vcpus; /* by tid */
	size_t n_vcpus;
	bool placed; /* its process was seen in its group */
	struct vd_cgroup_node *node;
};

struct vd_cg_key {
	char *name; /* owned */
	const struct vd_guest *guest;
	struct vd_cg_guest *running; /* NULL in the table of reduced names */
};

/* Looks guests up by the names that their groups may have. */
struct vd_cg_match {
	struct vd_cg_guest *running;
	size_t n_running;
	struct vd_cg_key *names; /* of running guests, sorted; all forms */
	size_t n_names;
	struct vd_cg_key *reduced; /* of all guests, sorted: "qemu-web01" without the id */
	size_t n_reduced;
	bool complete; /* all XML could be read: a group without a guest is really without */
};

int vd_cg_match_init(struct vd_cg_match *match, const struct vd_guests *guests) VD_MUST_CHECK;
void vd_cg_match_release(struct vd_cg_match *match);
/* The running guest, of @driver unless that is -1, whose group may be called @name. Borrowed; NULL: none. */
struct vd_cg_guest *vd_cg_match_name(const struct vd_cg_match *match, const char *name, int driver);
/* The only guest, running or not, whose machine name with that id would be that of @id. Borrowed; NULL. */
const struct vd_guest *vd_cg_match_reduced(const struct vd_cg_match *match, const struct vd_cgroup_id *id);
/* The vCPU whose thread is @tid, NULL when it is none. */
const struct vd_cg_vcpu *vd_cg_find_vcpu(const struct vd_cg_guest *guest, pid_t tid);

/*
 * The same group in every hierarchy; -1 where it does not exist or is not looked at. With @leaf it is the group of that
 * name below the descriptors, which then belong to somebody else: that saves opening each group of threads.
 */
struct vd_cg_dirs {
	int fd[VD_CGROUP_MAX_HIERARCHIES];
	const char *leaf;
};
struct vd_cg_walk;

#define VD_AUTO_CG_DIRS VD_CLEANUP(vd_cg_dirs_close) struct vd_cg_dirs
void vd_cg_dirs_close(struct vd_cg_dirs *dirs);
/* All -1. */
struct vd_cg_dirs vd_cg_no_dirs(void);
/*
 * The group @name below @parent in the hierarchies of @mask, without opening it. False where a hierarchy is not the
 * kernel's own: in a capture the name could be a symlink. @name and @parent must outlive @ret_dirs.
 */
bool vd_cg_leaf(const struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, const char *name, unsigned mask,
                struct vd_cg_dirs *ret_dirs);

/* What the walk carries along. */
struct vd_cg_walk {
	struct vd_root *root;
	const struct vd_cgroup_layout *layout;
	const struct vd_cgroup_tree_options *options;
	struct vd_cg_match match;
	struct vd_cgroup_tree *tree;
	int from[VD_CGROUP_CONTROLLER_COUNT_]; /* the layout's, or those of the one hierarchy that is shown */
	int unified;                           /* likewise */
	unsigned listed, opened;               /* hierarchies whose directories are listed; also looked into */
	struct vd_buf text;                    /* the file that was read last */
	struct vd_buf names;                   /* scratch space for directories */
	const char *at;                        /* the group that is being read, for messages */
	size_t n_groups;
	bool denied; /* some group may not be looked into: what is in none of the others may be there */
};

/* The three after one another, without the cost of printf. The caller frees it; NULL: no memory. */
char *vd_cg_concat(const char *a, const char *b, const char *c);

/* Set up @walk for all hierarchies that libvirt uses (@only -1), or for hierarchy @only alone. */
void vd_cg_walk_view(struct vd_cg_walk *walk, int only);

/*
 * Open the group @name below @parent in the hierarchies of @mask. Returns the mask of those where it exists.
 * @ret_dirs is filled always. Symlinks are never followed. When it exists in none, errno says why: ENOENT, or what
 * else kept one of them shut. A group that may not be looked into becomes a problem of the tree.
 */
unsigned vd_cg_open(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, const char *name, unsigned mask,
                    struct vd_cg_dirs *ret_dirs);
/* The hierarchy that counts tasks and names the path of a group that exists in those of @mask; -1 for none. */
int vd_cg_primary(const struct vd_cg_walk *walk, unsigned mask);

/* A name in a directory, and the hierarchies that have it. */
struct vd_cg_entry {
	char *name; /* owned */
	unsigned mask;
};
struct vd_cg_entries {
	struct vd_cg_entry *items;
	size_t len, cap;
};
/* How many groups are below @dirs in hierarchy @h, without listing them; -1 where only a listing tells. */
int64_t vd_cg_count_below(const struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h);
/* The groups below @dirs in the hierarchies of @mask, in natural order ("vcpu2" before "vcpu10"). */
int vd_cg_list(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, unsigned mask, const char *rel,
               struct vd_cg_entries *entries) VD_MUST_CHECK;
void vd_cg_entries_release(struct vd_cg_entries *entries);

/* Lower *@limit to the memory limit of @dirs when that is smaller; -1 is none. */
void vd_cg_read_limit(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int64_t *limit);
/*
 * Read the numbers that the columns of a node of this kind show; @limit is the smallest limit above. Sets path.
 * Returns 0, -ENODEV when the group is gone meanwhile, -ENOMEM.
 */
int vd_cg_read_node(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int64_t limit,
                    struct vd_cgroup_node *node) VD_MUST_CHECK;
/*
 * Read the thread ids of the group in hierarchy @h into walk->text. Returns 0; -ENODEV: gone; -ENOMEM; another
 * negative errno is recorded as a problem already.
 */
int vd_cg_read_ids(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h,
                   const struct vd_cgroup_node *node) VD_MUST_CHECK;

/*
 * Walk the groups below @rel, "" for the top of the hierarchies (there without its sub-partitions), and add what
 * belongs to guests as a child of @parent, a root when that is NULL. Nothing is added when the directory does not
 * exist, or holds no group of a guest, unless @keep_empty.
 */
int vd_cg_walk_root(struct vd_cg_walk *walk, struct vd_cgroup_node *parent, const char *rel,
                    bool keep_empty) VD_MUST_CHECK;
/* Is @guest one of those that are to be shown? */
bool vd_cg_wanted(const struct vd_cg_walk *walk, const struct vd_guest *guest);
/* Is @path the group @rel or one below it? */
bool vd_cg_is_below(const char *path, const char *rel);

/*
 * The group of a process in @h from the top of the mount, in @text of its /proc/PID/cgroup, "" for the top itself; NULL
 * when no line tells. It begins with "/.." when it is outside of this cgroup namespace. The caller frees it; *@ret_r is
 * -ENOMEM or untouched.
 */
char *vd_cg_path_in(const struct vd_buf *text, const struct vd_cgroup_hierarchy *h, int *ret_r);
/*
 * Find the running guests whose process was not seen in their group, through /proc/PID/cgroup, and say of each where
 * it is. @roots: what was walked already.
 */
int vd_cg_place(struct vd_cg_walk *walk, struct vd_strv *roots) VD_MUST_CHECK;

/* Record what could not be read; more than 50 are dropped. */
int vd_cg_problem(struct vd_cgroup_tree *tree, const char *path, const char *why, bool matters) VD_MUST_CHECK;
int vd_cg_note(struct vd_cgroup_tree *tree, enum vd_cgroup_note_id id, const struct vd_guest *guest, const char *fmt,
               ...) VD_PRINTF(4, 5) VD_MUST_CHECK;

/* A new child of @parent, a root when that is NULL; it owns @name and @rel, also when it fails. NULL: no memory. */
struct vd_cgroup_node *vd_cg_add_node(struct vd_cgroup_tree *tree, struct vd_cgroup_node *parent,
                                      enum vd_cgroup_kind kind, char *name, char *rel);
/* Take the last child of @parent (root when NULL) out again and free it. */
void vd_cg_drop_last(struct vd_cgroup_tree *tree, struct vd_cgroup_node *parent);
