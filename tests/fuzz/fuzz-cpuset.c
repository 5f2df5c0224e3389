/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of CPUs: any bytes. What was read is written so that it reads the same, and in one way only. */
#include "fuzz.h"

#include <errno.h>

#include "cpuset.h"

FUZZ_TARGET("cpuset")
{
	struct vd_cpuset set, again;
	int r = vd_cpuset_parse((const char *)data, size, &set);
	char *text, *twice;

	FUZZ_CHECK(r == 0 || r == -EINVAL, "returned %d", r);
	if (r < 0)
		return 0;
	text = vd_cpuset_format(&set);
	if (!text)
		exit(0);
	FUZZ_CHECK(vd_cpuset_parse(text, strlen(text), &again) == 0 && vd_cpuset_equal(&set, &again),
	           "'%s' reads differently", text);
	FUZZ_CHECK(vd_cpuset_is_empty(&set) == !*text, "'%s' is empty or not", text);
	twice = vd_cpuset_format(&again);
	if (!twice)
		exit(0);
	FUZZ_CHECK(!strcmp(text, twice), "'%s' and '%s'", text, twice);
	vd_cpuset_subtract(&set, &again);
	FUZZ_CHECK(vd_cpuset_is_empty(&set), "a set less itself is not empty");
	free(text);
	free(twice);
	return 0;
}
