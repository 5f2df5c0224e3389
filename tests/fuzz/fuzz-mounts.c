/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mount tables: every mount has a target, the mount that holds a path is one of the table and a parent of the path. */
#include "fuzz.h"

#include <errno.h>

#include "mounts.h"

static bool is_above(const char *target, const char *path)
{
	size_t len = strlen(target);

	while (len > 1 && target[len - 1] == '/')
		len--;
	return (len == 1 && target[0] == '/') || (!strncmp(path, target, len) && (!path[len] || path[len] == '/'));
}

static void check_find(const struct vd_mounts *mounts, const char *path)
{
	const struct vd_mount *m = vd_mounts_find(mounts, path);
	bool any = false;

	for (size_t i = 0; i < mounts->len; i++)
		any |= is_above(mounts->items[i].target, path);
	if (!m) {
		FUZZ_CHECK(!any || !mounts->len, "no mount holds %s", path);
		return;
	}
	FUZZ_CHECK(m >= mounts->items && m < mounts->items + mounts->len, "a mount from elsewhere");
	FUZZ_CHECK(is_above(m->target, path), "%s is not on %s", path, m->target);
}

FUZZ_TARGET("mounts")
{
	VD_CLEANUP(vd_mounts_release) struct vd_mounts mounts = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_mounts_parse((const char *)data, size, "/proc/self/mountinfo", &mounts, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	if (r < 0)
		return 0;
	for (size_t i = 0; i < mounts.len; i++) {
		static const char *const names[] = { "rw", "context", "size" };

		FUZZ_CHECK(mounts.items[i].target, "mount %zu has no target", i);
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			free(vd_mount_option(&mounts.items[i], names[k]));
	}
	if (mounts.len > 200)
		return 0;
	check_find(&mounts, "/");
	check_find(&mounts, "/var/lib/libvirt/images/web01.qcow2");
	for (size_t i = 0; i < mounts.len && i < 20; i++)
		if (mounts.items[i].target[0] == '/')
			check_find(&mounts, mounts.items[i].target);
	return 0;
}
