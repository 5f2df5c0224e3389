/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include "buf.h"
#include "root.h"
#include "vlog.h"
#include "xml.h"

VLOG_CATEGORY("virtdiag.xml");

/* Entities within entities; libxml2 stops at about this depth too. */
#define ENTITY_DEPTH 20

struct vd_xml {
	xmlDocPtr doc;
	struct vd_strv values; /* values that had to be put together, see collect() */
	size_t expanded;       /* bytes that entities have brought so far */
	int status;
};

/* The opaque node is libxml2's own: no second tree, no copies. */
static xmlNode *unwrap(const struct vd_xml_node *node)
{
	return (xmlNode *)(uintptr_t)node;
}

static const struct vd_xml_node *wrap(const xmlNode *node)
{
	return (const struct vd_xml_node *)node;
}

/* Without the NOENT and DTDLOAD options libxml2 has no reason to ask for a file; should it, it gets none. */
static xmlParserInputPtr refuse_entity(const char *url VD_UNUSED, const char *id VD_UNUSED,
                                       xmlParserCtxtPtr ctxt VD_UNUSED)
{
	return NULL;
}

/*
 * What takes libxml2 quadratic time (2.9: a megabyte of attributes in one tag is 15 seconds, eight are a quarter of an
 * hour), and how much of it is still read within a second or two. Real guests stay below by orders of magnitude.
 */
#define MAX_ATTRIBUTES 1000 /* of one element */
static const struct {
	const char *text;
	unsigned max;
} costly[] = {
	{ "xmlns", 2000 },
	{ "<!ATTLIST", 5000 },
	{ "<!ENTITY", 5000 },
};

/* Does @needle occur more than @max times? */
static bool occurs_more(const char *data, size_t len, const char *needle, unsigned max)
{
	const char *p = data, *end = data + len;
	size_t needle_len = strlen(needle);
	unsigned n = 0;

	while ((p = memmem(p, (size_t)(end - p), needle, needle_len))) {
		if (++n > max)
			return true;
		p += needle_len;
	}
	return false;
}

/*
 * Are there more than @max of ="..." (with @refs: of character references) between one '<' and the next? A tag holds no
 * further '<', so none that has so many attributes gets by; with references one could be put together in an entity.
 */
static bool crowded(const char *data, size_t len, bool refs, unsigned max)
{
	const char *p = data, *last = data, *end = data + len;
	unsigned n = 0;

	while ((p = memchr(p, refs ? '&' : '=', (size_t)(end - p)))) {
		const char *q = ++p;

		while (!refs && q < end && isspace((unsigned char)*q))
			q++;
		if (q == end || !strchr(refs ? "#" : "'\"", *q))
			continue;
		n = memchr(last, '<', (size_t)(p - last)) ? 1 : n + 1;
		if (n > max)
			return true;
		last = p;
	}
	return false;
}

/* The encoding that the XML declaration names is one in which the characters that count above are what they look like.
 */
static bool plain_encoding(const char *data, size_t len)
{
	static const char *const known[] = { "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-", "windows-125" };
	const char *end = len > 5 && !memcmp(data, "<?xml", 5) ? memmem(data, len, "?>", 2) : NULL;
	const char *p = end ? memmem(data, (size_t)(end - data), "encoding", 8) : NULL;

	if (!p)
		return true;
	p += 8;
	while (p < end && (isspace((unsigned char)*p) || *p == '=' || *p == '\'' || *p == '"'))
		p++;
	for (size_t i = 0; i < VD_ARRAY_SIZE(known); i++)
		if (!strncasecmp(p, known[i], strlen(known[i])))
			return true;
	return false;
}

