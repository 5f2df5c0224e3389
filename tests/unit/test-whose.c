/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/whose: which guest a record belongs to, by name, by address, and by what its thread does. */

#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "whose.h"

static const char *owner(struct vd_whose *whose, unsigned thread, const char *function, const char *message)
{
	char line[512];
	struct vd_record record;
	const char *name;
	int n = snprintf(line, sizeof(line), "2026-11-23 09:47:18.571+0000: %u: debug : %s:1 : %s", thread, function,
	                 message);

	if (!vd_record_parse(line, (size_t)n, 0, &record))
		abort();
	name = vd_whose_name(whose, vd_whose_record(whose, 0, &record));
	return name ? name : "-";
}

static void test_job(void)
{
	VD_AUTO_WHOSE *w = vd_whose_new();

	tap_str(owner(w, 1, "virThreadJobSet", "Thread 1 (rpc) is now running job remoteDispatchDomainCreate"), "-",
	        "job: nobody's yet");
	tap_str(owner(w, 1, "virDomainCreate", "dom=0x7f, (VM: name=web, uuid=bbb1)"), "web",
	        "job: the API names a guest");
	tap_str(owner(w, 1, "virFileOpen", "open of something"), "web", "job: what the thread does next is for it");
	tap_str(owner(w, 2, "virFileOpen", "open of something"), "-", "job: not what another thread does");
	tap_str(owner(w, 1, "qemuMonitorOpenInternal", "QEMU_MONITOR_NEW: mon=0x7f01 fd=48"), "web", "monitor: opened");
	tap_str(owner(w, 3, "qemuMonitorJSONIOProcessLine", "QEMU_MONITOR_RECV_REPLY: mon=0x7f01 reply={}"), "web",
	        "monitor: in another thread");
	tap_str(owner(w, 3, "qemuMonitorJSONIOProcessLine", "Line [{}]"), "web", "monitor: that thread works for it");
	tap_str(owner(w, 4, "virDomainObjBeginJobInternal",
	              "Starting job: API=x (vm=0x7f92 name=db, current job=none)"),
	        "db", "object: named with its address");
	tap_str(owner(w, 5, "qemuProcessStart", "vm=0x7f92"), "db", "object: by the address alone");
	tap_str(owner(w, 1, "virThreadJobClear", "Thread 1 (rpc) finished job remoteDispatchDomainCreate with ret=0"),
	        "web", "job: its end belongs to it");
	tap_str(owner(w, 1, "virFileOpen", "open of something"), "-", "job: and nothing behind it");
	tap_str(owner(w, 6, "qemuDomainObjTaintMsg",
	              "Domain id=4 name='my guest' uuid=bbb2 is tainted: custom-monitor"),
	        "my guest", "quoted: a name with a blank");
	tap_str(owner(w, 7, "virConfGetValue", "Get value string name=/etc/libvirt/libvirt.conf"), "-",
	        "another name is no guest's");
}

static void test_lookup(void)
{
	VD_AUTO_WHOSE *w = vd_whose_new();

	tap_str(owner(w, 1, "virDomainLookupByName", "conn=0x5593b4f48690, name=web"), "web",
	        "lookup: the guest asked for");
	tap_str(owner(w, 2, "virNetworkLookupByName", "conn=0x5593b4f48690, name=net"), "-", "lookup: no network");
}

/* Of the journal, whose records have the process in the place of the thread. */
static void test_no_thread(void)
{
	static const char first[] =
	        "2026-11-23 09:47:18.571+0000: 9: debug : virDomainCreate:1 : (VM: name=web, uuid=b)";
	static const char next[] = "2026-11-23 09:47:18.571+0000: 9: debug : virFileOpen:1 : open";
	VD_AUTO_WHOSE *w = vd_whose_new();
	struct vd_record record;

	if (!vd_record_parse(first, sizeof(first) - 1, 0, &record))
		abort();
	record.no_thread = true;
	tap_str(vd_whose_name(w, vd_whose_record(w, 0, &record)), "web", "no thread: the guest is named");
	if (!vd_record_parse(next, sizeof(next) - 1, 0, &record))
		abort();
	record.no_thread = true;
	tap_int(vd_whose_record(w, 0, &record), -1, "no thread: the next record is somebody else's");
}

