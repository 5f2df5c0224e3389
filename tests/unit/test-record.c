/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/record: every form of a record's head since libvirt 0.6.0, prefixes, and what is no head. */

#include <stdlib.h>
#include <time.h>

#include "record.h"
#include "tap.h"

/* "FORM LEVEL THREAD FUNCTION:LINE|MESSAGE" */
static const char *shown(const char *text, unsigned flags)
{
	static char out[512];
	struct vd_record record;

	if (!vd_record_parse(text, strlen(text), flags, &record))
		return "none";
	snprintf(out, sizeof(out), "%d%s %s %u %.*s:%u|%.*s", record.form, record.is_banner ? "b" : "",
	         vd_record_level_name(record.level), record.thread, (int)record.function.len, record.function.s,
	         record.line, (int)record.message.len, record.message.s);
	return out;
}

static const struct {
	const char *text, *wanted, *what;
} forms[] = {
	{ "2026-11-23 09:47:18.571+0000: 26489: info : virObjectUnref:378 : OBJECT_UNREF: obj=0x1",
	  "0 info 26489 virObjectUnref:378|OBJECT_UNREF: obj=0x1", "since 0.9.8" },
	{ "2026-11-23 09:47:18.571+0000: 26489: info : libvirt version: 9.0.0, package: 9.0.0-4",
	  "0b info 26489 :0|libvirt version: 9.0.0, package: 9.0.0-4", "version banner" },
	{ "2026-11-23 09:47:18.571+0000: 26489: info : hostname: vm", "0b info 26489 :0|hostname: vm", "host banner" },
	{ "2026-11-23 09:47:18.571+0000: 1: debug : a:1 : ", "0 debug 1 a:1|", "empty message" },
	{ "2026-11-23 09:47:18.571+0000: 1: debug : a:1 :", "0 debug 1 a:1|", "its last blank lost" },
	{ "2026-11-23 09:47:18.571+0000: 1: warning : text: with : colons", "0 warning 1 :0|text: with : colons",
	  "no function" },
	{ "2011-10-03 14:36:57.223: 14351: debug : qemudStartup:12 : go", "1 debug 14351 qemudStartup:12|go", "0.9.7" },
	{ "14:36:57.223: 14351: debug : fn:7 : go", "2 debug 14351 fn:7|go", "0.8.6 to 0.9.6" },
	{ "14:29:04.771: debug : fn:7 : go", "2 debug 0 fn:7|go", "0.6.4 to 0.8.5" },
	{ "14:29:04.771: error : no function below debug", "2 error 0 :0|no function below debug", "0.6.0 to 0.6.3" },
	{ "libvirt: QEMU Driver error : Domain not found", "4 error 0 :0|Domain not found", "before logging" },
	{ "libvirt:  error : cannot execute binary /x: No such file",
	  "4 error 0 :0|cannot execute binary /x: No such file", "of a child" },
	{ "Nov 23 09:47:18 vm libvirtd[264]: 2026-11-23 09:47:18.571+0000: 26489: error : f:1 : m",
	  "0 error 26489 f:1|m", "behind a journal's prefix" },
	{ "Nov  3 09:47:18 vm libvirtd[264]: 26489: error : f:1 : m", "3 error 26489 f:1|m", "to syslog" },
	{ "2026-11-23T09:47:18.571234+01:00 vm libvirtd: 26489: error : f:1 : m", "3 error 26489 f:1|m",
	  "to syslog, ISO stamp, no pid" },
	{ "<27>Nov 23 09:47:18 vm libvirtd: 26489: error : f:1 : m", "3 error 26489 f:1|m", "with its priority" },
	{ "Nov 23 09:47:18 vm libvirtd[264]: internal error: no", "5 - 0 :0|internal error: no",
	  "native to the journal" },
	{ "Mon 2026-11-23 09:47:18 UTC vm virtqemud[9]: no", "5 - 0 :0|no", "journalctl -o short-full" },
	{ "[ 1234.567890] vm virtqemud[9]: no", "5 - 0 :0|no", "journalctl -o short-monotonic" },
	{ "1763891238.571234 vm virtqemud[9]: no", "5 - 0 :0|no", "journalctl -o short-unix" },
	{ "Nov 23 09:47:18 vm libvirtd[264]: libvirt:  error : x", "4 error 0 :0|x", "a child behind a prefix" },
	{ "", "none", "nothing" },
	{ "    hint: try", "none", "a continuation" },
	{ "2026-11-23 09:47:18.571+0000: 26489: notice : f:1 : m", "none", "no level of libvirt's" },
	{ "2026-11-23 09:47:18.571+0000: shutting down, reason=failed", "none", "a line of a guest's log" },
	{ "2026-11-23 09:47:18.571+0000: 26489: info: f:1 : m", "none", "another separator" },
	{ "2026-11-23 09:47:18.57", "none", "cut" },
	{ "2026-11-23 09:47:18.571+0000: 12345678901234567890: info : f:1 : m", "none", "no thread id" },
	{ "2026-11-23 09:47:18.571+0000: 1: info : 9f:1 : m", "0 info 1 :0|9f:1 : m", "no function's name" },
	{ "\xff\xfe\x80 binary", "none", "binary" },
};

