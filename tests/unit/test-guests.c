/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects lib/guests: all guests of a host are found, whatever their names, one broken file hides no other, a process
 * is only believed when it is the guest's, and a name means one guest.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guests.h"
#include "tap.h"

#define ZOO "tests/hosts/guests-zoo"

/* One line a guest, for a comparison as a whole. */
static void describe(const struct vd_guests *guests, struct vd_buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < guests->len && rc == 0; i++) {
		const struct vd_guest *g = &guests->items[i];

		rc = vd_buf_addf(out, "%s|%s|%s|%d|%lld|%s%s%s%s|%s|%s\n", vd_driver_name(vd_guest_domain(g)->driver),
		                 vd_guest_name(g), vd_guest_state_text(g), (int)g->pid, (long long)g->since,
		                 g->config ? "c" : "", g->status ? "s" : "", g->autostart ? "a" : "",
		                 g->managed_save ? "m" : "", g->config_path ? g->config_path : "-",
		                 g->status_path ? g->status_path : "-");
	}
	for (size_t i = 0; i < guests->n_problems && rc == 0; i++) {
		/* What libxml2 says of broken XML is its own and changes; the line does not. */
		const char *why = guests->problems[i].why;
		bool broken = strstr(guests->problems[i].path, "broken.xml") != NULL;

		rc = vd_buf_addf(out, "problem|%d|%s|%.*s\n", guests->problems[i].code, guests->problems[i].path,
		                 (int)(broken ? strcspn(why, ":") : strlen(why)), why);
	}
	if (rc < 0)
		vd_buf_clear(out);
}

static void test_zoo(void)
{
	static const char wanted[] =
	        "qemu|7|shut off|0|0|c|/etc/libvirt/qemu/7.xml|-\n"
	        "qemu|a.b-c|shut off|0|0|c|/etc/libvirt/qemu/a.b-c.xml|-\n"
	        "qemu|both|shut off|0|0|c|/etc/libvirt/qemu/both.xml|-\n"
	        "qemu|b\xc3\xbcro|shut off|0|0|cm|/etc/libvirt/qemu/b\xc3\xbcro.xml|-\n"
	        "qemu|db1|running|4711|1795402981|cs|/etc/libvirt/qemu/db1.xml|/run/libvirt/qemu/db1.xml\n"
	        "qemu|renamed|shut off|0|0|c|/etc/libvirt/qemu/other-name.xml|-\n"
	        "qemu|transient one|paused|4712|0|s|-|/run/libvirt/qemu/transient one.xml\n"
	        "qemu|twin|shut off|0|0|c|/etc/libvirt/qemu/twin.xml|-\n"
	        "qemu|web 01|shut off|0|0|ca|/etc/libvirt/qemu/web 01.xml|-\n"
	        "lxc|both|shut off|0|0|c|/etc/libvirt/lxc/both.xml|-\n"
	        "lxc|c1|running|653|0|cs|/etc/libvirt/lxc/c1.xml|/run/libvirt/lxc/c1.xml\n"
	        "problem|74|/etc/libvirt/qemu/broken.xml|line 4\n"
	        "problem|74|/etc/libvirt/qemu/container.xml|describes a guest of type 'lxc', which belongs elsewhere\n"
	        "problem|74|/etc/libvirt/qemu/empty.xml|line 1: the file is empty\n"
	        "problem|74|/etc/libvirt/qemu/status-here.xml|the outermost element is not <domain>\n"
	        "problem|95|/etc/libvirt/qemu/xen.xml|line 1: domain type 'xen' is neither of the qemu nor of the lxc "
	        "driver\n"
	        "problem|17|/etc/libvirt/qemu/a-twin.xml|describes the guest 'twin', as /etc/libvirt/qemu/twin.xml "
	        "does already\n"
	        "problem|74|/run/libvirt/lxc/plain.xml|the outermost element is not <domstatus>\n";
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_BUF got = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = vd_root_open(ZOO, 0, &root, &err);

	if (rc == 0)
		rc = vd_guests_load(root, &(struct vd_guests_options){ 0 }, &guests, &err);
	if (!tap_ok(rc == 0, "the zoo is loaded %s", rc < 0 ? vd_err_text(&err) : ""))
		return;
	describe(&guests, &got);
	tap_str(vd_buf_str(&got), wanted, "odd names, broken files, duplicates, transient and running guests");
	tap_int(guests.session, false, "not a session");
}

