/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/domain: every file that a guest uses is found with its attributes, in real XML and in every device. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "domain.h"
#include "tap.h"

#define DATA "tests/data/domain/"

static int read_file(const char *path, struct vd_buf *buf)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;
	int rc = f ? 0 : -errno;

	while (rc == 0 && (n = fread(part, 1, sizeof(part), f)) > 0)
		rc = vd_buf_add(buf, part, n);
	if (f)
		fclose(f);
	return rc;
}

/* Without memory the text is short and the comparison fails. */
static void put(struct vd_buf *out, const char *key, const char *value)
{
	if (value && vd_buf_addf(out, " %s=%s", key, value) < 0)
		vd_buf_clear(out);
}

static void puts_(struct vd_buf *out, const char *text)
{
	if (vd_buf_adds(out, text) < 0)
		vd_buf_clear(out);
}

static void put_num(struct vd_buf *out, const char *key, int64_t value)
{
	if (value >= 0 && vd_buf_addf(out, " %s=%" PRId64, key, value) < 0)
		vd_buf_clear(out);
}

static void put_source(struct vd_buf *out, const char *what, const struct vd_source *source)
{
	static const char *const types[VD_SOURCE_COUNT_] = { "none",   "file", "block",     "dir",       "network",
		                                             "volume", "nvme", "vhostuser", "vhostvdpa", "other" };

	for (; source; source = source->backing, what = "backing") {
		if (!strcmp(what, "source") && source->type == VD_SOURCE_NONE && !source->n_seclabels &&
		    !source->startup_policy_optional && !source->format)
			return;
		if (vd_buf_addf(out, "    %s %s", what, types[source->type]) < 0)
			vd_buf_clear(out);
		put(out, "path", source->path);
		put(out, "protocol", source->protocol);
		put(out, "pool", source->pool);
		put(out, "volume", source->volume);
		put(out, "format", source->format);
		put(out, "fdgroup", source->fdgroup);
		if (source->startup_policy_optional)
			puts_(out, " optional");
		if (source->backing_state == VD_BACKING_END)
			puts_(out, " end");
		puts_(out, "\n");
		for (size_t i = 0; i < source->n_seclabels; i++) {
			puts_(out, "      seclabel");
			put(out, "model", source->seclabels[i].model);
			put_num(out, "relabel", source->seclabels[i].relabel);
			put(out, "label", source->seclabels[i].label);
			puts_(out, source->seclabels[i].labelskip ? " labelskip\n" : "\n");
		}
		if (source->data_file)
			put_source(out, "data-file", source->data_file);
	}
}

static void put_resource(struct vd_buf *out, const struct vd_res *res)
{
	static const char *const kinds[VD_RES_COUNT_] = {
		[VD_RES_DISK] = "DISK",
		[VD_RES_KERNEL] = "KERNEL",
		[VD_RES_INITRD] = "INITRD",
		[VD_RES_DTB] = "DTB",
		[VD_RES_SLIC] = "SLIC",
		[VD_RES_FWCFG] = "FWCFG",
		[VD_RES_LOADER] = "LOADER",
		[VD_RES_NVRAM] = "NVRAM",
		[VD_RES_NVRAM_TEMPLATE] = "NVRAM_TEMPLATE",
		[VD_RES_CHARDEV] = "CHARDEV",
		[VD_RES_CHARDEV_LOG] = "CHARDEV_LOG",
		[VD_RES_HOSTDEV] = "HOSTDEV",
		[VD_RES_FILESYSTEM] = "FILESYSTEM",
		[VD_RES_INPUT] = "INPUT",
		[VD_RES_TPM] = "TPM",
		[VD_RES_RNG] = "RNG",
		[VD_RES_SHMEM] = "SHMEM",
		[VD_RES_MEMORY] = "MEMORY",
		[VD_RES_MEMORY_BACKING] = "MEMORY_BACKING",
		[VD_RES_SMARTCARD] = "SMARTCARD",
		[VD_RES_GRAPHICS] = "GRAPHICS",
		[VD_RES_VSOCK] = "VSOCK",
		[VD_RES_INTERFACE] = "INTERFACE",
		[VD_RES_SEV] = "SEV",
		[VD_RES_CMDLINE] = "CMDLINE",
	};

	if (vd_buf_addf(out, "  %s %s %s", kinds[res->kind], vd_role_name(res->role), res->target) < 0)
		vd_buf_clear(out);
	put(out, "device", res->device);
	put(out, "subtype", res->subtype);
	put(out, "mode", res->mode);
	put(out, "address", res->address);
	put(out, "binary", res->binary);
	puts_(out, res->readonly ? " readonly" : "");
	puts_(out, res->shareable ? " shareable" : "");
	puts_(out, res->transient ? " transient" : "");
	puts_(out, res->managed ? " managed" : "");
	puts_(out, res->missing ? " missing" : "");
	put(out, "mirror", res->mirror_job);
	puts_(out, "\n");
	put_source(out, "source", res->source);
	put_source(out, "mirror", res->mirror);
}

