/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lists of CPUs and memory nodes, as the kernel and as libvirt's XML write them. */
#include "cpuset.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void formats(const char *text, const char *wanted)
{
	struct vd_cpuset set;
	int r = vd_cpuset_parse(text, strlen(text), &set);
	char *got = r < 0 ? NULL : vd_cpuset_format(&set);

	tap_str(got, wanted, "'%s' -> %s", text, wanted ? wanted : "refused");
	free(got);
}

int main(void)
{
	struct vd_cpuset a, b;

	formats("0", "0");
	formats("0-3,8\n", "0-3,8");
	formats("8,0-3", "0-3,8");
	formats("", "");
	formats("\n", "");
	formats("0-7,^2", "0-1,3-7");
	formats("0-7,^2-4", "0-1,5-7");
	formats(" 1 - 2 , 4 ", "1-2,4");
	formats("16383", "16383");
	formats("16384", NULL);
	formats("99999999999999999999", NULL);
	formats("3-1", NULL);
	formats("1,", NULL);
	formats(",1", NULL);
	formats("1 2", NULL);
	formats("^", NULL);
	formats("a", NULL);
	formats("-1", NULL);

	tap_int(vd_cpuset_parse("0-3", 3, &a), 0, "the first list is read");
	tap_int(vd_cpuset_parse("0,1,2,3", 7, &b), 0, "the second list is read");
	tap_ok(vd_cpuset_equal(&a, &b), "two ways to write a set -> equal");
	tap_int(vd_cpuset_parse("1-2", 3, &b), 0, "the third list is read");
	tap_ok(!vd_cpuset_equal(&a, &b), "another set -> not equal");
	vd_cpuset_subtract(&a, &b);
	tap_int(vd_cpuset_parse("0,3", 3, &b), 0, "the difference is read");
	tap_ok(vd_cpuset_equal(&a, &b), "a set less another -> what is left");
	vd_cpuset_subtract(&a, &b);
	tap_ok(vd_cpuset_is_empty(&a), "a set less itself -> empty");
	tap_int(vd_cpuset_parse("x", 1, &b), -EINVAL, "no list -> refused");
	tap_ok(!vd_cpuset_is_empty(&b), "a refused list -> the set is untouched");
	return tap_done();
}
