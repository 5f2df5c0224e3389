/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemons.h"
#include "filter.h"
#include "journal.h"
#include "logs-records.h"

/* A file that the user names is one of this machine, whatever --root says. */
static bool add_operand(struct vd_ctx *ctx, struct vd_records_input *input, const char *path, int64_t since)
{
	bool is_stdin = !strcmp(path, "-");
	const char *name = is_stdin ? "standard input" : path;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r, fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		vd_err_set(&err, errno, "cannot read %s: %s", name, strerror(errno));
		vd_fail(ctx, &err);
		return false;
	}
	if (vd_journal_is_file(fd))
		r = vd_records_add_journal_file(&input->records, fd, name, since, &err);
	else
		r = vd_records_add(&input->records, fd, name, 0, 0, &err);
	if (r < 0) {
		vd_fail(ctx, &err);
		return false;
	}
	return true;
}

/* --- where this host's daemons log --- */

struct places {
	struct vd_strv files;
	struct vd_strv
	        journal; /* daemons that log to the journal, or to syslog or standard error, which end there too */
	bool told;       /* settings name an output: without them the journal is as good a guess as the usual files */
};

static void add_once(struct vd_strv *list, const char *s)
{
	if (!vd_strv_has(list, s))
		vd_report_check(vd_strv_add(list, s));
}

/* Where the outputs in @value send what @daemon logs. */
static void add_outputs(struct places *places, const struct vd_daemon *daemon, const char *value)
{
	struct vd_filters outputs;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_filters_parse(VD_LOG_OUTPUTS, value, &outputs, &err) < 0)
		return;
	for (size_t i = 0; i < outputs.count; i++) {
		const struct vd_filter_item *item = &outputs.items[i];

		if (item->valid && item->path && item->path[0] == '/')
			add_once(&places->files, item->path);
		else if (item->valid && item->parsed.dest != VLOG_DEST_FILE)
			add_once(&places->journal, daemon->name);
	}
	vd_filters_release(&outputs);
}

/* What a daemon wrote before its settings were changed, or one that left nothing else on the host. */
static void add_usual(struct vd_ctx *ctx, struct places *places, const char *log_dir)
{
	for (size_t i = 0; vd_daemon_names[i]; i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		struct vd_stat st;

		vd_report_check(vd_buf_addf(&path, "%s/%s.log", log_dir, vd_daemon_names[i]));
		if (vd_root_stat(ctx->root, path.data, &st, NULL) == 0 && st.type == VD_FILE_REG)
			add_once(&places->files, path.data);
	}
}

static void find_places(struct vd_ctx *ctx, struct places *places)
{
	VD_AUTO_DAEMONS daemons = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &daemons, &err) < 0) {
		vd_fail(ctx, &err);
		return;
	}
	for (size_t i = 0; i < daemons.len; i++) {
		const struct vd_daemon *daemon = &daemons.items[i];
		VD_AUTO_LOG_VALUES values = { 0 };
		const struct vd_log_value *value;

		if (vd_daemon_log_load(ctx->root, &daemons.scope, daemon, &values) < 0)
			continue;
		value = vd_log_values_get(&values, VD_SETTING_OUTPUTS, false);
		value = value ? value : vd_log_values_get(&values, VD_SETTING_OUTPUTS, true);
		if (!value || !value->value)
			continue;
		places->told |= value->origin != VD_ORIGIN_BUILTIN;
		add_outputs(places, daemon, value->value);
	}
	add_usual(ctx, places, daemons.scope.log_dir);
}

static void add_places(struct vd_ctx *ctx, struct vd_records_input *input, const struct places *places)
{
	for (size_t i = 0; i < places->files.len; i++) {
		VD_AUTO_ERR err = VD_ERR_INIT;
		const char *path = places->files.items[i];
		int fd, r = vd_root_open_file(ctx->root, path, &fd, &err);

		/* Not written yet. */
		if (r == -ENOENT && places->files.len + places->journal.len > 1)
			continue;
		if (r == 0)
			r = vd_records_add(&input->records, fd, path, 0, 0, &err);
		if (r < 0) {
			vd_fail(ctx, &err);
			input->failed = true;
		}
	}
}

/* Of the journal that was added last. */
static void say_problem(struct vd_ctx *ctx, struct vd_records_input *input)
{
	const struct vd_err *problem = vd_journal_problem(input->records.items[input->records.len - 1]->journal);

	if (!problem)
		return;
	vd_fail(ctx, problem);
	input->failed = true;
}

/*
 * Of a host whose settings do not tell where its daemons log: has one of them written to the journal? Returns 0;
 * -ENOENT: there is no journal, or nothing of theirs is in it; another negative errno.
 */
static int look_into_journal(struct vd_ctx *ctx, struct vd_err *err)
{
	struct vd_journal_entry entry;
	struct vd_journal *journal;
	int r = vd_journal_open(ctx->root, &journal, err);

	if (r < 0)
		return r;
	r = vd_journal_next(journal, &entry);
	vd_journal_free(journal);
	return r > 0 ? -ENOENT : r;
}

