/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of guests' cgroups: what is made can be read back, and no name leaves its directory. */
#include "fuzz.h"

#include <errno.h>

#include "cgroup-name.h"

#define PLAIN "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-"

static void check_reads_back(char *made, enum vd_driver driver, int id, const char *machine)
{
	struct vd_cgroup_id back;
	int r = vd_cgroup_parse_name(made, &back);

	if (r == -ENOMEM)
		return;
	FUZZ_CHECK(r == 0, "\"%s\" cannot be read back: %d", made, r);
	FUZZ_CHECK(back.driver == driver && back.id == id && !strcmp(back.machine, machine),
	           "\"%s\" reads back as driver %d, id %d, machine \"%s\"", made, (int)back.driver, back.id,
	           back.machine);
	FUZZ_CHECK(!strchr(made, '/'), "\"%s\" has a slash", made);
	vd_cgroup_id_release(&back);
}

static void check_machine(enum vd_driver driver, int id, const char *name)
{
	VD_AUTO_FREE char *machine = NULL;
	VD_AUTO_FREE char *scope = NULL;
	VD_AUTO_FREE char *plain = NULL;

	if (vd_cgroup_machine_name(driver, id, name, &machine) < 0)
		return;
	FUZZ_CHECK(strlen(machine) <= 64, "machine name of %zu bytes", strlen(machine));
	FUZZ_CHECK(strspn(machine, PLAIN) == strlen(machine), "machine name \"%s\"", machine);
	FUZZ_CHECK(!strchr(".-", machine[strlen(machine) - 1]), "machine name \"%s\" ends in a separator", machine);
	FUZZ_CHECK(!strstr(machine, "..") && !strstr(machine, "--"), "machine name \"%s\" has a run", machine);
	if (vd_cgroup_scope_name(machine, &scope) == 0)
		check_reads_back(scope, driver, id, machine);
	if (vd_cgroup_plain_name(driver, machine, &plain) == 0)
		check_reads_back(plain, driver, id, machine);
}

static void check_escape(const char *text)
{
	VD_AUTO_BUF escaped = VD_BUF_INIT, back = VD_BUF_INIT;

	if (vd_cgroup_systemd_escape(text, &escaped) < 0)
		return;
	FUZZ_CHECK(!strchr(vd_buf_str(&escaped), '/') && vd_buf_str(&escaped)[0] != '.', "escaped to \"%s\"",
	           vd_buf_str(&escaped));
	if (vd_cgroup_systemd_unescape(vd_buf_str(&escaped), escaped.len, &back) < 0)
		return;
	/* '/' becomes '-' for good; all else comes back. */
	FUZZ_CHECK(back.len == strlen(text), "%zu bytes came back as %zu", strlen(text), back.len);
	for (size_t i = 0; i < back.len; i++)
		FUZZ_CHECK(back.data[i] == (text[i] == '/' ? '-' : text[i]), "byte %zu came back as %#x", i,
		           (unsigned)back.data[i]);
}

static void check_partition(const char *text)
{
	for (int systemd = 0; systemd < 2; systemd++) {
		VD_AUTO_FREE char *path = NULL;
		int r = vd_cgroup_partition_path(text, systemd, &path);

		FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENOMEM, "partition: returned %d", r);
		if (r < 0)
			continue;
		FUZZ_CHECK(!*path || path[0] == '/', "partition \"%s\"", path);
		FUZZ_CHECK(!strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"), "partition \"%s\"",
		           path);
	}
}

static void check_any_name(const char *name)
{
	struct vd_cgroup_id id;
	unsigned number;
	int r = vd_cgroup_parse_name(name, &id);

	FUZZ_CHECK(r == 0 || r == -ENOENT || r == -ENOMEM, "parse_name: returned %d", r);
	if (r == 0) {
		FUZZ_CHECK(id.id >= -1 && id.machine && id.guest, "id %d", id.id);
		FUZZ_CHECK(id.guest >= id.machine && id.guest <= id.machine + strlen(id.machine), "guest is elsewhere");
		vd_cgroup_id_release(&id);
	}
	vd_cgroup_child_kind(name, &number);
	vd_cgroup_needs_underscore(name);
}

FUZZ_TARGET("cgroup-name")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);
	VD_AUTO_STRV names = VD_STRV_INIT;
	unsigned id = size ? data[size - 1] * 7919u : 1;

	check_machine(id & 1 ? VD_DRIVER_QEMU : VD_DRIVER_LXC, (int)id, text);
	check_escape(text);
	check_partition(text);
	check_any_name(text);
	if (vd_cgroup_guest_names(VD_DRIVER_QEMU, (int)id, text, &names) == 0)
		FUZZ_CHECK(names.len >= 4, "%zu names", names.len);
	return 0;
}
