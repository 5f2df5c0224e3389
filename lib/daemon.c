/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon");

const char *const vd_daemon_names[] = {
	"libvirtd",    "virtbhyved",   "virtchd",      "virtinterfaced", "virtlockd",  "virtlogd",
	"virtlxcd",    "virtnetworkd", "virtnodedevd", "virtnwfilterd",  "virtproxyd", "virtqemud",
	"virtsecretd", "virtstoraged", "virtvboxd",    "virtvzd",        "virtxend",   NULL
};

bool vd_daemon_has_timeout(const char *name)
{
	return strcmp(name, "virtlogd") && strcmp(name, "virtlockd");
}

bool vd_daemon_is_modular(const char *name)
{
	return strcmp(name, "libvirtd") && vd_daemon_has_timeout(name);
}

void vd_daemon_place_release(struct vd_daemon_place *place)
{
	free(place->evidence);
	*place = (struct vd_daemon_place){ 0 };
}

/* Where a daemon leaves traces, by falling weight. %s is its name; the admin socket of libvirtd lacks the "d". */
static const struct {
	unsigned weight;
	const char *before, *after;
} traces[] = {
	{ 3, "/run/", ".pid" },
	{ 2, "/run/libvirt/", "-admin-sock" },
	{ 2, "/etc/systemd/system/multi-user.target.wants/", ".service" },
	{ 2, "/etc/systemd/system/sockets.target.wants/", ".socket" },
	{ 1, "/usr/sbin/", "" },
	{ 1, "/usr/bin/", "" },
	{ 1, "/usr/lib/systemd/system/", ".service" },
	{ 1, "/lib/systemd/system/", ".service" },
};

/* The heaviest trace of daemon @name; 0 and NULL when there is none. */
static int weigh(struct vd_root *root, const char *name, unsigned *ret_weight, char **ret_path)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(traces); i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		const char *stem =
		        !strcmp(traces[i].after, "-admin-sock") && !strcmp(name, "libvirtd") ? "libvirt" : name;
		struct vd_stat st;

		if (vd_buf_addf(&path, "%s%s%s", traces[i].before, stem, traces[i].after) < 0)
			return -ENOMEM;
		/* Of an enabled unit only the link need be in a capture. */
		if (vd_root_lstat(root, path.data, &st, NULL) < 0)
			continue;
		*ret_weight = traces[i].weight;
		*ret_path = vd_buf_steal(&path);
		return 0;
	}
	*ret_weight = 0;
	*ret_path = NULL;
	return 0;
}

static const char *static_name(const char *name)
{
	for (size_t i = 0; vd_daemon_names[i]; i++)
		if (!strcmp(vd_daemon_names[i], name))
			return vd_daemon_names[i];
	return NULL;
}

int vd_daemon_find(struct vd_root *root, const char *name, struct vd_daemon_place *ret_place, struct vd_err *err)
{
	VD_AUTO_FREE char *own = NULL, *other = NULL;
	unsigned own_weight = 0, other_weight = 0;
	struct vd_daemon_place place = { static_name(name), VD_DAEMON_FOUND, NULL };

	if (!place.name)
		return vd_err_set(err, EINVAL, "there is no libvirt daemon called %s", name);
	if (weigh(root, name, &own_weight, &own) < 0 ||
	    (vd_daemon_is_modular(name) && weigh(root, "libvirtd", &other_weight, &other) < 0))
		return vd_err_set(err, ENOMEM, "cannot look for %s: no memory", name);
	if (other_weight > own_weight)
		place.name = static_name("libvirtd");
	if (!own_weight && !other_weight)
		place.sure = VD_DAEMON_NOWHERE;
	else if (own_weight == other_weight)
		place.sure = VD_DAEMON_EITHER;
	place.evidence = other_weight > own_weight ? vd_steal(other) : vd_steal(own);
	VLOG_DEBUG("%s is served by %s (%s)", name, place.name, place.evidence ? place.evidence : "no trace");
	*ret_place = place;
	return 0;
}
