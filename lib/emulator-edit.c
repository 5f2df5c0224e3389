/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The <emulator> of a domain's text: found and replaced without touching another byte. */
#include <errno.h>
#include <string.h>

#include "source-tree.h"

/* The text up to here, by depth: names of the open elements as far as they matter. */
struct walk {
	const char *xml;
	size_t len, at;
	unsigned depth;
	bool in_domain, in_devices; /* at depth 1 and 2 */
	size_t inside_devices;      /* behind <devices>; 0 none yet */
	struct vd_emulator_place place;
	bool found;
};

static bool starts(const struct walk *w, const char *s)
{
	size_t n = strlen(s);

	return w->len - w->at >= n && !memcmp(w->xml + w->at, s, n);
}

/* Behind the next @end; false when there is none. */
static bool skip_behind(struct walk *w, const char *end)
{
	const char *p = memmem(w->xml + w->at, w->len - w->at, end, strlen(end));

	if (!p)
		return false;
	w->at = (size_t)(p - w->xml) + strlen(end);
	return true;
}

/* At `<` of a tag: its name, and behind its `>`, quotes of attributes minded. */
static bool read_tag(struct walk *w, const char **name, size_t *name_len, bool *closes, bool *empty)
{
	char quote = 0;

	w->at++;
	*closes = w->at < w->len && w->xml[w->at] == '/';
	w->at += *closes;
	*name = w->xml + w->at;
	while (w->at < w->len && !strchr(" \t\r\n/>", w->xml[w->at]))
		w->at++;
	*name_len = (size_t)(w->xml + w->at - *name);
	for (; w->at < w->len; w->at++) {
		char c = w->xml[w->at];

		if (quote) {
			if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			*empty = w->xml[w->at - 1] == '/' && !*closes;
			w->at++;
			return *name_len > 0;
		}
	}
	return false;
}

static bool is(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && !memcmp(name, wanted, len);
}

/* A tag that opens at @start; the walk stands behind it. */
static void opened(struct walk *w, size_t start, const char *name, size_t len, bool empty)
{
	if (w->depth == 0)
		w->in_domain = is(name, len, "domain");
	else if (w->depth == 1)
		w->in_devices = w->in_domain && is(name, len, "devices") && !w->inside_devices;
	else if (w->depth == 2 && w->in_devices && !w->found && is(name, len, "emulator")) {
		w->found = true;
		w->place.start = start;
		if (empty)
			w->place.end = w->at;
		else
			w->place.text = w->at;
	}
	if (w->depth == 1 && w->in_devices && !empty)
		w->inside_devices = w->at;
	w->depth += !empty;
}

static bool closed(struct walk *w, size_t start)
{
	if (!w->depth)
		return false;
	w->depth--;
	if (w->depth == 2 && w->found && !w->place.end) {
		w->place.text_end = start;
		w->place.end = w->at;
	}
	if (w->depth == 1)
		w->in_devices = false;
	return true;
}

static bool next_markup(struct walk *w)
{
	const char *name;
	size_t start = w->at, len;
	bool closes, empty = false;

	if (starts(w, "<!--"))
		return w->at += 4, skip_behind(w, "-->");
	if (starts(w, "<![CDATA["))
		return skip_behind(w, "]]>");
	if (starts(w, "<?"))
		return skip_behind(w, "?>");
	/* A document type could define entities that stand for elements. libvirt writes none. */
	if (starts(w, "<!"))
		return false;
	if (!read_tag(w, &name, &len, &closes, &empty))
		return false;
	if (closes)
		return closed(w, start);
	opened(w, start, name, len, empty);
	return true;
}

int vd_emulator_find(const char *xml, size_t len, struct vd_emulator_place *ret_place)
{
	struct walk w = { .xml = xml, .len = len };

	while (w.at < len) {
		const char *lt = memchr(xml + w.at, '<', len - w.at);

		if (!lt)
			break;
		w.at = (size_t)(lt - xml);
		if (!next_markup(&w))
			return -EINVAL;
	}
	if (w.depth || (w.found && !w.place.end) || (!w.found && !w.inside_devices))
		return -EINVAL;
	if (!w.found)
		w.place = (struct vd_emulator_place){ .start = w.inside_devices, .end = w.inside_devices };
	*ret_place = w.place;
	return w.found ? 0 : -ENOENT;
}

static int add_text(struct vd_buf *buf, const char *s)
{
	int rc = 0;

	for (; *s && rc == 0; s++) {
		const char *entity = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : NULL;

		rc = entity ? vd_buf_adds(buf, entity) : vd_buf_addc(buf, *s);
	}
	return rc;
}

int vd_emulator_edit(const char *xml, size_t len, const char *path, struct vd_buf *result)
{
	struct vd_emulator_place p;
	int rc = vd_emulator_find(xml, len, &p);
	bool missing = rc == -ENOENT, whole = missing || !p.text;
	size_t from, to;

	if (rc < 0 && !missing)
		return rc;
	from = whole ? p.start : p.text;
	to = whole ? p.end : p.text_end;
	rc = vd_buf_add(result, xml, from);
	/* libvirt indents by two blanks a level. */
	if (rc == 0 && missing)
		rc = vd_buf_adds(result, "\n    ");
	if (rc == 0 && whole)
		rc = vd_buf_adds(result, "<emulator>");
	if (rc == 0)
		rc = add_text(result, path);
	if (rc == 0 && whole)
		rc = vd_buf_adds(result, "</emulator>");
	return rc < 0 ? rc : vd_buf_add(result, xml + to, len - to);
}
