/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How each version of libvirt since 0.6.0 reads log filter and output strings, and what it compares patterns with. Pure
 * functions on memory. The rules come from reading libvirt's history up to 4.6 and the sources of 7.0.0, 9.0.0 and
 * 11.3.0; only 9.0.0 was run. Where two versions differ and nobody looked in which the change came, the answer for
 * those between them is VD_UNSURE.
 */

#include <stdbool.h>
#include <stddef.h>

#include "log-grammar.h"

/* An answer that may be missing. */
enum vd_tri {
	VD_NO,
	VD_YES,
	VD_UNSURE,
};

enum vd_era_matching {
	VD_MATCH_SUBSTRING, /* strstr(): nothing is a wildcard (0.6.0 to 4.3.0) */
	VD_MATCH_FNMATCH,   /* fnmatch() of *PATTERN*: * ? and brackets (4.4.0 to 4.6) */
	VD_MATCH_EITHER,    /* the one before or the one after (4.7.0 to 6.10) */
	VD_MATCH_GPATTERN,  /* g_pattern_match_simple() of *PATTERN*: * and ? (7.0.0 and later) */
};

/* What a "+" before the pattern means. */
enum vd_era_plus {
	VD_PLUS_LITERAL, /* it is part of the pattern (before 0.9.13) */
	VD_PLUS_TRACE,   /* a stack trace with each message (0.9.13 to 5.8) */
	VD_PLUS_IGNORED, /* chopped off (5.9.0 and later) */
};

struct vd_filter_era {
	unsigned version;
	bool by_hand;            /* read character by character: white space separates, colons are ordinary in */
	                         /* patterns and paths (before 1.3.3); else cut at spaces, then at colons */
	bool item_by_item;       /* items before the first bad one are in force (before 2.4.0); else all or none */
	bool merges;             /* a filter with the pattern of an earlier one sets that one's level (< 2.4.0) */
	bool keeps_duplicates;   /* outputs to the same destination are all kept (before 2.4.0) */
	bool level_zero;         /* level 0 is accepted (before 0.7.0) */
	bool has_journald;       /* since 1.0.0 */
	bool file_names;         /* patterns are compared with names of source files (before 1.2.3) */
	bool file_prefix;        /* and these have "file." before them (before 1.0.0) */
	enum vd_tri extra_colon; /* filters: what follows a second colon is ignored; VD_NO: refused */
	enum vd_tri backslash_separates; /* by_hand: a backslash, which ends an item, is skipped like white space */
	enum vd_era_matching matching;
	enum vd_era_plus plus;
};

/* The oldest version with log filters and outputs. */
#define VD_ERA_OLDEST VD_VERSION(0, 6, 0)

/* The rules of @version (see VD_VERSION in host.h); 0 means the newest known. */
struct vd_filter_era vd_filter_era(unsigned version);

/*
 * "run": verdicts were compared with those of a real daemon of this version (9.0.0); "read": its rules were read in
 * sources only.
 */
const char *vd_filter_era_confidence(unsigned version);

/* One item as a version reads it. */
struct vd_era_item {
	struct vlog_item parsed; /* when @valid is VD_UNSURE: as the reading that accepts it has it */
	enum vd_tri valid;
	const char *open; /* VD_UNSURE: what is not known, a static sentence; else NULL */
};

/*
 * Find the next item of the filter string @s of @len bytes from *@pos on and advance *@pos behind it. Returns false at
 * the end. Eras that stop at the first error are read on behind it nevertheless: what is in force is the caller's
 * business. Never fails.
 */
bool vd_era_filter_next(const struct vd_filter_era *era, const char *s, size_t len, size_t *pos,
                        struct vd_era_item *ret_item);
/* The same for an output string. Says nothing about whether a file can be opened. */
bool vd_era_output_next(const struct vd_filter_era *era, const char *s, size_t len, size_t *pos,
                        struct vd_era_item *ret_item);

/*
 * Does @pattern of @len bytes match @text, a category or, in eras with file names, the text that stands in its place?
 * VD_UNSURE when the possible ways of matching differ. Linear in practice: never worse than the product of the lengths.
 */
enum vd_tri vd_era_matches(const struct vd_filter_era *era, const char *pattern, size_t len, const char *text);

/*
 * The same for the name of a source file nobody knows: VD_YES for what matches all names, VD_NO for what no name can
 * hold, else VD_UNSURE. Only for eras with file names.
 */
enum vd_tri vd_era_matches_any_file(const struct vd_filter_era *era, const char *pattern, size_t len);

/* The most texts that vd_era_texts() gives, and the room each takes. */
#define VD_ERA_MAX_TEXTS 4
#define VD_ERA_TEXT_MAX  96

/*
 * The texts that a pattern may be compared with in eras with file names, for what is the category @name later:
 * @files are its source files of today, separated by commas. Today's name of a file counts only where the category
 * was named after it ("qemu.qemu_driver" and src/qemu/qemu_driver.c, "util.json" and src/util/virjson.c): then it was
 * called so when categories came. Before 1.0.2 files of util/ may still have lacked their "vir", before 1.0.0 the
 * directory may be missing. Returns how many texts are in @ret_texts; 0: unknown.
 */
size_t vd_era_texts(const struct vd_filter_era *era, const char *name, const char *files,
                    char ret_texts[VD_ERA_MAX_TEXTS][VD_ERA_TEXT_MAX]);
