/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects the way to a file: every directory that the kernel searches is on it, whatever links and dots there are. */
#include "ways.h"

#include <errno.h>

#include "tap.h"
#include "tree.h"

/* "/ /a /b" of the way, then where it ends. */
static void walk(struct vd_ways *ways, const char *path, const char *dirs, const char *end, int code)
{
	VD_CLEANUP(vd_way_release) struct vd_way way = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_ways_walk(ways, path, &way);

	for (size_t i = 0; !r && i < way.len; i++)
		r = vd_buf_addf(&text, "%s%s", i ? " " : "", way.dirs[i]->path);
	tap_int(r, 0, "%s: no error", path);
	tap_str(vd_buf_str(&text), dirs, "%s: directories", path);
	tap_int(way.code, code, "%s: how it ends", path);
	tap_str(way.end ? way.end->path : way.stop, end, "%s: where it ends", path);
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_WAYS struct vd_ways *ways = NULL;

	tree_begin();
	tree_file("a/b/file", "");
	tree_link("a/rel", "b/file");
	tree_link("a/up", "../c/d/");
	tree_link("abs", "/a/b");
	tree_link("loop1", "loop2");
	tree_link("loop2", "/loop1");
	tree_link("c/d/out", "../../../../a/rel");
	tree_link("dangling", "a/none/x");
	tree_must(vd_root_open(tree_top, 0, &root, NULL) == 0, "the tree");
	tap_int(vd_ways_new(root, &ways), 0, "a cache");
	walk(ways, "/a/b/file", "/ /a /a/b", "/a/b/file", 0);
	walk(ways, "//a/./b///file", "/ /a /a/b", "/a/b/file", 0);
	walk(ways, "/a/rel", "/ /a /a/b", "/a/b/file", 0);
	walk(ways, "/abs/file", "/ /a /a/b", "/a/b/file", 0);
	walk(ways, "/a/up/out", "/ /a /c /c/d /a/b", "/a/b/file", 0);
	walk(ways, "/a/b/../../c/d", "/ /a /a/b /c", "/c/d", 0);
	walk(ways, "/../../a", "/", "/a", 0);
	walk(ways, "/", "", "/", 0);
	walk(ways, "/a/none/x", "/ /a", "/a/none", -ENOENT);
	walk(ways, "/dangling", "/ /a", "/a/none", -ENOENT);
	walk(ways, "/a/b/file/x", "/ /a /a/b", "/a/b/file", -ENOTDIR);
	walk(ways, "/loop1/x", "/", "/loop1", -ELOOP);
	return tap_done();
}