/* On a live host the status XML is believed only when the process is there and is the guest's. */
static void test_stale(void)
{
	static const char live[] = "qemu|ended|shut off|0|0|s|-|/run/libvirt/qemu/ended.xml\n"
	                           "qemu|gone|stale|0|0|cs|/etc/libvirt/qemu/gone.xml|/run/libvirt/qemu/gone.xml\n"
	                           "qemu|nopid|stale|0|0|s|-|/run/libvirt/qemu/nopid.xml\n"
	                           "qemu|reused|stale|0|0|s|-|/run/libvirt/qemu/reused.xml\n"
	                           "qemu|runs|running|100|0|s|-|/run/libvirt/qemu/runs.xml\n"
	                           "qemu|zombie|stale|0|0|s|-|/run/libvirt/qemu/zombie.xml\n"
	                           "lxc|box|running|104|0|s|-|/run/libvirt/lxc/box.xml\n";
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_BUF got = VD_BUF_INIT;
	int rc = vd_root_open("tests/hosts/guests-live", VD_ROOT_LIVE, &root, NULL);

	if (rc == 0)
		rc = vd_guests_load(root, &(struct vd_guests_options){ 0 }, &guests, NULL);
	if (!tap_ok(rc == 0, "the live host is loaded"))
		return;
	describe(&guests, &got);
	tap_str(vd_buf_str(&got), live, "gone, reused and dead processes are stale");
	tap_ok(guests.len > 1 && vd_guest_domain(&guests.items[1]) == guests.items[1].config,
	       "a stale guest is described by its configuration");
}

static void test_session(void)
{
	static const char wanted[] = "qemu|desk|running|2000|0|csam|/home/alice/.config/libvirt/qemu/desk.xml|"
	                             "/run/user/1000/libvirt/qemu/run/desk.xml\n";
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_BUF got = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_guests_options options = { .session_user = "alice", .use_session = true };
	int rc = vd_root_open(ZOO, 0, &root, &err);

	if (rc == 0)
		rc = vd_guests_load(root, &options, &guests, &err);
	if (!tap_ok(rc == 0, "the session is loaded %s", rc < 0 ? vd_err_text(&err) : ""))
		return;
	describe(&guests, &got);
	tap_str(vd_buf_str(&got), wanted, "the guests of a user's session");
	tap_int(guests.session, true, "a session");
	options.session_user = "nobody-at-all";
	vd_guests_release(&guests);
	tap_int(vd_guests_load(root, &options, &guests, &err), -ENOENT, "the session of an unknown user -> -ENOENT");
	tap_int(guests.len, 0, "then nothing is loaded");
}

