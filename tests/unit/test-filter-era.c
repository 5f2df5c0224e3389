/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects: how libvirt before 9.0.0 reads filter and output strings, what is in force after an error, how patterns
 * match in each era, the warnings that depend on the version, and that what nobody knows stays unknown.
 */

#include "filter-era.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "filter.h"
#include "host.h"
#include "tap.h"
#include "topics.h"

#define V(major, minor, micro) VD_VERSION(major, minor, micro)
#define F                      VD_LOG_FILTERS
#define O                      VD_LOG_OUTPUTS

static char tri_letter(enum vd_tri tri)
{
	return tri == VD_YES ? 'y' : tri == VD_NO ? 'n' : '?';
}

/*
 * What became of a string: per item "LEVEL MATCH[=ARGUMENT]" of a valid one, "!" of an invalid, "?" of an open one; in
 * parentheses when it is not in force, followed by ? when that is unknown.
 */
static char *describe(const struct vd_filters *f)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_reserve(&buf, 1);

	for (size_t i = 0; i < f->count; i++) {
		const struct vd_filter_item *item = &f->items[i];
		const struct vlog_item *p = &item->parsed;

		r |= vd_buf_addf(&buf, "%s%s", i ? ", " : "", item->valid && item->applied == VD_NO ? "(" : "");
		if (!item->valid)
			r |= vd_buf_adds(&buf, item->open ? "?" : "!");
		else
			r |= vd_buf_addf(&buf, "%u %s%.*s%s%.*s", p->level, p->plus ? "+" : "", (int)p->match.length,
			                 vd_filters_span(f, &p->match), p->argument.length ? "=" : "",
			                 (int)p->argument.length, vd_filters_span(f, &p->argument));
		r |= vd_buf_adds(&buf, !item->valid                 ? ""
		                       : item->applied == VD_NO     ? ")"
		                       : item->applied == VD_UNSURE ? "?"
		                                                    : "");
	}
	return r ? NULL : strdup(vd_buf_str(&buf));
}

