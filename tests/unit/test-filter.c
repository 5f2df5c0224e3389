/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects: verdict, error text, normalised outputs and levels of filter and output strings, compared with what a real
 * libvirtd 9.0.0 said (tests/data/filters/), and the warnings about what libvirt accepts silently.
 */

#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "tap.h"

#define DATA       "tests/data/filters/"
/* Where the daemon that gave the verdicts had been started. */
#define DAEMON_CWD "/srv/vd/ns/tmp"

static struct vd_catalogue catalogue = VD_CATALOGUE_INIT;

/* Undoes the \t \n \r \\ \xHH of the data files, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		char hex[3] = { 0 };

		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		s++;
		if (*s == 'x') {
			memcpy(hex, s + 1, 2);
			*to++ = (char)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			*to++ = (char)(*s == 't' ? '\t' : *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s);
		}
	}
	*to = '\0';
}

/* Cuts a line into @max fields at tabs; missing ones are "". */
static void cut(char *line, char **ret_fields, size_t max)
{
	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < max; i++) {
		char *tab = strchr(line, '\t');

		ret_fields[i] = line;
		if (tab)
			*tab = '\0';
		line = tab ? tab + 1 : line + strlen(line);
	}
}

/* A host like the one where the verdicts were taken: the directories that were there. */
static struct vd_root *make_root(char *dir)
{
	static const char *const dirs[] = { "srv", "srv/vd",        "srv/vd/ns", "srv/vd/ns/tmp",
		                            "tmp", "tmp/vd-oracle", "dev",       "proc" };
	struct vd_root *root = NULL;
	char path[256];

	if (!mkdtemp(dir))
		return NULL;
	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, dirs[i]);
		if (mkdir(path, 0755) < 0)
			return NULL;
	}
	return vd_root_open(dir, 0, &root, NULL) < 0 ? NULL : root;
}

static void remove_root(const char *dir)
{
	static const char *const dirs[] = { "tmp/vd-oracle", "tmp",    "dev", "proc", "srv/vd/ns/tmp",
		                            "srv/vd/ns",     "srv/vd", "srv", "" };
	char path[256];

	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, dirs[i]);
		rmdir(path);
	}
}

/* What the daemon reports after it has taken the string. */
static char *normalised(const struct vd_filters *f)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_reserve(&buf, 1);

	for (size_t i = 0; i < f->count; i++) {
		const struct vlog_item *p = &f->items[i].parsed;
		const char *path = f->items[i].path;

		if (f->kind == VD_LOG_FILTERS) {
			r |= vd_buf_addf(&buf, "%s%u:*%.*s*", buf.len ? " " : "", p->level, (int)p->match.length,
			                 vd_filters_span(f, &p->match));
			continue;
		}
		if (!vd_outputs_kept(f, i))
			continue;
		r |= vd_buf_addf(&buf, "%s%u:%s", buf.len ? " " : "", p->level, vlog_dest_name(p->dest));
		if (path)
			r |= vd_buf_addf(&buf, ":%s%s", *path == '/' ? "" : DAEMON_CWD "/", path);
		else if (p->dest == VLOG_DEST_SYSLOG)
			r |= vd_buf_addf(&buf, ":%.*s", (int)p->argument.length, vd_filters_span(f, &p->argument));
	}
	return r ? NULL : strdup(vd_buf_str(&buf));
}

/* "../tmp/rel.log" below the daemon's directory; enough for the cases. */
static const char *from_cwd(const char *wanted, char *buf, size_t size)
{
	const char *up = "/../tmp/", *at = strstr(wanted, up);

	if (!at)
		return wanted;
	snprintf(buf, size, "%.*s/%s", (int)(at - wanted) - 4, wanted, at + 4);
	return buf;
}

static const struct vd_filter_warning *find_warning(const struct vd_filter_warnings *w, const char *id)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->items[i].id, id))
			return &w->items[i];
	return NULL;
}

