/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the walk of backing chains: where it goes on, where it stops and why, also over hostile files; and that
 * images made by qemu-img itself are read as they are.
 */
#include "../../lib/image.h"

#include <errno.h>
#include <unistd.h>

#include "make-image.h"
#include "tap.h"

static const char *tree;
static struct vd_root *root;
static struct image_bytes image;

static void put_qcow2(const char *path, const char *backing, const char *format)
{
	make_qcow(&image, 3, backing, format, NULL);
	if (!make_file(tree, path, image.data, image.len))
		tap_ok(false, "cannot make %s", path);
}

static void put_raw(const char *path)
{
	if (!make_file(tree, path, "raw", 3))
		tap_ok(false, "cannot make %s", path);
}

/* "PATH(format) > PATH(format)", a data file behind "+". */
static void describe(const struct vd_chain *chain, struct vd_buf *text)
{
	vd_buf_clear(text);
	for (size_t i = 0; i < chain->len; i++) {
		const struct vd_layer *layer = &chain->layers[i];

		if (vd_buf_addf(text, "%s%s%s(%s)",
		                i == 0             ? ""
		                : layer->data_file ? " + "
		                                   : " > ",
		                layer->source->protocol ? layer->source->protocol : "",
		                layer->source->path ? layer->source->path : "-", vd_format_name(layer->format)) < 0)
			return;
	}
}

static struct vd_chain walk(const char *path, const char *format, enum vd_backing state)
{
	struct vd_source top = { .type = VD_SOURCE_FILE, .path = (char *)path, .format = (char *)format };
	struct vd_chain chain = { 0 };

	top.backing_state = state;
	tap_int(vd_chain_walk(root, &top, &chain, NULL), 0, "%s: walked", path);
	return chain;
}

static const struct {
	const char *top, *format, *layers;
	enum vd_chain_problem problem;
	size_t layer;
} cases[] = {
	{ "/c/top.qcow2", "qcow2", "/c/top.qcow2(qcow2) > /c/mid.qcow2(qcow2) > /c/base.raw(raw)", VD_CHAIN_OK, 0 },
	{ "/c/top.qcow2", NULL, "/c/top.qcow2(raw)", VD_CHAIN_OK, 0 },
	{ "/c/top.qcow2", "bochs", "/c/top.qcow2(other)", VD_CHAIN_OK, 0 },
	{ "/c/gone.raw", "raw", "/c/gone.raw(raw)", VD_CHAIN_MISSING, 0 },
	{ "/c/gone.qcow2", "qcow2", "/c/gone.qcow2(qcow2)", VD_CHAIN_MISSING, 0 },
	{ "/c/base.raw", "qcow2", "/c/base.raw(qcow2)", VD_CHAIN_HEADER, 0 },
	{ "/c/below.qcow2", "qcow2", "/c/below.qcow2(qcow2) > /c/gone.raw(raw)", VD_CHAIN_MISSING, 1 },
	{ "/c/noformat.qcow2", "qcow2", "/c/noformat.qcow2(qcow2) > /c/base.raw(raw)", VD_CHAIN_OK, 0 },
	{ "/c/noformat2.qcow2", "qcow2", "/c/noformat2.qcow2(qcow2) > /c/mid.qcow2(qcow2)", VD_CHAIN_FORMAT, 1 },
	{ "/c/odd.qcow2", "qcow2", "/c/odd.qcow2(qcow2) > /c/base.raw(raw)", VD_CHAIN_OK, 0 },
	{ "/c/dmg.qcow2", "qcow2", "/c/dmg.qcow2(qcow2) > /c/mid.qcow2(other)", VD_CHAIN_OK, 0 },
	{ "/c/rawtop.qcow2", "qcow2", "/c/rawtop.qcow2(qcow2) > /c/top.qcow2(raw)", VD_CHAIN_OK, 0 },
	{ "/c/self.qcow2", "qcow2", "/c/self.qcow2(qcow2)", VD_CHAIN_LOOP, 0 },
	{ "/c/selfraw.qcow2", "qcow2", "/c/selfraw.qcow2(qcow2) > /c/selfraw.qcow2(raw)", VD_CHAIN_OK, 0 },
	{ "/c/a.qcow2", "qcow2", "/c/a.qcow2(qcow2) > /c/b.qcow2(qcow2)", VD_CHAIN_LOOP, 1 },
	{ "/c/net.qcow2", "qcow2", "/c/net.qcow2(qcow2) > nbde(raw)", VD_CHAIN_OK, 0 },
	{ "/c/badname.qcow2", "qcow2", "/c/badname.qcow2(qcow2)", VD_CHAIN_HEADER, 0 },
	{ "/c/fifo.qcow2", "qcow2", "/c/fifo.qcow2(qcow2) > /c/fifo(qcow2)", VD_CHAIN_HEADER, 1 },
	{ "/c/fifo", "qcow2", "/c/fifo(qcow2)", VD_CHAIN_HEADER, 0 },
	{ "/c/dir.qcow2", "qcow2", "/c/dir.qcow2(qcow2) > /c(qcow2)", VD_CHAIN_OK, 0 },
	{ "/c/out.qcow2", "qcow2", "/c/out.qcow2(qcow2) > /../../../../../../c/base.raw(raw)", VD_CHAIN_OK, 0 },
	{ "/c/link.qcow2", "qcow2", "/c/link.qcow2(qcow2) > /c/mid.qcow2(qcow2) > /c/base.raw(raw)", VD_CHAIN_OK, 0 },
};

