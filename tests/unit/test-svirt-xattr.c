/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/svirt-xattr: when the host booted. The verdicts are tested through `selinux check`. */

#include <string.h>
#include <utmp.h>

#include "svirt-xattr.h"
#include "tap.h"

int main(void)
{
	struct utmp records[3];
	struct vd_boot_times boot = { 0 };

	memset(records, 0, sizeof(records));
	records[0].ut_type = RUN_LVL;
	records[0].ut_tv.tv_sec = 1000;
	records[1].ut_type = BOOT_TIME;
	records[1].ut_tv.tv_sec = 2000;
	tap_int(vd_utmp_boot_time(records, sizeof(records)), 2000, "the boot record of utmp");
	tap_int(vd_utmp_boot_time(records, sizeof(records[0])), -1, "none in it");
	tap_int(vd_utmp_boot_time(records, sizeof(records[0]) * 2 - 1), -1, "cut short");
	tap_int(vd_utmp_boot_time(records, 0), -1, "an empty file");

	vd_boot_times_add(&boot, -1);
	tap_int((long)boot.len, 0, "no time is not added");
	for (time_t t = 1; t < 100; t++)
		vd_boot_times_add(&boot, t);
	tap_int((long)boot.len, (long)VD_ARRAY_SIZE(boot.times), "as many as there is room for");
	boot.len = 1;
	vd_boot_times_add(&boot, boot.times[0]);
	tap_int((long)boot.len, 1, "each once");
	return tap_done();
}
