/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Changing one setting of libvirt's configuration files: a pure function from text to text that touches nothing else,
 * and the writer that replaces the file at once. Comments, order, owner, mode, ACL and label stay as they are.
 */

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "root.h"

/*
 * Append to @result the @len bytes of @text with the setting @name as @value; NULL takes it out. Of several statements
 * of that name libvirt uses the first one: that one is replaced, and the others stay where they are; taking out takes
 * all of them out. A setting that is not there goes below the last commented-out one of that name ("#name = ..."), else
 * to the end. @file names the text in messages. A comment behind a statement stays.
 *
 * Returns 1 when the text changed, 0 when it has that value already (@result is the same text then); -EBADMSG when
 * @text is not what libvirt can read; -EINVAL when the grammar cannot write @value (a string with both kinds of quotes
 * next to each other in a way that no form of quoting holds); -ENOMEM. The result is known to parse.
 */
int vd_conf_edit(const char *text, size_t len, const char *file, const char *name, const struct vd_conf_value *value,
                 struct vd_buf *result, struct vd_err *err) VD_MUST_CHECK;

/*
 * Where a statement of @name that @text, parsed as @conf, does not have yet belongs: behind the last line that shows it
 * commented out, else the end. A position behind a line end, or @len.
 */
size_t vd_conf_place(const char *text, size_t len, const struct vd_conf *conf, const char *name);
/* Does the byte @at of the text lie in a statement? What looks like a line there may be one of a long string. */
bool vd_conf_is_inside(const struct vd_conf *conf, size_t at);
/* The line end that the text uses: "\r\n" or "\n". Static. */
const char *vd_conf_eol(const char *text, size_t len);

/* Append @value as the grammar writes it: "text", 'te"xt', 3, [ "a", "b" ]. Returns 0, -EINVAL, -ENOMEM. */
int vd_conf_format(const struct vd_conf_value *value, struct vd_buf *result) VD_MUST_CHECK;

/*
 * Append the difference of two texts as `diff -u` shows it, with three lines of context; nothing when they are equal.
 * Everything between the first and the last line that differ is one hunk. Returns 0 or -ENOMEM.
 */
int vd_conf_diff(const char *file, const struct vd_buf *before, const struct vd_buf *after,
                 struct vd_buf *diff) VD_MUST_CHECK;

/*
 * Replace the file @path of a live root, whose content must still be @before, by @after: readers see the old file or
 * the new one, never half of one, also after a power cut. A symlink stays and its target is replaced. Owner, mode, ACL,
 * SELinux label and other attributes are those of the old file, or nothing is done. A file that does not exist
 * (@before NULL) is made with mode 0644.
 *
 * *@ret_path is the file that was replaced, absolute in the root; *@ret_backup the old file beside it, its name with
 * the date ("qemu.conf.2026-11-24T041200Z.bak"), NULL when there was none. The caller frees both.
 * Returns 0; -EROFS for a capture; -ESTALE when the content is not @before any more; another negative errno. On failure
 * the old file is in place and nothing is left behind.
 */
int vd_conf_write(struct vd_root *root, const char *path, const struct vd_buf *before, const struct vd_buf *after,
                  char **ret_path, char **ret_backup, struct vd_err *err) VD_MUST_CHECK;
/*
 * Take back vd_conf_write(): @path, as *@ret_path told it, becomes the file @backup beside it again, in one step, the
 * same one with all its attributes; with @backup NULL it is removed. -ESTALE when it is not @after any more: then
 * nothing is done. Returns 0 or a negative errno.
 */
int vd_conf_put_back(struct vd_root *root, const char *path, const struct vd_buf *after, const char *backup,
                     struct vd_err *err) VD_MUST_CHECK;
