/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/file-check: how labels compare. The verdicts themselves are tested through `selinux check`. */

#include "file-check.h"
#include "tap.h"

int main(void)
{
	static const struct {
		const char *expected, *actual, *what;
		enum vd_label_match match;
	} cases[] = {
		{ "system_u:object_r:svirt_image_t:s0:c1,c2", "system_u:object_r:svirt_image_t:s0:c1,c2", "equal",
		  VD_LABEL_SAME },
		{ "system_u:object_r:svirt_image_t:s0:c1,c2", "unconfined_u:object_r:svirt_image_t:s0:c2,c1",
		  "other user, other order", VD_LABEL_SAME },
		{ "u:r:t:s0:c1,c2", "u:r:t:s0:c1.c2", "adjacent categories as a range", VD_LABEL_SAME },
		{ "u:r:t:s0:c1,c3", "u:r:t:s0:c1.c3", "a range is more than its ends", VD_LABEL_CATEGORIES },
		{ "u:r:t:s0:c1,c2", "u:r:t:s0", "no categories", VD_LABEL_LESS },
		{ "u:r:t:s0:c1,c2", "u:r:t:s0:c1", "one of them", VD_LABEL_LESS },
		{ "u:r:t:s0", "u:r:t:s0:c1,c2", "categories where none belong", VD_LABEL_CATEGORIES },
		{ "u:r:t:s0:c1,c2", "u:r:t:s0:c3,c4", "another pair", VD_LABEL_CATEGORIES },
		{ "u:r:t:s0", "u:r:other_t:s0", "another type", VD_LABEL_TYPE },
		{ "u:r:t:s0", "u:r:t:s1", "another sensitivity", VD_LABEL_CATEGORIES },
		{ "u:r:t", "u:r:t", "a policy without ranges", VD_LABEL_SAME },
		{ "u:r:t:s0", "rubbish", "no context", VD_LABEL_MALFORMED },
		{ "u:r:t:s0:c1,c2", "u:r:t:s0:c1,c99999", "a category that cannot be", VD_LABEL_MALFORMED },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_int(vd_label_compare(cases[i].expected, cases[i].actual), cases[i].match, "compare: %s",
		        cases[i].what);
	for (int s = 0; s < VD_FILE_STATUS_COUNT_; s++)
		tap_ok(vd_file_status_name(s) != NULL, "status %d has a word", s);
	for (int r = 1; r < VD_REASON_COUNT_; r++)
		tap_ok(vd_reason_id(r) != NULL, "reason %d has an id", r);
	return tap_done();
}
