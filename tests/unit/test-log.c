/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects what vlog writes and where: line format, escaping, levels, reconfiguration that is all or nothing, banner,
 * rotation, full disks, broken pipes, syslog and journal datagrams, and that errno and arguments are left alone.
 * What several threads do is in test-log-threads.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log-internal.h"
#include "tap.h"

VLOG_CATEGORY("test.log");

static char dir[64] = "/tmp/vlog-test-XXXXXX";
static char path_a[128], path_b[128];

/* --- helpers ------------------------------------------------------------------------------------------------------ */

/* The whole file, "" when there is none. The caller frees. */
static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return strdup("");
	if (getdelim(&text, &size, 0, file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static unsigned count_lines(const char *path)
{
	char *text = slurp(path);
	unsigned count = 0;

	for (const char *s = text; *s; s++)
		count += *s == '\n';
	free(text);
	return count;
}

static bool file_has(const char *path, const char *part)
{
	char *text = slurp(path);
	bool found = strstr(text, part);

	free(text);
	return found;
}

static bool like(const char *text, const char *pattern)
{
	regex_t regex;
	bool found;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

/* Sets outputs to "LEVEL:file:PATH" with no filters, starting with an empty file. */
static void log_to(unsigned level, const char *path)
{
	char s[256];

	unlink(path);
	snprintf(s, sizeof(s), "%u:file:%s", level, path);
	vlog_shutdown();
	if (vlog_set_outputs(s, NULL))
		tap_ok(false, "outputs %s", s);
}

static int saved_stderr;

static void redirect_stderr(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void restore_stderr(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
}

static unsigned count_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned count = 0;

	while (fds && readdir(fds))
		count++;
	if (fds)
		closedir(fds);
	return count;
}

static unsigned evaluated;

static unsigned evaluate(void)
{
	return ++evaluated;
}

struct seen {
	unsigned count, level;
	int line;
	size_t length;
	char category[32], function[32], file[128], message[64];
	bool log_too;
};

static void remember(const struct vlog_record *record, void *data)
{
	struct seen *seen = data;

	seen->count++;
	seen->level = record->level;
	seen->line = record->line;
	seen->length = record->length;
	snprintf(seen->category, sizeof(seen->category), "%s", record->category);
	snprintf(seen->function, sizeof(seen->function), "%s", record->function);
	snprintf(seen->file, sizeof(seen->file), "%s", record->file);
	snprintf(seen->message, sizeof(seen->message), "%s", record->message);
	if (seen->log_too)
		VLOG_ERROR("from the handler");
	errno = EXDEV;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_handler(void)
{
	struct seen seen = { 0 };
	int line;

	vlog_shutdown();
	vlog_set_handler(remember, &seen);
	line = __LINE__ + 1;
	VLOG_WARN("a%d\tb\n", 5);
	tap_int(seen.count, 1, "handler: called once");
	tap_int(seen.level, VLOG_LEVEL_WARN, "handler: level");
	tap_int(seen.line, line, "handler: line");
	tap_str(seen.category, "test.log", "handler: category");
	tap_str(seen.function, "test_handler", "handler: function");
	tap_ok(strstr(seen.file, "test-log.c"), "handler: file");
	tap_str(seen.message, "a5\tb", "handler: message without its newline");
	tap_int(seen.length, 4, "handler: length");
	VLOG_INFO("below");
	tap_int(seen.count, 1, "handler: nothing below the level");
	/* No output takes debug; a handler takes all that the filters let through. */
	vlog_set_outputs("4:stderr", NULL);
	vlog_set_filters("1:test", NULL);
	VLOG_DEBUG("%s", "x\ny\x1b");
	tap_int(seen.count, 2, "handler: levels of outputs do not count");
	tap_str(seen.message, "x\ny\x1b", "handler: message is not escaped");
	log_to(1, path_a);
	seen.log_too = true;
	vlog_set_handler(remember, &seen);
	errno = 0;
	VLOG_ERROR("again");
	tap_ok(errno == 0, "handler: its errno does not come through");
	tap_ok(seen.count == 3 && count_lines(path_a) == 1 && file_has(path_a, "from the handler"),
	       "handler: what it logs goes to the outputs");
	vlog_set_handler(NULL, NULL);
	VLOG_ERROR("back");
	tap_ok(seen.count == 3 && file_has(path_a, "back"), "handler: removed, outputs are back");
}

static void test_arguments(void)
{
	struct seen seen = { 0 };

	vlog_shutdown();
	evaluated = 0;
	VLOG_DEBUG("%u", evaluate());
	tap_int(evaluated, 0, "arguments: not evaluated by a disabled statement with a stale category");
	VLOG_INFO("%u", evaluate());
	tap_int(evaluated, 0, "arguments: not evaluated by a disabled statement");
	vlog_set_handler(remember, &seen);
	VLOG_ERROR("%u", evaluate());
	tap_int(evaluated, 1, "arguments: evaluated once by an enabled one");
	if (evaluated)
		VLOG_DEBUG("a statement, so that else belongs to the if above");
	else
		tap_ok(false, "arguments: the macro is one statement");
	tap_ok(!vlog_enabled(&vlog_self, VLOG_LEVEL_INFO) && vlog_enabled(&vlog_self, VLOG_LEVEL_WARN),
	       "vlog_enabled tells");
}

static void test_refresh(void)
{
	static const struct {
		const char *filters;
		unsigned level, lowest;
	} cases[] = {
		{ "", 3, 3 },          { "1:test.log", 3, 1 }, { "2:t?st 1:log", 3, 2 },    { "4:*", 1, 4 },
		{ "1:other", 2, 2 },   { "1:other", 4, 4 },    { "1:+test:ignored", 3, 1 }, { "1:TEST", 3, 3 },
		{ "  3:log  ", 1, 3 }, { "1:[t]est", 3, 3 },   { "\t2:test", 3, 2 },
	};
	struct seen seen = { 0 };

	vlog_shutdown();
	vlog_set_handler(remember, &seen);
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		seen.count = 0;
		tap_int(vlog_set_filters(cases[i].filters, NULL), 0, "refresh: filters '%s'", cases[i].filters);
		tap_int(vlog_set_default_level(cases[i].level), 0, "refresh: level %u", cases[i].level);
		/* The same four statements each time: what they cached must not stay. */
		VLOG_DEBUG("1");
		VLOG_INFO("2");
		VLOG_WARN("3");
		VLOG_ERROR("4");
		tap_int(5 - seen.count, cases[i].lowest, "refresh: lowest level");
	}
	tap_int(vlog_set_default_level(0), -EINVAL, "level 0 is refused");
	tap_int(vlog_set_default_level(5), -EINVAL, "level 5 is refused");
}

static void test_format(void)
{
	struct timespec before, after; /* not time(): its clock goes a tick behind the one of the lines */
	struct tm tm = { 0 };
	char *text, expected[128], pattern[512];
	int line;

	log_to(1, path_a);
	vlog_set_filters("1:*", NULL);
	clock_gettime(CLOCK_REALTIME, &before);
	line = __LINE__ + 1;
	VLOG_DEBUG("one");
	VLOG_INFO("two %s\n", "words");
	VLOG_WARN("three");
	VLOG_ERROR("%s", "");
	vlog_write(&vlog_self, VLOG_LEVEL_ERROR, NULL, 0, NULL, "no function");
	clock_gettime(CLOCK_REALTIME, &after);
	text = slurp(path_a);
	snprintf(pattern, sizeof(pattern),
	         "^20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}\\+0000: %ld: "
	         "debug : test_format:[0-9]+ : one\n"
	         "20[^\n]{26}: %ld: info : test_format:[0-9]+ : two words\n"
	         "20[^\n]{26}: %ld: warning : test_format:[0-9]+ : three\n"
	         "20[^\n]{26}: %ld: error : test_format:[0-9]+ : \n"
	         "20[^\n]{26}: %ld: error : no function\n$",
	         (long)syscall(SYS_gettid), (long)syscall(SYS_gettid), (long)syscall(SYS_gettid),
	         (long)syscall(SYS_gettid), (long)syscall(SYS_gettid));
	tap_ok(like(text, pattern), "format: time, thread, level, function and line of each level");
	if (strptime(text, "%Y-%m-%d %H:%M:%S", &tm)) {
		time_t shown = timegm(&tm);

		tap_ok(shown >= before.tv_sec && shown <= after.tv_sec, "format: the time is now, in UTC");
	} else {
		tap_ok(false, "format: the time can be read");
	}
	snprintf(expected, sizeof(expected), " : test_format:%d : one\n", line);
	tap_ok(strstr(text, expected), "format: the number is that of the line");
	free(text);
}

/* The days that calendars get wrong. */
static void test_dates(void)
{
	static const struct {
		time_t second;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01 00:00:00" },
		{ 951782399, "2000-02-28 23:59:59" },
		{ 951782400, "2000-02-29 00:00:00" },
		{ 951868800, "2000-03-01 00:00:00" },
		{ 1709164800, "2024-02-29 00:00:00" },
		{ 1735689599, "2024-12-31 23:59:59" },
		{ 1735689600, "2025-01-01 00:00:00" },
		{ 1795425485, "2026-11-23 09:18:05" },
		{ 4107542400, "2100-03-01 00:00:00" },
		{ 253402300799, "9999-12-31 23:59:59" },
		{ 253402300800, "9999-12-31 23:59:59" },
		{ -5, "1970-01-01 00:00:00" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VLOG_AUTO_LINE line;
		struct timespec now = { cases[i].second, 7000000 };

		vlog_line_start(&line, &now, VLOG_LEVEL_INFO, NULL, 0);
		tap_ok(!strncmp(line.raw, cases[i].text, 19) && !strncmp(line.raw + 19, ".007+0000: ", 11), "date: %s",
		       cases[i].text);
	}
}

static void test_escape(void)
{
	static const struct {
		const char *message, *shown;
	} cases[] = {
		{ "a\tb", " : a\tb\n" },
		{ "a\nb\n", " : a\\nb\n" },
		{ "a\r\x1b[31m\x7f\x01", " : a\\r\\x1b[31m\\x7f\\x01\n" },
		{ "h\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", " : h\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80\n" },
		{ "\xff \xc3 \x9b", " : \\xff \\xc3 \\x9b\n" },
		{ "\xc2\x9b", " : \\xc2\\x9b\n" },
		{ "\xed\xa0\x80 \xc0\x80", " : \\xed\\xa0\\x80 \\xc0\\x80\n" },
		{ "back\\slash", " : back\\slash\n" },
		{ "x\n2026-01-01 00:00:00.000+0000: 1: error : forged", "x\\n2026-01-01 " },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		log_to(1, path_a);
		VLOG_ERROR("%s", cases[i].message);
		tap_ok(file_has(path_a, cases[i].shown) && count_lines(path_a) == 1, "escape %zu", i);
	}
	log_to(1, path_a);
	VLOG_ERROR("a%cb", 0);
	tap_ok(file_has(path_a, "a\\x00b\n"), "escape a NUL");
}

static void test_long(void)
{
	bool all = true;
	char *big, *text;
	size_t size = 3000000;

	for (size_t n = 900; n < 1100; n++) {
		char message[1200];

		memset(message, 'x', n);
		message[n] = 0;
		log_to(1, path_a);
		VLOG_ERROR("%s", message);
		text = slurp(path_a);
		all = all && strlen(text) > n && text[strlen(text) - 1] == '\n' &&
		      strspn(strstr(text, "xx"), "x") == n && strchr(text, '\n') == text + strlen(text) - 1;
		free(text);
	}
	tap_ok(all, "long: all lengths around the size of the buffer");
	big = malloc(size + 1);
	if (!big)
		return;
	memset(big, 'y', size);
	big[size] = 0;
	log_to(1, path_a);
	VLOG_ERROR("%s", big);
	text = slurp(path_a);
	tap_ok(strstr(text, " : yy") && strspn(strstr(text, "yy"), "y") == size, "long: 3 MB come through");
	free(text);
	memset(big, '\n', size);
	log_to(1, path_a);
	VLOG_ERROR("%s", big);
	text = slurp(path_a);
	/* The last of them is the end of the message. */
	tap_int(strlen(strstr(text, "\\n")), 2 * (size - 1) + 1, "long: escaping needs more room");
	free(text);
	free(big);
}

static void test_levels_of_outputs(void)
{
	char s[400];

	vlog_shutdown();
	unlink(path_a);
	unlink(path_b);
	snprintf(s, sizeof(s), "3:file:%s 1:file:%s", path_a, path_b);
	tap_int(vlog_set_outputs(s, NULL), 0, "two files");
	vlog_set_filters("1:test", NULL);
	VLOG_DEBUG("low");
	VLOG_ERROR("high");
	tap_ok(!file_has(path_a, "low") && file_has(path_a, "high"), "outputs: 3 takes errors only");
	tap_ok(file_has(path_b, "low") && file_has(path_b, "high"), "outputs: 1 takes both");
	snprintf(s, sizeof(s), "4:file:%s 4:file:%s", path_a, path_b);
	vlog_set_outputs(s, NULL);
	tap_ok(!vlog_enabled(&vlog_self, VLOG_LEVEL_WARN), "outputs: what none takes is not even formatted");
	/* Same file by another name: one output, the last one. */
	unlink(path_a);
	snprintf(s, sizeof(s), "1:file:%s 4:file:%s/.././%s//a.log/ 4:journald", path_a, dir, strrchr(dir, '/') + 1);
	tap_int(vlog_set_outputs(s, NULL), 0, "outputs: the same file twice");
	VLOG_WARN("w");
	VLOG_ERROR("e");
	tap_ok(count_lines(path_a) == 1 && file_has(path_a, " : e\n"), "outputs: the last one counts");
	if (!chdir(dir)) {
		unlink(path_a);
		tap_int(vlog_set_outputs("1:file:./a.log", NULL), 0, "outputs: a relative path");
		VLOG_ERROR("rel");
		tap_ok(file_has(path_a, " : rel"), "outputs: is taken from the working directory");
	}
	snprintf(s, sizeof(s), "%s.1", path_a);
	tap_ok(chdir("/") == 0 && rename(path_a, s) == 0 && vlog_reopen() == 0, "outputs: the program moves on");
	VLOG_ERROR("moved");
	tap_ok(file_has(path_a, " : moved"), "outputs: and its file stays where it was");
}

static void test_all_or_nothing(void)
{
	struct vlog_error error;
	char s[512];
	unsigned fds;

	log_to(1, path_a);
	vlog_set_filters("1:test", NULL);
	fds = count_fds();
	errno = ENOTTY;
	tap_int(vlog_set_filters("4:test 9:bad", &error), -EINVAL, "bad filters are refused");
	tap_ok(error.offset == 7 && error.length == 1, "bad filters: the fault is at the level");
	tap_ok(strstr(error.message, "'9:bad'"), "bad filters: %s", error.message);
	tap_int(errno, ENOTTY, "bad filters: errno is kept");
	VLOG_DEBUG("still one");
	tap_ok(file_has(path_a, "still one"), "bad filters: the old ones stay");
	unlink(path_b);
	snprintf(s, sizeof(s), "4:file:%s 1:stdout", path_b);
	tap_int(vlog_set_outputs(s, &error), -EINVAL, "bad outputs are refused");
	tap_ok(access(path_b, F_OK) && error.offset == strlen(s) - 6 && error.length == 6,
	       "bad outputs: no file is made, the fault is the destination");
	snprintf(s, sizeof(s), "4:file:%s 1:file:%s/none/x", path_b, dir);
	errno = ENOTTY;
	tap_int(vlog_set_outputs(s, &error), -ENOENT, "a file that cannot be opened");
	tap_int(errno, ENOTTY, "bad outputs: errno is kept");
	tap_ok(error.length == strlen(dir) + 7 && error.offset + error.length == strlen(s) &&
	               strstr(error.message, "No such file"),
	       "cannot be opened: %s", error.message);
	tap_int(vlog_set_outputs("1:file:", NULL), -EISDIR, "an empty path is the working directory");
	VLOG_DEBUG("still two");
	tap_ok(file_has(path_a, "still two"), "bad outputs: the old ones stay");
	tap_int(count_fds(), fds, "bad outputs: no descriptor stays open");
	snprintf(s, sizeof(s), "%s/fifo", dir);
	if (!mkfifo(s, 0600)) {
		snprintf(s, sizeof(s), "1:file:%s/fifo", dir);
		tap_int(vlog_set_outputs(s, NULL), -ENXIO, "a pipe without reader is refused, not waited for");
	}
	vlog_shutdown();
	tap_int(count_fds(), fds - 1, "shutdown closes the file");
}

static void test_errno(void)
{
	log_to(1, path_a);
	errno = ENOSPC;
	VLOG_ERROR("%m");
	tap_int(errno, ENOSPC, "errno: kept by a message");
	tap_ok(file_has(path_a, "No space left on device"), "errno: is that of the caller within the message");
	VLOG_DEBUG("x");
	tap_int(errno, ENOSPC, "errno: kept by a disabled one");
	vlog_set_outputs("1:file:/dev/full", NULL);
	redirect_stderr(path_b);
	VLOG_ERROR("x");
	restore_stderr();
	vlog_reopen();
	vlog_shutdown();
	tap_int(errno, ENOSPC, "errno: kept when nothing can be written");
}

static void test_banner(void)
{
	char s[400], rotated[160], *text;

	log_to(3, path_a);
	VLOG_ERROR("before");
	vlog_set_banner("virtdiag version: 1.2.3\nhostname: vm\x01");
	VLOG_INFO("not written");
	tap_int(count_lines(path_a), 1, "banner: only before a message");
	VLOG_ERROR("first");
	VLOG_ERROR("second");
	text = slurp(path_a);
	tap_ok(like(text, "^[^\n]*: before\n[^\n]*: [0-9]+: info : virtdiag version: 1\\.2\\.3\n"
	                  "[^\n]*: [0-9]+: info : hostname: vm\\\\x01\n[^\n]*: first\n[^\n]*: second\n$"),
	       "banner: once, each line with a head, level info");
	free(text);
	tap_int(vlog_reopen(), 0, "banner: reopen the same file");
	VLOG_ERROR("third");
	tap_int(count_lines(path_a), 6, "banner: not again in the same file");
	snprintf(rotated, sizeof(rotated), "%s.1", path_a);
	if (!rename(path_a, rotated)) {
		tap_int(vlog_reopen(), 0, "banner: reopen a new file");
		VLOG_ERROR("fourth");
		tap_ok(count_lines(path_a) == 3 && file_has(path_a, "version"), "banner: again in a new file");
	}
	unlink(path_b);
	snprintf(s, sizeof(s), "4:file:%s", path_b);
	vlog_set_outputs(s, NULL);
	VLOG_ERROR("fifth");
	tap_int(count_lines(path_b), 3, "banner: again for new outputs");
	vlog_set_banner(NULL);
	vlog_set_outputs(s, NULL);
	VLOG_ERROR("sixth");
	tap_int(count_lines(path_b), 4, "banner: none when taken away");
}

static void test_reopen(void)
{
	char rotated[160], gone[160], s[400];
	unsigned fds;

	log_to(1, path_a);
	snprintf(rotated, sizeof(rotated), "%s.1", path_a);
	unlink(rotated);
	VLOG_ERROR("old");
	fds = count_fds();
	tap_int(rename(path_a, rotated), 0, "reopen: rotate");
	VLOG_ERROR("between");
	tap_ok(count_lines(rotated) == 2 && access(path_a, F_OK), "reopen: until then the renamed file is written");
	tap_int(vlog_reopen(), 0, "reopen: works");
	VLOG_ERROR("new");
	tap_ok(count_lines(rotated) == 2 && count_lines(path_a) == 1 && file_has(path_a, "new"),
	       "reopen: then the new one");
	tap_int(count_fds(), fds, "reopen: no descriptor more");
	snprintf(gone, sizeof(gone), "%s/sub", dir);
	if (mkdir(gone, 0700))
		return;
	snprintf(s, sizeof(s), "1:file:%s/sub/x 1:file:%s", dir, path_a);
	tap_int(vlog_set_outputs(s, NULL), 0, "reopen: a file in a directory");
	snprintf(s, sizeof(s), "%s/sub2", dir);
	tap_int(rename(gone, s), 0, "reopen: that goes away");
	tap_int(vlog_reopen(), -ENOENT, "reopen: says that it failed");
	VLOG_ERROR("kept");
	snprintf(s, sizeof(s), "%s/sub2/x", dir);
	tap_ok(file_has(s, "kept") && file_has(path_a, "kept"),
	       "reopen: the old file is still written, so is the other");
}

static void test_fork(void)
{
	char pattern[64];
	pid_t child;
	int status = -1;

	log_to(1, path_a);
	VLOG_ERROR("parent");
	child = fork();
	if (child == 0) {
		VLOG_ERROR("child");
		vlog_set_filters("4:*", NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	tap_int(status, 0, "fork: the child ends well");
	snprintf(pattern, sizeof(pattern), ": %ld: error : test_fork:", (long)child);
	tap_ok(count_lines(path_a) == 2 && file_has(path_a, pattern), "fork: the child logs under its own thread id");
	VLOG_WARN("parent again");
	tap_ok(count_lines(path_a) == 3, "fork: the settings of the parent are its own");
}

static void test_full(void)
{
	char *text;

	vlog_shutdown();
	tap_int(vlog_set_outputs("1:file:/dev/full", NULL), 0, "full: output /dev/full");
	redirect_stderr(path_b);
	for (unsigned i = 0; i < 5; i++)
		VLOG_ERROR("lost %u", i);
	restore_stderr();
	text = slurp(path_b);
	tap_ok(strstr(text, "/dev/full") && strstr(text, "No space left on device"), "full: %.60s...", text);
	tap_int(count_lines(path_b), 1, "full: one complaint");
	free(text);
}

/* A file that takes half a line: the other half is lost, the next line must be whole. */
static void test_torn(void)
{
	struct rlimit old, limit;
	size_t half;
	char *text;

	log_to(1, path_a);
	VLOG_ERROR("whole");
	text = slurp(path_a);
	half = strlen(text) + 40;
	free(text);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = half;
	signal(SIGXFSZ, SIG_IGN);
	redirect_stderr(path_b);
	setrlimit(RLIMIT_FSIZE, &limit);
	VLOG_ERROR("torn in the middle because there is no room for it");
	setrlimit(RLIMIT_FSIZE, &old);
	restore_stderr();
	signal(SIGXFSZ, SIG_DFL);
	VLOG_ERROR("whole again");
	VLOG_ERROR("and again");
	text = slurp(path_a);
	tap_ok(like(text, "^[^\n]*: whole\n[^\n]{40}\n20[^\n]*: whole again\n20[^\n]*: and again\n$"),
	       "torn: the next line begins on a line of its own");
	free(text);
}

static void test_stderr(void)
{
	int ends[2], old;
	sigset_t pending;

	vlog_shutdown();
	redirect_stderr(path_b);
	VLOG_WARN("by default");
	VLOG_INFO("not by default");
	vlog_set_filters("1:test", NULL);
	VLOG_DEBUG("filtered in");
	vlog_set_outputs("3:stderr", NULL);
	VLOG_DEBUG("below the output");
	vlog_set_outputs("  ", NULL);
	VLOG_DEBUG("default again");
	restore_stderr();
	tap_ok(count_lines(path_b) == 3 && file_has(path_b, "by default") && file_has(path_b, "filtered in") &&
	               file_has(path_b, "default again"),
	       "stderr: the default takes what the filters let through");
	if (pipe2(ends, O_CLOEXEC))
		return;
	old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(ends[1], STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
	VLOG_ERROR("nobody reads this");
	sigpending(&pending);
	dup2(old, STDERR_FILENO);
	close(old);
	tap_ok(!sigismember(&pending, SIGPIPE), "stderr: a broken pipe does not end the process");
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		tap_ok(false, "listen at %s", path);
	return fd;
}

/* The next datagram; when it is empty and brings a descriptor, the content of that. Returns the length. */
static ssize_t receive(int fd, char *buffer, size_t size, bool *ret_file)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { buffer, size - 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	int file;

	*ret_file = head;
	if (head) {
		memcpy(&file, CMSG_DATA(head), sizeof(file));
		if (fcntl(file, F_GET_SEALS) != (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
			tap_ok(false, "journald: the file is sealed");
		got = pread(file, buffer, size - 1, 0);
		close(file);
	}
	buffer[got < 0 ? 0 : got] = 0;
	return got;
}

static void test_journald(void)
{
	static const char *const wanted[] = { "MESSAGE=plain\xff\n",         "\nPRIORITY=4\n",
		                              "\nSYSLOG_FACILITY=3\n",       "\nVLOG_CATEGORY=test.log\n",
		                              "\nCODE_FUNC=test_journald\n", "\nCODE_FILE=" };
	size_t size = 2000000;
	char *buffer = malloc(size), *big = malloc(size / 2 + 1), path[128], number[32];
	bool file;
	int fd;

	if (!buffer || !big)
		return;
	snprintf(path, sizeof(path), "%s/journal", dir);
	vlog_journald_path = path;
	vlog_shutdown();
	tap_int(vlog_set_outputs("2:journald", NULL), 0, "journald: accepted without a journal");
	VLOG_ERROR("lost");
	fd = listen_at(path);
	snprintf(number, sizeof(number), "\nCODE_LINE=%d\n", __LINE__ + 1);
	VLOG_WARN("plain\xff");
	tap_ok(receive(fd, buffer, size, &file) > 0 && !file, "journald: found when it starts, the lost one stays so");
	for (size_t i = 0; i < VD_ARRAY_SIZE(wanted); i++)
		tap_ok(strstr(buffer, wanted[i]), "journald: %zu: %s", i, strchr(wanted[i], '=') - 4);
	tap_ok(strstr(buffer, number) && buffer[strlen(buffer) - 1] == '\n', "journald: CODE_LINE, end");
	VLOG_ERROR("two\nlines");
	tap_ok(receive(fd, buffer, size, &file) > 26 &&
	               !memcmp(buffer, "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIO", 30),
	       "journald: a message with a newline has its length in front");
	memset(big, 'z', size / 2);
	big[size / 2] = 0;
	VLOG_ERROR("%s", big);
	tap_ok(receive(fd, buffer, size, &file) > (ssize_t)size / 2 && file, "journald: 1 MB comes as a file");
	tap_ok(!strncmp(buffer, "MESSAGE=zz", 10) && strspn(buffer + 8, "z") == size / 2 &&
	               strstr(buffer, "\nCODE_FUNC=test_journald\n"),
	       "journald: and is whole");
	vlog_set_banner("version 1");
	VLOG_ERROR("x");
	tap_ok(receive(fd, buffer, size, &file) > 0 &&
	               !strcmp(buffer, "MESSAGE=version 1\nPRIORITY=6\nSYSLOG_FACILITY=3\n"),
	       "journald: the banner is a message without a place");
	close(fd);
	free(buffer);
	free(big);
}

static void test_syslog(void)
{
	char path[128], buffer[100000], pattern[128], *big = malloc(1000001);
	bool file;
	int fd;

	if (!big)
		return;
	snprintf(path, sizeof(path), "%s/syslog", dir);
	vlog_syslog_path = path;
	vlog_shutdown();
	fd = listen_at(path);
	tap_int(vlog_set_outputs("1:syslog:one 4:syslog:two 4:syslog:two", NULL), 0, "syslog: two idents");
	VLOG_WARN("a\nb");
	snprintf(pattern, sizeof(pattern), "^<28>one\\[%ld\\]: %ld: warning : test_syslog:[0-9]+ : a\\\\nb$",
	         (long)getpid(), (long)getpid());
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) > 0 && like(buffer, pattern), "syslog: %s", buffer);
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) < 0, "syslog: the other takes errors only");
	VLOG_ERROR("c");
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) > 0 && !strncmp(buffer, "<27>one[", 8), "syslog: first");
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) > 0 && !strncmp(buffer, "<27>two[", 8), "syslog: second");
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) < 0, "syslog: the same ident twice is one output");
	vlog_set_outputs("1:syslog:", NULL);
	VLOG_ERROR("d");
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) > 0 && !strncmp(buffer, "<27>[", 5),
	       "syslog: an empty ident");
	memset(big, 'z', 1000000);
	big[1000000] = 0;
	VLOG_ERROR("%s", big);
	tap_ok(receive(fd, buffer, sizeof(buffer), &file) > 7000, "syslog: what is too long is cut");
	close(fd);
	free(big);
}

