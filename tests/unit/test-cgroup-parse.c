/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects the parsers of cgroup files: real contents of both versions, and broken, huge and hostile ones. */
#include "cgroup-parse.h"

#include <errno.h>
#include <math.h>

#include "tap.h"

static void test_numbers(void)
{
	static const struct {
		const char *text;
		int r;
		int64_t number;
	} cases[] = {
		{ "33554432\n", 0, 33554432 },
		{ "0\n", 0, 0 },
		{ "7", 0, 7 },
		{ "99999999999999999999\n", 0, INT64_MAX },
		{ "9223372036854775807\n", 0, INT64_MAX },
		{ "", -EINVAL, 0 },
		{ "\n", -EINVAL, 0 },
		{ "12x\n", -EINVAL, 0 },
		{ "-1\n", -EINVAL, 0 },
		{ "1\n2\n", -EINVAL, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		int64_t n = -7;
		int r = vd_cgroup_parse_number(cases[i].text, strlen(cases[i].text), &n);

		tap_int(r, cases[i].r, "number %zu: verdict", i);
		tap_int(n, cases[i].r ? -7 : cases[i].number, "number %zu: value", i);
	}
}

static void test_limits(void)
{
	static const struct {
		const char *text;
		int r;
		int64_t limit;
	} cases[] = {
		{ "max\n", 0, -1 },
		{ "67108864\n", 0, 67108864 },
		{ "9223372036854771712\n", 0, -1 },
		{ "9223372036854710272\n", 0, -1 }, /* pages of 64 KiB */
		{ "-1\n", 0, -1 },
		{ "4611686018427387903\n", 0, INT64_C(4611686018427387903) },
		{ "maximum\n", -EINVAL, 0 },
		{ "-\n", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		int64_t n = -7;
		int r = vd_cgroup_parse_limit(cases[i].text, strlen(cases[i].text), &n);

		tap_int(r, cases[i].r, "limit %zu: verdict", i);
		tap_int(n, cases[i].r ? -7 : cases[i].limit, "limit %zu: value", i);
	}
}

static void test_keyed(void)
{
	static const char events[] = "low 0\nhigh 3\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n";
	static const char control[] = "oom_kill_disable 0\nunder_oom 0\noom_kill 5";
	static const char broken[] = "oom_kill\noom_kill_x 4\nfrozen one\n";
	int64_t n = -7;

	tap_int(vd_cgroup_parse_keyed(events, strlen(events), "oom_kill", &n), 0, "memory.events: has oom_kill");
	tap_int(n, 1, "memory.events: oom_kill is not oom");
	tap_int(vd_cgroup_parse_keyed(control, strlen(control), "oom_kill", &n), 0, "memory.oom_control: last line");
	tap_int(n, 5, "memory.oom_control: oom_kill is not oom_kill_disable");
	tap_int(vd_cgroup_parse_keyed(events, strlen(events), "populated", &n), -ENOENT, "a key that is absent");
	tap_int(vd_cgroup_parse_keyed(broken, strlen(broken), "oom_kill", &n), -EINVAL, "a key without a value");
	tap_int(vd_cgroup_parse_keyed(broken, strlen(broken), "frozen", &n), -EINVAL, "a value that is no number");
	tap_int(vd_cgroup_parse_keyed("", 0, "x", &n), -ENOENT, "an empty file");
	tap_int(n, 5, "failures leave the result alone");
}

static void test_cpu_stat(void)
{
	static const char v2[] = "usage_usec 9845083\nuser_usec 5316068\nsystem_usec 4529014\nnr_periods 186\n"
	                         "nr_throttled 11\nthrottled_usec 242132\nnr_bursts 0\nburst_usec 0\n";
	static const char v1[] = "nr_periods 186\nnr_throttled 11\nthrottled_time 242132850\nnr_bursts 0\n";
	static const char odd[] = "usage_usec -4\n\nnr_periods x\nnr_throttled";
	struct vd_cgroup_cpu_stat s;

	vd_cgroup_parse_cpu_stat(v2, strlen(v2), &s);
	tap_int(s.usage_usec, 9845083, "v2: usage");
	tap_int(s.nr_periods, 186, "v2: periods");
	tap_int(s.nr_throttled, 11, "v2: throttled periods");
	tap_int(s.throttled_usec, 242132, "v2: throttled time");
	vd_cgroup_parse_cpu_stat(v1, strlen(v1), &s);
	tap_int(s.usage_usec, -1, "v1: no usage");
	tap_int(s.nr_throttled, 11, "v1: throttled periods");
	tap_int(s.throttled_usec, 242132, "v1: throttled time, from nanoseconds");
	vd_cgroup_parse_cpu_stat(odd, strlen(odd), &s);
	tap_ok(s.usage_usec == -1 && s.nr_periods == -1 && s.nr_throttled == -1, "odd values stay absent");
	vd_cgroup_parse_cpu_stat("", 0, &s);
	tap_int(s.usage_usec, -1, "an empty file");
}

static void test_pressure(void)
{
	static const struct {
		const char *text;
		int r;
		double avg10;
	} cases[] = {
		{ "some avg10=0.76 avg60=0.90 avg300=0.30 total=1166855\nfull avg10=0.07 avg60=0.12\n", 0, 0.76 },
		{ "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", 0, 0 },
		{ "some avg10=100.00 avg60=0.00\n", 0, 100 },
		{ "some avg10=31.05", 0, 31.05 },
		{ "full avg10=1.00 avg60=1.00\n", -EINVAL, 0 },
		{ "some avg10=", -EINVAL, 0 },
		{ "some avg10=5", -EINVAL, 0 },
		{ "some avg10=5.", -EINVAL, 0 },
		{ "some avg10=5.1 avg60", -EINVAL, 0 },
		{ "some avg10=99999999999999999999.00", -EINVAL, 0 },
		{ "some avg10=nan", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		double d = -7;
		int r = vd_cgroup_parse_pressure(cases[i].text, strlen(cases[i].text), &d);

		tap_int(r, cases[i].r, "pressure %zu: verdict", i);
		tap_ok(fabs(d - (cases[i].r ? -7 : cases[i].avg10)) < 1e-9, "pressure %zu: value", i);
	}
}

static void test_freezer(void)
{
	bool frozen = false;

	tap_int(vd_cgroup_parse_freezer("THAWED\n", 7, &frozen), 0, "THAWED is known");
	tap_ok(!frozen, "THAWED is not frozen");
	tap_int(vd_cgroup_parse_freezer("FREEZING\n", 9, &frozen), 0, "FREEZING is known");
	tap_ok(frozen, "FREEZING counts as frozen");
	tap_int(vd_cgroup_parse_freezer("FROZEN", 6, &frozen), 0, "FROZEN without a newline");
	tap_int(vd_cgroup_parse_freezer("frozen\n", 7, &frozen), -EINVAL, "another word");
	tap_int(vd_cgroup_parse_freezer("", 0, &frozen), -EINVAL, "an empty file");
}

static void test_ids(void)
{
	static const char text[] = "492\n0\n-3\nx\n\n497\n99999999999\n500";
	size_t pos = 0;
	pid_t id = 0;

	tap_int(vd_cgroup_next_id(text, strlen(text), &pos, &id), 1, "ids: the first");
	tap_int(id, 492, "ids: its value");
	tap_int(vd_cgroup_next_id(text, strlen(text), &pos, &id), 1, "ids: what is no id is passed over");
	tap_int(id, 497, "ids: the second");
	tap_int(vd_cgroup_next_id(text, strlen(text), &pos, &id), 1, "ids: one without a newline");
	tap_int(id, 500, "ids: the third");
	tap_int(vd_cgroup_next_id(text, strlen(text), &pos, &id), 0, "ids: the end");
}

static void test_membership(void)
{
	static const char text[] = "9:name=systemd:/\n"
	                           "bad\n"
	                           "4:memory\n"
	                           "1:cpu,cpuacct:/machine/a:b.libvirt-qemu/emulator\n"
	                           "0::/machine.slice/machine-qemu\\x2d1\\x2dg1.scope\n"
	                           "3::relative\n"
	                           "12:";
	struct vd_cgroup_membership m;
	size_t pos = 0;

	tap_int(vd_cgroup_next_membership(text, strlen(text), &pos, &m), 1, "membership: a named hierarchy");
	tap_ok(m.hierarchy == 9 && vd_field_is(&m.controllers, "name=systemd") && vd_field_is(&m.path, "/"),
	       "membership: its fields");
	tap_int(vd_cgroup_next_membership(text, strlen(text), &pos, &m), 1,
	        "membership: malformed ones are passed over");
	tap_ok(vd_field_is(&m.path, "/machine/a:b.libvirt-qemu/emulator"), "membership: a path with a colon");
	tap_ok(vd_cgroup_list_has(&m.controllers, "cpuacct") && vd_cgroup_list_has(&m.controllers, "cpu"),
	       "membership: co-mounted controllers are both there");
	tap_ok(!vd_cgroup_list_has(&m.controllers, "cpua") && !vd_cgroup_list_has(&m.controllers, ""),
	       "membership: a part of a word is no controller");
	tap_int(vd_cgroup_next_membership(text, strlen(text), &pos, &m), 1, "membership: v2");
	tap_ok(m.hierarchy == 0 && !m.controllers.len, "membership: v2 has no controllers");
	tap_int(vd_cgroup_next_membership(text, strlen(text), &pos, &m), 0, "membership: the end");
}

int main(void)
{
	test_numbers();
	test_limits();
	test_keyed();
	test_cpu_stat();
	test_pressure();
	test_freezer();
	test_ids();
	test_membership();
	return tap_done();
}
