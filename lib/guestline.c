/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guestline.h"

#include <string.h>

/* A piece of text that is not NUL-terminated. */
struct slice {
	const char *s;
	size_t n;
};

static const char *const kind_names[] = {
	[VD_KIND_START] = "start",         [VD_KIND_ENV] = "env",
	[VD_KIND_ARGV] = "argv",           [VD_KIND_LIBVIRT] = "libvirt",
	[VD_KIND_QEMU] = "qemu",           [VD_KIND_QEMU_ERROR] = "qemu-error",
	[VD_KIND_TAINTED] = "tainted",     [VD_KIND_SHUTDOWN] = "shutdown",
	[VD_KIND_CHARDEV] = "chardev",     [VD_KIND_CONTAINER] = "container",
	[VD_KIND_VIRTIOFSD] = "virtiofsd", [VD_KIND_SWTPM] = "swtpm",
	[VD_KIND_OTHER] = "other",
};
_Static_assert(VD_ARRAY_SIZE(kind_names) == VD_KIND_COUNT_, "a name for each kind");

static const char *const level_names[] = { "", "debug", "info", "warning", "error" };

const char *vd_guestline_kind_name(enum vd_guestline_kind kind)
{
	return kind_names[kind];
}

const char *vd_guestline_level_name(int level)
{
	return level >= VD_LEVEL_DEBUG && level <= VD_LEVEL_ERROR ? level_names[level] : "";
}

static bool begins(struct slice t, const char *with)
{
	size_t n = strlen(with);

	return t.n >= n && !memcmp(t.s, with, n);
}

static bool contains(struct slice t, const char *what)
{
	return memmem(t.s, t.n, what, strlen(what)) != NULL;
}

