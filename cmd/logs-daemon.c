/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs daemon: the records of libvirt's own logs, chosen and coloured. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "logs-records.h"
#include "logs-verbs.h"
#include "paint.h"
#include "spool.h"
#include "whose.h"

/* What is kept of a record on which --grep is still undecided. */
#define MAX_HELD VD_LINES_PIECE

struct show {
	struct vd_ctx *ctx;
	struct vd_out out;
	struct vd_select select;
	const char *source; /* name of the only log */
	bool label;         /* several logs: each line names its own */
	bool taken;         /* the record above is shown */
	bool shown;         /* any was */
	bool noise;         /* ... and dimmed */
	bool decided;       /* --grep: the record above matched */
	struct vd_buf held; /* --grep: the record above, as long as it did not match */
	int64_t known;      /* --grep: nothing matches before this offset, */
	int64_t slow;       /* and up to this one lines are judged one by one */
	bool cut;           /* --grep: a line was longer than it looks */
	bool gave_up;       /* --grep: that was said */
	bool by_guest;      /* --guest */
	bool live;          /* the log is a pipe: what is there is shown before more is waited for */
	struct vd_whose *whose;
	/* JSON: of the record that the line belongs to */
	struct vd_functions functions;
	unsigned level, category;
	uint32_t thread;
	int guest;
	bool valid; /* the line so far is UTF-8 */
	struct vd_spool spool;
};

static const char *label_of(const char *source)
{
	const char *slash = strrchr(source, '/');

	return slash && slash[1] ? slash + 1 : source;
}

/* --- JSON --- */

static void add_string(struct vd_out *out, const char *key, const char *s, size_t len)
{
	vd_out_adds(out, key);
	if (!s) {
		vd_out_adds(out, "null");
		return;
	}
	vd_out_add(out, "\"", 1);
	vd_out_json(out, s, len);
	vd_out_add(out, "\"", 1);
}

static void add_number(struct vd_out *out, const char *key, int64_t n, bool known)
{
	vd_out_adds(out, key);
	if (known)
		vd_out_num(out, n);
	else
		vd_out_adds(out, "null");
}

static void add_time(struct vd_out *out, int64_t time)
{
	time_t second = (time_t)(time / 1000000 - (time % 1000000 < 0));
	char *to = vd_out_reserve(out, 64);
	struct tm tm;

	if (time == VD_NO_TIME || !gmtime_r(&second, &tm) || tm.tm_year > 8099) {
		vd_out_adds(out, "null");
		return;
	}
	out->len +=
	        (size_t)snprintf(to, 64, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
	                         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time - (int64_t)second * 1000000));
}

/* One object per line. Its text comes last but for the bytes, since a long line comes in pieces. */
static void begin_json(struct show *show, const struct vd_records_line *line, const struct vd_record *record)
{
	const char *guest = vd_whose_name(show->whose, show->guest);
	struct vd_field category = vd_functions_category(&show->functions, show->category);
	struct vd_out *out = &show->out;

	if (record && record->category.len)
		category = (struct vd_field){ record->category.s, record->category.len };
	vd_out_adds(out, "{\"time\":");
	add_time(out, line->time);
	add_string(out, ",\"level\":", show->level ? vd_record_level_name(show->level) : NULL,
	           strlen(vd_record_level_name(show->level)));
	add_number(out, ",\"thread\":", show->thread, show->thread != 0);
	add_string(out, ",\"category\":", category.len ? category.s : NULL, category.len);
	add_string(out, ",\"guest\":", guest, guest ? strlen(guest) : 0);
	if (record) {
		add_string(out, ",\"function\":", record->function.len ? record->function.s : NULL,
		           record->function.len);
		add_number(out, ",\"line\":", record->line, record->function.len != 0);
	} else {
		vd_out_adds(out, ",\"function\":null,\"line\":null");
	}
	vd_out_adds(out, record ? ",\"continues\":false" : ",\"continues\":true");
	add_string(out, ",\"file\":", line->source, strlen(line->source));
	add_number(out, ",\"offset\":", line->line.offset, true);
	vd_out_adds(out, ",\"text\":\"");
	show->valid = true;
}

