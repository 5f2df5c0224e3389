/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filter strings: spans lie inside the input and in order, and vlog and `filters check` agree on what is valid. */
#include "fuzz.h"

#include "filter.h"
#include "log-grammar.h"
#include "vlog.h"

static void check_inside(const struct vlog_span *part, const struct vlog_span *whole, const char *what)
{
	if (!part->length)
		return;
	FUZZ_CHECK(part->offset >= whole->offset && part->offset - whole->offset <= whole->length &&
	                   part->length <= whole->length - (part->offset - whole->offset),
	           "%s (%zu+%zu) is outside of its item (%zu+%zu)", what, part->offset, part->length, whole->offset,
	           whole->length);
}

static void check_item(const char *s, const struct vlog_item *item)
{
	FUZZ_CHECK(item->text.length && !memchr(s + item->text.offset, ' ', item->text.length),
	           "item at %zu is empty or has a space", item->text.offset);
	check_inside(&item->level_text, &item->text, "level");
	check_inside(&item->match, &item->text, "match");
	check_inside(&item->ignored, &item->text, "ignored part");
	check_inside(&item->fault, &item->text, "fault");
	if (item->error == VLOG_ITEM_OK)
		FUZZ_CHECK(item->level >= 1 && item->level <= 4 && item->match.length && !item->fault.length,
		           "a valid item has level %u, a match of %zu and a fault of %zu", item->level,
		           item->match.length, item->fault.length);
	else
		FUZZ_CHECK(!item->level && item->fault.length, "an invalid item has level %u and a fault of %zu",
		           item->level, item->fault.length);
}

/* Returns the number of items, and of invalid ones. */
static size_t walk(const char *s, size_t len, size_t *ret_invalid)
{
	size_t pos = 0, n = 0, end = 0;
	struct vlog_item item;

	*ret_invalid = 0;
	while (vlog_filter_next(s, len, &pos, &item)) {
		FUZZ_CHECK(pos <= len && item.text.offset >= end && item.text.offset + item.text.length <= pos,
		           "item %zu is not behind the one before", n);
		end = pos;
		check_item(s, &item);
		*ret_invalid += item.error != VLOG_ITEM_OK;
		n++;
	}
	return n;
}

FUZZ_TARGET("log-filters")
{
	VD_AUTO_FREE char *s = fuzz_string(data, size);
	VD_AUTO_FILTERS filters = VD_FILTERS_INIT;
	struct vlog_error error;
	size_t len = strlen(s), invalid, n = walk(s, len, &invalid);
	int r = vlog_set_filters(s, &error);

	FUZZ_CHECK((r == 0) == !invalid, "vlog says %d to a string with %zu invalid items", r, invalid);
	if (r < 0)
		FUZZ_CHECK(error.offset + error.length <= len, "the error points behind the string");
	vlog_shutdown();
	if (vd_filters_parse(VD_LOG_FILTERS, s, &filters, NULL) < 0)
		return 0;
	FUZZ_CHECK(filters.count == n && filters.invalid == invalid, "%zu items, %zu invalid; parsed %zu and %zu", n,
	           invalid, filters.count, filters.invalid);
	for (size_t i = 0; i < filters.count; i++)
		FUZZ_CHECK(filters.items[i].valid == !filters.items[i].error, "item %zu: valid or an error", i);
	return 0;
}
