/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects the splitting of SELinux contexts and the comparison of category sets: the verdicts on labels rest on it. */
#include "../../lib/svirt.h"

#include <errno.h>

#include "tap.h"

static const struct {
	const char *text;
	int result;
	const char *user, *role, *type, *range;
} contexts[] = {
	{ "system_u:object_r:svirt_image_t:s0:c1,c2", 0, "system_u", "object_r", "svirt_image_t", "s0:c1,c2" },
	{ "system_u:system_r:virtd_t:s0-s0:c0.c1023", 0, "system_u", "system_r", "virtd_t", "s0-s0:c0.c1023" },
	{ "u:r:t", 0, "u", "r", "t", NULL },
	{ "u:r", -EINVAL, NULL, NULL, NULL, NULL },
	{ "", -EINVAL, NULL, NULL, NULL, NULL },
	{ "::", -EINVAL, NULL, NULL, NULL, NULL },
	{ "u:r:", -EINVAL, NULL, NULL, NULL, NULL },
	{ "u:r:t:", -EINVAL, NULL, NULL, NULL, NULL },
	{ ":r:t:s0", -EINVAL, NULL, NULL, NULL, NULL },
};

static void test_contexts(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(contexts); i++) {
		struct vd_context context = { 0 };

		tap_int(vd_context_parse(contexts[i].text, &context), contexts[i].result, "context '%s'",
		        contexts[i].text);
		tap_str(context.user, contexts[i].user, "context '%s': user", contexts[i].text);
		tap_str(context.role, contexts[i].role, "context '%s': role", contexts[i].text);
		tap_str(context.type, contexts[i].type, "context '%s': type", contexts[i].text);
		tap_str(context.range, contexts[i].range, "context '%s': range", contexts[i].text);
		vd_context_release(&context);
	}
}

static const struct {
	const char *a, *b;
	bool equal, a_in_b;
} pairs[] = {
	{ "s0:c1,c2", "s0:c2,c1", true, true },
	{ "s0:c1,c2", "s0:c1.c2", true, true },
	{ "s0:c1,c2,c3", "s0:c1.c3", true, true },
	{ "s0:c63,c64", "s0:c63.c64", true, true },
	{ "s0:c0,c1023", "s0:c1023,c0", true, true },
	{ "s0:c1", "s0:c1,c2", false, true },
	{ "s0", "s0:c1,c2", false, true },
	{ "s0", "s0-s0:c0.c1023", true, true },
	{ "s0:c1,c2", "s0", false, false },
	{ "s0:c1,c2", "s0:c1,c3", false, false },
	{ "s0:c0.c1023", "s0:c0.c1022", false, false },
};

static void test_sets(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(pairs); i++) {
		struct vd_catset a, b;
		char sens[16];

		if (!tap_ok(vd_range_parse(pairs[i].a, sens, &a) == 0 && vd_range_parse(pairs[i].b, sens, &b) == 0,
		            "sets %s and %s: parsed", pairs[i].a, pairs[i].b))
			continue;
		tap_str(sens, "s0", "sets %s and %s: sensitivity", pairs[i].a, pairs[i].b);
		tap_int(vd_catset_equal(&a, &b), pairs[i].equal, "sets %s and %s: equal", pairs[i].a, pairs[i].b);
		tap_int(vd_catset_subset(&a, &b), pairs[i].a_in_b, "sets %s and %s: subset", pairs[i].a, pairs[i].b);
	}
}

static void test_malformed(void)
{
	static const char *const bad[] = { "",
		                           ":c1",
		                           "-s0",
		                           "s0:",
		                           "s0:c",
		                           "s0:c1,",
		                           "s0:c1024",
		                           "s0:1",
		                           "s0:c1.",
		                           "s0:c2.c1",
		                           "s0:c1 ,c2",
		                           "s0:c1;c2",
		                           "s0:c-1",
		                           "s0:c1c2",
		                           "s0:,c1",
		                           "s0:c99999999999999999999",
		                           "s0123456789abcdef" };
	struct vd_catset set = { { 1 } };
	char sens[16] = "kept";

	for (size_t i = 0; i < VD_ARRAY_SIZE(bad); i++)
		tap_int(vd_range_parse(bad[i], sens, &set), -EINVAL, "range '%s': refused", bad[i]);
	tap_ok(!strcmp(sens, "kept") && set.bits[0] == 1, "refused ranges leave the results alone");
	tap_int(vd_range_parse("s15:c1023", sens, &set), 0, "range s15:c1023: parsed");
	tap_ok(!vd_catset_empty(&set) && set.bits[15] == UINT64_C(1) << 63, "range s15:c1023: the last bit");
	tap_int(vd_range_parse("s0", sens, &set), 0, "range s0: parsed");
	tap_ok(vd_catset_empty(&set), "range s0: empty");
}

int main(void)
{
	test_contexts();
	test_sets();
	test_malformed();
	return tap_done();
}
