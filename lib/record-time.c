/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "record-internal.h"

/* "YYYY-MM-DD HH:MM:SS" */
#define SECOND_LEN  19
/* 9999-12-31 23:59:59 */
#define LAST_SECOND 253402300799

static unsigned two(const char *s)
{
	return (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
}

/* Days from 1970-01-01 to a date; years begin in March here, so that the leap day is the last. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "HH:MM:SS" as seconds; -1 when the numbers cannot be. Leap seconds are let through. */
static int clock_seconds(const char *s)
{
	unsigned h = two(s), m = two(s + 3), sec = two(s + 6);

	return h > 23 || m > 59 || sec > 60 ? -1 : (int)(h * 3600 + m * 60 + sec);
}

/* Digits of a fraction as microseconds; counts them in *@ret_len. */
static int64_t fraction(const char *s, size_t len, size_t *ret_len)
{
	int64_t us = 0, unit = 100000;
	size_t i = 0;

	for (; i < len && is_digit(s[i]); i++, unit /= 10)
		us += unit * (s[i] - '0');
	*ret_len = i;
	return us;
}

/* Local time to seconds since the epoch. */
static int64_t local_seconds(int year, unsigned month, unsigned day, int of_day)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = (int)month - 1,
		.tm_mday = (int)day,
		.tm_hour = of_day / 3600,
		.tm_min = of_day / 60 % 60,
		.tm_sec = of_day % 60,
		.tm_isdst = -1,
	};

	return (int64_t)mktime(&tm);
}

/* The second of "YYYY-MM-DD?HH:MM:SS" as if it were UTC; VD_NO_TIME when there is no such day. */
static int64_t utc_second(struct vd_record_clock *clock, const char *s)
{
	unsigned month = two(s + 5), day = two(s + 8);
	int of_day;

	/* A busy log has thousands of records in a second. */
	if (clock->cached[0] && memcmp(clock->cached, s, SECOND_LEN) == 0)
		return clock->second;
	of_day = clock_seconds(s + 11);
	if (of_day < 0 || month < 1 || month > 12 || day < 1 || day > 31)
		return VD_NO_TIME;
	clock->second = days_of((int64_t)two(s) * 100 + two(s + 2), month, day) * 86400 + of_day;
	memcpy(clock->cached, s, SECOND_LEN);
	return clock->second;
}

/* What follows the seconds: a fraction, then a zone. */
struct tail {
	int64_t us;
	bool has_zone;
	int offset; /* of the zone, seconds east */
	size_t len;
};

static void read_tail(const char *s, size_t len, struct tail *tail)
{
	size_t n;

	*tail = (struct tail){ 0 };
	if (len > 1 && (s[0] == '.' || s[0] == ',') && is_digit(s[1])) {
		tail->us = fraction(s + 1, len - 1, &n);
		tail->len = n + 1;
	}
	s += tail->len;
	len -= tail->len;
	if (len && s[0] == 'Z') {
		tail->has_zone = true;
		tail->len++;
		return;
	}
	if (len >= 3 && (s[0] == '+' || s[0] == '-') && is_digit(s[1]) && is_digit(s[2])) {
		size_t minutes = len >= 6 && s[3] == ':' ? 4 : 3;
		bool has_minutes = len >= minutes + 2 && is_digit(s[minutes]) && is_digit(s[minutes + 1]);

		tail->has_zone = true;
		tail->offset = (int)(two(s + 1) * 3600 + (has_minutes ? two(s + minutes) * 60 : 0));
		tail->offset = s[0] == '-' ? -tail->offset : tail->offset;
		tail->len += has_minutes ? minutes + 2 : 3;
	}
}

static int64_t iso_time(struct vd_record_clock *clock, const char *s, size_t len, size_t *ret_len)
{
	int64_t second = utc_second(clock, s);
	struct tail tail;

	read_tail(s + SECOND_LEN, len - SECOND_LEN, &tail);
	*ret_len = SECOND_LEN + tail.len;
	if (second == VD_NO_TIME)
		return second;
	if (tail.has_zone)
		second -= tail.offset;
	else
		second = local_seconds((int)(two(s) * 100 + two(s + 2)), two(s + 5), two(s + 8), clock_seconds(s + 11));
	return second * 1000000 + tail.us;
}

/* The day of the reference. A file's time may be anything, also what no stamp can be seen from. */
static bool reference_day(const struct vd_record_clock *clock, struct tm *ret_day)
{
	time_t reference = (time_t)clock->reference;

	return reference && reference >= -LAST_SECOND && reference <= LAST_SECOND && localtime_r(&reference, ret_day);
}

/* "HH:MM:SS.mmm": today's or yesterday's, seen from the reference. */
static int64_t clock_time(const struct vd_record_clock *clock, const char *s, size_t len, size_t *ret_len)
{
	int of_day = clock_seconds(s);
	int64_t second;
	struct tail tail;
	struct tm tm;

	read_tail(s + 8, len - 8, &tail);
	*ret_len = 8 + tail.len;
	if (of_day < 0 || !reference_day(clock, &tm))
		return VD_NO_TIME;
	second = local_seconds(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, of_day);
	/* A file's time of change may be a little before the time in its last record. */
	if (second > clock->reference + 60)
		second -= 86400;
	return second * 1000000 + tail.us;
}

static unsigned month_of(const char *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++)
		if (memcmp(names + (size_t)i * 3, s, 3) == 0)
			return i + 1;
	return 0;
}

