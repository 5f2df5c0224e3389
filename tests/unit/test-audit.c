/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of audit logs in all their forms, and what is made of them. */
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#include "audit.h"
#include "denials.h"

#define AVC_BODY                                                                                     \
	"avc:  denied  { read write } for  pid=559 comm=\"qemu-kvm\" name=\"x\" dev=\"dm-0\" ino=7 " \
	"scontext=system_u:system_r:svirt_t:s0:c1,c2 tcontext=system_u:object_r:nfs_t:s0 tclass=file permissive=0"

static const struct {
	const char *line;
	enum vd_audit_type type;
	int64_t time_ms;
	unsigned long serial;
	bool damaged;
} lines[] = {
	{ "type=AVC msg=audit(1795428451.272:53): " AVC_BODY, VD_AUDIT_TYPE_AVC, 1795428451272, 53, false },
	{ "node=a type=AVC msg=audit(1795428451.272:53): " AVC_BODY, VD_AUDIT_TYPE_AVC, 1795428451272, 53, false },
	{ "audit: type=1400 audit(1795428451.272:53): " AVC_BODY, VD_AUDIT_TYPE_AVC, 1795428451272, 53, false },
	{ "[   12.3] audit: type=1400 audit(1795428451.272:53): " AVC_BODY, VD_AUDIT_TYPE_AVC, 1795428451272, 53,
	  false },
	{ "Nov 23 10:04:54 lab kernel: type=1400 audit(1795428451.272:53): " AVC_BODY, VD_AUDIT_TYPE_AVC, 1795428451272,
	  53, false },
	{ "Nov 23 10:04:54 lab audit[208]: AVC " AVC_BODY, VD_AUDIT_TYPE_AVC, -1, 0, false },
	{ "\t> " AVC_BODY, VD_AUDIT_TYPE_AVC, -1, 0, false },
	{ "type=USER_AVC msg=audit(1.000:2): pid=1 msg='" AVC_BODY "'", VD_AUDIT_TYPE_USER_AVC, 1000, 2, false },
	{ "type=SYSCALL msg=audit(1.000:2): arch=c000003e", VD_AUDIT_TYPE_SYSCALL, 1000, 2, false },
	{ "type=1302 audit(1.000:2): item=0", VD_AUDIT_TYPE_PATH, 1000, 2, false },
	{ "type=VIRT_MACHINE_ID msg=audit(1.000:2): pid=1", VD_AUDIT_TYPE_MACHINE_ID, 1000, 2, false },
	{ "type=EOE msg=audit(1.000:2): ", VD_AUDIT_TYPE_EOE, 1000, 2, false },
	{ "type=USER_MAC_STATUS msg=audit(1.000:2): x", VD_AUDIT_TYPE_OTHER, -1, 0, false },
	{ "type=CRED_ACQ msg=audit(1.000:2): x", VD_AUDIT_TYPE_OTHER, -1, 0, false },
	{ "type=AVC msg=audit(1.00:2): " AVC_BODY, VD_AUDIT_TYPE_OTHER, -1, 0, true },
	{ "type=AVC msg=audit(999999999999.000:2): " AVC_BODY, VD_AUDIT_TYPE_OTHER, -1, 0, true },
	{ "type=AVC msg=audit(1.000:2): nothing", VD_AUDIT_TYPE_OTHER, -1, 0, true },
	{ "type=AVC", VD_AUDIT_TYPE_OTHER, -1, 0, false },
	{ "type=AVC ", VD_AUDIT_TYPE_OTHER, -1, 0, true },
	{ "I read of avc: in a book", VD_AUDIT_TYPE_OTHER, -1, 0, false },
	{ "", VD_AUDIT_TYPE_OTHER, -1, 0, false },
};

static void check_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct vd_audit_line line;
		bool damaged = !lines[i].damaged;
		bool ok = vd_audit_line_parse(lines[i].line, strlen(lines[i].line), &line, &damaged);

		tap_ok(ok == (lines[i].type != VD_AUDIT_TYPE_OTHER) && line.type == lines[i].type &&
		               line.time_ms == lines[i].time_ms && line.serial == lines[i].serial &&
		               damaged == lines[i].damaged,
		       "line: '%.60s' -> type %d", lines[i].line, (int)lines[i].type);
	}
}

static int count(void *data, const struct vd_audit_event *event)
{
	unsigned *n = data;

	n[event->kind]++;
	return 0;
}

static int refuse(void *data, const struct vd_audit_event *event)
{
	(void)data;
	(void)event;
	return -7;
}

