/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * XML documents as a tree of elements. lib/xml.c is the only file that knows libxml2. Knows nothing of libvirt.
 *
 * Host XML is hostile: nothing is ever fetched (no network, no external entity, no external DTD), nothing is printed,
 * size, depth and the expansion of internal entities are bounded. Comments, processing instructions and elements of a
 * namespace other than the one asked for are invisible.
 */

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* The deepest nesting of elements: libvirt's longest backing chain, 200, plus what is around it in a status XML. */
#define VD_XML_DEPTH    220
/* How many bytes the entities of one document may expand to, over all values that are asked for. */
#define VD_XML_ENTITIES (1u << 20)

struct vd_xml;      /* a document */
struct vd_xml_node; /* an element; belongs to its document */

/*
 * Parse @len bytes. @file names them in messages ("FILE:LINE: reason").
 * Returns 0 and a document that the caller frees with vd_xml_free(); -EBADMSG when it is not well-formed; -E2BIG when
 * it is larger than VD_MAX_XML, nested deeper than VD_XML_DEPTH, or would take very long (a thousand attributes of one
 * element, thousands of namespaces or entities); -ENOMEM. Encodings that do not contain ASCII, such as UTF-16, are not
 * read: -EBADMSG.
 */
int vd_xml_parse(const char *data, size_t len, const char *file, struct vd_xml **ret_xml,
                 struct vd_err *err) VD_MUST_CHECK;
void vd_xml_free(struct vd_xml *xml);
void vd_xml_cleanup(struct vd_xml **xml);
#define VD_AUTO_XML VD_CLEANUP(vd_xml_cleanup)

/*
 * 0, or the first thing that went wrong while values of @xml were read: -ENOMEM; -E2BIG (entities expand to more than
 * VD_XML_ENTITIES bytes). Functions that return values give NULL then, so ask once at the end.
 */
int vd_xml_status(const struct vd_xml *xml) VD_MUST_CHECK;

/* The outermost element, whatever its namespace. Borrowed. */
const struct vd_xml_node *vd_xml_root(const struct vd_xml *xml);

/* Name without prefix, and line in the file. Borrowed. */
const char *vd_xml_name(const struct vd_xml_node *node);
long vd_xml_line(const struct vd_xml_node *node);

/* Is @node an element called @name without a namespace? NULL is none. */
bool vd_xml_is(const struct vd_xml_node *node, const char *name);

/*
 * First child of @node and the element after @node, in document order, called @name (NULL: any), without a namespace.
 * NULL when there is none or @node is NULL.
 */
const struct vd_xml_node *vd_xml_child(const struct vd_xml_node *node, const char *name);
const struct vd_xml_node *vd_xml_next(const struct vd_xml_node *node, const char *name);
/* The same for elements of the namespace @ns (a URI). */
const struct vd_xml_node *vd_xml_child_ns(const struct vd_xml_node *node, const char *name, const char *ns);
const struct vd_xml_node *vd_xml_next_ns(const struct vd_xml_node *node, const char *name, const char *ns);
/* for (each child element called NAME, or any with NULL) */
#define VD_XML_EACH(var, node, name) \
	for (const struct vd_xml_node *var = vd_xml_child(node, name); var; var = vd_xml_next(var, name))

/*
 * The value of the attribute @name (without a namespace), entities expanded as libvirt does: internal ones are,
 * external ones vanish. NULL when it is absent, when @node is NULL, and on errors that vd_xml_status() tells.
 * Borrowed, valid as long as the document.
 */
const char *vd_xml_attr(const struct vd_xml_node *node, const char *name);
/* The text directly inside @node, "" when there is none; not trimmed. NULL as above. */
const char *vd_xml_text(const struct vd_xml_node *node);
