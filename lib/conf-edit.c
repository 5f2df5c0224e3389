/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf-edit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.conf-edit");

#define CONTEXT 3u

/* --- values ------------------------------------------------------------------------------------------------------- */

/* There are no escapes: the value chooses the quotes. The long form is the only one that holds a line end. */
static int format_string(const char *s, struct vd_buf *result)
{
	size_t len = strlen(s);
	bool line_end = strpbrk(s, "\r\n");

	if (!line_end && !strchr(s, '"'))
		return vd_buf_addf(result, "\"%s\"", s);
	if (!line_end && !strchr(s, '\''))
		return vd_buf_addf(result, "'%s'", s);
	if (strstr(s, "\"\"\"") || (len && s[len - 1] == '"'))
		return -EINVAL;
	return vd_buf_addf(result, "\"\"\"%s\"\"\"", s);
}

int vd_conf_format(const struct vd_conf_value *value, struct vd_buf *result)
{
	int r;

	if (value->type == VD_CONF_STRING)
		return format_string(value->string, result);
	if (value->type == VD_CONF_INT)
		return vd_buf_addf(result, "%s%" PRIu64, value->is_negative ? "-" : "", value->number);
	if (!value->len)
		return vd_buf_adds(result, "[]");
	r = vd_buf_adds(result, "[ ");
	for (size_t i = 0; i < value->len && r == 0; i++) {
		/* libvirt refuses lists in lists wherever it reads one. */
		if (value->items[i].type == VD_CONF_LIST)
			return -EINVAL;
		if (i)
			r = vd_buf_adds(result, ", ");
		if (r == 0)
			r = vd_conf_format(&value->items[i], result);
	}
	return r < 0 ? r : vd_buf_adds(result, " ]");
}

