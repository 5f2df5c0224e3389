/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/xml: nothing is fetched, limits hold, and only what belongs to the document's own vocabulary is seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "root.h"
#include "xml.h"
#include "tap.h"

static struct vd_xml *parse(const char *text, int wanted, const char *what)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_xml *xml = NULL;
	int rc = vd_xml_parse(text, strlen(text), "f.xml", &xml, &err);

	tap_int(rc, wanted, "%s -> %d", what, wanted);
	if (rc < 0)
		tap_ok(!strncmp(vd_err_text(&err), "f.xml:", 6), "%s: the message names the file: %s", what,
		       vd_err_text(&err));
	return xml;
}

static void test_errors(void)
{
	static const struct {
		const char *what, *text;
		int code;
		const char *message;
	} cases[] = {
		{ "empty file", "", -EBADMSG, "f.xml:1: " },
		{ "no XML", "hello", -EBADMSG, "f.xml:1: " },
		{ "end tag missing", "<a>\n<b>\n</a>", -EBADMSG, "f.xml:3: " },
		{ "an error that others follow from", "<a>\n<b>\n<c>\n</b>\n</a>\n\n", -EBADMSG, "f.xml:4: " },
		{ "cut off", "<a>\n<b", -EBADMSG, "f.xml:2: " },
		{ "only a comment", "<!-- x -->", -EBADMSG, "f.xml:" },
		{ "undefined entity", "<a x='&nope;'/>", -EBADMSG, "f.xml:1: " },
		{ "entity that refers to itself", "<!DOCTYPE a [<!ENTITY e '&e;'>]><a x='&e;'/>", -E2BIG, "f.xml:" },
		{ "control character", "<a>\001</a>", -EBADMSG, "f.xml:1: " },
		{ "byte that is not UTF-8", "<a>\xff</a>", -EBADMSG, "f.xml:1: " },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ERR err = VD_ERR_INIT;
		VD_AUTO_XML struct vd_xml *xml = NULL;
		int rc = vd_xml_parse(cases[i].text, strlen(cases[i].text), "f.xml", &xml, &err);

		tap_int(rc, cases[i].code, "%s -> %d", cases[i].what, cases[i].code);
		tap_ok(!strncmp(vd_err_text(&err), cases[i].message, strlen(cases[i].message)) &&
		               !strchr(vd_err_text(&err), '\n'),
		       "%s: one line with the place: %s", cases[i].what, vd_err_text(&err));
		tap_ok(!xml, "%s: no document", cases[i].what);
	}
}

static void test_tree(void)
{
	VD_AUTO_XML struct vd_xml *xml =
	        parse("<?xml version='1.0'?><!-- <b>no</b> --><r xmlns:x='urn:x' x:k='no' k='a&amp;b&#x41;'>"
	              "<x:b>foreign</x:b><?b pi?><!-- <b>comment</b> -->"
	              "<b>t<!-- c -->ex<![CDATA[t <&>]]></b>\n <b k=''> </b><c><b>deep</b></c></r>",
	              0, "mixed document");
	const struct vd_xml_node *root = vd_xml_root(xml), *b = vd_xml_child(root, "b");
	size_t n = 0;

	tap_ok(vd_xml_is(root, "r") && !vd_xml_is(root, "b") && !vd_xml_is(NULL, "r"), "the root is <r>");
	tap_str(vd_xml_attr(root, "k"), "a&bA", "attribute without namespace, entities expanded");
	tap_str(vd_xml_attr(root, "q"), NULL, "absent attribute -> NULL");
	tap_str(vd_xml_attr(NULL, "q"), NULL, "no element -> NULL");
	tap_str(vd_xml_text(b), "text <&>", "text around a comment and CDATA");
	b = vd_xml_next(b, "b");
	tap_str(vd_xml_text(b), " ", "a blank as the only text stays");
	tap_str(vd_xml_attr(b, "k"), "", "empty attribute -> \"\"");
	tap_ok(!vd_xml_next(b, "b"), "grandchildren and foreign elements are no children");
	VD_XML_EACH(e, root, NULL)
	n++;
	tap_int(n, 3, "three elements without namespace");
	tap_str(vd_xml_text(vd_xml_child_ns(root, "b", "urn:x")), "foreign", "asked for by namespace");
	tap_ok(!vd_xml_child_ns(root, "b", "urn:y"), "not in another namespace");
	tap_str(vd_xml_text(vd_xml_child(root, "c")), "", "text of children is not the element's");
	tap_int(vd_xml_status(xml), 0, "all went well");
}