static void show_json(struct show *show, const struct vd_records_line *line, const struct vd_record *record)
{
	const char *s = record ? record->message.s : line->line.text;
	size_t len = line->line.len - (size_t)(s - line->line.text);
	struct vd_out *out = &show->out;

	if (line->line.first)
		begin_json(show, line, record);
	if (!vd_out_json(out, s, len))
		show->valid = false;
	if (line->line.first && !line->line.last)
		vd_spool_begin(&show->spool);
	if (!line->line.first || !line->line.last)
		vd_spool_add(&show->spool, s, len);
	if (!line->line.last)
		return;
	vd_out_add(out, "\"", 1);
	if (!show->valid && !line->line.first) {
		vd_spool_print(show->ctx, &show->spool, out);
	} else if (!show->valid) {
		vd_out_adds(out, ",\"text_bytes\":\"");
		vd_out_base64(out, s, len);
		vd_out_add(out, "\"", 1);
	}
	vd_out_adds(out, "}\n");
}

/* --- text --- */

static void show_text(struct show *show, const struct vd_records_line *line, const struct vd_record *record)
{
	if (line->line.first && show->label) {
		const char *label = label_of(line->source);

		vd_paint_word(&show->out, vd_paint_label_hue((unsigned)line->number), label, strlen(label));
		vd_out_add(&show->out, ": ", 2);
	}
	if (record)
		show->noise = show->out.color && vd_record_is_noise(record);
	vd_paint_fast(&show->out, &line->line, record, show->noise);
	if (line->line.last)
		vd_out_add(&show->out, "\n", 1);
}

static void show_one(struct show *show, const struct vd_records_line *line, const struct vd_record *record)
{
	show->shown = true;
	if (show->ctx->json)
		show_json(show, line, record);
	else
		show_text(show, line, record);
}

/* The lines of a record that turned out to match late. */
static void show_held(struct show *show, const struct vd_records_line *line)
{
	const char *s, *end;

	/* Painting reads behind a line. */
	vd_report_check(vd_buf_reserve(&show->held, VD_LINES_SLACK));
	s = show->held.data;
	end = s + show->held.len;
	while (s < end) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		struct vd_records_line old = *line;
		struct vd_record record;

		old.line = (struct vd_line){ .text = s, .len = (size_t)(newline - s), .first = true, .last = true };
		show_one(show, &old, vd_record_parse(s, old.line.len, 0, &record) ? &record : NULL);
		s = newline + 1;
	}
	vd_buf_clear(&show->held);
}

/* --grep: does the record match, by this line or one above it? A line is looked at as far as its first piece goes. */
static bool grep(struct show *show, const struct vd_records_line *line)
{
	if (line->record) {
		show->decided = false;
		vd_buf_clear(&show->held);
	}
	if (show->decided)
		return true;
	if (!line->line.first) {
		show->cut = true;
		return false;
	}
	if (vd_match_has(show->select.match, line->line.text, line->line.len)) {
		if (show->held.len)
			show_held(show, line);
		return show->decided = true;
	}
	if (show->held.len + line->line.len < MAX_HELD) {
		vd_report_check(vd_buf_add(&show->held, line->line.text, line->line.len));
		vd_report_check(vd_buf_addc(&show->held, '\n'));
	}
	return false;
}

static bool is_head(const char *line, size_t len)
{
	struct vd_record record;

	return vd_record_parse(line, len, 0, &record);
}

/* The start of the record that the line at @line belongs to, as far as it is in the window; @text when it is not. */
static const char *record_start(const char *text, const char *line, const char *end)
{
	const char *newline = memchr(line, '\n', (size_t)(end - line));

	for (;;) {
		if (is_head(line, (size_t)((newline ? newline : end) - line)) || line == text)
			return line;
		newline = line - 1;
		line = memrchr(text, '\n', (size_t)(newline - text));
		line = line ? line + 1 : text;
	}
}

/*
 * --grep on many lines at once: what lies before the next record with a match does not matter. The last record of the
 * window may go on behind it and is left to grep().
 */
static size_t skip_unmatched(void *data, const char *text, size_t len, int64_t offset)
{
	struct show *show = data;
	const char *end = text + len, *line = text;
	size_t from = 0, start;
	int r;

	/* What is left of a record that matched is shown. */
	if (show->decided && show->taken && !is_head(text, (size_t)((const char *)memchr(text, '\n', len) - text)))
		return 0;
	if (offset < show->known)
		return show->known - offset < (int64_t)len ? (size_t)(show->known - offset) : len;
	if (offset < show->slow)
		return 0;
	while ((r = vd_match_scan(show->select.match, text, len, from, &start)) == 0 && start < len) {
		const char *newline = memchr(text + start, '\n', len - start);

		line = memrchr(text, '\n', start);
		line = line ? line + 1 : text;
		if (vd_match_has(show->select.match, line, (size_t)(newline - line)))
			break;
		from = (size_t)(newline - text) + 1;
		if (from >= len)
			r = 1;
		if (r)
			break;
	}
	if (r < 0) {
		show->slow = offset + (int64_t)len;
		return 0;
	}
	if (r == 0 && start < len) {
		line = record_start(text, line, end);
		/* Until there every line is read one by one: not to be searched again. */
		show->slow = offset + (int64_t)start;
	} else {
		line = memrchr(text, '\n', len - 1);
		line = record_start(text, line ? line + 1 : text, end);
		show->slow = offset + (int64_t)len;
	}
	show->known = offset + (line - text);
	return (size_t)(line - text);
}

