/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects selinux trace: which messages of libvirt's log tell of labels, whatever stands in their paths, and for which
 * guest they are.
 */
#include "../../lib/relabel.h"

#include <stdlib.h>

#include "tap.h"

#define IMG "system_u:object_r:svirt_image_t:s0:c1,c2"

static const struct {
	const char *text;
	int kind; /* -1: no such message */
	const char *path, *label, *reason;
	int fd;
} messages[] = {
	{ "Setting SELinux context on '/a.img' to '" IMG "'", VD_RELABEL_SET, "/a.img", IMG, "", -1 },
	{ "2022-01-01 10:00:00.000+0000: 7: info : virSecuritySELinuxSetFileconImpl:1243 : Setting SELinux context on "
	  "'/a b' to '" IMG "'",
	  VD_RELABEL_SET, "/a b", IMG, "", -1 },
	{ "Setting SELinux context on '/it's' to 'x' to '" IMG "'", VD_RELABEL_SET, "/it's' to 'x", IMG, "", -1 },
	{ "Setting SELinux context on '' to ''", VD_RELABEL_SET, "", "", "", -1 },
	{ "> Setting SELinux context on '/a' to '" IMG "' \r", VD_RELABEL_SET, "/a", IMG, "", -1 },
	{ "Setting SELinux context on fd 23 to '" IMG "'", VD_RELABEL_SET_FD, "", IMG, "", 23 },
	{ "Setting SELinux context on fd x to 'y'", -1, NULL, NULL, NULL, 0 },
	{ "Setting SELinux context on '/a", -1, NULL, NULL, NULL, 0 },
	{ "Restoring SELinux context on '/a'b'", VD_RELABEL_RESTORE, "/a'b", "", "", -1 },
	{ "error : virSecuritySELinuxSetFileconImpl:1270 : unable to set security context '" IMG
	  "' on '/a': Operation not permitted",
	  VD_RELABEL_FAILED, "/a", IMG, "Operation not permitted", -1 },
	{ "unable to set security context '" IMG "' on '/a' (errno 1)", VD_RELABEL_FAILED, "/a", IMG, "errno 1", -1 },
	{ "Unable to set security context '" IMG "' on fd 5: Invalid argument", VD_RELABEL_FAILED, "", IMG,
	  "Invalid argument", 5 },
	{ "Setting security context '" IMG "' on '/n/a' not supported. Consider setting virt_use_nfs",
	  VD_RELABEL_UNSUPPORTED, "/n/a", IMG, "not supported. Consider setting virt_use_nfs", -1 },
	{ "Setting security context '" IMG "' on fd 9 not supported", VD_RELABEL_UNSUPPORTED, "", IMG, "not supported",
	  9 },
	{ "Setting security context ' on '/n/a' not supported", -1, NULL, NULL, NULL, 0 },
	{ "unable to set security context ' on fd 5: Invalid argument", -1, NULL, NULL, NULL, 0 },
	{ "Setting different SELinux label on /a b which is already in use", VD_RELABEL_IN_USE, "/a b", "", "", -1 },
	{ "model=selinux label=system_u:system_r:svirt_t:s0:c1,c2 imagelabel=" IMG " baselabel=(null)",
	  VD_RELABEL_DRAWN, "", IMG, "", -1 },
	{ "debug : virSecuritySELinuxSetSocketLabel:3082 : Setting VM my guest socket context u:r:svirt_t:s0:c1,c2",
	  VD_RELABEL_SOCKET, "", "u:r:svirt_t:s0:c1,c2", "", -1 },
	{ "model=dac label=x imagelabel=y baselabel=z", -1, NULL, NULL, NULL, 0 },
	{ "Setting DAC user and group on '/a' to '64055:64055'", -1, NULL, NULL, NULL, 0 },
	{ "", -1, NULL, NULL, NULL, 0 },
};

static char *copy(struct vd_slice s)
{
	return s.s ? strndup(s.s, s.len) : strdup("");
}

