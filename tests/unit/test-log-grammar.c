/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the grammar of filter and output strings: every verdict, normalised value and error text that a real
 * libvirtd 9.0.0 gave for tests/data/filters/filter-cases.tsv, and every level libvirt.so.0 9.0.0 settled on for
 * filter-semantics.tsv.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "log-grammar.h"
#include "tap.h"

#define DATA "tests/data/filters/"

/* Undoes the \t \n \r \\ \xHH of the data files, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		s++;
		if (*s == 'x') {
			char hex[3] = { s[1], s[2], 0 };

			*to++ = (char)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			*to++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s;
		}
	}
	*to = 0;
}

/* Cuts a line into at most @max fields at tabs; missing ones are "". */
static void fields(char *line, char **ret_field, size_t max)
{
	line[strcspn(line, "\n")] = 0;
	for (size_t i = 0; i < max; i++) {
		char *tab = strchr(line, '\t');

		ret_field[i] = line;
		if (tab)
			*tab = 0;
		line = tab ? tab + 1 : line + strlen(line);
	}
}

static FILE *open_data(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), DATA "%s", name);
	file = fopen(path, "r");
	tap_ok(file, "%s can be read", path);
	return file;
}

#define TEXT(S, SPAN) (int)(SPAN).length, (S) + (SPAN).offset

/* The error text of libvirt 9.0.0 for a bad item. */
static void libvirt_message(const char *s, const struct vlog_item *item, bool output, char *ret, size_t size)
{
	const char *what = output ? "log output" : "filter", *log = output ? "log " : "";

	switch (item->error) {
	case VLOG_ITEM_OK:
		ret[0] = 0;
		break;
	case VLOG_ITEM_MALFORMED:
		snprintf(ret, size, "Malformed format for %s '%.*s'", what, TEXT(s, item->text));
		break;
	case VLOG_ITEM_LEVEL:
		snprintf(ret, size, "Invalid %spriority '%.*s' for %s '%.*s'", log, TEXT(s, item->level_text), what,
		         TEXT(s, item->text));
		break;
	case VLOG_ITEM_MATCH:
		snprintf(ret, size, "Invalid match string '%s'", item->plus ? "+" : "");
		break;
	case VLOG_ITEM_DESTINATION:
		snprintf(ret, size, "Invalid log destination '%.*s' for log output '%.*s'", TEXT(s, item->match),
		         TEXT(s, item->text));
		break;
	case VLOG_ITEM_REQUIREMENT:
		snprintf(ret, size, "Log output '%.*s' does not meet the format requirements for destination type '%s'",
		         TEXT(s, item->text), vlog_dest_name(item->dest));
		break;
	}
}

/* What our grammar makes of @s: the normalised value, or the error of the first bad item. Returns acceptance. */
static bool judge(const char *s, bool output, char *ret, size_t size)
{
	struct vlog_item item;
	size_t pos = 0, used = 0;

	ret[0] = 0;
	while (output ? vlog_output_next(s, strlen(s), &pos, &item) : vlog_filter_next(s, strlen(s), &pos, &item)) {
		if (item.error) {
			libvirt_message(s, &item, output, ret, size);
			return false;
		}
		used += (size_t)snprintf(ret + used, size - used, output ? "%s%u:%.*s" : "%s%u:*%.*s*", used ? " " : "",
		                         item.level, TEXT(s, item.match));
		if (output && (item.dest == VLOG_DEST_FILE || item.dest == VLOG_DEST_SYSLOG))
			used += (size_t)snprintf(ret + used, size - used, ":%.*s", TEXT(s, item.argument));
	}
	return true;
}

/*
 * The strings that the grammar accepts and the daemon then refused, because a file could not be opened: all others
 * must agree. The second value is what refused them.
 */
static const char *const refused_by_open[][2] = {
	{ "1:file:", "the empty path is the working directory" },
	{ "1:file:/nonexistent-dir/x.log", "no such directory" },
	{ "3:stderr 1:file:", "the empty path is the working directory" },
	{ "4:file:/nonexistent-dir/m.log\t 2:journald", "no such directory" },
};

