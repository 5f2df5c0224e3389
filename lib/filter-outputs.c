/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.filter-outputs");

/* Which later item replaces item @index, the last one for the same place; -1 none. */
static long replaced_by(const struct vd_filters *f, size_t index)
{
	for (size_t i = f->count; i > index + 1; i--)
		if (f->items[i - 1].valid && vd_outputs_same(f, index, i - 1))
			return (long)i - 1;
	return -1;
}

/* The directory part of an absolute normalised path; a malloc()ed string. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* What libvirt does when it cannot open the file. */
static const char *refusal(const struct vd_filter_era *era)
{
	if (!era->item_by_item)
		return "libvirt would refuse the string";
	return era->by_hand ? "libvirt would leave out this output without a word"
	                    : "libvirt could not open the file, and what it then does is not known for this version";
}

/*
 * Can the file be opened? libvirt creates the file, not its directories, and refuses the whole string when that fails.
 * What cannot be seen (no permission, no evidence) gives no warning.
 */
static int check_place(const struct vd_filter_era *era, const struct vd_filter_item *item, long index,
                       struct vd_root *root, struct vd_filter_warnings *w)
{
	VD_AUTO_FREE char *parent = parent_of(item->path);
	struct vd_stat st;
	int r;

	if (!parent)
		return -ENOMEM;
	r = vd_root_stat(root, parent, &st, NULL);
	if (r == -ENOENT || r == -ENOTDIR || (!r && st.type != VD_FILE_DIR && st.type != VD_FILE_UNKNOWN))
		return vd_filter_warn(w, "directory-missing", index,
		                      "%s: there is no directory %s, and it does not create it", refusal(era), parent);
	if (r < 0)
		return 0;
	r = vd_root_stat(root, item->path, &st, NULL);
	if (!r && st.type == VD_FILE_DIR)
		return vd_filter_warn(w, "is-directory", index, "%s: %s is a directory", refusal(era), item->path);
	return 0;
}

static int check_file(const struct vd_filter_era *era, const struct vd_filter_item *item, long index,
                      struct vd_root *root, struct vd_filter_warnings *w)
{
	if (*item->path != '/')
		return vd_filter_warn(
		        w, "relative-path", index,
		        "'%s' is relative to the working directory of the daemon, / for one that systemd started",
		        item->path);
	return root ? check_place(era, item, index, root, w) : 0;
}

/* The item before @index that writes to the same place; -1 none. Only where libvirt keeps both. */
static long doubled(const struct vd_filters *f, size_t index)
{
	for (size_t i = 0; f->era.keeps_duplicates && i < index; i++)
		if (f->items[i].valid && vd_outputs_same(f, i, index))
			return (long)i;
	return -1;
}

static int check_output(const struct vd_filters *f, size_t index, struct vd_root *root, struct vd_filter_warnings *w)
{
	const struct vd_filter_item *item = &f->items[index];
	long later = f->era.keeps_duplicates ? -1 : replaced_by(f, index), earlier = doubled(f, index);

	if (item->parsed.dest == VLOG_DEST_FILE && check_file(&f->era, item, (long)index, root, w) < 0)
		return -ENOMEM;
	if (item->parsed.dest == VLOG_DEST_JOURNALD && item->parsed.level == 1 &&
	    vd_filter_warn(
	            w, "journald-debug", (long)index,
	            "journald drops lines when debug output comes too fast: use a file for level 1, 3:journald beside "
	            "it") < 0)
		return -ENOMEM;
	if (earlier >= 0)
		return vd_filter_warn(
		        w, "duplicate", (long)index,
		        "'%.*s' names the same destination as '%.*s': before libvirt 2.4.0 both stay, and lines come "
		        "twice",
		        (int)item->parsed.text.length, vd_filters_span(f, &item->parsed.text),
		        (int)f->items[earlier].parsed.text.length, vd_filters_span(f, &f->items[earlier].parsed.text));
	if (later >= 0)
		return vd_filter_warn(w, "duplicate", (long)index,
		                      "'%.*s' is dropped: '%.*s' names the same destination, the last one stays",
		                      (int)item->parsed.text.length, vd_filters_span(f, &item->parsed.text),
		                      (int)f->items[later].parsed.text.length,
		                      vd_filters_span(f, &f->items[later].parsed.text));
	return 0;
}

/* Is the invalid item @index likely the rest of a path that held a space, or a path that holds a colon? */
static int check_split_path(const struct vd_filters *f, size_t index, struct vd_filter_warnings *w)
{
	const struct vlog_item *i = &f->items[index].parsed, *before = index ? &f->items[index - 1].parsed : NULL;

	if (i->error == VLOG_ITEM_REQUIREMENT && i->dest == VLOG_DEST_FILE && i->argument.length)
		return vd_filter_warn(w, "space-or-colon-in-path", (long)index,
		                      "a path cannot hold a colon: nothing quotes or escapes it");
	if (i->error == VLOG_ITEM_MALFORMED && before && before->error == VLOG_ITEM_OK &&
	    before->dest == VLOG_DEST_FILE)
		return vd_filter_warn(
		        w, "space-or-colon-in-path", (long)index,
		        "if '%.*s' belongs to the path before it: a path cannot hold a space, nothing quotes or "
		        "escapes it",
		        (int)i->text.length, vd_filters_span(f, &i->text));
	return 0;
}

int vd_outputs_check(const struct vd_filters *outputs, struct vd_root *root, struct vd_filter_warnings *warnings)
{
	VLOG_DEBUG("%zu outputs, %s host to look at", outputs->count, root ? "a" : "no");
	for (size_t i = 0; i < outputs->count; i++) {
		bool reached = !outputs->era.item_by_item || outputs->items[i].applied != VD_NO;
		int r = !outputs->items[i].valid ? check_split_path(outputs, i, warnings)
		        : reached                ? check_output(outputs, i, root, warnings)
		                                 : 0;

		if (r < 0)
			return r;
	}
	/* Known for 9.0.0 only. */
	if (!outputs->count && outputs->len && outputs->era.version >= VD_VERSION(9, 0, 0))
		return vd_filter_warn(
		        warnings, "no-outputs", -1,
		        "spaces alone leave no output at all: messages go raw to standard error; '' restores the "
		        "default");
	return 0;
}