static void make_cases(void)
{
	char path[4352];

	put_raw("/c/base.raw");
	put_qcow2("/c/mid.qcow2", "base.raw", "raw");
	put_qcow2("/c/top.qcow2", "/c/mid.qcow2", "qcow2");
	put_qcow2("/c/below.qcow2", "gone.raw", "raw");
	put_qcow2("/c/noformat.qcow2", "base.raw", NULL);
	put_qcow2("/c/noformat2.qcow2", "mid.qcow2", NULL);
	put_qcow2("/c/odd.qcow2", "base.raw", "file");
	put_qcow2("/c/dmg.qcow2", "mid.qcow2", "dmg");
	put_qcow2("/c/rawtop.qcow2", "top.qcow2", "raw");
	put_qcow2("/c/self.qcow2", "self.qcow2", "qcow2");
	put_qcow2("/c/selfraw.qcow2", "selfraw.qcow2", "raw");
	put_qcow2("/c/a.qcow2", "b.qcow2", "qcow2");
	put_qcow2("/c/b.qcow2", "a.qcow2", "qcow2");
	put_qcow2("/c/net.qcow2", "nbd:host:1:exportname=e", "raw");
	put_qcow2("/c/badname.qcow2", "json:{\"driver\":\"qcow2\"}", "raw");
	put_qcow2("/c/fifo.qcow2", "fifo", "qcow2");
	put_qcow2("/c/dir.qcow2", "/c", "qcow2");
	put_qcow2("/c/out.qcow2", "/../../../../../../c/base.raw", "raw");
	snprintf(path, sizeof(path), "%s/c/fifo", tree);
	if (mkfifo(path, 0600) < 0)
		tap_ok(false, "cannot make %s", path);
	snprintf(path, sizeof(path), "%s/c/link.qcow2", tree);
	if (symlink("top.qcow2", path) < 0)
		tap_ok(false, "cannot make %s", path);
}

static void test_cases(void)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	make_cases();
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_chain chain = walk(cases[i].top, cases[i].format, VD_BACKING_ABSENT);

		describe(&chain, &text);
		tap_str(vd_buf_str(&text), cases[i].layers, "%s: layers", cases[i].top);
		tap_int(chain.problem, cases[i].problem, "%s: problem (%s)", cases[i].top,
		        chain.problem_text ? chain.problem_text : "none");
		tap_int(chain.problem_layer, cases[i].layer, "%s: layer of the problem", cases[i].top);
		tap_int(chain.problem_text != NULL, cases[i].problem != VD_CHAIN_OK, "%s: a sentence", cases[i].top);
		vd_chain_release(&chain);
	}
}

