/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads all guests of the host below a directory, for comparison with a bare XML parser: guests DIR COUNT */
#include <stdio.h>
#include <stdlib.h>

#include "guests.h"

int main(int argc, char **argv)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	const struct vd_guests_options options = { 0 };

	if (argc != 3 || vd_root_open(argv[1], 0, &root, NULL) < 0 || vd_guests_load(root, &options, &guests, NULL) < 0)
		return 126;
	return guests.len == strtoul(argv[2], NULL, 10) && !guests.n_problems ? 0 : 126;
}
