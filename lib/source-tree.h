/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A source tree of libvirt that was built and is to be run without being installed: autotools (up to 6.6) or meson.
 * Found out from its files alone; nothing in it is run. All paths are absolute inside the root.
 */

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "root.h"

enum vd_tree_kind {
	VD_TREE_AUTOTOOLS,
	VD_TREE_MESON,
};
const char *vd_tree_kind_name(enum vd_tree_kind kind);

enum vd_tree_role {
	VD_TREE_DAEMON,
	VD_TREE_HELPER, /* run by a daemon */
	VD_TREE_TOOL,
};

struct vd_tree_program {
	const char *name; /* static */
	enum vd_tree_role role;
	char *path;         /* what one runs: the program, or libtool's wrapper script. Owned */
	char *elf;          /* what the kernel executes in the end, the file that needs the label. Owned */
	const char *wanted; /* the SELinux type of an installed one: "virtd_exec_t"; static; NULL: any will do */
	char *label;        /* of @elf; NULL: none or unknown. Owned */
};

struct vd_tree {
	enum vd_tree_kind kind;
	char *source, *build; /* directories; @build is NULL when it was never configured. Owned, as all strings here */
	char *version;        /* of the sources: "9.0.0"; NULL unknown */
	char *built_version;  /* that the build was configured for; NULL unknown */
	char *prefix, *sysconfdir, *localstatedir; /* NULL unknown */
	char *run;                                 /* the tree's own `run` script; NULL */
	char *python;                              /* directory of built python bindings, in old trees; NULL */
	int with_lxc, with_qemu, with_selinux; /* 1 built in, 0 left out, -1 unknown. SELinux: the security driver */
	struct vd_tree_program *programs;      /* those that are built */
	size_t n_programs;
	struct vd_strv libraries; /* shared objects that daemons load: libvirt.so..., its drivers */
	struct vd_strv links;     /* symlinks to them, which have labels of their own */
};
/* What installed libraries have. A daemon in its domain may not even read one with the type of a home directory. */
#define VD_TREE_LIBRARY_TYPE "lib_t"

/*
 * Examine the tree at @path: its top directory or its build directory. Returns 0; -ENOENT: there is no such directory;
 * -EINVAL: it is no tree of libvirt; -EEXIST: it was configured in several directories, which the sentence names: one
 * of them has to be given; -ENOMEM; another negative errno: it, or a file in it that matters, cannot be read. The
 * caller releases *@ret_tree.
 */
int vd_tree_load(struct vd_root *root, const char *path, struct vd_tree *ret_tree, struct vd_err *err) VD_MUST_CHECK;
void vd_tree_release(struct vd_tree *tree);
#define VD_AUTO_TREE VD_CLEANUP(vd_tree_release) struct vd_tree

/* A built program by its name; NULL. Borrowed. */
const struct vd_tree_program *vd_tree_find(const struct vd_tree *tree, const char *name);

/*
 * The environment for programs of the tree and for others that shall use its library: NAME and VALUE by turns, for
 * lists like PATH only what goes in front. What libvirt's own `run` scripts set, and the variables that trees before
 * 2014 need. Returns 0 or -ENOMEM.
 */
int vd_tree_environment(const struct vd_tree *tree, struct vd_strv *ret_pairs) VD_MUST_CHECK;

/*
 * The context that the daemon @program runs in when systemd starts an installed one:
 * "system_u:system_r:virtd_t:s0-s0:c0.c1023". A narrower range would keep it from starting confined guests. The caller
 * frees it; NULL without memory.
 */
char *vd_tree_context(const struct vd_tree_program *program);

/* Has the SELinux context @context (NULL: none) the type @type? */
bool vd_tree_has_type(const char *context, const char *type);
/* @context with @type in place of its type; "system_u:object_r:TYPE:s0" for NULL. The caller frees it; NULL: no memory.
 */
char *vd_tree_with_type(const char *context, const char *type);

/*
 * In @xml, the text of a domain, the bytes of the <emulator> element of its <devices>: @start is its `<`, @end is
 * behind its last `>`, and the content lies from @text to @text_end (both 0 for <emulator/>). Comments, CDATA sections
 * and other elements of that name are not mistaken for it. Returns 0; -ENOENT when there is none: @start then is where
 * one can be put, behind <devices>; -EINVAL when the text cannot be followed.
 */
struct vd_emulator_place {
	size_t start, end, text, text_end;
};
int vd_emulator_find(const char *xml, size_t len, struct vd_emulator_place *ret_place) VD_MUST_CHECK;
/*
 * Append @xml with @path as its emulator to @result; every other byte stays. Returns 0, -EINVAL, -ENOMEM.
 */
int vd_emulator_edit(const char *xml, size_t len, const char *path, struct vd_buf *result) VD_MUST_CHECK;
