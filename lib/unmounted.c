/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unmounted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount-unit.h"
#include "vlog.h"
#include "xml.h"

VLOG_CATEGORY("virtdiag.unmounted");

#define POOL_DIR "/etc/libvirt/storage"
#define UNIT_DIR "/etc/systemd/system"

void vd_mount_points_release(struct vd_mount_points *points)
{
	for (size_t i = 0; i < points->len; i++) {
		free(points->items[i].target);
		free(points->items[i].source);
		free(points->items[i].pool);
		free(points->items[i].unit);
	}
	free(points->items);
	memset(points, 0, sizeof(*points));
}

/* Pools and fstab have few entries: one more each time is good enough. */
static int add(struct vd_mount_points *points, const char *target, const char *source, const char *pool,
               const char *unit, bool on_request)
{
	struct vd_mount_point *grown = reallocarray(points->items, points->len + 1, sizeof(*grown)), *p;
	size_t len = strlen(target);

	if (!grown)
		return -ENOMEM;
	points->items = grown;
	p = &grown[points->len++];
	while (len > 1 && target[len - 1] == '/')
		len--;
	*p = (struct vd_mount_point){ .target = strndup(target, len), .on_request = on_request };
	p->source = strdup(source ? source : "");
	p->pool = pool ? strdup(pool) : NULL;
	p->unit = unit ? strdup(unit) : NULL;
	return p->target && p->source && (!pool || p->pool) && (!unit || p->unit) ? 0 : -ENOMEM;
}

static bool has_option(const struct vd_mount *m, const char *name)
{
	VD_AUTO_FREE char *value = vd_mount_option(m, name);

	return value != NULL;
}

static int load_fstab(struct vd_root *root, struct vd_mount_points *points)
{
	VD_CLEANUP(vd_mounts_release) struct vd_mounts table = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/etc/fstab", VD_MAX_CONF, &text, NULL);

	if (!r)
		r = vd_mounts_parse(vd_buf_str(&text), text.len, "/etc/fstab", &table, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; !r && i < table.len; i++) {
		const struct vd_mount *m = &table.items[i];

		/* systemd mounts it when it is first used: it is to be there then. */
		if (m->target[0] == '/' && m->target[1])
			r = add(points, m->target, m->source, NULL, NULL,
			        has_option(m, "noauto") && !has_option(m, "x-systemd.automount"));
	}
	return r;
}

/* Where a pool's file system comes from, as mount(8) names it. */
static int pool_source(const struct vd_xml_node *pool, struct vd_buf *text)
{
	const struct vd_xml_node *source = vd_xml_child(pool, "source");
	const char *device = vd_xml_attr(vd_xml_child(source, "device"), "path");
	const char *host = vd_xml_attr(vd_xml_child(source, "host"), "name");
	const char *dir = vd_xml_attr(vd_xml_child(source, "dir"), "path");

	if (host && dir)
		return vd_buf_addf(text, "%s:%s", host, dir);
	return vd_buf_adds(text, device ? device : "");
}

