/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which log category a record of a text log belongs to: libvirt writes the category only to the journal, but the
 * function, which text logs have, tells it. From lib/data/functions.tsv, read from the sources of one version; names
 * change little between versions, and one that is not known has no category. Pure: no I/O.
 */

#include "data.h"
#include "macros.h"
#include "record.h"

/* Where a category is not known. */
#define VD_CATEGORY_NONE 0xffffu

struct vd_functions {
	const char *text; /* the catalogue */
	struct vd_field version;
	struct vd_field *categories; /* owned; by number */
	size_t n_categories;
	struct vd_function_slot {
		uint32_t offset; /* of the name in the catalogue */
		uint16_t len;    /* 0: free */
		uint16_t category;
	} * slots;           /* owned; a hash table */
	unsigned error, log; /* numbers of util.error and util.log */
};
#define VD_FUNCTIONS_INIT    \
	{                    \
		.text = NULL \
	}
#define VD_AUTO_FUNCTIONS VD_CLEANUP(vd_functions_release) struct vd_functions

/* Load the catalogue: a fraction of a millisecond. Returns 0 or -ENOMEM. */
int vd_functions_load(struct vd_functions *ret_functions) VD_MUST_CHECK;
void vd_functions_release(struct vd_functions *functions);

/* The number of the category of the function @name; VD_CATEGORY_NONE when it is not known. */
unsigned vd_functions_find(const struct vd_functions *functions, const char *name, size_t len);
/*
 * The same for a record, from what the journal says of it if it does. Else of an error it is util.error, whoever raised
 * it, and of the lines that begin a log util.log, as in libvirt itself.
 */
unsigned vd_functions_of(const struct vd_functions *functions, const struct vd_record *record);
/* The name of category @number; empty for VD_CATEGORY_NONE. */
struct vd_field vd_functions_category(const struct vd_functions *functions, unsigned number);