/* "Nov 23 09:47:18", "Nov  3 09:47:18.123456" */
static bool is_syslog(const char *s, size_t len)
{
	return len >= 15 && month_of(s) && s[3] == ' ' && (s[4] == ' ' || is_digit(s[4])) && is_digit(s[5]) &&
	       s[6] == ' ' && has_shape(s + 7, &shape_clock);
}

static int64_t syslog_time(const struct vd_record_clock *clock, const char *s, size_t len, size_t *ret_len)
{
	unsigned month = month_of(s), day = (s[4] == ' ' ? 0 : (unsigned)(s[4] - '0') * 10) + (unsigned)(s[5] - '0');
	int of_day = clock_seconds(s + 7);
	int64_t second;
	struct tail tail;
	struct tm tm;

	read_tail(s + 15, len - 15, &tail);
	*ret_len = 15 + tail.len;
	if (of_day < 0 || day < 1 || day > 31 || !reference_day(clock, &tm))
		return VD_NO_TIME;
	second = local_seconds(tm.tm_year + 1900, month, day, of_day);
	if (second > clock->reference + 86400)
		second = local_seconds(tm.tm_year + 1899, month, day, of_day);
	return second * 1000000 + tail.us;
}

/* "2026-11-23T09:47:18" and what follows; also with a blank. */
static bool is_iso(const char *s, size_t len)
{
	return len >= SECOND_LEN && has_shape(s, &shape_date) && is_digit(s[8]) && is_digit(s[9]) &&
	       (s[10] == 'T' || s[10] == ' ') && has_shape(s + 11, &shape_clock);
}

/* "1763891238.571234": seconds since the epoch as journalctl -o short-unix writes them. */
static size_t unix_length(const char *s, size_t len)
{
	size_t n;

	if (len < 12 || !has_shape(s, &shape_digits) || !is_digit(s[8]) || !is_digit(s[9]) || s[10] != '.')
		return 0;
	fraction(s + 11, len - 11, &n);
	return n ? 11 + n : 0;
}

/* "[ 1234.567890]": since boot, of no use as a time. */
static size_t monotonic_length(const char *s, size_t len)
{
	size_t i = 1;

	if (len < 5 || s[0] != '[')
		return 0;
	len = len < 24 ? len : 24;
	while (i < len && (s[i] == ' ' || s[i] == '.' || is_digit(s[i])))
		i++;
	return i < len && s[i] == ']' && is_digit(s[i - 1]) ? i + 1 : 0;
}

/* "Mon 2026-11-23 09:47:18 UTC": journalctl -o short-full. The length of the day's name. */
static size_t weekday_length(const char *s, size_t len)
{
	static const char names[] = "MonTueWedThuFriSatSun";

	for (size_t i = 0; len > 4 && s[3] == ' ' && i < 7; i++)
		if (memcmp(names + i * 3, s, 3) == 0)
			return 4;
	return 0;
}

size_t vd_stamp_length(const char *s, size_t len)
{
	struct vd_record_clock none = { 0 };
	size_t skip = weekday_length(s, len), n = 0;

	if (vd_stamp_time(&none, s, len, &n) == VD_NO_TIME && !n)
		return monotonic_length(s, len);
	/* The name of a zone behind it, "UTC" or "CEST"; the fields that follow are a host and a program. */
	if (skip && n < len && s[n] == ' ') {
		size_t end = n + 1;

		while (end < len && end < n + 7 && s[end] >= 'A' && s[end] <= 'Z')
			end++;
		if (end > n + 2 && end < len && s[end] == ' ')
			n = end;
	}
	return n;
}

int64_t vd_stamp_time(struct vd_record_clock *clock, const char *text, size_t len, size_t *ret_len)
{
	size_t n = 0, skip = weekday_length(text, len);
	int64_t time = VD_NO_TIME;

	if (is_iso(text + skip, len - skip)) {
		time = iso_time(clock, text + skip, len - skip, &n);
		n += skip;
		/* short-full has the zone's name behind a blank; only UTC can be told from a host's name. */
		if (skip && time != VD_NO_TIME && len - n >= 4 && memcmp(text + n, " UTC", 4) == 0)
			time = clock->second * 1000000 + time % 1000000;
	} else if (is_clock_stamp(text, len)) {
		time = clock_time(clock, text, len, &n);
	} else if (is_syslog(text, len)) {
		time = syslog_time(clock, text, len, &n);
	} else if (unix_length(text, len)) {
		size_t digits;

		n = unix_length(text, len);
		time = 0;
		for (size_t i = 0; i < 10; i++)
			time = time * 10 + (text[i] - '0');
		time = time * 1000000 + fraction(text + 11, n - 11, &digits);
	}
	if (ret_len)
		*ret_len = n;
	return time;
}

int64_t vd_record_time(struct vd_record_clock *clock, const struct vd_record *record)
{
	const char *s = record->stamp.s;

	if (record->form == VD_RECORD_ZONED) {
		int64_t second = utc_second(clock, s);
		const char *zone = s + 23;
		int64_t ms = (s[20] - '0') * 100 + two(s + 21);
		int64_t east = (int64_t)(two(zone + 1) * 3600 + two(zone + 3) * 60);

		if (second == VD_NO_TIME)
			return second;
		return (second - (zone[0] == '-' ? -east : east)) * 1000000 + ms * 1000;
	}
	if (record->stamp.len)
		return vd_stamp_time(clock, s, record->stamp.len, NULL);
	if (record->outer_stamp.len)
		return vd_stamp_time(clock, record->outer_stamp.s, record->outer_stamp.len, NULL);
	return VD_NO_TIME;
}
