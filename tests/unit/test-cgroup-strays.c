/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the search for threads in a wrong group: roles by pid, status XML and name, a whole process elsewhere, what
 * moves it back, hostile names and groups.
 */
#include "cgroup-strays.h"

#include "tap.h"
#include "tree.h"

#define GROUP "/machine/qemu-1-a.libvirt-qemu"
#define V2    "sys/fs/cgroup"

struct host {
	struct vd_root *root;
	struct vd_guests guests;
	struct vd_mounts mounts;
	struct vd_cgroup_layout layout;
	struct vd_cgroup_tree tree;
	struct vd_strays strays;
};

static const struct vd_cgroup_node *find(struct vd_cgroup_node *const *nodes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct vd_cgroup_node *n =
		        nodes[i]->kind == VD_CGROUP_GUEST ? nodes[i] : find(nodes[i]->children, nodes[i]->n_children);

		if (n)
			return n;
	}
	return NULL;
}

static void load(struct host *h)
{
	struct vd_guests_options guests = { 0 };
	struct vd_cgroup_tree_options options = { 0 };

	memset(h, 0, sizeof(*h));
	tree_must(vd_root_open(tree_top, 0, &h->root, NULL) == 0, "root");
	tree_must(vd_guests_load(h->root, &guests, &h->guests, NULL) == 0, "guests");
	tree_must(vd_mounts_load(h->root, &h->mounts, NULL) == 0, "mounts");
	tree_must(vd_cgroup_detect(h->root, &h->mounts, &h->layout, NULL) == 0, "layout");
	tree_must(vd_cgroup_tree_load(h->root, &h->layout, &h->guests, &options, &h->tree, NULL) == 0, "tree");
	tree_must(find(h->tree.roots, h->tree.n_roots) != NULL, "group");
	tree_must(vd_strays_load(h->root, &h->layout, find(h->tree.roots, h->tree.n_roots), &h->strays, NULL) == 0,
	          "strays");
}

static void release(struct host *h)
{
	vd_strays_release(&h->strays);
	vd_cgroup_tree_release(&h->tree);
	vd_cgroup_layout_release(&h->layout);
	vd_mounts_release(&h->mounts);
	vd_guests_release(&h->guests);
	vd_root_free(h->root);
}

static void task(int tid, const char *name, const char *group)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "proc/100/task/%d/comm", tid);
	snprintf(text, sizeof(text), "%s\n", name);
	tree_file(path, text);
	snprintf(path, sizeof(path), "proc/100/task/%d/cgroup", tid);
	snprintf(text, sizeof(text), "0::%s\n", group);
	tree_file(path, text);
}

static void build(void)
{
	tree_file("proc/self/mountinfo", "26 1 254:0 / / rw - ext4 /dev/vda rw\n"
	                                 "31 26 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_file(V2 "/cgroup.controllers", "cpuset cpu io memory pids\n");
	tree_file("run/libvirt/qemu/a.xml",
	          "<domstatus state='running' reason='booted' pid='100'><vcpus><vcpu id='3' pid='101'/></vcpus>"
	          "<domain type='kvm' id='1'><name>a</name><memory>1</memory><os><type>hvm</type></os></domain>"
	          "</domstatus>");
	tree_file(V2 GROUP "/cgroup.threads", "");
	tree_file(V2 GROUP "/emulator/cgroup.threads", "100\n");
	tree_file(V2 GROUP "/vcpu3/cgroup.threads", "101\n");
	tree_file(V2 GROUP "/iothread1/cgroup.threads", "102\n");
	task(100, "qemu", GROUP "/emulator");
	task(101, "CPU 3/KVM", GROUP "/vcpu3");
	task(102, "IO iothread1", GROUP "/iothread1");
}

static void test_right(void)
{
	struct host h;

	/* Names that look like I/O threads and are none, helpers, and an I/O thread without a group of its own. */
	task(103, "IO iothread1x", GROUP "/emulator");
	task(104, "kvm-nx-lpage-re", GROUP "/vcpu3");
	task(105, "vhost-100", GROUP "/vcpu3");
	task(106, "worker", GROUP "/iothread1");
	task(107, "IO iothread9", GROUP "/emulator");
	load(&h);
	tap_int((long long)h.strays.len, 0, "all where they belong");
	release(&h);
}

static void test_roles(void)
{
	struct host h;

	task(101, "IO iothread1", GROUP "/iothread1");
	task(102, "IO iothread1", GROUP "/vcpu3");
	task(103, "call_rcu", GROUP "/vcpu3");
	task(104, "anything", GROUP "/vcpu3");
	load(&h);
	tap_int((long long)h.strays.len, 4, "four strays");
	for (size_t i = 0; i < h.strays.len; i++) {
		const struct vd_stray *s = &h.strays.items[i];

		tap_int(s->kind,
		        s->tid == 101   ? VD_STRAY_VCPU
		        : s->tid == 102 ? VD_STRAY_IOTHREAD
		                        : VD_STRAY_EMULATOR,
		        "the status XML wins over the name, the name over nothing");
		tap_int(s->certain, s->tid != 104, "certain unless the name says nothing");
		tap_int((long long)s->n_moves, 1, "one move");
		tap_str(s->moves[0].file,
		        s->tid == 101   ? "/" V2 GROUP "/vcpu3/cgroup.threads"
		        : s->tid == 102 ? "/" V2 GROUP "/iothread1/cgroup.threads"
		                        : "/" V2 GROUP "/emulator/cgroup.threads",
		        "into its group");
	}
	release(&h);
}

static void test_process(void)
{
	struct host h;

	task(100, "qemu", "/elsewhere");
	task(101, "CPU 3/KVM", "/elsewhere");
	task(102, "IO iothread1", "/elsewhere");
	task(103, "call_rcu", "/elsewhere");
	task(104, "anything", GROUP "/emulator");
	load(&h);
	tap_int((long long)h.strays.len, 1, "one stray for all that went with the process");
	tap_int(h.strays.items[0].kind, VD_STRAY_PROCESS, "the process");
	tap_str(h.strays.items[0].where, "/elsewhere", "where it is");
	tap_int((long long)h.strays.items[0].n_moves, 3, "the process, then the threads with a group of their own");
	tap_str(h.strays.items[0].moves[0].file, "/" V2 GROUP "/emulator/cgroup.procs", "the process as a whole");
	tap_str(h.strays.items[0].moves[0].back, "/" V2 "/elsewhere/cgroup.procs", "and back");
	release(&h);
}

static void test_hostile(void)
{
	struct host h;

	/* A neighbour whose name begins like the guest's group; outside of the namespace; nothing; not a number. */
	task(100, "qemu", GROUP "/emulator");
	task(101, "CPU 3/KVM", GROUP "x/vcpu3");
	task(102, "IO iothread1", "/../outside");
	tree_file("proc/100/task/103/cgroup", "");
	tree_file("proc/100/task/104/comm", "worker");
	tree_file("proc/100/task/104/cgroup", "nonsense\n0:\n");
	tree_file("proc/100/task/abc/cgroup", "0::/\n");
	load(&h);
	tap_int((long long)h.strays.len, 1, "only what is surely wrong");
	tap_str(h.strays.len ? h.strays.items[0].where : NULL, GROUP "x/vcpu3",
	        "the neighbour's group is not the guest's");
	release(&h);
}

int main(void)
{
	tree_begin();
	build();
	test_right();
	test_roles();
	test_process();
	test_hostile();
	return tap_done();
}