static void test_forms(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(forms); i++)
		tap_str(shown(forms[i].text, 0), forms[i].wanted, "record: %s", forms[i].what);
	tap_str(shown("> > 14:36:57.223: 1: debug : fn:7 : go", 0), "none", "record: quoting marks are not for files");
	tap_str(shown("> > 14:36:57.223: 1: debug : fn:7 : go", VD_RECORD_PASTED), "2 debug 1 fn:7|go",
	        "record: pasted: quoting marks");
	tap_str(shown("\t 2026-11-23 09:47:18.571+0000: 1: info : f:1 : m", VD_RECORD_PASTED), "0 info 1 f:1|m",
	        "record: pasted: indentation");
	tap_str(shown("   ", VD_RECORD_PASTED), "none", "record: pasted: blanks alone");
}

static void test_cut(void)
{
	/* Any prefix of any line, in memory of exactly its size: a sanitizer sees reads behind it. */
	for (size_t i = 0; i < VD_ARRAY_SIZE(forms); i++) {
		size_t len = strlen(forms[i].text);
		bool good = true;

		for (size_t n = 0; n <= len; n++) {
			VD_AUTO_FREE char *copy = malloc(n ? n : 1);
			struct vd_record record;

			memcpy(copy, forms[i].text, n);
			if (vd_record_parse(copy, n, VD_RECORD_PASTED, &record))
				good = good && record.message.s >= copy &&
				       record.message.s + record.message.len == copy + n;
		}
		tap_ok(good, "record: %s: cut anywhere, the message ends where the line does", forms[i].what);
	}
}

static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t wanted;
	} cases[] = {
		{ "2026-11-23 09:47:18.571+0000: 1: info : m", 1795427238571000 },
		{ "2026-11-23 09:47:18.572+0000: 1: info : m", 1795427238572000 },
		{ "2026-11-23 09:47:18.571+0130: 1: info : m", 1795427238571000 - 5400000000 },
		{ "2026-11-23 09:47:18.571-0800: 1: info : m", 1795427238571000 + 28800000000 },
		{ "2024-02-29 00:00:00.000+0000: 1: info : m", 1709164800000000 },
		{ "1970-01-01 00:00:00.000+0000: 1: info : m", 0 },
		{ "2026-13-23 09:47:18.571+0000: 1: info : m", VD_NO_TIME },
		{ "2026-11-23 29:47:18.571+0000: 1: info : m", VD_NO_TIME },
		/* TZ is two hours east, the reference 2026-11-23 12:00:00 UTC */
		{ "2026-11-23 11:47:18.571: 1: info : m", 1795427238571000 },
		{ "11:47:18.571: 1: info : m", 1795427238571000 },
		{ "14:00:01.000: 1: info : m", 1795435201000000 },
		{ "23:59:59.000: info : m", 1795384799000000 },
		{ "Nov 23 11:47:18 vm libvirtd[1]: m", 1795427238000000 },
		{ "Nov 23 11:47:18.571234 vm libvirtd[1]: m", 1795427238571234 },
		{ "Dec 23 11:47:18 vm libvirtd[1]: m", 1766483238000000 },
		{ "2026-11-23T09:47:18.571234Z vm libvirtd[1]: m", 1795427238571234 },
		{ "2026-11-23T10:47:18+01:00 vm libvirtd[1]: m", 1795427238000000 },
		{ "Mon 2026-11-23 09:47:18 UTC vm libvirtd[1]: m", 1795427238000000 },
		{ "1795427238.571234 vm libvirtd[1]: m", 1795427238571234 },
		{ "[   12.571234] vm libvirtd[1]: m", VD_NO_TIME },
		{ "libvirt:  error : m", VD_NO_TIME },
	};
	struct vd_record_clock clock = { .reference = 1795435200 }, none = { 0 };
	struct vd_record record;

	setenv("TZ", "XXX-2", 1);
	tzset();
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		if (tap_ok(vd_record_parse(cases[i].text, strlen(cases[i].text), 0, &record), "time: '%s' is a record",
		           cases[i].text))
			tap_int(vd_record_time(&clock, &record), cases[i].wanted, "time: '%s'", cases[i].text);
	if (vd_record_parse("11:47:18.571: 1: info : m", 25, 0, &record))
		tap_int(vd_record_time(&none, &record), VD_NO_TIME, "time: of day alone is none without a reference");
}

/* The times of files may be anything: also what microseconds, or the year of a struct tm, cannot hold. */
static void test_far_references(void)
{
	static const int64_t references[] = { INT64_MAX,      67768036191676799,  67767976233532800, 9223372036855,
		                              -9223372036855, -67768040609740800, INT64_MIN };
	static const char *const texts[] = { "11:47:18.571: 1: info : m", "Nov 23 11:47:18 vm libvirtd[1]: m" };
	struct vd_record record;

	for (size_t i = 0; i < VD_ARRAY_SIZE(references); i++)
		for (size_t k = 0; k < VD_ARRAY_SIZE(texts); k++) {
			struct vd_record_clock clock = { .reference = references[i] };

			if (tap_ok(vd_record_parse(texts[k], strlen(texts[k]), 0, &record), "far: '%s' is a record",
			           texts[k]))
				tap_int(vd_record_time(&clock, &record), VD_NO_TIME, "far: '%s' seen from %lld",
				        texts[k], (long long)references[i]);
		}
}

int main(void)
{
	test_forms();
	test_cut();
	test_times();
	test_far_references();
	return tap_done();
}
