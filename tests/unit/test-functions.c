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
		char category[128], function[128], head[512];
		unsigned level;
		unsigned long count;
		struct vd_record record;
		struct vd_field found;
		int n;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%127[^\t]\t%127[^\t]\t%u\t%lu", category, function, &level, &count) != 4)
			abort();
		/* The line that begins a log is written by virLogVMessage, and the text has no function. */
		if (!strcmp(function, "virLogVMessage"))
			n = snprintf(head, sizeof(head), "2026-11-23 09:47:18.571+0000: 1: info : hostname: vm");
		else
			n = snprintf(head, sizeof(head), "2026-11-23 09:47:18.571+0000: 1: %s : %s:7 : text",
			             vd_record_level_name(level), function);
		if (!vd_record_parse(head, (size_t)n, 0, &record))
			abort();
		found = vd_functions_category(functions, vd_functions_of(functions, &record));
		records += count;
		lines++;
		if (vd_field_is(&found, category))
			same += count;
		else
			printf("# %s: %s in the journal, %.*s here\n", function, category, (int)found.len, found.s);
	}
	fclose(file);
	tap_ok(lines > 40 && records > 2000, "journal: %lu records of %lu kinds", records, lines);
	tap_ok(same * 1000 >= records * 999, "journal: %lu of %lu records have its category", same, records);
}

int main(void)
{
	VD_AUTO_FUNCTIONS functions = VD_FUNCTIONS_INIT;
	struct vd_record record;
	static const char odd[] = "2026-11-23 09:47:18.571+0000: 1: debug : noSuchFunction:1 : m";

	if (vd_functions_load(&functions) < 0)
		abort();
	tap_ok(vd_field_is(&functions.version, "9.0.0"), "catalogue: says which version it is of");
	tap_int(vd_functions_find(&functions, "qemuMonitorSen", 14), VD_CATEGORY_NONE,
	        "catalogue: no prefix is a name");
	tap_ok(vd_field_is(&(struct vd_field){ "qemu.qemu_monitor", 17 }, "qemu.qemu_monitor") &&
	               vd_functions_find(&functions, "qemuMonitorSend", 15) != VD_CATEGORY_NONE,
	       "catalogue: a name is found");
	tap_ok(vd_record_parse(odd, sizeof(odd) - 1, 0, &record) &&
	               vd_functions_of(&functions, &record) == VD_CATEGORY_NONE &&
	               vd_functions_category(&functions, VD_CATEGORY_NONE).len == 0,
	       "catalogue: a function of another version has no category");
	test_journal(&functions);
	return tap_done();
}
