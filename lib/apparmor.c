/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apparmor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.apparmor");

#define PROFILES     "/sys/kernel/security/apparmor/profiles"
/* A line for each loaded profile; hosts have a few hundred. */
#define MAX_PROFILES (4u << 20)

int vd_apparmor_enabled(struct vd_root *root)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_stat st;

	if (vd_root_read(root, "/sys/module/apparmor/parameters/enabled", 64, &text, NULL) == 0)
		return vd_buf_str(&text)[0] == 'Y';
	if (vd_root_stat(root, PROFILES, &st, NULL) == 0)
		return 1;
	return vd_root_is_live(root) ? 0 : -1;
}

int vd_apparmor_parse(const char *text, size_t len, char **ret_profile, char **ret_mode)
{
	static const char unconfined[] = "unconfined";
	const char *open = NULL;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\0'))
		len--;
	if (len == strlen(unconfined) && !memcmp(text, unconfined, len)) {
		*ret_profile = strdup(unconfined);
		*ret_mode = strdup(unconfined);
	} else {
		/* A profile may have spaces and brackets in its name: the mode is the last thing in brackets. */
		if (!len || text[len - 1] != ')' || memchr(text, '\0', len))
			return -EBADMSG;
		for (const char *p = text; p < text + len; p++)
			if (*p == '(')
				open = p;
		if (!open || open - text < 2 || open[-1] != ' ')
			return -EBADMSG;
		*ret_profile = strndup(text, (size_t)(open - text) - 1);
		*ret_mode = strndup(open + 1, (size_t)(text + len - open) - 2);
	}
	if (*ret_profile && *ret_mode)
		return 0;
	free(*ret_profile);
	free(*ret_mode);
	return -ENOMEM;
}

/* The mode of @profile in the kernel's list; NULL when it is not there. */
static int find_mode(struct vd_root *root, const char *profile, char **ret_mode)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *line, *end;

	if (vd_root_read(root, PROFILES, MAX_PROFILES, &text, NULL) < 0)
		return 0;
	for (line = vd_buf_str(&text); *line; line = *end ? end + 1 : end) {
		char *name = NULL, *mode = NULL;
		bool found;
		int r;

		end = line + strcspn(line, "\n");
		r = vd_apparmor_parse(line, (size_t)(end - line), &name, &mode);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		found = !strcmp(name, profile);
		free(name);
		if (found) {
			*ret_mode = mode;
			return 0;
		}
		free(mode);
	}
	return 0;
}

int vd_apparmor_profile(struct vd_root *root, pid_t pid, const char *profile, char **ret_profile, char **ret_mode)
{
	/* Since Linux 5.8 AppArmor has a place of its own; the other belongs to whichever module comes first. */
	static const char *const places[] = { "apparmor/current", "current" };
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_BUF path = VD_BUF_INIT;
	char *mode = NULL;

	for (size_t i = 0; pid > 0 && i < VD_ARRAY_SIZE(places); i++) {
		int r;

		vd_buf_clear(&path);
		if (vd_buf_addf(&path, "/proc/%ld/attr/%s", (long)pid, places[i]) < 0)
			return -ENOMEM;
		if (vd_root_read(root, vd_buf_str(&path), 4096, &text, NULL) < 0)
			continue;
		r = vd_apparmor_parse(vd_buf_str(&text), text.len, ret_profile, ret_mode);
		if (r != -EBADMSG)
			return r;
	}
	if (!profile)
		return -ENOENT;
	VLOG_DEBUG("profile %s is the one that libvirt recorded", profile);
	if (find_mode(root, profile, &mode) < 0)
		return -ENOMEM;
	*ret_profile = strdup(profile);
	if (!*ret_profile) {
		free(mode);
		return -ENOMEM;
	}
	*ret_mode = mode;
	return 0;
}