static void test_messages(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(messages); i++) {
		struct vd_relabel r;
		bool found = vd_relabel_parse(messages[i].text, strlen(messages[i].text), &r);
		VD_AUTO_FREE char *path = found ? copy(r.path) : NULL, *label = found ? copy(r.label) : NULL,
		                  *reason = found ? copy(r.reason) : NULL;

		tap_int(found ? (int)r.kind : -1, messages[i].kind, "message: %s: kind", messages[i].text);
		tap_str(path, messages[i].path, "message %zu: path", i);
		tap_str(label, messages[i].label, "message %zu: label", i);
		tap_str(reason, messages[i].reason, "message %zu: reason", i);
		if (found)
			tap_int(r.fd, messages[i].fd, "message %zu: fd", i);
	}
}

#define AT(n) "2024-10-18 09:31:4" n ".120+0000: "
#define SET   "info : virSecuritySELinuxSetFileconImpl:1243 : Setting SELinux context on "

/* Two guests start at the same time; libvirt labels in processes of their own, 900 and 901. */
static const char *const interleaved[] = {
	AT("1") "11: debug : qemuProcessStart:8090 : conn=0x1 driver=0x2 vm=0x3 name=web one id=-1 asyncJob=start",
	AT("1") "12: debug : qemuProcessStart:8090 : conn=0x1 driver=0x2 vm=0x4 name=db id=-1 asyncJob=start",
	AT("1") "11: debug : virSecuritySELinuxGenLabel:920 : model=selinux label=u:r:svirt_t:s0:c1,c2 "
	        "imagelabel=u:object_r:svirt_image_t:s0:c1,c2 baselabel=(null)",
	AT("1") "12: debug : virSecuritySELinuxGenLabel:920 : model=selinux label=u:r:svirt_t:s0:c3,c4 "
	        "imagelabel=u:object_r:svirt_image_t:s0:c3,c4 baselabel=(null)",
	AT("2") "900: " SET "'/web.iso' to 'u:object_r:virt_content_t:s0'",
	AT("2") "901: " SET "'/db.img' to 'u:object_r:svirt_image_t:s0:c3,c4'",
	"a line that goes on",
	AT("2") "900: " SET "'/web.img' to 'u:object_r:svirt_image_t:s0:c2,c1'",
	AT("2") "901: " SET "'/db.iso' to 'u:object_r:virt_content_t:s0'",
	"Setting SELinux context on '/pasted' to 'u:object_r:svirt_image_t:s0:c1,c2'",
	AT("3") "12: info : virSecuritySELinuxRestoreFileLabel:1500 : Restoring SELinux context on '/db.img'",
	AT("3") "77: " SET "'/other' to 'u:object_r:virt_content_t:s0'",
};

static void test_guests(void)
{
	static const struct {
		const char *path, *guest;
		uint32_t thread;
	} wanted[] = {
		{ NULL, "web one", 11 },        { NULL, "db", 12 },
		{ "/web.iso", "web one", 900 }, { "/db.img", "db", 901 },
		{ "/web.img", "web one", 900 }, { "/db.iso", "db", 901 },
		{ "/pasted", "web one", 0 },    { "/db.img", "db", 12 },
		{ "/other", NULL, 77 },
	};
	VD_AUTO_TRACE trace = { 0 };

	for (size_t i = 0; i < VD_ARRAY_SIZE(interleaved); i++)
		tap_int(vd_trace_line(&trace, interleaved[i], strlen(interleaved[i])), 0, "interleaved: line %zu", i);
	tap_int(vd_trace_finish(&trace), 0, "interleaved: finished");
	tap_int((long long)trace.len, VD_ARRAY_SIZE(wanted), "interleaved: events");
	for (size_t i = 0; i < VD_ARRAY_SIZE(wanted) && i < trace.len; i++) {
		tap_str(trace.events[i].path, wanted[i].path, "interleaved: event %zu: path", i);
		tap_str(trace.events[i].guest, wanted[i].guest, "interleaved: event %zu: guest", i);
		tap_int(trace.events[i].thread, wanted[i].thread, "interleaved: event %zu: thread", i);
	}
	if (trace.len > 6) {
		tap_int(trace.events[2].time, 1729243902120000, "interleaved: time");
		tap_ok(trace.events[6].time == VD_NO_TIME, "interleaved: pasted without head: no time");
		tap_int((long long)trace.events[6].number, 10, "interleaved: number of the line");
	}
}

