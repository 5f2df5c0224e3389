/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logs.h"
#include "logs-verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "near.h"

bool vd_logs_load(struct vd_ctx *ctx, struct vd_logs *logs)
{
	struct vd_guests_options options = { .session_user = ctx->session_user, .use_session = ctx->use_session };
	VD_AUTO_ERR err = VD_ERR_INIT;

	memset(logs, 0, sizeof(*logs));
	if (!vd_ctx_guests(ctx, &logs->guests))
		return false;
	if (vd_guestlogs_load(ctx->root, &options, &logs->guests, &logs->logs, &err) < 0) {
		vd_fail(ctx, &err);
		return false;
	}
	return true;
}

void vd_logs_release(struct vd_logs *logs)
{
	vd_guests_release(&logs->guests);
	vd_guestlogs_release(&logs->logs);
}

/* --- which log is meant ---------------------------------------------------------------------------------------- */

static bool is_own(const struct vd_guestlog *log)
{
	return log->only == VD_KIND_START;
}

/*
 * The guest's own log by name; @driver -1 any. Of two, in the places of host and container, the one that is written
 * to. Sets @ret_other when guests of two drivers have it.
 */
static const struct vd_guestlog *log_by_name(const struct vd_logs *logs, const char *name, int driver,
                                             const struct vd_guestlog **ret_other)
{
	const struct vd_guestlog *found = NULL;

	*ret_other = NULL;
	for (size_t i = 0; i < logs->logs.len; i++) {
		const struct vd_guestlog *log = &logs->logs.items[i];

		if (!is_own(log) || strcmp(log->guest, name) || (driver >= 0 && (int)log->driver != driver))
			continue;
		if (!found || (found->driver == log->driver && log->has_current && !found->has_current))
			found = log;
		else if (found->driver != log->driver)
			*ret_other = log;
	}
	return found;
}

/* Cut "qemu:" or "lxc:" off *@spec; the driver, -1 when there is none. */
static int driver_prefix(const char **spec)
{
	for (int d = 0; d < VD_DRIVER_COUNT_; d++) {
		const char *name = vd_driver_name((enum vd_driver)d);
		size_t len = strlen(name);

		if (!strncmp(*spec, name, len) && (*spec)[len] == ':') {
			*spec += len + 1;
			return d;
		}
	}
	return -1;
}

static enum vd_exit ambiguous(struct vd_ctx *ctx, const char *spec)
{
	vd_error(ctx, "'%s' is ambiguous; write one of qemu:%s, lxc:%s", spec, spec, spec);
	return VD_EXIT_USAGE;
}

/* Whose log the file @path is; NULL. */
static const char *guest_of_file(const struct vd_logs *logs, const char *path)
{
	for (size_t i = 0; i < logs->logs.len; i++) {
		const struct vd_guestlog *log = &logs->logs.items[i];

		for (size_t k = 0; k < log->n_files; k++)
			if (!strcmp(log->files[k].path, path))
				return log->guest;
	}
	return NULL;
}

/* Nobody's log is called @spec: say who is near. */
static enum vd_exit no_log(struct vd_ctx *ctx, const struct vd_logs *logs, const char *spec)
{
	unsigned limit = (unsigned)(strlen(spec) / 3 + 1), best = limit + 1;
	const char *near = NULL, *owner = guest_of_file(logs, spec);
	bool denied = false;

