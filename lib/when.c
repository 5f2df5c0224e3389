/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define USEC 1000000

/* The unit at the start of *@p in microseconds, 0 when it is none; @p is advanced behind it. */
static int64_t duration_unit(const char **p)
{
	static const struct {
		const char *name;
		int64_t usec;
	} units[] = {
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "sec", 1000000 },
		{ "second", 1000000 },
		{ "seconds", 1000000 },
		{ "m", 60000000 },
		{ "min", 60000000 },
		{ "minute", 60000000 },
		{ "minutes", 60000000 },
		{ "h", 3600000000 },
		{ "hr", 3600000000 },
		{ "hour", 3600000000 },
		{ "hours", 3600000000 },
		{ "d", 86400000000 },
		{ "day", 86400000000 },
		{ "days", 86400000000 },
		{ "w", 604800000000 },
		{ "week", 604800000000 },
		{ "weeks", 604800000000 },
		/* As systemd.time(7) has them: 30.44 days and 365.25 days. */
		{ "M", 2629800000000 },
		{ "month", 2629800000000 },
		{ "months", 2629800000000 },
		{ "y", 31557600000000 },
		{ "year", 31557600000000 },
		{ "years", 31557600000000 },
	};
	size_t len = 0;

	while (isalpha((unsigned char)(*p)[len]))
		len++;
	if (!len)
		return 1000000;
	for (size_t i = 0; i < VD_ARRAY_SIZE(units); i++) {
		if (strlen(units[i].name) == len && !memcmp(units[i].name, *p, len)) {
			*p += len;
			return units[i].usec;
		}
	}
	return 0;
}

int vd_duration_parse(const char *s, int64_t *ret_usec)
{
	int64_t total = 0, n, unit;

	do {
		s += strspn(s, " ");
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		for (n = 0; isdigit((unsigned char)*s); s++)
			if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
				return -ERANGE;
		s += strspn(s, " ");
		unit = duration_unit(&s);
		if (!unit)
			return -EINVAL;
		if (__builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(total, n, &total))
			return -ERANGE;
		s += strspn(s, " ");
	} while (*s);
	*ret_usec = total;
	return 0;
}

/* --- points in time ----------------------------------------------------------------------------------------------- */

/* What is taken apart; date and time may each be missing. */
struct parts {
	struct tm tm;
	int64_t usec;
	bool zoned;
	int64_t offset; /* seconds east of Greenwich */
};

/* A number of at most @digits digits. */
static bool take_number(const char **p, int digits, int *ret_number)
{
	int n = 0, i = 0;

	for (; i < digits && isdigit((unsigned char)(*p)[i]); i++)
		n = n * 10 + ((*p)[i] - '0');
	*p += i;
	*ret_number = n;
	return i > 0;
}

/* Exactly @digits digits. */
static bool take_digits(const char **p, int digits, int *ret_number)
{
	const char *start = *p;

	return take_number(p, digits, ret_number) && *p == start + digits;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_date(const char **p, struct tm *tm)
{
	const char *start = *p;
	int year, month, day;

	if (!take_number(p, 4, &year) || !take_char(p, '-') || !take_number(p, 2, &month) || !take_char(p, '-') ||
	    !take_number(p, 2, &day)) {
		*p = start;
		return false;
	}
	/* Two digits are a year of the century, 69 and above of the last one, as for strptime(3). */
	if (start[2] == '-')
		year += year < 69 ? 2000 : 1900;
	else if (start[4] != '-')
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* "Mon " or "Monday " in front of a date, which has to be one. -1: there is none. */
static int take_weekday(const char **p)
{
	static const char *const names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
		                             "Thursday", "Friday", "Saturday" };
	size_t len = strcspn(*p, " ");

	for (int i = 0; (*p)[len] && i < 7; i++) {
		if ((len != 3 && len != strlen(names[i])) || strncasecmp(*p, names[i], len))
			continue;
		*p += len + 1;
		return i;
	}
	return -1;
}

static bool take_time(const char **p, struct parts *parts)
{
	const char *start = *p;
	int64_t unit = USEC / 10;

	parts->tm.tm_sec = 0;
	if (!take_number(p, 2, &parts->tm.tm_hour) || !take_char(p, ':') || !take_number(p, 2, &parts->tm.tm_min)) {
		*p = start;
		return false;
	}
	if (!take_char(p, ':'))
		return true;
	if (!take_number(p, 2, &parts->tm.tm_sec))
		return false;
	if (!take_char(p, '.'))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		parts->usec += (**p - '0') * unit;
	return true;
}

/* "Z", "+02:00", "-0330"; names are taken away before. */
static bool take_zone(const char **p, struct parts *parts)
{
	int hours, minutes = 0, sign;

	if (take_char(p, 'Z')) {
		parts->zoned = true;
		return true;
	}
	if (**p != '+' && **p != '-')
		return false;
	sign = *(*p)++ == '-' ? -1 : 1;
	if (!take_digits(p, 2, &hours))
		return false;
	if (take_char(p, ':') || **p) {
		if (!take_digits(p, 2, &minutes))
			return false;
	}
	parts->zoned = true;
	parts->offset = sign * (hours * 3600 + minutes * 60);
	return hours <= 14 && minutes < 60;
}

static bool in_range(const struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon] &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

static int finish(struct parts *parts, int dst, int64_t *ret_usec)
{
	struct tm wanted = parts->tm;
	time_t t;

	if (!in_range(&parts->tm))
		return -ERANGE;
	parts->tm.tm_isdst = dst;
	t = parts->zoned ? timegm(&parts->tm) : mktime(&parts->tm);
	/* 30 February has become March by now. */
	if (parts->tm.tm_mday != wanted.tm_mday && wanted.tm_sec < 60)
		return -ERANGE;
	*ret_usec = ((int64_t)t - parts->offset) * USEC + parts->usec;
	return 0;
}

/* The word of a day, with or without a time behind it. */
static bool take_day(const char **p, struct parts *parts)
{
	static const struct {
		const char *word;
		int days;
	} words[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };

	for (size_t i = 0; i < VD_ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].word);

		if (strncmp(*p, words[i].word, len))
			continue;
		*p += len;
		parts->tm.tm_mday += words[i].days;
		parts->tm.tm_hour = parts->tm.tm_min = parts->tm.tm_sec = 0;
		/* The first of a month has a yesterday too. */
		parts->tm.tm_isdst = -1;
		(void)mktime(&parts->tm);
		return true;
	}
	return false;
}

