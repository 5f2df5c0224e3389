/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-internal.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* --- numbers and times as a person reads them ------------------------------------------------------------------ */

int vd_time_rfc3339(struct vd_buf *buf, int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		return vd_buf_addf(buf, "@%lld", (long long)t);
	return vd_buf_addf(buf, "%04ld-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900L, tm.tm_mon + 1, tm.tm_mday,
	                   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int vd_time_text(struct vd_buf *buf, int64_t t, bool local)
{
	time_t when = (time_t)t;
	struct tm tm;
	long offset;
	int r;

	if (local)
		tzset();
	if (!(local ? localtime_r(&when, &tm) : gmtime_r(&when, &tm)))
		return vd_buf_addf(buf, "@%lld", (long long)t);
	r = vd_buf_addf(buf, "%04ld-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900L, tm.tm_mon + 1, tm.tm_mday,
	                tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (r < 0)
		return r;
	if (!local)
		return vd_buf_addc(buf, 'Z');
	offset = labs(tm.tm_gmtoff) / 60;
	return vd_buf_addf(buf, "%c%02ld:%02ld", tm.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
}

int vd_bytes_text(struct vd_buf *buf, int64_t bytes)
{
	static const char units[] = "KMGTPE";
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024 && bytes > -1024)
		return vd_buf_addf(buf, "%lld", (long long)bytes);
	/* 1023.95 would be printed as 1024.0: the next unit then. */
	for (n /= 1024; fabs(n) >= 1023.95 && units[unit + 1]; unit++)
		n /= 1024;
	return vd_buf_addf(buf, "%.1f%c", n, units[unit]);
}

int vd_cpu_text(struct vd_buf *buf, double seconds)
{
	long long s;

	if (!isfinite(seconds) || seconds < 0 || seconds > 1e15)
		return vd_buf_addf(buf, "%g", seconds);
	if (seconds < 59.995)
		return vd_buf_addf(buf, "%.2fs", seconds);
	s = (long long)(seconds + 0.5);
	if (s < 3600)
		return vd_buf_addf(buf, "%lldm%02llds", s / 60, s % 60);
	if (s < 86400)
		return vd_buf_addf(buf, "%lldh%02lldm", s / 3600, s / 60 % 60);
	return vd_buf_addf(buf, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}