/*
 * "2:file:/tp/h/logfacts/o/m.log  3::stderr" has a grammar error too; libvirt opens files while it parses and so
 * stopped at the first item. The verdict is the same.
 */
static const char *refusal(const char *s)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(refused_by_open); i++)
		if (!strcmp(s, refused_by_open[i][0]))
			return refused_by_open[i][1];
	return NULL;
}

static void check_case(char **field)
{
	bool output = field[0][0] == 'O', accept, wanted = !strcmp(field[2], "accept");
	bool by_file = field[4][0];
	char got[1024], shown[512];
	const char *message, *why;

	snprintf(shown, sizeof(shown), "%s", field[1]);
	unescape(field[1]);
	accept = judge(field[1], output, got, sizeof(got));
	why = output ? refusal(field[1]) : NULL;
	if (why) {
		tap_ok(accept && !wanted, "%s %s: grammar accepts, open refused: %s", field[0], shown, why);
		return;
	}
	tap_ok(accept == wanted, "%s %s -> %s", field[0], shown, field[2]);
	/* Paths were made absolute by that daemon; virt-admin, which printed the texts, drops control characters. */
	if (by_file || (!accept && strpbrk(field[1], "\v\f")))
		return;
	if (accept) {
		/* Bytes that the capture shows in another way, and outputs named twice, of which the last stays. */
		if (strpbrk(field[1], "\\\x01\x7f\xff\v\xc3") || !strcmp(field[1], "1:journald 2:journald") ||
		    !strcmp(field[1], "1:stderr 1:stderr"))
			return;
		unescape(field[3]);
		tap_str(got, field[3], "%s %s: normalised", field[0], shown);
		return;
	}
	unescape(field[3]);
	message = strstr(field[3], ": ");
	message = message ? message + 2 : "";
	tap_str(got, message, "%s %s: says why", field[0], shown);
}

static void test_cases(void)
{
	char line[4096], *field[5];
	FILE *file = open_data("filter-cases.tsv");
	unsigned count = 0;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		fields(line, field, 5);
		if (field[0][0] != 'F' && field[0][0] != 'O')
			continue;
		check_case(field);
		count++;
	}
	fclose(file);
	tap_ok(count > 300, "all cases were seen (%u)", count);
}

/* The level from which @category passes, as a daemon would settle it. */
static unsigned effective(const char *filters, const char *category, unsigned level)
{
	struct vlog_item item;
	size_t pos = 0;

	while (vlog_filter_next(filters, strlen(filters), &pos, &item))
		if (vlog_pattern_matches(filters + item.match.offset, item.match.length, category))
			return item.level;
	return level;
}

static void test_semantics(void)
{
	char line[4096], *field[4];
	FILE *file = open_data("filter-semantics.tsv");
	unsigned count = 0;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		fields(line, field, 4);
		tap_int(effective(field[0], field[1], (unsigned)strtoul(field[2], NULL, 10)),
		        strtol(field[3], NULL, 10), "%s for %s, default %s", field[0], field[1], field[2]);
		count++;
	}
	fclose(file);
	tap_ok(count > 190, "all lines were seen (%u)", count);
}