	for (size_t i = 0; i < logs->logs.len && !owner; i++) {
		const char *name = logs->logs.items[i].guest;
		unsigned d = vd_edit_distance(spec, strlen(spec), name, strlen(name), limit);

		if (d < best) {
			best = d;
			near = name;
		}
	}
	if (owner)
		vd_error(ctx, "no guest and no log '%s': a log is given by its guest's name, '%s'", spec, owner);
	else if (near)
		vd_error(ctx, "no guest and no log '%s'; did you mean '%s'?", spec, near);
	else
		vd_error(ctx, "no guest and no log '%s'%s", spec,
		         logs->logs.len ? "" : ": no logs of guests were found at all");
	for (size_t i = 0; i < logs->logs.n_problems; i++) {
		vd_error(ctx, "%s", logs->logs.problems[i].why);
		denied |= logs->logs.problems[i].code == EACCES;
	}
	if (denied)
		vd_sudo_hint(ctx);
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit pick_one(struct vd_ctx *ctx, const struct vd_logs *logs, const char *spec,
                             const struct vd_guestlog **ret_log)
{
	const struct vd_guest *guests[2];
	size_t n = vd_guests_find(&logs->guests, spec, guests, 2);
	const struct vd_guestlog *other;
	const char *name = spec;
	int driver = -1;

	if (n > 1)
		return ambiguous(ctx, spec);
	if (n == 1) {
		name = vd_guest_name(guests[0]);
		driver = (int)vd_guest_domain(guests[0])->driver;
	} else {
		/* A log outlives its guest; it may be called "lxc:c1" itself. */
		*ret_log = log_by_name(logs, name, driver, &other);
		if (*ret_log && !other)
			return VD_EXIT_OK;
		if (other)
			return ambiguous(ctx, spec);
		driver = driver_prefix(&name);
	}
	*ret_log = log_by_name(logs, name, driver, &other);
	if (other)
		return ambiguous(ctx, spec);
	if (*ret_log)
		return VD_EXIT_OK;
	if (!n || logs->logs.n_problems)
		return no_log(ctx, logs, spec);
	vd_error(ctx, "%s has no log in %s: it was never started here, or its log was deleted", name,
	         logs->logs.session        ? logs->logs.dirs.items[0]
	         : driver == VD_DRIVER_LXC ? "/var/log/libvirt/lxc"
	                                   : "/var/log/libvirt/qemu");
	return VD_EXIT_UNKNOWN;
}

enum vd_exit vd_logs_pick(struct vd_ctx *ctx, const struct vd_logs *logs, int argc, char **argv,
                          const struct vd_guestlog ***ret_picked, size_t *ret_count)
{
	size_t max = argc ? (size_t)argc : logs->logs.len, count = 0;
	VD_AUTO_FREE const struct vd_guestlog **picked = calloc(max ? max : 1, sizeof(const struct vd_guestlog *));
	enum vd_exit status = VD_EXIT_OK;

	if (!picked) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	for (size_t i = 0; !argc && i < logs->logs.len; i++)
		if (is_own(&logs->logs.items[i]))
			picked[count++] = &logs->logs.items[i];
	for (int i = 0; i < argc; i++) {
		const struct vd_guestlog *log = NULL;
		enum vd_exit this = pick_one(ctx, logs, argv[i], &log);
		size_t k = 0;

		if (status == VD_EXIT_OK || this == VD_EXIT_USAGE)
			status = this;
		while (this == VD_EXIT_OK && k < count && picked[k] != log)
			k++;
		if (this == VD_EXIT_OK && k == count)
			picked[count++] = log;
	}
	if (status != VD_EXIT_OK)
		return status;
	*ret_picked = vd_steal(picked);
	*ret_count = count;
	return VD_EXIT_OK;
}

/* --- the guest ------------------------------------------------------------------------------------------------- */

const struct vd_guest *vd_logs_guest(const struct vd_logs *logs, const struct vd_guestlog *log)
{
	for (size_t i = 0; i < logs->guests.len; i++) {
		const struct vd_domain *d = vd_guest_domain(&logs->guests.items[i]);

		if (d->driver == log->driver && !strcmp(d->name, log->guest))
			return &logs->guests.items[i];
	}
	return NULL;
}

int vd_logs_running(struct vd_ctx *ctx, const struct vd_logs *logs, const struct vd_guestlog *log)
{
	const struct vd_guest *guest = vd_logs_guest(logs, log);
	struct vd_stat st;

	if (guest && guest->state == VD_GUEST_RUNNING)
		return 1;
	for (size_t i = 0; i < logs->guests.n_problems; i++)
		if (strstr(logs->guests.problems[i].path, "/run/"))
			return -1;
	/* A capture of configuration and logs alone does not know who ran. */
	if (!vd_root_is_live(ctx->root) && !ctx->use_session &&
	    vd_root_lstat(ctx->root, "/run/libvirt", &st, NULL) < 0 &&
	    vd_root_lstat(ctx->root, "/var/run/libvirt", &st, NULL) < 0)
		return -1;
	return 0;
}

const char *vd_logs_reason(struct vd_report *report, const struct vd_boot *boot, const struct vd_guestlog *log,
                           bool last, int running)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (boot->end_kind == VD_BOOT_OPEN && last && running < 0)
		return "not logged";
	vd_boot_reason(boot, log->driver, !(last && running > 0), &text);
	return vd_esc(report, vd_buf_str(&text));
}

enum vd_exit vd_logs_boot_number(struct vd_ctx *ctx, const struct vd_guestlog *log, const char *option,
                                 const char *value, size_t count, size_t *ret_number)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || end == value || *end)
		return vd_usage(ctx, "--%s: '%s' is no start: 0 is the last one, -1 the one before, 1 the oldest",
		                option, value);
	if (n > 0 ? (size_t)n > count : (size_t)-n >= count) {
		vd_error(ctx, "the log of %s tells of %zu start%s: there is no start %s", log->guest, count,
		         count == 1 ? "" : "s", value);
		return VD_EXIT_UNKNOWN;
	}
	*ret_number = n > 0 ? (size_t)n - 1 : count - 1 - (size_t)-n;
	return VD_EXIT_OK;
}

/* --- the report ------------------------------------------------------------------------------------------------ */

void vd_logs_time(struct vd_row *row, size_t col, int64_t time)
{
	if (time != VD_NO_TIME)
		vd_row_num(row, col, time / 1000000);
}

void vd_logs_problems(struct vd_report *report, const struct vd_strv *problems)
{
	for (size_t i = 0; i + 1 < problems->len; i += 2)
		vd_report_missing(report, problems->items[i], problems->items[i + 1], true);
}

void vd_logs_dir_problems(struct vd_report *report, const struct vd_logs *logs)
{
	for (size_t i = 0; i < logs->logs.n_problems; i++)
		vd_report_missing(report, logs->logs.problems[i].path, logs->logs.problems[i].why, true);
}

bool vd_logs_gave_up(struct vd_ctx *ctx, const struct vd_match *match, bool *said)
{
	if (!match || !vd_match_given_up(match))
		return false;
	if (!*said)
		vd_error(ctx,
		         "--grep gave up on some lines, which are not shown: there the pattern takes too long. Often a "
		         "repeat inside of a repeat does that, as in '(a+)+'");
	return *said = true;
}
