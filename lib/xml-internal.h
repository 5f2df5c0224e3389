/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tree behind xml.h, and how it is built (xml-tree.c). It knows nothing of libxml2: xml.c drives the building. A
 * tree is read a few times and thrown away as a whole, so its parts share a few blocks of memory.
 */

#include <stdbool.h>
#include <stddef.h>

#include "xml.h"

struct vd_xml_attr {
	const char *name;  /* borrowed from libxml2's dictionary */
	const char *value; /* raw when it holds a '&' */
};

struct vd_xml_node {
	const char *name, *ns; /* borrowed as above; @ns is the URI or NULL */
	struct vd_xml *xml;    /* its document */
	struct vd_xml_attr *attrs;
	struct vd_xml_node *children, *last_child, *next;
	char *text; /* NULL: none */
	unsigned n_attrs, text_len, text_size, line;
	unsigned blanks_at; /* where in the text the blanks begin that may be layout */
	bool blanks;        /* there are such, at the end */
	bool text_first;    /* the element begins with text */
	bool text_last;     /* what was last inside was text, not such blanks */
	bool keeps;         /* further blanks belong to the text */
	bool markup;        /* something other than text was inside */
	bool text_raw;      /* references in the text are still to be expanded */
};

struct vd_xml_tree {
	struct vd_xml *xml; /* that the nodes belong to */
	struct vd_xml_node *root;
	struct vd_xml_node *open[VD_XML_DEPTH]; /* the elements that are being built, the outermost first */
	unsigned depth;                         /* how many; also counts those that are too deep to be built */
	unsigned too_deep;                      /* the line of the first such element, 0: none */
	bool no_memory;
	struct vd_xml_block *blocks;
};

/* Start an element with room for @n_attrs attributes. NULL when it is not built: too deep, or no memory. */
struct vd_xml_node *vd_xml_tree_open(struct vd_xml_tree *tree, const char *name, const char *ns, unsigned line,
                                     unsigned n_attrs);
/* Add an attribute to @node, one of those that there is room for. */
void vd_xml_tree_attr(struct vd_xml_tree *tree, struct vd_xml_node *node, const char *name, const char *value,
                      size_t len);
/*
 * Add text to the innermost element. Blanks between elements, comments and processing instructions are layout and
 * dropped unless they are @kept, in the same cases as libxml2 drops them when it builds a tree.
 */
void vd_xml_tree_text(struct vd_xml_tree *tree, const char *text, size_t len, bool kept);
/* The text of the innermost element, so far none, is @raw. */
void vd_xml_tree_raw_text(struct vd_xml_tree *tree, const char *raw, size_t len);
/* A comment or the like begins in the innermost element. */
void vd_xml_tree_markup(struct vd_xml_tree *tree);
void vd_xml_tree_close(struct vd_xml_tree *tree);
/* Throw away what was built. */
void vd_xml_tree_release(struct vd_xml_tree *tree);