static void test_short_job(void)
{
	VD_AUTO_WHOSE *w = vd_whose_new();

	owner(w, 1, "qemuDomainObjEnterMonitorInternal", "Entering monitor (mon=0x1 vm=0x2 name=web)");
	tap_str(owner(w, 1, "virDomainObjEndJob", "Stopping job: async nested (async=start vm=0x2 name=web)"), "web",
	        "without thread jobs: a nested job ends");
	tap_str(owner(w, 1, "f", "text"), "web", "without thread jobs: and the outer one goes on");
	owner(w, 1, "virDomainObjEndJob", "Stopping job: modify (async=none vm=0x2 name=web)");
	tap_str(owner(w, 1, "f", "text"), "-", "without thread jobs: until it ends, too");
}

static void test_wanted(void)
{
	VD_AUTO_WHOSE *w = vd_whose_new();
	struct vd_record record;
	static const char text[] =
	        "2026-11-23 09:47:18.571+0000: 9: error : f:1 : Domain not found: no domain with name 'my web'";
	static const char other[] = "2026-11-23 09:47:18.571+0000: 8: error : f:1 : no domain with name 'my web2'";

	vd_whose_want(w, "my web", NULL);
	tap_ok(vd_record_parse(text, sizeof(text) - 1, 0, &record) &&
	               vd_whose_wanted(w, vd_whose_record(w, 0, &record)),
	       "wanted: a record that quotes the name");
	tap_ok(vd_record_parse(other, sizeof(other) - 1, 0, &record) &&
	               !vd_whose_wanted(w, vd_whose_record(w, 0, &record)),
	       "wanted: not one that quotes a longer one");
	tap_str(owner(w, 3, "f", "Entering monitor (mon=0x5 vm=0x6 name=my web)"), "my web",
	        "wanted: a name with a blank");
	tap_int(vd_message_address(&(struct vd_slice){ "xvm=0x9 (vm=0x1f)", 17 }, "vm="), 0x1f,
	        "address: a whole word");
}

static void test_uuid(void)
{
	static const char uuid[] = "bbb157c8-a067-4473-9b89-023b40156935";
	VD_AUTO_WHOSE *w = vd_whose_new();
	struct vd_record record;
	char line[256];
	int n = snprintf(
	        line, sizeof(line),
	        "2026-11-23 09:47:18.571+0000: 9: debug : virDomainCreate:1 : dom=0x1, (VM: name=web, uuid=%s)", uuid);

	vd_whose_want(w, NULL, uuid);
	tap_ok(vd_record_parse(line, (size_t)n, 0, &record) && vd_whose_wanted(w, vd_whose_record(w, 0, &record)),
	       "uuid: the record that has it");
	tap_str(owner(w, 4, "f", "Entering monitor (mon=0x5 vm=0x6 name=web)"), "web", "uuid: tells the name");
	n = snprintf(line, sizeof(line), "2026-11-23 09:47:18.571+0000: 4: debug : f:1 : on it goes");
	tap_ok(vd_record_parse(line, (size_t)n, 0, &record) && vd_whose_wanted(w, vd_whose_record(w, 0, &record)),
	       "uuid: and so the thread that works for it");
}

/* Were each name looked for among all others, this would take minutes. */
static void test_many_names(void)
{
	VD_AUTO_WHOSE *w = vd_whose_new();
	unsigned good = 0;

	alarm(60);
	for (unsigned i = 0; i < 1000000; i++) {
		char message[64], name[16];

		snprintf(name, sizeof(name), "g%u", i < 30000 ? i : i % 5000);
		snprintf(message, sizeof(message), "vm=0x1 name=%s", name);
		good += !strcmp(owner(w, 1, "f", message), name);
	}
	alarm(0);
	tap_int(good, 990000, "twenty thousand guests have names; those beyond are nobody's");
}

int main(void)
{
	test_job();
	test_lookup();
	test_no_thread();
	test_short_job();
	test_wanted();
	test_uuid();
	test_many_names();
	return tap_done();
}
