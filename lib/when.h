/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Durations and points in time as people write them: the forms of systemd.time(7) that journalctl --since takes. */

#include <stdint.h>

#include "macros.h"

/* "90", "5s", "10min", "2h", "1d 3h" into microseconds. -EINVAL, -ERANGE. */
int vd_duration_parse(const char *s, int64_t *ret_usec) VD_MUST_CHECK;

/*
 * A point in time into microseconds since the epoch, seen from @now_usec:
 * "2026-11-23 03:02:01.5", "2026-11-23 03:02", "2026-11-23" (midnight), "03:02" (today), "now", "today", "yesterday",
 * "tomorrow", "-1h", "+5min", "1h 30min ago", "@1795428451"; a weekday may stand before a date and must be its own; 'T'
 * may stand between date and time. A time is local (by $TZ) unless "Z", an offset such as "+02:00" or, behind a blank,
 * "UTC", a name of the time zone database ("Europe/Berlin") or a short name of the local zone ("CEST") follows. Sets
 * and restores $TZ for the former two: not for use beside other threads. -EINVAL: none of these; -ERANGE: no such time;
 * -ENOMEM.
 */
int vd_when_parse(const char *s, int64_t now_usec, int64_t *ret_usec) VD_MUST_CHECK;
