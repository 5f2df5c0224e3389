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
#include "xml-internal.h"

VLOG_CATEGORY("virtdiag.xml");

/* Entities within entities; libxml2 stops at about this depth too. */
#define ENTITY_DEPTH 20

struct vd_xml {
	struct vd_xml_tree tree;
	xmlDict *dict;         /* holds the names in the tree; NULL: @doc does */
	xmlDocPtr doc;         /* of a document with a DTD, for its entities; else NULL */
	struct vd_strv values; /* values that had to be put together, see expanded() */
	size_t expanded;       /* bytes that entities have brought so far */
	int status;
};

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
#define MAX_ATTRIBUTES 1000   /* of one element */
#define MAX_DEFAULTED  200000 /* that a DTD adds, in all */
#define MAX_PARAMETERS 4      /* '%' where there are parameter entities */
static const struct {
	const char *text;
	unsigned max;
	bool dtd; /* only in a DTD */
} costly[] = {
	{ "xmlns", 2000, false },
	{ "<!ATTLIST", 5000, true },
	{ "<!ENTITY", 5000, true },
	{ "|", 5000, true },
};

/* Nearly no document has one. Without it there are no entities but those that XML itself defines. */
static bool has_dtd(const char *data, size_t len)
{
	static const char word[] = "!DOCTYPE";
	const char *p = data, *end = data + len;

	/* The sign is rare, so this is quicker than looking for the word. */
	while ((p = memchr(p, '!', (size_t)(end - p)))) {
		if ((size_t)(end - p) >= sizeof(word) - 1 && !memcmp(p, word, sizeof(word) - 1))
			return true;
		p++;
	}
	return false;
}

