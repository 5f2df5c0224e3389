/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audit logs: what is taken from hostile text is whole, what is normalised reads back the same, reading always ends. */
#include "fuzz.h"

#include <errno.h>

#include "audit.h"
#include "denials.h"

static void check_line(const char *text, size_t len)
{
	VD_AUTO_BUF again = VD_BUF_INIT;
	struct vd_audit_line line, twin;
	bool damaged = false;

	if (!vd_audit_line_parse(text, len, &line, &damaged))
		return;
	FUZZ_CHECK(!damaged, "a record that was taken is called damaged");
	FUZZ_CHECK(vd_audit_type_name(line.type), "a record without a type");
	FUZZ_CHECK(line.body >= text && line.body + line.body_len <= text + len, "the body lies outside of the line");
	FUZZ_CHECK(line.time_ms >= -1, "time %lld", (long long)line.time_ms);
	if (vd_audit_line_add(&again, &line) < 0)
		return;
	FUZZ_CHECK(again.data[again.len - 1] == '\n' && !memchr(again.data, '\n', again.len - 1),
	           "the normalised record is not one line");
	FUZZ_CHECK(!memchr(again.data, '\0', again.len), "the normalised record holds a NUL byte");
	FUZZ_CHECK(vd_audit_line_parse(again.data, again.len - 1, &twin, NULL), "the normalised record is none");
	FUZZ_CHECK(twin.type == line.type && twin.serial == line.serial &&
	                   twin.time_ms == (line.time_ms < 0 ? 0 : line.time_ms),
	           "the normalised record is another one");
}

static int check_event(void *data, const struct vd_audit_event *e)
{
	FUZZ_CHECK(e->kind < VD_AUDIT_COUNT_, "kind %d", (int)e->kind);
	if (e->kind == VD_AUDIT_DENIAL)
		FUZZ_CHECK(e->scontext && e->tcontext && e->tclass && e->perms, "a denial without its parts");
	if (e->kind == VD_AUDIT_LABEL || e->kind == VD_AUDIT_CONTROL)
		FUZZ_CHECK(e->guest, "a record without its guest");
	return vd_denials_add(data, e);
}

FUZZ_TARGET("audit")
{
	const char *text = (const char *)data;
	struct vd_audit_counts counts = VD_AUDIT_COUNTS_INIT;
	struct vd_guests guests = { 0 };
	VD_AUTO_DENIAL_CAUSES causes = { 0 };
	VD_AUTO_DENIALS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	uint64_t total = 0;
	int r;

	for (size_t pos = 0; pos < size;) {
		const char *nl = memchr(text + pos, '\n', size - pos);
		size_t len = nl ? (size_t)(nl - text) - pos : size - pos;

		check_line(text + pos, len);
		pos += len + 1;
	}
	if (!vd_audit_available())
		return 0;
	r = vd_audit_read(text, size, 0, check_event, &ds, &counts, &err);
	FUZZ_CHECK(r == 0 || r == -ENOMEM, "returned %d", r);
	if (r < 0 || vd_denials_tie(&ds, &guests, NULL) < 0 || vd_denial_causes_load(&causes) < 0)
		return 0;
	vd_denials_explain(&ds, &causes);
	for (size_t i = 0; i < ds.len; i++)
		total += ds.items[i].count;
	FUZZ_CHECK(total <= counts.lines, "%llu denials in %llu lines", (unsigned long long)total,
	           (unsigned long long)counts.lines);
	return 0;
}
