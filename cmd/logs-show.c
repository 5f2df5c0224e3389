/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs show: the lines of a guest's log, rotated files included. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logs-print.h"
#include "logs-verbs.h"
#include "logs.h"

/* How far before the lines that are wanted reading begins, so that the classifier knows where it is. */
#define LEAD_IN (256 << 10)

/* One log, or several: the guest's own and those of its helpers. */
struct part {
	const struct vd_guestlog *log;
	size_t first;    /* file to begin with */
	int64_t offset;  /* ... and byte */
	int64_t show;    /* stream offset, counted from there, of the first line to be shown */
	int64_t end;     /* ... where counting has ended: what is written later is not shown; INT64_MAX not counted */
	size_t boots;    /* counted */
	uint64_t chosen; /* lines, counted */
};

struct show {
	struct vd_ctx *ctx;
	struct vd_logs_choice choice;
	struct vd_logs_printer printer;
	struct part *parts;
	size_t n_parts;
	uint64_t skip; /* chosen lines that are not printed */
	uint64_t printed;
	size_t boot; /* of the own log, from 0 for the oldest */
	bool one_boot;
	struct vd_strv problems;
};

/* The state of one reading of a part. */
struct reading {
	struct vd_boots boots;
	int64_t time; /* of the last line that had one */
	bool wanted;  /* the line whose pieces come in */
};

static void reading_release(struct reading *r)
{
	vd_boots_release(&r->boots);
}

/* Does the line count? First pieces decide for the rest. */
static bool decide(struct show *s, const struct part *part, struct reading *r, const struct vd_guestlog_line *l)
{
	if (!l->line.first)
		return r->wanted;
	if (part->log->only == VD_KIND_START && vd_boots_line(&r->boots, &l->info, l->line.text, l->line.len) < 0)
		return false;
	if (l->info.time != VD_NO_TIME)
		r->time = l->info.time;
	r->wanted = l->line.offset >= part->show && (!s->one_boot || vd_boots_count(&r->boots) == s->boot + 1) &&
	            vd_logs_choice_has(&s->choice, &l->info, r->time, l->line.text, l->line.len);
	return r->wanted;
}

/* Read a part to count its starts and the lines that are chosen. */
static int count_part(struct show *s, struct part *part)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *reader = NULL;
	VD_CLEANUP(reading_release) struct reading r = { .time = VD_NO_TIME };
	struct vd_guestlog_line l;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc;

	vd_boots_init(&r.boots, part->log->driver, false);
	rc = vd_guestlog_open(s->ctx->root, part->log, part->first, part->offset, &reader, &err);
	part->end = 0;
	while (rc == 0 && (rc = vd_guestlog_next(reader, &l)) == 0) {
		part->end = l.line.offset + (int64_t)l.line.len;
		part->chosen += decide(s, part, &r, &l) && l.line.first;
	}
	part->boots = vd_boots_count(&r.boots);
	s->choice.long_lines = 0;
	return rc < 0 ? rc : 0;
}

static int print_part(struct show *s, struct part *part)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *reader = NULL;
	VD_CLEANUP(reading_release) struct reading r = { .time = VD_NO_TIME };
	struct vd_guestlog_line l;
	VD_AUTO_ERR err = VD_ERR_INIT;
	bool on = false;
	int rc;

	vd_boots_init(&r.boots, part->log->driver, false);
	rc = vd_guestlog_open(s->ctx->root, part->log, part->first, part->offset, &reader, &err);
	while (rc == 0 && (rc = vd_guestlog_next(reader, &l)) == 0) {
		struct vd_logs_line line = { .guest = part->log->guest, .info = &l.info, .path = l.path };

		if (l.line.offset > part->end)
			break;
		on = decide(s, part, &r, &l) && (!l.line.first || s->skip == 0) && (l.line.first || on);
		if (r.wanted && l.line.first && s->skip)
			s->skip--;
		if (!on)
			continue;
		line.offset = l.offset;
		line.has_boot = part->log->only == VD_KIND_START && vd_boots_count(&r.boots);
		line.boot = (long)vd_boots_count(&r.boots) - (long)part->boots;
		vd_logs_print(&s->printer, &line, l.line.text, l.line.len, l.line.first, l.line.last);
		s->printed += l.line.first;
		if (s->printer.out->error)
			return 0;
	}
	for (size_t i = 0; reader && i < vd_guestlog_problems(reader)->len && rc >= 0; i++)
		if (vd_strv_add(&s->problems, vd_guestlog_problems(reader)->items[i]) < 0)
			rc = -ENOMEM;
	return rc < 0 ? rc : 0;
}

