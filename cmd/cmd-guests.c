/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag guests: all guests of the host, without the daemon. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "guestlog.h"
#include "report.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.guests");

enum {
	COL_GUEST,
	COL_DRIVER,
	COL_ID,
	COL_UUID,
	COL_STATE,
	COL_REASON,
	COL_PID,
	COL_SINCE,
	COL_JOB,
	COL_LAST_FAILURE,
	COL_FAILURE_REASON,
	COL_FAILURE_ERROR,
	COL_JOB_PHASE,
	COL_JOB_OWNER,
	COL_JOB_SINCE,
	COL_FLAGS,
	COL_TITLE,
	COL_CONFIG,
	COL_STATUS_FILE
};

static const struct vd_col guests_cols[] = {
	[COL_GUEST] = { "GUEST", VD_COL_STR, 0, "name of the guest" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, 0, "qemu or lxc" },
	[COL_ID] = { "ID", VD_COL_NUM, 0, "id of a running guest" },
	[COL_UUID] = { "UUID", VD_COL_STR, 0, "UUID" },
	[COL_STATE] = { "STATE", VD_COL_STR, 0, "running, paused, shut off, stale, ..." },
	[COL_REASON] = { "REASON", VD_COL_STR, 0, "why it is in that state" },
	[COL_PID] = { "PID", VD_COL_NUM, 0, "process of QEMU or of the container's controller" },
	[COL_SINCE] = { "SINCE", VD_COL_TIME, 0, "start of that process" },
	[COL_JOB] = { "JOB", VD_COL_STR, 0, "the job that holds the guest: migration, save, backup, ..." },
	[COL_LAST_FAILURE] = { "LAST_FAILURE", VD_COL_TIME, 0,
	                       "last start that failed, or crash, that its newest log tells of" },
	[COL_FAILURE_REASON] = { "FAILURE_REASON", VD_COL_STR, VD_COL_HIDDEN, "how it failed, as logs boots says" },
	[COL_FAILURE_ERROR] = { "FAILURE_ERROR", VD_COL_STR, VD_COL_HIDDEN, "the first error that was logged of it" },
	[COL_JOB_PHASE] = { "JOB_PHASE", VD_COL_STR, VD_COL_HIDDEN, "how far a migration has come" },
	[COL_JOB_OWNER] = { "JOB_OWNER", VD_COL_STR, VD_COL_HIDDEN, "who began the job, where libvirt recorded it" },
	[COL_JOB_SINCE] = { "JOB_SINCE", VD_COL_TIME, VD_COL_HIDDEN, "start of the job, where libvirt recorded it" },
	[COL_FLAGS] = { "FLAGS", VD_COL_FLAGS, VD_COL_HIDDEN, "transient, autostart, managed-save, block-job" },
	[COL_TITLE] = { "TITLE", VD_COL_STR, VD_COL_HIDDEN, "title" },
	[COL_CONFIG] = { "CONFIG", VD_COL_STR, VD_COL_HIDDEN, "file of the persistent configuration" },
	[COL_STATUS_FILE] = { "STATUS_FILE", VD_COL_STR, VD_COL_HIDDEN, "file of the running state" },
};

/* "45s", "12min", "3h", "2d": enough to tell a job that works from one that hangs. */
static void add_age(struct vd_buf *text, int64_t seconds)
{
	int rc;

	if (seconds < 120)
		rc = vd_buf_addf(text, "%llds", (long long)seconds);
	else if (seconds < 120 * 60)
		rc = vd_buf_addf(text, "%lldmin", (long long)(seconds / 60));
	else if (seconds < 48 * 3600)
		rc = vd_buf_addf(text, "%lldh", (long long)(seconds / 3600));
	else
		rc = vd_buf_addf(text, "%lldd", (long long)(seconds / 86400));
	if (rc < 0)
		vd_buf_clear(text);
}

/* The kind of job: the asynchronous one lasts; a plain one (destroy) may run within it. Borrowed. */
static const char *job_kind(const struct vd_dom_status *status)
{
	if (status->async_job)
		return status->async_job;
	return status->job;
}