/* A layer more than libvirt walks, and the longest that it does walk. */
static void test_depth(void)
{
	struct vd_chain chain;
	char path[64], backing[64];

	for (unsigned i = 0; i < VD_CHAIN_MAX; i++) {
		snprintf(path, sizeof(path), "/d/%u.qcow2", i);
		snprintf(backing, sizeof(backing), "%u.qcow2", i + 1);
		put_qcow2(path, backing, "qcow2");
	}
	snprintf(path, sizeof(path), "/d/%u.qcow2", VD_CHAIN_MAX);
	put_qcow2(path, NULL, NULL);
	chain = walk("/d/1.qcow2", "qcow2", VD_BACKING_ABSENT);
	tap_int(chain.len, VD_CHAIN_MAX, "200 layers: all listed");
	tap_int(chain.problem, VD_CHAIN_OK, "200 layers: no problem");
	vd_chain_release(&chain);
	chain = walk("/d/0.qcow2", "qcow2", VD_BACKING_ABSENT);
	tap_int(chain.problem, VD_CHAIN_LOOP, "201 layers: too deep");
	vd_chain_release(&chain);
}

/* What the XML says beats the headers; an empty drive has no layers; a data file stands behind its image. */
static void test_xml(void)
{
	struct vd_source top = { .type = VD_SOURCE_NONE };
	struct vd_chain chain = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;

	tap_int(vd_chain_walk(root, &top, &chain, NULL), 0, "empty drive: walked");
	tap_int(chain.len, 0, "empty drive: no layers");
	vd_chain_release(&chain);
	chain = walk("/c/top.qcow2", "qcow2", VD_BACKING_END);
	describe(&chain, &text);
	tap_str(vd_buf_str(&text), "/c/top.qcow2(qcow2)", "XML ends the chain: the header does not go on");
	vd_chain_release(&chain);
	make_qcow(&image, 3, "/c/base.raw", "raw", "data.raw");
	tap_ok(make_file(tree, "/c/data.qcow2", image.data, image.len), "data file: made");
	chain = walk("/c/data.qcow2", "qcow2", VD_BACKING_ABSENT);
	describe(&chain, &text);
	tap_str(vd_buf_str(&text), "/c/data.qcow2(qcow2) + /c/data.raw(raw) > /c/base.raw(raw)",
	        "data file: between its image and the backing file");
	vd_chain_release(&chain);
	chain = walk("/c/data.qcow2", "qcow2", VD_BACKING_END);
	describe(&chain, &text);
	tap_str(vd_buf_str(&text), "/c/data.qcow2(qcow2) + /c/data.raw(raw)",
	        "data file: found also where the XML ends the chain");
	vd_chain_release(&chain);
}

static bool qemu_img(const char *arguments)
{
	char command[4096];
	bool made;

	snprintf(command, sizeof(command), "cd '%s/c' && qemu-img create -q -u %s 1M 2>&1", tree, arguments);
	made = system(command) == 0;
	return tap_ok(made, "qemu-img create %s", arguments);
}

