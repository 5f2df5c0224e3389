/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.image.chain");

struct walk {
	struct vd_root *root;
	struct vd_chain chain;
	size_t cap;
	bool lenient; /* the layer being probed may have a backing file */
	struct vd_buf header;
};

static int problem(struct walk *w, enum vd_chain_problem what, size_t layer, const char *fmt, ...) VD_PRINTF(4, 5);

/* Record the first problem; later ones are its consequences. */
static int problem(struct walk *w, enum vd_chain_problem what, size_t layer, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int r;

	if (w->chain.problem != VD_CHAIN_OK)
		return 0;
	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return -ENOMEM;
	w->chain.problem = what;
	w->chain.problem_layer = layer;
	w->chain.problem_text = text;
	VLOG_DEBUG("chain stops at layer %zu: %s", layer, text);
	return 0;
}

/* Formats that libvirt looks into for a backing name. */
static bool has_backing_support(enum vd_format format)
{
	return format == VD_FORMAT_COW || format == VD_FORMAT_QCOW || format == VD_FORMAT_QCOW2 ||
	       format == VD_FORMAT_QED || format == VD_FORMAT_VMDK;
}

static bool is_local(const struct vd_source *source)
{
	return (source->type == VD_SOURCE_FILE || source->type == VD_SOURCE_BLOCK) && source->path && source->path[0] &&
	       !source->fdgroup;
}

/* Append a layer that owns @source from now on, also when that fails. */
static int add_layer(struct walk *w, struct vd_source *source, enum vd_origin origin)
{
	struct vd_layer *grown;

	if (!source)
		return -ENOMEM;
	if (w->chain.len == w->cap) {
		size_t want = w->cap ? w->cap * 2 : 4;

		grown = reallocarray(w->chain.layers, want, sizeof(*grown));
		if (!grown) {
			vd_source_free(source);
			return -ENOMEM;
		}
		w->chain.layers = grown;
		w->cap = want;
	}
	w->chain.layers[w->chain.len++] = (struct vd_layer){ .source = source, .origin = origin, .image.size = -1 };
	return 0;
}

static struct vd_layer *last_layer(struct walk *w)
{
	return &w->chain.layers[w->chain.len - 1];
}

/* Turn a failed read or stat of the last layer into a result. */
static int unreadable(struct walk *w, int code, const struct vd_err *err)
{
	size_t layer = w->chain.len - 1;
	const char *path = last_layer(w)->source->path;

	switch (-code) {
	case ENOMEM:
		return -ENOMEM;
	case ENOENT:
	case ENOTDIR:
		return problem(w, VD_CHAIN_MISSING, layer, "%s does not exist", path);
	case VD_NO_EVIDENCE:
		return problem(w, VD_CHAIN_EVIDENCE, layer, "%s: the capture does not hold its header", path);
	case EINVAL:
		return problem(w, VD_CHAIN_HEADER, layer, "%s is neither a regular file nor a block device", path);
	default:
		return problem(w, VD_CHAIN_ACCESS, layer, "%s", vd_err_text(err));
	}
}

/* A layer whose content libvirt does not look at must still exist. */
static int check_exists(struct walk *w)
{
	const struct vd_source *source = last_layer(w)->source;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_stat st;
	int r = vd_root_stat(w->root, source->path, &st, &err);

	return r == -ENOENT || r == -ENOTDIR || r == -ENOMEM ? unreadable(w, r, &err) : 0;
}

/* The external data file of the last layer, as a layer of its own behind it. QEMU resolves its name as a backing one.
 */
static int add_data_file(struct walk *w, const struct vd_source *from_xml)
{
	struct vd_layer *layer = last_layer(w);
	enum vd_origin origin = VD_ORIGIN_HEADER;
	struct vd_source *source = NULL;
	int r;

	if (from_xml && from_xml->path) {
		source = vd_source_copy(from_xml);
		origin = VD_ORIGIN_XML;
	} else if (layer->image.data_file) {
		r = vd_image_backing_parse(layer->image.data_file, layer->source->path, &source, NULL);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
	} else {
		return 0;
	}
	r = add_layer(w, source, origin);
	if (r < 0)
		return r;
	layer = last_layer(w);
	layer->data_file = true;
	layer->format = VD_FORMAT_RAW;
	layer->format_origin = VD_ORIGIN_DEFAULT;
	return 0;
}

