/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time as people write them. */
#include "tap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "when.h"

/* 2026-11-23 10:04:54.5 UTC, a Monday; in Berlin it is 11:04. */
#define NOW 1795428294500000

static const struct {
	const char *text;
	int64_t wanted; /* microseconds since the epoch; negative: the error */
} cases[] = {
	{ "now", NOW },
	{ "@1795428451", 1795428451000000 },
	{ "@1.25", 1250000 },
	{ "-1h", NOW - 3600000000 },
	{ "+5min", NOW + 300000000 },
	{ "1h 30min ago", NOW - 5400000000 },
	{ "2 days ago", NOW - 172800000000 },
	{ "2026-11-23 03:02:01", 1795399321000000 },
	{ "2026-11-23T03:02:01.5", 1795399321500000 },
	{ "2026-11-23 03:02", 1795399320000000 },
	{ "2026-11-23", 1795388400000000 },
	{ "2026-11-23 UTC", 1795392000000000 },
	{ "2026-11-23 03:02:01 UTC", 1795402921000000 },
	{ "2026-11-23T03:02:01Z", 1795402921000000 },
	{ "2026-11-23 03:02:01+02:00", 1795395721000000 },
	{ "2026-11-23 03:02:01 -0330", 1795415521000000 },
	{ "03:02", 1795399320000000 },
	{ "today", 1795388400000000 },
	{ "yesterday", 1795302000000000 },
	{ "yesterday 12:00", 1795345200000000 },
	{ "tomorrow", 1795474800000000 },
	{ "2026-07-01 00:00", 1782856800000000 }, /* summer time */
	{ "2024-02-29", 1709161200000000 },
	{ "2026-02-29", -ERANGE },
	{ "2026-13-01", -ERANGE },
	{ "2026-11-23 25:00", -ERANGE },
	{ "", -EINVAL },
	{ "noon", -EINVAL },
	{ "2026-11-23 ", 1795388400000000 },
	{ "2026-11-23 3:02", 1795399320000000 },
	{ "26-11-23", 1795388400000000 },
	{ "99-1-2 UTC", 915235200000000 },
	{ "226-11-23", -EINVAL },
	{ "Mon 2026-11-23", 1795388400000000 },
	{ "monday 2026-11-23 03:02:01 UTC", 1795402921000000 },
	{ "Tue 2026-11-23", -EINVAL }, /* it is another day */
	{ "Mon 03:02", -EINVAL },
	{ "Mon", -EINVAL },
	{ "Mo 2026-11-23", -EINVAL },
	{ "1 month ago", NOW - 2629800000000 },
	{ "-2M", NOW - 5259600000000 },
	{ "-1y 1min", NOW - 31557660000000 },
	{ "2 weeks ago", NOW - 1209600000000 },
	{ "-2S", -EINVAL },
	{ "2026-11-23 03:02 XST", 1795399320000000 }, /* the local zone's own names, see below */
	{ "2026-07-01 00:00 XDT", 1782856800000000 },
	{ "2026-11-23 03:02 CST", -EINVAL },
	{ "2026-11-23 03:02 Asia/Tokyo", 1795370520000000 },
	{ "2026-07-01 00:00:01.5 America/New_York", 1782878401500000 }, /* summer time there too */
	{ "today Pacific/Auckland", 1795345200000000 },                 /* 23 November has begun at 11:00 UTC before */
	{ "today UTC", 1795392000000000 },
	{ "2026-11-23 03:02 ../zoneinfo/Asia/Tokyo", -EINVAL },
	{ "2026-11-23 03:02 Asia", -EINVAL },
	{ "2026-11-23 03:02 zone.tab", -EINVAL }, /* beside the zones, and none */
	{ "2026-11-23 03:02 Asia/Atlantis", -EINVAL },
	{ "Asia/Tokyo", -EINVAL },
	{ "2026-11-23x", -EINVAL },
	{ "@", -EINVAL },
	{ "@12x", -EINVAL },
	{ "@99999999999999999999", -ERANGE },
	{ "-", -EINVAL },
	{ "5 ago ago", -EINVAL },
};

int main(void)
{
	setenv("TZ", "XST-1XDT,M3.5.0,M10.5.0/3", 1);
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t usec = -1;
		int r = vd_when_parse(cases[i].text, NOW, &usec);

		tap_int(r < 0 ? r : usec, cases[i].wanted, "when: '%s'", cases[i].text);
	}
	return tap_done();
}
