/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup-parse.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-node");

#define MAX_LIST     (8u << 20) /* a million threads */
#define MAX_ENTRIES  200000
#define MAX_PROBLEMS 50
#define DIR_BYTES    32768
#define LIST_BYTES   65536
/* The kernel hands lists out by the page: less than that, with room for one more line, is the end. */
#define LAST_PAGE    4000
/* It fills the buffer with names as long as there are any: with room for one more these were the last. */
#define LAST_NAMES   (DIR_BYTES - 1024)

void vd_cg_dirs_close(struct vd_cg_dirs *dirs)
{
	for (size_t i = 0; i < VD_CGROUP_MAX_HIERARCHIES && !dirs->leaf; i++)
		vd_cleanup_close(&dirs->fd[i]);
}

struct vd_cg_dirs vd_cg_no_dirs(void)
{
	struct vd_cg_dirs dirs;

	for (size_t i = 0; i < VD_CGROUP_MAX_HIERARCHIES; i++)
		dirs.fd[i] = -1;
	dirs.leaf = NULL;
	return dirs;
}

bool vd_cg_leaf(const struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, const char *name, unsigned mask,
                struct vd_cg_dirs *ret_dirs)
{
	struct vd_cg_dirs dirs = vd_cg_no_dirs();

	for (size_t i = 0; i < walk->layout->len; i++) {
		if (!(mask & 1u << i) || parent->fd[i] < 0)
			continue;
		if (!walk->layout->items[i].kernel)
			return false;
		dirs.fd[i] = parent->fd[i];
	}
	dirs.leaf = name;
	*ret_dirs = dirs;
	return true;
}

char *vd_cg_concat(const char *a, const char *b, const char *c)
{
	size_t m = strlen(a), n = strlen(b), k = strlen(c) + 1;
	char *s = malloc(m + n + k);

	if (!s)
		return NULL;
	memcpy(s, a, m);
	memcpy(s + m, b, n);
	memcpy(s + m + n, c, k);
	return s;
}

void vd_cg_walk_view(struct vd_cg_walk *walk, int only)
{
	const struct vd_cgroup_layout *layout = walk->layout;

	walk->listed = 0;
	for (size_t i = 0; i < layout->len; i++)
		if (only < 0 ? layout->items[i].used != 0 : (int)i == only)
			walk->listed |= 1u << i;
	walk->unified = only < 0 || only == layout->unified ? layout->unified : -1;
	walk->opened = walk->listed | (walk->unified >= 0 ? 1u << walk->unified : 0);
	for (unsigned c = 0; c < VD_CGROUP_CONTROLLER_COUNT_; c++) {
		walk->from[c] = layout->from[c];
		if (only >= 0)
			walk->from[c] = layout->items[only].carries & 1u << c ? only : -1;
	}
}