static void check_events(void)
{
	static const char text[] =
	        "type=MAC_STATUS msg=audit(5.000:1): enforcing=0 old_enforcing=1 auid=0 ses=1 lsm=selinux res=1\n"
	        "type=AVC msg=audit(6.000:2): " AVC_BODY "\n"
	        "type=AVC msg=audit(6.000:2): " AVC_BODY "\n"
	        "type=AVC msg=audit(7.000:3): " AVC_BODY; /* the last line without its end */
	struct vd_audit_counts counts = VD_AUDIT_COUNTS_INIT;
	unsigned n[VD_AUDIT_COUNT_] = { 0 };
	VD_AUTO_DENIALS ds = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_audit_read(text, sizeof(text) - 1, 0, count, n, &counts, &err), 0, "events: read");
	tap_ok(n[VD_AUDIT_DENIAL] == 3 && n[VD_AUDIT_MODE] == 1, "events: two denials of one event are two");
	tap_ok(counts.first_ms == 5000 && counts.last_ms == 7000 && counts.lines == 4 && !counts.damaged,
	       "events: times and lines are counted");
	memset(n, 0, sizeof(n));
	tap_ok(vd_audit_read(text, sizeof(text) - 1, 7000, count, n, &counts, &err) == 0 && n[VD_AUDIT_DENIAL] == 1 &&
	               !n[VD_AUDIT_MODE],
	       "events: older ones are left out");
	tap_int(vd_audit_read(text, sizeof(text) - 1, 0, refuse, n, &counts, NULL), -7,
	        "events: an error of the callback ends it");
	tap_ok(vd_audit_read(text, sizeof(text) - 1, 0, vd_denials_add, &ds, &counts, &err) == 0 && ds.len == 1 &&
	               ds.items[0].count == 3 && ds.items[0].first_ms == 6000 && ds.items[0].last_ms == 7000,
	       "denials: equal ones are folded");
	tap_ok(ds.mode_ms == 5000 && ds.mode == 0, "denials: the last switch of the mode is known");
	tap_str(ds.items[0].perms, "read write", "denials: permissions");
	tap_str(ds.items[0].dev, "dm-0", "denials: device without quotes");
}

/* Records of several events, mixed up, with more of them open than are kept together. */
static void check_mixed(void)
{
	struct vd_audit_counts counts = VD_AUDIT_COUNTS_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_DENIALS ds = { 0 };
	bool ok = true;

	for (int i = 0; i < 100; i++)
		ok &= !vd_buf_addf(&text,
		                   "type=AVC msg=audit(9.000:%d): avc:  denied  { open } for  pid=%d comm=\"q\" "
		                   "name=\"f%d\" dev=\"dm-0\" ino=%d scontext=u:r:svirt_t:s0:c1,c2 "
		                   "tcontext=u:r:nfs_t:s0 tclass=file permissive=0\n",
		                   i, 1000 + i, i, 50 + i);
	for (int i = 0; i < 100; i++)
		ok &= !vd_buf_addf(&text, "type=PATH msg=audit(9.000:%d): item=1 name=\"/d/f%d\" inode=%d\n", i, i,
		                   50 + i);
	ok &= !vd_audit_read(text.data, text.len, 0, vd_denials_add, &ds, &counts, NULL);
	tap_ok(ok && ds.len == 100, "mixed: all denials are there");
	tap_str(ok && ds.len == 100 ? ds.items[99].path : NULL, "/d/f99", "mixed: a PATH record finds its event");
}

/* Logs with as many different denials and labels as they like: none is compared with all others at length. */
static void check_many(void)
{
	enum {
		LABELS = 4000,
		DENIALS = 19999
	};
	struct vd_audit_event label = { .kind = VD_AUDIT_LABEL, .time_ms = 1000 };
	struct vd_audit_event denial = { .kind = VD_AUDIT_DENIAL,
		                         .time_ms = 2000,
		                         .perms = "read",
		                         .scontext = "u:r:svirt_t:s0:c1000,c1001",
		                         .tcontext = "u:r:svirt_image_t:s0:c1000,c1002",
		                         .tclass = "process",
		                         .path = "/x" };
	struct vd_guests guests = { 0 };
	VD_AUTO_DENIALS ds = { 0 };
	int r = 0;

	alarm(30);
	for (int i = 0; i <= LABELS && r == 0; i++) {
		char name[16], context[64];

		snprintf(name, sizeof(name), "g%d", i);
		snprintf(context, sizeof(context), "u:r:svirt_t:s0:c%d,c%d", 10 + i % 900, i / 900);
		label.guest = name;
		label.context = i == 0 ? denial.scontext : context;
		r = vd_denials_add(&ds, &label);
	}
	for (int i = 0; i < DENIALS && r == 0; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "c%d", i);
		denial.comm = comm;
		r = vd_denials_add(&ds, &denial);
	}
	tap_ok(r == 0 && ds.len == DENIALS, "many: each denial is one");
	tap_ok(vd_denials_tie(&ds, &guests, NULL) == 0 && ds.len, "many: are tied");
	tap_str(ds.len ? ds.items[0].guest : NULL, "g0", "many: to whom the first label belongs");
	alarm(0);
}

/* A capture may tell that a process starts at the end of time. */
static void check_late_guest(void)
{
	struct vd_audit_event denial = { .kind = VD_AUDIT_DENIAL,
		                         .time_ms = 2000,
		                         .pid = 7,
		                         .perms = "read",
		                         .scontext = "u:r:svirt_t:s0",
		                         .tcontext = "u:r:nfs_t:s0",
		                         .tclass = "process" };
	struct vd_domain domain = { .name = (char[]){ "late" } };
	struct vd_guest guest = { .config = &domain, .state = VD_GUEST_RUNNING, .pid = 7 };
	struct vd_guests guests = { .items = &guest, .len = 1 };

	for (int i = 0; i < 2; i++) {
		VD_AUTO_DENIALS ds = { 0 };

		guest.since = i ? INT64_MAX : 2;
		tap_ok(vd_denials_add(&ds, &denial) == 0 && vd_denials_tie(&ds, &guests, NULL) == 0 && ds.len == 1,
		       "late: a denial is tied");
		tap_str(ds.len ? ds.items[0].guest : NULL, i ? NULL : "late", "late: not to a guest that began later");
	}
}

int main(void)
{
	check_lines();
	check_many();
	check_late_guest();
	if (!vd_audit_available())
		return tap_done();
	check_events();
	check_mixed();
	return tap_done();
}
