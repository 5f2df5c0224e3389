/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units of systemd.mount(5): any bytes. What was read, written as a plain unit, reads the same. */
#include "fuzz.h"

#include "mount-unit.h"

FUZZ_TARGET("mount-unit")
{
	struct vd_mount_unit unit, again;
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (vd_mount_unit_parse((const char *)data, size, &unit) < 0)
		exit(0);
	FUZZ_CHECK(!unit.where || *unit.where, "an empty directory");
	FUZZ_CHECK(!unit.where || (!strchr(unit.where, '\n') && !strchr(" \t\r", *unit.where)), "'%s'", unit.where);
	if (unit.where && !strchr(unit.where, '%') && unit.where[strlen(unit.where) - 1] != '\\') {
		if (vd_buf_addf(&text, "[Mount]\nWhere=%s\n", unit.where) < 0 ||
		    vd_mount_unit_parse(text.data, text.len, &again) < 0)
			exit(0);
		FUZZ_CHECK(again.where && !strcmp(again.where, unit.where), "'%s' reads as '%s'", unit.where,
		           again.where ? again.where : "nothing");
		vd_mount_unit_release(&again);
	}
	vd_mount_unit_release(&unit);
	return 0;
}