static void check_case(char **field, struct vd_root *root)
{
	static const char invalid[] = "invalid argument: ";
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
	enum vd_log_kind kind = *field[0] == 'F' ? VD_LOG_FILTERS : VD_LOG_OUTPUTS;
	bool accepted = !strcmp(field[2], "accept"), refused;
	const char *first = NULL;
	VD_AUTO_FREE char *label = strdup(field[1]); /* as it stands in the file: no control characters in TAP */

	unescape(field[1]);
	unescape(field[3]);
	tap_int(vd_filters_parse(kind, field[1], &f, NULL), 0, "%s '%s' is taken apart", field[0], label);
	tap_int(kind == VD_LOG_OUTPUTS ? vd_outputs_check(&f, root, &w)
	                               : vd_filters_check(&f, &catalogue, NULL, VD_LOG_DEFAULT_LEVEL, &w),
	        0, "%s '%s' is looked at", field[0], label);
	refused = f.invalid || find_warning(&w, "directory-missing") || find_warning(&w, "is-directory");
	tap_int(!refused, accepted, "%s '%s' -> verdict of libvirtd", field[0], label);
	for (size_t i = 0; !first && i < f.count; i++)
		first = f.items[i].error;
	if (accepted) {
		VD_AUTO_FREE char *value = normalised(&f);
		char buf[512];

		/* Bytes that are not UTF-8 were written down twice escaped. */
		if (strstr(field[3], "\\x"))
			unescape(field[3]);
		tap_str(value ? from_cwd(value, buf, sizeof(buf)) : NULL, field[3],
		        "%s '%s' -> value that libvirtd reports", field[0], label);
	} else if (!strncmp(field[3], invalid, strlen(invalid))) {
		tap_str(first, field[3] + strlen(invalid), "%s '%s' -> error of libvirtd", field[0], label);
	}
}

static FILE *open_data(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), DATA "%s", name);
	file = fopen(path, "r");
	tap_ok(file != NULL, "%s can be read", path);
	return file;
}

static void test_cases(void)
{
	char line[4096], *field[5], dir[] = "/tmp/virtdiag-test-filter-XXXXXX";
	VD_AUTO_ROOT struct vd_root *root = make_root(dir);
	FILE *file = open_data("filter-cases.tsv");
	unsigned count = 0;

	tap_ok(root != NULL, "a root for the cases with paths");
	while (root && file && fgets(line, sizeof(line), file)) {
		cut(line, field, VD_ARRAY_SIZE(field));
		if (*field[0] != 'F' && *field[0] != 'O')
			continue;
		check_case(field, root);
		count++;
	}
	if (file)
		fclose(file);
	remove_root(dir);
	tap_int(count, 330, "all cases were seen");
}

static struct vd_buf shown;

/* Control characters would break the TAP lines. */
static const char *printable(const char *s)
{
	vd_buf_clear(&shown);
	return vd_buf_add_escaped(&shown, s, strlen(s)) < 0 ? "" : vd_buf_str(&shown);
}

static void test_semantics(void)
{
	char line[4096], *field[4];
	FILE *file = open_data("filter-semantics.tsv");
	unsigned count = 0;

	while (file && fgets(line, sizeof(line), file)) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;

		if (*line == '#')
			continue;
		cut(line, field, VD_ARRAY_SIZE(field));
		unescape(field[0]);
		tap_int(vd_filters_parse(VD_LOG_FILTERS, field[0], &f, NULL), 0, "'%s' is taken apart",
		        printable(field[0]));
		tap_int(vd_filters_level(&f, field[1], (unsigned)strtoul(field[2], NULL, 10), NULL),
		        strtoul(field[3], NULL, 10), "'%s' for %s, default %s", printable(field[0]), field[1],
		        field[2]);
		count++;
	}
	if (file)
		fclose(file);
	tap_ok(count > 150, "all levels were seen (%u)", count);
}

