/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain");

#define MAX_SECLABELS 1000 /* of a guest */

const char *vd_driver_name(enum vd_driver driver)
{
	return driver == VD_DRIVER_LXC ? "lxc" : "qemu";
}

const char *vd_role_name(enum vd_role role)
{
	static const char *const names[VD_ROLE_COUNT_] = {
		[VD_ROLE_DISK] = "disk",
		[VD_ROLE_BACKING] = "backing",
		[VD_ROLE_CDROM] = "cdrom",
		[VD_ROLE_FLOPPY] = "floppy",
		[VD_ROLE_KERNEL] = "kernel",
		[VD_ROLE_INITRD] = "initrd",
		[VD_ROLE_DTB] = "dtb",
		[VD_ROLE_SLIC] = "slic",
		[VD_ROLE_NVRAM] = "nvram",
		[VD_ROLE_LOADER] = "loader",
		[VD_ROLE_SERIAL] = "serial",
		[VD_ROLE_CONSOLE] = "console",
		[VD_ROLE_CHANNEL] = "channel",
		[VD_ROLE_PARALLEL] = "parallel",
		[VD_ROLE_HOSTDEV] = "hostdev",
		[VD_ROLE_FILESYSTEM] = "filesystem",
		[VD_ROLE_MEMORY] = "memory",
		[VD_ROLE_RNG] = "rng",
		[VD_ROLE_TPM] = "tpm",
		[VD_ROLE_SHMEM] = "shmem",
		[VD_ROLE_FWCFG] = "fwcfg",
		[VD_ROLE_SAVE] = "save",
		[VD_ROLE_DATA_FILE] = "data-file",
		[VD_ROLE_OTHER] = "other",
	};

	return (unsigned)role < VD_ROLE_COUNT_ ? names[role] : "other";
}

char *vd_parse_dup(struct vd_parse *p, const char *s)
{
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		p->rc = -ENOMEM;
	return copy;
}

char *vd_parse_dup_nonempty(struct vd_parse *p, const char *s)
{
	return s && *s ? vd_parse_dup(p, s) : NULL;
}

void vd_parse_fail(struct vd_parse *p, const struct vd_xml_node *node, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	va_list ap;
	int len;

	if (p->rc < 0)
		return;
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		text = NULL;
	p->rc = vd_err_set(p->err, EBADMSG, "%s:%ld: %s", p->file, vd_xml_line(node), text ? text : "invalid");
}

int vd_parse_yes_no(const struct vd_xml_node *node, const char *name)
{
	const char *value = vd_xml_attr(node, name);

	if (!value)
		return -1;
	return !strcmp(value, "yes") ? 1 : !strcmp(value, "no") ? 0 : -1;
}

int vd_parse_number(const char *s, int base, int64_t *ret_number)
{
	char *end;
	long long n;

	if (!s || !*s)
		return -EINVAL;
	errno = 0;
	n = strtoll(s, &end, base);
	if (errno || end == s)
		return -EINVAL;
	end += strspn(end, " \t\r\n");
	if (*end)
		return -EINVAL;
	*ret_number = n;
	return 0;
}

static void parse_seclabel(struct vd_parse *p, const struct vd_xml_node *node, struct vd_seclabel *label)
{
	const char *type = vd_xml_attr(node, "type");

	label->model = vd_parse_dup_nonempty(p, vd_xml_attr(node, "model"));
	label->relabel = vd_parse_yes_no(node, "relabel");
	label->label = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(node, "label")));
	label->imagelabel = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(node, "imagelabel")));
	label->baselabel = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(node, "baselabel")));
	/* model='none' is how libvirt writes that no security driver was active; it acts like type='none'. */
	if ((label->model && !strcmp(label->model, "none")) || (type && !strcmp(type, "none")))
		label->type = VD_SECLABEL_NONE;
	else if (type && !strcmp(type, "static"))
		label->type = VD_SECLABEL_STATIC;
	else if (!type || !strcmp(type, "dynamic"))
		label->type = VD_SECLABEL_DYNAMIC;
	else
		vd_parse_fail(p, node, "unknown seclabel type '%s'", type);
}

