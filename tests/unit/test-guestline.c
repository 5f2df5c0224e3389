/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a line of a guest's log is, line by line, and which starts they make. */
#include "guestboot.h"
#include "guestline.h"
#include "tap.h"

static void test_time(void)
{
	static const struct {
		const char *text;
		size_t used;
		int64_t time;
	} cases[] = {
		{ "2026-11-23 09:47:18.792+0000: starting up", 30, 1795427238792000 },
		{ "2026-11-23T09:47:28.538727Z qemu: x", 28, 1795427248538727 },
		{ "2026-11-23 09:47:18.792+0230: x", 30, 1795418238792000 },
		{ "2026-11-23 09:47:18.792: x", 25, 1795427238792000 },
		{ "2026-11-23 9:7:1.5: x", 20, 1795424821500000 },
		{ "[2026-11-23T09:47:28Z ERROR virtiofsd] x", 22, 1795427248000000 },
		{ "1969-12-31 23:59:59.999+0000: x", 30, -1000 },
		{ "2000-02-29 00:00:00+0000: x", 26, 951782400000000 },
		{ "2026-13-23 09:47:18.792+0000: x", 0, 0 },
		{ "2026-11-23 24:47:18.792+0000: x", 0, 0 },
		{ "2026-11-23 09:47", 0, 0 },
		{ "2026-11-23: x", 0, 0 },
		{ "2026-11-23 09:47:18x", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		int64_t time = 0;

		tap_int(vd_guestline_time(cases[i].text, strlen(cases[i].text), &time), cases[i].used,
		        "time: '%s' -> bytes", cases[i].text);
		tap_int(time, cases[i].time, "time: '%s' -> microseconds", cases[i].text);
	}
}

/* Lines in order; each with the kind and level that it should get. */
struct expected {
	const char *text;
	enum vd_guestline_kind kind;
	int level;
};

static void check_lines(const char *what, enum vd_driver driver, const struct expected *lines, size_t n)
{
	struct vd_guestline_state state;
	struct vd_guestline line;

	vd_guestline_init(&state, driver, VD_KIND_START);
	for (size_t i = 0; i < n; i++) {
		vd_guestline_next(&state, lines[i].text, strlen(lines[i].text), &line);
		tap_str(vd_guestline_kind_name(line.kind), vd_guestline_kind_name(lines[i].kind), "%s: '%.60s' -> kind",
		        what, lines[i].text);
		tap_int(line.level, lines[i].level, "%s: '%.60s' -> level", what, lines[i].text);
	}
}

static void test_blocks(void)
{
	static const struct expected quoted[] = {
		{ "2026-11-20 10:00:00.000+0000: starting up libvirt version: 9.0.0", VD_KIND_START, 2 },
		{ "LC_ALL=C \\", VD_KIND_ENV, 2 },
		{ "FOO='two \\", VD_KIND_ENV, 2 },
		{ "/lines' \\", VD_KIND_ENV, 2 },
		{ "2026-11-20 10:00:00.001+0000: 7: info : virObjectUnref:378 : x", VD_KIND_LIBVIRT, 2 },
		{ "/usr/bin/qemu-system-x86_64 \\", VD_KIND_ARGV, 2 },
		{ "libvirt:  error : cannot do it", VD_KIND_LIBVIRT, 4 },
		{ "-append 'it'\\''s", VD_KIND_ARGV, 2 },
		{ "", VD_KIND_ARGV, 2 },
		{ "shutting down' \\", VD_KIND_ARGV, 2 },
		{ "A=b \\", VD_KIND_ARGV, 2 },
		{ "-msg timestamp=on", VD_KIND_ARGV, 2 },
		{ "A=b \\", VD_KIND_QEMU, 2 },
		{ "2026-11-20 10:00:01.000+0000: shutting down, reason=failed", VD_KIND_SHUTDOWN, 4 },
		{ "late words", VD_KIND_OTHER, 2 },
		{ "A=b \\", VD_KIND_ENV, 2 },
	};
	static const struct expected no_block[] = {
		{ "2026-11-20 10:00:00.000+0000: starting up", VD_KIND_START, 2 },
		{ "char device redirected to /dev/pts/0 (label charserial0)", VD_KIND_CHARDEV, 2 },
		{ "2026-11-20 10:00:00.000+0000: starting upwards", VD_KIND_LIBVIRT, 2 },
		{ "2026-11-20T10:00:02.000000Z q: info: x", VD_KIND_QEMU, 2 },
		{ "2026-11-20T10:00:02.000000Z q: terminating on signal 15 from pid 1 (x)", VD_KIND_QEMU, 2 },
	};
	static const struct expected cut[] = {
		{ "mat\":\"raw\"}' \\", VD_KIND_ARGV, 2 },
		{ "-msg timestamp=on", VD_KIND_ARGV, 2 },
		{ "qemu-kvm: x", VD_KIND_QEMU_ERROR, 4 },
	};
	static const struct expected lxc[] = {
		{ "2026-11-20 10:00:00.000+0000: starting up", VD_KIND_START, 2 },
		{ "PATH=/bin LIBVIRT_DEBUG=3 /usr/lib/libvirt/libvirt_lxc --name c1", VD_KIND_ARGV, 2 },
		{ "PATH=/bin TERM=linux container=lxc-libvirt HOME=/ /sbin/init", VD_KIND_ARGV, 2 },
		{ "Failure in libvirt_lxc startup: no", VD_KIND_CONTAINER, 4 },
		{ "words", VD_KIND_CONTAINER, 2 },
		{ "", VD_KIND_OTHER, 2 },
	};

	check_lines("quoted", VD_DRIVER_QEMU, quoted, VD_ARRAY_SIZE(quoted));
	check_lines("no block", VD_DRIVER_QEMU, no_block, VD_ARRAY_SIZE(no_block));
	check_lines("cut", VD_DRIVER_QEMU, cut, VD_ARRAY_SIZE(cut));
	check_lines("lxc", VD_DRIVER_LXC, lxc, VD_ARRAY_SIZE(lxc));
}

static void feed(struct vd_boots *boots, struct vd_guestline_state *state, const char *text)
{
	struct vd_guestline line;

	vd_guestline_next(state, text, strlen(text), &line);
	if (vd_boots_line(boots, &line, text, strlen(text)) < 0)
		tap_ok(false, "out of memory");
}

static void test_boots(void)
{
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	struct vd_guestline_state state;
	VD_AUTO_BUF reason = VD_BUF_INIT;
	char text[120];

	vd_guestline_init(&state, VD_DRIVER_QEMU, VD_KIND_START);
	vd_boots_init(&boots, VD_DRIVER_QEMU, false);
	for (int i = 0; i < 1000; i++) {
		feed(&boots, &state, "2026-11-20 10:00:00.000+0000: starting up libvirt version: 9.0.0, package: x");
		for (int k = 0; k < 100; k++) {
			snprintf(text, sizeof(text), "2026-11-20 10:00:00.000+0000: Domain id=1 is tainted: t%d (x)",
			         k);
			feed(&boots, &state, text);
		}
	}
	tap_int(vd_boots_count(&boots), 1000, "boots: a thousand starts -> counted");
	tap_int(boots.len, 2, "boots: not asked to keep them -> two are");
	tap_int(boots.items[1].taints.len, 64, "boots: invented taints -> bounded");
	tap_str(boots.items[1].taints.items[1], "t1", "boots: a taint -> without what stands in parentheses");
	vd_boot_reason(&boots.items[0], VD_DRIVER_QEMU, false, &reason);
	tap_str(vd_buf_str(&reason), "lost", "boots: another start follows -> lost");
	feed(&boots, &state, "2026-11-20T10:00:01.000000Z qemu: terminating on signal 1 from pid 5 (sh)");
	feed(&boots, &state, "2026-11-20 10:00:02.000+0000: shutting down, reason=shutdown");
	vd_boot_reason(&boots.items[1], VD_DRIVER_QEMU, true, &reason);
	tap_str(vd_buf_str(&reason), "shutdown: SIGHUP", "boots: ended by a signal -> its name");
}

int main(void)
{
	test_time();
	test_blocks();
	test_boots();
	return tap_done();
}
