/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <inttypes.h>
#include <string.h>

/* Seconds beyond the year 9999 are no time stamp but damage. */
#define MAX_SECONDS 253402300799

static const struct {
	const char *name;
	unsigned number; /* as the kernel prints it where no auditd translates it: linux/audit.h */
} types[VD_AUDIT_TYPE_COUNT_] = {
	[VD_AUDIT_TYPE_AVC] = { "AVC", 1400 },
	[VD_AUDIT_TYPE_USER_AVC] = { "USER_AVC", 1107 },
	[VD_AUDIT_TYPE_SYSCALL] = { "SYSCALL", 1300 },
	[VD_AUDIT_TYPE_CWD] = { "CWD", 1307 },
	[VD_AUDIT_TYPE_PATH] = { "PATH", 1302 },
	[VD_AUDIT_TYPE_EOE] = { "EOE", 1320 },
	[VD_AUDIT_TYPE_MACHINE_ID] = { "VIRT_MACHINE_ID", 2502 },
	[VD_AUDIT_TYPE_CONTROL] = { "VIRT_CONTROL", 2500 },
	[VD_AUDIT_TYPE_MAC_STATUS] = { "MAC_STATUS", 1404 },
};

const char *vd_audit_type_name(enum vd_audit_type type)
{
	return type < VD_AUDIT_TYPE_COUNT_ ? types[type].name : NULL;
}

/* What is left of the line. */
struct cursor {
	const char *p, *end;
};

static bool skip(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len))
		return false;
	c->p += len;
	return true;
}

static const char *find(const char *p, const char *end, const char *word)
{
	return p < end ? memmem(p, (size_t)(end - p), word, strlen(word)) : NULL;
}

/* A decimal number of at most @max digits; how many there were. */
static size_t number(struct cursor *c, size_t max, uint64_t *ret_number)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (; digits < max && c->p < c->end && *c->p >= '0' && *c->p <= '9'; digits++)
		n = n * 10 + (uint64_t)(*c->p++ - '0');
	*ret_number = n;
	return digits;
}

static enum vd_audit_type take_type(struct cursor *c)
{
	uint64_t n;

	if (number(c, 5, &n)) {
		for (int i = 1; i < VD_AUDIT_TYPE_COUNT_; i++)
			if (types[i].number == n)
				return (enum vd_audit_type)i;
		return VD_AUDIT_TYPE_OTHER;
	}
	for (int i = 1; i < VD_AUDIT_TYPE_COUNT_; i++) {
		struct cursor probe = *c;

		if (skip(&probe, types[i].name) && probe.p < probe.end && *probe.p == ' ') {
			*c = probe;
			return (enum vd_audit_type)i;
		}
	}
	return VD_AUDIT_TYPE_OTHER;
}

/* "audit(1729238705.963:170)" */
static bool take_id(struct cursor *c, struct vd_audit_line *line)
{
	uint64_t seconds, millis, serial;

	if (!skip(c, "audit(") || !number(c, 12, &seconds) || seconds > MAX_SECONDS || !skip(c, ".") ||
	    number(c, 3, &millis) != 3 || !skip(c, ":") || !number(c, 18, &serial) || !skip(c, ")"))
		return false;
	line->time_ms = (int64_t)(seconds * 1000 + millis);
	line->serial = (unsigned long)serial;
	return true;
}

/* The journal's short form: "audit[208]: AVC avc:  denied ...", whose id stands in fields that the text does not show.
 */
static bool take_journal_form(struct cursor *c, struct vd_audit_line *line)
{
	uint64_t pid;

	if (!skip(c, "audit[") || !number(c, 10, &pid) || !skip(c, "]: "))
		return false;
	line->type = take_type(c);
	line->time_ms = -1;
	return line->type == VD_AUDIT_TYPE_AVC || line->type == VD_AUDIT_TYPE_USER_AVC ||
	       line->type == VD_AUDIT_TYPE_MACHINE_ID || line->type == VD_AUDIT_TYPE_CONTROL ||
	       line->type == VD_AUDIT_TYPE_MAC_STATUS;
}

/* "avc:  denied ..." alone, as people quote it. */
static bool take_bare_form(const char *start, const char *end, struct cursor *c, struct vd_audit_line *line)
{
	const char *at = find(start, end, "avc: ");

	if (!at || !(find(at, end, "denied") || find(at, end, "granted")) || !find(at, end, "tclass="))
		return false;
	c->p = at;
	line->type = VD_AUDIT_TYPE_AVC;
	line->time_ms = -1;
	return true;
}

/* From the first "type=" on: what stands in front is a node's name, or a prefix of syslog, dmesg or the journal. */
static bool take_record(struct cursor *c, struct vd_audit_line *line, bool *damaged)
{
	const char *start = find(c->p, c->end, "type=");

	if (!start)
		return false;
	c->p = start + 5;
	line->type = take_type(c);
	if (line->type == VD_AUDIT_TYPE_OTHER)
		return false;
	*damaged = true;
	if (!skip(c, " "))
		return false;
	(void)skip(c, "msg=");
	if (!take_id(c, line) || (!skip(c, ": ") && !skip(c, " : ") && !skip(c, ":")))
		return false;
	*damaged = false;
	return true;
}

bool vd_audit_line_parse(const char *line, size_t len, struct vd_audit_line *ret_line, bool *ret_damaged)
{
	struct cursor c = { line, line + len };
	bool ok, damaged = false;

	*ret_line = (struct vd_audit_line){ .type = VD_AUDIT_TYPE_OTHER, .time_ms = -1 };
	ok = take_record(&c, ret_line, &damaged);
	if (!ok && !damaged) {
		const char *at = find(line, c.end, "audit[");

		c.p = at ? at : c.end;
		ok = at && take_journal_form(&c, ret_line);
	}
	if (!ok && !damaged)
		ok = take_bare_form(line, c.end, &c, ret_line);
	if (ok) {
		while (c.p < c.end && *c.p == ' ')
			c.p++;
		ret_line->body = c.p;
		ret_line->body_len = (size_t)(c.end - c.p);
		/* A denial without its verb is one that was cut. */
		if ((ret_line->type == VD_AUDIT_TYPE_AVC || ret_line->type == VD_AUDIT_TYPE_USER_AVC) &&
		    !find(c.p, c.end, "avc:"))
			ok = false, damaged = true;
	}
	if (!ok)
		*ret_line = (struct vd_audit_line){ .type = VD_AUDIT_TYPE_OTHER, .time_ms = -1 };
	if (ret_damaged)
		*ret_damaged = damaged;
	return ok;
}

int vd_audit_line_add(struct vd_buf *buf, const struct vd_audit_line *line)
{
	int64_t ms = line->time_ms < 0 ? 0 : line->time_ms;
	size_t start;
	int r;

	r = vd_buf_addf(buf, "type=%s msg=audit(%" PRId64 ".%03d:%lu): ", vd_audit_type_name(line->type), ms / 1000,
	                (int)(ms % 1000), line->serial);
	start = buf->len;
	if (r == 0)
		r = vd_buf_add(buf, line->body, line->body_len);
	if (r < 0)
		return r;
	for (size_t i = start; i < buf->len; i++)
		if ((unsigned char)buf->data[i] < ' ' && buf->data[i] != '\x1d')
			buf->data[i] = ' ';
	return vd_buf_addc(buf, '\n');
}