static void test_hints(void)
{
	static const struct {
		enum vd_log_kind kind;
		const char *text, *error, *hint;
		size_t column; /* of the fault */
	} cases[] = {
		{ VD_LOG_FILTERS, "1:a 9:x", "Invalid priority '9' for filter '9:x'",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)", 5 },
		{ VD_LOG_FILTERS, "debug:qemu", "Invalid priority 'debug' for filter 'debug:qemu'",
		  "levels are numbers: debug is 1", 1 },
		{ VD_LOG_FILTERS, "qemu:1", "Invalid priority 'qemu' for filter 'qemu:1'",
		  "the level comes first: 1:qemu", 1 },
		{ VD_LOG_FILTERS, "\"1:qemu\"", "Invalid priority '\"1' for filter '\"1:qemu\"'",
		  "quotes are part of the string here: leave them out", 1 },
		{ VD_LOG_FILTERS, "log_filters=1:qemu",
		  "Invalid priority 'log_filters=1' for filter 'log_filters=1:qemu'",
		  "give the value alone, without the name of the setting and without quotes", 1 },
		{ VD_LOG_FILTERS, "qemu", "Malformed format for filter 'qemu'",
		  "an item is LEVEL:PATTERN, for example 1:qemu", 1 },
		{ VD_LOG_FILTERS, "1qemu", "Malformed format for filter '1qemu'",
		  "the colon is missing; did you mean 1:qemu?", 1 },
		{ VD_LOG_FILTERS, "1=qemu", "Malformed format for filter '1=qemu'",
		  "the colon is missing; did you mean 1:qemu?", 1 },
		{ VD_LOG_FILTERS, "1 2:x", "Malformed format for filter '1'",
		  "a space ends the item: write LEVEL:PATTERN without spaces", 1 },
		{ VD_LOG_FILTERS, "1:x # y", "Malformed format for filter '#'",
		  "comments are not possible inside the string", 5 },
		{ VD_LOG_FILTERS, "1:", "Invalid match string ''",
		  "there is no pattern between level and end; 1:* means everything", 2 },
		{ VD_LOG_FILTERS, "1: qemu", "Invalid match string ''",
		  "nothing follows the colon: a space ends the item", 2 },
		{ VD_LOG_FILTERS, "1:+", "Invalid match string '+'", "a pattern must follow the \"+\"", 3 },
		{ VD_LOG_FILTERS, "1:\xc3\xa9 9:x", "Invalid priority '9' for filter '9:x'",
		  "the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)", 5 },
		{ VD_LOG_OUTPUTS, "1:/tmp/x", "Invalid log destination '/tmp/x' for log output '1:/tmp/x'",
		  "for a file write 1:file:/tmp/x", 3 },
		{ VD_LOG_OUTPUTS, "1:STDERR", "Invalid log destination 'STDERR' for log output '1:STDERR'",
		  "did you mean stderr?", 3 },
		{ VD_LOG_OUTPUTS, "1:journal", "Invalid log destination 'journal' for log output '1:journal'",
		  "did you mean journald?", 3 },
		{ VD_LOG_OUTPUTS, "1:stdout", "Invalid log destination 'stdout' for log output '1:stdout'",
		  "there is no stdout; use stderr", 3 },
		{ VD_LOG_OUTPUTS, "1:nowhere", "Invalid log destination 'nowhere' for log output '1:nowhere'",
		  "a destination is stderr, journald, syslog:NAME or file:PATH", 3 },
		{ VD_LOG_OUTPUTS, "1:stderr:x",
		  "Log output '1:stderr:x' does not meet the format requirements for destination type 'stderr'",
		  "stderr takes nothing behind it", 9 },
		{ VD_LOG_OUTPUTS, "1:file",
		  "Log output '1:file' does not meet the format requirements for destination type 'file'",
		  "a path is missing: file:/var/log/libvirt/NAME.log", 3 },
		{ VD_LOG_OUTPUTS, "1:syslog",
		  "Log output '1:syslog' does not meet the format requirements for destination type 'syslog'",
		  "a name is missing: syslog:libvirtd", 3 },
		{ VD_LOG_OUTPUTS, "1:file:/a:b",
		  "Log output '1:file:/a:b' does not meet the format requirements for destination type 'file'",
		  "a path cannot hold a colon: nothing quotes or escapes it", 10 },
		{ VD_LOG_OUTPUTS, "1:file:", "failed to open the working directory of the daemon: Is a directory",
		  "a path is missing: file:/var/log/libvirt/NAME.log", 1 },
		{ VD_LOG_OUTPUTS, "3:stderr 1:file://", "failed to open /: Is a directory",
		  "a path is missing: file:/var/log/libvirt/NAME.log", 17 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		const struct vd_filter_item *bad = NULL;

		tap_int(vd_filters_parse(cases[i].kind, cases[i].text, &f, NULL), 0, "'%s' is taken apart",
		        cases[i].text);
		for (size_t n = 0; !bad && n < f.count; n++)
			bad = f.items[n].valid ? NULL : &f.items[n];
		tap_ok(f.invalid > 0, "'%s' -> invalid", cases[i].text);
		tap_str(bad ? bad->error : NULL, cases[i].error, "'%s' -> error", cases[i].text);
		tap_str(bad ? bad->hint : NULL, cases[i].hint, "'%s' -> hint", cases[i].text);
		tap_int(bad ? vd_filters_column(&f, &bad->parsed.fault) : 0, cases[i].column,
		        "'%s' -> column of the caret", cases[i].text);
	}
}

static void test_paths(void)
{
	static const struct {
		const char *text, *path; /* NULL: invalid */
	} cases[] = { { "1:file:/a//b/./c", "/a/b/c" }, { "1:file:/a/../b", "/b" },
		      { "1:file:/../../b", "/b" },      { "1:file:/a/b/", "/a/b" },
		      { "1:file:a/b/../c", "a/c" },     { "1:file:../x", "../x" },
		      { "1:file:../../x", "../../x" },  { "1:file:a/../../x", "../x" },
		      { "1:file:~/x", "~/x" },          { "1:file:.", NULL },
		      { "1:file:a/..", NULL },          { "1:file:..", NULL },
		      { "1:file:/a/..", NULL },         { "1:file:../..", NULL },
		      { "1:file:x..", "x.." } };

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;

		tap_int(vd_filters_parse(VD_LOG_OUTPUTS, cases[i].text, &f, NULL), 0, "%s is taken apart",
		        cases[i].text);
		tap_int(f.invalid, !cases[i].path, "%s -> valid", cases[i].text);
		if (cases[i].path && f.count)
			tap_str(f.items[0].path, cases[i].path, "%s -> path", cases[i].text);
	}
}