/*
 * The records of one log as text: all lines that are there in one go, without what only merging, JSON or --grep need.
 * Every byte of large logs goes here.
 */
static size_t show_window(void *data, const char *text, size_t len, int64_t offset)
{
	struct show *show = data;
	const char *end = text + len, *newline;
	struct vd_record record;

	(void)offset;
	if (show->out.error)
		return 0;
	for (const char *s = text; s < end; s = newline + 1) {
		struct vd_line line = { .text = s, .first = true, .last = true, .newline = true };
		bool is_head;

		newline = memchr(s, '\n', (size_t)(end - s));
		line.len = (size_t)(newline - s);
		is_head = vd_record_parse(s, line.len, 0, &record);
		if (is_head)
			show->taken = vd_select_takes(&show->select, &record, show->source, VD_NO_TIME);
		if (!show->taken)
			continue;
		show->shown = true;
		if (is_head)
			show->noise = show->out.color && vd_record_is_noise(&record);
		vd_paint_fast(&show->out, &line, is_head ? &record : NULL, show->noise);
		*vd_out_reserve(&show->out, 1) = '\n';
		show->out.len++;
	}
	if (show->live)
		vd_out_flush(&show->out);
	return len;
}

static void show_line(struct show *show, const struct vd_records_line *line)
{
	const struct vd_record *record = line->record;

	if (record) {
		show->taken = vd_select_takes(&show->select, record, line->source, line->time);
		if (show->whose) /* also of records that are not shown: they tell whose the others are */
			show->guest = vd_whose_record(show->whose, line->number, record);
		if (show->by_guest)
			show->taken = show->taken && vd_whose_wanted(show->whose, show->guest);
	}
	if (record && show->taken && show->ctx->json) {
		show->level = record->level;
		show->thread = record->thread;
		show->category = vd_functions_of(&show->functions, record, line->source);
	}
	if (!show->taken || (show->select.match && !grep(show, line)))
		return;
	show_one(show, line, record);
}

/* Read what is asked for. Prints a message when it is wrong. */
static enum vd_exit read_options(struct vd_ctx *ctx, struct show *show, struct vd_strv *names)
{
	const char *pattern = vd_opt_str(ctx, "grep", NULL), *guest = vd_opt_str(ctx, "guest", NULL);
	enum vd_exit status = vd_select_init(ctx, false, &show->select);
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (status != VD_EXIT_OK)
		return status;
	if (pattern && vd_match_new(pattern, &show->select.match, &err) < 0)
		return vd_usage(ctx, "%s", vd_err_text(&err));
	if (ctx->json)
		vd_report_check(vd_functions_load(&show->functions));
	if (ctx->json || guest)
		show->whose = vd_report_need(vd_whose_new());
	show->guest = -1;
	show->category = VD_CATEGORY_NONE;
	show->by_guest = guest != NULL;
	if (guest)
		vd_want_guest(ctx, show->whose, guest, names);
	return VD_EXIT_OK;
}

static void show_release(struct show *show)
{
	vd_whose_free(show->whose);
	vd_functions_release(&show->functions);
	vd_select_release(&show->select);
	vd_buf_release(&show->held);
	vd_spool_release(&show->spool);
}

/* A line of a followed log. */
static bool take_followed(void *data, const struct vd_records_line *line)
{
	struct show *show = data;

	show_line(show, line);
	vd_logs_gave_up(show->ctx, show->select.match, &show->gave_up);
	return !show->out.error;
}

static enum vd_exit run_follow(struct vd_ctx *ctx, struct show *show, int argc, char **argv)
{
	struct vd_followed_logs logs = { .paths = VD_STRV_INIT };
	enum vd_exit status;

	if (ctx->root_dir && argc)
		return vd_usage(ctx, "with --root only the logs of its daemons can be followed, not a FILE");
	if (vd_input_follow(ctx, argc, argv, &logs)) {
		show->label = logs.paths.len + logs.journal > 1;
		show->taken = show->select.any && !show->by_guest;
		vd_out_open(ctx, false, &show->out);
		status = vd_logs_follow(ctx, &show->out, &logs, take_followed, show);
		status = vd_out_close(ctx, &show->out, status);
	} else {
		status = VD_EXIT_UNKNOWN;
	}
	vd_strv_release(&logs.paths);
	return status;
}