static void test_find(void)
{
	static const struct {
		const char *spec;
		size_t n;
		const char *name;
		enum vd_driver driver;
	} cases[] = {
		{ "db1", 1, "db1", VD_DRIVER_QEMU },
		{ "qemu:db1", 1, "db1", VD_DRIVER_QEMU },
		{ "lxc:db1", 0, NULL, 0 },
		{ "both", 2, "both", VD_DRIVER_QEMU },
		{ "lxc:both", 1, "both", VD_DRIVER_LXC },
		{ "qemu:both", 1, "both", VD_DRIVER_QEMU },
		{ "00000000-0000-4000-8000-000000000007", 1, "db1", VD_DRIVER_QEMU },
		{ "00000000000040008000000000000102", 1, "c1", VD_DRIVER_LXC },
		{ "00000000-0000-4000-8000-000000000011", 1, "transient one", VD_DRIVER_QEMU },
		{ "00000000-0000-4000-8000-00000000000", 0, NULL, 0 },
		{ "12", 1, "transient one", VD_DRIVER_QEMU },
		{ "653", 1, "c1", VD_DRIVER_LXC },
		{ "7", 1, "7", VD_DRIVER_QEMU },
		{ "-1", 0, NULL, 0 },
		{ "web 01", 1, "web 01", VD_DRIVER_QEMU },
		{ "b\xc3\xbcro", 1, "b\xc3\xbcro", VD_DRIVER_QEMU },
		{ "other-name", 0, NULL, 0 },
		{ "DB1", 0, NULL, 0 },
		{ "", 0, NULL, 0 },
		{ "qemu:", 0, NULL, 0 },
	};
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	const struct vd_guest *matches[2];
	const char *names[3] = { NULL };
	int rc = vd_root_open(ZOO, 0, &root, NULL);

	if (rc == 0)
		rc = vd_guests_load(root, &(struct vd_guests_options){ 0 }, &guests, NULL);
	if (!tap_ok(rc == 0, "the zoo is loaded"))
		return;
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		size_t n = vd_guests_find(&guests, cases[i].spec, matches, 2);

		tap_int(n, cases[i].n, "'%s' is %zu guests", cases[i].spec, cases[i].n);
		if (n && cases[i].n)
			tap_ok(!strcmp(vd_guest_name(matches[0]), cases[i].name) &&
			               vd_guest_domain(matches[0])->driver == cases[i].driver,
			       "'%s' is %s of %s", cases[i].spec, cases[i].name, vd_driver_name(cases[i].driver));
	}
	tap_int(vd_guests_find(&guests, "both", matches, 0), 2, "no room for matches: they are counted all the same");
	tap_int(vd_guests_suggest(&guests, "bd1", names, 3), 2, "two suggestions for bd1");
	tap_ok(!strcmp(names[0], "db1") || !strcmp(names[1], "db1"), "two letters swapped: db1 is among them");
	tap_int(vd_guests_suggest(&guests, "transient-one", names, 3), 1, "one suggestion for transient-one");
	tap_str(names[0], "transient one", "a dash for a blank");
	tap_int(vd_guests_suggest(&guests, "TWIN", names, 3), 1, "one suggestion for TWIN");
	tap_str(names[0], "twin", "case does not matter");
	tap_int(vd_guests_suggest(&guests, "completely-different", names, 3), 0, "nothing similar -> none");
}