static void test_environment(void)
{
	static const struct {
		const char *name, *value;
		int status;
		size_t offset, length;
		unsigned lowest;
	} cases[] = {
		{ "VT_LOG_FILTERS", "1:test", 0, 0, 0, 1 },
		{ "VT_LOG_FILTERS", "", 0, 0, 0, 3 },
		{ "VT_LOG_FILTERS", "1:a x:b", -EINVAL, 4, 1, 3 },
		{ "VT_LOG_OUTPUTS", "4:stderr", 0, 0, 0, 4 },
		{ "VT_LOG_OUTPUTS", "1:stderr:x", -EINVAL, 8, 2, 3 },
		{ "VT_DEBUG", "1", 0, 0, 0, 1 },
		{ "VT_DEBUG", "info", 0, 0, 0, 2 },
		{ "VT_DEBUG", "error", 0, 0, 0, 4 },
		{ "VT_DEBUG", "warning", 0, 0, 0, 3 },
		{ "VT_DEBUG", "warn", -EINVAL, 0, 4, 3 },
		{ "VT_DEBUG", "0", -EINVAL, 0, 1, 3 },
		{ "VT_DEBUG", "DEBUG", -EINVAL, 0, 5, 3 },
		{ "VT_DEBUG", "01", -EINVAL, 0, 2, 3 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vlog_error error = { .message = "" };
		unsigned lowest = 1;

		vlog_shutdown();
		setenv(cases[i].name, cases[i].value, 1);
		tap_int(vlog_init_from_env("VT", &error), cases[i].status, "environment: %s=%s", cases[i].name,
		        cases[i].value);
		unsetenv(cases[i].name);
		tap_ok(error.offset == cases[i].offset && error.length == cases[i].length &&
		               !strstr(error.message, cases[i].name) == !cases[i].status,
		       "environment: %s", error.message);
		while (lowest < 5 && !vlog_enabled(&vlog_self, lowest))
			lowest++;
		tap_int(lowest, cases[i].lowest, "environment: lowest level");
	}
	tap_int(vlog_init_from_env("NONE_OF_THESE", NULL), 0, "environment: nothing set");
	setenv("VT_DEBUG", "x", 1);
	tap_int(vlog_init_from_env("VT", NULL), -EINVAL, "environment: no error wanted");
}

int main(void)
{
	char command[128];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path_a, sizeof(path_a), "%s/a.log", dir);
	snprintf(path_b, sizeof(path_b), "%s/b.log", dir);
	test_handler();
	test_arguments();
	test_refresh();
	test_format();
	test_dates();
	test_escape();
	test_long();
	test_levels_of_outputs();
	test_all_or_nothing();
	test_errno();
	test_banner();
	test_reopen();
	test_fork();
	test_full();
	test_torn();
	test_stderr();
	test_journald();
	test_syslog();
	test_environment();
	vlog_shutdown();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	tap_ok(system(command) == 0, "the directory is removed");
	return tap_done();
}
