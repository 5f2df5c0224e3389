/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proc/PID/status: what is accepted has a user, its own group among the groups, and no group twice. */
#include "fuzz.h"

#include <errno.h>

#include "account.h"

FUZZ_TARGET("status")
{
	struct vd_account a = { 0 };
	char *text = strndup((const char *)data, size);
	int r = text ? vd_account_parse_status(text, &a) : -ENOMEM;

	free(text);
	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOMEM, "result %d", r);
	FUZZ_CHECK(r == 0 || (!a.name && !a.gids), "something left after an error");
	if (r == 0) {
		bool own = false;

		FUZZ_CHECK(a.known && a.name && a.ngids, "accepted, and not known");
		for (size_t i = 0; i < a.ngids && a.ngids < 1000; i++) {
			own |= a.gids[i] == a.gid;
			for (size_t k = 0; k < i; k++)
				FUZZ_CHECK(a.gids[k] != a.gids[i], "group %u twice", (unsigned)a.gids[i]);
		}
		FUZZ_CHECK(own || a.ngids >= 1000, "its own group is not among the groups");
	}
	vd_account_release(&a);
	return 0;
}