static void test_grammar(void)
{
	static const struct {
		unsigned version;
		enum vd_log_kind kind;
		const char *text, *wanted;
	} cases[] = {
		/* Separators. */
		{ V(0, 6, 0), F, "1:a\t2:b\n3:c\r4:d", "1 a, 2 b, 3 c, 4 d" },
		{ V(1, 3, 2), F, " \t1:a \v\f 2:b ", "1 a, 2 b" },
		{ V(1, 3, 2), F, "1:a\v2:b", "1 a\v2:b" },
		{ V(1, 3, 3), F, "1:a\t2", "1 a\t2" },
		{ V(1, 3, 3), F, "1:a\t2:b", "!" },
		{ V(9, 0, 0), F, "1:a\t2:b", "1 a\t2" },
		{ V(0, 9, 12), F, "1:a,2:b", "1 a,2:b" },
		{ V(0, 9, 12), F, "", "" },
		{ V(0, 9, 12), F, " \n", "" },
		/* A backslash ends a name. */
		{ V(0, 6, 0), F, "1:a\\2:b", "1 a, 2 b" },
		{ V(0, 7, 0), F, "1:a\\2:b 3:c", "1 a, ?, 3 c?" },
		{ V(0, 9, 12), F, "1:a\\2:b 3:c", "1 a, !, (3 c)" },
		{ V(1, 3, 2), O, "1:file:/a\\b", "1 file=/a, !" },
		{ V(1, 3, 3), F, "1:a\\b", "1 a\\b" },
		/* Levels. */
		{ V(0, 6, 3), F, "0:a", "0 a" },
		{ V(0, 6, 3), F, "5:a", "!" },
		{ V(0, 7, 0), F, "0:a", "!" },
		{ V(1, 3, 2), F, "0004:a", "4 a" },
		{ V(1, 3, 2), F, "+1:a", "!" },
		{ V(1, 3, 2), F, "4294967297:a", "!" },
		{ V(1, 3, 2), F, "1x:a", "!" },
		{ V(1, 3, 2), F, ":a", "!" },
		{ V(1, 3, 2), F, "1 :a", "!, !" },
		{ V(1, 3, 3), F, "+1:a", "1 a" },
		{ V(1, 3, 3), F, "\t1:a", "1 a" },
		/* Colons. */
		{ V(1, 3, 2), F, "1:a:b", "1 a:b" },
		{ V(1, 3, 3), F, "1:a:b", "!" },
		{ V(7, 0, 0), F, "1:a:b", "!" },
		{ V(7, 0, 0), F, "1:a:", "!" },
		{ V(7, 1, 0), F, "1:a:b", "?" },
		{ V(8, 10, 0), F, "1:a:b 2:c", "?, 2 c?" },
		{ V(8, 10, 0), F, "1:a:b 9:c 2:d", "?, !, (2 d)" },
		{ V(8, 10, 0), F, "1::b", "!" },
		{ V(9, 0, 0), F, "1:a:b", "1 a" },
		{ V(1, 3, 2), O, "1:file:/a:b", "1 file=/a:b" },
		{ V(1, 3, 3), O, "1:file:/a:b", "!" },
		/* Empty patterns. */
		{ V(1, 3, 2), F, "1: 2:a", "!, (2 a)" },
		{ V(1, 3, 3), F, "1:", "?" },
		{ V(2, 3, 0), F, "1:+ 2:a", "?, 2 a?" },
		{ V(2, 4, 0), F, "1:", "!" },
		/* A plus. */
		{ V(0, 9, 12), F, "1:+a 1:+", "1 +a, 1 +" },
		{ V(0, 9, 13), F, "1:+a", "1 +a" },
		{ V(1, 3, 2), F, "1:+", "!" },
		{ V(1, 3, 2), F, "1:++", "1 ++" },
		{ V(5, 8, 0), F, "1:+a", "1 +a" },
		/* Until the first error, or all or nothing. */
		{ V(0, 9, 12), F, "1:a 9:b 2:c", "1 a, !, (2 c)" },
		{ V(2, 3, 0), F, "1:a 9:b 2:c", "1 a, !, (2 c)" },
		{ V(2, 4, 0), F, "1:a 9:b 2:c", "(1 a), !, (2 c)" },
		/* Outputs. */
		{ V(0, 6, 0), O, "1:stderr 3:syslog:libvirtd 4:file:/x", "1 stderr, 3 syslog=libvirtd, 4 file=/x" },
		{ V(1, 3, 2), O, "1:stderrX", "1 stderr, !" },
		{ V(1, 3, 2), O, "1:stderr2:file:/x", "1 stderr, 2 file=/x" },
		{ V(1, 3, 2), O, "1:journald3:stderr", "1 journald, 3 stderr" },
		{ V(1, 3, 2), O, "1:stderr:x", "1 stderr, !" },
		{ V(0, 10, 2), O, "1:journald 2:stderr", "!, (2 stderr)" },
		{ V(1, 0, 0), O, "1:journald", "1 journald" },
		{ V(1, 3, 2), O, "1:file: 1:file 1:syslog:", "!, !, !" },
		{ V(1, 3, 2), O, "1:filex:/y", "!" },
		{ V(1, 3, 2), O, "1:file:/", "1 file=/" },
		{ V(1, 3, 2), O, "1:STDERR", "!" },
		{ V(1, 3, 2), O, "1:", "!" },
		{ V(1, 3, 3), O, "1:stderr2:file:/x", "!" },
		{ V(2, 3, 0), O, "1:stderr:x 2:stderr", "?, 2 stderr?" },
		{ V(2, 3, 0), O, "1:file:/", "1 file=/" },
		{ V(2, 4, 0), O, "1:stderr:x", "!" },
		{ V(2, 4, 0), O, "1:file:/", "!" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		VD_AUTO_FREE char *got = NULL;
		VD_AUTO_BUF label = VD_BUF_INIT;
		char version[32];
		int r = vd_buf_add_escaped(&label, cases[i].text, strlen(cases[i].text));

		r |= vd_filters_parse_as(cases[i].kind, cases[i].version, cases[i].text, &f, NULL);
		tap_int(r, 0, "'%s' is taken apart", vd_buf_str(&label));
		got = describe(&f);
		tap_ok(got && !strcmp(got, cases[i].wanted), "%s: '%s'", vd_version_format(cases[i].version, version),
		       vd_buf_str(&label));
		for (size_t n = 0; n < f.count; n++)
			tap_ok(f.items[n].valid || f.items[n].parsed.fault.length, "'%s': item %zu, a caret can stand",
			       vd_buf_str(&label), n);
	}
}

/* Every byte string is read to its end, whatever it holds. */
static void test_progress(void)
{
	static const unsigned versions[] = { V(0, 6, 0), V(0, 8, 0), V(1, 2, 2), V(1, 3, 3), V(8, 0, 0) };
	static const char alphabet[] = "1:+\\ \tsfa*\x80";
	char text[8];
	bool ok = true;

	for (size_t v = 0; v < VD_ARRAY_SIZE(versions); v++)
		for (unsigned seed = 0; seed < 40000; seed++) {
			VD_AUTO_FILTERS f = VD_FILTERS_INIT;
			unsigned n = seed * 2654435761u;

			for (size_t i = 0; i < sizeof(text) - 1; i++, n /= 11)
				text[i] = alphabet[n % 11];
			text[sizeof(text) - 1] = '\0';
			ok = ok && !vd_filters_parse_as(seed % 2 ? O : F, versions[v], text, &f, NULL) &&
			     f.count <= sizeof(text);
			for (size_t i = 0; ok && i < f.count; i++)
				ok = f.items[i].parsed.text.offset + f.items[i].parsed.text.length <= f.len &&
				     f.items[i].parsed.fault.offset + f.items[i].parsed.fault.length <= f.len;
		}
	tap_ok(ok, "any bytes are read to their end, and spans stay inside");
}

static void test_errors(void)
{
	static const struct {
		unsigned version;
		enum vd_log_kind kind;
		const char *text, *error, *hint;
	} cases[] = {
		{ V(0, 9, 12), F, "9:x", "Ignoring invalid log filter setting.",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)" },
		{ V(0, 9, 12), F, "+1:x", "Ignoring invalid log filter setting.",
		  "before libvirt 1.3.3 a level is digits only, without sign or blank" },
		{ V(0, 9, 12), O, "1:journald", "Ignoring invalid log output setting.",
		  "the journal came with libvirt 1.0.0; use syslog:NAME" },
		{ V(0, 9, 12), O, "1:nowhere", "Ignoring invalid log output setting.",
		  "a destination is stderr, syslog:NAME or file:PATH" },
		{ V(1, 3, 2), O, "1:file:", "Ignoring invalid log output setting.",
		  "a path is missing: file:/var/log/libvirt/NAME.log" },
		{ V(1, 3, 3), F, "1:a:b", "'1:a:b' is not a valid log filter",
		  "a pattern cannot hold a colon: libvirt 1.3.3 to 7.0.0 refuse a second one" },
		{ V(2, 4, 0), F, "1:a:b", "Malformed format for filter '1:a:b'",
		  "a pattern cannot hold a colon: libvirt 1.3.3 to 7.0.0 refuse a second one" },
		{ V(4, 6, 0), F, "9:x", "Invalid priority '9' for output '9:x'",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)" },
		{ V(7, 0, 0), F, "9:x", "Invalid priority '9' for filter '9:x'",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)" },
		{ V(7, 0, 0), O, "9:stderr", "Invalid priority '9' for output '9:stderr'",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)" },
		{ V(7, 0, 0), O, "1:x", "Invalid destination 'x' for output '1:x'",
		  "a destination is stderr, journald, syslog:NAME or file:PATH" },
		{ V(7, 0, 0), O, "1:stderr:x",
		  "Output '1:stderr:x' does not meet the format requirements for destination type 'stderr'",
		  "stderr takes nothing behind it" },
		{ V(4, 3, 0), F, "1:", "Invalid match string ''",
		  "there is no pattern between level and end; for everything use log_level" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		char version[32];

		vd_version_format(cases[i].version, version);
		tap_int(vd_filters_parse_as(cases[i].kind, cases[i].version, cases[i].text, &f, NULL), 0,
		        "'%s' is taken apart", cases[i].text);
		tap_str(f.count ? f.items[0].error : NULL, cases[i].error, "%s: '%s' -> error", version, cases[i].text);
		tap_str(f.count ? f.items[0].hint : NULL, cases[i].hint, "%s: '%s' -> hint", version, cases[i].text);
	}
}

static void test_matching(void)
{
	static const struct {
		unsigned version;
		const char *pattern, *text;
		char wanted;
	} cases[] = {
		/* A substring, nothing is a wildcard. */
		{ V(4, 3, 0), "qemu", "qemu.qemu_monitor", 'y' },
		{ V(4, 3, 0), "monitor", "qemu.qemu_monitor", 'y' },
		{ V(4, 3, 0), "*", "qemu.qemu_monitor", 'n' },
		{ V(4, 3, 0), "qemu?qemu", "qemu.qemu_monitor", 'n' },
		{ V(4, 3, 0), "[q]emu", "qemu.qemu_monitor", 'n' },
		{ V(0, 9, 12), "qemu/", "file.qemu/qemu_driver.c", 'y' },
		{ V(0, 9, 12), "Qemu", "file.qemu/qemu_driver.c", 'n' },
		/* A glob. */
		{ V(4, 4, 0), "*", "qemu.qemu_monitor", 'y' },
		{ V(4, 4, 0), "qemu?qemu", "qemu.qemu_monitor", 'y' },
		{ V(4, 4, 0), "qemu*json", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "[q]emu", "qemu.qemu_monitor", 'y' },
		{ V(4, 6, 0), "[a-p]emu", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "[!a-p]emu", "qemu.qemu_monitor", 'y' },
		{ V(4, 6, 0), "[^q]emu", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "[]q]emu", "qemu.qemu_monitor", 'y' },
		{ V(4, 6, 0), "[q-]emu", "qemu.qemu_monitor", 'y' },
		{ V(4, 6, 0), "[[:alpha:]]emu", "qemu.qemu_monitor", 'y' },
		{ V(4, 6, 0), "[[:digit:]]emu", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "[[:nosuch:]]emu", "qemu.qemu_monitor", '?' },
		{ V(4, 6, 0), "[[=q=]]emu", "qemu.qemu_monitor", '?' },
		{ V(4, 6, 0), "[qemu", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "[qemu", "a[qemu", 'y' },
		/* With or without escapes: nobody knows. */
		{ V(4, 6, 0), "q\\emu", "qemu.qemu_monitor", '?' },
		{ V(4, 6, 0), "x\\y", "qemu.qemu_monitor", 'n' },
		{ V(4, 6, 0), "qemu\\", "qemu.qemu_monitor", '?' },
		/* Somewhere between 4.6 and 7.0.0 brackets became ordinary. */
		{ V(5, 0, 0), "qemu", "qemu.qemu_monitor", 'y' },
		{ V(5, 0, 0), "*_mon?tor", "qemu.qemu_monitor", 'y' },
		{ V(6, 10, 0), "[q]emu", "qemu.qemu_monitor", '?' },
		{ V(6, 10, 0), "[x]emu", "qemu.qemu_monitor", 'n' },
		{ V(7, 0, 0), "[q]emu", "qemu.qemu_monitor", 'n' },
		{ V(7, 0, 0), "q\\emu", "qemu.qemu_monitor", 'n' },
		{ V(8, 0, 0), "*", "qemu.qemu_monitor", 'y' },
		{ V(4, 4, 0), "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 'n' },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_filter_era era = vd_filter_era(cases[i].version);
		char version[32];

		tap_int(tri_letter(vd_era_matches(&era, cases[i].pattern, strlen(cases[i].pattern), cases[i].text)),
		        cases[i].wanted, "%s: '%s' in %s", vd_version_format(cases[i].version, version),
		        cases[i].pattern, cases[i].text);
	}
}

static void test_texts(void)
{
	static const struct {
		unsigned version;
		const char *name, *files, *wanted;
	} cases[] = {
		{ V(0, 6, 0), "qemu.qemu_driver", "src/qemu/qemu_driver.c",
		  "file.qemu/qemu_driver.c file.qemu_driver.c" },
		{ V(1, 0, 0), "qemu.qemu_driver", "src/qemu/qemu_driver.c", "qemu/qemu_driver.c" },
		{ V(1, 2, 2), "util.json", "src/util/virjson.c", "util/virjson.c" },
		{ V(1, 0, 1), "util.json", "src/util/virjson.c", "util/virjson.c util/json.c" },
		{ V(0, 10, 2), "util.json", "src/util/virjson.c",
		  "file.util/virjson.c file.virjson.c file.util/json.c file.json.c" },
		{ V(1, 2, 2), "util.cgroup", "src/util/vircgroupv1.c,src/util/vircgroup.c", "util/vircgroup.c" },
		{ V(1, 2, 2), "libvirt", "src/libvirt.c", "libvirt.c" },
		{ V(1, 2, 2), "util.dbus", "src/util/virgdbus.c", "" },
		{ V(1, 2, 2), "daemon.remote", "src/remote/remote_daemon_dispatch.c", "" },
		{ V(1, 2, 2), "xen.xend_internal", "", "" },
		{ V(1, 2, 2), "qemu.qemu_driver", "src/qemu/qemu_driver.h", "" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_filter_era era = vd_filter_era(cases[i].version);
		char texts[VD_ERA_MAX_TEXTS][VD_ERA_TEXT_MAX], version[32];
		size_t n = vd_era_texts(&era, cases[i].name, cases[i].files, texts);
		VD_AUTO_BUF all = VD_BUF_INIT;
		int r = 0;

		for (size_t t = 0; t < n; t++)
			r |= vd_buf_addf(&all, "%s%s", t ? " " : "", texts[t]);
		tap_str(r ? NULL : vd_buf_str(&all), cases[i].wanted, "%s: files of %s",
		        vd_version_format(cases[i].version, version), cases[i].name);
	}
}

static void test_levels(void)
{
	static const struct {
		unsigned version;
		const char *filters, *category;
		unsigned level; /* default 3, 0 unknown */
		long item;
	} cases[] = {
		/* A later item with the same pattern takes the earlier one's place, until 2.4.0. */
		{ V(2, 3, 0), "1:qemu 2:util 4:qemu", "qemu.qemu_driver", 4, 2 },
		{ V(2, 4, 0), "1:qemu 2:util 4:qemu", "qemu.qemu_driver", 1, 0 },
		{ V(2, 3, 0), "1:qemu 4:qemu.qemu_driver", "qemu.qemu_driver", 1, 0 },
		{ V(2, 3, 0), "1:qemu 9:x 4:qemu", "qemu.qemu_driver", 1, 0 },
		/* Only what stands before the error. */
		{ V(1, 2, 3), "9:x 1:qemu", "qemu.qemu_driver", 3, -1 },
		{ V(4, 3, 0), "1:*", "qemu.qemu_driver", 3, -1 },
		{ V(4, 4, 0), "1:*", "qemu.qemu_driver", 1, 0 },
		{ V(5, 0, 0), "1:[q]emu 2:qemu", "qemu.qemu_driver", 0, 0 },
		{ V(5, 0, 0), "2:qemu 1:[q]emu", "qemu.qemu_driver", 2, 0 },
		{ V(8, 0, 0), "1:qemu:x", "qemu.qemu_driver", 0, 0 },
		{ V(8, 0, 0), "1:qemu:x", "util.json", 3, -1 },
		{ V(0, 6, 0), "0:qemu", "qemu.qemu_driver", 0, 0 },
		/* Names of source files. */
		{ V(1, 2, 2), "1:qemu/qemu_driver.c", "qemu.qemu_driver", 1, 0 },
		{ V(1, 2, 2), "1:qemu.qemu_driver", "qemu.qemu_driver", 3, -1 },
		{ V(0, 10, 2), "1:qemu/", "qemu.qemu_driver", 0, 0 },
		{ V(0, 10, 2), "1:file", "util.dbus", 1, 0 },
		{ V(1, 0, 0), "1:virjson", "util.json", 0, 0 },
		{ V(1, 0, 0), "1:json", "util.json", 1, 0 },
		{ V(1, 0, 2), "1:virjson", "util.json", 1, 0 },
		{ V(1, 2, 2), "1:qemu", "util.dbus", 0, 0 },
		{ V(1, 2, 2), "1:*", "util.dbus", 3, -1 },
		{ V(1, 2, 2), "", "util.dbus", 3, -1 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		const struct vd_category *c = NULL;
		char version[32];
		long item = -2;
		int r = vd_filters_parse_as(F, cases[i].version, cases[i].filters, &f, NULL);

		r |= vd_catalogue_load(cases[i].version, &catalogue, NULL);
		if (!r)
			c = vd_catalogue_find(&catalogue, cases[i].category);
		tap_ok(!r && c, "'%s' and %s", cases[i].filters, cases[i].category);
		vd_version_format(cases[i].version, version);
		tap_int(c ? vd_filters_level_in(&f, c, 3, &item) : 9, cases[i].level, "%s: '%s' for %s", version,
		        cases[i].filters, cases[i].category);
		tap_int(item, cases[i].item, "%s: '%s' for %s -> item", version, cases[i].filters, cases[i].category);
	}
}

/* "id:item id:item" */
static char *ids(const struct vd_filter_warnings *w)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_reserve(&buf, 1);

	for (size_t i = 0; i < w->count; i++)
		r |= vd_buf_addf(&buf, "%s%s:%ld", i ? " " : "", w->items[i].id, w->items[i].item);
	return r ? NULL : strdup(vd_buf_str(&buf));
}

static void test_warnings(void)
{
	static const struct {
		unsigned version;
		enum vd_log_kind kind;
		const char *text, *ids, *message;
	} cases[] = {
		{ V(4, 3, 0), F, "1:*", "star-literal:0",
		  "'*' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters; log_level sets the level "
		  "of "
		  "everything" },
		{ V(4, 3, 0), F, "1:qemu*", "star-literal:0",
		  "'qemu*' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters; any part of a name "
		  "matches, so write 'qemu'" },
		{ V(4, 3, 0), F, "1:qemu*json", "star-literal:0",
		  "'qemu*json' matches nothing: before libvirt 4.4.0 * and ? are ordinary characters" },
		{ V(4, 4, 0), F, "1:qemu*", "", NULL },
		{ V(4, 3, 0), F, "1:[q]emu", "brackets-literal:0",
		  "'[q]emu' matches no category: brackets are ordinary characters, nothing is a wildcard before "
		  "libvirt "
		  "4.4.0" },
		{ V(4, 6, 0), F, "1:[q]emu", "", NULL },
		{ V(6, 0, 0), F, "1:[q]emu", "brackets-literal:0",
		  "cannot tell what '[q]emu' matches: brackets are wildcards until libvirt 4.6, ordinary characters in "
		  "7.0.0, and nobody looked in which version between them that changed" },
		{ V(7, 0, 0), F, "1:[q]emu", "brackets-literal:0", NULL },
		{ V(1, 3, 2), F, "1:qemu\t1:lxc", "", NULL },
		{ V(1, 3, 2), F, "1:qemu,1:lxc", "separator:0",
		  "a comma does not separate filters, only white space does: this is one filter, for the pattern "
		  "'qemu,1:lxc'; did you mean '1:qemu 1:lxc'?" },
		{ V(1, 3, 3), F, "1:qemu\t1", "separator:0", NULL },
		{ V(8, 0, 0), F, "1:qemu:x", "", NULL },
		{ V(9, 0, 0), F, "1:qemu:x", "suffix-ignored:0", NULL },
		{ V(1, 3, 2), F, "1:qemu:x", "no-match:0",
		  "'qemu:x' matches no category known for this version: a colon is part of the pattern before 1.3.3; "
		  "did "
		  "you mean qemu or util.qemu?" },
		{ V(0, 9, 12), F, "1:+qemu", "stack-trace-flag:0",
		  "the \"+\" is part of the pattern before libvirt 0.9.13, and no file name holds one: '+qemu' matches "
		  "nothing" },
		{ V(0, 9, 13), F, "1:+qemu", "stack-trace-flag:0",
		  "the \"+\" asks for a stack trace with each message, until libvirt 5.9.0" },
		{ V(5, 8, 0), F, "1:+qemu", "stack-trace-flag:0", NULL },
		{ V(5, 9, 0), F, "1:+qemu", "stack-trace-flag:0",
		  "the \"+\" asked for stack traces before libvirt 5.9.0; it is ignored now" },
		{ V(4, 3, 0), F, "1:QEMU", "case:0", NULL },
		{ V(1, 2, 2), F, "1:QEMU", "case:0",
		  "'QEMU' matches no known source file: matching is case-sensitive; did you mean 'qemu'?" },
		{ V(4, 3, 0), F, "1:qemu.qemu_security", "no-match:0", NULL },
		{ V(7, 0, 0), F, "1:qemu.qemu_security", "", NULL },
		{ V(1, 2, 3), F, "1:util.eventpoll", "", NULL },
		{ V(7, 0, 0), F, "1:util.eventpoll", "no-match:0", NULL },
		{ V(1, 2, 2), F, "1:util.json", "no-match:0",
		  "'util.json' matches no source file that is known for this version, of which there is no full list: "
		  "before libvirt 1.2.3 patterns are compared with file names such as util/virjson.c" },
		{ V(1, 2, 2), F, "1:util/virjson.c", "", NULL },
		{ V(2, 3, 0), F, "1:qemu 4:qemu", "shadowed:0",
		  "'1:qemu' never counts: before libvirt 2.4.0 '4:qemu', which has the same pattern, takes its place" },
		{ V(2, 4, 0), F, "1:qemu 4:qemu", "shadowed:1", NULL },
		{ V(2, 3, 0), F, "1:qemu 4:qemu.qemu_driver", "shadowed:1", NULL },
		{ V(1, 2, 2), F, "1:qemu/ 4:qemu/qemu_driver.c", "shadowed:1", NULL },
		/* "driver" may be the name of a file nobody knows of. */
		{ V(1, 2, 2), F, "1:qemu/qemu_driver 4:qemu_driver", "", NULL },
		{ V(6, 0, 0), F, "1:[q]emu 4:qemu.qemu_driver", "brackets-literal:0", NULL },
		{ V(4, 3, 0), F, "1:util", "flood:0", NULL },
		{ V(1, 2, 2), F, "1:util", "", NULL },
		/* What is not in force is not warned about. */
		{ V(2, 3, 0), F, "9:x 1:qumu", "", NULL },
		{ V(2, 3, 0), O, "1:stderr 3:stderr", "duplicate:1",
		  "'3:stderr' names the same destination as '1:stderr': before libvirt 2.4.0 both stay, and lines come "
		  "twice" },
		{ V(2, 4, 0), O, "1:stderr 3:stderr", "duplicate:0", NULL },
		{ V(1, 3, 2), O, "1:file:x.log", "relative-path:0", NULL },
		{ V(1, 3, 2), O, "1:file:/a:b", "", NULL },
		{ V(1, 3, 3), O, "1:file:/a:b", "space-or-colon-in-path:0", NULL },
		{ V(1, 3, 2), O, "1:file:/my log", "space-or-colon-in-path:1", NULL },
		{ V(1, 3, 2), O, "1:journald", "journald-debug:0", NULL },
		{ V(1, 3, 2), O, "  ", "", NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
		VD_AUTO_FREE char *got = NULL;
		VD_AUTO_BUF label = VD_BUF_INIT;
		char version[32];
		int r = vd_filters_parse_as(cases[i].kind, cases[i].version, cases[i].text, &f, NULL);

		r |= vd_buf_add_escaped(&label, cases[i].text, strlen(cases[i].text));
		r |= vd_catalogue_load(cases[i].version, &catalogue, NULL);
		r |= cases[i].kind == F ? vd_filters_check(&f, &catalogue, NULL, VD_LOG_DEFAULT_LEVEL, &w)
		                        : vd_outputs_check(&f, NULL, &w);
		got = r ? NULL : ids(&w);
		vd_version_format(cases[i].version, version);
		tap_str(got, cases[i].ids, "%s: '%s' -> warnings", version, vd_buf_str(&label));
		if (cases[i].message)
			tap_str(w.count ? w.items[0].message : NULL, cases[i].message, "%s: '%s' -> message", version,
			        vd_buf_str(&label));
	}
}

static void test_below_output(void)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;
	VD_AUTO_FILTERS o = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
	VD_AUTO_FREE char *got = NULL;
	int r = vd_filters_parse_as(F, V(2, 3, 0), "1:qemu", &f, NULL);

	/* Both outputs are kept in 2.3.0, the last one wins in 2.4.0. */
	r |= vd_filters_parse_as(O, V(2, 3, 0), "1:stderr 3:stderr", &o, NULL);
	r |= vd_catalogue_load(V(2, 3, 0), &catalogue, NULL);
	r |= vd_filters_check(&f, &catalogue, &o, VD_LOG_DEFAULT_LEVEL, &w);
	got = ids(&w);
	tap_str(r ? NULL : got, "", "2.3.0: the output that takes debug stays");
	vd_filters_release(&o);
	r |= vd_filters_parse_as(O, V(2, 4, 0), "1:stderr 3:stderr", &o, NULL);
	r |= vd_filters_check(&f, &catalogue, &o, VD_LOG_DEFAULT_LEVEL, &w);
	free(got);
	got = ids(&w);
	tap_str(r ? NULL : got, "below-output:0", "2.4.0: it is replaced");
}

static void test_confidence(void)
{
	tap_str(vd_filter_era_confidence(V(9, 0, 0)), "run", "9.0.0 was run");
	tap_str(vd_filter_era_confidence(V(11, 3, 0)), "read", "11.3.0 was read");
	tap_str(vd_filter_era_confidence(V(0, 9, 12)), "read", "0.9.12 was read");
}

/* Brackets and classes in them that nothing closes: each is looked through once. */
static void test_brackets(void)
{
	struct vd_filter_era era = vd_filter_era(VD_VERSION(4, 5, 0));
	VD_AUTO_BUF pattern = VD_BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < 60000 && r == 0; i++)
		r = vd_buf_addf(&pattern, "%s", i % 3 == 0 ? "[:" : i % 3 == 1 ? "[." : "[=");
	alarm(30);
	for (size_t i = 0; i < 20 && r == 0; i++)
		r = vd_era_matches(&era, pattern.data, pattern.len, "qemu.qemu_process") == VD_YES;
	alarm(0);
	tap_int(r, 0, "brackets: nothing is matched");
}

int main(void)
{
	test_grammar();
	test_progress();
	test_errors();
	test_matching();
	test_texts();
	test_levels();
	test_warnings();
	test_below_output();
	test_confidence();
	test_brackets();
	return tap_done();
}