/* Does @needle occur more than @max times? */
static bool occurs_more(const char *data, size_t len, const char *needle, unsigned max)
{
	const char *p = data, *end = data + len;
	size_t needle_len = strlen(needle);
	unsigned n = 0;

	/* There is no room for so many. */
	if (len / needle_len <= max)
		return false;
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

	/* Most documents have fewer in all. */
	for (; n <= max && (p = memchr(p, refs ? '&' : '=', (size_t)(end - p))); p++)
		n++;
	if (n <= max)
		return false;
	p = data;
	n = 0;
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

/*
 * A DTD can give each element attributes that stand nowhere in it: a thousand elements of four bytes with a thousand
 * attributes each, which libxml2 all makes. Counted are the quotes that their values need and the tags, either of which
 * a reference can stand for; without a parameter entity the word for it cannot be put together.
 */
static bool defaults_many(const char *data, size_t len)
{
	size_t values = 0, tags = 0;

	if (!memmem(data, len, "ATTLIST", 7) && !memchr(data, '%', len))
		return false;
	for (size_t i = 0; i < len; i++) {
		values += data[i] == '\'' || data[i] == '"' || data[i] == '&';
		tags += data[i] == '<' || data[i] == '&';
	}
	values /= 2;
	return values > MAX_ATTRIBUTES || values * tags > MAX_DEFAULTED;
}

/*
 * Is there a parameter entity, and may it bring more than a few times its text? libxml2 does not count what they bring:
 * half a kilobyte of them, each of which names another one twice, takes for ever. For that the sign of a reference
 * has to be written as a reference to a character.
 */
static bool parameters_many(const char *data, size_t len)
{
	const char *p = data, *end = data + len;
	unsigned signs = 0;

	while ((p = memmem(p, (size_t)(end - p), "<!ENTITY", 8))) {
		for (p += 8; p < end && isspace((unsigned char)*p); p++)
			;
		if (p < end && *p == '%')
			break;
	}
	if (!p)
		return false;
	for (p = data; signs <= MAX_PARAMETERS && (p = memchr(p, '%', (size_t)(end - p))); p++)
		signs++;
	return signs > MAX_PARAMETERS || memmem(data, len, "&#", 2);
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
static int check_cost(const char *data, size_t len, bool dtd, const char *file, struct vd_err *err)
{
	if (memchr(data, '\0', len) || !plain_encoding(data, len))
		return vd_err_set(err, EBADMSG, "%s:1: the encoding is neither UTF-8 nor an extension of ASCII", file);
	if (crowded(data, len, false, MAX_ATTRIBUTES) ||
	    (dtd && memmem(data, len, "<!ENTITY", 8) && crowded(data, len, true, MAX_ATTRIBUTES)))
		return vd_err_set(err, E2BIG, "%s: an element has more than %d attributes", file, MAX_ATTRIBUTES);
	if (dtd && parameters_many(data, len))
		return vd_err_set(err, E2BIG, "%s: its DTD uses parameter entities more than once or twice", file);
	if (dtd && defaults_many(data, len))
		return vd_err_set(err, E2BIG, "%s: its DTD may give elements too many attributes", file);
	for (size_t i = 0; i < VD_ARRAY_SIZE(costly); i++)
		if ((dtd || !costly[i].dtd) && occurs_more(data, len, costly[i].text, costly[i].max))
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

/* What the parser works for: its _private. */
struct reading {
	struct first_error first;
	struct vd_xml_tree *tree;
};

static struct reading *reading_of(void *ctxt)
{
	return ((xmlParserCtxtPtr)ctxt)->_private;
}

static void release_error(struct reading *reading)
{
	free(reading->first.message);
	reading->first = (struct first_error){ 0 };
}

#if LIBXML_VERSION >= 21200
static void keep_first_error(void *data, const xmlError *e)
#else
static void keep_first_error(void *data, xmlErrorPtr e)
#endif
{
	struct first_error *first = &reading_of(data)->first;

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

/* --- documents without a DTD: the tree is built while libxml2 reads --------------------------------------------- */

static void on_start(void *ctxt, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int n_namespaces VD_UNUSED, const xmlChar **namespaces VD_UNUSED, int n_attrs,
                     int n_defaulted VD_UNUSED, const xmlChar **attrs)
{
	struct vd_xml_tree *tree = reading_of(ctxt)->tree;
	xmlDict *dict = ((xmlParserCtxtPtr)ctxt)->dict;
	struct vd_xml_node *node;

	/* A prefix that nobody has declared is part of the name. */
	if (prefix && !uri)
		name = xmlDictQLookup(dict, prefix, name);
	node = vd_xml_tree_open(tree, (const char *)name, (const char *)uri, (unsigned)xmlSAX2GetLineNumber(ctxt),
	                        (unsigned)n_attrs);
	/* Name, prefix, URI, value, end of the value; those of a namespace are invisible. */
	for (int i = 0; node && i < n_attrs; i++, attrs += 5)
		if (!attrs[2])
			vd_xml_tree_attr(tree, node,
			                 (const char *)(attrs[1] ? xmlDictQLookup(dict, attrs[1], attrs[0]) : attrs[0]),
			                 (const char *)attrs[3], (size_t)(attrs[4] - attrs[3]));
}

static void on_end(void *ctxt, const xmlChar *name VD_UNUSED, const xmlChar *prefix VD_UNUSED,
                   const xmlChar *uri VD_UNUSED)
{
	vd_xml_tree_close(reading_of(ctxt)->tree);
}

static void on_text(void *ctxt, const xmlChar *text, int len)
{
	vd_xml_tree_text(reading_of(ctxt)->tree, (const char *)text, (size_t)len, false);
}

static void on_cdata(void *ctxt, const xmlChar *text, int len)
{
	vd_xml_tree_text(reading_of(ctxt)->tree, (const char *)text, (size_t)len, true);
}

static void on_comment(void *ctxt, const xmlChar *text VD_UNUSED)
{
	vd_xml_tree_markup(reading_of(ctxt)->tree);
}

static void on_instruction(void *ctxt, const xmlChar *target VD_UNUSED, const xmlChar *text VD_UNUSED)
{
	vd_xml_tree_markup(reading_of(ctxt)->tree);
}

/*
 * A parser is made once for many documents. Its dictionary keeps all names that it has seen, which are the same few in
 * every document of libvirt; of others it is not to keep many.
 */
#define MAX_NAMES 4096

static xmlParserCtxtPtr shared_parser(void)
{
	static __thread xmlParserCtxtPtr ctxt;

	if (ctxt && xmlDictSize(ctxt->dict) > MAX_NAMES) {
		xmlFreeParserCtxt(ctxt);
		ctxt = NULL;
	}
	if (ctxt)
		return ctxt;
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		return NULL;
	ctxt->sax->startElementNs = on_start;
	ctxt->sax->endElementNs = on_end;
	ctxt->sax->characters = ctxt->sax->ignorableWhitespace = on_text;
	ctxt->sax->cdataBlock = on_cdata;
	ctxt->sax->comment = on_comment;
	ctxt->sax->processingInstruction = on_instruction;
	ctxt->sax->serror = keep_first_error;
	return ctxt;
}

/*
 * Within this many bytes of the end libxml2 looks for more input before every token, which takes a quarter of the time
 * of a small document. Blanks behind the root element are no part of it and keep the end away.
 */
#define MARGIN 256

/* False and reading->first when it is no document. */
static bool read_plain(xmlParserCtxtPtr ctxt, const char *data, size_t len)
{
	struct reading *reading = reading_of(ctxt);
	xmlDocPtr doc;

	release_error(reading);
	vd_xml_tree_release(reading->tree);
	doc = xmlCtxtReadMemory(ctxt, data, (int)len, NULL, NULL, XML_PARSE_NONET);
	if (!doc)
		return false;
	xmlFreeDoc(doc);
	return reading->tree->root || reading->tree->no_memory;
}

static int parse_plain(struct vd_xml *xml, const char *data, size_t len, const char *file, struct vd_err *err)
{
	VD_CLEANUP(release_error) struct reading reading = { .tree = &xml->tree };
	VD_AUTO_FREE char *padded = malloc(len + MARGIN);
	xmlParserCtxtPtr ctxt = shared_parser();
	bool good;
	int rc = 0;

	if (!ctxt || !padded)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	memcpy(padded, data, len);
	memset(padded + len, ' ', MARGIN);
	ctxt->_private = &reading;
	/* What is wrong is told of the document as it is. */
	good = read_plain(ctxt, padded, len + MARGIN) || read_plain(ctxt, data, len);
	ctxt->_private = NULL;
	xml->dict = ctxt->dict;
	xmlDictReference(xml->dict);
	if (!good)
		rc = parse_error(ctxt, &reading.first, file, err);
	return rc;
}

/* --- documents with a DTD: libxml2 builds a tree, which is copied ----------------------------------------------- */

/* The text of a list of nodes, with its references still in it. */
static int add_raw(const xmlNode *list, struct vd_buf *out)
{
	int rc = 0;

	vd_buf_clear(out);
	for (const xmlNode *n = list; n && rc == 0; n = n->next) {
		const char *text = (const char *)n->content;

		if (n->type == XML_ENTITY_REF_NODE)
			rc = vd_buf_addf(out, "&%s;", (const char *)n->name);
		else if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE)
			for (; text && *text && rc == 0; text++)
				rc = *text == '&' ? vd_buf_adds(out, "&#38;") : vd_buf_addc(out, *text);
	}
	return rc;
}

/* Recursive: libxml2 lets no document be deeper than 256. */
static int copy_element(struct vd_xml_tree *tree, const xmlNode *from, struct vd_buf *buf)
{
	struct vd_xml_node *node;
	unsigned n_attrs = 0;
	int rc = 0;

	for (const xmlAttr *a = from->properties; a; a = a->next)
		n_attrs++;
	node = vd_xml_tree_open(tree, (const char *)from->name, from->ns ? (const char *)from->ns->href : NULL,
	                        (unsigned)xmlGetLineNo(from), n_attrs);
	for (const xmlAttr *a = from->properties; node && a && rc == 0; a = a->next) {
		if (a->ns)
			continue;
		rc = add_raw(a->children, buf);
		vd_xml_tree_attr(tree, node, (const char *)a->name, vd_buf_str(buf), buf->len);
	}
	for (const xmlNode *n = from->children; n && rc == 0; n = n->next)
		if (n->type == XML_ELEMENT_NODE)
			rc = copy_element(tree, n, buf);
	if (rc == 0)
		rc = add_raw(from->children, buf);
	if (buf->len)
		vd_xml_tree_raw_text(tree, vd_buf_str(buf), buf->len);
	vd_xml_tree_close(tree);
	return rc;
}

static int parse_with_dtd(struct vd_xml *xml, const char *data, size_t len, const char *file, struct vd_err *err)
{
	VD_CLEANUP(free_ctxt) xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	VD_CLEANUP(release_error) struct reading reading = { .tree = &xml->tree };
	VD_AUTO_BUF buf = VD_BUF_INIT;

	if (!ctxt)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	ctxt->_private = &reading;
	/* With a handler of its own the parser prints nothing. */
	ctxt->sax->serror = keep_first_error;
	xml->doc = xmlCtxtReadMemory(ctxt, data, (int)len, NULL, NULL,
	                             XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
	if (!xml->doc || !xmlDocGetRootElement(xml->doc))
		return parse_error(ctxt, &reading.first, file, err);
	if (copy_element(&xml->tree, xmlDocGetRootElement(xml->doc), &buf) < 0)
		xml->tree.no_memory = true;
	return 0;
}

/* --- documents -------------------------------------------------------------------------------------------------- */

int vd_xml_parse(const char *data, size_t len, const char *file, struct vd_xml **ret_xml, struct vd_err *err)
{
	VD_AUTO_XML struct vd_xml *xml = NULL;
	bool dtd = has_dtd(data, len);
	int rc;

	if (len > VD_MAX_XML)
		return vd_err_set(err, E2BIG, "%s: larger than %u MiB, not read as XML", file, VD_MAX_XML >> 20);
	if (!len)
		return vd_err_set(err, EBADMSG, "%s:1: the file is empty", file);
	rc = check_cost(data, len, dtd, file, err);
	if (rc < 0)
		return rc;
	xmlSetExternalEntityLoader(refuse_entity);
	xml = calloc(1, sizeof(*xml));
	if (!xml)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	xml->tree.xml = xml;
	rc = dtd ? parse_with_dtd(xml, data, len, file, err) : parse_plain(xml, data, len, file, err);
	if (rc < 0)
		return rc;
	if (xml->tree.no_memory)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	if (xml->tree.too_deep)
		return vd_err_set(err, E2BIG, "%s:%u: elements are nested deeper than %d", file, xml->tree.too_deep,
		                  VD_XML_DEPTH);
	VLOG_DEBUG("%s: %zu bytes parsed", file, len);
	*ret_xml = vd_steal(xml);
	return 0;
}

void vd_xml_free(struct vd_xml *xml)
{
	if (!xml)
		return;
	vd_xml_tree_release(&xml->tree);
	if (xml->doc)
		xmlFreeDoc(xml->doc);
	if (xml->dict)
		xmlDictFree(xml->dict);
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
	return xml->tree.root;
}

const char *vd_xml_name(const struct vd_xml_node *node)
{
	return node->name;
}

long vd_xml_line(const struct vd_xml_node *node)
{
	return node->line;
}

/* strcmp() is a call, and most names differ in their first letter. */
static bool same(const char *a, const char *b)
{
	return *a == *b && !strcmp(a, b);
}

/* Is @node an element called @name (NULL: any) of the namespace @ns (NULL: of none)? */
static bool matches(const struct vd_xml_node *node, const char *name, const char *ns)
{
	return (!name || same(node->name, name)) && (node->ns && ns ? same(node->ns, ns) : node->ns == ns);
}

static const struct vd_xml_node *find(const struct vd_xml_node *node, const char *name, const char *ns)
{
	while (node && !matches(node, name, ns))
		node = node->next;
	return node;
}

bool vd_xml_is(const struct vd_xml_node *node, const char *name)
{
	return node && matches(node, name, NULL);
}

const struct vd_xml_node *vd_xml_child_ns(const struct vd_xml_node *node, const char *name, const char *ns)
{
	return node ? find(node->children, name, ns) : NULL;
}

const struct vd_xml_node *vd_xml_next_ns(const struct vd_xml_node *node, const char *name, const char *ns)
{
	return node ? find(node->next, name, ns) : NULL;
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

/*
 * Appends text whose references are still unexpanded: that of an entity in its declaration, or, at depth 0, that of the
 * document, which costs nothing of what entities may bring.
 */
static int add_entity_text(struct vd_xml *xml, const char *text, unsigned depth, struct vd_buf *out)
{
	const char *p = text, *amp, *end;
	int rc = 0;

	while (rc == 0 && (amp = strchr(p, '&')) && (end = strchr(amp, ';'))) {
		VD_AUTO_FREE char *name = strndup(amp + 1, (size_t)(end - amp - 1));

		if (!name)
			return -ENOMEM;
		if (depth)
			xml->expanded += (size_t)(amp - p) + 1;
		rc = vd_buf_add(out, p, (size_t)(amp - p));
		if (rc == 0)
			rc = *name == '#' ? add_char(name + 1, out) : expand_entity(xml, name, depth + 1, out);
		p = end + 1;
	}
	if (depth)
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

/* @raw with its references expanded. */
static const char *expanded(struct vd_xml *xml, const char *raw)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char *value;
	int rc;

	if (xml->status < 0)
		return NULL;
	rc = add_entity_text(xml, raw, 0, &buf);
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
	for (unsigned i = 0; i < node->n_attrs; i++) {
		const struct vd_xml_attr *attr = &node->attrs[i];

		if (same(attr->name, name))
			return strchr(attr->value, '&') ? expanded(node->xml, attr->value) : attr->value;
	}
	return NULL;
}

const char *vd_xml_text(const struct vd_xml_node *node)
{
	if (!node)
		return NULL;
	if (!node->text)
		return "";
	return node->text_raw ? expanded(node->xml, node->text) : node->text;
}
