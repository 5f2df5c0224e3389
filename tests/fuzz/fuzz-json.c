/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON text: what is parsed, printed and parsed again is printed the same, on one line and indented. */
#include "fuzz.h"

#include <errno.h>

#include "json.h"

static void check_print(const struct vd_value *value, int pretty)
{
	VD_AUTO_BUF first = VD_BUF_INIT, second = VD_BUF_INIT;
	VD_AUTO_VALUE struct vd_value *again = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	if (vd_json_print(&first, value, pretty) < 0)
		return;
	for (size_t i = 0; i < first.len;) {
		size_t n = fuzz_utf8(first.data + i, first.len - i);

		FUZZ_CHECK(n && ((uint8_t)first.data[i] >= 0x20 || first.data[i] == '\n'), "byte %#x printed",
		           (uint8_t)first.data[i]);
		FUZZ_CHECK(pretty || first.data[i] != '\n' || i + 1 == first.len, "more than one line");
		i += n;
	}
	r = vd_json_parse(vd_buf_str(&first), first.len, &again, &err);
	if (r == -ENOMEM)
		return;
	FUZZ_CHECK(r == 0, "printed text cannot be parsed: %s: %s", vd_err_text(&err), vd_buf_str(&first));
	if (vd_json_print(&second, again, pretty) == 0)
		FUZZ_CHECK(first.len == second.len && !memcmp(first.data, second.data, first.len),
		           "printed twice: %s and %s", vd_buf_str(&first), vd_buf_str(&second));
}

FUZZ_TARGET("json")
{
	VD_AUTO_VALUE struct vd_value *value = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_json_parse((const char *)data, size, &value, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	FUZZ_CHECK(r == 0 ? value != NULL : r == -EINVAL && !value, "returned %d and %p", r, (void *)value);
	if (r < 0)
		return 0;
	check_print(value, 0);
	check_print(value, 1);
	return 0;
}
