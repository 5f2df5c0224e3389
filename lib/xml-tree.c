/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "xml-internal.h"

#define BLOCK_SIZE 16384  /* of the first block; each further one is twice as large as the one before */
#define MAX_SPARE  131072 /* of the block that is kept */

struct vd_xml_block {
	struct vd_xml_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

/*
 * A block of the last document, for the next one. What is kept of a document is allocated while its tree is there; were
 * the blocks given back each time, that would be put into their place and the next ones would be fresh memory again.
 */
static __thread struct vd_xml_block *spare;

static struct vd_xml_block *new_block(size_t size)
{
	struct vd_xml_block *block = spare;

	if (block && block->size >= size) {
		spare = NULL;
		return block;
	}
	block = malloc(sizeof(*block) + size);
	if (block)
		block->size = size;
	return block;
}

/* NULL and tree->no_memory without memory. */
static void *take(struct vd_xml_tree *tree, size_t size)
{
	struct vd_xml_block *block = tree->blocks;
	size_t rounded = (size + 7) & ~(size_t)7, want = block ? 2 * block->size : BLOCK_SIZE;

	if (!block || block->size - block->used < rounded) {
		while (want < rounded)
			want *= 2;
		block = new_block(want);
		if (!block) {
			tree->no_memory = true;
			return NULL;
		}
		block->next = tree->blocks;
		block->used = 0;
		tree->blocks = block;
	}
	block->used += rounded;
	return block->data + block->used - rounded;
}

/* The innermost element, NULL when it was not built. */
static struct vd_xml_node *innermost(struct vd_xml_tree *tree)
{
	return tree->depth && tree->depth <= VD_XML_DEPTH ? tree->open[tree->depth - 1] : NULL;
}

static void drop_blanks(struct vd_xml_node *node)
{
	node->text_len = node->blanks_at;
	node->blanks = false;
}

void vd_xml_tree_markup(struct vd_xml_tree *tree)
{
	struct vd_xml_node *node = innermost(tree);

	if (!node)
		return;
	if (node->blanks)
		drop_blanks(node);
	node->text_last = false;
	node->markup = true;
}

struct vd_xml_node *vd_xml_tree_open(struct vd_xml_tree *tree, const char *name, const char *ns, unsigned line,
                                     unsigned n_attrs)
{
	struct vd_xml_node *parent = innermost(tree), *node = NULL;

	vd_xml_tree_markup(tree);
	if (tree->depth < VD_XML_DEPTH) {
		if (!tree->depth || parent)
			node = take(tree, sizeof(*node) + n_attrs * sizeof(*node->attrs));
		tree->open[tree->depth] = node;
	} else if (!tree->too_deep) {
		tree->too_deep = line;
	}
	tree->depth++;
	if (!node)
		return NULL;
	*node = (struct vd_xml_node){
		.name = name,
		.ns = ns,
		.xml = tree->xml,
		.attrs = (struct vd_xml_attr *)(node + 1),
		.line = line,
	};
	if (!parent)
		tree->root = node;
	else if (parent->last_child)
		parent->last_child = parent->last_child->next = node;
	else
		parent->children = parent->last_child = node;
	return node;
}

void vd_xml_tree_attr(struct vd_xml_tree *tree, struct vd_xml_node *node, const char *name, const char *value,
                      size_t len)
{
	char *copy = take(tree, len + 1);

	if (!copy)
		return;
	memcpy(copy, value, len);
	copy[len] = '\0';
	node->attrs[node->n_attrs++] = (struct vd_xml_attr){ name, copy };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool all_blank(const char *text, size_t len)
{
	while (len && is_blank(*text)) {
		text++;
		len--;
	}
	return !len;
}

void vd_xml_tree_text(struct vd_xml_tree *tree, const char *text, size_t len, bool kept)
{
	struct vd_xml_node *node = innermost(tree);
	size_t need;

	if (!node)
		return;
	if (kept && node->blanks)
		drop_blanks(node);
	need = node->text_len + len + 1;
	if (need > node->text_size) {
		/* Twice as much for text in pieces, so that copying all pieces stays proportional to their length. */
		size_t size = node->text ? 2 * need : need;
		char *grown = take(tree, size);

		if (!grown)
			return;
		if (node->text_len)
			memcpy(grown, node->text, node->text_len);
		node->text = grown;
		node->text_size = (unsigned)size;
	}
	if (kept || node->keeps || node->text_first || node->text_last || !all_blank(text, len)) {
		node->keeps |= node->blanks || (!kept && is_blank(*text));
		node->text_first |= !node->markup;
		node->text_last = true;
		node->blanks = false;
	} else if (!node->blanks) {
		node->blanks = true;
		node->blanks_at = node->text_len;
	}
	memcpy(node->text + node->text_len, text, len);
	node->text_len += (unsigned)len;
}

void vd_xml_tree_raw_text(struct vd_xml_tree *tree, const char *raw, size_t len)
{
	struct vd_xml_node *node = innermost(tree);

	vd_xml_tree_text(tree, raw, len, true);
	if (node)
		node->text_raw = true;
}

void vd_xml_tree_close(struct vd_xml_tree *tree)
{
	struct vd_xml_node *node = innermost(tree);

	if (tree->depth)
		tree->depth--;
	if (!node || !node->text)
		return;
	if (node->blanks && node->markup)
		drop_blanks(node);
	node->text[node->text_len] = '\0';
}

void vd_xml_tree_release(struct vd_xml_tree *tree)
{
	while (tree->blocks) {
		struct vd_xml_block *block = tree->blocks;

		tree->blocks = block->next;
		if (!spare && block->size <= MAX_SPARE) {
			spare = block;
			continue;
		}
		free(block);
	}
	tree->root = NULL;
	tree->depth = tree->too_deep = 0;
	tree->no_memory = false;
}