static void test_known(void)
{
	static const char line[] = "Setting SELinux context on '/a' to 'u:object_r:svirt_image_t:s0:c8,c9'";
	VD_AUTO_TRACE trace = { 0 };

	tap_int(vd_trace_line(&trace, line, strlen(line)), 0, "known: line");
	tap_int(vd_trace_know(&trace, "u:object_r:svirt_image_t:s0:c9,c8", "late"), 0, "known: told");
	tap_int(vd_trace_finish(&trace), 0, "known: finished");
	tap_int((long long)trace.len, 2, "known: events");
	tap_str(trace.events[0].guest, "late", "known: the pair's guest");
}

/* With the filter 1:security alone no line names the guest but those of its sockets. */
static void test_sockets(void)
{
	static const char *const lines[] = {
		AT("1") "11: debug : virSecuritySELinuxGenLabel:934 : model=selinux label=u:r:svirt_t:s0:c1,c2 "
		        "imagelabel=u:object_r:svirt_image_t:s0:c1,c2 baselabel=<null>",
		AT("1") "12: debug : virSecuritySELinuxGenLabel:934 : model=selinux label=u:r:svirt_t:s0:c3,c4 "
		        "imagelabel=u:object_r:svirt_image_t:s0:c3,c4 baselabel=<null>",
		AT("2") "12: debug : virSecuritySELinuxSetSocketLabel:3082 : Setting VM two b socket context "
		        "u:r:svirt_t:s0:c3,c4",
		AT("3") "11: debug : virSecuritySELinuxSetDaemonSocketLabel:3045 : Setting VM web socket context "
		        "u:r:virtd_t:s0:c1,c2",
	};
	static const char *const guests[] = { "web", "two b", "two b", "web" };
	VD_AUTO_TRACE trace = { 0 };

	for (size_t i = 0; i < VD_ARRAY_SIZE(lines); i++)
		tap_int(vd_trace_line(&trace, lines[i], strlen(lines[i])), 0, "sockets: line %zu", i);
	tap_int(vd_trace_finish(&trace), 0, "sockets: finished");
	tap_int((long long)trace.len, 4, "sockets: events");
	for (size_t i = 0; i < trace.len && i < 4; i++)
		tap_str(trace.events[i].guest, guests[i], "sockets: event %zu: guest", i);
}

static void test_restore(void)
{
	static const char *const lines[] = {
		AT("1") "589: info : virSecuritySELinuxRestoreFileLabel:1446 : Restoring SELinux context on '/y.img'",
		AT("1") "7: " SET "'/y.img' to 'u:object_r:svirt_image_t:s0:c1,c2'",
		AT("1") "589: " SET "'/y.img' to 'u:object_r:default_t:s0'",
		AT("1") "589: " SET "'/y.img' to 'u:object_r:virt_image_t:s0'",
	};
	VD_AUTO_TRACE trace = { 0 };

	for (size_t i = 0; i < VD_ARRAY_SIZE(lines); i++)
		tap_int(vd_trace_line(&trace, lines[i], strlen(lines[i])), 0, "restore: line %zu", i);
	tap_int((long long)trace.len, 3, "restore: the label of a restore is no event of its own");
	tap_int(trace.events[0].kind, VD_RELABEL_RESTORE, "restore: kind");
	tap_str(trace.events[0].label, "u:object_r:default_t:s0", "restore: label");
	tap_str(trace.events[2].label, "u:object_r:virt_image_t:s0", "restore: the next one is");
}

static void test_many(void)
{
	VD_AUTO_TRACE trace = { 0 };
	char line[128];
	int r = 0;

	for (unsigned i = 0; i < VD_TRACE_MAX + 10 && r == 0; i++) {
		int n = snprintf(line, sizeof(line), "Restoring SELinux context on '/%u'", i);

		r = vd_trace_line(&trace, line, (size_t)n);
	}
	tap_int(r, 0, "many: taken");
	tap_ok(trace.len <= VD_TRACE_MAX, "many: bounded");
	tap_int((long long)(trace.len + trace.dropped), VD_TRACE_MAX + 10, "many: dropped ones counted");
	tap_int(vd_trace_finish(&trace), 0, "many: finished");
	snprintf(line, sizeof(line), "/%u", VD_TRACE_MAX + 9);
	tap_str(trace.events[trace.len - 1].path, line, "many: the last ones are kept");
}

int main(void)
{
	test_messages();
	test_guests();
	test_known();
	test_sockets();
	test_restore();
	test_many();
	return tap_done();
}