/* --- the last lines without reading the rest ------------------------------------------------------------------- */

static int file_size(int fd, int64_t *ret_size)
{
	off_t size = lseek(fd, 0, SEEK_END);

	*ret_size = size;
	return size < 0 ? -errno : 0;
}

/* Of how many lines a file has we need only know whether they are enough. */
static int count_lines(int fd, uint64_t *ret_count)
{
	VD_AUTO_LINES lines = VD_LINES_INIT;
	struct vd_line line;
	int rc = vd_lines_init(&lines, fd, 0, 0);

	*ret_count = 0;
	while (rc == 0 && (rc = vd_lines_next(&lines, &line)) == 0)
		*ret_count += line.last;
	return rc < 0 ? rc : 0;
}

/*
 * Begin as late as possible for the last @lines lines: in the newest file when it has so many, else in the one before.
 * False: read it all and count.
 */
static bool begin_late(struct show *s, struct part *part, uint64_t lines)
{
	for (size_t i = part->log->n_files; i > 0; i--) {
		VD_AUTO_CLOSE int fd = -1;
		VD_AUTO_UNPACK struct vd_unpack *form = NULL;
		int64_t size, at, lead;
		uint64_t here;

		if (vd_root_open_file(s->ctx->root, part->log->files[i - 1].path, &fd, NULL) < 0)
			return false;
		if (vd_unpack_open(dup(fd), 0, &form, NULL) < 0 || vd_unpack_form(form) != VD_PACK_NONE ||
		    file_size(fd, &size) < 0 || vd_lines_tail(fd, lines, &at) < 0)
			return false;
		if (at > 0 || (i == 1 && lines)) {
			lead = at > LEAD_IN ? at - LEAD_IN : 0;
			if (lead && vd_lines_start_of(fd, lead, LEAD_IN, &lead) < 0)
				lead = at;
			part->first = i - 1;
			part->offset = lead;
			part->show = at - lead;
			return true;
		}
		if (count_lines(fd, &here) < 0 || here >= lines)
			return false;
		lines -= here;
	}
	return false;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

static int choose_boot(struct show *s, const char *value, enum vd_exit *ret_status)
{
	struct part *own = &s->parts[0];
	int rc = count_part(s, own);

	if (rc < 0)
		return rc;
	own->chosen = 0;
	*ret_status = vd_logs_boot_number(s->ctx, own->log, "boot", value, own->boots, &s->boot);
	s->one_boot = true;
	return 0;
}

/* Count what has to be known before the first line is printed. */
static int prepare(struct show *s, enum vd_exit *ret_status)
{
	const char *boot = vd_opt_str(s->ctx, "boot", "all");
	bool limited = vd_opt_given(s->ctx, "lines");
	uint64_t lines = (uint64_t)vd_opt_num(s->ctx, "lines", 0), chosen = 0;
	int rc = 0;

	*ret_status = VD_EXIT_OK;
	if (strcmp(boot, "all"))
		rc = choose_boot(s, boot, ret_status);
	if (rc < 0 || *ret_status != VD_EXIT_OK)
		return rc;
	if (limited && s->n_parts == 1 && !s->one_boot && vd_logs_choice_all(&s->choice) &&
	    begin_late(s, &s->parts[0], lines))
		limited = false;
	for (size_t i = 0; i < s->n_parts && rc == 0 && (limited || s->ctx->json); i++) {
		rc = count_part(s, &s->parts[i]);
		chosen += s->parts[i].chosen;
	}
	if (limited && chosen > lines)
		s->skip = chosen - lines;
	return rc;
}

/* The guest's own log, and those of its helpers that are asked for. */
static bool collect_parts(struct show *s, const struct vd_logs *logs, const struct vd_guestlog *own)
{
	s->parts = calloc(logs->logs.len + 1, sizeof(*s->parts));
	if (!s->parts)
		return false;
	s->parts[s->n_parts++] = (struct part){ .log = own, .end = INT64_MAX };
	for (size_t i = 0; i < logs->logs.len; i++) {
		const struct vd_guestlog *log = &logs->logs.items[i];

		if (log->only != VD_KIND_START && log->driver == own->driver && !strcmp(log->guest, own->guest) &&
		    vd_logs_choice_helpers(&s->choice, log->only))
			s->parts[s->n_parts++] = (struct part){ .log = log, .end = INT64_MAX };
	}
	return true;
}

static enum vd_exit print_all(struct show *s)
{
	struct vd_out out;
	int rc = 0;

	vd_out_open(s->ctx, true, &out);
	s->printer.ctx = s->ctx;
	s->printer.out = &out;
	s->printer.json = s->ctx->json;
	for (size_t i = 0; i < s->n_parts && rc == 0 && !out.error; i++)
		rc = print_part(s, &s->parts[i]);
	return vd_out_close(s->ctx, &out, rc < 0 ? VD_EXIT_UNKNOWN : VD_EXIT_OK);
}

static enum vd_exit show_log(struct show *s)
{
	enum vd_exit status;
	bool gave_up = false;

	if (prepare(s, &status) < 0) {
		vd_error(s->ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	if (status != VD_EXIT_OK)
		return status;
	status = print_all(s);
	if (s->choice.long_lines)
		vd_warn(s->ctx, "--grep saw only the first MiB of %lu long line%s", s->choice.long_lines,
		        s->choice.long_lines == 1 ? "" : "s");
	if (vd_logs_gave_up(s->ctx, s->choice.grep, &gave_up))
		status = VD_EXIT_UNKNOWN;
	if (!s->printed && status == VD_EXIT_OK)
		vd_warn(s->ctx, "no line of the log of %s is that way", s->parts[0].log->guest);
	for (size_t i = 0; i + 1 < s->problems.len; i += 2) {
		vd_error(s->ctx, "not examined: %s: %s", s->problems.items[i], s->problems.items[i + 1]);
		status = VD_EXIT_UNKNOWN;
	}
	return status;
}

static enum vd_exit run_show(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_logs_release) struct vd_logs logs = { 0 };
	VD_AUTO_FREE const struct vd_guestlog **picked = NULL;
	struct show s = { .ctx = ctx };
	enum vd_exit status;
	size_t count = 0;

	status = vd_logs_choice_read(ctx, &s.choice);
	if (status == VD_EXIT_OK && !vd_logs_load(ctx, &logs))
		status = VD_EXIT_UNKNOWN;
	if (status == VD_EXIT_OK)
		status = vd_logs_pick(ctx, &logs, argc, argv, &picked, &count);
	if (status == VD_EXIT_OK)
		status = collect_parts(&s, &logs, picked[0]) ? show_log(&s) : VD_EXIT_UNKNOWN;
	free(s.parts);
	vd_spool_release(&s.printer.spool);
	vd_strv_release(&s.problems);
	vd_logs_choice_release(&s.choice);
	return status;
}

static const struct vd_opt show_opts[] = {
	{ .name = "boot",
	  .short_name = 'b',
	  .type = VD_OPT_STRING,
	  .arg = "N",
	  .help = "only start N: 0 the last, -1 the one before, 1 the oldest, all (default)" },
	{ .name = "lines",
	  .short_name = 'n',
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .max = 1000000000,
	  .help = "only the last N of the lines" },
	VD_LOGS_CHOICE_OPTS,
	{ 0 },
};

static const struct vd_arg show_args[] = {
	VD_ARG_GUEST("name, UUID or id of a guest, or the name of a log"),
	{ 0 },
};

static const char *const show_examples[] = {
	"virtdiag logs show -b 0 web01",
	"all that was logged since web01 was started last",
	"virtdiag logs show --level error --since yesterday web01",
	"the errors of the last two days",
	NULL,
};

const struct vd_cmd vd_cmd_logs_show = {
	.name = "show",
	.summary = "print a guest's log, rotated files included",
	.description =
	        "Prints the lines of a guest's log, oldest first, its rotated and compressed files included, all of "
	        "them or those that are chosen. A line without a time of its own has that of the line before "
	        "it. With --json one object per line.",
	.examples = show_examples,
	.opts = show_opts,
	.args = show_args,
	.flags = VD_CMD_JSON_LINES,
	.run = run_show,
};
