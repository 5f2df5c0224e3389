/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SELinux contexts and ranges: the parts put together again are the text, and category sets are sets. */
#include "fuzz.h"

#include <errno.h>

#include "svirt.h"

static void check_range(const char *range)
{
	struct vd_catset set, none = { { 0 } };
	char sens[16];
	int r = vd_range_parse(range, sens, &set);

	FUZZ_CHECK(r == 0 || r == -EINVAL, "range: returned %d", r);
	if (r < 0)
		return;
	FUZZ_CHECK(*sens && !strncmp(range, sens, strlen(sens)), "\"%s\" has sensitivity \"%s\"", range, sens);
	FUZZ_CHECK(vd_catset_equal(&set, &set) && vd_catset_subset(&set, &set) && vd_catset_subset(&none, &set),
	           "a set is not in itself");
	FUZZ_CHECK(vd_catset_empty(&set) == vd_catset_subset(&set, &none), "empty, or not");
}

FUZZ_TARGET("context")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);
	VD_CLEANUP(vd_context_release) struct vd_context c = { 0 };
	int r = vd_context_parse(text, &c);

	check_range(text);
	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENOMEM, "returned %d", r);
	if (r == 0) {
		VD_AUTO_BUF again = VD_BUF_INIT;

		FUZZ_CHECK(*c.user && *c.role && *c.type, "an empty part in \"%s\"", text);
		if (vd_buf_addf(&again, "%s:%s:%s%s%s", c.user, c.role, c.type, c.range ? ":" : "",
		                c.range ? c.range : "") == 0)
			FUZZ_CHECK(!strcmp(vd_buf_str(&again), text), "\"%s\" became \"%s\"", text, vd_buf_str(&again));
		if (c.range)
			check_range(c.range);
	}
	return 0;
}