/* The same formats as QEMU writes them. */
static void test_real(void)
{
	static const struct {
		const char *arguments, *path, *format, *layers;
	} images[] = {
		{ "-f qcow2 -b base.raw -F raw r3.qcow2", "/c/r3.qcow2", "qcow2",
		  "/c/r3.qcow2(qcow2) > /c/base.raw(raw)" },
		{ "-f qcow2 -o compat=0.10 -b base.raw -F raw r2.qcow2", "/c/r2.qcow2", "qcow2",
		  "/c/r2.qcow2(qcow2) > /c/base.raw(raw)" },
		{ "-f qcow2 -o cluster_size=512 -b mid.qcow2 -F qcow2 rc.qcow2", "/c/rc.qcow2", "qcow2",
		  "/c/rc.qcow2(qcow2) > /c/mid.qcow2(qcow2) > /c/base.raw(raw)" },
		{ "-f qcow2 -o data_file=rd.raw rd.qcow2", "/c/rd.qcow2", "qcow2",
		  "/c/rd.qcow2(qcow2) + /c/rd.raw(raw)" },
		{ "-f qcow2 -b 'json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/c/base.raw\"}}' "
		  "-F raw rj.qcow2",
		  "/c/rj.qcow2", "qcow2", "/c/rj.qcow2(qcow2) > /c/base.raw(raw)" },
		{ "-f qed -b base.raw -F raw r.qed", "/c/r.qed", "qed", "/c/r.qed(qed) > /c/base.raw(raw)" },
		{ "-f qed -b mid.qcow2 -F qcow2 rq.qed", "/c/rq.qed", "qed",
		  "/c/rq.qed(qed) > /c/mid.qcow2(qcow2) > /c/base.raw(raw)" },
		{ "-f qcow -b base.raw -F raw r.qcow", "/c/r.qcow", "qcow", "/c/r.qcow(qcow) > /c/base.raw(raw)" },
		{ "-f vmdk r.vmdk", "/c/r.vmdk", "vmdk", "/c/r.vmdk(vmdk)" },
	};
	static const struct {
		const char *arguments, *path;
		enum vd_format format;
	} probes[] = {
		{ "-f vdi p.vdi", "/c/p.vdi", VD_FORMAT_VDI },
		{ "-f vpc p.vpc", "/c/p.vpc", VD_FORMAT_VPC },
		{ "-f vhdx p.vhdx", "/c/p.vhdx", VD_FORMAT_RAW },
		{ "-f raw p.raw", "/c/p.raw", VD_FORMAT_RAW },
	};
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; i < VD_ARRAY_SIZE(images); i++) {
		struct vd_chain chain;

		if (!qemu_img(images[i].arguments))
			continue;
		chain = walk(images[i].path, images[i].format, VD_BACKING_ABSENT);
		describe(&chain, &text);
		tap_str(vd_buf_str(&text), images[i].layers, "%s: layers", images[i].path);
		tap_int(chain.problem, VD_CHAIN_OK, "%s: no problem", images[i].path);
		tap_int(chain.len ? chain.layers[0].image.size : 0, 1 << 20, "%s: size", images[i].path);
		vd_chain_release(&chain);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(probes); i++) {
		if (!qemu_img(probes[i].arguments) ||
		    !tap_ok(vd_root_read_header(root, probes[i].path, VD_IMAGE_HEADER, &text, NULL) == 0, "%s: read",
		            probes[i].path))
			continue;
		tap_int(vd_image_probe(text.data, text.len), probes[i].format, "%s: probed", probes[i].path);
	}
}

/* With a manifest, a path that it does not list is no evidence, in either direction. */
static void test_capture(void)
{
	static const char manifest[] =
	        "{\"path\":\"/c/top.qcow2\",\"type\":\"file\",\"header_file\":\"c/top.qcow2\"}\n";
	struct vd_root *plain = root;
	struct vd_chain chain;

	tap_ok(make_file(tree, "/virtdiag-manifest.jsonl", manifest, strlen(manifest)), "capture: made");
	root = NULL;
	if (tap_ok(vd_root_open(tree, 0, &root, NULL) == 0, "capture: opens")) {
		chain = walk("/c/top.qcow2", "qcow2", VD_BACKING_ABSENT);
		tap_int(chain.len, 2, "capture: the next layer is named");
		tap_int(chain.problem, VD_CHAIN_EVIDENCE, "capture: its header is missing evidence, not missing");
		vd_chain_release(&chain);
	}
	vd_root_free(root);
	root = plain;
}

int main(void)
{
	tree = make_tree();
	if (tap_ok(vd_root_open(tree, 0, &root, NULL) == 0, "the root opens")) {
		test_cases();
		test_depth();
		test_xml();
		test_real();
		test_capture();
	}
	vd_root_free(root);
	remove_tree(tree);
	return tap_done();
}
