/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "logs-print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "paint.h"
#include "when.h"

const char *const vd_logs_level_words[] = { "debug", "info", "warning", "error", NULL };

/* --- which lines ----------------------------------------------------------------------------------------------- */

static enum vd_exit read_kinds(struct vd_ctx *ctx, const char *list, unsigned *ret_kinds)
{
	*ret_kinds = 0;
	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ",");
		int kind = 0;

		while (kind < VD_KIND_COUNT_ && (strlen(vd_guestline_kind_name((enum vd_guestline_kind)kind)) != len ||
		                                 memcmp(p, vd_guestline_kind_name((enum vd_guestline_kind)kind), len)))
			kind++;
		if (kind == VD_KIND_COUNT_)
			return vd_usage(ctx,
			                "--kind: '%.*s' is no kind of line; they are start, env, argv, libvirt, qemu, "
			                "qemu-error, tainted, shutdown, chardev, container, virtiofsd, swtpm, other",
			                (int)len, p);
		*ret_kinds |= 1u << kind;
		p += len;
		p += *p == ',';
	}
	return *ret_kinds ? VD_EXIT_OK : vd_usage(ctx, "--kind: no kind is given");
}

void vd_logs_complete_kind(struct vd_ctx *ctx VD_UNUSED, const char *prefix, struct vd_strv *words)
{
	const char *comma = strrchr(prefix, ',');
	size_t before = comma ? (size_t)(comma + 1 - prefix) : 0;

	for (int k = 0; k < VD_KIND_COUNT_; k++) {
		VD_AUTO_BUF word = VD_BUF_INIT;

		if (vd_buf_add(&word, prefix, before) < 0 ||
		    vd_buf_adds(&word, vd_guestline_kind_name((enum vd_guestline_kind)k)) < 0 ||
		    vd_strv_add(words, vd_buf_str(&word)) < 0)
			return;
	}
}

static enum vd_exit read_time(struct vd_ctx *ctx, const char *option, int64_t now, int64_t *ret_time)
{
	const char *text = vd_opt_str(ctx, option, NULL);

	*ret_time = VD_NO_TIME;
	if (text && vd_when_parse(text, now, ret_time) < 0)
		return vd_usage(ctx,
		                "--%s: '%s' is no time; write '2026-11-23 03:02', '03:02', 'yesterday', '-1h' or "
		                "'30min ago', with 'UTC' behind a time that is not local",
		                option, text);
	return VD_EXIT_OK;
}

enum vd_exit vd_logs_choice_read(struct vd_ctx *ctx, struct vd_logs_choice *choice)
{
	const char *grep = vd_opt_str(ctx, "grep", NULL), *level = vd_opt_str(ctx, "level", "debug");
	const char *kinds = vd_opt_str(ctx, "kind", NULL);
	int64_t now = (int64_t)time(NULL) * 1000000;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_exit status = VD_EXIT_OK;

	*choice = (struct vd_logs_choice){ .level = VD_LEVEL_DEBUG, .since = VD_NO_TIME, .until = VD_NO_TIME };
	for (int i = 0; vd_logs_level_words[i]; i++)
		if (!strcmp(level, vd_logs_level_words[i]))
			choice->level = VD_LEVEL_DEBUG + i;
	if (kinds)
		status = read_kinds(ctx, kinds, &choice->kinds);
	if (status == VD_EXIT_OK)
		status = read_time(ctx, "since", now, &choice->since);
	if (status == VD_EXIT_OK)
		status = read_time(ctx, "until", now, &choice->until);
	if (status == VD_EXIT_OK && grep && vd_match_new(grep, &choice->grep, &err) < 0)
		status = err.code == ENOMEM ? vd_fail(ctx, &err) : vd_usage(ctx, "--grep: %s", vd_err_text(&err));
	return status;
}

void vd_logs_choice_release(struct vd_logs_choice *choice)
{
	vd_match_free(choice->grep);
	choice->grep = NULL;
}

bool vd_logs_choice_all(const struct vd_logs_choice *choice)
{
	return choice->level == VD_LEVEL_DEBUG && !choice->kinds && choice->since == VD_NO_TIME &&
	       choice->until == VD_NO_TIME && !choice->grep;
}

bool vd_logs_choice_helpers(const struct vd_logs_choice *choice, enum vd_guestline_kind only)
{
	return choice->kinds & (1u << only);
}

bool vd_logs_choice_has(struct vd_logs_choice *choice, const struct vd_guestline *info, int64_t time, const char *text,
                        size_t len)
{
	if (info->level < choice->level || (choice->kinds && !(choice->kinds & (1u << info->kind))))
		return false;
	if (choice->since != VD_NO_TIME && (time == VD_NO_TIME || time < choice->since))
		return false;
	if (choice->until != VD_NO_TIME && (time == VD_NO_TIME || time > choice->until))
		return false;
	if (!choice->grep)
		return true;
	choice->long_lines += len >= VD_LINES_PIECE;
	return vd_match_has(choice->grep, text, len);
}

/* --- for people ------------------------------------------------------------------------------------------------ */

