/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-host.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BOOLEANS "/sys/fs/selinux/booleans"

int vd_selinux_boolean(struct vd_root *root, const char *name)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	struct vd_stat st;
	int r;

	if (strchr(name, '/'))
		return -ENOENT;
	if (vd_root_stat(root, BOOLEANS, &st, NULL) < 0)
		return -VD_NO_EVIDENCE;
	if (vd_buf_addf(&path, BOOLEANS "/%s", name) < 0)
		return -ENOMEM;
	r = vd_root_read(root, path.data, 64, &text, NULL);
	if (r == -ENOENT)
		return -ENOENT;
	/* "1 0": the value in force, the value after the next commit. */
	return r < 0 ? -VD_NO_EVIDENCE : vd_buf_str(&text)[0] == '1';
}

int vd_selinux_booleans(struct vd_root *root, struct vd_strv *names)
{
	int r = vd_root_list(root, BOOLEANS, names, NULL);

	return r == 0 || r == -ENOMEM ? r : -VD_NO_EVIDENCE;
}

/* The value of "KEY=value" at the start of a line, blanks around it cut off; later lines win, as in libselinux. */
static int value_of(const char *text, const char *key, char **ret_value)
{
	size_t len = strlen(key);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *start = p, *end;
		char *copy;

		while (*start == ' ' || *start == '\t')
			start++;
		if (strncmp(start, key, len) || start[len] != '=')
			continue;
		start += len + 1;
		end = start + strcspn(start, "\n#");
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		copy = strndup(start, (size_t)(end - start));
		if (!copy)
			return -ENOMEM;
		free(*ret_value);
		*ret_value = copy;
	}
	return 0;
}

int vd_selinux_config_load(struct vd_root *root, struct vd_selinux_config *ret_config, struct vd_err *err)
{
	struct vd_selinux_config c = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/etc/selinux/config", VD_MAX_CONF, &text, err);

	if (r < 0)
		return r;
	if (value_of(vd_buf_str(&text), "SELINUX", &c.mode) < 0 ||
	    value_of(vd_buf_str(&text), "SELINUXTYPE", &c.policy) < 0) {
		vd_selinux_config_release(&c);
		return vd_err_set(err, ENOMEM, "cannot read /etc/selinux/config: no memory");
	}
	*ret_config = c;
	return 0;
}

void vd_selinux_config_release(struct vd_selinux_config *config)
{
	free(config->mode);
	free(config->policy);
	*config = (struct vd_selinux_config){ 0 };
}

/* One priority of the store holds a directory a module. */
static int add_modules(struct vd_root *root, const char *dir, struct vd_strv *types)
{
	static const char prefix[] = "permissive_";
	VD_AUTO_STRV names = VD_STRV_INIT;
	int r = vd_root_list(root, dir, &names, NULL);

	for (size_t i = 0; i < names.len && r == 0; i++) {
		const char *type = names.items[i] + sizeof(prefix) - 1;

		if (!strncmp(names.items[i], prefix, sizeof(prefix) - 1) && *type && !vd_strv_has(types, type))
			r = vd_strv_add(types, type);
	}
	return r;
}

int vd_selinux_permissive_modules(struct vd_root *root, const char *policy, struct vd_strv *types)
{
	/* Since 2.4 of the userspace below /var/lib, or where store-root of semanage.conf says. */
	static const char *const stores[] = { "/var/lib/selinux", "/etc/selinux" };
	int r = -VD_NO_EVIDENCE;

	if (!policy || strchr(policy, '/') || !strcmp(policy, ".."))
		return r;
	for (size_t i = 0; i < VD_ARRAY_SIZE(stores) && r == -VD_NO_EVIDENCE; i++) {
		VD_AUTO_BUF dir = VD_BUF_INIT;
		VD_AUTO_STRV priorities = VD_STRV_INIT;
		int seen;

		if (vd_buf_addf(&dir, "%s/%s/active/modules", stores[i], policy) < 0)
			return -ENOMEM;
		seen = vd_root_list(root, dir.data, &priorities, NULL);
		if (seen == -ENOENT)
			continue;
		r = seen;
		for (size_t k = 0; k < priorities.len && r == 0; k++) {
			VD_AUTO_BUF path = VD_BUF_INIT;

			if (!isdigit((unsigned char)priorities.items[k][0]))
				continue;
			if (vd_buf_addf(&path, "%s/%s", dir.data, priorities.items[k]) < 0)
				return -ENOMEM;
			r = add_modules(root, path.data, types);
		}
	}
	if (r == 0)
		vd_strv_sort(types);
	return r;
}
