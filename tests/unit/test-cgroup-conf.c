/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects reading and changing cgroup_controllers of qemu.conf. */
#include "cgroup-conf.h"

#include <errno.h>

#include "tap.h"

#define CPU    (1u << VD_CGROUP_CPU)
#define MEMORY (1u << VD_CGROUP_MEMORY)
#define ALL    VD_CGROUP_LIBVIRT

static void reads(const char *text, int wanted, bool is_set, unsigned mask)
{
	struct vd_cgroup_conf conf = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_cgroup_conf_read(text, strlen(text), "qemu.conf", &conf, &err);

	tap_int(r, wanted, "'%s' -> %d", text, wanted);
	if (wanted < 0) {
		tap_ok(strstr(vd_err_text(&err), "qemu.conf") != NULL, "'%s' -> the file is named: %s", text,
		       vd_err_text(&err));
		return;
	}
	tap_ok(conf.is_set == is_set, "'%s' -> %s", text, is_set ? "set" : "not set");
	tap_int(conf.mask, mask, "'%s' -> these controllers", text);
}

static void changes(const char *text, unsigned off, unsigned on, int wanted_r, const char *wanted)
{
	VD_AUTO_BUF result = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_cgroup_conf_change(text, strlen(text), "qemu.conf", off, on, &result, &err);

	tap_int(r, wanted_r, "'%s' less %#x and %#x -> %d", text, off, on, wanted_r);
	tap_str(r < 0 ? NULL : vd_buf_str(&result), wanted, "'%s' less %#x and %#x -> text", text, off, on);
}

static void round_trip(const char *text)
{
	VD_AUTO_BUF without = VD_BUF_INIT, again = VD_BUF_INIT;
	bool ok = vd_cgroup_conf_change(text, strlen(text), "f", MEMORY, 0, &without, NULL) == 1 &&
	          vd_cgroup_conf_change(vd_buf_str(&without), without.len, "f", 0, MEMORY, &again, NULL) == 1;

	tap_ok(ok, "'%s': both ways change it", text);
	tap_str(vd_buf_str(&again), text, "'%s': taken away and given back -> as it was", text);
}

int main(void)
{
	reads("", 0, false, ALL);
	reads("#cgroup_controllers = [ \"cpu\" ]\n", 0, false, ALL);
	reads("cgroup_controllers = [ \"cpu\", \"memory\" ]\n", 0, true, CPU | MEMORY);
	reads("cgroup_controllers = [ \"name=systemd\" ]\n", 0, true, 0);
	reads("cgroup_controllers = []\n", 0, true, 0);
	reads("cgroup_controllers = [ \"cpu\" ]\ncgroup_controllers = [ \"memory\" ]\n", 0, true, CPU);
	reads("cgroup_controllers = \"cpu\"\n", -EBADMSG, false, 0);
	reads("cgroup_controllers = [ \"pids\" ]\n", -EBADMSG, false, 0);
	reads("cgroup_controllers = [ \"cpu\n", -EBADMSG, false, 0);

	changes("", MEMORY, 0, 1,
	        "cgroup_controllers = [ \"cpu\", \"devices\", \"blkio\", \"cpuset\", \"cpuacct\", \"freezer\", "
	        "\"net_cls\", \"perf_event\" ]\n");
	changes("cgroup_controllers = [ \"memory\", \"name=systemd\", \"cpu\" ]\n", CPU, 0, 1,
	        "cgroup_controllers = [ \"memory\", \"name=systemd\" ]\n");
	changes("cgroup_controllers = [ \"cpu\" ]\n", 0, MEMORY, 1, "cgroup_controllers = [ \"cpu\", \"memory\" ]\n");
	changes("cgroup_controllers = [ \"cpu\" ]\n", MEMORY, 0, 0, "cgroup_controllers = [ \"cpu\" ]\n");
	changes("user = \"x\"\n", 0, MEMORY, 0, "user = \"x\"\n");
	changes("cgroup_controllers = 3\n", MEMORY, 0, -EBADMSG, NULL);

	round_trip("");
	round_trip("user = \"nobody\"\n# last\n");
	round_trip("# x\n#cgroup_controllers = [ \"cpu\", \"devices\" ]\nuser = \"nobody\"\n");
	return tap_done();
}
