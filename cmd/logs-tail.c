/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag logs tail: the last lines of guests' logs, and what is written from now on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow.h"
#include "logs-print.h"
#include "logs-verbs.h"
#include "logs.h"
#include "paint.h"
#include "until.h"

/* How far before the last lines reading begins, so that the classifier knows where it is. */
#define LEAD_IN (64 << 10)
/* An unfinished line is shown on a terminal when nothing came for so long. */
#define IDLE_MS 300

/* One followed log. */
struct tailed {
	char *guest, *path;
	enum vd_driver driver;
	enum vd_guestline_kind only;
	unsigned number;
	struct vd_guestline_state state;
	struct vd_guestline info; /* of the line whose pieces come in */
	int64_t time;             /* of the last line that had one */
	bool wanted, in_boot;
	bool resumed;      /* its line was ended on the output before it ended: another log had something to say */
	int64_t begins;    /* offset of the line whose pieces come in */
	int64_t show_from; /* offset of the first line that is shown; those before it only tell the classifier */
};

struct tail {
	struct vd_ctx *ctx;
	struct vd_logs_choice choice;
	struct vd_logs_printer printer;
	struct vd_out out;
	struct vd_follow *follow;
	struct tailed **items; /* each malloc()ed: the follower keeps pointers */
	size_t len;
	bool all, terminal;
	struct tailed *open;  /* whose line has begun on the output, but not ended */
	struct tailed *shown; /* whose unfinished line stands on the terminal */
	size_t shown_len;     /* ... how much of it */
	bool failed;
	bool gave_up; /* --grep on a line: that was said */
};

/* --- lines ----------------------------------------------------------------------------------------------------- */

/* Take the unfinished line off the terminal. It fits in one row. */
static void hide_rest(struct tail *t)
{
	if (t->shown)
		vd_out_adds(&t->out, "\r\033[K");
	t->shown = NULL;
}

/* End the line on the output: what follows of it is printed as a line of its own. */
static void end_open(struct tail *t)
{
	struct tailed *log = t->open;
	struct vd_logs_line l = {
		.guest = log->guest, .label_number = log->number, .info = &log->info, .path = log->path
	};

	l.offset = log->begins;
	l.has_boot = log->in_boot && log->only == VD_KIND_START;
	vd_logs_print(&t->printer, &l, "", 0, false, true);
	log->resumed = true;
	t->open = NULL;
}

static int on_line(void *data, void *file, const struct vd_line *line, const char *path)
{
	struct tail *t = data;
	struct tailed *log = file;
	struct vd_logs_line l = { .guest = log->guest, .label_number = log->number, .info = &log->info, .path = path };
	bool first;

	if (line->first) {
		log->resumed = false;
		vd_guestline_next(&log->state, line->text, line->len, &log->info);
		if (log->info.time != VD_NO_TIME)
			log->time = log->info.time;
		log->in_boot |= log->info.kind == VD_KIND_START || log->info.block_begins;
		log->wanted = line->offset >= log->show_from &&
		              vd_logs_choice_has(&t->choice, &log->info, log->time, line->text, line->len);
		vd_logs_gave_up(t->ctx, t->choice.grep, &t->gave_up);
	}
	if (!log->wanted)
		return 0;
	hide_rest(t);
	if (t->open && t->open != log)
		end_open(t);
	first = line->first || log->resumed;
	if (first)
		log->begins = line->offset;
	/* What is resumed is all message. */
	if (!line->first)
		log->info.message_len = line->len;
	l.offset = log->begins;
	l.has_boot = log->in_boot && log->only == VD_KIND_START;
	vd_logs_print(&t->printer, &l, line->text, line->len, first, line->last);
	log->resumed = false;
	t->open = line->last ? NULL : log;
	return t->out.error ? -t->out.error : 0;
}

static void on_note(void *data, void *file, enum vd_follow_note note)
{
	struct tail *t = data;
	struct tailed *log = file;

	log->show_from = 0;
	if (note == VD_FOLLOW_LOST)
		vd_warn(t->ctx, "%s was emptied, and what was written just before is in no copy beside it", log->path);
}