static struct slice skip(struct slice t, size_t n)
{
	return (struct slice){ t.s + n, t.n - n };
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* --- time ------------------------------------------------------------------------------------------------------ */

/* A number of @min to @max digits at *@pos. False leaves *@pos where it was. */
static bool number(struct slice t, size_t *pos, size_t min, size_t max, long *ret)
{
	size_t i = *pos;
	long n = 0;

	while (i < t.n && i - *pos < max && is_digit(t.s[i]))
		n = n * 10 + (t.s[i++] - '0');
	if (i - *pos < min)
		return false;
	*pos = i;
	*ret = n;
	return true;
}

static bool one_of(struct slice t, size_t *pos, const char *chars)
{
	if (*pos >= t.n || !t.s[*pos] || !strchr(chars, t.s[*pos]))
		return false;
	(*pos)++;
	return true;
}

/* Days from the epoch to a date of the Gregorian calendar. */
static int64_t days(long year, long month, long day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3; /* March is 0, so that the leap day comes last */
	int64_t era = y / 400, of_era = y % 400;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* ".792" in microseconds; none is 0. */
static long fraction(struct slice t, size_t *pos)
{
	size_t start = *pos + 1, end = start;
	long usec = 0;

	if (*pos >= t.n || (t.s[*pos] != '.' && t.s[*pos] != ','))
		return 0;
	while (end < t.n && end - start < 9 && is_digit(t.s[end]))
		end++;
	if (end == start)
		return 0;
	for (size_t i = start; i < start + 6; i++)
		usec = usec * 10 + (i < end ? t.s[i] - '0' : 0);
	*pos = end;
	return usec;
}

/* "Z", "+0000" or "+00:00" in seconds east of UTC; none is 0. */
static long zone(struct slice t, size_t *pos)
{
	size_t p = *pos;
	long hours, minutes, sign;

	if (p < t.n && t.s[p] == 'Z') {
		(*pos)++;
		return 0;
	}
	if (p >= t.n || (t.s[p] != '+' && t.s[p] != '-'))
		return 0;
	sign = t.s[p++] == '-' ? -1 : 1;
	if (!number(t, &p, 2, 2, &hours))
		return 0;
	one_of(t, &p, ":");
	if (!number(t, &p, 2, 2, &minutes))
		return 0;
	*pos = p;
	return sign * (hours * 3600 + minutes * 60);
}

size_t vd_guestline_time(const char *text, size_t len, int64_t *ret_time)
{
	struct slice t = { text, len };
	long year, month, day, hour, minute, second, usec, east;
	size_t pos = 0;
	bool bracket = one_of(t, &pos, "[");

	if (!number(t, &pos, 4, 4, &year) || !one_of(t, &pos, "-") || !number(t, &pos, 2, 2, &month) ||
	    !one_of(t, &pos, "-") || !number(t, &pos, 2, 2, &day) || !one_of(t, &pos, " T") ||
	    !number(t, &pos, 1, 2, &hour) || !one_of(t, &pos, ":") || !number(t, &pos, 1, 2, &minute) ||
	    !one_of(t, &pos, ":") || !number(t, &pos, 1, 2, &second))
		return 0;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return 0;
	usec = fraction(t, &pos);
	east = zone(t, &pos);
	if (bracket) {
		one_of(t, &pos, "]");
		one_of(t, &pos, " ");
	} else if (one_of(t, &pos, ":")) {
		one_of(t, &pos, " ");
	} else if (!one_of(t, &pos, " ") && pos < len) {
		return 0;
	}
	*ret_time = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - east;
	*ret_time = *ret_time * 1000000 + usec;
	return pos;
}

bool vd_guestline_begins(const char *text, size_t len)
{
	int64_t time;

	return vd_guestline_time(text, len, &time) > 0;
}

/* --- what libvirt writes --------------------------------------------------------------------------------------- */

/* A record of libvirt's log, with a time or as it is said before logging is set up: sets level and message. */
static bool log_record(struct slice t, struct vd_guestline *line)
{
	struct vd_record record;

	/* Not what a program's name or a journal stands before: that is no line of libvirt's own. */
	if (!vd_record_parse(t.s, t.n, 0, &record) || record.prefix || !record.level)
		return false;
	line->kind = VD_KIND_LIBVIRT;
	line->level = record.level;
	line->message = record.message.s;
	line->message_len = record.message.len;
	return true;
}

/* The sentences that libvirt writes with a time and nothing else. @t is what follows the time. */
static void libvirt_event(struct vd_guestline_state *state, struct slice t, struct vd_guestline *line)
{
	if (begins(t, "starting up") && (t.n == 11 || t.s[11] == ' ' || t.s[11] == '\r')) {
		line->kind = VD_KIND_START;
		state->block = state->running = true;
		state->quoted = state->program = state->helper_next = false;
		state->block_lines = 0;
	} else if (begins(t, "shutting down") && (t.n == 13 || t.s[13] == ',' || t.s[13] == '\r')) {
		line->kind = VD_KIND_SHUTDOWN;
		if (contains(t, "reason=failed") || contains(t, "reason=crashed"))
			line->level = VD_LEVEL_ERROR;
		state->block = state->running = false;
	} else if (begins(t, "Domain id=") && contains(t, " is tainted: ")) {
		line->kind = VD_KIND_TAINTED;
		line->level = VD_LEVEL_WARNING;
	} else if (begins(t, "Starting external device: ")) {
		struct slice what = skip(t, strlen("Starting external device: "));

		state->helper = contains(what, "TPM")         ? VD_KIND_SWTPM
		                : contains(what, "virtiofsd") ? VD_KIND_VIRTIOFSD
		                                              : VD_KIND_OTHER;
		state->helper_next = true;
		line->kind = state->helper == VD_KIND_OTHER ? VD_KIND_LIBVIRT : state->helper;
	} else {
		line->kind = VD_KIND_LIBVIRT;
		if (begins(t, "panic"))
			line->level = VD_LEVEL_ERROR;
	}
}

/* --- what QEMU and others write -------------------------------------------------------------------------------- */

/*
 * The program's name that QEMU puts before what it reports: "qemu-system-x86_64: ", "/usr/libexec/qemu-kvm: ".
 * Returns the length up to the text, 0 when there is none.
 */
static size_t program_prefix(struct slice t, bool stamped)
{
	const char *colon = memmem(t.s, t.n > 256 ? 256 : t.n, ": ", 2), *base;
	struct slice name;

	if (!colon || colon == t.s || memchr(t.s, ' ', (size_t)(colon - t.s)))
		return 0;
	base = memrchr(t.s, '/', (size_t)(colon - t.s));
	base = base ? base + 1 : t.s;
	name = (struct slice){ base, (size_t)(colon - base) };
	/* After a time of QEMU's the word is its name, whatever a wrapper calls it. */
	if (!stamped && !begins(name, "qemu") && !begins(name, "kvm"))
		return 0;
	return (size_t)(colon - t.s) + 2;
}

/* How lines begin that report an error without naming the program. In lower case; compared without regard to case. */
static const char *const error_words[] = {
	"error",
	"kvm internal error",
	"kvm run failed",
	"failed to ",
	"failed: ",
	"could not ",
	"cannot ",
	"can't ",
	"unable to ",
	"fatal",
	"abort",
	"assertion",
	"segmentation fault",
	"ioctl(",
	"permission denied",
	"no such file",
	"out of memory",
	"==",
	"libvirt: ",
};

static bool reports_error(struct slice t)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(error_words); i++) {
		size_t n = strlen(error_words[i]), k = 0;

		while (k < n && k < t.n && (t.s[k] | ((t.s[k] >= 'A' && t.s[k] <= 'Z') ? 32 : 0)) == error_words[i][k])
			k++;
		if (k == n)
			return true;
	}
	return (contains(t, "Assertion `") && contains(t, "' failed")) || contains(t, ": error: ");
}