/* The words behind the kind: "(perform3, paused, alice, 12min)"; age only where time goes on. */
static void add_job_details(struct vd_ctx *ctx, const struct vd_dom_status *status, struct vd_buf *text)
{
	const char *parts[] = { status->async_phase, status->async_paused ? "paused" : NULL, status->job_owner };
	const char *sep = " (";
	int64_t age = (int64_t)time(NULL) - status->async_started_ms / 1000;
	int rc = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(parts) && rc == 0; i++)
		if (parts[i]) {
			rc = vd_buf_addf(text, "%s%s", sep, parts[i]);
			sep = ", ";
		}
	if (rc == 0 && status->async_started_ms && age >= 0 && vd_root_is_live(ctx->root)) {
		rc = vd_buf_adds(text, sep);
		sep = ", ";
		add_age(text, age);
	}
	if (rc == 0 && *sep == ',')
		rc = vd_buf_adds(text, ")");
	if (rc < 0)
		vd_buf_clear(text);
}

static void fill_job(struct vd_ctx *ctx, struct vd_report *report, struct vd_row *row,
                     const struct vd_dom_status *status)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *kind = job_kind(status);

	vd_row_str(row, COL_JOB, kind);
	vd_row_str(row, COL_JOB_PHASE, status->async_phase);
	vd_row_str(row, COL_JOB_OWNER, status->job_owner);
	if (status->async_started_ms)
		vd_row_num(row, COL_JOB_SINCE, status->async_started_ms / 1000);
	if (!kind || vd_buf_adds(&text, kind) < 0)
		return;
	add_job_details(ctx, status, &text);
	if (text.len)
		vd_row_text(row, COL_JOB, vd_esc(report, vd_buf_str(&text)));
	if (status->async_paused)
		vd_row_hue(row, COL_JOB, VD_HUE_BAD);
}

static enum vd_hue state_hue(const struct vd_guest *guest)
{
	const char *state = vd_guest_state_text(guest);

	if (guest->state == VD_GUEST_SHUTOFF)
		return VD_HUE_DIM;
	if (guest->state == VD_GUEST_STALE || !strcmp(state, "crashed"))
		return VD_HUE_BAD;
	return !strcmp(state, "running") ? VD_HUE_GOOD : VD_HUE_WARN;
}

static void fill_flags(struct vd_row *row, const struct vd_guest *guest)
{
	if (!guest->config)
		vd_row_flag(row, COL_FLAGS, "transient");
	if (guest->autostart)
		vd_row_flag(row, COL_FLAGS, "autostart");
	if (guest->managed_save)
		vd_row_flag(row, COL_FLAGS, "managed-save");
	if (guest->state == VD_GUEST_RUNNING && guest->status->status->block_jobs)
		vd_row_flag(row, COL_FLAGS, "block-job");
}

/* What the guest's own log tells of its last failure. A log that is not there or cannot be read tells nothing. */
static void fill_failure(struct vd_ctx *ctx, struct vd_row *row, const struct vd_guestlogs *logs,
                         const struct vd_domain *dom)
{
	VD_CLEANUP(vd_guestlog_failure_release) struct vd_guestlog_failure failure = { 0 };
	const struct vd_guestlog *log;

	log = vd_guestlogs_get(logs, dom->driver, dom->name);
	if (!log || vd_guestlog_last_failure(ctx->root, log, &failure, NULL) != 0)
		return;
	if (failure.time != VD_NO_TIME)
		vd_row_num(row, COL_LAST_FAILURE, failure.time / 1000000);
	vd_row_str(row, COL_FAILURE_REASON, failure.reason);
	vd_row_str(row, COL_FAILURE_ERROR, failure.error);
}