/* Refuses what would keep libxml2 busy for minutes. */
static int check_cost(const char *data, size_t len, const char *file, struct vd_err *err)
{
	if (memchr(data, '\0', len) || !plain_encoding(data, len))
		return vd_err_set(err, EBADMSG, "%s:1: the encoding is neither UTF-8 nor an extension of ASCII", file);
	if (crowded(data, len, false, MAX_ATTRIBUTES) ||
	    (memmem(data, len, "<!ENTITY", 8) && crowded(data, len, true, MAX_ATTRIBUTES)))
		return vd_err_set(err, E2BIG, "%s: an element has more than %d attributes", file, MAX_ATTRIBUTES);
	for (size_t i = 0; i < VD_ARRAY_SIZE(costly); i++)
		if (occurs_more(data, len, costly[i].text, costly[i].max))
			return vd_err_set(err, E2BIG, "%s: '%s' occurs more than %u times", file, costly[i].text,
			                  costly[i].max);
	return 0;
}

static void free_ctxt(xmlParserCtxtPtr *ctxt)
{
	xmlFreeParserCtxt(*ctxt);
}

/* The first thing that makes a document no document. What libxml2 finds after it mostly follows from it. */
struct first_error {
	char *message; /* NULL: none yet */
	int line, code;
};

static void release_error(struct first_error *first)
{
	free(first->message);
}

#if LIBXML_VERSION >= 21200
static void keep_first_error(void *data, const xmlError *e)
#else
static void keep_first_error(void *data, xmlErrorPtr e)
#endif
{
	struct first_error *first = ((xmlParserCtxtPtr)data)->_private;

	if (!e || e->level != XML_ERR_FATAL || first->message)
		return;
	first->message = strdup(e->message ? e->message : "not well-formed");
	first->line = e->line;
	first->code = e->code;
}

static int parse_error(xmlParserCtxtPtr ctxt, const struct first_error *first, const char *file, struct vd_err *err)
{
	const xmlError *last = xmlCtxtGetLastError(ctxt);
	const char *message = first->message;
	int code = first->code, line = first->line;

	if (!message) {
		message = last && last->message ? last->message : "not well-formed";
		code = last ? last->code : XML_ERR_OK;
		line = last ? last->line : 0;
	}
	if (code == XML_ERR_NO_MEMORY)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	/* Entity loops and libxml2's own limits are about size, not form: the caller is told apart. */
	return vd_err_set(err, code == XML_ERR_ENTITY_LOOP ? E2BIG : EBADMSG, "%s:%d: %.*s", file, line,
	                  (int)strcspn(message, "\n"), message);
}

/* Iterative: a document may be as deep as libxml2 lets it. */
static int check_depth(const xmlNode *root, const char *file, struct vd_err *err)
{
	const xmlNode *node = root;
	unsigned depth = 1;

	while (node) {
		if (node->type == XML_ELEMENT_NODE && depth > VD_XML_DEPTH)
			return vd_err_set(err, E2BIG, "%s:%ld: elements are nested deeper than %d", file,
			                  xmlGetLineNo(node), VD_XML_DEPTH);
		if (node->type == XML_ELEMENT_NODE && node->children) {
			node = node->children;
			depth++;
			continue;
		}
		while (node != root && !node->next) {
			node = node->parent;
			depth--;
		}
		if (node == root)
			break;
		node = node->next;
	}
	return 0;
}

/*
 * Within this many bytes of the end libxml2 looks for more input before every token, which takes a quarter of the time
 * of a small document. Blanks behind the root element are no part of it and keep the end away.
 */
#define MARGIN 256