static void test_kept(void)
{
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;
	VD_AUTO_FILTERS none = VD_FILTERS_INIT;
	static const bool kept[] = { false, true, true, false, true, true };

	tap_int(vd_filters_parse(VD_LOG_OUTPUTS, "1:journald 3:stderr 2:journald 1:file:/x/y 4:file:/x/./y 3:syslog:a",
	                         &f, NULL),
	        0, "outputs with duplicates");
	for (size_t i = 0; i < f.count; i++)
		tap_int(vd_outputs_kept(&f, i), kept[i], "output %zu is kept", i);
	tap_int(vd_outputs_lowest(&f), 2, "the most talkative output that is kept");
	tap_int(vd_filters_parse(VD_LOG_OUTPUTS, "", &none, NULL), 0, "no outputs");
	tap_int(vd_outputs_lowest(&none), 5, "nothing passes where there is no output");
}

/* The ids of all warnings, "no-match:1" for the one about the second item. */
static char *ids(const struct vd_filter_warnings *w)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_reserve(&buf, 1);

	for (size_t i = 0; i < w->count; i++)
		r |= vd_buf_addf(&buf, "%s%s:%ld", i ? " " : "", w->items[i].id, w->items[i].item);
	return r ? NULL : strdup(vd_buf_str(&buf));
}

