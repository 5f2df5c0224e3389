/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects: which log categories a version of libvirt has, and what is offered for a name that matches none. */

#include "catalogue.h"

#include <errno.h>

#include "host.h"
#include "near.h"
#include "tap.h"

static void test_versions(void)
{
	static const struct {
		unsigned version;
		int result;
		size_t count;
		enum vd_catalogue_fit fit;
	} cases[] = {
		{ VD_VERSION(0, 5, 1), -ENOTSUP, 0, VD_FIT_EXACT }, { VD_VERSION(0, 6, 0), 0, 176, VD_FIT_OLDER },
		{ VD_VERSION(1, 2, 2), 0, 176, VD_FIT_OLDER },      { VD_VERSION(1, 2, 3), 0, 176, VD_FIT_EXACT },
		{ VD_VERSION(1, 2, 9), 0, 190, VD_FIT_BETWEEN },    { VD_VERSION(4, 3, 0), 0, 261, VD_FIT_EXACT },
		{ VD_VERSION(5, 0, 0), 0, 322, VD_FIT_BETWEEN },    { VD_VERSION(7, 0, 0), 0, 310, VD_FIT_EXACT },
		{ VD_VERSION(8, 10, 0), 0, 329, VD_FIT_BETWEEN },   { VD_VERSION(9, 0, 0), 0, 329, VD_FIT_EXACT },
		{ VD_VERSION(10, 7, 0), 0, 346, VD_FIT_BETWEEN },   { VD_VERSION(11, 3, 0), 0, 344, VD_FIT_EXACT },
		{ VD_VERSION(12, 0, 0), 0, 344, VD_FIT_NEWER },     { 0, 0, 344, VD_FIT_EXACT },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tap_int(vd_catalogue_load(cases[i].version, &catalogue, &err), cases[i].result, "catalogue: version %u",
		        cases[i].version);
		tap_int(catalogue.count, cases[i].count, "catalogue: version %u -> number of names", cases[i].version);
		tap_int(catalogue.fit, cases[i].fit, "catalogue: version %u -> how it fits", cases[i].version);
		tap_int(err.code, -cases[i].result, "catalogue: version %u -> error", cases[i].version);
	}
}

static void test_content(void)
{
	VD_AUTO_CATALOGUE old = VD_CATALOGUE_INIT;
	VD_AUTO_CATALOGUE new = VD_CATALOGUE_INIT;
	VD_AUTO_CATALOGUE oldest = VD_CATALOGUE_INIT;
	const struct vd_category *c;
	bool sorted = true;

	tap_int(vd_catalogue_load(VD_VERSION(9, 0, 0), &old, NULL), 0, "catalogue: 9.0.0 loads");
	tap_int(vd_catalogue_load(VD_VERSION(11, 3, 0), &new, NULL), 0, "catalogue: 11.3.0 loads");
	for (size_t i = 1; i < new.count; i++)
		sorted &= strcmp(new.items[i - 1].name, new.items[i].name) < 0;
	tap_ok(sorted, "catalogue: names are sorted and unique");
	tap_ok(vd_catalogue_find(&old, "util.iptables") != NULL, "catalogue: 9.0.0 has util.iptables");
	tap_ok(!vd_catalogue_find(&new, "util.iptables"), "catalogue: 11.3.0 has not");
	tap_ok(!vd_catalogue_find(&old, "qemu.nbdkit"), "catalogue: 9.0.0 has no qemu.nbdkit");
	c = vd_catalogue_find(&new, "qemu.nbdkit");
	tap_str(c ? c->since : NULL, "11.3.0", "catalogue: qemu.nbdkit is known since");
	tap_int(vd_catalogue_load(VD_VERSION(1, 2, 3), &oldest, NULL), 0, "catalogue: 1.2.3 loads");
	c = vd_catalogue_find(&oldest, "xen.xend_internal");
	tap_str(c ? c->until : NULL, "1.2.3", "catalogue: a category that is gone was last seen in");
	tap_str(c ? c->files : NULL, "", "catalogue: whose file is not known");
	tap_ok(!vd_catalogue_find(&old, "xen.xend_internal"), "catalogue: 9.0.0 has it no more");
	tap_ok(!vd_catalogue_find(&oldest, "libvirt.domain"), "catalogue: 1.2.3 has no libvirt.domain");
	c = vd_catalogue_find(&old, "util.cgroup");
	tap_str(c ? c->files : NULL,
	        "src/util/vircgroup.c,src/util/vircgroupv1.c,src/util/vircgroupv2.c,src/util/vircgroupv2devices.c",
	        "catalogue: a category of several files");
	c = vd_catalogue_find(&old, "util.object");
	tap_ok(c && c->volume == VD_VOLUME_FLOOD && c->at_info == VD_VOLUME_FLOOD && c->lines == 7251,
	       "catalogue: util.object floods, at info too");
	tap_str(c ? c->silencer : NULL, "3:util.object", "catalogue: its silencer");
	tap_str(vd_volume_name(VD_VOLUME_HIGH), "high", "catalogue: volumes have names");
}