static void put_status(struct vd_buf *out, const struct vd_dom_status *s)
{
	puts_(out, "  status");
	put(out, "state", s->state);
	put(out, "reason", s->reason);
	put_num(out, "pid", s->pid);
	put_num(out, "init", s->init_pid ? s->init_pid : -1);
	puts_(out, s->mount_namespace ? " namespace" : "");
	puts_(out, s->remember_owner ? " remember" : "");
	puts_(out, s->chardev_stdio_logd ? " logd" : "");
	puts_(out, s->block_jobs ? " blockjobs" : "");
	put(out, "lib", s->lib_dir);
	put(out, "channels", s->channel_target_dir);
	put(out, "memory", s->memory_backing_dir);
	put(out, "job", s->job);
	put(out, "owner", s->job_owner);
	put(out, "async", s->async_job);
	put(out, "phase", s->async_phase);
	put_num(out, "started", s->async_started_ms ? s->async_started_ms : -1);
	puts_(out, s->async_paused ? " paused" : "");
	for (size_t i = 0; i < s->n_vcpus; i++)
		if (vd_buf_addf(out, " vcpu%u=%ld", s->vcpus[i].id, (long)s->vcpus[i].tid) < 0)
			vd_buf_clear(out);
	puts_(out, "\n");
}

static void put_tuning(struct vd_buf *out, const struct vd_tuning *t)
{
	puts_(out, "  tuning");
	put_num(out, "shares", t->cpu_shares);
	put_num(out, "period", t->period);
	put_num(out, "quota", t->quota);
	put_num(out, "global_period", t->global_period);
	put_num(out, "global_quota", t->global_quota);
	put_num(out, "emulator_period", t->emulator_period);
	put_num(out, "emulator_quota", t->emulator_quota);
	put_num(out, "iothread_period", t->iothread_period);
	put_num(out, "iothread_quota", t->iothread_quota);
	put_num(out, "hard", t->hard_limit);
	put_num(out, "soft", t->soft_limit);
	put_num(out, "swap", t->swap_hard_limit);
	put_num(out, "min", t->min_guarantee);
	put_num(out, "weight", t->blkio_weight);
	puts_(out, "\n");
}

static void put_domain(struct vd_buf *out, const struct vd_domain *d)
{
	static const char *const label_types[] = { "dynamic", "static", "none" };

	if (vd_buf_addf(out, "%s %s name=%s id=%d", vd_driver_name(d->driver), d->virt_type, d->name, d->id) < 0)
		vd_buf_clear(out);
	put(out, "uuid", *d->uuid ? d->uuid : NULL);
	put(out, "title", d->title);
	put(out, "emulator", d->emulator);
	put(out, "machine", d->machine);
	put(out, "init", d->init);
	put(out, "partition", d->partition);
	put_num(out, "memory", d->memory_kib);
	put_num(out, "vcpus", d->vcpus ? (int64_t)d->vcpus : -1);
	puts_(out, d->hugepages ? " hugepages\n" : "\n");
	put_tuning(out, &d->tuning);
	for (size_t i = 0; i < d->n_seclabels; i++) {
		const struct vd_seclabel *l = &d->seclabels[i];

		if (vd_buf_addf(out, "  seclabel %s", label_types[l->type]) < 0)
			vd_buf_clear(out);
		put(out, "model", l->model);
		put_num(out, "relabel", l->relabel);
		put(out, "label", l->label);
		put(out, "imagelabel", l->imagelabel);
		put(out, "baselabel", l->baselabel);
		puts_(out, "\n");
	}
	for (size_t i = 0; i < d->n_resources; i++)
		put_resource(out, &d->resources[i]);
	if (d->status)
		put_status(out, d->status);
}