static void add_guest(struct vd_ctx *ctx, struct vd_report *report, struct vd_table *table,
                      const struct vd_guestlogs *logs, const struct vd_guest *guest)
{
	const struct vd_domain *dom = vd_guest_domain(guest);
	struct vd_row *row = vd_table_row(table, NULL);

	vd_row_str(row, COL_GUEST, dom->name);
	vd_row_str(row, COL_DRIVER, vd_driver_name(dom->driver));
	vd_row_str(row, COL_UUID, *dom->uuid ? dom->uuid : NULL);
	vd_row_str(row, COL_STATE, vd_guest_state_text(guest));
	vd_row_hue(row, COL_STATE, state_hue(guest));
	vd_row_str(row, COL_TITLE, dom->title);
	vd_row_str(row, COL_CONFIG, guest->config_path);
	vd_row_str(row, COL_STATUS_FILE, guest->status_path);
	fill_flags(row, guest);
	fill_failure(ctx, row, logs, dom);
	if (guest->state == VD_GUEST_STALE)
		vd_report_warning(report);
	if (guest->state != VD_GUEST_RUNNING)
		return;
	if (dom->id >= 0)
		vd_row_num(row, COL_ID, dom->id);
	vd_row_str(row, COL_REASON, guest->status->status->reason);
	if (guest->pid)
		vd_row_num(row, COL_PID, guest->pid);
	if (guest->since)
		vd_row_num(row, COL_SINCE, guest->since);
	fill_job(ctx, report, row, guest->status->status);
}

/* Whoever asks for certain guests need not care for the files of others: @picked, NULL for all. */
static void report_problems(struct vd_report *report, const struct vd_guests *guests,
                            const struct vd_guest *const *picked, size_t count)
{
	for (size_t i = 0; i < guests->n_problems; i++) {
		const struct vd_guest_problem *problem = &guests->problems[i];

		vd_report_missing(report, problem->path, problem->why,
		                  !picked || vd_guests_problem_concerns(problem, picked, count));
	}
}

static enum vd_exit run_guests(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_CLEANUP(vd_guestlogs_release) struct vd_guestlogs logs = { 0 };
	const struct vd_guests_options options = { .session_user = ctx->session_user, .use_session = ctx->use_session };
	VD_AUTO_FREE const struct vd_guest **picked = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_report *report;
	struct vd_table *table;
	enum vd_exit status;
	size_t count = 0;

	if (vd_opt_given(ctx, "all") && argc)
		return vd_usage(ctx, "--all and GUEST exclude each other");
	if (!vd_ctx_guests(ctx, &guests))
		return VD_EXIT_UNKNOWN;
	status = vd_pick_guests(ctx, &guests, argc, argv, &picked, &count);
	if (status != VD_EXIT_OK)
		return status;
	VLOG_DEBUG("%zu of %zu guests are shown", count, guests.len);
	if (vd_guestlogs_load(ctx->root, &options, &guests, &logs, &err) < 0)
		return vd_fail(ctx, &err);
	report = vd_report_new(ctx);
	table = vd_report_table(report, "guests", NULL, 0);
	for (size_t i = 0; i < count; i++)
		add_guest(ctx, report, table, &logs, picked[i]);
	if (!guests.len && !guests.n_problems && !ctx->no_headings)
		vd_report_line(report, "no guests");
	report_problems(report, &guests, argc ? picked : NULL, count);
	return vd_report_finish(report);
}

static const struct vd_opt guests_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "all guests, as without GUEST" },
	{ 0 },
};

static const struct vd_arg guests_args[] = {
	VD_ARG_GUESTS("name, UUID or id of a guest"),
	{ 0 },
};

static const char *const guests_examples[] = {
	"virtdiag guests",
	"all guests of this host",
	"virtdiag guests -o GUEST,STATE,JOB,JOB_SINCE web01",
	"what web01 is busy with, when virsh hangs",
	"virtdiag --root /srv/captures/host7 guests",
	"the guests of a captured host",
	NULL,
};

extern const struct vd_cmd vd_cmd_guests;
const struct vd_cmd vd_cmd_guests = {
	.name = "guests",
	.summary = "list the guests of the host without asking a daemon",
	.description = "Lists persistent, running and transient guests, QEMU and LXC, from libvirt's own files. Works "
	               "when the daemon hangs or does not run, and shows the job that holds a guest then. A running "
	               "guest is believed only when its process is there; one without is stale.",
	.examples = guests_examples,
	.opts = guests_opts,
	.args = guests_args,
	.rows = "guests",
	.flags = VD_CMD_TABLE,
	.cols = guests_cols,
	.n_cols = VD_ARRAY_SIZE(guests_cols),
	.run = run_guests,
};