/* Show what there is of the line that waits for its end, on a terminal. */
static void show_rest(struct tail *t)
{
	size_t width = vd_terminal_width(), used = 0, len;
	const char *text;

	for (size_t i = 0; i < t->len; i++) {
		struct tailed *log = t->items[i];

		if (!vd_follow_rest(t->follow, log, IDLE_MS, &text, &len) || !vd_logs_choice_all(&t->choice) ||
		    (t->shown == log && t->shown_len == len))
			continue;
		hide_rest(t);
		t->shown = log;
		t->shown_len = len;
		if (t->printer.labels) {
			vd_paint_word(&t->out, vd_paint_label_hue(log->number), log->guest, strlen(log->guest));
			vd_out_adds(&t->out, " | ");
			used = strlen(log->guest) + 3;
		}
		/* What does not fit in the row comes with the whole line. An escape takes up to four columns. */
		while (len && used + 4 < width) {
			size_t n = vd_out_escaped_char(&t->out, text, len);

			used += n > 1 ? 2 : (unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f ? 4 : 1;
			text += n;
			len -= n;
		}
		break;
	}
}

/* --- which logs ------------------------------------------------------------------------------------------------ */

/* Where the last @lines lines of the file begin; *@ret_lead is somewhat before. */
static void find_last_lines(struct tail *t, const char *path, uint64_t lines, int64_t *ret_lead, int64_t *ret_at)
{
	VD_AUTO_CLOSE int fd = -1;
	int64_t at = 0, lead;

	*ret_lead = *ret_at = 0;
	if (vd_root_open_file(t->ctx->root, path, &fd, NULL) < 0)
		return;
	if (lines == 0)
		at = lseek(fd, 0, SEEK_END);
	else if (vd_lines_tail(fd, lines, &at) < 0)
		return;
	lead = at > LEAD_IN ? at - LEAD_IN : 0;
	if (lead && vd_lines_start_of(fd, lead, LEAD_IN, &lead) < 0)
		lead = at;
	*ret_lead = lead;
	*ret_at = at;
}

/* May the file be read, if it is there? Else nothing would ever be shown, and nothing said. */
static bool is_readable(struct tail *t, const char *path)
{
	VD_AUTO_CLOSE int fd = -1;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = vd_root_open_file(t->ctx->root, path, &fd, &err);

	if (rc == 0 || rc == -ENOENT)
		return true;
	vd_error(t->ctx, "%s", vd_err_text(&err));
	return false;
}

/* Follow the log at @path; false after a message. @fresh: it came while following, so all of it is shown. */
static bool add_tailed(struct tail *t, const char *guest, enum vd_driver driver, enum vd_guestline_kind only,
                       const char *path, bool fresh)
{
	struct tailed **items = realloc(t->items, (t->len + 1) * sizeof(struct tailed *)), *log;
	int64_t lead = 0;
	VD_AUTO_ERR err = VD_ERR_INIT;

	/* Of all guests one that cannot be read is no reason not to follow the others. */
	if (!is_readable(t, path)) {
		if (items)
			t->items = items;
		return t->all;
	}
	log = calloc(1, sizeof(*log));
	if (items)
		t->items = items;
	if (!items || !log) {
		free(log);
		vd_error(t->ctx, "out of memory");
		return false;
	}
	t->items[t->len] = log;
	log->number = (unsigned)t->len++;
	log->guest = strdup(guest);
	log->path = strdup(path);
	log->driver = driver;
	log->only = only;
	log->time = VD_NO_TIME;
	vd_guestline_init(&log->state, driver, only);
	if (!fresh)
		find_last_lines(t, path, (uint64_t)vd_opt_num(t->ctx, "lines", 10), &lead, &log->show_from);
	if (!log->guest || !log->path || vd_follow_add(t->follow, path, lead, log, &err) < 0) {
		vd_error(t->ctx, "%s", err.code ? vd_err_text(&err) : "out of memory");
		return false;
	}
	if (strlen(guest) > t->printer.label_width)
		t->printer.label_width = strlen(guest);
	return true;
}

static bool is_tailed(const struct tail *t, const char *path)
{
	for (size_t i = 0; i < t->len; i++)
		if (!strcmp(t->items[i]->path, path))
			return true;
	return false;
}

/* Is the log one of those that are asked for? Helpers' logs by their kind. */
static bool is_wanted(const struct tail *t, const struct vd_guestlog *log)
{
	return log->only == VD_KIND_START || vd_logs_choice_helpers(&t->choice, log->only);
}

/* Follow all logs of @logs that are not followed yet. */
static bool add_all(struct tail *t, const struct vd_guestlogs *logs, bool fresh)
{
	bool fine = true;

	for (size_t i = 0; i < logs->len && fine; i++)
		if (is_wanted(t, &logs->items[i]) && !is_tailed(t, logs->items[i].path))
			fine = add_tailed(t, logs->items[i].guest, logs->items[i].driver, logs->items[i].only,
			                  logs->items[i].path, fresh);
	return fine;
}

/* A name has come into a directory of logs: of a guest that was not there before, perhaps. */
static void on_name(void *data, const char *dir VD_UNUSED, const char *name)
{
	struct tail *t = data;
	struct vd_guests_options options = { .session_user = t->ctx->session_user, .use_session = t->ctx->use_session };
	struct vd_guestlogs logs = { 0 };
	size_t base = vd_guestlog_base(name);

	if (!t->all || !base || name[base + strlen(".log")])
		return;
	if (vd_guestlogs_load(t->ctx->root, &options, NULL, &logs, NULL) < 0 || !add_all(t, &logs, true))
		t->failed = true;
	vd_guestlogs_release(&logs);
}

/* The log of a guest that never ran here: followed from when it comes. */
static bool add_missing(struct tail *t, const struct vd_logs *logs, const struct vd_guest *guest)
{
	const struct vd_domain *d = vd_guest_domain(guest);
	VD_AUTO_BUF path = VD_BUF_INIT;
	const char *dir = logs->logs.session           ? logs->logs.dirs.items[0]
	                  : d->driver == VD_DRIVER_LXC ? "/var/log/libvirt/lxc"
	                                               : "/var/log/libvirt/qemu";

	if (vd_buf_addf(&path, "%s/%s.log", dir, d->name) < 0)
		return false;
	return add_tailed(t, d->name, d->driver, VD_KIND_START, vd_buf_str(&path), false);
}

/* The guest that has the log of each operand, or that will have one. */
static enum vd_exit add_operands(struct tail *t, const struct vd_logs *logs, int argc, char **argv)
{
	bool fine = true;

	for (int i = 0; i < argc && fine; i++) {
		VD_AUTO_FREE const struct vd_guestlog **picked = NULL;
		const struct vd_guest *guest[2];
		enum vd_exit status;
		size_t n = 0;

		if (vd_guests_find(&logs->guests, argv[i], guest, 2) == 1) {
			for (size_t k = 0; k < logs->logs.len && fine; k++) {
				const struct vd_guestlog *log = &logs->logs.items[k];

				if (vd_logs_guest(logs, log) != guest[0] || !is_wanted(t, log) ||
				    is_tailed(t, log->path))
					continue;
				n += log->only == VD_KIND_START;
				fine = add_tailed(t, log->guest, log->driver, log->only, log->path, false);
			}
			if (fine && !n && !logs->logs.n_problems)
				fine = add_missing(t, logs, guest[0]);
			if (!logs->logs.n_problems)
				continue;
		}
		status = vd_logs_pick(t->ctx, logs, 1, &argv[i], &picked, &n);
		if (status != VD_EXIT_OK)
			return status;
		if (!is_tailed(t, picked[0]->path))
			fine = add_tailed(t, picked[0]->guest, picked[0]->driver, VD_KIND_START, picked[0]->path,
			                  false);
	}
	return fine ? VD_EXIT_OK : VD_EXIT_UNKNOWN;
}

/* --- following ------------------------------------------------------------------------------------------------- */

static int smaller_timeout(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

static enum vd_exit follow(struct tail *t, const struct vd_until *until)
{
	for (;;) {
		int timeout, rc = vd_follow_read(t->follow);

		if (rc < 0 && !t->out.error) {
			vd_error(t->ctx, "following the logs failed: %s", strerror(-rc));
			return VD_EXIT_UNKNOWN;
		}
		if (t->terminal)
			show_rest(t);
		if (!vd_out_flush(&t->out) || t->failed)
			return t->failed ? VD_EXIT_UNKNOWN : VD_EXIT_OK;
		timeout = vd_follow_timeout(t->follow);
		if (t->terminal)
			timeout = smaller_timeout(timeout, vd_follow_rest_timeout(t->follow, IDLE_MS));
		if (!vd_until_wait(until, vd_follow_fd(t->follow), timeout))
			return VD_EXIT_OK;
	}
}

/* What was read when a signal ended it is printed, what stands on the terminal is finished. */
static enum vd_exit follow_until_signal(struct tail *t)
{
	struct vd_until until;
	enum vd_exit status;

	vd_until_begin(&until);
	status = follow(t, &until);
	if (t->open && !t->out.error)
		end_open(t);
	if (t->shown)
		vd_out_add(&t->out, "\n", 1);
	vd_until_end(&until);
	return status;
}

static enum vd_exit begin(struct tail *t, const struct vd_logs *logs, int argc, char **argv)
{
	struct vd_follow_calls calls = { on_line, on_note, on_name, t };
	enum vd_exit status = VD_EXIT_OK;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_follow_new(t->ctx->root, &calls, &t->follow, &err) < 0)
		return vd_fail(t->ctx, &err);
	if (!t->all)
		return add_operands(t, logs, argc, argv);
	for (size_t i = 0; i < logs->logs.n_problems; i++) {
		vd_error(t->ctx, "%s", logs->logs.problems[i].why);
		status = VD_EXIT_UNKNOWN;
	}
	if (status != VD_EXIT_OK) {
		vd_sudo_hint(t->ctx);
		return status;
	}
	/* First the directories: what comes while the logs are added is told of. */
	for (size_t i = 0; i < logs->logs.dirs.len; i++)
		if (vd_follow_add_dir(t->follow, logs->logs.dirs.items[i], &err) < 0)
			return vd_fail(t->ctx, &err);
	return add_all(t, &logs->logs, false) ? VD_EXIT_OK : VD_EXIT_UNKNOWN;
}

static void tail_release(struct tail *t)
{
	vd_follow_free(t->follow);
	for (size_t i = 0; i < t->len; i++) {
		free(t->items[i]->guest);
		free(t->items[i]->path);
		free(t->items[i]);
	}
	free(t->items);
	vd_spool_release(&t->printer.spool);
	vd_logs_choice_release(&t->choice);
}

static enum vd_exit run_tail(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_CLEANUP(vd_logs_release) struct vd_logs logs = { 0 };
	VD_CLEANUP(tail_release) struct tail t = { .ctx = ctx, .all = vd_opt_given(ctx, "all") };
	enum vd_exit status;

	if (t.all == (argc > 0))
		return vd_usage(ctx, t.all ? "--all and GUEST exclude each other" : "which guest? --all is every one");
	status = vd_logs_choice_read(ctx, &t.choice);
	if (status == VD_EXIT_OK && !vd_logs_load(ctx, &logs))
		status = VD_EXIT_UNKNOWN;
	if (status == VD_EXIT_OK)
		status = begin(&t, &logs, argc, argv);
	if (status != VD_EXIT_OK)
		return status;
	vd_out_open(ctx, false, &t.out);
	t.printer.ctx = ctx;
	t.printer.out = &t.out;
	t.printer.json = ctx->json;
	t.printer.labels = !ctx->json && (t.all || t.len > 1);
	t.terminal = !ctx->json && isatty(STDOUT_FILENO);
	status = follow_until_signal(&t);
	return vd_out_close(ctx, &t.out, status);
}

static const struct vd_opt tail_opts[] = {
	{ .name = "all", .type = VD_OPT_FLAG, .help = "all guests, and those that come" },
	{ .name = "lines",
	  .short_name = 'n',
	  .type = VD_OPT_NUMBER,
	  .arg = "N",
	  .max = 1000000000,
	  .help = "begin with the last N lines of each log (10)" },
	VD_LOGS_CHOICE_OPTS,
	{ 0 },
};

static const struct vd_arg tail_args[] = {
	VD_ARG_GUESTS("name, UUID or id of a guest, or the name of a log"),
	{ 0 },
};

static const char *const tail_examples[] = {
	"virtdiag logs tail web01 db01",
	"what both log from now on",
	"virtdiag logs tail --all --level warning -n 0",
	"warnings and errors of every guest, as they come",
	NULL,
};

const struct vd_cmd vd_cmd_logs_tail = {
	.name = "tail",
	.summary = "follow the logs of guests as they grow",
	.description =
	        "Prints the last lines of the guests' logs and then what is written, until it is interrupted. Logs "
	        "are followed by name, through every kind of rotation and from before they exist. With several "
	        "guests each line has its guest's name before it.",
	.examples = tail_examples,
	.opts = tail_opts,
	.args = tail_args,
	.flags = VD_CMD_JSON_LINES,
	.run = run_tail,
};