/* Prints the first line that differs, so that a failure can be read. */
static void compare(const char *name, const char *got, const char *wanted)
{
	size_t line = 1, start = 0, i = 0;

	tap_ok(!strcmp(got, wanted), "%s: everything expected is found, and nothing else", name);
	while (got[i] && got[i] == wanted[i]) {
		if (got[i++] == '\n') {
			line++;
			start = i;
		}
	}
	if (got[i] != wanted[i])
		printf("#   line %zu\n#   got    %.*s\n#   wanted %.*s\n", line, (int)strcspn(got + start, "\n"),
		       got + start, (int)strcspn(wanted + start, "\n"), wanted + start);
}

static void test_files(void)
{
	static const char *const names[] = {
		"01-chain-from-header",
		"03-backingstore-open-ended",
		"06-readonly-shareable-floppy-empty",
		"08-static-norelabel",
		"12-dac-none-only",
		"13-direct-kernel-boot",
		"23-names-entities-comments",
		"25-xxe-external-entity",
		"status-qemu",
		"status-lxc",
		"status-selinux",
		"status-job",
		"devices",
		"lxc",
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		VD_AUTO_BUF xml = VD_BUF_INIT, wanted = VD_BUF_INIT, got = VD_BUF_INIT;
		VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		char path[256];
		int rc;

		snprintf(path, sizeof(path), DATA "%s.xml", names[i]);
		rc = read_file(path, &xml);
		if (rc == 0)
			rc = vd_domain_parse(vd_buf_str(&xml), xml.len, path, &dom, &err);
		if (!tap_ok(rc == 0, "%s is parsed %s", names[i], rc < 0 ? vd_err_text(&err) : ""))
			continue;
		put_domain(&got, dom);
		snprintf(path, sizeof(path), DATA "%s.expected", names[i]);
		if (tap_ok(read_file(path, &wanted) == 0, "%s is there", path))
			compare(names[i], vd_buf_str(&got), vd_buf_str(&wanted));
	}
}

static void test_refused(void)
{
	static const struct {
		const char *what, *xml;
		int code;
	} cases[] = {
		{ "a network", "<network><name>n</name></network>", -EBADMSG },
		{ "a foreign domain", "<x:domain xmlns:x='urn:x' type='kvm'><x:name>n</x:name></x:domain>", -EBADMSG },
		{ "a guest without name", "<domain type='kvm'/>", -EBADMSG },
		{ "an empty name", "<domain type='kvm'><name/></domain>", -EBADMSG },
		{ "a name with a slash", "<domain type='kvm'><name>../etc</name></domain>", -EBADMSG },
		{ "a guest without type", "<domain><name>n</name></domain>", -EBADMSG },
		{ "Xen", "<domain type='xen'><name>n</name></domain>", -ENOTSUP },
		{ "a broken UUID", "<domain type='kvm'><name>n</name><uuid>12345</uuid></domain>", -EBADMSG },
		{ "a long UUID",
		  "<domain type='kvm'><name>n</name><uuid>0123456789abcdef0123456789abcdef0</uuid></domain>",
		  -EBADMSG },
		{ "memory without number", "<domain type='kvm'><name>n</name><memory>much</memory></domain>",
		  -EBADMSG },
		{ "an unknown unit", "<domain type='kvm'><name>n</name><memory unit='GX'>1</memory></domain>",
		  -EBADMSG },
		{ "memory beyond 64 bits", "<domain type='kvm'><name>n</name><memory unit='EiB'>99</memory></domain>",
		  -EBADMSG },
		{ "an unknown seclabel", "<domain type='kvm'><name>n</name><seclabel type='odd'/></domain>", -EBADMSG },
		{ "a status without domain", "<domstatus state='running' pid='1'/>", -EBADMSG },
		{ "broken XML", "<domain type='kvm'><name>n</name>", -EBADMSG },
		{ "an entity bomb",
		  "<!DOCTYPE d [<!ENTITY a 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'>"
		  "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
		  "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
		  "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
		  "<domain type='kvm'><name>n</name><title>&d;</title></domain>",
		  -E2BIG },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int rc = vd_domain_parse(cases[i].xml, strlen(cases[i].xml), "f.xml", &dom, &err);

		tap_int(rc, cases[i].code, "%s -> %d: %s", cases[i].what, cases[i].code, vd_err_text(&err));
		tap_ok(!dom && !strncmp(vd_err_text(&err), "f.xml:", 6), "%s: no domain, and the file is named",
		       cases[i].what);
	}
}

