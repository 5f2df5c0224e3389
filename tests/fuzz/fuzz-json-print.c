/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings of any bytes in a report: the JSON is valid, and the true bytes can be got back from it. */
#include "fuzz.h"

#include <errno.h>

#include "json.h"

static bool is_utf8(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = fuzz_utf8(s + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

static size_t decode64(const char *s, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < len && s[i] != '='; i++) {
		const char *at = strchr(digits, s[i]);

		FUZZ_CHECK(at, "\"%c\" is no base64", s[i]);
		bits = bits << 6 | (unsigned)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (char)(bits >> have & 0xff);
		}
	}
	return n;
}

static void check_back(const struct vd_value *object, const char *s, size_t len)
{
	const struct vd_value *text = vd_value_find(object, "k"), *bytes = vd_value_find(object, "k_bytes");
	size_t n;
	const char *got = vd_value_get_str(text, &n);

	FUZZ_CHECK(got, "the string is gone");
	if (is_utf8(s, len)) {
		FUZZ_CHECK(!bytes && n == len && !memcmp(got, s, len), "a UTF-8 string came back different");
	} else {
		const char *coded = vd_value_get_str(bytes, &n);
		VD_AUTO_FREE char *back = malloc(len + 4);

		FUZZ_CHECK(coded, "no true bytes of a string that is not UTF-8");
		if (back)
			FUZZ_CHECK(decode64(coded, n, back) == len && !memcmp(back, s, len), "the bytes are not true");
	}
}

FUZZ_TARGET("json-print")
{
	VD_AUTO_FREE char *s = fuzz_string(data, size);
	VD_AUTO_VALUE struct vd_value *object = vd_value_object(), *back = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	if (!object || vd_value_set(object, "k", vd_value_str(s)) < 0 || vd_json_print(&text, object, 0) < 0)
		return 0;
	r = vd_json_parse(vd_buf_str(&text), text.len, &back, &err);
	if (r == -ENOMEM)
		return 0;
	FUZZ_CHECK(r == 0, "printed text cannot be parsed: %s", vd_err_text(&err));
	check_back(back, s, strlen(s));
	return 0;
}
