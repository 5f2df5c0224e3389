/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A log filter or log output string of libvirt, taken apart as a version reads it: what the daemon would say to each
 * item and what it means for each log category. Pure, but for the checks of output paths in filter-outputs.c, which
 * look at the host through lib/root.
 */

#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"
#include "err.h"
#include "filter-era.h"
#include "log-grammar.h"
#include "root.h"

enum vd_log_kind {
	VD_LOG_FILTERS,
	VD_LOG_OUTPUTS
};
/* "filters", "outputs". */
const char *vd_log_kind_name(enum vd_log_kind kind);

/* What libvirt starts with when nothing sets a level: warnings and errors. */
#define VD_LOG_DEFAULT_LEVEL 3u

struct vd_filter_item {
	struct vlog_item parsed; /* spans into the text of the string */
	bool valid;              /* false for an item whose verdict is open, too */
	enum vd_tri applied;     /* does it take effect? Before 2.4.0 items before the first bad one do */
	const char *open;        /* what is not known about the verdict; NULL when it is known. Static */
	char *error; /* what libvirt says to an invalid item, in its own terms; NULL when valid. Owned, raw bytes */
	char *hint;  /* how to do it right, for people; NULL when there is nothing to add. Owned, raw bytes */
	char *path;  /* outputs, file, valid: the path as libvirt normalises it; relative to the daemon's working */
	             /* directory when it does not begin with a slash. Owned */
};

struct vd_filters {
	enum vd_log_kind kind;
	struct vd_filter_era era; /* the rules that it was read by */
	char *text;               /* owned copy of the string */
	size_t len;
	struct vd_filter_item *items; /* owned */
	size_t count;
	size_t invalid; /* how many items are surely invalid: since 2.4.0 one is enough to refuse the string */
	size_t open;    /* how many items have an open verdict */
};

#define VD_FILTERS_INIT                \
	{                              \
		.kind = VD_LOG_FILTERS \
	}
#define VD_AUTO_FILTERS VD_CLEANUP(vd_filters_release) struct vd_filters

/*
 * Take @text apart into @ret_filters, which must be VD_FILTERS_INIT. A bad item is no error of this function.
 * An output "file:" whose path can only be a directory ("", "/", "..") counts as invalid from 2.4.0 on: opening it
 * fails always, and that refuses the string. The rules are those of the newest era. Returns 0 or -ENOMEM.
 */
int vd_filters_parse(enum vd_log_kind kind, const char *text, struct vd_filters *ret_filters,
                     struct vd_err *err) VD_MUST_CHECK;
/* The same by the rules of libvirt @version (see VD_VERSION in host.h); 0 means the newest known. */
int vd_filters_parse_as(enum vd_log_kind kind, unsigned version, const char *text, struct vd_filters *ret_filters,
                        struct vd_err *err) VD_MUST_CHECK;
void vd_filters_release(struct vd_filters *filters);

/* "X" for the part of the text that @span names: borrowed bytes, not NUL-terminated. */
const char *vd_filters_span(const struct vd_filters *filters, const struct vlog_span *span);
/* The 1-based column of @span, counted in characters (a byte that is not UTF-8 counts as one). */
size_t vd_filters_column(const struct vd_filters *filters, const struct vlog_span *span);

/*
 * The lowest level of a message of @category that passes the filters: that of the first item that matches, else
 * @default_level; 0 when that cannot be told. @ret_item (may be NULL) receives that item's index, or that of the one
 * that makes it unknown, -1 for the default. Items that are not applied never match. Before 2.4.0 an item with the
 * pattern of an earlier one decides in the earlier one's place. Before 1.2.3 @category is a source file's name.
 */
unsigned vd_filters_level(const struct vd_filters *filters, const char *category, unsigned default_level,
                          long *ret_item);

/* The same for a category of the catalogue, which may stand for several possible file names. */
unsigned vd_filters_level_in(const struct vd_filters *filters, const struct vd_category *category,
                             unsigned default_level, long *ret_item);

/* Does the pattern of item @index match @category? VD_UNSURE when that cannot be told. */
enum vd_tri vd_filters_item_matches(const struct vd_filters *filters, size_t index, const struct vd_category *category);

/*
 * The outputs that are left of an output string: libvirt keeps the last of several with the same destination (and the
 * same path or ident), before 2.4.0 all of them. True when item @index is one of them.
 */
bool vd_outputs_kept(const struct vd_filters *outputs, size_t index);
/* Do two valid outputs have the same destination, and the same path or ident? */
bool vd_outputs_same(const struct vd_filters *outputs, size_t a, size_t b);
/* The lowest level that any output lets through; 5 when there is none. */
unsigned vd_outputs_lowest(const struct vd_filters *outputs);

/* Something that libvirt accepts silently but the user cannot have meant. */
struct vd_filter_warning {
	const char *id; /* "no-match", ...: see virtdiag-filters(1), virtdiag-outputs(1) */
	long item;      /* 0-based; -1: the string as a whole */
	char *message;  /* owned, raw bytes */
};
struct vd_filter_warnings {
	struct vd_filter_warning *items; /* owned */
	size_t count, cap;
};

#define VD_FILTER_WARNINGS_INIT \
	{                       \
		NULL, 0, 0      \
	}
#define VD_AUTO_FILTER_WARNINGS VD_CLEANUP(vd_filter_warnings_release) struct vd_filter_warnings

void vd_filter_warnings_release(struct vd_filter_warnings *warnings);

/*
 * Append the warnings for @filters, in the order of items, against the categories of @catalogue. @outputs (may be NULL)
 * are the outputs they will be used with, @default_level the level without a filter. Returns 0 or -ENOMEM.
 */
int vd_filters_check(const struct vd_filters *filters, const struct vd_catalogue *catalogue,
                     const struct vd_filters *outputs, unsigned default_level,
                     struct vd_filter_warnings *warnings) VD_MUST_CHECK;

/*
 * The same for outputs. With @root (may be NULL) also whether their directories exist; what cannot be seen there is not
 * warned about. Returns 0 or -ENOMEM.
 */
int vd_outputs_check(const struct vd_filters *outputs, struct vd_root *root,
                     struct vd_filter_warnings *warnings) VD_MUST_CHECK;
