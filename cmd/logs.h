/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs of `virtdiag logs` about guests' logs share. */

#include "command.h"
#include "guestlog.h"
#include "report.h"

/* The guests of the host and their logs. */
struct vd_logs {
	struct vd_guests guests;
	struct vd_guestlogs logs;
};

/* Load both. On failure prints and returns false. Released by the caller either way. */
bool vd_logs_load(struct vd_ctx *ctx, struct vd_logs *logs);
void vd_logs_release(struct vd_logs *logs);

/*
 * The guests' own logs that the operands name, all without operands, into a malloc()ed array of borrowed pointers. A
 * guest that is no longer defined is found by its log. Prints a message and returns VD_EXIT_USAGE when a name is
 * ambiguous, VD_EXIT_UNKNOWN when nobody is called so or has no log.
 */
enum vd_exit vd_logs_pick(struct vd_ctx *ctx, const struct vd_logs *logs, int argc, char **argv,
                          const struct vd_guestlog ***ret_picked, size_t *ret_count);

/* The guest whose log it is, NULL when it is no longer defined. Borrowed. */
const struct vd_guest *vd_logs_guest(const struct vd_logs *logs, const struct vd_guestlog *log);
/* Does the guest run? 1, 0; -1 when that cannot be told: not allowed to look, or a capture without that evidence. */
int vd_logs_running(struct vd_ctx *ctx, const struct vd_logs *logs, const struct vd_guestlog *log);
/* How the boot ended, for REASON; @last: it is the last one of the log. Borrowed from the report. */
const char *vd_logs_reason(struct vd_report *report, const struct vd_boot *boot, const struct vd_guestlog *log,
                           bool last, int running);
/* Times of logs are microseconds, those of tables seconds. VD_NO_TIME leaves the cell absent. */
void vd_logs_time(struct vd_row *row, size_t col, int64_t time);
/* Report files that could not be read: pairs of path and reason; with the sudo line when that may help. */
void vd_logs_problems(struct vd_report *report, const struct vd_strv *problems);
/* The same for directories. */
void vd_logs_dir_problems(struct vd_report *report, const struct vd_logs *logs);

/*
 * Read "0", "-2" (counted back from the last start) or "1" (from the oldest) in option @name into a number of one of
 * @count boots, counted from 0 for the oldest. After a message VD_EXIT_USAGE when it is no number, VD_EXIT_UNKNOWN when
 * there is no such boot.
 */
enum vd_exit vd_logs_boot_number(struct vd_ctx *ctx, const struct vd_guestlog *log, const char *option,
                                 const char *value, size_t count, size_t *ret_number);