/* As libvirt 9.0.0 does with `virsh define`: of the outermost element the prefix does not matter. */
static void test_many_seclabels(void)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_domain *dom = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = vd_buf_adds(&text, "<domain type='kvm'><name>n</name>");

	/* Looking for two of one model would take minutes. */
	for (unsigned i = 0; i < 200000 && rc == 0; i++)
		rc = vd_buf_addf(&text, "<seclabel model='m%u'/>", i);
	if (rc == 0)
		rc = vd_buf_adds(&text, "</domain>");
	if (rc == 0)
		rc = vd_domain_parse(text.data, text.len, "f.xml", &dom, &err);
	tap_int(rc, -EBADMSG, "two hundred thousand seclabels are refused");
	tap_ok(err.text && strstr(err.text, "seclabel"), "... and named: %s", vd_err_text(&err));
	vd_domain_free(dom);
}

static void test_prefix(void)
{
	static const char xml[] = "<x:domain xmlns:x='urn:x' type='kvm'><name>n</name></x:domain>";
	static const char foreign[] = "<domain xmlns='urn:x' type='kvm'><name>n</name></domain>";
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	tap_int(vd_domain_parse(xml, strlen(xml), "f.xml", &dom, &err), 0, "<x:domain> is a domain");
	tap_str(dom ? dom->name : NULL, "n", "and has its name");
	vd_domain_free(dom);
	dom = NULL;
	tap_int(vd_domain_parse(foreign, strlen(foreign), "f.xml", &dom, &err), -EBADMSG,
	        "a foreign namespace of all elements");
	tap_str(vd_err_text(&err), "f.xml:1: the domain has no name", "is told as what it leads to");
}