static int relative(const char *s, int64_t now, int64_t *ret_usec)
{
	static const char ago[] = " ago";
	size_t len = strlen(s), ago_len = sizeof(ago) - 1;
	VD_AUTO_FREE char *span = NULL;
	int64_t usec;
	bool back;
	int r;

	if (*s == '-' || *s == '+') {
		back = *s == '-';
		span = strdup(s + 1);
	} else if (len > ago_len && !strcmp(s + len - ago_len, ago)) {
		back = true;
		span = strndup(s, len - ago_len);
	} else {
		return -EINVAL;
	}
	if (!span)
		return -ENOMEM;
	r = vd_duration_parse(span, &usec);
	if (r < 0)
		return r;
	if (back ? __builtin_sub_overflow(now, usec, ret_usec) : __builtin_add_overflow(now, usec, ret_usec))
		return -ERANGE;
	return 0;
}

/* "@1795428451.25" */
static int since_epoch(const char *s, int64_t *ret_usec)
{
	int64_t n = 0, unit = USEC / 10, part = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return -ERANGE;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++, unit /= 10)
			part += (*s - '0') * unit;
	if (*s)
		return -EINVAL;
	return __builtin_mul_overflow(n, USEC, &n) || __builtin_add_overflow(n, part, ret_usec) ? -ERANGE : 0;
}

/* @s by the zone of $TZ, in force already. @dst: 1 summer time, 0 not, -1 whatever holds at that time. */
static int parse_local(const char *s, int64_t now_usec, int dst, int64_t *ret_usec)
{
	struct parts parts = { .tm = { 0 } };
	time_t now = (time_t)(now_usec / USEC);
	bool has_date, has_time;
	int weekday, r;

	if (!strcmp(s, "now")) {
		*ret_usec = now_usec;
		return 0;
	}
	if (*s == '@')
		return since_epoch(s + 1, ret_usec);
	if (relative(s, now_usec, ret_usec) == 0)
		return 0;
	if (!localtime_r(&now, &parts.tm))
		return -ERANGE;
	weekday = take_weekday(&s);
	has_date = (weekday < 0 && take_day(&s, &parts)) || take_date(&s, &parts.tm);
	if (has_date) {
		parts.tm.tm_hour = parts.tm.tm_min = parts.tm.tm_sec = 0;
		if (*s == ' ' || *s == 'T')
			s++;
	}
	has_time = take_time(&s, &parts);
	if (!has_date && (!has_time || weekday >= 0))
		return -EINVAL;
	if (*s == ' ')
		s++;
	if (*s && (!take_zone(&s, &parts) || *s))
		return -EINVAL;
	r = finish(&parts, dst, ret_usec);
	return r == 0 && weekday >= 0 && weekday != parts.tm.tm_wday ? -EINVAL : r;
}

/* The zones of the time zone database, by the names of its files; others lie there too (tzfile(5): the signature). */
static bool is_zone(const char *name)
{
	static const char signature[] = { 'T', 'Z', 'i', 'f' };
	char path[NAME_MAX + 32], head[sizeof(signature)];
	VD_AUTO_CLOSE int fd = -1;

	if (!isalpha((unsigned char)*name) || strstr(name, "..") || strlen(name) > NAME_MAX)
		return false;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       !memcmp(head, signature, sizeof(head));
}

/* @s, whose last word was a zone, by @zone; $TZ is what it was afterwards. */
static int parse_in_zone(const char *s, const char *zone, int64_t now_usec, int64_t *ret_usec)
{
	const char *tz = getenv("TZ");
	VD_AUTO_FREE char *before = tz ? strdup(tz) : NULL;
	int r = -ENOMEM;

	if (tz && !before)
		return r;
	if (setenv("TZ", zone, 1) == 0) {
		tzset();
		r = parse_local(s, now_usec, -1, ret_usec);
	}
	if (before ? setenv("TZ", before, 1) : unsetenv("TZ"))
		r = -ENOMEM;
	tzset();
	return r;
}

int vd_when_parse(const char *s, int64_t now_usec, int64_t *ret_usec)
{
	const char *zone = strrchr(s, ' ');
	VD_AUTO_FREE char *rest = NULL;

	tzset();
	if (zone) {
		rest = strndup(s, (size_t)(zone - s));
		if (!rest)
			return -ENOMEM;
		zone++;
		/* systemd.time(7): UTC, then the database's names, then the two short names of the local zone. */
		if (!strcmp(zone, "UTC"))
			return parse_in_zone(rest, "UTC0", now_usec, ret_usec);
		if (is_zone(zone))
			return parse_in_zone(rest, zone, now_usec, ret_usec);
		for (int dst = 0; dst < 2; dst++)
			if (tzname[dst] && *tzname[dst] && !strcmp(zone, tzname[dst]))
				return parse_local(rest, now_usec, dst, ret_usec);
	}
	return parse_local(s, now_usec, -1, ret_usec);
}