static enum vd_exit run_daemon(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(show_release) struct show show = { .ctx = ctx, .held = VD_BUF_INIT };
	VD_CLEANUP(vd_input_release) struct vd_records_input input = { .records = VD_RECORDS_INIT };
	VD_AUTO_STRV names = VD_STRV_INIT;
	struct vd_records_line line = { 0 };
	enum vd_exit status = read_options(ctx, &show, &names);

	if (status != VD_EXIT_OK)
		return status;
	if (vd_opt_given(ctx, "lines") && !vd_opt_given(ctx, "follow"))
		return vd_usage(ctx, "--lines goes with --follow");
	/* Standard input is read to its end anyhow, and nobody knows its end before. */
	if (vd_opt_given(ctx, "follow") && !(argc == 1 && !strcmp(argv[0], "-")))
		return run_follow(ctx, &show, argc, argv);
	if (!vd_input_open(ctx, argc, argv, show.select.since, &input))
		return VD_EXIT_UNKNOWN;
	input.records.want_time = vd_select_wants_time(&show.select) || ctx->json || input.records.len > 1;
	show.label = input.records.len > 1;
	show.taken = show.select.any && !show.by_guest;
	/* Whose a record is depends on all that come before. */
	if (show.select.match && !show.whose && vd_match_can_scan(show.select.match)) {
		input.records.skip = skip_unmatched;
	} else if (input.records.len == 1 && !show.select.match && !show.whose && !input.records.want_time) {
		input.records.skip = show_window;
	}
	input.records.skip_data = &show;
	show.source = input.records.items[0]->name;
	show.live = vd_input_is_live(&input);
	vd_out_open(ctx, true, &show.out);
	while (!show.out.error && (!vd_input_would_wait(&input) || vd_out_flush(&show.out)) &&
	       vd_input_next(ctx, &input, &line))
		show_line(&show, &line);
	status = vd_out_close(ctx, &show.out, input.failed ? VD_EXIT_UNKNOWN : VD_EXIT_OK);
	if (show.cut)
		vd_warn(ctx, "some lines are longer than 1 MiB: --grep looked at their first MiB only");
	/* Whoever asks for nothing special sees that there is nothing. */
	if (!show.shown && status == VD_EXIT_OK && (!show.select.any || show.by_guest || show.select.match))
		vd_select_warn_none(ctx, &show.select, vd_opt_str(ctx, "guest", NULL));
	return vd_logs_gave_up(ctx, show.select.match, &show.gave_up) ? VD_EXIT_UNKNOWN : status;
}

static const struct vd_opt daemon_opts[] = {
	VD_SELECT_OPTS,
	{ .name = "follow", .short_name = 'f', .type = VD_OPT_FLAG, .help = "show what is added, until interrupted" },
	{ .name = "lines",
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .help = "with --follow: begin with the last N lines (10)",
	  .max = 1000000000 },
	{ .name = "guest", .type = VD_OPT_GUEST, .arg = "GUEST", .help = "only records about this guest" },
	{ .name = "grep", .type = VD_OPT_STRING, .arg = "PATTERN", .help = "only records that match (PCRE2)" },
	{ 0 },
};

static const struct vd_arg daemon_args[] = {
	{ .name = "FILE",
	  .type = VD_OPT_PATH,
	  .optional = true,
	  .repeats = true,
	  .help = "a log, which may be compressed; - is standard input" },
	{ 0 },
};

static const char *const daemon_examples[] = {
	"virtdiag logs daemon --level warning",
	"what the daemons of this host warned of",
	"virtdiag logs daemon --category 'qemu.*' --since -1h",
	"what the QEMU driver did in the last hour",
	NULL,
};

const struct vd_cmd vd_cmd_logs_daemon = {
	.name = "daemon",
	.summary = "show libvirt's own logs, chosen and coloured",
	.description =
	        "Shows the records of libvirt's own logs, in any form that libvirt has written since 0.6.0, also "
	        "behind "
	        "the prefixes of journalctl and syslog. Without FILE these are the logs of this host's daemons, where "
	        "their settings send them. Several logs are merged by time. A line without a head belongs to the "
	        "record "
	        "above it. With --json there is one object per line.",
	.examples = daemon_examples,
	.opts = daemon_opts,
	.args = daemon_args,
	.flags = VD_CMD_JSON_LINES,
	.run = run_daemon,
};
