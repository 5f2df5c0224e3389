/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects: that each topic's string is valid and free of traps, and that merged topics give what each one promised. */

#include "topics.h"

#include <stdlib.h>

#include "filter.h"
#include "host.h"
#include "tap.h"

static struct vd_topics topics;
static const unsigned versions[] = { VD_VERSION(4, 3, 0), VD_VERSION(7, 0, 0), VD_VERSION(9, 0, 0),
	                             VD_VERSION(11, 3, 0) };
/* Files with "file." before them, without, of today's names. */
static const unsigned old_versions[] = { VD_VERSION(0, 9, 0), VD_VERSION(1, 0, 0), VD_VERSION(1, 2, 2) };

static void test_find(void)
{
	static const struct {
		const char *name, *id;
	} cases[] = { { "qemu", "qemu" },
		      { "selinux", "security" },
		      { "cgroups", "cgroup" },
		      { "qmp", "monitor" },
		      { "udev", "nodedev" },
		      { "nosuch", NULL },
		      { "", NULL },
		      { "qem", NULL },
		      { "qemu,kvm", NULL },
		      { "label", "security" },
		      { "pci", "hostdev" } };
	static const char *const near[][2] = {
		{ "qmeu", "qemu" }, { "securty", "security" }, { "selinx", "selinux" }, { "xyzzyxyzzy", NULL }
	};
	/* What the documentation promises. */
	static const char *const ids[] = { "qemu",     "lxc",     "monitor", "cgroup",  "security", "command",
		                           "event",    "rpc",     "locking", "network", "nwfilter", "storage",
		                           "block",    "hostdev", "cpu",     "agent",   "hotplug",  "startup",
		                           "snapshot", "api",     "job",     "tpm",     "nodedev",  "migration" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		const struct vd_topic *t = vd_topics_find(&topics, cases[i].name);

		tap_str(t ? t->id : NULL, cases[i].id, "topics: '%s' is found", cases[i].name);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(near); i++) {
		VD_AUTO_FREE char *name = vd_topics_nearest(&topics, near[i][0]);

		tap_str(name, near[i][1], "topics: nearest to %s", near[i][0]);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(ids); i++) {
		const struct vd_topic *t = vd_topics_find(&topics, ids[i]);

		tap_ok(t && !strcmp(t->id, ids[i]), "topics: there is %s", ids[i]);
	}
}

/* The warnings but for floods: who asks for the event loop gets the event loop. */
static size_t count_warnings(const char *filters, const struct vd_catalogue *catalogue, size_t *ret_invalid)
{
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
	size_t n = 0;

	if (vd_filters_parse_as(VD_LOG_FILTERS, catalogue->version, filters, &f, NULL) < 0 ||
	    vd_filters_check(&f, catalogue, NULL, VD_LOG_DEFAULT_LEVEL, &w) < 0)
		return 1;
	*ret_invalid = f.invalid + !f.count;
	for (size_t i = 0; i < w.count; i++) {
		n += strcmp(w.items[i].id, "flood") != 0;
		if (strcmp(w.items[i].id, "flood") != 0)
			printf("# %s: %s\n", w.items[i].id, w.items[i].message);
	}
	return n;
}

static void test_strings(const struct vd_catalogue *catalogue)
{
	char version[32];

	vd_version_format(catalogue->version, version);
	for (size_t i = 0; i < topics.count; i++) {
		const struct vd_topic *t = &topics.items[i];
		VD_AUTO_FREE char *filters = NULL;
		size_t invalid = 1;

		tap_ok(*t->title && *t->shows && *t->source && *t->since, "topics: %s is described", t->id);
		tap_int(vd_topics_merge(&t, 1, catalogue, NULL, &filters, NULL), 0, "topics: %s for %s", t->id,
		        version);
		tap_int(count_warnings(filters ? filters : "", catalogue, &invalid), 0,
		        "topics: %s for %s -> no warning", t->id, version);
		tap_int(invalid, 0, "topics: %s for %s -> valid", t->id, version);
		if (catalogue->version == VD_VERSION(9, 0, 0))
			tap_str(filters, t->filters, "topics: %s for %s -> as it stands in the table", t->id, version);
	}
}

/* The lowest level that one of the strings gives @name. */
static unsigned wanted_level(const struct vd_topic *const *chosen, size_t count, const char *name)
{
	unsigned lowest = 0;

	for (size_t i = 0; i < count; i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		unsigned level = vd_filters_parse(VD_LOG_FILTERS, chosen[i]->filters, &f, NULL) < 0
		                         ? 0
		                         : vd_filters_level(&f, name, 0, NULL);

		if (level && (!lowest || level < lowest))
			lowest = level;
	}
	return lowest;
}