/* NULL and @first when it is no document. */
static xmlDocPtr read_document(xmlParserCtxtPtr ctxt, const char *data, size_t len, struct first_error *first)
{
	xmlDocPtr doc;

	release_error(first);
	*first = (struct first_error){ 0 };
	/* With a handler of its own the parser prints nothing. */
	ctxt->_private = first;
	ctxt->sax->serror = keep_first_error;
	doc = xmlCtxtReadMemory(ctxt, data, (int)len, NULL, NULL,
	                        XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
	if (doc && !xmlDocGetRootElement(doc)) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	return doc;
}

int vd_xml_parse(const char *data, size_t len, const char *file, struct vd_xml **ret_xml, struct vd_err *err)
{
	VD_CLEANUP(free_ctxt) xmlParserCtxtPtr ctxt = NULL;
	VD_CLEANUP(release_error) struct first_error first = { 0 };
	VD_AUTO_XML struct vd_xml *xml = NULL;
	VD_AUTO_FREE char *padded = NULL;
	int rc;

	if (len > VD_MAX_XML)
		return vd_err_set(err, E2BIG, "%s: larger than %u MiB, not read as XML", file, VD_MAX_XML >> 20);
	if (!len)
		return vd_err_set(err, EBADMSG, "%s:1: the file is empty", file);
	rc = check_cost(data, len, file, err);
	if (rc < 0)
		return rc;
	xmlSetExternalEntityLoader(refuse_entity);
	ctxt = xmlNewParserCtxt();
	xml = calloc(1, sizeof(*xml));
	padded = malloc(len + MARGIN);
	if (!ctxt || !xml || !padded)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	memcpy(padded, data, len);
	memset(padded + len, ' ', MARGIN);
	xml->doc = read_document(ctxt, padded, len + MARGIN, &first);
	/* What is wrong is told of the document as it is. */
	if (!xml->doc)
		xml->doc = read_document(ctxt, data, len, &first);
	if (!xml->doc)
		return parse_error(ctxt, &first, file, err);
	rc = check_depth(xmlDocGetRootElement(xml->doc), file, err);
	if (rc < 0)
		return rc;
	xml->doc->_private = xml;
	VLOG_DEBUG("%s: %zu bytes parsed", file, len);
	*ret_xml = vd_steal(xml);
	return 0;
}

void vd_xml_free(struct vd_xml *xml)
{
	if (!xml)
		return;
	xmlFreeDoc(xml->doc);
	vd_strv_release(&xml->values);
	free(xml);
}

void vd_xml_cleanup(struct vd_xml **xml)
{
	vd_xml_free(*xml);
}

int vd_xml_status(const struct vd_xml *xml)
{
	return xml->status;
}

const struct vd_xml_node *vd_xml_root(const struct vd_xml *xml)
{
	return wrap(xmlDocGetRootElement(xml->doc));
}

const char *vd_xml_name(const struct vd_xml_node *node)
{
	return (const char *)unwrap(node)->name;
}

long vd_xml_line(const struct vd_xml_node *node)
{
	return xmlGetLineNo(unwrap(node));
}

/* Is @node an element called @name (NULL: any) of the namespace @ns (NULL: of none)? */
static bool matches(const xmlNode *node, const char *name, const char *ns)
{
	if (node->type != XML_ELEMENT_NODE || !node->ns != !ns)
		return false;
	if (ns && (!node->ns->href || strcmp((const char *)node->ns->href, ns) != 0))
		return false;
	return !name || !strcmp((const char *)node->name, name);
}

static const struct vd_xml_node *find(const xmlNode *node, const char *name, const char *ns)
{
	while (node && !matches(node, name, ns))
		node = node->next;
	return wrap(node);
}

bool vd_xml_is(const struct vd_xml_node *node, const char *name)
{
	return node && matches(unwrap(node), name, NULL);
}

const struct vd_xml_node *vd_xml_child_ns(const struct vd_xml_node *node, const char *name, const char *ns)
{
	return node ? find(unwrap(node)->children, name, ns) : NULL;
}

const struct vd_xml_node *vd_xml_next_ns(const struct vd_xml_node *node, const char *name, const char *ns)
{
	return node ? find(unwrap(node)->next, name, ns) : NULL;
}

const struct vd_xml_node *vd_xml_child(const struct vd_xml_node *node, const char *name)
{
	return vd_xml_child_ns(node, name, NULL);
}

const struct vd_xml_node *vd_xml_next(const struct vd_xml_node *node, const char *name)
{
	return vd_xml_next_ns(node, name, NULL);
}

/* Adds what a reference in an entity's own text stands for: "#60" and "#x3c" a character, else another entity. */
static int expand_entity(struct vd_xml *xml, const char *name, unsigned depth, struct vd_buf *out);

static int add_char(const char *digits, struct vd_buf *out)
{
	bool hex = *digits == 'x';
	unsigned long code = strtoul(digits + hex, NULL, hex ? 16 : 10);
	xmlChar utf8[8] = "";
	int len;

	if (code == 0 || code > 0x10ffff)
		return 0;
	len = xmlCopyCharMultiByte(utf8, (int)code);
	return len > 0 ? vd_buf_add(out, utf8, (size_t)len) : 0;
}

/* Appends entity text, whose own references are still unexpanded in the declaration. */
static int add_entity_text(struct vd_xml *xml, const char *text, unsigned depth, struct vd_buf *out)
{
	const char *p = text, *amp, *end;
	int rc = 0;

	while (rc == 0 && (amp = strchr(p, '&')) && (end = strchr(amp, ';'))) {
		VD_AUTO_FREE char *name = strndup(amp + 1, (size_t)(end - amp - 1));

		if (!name)
			return -ENOMEM;
		xml->expanded += (size_t)(amp - p) + 1;
		rc = vd_buf_add(out, p, (size_t)(amp - p));
		if (rc == 0)
			rc = *name == '#' ? add_char(name + 1, out) : expand_entity(xml, name, depth + 1, out);
		p = end + 1;
	}
	xml->expanded += strlen(p);
	return rc < 0 ? rc : vd_buf_adds(out, p);
}

static int expand_entity(struct vd_xml *xml, const char *name, unsigned depth, struct vd_buf *out)
{
	const xmlEntity *entity = xmlGetDocEntity(xml->doc, (const xmlChar *)name);

	/* Each expansion costs something even when it is empty: a billion references to "" must end, too. */
	xml->expanded++;
	if (depth > ENTITY_DEPTH || xml->expanded > VD_XML_ENTITIES)
		return -E2BIG;
	if (!entity || !entity->content)
		return 0;
	if (entity->etype == XML_INTERNAL_PREDEFINED_ENTITY)
		return vd_buf_adds(out, (const char *)entity->content);
	if (entity->etype != XML_INTERNAL_GENERAL_ENTITY || strlen((const char *)entity->content) > VD_XML_ENTITIES)
		return entity->etype == XML_INTERNAL_GENERAL_ENTITY ? -E2BIG : 0;
	return add_entity_text(xml, (const char *)entity->content, depth, out);
}

static int collect(struct vd_xml *xml, const xmlNode *list, struct vd_buf *out)
{
	int rc = 0;

	for (const xmlNode *n = list; n && rc == 0; n = n->next) {
		if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
			rc = n->content ? vd_buf_adds(out, (const char *)n->content) : 0;
		else if (n->type == XML_ENTITY_REF_NODE)
			rc = expand_entity(xml, (const char *)n->name, 1, out);
	}
	return rc;
}

/* The text of a list of nodes. Nearly always one text node, which needs no copy. */
static const char *value_of(const xmlNode *list, const xmlDoc *doc)
{
	struct vd_xml *xml = doc->_private;
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char *value;
	int rc;

	if (!list)
		return "";
	if (list->type == XML_TEXT_NODE && !list->next)
		return list->content ? (const char *)list->content : "";
	if (xml->status < 0)
		return NULL;
	rc = collect(xml, list, &buf);
	if (rc == 0) {
		value = vd_buf_steal(&buf);
		rc = value ? vd_strv_take(&xml->values, value) : -ENOMEM;
	}
	xml->status = rc;
	return rc < 0 ? NULL : xml->values.items[xml->values.len - 1];
}

const char *vd_xml_attr(const struct vd_xml_node *node, const char *name)
{
	if (!node)
		return NULL;
	for (const xmlAttr *a = unwrap(node)->properties; a; a = a->next)
		if (!a->ns && !strcmp((const char *)a->name, name))
			return value_of(a->children, a->doc);
	return NULL;
}

const char *vd_xml_text(const struct vd_xml_node *node)
{
	return node ? value_of(unwrap(node)->children, unwrap(node)->doc) : NULL;
}
