/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Label rules over any domain XML, on a host without files: every row has what a renderer relies on. */
#include "fuzz.h"

#include <unistd.h>

#include "svirt.h"

/* An empty directory stands for the host. Made once; it is gone as soon as it is open, so nothing stays behind. */
static struct vd_root *empty_host(void)
{
	static struct vd_root *root;
	char dir[] = "/tmp/virtdiag-fuzz-XXXXXX";

	if (!root && mkdtemp(dir)) {
		if (vd_root_open(dir, 0, &root, NULL) < 0)
			root = NULL;
		rmdir(dir);
	}
	return root;
}

static const struct vd_svirt_settings *settings(bool session)
{
	static struct vd_svirt_settings s[2];
	static bool done;

	if (!done) {
		s[0] = (struct vd_svirt_settings){
			.libvirt = 9000000,
			.domain_context = (char *)"system_u:system_r:svirt_t:s0",
			.domain_context_tcg = (char *)"system_u:system_r:svirt_tcg_t:s0",
			.image_context = (char *)"system_u:object_r:svirt_image_t:s0",
			.content_context = (char *)"system_u:object_r:virt_content_t:s0",
			.lxc_process = (char *)"system_u:system_r:svirt_lxc_net_t:s0",
			.lxc_file = (char *)"system_u:object_r:svirt_lxc_file_t:s0",
			.lxc_content = (char *)"system_u:object_r:virt_var_lib_t:s0",
			.contexts_dir = (char *)"/etc/selinux/targeted/contexts",
			.qemu_selinux = true,
			.lxc_selinux = true,
			.qemu_default_confined = true,
			.mount_namespace = true,
			.dynamic_ownership = true,
			.remember_owner = true,
			.stdio_logd = true,
			.selinux = 1,
		};
		s[1] = (struct vd_svirt_settings){ .qemu_selinux = true, .lxc_selinux = true, .selinux = -2 };
		done = true;
	}
	return &s[session];
}

static void check_expect(const struct vd_expect *e, const struct vd_domain *dom)
{
	VD_CLEANUP(vd_context_release) struct vd_context context = { 0 };

	FUZZ_CHECK(e->role < VD_ROLE_COUNT_ && e->target, "role %d without target", (int)e->role);
	FUZZ_CHECK(e->network || e->path || e->problem || e->note, "%s: neither path nor network nor a note",
	           e->target);
	FUZZ_CHECK(e->res_index >= -1 && e->res_index < (int)dom->n_resources && e->layer >= 0,
	           "%s: resource %d, layer %d", e->target, e->res_index, e->layer);
	FUZZ_CHECK(!e->problem == !e->problem_text, "%s: problem %d without words, or words without problem", e->target,
	           (int)e->problem);
	FUZZ_CHECK(e->running || e->categories == VD_CATEGORIES_NONE, "%s: categories without a label", e->target);
	if (e->running && vd_context_parse(e->running, &context) < 0)
		context.copy = NULL; /* a label that the XML gives may be anything */
}

FUZZ_TARGET("svirt")
{
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	struct vd_root *root = empty_host();

	if (!root || vd_domain_parse((const char *)data, size, "fuzz.xml", &dom, NULL) < 0)
		return 0;
	for (int i = 0; i < 2; i++) {
		VD_CLEANUP(vd_expects_release) struct vd_expects expects = { 0 };

		if (vd_svirt_expect(root, dom, settings(i), i ? "c1,c2" : NULL, &expects, NULL) < 0)
			continue;
		for (size_t k = 0; k < expects.len; k++)
			check_expect(&expects.items[k], dom);
	}
	return 0;
}