/* Documents with and without a DTD are read in different ways, which must not be seen. */
static void test_layout(void)
{
	static const struct {
		const char *inside, *text;
	} cases[] = {
		{ "", "" },
		{ " \n ", " \n " },
		{ "\n <b/>\n <b/>\n", "" },
		{ " <!-- c --> ", "" },
		{ "\t<?pi x?>\r\n", "" },
		{ "\n <b/>t\n <b/>\n", "t\n " },
		{ "\n <b/> t <b/>\n", " t \n" },
		{ "t<b/> <b/> ", "t  " },
		{ " <![CDATA[ ]]> <b/> ", "   " },
		{ " &amp;<b/> ", " & " },
		{ "<![CDATA[&amp;]]>&lt;&#38;lt;", "&amp;<&lt;" },
		{ "<b> </b>\n", "" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++)
		for (int dtd = 0; dtd < 2; dtd++) {
			VD_AUTO_BUF text = VD_BUF_INIT;
			VD_AUTO_XML struct vd_xml *xml = NULL;

			if (vd_buf_addf(&text, "%s<a x='1&amp;2'>%s</a>", dtd ? "<!DOCTYPE a>" : "", cases[i].inside) <
			    0)
				abort();
			xml = parse(vd_buf_str(&text), 0, "layout");
			tap_str(vd_xml_text(vd_xml_root(xml)), cases[i].text, "layout %zu, %s DTD: text", i,
			        dtd ? "with" : "without");
			tap_str(vd_xml_attr(vd_xml_root(xml), "x"), "1&2", "attribute, %s DTD",
			        dtd ? "with" : "without");
		}
}

static void test_entities(void)
{
	VD_AUTO_XML struct vd_xml *xml =
	        parse("<!DOCTYPE a [<!ENTITY in '/srv/&dir;/a&#38;#60;&#x26;amp;.raw'><!ENTITY dir 'd'>"
	              "<!ENTITY ext SYSTEM 'file:///etc/passwd'>]>"
	              "<a x='&in;'><t>1&in;2</t><e>[&ext;]</e></a>",
	              0, "internal and external entities");
	const struct vd_xml_node *root = vd_xml_root(xml);

	tap_str(vd_xml_attr(root, "x"), "/srv/d/a<&.raw", "internal entity in an attribute");
	tap_str(vd_xml_text(vd_xml_child(root, "t")), "1/srv/d/a<&.raw2", "internal entity in text");
	tap_str(vd_xml_text(vd_xml_child(root, "e")), "[]", "external entity vanishes");
	tap_int(vd_xml_status(xml), 0, "all went well");
}

/* A DTD beside the document must not be opened: it would define the entity and supply the attribute. */
static void test_no_fetch(void)
{
	char path[] = "/tmp/virtdiag-test-xml-XXXXXX";
	static const char dtd[] = "<!ATTLIST a stolen CDATA 'yes'><!ENTITY stolen 'yes'>";
	VD_AUTO_CLOSE int fd = mkstemp(path);
	VD_AUTO_BUF doc = VD_BUF_INIT;
	VD_AUTO_XML struct vd_xml *xml = NULL;

	if (fd < 0 || write(fd, dtd, sizeof(dtd) - 1) < 0 ||
	    vd_buf_addf(&doc,
	                "<!DOCTYPE a SYSTEM 'file://%s' [<!ENTITY %% p SYSTEM 'file://%s'> %%p;]><a t='&stolen;'/>",
	                path, path) < 0) {
		tap_ok(false, "cannot write %s", path);
		return;
	}
	xml = parse(vd_buf_str(&doc), 0, "external DTD and parameter entity");
	tap_str(vd_xml_attr(vd_xml_root(xml), "stolen"), NULL, "no attribute from the DTD");
	tap_str(vd_xml_attr(vd_xml_root(xml), "t"), "", "no entity from the DTD");
	unlink(path);
}

/* Refused by the parser or when the value is read; one that is not would run until the time of all tests is over. */
static void refuse_bomb(const char *what, const char *text)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_XML struct vd_xml *xml = NULL;
	int rc = vd_xml_parse(text, strlen(text), "bomb.xml", &xml, &err);
	if (rc == 0) {
		(void)vd_xml_attr(vd_xml_root(xml), "x");
		(void)vd_xml_text(vd_xml_root(xml));
		rc = vd_xml_status(xml);
	}
	tap_ok(rc == -E2BIG || rc == -EBADMSG, "%s is refused (%d)", what, rc);
}

/* A document of @n times @item between @head and @tail; a number replaces @ in the item. */
static void refuse_many(const char *what, const char *head, const char *item, unsigned n, const char *tail)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int rc = vd_buf_adds(&text, head);

	for (unsigned i = 0; i < n && rc == 0; i++) {
		const char *number = strchr(item, '@');

		rc = number ? vd_buf_addf(&text, "%.*s%u%s", (int)(number - item), item, i, number + 1)
		            : vd_buf_adds(&text, item);
	}
	if (rc == 0)
		rc = vd_buf_adds(&text, tail);
	tap_int(rc, 0, "enough memory");
	refuse_bomb(what, vd_buf_str(&text));
}