static void test_nearest(void)
{
	static const struct {
		const char *pattern, *names;
	} cases[] = {
		{ "qumu", "qemu util.qemu" },                   /* an area */
		{ "qemu_monitr", "qemu.qemu_monitor" },         /* the end of a name */
		{ "util.comand", "util.command" },              /* the whole name */
		{ "utli.command", "util.command" },             /* neighbours swapped */
		{ "QEMU_MONITOR", "qemu_monitor" },             /* case */
		{ "*Cgroup*", "cgroup" },                       /* case, stars */
		{ "qemu/qemu_monitor.c", "qemu.qemu_monitor" }, /* as before 1.2.3 */
		{ "virjson.c", "util.json" },                   /* a source file */
		{ "qemu.nosuchthing", "qemu" },                 /* a part that many hold */
		{ "my.backend_zfs", "storage.storage_backend_zfs" },
		{ "zzzzzzzzzzzz", "" },
		{ "", "" },
	};
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;

	tap_int(vd_catalogue_load(VD_VERSION(9, 0, 0), &catalogue, NULL), 0, "nearest: catalogue loads");
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_STRV names = VD_STRV_INIT;
		VD_AUTO_BUF all = VD_BUF_INIT;
		bool ok = vd_catalogue_nearest(&catalogue, cases[i].pattern, strlen(cases[i].pattern), 3, &names) == 0;

		for (size_t n = 0; n < names.len; n++)
			ok = ok && vd_buf_addf(&all, "%s%s", n ? " " : "", names.items[n]) == 0;
		tap_ok(ok, "nearest: '%s' is looked up", cases[i].pattern);
		tap_str(vd_buf_str(&all), cases[i].names, "nearest: '%s'", cases[i].pattern);
	}
}

static void test_distance(void)
{
	static const struct {
		const char *a, *b;
		unsigned limit, wanted;
	} cases[] = { { "qemu", "qemu", 2, 0 },  { "qmeu", "qemu", 2, 1 },      { "qem", "qemu", 2, 1 },
		      { "qemuu", "qemu", 2, 1 }, { "lxc", "qemu", 2, 3 },       { "", "ab", 5, 2 },
		      { "ab", "", 5, 2 },        { "kitten", "sitting", 5, 3 }, { "kitten", "sitting", 2, 3 } };
	char huge[200];

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_int(vd_edit_distance(cases[i].a, strlen(cases[i].a), cases[i].b, strlen(cases[i].b),
		                         cases[i].limit),
		        cases[i].wanted, "distance: %s to %s", cases[i].a, cases[i].b);
	memset(huge, 'a', sizeof(huge));
	tap_int(vd_edit_distance(huge, sizeof(huge), huge, sizeof(huge), 3), 4, "distance: words too long to compare");
}

int main(void)
{
	test_versions();
	test_content();
	test_nearest();
	test_distance();
	return tap_done();
}
