/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "report.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.admin");

#define TIMEOUT_MS 10000u

static const char *command_of(enum vd_log_setting setting)
{
	return setting == VD_SETTING_FILTERS ? "daemon-log-filters" : "daemon-log-outputs";
}

/* The last line that says something, without "error: ". */
static void last_words(const struct vd_buf *errors, struct vd_buf *words)
{
	const char *text = vd_buf_str(errors);
	size_t end = errors->len, start;

	while (end && strchr(" \t\r\n", text[end - 1]))
		end--;
	for (start = end; start && text[start - 1] != '\n'; start--)
		;
	if (end - start > 7 && !strncmp(text + start, "error: ", 7))
		start += 7;
	if (vd_buf_add(words, text + start, end - start) < 0)
		vd_buf_clear(words);
}

static int run(const char *const *argv, const char *uri, struct vd_buf *out, struct vd_err *err)
{
	VD_AUTO_BUF errors = VD_BUF_INIT, words = VD_BUF_INIT;
	int status = 0;
	int r = vd_program_run(argv, TIMEOUT_MS, out, &errors, &status, err);

	if (r < 0)
		return vd_err_prefix(err, "%s", uri);
	if (!status)
		return 0;
	last_words(&errors, &words);
	return vd_err_set(err, EIO, "%s: virt-admin failed: %s", uri, words.len ? words.data : "without a reason");
}

/* "1:*qemu* 3:*util* " becomes "1:qemu 3:util": one star each side, or they would grow with every round. */
static int strip_stars(const char *text, size_t len, struct vd_buf *plain)
{
	const char *end = text + len;

	for (const char *item = text; item < end;) {
		const char *stop = memchr(item, ' ', (size_t)(end - item)), *colon;
		int r = 0;

		stop = stop ? stop : end;
		colon = memchr(item, ':', (size_t)(stop - item));
		if (stop > item && plain->len)
			r = vd_buf_addc(plain, ' ');
		if (r == 0 && colon && stop - colon > 2 && colon[1] == '*' && stop[-1] == '*') {
			r = vd_buf_add(plain, item, (size_t)(colon + 1 - item));
			item = colon + 2;
			if (r == 0)
				r = vd_buf_add(plain, item, (size_t)(stop - 1 - item));
		} else if (r == 0) {
			r = vd_buf_add(plain, item, (size_t)(stop - item));
		}
		if (r < 0)
			return r;
		item = stop + 1;
	}
	return 0;
}

int vd_admin_get(const char *uri, enum vd_log_setting setting, char **ret_value, struct vd_err *err)
{
	const char *const argv[] = { "virt-admin", "-c", uri, command_of(setting), NULL };
	const char *label = setting == VD_SETTING_FILTERS ? "Logging filters:" : "Logging outputs:";
	VD_AUTO_BUF out = VD_BUF_INIT, plain = VD_BUF_INIT;
	const char *at;
	size_t len;
	int r = run(argv, uri, &out, err);

	if (r < 0)
		return r;
	at = strstr(vd_buf_str(&out), label);
	if (!at)
		return vd_err_set(err, EIO, "%s: virt-admin's answer is not understood", uri);
	at += strlen(label);
	at += *at == ' ';
	/* An empty line ends it; a pattern may hold a line end. */
	len = strlen(at);
	while (len && strchr(" \n", at[len - 1]))
		len--;
	r = setting == VD_SETTING_FILTERS ? strip_stars(at, len, &plain) : vd_buf_add(&plain, at, len);
	*ret_value = r < 0 ? NULL : strdup(vd_buf_str(&plain));
	if (!*ret_value)
		return vd_err_set(err, ENOMEM, "no memory to ask %s", uri);
	VLOG_DEBUG("%s: %s are '%s'", uri, vd_log_setting_name(setting), *ret_value);
	return 0;
}

int vd_admin_set(const char *uri, enum vd_log_setting setting, const char *value, struct vd_err *err)
{
	const char *const argv[] = { "virt-admin", "-c", uri, command_of(setting), value, NULL };
	VD_AUTO_BUF out = VD_BUF_INIT;

	VLOG_DEBUG("%s: setting %s to '%s'", uri, vd_log_setting_name(setting), value);
	return run(argv, uri, &out, err);
}

struct vd_value *vd_admin_command(const char *uri, enum vd_log_setting setting, const char *value)
{
	const char *const argv[] = { "virt-admin", "-c", uri, command_of(setting), value, NULL };

	return vd_value_strings(argv);
}
