/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.conf");

/* libvirt parses lists inside lists and refuses them later, when a string list is asked for. */
#define MAX_NESTING 8u

struct parser {
	const char *text, *cur, *end;
	const char *file;
	unsigned line;
	struct vd_err *err;
};

static int fail(const struct parser *p, const char *reason)
{
	return vd_err_set(p->err, EBADMSG, "%s:%u: %s", p->file, p->line, reason);
}

static bool at(const struct parser *p, char c)
{
	return p->cur < p->end && *p->cur == c;
}

static bool is_eol(char c)
{
	return c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_blanks(struct parser *p)
{
	while (p->cur < p->end && (*p->cur == ' ' || *p->cur == '\t'))
		p->cur++;
}

static void skip_blanks_and_eol(struct parser *p)
{
	while (p->cur < p->end && (*p->cur == ' ' || *p->cur == '\t' || is_eol(*p->cur))) {
		if (*p->cur == '\n')
			p->line++;
		p->cur++;
	}
}

static void skip_comment(struct parser *p)
{
	while (p->cur < p->end && !is_eol(*p->cur))
		p->cur++;
}

static void value_release(struct vd_conf_value *value)
{
	free(value->string);
	for (size_t i = 0; i < value->len; i++)
		value_release(&value->items[i]);
	free(value->items);
	memset(value, 0, sizeof(*value));
}

/* Three double quotes begin a string that may span lines; there are no escapes in any kind of string. */
static int parse_string(struct parser *p, struct vd_conf_value *value)
{
	const char *begin, *stop;

	/* libvirt looks for the long form only when more than six bytes are left: an empty one at the very end is not
	 * it. */
	if (p->end - p->cur > 6 && !memcmp(p->cur, "\"\"\"", 3)) {
		begin = p->cur + 3;
		stop = memmem(begin, (size_t)(p->end - begin), "\"\"\"", 3);
		if (!stop)
			return fail(p, "unterminated string");
		for (const char *c = begin; c < stop; c++)
			p->line += *c == '\n';
		p->cur = stop + 3;
	} else {
		char quote = *p->cur;

		begin = stop = p->cur + 1;
		while (stop < p->end && *stop != quote && !is_eol(*stop))
			stop++;
		if (stop == p->end || *stop != quote)
			return fail(p, "unterminated string");
		p->cur = stop + 1;
	}
	value->type = VD_CONF_STRING;
	value->string = strndup(begin, (size_t)(stop - begin));
	return value->string ? 0 : -ENOMEM;
}

static int parse_number(struct parser *p, struct vd_conf_value *value)
{
	uint64_t number = 0;

	value->type = VD_CONF_INT;
	value->is_negative = *p->cur == '-';
	if (!is_digit(*p->cur))
		p->cur++;
	if (p->cur == p->end || !is_digit(*p->cur))
		return fail(p, "unterminated number");
	for (; p->cur < p->end && is_digit(*p->cur); p->cur++)
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (unsigned)(*p->cur - '0'), &number))
			number = UINT64_MAX / 10 + 1; /* saturates: the next digit overflows again */
	value->number = number;
	return 0;
}

static int parse_value(struct parser *p, unsigned depth, struct vd_conf_value *value);

