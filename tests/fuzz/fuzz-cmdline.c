/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/PID/cmdline: a guest of any name is found in the command line that libvirt would give it, and no other one is.
 */
#include "fuzz.h"

#include "buf.h"
#include "guests.h"

static int add_qemu_name(struct vd_buf *line, const char *name)
{
	int r = vd_buf_add(line, "/usr/bin/qemu-system-x86_64\0-name\0guest=", 40);

	for (; *name && !r; name++) {
		r = vd_buf_addc(line, *name);
		if (!r && *name == ',')
			r = vd_buf_addc(line, ',');
	}
	return r < 0 ? r : vd_buf_add(line, ",debug-threads=on\0-S", 21);
}

FUZZ_TARGET("cmdline")
{
	VD_AUTO_FREE char *name = fuzz_piece(&data, &size);
	VD_AUTO_BUF line = VD_BUF_INIT, other = VD_BUF_INIT;

	vd_cmdline_is_guest(VD_DRIVER_QEMU, (const char *)data, size, name);
	vd_cmdline_is_guest(VD_DRIVER_LXC, (const char *)data, size, name);
	if (!*name || add_qemu_name(&line, name) < 0 || vd_buf_addf(&other, "%sx", name) < 0)
		return 0;
	FUZZ_CHECK(vd_cmdline_is_guest(VD_DRIVER_QEMU, line.data, line.len, name), "\"%s\" is not found", name);
	FUZZ_CHECK(!vd_cmdline_is_guest(VD_DRIVER_QEMU, line.data, line.len, other.data), "\"%s\" is taken for \"%s\"",
	           name, other.data);
	return 0;
}