static void test_units(void)
{
	static const struct {
		const char *text;
		int64_t kib;
	} cases[] = {
		{ "<memory>7</memory>", 7 },
		{ "<memory unit=''>7</memory>", 7 },
		{ "<memory unit='b'>1</memory>", 1 },
		{ "<memory unit='bytes'>1025</memory>", 2 },
		{ "<memory unit='KB'>1000</memory>", 977 },
		{ "<memory unit='k'>3</memory>", 3 },
		{ "<memory unit='KiB'> 3 </memory>", 3 },
		{ "<memory unit='MB'>1</memory>", 977 },
		{ "<memory unit='M'>1</memory>", 1024 },
		{ "<memory unit='GiB'>2</memory>", 2097152 },
		{ "<memory unit='tib'>1</memory>", 1073741824 },
		{ "<memory unit='PB'>1</memory>", 976562500000 },
		{ "<memory unit='E'>1</memory>", 1125899906842624 },
		{ "", -1 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
		VD_AUTO_BUF xml = VD_BUF_INIT;
		int rc = vd_buf_addf(&xml, "<domain type='kvm'><name>n</name>%s</domain>", cases[i].text);

		if (rc == 0)
			rc = vd_domain_parse(vd_buf_str(&xml), xml.len, "f.xml", &dom, NULL);
		tap_int(rc < 0 ? rc : dom->memory_kib, cases[i].kib, "%s is %" PRId64 " KiB", cases[i].text,
		        cases[i].kib);
	}
}

static void test_seclabel_choice(void)
{
	static const struct {
		const char *what, *labels, *model, *wanted;
	} cases[] = {
		{ "none written", "", "selinux", NULL },
		{ "the one that names it",
		  "<seclabel model='dac'><label>a</label></seclabel><seclabel "
		  "model='selinux'><label>b</label></seclabel>",
		  "selinux", "b" },
		{ "only another model", "<seclabel model='dac'><label>a</label></seclabel>", "selinux", NULL },
		{ "a single one without model", "<seclabel><label>a</label></seclabel>", "selinux", "a" },
		{ "two without model", "<seclabel><label>a</label></seclabel><seclabel><label>b</label></seclabel>",
		  "selinux", NULL },
		{ "model none", "<seclabel model='none'><label>a</label></seclabel>", "selinux", "a" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
		VD_AUTO_BUF xml = VD_BUF_INIT;
		const struct vd_seclabel *label = NULL;
		int rc = vd_buf_addf(&xml, "<domain type='kvm'><name>n</name>%s</domain>", cases[i].labels);

		if (rc == 0)
			rc = vd_domain_parse(vd_buf_str(&xml), xml.len, "f.xml", &dom, NULL);
		if (rc == 0)
			label = vd_domain_seclabel(dom, cases[i].model);
		tap_str(label ? label->label : NULL, cases[i].wanted, "%s -> %s", cases[i].what,
		        cases[i].wanted ? cases[i].wanted : "none");
		if (rc == 0 && label && strstr(cases[i].labels, "'none'"))
			tap_int(label->type, VD_SECLABEL_NONE, "model none is of type none");
	}
}

/* libvirt itself writes chains this long into status XML. */
static void test_long_chain(void)
{
	VD_AUTO_BUF xml = VD_BUF_INIT;
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const struct vd_source *s;
	struct vd_source *copy;
	size_t n = 0;
	int rc = vd_buf_adds(&xml, "<domstatus state='running' pid='1'><domain type='kvm'><name>n</name><devices>"
	                           "<disk><source file='/0'/>");

	for (int i = 1; i <= 200 && rc == 0; i++)
		rc = vd_buf_addf(&xml, "<backingStore type='file'><format type='qcow2'/><source file='/%d'/>", i);
	if (rc == 0)
		rc = vd_buf_adds(&xml, "<backingStore/>");
	for (int i = 1; i <= 200 && rc == 0; i++)
		rc = vd_buf_adds(&xml, "</backingStore>");
	if (rc == 0)
		rc = vd_buf_adds(&xml, "</disk></devices></domain></domstatus>");
	if (rc == 0)
		rc = vd_domain_parse(vd_buf_str(&xml), xml.len, "f.xml", &dom, &err);
	if (!tap_ok(rc == 0, "a chain of 201 layers is parsed"))
		return;
	for (s = dom->resources[0].source; s->backing; s = s->backing)
		n++;
	tap_int(n, 200, "200 layers below the top");
	tap_str(s->path, "/200", "the last one is the last");
	tap_int(s->backing_state, VD_BACKING_END, "and the chain ends there");
	copy = vd_source_copy(dom->resources[0].source);
	tap_ok(copy && !copy->backing && copy->backing_state == VD_BACKING_ABSENT && copy->path != s->path,
	       "a copy leaves the chain behind");
	vd_source_free(copy);
}

static void test_copy(void)
{
	static const char xml[] =
	        "<domain type='kvm'><name>n</name><devices><disk type='network'><driver type='raw'/>"
	        "<source protocol='rbd' name='p/i' fdgroup='g' startupPolicy='requisite'><seclabel model='dac' "
	        "relabel='yes' labelskip='yes'><label>l</label></seclabel></source></disk></devices></domain>";
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_BUF got = VD_BUF_INIT, wanted = VD_BUF_INIT;
	struct vd_source *copy;

	if (!tap_ok(vd_domain_parse(xml, strlen(xml), "f.xml", &dom, NULL) == 0, "a disk is parsed"))
		return;
	copy = vd_source_copy(dom->resources[0].source);
	put_source(&got, "x", copy);
	put_source(&wanted, "x", dom->resources[0].source);
	vd_source_free(copy);
	tap_str(vd_buf_str(&got), vd_buf_str(&wanted), "a copy of a source equals it");
	tap_ok(strstr(vd_buf_str(&got), "labelskip") != NULL, "seclabels included");
	vd_source_free(NULL);
	vd_domain_free(NULL);
}

int main(void)
{
	test_files();
	test_refused();
	test_many_seclabels();
	test_prefix();
	test_units();
	test_seclabel_choice();
	test_long_chain();
	test_copy();
	return tap_done();
}
