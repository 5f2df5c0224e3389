/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/match: patterns, what they find, where they are wrong, and that none hangs. */

#include <errno.h>
#include <stdlib.h>

#include "match.h"
#include "tap.h"

static void test_patterns(void)
{
	static const struct {
		const char *pattern, *text;
		long start, end; /* -1: no match */
	} cases[] = {
		{ "error", "an error here", 3, 8 },
		{ "Error", "an error here", -1, 0 },
		{ "(?i)Error", "an error here", 3, 8 },
		{ "^an", "an error here", 0, 2 },
		{ "here$", "an error here", 9, 13 },
		{ "vm=0x\\w+ name=lf-(ok|kvm)\\)", "(mon=0x1 vm=0x7f name=lf-kvm)", 9, 29 },
		{ "(?<=name=)web", "name=web01", 5, 8 },
		{ "", "text", 0, 0 },
		{ "", "", 0, 0 },
		{ "b\xc3\xbcro", "im b\xc3\xbcro", 3, 8 },
		{ "\\p{Lu}", "a\xc3\x84", 1, 3 },
		{ "b.ro$", "\xff\xfe b\xc3\xbcro", -1, 0 },   /* bytes */
		{ "b\\X*ro$", "\xff\xfe b\xc3\xbcro", 3, 8 }, /* characters, behind bytes that are none */
		{ "a\\Kb", "ab", 1, 2 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_MATCH *match = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		size_t start = 0, end = 0;
		bool found;

		if (!tap_ok(vd_match_new(cases[i].pattern, &match, &err) == 0, "match: '%s' compiles",
		            cases[i].pattern))
			continue;
		found = vd_match_find(match, cases[i].text, strlen(cases[i].text), &start, &end);
		tap_int(found ? (long)start : -1, cases[i].start, "match: '%s': begins", cases[i].pattern);
		if (found)
			tap_int(end, cases[i].end, "match: '%s': ends", cases[i].pattern);
		tap_ok(vd_match_has(match, cases[i].text, strlen(cases[i].text)) == found, "match: both say the same");
	}
}

static void test_bad(void)
{
	VD_AUTO_MATCH *match = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_match_new("a(b", &match, &err), -EINVAL, "match: an open group is refused");
	tap_ok(strstr(vd_err_text(&err), "invalid pattern 'a(b': ") && strstr(vd_err_text(&err), "column 4"),
	       "match: with the pattern and the place: %s", vd_err_text(&err));
	tap_ok(!match, "match: and nothing is returned");
}

static void test_effort(void)
{
	char text[3001];
	VD_AUTO_MATCH *match = NULL;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (vd_match_new("^(a+)+$|x(y+)*z", &match, NULL) < 0)
		abort();
	text[sizeof(text) - 2] = 'b';
	tap_ok(!vd_match_has(match, text, sizeof(text) - 1), "effort: a pattern that explodes matches nothing");
	tap_int(vd_match_given_up(match), 1, "effort: and is counted");
	tap_ok(vd_match_has(match, "aaa", 3), "effort: the next line is judged again");
}

static void test_glob(void)
{
	static const struct {
		const char *glob, *name;
		bool wanted;
	} cases[] = {
		{ "virDomain*", "virDomainObjBeginJob", true },
		{ "virDomain*", "qemuDomainObjBeginJob", false },
		{ "*Monitor*", "qemuMonitorSend", true },
		{ "*Send", "qemuMonitorSend", true },
		{ "*Sen", "qemuMonitorSend", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "*", "", true },
		{ "", "", true },
		{ "", "a", false },
		{ "*a*b*a", "abba", true },
		{ "*a*b*c", "abba", false },
		{ "exact", "exact", true },
		{ "exact", "exactly", false },
		{ "[a]", "a", false },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		tap_int(vd_glob_matches(cases[i].glob, cases[i].name, strlen(cases[i].name)), cases[i].wanted,
		        "glob: '%s' and '%s'", cases[i].glob, cases[i].name);
}

int main(void)
{
	test_patterns();
	test_bad();
	test_effort();
	test_glob();
	return tap_done();
}
