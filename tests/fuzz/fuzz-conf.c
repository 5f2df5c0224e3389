/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration files: statements lie in the text, in order, and each one read alone says the same. */
#include "fuzz.h"

#include <errno.h>

#include "conf.h"

static bool same_value(const struct vd_conf_value *a, const struct vd_conf_value *b)
{
	if (a->type != b->type || a->is_negative != b->is_negative || a->number != b->number || a->len != b->len)
		return false;
	if (!a->string != !b->string || (a->string && strcmp(a->string, b->string)))
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (!same_value(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* An editor replaces the bytes of a statement, so they must be a statement. */
static void check_alone(const char *text, const struct vd_conf_stmt *stmt)
{
	VD_AUTO_CONF conf = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_BUF line = VD_BUF_INIT;
	int r;

	/* With a newline: """""" is a string only with something behind it. */
	if (vd_buf_add(&line, text + stmt->start, stmt->end - stmt->start) < 0 || vd_buf_addc(&line, '\n') < 0)
		return;
	r = vd_conf_parse(line.data, line.len, "alone", &conf, &err);
	if (r == -ENOMEM)
		return;
	FUZZ_CHECK(r == 0 && conf.len == 1, "statement %s alone gives %d, %zu: %s", stmt->name, r, conf.len,
	           vd_err_text(&err));
	FUZZ_CHECK(!strcmp(conf.stmts[0].name, stmt->name) && same_value(&conf.stmts[0].value, &stmt->value),
	           "statement %s alone says something else", stmt->name);
}

static void check_stmts(const char *text, size_t len, const struct vd_conf *conf)
{
	size_t end = 0;
	unsigned line = 1;

	for (size_t i = 0; i < conf->len; i++) {
		const struct vd_conf_stmt *s = &conf->stmts[i];

		FUZZ_CHECK(s->name && *s->name && s->start >= end && s->end > s->start && s->end <= len,
		           "statement %zu is at %zu to %zu of %zu", i, s->start, s->end, len);
		FUZZ_CHECK(!strncmp(text + s->start, s->name, strlen(s->name)), "statement %zu does not begin with %s",
		           i, s->name);
		FUZZ_CHECK(strchr("\"']0123456789", text[s->end - 1]) && text[s->end - 1],
		           "statement %zu ends in byte %#x", i, (unsigned)text[s->end - 1]);
		for (size_t k = end; k < s->start; k++)
			line += text[k] == '\n';
		FUZZ_CHECK(s->line == line, "statement %zu is in line %u, not %u", i, line, s->line);
		for (size_t k = s->start; k < s->end; k++)
			line += text[k] == '\n';
		end = s->end;
		if (i < 20)
			check_alone(text, s);
	}
}

static void check_typed(const struct vd_conf *conf, const char *name)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_STRV values = VD_STRV_INIT;
	const char *string = NULL;
	bool flag;
	int r = vd_conf_bool(conf, name, &flag, &err);

	FUZZ_CHECK(r == 0 || r == -EBADMSG, "bool %s: %d", name, r);
	vd_err_release(&err);
	r = vd_conf_string(conf, name, &string, &err);
	FUZZ_CHECK(r == 0 ? string != NULL : r == -EBADMSG, "string %s: %d", name, r);
	vd_err_release(&err);
	r = vd_conf_strings(conf, name, true, &values, &err);
	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOMEM, "strings %s: %d", name, r);
}

FUZZ_TARGET("conf")
{
	VD_AUTO_CONF conf = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *text = (const char *)data;
	int r = vd_conf_parse(text, size, "fuzz.conf", &conf, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	FUZZ_CHECK(r == 0 || (r == -EBADMSG && !conf.len), "returned %d with %zu statements", r, conf.len);
	check_stmts(text, size, &conf);
	for (size_t i = 0; i < conf.len && i < 20; i++) {
		const struct vd_conf_stmt *first = vd_conf_find(&conf, conf.stmts[i].name);

		FUZZ_CHECK(first && first <= &conf.stmts[i] && !strcmp(first->name, conf.stmts[i].name),
		           "%s cannot be found", conf.stmts[i].name);
		check_typed(&conf, conf.stmts[i].name);
	}
	return 0;
}