static enum vd_paint_hue kind_hue(const struct vd_guestline *info)
{
	switch (info->kind) {
	case VD_KIND_START:
		return VD_PAINT_BOLD;
	case VD_KIND_ENV:
	case VD_KIND_CHARDEV:
		return VD_PAINT_DIM;
	case VD_KIND_SHUTDOWN:
		return info->level == VD_LEVEL_ERROR ? VD_PAINT_RED : VD_PAINT_BOLD;
	case VD_KIND_TAINTED:
		return VD_PAINT_YELLOW;
	default:
		return info->level == VD_LEVEL_ERROR     ? VD_PAINT_RED
		       : info->level == VD_LEVEL_WARNING ? VD_PAINT_YELLOW
		                                         : VD_PAINT_PLAIN;
	}
}

static void print_label(struct vd_logs_printer *p, const struct vd_logs_line *line)
{
	size_t before = p->out->len, width;

	vd_paint_word(p->out, vd_paint_label_hue(line->label_number), line->guest, strlen(line->guest));
	/* A flush in between makes the label narrower at worst. */
	width = p->out->len > before && !p->out->color ? p->out->len - before : strlen(line->guest);
	do
		vd_out_add(p->out, " ", 1);
	while (++width <= p->label_width);
	vd_out_add(p->out, "| ", 2);
}

static void print_first(struct vd_logs_printer *p, const struct vd_logs_line *line, const char *text, size_t len)
{
	const struct vd_guestline *info = line->info;
	struct vd_record record;
	size_t head;

	if (p->labels)
		print_label(p, line);
	if (info->kind == VD_KIND_LIBVIRT && vd_record_parse(text, len, 0, &record)) {
		vd_paint_line(p->out, text, len, &record, vd_record_is_noise(&record));
		return;
	}
	/* The time recedes, the message speaks. */
	head = info->message_len <= len ? len - info->message_len : 0;
	if (info->time == VD_NO_TIME)
		head = 0;
	if (head)
		vd_paint_word(p->out, VD_PAINT_DIM, text, head);
	vd_paint_text(p->out, kind_hue(info), text + head, len - head);
}

static void print_text(struct vd_logs_printer *p, const struct vd_logs_line *line, const char *text, size_t len,
                       bool first, bool last)
{
	if (first)
		print_first(p, line, text, len);
	else
		vd_paint_text(p->out, kind_hue(line->info), text, len);
	if (last)
		vd_out_add(p->out, "\n", 1);
}

/* --- JSON Lines ------------------------------------------------------------------------------------------------ */

static void json_string(struct vd_out *out, const char *key, const char *s)
{
	vd_out_adds(out, key);
	vd_out_json(out, s, strlen(s));
	vd_out_add(out, "\"", 1);
}

static void json_time(struct vd_out *out, int64_t time)
{
	int64_t seconds = time / 1000000, usec = time % 1000000;
	char text[96];
	struct tm tm;
	time_t when;

	if (usec < 0) {
		usec += 1000000;
		seconds--;
	}
	when = (time_t)seconds;
	if (time == VD_NO_TIME || !gmtime_r(&when, &tm)) {
		vd_out_adds(out, ",\"time\":null");
		return;
	}
	snprintf(text, sizeof(text), ",\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year + 1900,
	         tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)usec);
	vd_out_adds(out, text);
}

static void json_head(struct vd_out *out, const struct vd_logs_line *line)
{
	json_string(out, "{\"guest\":\"", line->guest);
	vd_out_adds(out, ",\"boot\":");
	if (line->has_boot)
		vd_out_num(out, line->boot);
	else
		vd_out_adds(out, "null");
	json_time(out, line->info->time);
	json_string(out, ",\"kind\":\"", vd_guestline_kind_name(line->info->kind));
	json_string(out, ",\"level\":\"", vd_guestline_level_name(line->info->level));
	vd_out_adds(out, ",\"text\":\"");
}

static void print_json(struct vd_logs_printer *p, const struct vd_logs_line *line, const char *text, size_t len,
                       bool first, bool last)
{
	bool whole = first && last;

	if (first) {
		p->invalid = false;
		json_head(p->out, line);
	}
	p->invalid |= !vd_out_json(p->out, text, len);
	if (first && !whole)
		vd_spool_begin(&p->spool);
	if (!whole)
		vd_spool_add(&p->spool, text, len);
	if (!last)
		return;
	vd_out_add(p->out, "\"", 1);
	if (p->invalid && whole) {
		vd_out_adds(p->out, ",\"text_bytes\":\"");
		vd_out_base64(p->out, text, len);
		vd_out_add(p->out, "\"", 1);
	} else if (p->invalid) {
		vd_spool_print(p->ctx, &p->spool, p->out);
	}
	json_string(p->out, ",\"file\":\"", line->path);
	vd_out_adds(p->out, ",\"offset\":");
	vd_out_num(p->out, line->offset);
	vd_out_adds(p->out, "}\n");
}

void vd_logs_print(struct vd_logs_printer *printer, const struct vd_logs_line *line, const char *text, size_t len,
                   bool first, bool last)
{
	if (printer->json)
		print_json(printer, line, text, len, first, last);
	else
		print_text(printer, line, text, len, first, last);
}