static void test_filter_warnings(void)
{
	static const struct {
		const char *filters, *outputs, *ids, *message; /* message: of the first; NULL not compared */
	} cases[] = {
		{ "1:qemu", NULL, "", NULL },
		{ "1:qumu", NULL, "no-match:0", "'qumu' matches no category; did you mean qemu or util.qemu?" },
		{ "1:zzzzzzzz", NULL, "no-match:0", "'zzzzzzzz' matches no category" },
		{ "1:qemu 4:qemu_monitor", NULL, "shadowed:1",
		  "'4:qemu_monitor' never counts: all that it matches is decided before it by '1:qemu'; put it first" },
		{ "1:qemu_monitor 1:qemu", NULL, "", NULL },
		{ "1:qemu 1:qemu_monitor", NULL, "shadowed:1",
		  "'1:qemu_monitor' changes nothing: all that it matches has that level already by '1:qemu'" },
		{ "4:event 3:util.json 1:util.event 2:json", NULL, "shadowed:2",
		  "'1:util.event' never counts: all that it matches is decided before it by '4:event'; put it first" },
		{ "3:util 1:util.pci", NULL, "shadowed:1", NULL },
		{ "3:json 3:object 3:event 1:* 4:qemu", NULL, "shadowed:4",
		  "'4:qemu' never counts: all that it matches is decided before it by '3:json' and '1:*'; put it "
		  "first" },
		{ "1:qemu,2:util", NULL, "separator:0", NULL },
		{ "1:qemu,util", NULL, "separator:0",
		  "a comma does not separate filters, only spaces do: this is one filter, for the pattern 'qemu,util'; "
		  "did you "
		  "mean '1:qemu 1:util'?" },
		{ "1:qemu\n", NULL, "separator:0", NULL },
		{ "\t1:qemu", NULL, "separator:0",
		  "a tab does not separate filters, only spaces do: this is one filter, for the pattern 'qemu'; did "
		  "you mean "
		  "'1:qemu'?" },
		{ "1:qemu,,2:\tutil;", NULL, "separator:0",
		  "a comma does not separate filters, only spaces do: this is one filter, for the pattern 'qemu,,2'; "
		  "did you "
		  "mean '1:qemu 2:util'?" },
		{ "1:qemu:2:util", NULL, "suffix-ignored:0",
		  "':2:util' is ignored: only the first two parts count, level and pattern 'qemu'" },
		{ "1:[qu]emu", NULL, "brackets-literal:0",
		  "'[qu]emu' matches no category: brackets are ordinary characters, only * and ? are wildcards" },
		{ "1:QEMU", NULL, "case:0",
		  "'QEMU' matches no category: matching is case-sensitive; did you mean 'qemu'?" },
		{ "1:+qemu", NULL, "stack-trace-flag:0",
		  "the \"+\" asked for stack traces before libvirt 5.9.0; it is ignored now" },
		{ "1:qemu", "3:journald", "below-output:0",
		  "'1:qemu' asks for debug, but no output lets anything below warning through" },
		{ "1:qemu", "1:file:/x 3:journald", "", NULL },
		{ "1:qemu", " ", "below-output:0", "'1:qemu' has no effect: there is no output" },
		{ "3:qemu", "4:stderr", "", NULL },
		{ "2:qemu", "1:stderr 2:stderr", "", NULL },
		{ "1:qemu", "1:stderr 2:stderr", "below-output:0", NULL },
		{ "1:util", NULL, "flood:0",
		  "'1:util' lets util.eventglib, util.json and util.object flood the log; put '3:util.event "
		  "3:util.json "
		  "3:util.object' before it" },
		{ "2:util", NULL, "flood:0", "'2:util' lets util.object flood the log; put '3:util.object' before it" },
		{ "3:util.json 3:util.object 3:event 1:*", NULL, "", NULL },
		{ "4:json 1:*", NULL, "flood:1",
		  "'1:*' lets util.eventglib and util.object flood the log; put '3:util.event 3:util.object' before "
		  "it" },
		{ "9:x 1:qumu 1:qemu", NULL, "no-match:1", NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		VD_AUTO_FILTERS o = VD_FILTERS_INIT;
		VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
		VD_AUTO_FREE char *got = NULL;
		int r = vd_filters_parse(VD_LOG_FILTERS, cases[i].filters, &f, NULL);

		if (cases[i].outputs)
			r |= vd_filters_parse(VD_LOG_OUTPUTS, cases[i].outputs, &o, NULL);
		r |= vd_filters_check(&f, &catalogue, cases[i].outputs ? &o : NULL, VD_LOG_DEFAULT_LEVEL, &w);
		tap_int(r, 0, "'%s' is looked at", printable(cases[i].filters));
		got = ids(&w);
		tap_str(got, cases[i].ids, "'%s' with '%s' -> warnings", printable(cases[i].filters),
		        cases[i].outputs ? cases[i].outputs : "any output");
		if (cases[i].message)
			tap_str(w.count ? w.items[0].message : NULL, cases[i].message, "'%s' -> message",
			        cases[i].filters);
	}
}

static void test_output_warnings(void)
{
	static const struct {
		const char *outputs;
		bool host;
		const char *ids, *message;
	} cases[] = {
		{ "1:file:/tmp/x 3:journald", true, "", NULL },
		{ "1:file:x.log", true, "relative-path:0",
		  "'x.log' is relative to the working directory of the daemon, / for one that systemd started" },
		{ "1:journald", false, "journald-debug:0", NULL },
		{ "2:journald", false, "", NULL },
		{ "1:stderr 3:stderr", false, "duplicate:0",
		  "'1:stderr' is dropped: '3:stderr' names the same destination, the last one stays" },
		{ "1:file:/tmp/a 3:stderr 2:file:/tmp/./a 4:file:/tmp/b", false, "duplicate:0",
		  "'1:file:/tmp/a' is dropped: '2:file:/tmp/./a' names the same destination, the last one stays" },
		{ "1:file:/tmp/a 2:file:/tmp/b 3:file:/tmp/a", false, "duplicate:0",
		  "'1:file:/tmp/a' is dropped: '3:file:/tmp/a' names the same destination, the last one stays" },
		{ "1:file:/nonexistent-dir/x", false, "", NULL },
		{ "1:file:/nonexistent-dir/x", true, "directory-missing:0",
		  "libvirt would refuse the string: there is no directory /nonexistent-dir, and it does not create "
		  "it" },
		{ "1:file:/tmp/vd-oracle/", true, "is-directory:0",
		  "libvirt would refuse the string: /tmp/vd-oracle is a directory" },
		{ "1:file:/tmp/my log", false, "space-or-colon-in-path:1", NULL },
		{ "1:file:/tmp/a:b", false, "space-or-colon-in-path:0", NULL },
		{ "1:stderr x", false, "", NULL },
		{ "  ", false, "no-outputs:-1", NULL },
		{ "", false, "", NULL },
	};
	char dir[] = "/tmp/virtdiag-test-filter-XXXXXX";
	VD_AUTO_ROOT struct vd_root *root = make_root(dir);

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_FILTERS f = VD_FILTERS_INIT;
		VD_AUTO_FILTER_WARNINGS w = VD_FILTER_WARNINGS_INIT;
		VD_AUTO_FREE char *got = NULL;
		int r = vd_filters_parse(VD_LOG_OUTPUTS, cases[i].outputs, &f, NULL);

		r |= vd_outputs_check(&f, cases[i].host ? root : NULL, &w);
		tap_int(r, 0, "'%s' is looked at", cases[i].outputs);
		got = ids(&w);
		tap_str(got, cases[i].ids, "'%s' -> warnings", cases[i].outputs);
		if (cases[i].message)
			tap_str(w.count ? w.items[0].message : NULL, cases[i].message, "'%s' -> message",
			        cases[i].outputs);
	}
	remove_root(dir);
}

