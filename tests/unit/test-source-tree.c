/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/source-tree: the emulator element of a domain's text, and SELinux types in contexts. */
#include <errno.h>
#include <stdlib.h>

#include "source-tree.h"
#include "tap.h"

static void test_edit(void)
{
	static const struct {
		const char *what, *xml, *wanted; /* NULL: -EINVAL */
	} cases[] = {
		{ "the element", "<domain><devices><emulator>/a</emulator></devices></domain>",
		  "<domain><devices><emulator>/n&amp;w</emulator></devices></domain>" },
		{ "blanks and attributes",
		  "<domain >\n<devices x='>'> <emulator y=\"</emulator>\" > /a </emulator ></devices></domain>\n",
		  "<domain >\n<devices x='>'> <emulator y=\"</emulator>\" >/n&amp;w</emulator ></devices></domain>\n" },
		{ "an empty one", "<domain><devices><emulator/><x/></devices></domain>",
		  "<domain><devices><emulator>/n&amp;w</emulator><x/></devices></domain>" },
		{ "none", "<domain>\n  <devices>\n    <x/>\n  </devices>\n</domain>",
		  "<domain>\n  <devices>\n    <emulator>/n&amp;w</emulator>\n    <x/>\n  </devices>\n</domain>" },
		{ "in a comment",
		  "<!-- <domain><devices><emulator>/c</emulator> "
		  "--><domain><devices><emulator>/a</emulator></devices></domain>",
		  "<!-- <domain><devices><emulator>/c</emulator> "
		  "--><domain><devices><emulator>/n&amp;w</emulator></devices></domain>" },
		{ "in CDATA",
		  "<domain><title><![CDATA[</title><devices><emulator>]]></title><devices><emulator>/a</emulator></"
		  "devices></domain>",
		  "<domain><title><![CDATA[</title><devices><emulator>]]></title><devices><emulator>/n&amp;w</"
		  "emulator></devices></domain>" },
		{ "deeper and elsewhere",
		  "<domain><emulator>/t</emulator><devices><tpm><emulator>/d</emulator></tpm><emulator>/a</emulator></"
		  "devices></domain>",
		  "<domain><emulator>/t</emulator><devices><tpm><emulator>/d</emulator></tpm><emulator>/n&amp;w</"
		  "emulator></devices></domain>" },
		{ "two of them: the first counts",
		  "<domain><devices><emulator>/a</emulator><emulator>/b</emulator></devices></domain>",
		  "<domain><devices><emulator>/n&amp;w</emulator><emulator>/b</emulator></devices></domain>" },
		{ "a processing instruction",
		  "<?xml version='1.0'?><domain><devices><emulator>/a</emulator></devices></domain>",
		  "<?xml version='1.0'?><domain><devices><emulator>/n&amp;w</emulator></devices></domain>" },
		{ "a document type",
		  "<!DOCTYPE d [<!ENTITY e '<devices>'>]><domain><devices><emulator>/a</emulator></devices></domain>",
		  NULL },
		{ "no devices", "<domain><name>x</name></domain>", NULL },
		{ "another root", "<pool><devices><emulator>/a</emulator></devices></pool>", NULL },
		{ "cut inside a tag", "<domain><devices><emulator>/a</emulat", NULL },
		{ "cut behind a tag", "<domain><devices><emulator>/a</emulator>", NULL },
		{ "too many ends", "<domain><devices><emulator>/a</emulator></devices></domain></x>", NULL },
		{ "a comment without end", "<domain><devices><!-- <emulator>/a</emulator></devices></domain>", NULL },
		{ "nothing", "", NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF out = VD_BUF_INIT;
		int rc = vd_emulator_edit(cases[i].xml, strlen(cases[i].xml), "/n&w", &out);

		tap_int(rc, cases[i].wanted ? 0 : -EINVAL, "edit: %s: result", cases[i].what);
		if (cases[i].wanted)
			tap_str(vd_buf_str(&out), cases[i].wanted, "edit: %s: text", cases[i].what);
	}
}

static void test_types(void)
{
	static const struct {
		const char *context, *changed;
	} cases[] = {
		{ "unconfined_u:object_r:user_home_t:s0", "unconfined_u:object_r:lib_t:s0" },
		{ "system_u:object_r:x_t:s0:c1,c2", "system_u:object_r:lib_t:s0:c1,c2" },
		{ "system_u:object_r:x_t", "system_u:object_r:lib_t" },
		{ NULL, "system_u:object_r:lib_t:s0" },
		{ "broken", "system_u:object_r:lib_t:s0" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FREE char *changed = vd_tree_with_type(cases[i].context, "lib_t");

		tap_str(changed, cases[i].changed, "type: %zu: replaced", i);
		tap_ok(vd_tree_has_type(changed, "lib_t"), "type: %zu: found again", i);
		tap_ok(!vd_tree_has_type(cases[i].context, "lib_t"), "type: %zu: was another one", i);
	}
	tap_ok(!vd_tree_has_type("u:r:lib_tx:s0", "lib_t"), "type: a longer name is another type");
}

static void test_context(void)
{
	struct vd_tree_program program = { .name = "libvirtd", .wanted = "virtd_exec_t" };
	VD_AUTO_FREE char *context = vd_tree_context(&program);

	tap_str(context, "system_u:system_r:virtd_t:s0-s0:c0.c1023", "context: a daemon's, with all categories");
}

int main(void)
{
	test_edit();
	test_types();
	test_context();
	return tap_done();
}
