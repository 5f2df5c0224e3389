/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/functions: the category of a record as the journal of the same libvirt has it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "tap.h"

/* The lines of tests/data/logs/journal-categories.tsv. */
static void test_journal(const struct vd_functions *functions)
{
	unsigned long records = 0, same = 0, lines = 0;
	FILE *file = fopen("tests/data/logs/journal-categories.tsv", "re");
	char line[512];

	if (!tap_ok(file != NULL, "journal: its data is there"))
		return;
	while (fgets(line, sizeof(line), file)) {
		char category[128], function[128], text[128], head[1024];
		unsigned level, number;
		unsigned long count;
		struct vd_record record;
		struct vd_field found;
		int n;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%127[^\t]\t%127[^\t]\t%u\t%u\t%lu\t%127[^\n]", category, function, &number, &level,
		           &count, text) != 6)
			abort();
		/* The line that begins a log is written by virLogVMessage, and the text has no function. */
		if (!strcmp(function, "virLogVMessage"))
			n = snprintf(head, sizeof(head), "2026-11-23 09:47:18.571+0000: 1: info : hostname: vm");
		else
			n = snprintf(head, sizeof(head), "2026-11-23 09:47:18.571+0000: 1: %s : %s:%u : %s",
			             vd_record_level_name(level), function, number, text);
		if (!vd_record_parse(head, (size_t)n, 0, &record))
			abort();
		found = vd_functions_category(functions, vd_functions_of(functions, &record, NULL));
		records += count;
		lines++;
		if (vd_field_is(&found, category))
			same += count;
		else
			printf("# %s: %s in the journal, %.*s here\n", function, category, (int)found.len, found.s);
	}
	fclose(file);
	tap_ok(lines > 900 && records > 250000, "journal: %lu records of %lu kinds", records, lines);
	tap_ok(same == records, "journal: %lu of %lu records have its category", same, records);
}

/* The category of a record as @source, a file, has it. */
static struct vd_field category_in(const struct vd_functions *functions, const char *line, const char *source)
{
	struct vd_record record;

	if (!vd_record_parse(line, strlen(line), 0, &record))
		abort();
	return vd_functions_category(functions, vd_functions_of(functions, &record, source));
}

static void test_lines(const struct vd_functions *functions)
{
	static const struct {
		const char *line, *source, *category;
	} cases[] = {
		{ "1: debug : main:973 : m", NULL, "daemon.libvirtd" },
		{ "1: debug : main:931 : m", NULL, "locking.lock_daemon" },
		{ "1: debug : main:745 : m", NULL, "logging.log_daemon" },
		{ "1: error : main:745 : m", NULL, "util.error" }, /* a debug message stands there, no error */
		{ "1: error : main:950 : m", NULL, "daemon.libvirtd" },
		{ "1: debug : main:950 : m", NULL, "locking.lock_daemon" },
		{ "1: debug : main:1 : m", NULL, "" }, /* cannot be told */
		{ "1: debug : main:973 : m", "/var/log/libvirt/virtqemud.log", "daemon.virtqemud" },
		{ "1: debug : main:973 : m", "virtlxcd.log.1.xz", "daemon.virtlxcd" },
		{ "1: debug : main:973 : m", "standard input", "daemon.libvirtd" },
		{ "1: debug : daemonSetupSignals:1 : m", "/x/virtstoraged.log", "daemon.virtstoraged" },
		{ "1: error : qemuDomainObjPrivateFree:7 : m", NULL, "qemu.qemu_domain" }, /* reports nothing */
		{ "1: error : qemuConnectAgent:223 : m", NULL, "qemu.qemu_process" },
		{ "1: error : qemuConnectAgent:224 : m", NULL, "util.error" },
		{ "1: error : noSuchFunction:224 : m", NULL, "util.error" },
		{ "1: debug : remoteDispatchNewCallHelper:1 : m", NULL, "daemon.remote" },
		{ "1: debug : adminDispatchConnectOpenHelper:1 : m", NULL, "daemon.admin" },
		{ "1: debug : remoteDispatchNewCall:1 : m", NULL, "" },
		{ "1: debug : qemuDomainLookupByName:1 : Domain not found: x", NULL, "util.error" },
		{ "1: debug : qemuDomainLookupByName:1 : Domain not found here", NULL, "qemu.qemu_driver" },
		{ "1: info : qemuDomainLookupByName:1 : Domain not found: x", NULL, "qemu.qemu_driver" },
		{ "1: debug : qemuDomainLookupByName:1 : ", NULL, "qemu.qemu_driver" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		char line[256];
		struct vd_field found;

		snprintf(line, sizeof(line), "2026-11-23 09:47:18.571+0000: %s", cases[i].line);
		found = category_in(functions, line, cases[i].source);
		tap_ok(vd_field_is(&found, cases[i].category), "%s in %s: %s, not %.*s", cases[i].line,
		       cases[i].source ? cases[i].source : "a log", cases[i].category, (int)found.len, found.s);
	}
}

int main(void)
{
	VD_AUTO_FUNCTIONS functions = VD_FUNCTIONS_INIT;
	struct vd_record record;
	static const char odd[] = "2026-11-23 09:47:18.571+0000: 1: debug : noSuchFunction:1 : m";

	if (vd_functions_load(&functions) < 0)
		abort();
	tap_ok(vd_field_is(&functions.version, "9.0.0"), "catalogue: says which version it is of");
	tap_int(vd_functions_find(&functions, "qemuMonitorSen", 14, 1, 1), VD_CATEGORY_NONE,
	        "catalogue: no prefix is a name");
	tap_ok(vd_field_is(&(struct vd_field){ "qemu.qemu_monitor", 17 }, "qemu.qemu_monitor") &&
	               vd_functions_find(&functions, "qemuMonitorSend", 15, 1, 1) != VD_CATEGORY_NONE,
	       "catalogue: a name is found");
	tap_ok(vd_record_parse(odd, sizeof(odd) - 1, 0, &record) &&
	               vd_functions_of(&functions, &record, NULL) == VD_CATEGORY_NONE &&
	               vd_functions_category(&functions, VD_CATEGORY_NONE).len == 0,
	       "catalogue: a function of another version has no category");
	test_lines(&functions);
	test_journal(&functions);
	return tap_done();
}