static void test_cmdline(void)
{
	static const struct {
		const char *what, *name;
		enum vd_driver driver;
		bool wanted;
		const char *cmdline; /* | for the NUL between arguments */
	} cases[] = {
		{ "guest=", "a", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|guest=a,debug-threads=on|-S|" },
		{ "no further option", "a", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|guest=a|" },
		{ "last argument cut off", "a", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-S|-name|guest=a|" },
		{ "old form", "a", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|a|-S|" },
		{ "old form with option", "a", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|a,process=x|" },
		{ "another guest", "a", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-name|guest=ab,debug-threads=on|" },
		{ "a shorter name", "ab", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-name|guest=a,debug-threads=on|" },
		{ "comma in the name", "a,b", VD_DRIVER_QEMU, true,
		  "/usr/bin/qemu|-name|guest=a,,b,debug-threads=on|" },
		{ "single comma ends the name", "a,b", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-name|guest=a,b|" },
		{ "doubled comma goes on", "a", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-name|guest=a,,b|" },
		{ "comma at the end", "a,", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|guest=a,,|" },
		{ "blank in the name", "web 01", VD_DRIVER_QEMU, true, "/usr/bin/qemu|-name|guest=web 01,x=y|" },
		{ "name of another option", "a", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-id|guest=a|" },
		{ "another program", "a", VD_DRIVER_QEMU, false, "/bin/sleep|100|" },
		{ "a zombie", "a", VD_DRIVER_QEMU, false, "" },
		{ "option without value", "a", VD_DRIVER_QEMU, false, "/usr/bin/qemu|-name|" },
		{ "program called like the option", "a", VD_DRIVER_QEMU, false, "-name|guest=a|" },
		{ "container", "c1", VD_DRIVER_LXC, true, "/usr/lib/libvirt/libvirt_lxc|--name|c1|--console|39|" },
		{ "another container", "c1", VD_DRIVER_LXC, false, "/usr/lib/libvirt/libvirt_lxc|--name|c12|" },
		{ "container, QEMU's option", "c1", VD_DRIVER_LXC, false, "/usr/lib/libvirt/libvirt_lxc|-name|c1|" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF line = VD_BUF_INIT;
		bool got;

		if (vd_buf_adds(&line, cases[i].cmdline) < 0)
			return;
		for (size_t j = 0; j < line.len; j++)
			if (line.data[j] == '|')
				line.data[j] = '\0';
		got = vd_cmdline_is_guest(cases[i].driver, line.data ? line.data : "", line.len, cases[i].name);
		tap_int(got, cases[i].wanted, "%s -> %s", cases[i].what, cases[i].wanted ? "the guest's" : "not");
	}
}

static int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	int rc = f && fputs(text, f) >= 0 ? 0 : -1;

	if (f && fclose(f) != 0)
		rc = -1;
	return rc;
}

/*
 * A process that looks like a guest's, and one that does not: "sh -c ... sh -name guest=NAME". The root is the machine
 * itself, because a status XML is only compared with processes where they are alive.
 */
static void test_process(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	time_t boot = 0, since = 0, now = time(NULL);
	int ready[2], hold[2];
	pid_t pid;
	char c;

	if (!tap_ok(vd_root_open(NULL, 0, &root, NULL) == 0 && pipe(ready) == 0 && pipe(hold) == 0,
	            "this machine is opened"))
		return;
	pid = fork();
	if (pid == 0) {
		dup2(hold[0], STDIN_FILENO);
		dup2(ready[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", "echo; read x", "sh", "-name", "guest=vd-test-guest,x=y", (char *)NULL);
		_exit(127);
	}
	tap_ok(pid > 0 && read(ready[0], &c, 1) == 1, "a process like a guest's runs");
	tap_int(vd_guest_process(root, pid, VD_DRIVER_QEMU, "vd-test-guest"), 1, "its command line is the guest's");
	tap_int(vd_guest_process(root, pid, VD_DRIVER_QEMU, "vd-test-gues"), 0, "but not another's");
	tap_int(vd_guest_process(root, getpid(), VD_DRIVER_QEMU, "vd-test-guest"), 0, "this program is not the guest");
	tap_int(vd_boot_time(root, &boot), 0, "boot time");
	tap_int(vd_process_since(root, pid, boot, &since), 0, "start time");
	tap_ok(since >= now - 5 && since <= now + 5, "it has just been started (%lld, now %lld)", (long long)since,
	       (long long)now);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_int(vd_guest_process(root, pid, VD_DRIVER_QEMU, "vd-test-guest"), 0, "gone: not the guest's");
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
	close(hold[1]);
}

/* A thousand guests and a few huge or strange files beside them. */
static void test_many(void)
{
	char dir[] = "/tmp/virtdiag-test-guests-XXXXXX", path[512];
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_BUF huge = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = mkdtemp(dir) ? 0 : -1;
	static const char *const subdirs[] = { "/etc", "/etc/libvirt", "/etc/libvirt/qemu",
		                               "/etc/libvirt/qemu/dir.xml" };
	size_t sorted = 1;

	for (size_t i = 0; i < VD_ARRAY_SIZE(subdirs) && rc == 0; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, subdirs[i]);
		rc = mkdir(path, 0700);
	}
	for (int i = 0; i < 1000 && rc == 0; i++) {
		char xml[256];

		snprintf(path, sizeof(path), "%s/etc/libvirt/qemu/g%d.xml", dir, i);
		snprintf(xml, sizeof(xml), "<domain type='kvm'><name>g%d</name></domain>", i);
		rc = write_file(path, xml);
	}
	rc = rc == 0 ? vd_buf_adds(&huge, "<domain type='kvm'><name>huge</name><!--") : rc;
	while (rc == 0 && huge.len <= VD_MAX_XML)
		rc = vd_buf_adds(&huge, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	rc = rc == 0 ? vd_buf_adds(&huge, "--></domain>") : rc;
	snprintf(path, sizeof(path), "%s/etc/libvirt/qemu/huge.xml", dir);
	rc = rc == 0 ? write_file(path, vd_buf_str(&huge)) : rc;
	snprintf(path, sizeof(path), "%s/etc/libvirt/qemu/pipe.xml", dir);
	rc = rc == 0 ? mkfifo(path, 0600) : rc;
	snprintf(path, sizeof(path), "%s/etc/libvirt/qemu/nul.xml", dir);
	rc = rc == 0 ? write_file(path, "<domain type='kvm'><name>nul</name>\xc0\x80</domain>") : rc;
	if (rc == 0)
		rc = vd_root_open(dir, 0, &root, &err);
	if (rc == 0)
		rc = vd_guests_load(root, &(struct vd_guests_options){ 0 }, &guests, &err);
	tap_int(rc, 0, "a large host is loaded");
	tap_int(guests.len, 1000, "1000 guests");
	while (sorted < guests.len &&
	       strcmp(vd_guest_name(&guests.items[sorted - 1]), vd_guest_name(&guests.items[sorted])) < 0)
		sorted++;
	tap_int(sorted, guests.len, "sorted by name");
	tap_int(guests.n_problems, 4, "a directory, a FIFO, a huge file and a broken one are problems");
	for (size_t i = 0; i < guests.n_problems; i++)
		tap_ok(guests.problems[i].code > 0 && *guests.problems[i].why, "%s", guests.problems[i].why);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	tap_int(system(path), 0, "cleaned up");
}

/* Times of a capture are what it says. */
static void test_late_process(void)
{
	char dir[] = "/tmp/virtdiag-test-guests-XXXXXX", path[256];
	VD_AUTO_ROOT struct vd_root *root = NULL;
	time_t boot = 0, since = 0;
	int rc = mkdtemp(dir) ? 0 : -1;

	for (int i = 0; i < 2 && rc == 0; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, i ? "/proc/7" : "/proc");
		rc = mkdir(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/proc/stat", dir);
	rc = rc == 0 ? write_file(path, "cpu 1\nbtime 9223372036854775807\n") : rc;
	snprintf(path, sizeof(path), "%s/proc/7/stat", dir);
	rc = rc == 0 ? write_file(path, "7 (q) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 100 20\n") : rc;
	rc = rc == 0 ? vd_root_open(dir, 0, &root, NULL) : rc;
	tap_int(rc, 0, "a host that booted at the end of time");
	if (rc == 0) {
		tap_int(vd_boot_time(root, &boot), 0, "... tells so");
		tap_int(vd_process_since(root, 7, boot, &since), -EBADMSG, "... a process cannot be younger");
	}
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	tap_int(system(path), 0, "cleaned up");
}

static void test_empty_host(void)
{
	char dir[] = "/tmp/virtdiag-test-guests-XXXXXX";
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	int rc = mkdtemp(dir) ? vd_root_open(dir, 0, &root, NULL) : -1;

	if (rc == 0)
		rc = vd_guests_load(root, &(struct vd_guests_options){ 0 }, &guests, NULL);
	tap_int(rc, 0, "a host without libvirt is no error");
	tap_int(guests.len + guests.n_problems, 0, "and has neither guests nor problems");
	rmdir(dir);
}

int main(void)
{
	test_zoo();
	test_stale();
	test_session();
	test_find();
	test_cmdline();
	test_process();
	test_many();
	test_late_process();
	test_empty_host();
	return tap_done();
}