static bool reports_warning(struct slice t)
{
	return begins(t, "warning: ") || begins(t, "Warning: ") || begins(t, "WARNING: ") || contains(t, ": warning: ");
}

/* A line of QEMU or of an unknown writer; @t is what follows the time. */
static void qemu_line(struct vd_guestline_state *state, struct slice t, bool stamped, struct vd_guestline *line)
{
	size_t prefix = program_prefix(t, stamped);
	struct slice text = skip(t, prefix);

	line->message = text.s;
	line->message_len = text.n;
	line->kind = prefix || stamped || state->running ? VD_KIND_QEMU : VD_KIND_OTHER;
	if (begins(t, "char device ") && contains(t, " redirected to ")) {
		line->kind = VD_KIND_CHARDEV;
	} else if (begins(text, "terminating on signal ")) {
		/* QEMU reports it as an error; being told to end is none. */
		line->kind = VD_KIND_QEMU;
	} else if (reports_warning(text)) {
		line->level = VD_LEVEL_WARNING;
	} else if (begins(text, "info: ")) {
		line->level = VD_LEVEL_INFO;
	} else if (prefix || reports_error(t)) {
		line->kind = VD_KIND_QEMU_ERROR;
		line->level = VD_LEVEL_ERROR;
	}
}

/* A line of a helper's own log: "[2023-05-03T10:15:12Z ERROR virtiofsd] text", plain text of swtpm. */
static void helper_line(enum vd_guestline_kind kind, struct slice t, struct vd_guestline *line)
{
	line->kind = kind;
	if (begins(t, "ERROR") || reports_error(t) || contains(t, "rror: ") || begins(t, "swtpm: Could not"))
		line->level = VD_LEVEL_ERROR;
	else if (begins(t, "WARN") || reports_warning(t))
		line->level = VD_LEVEL_WARNING;
	else if (begins(t, "DEBUG") || begins(t, "TRACE"))
		line->level = VD_LEVEL_DEBUG;
}

/* --- the start block ------------------------------------------------------------------------------------------- */

/* "NAME=": a variable. */
static bool is_assignment(struct slice t)
{
	size_t i = 0;

	while (i < t.n && (is_alpha(t.s[i]) || (i && is_digit(t.s[i]))))
		i++;
	return i && i < t.n && t.s[i] == '=';
}

static bool ends_with_backslash(struct slice t)
{
	if (t.n && t.s[t.n - 1] == '\r')
		t.n--;
	return t.n >= 2 && t.s[t.n - 1] == '\\' && t.s[t.n - 2] == ' ';
}

/* Does a word in '...' stay open at the end of the line? Outside of quotes a backslash guards the next character. */
static bool stays_quoted(struct slice t, bool quoted)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '\'')
			quoted = !quoted;
		else if (t.s[i] == '\\' && !quoted)
			i++;
	}
	return quoted;
}