static void parse_seclabels(struct vd_parse *p, const struct vd_xml_node *domain)
{
	struct vd_domain *dom = p->dom;
	size_t n = 0;

	VD_XML_EACH(node, domain, "seclabel")
	n++;
	if (!n)
		return;
	/* They are compared with each other. libvirt has four models. */
	if (n > MAX_SECLABELS) {
		vd_parse_fail(p, domain, "more than %d <seclabel> elements", MAX_SECLABELS);
		return;
	}
	dom->seclabels = calloc(n, sizeof(*dom->seclabels));
	if (!dom->seclabels) {
		p->rc = -ENOMEM;
		return;
	}
	VD_XML_EACH(node, domain, "seclabel")
	parse_seclabel(p, node, &dom->seclabels[dom->n_seclabels++]);
}

/* libvirt reads UUIDs with dashes and blanks anywhere; it writes the usual form, and so do we. */
static void parse_uuid(struct vd_parse *p, const struct vd_xml_node *node)
{
	const char *s = vd_xml_text(node);
	char *out = p->dom->uuid;
	unsigned digits = 0;

	if (!s)
		return;
	for (; *s; s++) {
		if (*s == '-' || isspace((unsigned char)*s))
			continue;
		if (!isxdigit((unsigned char)*s) || digits == 32) {
			digits = 0;
			break;
		}
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			*out++ = '-';
		*out++ = (char)tolower((unsigned char)*s);
		digits++;
	}
	if (digits != 32) {
		p->dom->uuid[0] = '\0';
		vd_parse_fail(p, node, "<uuid> holds no UUID");
		return;
	}
	*out = '\0';
}

/* Finds the driver by the domain's type; 0, -ENOTSUP with a sentence, or -EBADMSG. */
static int parse_type(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const char *type = vd_xml_attr(domain, "type");

	if (!type) {
		vd_parse_fail(p, domain, "<domain> has no type");
		return p->rc;
	}
	if (!strcmp(type, "lxc"))
		p->dom->driver = VD_DRIVER_LXC;
	else if (!strcmp(type, "kvm") || !strcmp(type, "qemu") || !strcmp(type, "hvf"))
		p->dom->driver = VD_DRIVER_QEMU;
	else
		p->rc = vd_err_set(p->err, ENOTSUP,
		                   "%s:%ld: domain type '%s' is neither of the qemu nor of the lxc driver", p->file,
		                   vd_xml_line(domain), type);
	p->dom->virt_type = vd_parse_dup(p, type);
	return p->rc;
}

/* Empty names and those with a slash are refused by libvirt, too: names become parts of paths. */
static void parse_name(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const char *name = vd_xml_text(vd_xml_child(domain, "name"));

	if (!name || !*name)
		vd_parse_fail(p, domain, "the domain has no name");
	else if (strchr(name, '/'))
		vd_parse_fail(p, vd_xml_child(domain, "name"), "the name '%s' holds a slash", name);
	else
		p->dom->name = vd_parse_dup(p, name);
}

static void parse_numbers(struct vd_parse *p, const struct vd_xml_node *domain)
{
	int64_t n;

	if (vd_xml_attr(domain, "id") && vd_parse_number(vd_xml_attr(domain, "id"), 10, &n) == 0 && n >= 0 &&
	    n <= INT32_MAX)
		p->dom->id = (int)n;
	p->dom->memory_kib = vd_parse_memory(p, vd_xml_child(domain, "memory"));
	n = vd_parse_child_number(p, domain, "vcpu");
	p->dom->vcpus = n > 0 && n <= INT32_MAX ? (unsigned)n : 0;
}

