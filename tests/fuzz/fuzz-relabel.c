/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines that tell of labels: slices lie in the line, and a message that is written anew says the same. */
#include "fuzz.h"

#include "buf.h"
#include "relabel.h"

static void check_slice(const char *text, size_t size, struct vd_slice s)
{
	FUZZ_CHECK(!s.len || (s.s >= text && s.s + s.len <= text + size), "a slice outside of the line");
}

static bool same(struct vd_slice a, struct vd_slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.s, b.s, a.len));
}

static void check_again(const struct vd_relabel *r)
{
	VD_AUTO_BUF line = VD_BUF_INIT;
	struct vd_relabel again;

	if (vd_buf_adds(&line, "Setting SELinux context on '") < 0 || vd_buf_add(&line, r->path.s, r->path.len) < 0 ||
	    vd_buf_adds(&line, "' to '") < 0 || vd_buf_add(&line, r->label.s, r->label.len) < 0 ||
	    vd_buf_adds(&line, "'") < 0)
		return;
	FUZZ_CHECK(vd_relabel_parse(line.data, line.len, &again) && again.kind == VD_RELABEL_SET &&
	                   same(again.path, r->path) && same(again.label, r->label),
	           "written anew, it says something else");
}

FUZZ_TARGET("relabel")
{
	const char *text = (const char *)data;
	VD_AUTO_TRACE trace = { 0 };
	struct vd_relabel r;

	if (vd_relabel_parse(text, size, &r)) {
		check_slice(text, size, r.path);
		check_slice(text, size, r.label);
		check_slice(text, size, r.process);
		check_slice(text, size, r.reason);
		FUZZ_CHECK(r.kind < VD_RELABEL_COUNT_ && vd_relabel_kind_name(r.kind), "kind %d", (int)r.kind);
		FUZZ_CHECK(r.fd < 0 || !r.path.len, "an fd with a path");
		if (r.kind == VD_RELABEL_SET)
			check_again(&r);
	}
	for (size_t at = 0; at < size;) {
		const char *eol = memchr(text + at, '\n', size - at);
		size_t end = eol ? (size_t)(eol - text) : size;

		if (vd_trace_line(&trace, text + at, end - at) < 0)
			return 0;
		at = end + 1;
	}
	if (vd_trace_know(&trace, "u:r:t:s0:c1,c2", "known") < 0 || vd_trace_finish(&trace) < 0)
		return 0;
	for (size_t i = 0; i < trace.len; i++)
		FUZZ_CHECK(
		        trace.events[i].number <= trace.lines &&
		                (!i || !trace.events[i].number || trace.events[i].number >= trace.events[i - 1].number),
		        "events are not in the order of the log");
	return 0;
}
