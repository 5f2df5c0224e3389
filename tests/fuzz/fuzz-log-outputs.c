/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output strings: spans lie inside the input, valid items have what their destination needs, paths are absolute. */
#include "fuzz.h"

#include "filter.h"
#include "log-grammar.h"

static void check_inside(const struct vlog_span *part, const struct vlog_span *whole)
{
	if (part->length)
		FUZZ_CHECK(part->offset >= whole->offset && part->offset - whole->offset <= whole->length &&
		                   part->length <= whole->length - (part->offset - whole->offset),
		           "a part (%zu+%zu) is outside of its item (%zu+%zu)", part->offset, part->length,
		           whole->offset, whole->length);
}

static void check_item(const struct vlog_item *item)
{
	bool needs = item->dest == VLOG_DEST_FILE || item->dest == VLOG_DEST_SYSLOG;

	check_inside(&item->level_text, &item->text);
	check_inside(&item->match, &item->text);
	check_inside(&item->argument, &item->text);
	check_inside(&item->fault, &item->text);
	if (item->error != VLOG_ITEM_OK) {
		FUZZ_CHECK(!item->level && item->fault.length, "an invalid item has level %u and a fault of %zu",
		           item->level, item->fault.length);
		return;
	}
	FUZZ_CHECK(item->level >= 1 && item->level <= 4 && item->dest < VLOG_DEST_COUNT_ && item->match.length,
	           "a valid item has level %u, destination %d", item->level, (int)item->dest);
	FUZZ_CHECK(needs || !item->argument.length, "%s with an argument", vlog_dest_name(item->dest));
}

FUZZ_TARGET("log-outputs")
{
	VD_AUTO_FREE char *s = fuzz_string(data, size);
	VD_AUTO_FILTERS outputs = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;
	struct vlog_item item;
	size_t pos = 0, n = 0, end = 0, kept = 0, valid = 0;

	while (vlog_output_next(s, strlen(s), &pos, &item)) {
		FUZZ_CHECK(item.text.offset >= end && item.text.offset + item.text.length <= pos && pos <= strlen(s),
		           "item %zu is not behind the one before", n);
		end = pos;
		check_item(&item);
		n++;
	}
	if (n > 200 || vd_filters_parse(VD_LOG_OUTPUTS, s, &outputs, NULL) < 0)
		return 0;
	FUZZ_CHECK(outputs.count == n, "%zu items, parsed %zu", n, outputs.count);
	for (size_t i = 0; i < n; i++) {
		valid += outputs.items[i].valid;
		kept += outputs.items[i].valid && vd_outputs_kept(&outputs, i);
		FUZZ_CHECK(vd_filters_column(&outputs, &outputs.items[i].parsed.text) >= 1, "column 0");
	}
	FUZZ_CHECK(!valid == !kept, "%zu valid items, %zu kept", valid, kept);
	FUZZ_CHECK(outputs.invalid || vd_outputs_lowest(&outputs) <= 5, "lowest level above 5");
	if (vd_outputs_check(&outputs, NULL, &warnings) < 0)
		return 0;
	for (size_t i = 0; i < warnings.count; i++)
		FUZZ_CHECK(warnings.items[i].item < (long)n && warnings.items[i].message, "warning about item %ld",
		           warnings.items[i].item);
	return 0;
}
