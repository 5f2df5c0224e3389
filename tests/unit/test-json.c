/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/json and lib/value: strict parsing within limits, and output that is valid JSON whatever the bytes. */

#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "json.h"
#include "tap.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "{\"a\":1}", 0 },
		{ "  [1, 2.5, \"x\", null, true] ", 0 },
		{ "17", 0 },
		{ "\"b\\u00fcro\"", 0 },
		{ "", -EINVAL },
		{ "{", -EINVAL },
		{ "{\"a\":1} x", -EINVAL },
		{ "[1,]", -EINVAL },
		{ "nul", -EINVAL },
		{ "\"\\u0000\"", -EINVAL },
		{ "{\"a\\u0000b\":1}", -EINVAL },
		{ "\"\\\\u0000\"", 0 },
		{ "\"\xff\"", -EINVAL },
		{ "\"\xc0\x90\"", -EINVAL },
		{ "{\"\xed\xa0\x80\":1}", -EINVAL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_VALUE struct vd_value *v = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;

		tap_int(vd_json_parse(cases[i].text, strlen(cases[i].text), &v, &err), cases[i].result, "parse: <%s>",
		        cases[i].text);
		tap_ok(!cases[i].result == !err.code && (cases[i].result || v), "parse: <%s>: value or error",
		       cases[i].text);
	}
}

static void test_depth(void)
{
	char deep[200];
	VD_AUTO_VALUE struct vd_value *v = NULL;

	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	tap_int(vd_json_parse(deep, sizeof(deep), &v, NULL), -EINVAL, "parse: a hundred levels are refused");
}

/* Were each key compared with all others, this would take minutes. */
static void test_many_keys(void)
{
	VD_AUTO_VALUE struct vd_value *v = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	int rc = vd_buf_adds(&text, "{\"a\":1,\"a\":2");

	for (unsigned i = 0; i < 500000 && rc == 0; i++)
		rc = vd_buf_addf(&text, ",\"%u\":0", i);
	if (rc == 0)
		rc = vd_buf_addc(&text, '}');
	tap_int(rc, 0, "enough memory");
	alarm(60);
	tap_int(vd_json_parse(vd_buf_str(&text), text.len, &v, NULL), 0, "half a million keys");
	alarm(0);
	tap_int(vd_value_count(v), 500001, "all of them, each once");
	tap_int(vd_value_get_int(vd_value_find(v, "a")), 2, "of a key that is there twice the last value");
}

static void test_values(void)
{
	static const char text[] = "{\"n\":-5,\"d\":0.25,\"s\":\"x\",\"l\":[true,null],\"n\":7}";
	VD_AUTO_VALUE struct vd_value *v = NULL;
	size_t len = 0;

	tap_int(vd_json_parse(text, sizeof(text) - 1, &v, NULL), 0, "values: parsed");
	tap_int(vd_value_get_int(vd_value_find(v, "n")), 7, "values: a double key keeps the last value");
	tap_ok(vd_value_get_double(vd_value_find(v, "d")) == 0.25, "values: double");
	tap_str(vd_value_get_str(vd_value_find(v, "s"), &len), "x", "values: string");
	tap_int(len, 1, "values: its length");
	tap_int(vd_value_count(vd_value_find(v, "l")), 2, "values: array");
	tap_ok(vd_value_get_bool(vd_value_item(vd_value_find(v, "l"), 0)), "values: its first item");
	tap_ok(vd_value_item(vd_value_find(v, "l"), 2) == NULL, "values: nothing behind the end");
	tap_ok(vd_value_find(v, "none") == NULL, "values: an absent key");
	tap_ok(vd_value_get_str(vd_value_find(v, "n"), NULL) == NULL, "values: a number is no string");
	tap_str(vd_value_key(v, 1), "d", "values: keys keep their order");
}

static void test_print(void)
{
	VD_AUTO_VALUE struct vd_value *v = vd_value_object();
	VD_AUTO_BUF buf = VD_BUF_INIT;

	tap_int(vd_value_set(v, "path", vd_value_str("/a/\"b\"")), 0, "print: a path with quotes");
	tap_int(vd_value_set(v, "raw", vd_value_strn("x\xffy", 3)), 0, "print: a byte that is no UTF-8");
	tap_int(vd_value_set(v, "nan", vd_value_double(NAN)), 0, "print: not a number");
	tap_int(vd_value_set(v, "none", vd_value_str(NULL)), 0, "print: NULL");
	tap_int(vd_value_set(v, "big", vd_value_int(INT64_MAX)), 0, "print: the largest integer");
	tap_int(vd_value_set(v, "half", vd_value_double(0.5)), 0, "print: a double");
	tap_int(vd_value_append(v, vd_value_null()), -EINVAL, "print: an object takes no bare item");
	tap_int(vd_json_print(&buf, v, 0), 0, "print: succeeds");
	tap_str(vd_buf_str(&buf),
	        "{\"path\":\"/a/"
	        "\\\"b\\\"\",\"raw\":\"x\xef\xbf\xbdy\",\"raw_bytes\":\"eP95\",\"nan\":null,\"none\":null,"
	        "\"big\":9223372036854775807,\"half\":0.5}",
	        "print: one line, U+FFFD and the true bytes, null for what has no number");
}

/* What no integer holds. The conversion itself may give anything. */
static void test_far_doubles(void)
{
	VD_AUTO_VALUE struct vd_value *high = vd_value_double(1e300), *low = vd_value_double(-1e300);

	tap_ok(vd_value_get_int(high) == INT64_MAX, "doubles: the largest integer stands for a larger one");
	tap_ok(vd_value_get_int(low) == INT64_MIN, "doubles: the smallest for a smaller one");
}

int main(void)
{
	test_parse();
	test_far_doubles();
	test_depth();
	test_many_keys();
	test_values();
	test_print();
	return tap_done();
}