static void test_slow_documents(void)
{
	VD_AUTO_XML struct vd_xml *xml = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;
	int rc = vd_buf_adds(&text, "<a><b x='1'/>");

	refuse_many("half a million attributes", "<a", " a@=''", 500000, "/>");
	refuse_many("attributes with blanks", "<a", " a@ = \n\"\"", 200000, "/>");
	refuse_many("attributes hidden in an entity", "<!DOCTYPE a [<!ENTITY e '&#60;a", " a@&#61;&#34;&#34;", 200000,
	            "/>'>]><a>&e;</a>");
	refuse_many("a hundred thousand namespaces", "<a>", "<b xmlns:n@='u'/>", 100000, "</a>");
	refuse_many("a hundred thousand declared attributes", "<!DOCTYPE a [", "<!ATTLIST a a@ CDATA 'x'>", 100000,
	            "]><a/>");
	refuse_many("attributes that a DTD gives each element",
	            "<!DOCTYPE a [<!ATTLIST b c1 CDATA 'x' c2 CDATA 'x' c3 CDATA 'x' c4 CDATA 'x'>]><a>", "<b/>",
	            1000000, "</a>");
	refuse_many("a declaration of many attributes", "<!DOCTYPE a [<!ATTLIST a", " a@ CDATA 'x'", 100000, ">]><a/>");
	refuse_many("one that is put together", "<!DOCTYPE a [<!ENTITY % p '&#60;!&#65;TTLIST a",
	            " a@ CDATA &#34;&#34;", 100000, ">'>%p;]><a/>");
	refuse_many("a parameter entity used often", "<!DOCTYPE a [<!ENTITY % p ' '>", "%p;", 100000, "]><a/>");
	refuse_many("an attribute of one of many words", "<!DOCTYPE a [<!ATTLIST a a (x", "|x@", 400000,
	            ") #IMPLIED>]><a/>");
	refuse_many("a hundred thousand entities", "<!DOCTYPE a [", "<!ENTITY e@ 'x'>", 100000, "]><a/>");
	refuse_bomb("an encoding that hides the markup", "<?xml version='1.0' encoding='UTF-7'?><a/>");
	for (unsigned i = 0; i < 50000 && rc == 0; i++)
		rc = vd_buf_adds(&text, "<b x='1' y=\"2\">a=\"b\" &#38; c</b>");
	if (rc == 0)
		rc = vd_buf_adds(&text, "</a>");
	if (rc == 0)
		rc = vd_xml_parse(vd_buf_str(&text), text.len, "f.xml", &xml, NULL);
	tap_int(rc, 0, "many elements with few attributes are fine");
}

static void test_encodings(void)
{
	static const struct {
		const char *text;
		size_t len;
		int code;
	} cases[] = {
		{ "<?xml version='1.0' encoding='UTF-8'?><a>\xc3\xbc</a>", 0, 0 },
		{ "<?xml version='1.0' encoding = \"ISO-8859-1\" ?><a>\xfc</a>", 0, 0 },
		{ "<?xml version='1.0' encoding='IBM037'?><a/>", 0, -EBADMSG },
		{ "\xff\xfe<\0a\0/\0>\0", 10, -EBADMSG },
		{ "<a>\0</a>", 8, -EBADMSG },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_XML struct vd_xml *xml = NULL;
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);

		tap_int(vd_xml_parse(cases[i].text, len, "f.xml", &xml, NULL), cases[i].code, "encoding %zu -> %d", i,
		        cases[i].code);
		if (xml)
			tap_str(vd_xml_text(vd_xml_root(xml)), "\xc3\xbc", "text is UTF-8");
	}
}