/*
 * Read and parse the header of the last layer. When the XML describes what is below (@from_xml), the header is read
 * for the external data file only: that it cannot be read is then no problem of the chain.
 */
static int read_layer(struct walk *w, bool from_xml)
{
	struct vd_layer *layer = last_layer(w);
	size_t index = w->chain.len - 1;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read_header(w->root, layer->source->path, VD_IMAGE_HEADER, &w->header, &err);

	if (r < 0) {
		if (from_xml && r != -ENOENT && r != -ENOTDIR && r != -ENOMEM)
			return 0;
		return unreadable(w, r, &err);
	}
	if (layer->format_origin == VD_ORIGIN_PROBED)
		layer->format = vd_image_probe(w->header.data, w->header.len);
	r = vd_image_parse(w->header.data, w->header.len, layer->format, &layer->image, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return problem(w, VD_CHAIN_HEADER, index, "%s: %s", layer->source->path, vd_err_text(&err));
	if (layer->format_origin == VD_ORIGIN_PROBED && layer->image.backing && !w->lenient)
		return problem(
		        w, VD_CHAIN_FORMAT, index,
		        "the format of %s is not recorded in the image above it, and it has a backing file itself "
		        "(%s): libvirt does not go on; record it with qemu-img rebase -u -F %s",
		        layer->source->path, layer->image.backing, vd_format_name(layer->format));
	return 0;
}

static int examine(struct walk *w, bool from_xml)
{
	struct vd_layer *layer = last_layer(w);

	if (!is_local(layer->source))
		return 0;
	if (layer->format_origin != VD_ORIGIN_PROBED && !has_backing_support(layer->format))
		return check_exists(w);
	return read_layer(w, from_xml);
}

/* Formats that libvirt knows and this program has no reader for; none of them has a backing file. */
static bool is_other_format(const char *name)
{
	static const char *const others[] = { "dir", "bochs", "cloop", "dmg", "vhd", "fat" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(others); i++)
		if (!strcmp(name, others[i]))
			return true;
	return false;
}

/* A file that a header names can turn out to be a directory or a block device. */
static int update_type(struct walk *w, struct vd_source *source)
{
	struct vd_stat st;
	int r;

	if (source->type != VD_SOURCE_FILE)
		return 0;
	r = vd_root_stat(w->root, source->path, &st, NULL);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && st.type == VD_FILE_DIR)
		source->type = VD_SOURCE_DIR;
	else if (r == 0 && st.type == VD_FILE_BLK)
		source->type = VD_SOURCE_BLOCK;
	return 0;
}

static bool is_repeated(const struct walk *w, const struct vd_source *source, enum vd_format format)
{
	for (size_t i = 0; i < w->chain.len; i++) {
		const struct vd_layer *layer = &w->chain.layers[i];

		if (!layer->data_file && is_local(layer->source) && layer->format == format &&
		    !strcmp(layer->source->path, source->path))
			return true;
	}
	return false;
}

