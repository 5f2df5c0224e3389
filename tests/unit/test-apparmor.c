/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/apparmor: what the kernel writes of a process's profile, taken apart. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apparmor.h"
#include "tap.h"

int main(void)
{
	static const struct {
		const char *text, *profile, *mode;
	} cases[] = {
		{ "libvirt-1234 (enforce)\n", "libvirt-1234", "enforce" },
		{ "libvirt-1234 (complain)", "libvirt-1234", "complain" },
		{ "a (b) c (kill)\n", "a (b) c", "kill" },
		{ "unconfined\n", "unconfined", "unconfined" },
		{ "", NULL, NULL },
		{ "\n", NULL, NULL },
		{ "system_u:system_r:svirt_t:s0:c1,c2", NULL, NULL },
		{ "(enforce)", NULL, NULL },
		{ " (enforce)", NULL, NULL },
		{ "name(enforce)", NULL, NULL },
		{ ")", NULL, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		char *profile = NULL, *mode = NULL;
		int r = vd_apparmor_parse(cases[i].text, strlen(cases[i].text), &profile, &mode);

		tap_int(r, cases[i].profile ? 0 : -EBADMSG, "case %zu is %s", i,
		        cases[i].profile ? "taken apart" : "refused");
		if (r == 0) {
			tap_str(profile, cases[i].profile, "case %zu: profile", i);
			tap_str(mode, cases[i].mode, "case %zu: mode", i);
			free(profile);
			free(mode);
		}
	}
	return tap_done();
}