/* Spans, and edges of strtoul() that the captures lack; tried against libvirt.so.0 9.0.0. */
static void test_spans(void)
{
	static const struct {
		const char *s;
		bool output;
		enum vlog_item_error error;
		unsigned level;
		struct vlog_span fault, match, argument, ignored;
	} cases[] = {
		{ "1:qemu", false, VLOG_ITEM_OK, 1, { 0, 0 }, { 2, 4 }, { 0, 0 }, { 0, 0 } },
		{ "  1:+qemu", false, VLOG_ITEM_OK, 1, { 0, 0 }, { 5, 4 }, { 0, 0 }, { 0, 0 } },
		{ "1:qemu:a:b:c:d:e", false, VLOG_ITEM_OK, 1, { 0, 0 }, { 2, 4 }, { 0, 0 }, { 7, 9 } },
		{ "1:qemu:", false, VLOG_ITEM_OK, 1, { 0, 0 }, { 2, 4 }, { 0, 0 }, { 7, 0 } },
		{ "qemu", false, VLOG_ITEM_MALFORMED, 0, { 0, 4 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ " 9:qemu", false, VLOG_ITEM_LEVEL, 0, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ ":qemu", false, VLOG_ITEM_LEVEL, 0, { 0, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "1:", false, VLOG_ITEM_MATCH, 0, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "1:+", false, VLOG_ITEM_MATCH, 0, { 2, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "1::x", false, VLOG_ITEM_MATCH, 0, { 1, 1 }, { 0, 0 }, { 0, 0 }, { 3, 1 } },
		{ "\v\f\r\n\t+000004:x", false, VLOG_ITEM_OK, 4, { 0, 0 }, { 13, 1 }, { 0, 0 }, { 0, 0 } },
		{ "+\t1:x", false, VLOG_ITEM_LEVEL, 0, { 0, 3 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "\v-18446744073709551615:x", false, VLOG_ITEM_LEVEL, 0, { 0, 22 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "++1:x", false, VLOG_ITEM_LEVEL, 0, { 0, 3 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "+:x", false, VLOG_ITEM_LEVEL, 0, { 0, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "18446744073709551617:x", false, VLOG_ITEM_LEVEL, 0, { 0, 20 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ "\xc2\x85"
		  "1:x",
		  false,
		  VLOG_ITEM_LEVEL,
		  0,
		  { 0, 3 },
		  { 0, 0 },
		  { 0, 0 },
		  { 0, 0 } },
		{ "1:stderr:x", true, VLOG_ITEM_REQUIREMENT, 0, { 8, 2 }, { 2, 6 }, { 0, 0 }, { 0, 0 } },
		{ "1:stderr:", true, VLOG_ITEM_REQUIREMENT, 0, { 8, 1 }, { 2, 6 }, { 0, 0 }, { 0, 0 } },
		{ "1:file", true, VLOG_ITEM_REQUIREMENT, 0, { 2, 4 }, { 2, 4 }, { 0, 0 }, { 0, 0 } },
		{ "1:file:", true, VLOG_ITEM_OK, 1, { 0, 0 }, { 2, 4 }, { 7, 0 }, { 0, 0 } },
		{ "1:file:/a:b:c:d", true, VLOG_ITEM_REQUIREMENT, 0, { 9, 6 }, { 2, 4 }, { 7, 2 }, { 0, 0 } },
		{ "1:syslog:me", true, VLOG_ITEM_OK, 1, { 0, 0 }, { 2, 6 }, { 9, 2 }, { 0, 0 } },
		{ "1:", true, VLOG_ITEM_DESTINATION, 0, { 1, 1 }, { 2, 0 }, { 0, 0 }, { 0, 0 } },
		{ "1:STDERR", true, VLOG_ITEM_DESTINATION, 0, { 2, 6 }, { 2, 6 }, { 0, 0 }, { 0, 0 } },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vlog_item item = { 0 };
		const char *s = cases[i].s;
		size_t pos = 0;
		bool found = cases[i].output ? vlog_output_next(s, strlen(s), &pos, &item)
		                             : vlog_filter_next(s, strlen(s), &pos, &item);

		tap_ok(found && item.error == cases[i].error && item.level == cases[i].level, "%zu: error and level",
		       i);
		tap_ok(!memcmp(&item.fault, &cases[i].fault, sizeof(item.fault)), "%zu: fault at %zu+%zu", i,
		       item.fault.offset, item.fault.length);
		tap_ok(!memcmp(&item.match, &cases[i].match, sizeof(item.match)), "%zu: match at %zu+%zu", i,
		       item.match.offset, item.match.length);
		tap_ok(!memcmp(&item.argument, &cases[i].argument, sizeof(item.match)), "%zu: argument at %zu+%zu", i,
		       item.argument.offset, item.argument.length);
		tap_ok(!memcmp(&item.ignored, &cases[i].ignored, sizeof(item.match)), "%zu: ignored at %zu+%zu", i,
		       item.ignored.offset, item.ignored.length);
		tap_ok(!(cases[i].output ? vlog_output_next(s, strlen(s), &pos, &item)
		                         : vlog_filter_next(s, strlen(s), &pos, &item)),
		       "%zu: one item", i);
	}
}

/* The input is a part of memory, not a string: nothing behind its length is looked at. */
static void test_bounds(void)
{
	struct vlog_item item;
	size_t pos = 0;
	char *exact = malloc(6);

	if (!exact)
		return;
	memcpy(exact, "1:q 2:", 6);
	tap_ok(vlog_filter_next(exact, 5, &pos, &item) && item.level == 1 && pos == 3, "first item of a part");
	tap_ok(vlog_filter_next(exact, 5, &pos, &item) && item.error == VLOG_ITEM_MALFORMED && pos == 5,
	       "the part ends before the colon");
	tap_ok(!vlog_filter_next(exact, 5, &pos, &item), "end of the part");
	pos = 0;
	tap_ok(!vlog_output_next(exact, 0, &pos, &item), "no bytes, no items");
	free(exact);
}

/* Verdicts of g_pattern_match_simple() on *PATTERN*, GLib 2.74; those on bad bytes are ours. */
static void test_patterns(void)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{ "", "x", true },
		{ "", "", true },
		{ "?", "", false },
		{ "*", "", true },
		{ "a?c", "xxabcxx", true },
		{ "a??c", "abc", false },
		{ "a*c*e", "xabcdex", true },
		{ "a*c*e", "xaecx", false },
		{ "aab", "aaab", true },
		{ "a*aab", "aaaab", true },
		{ "[ab]", "a", false },
		{ "[ab]", "x[ab]x", true },
		{ "\\*", "a\\b", true },
		{ "\\*", "ab", false },
		{ "A", "a", false },
		{ "h?n", "h\xc3\xa9n", true },
		{ "h??n", "h\xc3\xa9n", false },
		{ "h?n", "h\xe6\x97\xa5n", true },
		{ "h?n", "h\xffn", true },
		{ "h?n", "h\xc3n", true },
		{ "\xa9", "\xc3\xa9", false },
		{ "\xff",
		  "a\xff"
		  "b",
		  true },
		{ "?\xff", "\xff", false },
		{ "?", "\xf0\x9f", true },
		{ "???", "\xf0\x9f", false },
		{ "?", "\xed\xa0\x80", true },
	};
	char pattern[400], name[4000];

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_ok(vlog_pattern_matches(cases[i].pattern, strlen(cases[i].pattern), cases[i].name) ==
		               cases[i].match,
		       "pattern %zu: %s", i, cases[i].match ? "matches" : "does not match");
	tap_ok(vlog_pattern_matches("qemuXX", 4, "qemu"), "a pattern has a length, not an end");
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? '*' : 'a';
	pattern[sizeof(pattern) - 1] = 'b';
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	/* A matcher that tries every star again would not end within a lifetime, and the tests with it. */
	tap_ok(!vlog_pattern_matches(pattern, sizeof(pattern), name), "200 stars and no b");
}

static void test_names(void)
{
	tap_str(vlog_dest_name(VLOG_DEST_STDERR), "stderr", "stderr");
	tap_str(vlog_dest_name(VLOG_DEST_SYSLOG), "syslog", "syslog");
	tap_str(vlog_dest_name(VLOG_DEST_FILE), "file", "file");
	tap_str(vlog_dest_name(VLOG_DEST_JOURNALD), "journald", "journald");
	tap_str(vlog_level_name(1), "debug", "1 is debug");
	tap_str(vlog_level_name(2), "info", "2 is info");
	tap_str(vlog_level_name(3), "warning", "3 is warning");
	tap_str(vlog_level_name(4), "error", "4 is error");
	tap_str(vlog_level_name(0), "unknown", "0 is unknown");
	tap_str(vlog_level_name(5), "unknown", "5 is unknown");
}

int main(void)
{
	test_cases();
	test_semantics();
	test_spans();
	test_bounds();
	test_patterns();
	test_names();
	return tap_done();
}