static void add_items(struct vd_buf *text, const char *format, unsigned n, bool numbered)
{
	for (unsigned i = 0; i < n; i++)
		if (vd_buf_addf(text, "%s%s", text->len ? " " : "", format) < 0 ||
		    (numbered && vd_buf_addf(text, "%u", i) < 0))
			abort();
}

/* Strings of thousands of items: what counts is not worked out anew for each. */
static void test_many(void)
{
	enum {
		N = 2000
	};
	VD_AUTO_BUF filters = VD_BUF_INIT, outputs = VD_BUF_INIT;
	VD_AUTO_FILTERS f = VD_FILTERS_INIT, o = VD_FILTERS_INIT;
	VD_AUTO_FILTER_WARNINGS wf = VD_FILTER_WARNINGS_INIT, wo = VD_FILTER_WARNINGS_INIT;
	int r;

	add_items(&filters, "1:zzz", N, false);
	add_items(&filters, "1:*", N, false);
	add_items(&outputs, "1:file:/a", N, true);
	add_items(&outputs, "1:file:/a", N, true);
	alarm(30);
	r = vd_filters_parse(VD_LOG_FILTERS, filters.data, &f, NULL);
	r |= vd_filters_parse(VD_LOG_OUTPUTS, outputs.data, &o, NULL);
	r |= vd_filters_check(&f, &catalogue, &o, VD_LOG_DEFAULT_LEVEL, &wf);
	r |= vd_outputs_check(&o, NULL, &wo);
	alarm(0);
	tap_int(r, 0, "many: looked at");
	/* All of the first kind match nothing, one of the second decides, and floods. */
	tap_int((long long)wf.count, 2 * N, "many: each filter has its warning");
	tap_int((long long)wo.count, N, "many: each output of the first half is dropped");
}

int main(void)
{
	if (vd_catalogue_load(VD_VERSION(9, 0, 0), &catalogue, NULL) < 0)
		return 1;
	test_cases();
	test_semantics();
	test_hints();
	test_paths();
	test_kept();
	test_filter_warnings();
	test_output_warnings();
	test_many();
	vd_catalogue_release(&catalogue);
	vd_buf_release(&shown);
	return tap_done();
}
