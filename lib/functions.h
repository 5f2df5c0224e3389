/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which log category a record of a text log belongs to: libvirt writes the category only to the journal, but the
 * function, which text logs have, tells it. From lib/data/functions.tsv, read from the sources of one version; names
 * change little between versions, and one that is not known has no category. Numbers of source lines count only where
 * the name alone does not tell: those of another version mostly fit nothing, and then there is no category. Pure: no
 * I/O.
 */

#include "data.h"
#include "macros.h"
#include "record.h"

/* Where a category is not known. */
#define VD_CATEGORY_NONE     0xffffu
/* More families of generated functions than the catalogue has. */
#define VD_FUNCTION_PATTERNS 16

struct vd_functions {
	const char *text; /* the catalogue */
	struct vd_field version;
	struct vd_field *categories; /* owned; by number */
	size_t n_categories;
	struct vd_function_slot {
		uint32_t offset; /* of the name in the catalogue */
		uint16_t len;    /* 0: free */
		uint16_t category;
	} * slots; /* owned; a hash table. A name is there once for each of its categories */
	struct vd_function_pattern {
		struct vd_field name; /* with one '*' */
		unsigned category;
	} patterns[VD_FUNCTION_PATTERNS];
	size_t n_patterns;
	unsigned error, log, daemon; /* numbers of util.error, util.log, daemon.libvirtd */
};
#define VD_FUNCTIONS_INIT    \
	{                    \
		.text = NULL \
	}
#define VD_AUTO_FUNCTIONS VD_CLEANUP(vd_functions_release) struct vd_functions

/* Load the catalogue: a fraction of a millisecond. Returns 0 or -ENOMEM. */
int vd_functions_load(struct vd_functions *ret_functions) VD_MUST_CHECK;
void vd_functions_release(struct vd_functions *functions);

/*
 * The number of the category of a message of level @level, 1 debug to 4 error, that the function @name logs at @line of
 * its source; VD_CATEGORY_NONE when it is not known. Of an error it is util.error, as in libvirt itself, unless the
 * function logs it without reporting it to its caller.
 */
unsigned vd_functions_find(const struct vd_functions *functions, const char *name, size_t len, unsigned level,
                           uint32_t line);
/*
 * The same for a record, from what the journal says of it if it does. The lines that begin a log are of util.log; what
 * a daemon reports as an error but logs as a debug message, since its clients only asked whether something is there, is
 * of util.error. @source: the name of the log, NULL unknown: "virtqemud.log" tells which daemon its main file belongs
 * to when the record does not; else it is libvirtd.
 */
unsigned vd_functions_of(const struct vd_functions *functions, const struct vd_record *record, const char *source);
/* The name of category @number; empty for VD_CATEGORY_NONE. */
struct vd_field vd_functions_category(const struct vd_functions *functions, unsigned number);
