/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf-edit.h"

static const char setting[] = "cgroup_controllers";

/* The order of libvirt's template, which people compare with. */
static const enum vd_cgroup_controller order[] = {
	VD_CGROUP_CPU,     VD_CGROUP_DEVICES, VD_CGROUP_MEMORY,  VD_CGROUP_BLKIO,      VD_CGROUP_CPUSET,
	VD_CGROUP_CPUACCT, VD_CGROUP_FREEZER, VD_CGROUP_NET_CLS, VD_CGROUP_PERF_EVENT,
};

int vd_cgroup_conf_controller(const char *name, size_t len)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(order); i++) {
		const char *known = vd_cgroup_controller_name(order[i]);

		if (strlen(known) == len && !memcmp(known, name, len))
			return (int)order[i];
	}
	return -1;
}

/* Reads the words of the list too. */
static int read_list(const char *text, size_t len, const char *file, struct vd_cgroup_conf *conf, struct vd_strv *words,
                     struct vd_err *err)
{
	VD_AUTO_CONF parsed = { 0 };
	int r = vd_conf_parse(text, len, file, &parsed, err);

	*conf = (struct vd_cgroup_conf){ .mask = VD_CGROUP_LIBVIRT };
	if (r < 0)
		return r;
	r = vd_conf_strings(&parsed, setting, false, words, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		(void)vd_err_prefix(err, "%s", file);
		return r;
	}
	conf->is_set = true;
	conf->line = vd_conf_find(&parsed, setting)->line;
	conf->mask = 0;
	for (size_t i = 0; i < words->len; i++) {
		int c = vd_cgroup_conf_controller(words->items[i], strlen(words->items[i]));

		if (c < 0 && strcmp(words->items[i], "name=systemd") != 0)
			return vd_err_set(err, EBADMSG, "%s:%u: libvirt knows no cgroup controller '%s'", file,
			                  conf->line, words->items[i]);
		if (c >= 0)
			conf->mask |= 1u << c;
	}
	return 0;
}

int vd_cgroup_conf_read(const char *text, size_t len, const char *file, struct vd_cgroup_conf *ret_conf,
                        struct vd_err *err)
{
	VD_AUTO_STRV words = VD_STRV_INIT;
	struct vd_cgroup_conf conf;
	int r = read_list(text, len, file, &conf, &words, err);

	if (!r)
		*ret_conf = conf;
	return r;
}

/* The words that stay, and those that are new. */
static int new_words(const struct vd_strv *words, unsigned mask, struct vd_strv *result)
{
	unsigned have = 0;
	int r = 0;

	for (size_t i = 0; i < words->len && !r; i++) {
		int c = vd_cgroup_conf_controller(words->items[i], strlen(words->items[i]));

		if (c >= 0 && !(mask & 1u << c))
			continue;
		have |= c >= 0 ? 1u << c : 0;
		r = vd_strv_add(result, words->items[i]);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(order) && !r; i++)
		if (mask & ~have & 1u << order[i])
			r = vd_strv_add(result, vd_cgroup_controller_name(order[i]));
	return r;
}

int vd_cgroup_conf_change(const char *text, size_t len, const char *file, unsigned remove, unsigned add,
                          struct vd_buf *result, struct vd_err *err)
{
	VD_AUTO_STRV words = VD_STRV_INIT, list = VD_STRV_INIT;
	VD_AUTO_FREE struct vd_conf_value *items = NULL;
	struct vd_conf_value value = { .type = VD_CONF_LIST };
	struct vd_cgroup_conf conf;
	unsigned mask;
	int r = read_list(text, len, file, &conf, &words, err);

	if (r < 0)
		return r;
	mask = (conf.mask & ~remove) | add;
	if (mask == conf.mask)
		return vd_buf_add(result, text, len) < 0 ? -ENOMEM : 0;
	if (mask == VD_CGROUP_LIBVIRT)
		return vd_conf_edit(text, len, file, setting, NULL, result, err);
	if (new_words(&words, mask, &list) < 0)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	items = calloc(list.len + 1, sizeof(*items));
	if (!items)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	for (size_t i = 0; i < list.len; i++)
		items[i] = (struct vd_conf_value){ .type = VD_CONF_STRING, .string = list.items[i] };
	value.items = items;
	value.len = list.len;
	return vd_conf_edit(text, len, file, setting, &value, result, err);
}
