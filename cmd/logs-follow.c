/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Following the logs of daemons: files by name, and the journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "follow.h"
#include "logs-records.h"
#include "until.h"

/* A followed file. */
struct followed {
	const char *path;
	size_t number;
	struct vd_record_clock clock;
	struct vd_record record;
	int64_t time; /* of the record above */
};

struct follower {
	struct vd_ctx *ctx;
	struct vd_out *out;
	struct vd_follow *follow;
	struct followed *files;
	size_t n_files;
	struct vd_records journal; /* holds the journal alone, when it is followed */
	bool rotated;              /* it may have other files than before */
	bool (*take)(void *data, const struct vd_records_line *line);
	void *data;
};

static int on_line(void *data, void *file, const struct vd_line *line, const char *path)
{
	struct follower *f = data;
	struct followed *followed = file;
	struct vd_records_line records_line = { .source = path, .number = followed->number };
	/* Painting reads behind a line, and this one ends where its buffer may. */
	VD_AUTO_BUF copy = VD_BUF_INIT;

	vd_report_check(vd_buf_reserve(&copy, line->len + VD_LINES_SLACK));
	vd_report_check(vd_buf_add(&copy, line->text, line->len));
	records_line.line = *line;
	records_line.line.text = copy.data;
	if (line->first && vd_record_parse(copy.data, line->len, 0, &followed->record)) {
		records_line.record = &followed->record;
		followed->clock.reference = (int64_t)time(NULL);
		followed->time = vd_record_time(&followed->clock, &followed->record);
	}
	records_line.time = followed->time;
	return f->take(f->data, &records_line) ? 0 : -ECANCELED;
}

/* A name came into a directory of the journal: a file began, or was archived and another one took its place. */
static void on_name(void *data, const char *dir, const char *name)
{
	struct follower *f = data;

	(void)dir;
	(void)name;
	f->rotated = true;
}

/* Where the last lines of a file begin; 0 for one that is not there yet. */
static int64_t tail_of(struct vd_ctx *ctx, const char *path, long lines)
{
	int64_t offset = 0;
	VD_AUTO_CLOSE int fd = -1;

	if (vd_root_open_file(ctx->root, path, &fd, NULL) < 0 || vd_lines_tail(fd, (uint64_t)lines, &offset) < 0)
		return 0;
	return offset;
}

static int add_files(struct follower *f, const struct vd_strv *paths, struct vd_err *err)
{
	int r = 0;

	f->files = vd_report_need(calloc(paths->len + 1, sizeof(*f->files)));
	for (size_t i = 0; i < paths->len && r >= 0; i++) {
		struct followed *file = &f->files[f->n_files++];

		*file = (struct followed){ .path = paths->items[i], .number = i, .time = VD_NO_TIME };
		r = vd_follow_add(f->follow, file->path, tail_of(f->ctx, file->path, vd_opt_num(f->ctx, "lines", 10)),
		                  file, err);
	}
	return r;
}

/* The directories come first: what is added while its files are opened is told of. */
static int add_journal(struct follower *f, struct vd_err *err)
{
	VD_AUTO_STRV dirs = VD_STRV_INIT;

	vd_report_check(vd_journal_dirs(f->ctx->root, &dirs));
	for (size_t i = 0; i < dirs.len; i++) {
		int r = vd_follow_add_dir(f->follow, dirs.items[i], err);

		if (r < 0)
			return r;
	}
	f->journal.want_time = true;
	return vd_records_add_journal_end(&f->journal, f->ctx->root, (uint64_t)vd_opt_num(f->ctx, "lines", 10), err);
}

/* What was added to the journal since the last time. */
static int read_journal(struct follower *f, struct vd_err *err)
{
	struct vd_records_line line;
	int r;

	if (!f->journal.len)
		return 0;
	r = vd_records_go_on(&f->journal, f->ctx->root, f->rotated, err);
	f->rotated = false;
	if (r == -ENOENT) { /* all its files were removed: others will come */
		vd_err_release(err);
		return 0;
	}
	while (r == 0 && (r = vd_records_next(&f->journal, &line, err)) == 0) {
		line.number = f->n_files;
		if (!f->take(f->data, &line))
			return -ECANCELED;
	}
	return r < 0 ? r : 0;
}

/* Until a signal comes, nobody reads any more, or something fails, of which @err tells. */
static int follow(struct follower *f, struct vd_err *err)
{
	struct vd_until until;
	int r = 0;

	vd_until_begin(&until);
	do {
		r = vd_follow_read(f->follow);
		if (r >= 0)
			r = read_journal(f, err);
		if (!vd_out_flush(f->out))
			break;
	} while (r >= 0 && vd_until_wait(&until, vd_follow_fd(f->follow), vd_follow_timeout(f->follow)));
	vd_until_end(&until);
	return f->out->error ? 0 : r;
}

static void follower_release(struct follower *f)
{
	vd_follow_free(f->follow);
	vd_records_release(&f->journal);
	free(f->files);
}

enum vd_exit vd_logs_follow(struct vd_ctx *ctx, struct vd_out *out, const struct vd_followed_logs *logs,
                            bool (*take)(void *data, const struct vd_records_line *line), void *data)
{
	VD_CLEANUP(follower_release) struct follower f = { .ctx = ctx, .out = out, .take = take, .data = data };
	const struct vd_follow_calls calls = { .line = on_line, .name = on_name, .data = &f };
	enum vd_exit status = logs->failed ? VD_EXIT_UNKNOWN : VD_EXIT_OK;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_follow_new(ctx->root, &calls, &f.follow, &err);

	if (r >= 0)
		r = add_files(&f, &logs->paths, &err);
	if (r >= 0 && logs->journal) {
		r = add_journal(&f, &err);
		/* The files are worth following without it. */
		if (r < 0 && f.n_files) {
			vd_fail(ctx, &err);
			vd_err_release(&err);
			status = VD_EXIT_UNKNOWN;
			r = 0;
		}
	}
	if (r >= 0)
		r = follow(&f, &err);
	if (r >= 0)
		return status;
	if (!err.code)
		vd_err_set(&err, -r, "cannot follow the logs: %s", strerror(-r));
	vd_fail(ctx, &err);
	return VD_EXIT_UNKNOWN;
}