/* The layer that the header of layer @above names. *@ret_more is false when there is none to go on with. */
static int add_from_header(struct walk *w, size_t above, bool *ret_more)
{
	const struct vd_layer *layer = &w->chain.layers[above];
	struct vd_source *source = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	enum vd_origin format_origin = VD_ORIGIN_HEADER;
	enum vd_format format;
	int r;

	*ret_more = false;
	r = vd_image_backing_parse(layer->image.backing, layer->source->path, &source, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return problem(w, VD_CHAIN_HEADER, above, "%s: %s", layer->source->path, vd_err_text(&err));
	format = vd_format_from_name(source->format ? source->format : layer->image.backing_format);
	/* A name that libvirt does not know counts as none: seen with "fnord", "file", "host_device" and "nbd". */
	if (format == VD_FORMAT_UNKNOWN ||
	    (format == VD_FORMAT_OTHER &&
	     !is_other_format(source->format ? source->format : layer->image.backing_format)))
		format_origin = VD_ORIGIN_PROBED;
	/* What a qed image names may always be probed: there is no field to record a format other than raw. */
	w->lenient = layer->format == VD_FORMAT_QED;
	r = update_type(w, source);
	if (r == 0 && is_local(source) && has_backing_support(format) && is_repeated(w, source, format)) {
		r = problem(w, VD_CHAIN_LOOP, above, "%s: its backing chain comes back to %s", layer->source->path,
		            source->path);
		vd_source_free(source);
		return r;
	}
	if (r < 0) {
		vd_source_free(source);
		return r;
	}
	r = add_layer(w, source, VD_ORIGIN_HEADER);
	if (r < 0)
		return r;
	last_layer(w)->format = format;
	last_layer(w)->format_origin = format_origin;
	*ret_more = true;
	return 0;
}

/* Follow headers from the last layer, whose own header has been read. @above is its index. */
static int walk_headers(struct walk *w, size_t above)
{
	for (unsigned depth = 1; w->chain.layers[above].image.backing; depth++) {
		bool more = false;
		int r;

		if (w->chain.problem != VD_CHAIN_OK)
			return 0;
		if (depth >= VD_CHAIN_MAX)
			return problem(w, VD_CHAIN_LOOP, above,
			               "%s: the backing chain is deeper than %u layers, or refers to itself",
			               w->chain.layers[above].source->path, VD_CHAIN_MAX);
		r = add_from_header(w, above, &more);
		if (r < 0 || !more)
			return r;
		above = w->chain.len - 1;
		r = examine(w, false);
		if (r == 0 && w->chain.problem == VD_CHAIN_OK)
			r = add_data_file(w, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Layers that the XML names, the top first, then what the headers say below the last of them. */
static int walk_all(struct walk *w, const struct vd_source *top)
{
	const struct vd_source *source = top;
	size_t index;
	int r;

	for (;; source = source->backing) {
		bool end = source->backing_state != VD_BACKING_GIVEN || !source->backing;

		r = add_layer(w, vd_source_copy(source), VD_ORIGIN_XML);
		if (r < 0)
			return r;
		index = w->chain.len - 1;
		last_layer(w)->format = source->format ? vd_format_from_name(source->format) : VD_FORMAT_RAW;
		last_layer(w)->format_origin = source->format ? VD_ORIGIN_XML : VD_ORIGIN_DEFAULT;
		r = examine(w, source->backing_state != VD_BACKING_ABSENT);
		if (r == 0)
			r = add_data_file(w, source->data_file);
		if (r < 0)
			return r;
		if (end)
			break;
	}
	return source->backing_state == VD_BACKING_ABSENT ? walk_headers(w, index) : 0;
}

int vd_chain_walk(struct vd_root *root, const struct vd_source *top, struct vd_chain *ret_chain, struct vd_err *err)
{
	struct walk w = { .root = root, .header = VD_BUF_INIT };
	int r = 0;

	if (top->type != VD_SOURCE_NONE)
		r = walk_all(&w, top);
	vd_buf_release(&w.header);
	if (r < 0) {
		vd_chain_release(&w.chain);
		return vd_err_set(err, ENOMEM, "no memory to walk the backing chain of %s",
		                  top->path ? top->path : "a disk");
	}
	*ret_chain = w.chain;
	return 0;
}

void vd_chain_release(struct vd_chain *chain)
{
	for (size_t i = 0; i < chain->len; i++) {
		vd_source_free(chain->layers[i].source);
		vd_image_release(&chain->layers[i].image);
	}
	free(chain->layers);
	free(chain->problem_text);
	memset(chain, 0, sizeof(*chain));
}
