/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's cgroup files, and /proc/PID/cgroup: any bytes, every parser. Numbers are never negative by overflow. */
#include "fuzz.h"

#include <errno.h>

#include "cgroup-parse.h"

static void check_numbers(const char *text, size_t len)
{
	int64_t n = -7, limit = -7;
	int r = vd_cgroup_parse_number(text, len, &n), q = vd_cgroup_parse_limit(text, len, &limit);

	FUZZ_CHECK(r == -EINVAL ? n == -7 : r == 0 && n >= 0, "number: returned %d, gave %lld", r, (long long)n);
	FUZZ_CHECK(q == -EINVAL ? limit == -7 : q == 0 && limit >= -1, "limit: returned %d, gave %lld", q,
	           (long long)limit);
	if (r == 0)
		FUZZ_CHECK(q == 0 && (limit == n || (limit == -1 && n >= INT64_C(1) << 62)), "number %lld, limit %lld",
		           (long long)n, (long long)limit);
	if (r == 0 && len < 18) {
		char copy[32];

		memcpy(copy, text, len);
		copy[len] = '\0';
		FUZZ_CHECK(strtoll(copy, NULL, 10) == n, "\"%s\" is not %lld", copy, (long long)n);
	}
}

static void check_stats(const char *text, size_t len)
{
	static const char *const keys[] = { "oom_kill", "usage_usec", "populated", "" };
	struct vd_cgroup_cpu_stat stat;
	double avg10 = -7;
	bool frozen;
	int r;

	vd_cgroup_parse_cpu_stat(text, len, &stat);
	FUZZ_CHECK(stat.usage_usec >= -1 && stat.nr_periods >= -1 && stat.nr_throttled >= -1 &&
	                   stat.throttled_usec >= -1,
	           "a field of cpu.stat is negative");
	r = vd_cgroup_parse_pressure(text, len, &avg10);
	FUZZ_CHECK(r == -EINVAL ? avg10 < -6 : avg10 >= 0 && avg10 < 1001, "pressure: returned %d, gave %g", r, avg10);
	r = vd_cgroup_parse_freezer(text, len, &frozen);
	FUZZ_CHECK(r == 0 || r == -EINVAL, "freezer: returned %d", r);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int64_t value = -7;

		r = vd_cgroup_parse_keyed(text, len, keys[i], &value);
		FUZZ_CHECK(r == 0 ? value >= 0 : value == -7, "%s: returned %d, gave %lld", keys[i], r,
		           (long long)value);
	}
}

static void check_lists(const char *text, size_t len)
{
	struct vd_cgroup_membership line;
	size_t pos = 0, before = 0;
	pid_t id;

	while (vd_cgroup_next_id(text, len, &pos, &id)) {
		FUZZ_CHECK(pos > before && pos <= len && id > 0, "id %d at %zu", (int)id, pos);
		before = pos;
	}
	for (pos = before = 0; vd_cgroup_next_membership(text, len, &pos, &line); before = pos) {
		const char *end = text + len;

		FUZZ_CHECK(pos > before && pos <= len && line.hierarchy >= 0, "hierarchy %d", line.hierarchy);
		FUZZ_CHECK(line.path.len && line.path.s[0] == '/' && line.path.s >= text &&
		                   line.path.s + line.path.len <= end,
		           "a path outside of the text");
		FUZZ_CHECK(!memchr(line.path.s, '\n', line.path.len) &&
		                   line.controllers.s + line.controllers.len < line.path.s,
		           "controllers and path overlap");
		vd_cgroup_list_has(&line.controllers, "memory");
	}
}

FUZZ_TARGET("cgroup-parse")
{
	check_numbers((const char *)data, size);
	check_stats((const char *)data, size);
	check_lists((const char *)data, size);
	return 0;
}
