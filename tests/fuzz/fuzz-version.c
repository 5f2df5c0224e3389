/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version strings: what is parsed is printed as it was, leading zeros and what follows apart. */
#include "fuzz.h"

#include <errno.h>

#include "host.h"

FUZZ_TARGET("version")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);
	unsigned version = 77, again = 0;
	char printed[32];
	int r = vd_version_parse(text, &version);

	FUZZ_CHECK(r == 0 || (r == -EINVAL && version == 77), "\"%s\": returned %d, version %u", text, r, version);
	if (r < 0)
		return 0;
	vd_version_format(version, printed);
	if (!version)
		return 0;
	FUZZ_CHECK(vd_version_parse(printed, &again) == 0 && again == version, "\"%s\" is %u, \"%s\" is %u", text,
	           version, printed, again);
	FUZZ_CHECK(strtoul(text, NULL, 10) == version / 1000000, "\"%s\" has major %u", text, version / 1000000);
	return 0;
}