static int add_pool(struct vd_root *root, const char *file, struct vd_mount_points *points)
{
	VD_AUTO_XML struct vd_xml *xml = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_BUF source = VD_BUF_INIT;
	const struct vd_xml_node *pool;
	const char *type, *name, *target;
	int r = vd_root_read(root, file, VD_MAX_XML, &text, NULL);

	if (!r)
		r = vd_xml_parse(vd_buf_str(&text), text.len, file, &xml, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	pool = vd_xml_root(xml);
	type = vd_xml_attr(pool, "type");
	if (!type || (strcmp(type, "fs") != 0 && strcmp(type, "netfs") != 0))
		return 0;
	name = vd_xml_text(vd_xml_child(pool, "name"));
	target = vd_xml_text(vd_xml_child(vd_xml_child(pool, "target"), "path"));
	if (!name || !*name || !target || target[0] != '/' || !target[1])
		return 0;
	r = pool_source(pool, &source);
	return r < 0 ? r : add(points, target, vd_buf_str(&source), name, NULL, false);
}

/* --- systemd ------------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && !strcmp(s + len - n, end);
}

/* Is @unit named by a link in one of @dirs, the directories of UNIT_DIR that hold what a target or unit needs? */
static bool is_wanted(struct vd_root *root, const struct vd_strv *dirs, const char *unit)
{
	for (size_t i = 0; i < dirs->len; i++) {
		VD_AUTO_STRV links = VD_STRV_INIT;
		VD_AUTO_BUF path = VD_BUF_INIT;

		/* Listed: a manifest need not know the links. */
		if ((ends_with(dirs->items[i], ".wants") || ends_with(dirs->items[i], ".requires")) &&
		    vd_buf_addf(&path, UNIT_DIR "/%s", dirs->items[i]) == 0 &&
		    vd_root_list(root, path.data, &links, NULL) == 0 && vd_strv_has(&links, unit))
			return true;
	}
	return false;
}

static int add_unit(struct vd_root *root, const struct vd_strv *names, const char *name, struct vd_mount_points *points)
{
	VD_CLEANUP(vd_mount_unit_release) struct vd_mount_unit unit = { 0 };
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT, automount = VD_BUF_INIT;
	bool wanted;
	int r = vd_buf_addf(&path, UNIT_DIR "/%s", name);

	/* A masked one is a link to /dev/null, which is no regular file. */
	if (!r)
		r = vd_root_read(root, path.data, VD_MAX_CONF, &text, NULL);
	if (!r)
		r = vd_mount_unit_parse(vd_buf_str(&text), text.len, &unit);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!unit.where || unit.where[0] != '/' || !unit.where[1])
		return 0;
	if (vd_buf_addf(&automount, "%.*s.automount", (int)(strlen(name) - strlen(".mount")), name) < 0)
		return -ENOMEM;
	wanted = is_wanted(root, names, name) || is_wanted(root, names, automount.data);
	return add(points, unit.where, unit.what, NULL, name, !wanted);
}

static int load_units(struct vd_root *root, struct vd_mount_points *points)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	int r = vd_root_list(root, UNIT_DIR, &names, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; !r && i < names.len; i++)
		if (ends_with(names.items[i], ".mount"))
			r = add_unit(root, &names, names.items[i], points);
	return r;
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

static int load_pools(struct vd_root *root, struct vd_mount_points *points)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	int r = vd_root_list(root, POOL_DIR, &names, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; !r && i < names.len; i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		const char *dot = strrchr(names.items[i], '.');

		if (!dot || strcmp(dot, ".xml") != 0)
			continue;
		r = vd_buf_addf(&path, POOL_DIR "/%s", names.items[i]);
		if (!r)
			r = add_pool(root, vd_buf_str(&path), points);
	}
	return r;
}

int vd_mount_points_load(struct vd_root *root, struct vd_mount_points *ret_points)
{
	struct vd_mount_points points = { 0 };
	int r = load_fstab(root, &points);

	if (!r)
		r = load_units(root, &points);
	if (!r)
		r = load_pools(root, &points);
	if (r < 0) {
		vd_mount_points_release(&points);
		return r;
	}
	VLOG_DEBUG("%zu directories should be mounted", points.len);
	*ret_points = points;
	return 0;
}

static bool holds(const char *target, const char *path)
{
	size_t len = strlen(target);

	return !strncmp(path, target, len) && (path[len] == '/' || !path[len]);
}

static bool is_mounted(const struct vd_mounts *mounts, const char *target)
{
	for (size_t i = 0; i < mounts->len; i++)
		if (!strcmp(mounts->items[i].target, target) &&
		    (!mounts->items[i].fstype || strcmp(mounts->items[i].fstype, "autofs") != 0))
			return true;
	return false;
}

const struct vd_mount_point *vd_mount_points_missing(const struct vd_mount_points *points,
                                                     const struct vd_mounts *mounts, const char *path)
{
	const struct vd_mount_point *best = NULL;

	for (size_t i = 0; mounts->len && i < points->len; i++) {
		const struct vd_mount_point *p = &points->items[i];

		if (holds(p->target, path) && (!best || strlen(p->target) > strlen(best->target)) &&
		    !is_mounted(mounts, p->target))
			best = p;
	}
	return best;
}

int vd_mount_point_origin(const struct vd_mount_point *point, struct vd_buf *text)
{
	if (point->pool)
		return vd_buf_addf(text, "storage pool %s", point->pool);
	if (point->unit)
		return vd_buf_addf(text, "the unit %s", point->unit);
	return vd_buf_adds(text, "/etc/fstab");
}
