/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag filters apply: the log settings of daemons that run, through virt-admin. */
#include "apply.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "log-strings.h"
#include "topics.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.filters-apply");

static char *copy(const char *s)
{
	char *c = strdup(s);

	vd_need_memory(c != NULL);
	return c;
}

/* --- one daemon --------------------------------------------------------------------------------------------------- */

/* Makes sure that asking reaches the process that we have seen and starts no other one. */
static int target_find(struct vd_apply *a, const char *name, struct vd_target_daemon *t, struct vd_err *err)
{
	t->daemon = vd_daemons_get(a->daemons, name);
	t->process = t->daemon ? vd_daemon_main(t->daemon) : NULL;
	if (!t->process)
		return vd_err_set(err, ESRCH,
		                  "%s does not run, and asking would start it; --persist edits its "
		                  "configuration instead",
		                  name);
	t->uri = vd_daemon_admin_uri(a->ctx->root, &a->daemons->scope, name);
	vd_need_memory(t->uri != NULL);
	return 0;
}

static int get_old(struct vd_apply *a, struct vd_target_daemon *t, struct vd_err *err)
{
	for (int i = 0; i < VD_N_APPLIED; i++) {
		int r;

		if (!a->values[i])
			continue;
		r = vd_target_get(a, t, i, &t->old[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All or nothing: what was tried before a failure goes back. */
static void set_back(struct vd_apply *a, struct vd_target_daemon *t, const bool tried[VD_N_APPLIED])
{
	for (int i = 0; i < VD_N_APPLIED; i++) {
		if (!tried[i])
			continue;
		if (vd_target_set(a, t, i, t->old[i], NULL) < 0)
			vd_warn(a->ctx, "%s: its %s could not be set back to '%s'", t->daemon->name,
			        vd_log_setting_name((enum vd_log_setting)i), t->old[i]);
		free(vd_steal(t->in_force[i]));
	}
}

/* Outputs first: they must be there for what the filters let through. */
static int set_all(struct vd_apply *a, struct vd_target_daemon *t, struct vd_err *err)
{
	bool tried[VD_N_APPLIED] = { false };
	int r = 0;

	for (int i = VD_N_APPLIED; i-- > 0 && r == 0;) {
		if (!a->values[i])
			continue;
		tried[i] = true;
		r = vd_target_set(a, t, i, a->values[i], err);
		/* As the daemon words it, so that it can be told later whether it is still ours. */
		if (r == 0)
			r = vd_target_get(a, t, i, &t->in_force[i], err);
	}
	if (r < 0)
		set_back(a, t, tried);
	return r;
}

/* --- remembering -------------------------------------------------------------------------------------------------- */

static void remember(struct vd_apply *a, struct vd_target_daemon *t)
{
	VD_AUTO_REMEMBERED m = { .pid = t->process->pid, .ticks = t->process->ticks };
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_remember_load(a->ctx->root, &a->daemons->scope, t->daemon->name, t->process, &t->before, NULL) < 0)
		vd_remembered_release(&t->before);
	for (int i = 0; i < VD_N_APPLIED; i++) {
		/* What was in force before may be an earlier change of ours: then the reset goes back beyond that. */
		bool ours = t->before.set[i] && (!t->in_force[i] || !strcmp(t->before.set[i], t->old[i]));

		if (!t->in_force[i] && !ours)
			continue;
		m.set[i] = copy(t->in_force[i] ? t->in_force[i] : t->before.set[i]);
		m.old[i] = copy(ours && t->before.old[i] ? t->before.old[i] : t->old[i]);
	}
	if (vd_remember_save(a->ctx->root, &a->daemons->scope, t->daemon->name, &m, &err) < 0)
		vd_warn(a->ctx, "`virtdiag filters reset` will not know of it: %s", vd_err_text(&err));
}

/* --- taking it back ----------------------------------------------------------------------------------------------- */

static void restore(struct vd_apply *a, struct vd_target_daemon *t)
{
	VD_AUTO_ERR err = VD_ERR_INIT;

	for (int i = 0; i < VD_N_APPLIED; i++)
		if (t->in_force[i])
			vd_row_str(t->rows[i], VD_CHANGE_DONE, vd_target_restore(a, t, i, t->in_force[i], t->old[i]));
	if (vd_remember_save(a->ctx->root, &a->daemons->scope, t->daemon->name, &t->before, &err) < 0)
		vd_warn(a->ctx, "%s", vd_err_text(&err));
}

/* Signals that end the waiting, not the restoring. */
static void hold_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static bool any_runs(struct vd_apply *a, const struct vd_target_daemon *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (vd_process_is_same(a->ctx->root, targets[i].process->pid, targets[i].process->ticks))
			return true;
	return false;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Until the time is over, a signal comes, or no daemon is left that could be restored. */
static void wait_for(struct vd_apply *a, const sigset_t *set, int64_t duration, const struct vd_target_daemon *targets,
                     size_t n)
{
	int64_t start = now_us(), left;
	int sig;

	vd_warn(a->ctx, "set; restored in %" PRId64 " seconds, or now with Ctrl-C", (duration + 999999) / 1000000);
	while ((left = duration - (now_us() - start)) > 0 && any_runs(a, targets, n)) {
		struct timespec ts = { .tv_sec = left > 1000000 ? 1 : 0,
			               .tv_nsec = left > 1000000 ? 0 : (long)left * 1000 };

		sig = sigtimedwait(set, NULL, &ts);
		if (sig > 0) {
			VLOG_DEBUG("signal %d: restoring now", sig);
			return;
		}
	}
}

/* --- apply -------------------------------------------------------------------------------------------------------- */

/* A filter below every output shows nothing: the outputs in force are known here. */
static void warn_filters(struct vd_apply *a, const struct vd_catalogue *catalogue, const char *outputs)
{
	VD_AUTO_FILTERS f = VD_FILTERS_INIT, o = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;

	vd_parse_string_as(VD_LOG_FILTERS, catalogue->version, a->values[VD_SETTING_FILTERS], &f);
	if (outputs && *outputs)
		vd_parse_string_as(VD_LOG_OUTPUTS, catalogue->version, outputs, &o);
	vd_need_memory(vd_filters_check(&f, catalogue, o.count && !o.invalid ? &o : NULL, VD_LOG_DEFAULT_LEVEL, &w) ==
	               0);
	if (a->values[VD_SETTING_OUTPUTS])
		vd_need_memory(vd_outputs_check(&o, a->ctx->root, &w) == 0);
	if (w.count)
		vd_report_line(a->report, "%s", "");
	for (size_t i = 0; i < w.count; i++) {
		vd_report_mark(a->report, VD_HUE_WARN, "warning: %s: %s", w.items[i].id,
		               vd_esc(a->report, w.items[i].message));
		vd_report_warning(a->report);
	}
}

/* A daemon that ends by itself takes the settings with it. */
static void warn_timeout(struct vd_apply *a, const struct vd_target_daemon *t)
{
	const char *const argv[] = { "virt-admin", "-c", t->uri, "daemon-timeout", "--timeout", "0", NULL };

	if (t->process->timeout > 0)
		vd_report_line(a->report, "note    %s ends after %ld idle seconds and forgets this; to keep it up: %s",
		               t->daemon->name, t->process->timeout, vd_shell_line(a->report, argv));
}

static enum vd_exit apply_to(struct vd_apply *a, const struct vd_catalogue *catalogue, struct vd_target_daemon *t)
{
	VD_AUTO_FREE char *outputs = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = get_old(a, t, &err);

	/* Without outputs it has none to tell, which is no reason to stop. */
	if (r == 0 && !a->values[VD_SETTING_OUTPUTS] && vd_target_get(a, t, VD_SETTING_OUTPUTS, &outputs, NULL) < 0)
		outputs = NULL;
	if (r == 0 && !a->dry_run)
		r = set_all(a, t, &err);
	if (r < 0)
		return vd_fail(a->ctx, &err);
	for (int i = 0; i < VD_N_APPLIED; i++)
		if (a->values[i])
			vd_target_add_row(a, t, i, a->values[i], a->dry_run ? "not yet" : "set");
	if (!a->dry_run)
		remember(a, t);
	warn_filters(a, catalogue, a->values[VD_SETTING_OUTPUTS] ? a->values[VD_SETTING_OUTPUTS] : outputs);
	return VD_EXIT_OK;
}

static void show_undo(struct vd_apply *a, const struct vd_target_daemon *t)
{
	vd_report_line(a->report, "%s", "");
	for (int i = 0; i < VD_N_APPLIED; i++) {
		VD_AUTO_VALUE struct vd_value *undo = NULL;

		if (!t->old[i])
			continue;
		undo = vd_admin_command(t->uri, (enum vd_log_setting)i, t->old[i]);
		vd_need_memory(undo != NULL);
		vd_apply_undo_line(a, undo);
	}
	warn_timeout(a, t);
}

static enum vd_exit apply_live(struct vd_apply *a, const struct vd_catalogue *catalogue, const struct vd_strv *names)
{
	int64_t duration = vd_opt_duration(a->ctx, "for", 0);
	struct vd_target_daemon *targets = calloc(names->len, sizeof(*targets));
	enum vd_exit status = VD_EXIT_OK;
	VD_AUTO_ERR err = VD_ERR_INIT;
	sigset_t signals;
	size_t n = 0, set_up = 0;

	vd_need_memory(targets != NULL);
	/* All must run before the first is changed. */
	for (; n < names->len && status == VD_EXIT_OK; n++)
		if (target_find(a, names->items[n], &targets[n], &err) < 0)
			status = vd_fail(a->ctx, &err);
	if (duration)
		hold_signals(&signals);
	while (set_up < n && status == VD_EXIT_OK) {
		status = apply_to(a, catalogue, &targets[set_up]);
		set_up += status == VD_EXIT_OK;
	}
	if (duration && !a->dry_run && status == VD_EXIT_OK)
		wait_for(a, &signals, duration, targets, n);
	if ((duration || status != VD_EXIT_OK) && !a->dry_run)
		for (size_t i = 0; i < set_up; i++)
			restore(a, &targets[i]);
	for (size_t i = 0; i < n && status == VD_EXIT_OK && !duration; i++)
		show_undo(a, &targets[i]);
	if (duration)
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
	for (size_t i = 0; i < n; i++)
		vd_target_daemon_release(&targets[i]);
	free(targets);
	return status;
}

/* --- which daemons ------------------------------------------------------------------------------------------------ */

/* Who does the work of @owner here: what runs, else what is set up. Prints why that cannot be told. */
static enum vd_exit find_serving(struct vd_ctx *ctx, const struct vd_daemons *ds, const char *owner,
                                 const char **ret_name)
{
	VD_AUTO_DAEMON_PLACE place = { 0 };
	const struct vd_daemon *d;

	vd_need_memory(vd_daemons_serving(ctx->root, ds, owner, &place, NULL) == 0);
	d = vd_daemons_get(ds, place.name);
	if (place.sure == VD_DAEMON_EITHER)
		return vd_usage(ctx,
		                d && vd_daemon_main(d)
		                        ? "both %s and libvirtd run: choose one with --daemon"
		                        : "both %s and libvirtd are installed, and none runs: choose one with --daemon",
		                owner);
	if (place.sure == VD_DAEMON_NOWHERE) {
		vd_error(ctx, "neither %s nor libvirtd was found in %s: name the daemon with --daemon", owner,
		         vd_root_dir(ctx->root));
		return VD_EXIT_UNKNOWN;
	}
	*ret_name = place.name;
	return VD_EXIT_OK;
}

static enum vd_exit choose_daemons(struct vd_ctx *ctx, const struct vd_daemons *ds, const struct vd_strv *owners,
                                   struct vd_strv *names)
{
	const char *given = vd_opt_str(ctx, "daemon", NULL);

	if (given) {
		vd_need_memory(vd_strv_add(names, given) == 0);
		return VD_EXIT_OK;
	}
	for (size_t i = 0; i < owners->len; i++) {
		const char *name = NULL;
		enum vd_exit status = find_serving(ctx, ds, owners->items[i], &name);

		if (status != VD_EXIT_OK)
			return status;
		if (!vd_strv_has(names, name))
			vd_need_memory(vd_strv_add(names, name) == 0);
	}
	return VD_EXIT_OK;
}

/* --- what to apply ------------------------------------------------------------------------------------------------ */

/* The strings of the topics and whose they are. Returns VD_EXIT_OK, or the status to end with. */
static enum vd_exit take_topics(struct vd_ctx *ctx, const struct vd_catalogue *catalogue, const char *list,
                                char **ret_filters, struct vd_strv *owners)
{
	VD_AUTO_TOPICS topics = VD_TOPICS_INIT;
	const struct vd_topic *picked[32];
	VD_AUTO_ERR err = VD_ERR_INIT;
	size_t n = 0;

	if (vd_topics_load(&topics, &err) < 0)
		return vd_fail(ctx, &err);
	while (*list && n < VD_ARRAY_SIZE(picked)) {
		size_t len = strcspn(list, ",");
		VD_AUTO_FREE char *name = strndup(list, len), *near = NULL;

		vd_need_memory(name != NULL);
		picked[n] = vd_topics_find(&topics, name);
		if (!picked[n]) {
			near = vd_topics_nearest(&topics, name);
			return vd_usage(ctx, "there is no topic '%s'%s%s%s", name, near ? "; did you mean '" : "",
			                near ? near : "", near ? "'?" : "");
		}
		if (picked[n]->use == VD_TOPIC_CLIENT)
			return vd_usage(ctx,
			                "topic %s is about clients, which have no virt-admin: see filters suggest %s",
			                picked[n]->id, picked[n]->id);
		if (picked[n]->use == VD_TOPIC_AT_START && !vd_opt_given(ctx, "persist"))
			return vd_usage(ctx, "topic %s is about the start of a daemon: it needs --persist",
			                picked[n]->id);
		if (picked[n]->daemon && !vd_strv_has(owners, picked[n]->daemon))
			vd_need_memory(vd_strv_add(owners, picked[n]->daemon) == 0);
		n++;
		list += len + (list[len] == ',');
	}
	if (!n)
		return vd_usage(ctx, "--topic needs a topic; `virtdiag filters suggest` lists them");
	return vd_topics_merge(picked, n, catalogue, NULL, ret_filters, &err) < 0 ? vd_fail(ctx, &err) : VD_EXIT_OK;
}

/* Refuses what libvirt would refuse, before anything happens. */
static enum vd_exit check_strings(struct vd_ctx *ctx, const struct vd_catalogue *catalogue, const char *const *values)
{
	bool invalid = false;
	struct vd_report *report = NULL;

	for (int i = 0; i < VD_N_APPLIED; i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;

		if (!values[i])
			continue;
		vd_parse_string_as(i == VD_SETTING_FILTERS ? VD_LOG_FILTERS : VD_LOG_OUTPUTS, catalogue->version,
		                   values[i], &f);
		if (!f.invalid)
			continue;
		if (!report)
			report = vd_string_report_new(ctx, catalogue);
		vd_report_table(report, "changes", vd_change_cols, VD_N_CHANGE_COLS);
		vd_report_string_errors(ctx, report, &f);
		invalid = true;
	}
	if (!invalid)
		return VD_EXIT_OK;
	vd_error(ctx, "the string is invalid: nothing was changed");
	return vd_report_finish(report);
}

static enum vd_exit check_options(struct vd_ctx *ctx, int argc)
{
	bool persist = vd_opt_given(ctx, "persist");

	if ((argc != 0) == vd_opt_given(ctx, "topic"))
		return vd_usage(ctx, argc ? "STRING and --topic exclude each other" : "give a STRING or a --topic");
	if (persist && vd_opt_given(ctx, "for"))
		return vd_usage(ctx, "--persist and --for exclude each other");
	if (vd_opt_given(ctx, "for") && vd_opt_duration(ctx, "for", 0) <= 0)
		return vd_usage(ctx, "--for needs a time longer than nothing");
	if (!vd_root_is_live(ctx->root) && !(persist && vd_opt_given(ctx, "dry-run")))
		return vd_usage(ctx, "a capture cannot be changed; --persist --dry-run shows what would be");
	return VD_EXIT_OK;
}

static enum vd_exit apply_checked(struct vd_ctx *ctx, const struct vd_catalogue *catalogue, const char *filters,
                                  const struct vd_strv *owners)
{
	struct vd_apply a = { .ctx = ctx, .dry_run = vd_opt_given(ctx, "dry-run") };
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status, finished;

	a.values[VD_SETTING_FILTERS] = filters;
	a.values[VD_SETTING_OUTPUTS] = vd_opt_str(ctx, "outputs", NULL);
	status = check_strings(ctx, catalogue, a.values);
	if (status != VD_EXIT_OK)
		return status;
	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &ds, &err) < 0)
		return vd_fail(ctx, &err);
	status = choose_daemons(ctx, &ds, owners, &names);
	if (status != VD_EXIT_OK)
		return status;
	a.daemons = &ds;
	a.report = vd_string_report_new(ctx, catalogue);
	a.table = vd_report_table(a.report, "changes", vd_change_cols, VD_N_CHANGE_COLS);
	if (a.dry_run)
		vd_report_extra(a.report, "dry_run", vd_value_bool(true));
	if (!vd_opt_given(ctx, "persist"))
		status = apply_live(&a, catalogue, &names);
	for (size_t i = 0; vd_opt_given(ctx, "persist") && i < names.len && status == VD_EXIT_OK; i++)
		status = vd_apply_persist(&a, names.items[i]);
	if (status != VD_EXIT_OK)
		vd_report_unknown(a.report);
	finished = vd_report_finish(a.report);
	return status == VD_EXIT_OK ? finished : status;
}

static enum vd_exit run_apply(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	VD_AUTO_FREE char *filters = NULL;
	VD_AUTO_STRV owners = VD_STRV_INIT;
	enum vd_exit status = check_options(ctx, argc);

	if (status == VD_EXIT_OK)
		status = vd_load_catalogue(ctx, &catalogue);
	if (status != VD_EXIT_OK)
		return status;
	if (argc)
		filters = copy(argv[0]);
	else
		status = take_topics(ctx, &catalogue, vd_opt_str(ctx, "topic", ""), &filters, &owners);
	if (status != VD_EXIT_OK)
		return status;
	if (!owners.len)
		vd_need_memory(vd_strv_add(&owners, "virtqemud") == 0);
	return apply_checked(ctx, &catalogue, filters, &owners);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void complete_topics(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	VD_AUTO_TOPICS topics = VD_TOPICS_INIT;

	(void)ctx;
	if (vd_topics_load(&topics, NULL) < 0)
		return;
	for (size_t i = 0; i < topics.count; i++) {
		VD_AUTO_BUF word = VD_BUF_INIT;

		if (strncmp(topics.items[i].id, prefix, strlen(prefix)) || topics.items[i].use == VD_TOPIC_CLIENT)
			continue;
		if (vd_buf_addf(&word, "%s\t%s", topics.items[i].id, topics.items[i].title) < 0 ||
		    vd_strv_add(words, word.data) < 0)
			return;
	}
}

/* The item under the cursor: categories behind its level and colon. */
static void complete_filters(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	const char *colon = strchr(prefix, ':');

	(void)ctx;
	if (!colon || vd_catalogue_load(0, &catalogue, NULL) < 0)
		return;
	for (size_t i = 0; i < catalogue.count; i++) {
		VD_AUTO_BUF word = VD_BUF_INIT;

		if (strncmp(catalogue.items[i].name, colon + 1, strlen(colon + 1)))
			continue;
		if (vd_buf_addf(&word, "%.*s%s", (int)(colon + 1 - prefix), prefix, catalogue.items[i].name) < 0 ||
		    vd_strv_add(words, word.data) < 0)
			return;
	}
}

static const struct vd_opt apply_opts[] = {
	{ .name = "topic",
	  .type = VD_OPT_TOPIC,
	  .arg = "TOPIC",
	  .help = "the string of this topic of `filters suggest`; several with commas",
	  .complete = complete_topics },
	VD_OPT_DAEMON("in this daemon instead of the one that serves QEMU or the topic here"),
	{ .name = "outputs", .type = VD_OPT_OUTPUTS, .arg = "STRING", .help = "set these log outputs too" },
	{ .name = "for", .type = VD_OPT_DURATION, .arg = "DURATION", .help = "wait this long, then restore" },
	{ .name = "persist",
	  .type = VD_OPT_FLAG,
	  .help = "edit the configuration file instead; counts after a restart" },
	VD_OPT_DRY_RUN,
	VD_OPT_LIBVIRT,
	{ 0 },
};

static const struct vd_arg apply_args[] = {
	{ .name = "STRING",
	  .type = VD_OPT_FILTERS,
	  .optional = true,
	  .help = "a log filter string; '' takes all filters away",
	  .complete = complete_filters },
	{ 0 },
};

static const char *const apply_examples[] = {
	"sudo virtdiag filters apply --topic qemu --outputs 1:file:/tmp/libvirt.log --for 5min",
	"debug QEMU for five minutes, then as before",
	"sudo virtdiag filters apply '1:qemu 3:util.json 1:util' --persist --dry-run",
	"what would change in the configuration file",
	NULL,
};

extern const struct vd_cmd vd_cmd_filters_apply;

const struct vd_cmd vd_cmd_filters_apply = {
	.name = "apply",
	.summary = "set log filters in a running daemon, or in its configuration",
	.description =
	        "Sets the filters through virt-admin in the daemon that runs, remembers what was in force, and says "
	        "how to take it back. With --for it waits and restores, also when it is interrupted, unless someone "
	        "has changed them meanwhile. With --persist it edits the daemon's configuration file instead, at once "
	        "and with a backup. A string that libvirt would refuse is refused before anything happens. Starts no "
	        "daemon.",
	.examples = apply_examples,
	.opts = apply_opts,
	.args = apply_args,
	.rows = "changes",
	.flags = VD_CMD_TABLE,
	.cols = vd_change_cols,
	.n_cols = VD_N_CHANGE_COLS,
	.run = run_apply,
};
