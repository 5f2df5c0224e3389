/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the cgroup reader: which hierarchies libvirt uses, and the tree of captured and built hosts: old layouts,
 * partitions, leftovers, processes and threads in the wrong place, hostile files.
 */
#include "cgroup-tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define V2 "/sys/fs/cgroup"

static char dir[64];

static void fresh(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test-cgroup-XXXXXX");
	if (!mkdtemp(dir))
		exit(1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void gone(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of @name in the built host; makes the directories above it. */
static const char *place(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(place(name), "w");

	if (!f)
		exit(1);
	fputs(text, f);
	fclose(f);
}

/* File @name of group @group ("/machine/x") in the hierarchy mounted at @mount. */
static void put_in(const char *mount, const char *group, const char *name, const char *text)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s%s/%s", mount, group, name);
	put(path, text);
}

static void put_status(const char *driver, const char *name, int id, int pid, const char *more)
{
	char path[256], text[1024];

	snprintf(path, sizeof(path), "/run/libvirt/%s/%s.xml", driver, name);
	snprintf(text, sizeof(text),
	         "<domstatus state='running' reason='booted' pid='%d'>\n"
	         "<vcpus><vcpu id='0' pid='%d'/><vcpu id='1' pid='%d'/></vcpus>\n"
	         "<domain type='%s' id='%d'><name>%s</name><memory unit='KiB'>65536</memory>\n"
	         "<os><type>hvm</type></os>%s</domain></domstatus>\n",
	         pid, pid + 1, pid + 2, driver, id, name, more);
	put(path, text);
}

static void put_membership(int pid, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	put(path, text);
}

static void mount_v2(void)
{
	put("/proc/self/mountinfo",
	    "26 1 254:0 / / rw - ext4 /dev/vda rw\n31 26 0:26 / " V2 " rw - cgroup2 cgroup2 rw\n");
	put(V2 "/cgroup.controllers", "cpuset cpu io memory pids\n");
}

/* A guest's group of v2 with an emulator and two vCPUs, laid as @group. */
static void put_guest(const char *group, int pid)
{
	char path[256], text[64];

	put_in(V2, group, "cgroup.threads", "");
	put_in(V2, group, "memory.current", "1048576\n");
	snprintf(text, sizeof(text), "%d\n", pid);
	snprintf(path, sizeof(path), "%s/emulator", group);
	put_in(V2, path, "cgroup.threads", text);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/vcpu%d", group, i);
		snprintf(text, sizeof(text), "%d\n", pid + 1 + i);
		put_in(V2, path, "cgroup.threads", text);
	}
}

struct loaded {
	struct vd_root *root;
	struct vd_mounts mounts;
	struct vd_cgroup_layout layout;
	struct vd_guests guests;
	struct vd_cgroup_tree tree;
	int r;
};

static void load_host(const char *path, bool all, struct loaded *l)
{
	struct vd_guests_options guests = { 0 };
	struct vd_cgroup_tree_options options = { .all_controllers = all };
	VD_AUTO_ERR err = VD_ERR_INIT;

	*l = (struct loaded){ 0 };
	l->r = vd_root_open(path, 0, &l->root, &err);
	if (!l->r)
		l->r = vd_mounts_load(l->root, &l->mounts, &err);
	if (!l->r)
		l->r = vd_cgroup_detect(l->root, &l->mounts, &l->layout, &err);
	if (!l->r)
		l->r = vd_guests_load(l->root, &guests, &l->guests, &err);
	if (!l->r)
		l->r = vd_cgroup_tree_load(l->root, &l->layout, &l->guests, &options, &l->tree, &err);
	if (l->r < 0)
		printf("# %s\n", vd_err_text(&err));
}

static void load(struct loaded *l)
{
	load_host(dir, false, l);
}

static void unload(struct loaded *l)
{
	vd_cgroup_tree_release(&l->tree);
	vd_guests_release(&l->guests);
	vd_cgroup_layout_release(&l->layout);
	vd_mounts_release(&l->mounts);
	vd_root_free(l->root);
}

static const struct vd_cgroup_node *find(struct vd_cgroup_node *const *nodes, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const struct vd_cgroup_node *hit = NULL;

		if (nodes[i]->name && !strcmp(nodes[i]->name, name))
			return nodes[i];
		hit = find(nodes[i]->children, nodes[i]->n_children, name);
		if (hit)
			return hit;
	}
	return NULL;
}