static void guess_journal(struct vd_ctx *ctx, struct vd_records_input *input, struct places *places)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = look_into_journal(ctx, &err);

	if (r == 0) {
		add_once(&places->journal, "a daemon");
	} else if (r != -ENOENT && !(r == -EOPNOTSUPP && input->records.len)) {
		vd_error(ctx, "%s; name the file to read", err.code ? vd_err_text(&err) : "the journal cannot be read");
		input->failed = true;
	}
}

static void open_default(struct vd_ctx *ctx, struct vd_records_input *input, int64_t since)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;
	struct places places = { .files = VD_STRV_INIT, .journal = VD_STRV_INIT };

	find_places(ctx, &places);
	add_places(ctx, input, &places);
	if (!places.journal.len && !places.told)
		guess_journal(ctx, input, &places);
	if (places.journal.len) {
		r = vd_records_add_journal(&input->records, ctx->root, since, &err);
		if (r == 0)
			say_problem(ctx, input);
		/* A host may have no journal where its daemons have other outputs beside it. */
		if (r < 0 && !(r == -ENOENT && input->records.len)) {
			vd_error(ctx, "%s; name the file to read", vd_err_text(&err));
			input->failed = true;
		}
	} else if (!input->records.len && !input->failed) {
		vd_error(ctx, "no log of a libvirt daemon was found on this host; name the file to read");
		input->failed = true;
	}
	vd_strv_release(&places.files);
	vd_strv_release(&places.journal);
}

bool vd_input_open(struct vd_ctx *ctx, int argc, char **argv, int64_t since, struct vd_records_input *input)
{
	*input = (struct vd_records_input){ .records = VD_RECORDS_INIT };
	for (int i = 0; i < argc; i++)
		if (!add_operand(ctx, input, argv[i], since))
			input->failed = true;
	if (!argc)
		open_default(ctx, input, since);
	return input->records.len > 0;
}

bool vd_input_next(struct vd_ctx *ctx, struct vd_records_input *input, struct vd_records_line *ret_line)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	while ((r = vd_records_next(&input->records, ret_line, &err)) < 0) {
		vd_fail(ctx, &err);
		input->failed = true;
	}
	return r == 0;
}

void vd_input_release(struct vd_records_input *input)
{
	vd_records_release(&input->records);
}

/* What does not exist yet is waited for; where it would be has to be known. */
static void add_followed(struct vd_strv *paths, const char *operand)
{
	VD_AUTO_FREE char *path = realpath(operand, NULL);
	VD_AUTO_FREE char *cwd = path || operand[0] == '/' ? NULL : getcwd(NULL, 0);
	VD_AUTO_BUF absolute = VD_BUF_INIT;

	vd_report_check(path ? vd_buf_adds(&absolute, path)
	                     : vd_buf_addf(&absolute, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", operand));
	vd_report_check(vd_strv_add(paths, absolute.data));
}

static bool is_journal_operand(const char *path)
{
	VD_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd >= 0 && vd_journal_is_file(fd);
}

bool vd_input_follow(struct vd_ctx *ctx, int argc, char **argv, struct vd_followed_logs *logs)
{
	struct places places = { .files = VD_STRV_INIT, .journal = VD_STRV_INIT };

	*logs = (struct vd_followed_logs){ .paths = VD_STRV_INIT };
	for (int i = 0; i < argc; i++) {
		if (is_journal_operand(argv[i])) {
			vd_error(ctx,
			         "%s is a file of the journal and cannot be followed alone: without FILE the "
			         "journal is, as far as daemons log there",
			         argv[i]);
			logs->failed = true;
			continue;
		}
		add_followed(&logs->paths, argv[i]);
	}
	if (!argc)
		find_places(ctx, &places);
	for (size_t i = 0; i < places.files.len; i++)
		vd_report_check(vd_strv_add(&logs->paths, places.files.items[i]));
	if (places.journal.len && !vd_root_is_live(ctx->root)) {
		vd_error(ctx, "the journal of a captured host does not grow: without --follow it is shown");
		logs->failed = true;
	} else {
		logs->journal = places.journal.len > 0;
	}
	if (!logs->paths.len && !logs->journal && !logs->failed)
		vd_error(ctx, "no log of a libvirt daemon was found on this host; name the file to follow");
	vd_strv_release(&places.files);
	vd_strv_release(&places.journal);
	return logs->paths.len || logs->journal;
}

bool vd_input_is_live(const struct vd_records_input *input)
{
	const struct vd_records_source *source = input->records.len == 1 ? input->records.items[0] : NULL;

	return source && !source->journal && !source->unpack && !source->lines.seekable;
}

bool vd_input_would_wait(struct vd_records_input *input)
{
	return vd_input_is_live(input) && !vd_lines_ready(&input->records.items[0]->lines);
}
