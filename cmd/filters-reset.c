/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag filters reset: take back what filters apply has set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "report.h"

/* What the next start would set: an empty string where nothing is configured. */
static const char *configured(const struct vd_log_values *values, int setting)
{
	const struct vd_log_value *v = vd_log_values_get(values, (enum vd_log_setting)setting, true);

	return v && v->value && !v->error && v->origin != VD_ORIGIN_BUILTIN ? v->value : "";
}

static enum vd_exit reset_to(struct vd_apply *a, struct vd_target_daemon *t, const char *const ours[VD_N_APPLIED],
                             const char *const old[VD_N_APPLIED])
{
	VD_AUTO_REMEMBERED nothing = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	bool failed = false;

	for (int i = 0; i < VD_N_APPLIED; i++) {
		const char *done;

		if (!old[i])
			continue;
		if (vd_target_get(a, t, i, &t->old[i], &err) < 0)
			return vd_fail(a->ctx, &err);
		if (!strcmp(t->old[i], old[i])) {
			vd_target_add_row(a, t, i, old[i], "unchanged");
			continue;
		}
		done = a->dry_run ? "not yet" : vd_target_restore(a, t, i, ours[i], old[i]);
		failed |= !strcmp(done, "failed");
		vd_target_add_row(a, t, i, old[i], done);
	}
	if (!a->dry_run && !failed && ours[0] == NULL && ours[1] == NULL)
		return VD_EXIT_OK;
	if (!a->dry_run && !failed &&
	    vd_remember_save(a->ctx->root, &a->daemons->scope, t->daemon->name, &nothing, &err) < 0)
		vd_warn(a->ctx, "%s", vd_err_text(&err));
	return VD_EXIT_OK;
}

/* Back to what was in force before virtdiag came; with @by_name else to what is configured. */
static enum vd_exit reset_daemon(struct vd_apply *a, const struct vd_daemon *d, bool by_name, bool *ret_found)
{
	struct vd_target_daemon t = { .daemon = d, .process = vd_daemon_main(d) };
	VD_AUTO_REMEMBERED m = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_LOG_VALUES values = { 0 };
	enum vd_exit status;
	int r = vd_remember_load(a->ctx->root, &a->daemons->scope, d->name, t.process, &m, &err);

	if (r == -ENOENT && !by_name)
		return VD_EXIT_OK;
	if (r < 0 && r != -ENOENT)
		return vd_fail(a->ctx, &err);
	t.uri = vd_daemon_admin_uri(a->ctx->root, &a->daemons->scope, d->name);
	vd_need_memory(t.uri != NULL);
	*ret_found = true;
	if (r == 0) {
		status = reset_to(a, &t, (const char *const *)m.set, (const char *const *)m.old);
	} else {
		const char *const ours[VD_N_APPLIED] = { NULL, NULL };
		const char *old[VD_N_APPLIED];
		bool unknown = false;

		vd_need_memory(vd_daemon_log_load(a->ctx->root, &a->daemons->scope, d, &values) == 0);
		for (int i = 0; i < VD_N_APPLIED; i++) {
			old[i] = configured(&values, i);
			unknown |= !vd_log_values_get(&values, (enum vd_log_setting)i, true);
		}
		if (unknown)
			vd_err_set(&err, ENODATA, "%s is left as it is: what it is configured to do is not known: %s",
			           d->name, values.missing_why ? values.missing_why : "its file cannot be read");
		status = unknown ? vd_fail(a->ctx, &err) : reset_to(a, &t, ours, old);
	}
	vd_target_daemon_release(&t);
	return status;
}

static enum vd_exit run_reset(struct vd_ctx *ctx, int argc, char **argv)
{
	const char *given = vd_opt_str(ctx, "daemon", NULL);
	struct vd_apply a = { .ctx = ctx, .dry_run = vd_opt_given(ctx, "dry-run") };
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status = VD_EXIT_OK, finished;
	bool found = false;

	(void)argc;
	(void)argv;
	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &ds, &err) < 0)
		return vd_fail(ctx, &err);
	a.daemons = &ds;
	a.report = vd_report_new(ctx);
	a.table = vd_report_table(a.report, "changes", NULL, 0);
	for (size_t i = 0; i < ds.len && status == VD_EXIT_OK; i++)
		if (vd_daemon_main(&ds.items[i]) && (!given || !strcmp(given, ds.items[i].name)))
			status = reset_daemon(&a, &ds.items[i], given != NULL, &found);
	if (status == VD_EXIT_OK && !found && given) {
		vd_error(ctx, "%s does not run: there is nothing to reset", given);
		status = VD_EXIT_UNKNOWN;
	} else if (status == VD_EXIT_OK && !found) {
		vd_report_line(a.report, "nothing to reset: no running daemon has settings that virtdiag applied");
	}
	if (status != VD_EXIT_OK)
		vd_report_unknown(a.report);
	finished = vd_report_finish(a.report);
	return status == VD_EXIT_OK ? finished : status;
}

static const struct vd_opt reset_opts[] = {
	VD_OPT_DAEMON("of this daemon; if nothing is remembered of it, as its configuration says"),
	VD_OPT_DRY_RUN,
	{ 0 },
};

static const char *const reset_examples[] = {
	"sudo virtdiag filters reset",
	"take back what `filters apply` has set",
	NULL,
};

extern const struct vd_cmd vd_cmd_filters_reset;

const struct vd_cmd vd_cmd_filters_reset = {
	.name = "reset",
	.summary = "take back what `filters apply` has set in running daemons",
	.description =
	        "Puts back the filters and outputs that were in force before `filters apply`, unless someone has "
	        "changed them since. With --daemon also where nothing is remembered: then to what the daemon would "
	        "have after a restart. Configuration files are not touched.",
	.examples = reset_examples,
	.opts = reset_opts,
	.rows = "changes",
	.flags = VD_CMD_TABLE | VD_CMD_LIVE_ONLY,
	.cols = vd_change_cols,
	.n_cols = VD_N_CHANGE_COLS,
	.run = run_reset,
};