static int parse_item(struct parser *p, unsigned depth, struct vd_conf_value *list, size_t *cap)
{
	if (list->len == *cap) {
		size_t want = *cap ? *cap * 2 : 4;
		struct vd_conf_value *grown = reallocarray(list->items, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		*cap = want;
	}
	memset(&list->items[list->len], 0, sizeof(*list->items));
	/* Counted first, so that what a failed item has allocated is released with the list. */
	return parse_value(p, depth + 1, &list->items[list->len++]);
}

static int parse_list(struct parser *p, unsigned depth, struct vd_conf_value *value)
{
	size_t cap = 0;
	int r;

	if (depth >= MAX_NESTING)
		return fail(p, "lists are nested too deeply");
	value->type = VD_CONF_LIST;
	p->cur++;
	skip_blanks_and_eol(p);
	for (bool first = true; p->cur < p->end && *p->cur != ']'; first = false) {
		if (!first) {
			if (*p->cur != ',')
				return fail(p, "expecting a separator in list");
			p->cur++;
			skip_blanks_and_eol(p);
			if (at(p, ']'))
				break;
		}
		r = parse_item(p, depth, value, &cap);
		if (r < 0)
			return r;
		skip_blanks_and_eol(p);
	}
	if (!at(p, ']'))
		return fail(p, "list is not closed with ]");
	p->cur++;
	return 0;
}

static int parse_value(struct parser *p, unsigned depth, struct vd_conf_value *value)
{
	skip_blanks(p);
	if (at(p, '\'') || at(p, '"'))
		return parse_string(p, value);
	if (at(p, '['))
		return parse_list(p, depth, value);
	if (p->cur < p->end && (is_digit(*p->cur) || *p->cur == '-' || *p->cur == '+'))
		return parse_number(p, value);
	return fail(p, "expecting a value");
}

static int parse_statement(struct parser *p, struct vd_conf_stmt *stmt)
{
	const char *name = p->cur;
	int r;

	if (p->cur == p->end || !is_letter(*p->cur))
		return fail(p, "expecting a name");
	while (p->cur < p->end && (is_letter(*p->cur) || is_digit(*p->cur) || *p->cur == '_'))
		p->cur++;
	stmt->line = p->line;
	stmt->start = (size_t)(name - p->text);
	stmt->name = strndup(name, (size_t)(p->cur - name));
	if (!stmt->name)
		return -ENOMEM;
	skip_blanks(p);
	if (!at(p, '='))
		return fail(p, "expecting an assignment");
	p->cur++;
	r = parse_value(p, 0, &stmt->value);
	stmt->end = (size_t)(p->cur - p->text);
	return r;
}

/* What may stand between two statements: a comment, then a newline or a semicolon. */
static int parse_separator(struct parser *p)
{
	skip_blanks(p);
	if (at(p, '#'))
		skip_comment(p);
	if (p->cur == p->end)
		return 0;
	if (*p->cur == ';')
		p->cur++;
	else if (!is_eol(*p->cur))
		return fail(p, "expecting a separator");
	skip_blanks_and_eol(p);
	return 0;
}

static void stmt_release(struct vd_conf_stmt *stmt)
{
	free(stmt->name);
	value_release(&stmt->value);
}

static int parse_all(struct parser *p, struct vd_conf *conf)
{
	size_t cap = 0;
	int r;

	while (p->cur < p->end) {
		/* Only the first statement can have blank lines before it here; a text of nothing else is an error. */
		skip_blanks_and_eol(p);
		if (!at(p, '#')) {
			if (conf->len == cap) {
				size_t want = cap ? cap * 2 : 16;
				struct vd_conf_stmt *grown = reallocarray(conf->stmts, want, sizeof(*grown));

				if (!grown)
					return -ENOMEM;
				conf->stmts = grown;
				cap = want;
			}
			memset(&conf->stmts[conf->len], 0, sizeof(*conf->stmts));
			r = parse_statement(p, &conf->stmts[conf->len++]);
			if (r < 0)
				return r;
		}
		r = parse_separator(p);
		if (r < 0)
			return r;
	}
	return 0;
}

int vd_conf_parse(const char *text, size_t len, const char *file, struct vd_conf *ret_conf, struct vd_err *err)
{
	struct parser p = { text, text, text + len, file, 1, err };
	VD_AUTO_CONF conf = { NULL, 0 };
	int r;

	if (!len)
		p.text = p.cur = p.end = "";
	r = parse_all(&p, &conf);
	if (r < 0) {
		VLOG_DEBUG("%s: refused at line %u", file, p.line);
		return r == -ENOMEM ? vd_err_set(err, ENOMEM, "no memory to read %s", file) : r;
	}
	VLOG_DEBUG("%s: %zu statements", file, conf.len);
	*ret_conf = conf;
	conf = (struct vd_conf){ NULL, 0 };
	return 0;
}

void vd_conf_release(struct vd_conf *conf)
{
	for (size_t i = 0; i < conf->len; i++)
		stmt_release(&conf->stmts[i]);
	free(conf->stmts);
	memset(conf, 0, sizeof(*conf));
}

const struct vd_conf_stmt *vd_conf_find(const struct vd_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->len; i++)
		if (!strcmp(conf->stmts[i].name, name))
			return &conf->stmts[i];
	return NULL;
}

int vd_conf_bool(const struct vd_conf *conf, const char *name, bool *ret_value, struct vd_err *err)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, name);

	if (!stmt)
		return -ENOENT;
	if (stmt->value.type != VD_CONF_INT || stmt->value.is_negative)
		return vd_err_set(err, EBADMSG, "line %u: expected a bool for '%s' parameter", stmt->line, name);
	if (stmt->value.number > 1)
		return vd_err_set(err, EBADMSG, "line %u: value for '%s' parameter must be 0 or 1", stmt->line, name);
	*ret_value = stmt->value.number == 1;
	return 0;
}

int vd_conf_string(const struct vd_conf *conf, const char *name, const char **ret_value, struct vd_err *err)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, name);

	if (!stmt)
		return -ENOENT;
	if (stmt->value.type != VD_CONF_STRING)
		return vd_err_set(err, EBADMSG, "line %u: expected a string for '%s' parameter", stmt->line, name);
	*ret_value = stmt->value.string;
	return 0;
}

int vd_conf_strings(const struct vd_conf *conf, const char *name, bool string_too, struct vd_strv *values,
                    struct vd_err *err)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, name);

	if (!stmt)
		return -ENOENT;
	if (stmt->value.type == VD_CONF_STRING && string_too)
		return vd_strv_add(values, stmt->value.string);
	if (stmt->value.type != VD_CONF_LIST)
		return vd_err_set(err, EBADMSG, "line %u: expected a string list for '%s' parameter", stmt->line, name);
	for (size_t i = 0; i < stmt->value.len; i++)
		if (stmt->value.items[i].type != VD_CONF_STRING)
			return vd_err_set(err, EBADMSG, "line %u: expected a string list for '%s' parameter",
			                  stmt->line, name);
	for (size_t i = 0; i < stmt->value.len; i++) {
		int r = vd_strv_add(values, stmt->value.items[i].string);

		if (r < 0)
			return r;
	}
	return 0;
}
