/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The warnings of `filters check`: about items that exist, with a message, and the level of a category is one that the
 * filters or the default give. Apart from log-filters, because looking for similar names is slow.
 */
#include "fuzz.h"

#include "catalogue.h"
#include "filter.h"
#include "host.h"

static void check_level(const struct vd_filters *filters, const char *category)
{
	long item = -2;
	unsigned level = vd_filters_level(filters, category, 3, &item);

	FUZZ_CHECK(item >= -1 && item < (long)filters->count, "%s is decided by item %ld", category, item);
	if (item < 0) {
		FUZZ_CHECK(level == 3, "%s has level %u by default", category, level);
		return;
	}
	FUZZ_CHECK(filters->items[item].valid && filters->items[item].parsed.level == level,
	           "%s has level %u by item %ld", category, level, item);
}

FUZZ_TARGET("log-check")
{
	static struct vd_catalogue catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_FREE char *s = fuzz_string(data, size);
	VD_AUTO_FILTERS filters = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;

	if (!catalogue.count && vd_catalogue_load(VD_VERSION(9, 0, 0), &catalogue, NULL) < 0)
		return 0;
	if (strlen(s) > 80 || vd_filters_parse(VD_LOG_FILTERS, s, &filters, NULL) < 0)
		return 0;
	check_level(&filters, "qemu.qemu_driver");
	check_level(&filters, "util.json");
	if (filters.count > 3 || vd_filters_check(&filters, &catalogue, NULL, 3, &warnings) < 0)
		return 0;
	for (size_t i = 0; i < warnings.count; i++)
		FUZZ_CHECK(warnings.items[i].item >= -1 && warnings.items[i].item < (long)filters.count &&
		                   warnings.items[i].id && warnings.items[i].message && *warnings.items[i].message,
		           "warning about item %ld of %zu", warnings.items[i].item, filters.count);
	return 0;
}