/* The node called @name; a static one without anything when there is none, so that checks fail and do not crash. */
static const struct vd_cgroup_node *at(const struct loaded *l, const char *name)
{
	static const struct vd_cgroup_node none = { .tasks = -99, .cpu_usec = -99, .memory = -99, .memory_max = -99 };
	const struct vd_cgroup_node *n = find(l->tree.roots, l->tree.n_roots, name);

	return n ? n : &none;
}

static const char *guest_of(const struct vd_cgroup_node *node)
{
	return node->guest ? vd_guest_name(node->guest) : NULL;
}

static bool noted(const struct loaded *l, enum vd_cgroup_note_id id, const char *part)
{
	for (size_t i = 0; i < l->tree.n_notes; i++)
		if (l->tree.notes[i].id == id && strstr(l->tree.notes[i].text, part))
			return true;
	return false;
}

static void test_detect(void)
{
	static const struct {
		const char *what, *mounts, *controllers, *mode;
		const char *cpu, *cpuacct, *memory; /* where libvirt takes them from */
	} cases[] = {
		{ "nothing", "1 0 0:1 / / rw - ext4 a rw\n", NULL, "none", NULL, NULL, NULL },
		{ "v2", "1 0 0:1 / /c rw - cgroup2 cgroup2 rw\n", "cpu memory io", "v2", "/c", "/c", "/c" },
		{ "v2 without controllers", "1 0 0:1 / /c rw - cgroup2 cgroup2 rw\n", "\n", "v2", NULL, "/c", NULL },
		{ "v1, co-mounted",
		  "1 0 0:1 / /c/both rw - cgroup cgroup rw,cpuacct,cpu\n2 0 0:2 / /c/m rw - cgroup cgroup rw,memory\n",
		  NULL, "v1", "/c/both", "/c/both", "/c/m" },
		{ "v1, mounted twice",
		  "1 0 0:1 / /old rw - cgroup cgroup rw,memory\n2 0 0:1 / /new rw - cgroup cgroup rw,memory\n", NULL,
		  "v1", NULL, NULL, "/new" },
		{ "hybrid", "1 0 0:1 / /m rw - cgroup cgroup rw,memory\n2 0 0:2 / /c rw - cgroup2 cgroup2 rw\n",
		  "hugetlb\n", "hybrid", NULL, "/c", "/m" },
		{ "hybrid as systemd mounts it: v2 has no controllers",
		  "1 0 0:1 / /a rw - cgroup cgroup rw,cpu,cpuacct\n2 0 0:2 / /c rw - cgroup2 cgroup2 rw\n", "\n", "v1",
		  "/a", "/a", NULL },
		{ "v2 twice, the later one without controllers",
		  "1 0 0:2 / /c rw - cgroup2 cgroup2 rw\n2 0 0:2 / /empty rw - cgroup2 cgroup2 rw\n", "cpu\n", "v2",
		  "/c", "/c", NULL },
		{ "only systemd's own hierarchy", "1 0 0:1 / /s rw - cgroup cgroup rw,name=systemd\n", NULL, "none",
		  NULL, NULL, NULL },
		{ "a directory name is no controller", "1 0 0:1 / /memory rw - cgroup cgroup rw,cpu\n", NULL, "v1",
		  "/memory", NULL, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct loaded l;
		int from;

		fresh();
		put("/proc/self/mountinfo", cases[i].mounts);
		put("/empty/cgroup.controllers", "");
		if (cases[i].controllers)
			put("/c/cgroup.controllers", cases[i].controllers);
		load(&l);
		tap_int(l.r, 0, "%s: reads", cases[i].what);
		tap_str(vd_cgroup_mode_name(l.layout.mode), cases[i].mode, "%s: the mode", cases[i].what);
		from = l.layout.from[VD_CGROUP_CPU];
		tap_str(from < 0 ? NULL : l.layout.items[from].path, cases[i].cpu, "%s: cpu", cases[i].what);
		from = l.layout.from[VD_CGROUP_CPUACCT];
		tap_str(from < 0 ? NULL : l.layout.items[from].path, cases[i].cpuacct, "%s: cpuacct", cases[i].what);
		from = l.layout.from[VD_CGROUP_MEMORY];
		tap_str(from < 0 ? NULL : l.layout.items[from].path, cases[i].memory, "%s: memory", cases[i].what);
		unload(&l);
		gone();
	}
}

static void test_captured(void)
{
	struct loaded l;

	load_host("tests/hosts/v2-systemd-selinux", false, &l);
	tap_int(l.r, 0, "v2-systemd-selinux: reads");
	tap_int(l.tree.n_guest_groups, 2, "v2-systemd-selinux: two guests");
	tap_int(l.tree.n_notes + l.tree.n_problems, 0, "v2-systemd-selinux: nothing odd");
	tap_int(at(&l, "qemu-2-g1")->tasks, 4, "v2-systemd-selinux: threads of g1");
	tap_int(at(&l, "lxc-653-c1")->memory_max, 67108864, "v2-systemd-selinux: limit of c1, from the nested group");
	tap_int(at(&l, "machine.slice")->tasks, 9, "v2-systemd-selinux: threads of all");
	unload(&l);

	load_host("tests/hosts/v1-hybrid-qemu", false, &l);
	tap_int(l.r, 0, "v1-hybrid-qemu: reads");
	tap_str(guest_of(at(&l, "qemu-5-sf-a.bc-x")), "sf-a.b_c é-x", "v1-hybrid-qemu: the guest behind the name");
	tap_int(at(&l, "qemu-5-sf-a.bc-x")->cpu_usec, 813351, "v1-hybrid-qemu: CPU time from v2");
	tap_int(at(&l, "qemu-5-sf-a.bc-x")->memory, 31039488, "v1-hybrid-qemu: memory from v1");
	tap_ok(vd_cgroup_is_throttled(at(&l, "emulator")), "v1-hybrid-qemu: 11 of 186 periods is throttled");
	tap_ok(!vd_cgroup_is_throttled(at(&l, "vcpu0")), "v1-hybrid-qemu: 4 of 384 is not");
	tap_int(l.tree.n_notes + l.tree.n_problems, 0, "v1-hybrid-qemu: nothing odd");
	unload(&l);

	load_host("tests/hosts/v1-hybrid-qemu", true, &l);
	tap_int(l.tree.n_roots, 6, "v1-hybrid-qemu: six hierarchies that libvirt uses");
	tap_int(l.tree.n_notes, 0, "v1-hybrid-qemu: in each the guest is where it belongs");
	unload(&l);

	load_host("tests/hosts/v1-lxc", false, &l);
	tap_int(at(&l, "lxc-8105-sf-lxch")->cpu_usec, 13770, "v1-lxc: CPU time from nanoseconds");
	tap_int(at(&l, "lxc-8105-sf-lxch")->memory_max, 100663296, "v1-lxc: limit");
	tap_int(at(&l, "machine")->tasks, -1, "v1-lxc: what the capture lacks is unknown");
	unload(&l);

	load_host("tests/hosts/v2-only-qemu", false, &l);
	tap_int(at(&l, "qemu-1-sf-v2")->n_children, 0, "v2-only-qemu: no groups for threads");
	tap_ok(at(&l, "qemu-5-sf-a.bc-x")->orphan, "v2-only-qemu: the guest of another libvirtd is an orphan");
	unload(&l);
}

static void test_partitions(void)
{
	struct loaded l;

	fresh();
	mount_v2();
	put_status("qemu", "a", 1, 100, "<resource><partition>/machine/prod/sub.x</partition></resource>");
	put_status("qemu", "b", 2, 200, "<resource><partition>/vms-x</partition></resource>");
	put_status("qemu", "c", 3, 300, "");
	put_guest("/machine/prod.partition/sub.x/qemu-1-a.libvirt-qemu", 100);
	put_guest("/vms\\x2dx.slice/machine-qemu\\x2d2\\x2db.scope/libvirt", 200);
	put_guest("/machine.slice/machine-qemu\\x2d3\\x2dc.scope", 300); /* before 7.1.0: no nested group */
	put_in(V2, "/machine.slice/machine-nspawn.scope", "cgroup.threads", "1\n");
	put_in(V2, "/machine.slice/systemd-nspawn@x.service", "cgroup.threads", "1\n");
	put_in(V2, "/vms\\x2dx.slice", "memory.max", "5242880\n");
	put_in(V2, "/vms\\x2dx.slice/machine-qemu\\x2d2\\x2db.scope", "memory.max", "4194304\n");
	put_in(V2, "/vms\\x2dx.slice/machine-qemu\\x2d2\\x2db.scope/libvirt", "memory.max", "max\n");
	load(&l);
	tap_int(l.tree.n_guest_groups, 3, "partitions: every guest is found");
	tap_str(guest_of(at(&l, "qemu-1-a")), "a", "partitions: a nested one without systemd");
	tap_str(guest_of(at(&l, "qemu-2-b")), "b", "partitions: a slice at the top, its dash escaped");
	tap_str(guest_of(at(&l, "qemu-3-c")), "c", "partitions: the default");
	tap_int(at(&l, "qemu-2-b")->memory_max, 4194304, "partitions: the smallest limit on the way counts");
	tap_int(at(&l, "qemu-3-c")->n_children, 3, "a scope without a nested group: its children");
	tap_int(at(&l, "qemu-3-c")->tasks, 3, "a scope without a nested group: its threads");
	tap_ok(!find(l.tree.roots, l.tree.n_roots, "machine-nspawn.scope"), "a scope of others is left out");
	tap_int(l.tree.n_notes, 0, "partitions: nothing odd");
	unload(&l);
	gone();
}

static void test_old_layouts(void)
{
	struct loaded l;

	fresh();
	mount_v2();
	put_status("qemu", "web 01", 1, 100, "");
	put_status("qemu", "db", 2, 200, "");
	put_status("lxc", "web 01", 300, 300, "");
	put_guest("/libvirt/qemu/web 01", 100);
	put_guest("/libvirt/lxc/web 01", 300);
	put_guest("/system.slice/libvirtd.service/libvirt/qemu/db", 200);
	put_membership(200, "0::/system.slice/libvirtd.service/libvirt/qemu/db/emulator\n");
	load(&l);
	tap_int(l.tree.n_guest_groups, 3, "libvirt/qemu: at the top, and in the daemon's own group");
	tap_str(guest_of(at(&l, "db")), "db", "libvirt/qemu: found by the process");
	tap_int(l.tree.n_notes, 0, "libvirt/qemu: nothing odd");
	unload(&l);
	gone();

	fresh();
	mount_v2();
	put_status("qemu", "web", 1, 100, "");
	put_status("qemu", "db", 2, 200, "");
	put_guest("/machine/web.libvirt-qemu", 100);
	put_guest("/machine.slice/machine-qemu\\x2ddb.scope", 200);
	load(&l);
	tap_str(guest_of(at(&l, "web")), "web", "no id in the name: a plain group");
	tap_str(guest_of(at(&l, "qemu-db")), "db", "no id in the name: a scope");
	unload(&l);
	gone();
}

static void test_leftovers(void)
{
	static const char xml[] = "<domain type='qemu'><name>web01</name><os><type>hvm</type></os></domain>";
	struct loaded l;

	fresh();
	mount_v2();
	put("/etc/libvirt/qemu/web01.xml", xml);
	put_in(V2, "/machine/qemu-3-web01.libvirt-qemu", "cgroup.threads", "");
	put_in(V2, "/machine/qemu-9-gone.libvirt-qemu/emulator", "cgroup.threads", "77\n");
	put_in(V2, "/machine/qemu-9-gone.libvirt-qemu", "cgroup.threads", "");
	load(&l);
	tap_ok(at(&l, "qemu-3-web01")->stale, "an empty group is stale");
	tap_str(guest_of(at(&l, "qemu-3-web01")), "web01", "a stale group still tells whose it was");
	tap_ok(noted(&l, VD_CGROUP_NOTE_STALE, "/machine/qemu-3-web01"), "a stale group is noted");
	tap_ok(at(&l, "qemu-9-gone")->orphan && !at(&l, "qemu-9-gone")->stale, "processes without a guest: orphan");
	unload(&l);
	put("/etc/libvirt/qemu/long.xml",
	    "<domain type='qemu'><name>aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff.gggggggg</name>"
	    "<os><type>hvm</type></os></domain>");
	put_in(V2, "/machine/qemu-4-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff.libvirt-qemu",
	       "cgroup.threads", "");
	load(&l);
	tap_str(guest_of(at(&l, "qemu-4-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff")),
	        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff.gggggggg", "... also when its name was cut");
	unload(&l);
	put("/etc/libvirt/qemu/broken.xml", "<domain");
	load(&l);
	tap_ok(!at(&l, "qemu-9-gone")->orphan, "with unreadable XML nobody can tell that there is no guest");
	unload(&l);
	gone();
}

static void test_misplaced(void)
{
	struct loaded l;

	fresh();
	mount_v2();
	put_status("qemu", "a", 1, 100, "");
	put_guest("/machine/qemu-1-a.libvirt-qemu", 100);
	put_in(V2, "/machine/qemu-1-a.libvirt-qemu/emulator", "cgroup.threads", "100\n102\n");
	put_in(V2, "/machine/qemu-1-a.libvirt-qemu/vcpu1", "cgroup.threads", "");
	put_status("qemu", "b", 2, 200, "");
	put_in(V2, "/machine/qemu-2-b.libvirt-qemu", "cgroup.threads", "");
	put_membership(200, "0::/user.slice/session-1.scope\n");
	put_status("qemu", "c", 3, 300, "");
	put_membership(300, "0::/\n");
	put_status("qemu", "d", 4, 400, "");
	put_status("qemu", "e", 5, 500, "");
	put_guest("/machine/qemu-77-other.libvirt-qemu", 500);
	put_membership(500, "0::/machine/qemu-77-other.libvirt-qemu/emulator\n");
	put_status("qemu", "f", 6, 600, "");
	put_guest("/machine/qemu-6-f.libvirt-qemu", 600);
	put_in(V2, "/machine/qemu-6-f.libvirt-qemu/vcpu0", "cgroup.threads", "601\n602\n");
	load(&l);
	tap_ok(at(&l, "emulator")->misplaced, "a vCPU's thread in emulator is misplaced");
	tap_ok(noted(&l, VD_CGROUP_NOTE_MISPLACED, "vCPU 1 of a (thread 102) is in emulator"), "... and noted");
	tap_ok(noted(&l, VD_CGROUP_NOTE_MISPLACED, "vCPU 1 of f (thread 602) is in vcpu0"),
	       "in another vCPU's group too");
	tap_ok(at(&l, "qemu-2-b")->misplaced, "a group whose guest's process is elsewhere");
	tap_ok(!at(&l, "qemu-2-b")->stale, "... is not stale: its guest runs");
	tap_ok(noted(&l, VD_CGROUP_NOTE_MISPLACED, "/user.slice/session-1.scope"), "... and where it is");
	tap_ok(noted(&l, VD_CGROUP_NOTE_NO_GROUP, "c runs without a cgroup"), "a guest in / has no group");
	tap_ok(noted(&l, VD_CGROUP_NOTE_NO_GROUP, "d runs (process 400)"),
	       "a guest of which nothing is known has none");
	tap_ok(at(&l, "qemu-77-other")->misplaced, "a guest in a group with another's name");
	tap_str(guest_of(at(&l, "qemu-77-other")), "e", "... is found by its process");
	tap_int(l.tree.n_roots, 3, "guests without a group are rows of their own");
	unload(&l);
	gone();
}

static void test_pid_namespace(void)
{
	struct loaded l;

	fresh();
	mount_v2();
	put_status("qemu", "a", 1, 7, "");
	put_guest("/machine/qemu-1-a.libvirt-qemu", 40007);
	put_membership(7, "0::/machine/qemu-1-a.libvirt-qemu/emulator\n");
	load(&l);
	tap_ok(!at(&l, "qemu-1-a")->misplaced,
	       "a process that the group lists by another number is where it should be");
	tap_int(l.tree.n_notes, 0, "... and nothing is said of it");
	unload(&l);
	gone();
}

static void test_hierarchies_disagree(void)
{
	struct loaded l;

	fresh();
	put("/proc/self/mountinfo", "1 0 0:1 / /c/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
	                            "2 0 0:2 /docker/x /c/memory rw - cgroup cgroup rw,memory\n");
	put_status("qemu", "a", 1, 100, "");
	put_in("/c/cpu", "/machine/qemu-1-a.libvirt-qemu", "tasks", "100\n");
	put_in("/c/memory", "/machine/qemu-1-a.libvirt-qemu", "tasks", "100\n");
	put_in("/c/memory", "/machine/qemu-8-left.libvirt-qemu", "tasks", "");
	put_membership(100, "2:memory:/docker/x/machine/qemu-1-a.libvirt-qemu\n"
	                    "1:cpu,cpuacct:/machine/qemu-1-a.libvirt-qemu/emulator\n");
	load(&l);
	tap_ok(!at(&l, "qemu-1-a")->misplaced, "the same group everywhere, one mount's root being deeper");
	tap_ok(at(&l, "qemu-8-left")->stale, "a group that is left in one hierarchy only is shown");
	unload(&l);
	put_membership(100, "2:memory:/docker/x\n1:cpu,cpuacct:/machine/qemu-1-a.libvirt-qemu\n");
	load(&l);
	tap_ok(noted(&l, VD_CGROUP_NOTE_MISPLACED, "is in / of memory"),
	       "memory disagrees, though the group exists there");
	unload(&l);
	gone();
}

static void test_numbers(void)
{
	static const char group[] = "/machine/qemu-1-a.libvirt-qemu";
	struct vd_cgroup_node node = { .nr_periods = 100, .nr_throttled = 5 };
	struct loaded l;

	tap_ok(!vd_cgroup_is_throttled(&node), "5 per cent is not throttled");
	node.nr_throttled = 6;
	tap_ok(vd_cgroup_is_throttled(&node), "6 per cent is");
	node = (struct vd_cgroup_node){ .nr_periods = 10, .nr_throttled = 1 };
	tap_ok(vd_cgroup_is_throttled(&node), "1 of 10 periods is");
	node = (struct vd_cgroup_node){ .nr_periods = -1, .nr_throttled = -1 };
	tap_ok(!vd_cgroup_is_throttled(&node), "unknown is not");
	fresh();
	mount_v2();
	put_status("qemu", "a", 1, 100, "");
	put_guest(group, 100);
	put_in(V2, group, "memory.events", "low 0\noom 3\noom_kill 2\n");
	put_in(V2, group, "cgroup.events", "populated 1\nfrozen 1\n");
	put_in(V2, group, "cpu.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=1\n");
	put_in(V2, group, "memory.pressure", "some avg10=22.40 avg60=0.00 avg300=0.00 total=1\n");
	put_in(V2, group, "io.pressure", "some avg10=3.00 avg60=0.00 avg300=0.00 total=1\n");
	load(&l);
	tap_int(at(&l, "qemu-1-a")->oom_kills, 2, "kills, not times out of memory");
	tap_ok(at(&l, "qemu-1-a")->frozen, "frozen");
	tap_ok(at(&l, "qemu-1-a")->pressure > 22.39 && at(&l, "qemu-1-a")->pressure < 22.41, "the highest pressure");
	tap_str(vd_cgroup_resource_name(at(&l, "qemu-1-a")->pressure_resource), "mem", "... and its resource");
	tap_int(at(&l, "machine")->cpu_usec, -1, "a file that is not there leaves its number unknown");
	tap_int(l.tree.n_problems, 1, "only the partition's threads are missing");
	unload(&l);
	gone();
}

static void test_containers(void)
{
	struct loaded l;

	fresh();
	mount_v2();
	put_status("lxc", "c1", 100, 100, "");
	put_in(V2, "/machine.slice", "cgroup.threads", "");
	put_in(V2, "/machine.slice/machine-lxc\\x2d100\\x2dc1.scope/libvirt", "cgroup.threads", "100\n");
	put_in(V2, "/machine.slice/machine-lxc\\x2d100\\x2dc1.scope/libvirt/init.scope", "cgroup.threads", "101\n");
	put_in(V2, "/machine.slice/machine-lxc\\x2d100\\x2dc1.scope/libvirt/system.slice/x.service", "cgroup.threads",
	       "102\n103\n");
	put_in(V2, "/machine.slice/machine-lxc\\x2d100\\x2dc1.scope/libvirt/system.slice", "cgroup.threads", "");
	load(&l);
	tap_int(at(&l, "lxc-100-c1")->tasks, 4, "a container's own groups count");
	tap_int(at(&l, "lxc-100-c1")->n_children, 0, "... and are not shown");
	unload(&l);
	gone();
}

static void test_hostile(void)
{
	static const char group[] = "/machine/qemu-1-a.libvirt-qemu";
	char path[256];
	struct loaded l;

	fresh();
	mount_v2();
	put("/secret/cgroup.threads", "1\n2\n3\n");
	put("/secret/memory.current", "42\n");
	put_status("qemu", "a", 1, 100, "");
	put_guest(group, 100);
	snprintf(path, sizeof(path), "%s/secret/memory.current", dir);
	unlink(place(V2 "/machine/qemu-1-a.libvirt-qemu/memory.current"));
	if (mkfifo(place(V2 "/machine/qemu-1-a.libvirt-qemu/memory.current"), 0600) < 0 ||
	    symlink(path, place(V2 "/machine/qemu-1-a.libvirt-qemu/memory.max")) < 0)
		tap_ok(false, "made a FIFO and a symlink");
	snprintf(path, sizeof(path), "%s/secret", dir);
	if (symlink(path, place(V2 "/machine/qemu-2-b.libvirt-qemu")) < 0)
		tap_ok(false, "made a symlink");
	put_in(V2, "/machine.slice/machine-qemu\\x2d3\\x2dc.scope", "cgroup.threads", "300\n");
	if (symlink(path, place(V2 "/machine.slice/machine-qemu\\x2d3\\x2dc.scope/libvirt")) < 0)
		tap_ok(false, "made a symlink");
	load(&l);
	tap_int(at(&l, "qemu-3-c")->tasks, 1, "a symlink in place of the nested group is not followed");
	tap_int(l.r, 0, "hostile files: the tree is read");
	tap_int(at(&l, "qemu-1-a")->memory, -1, "a FIFO is not read, and does not hang");
	tap_int(at(&l, "qemu-1-a")->memory_max, -1, "a symlink in place of a file is not followed");
	tap_ok(!find(l.tree.roots, l.tree.n_roots, "qemu-2-b"), "a symlink in place of a group is no group");
	tap_ok(l.tree.n_problems >= 2, "what could not be read is said");
	unload(&l);
	gone();
}

int main(void)
{
	test_detect();
	test_captured();
	test_partitions();
	test_old_layouts();
	test_leftovers();
	test_misplaced();
	test_pid_namespace();
	test_hierarchies_disagree();
	test_numbers();
	test_containers();
	test_hostile();
	return tap_done();
}
