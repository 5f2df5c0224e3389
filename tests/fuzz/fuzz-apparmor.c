/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AppArmor's words about a process, and utmp: what is taken apart can be put together again; nothing is read too far.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utmp.h>

#include "apparmor.h"
#include "buf.h"
#include "svirt-xattr.h"

static void check_profile(const char *text, size_t len)
{
	char *profile = NULL, *mode = NULL;
	VD_AUTO_BUF again = VD_BUF_INIT;
	int r = vd_apparmor_parse(text, len, &profile, &mode);

	if (r < 0) {
		FUZZ_CHECK(r == -EBADMSG || r == -ENOMEM, "error %d", r);
		return;
	}
	FUZZ_CHECK(!strchr(mode, '('), "mode '%s'", mode);
	if (strcmp(profile, "unconfined") != 0 && vd_buf_addf(&again, "%s (%s)", profile, mode) == 0)
		FUZZ_CHECK(again.len <= len && !memcmp(again.data, text, again.len), "'%s' is not what was given",
		           vd_buf_str(&again));
	free(profile);
	free(mode);
}

FUZZ_TARGET("apparmor")
{
	time_t boot = vd_utmp_boot_time(data, size);

	FUZZ_CHECK(boot == -1 || size >= sizeof(struct utmp), "a boot time in %zu bytes", size);
	check_profile((const char *)data, size);
	return 0;
}