/* Can the line open a start block, its "starting up" line being gone? */
static bool opens_block(const struct vd_guestline_state *state, struct slice t)
{
	if (state->driver != VD_DRIVER_QEMU)
		return false;
	/* At the very beginning a rotation may have cut anywhere, also before the last argument. */
	if (!state->begun)
		return ends_with_backslash(t) || (t.n > 2 && t.s[0] == '-' && is_alpha(t.s[1]));
	if (!ends_with_backslash(t) || state->running)
		return false;
	return is_assignment(t) || t.s[0] == '/' || t.s[0] == '-';
}

/* Can the line follow "starting up"? */
static bool begins_command(struct slice t)
{
	return ends_with_backslash(t) || is_assignment(t) || (t.n && (t.s[0] == '/' || t.s[0] == '\''));
}

static void block_line(struct vd_guestline_state *state, struct slice t, struct vd_guestline *line)
{
	bool assignment = !state->quoted && !state->program && is_assignment(t);

	if (state->driver == VD_DRIVER_LXC) {
		/* One line, unquoted. The container's own command line follows among other lines: see plain_line(). */
		line->kind = VD_KIND_ARGV;
		state->block = false;
		return;
	}
	state->block_lines++;
	if (!state->quoted) {
		/* Before linebreaks came, variables, program and arguments were one line. */
		line->kind = assignment && ends_with_backslash(t) ? VD_KIND_ENV : VD_KIND_ARGV;
		state->program |= line->kind == VD_KIND_ARGV;
	} else {
		line->kind = state->program ? VD_KIND_ARGV : VD_KIND_ENV;
	}
	state->quoted = stays_quoted(t, state->quoted);
	if (!state->quoted && !ends_with_backslash(t))
		state->block = false;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

/* A line without a time. */
static void plain_line(struct vd_guestline_state *state, struct slice t, struct vd_guestline *line)
{
	if (state->helper_next && (begins_command(t) || ends_with_backslash(t))) {
		line->kind = state->helper;
		state->helper_next = ends_with_backslash(t);
		return;
	}
	state->helper_next = false;
	/* The forked child may speak while the block is being written. */
	if (begins(t, "libvirt: ") && log_record(t, line))
		return;
	if (state->block && !state->block_lines && !state->quoted && !begins_command(t))
		state->block = false;
	if (!state->block && opens_block(state, t)) {
		state->block = state->running = line->block_begins = true;
		/* Where a rotation has cut within a quoted word, its end is the first mark of the line. */
		state->quoted = !state->begun && stays_quoted(t, false);
		state->program = t.s[0] == '-' || !is_assignment(t);
		state->block_lines = 0;
	}
	if (state->block) {
		block_line(state, t, line);
	} else if (state->driver == VD_DRIVER_LXC) {
		line->kind = is_assignment(t) && contains(t, " container=lxc-libvirt ") ? VD_KIND_ARGV
		             : t.n                                                      ? VD_KIND_CONTAINER
		                                                                        : VD_KIND_OTHER;
		if (begins(t, "Failure in libvirt_lxc startup"))
			line->level = VD_LEVEL_ERROR;
	} else if (t.n) {
		qemu_line(state, t, false, line);
	}
}

void vd_guestline_init(struct vd_guestline_state *state, enum vd_driver driver, enum vd_guestline_kind only)
{
	*state = (struct vd_guestline_state){ .driver = driver, .only = only, .helper = VD_KIND_OTHER };
}

void vd_guestline_next(struct vd_guestline_state *state, const char *text, size_t len, struct vd_guestline *ret_line)
{
	struct slice t = { text, len };
	int64_t time = VD_NO_TIME;
	size_t stamp;

	*ret_line = (struct vd_guestline){
		.kind = VD_KIND_OTHER, .level = VD_LEVEL_INFO, .time = VD_NO_TIME, .message = text, .message_len = len
	};
	stamp = vd_guestline_time(text, len, &time);
	t = skip(t, stamp);
	ret_line->time = time;
	ret_line->message = t.s;
	ret_line->message_len = t.n;
	if (state->only != VD_KIND_START) {
		helper_line(state->only, t, ret_line);
	} else if (!stamp) {
		plain_line(state, t, ret_line);
	} else if (text[10] == 'T') {
		qemu_line(state, t, true, ret_line);
	} else if (!log_record((struct slice){ text, len }, ret_line)) {
		libvirt_event(state, t, ret_line);
	}
	state->begun = true;
}
