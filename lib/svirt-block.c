/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Switching confinement off in the text of qemu.conf or lxc.conf, in a way that can be taken back byte by byte. */
#include <errno.h>
#include <string.h>

#include "conf-edit.h"
#include "svirt-conf.h"

/*
 * What we add is whole lines: HEAD, one statement, the lines that it stands for behind WAS, TAIL. Without the lines of
 * HEAD, statement and TAIL, and without WAS in front of the others, the old text is there again. Where the old text had
 * no line end at its end, TAIL has none, which says that the line end before it is ours too.
 */
#define HEAD      "# virtdiag svirt disable: begin. `virtdiag svirt enable` takes this block out again."
#define STATEMENT "security_driver = \"none\""
#define WAS       "#was: "
#define TAIL      "# virtdiag svirt disable: end"

/* A text with what the parser found in it. */
struct text {
	const char *s;
	size_t len;
	const struct vd_conf *conf;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t line_start(const struct text *t, size_t at)
{
	while (at > 0 && t->s[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the end of the line that holds @at. */
static size_t line_end(const struct text *t, size_t at)
{
	const char *eol = at < t->len ? memchr(t->s + at, '\n', t->len - at) : NULL;

	return eol ? (size_t)(eol - t->s) + 1 : t->len;
}

/* The line from @at to @end is @words, whatever ends it. */
static bool line_is(const struct text *t, size_t at, size_t end, const char *words)
{
	size_t n = strlen(words), len = end - at;

	while (len && (t->s[at + len - 1] == '\n' || t->s[at + len - 1] == '\r'))
		len--;
	return len == n && !memcmp(t->s + at, words, n);
}

static bool line_begins(const struct text *t, size_t at, size_t end, const char *words)
{
	size_t n = strlen(words);

	return end - at >= n && !memcmp(t->s + at, words, n);
}

/* The lines of a statement, when it shares them with nothing but blanks and a comment behind it. */
static bool own_lines(const struct text *t, const struct vd_conf_stmt *stmt, size_t *ret_start, size_t *ret_end)
{
	size_t start = stmt->start, end = stmt->end, eol;

	while (start > 0 && is_blank(t->s[start - 1]))
		start--;
	if (start > 0 && t->s[start - 1] != '\n')
		return false;
	while (end < t->len && is_blank(t->s[end]))
		end++;
	eol = line_end(t, end);
	if (end < t->len && !strchr("#\r\n", t->s[end]))
		return false;
	/* A carriage return alone ends a line and a comment for the parser, but not for the lines of our block. */
	for (size_t i = start; i < eol; i++)
		if (t->s[i] == '\r' && (i + 1 == eol || t->s[i + 1] != '\n'))
			return false;
	*ret_start = start;
	*ret_end = eol;
	return true;
}

/* --- off ---------------------------------------------------------------------------------------------------------- */

static int add_was(const struct text *t, size_t from, size_t to, struct vd_buf *result)
{
	while (from < to) {
		size_t end = line_end(t, from);

		if (vd_buf_adds(result, WAS) < 0 || vd_buf_add(result, t->s + from, end - from) < 0)
			return -ENOMEM;
		from = end;
	}
	return 0;
}

/* The block at @at, for the lines from there to @end. */
static int put_block(const struct text *t, size_t at, size_t end, struct vd_buf *result)
{
	const char *eol = vd_conf_eol(t->s, t->len);
	bool open_end = end == t->len && t->len && t->s[t->len - 1] != '\n';

	if (vd_buf_add(result, t->s, at) < 0)
		return -ENOMEM;
	if (open_end && at == end && vd_buf_adds(result, eol) < 0)
		return -ENOMEM;
	if (vd_buf_addf(result, "%s%s%s%s", HEAD, eol, STATEMENT, eol) < 0 || add_was(t, at, end, result) < 0)
		return -ENOMEM;
	if (open_end && at < end && vd_buf_adds(result, eol) < 0)
		return -ENOMEM;
	if (vd_buf_addf(result, "%s%s", TAIL, open_end ? "" : eol) < 0)
		return -ENOMEM;
	return vd_buf_add(result, t->s + end, t->len - end);
}

static int insert_block(const struct text *t, struct vd_buf *result)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(t->conf, "security_driver");
	size_t start, end;

	if (!stmt) {
		start = end = vd_conf_place(t->s, t->len, t->conf, "security_driver");
	} else if (!own_lines(t, stmt, &start, &end)) {
		/* Before it, where no other statement is cut in two. */
		start = line_start(t, stmt->start);
		while (start > 0 && vd_conf_is_inside(t->conf, start - 1))
			start = line_start(t, start - 1);
		end = start;
	}
	return put_block(t, start, end, result);
}

static bool is_off(const struct vd_svirt_conf *conf)
{
	return !conf->fatal && conf->names.len == 1 && !strcmp(conf->names.items[0], "none");
}

/* Nothing is believed: the new text is read as libvirt will read it. */
static int verify(const struct vd_buf *result, size_t before, const char *file, enum vd_driver driver,
                  struct vd_err *err)
{
	VD_AUTO_SVIRT_CONF conf = { 0 };
	int r = vd_svirt_conf_parse(vd_buf_str(result) + before, result->len - before, file, driver, &conf, err);

	if (r < 0)
		return vd_err_prefix(err, "the edited text would be wrong");
	if (is_off(&conf))
		return 0;
	/* Of another setting: ours is the first statement of its name. */
	return vd_err_set(err, EPERM, "%s: %s: the daemon does not start with that, whatever security_driver is", file,
	                  conf.fatal ? conf.fatal : "cannot write security_driver");
}

int vd_svirt_conf_disable(const char *text, size_t len, const char *file, enum vd_driver driver, struct vd_buf *result,
                          struct vd_err *err)
{
	VD_AUTO_SVIRT_CONF now = { 0 };
	VD_AUTO_CONF conf = { 0 };
	struct text t = { text, len, &conf };
	size_t before = result->len;
	int r = vd_svirt_conf_parse(text, len, file, driver, &now, err);

	if (r == 0)
		r = vd_conf_parse(text, len, file, &conf, err);
	if (r < 0)
		return vd_err_prefix(err, "libvirt could not read the file as it is");
	if (now.require_confined)
		return vd_err_set(err, EPERM,
		                  "%s:%u: security_require_confined = 1: with the driver \"none\" the daemon would not "
		                  "start (\"cannot create confined guests\"); set it to 0 first if that is what you "
		                  "want",
		                  file, now.require_line);
	if (is_off(&now))
		return vd_buf_add(result, text, len) < 0 ? vd_err_set(err, ENOMEM, "no memory to edit %s", file) : 0;
	if (now.by_us)
		return vd_err_set(
		        err, ESTALE,
		        "%s holds a block of `svirt disable` that does not count any more: take it out first, "
		        "by hand or with `virtdiag svirt enable`",
		        file);
	if (insert_block(&t, result) < 0)
		return vd_err_set(err, ENOMEM, "no memory to edit %s", file);
	r = verify(result, before, file, driver, err);
	return r < 0 ? r : 1;
}

/* --- on ----------------------------------------------------------------------------------------------------------- */

/* The next block at or behind @at; @t->len when there is none. */
static size_t find_block(const struct text *t, size_t at)
{
	while (at < t->len) {
		size_t end = line_end(t, at);

		if (line_is(t, at, end, HEAD) && !vd_conf_is_inside(t->conf, at))
			return at;
		at = end;
	}
	return t->len;
}

bool vd_svirt_has_block(const char *text, size_t len, const struct vd_conf *conf)
{
	struct text t = { text, len, conf };

	return find_block(&t, 0) < len;
}

/* Without the line end of @eol bytes at its end. */
static void chop_eol(struct vd_buf *buf, size_t from, size_t eol)
{
	size_t len = buf->len;

	if (len - from >= eol && buf->data[len - 1] == '\n')
		len -= eol;
	if (buf->data)
		buf->data[len] = '\0';
	buf->len = len;
}

/* Appends what the block at *@at stands for and moves behind it. -ESTALE: not as we wrote it. */
static int take_block(const struct text *t, size_t *at, struct vd_buf *result, size_t from)
{
	size_t start = line_end(t, *at), end = line_end(t, start), eol;

	if (!line_is(t, start, end, STATEMENT))
		return -ESTALE;
	/* This line end is ours; a carriage return before another one may be the text's own. */
	eol = end - start - strlen(STATEMENT);
	for (start = end; start < t->len; start = end) {
		end = line_end(t, start);
		if (line_is(t, start, end, TAIL)) {
			if (t->s[end - 1] != '\n')
				chop_eol(result, from, eol);
			*at = end;
			return 0;
		}
		if (!line_begins(t, start, end, WAS))
			return -ESTALE;
		if (vd_buf_add(result, t->s + start + strlen(WAS), end - start - strlen(WAS)) < 0)
			return -ENOMEM;
	}
	return -ESTALE;
}

static int take_blocks(const struct text *t, const char *file, struct vd_buf *result, struct vd_err *err)
{
	size_t at = 0, before = result->len;

	while (at < t->len) {
		size_t block = find_block(t, at);
		unsigned line = 1;
		int r = vd_buf_add(result, t->s + at, block - at);

		at = block;
		if (r == 0 && block < t->len)
			r = take_block(t, &at, result, before);
		if (r == 0)
			continue;
		for (size_t i = 0; i < block; i++)
			line += t->s[i] == '\n';
		result->len = before;
		return r == -ESTALE ? vd_err_set(err, ESTALE,
		                                 "%s:%u: the block of `svirt disable` was edited since: take it out by "
		                                 "hand, or put a backup back",
		                                 file, line)
		                    : vd_err_set(err, ENOMEM, "no memory to edit %s", file);
	}
	return 1;
}

/* Makes comments of the lines from @start to @end. */
static int comment_out(const struct text *t, size_t start, size_t end, struct vd_buf *result)
{
	int r = vd_buf_add(result, t->s, start);

	for (size_t at = start; at < end && r == 0; at = line_end(t, at)) {
		r = vd_buf_addc(result, '#');
		if (r == 0)
			r = vd_buf_add(result, t->s + at, line_end(t, at) - at);
	}
	return r < 0 ? r : vd_buf_add(result, t->s + end, t->len - end);
}

/* Someone else wrote "none": what follows it counts, or the daemon probes. */
static int take_foreign(const struct text *t, const char *file, struct vd_buf *result, struct vd_err *err)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(t->conf, "security_driver");
	VD_AUTO_CONF after = { 0 };
	size_t start, end, before = result->len;
	int r;

	if (!own_lines(t, stmt, &start, &end))
		return vd_conf_edit(t->s, t->len, file, "security_driver", NULL, result, err);
	if (comment_out(t, start, end, result) < 0)
		return vd_err_set(err, ENOMEM, "no memory to edit %s", file);
	r = vd_conf_parse(vd_buf_str(result) + before, result->len - before, file, &after, err);
	return r < 0 ? vd_err_prefix(err, "the edited text would be wrong") : 1;
}

int vd_svirt_conf_enable(const char *text, size_t len, const char *file, enum vd_driver driver, struct vd_buf *result,
                         struct vd_err *err)
{
	VD_AUTO_SVIRT_CONF now = { 0 };
	VD_AUTO_CONF conf = { 0 };
	struct text t = { text, len, &conf };
	int r = vd_svirt_conf_parse(text, len, file, driver, &now, err);

	if (r == 0)
		r = vd_conf_parse(text, len, file, &conf, err);
	if (r < 0)
		return vd_err_prefix(err, "libvirt could not read the file as it is");
	if (now.by_us)
		return take_blocks(&t, file, result, err);
	if (is_off(&now))
		return take_foreign(&t, file, result, err);
	return vd_buf_add(result, text, len) < 0 ? vd_err_set(err, ENOMEM, "no memory to edit %s", file) : 0;
}
