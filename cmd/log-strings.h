/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `filters` and `outputs` share: choosing libvirt's version and showing the verdict on a string. */

#include "catalogue.h"
#include "command.h"
#include "filter.h"
#include "report.h"

/* The option --libvirt, for tables of options. */
#define VD_OPT_LIBVIRT                                                                                        \
	{                                                                                                     \
		.name = "libvirt", .type = VD_OPT_STRING, .arg = "VERSION",                                   \
		.help = "judge as this version of libvirt does (default: the host's, else the newest known)", \
	}

/*
 * Load the categories for --libvirt, else for the host's version, else for the newest known. Returns VD_EXIT_OK;
 * otherwise the status to end with: the message has been printed.
 */
enum vd_exit vd_load_catalogue(struct vd_ctx *ctx, struct vd_catalogue *ret_catalogue);

/* Begin a report: with "libvirt", and a note where verdicts are not as sure as those of a version that was run. */
struct vd_report *vd_string_report_new(struct vd_ctx *ctx, const struct vd_catalogue *catalogue);

/* The columns of `check`: in text a row per item, in JSON a row per string. */
#define VD_N_STRING_COLS 9
extern const struct vd_col vd_filter_string_cols[VD_N_STRING_COLS], vd_output_string_cols[VD_N_STRING_COLS];

/*
 * Parse @text into @ret_strings by the newest rules. When there is no memory the program ends with status 3.
 */
void vd_parse_string(enum vd_log_kind kind, const char *text, struct vd_filters *ret_strings);
/* The same by the rules of @version. */
void vd_parse_string_as(enum vd_log_kind kind, unsigned version, const char *text, struct vd_filters *ret_strings);

/*
 * Add the verdict on @strings to @report: items, errors with a caret, warnings. An invalid item is a problem, one whose
 * verdict is open makes the status unknown, a warning counts with --strict.
 */
void vd_report_string(struct vd_ctx *ctx, struct vd_report *report, const struct vd_catalogue *catalogue,
                      const struct vd_filters *strings, const struct vd_filter_warnings *warnings);

/* The errors of an invalid string alone, for commands that need a valid one; in JSON "strings" as `check` has them. */
void vd_report_string_errors(struct vd_ctx *ctx, struct vd_report *report, const struct vd_filters *strings);
