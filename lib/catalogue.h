/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log categories of libvirt, compiled in from lib/data/categories.tsv: those of 1.2.3, 4.3.0, 7.0.0, 9.0.0 and
 * 11.3.0 were read from the sources of these versions. Before 1.2.3 there were none: patterns were compared with the
 * names of source files. Pure: no I/O.
 */

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "filter-era.h"

/* The first version with log categories, and the newest one that the catalogue was made from. */
#define VD_CATALOGUE_OLDEST VD_VERSION(1, 2, 3)
#define VD_CATALOGUE_NEWEST VD_VERSION(11, 3, 0)

/* How much a category logged in the measured run; see lib/data/categories.tsv. */
enum vd_volume {
	VD_VOLUME_NONE, /* not among the busiest: nothing known */
	VD_VOLUME_LOW,
	VD_VOLUME_HIGH,  /* 200 lines or more of 25854 */
	VD_VOLUME_FLOOD, /* 2000 lines or more */
	VD_VOLUME_COUNT_
};
/* "-", "low", "high", "flood". */
const char *vd_volume_name(enum vd_volume volume);

/* All strings are borrowed from the catalogue. */
struct vd_category {
	const char *name;
	const char *files;      /* source files, separated by commas; "" unknown */
	const char *area;       /* "qemu", "util", ... */
	const char *since;      /* first examined version that has it */
	const char *until;      /* last examined version that has it; NULL: the newest one still has */
	enum vd_volume volume;  /* at debug */
	enum vd_volume at_info; /* at info */
	unsigned lines;         /* measured at debug; 0 unknown */
	const char *silencer;   /* a filter item against a flood; NULL */
	/*
	 * What patterns are compared with: the name. Before 1.2.3 the names that the source file may have had; none
	 * when that is unknown.
	 */
	const char *texts[VD_ERA_MAX_TEXTS];
	size_t n_texts;
};

enum vd_catalogue_fit {
	VD_FIT_EXACT,   /* the version is one that was examined */
	VD_FIT_BETWEEN, /* between two of them: the names of both are in */
	VD_FIT_NEWER,   /* newer than the newest: the newest is used */
	VD_FIT_OLDER,   /* before categories: those of 1.2.3, standing for the source files called so */
};

struct vd_catalogue {
	unsigned version; /* what was asked for, see VD_VERSION in host.h */
	enum vd_catalogue_fit fit;
	struct vd_category *items; /* owned; sorted by name, each name once */
	size_t count;
	char *text; /* owned; what the strings point into */
	char *old;  /* owned; what the texts before 1.2.3 point into; else NULL */
};

#define VD_CATALOGUE_INIT           \
	{                           \
		.fit = VD_FIT_EXACT \
	}
#define VD_AUTO_CATALOGUE VD_CLEANUP(vd_catalogue_release) struct vd_catalogue

/*
 * Load the categories of libvirt @version; 0 means the newest examined one. @ret_catalogue must be VD_CATALOGUE_INIT.
 * Returns 0; -ENOTSUP with @err set for a version before VD_ERA_OLDEST, which knew no filters; -ENOMEM.
 */
int vd_catalogue_load(unsigned version, struct vd_catalogue *ret_catalogue, struct vd_err *err) VD_MUST_CHECK;
void vd_catalogue_release(struct vd_catalogue *catalogue);

/* The category called @name, NULL when there is none. Borrowed. */
const struct vd_category *vd_catalogue_find(const struct vd_catalogue *catalogue, const char *name);

/* May the filter pattern of @len bytes match any category whatever in this version? */
bool vd_catalogue_matches(const struct vd_catalogue *catalogue, const char *pattern, size_t len);

/*
 * What the writer of a pattern that matches nothing may have meant: at most @max patterns, best first, appended to
 * @names. Tried in this order: another case; a source file's name; names that hold a part of it; small misspellings
 * of a name or of a part of one. Returns 0 or -ENOMEM.
 */
int vd_catalogue_nearest(const struct vd_catalogue *catalogue, const char *pattern, size_t len, size_t max,
                         struct vd_strv *names) VD_MUST_CHECK;