static void test_bombs(void)
{
	VD_AUTO_BUF laughs = VD_BUF_INIT, quadratic = VD_BUF_INIT, empty = VD_BUF_INIT, parameters = VD_BUF_INIT;
	int rc = vd_buf_adds(&laughs, "<!DOCTYPE a [<!ENTITY l0 'lol'>");

	for (int i = 1; i < 10 && rc == 0; i++)
		rc = vd_buf_addf(&laughs, "<!ENTITY l%d '&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;'>", i,
		                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	if (rc == 0)
		rc = vd_buf_adds(&laughs, "]><a>&l9;</a>");
	refuse_bomb("a billion laughs in text", vd_buf_str(&laughs));
	laughs.len -= strlen(">&l9;</a>");
	if (rc == 0)
		rc = vd_buf_adds(&laughs, " x='&l9;'/>");
	refuse_bomb("a billion laughs in an attribute", vd_buf_str(&laughs));

	if (rc == 0)
		rc = vd_buf_adds(&quadratic, "<!DOCTYPE a [<!ENTITY q '");
	for (int i = 0; i < 50000 && rc == 0; i++)
		rc = vd_buf_addc(&quadratic, 'q');
	if (rc == 0)
		rc = vd_buf_adds(&quadratic, "'>]><a>");
	for (int i = 0; i < 20000 && rc == 0; i++)
		rc = vd_buf_adds(&quadratic, "&q;");
	if (rc == 0)
		rc = vd_buf_adds(&quadratic, "</a>");
	refuse_bomb("a long entity used often", vd_buf_str(&quadratic));

	if (rc == 0)
		rc = vd_buf_adds(&parameters, "<!DOCTYPE a [<!ENTITY % p0 '<!--x-->'>");
	for (int i = 1; i < 25 && rc == 0; i++)
		rc = vd_buf_addf(&parameters, "<!ENTITY %% p%d '&#37;p%d;&#37;p%d;'>", i, i - 1, i - 1);
	if (rc == 0)
		rc = vd_buf_adds(&parameters, "%p24;]><a/>");
	refuse_bomb("a billion laughs of parameter entities", vd_buf_str(&parameters));

	if (rc == 0)
		rc = vd_buf_adds(&empty, "<!DOCTYPE a [<!ENTITY q ''>]><a>");
	for (int i = 0; i < 1100000 && rc == 0; i++)
		rc = vd_buf_adds(&empty, "&q;");
	if (rc == 0)
		rc = vd_buf_adds(&empty, "</a>");
	refuse_bomb("an empty entity used a million times", vd_buf_str(&empty));
	tap_int(rc, 0, "enough memory for the bombs");
}

static int parse_nested(unsigned depth, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_XML struct vd_xml *xml = NULL;
	int rc = 0;

	for (unsigned i = 0; i < depth && rc == 0; i++)
		rc = vd_buf_adds(&text, "<a>");
	for (unsigned i = 0; i < depth && rc == 0; i++)
		rc = vd_buf_adds(&text, "</a>");
	return rc < 0 ? rc : vd_xml_parse(vd_buf_str(&text), text.len, "deep.xml", &xml, err);
}

static void test_limits(void)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	VD_AUTO_XML struct vd_xml *xml = NULL;
	VD_AUTO_BUF big = VD_BUF_INIT;
	int rc;

	tap_int(parse_nested(VD_XML_DEPTH, &err), 0, "elements nested %d deep", VD_XML_DEPTH);
	tap_int(parse_nested(VD_XML_DEPTH + 1, &err), -E2BIG, "elements nested %d deep -> -E2BIG", VD_XML_DEPTH + 1);
	rc = parse_nested(100000, &err);
	tap_ok(rc == -E2BIG || rc == -EBADMSG, "elements nested 100000 deep are refused");
	rc = vd_buf_adds(&big, "<a>");
	while (rc == 0 && big.len <= VD_MAX_XML)
		rc = vd_buf_adds(&big, "<b>0123456789abcdef0123456789abcdef0123456789abcdef</b>");
	if (rc == 0)
		rc = vd_buf_adds(&big, "</a>");
	tap_int(rc, 0, "enough memory");
	tap_int(vd_xml_parse(vd_buf_str(&big), big.len, "big.xml", &xml, &err), -E2BIG, "more than 8 MiB -> -E2BIG");
	tap_ok(!xml, "no document");
}

/* libxml2 likes to print what it finds wrong. */
static void test_silent(void)
{
	static const char *const texts[] = {
		"<a>&undefined;<b></a>", "<x:a/>", "<a xmlns='relative'/>", "\xff\xfe<",
		"<!DOCTYPE a SYSTEM 'http://192.0.2.1/x' [<!ENTITY e SYSTEM 'http://192.0.2.1/e'>]><a>&e;</a>"
	};
	FILE *out = tmpfile();
	int saved = dup(STDERR_FILENO);
	long printed;

	if (!tap_ok(out && saved >= 0 && dup2(fileno(out), STDERR_FILENO) >= 0, "stderr is caught"))
		return;
	for (size_t i = 0; i < VD_ARRAY_SIZE(texts); i++) {
		VD_AUTO_XML struct vd_xml *xml = NULL;

		if (vd_xml_parse(texts[i], strlen(texts[i]), "f.xml", &xml, NULL) == 0)
			(void)vd_xml_text(vd_xml_root(xml));
	}
	fflush(stderr);
	printed = lseek(fileno(out), 0, SEEK_END);
	dup2(saved, STDERR_FILENO);
	close(saved);
	fclose(out);
	tap_int(printed, 0, "nothing is printed on stderr");
}

int main(void)
{
	test_silent();
	test_errors();
	test_tree();
	test_layout();
	test_entities();
	test_no_fetch();
	test_bombs();
	test_slow_documents();
	test_encodings();
	test_limits();
	return tap_done();
}