static bool same_value(const struct vd_conf_value *a, const struct vd_conf_value *b)
{
	if (a->type != b->type || a->len != b->len)
		return false;
	if (a->type == VD_CONF_STRING)
		return !strcmp(a->string, b->string);
	if (a->type == VD_CONF_INT)
		return a->is_negative == b->is_negative && a->number == b->number;
	for (size_t i = 0; i < a->len; i++)
		if (!same_value(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* --- taking out --------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_eol(char c)
{
	return c == '\n' || c == '\r';
}

/* The bytes that go with the statement: its line when nothing else is on it, else a semicolon behind it. */
static void widen(const char *text, size_t len, size_t *start, size_t *end)
{
	size_t s = *start, e = *end;

	while (e < len && is_blank(text[e]))
		e++;
	if (e < len && text[e] == ';') {
		e++;
		while (e < len && is_blank(text[e]))
			e++;
		*end = e;
	}
	while (s > 0 && is_blank(text[s - 1]))
		s--;
	if ((s > 0 && !is_eol(text[s - 1])) || (e < len && !is_eol(text[e])))
		return;
	if (e < len && text[e] == '\r')
		e++;
	if (e < len && text[e] == '\n')
		e++;
	*start = s;
	*end = e;
}

static int take_out(const char *text, size_t len, const struct vd_conf *conf, const char *name, struct vd_buf *result)
{
	size_t at = 0, before = result->len;

	for (size_t i = 0; i < conf->len; i++) {
		size_t start = conf->stmts[i].start, end = conf->stmts[i].end;

		if (strcmp(conf->stmts[i].name, name) != 0)
			continue;
		widen(text, len, &start, &end);
		if (start < at)
			start = at;
		if (vd_buf_add(result, text + at, start - at) < 0)
			return -ENOMEM;
		at = end;
	}
	if (vd_buf_add(result, text + at, len - at) < 0)
		return -ENOMEM;
	/* Blank lines alone are an error, an empty file is none. */
	if (strspn(vd_buf_str(result) + before, " \t\r\n") == result->len - before) {
		result->len = before;
		if (result->data)
			result->data[before] = '\0';
	}
	return 0;
}

/* --- putting in --------------------------------------------------------------------------------------------------- */

/* Is the line of @len bytes "#name = ...", as the shipped files show settings? */
static bool is_example(const char *line, size_t len, const char *name)
{
	size_t i = 0, n = strlen(name);

	while (i < len && is_blank(line[i]))
		i++;
	if (i == len || line[i] != '#')
		return false;
	while (i < len && (is_blank(line[i]) || line[i] == '#'))
		i++;
	if (len - i < n || memcmp(line + i, name, n) != 0)
		return false;
	i += n;
	while (i < len && is_blank(line[i]))
		i++;
	return i < len && line[i] == '=';
}

bool vd_conf_is_inside(const struct vd_conf *conf, size_t at)
{
	size_t low = 0, high = conf->len;

	/* They are in the order of the text: the first that does not end before. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (conf->stmts[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < conf->len && at >= conf->stmts[low].start;
}

size_t vd_conf_place(const char *text, size_t len, const struct vd_conf *conf, const char *name)
{
	size_t place = len;

	for (size_t at = 0; at < len;) {
		const char *eol = memchr(text + at, '\n', len - at);
		size_t end = eol ? (size_t)(eol - text) : len;

		if (is_example(text + at, end - at, name) && !vd_conf_is_inside(conf, at))
			place = eol ? end + 1 : len;
		at = end + 1;
	}
	return place;
}

const char *vd_conf_eol(const char *text, size_t len)
{
	const char *newline = len ? memchr(text, '\n', len) : NULL;

	return newline && newline > text && newline[-1] == '\r' ? "\r\n" : "\n";
}

static int insert(const char *text, size_t len, const struct vd_conf *conf, const char *name, const char *line,
                  struct vd_buf *result)
{
	size_t at = vd_conf_place(text, len, conf, name);
	const char *eol = vd_conf_eol(text, len);
	int r = vd_buf_add(result, text, at);

	if (r == 0 && at && text[at - 1] != '\n')
		r = vd_buf_adds(result, eol);
	if (r == 0)
		r = vd_buf_addf(result, "%s%s", line, eol);
	return r < 0 ? r : vd_buf_add(result, text + at, len - at);
}

static int put_in(const char *text, size_t len, const struct vd_conf *conf, const char *name,
                  const struct vd_conf_value *value, struct vd_buf *result)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, name);
	VD_AUTO_BUF line = VD_BUF_INIT;
	int r = vd_buf_addf(&line, "%s = ", name);

	if (r == 0)
		r = vd_conf_format(value, &line);
	if (r < 0)
		return r;
	if (!stmt)
		return insert(text, len, conf, name, line.data, result);
	r = vd_buf_add(result, text, stmt->start);
	if (r == 0)
		r = vd_buf_add(result, line.data, line.len);
	return r < 0 ? r : vd_buf_add(result, text + stmt->end, len - stmt->end);
}

/* Nothing is believed: the new text is read as libvirt will read it. */
static int verify(const struct vd_buf *result, size_t before, const char *file, const char *name,
                  const struct vd_conf_value *value, struct vd_err *err)
{
	VD_AUTO_CONF conf = { 0 };
	const struct vd_conf_stmt *stmt;
	int r = vd_conf_parse(vd_buf_str(result) + before, result->len - before, file, &conf, err);

	if (r < 0)
		return vd_err_prefix(err, "the edited text would be wrong");
	stmt = vd_conf_find(&conf, name);
	if (value ? !stmt || !same_value(&stmt->value, value) : stmt != NULL)
		return vd_err_set(err, EINVAL, "cannot write this value of %s in %s", name, file);
	return 0;
}

int vd_conf_edit(const char *text, size_t len, const char *file, const char *name, const struct vd_conf_value *value,
                 struct vd_buf *result, struct vd_err *err)
{
	VD_AUTO_CONF conf = { 0 };
	const struct vd_conf_stmt *stmt;
	size_t before = result->len;
	int r = vd_conf_parse(text, len, file, &conf, err);

	if (r < 0)
		return vd_err_prefix(err, "libvirt could not read the file as it is");
	stmt = vd_conf_find(&conf, name);
	if (value ? stmt && same_value(&stmt->value, value) : !stmt)
		return vd_buf_add(result, text, len) < 0 ? vd_err_set(err, ENOMEM, "no memory to edit %s", file) : 0;
	r = value ? put_in(text, len, &conf, name, value, result) : take_out(text, len, &conf, name, result);
	if (r == -EINVAL)
		return vd_err_set(err, EINVAL, "cannot write this value of %s in %s: no form of quoting holds it", name,
		                  file);
	if (r < 0)
		return vd_err_set(err, ENOMEM, "no memory to edit %s", file);
	r = verify(result, before, file, name, value, err);
	if (r < 0)
		return r;
	VLOG_DEBUG("%s: %s %s", file, name, value ? (stmt ? "replaced" : "inserted") : "taken out");
	return 1;
}

/* --- the difference ----------------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n + (len && text[len - 1] != '\n');
}

/* The start of the line that holds the byte @at, or @lines lines before it. */
static size_t line_start(const char *text, size_t at, unsigned lines)
{
	for (;; lines--) {
		while (at > 0 && text[at - 1] != '\n')
			at--;
		if (!lines || !at)
			return at;
		at--;
	}
}

/* The byte behind @lines lines that begin at @at. */
static size_t skip_lines(const char *text, size_t len, size_t at, unsigned lines)
{
	while (lines-- && at < len) {
		const char *eol = memchr(text + at, '\n', len - at);

		at = eol ? (size_t)(eol - text) + 1 : len;
	}
	return at;
}

static int add_lines(struct vd_buf *diff, char sign, const char *text, size_t from, size_t to)
{
	while (from < to) {
		size_t end = skip_lines(text, to, from, 1);

		if (vd_buf_addc(diff, sign) < 0 || vd_buf_add(diff, text + from, end - from) < 0)
			return -ENOMEM;
		if (text[end - 1] != '\n' && vd_buf_adds(diff, "\n\\ No newline at end of file\n") < 0)
			return -ENOMEM;
		from = end;
	}
	return 0;
}

/* How many bytes at the end, whole lines, are the same in both behind @head. */
static size_t common_tail(const char *a, size_t a_len, const char *b, size_t b_len, size_t head)
{
	size_t tail = 0, start;

	while (tail < a_len - head && tail < b_len - head && a[a_len - 1 - tail] == b[b_len - 1 - tail])
		tail++;
	/* Both must begin a line there. */
	start = a_len - tail;
	if ((start > head && a[start - 1] != '\n') || (b_len - tail > head && b[b_len - tail - 1] != '\n'))
		tail = a_len - skip_lines(a, a_len, start, 1);
	return tail;
}

int vd_conf_diff(const char *file, const struct vd_buf *before, const struct vd_buf *after, struct vd_buf *diff)
{
	const char *a = vd_buf_str(before), *b = vd_buf_str(after);
	size_t head = 0, tail, from, to, first;

	if (before->len == after->len && !memcmp(a, b, after->len))
		return 0;
	while (head < before->len && head < after->len && a[head] == b[head])
		head++;
	head = line_start(a, head, 0);
	tail = common_tail(a, before->len, b, after->len, head);
	from = line_start(a, head, CONTEXT);
	to = skip_lines(a, before->len, before->len - tail, CONTEXT);
	first = count_lines(a, from);
	if (vd_buf_addf(diff, "--- %s\n+++ %s\n@@ -%zu,%zu +%zu,%zu @@\n", file, file, first + (to > from),
	                count_lines(a + from, to - from), first + (to - before->len + after->len > from),
	                count_lines(b + from, to - before->len + after->len - from)) < 0 ||
	    add_lines(diff, ' ', a, from, head) < 0 || add_lines(diff, '-', a, head, before->len - tail) < 0 ||
	    add_lines(diff, '+', b, head, after->len - tail) < 0)
		return -ENOMEM;
	return add_lines(diff, ' ', a, before->len - tail, to);
}