static bool levels_are_right(const char *filters, const struct vd_topic *const *chosen, size_t count,
                             const struct vd_catalogue *catalogue)
{
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;

	unsigned level = vd_topics_log_level(chosen, count, catalogue->version);

	if (vd_filters_parse_as(VD_LOG_FILTERS, catalogue->version, filters, &f, NULL) < 0)
		return false;
	for (size_t c = 0; c < catalogue->count; c++) {
		const char *name = catalogue->items[c].name;
		unsigned got = vd_filters_level(&f, name, level, NULL), wanted = wanted_level(chosen, count, name);

		/* Before 4.4.0 nothing says 3:*, and the default does the same. */
		if (catalogue->version < VD_VERSION(4, 4, 0) && !got)
			got = wanted == VD_LOG_DEFAULT_LEVEL ? wanted : got;

		if (got != wanted) {
			printf("# '%s': %s is %u, wanted %u\n", filters, name, got, wanted);
			return false;
		}
	}
	return true;
}

static void check_merge(const struct vd_topic *const *chosen, size_t count, const struct vd_catalogue *catalogue,
                        const char *what)
{
	VD_AUTO_FREE char *filters = NULL;
	size_t invalid = 1, warnings = 1;
	bool ok = vd_topics_merge(chosen, count, catalogue, NULL, &filters, NULL) == 0 && filters;

	if (ok)
		warnings = count_warnings(filters, catalogue, &invalid);
	tap_ok(ok && !warnings && !invalid && levels_are_right(filters, chosen, count, catalogue),
	       "merge: %s -> valid, unshadowed, each category as promised", what);
}

static void test_pairs(const struct vd_catalogue *catalogue)
{
	char what[128];

	for (size_t i = 0; i < topics.count; i++)
		for (size_t j = i + 1; j < topics.count; j++) {
			const struct vd_topic *chosen[] = { &topics.items[i], &topics.items[j] };

			snprintf(what, sizeof(what), "%s and %s", chosen[0]->id, chosen[1]->id);
			check_merge(chosen, 2, catalogue, what);
		}
}

