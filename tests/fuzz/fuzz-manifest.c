/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: every path is found again, and symlinks resolve to an absolute path or to an error, never for ever. */
#include "fuzz.h"

#include <errno.h>

#include "manifest.h"

/* No captured files: unlisted paths are no symlinks. */
static int no_link(void *data, const char *path, char **ret_target)
{
	(void)data;
	(void)path;
	(void)ret_target;
	return 0;
}

static void check_resolve(const struct vd_manifest *m, const char *path, bool follow)
{
	VD_AUTO_BUF resolved = VD_BUF_INIT, again = VD_BUF_INIT;
	const struct vd_manifest_entry *entry = NULL;
	int r = vd_manifest_resolve(m, path, follow, no_link, NULL, &resolved, &entry);
	const char *s = vd_buf_str(&resolved);

	FUZZ_CHECK(r == 0 || r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ENAMETOOLONG || r == -ENOMEM,
	           "%s: returned %d", path, r);
	if (r < 0)
		return;
	FUZZ_CHECK(s[0] == '/' && !strstr(s, "//") && !strstr(s, "/./") && !strstr(s, "/../"), "%s resolves to %s",
	           path, s);
	FUZZ_CHECK(entry == vd_manifest_find(m, s), "%s resolves to %s, which is another entry", path, s);
	if (follow && vd_manifest_resolve(m, s, true, no_link, NULL, &again, &entry) == 0)
		FUZZ_CHECK(!strcmp(s, vd_buf_str(&again)), "%s resolves to %s and that to %s", path, s,
		           vd_buf_str(&again));
}

static void check_entry(const struct vd_manifest *m, const struct vd_manifest_entry *e)
{
	FUZZ_CHECK(e->path && e->path[0] == '/' && e->line, "an entry without path or line");
	FUZZ_CHECK((e->mode & ~(mode_t)07777) == 0 && e->size >= -1, "%s: mode %o", e->path, (unsigned)e->mode);
	FUZZ_CHECK(e->type != VD_FILE_LNK || e->target, "%s: a symlink without target", e->path);
	for (size_t i = 0; i < e->nxattrs; i++) {
		FUZZ_CHECK(e->xattrs[i].name && vd_manifest_xattr(e, e->xattrs[i].name), "%s: an xattr is lost",
		           e->path);
		FUZZ_CHECK(e->xattrs[i].state != VD_XATTR_VALUE || e->xattrs[i].value, "%s: no value", e->path);
	}
	check_resolve(m, e->path, true);
	check_resolve(m, e->path, false);
	if (e->target && e->target[0] == '/')
		check_resolve(m, e->target, true);
}

static void free_manifest(struct vd_manifest **m)
{
	vd_manifest_free(*m);
}

/* The paths that a manifest may hold: what stands behind "path":" in the text, where that needs no unescaping. */
static void check_paths(const struct vd_manifest *m, const char *text)
{
	static const char key[] = "\"path\":\"";

	for (const char *p = text; (p = strstr(p, key)) != NULL;) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		const struct vd_manifest_entry *e;

		p += sizeof(key) - 1;
		if (vd_buf_add(&path, p, strcspn(p, "\"")) < 0)
			break;
		e = vd_manifest_find(m, vd_buf_str(&path));
		if (e)
			check_entry(m, e);
		else
			check_resolve(m, vd_buf_str(&path), true);
	}
}

FUZZ_TARGET("manifest")
{
	VD_AUTO_FREE char *text = fuzz_string(data, size);
	VD_CLEANUP(free_manifest) struct vd_manifest *m = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_manifest_parse((const char *)data, size, &m, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	FUZZ_CHECK(r == 0 ? m != NULL : r == -EBADMSG && !m, "returned %d", r);
	if (r < 0)
		return 0;
	check_paths(m, text);
	check_resolve(m, "/../srv/./base/../base/f42.qcow2", true);
	return 0;
}
