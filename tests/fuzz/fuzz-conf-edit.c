/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing a setting in any text: the result is read, says the value, and says the same of all other settings; taken
 * out it is gone. The same for the list of controllers. Input: NAME NUL VALUE NUL TEXT.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>

#include "cgroup-conf.h"
#include "conf-edit.h"

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	return !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

/* The statements of other names, as they are written, in order. */
static void others(const char *text, const struct vd_conf *conf, const char *name, struct vd_buf *ret)
{
	for (size_t i = 0; i < conf->len; i++)
		if (strcmp(conf->stmts[i].name, name) != 0 &&
		    (vd_buf_add(ret, text + conf->stmts[i].start, conf->stmts[i].end - conf->stmts[i].start) < 0 ||
		     vd_buf_addc(ret, '\n') < 0))
			exit(0);
}

static void check_rest(const char *before, size_t len, const struct vd_buf *after, const char *name, const char *value)
{
	VD_AUTO_CONF a = { 0 }, b = { 0 };
	VD_AUTO_BUF rest_a = VD_BUF_INIT, rest_b = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *string = NULL;
	int r = vd_conf_parse(before, len, "before", &a, NULL);

	if (r == 0)
		r = vd_conf_parse(vd_buf_str(after), after->len, "after", &b, &err);
	if (r == -ENOMEM)
		exit(0);
	FUZZ_CHECK(r == 0, "the result is not read: %s", vd_err_text(&err));
	others(before, &a, name, &rest_a);
	others(vd_buf_str(after), &b, name, &rest_b);
	FUZZ_CHECK(!strcmp(vd_buf_str(&rest_a), vd_buf_str(&rest_b)), "other settings changed");
	if (value)
		FUZZ_CHECK(vd_conf_string(&b, name, &string, NULL) == 0 && !strcmp(string, value),
		           "%s is not the value", string ? string : "nothing");
	else
		FUZZ_CHECK(!vd_conf_find(&b, name), "it was not taken out");
}

static void check_edit(const char *name, char *value, const char *text, size_t size)
{
	struct vd_conf_value v = { .type = VD_CONF_STRING, .string = value };

	for (int i = 0; i < 2; i++) {
		VD_AUTO_BUF result = VD_BUF_INIT, again = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r = vd_conf_edit(text, size, "f", name, i ? NULL : &v, &result, &err);

		if (r == -ENOMEM)
			exit(0);
		fuzz_check_err(r < 0 ? r : 0, &err);
		FUZZ_CHECK(r == 0 || r == 1 || r == -EBADMSG || (r == -EINVAL && !i), "returned %d", r);
		if (r < 0)
			continue;
		FUZZ_CHECK(r == 1 || (result.len == size && !memcmp(vd_buf_str(&result), text, size)),
		           "unchanged, but another text");
		check_rest(text, size, &result, name, i ? NULL : value);
		r = vd_conf_edit(vd_buf_str(&result), result.len, "f", name, i ? NULL : &v, &again, NULL);
		FUZZ_CHECK(r == 0 || r == -ENOMEM, "done twice it returns %d", r);
	}
}

static void check_controllers(unsigned bits, const char *text, size_t size)
{
	unsigned change = bits & VD_CGROUP_LIBVIRT;
	VD_AUTO_BUF less = VD_BUF_INIT, more = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_cgroup_conf before, after;
	int r = vd_cgroup_conf_read(text, size, "f", &before, &err), r2;

	if (r == -ENOMEM)
		exit(0);
	fuzz_check_err(r, &err);
	r2 = vd_cgroup_conf_change(text, size, "f", change, 0, &less, NULL);
	if (r2 == -ENOMEM)
		exit(0);
	FUZZ_CHECK((r2 < 0) == (r < 0), "reading returns %d, changing %d", r, r2);
	if (r < 0)
		return;
	FUZZ_CHECK(vd_cgroup_conf_read(vd_buf_str(&less), less.len, "f", &after, NULL) == 0 &&
	                   after.mask == (before.mask & ~change),
	           "%#x without %#x became %#x", before.mask, change, after.mask);
	r2 = vd_cgroup_conf_change(vd_buf_str(&less), less.len, "f", 0, change, &more, NULL);
	FUZZ_CHECK(r2 >= 0 && vd_cgroup_conf_read(vd_buf_str(&more), more.len, "f", &after, NULL) == 0 &&
	                   after.mask == (before.mask | change),
	           "%d, %#x with %#x became %#x", r2, before.mask, change, after.mask);
	/* An end of line that was missing at the end stays. */
	if (!before.is_set)
		FUZZ_CHECK(more.len >= size && !memcmp(vd_buf_str(&more), text, size) &&
		                   strspn(vd_buf_str(&more) + size, "\r\n") == more.len - size,
		           "the old bytes do not come back");
}

FUZZ_TARGET("conf-edit")
{
	VD_AUTO_FREE char *name = fuzz_piece(&data, &size);
	VD_AUTO_FREE char *value = fuzz_piece(&data, &size);

	if (is_name(name))
		check_edit(name, value, (const char *)data, size);
	check_controllers((unsigned)strlen(value) * 37u + (unsigned char)*value, (const char *)data, size);
	return 0;
}