static void test_merge(const struct vd_catalogue *catalogue)
{
	static const struct {
		const char *ids[4], *filters;
	} cases[] = {
		/* Silencers that are in nobody's way come first. */
		{ { "agent", "virtlogd" }, "4:object 4:json 4:event 1:qemu.qemu_agent 1:logging 1:util" },
		/* What one topic silences and another asks for is logged: event. */
		{ { "event", "network" },
		  "1:util.event 1:network 4:event 1:util.firewall 1:util.netdev 1:util.dnsmasq 1:util.command" },
		/* The same twice is once. */
		{ { "access", "access" }, "1:access" },
		/* A broader item of another topic makes narrower ones superfluous. */
		{ { "cgroup", "lxc" }, "4:object 4:event 1:cgroup 1:lxc 1:util.command 1:security" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		const struct vd_topic *chosen[4];
		VD_AUTO_FREE char *filters = NULL;
		size_t n = 0;

		for (; n < 4 && cases[i].ids[n]; n++)
			chosen[n] = vd_topics_find(&topics, cases[i].ids[n]);
		tap_int(vd_topics_merge(chosen, n, catalogue, NULL, &filters, NULL), 0, "merge: case %zu", i);
		tap_str(filters, cases[i].filters, "merge: %s and %s", cases[i].ids[0], cases[i].ids[1]);
	}
}

static void test_all(const struct vd_catalogue *catalogue)
{
	const struct vd_topic *chosen[64];

	for (size_t i = 0; i < topics.count && i < 64; i++)
		chosen[i] = &topics.items[i];
	check_merge(chosen, topics.count, catalogue, "all topics at once");
}

/* Before 1.2.3 a category may stand for several file names: what each topic alone gives it, two give it together. */
static void test_old_pair(const struct vd_topic *const *pair, const struct vd_catalogue *catalogue, const char *version)
{
	unsigned base = vd_topics_log_level(pair, 2, catalogue->version), bad = 0;
	VD_AUTO_FILTERS both = VD_FILTERS_INIT;
	VD_AUTO_FREE char *filters = NULL;
	struct vd_filters alone[2] = { VD_FILTERS_INIT, VD_FILTERS_INIT };

	if (vd_topics_merge(pair, 2, catalogue, NULL, &filters, NULL) < 0 ||
	    vd_filters_parse_as(VD_LOG_FILTERS, catalogue->version, filters, &both, NULL) < 0)
		bad++;
	for (size_t i = 0; i < 2; i++) {
		VD_AUTO_FREE char *one = NULL;

		if (vd_topics_merge(&pair[i], 1, catalogue, NULL, &one, NULL) < 0 ||
		    vd_filters_parse_as(VD_LOG_FILTERS, catalogue->version, one, &alone[i], NULL) < 0)
			bad++;
	}
	for (size_t c = 0; c < catalogue->count && !bad; c++) {
		const struct vd_category *category = &catalogue->items[c];
		unsigned got = vd_filters_level_in(&both, category, base ? base : VD_LOG_DEFAULT_LEVEL, NULL);

		for (size_t i = 0; i < 2; i++) {
			unsigned own = vd_topics_log_level(&pair[i], 1, catalogue->version);
			unsigned level =
			        vd_filters_level_in(&alone[i], category, own ? own : VD_LOG_DEFAULT_LEVEL, NULL);

			/* 0: it depends on the file's name. A silencer gives way to who asks for more. */
			if (got && level && level < VD_LOG_DEFAULT_LEVEL && got > level) {
				printf("# '%s': %s is %u, %s alone gives %u\n", filters, category->name, got,
				       pair[i]->id, level);
				bad++;
			}
		}
	}
	tap_ok(!bad && !both.invalid, "merge: %s and %s for %s -> what each asked for", pair[0]->id, pair[1]->id,
	       version);
	vd_filters_release(&alone[0]);
	vd_filters_release(&alone[1]);
}

/*
 * Each item is in the way of another one. 1.0.0 may know util.json as util/virjson.c or util/json.c: what both names
 * end in is what takes it out of the way, behind the longer name that ends so too.
 */
static void test_old_crossed(void)
{
	static const struct vd_topic a = { .id = "a", .aliases = "", .filters = "4:util 1:json" },
	                             b = { .id = "b", .aliases = "", .filters = "4:json 1:util" };
	const struct vd_topic *both[] = { &a, &b };
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_FREE char *filters = NULL;

	tap_int(vd_catalogue_load(VD_VERSION(1, 0, 0), &catalogue, NULL), 0, "merge: catalogue of 1.0.0");
	tap_int(vd_topics_merge(both, 2, &catalogue, NULL, &filters, NULL), 0, "merge: items in each other's way");
	tap_str(filters, "1:qemu/qemu_monitor_json.c 4:json.c 1:util",
	        "merge: items in each other's way -> named out of it");
}

static void test_old(unsigned version)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	char text[32];

	tap_int(vd_catalogue_load(version, &catalogue, NULL), 0, "merge: catalogue of %s",
	        vd_version_format(version, text));
	for (size_t i = 0; i < topics.count; i++)
		for (size_t j = i + 1; j < topics.count; j++) {
			const struct vd_topic *pair[] = { &topics.items[i], &topics.items[j] };

			test_old_pair(pair, &catalogue, text);
		}
}

static void test_left_out(void)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_STRV left_out = VD_STRV_INIT;
	VD_AUTO_FREE char *filters = NULL;
	const struct vd_topic *t = vd_topics_find(&topics, "nwfilter");

	tap_int(vd_catalogue_load(VD_VERSION(11, 3, 0), &catalogue, NULL), 0, "left out: catalogue of 11.3.0");
	tap_int(vd_topics_merge(&t, 1, &catalogue, &left_out, &filters, NULL), 0, "left out: nwfilter");
	tap_str(filters, "1:nwfilter 1:util.firewall 1:util.ebtables 1:util.command",
	        "left out: util.iptables is gone");
	tap_str(left_out.len ? left_out.items[0] : NULL, "1:util.iptables", "left out: and said so");
}

int main(void)
{
	if (vd_topics_load(&topics, NULL) < 0)
		return 1;
	test_find();
	for (size_t i = 0; i < VD_ARRAY_SIZE(versions); i++) {
		VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;

		tap_int(vd_catalogue_load(versions[i], &catalogue, NULL), 0, "topics: catalogue %zu", i);
		test_strings(&catalogue);
		test_all(&catalogue);
		if (!i) {
			test_pairs(&catalogue);
			test_merge(&catalogue);
		}
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(old_versions); i++)
		test_old(old_versions[i]);
	test_old_crossed();
	test_left_out();
	vd_topics_release(&topics);
	return tap_done();
}