static void parse_domain(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *os = vd_xml_child(domain, "os");
	struct vd_domain *dom = p->dom;

	if (parse_type(p, domain) < 0)
		return;
	parse_name(p, domain);
	parse_uuid(p, vd_xml_child(domain, "uuid"));
	parse_numbers(p, domain);
	dom->title = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(domain, "title")));
	dom->emulator =
	        vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(vd_xml_child(domain, "devices"), "emulator")));
	dom->machine = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(os, "type"), "machine"));
	dom->init = vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(os, "init")));
	dom->partition =
	        vd_parse_dup_nonempty(p, vd_xml_text(vd_xml_child(vd_xml_child(domain, "resource"), "partition")));
	dom->hugepages = vd_xml_child(vd_xml_child(domain, "memoryBacking"), "hugepages") != NULL;
	vd_parse_tuning(p, domain);
	parse_seclabels(p, domain);
	vd_parse_resources(p, domain);
}

static void parse_root(struct vd_parse *p, const struct vd_xml_node *root)
{
	const struct vd_xml_node *domain = root;

	if (vd_xml_is(root, "domstatus")) {
		vd_parse_status(p, root);
		domain = vd_xml_child(root, "domain");
		if (!domain)
			vd_parse_fail(p, root, "<domstatus> without <domain>");
	}
	if (p->rc < 0)
		return;
	/* libvirt compares the local name and takes <x:domain> too; what is in it has to be of no namespace. */
	if (!strcmp(vd_xml_name(domain), "domain"))
		parse_domain(p, domain);
	else
		vd_parse_fail(p, root, "the outermost element is <%s>, not <domain> or <domstatus>", vd_xml_name(root));
}

int vd_domain_parse(const char *xml, size_t len, const char *file, struct vd_domain **ret_domain, struct vd_err *err)
{
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_XML struct vd_xml *doc = NULL;
	struct vd_parse p = { .file = file, .err = err };
	int rc;

	rc = vd_xml_parse(xml, len, file, &doc, err);
	if (rc < 0)
		return rc;
	dom = calloc(1, sizeof(*dom));
	if (!dom)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	dom->id = -1;
	p.dom = dom;
	parse_root(&p, vd_xml_root(doc));
	/* What the document itself ran into explains what the parse then missed. */
	rc = vd_xml_status(doc);
	if (rc == -E2BIG)
		return vd_err_set(err, E2BIG, "%s: entities expand to more than %u KiB", file, VD_XML_ENTITIES >> 10);
	if (rc < 0 || p.rc == -ENOMEM)
		return vd_err_set(err, ENOMEM, "%s: no memory", file);
	if (p.rc < 0)
		return p.rc;
	VLOG_DEBUG("%s: %s guest '%s', %zu resources%s", file, vd_driver_name(dom->driver), dom->name, dom->n_resources,
	           dom->status ? ", running" : "");
	*ret_domain = vd_steal(dom);
	return 0;
}

void vd_domain_free(struct vd_domain *domain)
{
	if (!domain)
		return;
	for (size_t i = 0; i < domain->n_seclabels; i++) {
		free(domain->seclabels[i].model);
		free(domain->seclabels[i].label);
		free(domain->seclabels[i].imagelabel);
		free(domain->seclabels[i].baselabel);
	}
	free(domain->seclabels);
	for (size_t i = 0; i < domain->n_resources; i++)
		vd_res_release(&domain->resources[i]);
	free(domain->resources);
	vd_dom_status_free(domain->status);
	vd_tuning_release(&domain->tuning);
	free(domain->virt_type);
	free(domain->name);
	free(domain->title);
	free(domain->emulator);
	free(domain->machine);
	free(domain->init);
	free(domain->partition);
	free(domain);
}

void vd_domain_cleanup(struct vd_domain **domain)
{
	vd_domain_free(*domain);
}

const struct vd_seclabel *vd_domain_seclabel(const struct vd_domain *domain, const char *model)
{
	for (size_t i = 0; i < domain->n_seclabels; i++)
		if (domain->seclabels[i].model && !strcmp(domain->seclabels[i].model, model))
			return &domain->seclabels[i];
	if (domain->n_seclabels == 1 && (!domain->seclabels[0].model || !strcmp(domain->seclabels[0].model, "none")))
		return &domain->seclabels[0];
	return NULL;
}