int vd_cg_problem(struct vd_cgroup_tree *tree, const char *path, const char *why, bool matters)
{
	struct vd_cgroup_problem *items, p = { NULL, NULL, matters };

	VLOG_DEBUG("%s: %s", path, why);
	if (tree->n_problems >= MAX_PROBLEMS)
		return 0;
	items = reallocarray(tree->problems, tree->n_problems + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	tree->problems = items;
	p.path = strdup(path);
	p.why = strdup(why);
	items[tree->n_problems++] = p;
	return p.path && p.why ? 0 : -ENOMEM;
}

int vd_cg_note(struct vd_cgroup_tree *tree, enum vd_cgroup_note_id id, const struct vd_guest *guest, const char *fmt,
               ...)
{
	struct vd_cgroup_note *items = reallocarray(tree->notes, tree->n_notes + 1, sizeof(*items));
	char *text = NULL;
	va_list ap;
	int n;

	if (!items)
		return -ENOMEM;
	tree->notes = items;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	items[tree->n_notes++] = (struct vd_cgroup_note){ .id = id, .text = text, .guest = guest };
	return 0;
}

/* The path of @fd, as /proc tells it, in @buf; false when it does not fit. */
static bool path_of(int fd, char buf[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, PATH_MAX - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 && n < PATH_MAX - 1;
}

/* The group @name below @parent of hierarchy @h may not be opened. */
static int note_denied(struct vd_cg_walk *walk, size_t h, int parent, const char *name, int error)
{
	char top[PATH_MAX], path[PATH_MAX];
	const struct vd_cgroup_hierarchy *hier = &walk->layout->items[h];
	VD_AUTO_FREE char *shown = NULL;
	const char *rel = "";

	walk->denied = true;
	if (path_of(hier->fd, top) && path_of(parent, path) && !strncmp(path, top, strlen(top)))
		rel = path + strlen(top);
	if (asprintf(&shown, "%s%s/%s", hier->path, rel, name) < 0) {
		shown = NULL;
		return -ENOMEM;
	}
	return vd_cg_problem(walk->tree, shown, strerror(error), true);
}

unsigned vd_cg_open(struct vd_cg_walk *walk, const struct vd_cg_dirs *parent, const char *name, unsigned mask,
                    struct vd_cg_dirs *ret_dirs)
{
	unsigned found = 0;
	int why = ENOENT, error;

	*ret_dirs = vd_cg_no_dirs();
	for (size_t i = 0; i < walk->layout->len; i++) {
		if (!(mask & 1u << i) || parent->fd[i] < 0)
			continue;
		ret_dirs->fd[i] = openat(parent->fd[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		error = errno;
		if (ret_dirs->fd[i] >= 0)
			found |= 1u << i;
		else if (error != ENOENT)
			why = error;
		if (ret_dirs->fd[i] < 0 && error == EACCES && note_denied(walk, i, parent->fd[i], name, error) < 0)
			VLOG_WARN("no memory to tell of %s", name);
	}
	errno = why;
	return found;
}

int vd_cg_primary(const struct vd_cg_walk *walk, unsigned mask)
{
	/* Those with groups for threads first, and before all the one that accounts CPU time. */
	static const enum vd_cgroup_controller order[] = { VD_CGROUP_CPUACCT, VD_CGROUP_CPU, VD_CGROUP_CPUSET,
		                                           VD_CGROUP_MEMORY };

	for (size_t i = 0; i < VD_ARRAY_SIZE(order); i++)
		if (walk->from[order[i]] >= 0 && mask & 1u << walk->from[order[i]])
			return walk->from[order[i]];
	for (size_t i = 0; i < walk->layout->len; i++)
		if (mask & walk->listed & 1u << i)
			return (int)i;
	return -1;
}

static int compare_entries(const void *a, const void *b)
{
	const struct vd_cg_entry *x = a, *y = b;
	int r = strverscmp(x->name, y->name);

	return r ? r : strcmp(x->name, y->name);
}

static bool is_directory(int fd, const struct dirent64 *d)
{
	struct stat st;

	if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
		return false;
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int add_entry(struct vd_cg_entries *entries, const char *name, unsigned mask)
{
	char *copy;

	if (entries->len == entries->cap) {
		size_t n = entries->cap ? entries->cap * 2 : 32;
		struct vd_cg_entry *items = reallocarray(entries->items, n, sizeof(*items));

		if (!items)
			return -ENOMEM;
		entries->items = items;
		entries->cap = n;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	entries->items[entries->len++] = (struct vd_cg_entry){ copy, mask };
	return 0;
}

int64_t vd_cg_count_below(const struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h)
{
	struct stat st;

	/* A directory of cgroupfs has the links "." and its name, and the ".." of each directory in it. */
	if (!walk->layout->items[h].kernel || dirs->leaf || dirs->fd[h] < 0 || fstat(dirs->fd[h], &st) < 0 ||
	    st.st_nlink < 2)
		return -1;
	return (int64_t)st.st_nlink - 2;
}

/* The directories in @fd, read without a stream: it would have to open the directory once more. */
static int list_one(struct vd_cg_walk *walk, size_t h, int fd, const char *rel, struct vd_cg_entries *entries)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	ssize_t n = 0;

	if (vd_buf_reserve(&walk->names, DIR_BYTES) < 0)
		return -ENOMEM;
	if (lseek(fd, 0, SEEK_SET) < 0)
		n = -1;
	while (n >= 0 && (n = getdents64(fd, walk->names.data, DIR_BYTES)) > 0) {
		bool last = walk->layout->items[h].kernel && n < LAST_NAMES;

		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const struct dirent64 *)(walk->names.data + at);

			at += d->d_reclen;
			if (!is_directory(fd, d))
				continue;
			if (entries->len >= MAX_ENTRIES)
				return vd_cg_problem(walk->tree, walk->layout->items[h].path, "too many groups", true);
			if (add_entry(entries, d->d_name, 1u << h) < 0)
				return -ENOMEM;
		}
		if (last)
			return 0;
	}
	/* ENOENT: the group is gone meanwhile. */
	if (!n || errno == ENOENT)
		return 0;
	if (vd_buf_addf(&path, "%s%s", walk->layout->items[h].path, rel) < 0)
		return -ENOMEM;
	return vd_cg_problem(walk->tree, vd_buf_str(&path), strerror(errno), true);
}

int vd_cg_list(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, unsigned mask, const char *rel,
               struct vd_cg_entries *entries)
{
	size_t kept = 0;
	int r = 0;

	for (size_t h = 0; h < walk->layout->len && !r; h++)
		if (mask & 1u << h && dirs->fd[h] >= 0 && vd_cg_count_below(walk, dirs, (int)h) != 0)
			r = list_one(walk, h, dirs->fd[h], rel, entries);
	if (r < 0)
		return r;
	if (entries->len)
		qsort(entries->items, entries->len, sizeof(*entries->items), compare_entries);
	/* The same name in several hierarchies is one group. */
	for (size_t i = 0; i < entries->len; i++) {
		if (kept && !strcmp(entries->items[kept - 1].name, entries->items[i].name)) {
			entries->items[kept - 1].mask |= entries->items[i].mask;
			free(entries->items[i].name);
		} else {
			entries->items[kept++] = entries->items[i];
		}
	}
	entries->len = kept;
	return 0;
}

void vd_cg_entries_release(struct vd_cg_entries *entries)
{
	for (size_t i = 0; i < entries->len; i++)
		free(entries->items[i].name);
	free(entries->items);
	*entries = (struct vd_cg_entries){ 0 };
}

/*
 * Read @name of the group into walk->text: one read for a small file, until the end for a @list. Only a regular file
 * is read where the directory is not the kernel's own.
 */
static int read_file(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h, const char *name, bool list)
{
	VD_AUTO_CLOSE int fd = -1;
	bool kernel = h >= 0 && walk->layout->items[h].kernel;
	size_t size = list ? LIST_BYTES : 4096;
	char below[NAME_MAX + 64];
	struct stat st;
	ssize_t n;

	if (h < 0 || dirs->fd[h] < 0)
		return -ENOENT;
	if (dirs->leaf) {
		if (strlen(dirs->leaf) + strlen(name) + 2 > sizeof(below))
			return -ENAMETOOLONG;
		stpcpy(stpcpy(stpcpy(below, dirs->leaf), "/"), name);
		name = below;
	}
	fd = openat(dirs->fd[h], name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!kernel && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		return -EINVAL;
	vd_buf_clear(&walk->text);
	do {
		if (walk->text.len >= MAX_LIST)
			return -EFBIG;
		if (vd_buf_reserve(&walk->text, size) < 0)
			return -ENOMEM;
		n = read(fd, walk->text.data + walk->text.len, size);
		if (n < 0)
			return -errno;
		walk->text.len += (size_t)n;
		walk->text.data[walk->text.len] = '\0';
	} while (list && n > (kernel ? LAST_PAGE : 0));
	return 0;
}

/*
 * Like read_file() for a number that may not be there. *@ret becomes -ENODEV when the group is gone, -ENOMEM; what
 * else fails is recorded and is no failure.
 */
static bool have_file(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h, const char *name, int *ret)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	int r = *ret ? -ECANCELED : read_file(walk, dirs, h, name, false);

	/* EOPNOTSUPP: pressure is switched off, or the group is threaded. */
	if (!r || r == -ECANCELED || r == -ENOENT || r == -EOPNOTSUPP)
		return !r;
	if (r == -ENODEV || r == -ENOMEM)
		*ret = r;
	else if (vd_buf_addf(&path, "%s%s/%s", walk->layout->items[h].path, walk->at, name) < 0)
		*ret = -ENOMEM;
	else if (vd_cg_problem(walk->tree, vd_buf_str(&path), r == -EINVAL ? "no regular file" : strerror(-r), false) <
	         0)
		*ret = -ENOMEM;
	return false;
}

static bool is_v2(const struct vd_cg_walk *walk, int h)
{
	return h >= 0 && walk->layout->items[h].v2;
}

static void read_cpu(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node, int *ret)
{
	int usage = walk->from[VD_CGROUP_CPUACCT], cpu = walk->from[VD_CGROUP_CPU];
	struct vd_cgroup_cpu_stat stat;
	int64_t n;

	if (is_v2(walk, usage)) {
		if (have_file(walk, dirs, usage, "cpu.stat", ret)) {
			vd_cgroup_parse_cpu_stat(walk->text.data, walk->text.len, &stat);
			node->cpu_usec = stat.usage_usec;
			node->nr_periods = stat.nr_periods;
			node->nr_throttled = stat.nr_throttled;
		}
	} else if (have_file(walk, dirs, usage, "cpuacct.usage", ret) &&
	           !vd_cgroup_parse_number(walk->text.data, walk->text.len, &n)) {
		node->cpu_usec = n / 1000;
	}
	if (cpu != usage || !is_v2(walk, usage)) {
		if (have_file(walk, dirs, cpu, "cpu.stat", ret)) {
			vd_cgroup_parse_cpu_stat(walk->text.data, walk->text.len, &stat);
			node->nr_periods = stat.nr_periods;
			node->nr_throttled = stat.nr_throttled;
		}
	}
}

void vd_cg_read_limit(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int64_t *limit)
{
	int h = walk->from[VD_CGROUP_MEMORY], r = 0;
	int64_t n;

	if (have_file(walk, dirs, h, is_v2(walk, h) ? "memory.max" : "memory.limit_in_bytes", &r) &&
	    !vd_cgroup_parse_limit(walk->text.data, walk->text.len, &n) && n >= 0 && (*limit < 0 || n < *limit))
		*limit = n;
}

static void read_memory(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int64_t limit,
                        struct vd_cgroup_node *node, int *ret)
{
	int h = walk->from[VD_CGROUP_MEMORY];
	int64_t n;

	if (h < 0 || dirs->fd[h] < 0)
		return;
	if (have_file(walk, dirs, h, is_v2(walk, h) ? "memory.current" : "memory.usage_in_bytes", ret) &&
	    !vd_cgroup_parse_number(walk->text.data, walk->text.len, &n))
		node->memory = n;
	node->memory_max = limit;
	vd_cg_read_limit(walk, dirs, &node->memory_max);
	if (node->kind == VD_CGROUP_GUEST &&
	    have_file(walk, dirs, h, is_v2(walk, h) ? "memory.events" : "memory.oom_control", ret) &&
	    !vd_cgroup_parse_keyed(walk->text.data, walk->text.len, "oom_kill", &n))
		node->oom_kills = n;
}

static void read_pressure(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node, int *ret)
{
	static const struct {
		const char *file;
		enum vd_cgroup_resource resource;
	} files[] = {
		{ "cpu.pressure", VD_CGROUP_RES_CPU },
		{ "io.pressure", VD_CGROUP_RES_IO },
		{ "memory.pressure", VD_CGROUP_RES_MEMORY },
	};
	size_t n_files = VD_ARRAY_SIZE(files);
	unsigned number;

	if (walk->unified < 0)
		return;
	/* Threads have no memory of their own; I/O is the business of I/O threads, and shows in the guest's row. */
	if (node->kind == VD_CGROUP_THREADS)
		n_files = vd_cgroup_child_kind(node->name, &number) == VD_CGROUP_CHILD_IOTHREAD ? 2 : 1;
	for (size_t i = 0; i < n_files; i++) {
		unsigned bit = 1u << files[i].resource;
		double avg10 = 0;

		/*
		 * "some" of a group covers all groups below it: where nobody waited there is nothing to read further
		 * down, which spares an idle host most of these reads. The files of a capture are of different moments.
		 */
		if (node->quiet & bit && walk->layout->items[walk->unified].kernel && dirs->fd[walk->unified] >= 0)
			avg10 = 0;
		else if (!have_file(walk, dirs, walk->unified, files[i].file, ret) ||
		         vd_cgroup_parse_pressure(walk->text.data, walk->text.len, &avg10) < 0)
			continue;
		node->quiet = avg10 > 0 ? node->quiet & ~bit : node->quiet | bit;
		if (avg10 > node->pressure) {
			node->pressure = avg10;
			node->pressure_resource = avg10 > 0 ? files[i].resource : VD_CGROUP_NO_RESOURCE;
		}
	}
}

static void read_frozen(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, struct vd_cgroup_node *node, int *ret)
{
	int v1 = walk->from[VD_CGROUP_FREEZER];
	int64_t n;

	if (have_file(walk, dirs, walk->unified, "cgroup.events", ret) &&
	    !vd_cgroup_parse_keyed(walk->text.data, walk->text.len, "frozen", &n))
		node->frozen = n > 0;
	if (!node->frozen && v1 >= 0 && !is_v2(walk, v1) && have_file(walk, dirs, v1, "freezer.state", ret) &&
	    vd_cgroup_parse_freezer(walk->text.data, walk->text.len, &node->frozen) < 0)
		VLOG_DEBUG("freezer.state of %s: unknown word", node->rel);
}

int vd_cg_read_node(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int64_t limit, struct vd_cgroup_node *node)
{
	unsigned present = 0;
	int primary, r = 0;

	for (size_t i = 0; i < walk->layout->len; i++)
		if (dirs->fd[i] >= 0)
			present |= 1u << i;
	node->present = present;
	walk->at = node->rel;
	primary = vd_cg_primary(walk, present);
	node->path = primary >= 0 ? vd_cg_concat(walk->layout->items[primary].path, node->rel, "") : NULL;
	if (primary >= 0 && !node->path)
		return -ENOMEM;
	read_cpu(walk, dirs, node, &r);
	read_pressure(walk, dirs, node, &r);
	if (node->kind != VD_CGROUP_THREADS) {
		read_memory(walk, dirs, limit, node, &r);
		read_frozen(walk, dirs, node, &r);
	}
	return r;
}

int vd_cg_read_ids(struct vd_cg_walk *walk, const struct vd_cg_dirs *dirs, int h, const struct vd_cgroup_node *node)
{
	/* cgroup.procs of a threaded group cannot be read; threads can always. */
	const char *name = is_v2(walk, h) ? "cgroup.threads" : "tasks";
	int r = read_file(walk, dirs, h, name, true), q;
	VD_AUTO_BUF path = VD_BUF_INIT;

	/* Every group of the kernel has the file: the group itself is gone. */
	if (r == -ENOENT && h >= 0 && walk->layout->items[h].kernel)
		r = -ENODEV;
	if (!r || r == -ENODEV || r == -ENOMEM)
		return r;
	if (vd_buf_addf(&path, "%s%s/%s", h < 0 ? "" : walk->layout->items[h].path, node->rel, name) < 0)
		return -ENOMEM;
	q = vd_cg_problem(walk->tree, vd_buf_str(&path), r == -EINVAL ? "no regular file" : strerror(-r), false);
	return q < 0 ? q : r;
}
