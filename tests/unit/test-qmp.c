/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/qmp: messages of QEMU's monitor in libvirt's debug log. */

#include <stdio.h>

#include "qmp.h"
#include "tap.h"

static const char *shown(const char *message)
{
	static char out[512];
	struct vd_record record = { .message = { message, strlen(message) } };
	struct vd_qmp q;

	if (!vd_qmp_parse(&record, &q))
		return "none";
	snprintf(out, sizeof(out), "%d %llx %.*s %.*s %.*s%s%.*s", q.kind, (unsigned long long)q.monitor,
	         (int)q.name.len, q.name.s ? q.name.s : "", (int)q.id.len, q.id.s ? q.id.s : "", (int)q.arguments.len,
	         q.arguments.s ? q.arguments.s : "", q.is_error ? " error " : "", (int)q.error.len,
	         q.error.s ? q.error.s : "");
	return out;
}

static void test_messages(void)
{
	static const struct {
		const char *message, *wanted;
	} cases[] = {
		{ "QEMU_MONITOR_SEND_MSG: mon=0x7f92 msg={\"execute\":\"query-chardev\",\"id\":\"libvirt-4\"}\r",
		  "1 7f92 query-chardev libvirt-4 " },
		{ "QEMU_MONITOR_SEND_MSG: mon=0x1 "
		  "msg={\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/a\",\"id\":\"x\"},"
		  "\"id\":\"libvirt-5\"}\r",
		  "1 1 qom-get libvirt-5 {\"path\":\"/a\",\"id\":\"x\"}" },
		{ "QEMU_MONITOR_RECV_REPLY: mon=0x1 reply={\"return\": {}, \"id\": \"libvirt-5\"}", "2 1  libvirt-5 " },
		{ "QEMU_MONITOR_RECV_REPLY: mon=0x1 reply={\"id\": \"libvirt-6\", \"error\": {\"class\": "
		  "\"GenericError\", "
		  "\"desc\": \"Device 'a' \\\"b\\\" not found\"}}",
		  "2 1  libvirt-6  error Device 'a' \\\"b\\\" not found" },
		{ "QEMU_MONITOR_RECV_EVENT: mon=0x1 event={\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
		  "\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}",
		  "3 1 SHUTDOWN  {\"guest\": true}" },
		{ "QEMU_MONITOR_CLOSE: mon=0x1", "4 1   " },
		{ "QEMU_MONITOR_SEND_MSG: mon=0x1 msg={\"execute\":\"qom", "1 1   " },
		{ "QEMU_MONITOR_SEND_MSG: mon=0x1 msg=", "1 1   " },
		{ "QEMU_MONITOR_RECV_REPLY: mon=0x1 reply={\"return\": [1, {\"a\": \"]}\"}], \"id\": \"l-1\"}",
		  "2 1  l-1 " },
		{ "QEMU_MONITOR_IO_WRITE: mon=0x1 buf={\"execute\":\"a\"}", "none" },
		{ "Line [{\"return\": {}, \"id\": \"libvirt-1\"}]", "none" },
		{ "", "none" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_str(shown(cases[i].message), cases[i].wanted, "qmp: %s", cases[i].message);
}

static void test_members(void)
{
	static const struct {
		const char *text, *key, *wanted; /* NULL: none */
	} cases[] = {
		{ "{\"a\": 1, \"b\": \"x\"}", "a", "1" },
		{ "{\"a\": 1, \"b\": \"x\"}", "b", "x" },
		{ "{\"a\": {\"b\": 2}, \"b\": 3}", "b", "3" },
		{ "{\"a\": [\"b\", 2]}", "b", NULL },
		{ " { \"a\" : true } ", "a", "true" },
		{ "{\"a\": \"\\\\\"}", "a", "\\\\" },
		{ "{\"a\": \"", "a", NULL },
		{ "{\"a\": ", "a", NULL },
		{ "{\"a\":,\"b\":1}", "b", NULL },
		{ "[]", "a", NULL },
		{ "{}", "a", NULL },
		{ "{\"a\": \"\\", "a", NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_slice text = { cases[i].text, strlen(cases[i].text) }, value;
		char got[64] = "";
		bool found = vd_json_member(&text, cases[i].key, &value);

		if (found)
			snprintf(got, sizeof(got), "%.*s", (int)value.len, value.s);
		tap_str(found ? got : NULL, cases[i].wanted, "json: \"%s\" of %s", cases[i].key, cases[i].text);
	}
}

int main(void)
{
	test_messages();
	test_members();
	return tap_done();
}
