/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lib/guests*.c share. Private to them. */

#include "guests.h"

/* The directories of one driver, absolute inside the root. Owned. */
struct vd_place {
	enum vd_driver driver;
	char *config_dir, *autostart_dir, *run_dir;
	char *save_dir; /* managed save images; NULL: the driver has none */
};

struct vd_places {
	struct vd_place items[VD_DRIVER_COUNT_];
	size_t len;
};

/* One call of vd_guests_load(). */
struct vd_load {
	struct vd_root *root;
	struct vd_guests *guests;
	size_t cap;        /* of guests->items */
	struct vd_buf buf; /* the file being read, kept for the next */
	bool have_boot;
	time_t boot;
};

/*
 * Where guests are described: the system's directories or a user's.
 * Returns 0; -ENOENT when the session user does not exist; -ENOMEM.
 */
int vd_places_find(struct vd_root *root, const struct vd_guests_options *options, struct vd_places *places,
                   struct vd_err *err) VD_MUST_CHECK;
void vd_places_release(struct vd_places *places);

/* Is the last part of @path, which has a slash, "@name.xml"? */
bool vd_file_has_name(const char *path, const char *name);

/* Formatted text that the caller frees; NULL without memory. */
char *vd_guests_format(const char *fmt, ...) VD_PRINTF(1, 2);
