/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Image headers and backing chains, by libvirt's own rules, so that the chain shown is the one libvirt labels.
 * vd_image_parse() and vd_image_backing_parse() are pure; vd_chain_walk() reads headers through lib/root.
 */

#include "domain.h"
#include "root.h"

/* libvirt reads this much of an image and no more. */
#define VD_IMAGE_HEADER 33280u
/* libvirt's limit on the depth of a chain. */
#define VD_CHAIN_MAX    200

enum vd_format {
	VD_FORMAT_UNKNOWN,
	VD_FORMAT_RAW,
	VD_FORMAT_QCOW,
	VD_FORMAT_QCOW2,
	VD_FORMAT_QED,
	VD_FORMAT_VMDK,
	VD_FORMAT_VPC,
	VD_FORMAT_VDI,
	VD_FORMAT_LUKS,
	VD_FORMAT_COW,
	VD_FORMAT_ISO,
	VD_FORMAT_PLOOP,
	VD_FORMAT_OTHER,
	VD_FORMAT_COUNT_
};
const char *vd_format_name(enum vd_format format);
/* VD_FORMAT_OTHER for a name that is not known, VD_FORMAT_UNKNOWN for NULL. */
enum vd_format vd_format_from_name(const char *name);

struct vd_image {
	enum vd_format format;
	unsigned version;
	int64_t size;         /* virtual size in bytes, -1 unknown */
	char *backing;        /* as recorded; NULL none */
	char *backing_format; /* as recorded; NULL none */
	char *data_file;      /* qcow2 external data file as recorded; NULL */
	bool has_data_file;   /* incompatible feature bit 2 */
	bool corrupt, dirty, encrypted;
};
void vd_image_release(struct vd_image *image);

/* What the first @len bytes look like, as libvirt probes. VD_FORMAT_RAW when nothing is recognised. */
enum vd_format vd_image_probe(const void *data, size_t len);
/*
 * Read the header of an image of @format from its first @len bytes. Formats that have no backing file give just
 * @format. -EBADMSG with the reason when the header is not of that format or is inconsistent.
 */
int vd_image_parse(const void *data, size_t len, enum vd_format format, struct vd_image *ret_image,
                   struct vd_err *err) VD_MUST_CHECK;

/*
 * Understand a backing name: a plain path, "json:{...}", "nbd:...", "rbd:...", URIs. @parent is the path of the image
 * that names it: relative paths are relative to its directory as given, not normalised.
 * Returns a source of type file or network (format NULL unless a json string tells); -EBADMSG when libvirt 9.0.0 could
 * not parse it.
 */
int vd_image_backing_parse(const char *name, const char *parent, struct vd_source **ret_source,
                           struct vd_err *err) VD_MUST_CHECK;

enum vd_chain_problem {
	VD_CHAIN_OK,
	VD_CHAIN_MISSING, /* a file of the chain does not exist */
	VD_CHAIN_FORMAT,  /* backing format not recorded and the child has a backing file itself */
	VD_CHAIN_LOOP,    /* loops or is deeper than VD_CHAIN_MAX */
	VD_CHAIN_HEADER,  /* a header that cannot be read as its format says, or a backing name that cannot be parsed */
	VD_CHAIN_ACCESS,  /* we may not read it: cannot tell */
	VD_CHAIN_EVIDENCE, /* the capture lacks the header: cannot tell */
};

enum vd_origin {
	VD_ORIGIN_XML,
	VD_ORIGIN_HEADER,
	VD_ORIGIN_PROBED,
	VD_ORIGIN_DEFAULT
};

struct vd_layer {
	struct vd_source *source; /* owned */
	enum vd_format format;
	enum vd_origin origin, format_origin;
	struct vd_image image; /* what the header says; format UNKNOWN when it was not read */
	bool data_file;        /* not a layer of the chain but the external data file of the layer before it */
};

struct vd_chain {
	struct vd_layer *layers; /* top first */
	size_t len;
	enum vd_chain_problem problem; /* the first that stopped the walk */
	size_t problem_layer;          /* index of the layer that it is about */
	char *problem_text;            /* a sentence; NULL when there is none */
};

/*
 * Walk the chain that begins at @top as libvirt would at start: XML first, headers where the XML is silent, raw never
 * looked into. Network layers are listed and not followed. Problems of the chain are results, not errors.
 * Returns 0 or -ENOMEM.
 */
int vd_chain_walk(struct vd_root *root, const struct vd_source *top, struct vd_chain *ret_chain,
                  struct vd_err *err) VD_MUST_CHECK;
void vd_chain_release(struct vd_chain *chain);
