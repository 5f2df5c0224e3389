/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits and placement: <cputune>, <memtune>, <blkiotune>, <numatune>, <vcpu cpuset=>. */
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <errno.h>

#include "domain-internal.h"

/* How many bytes the unit @unit is, by libvirt's rules (libvirt 0.9.11 and later); 0 for an unknown one. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "kmgtpe";
	const char *letter;
	uint64_t step, bytes = 1;

	if (!strcasecmp(unit, "b") || !strcasecmp(unit, "byte") || !strcasecmp(unit, "bytes"))
		return 1;
	letter = *unit ? strchr(letters, tolower((unsigned char)*unit)) : NULL;
	if (!letter)
		return 0;
	if (!unit[1] || !strcasecmp(unit + 1, "iB"))
		step = 1024;
	else if (!strcasecmp(unit + 1, "B"))
		step = 1000;
	else
		return 0;
	for (ptrdiff_t i = letter - letters; i >= 0; i--)
		bytes *= step;
	return bytes;
}

int64_t vd_parse_memory(struct vd_parse *p, const struct vd_xml_node *node)
{
	const char *unit = vd_xml_attr(node, "unit");
	uint64_t scale = unit_bytes(unit && *unit ? unit : "KiB"), bytes;
	int64_t n;

	if (!node)
		return -1;
	if (vd_parse_number(vd_xml_text(node), 10, &n) < 0 || n < 0 || !scale) {
		vd_parse_fail(p, node, "<%s> holds no size", vd_xml_name(node));
		return -1;
	}
	/* In KiB already: libvirt's "unlimited", 9007199254740991 KiB, would not fit into bytes. */
	if (scale == 1024)
		return n;
	if (__builtin_mul_overflow((uint64_t)n, scale, &bytes)) {
		vd_parse_fail(p, node, "<%s> is too large", vd_xml_name(node));
		return -1;
	}
	return (int64_t)(bytes / 1024 + (bytes % 1024 != 0));
}

int64_t vd_parse_child_number(struct vd_parse *p, const struct vd_xml_node *parent, const char *name)
{
	const struct vd_xml_node *node = vd_xml_child(parent, name);
	int64_t n = -1;

	if (node && vd_parse_number(vd_xml_text(node), 10, &n) < 0)
		vd_parse_fail(p, node, "<%s> holds no number", name);
	return n < 0 ? -1 : n;
}

static void parse_numbers(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *cpu = vd_xml_child(domain, "cputune"), *mem = vd_xml_child(domain, "memtune");
	struct vd_tuning *t = &p->dom->tuning;

	t->cpu_shares = vd_parse_child_number(p, cpu, "shares");
	t->period = vd_parse_child_number(p, cpu, "period");
	t->quota = vd_parse_child_number(p, cpu, "quota");
	t->global_period = vd_parse_child_number(p, cpu, "global_period");
	t->global_quota = vd_parse_child_number(p, cpu, "global_quota");
	t->emulator_period = vd_parse_child_number(p, cpu, "emulator_period");
	t->emulator_quota = vd_parse_child_number(p, cpu, "emulator_quota");
	t->iothread_period = vd_parse_child_number(p, cpu, "iothread_period");
	t->iothread_quota = vd_parse_child_number(p, cpu, "iothread_quota");
	t->hard_limit = vd_parse_memory(p, vd_xml_child(mem, "hard_limit"));
	t->soft_limit = vd_parse_memory(p, vd_xml_child(mem, "soft_limit"));
	t->swap_hard_limit = vd_parse_memory(p, vd_xml_child(mem, "swap_hard_limit"));
	t->min_guarantee = vd_parse_memory(p, vd_xml_child(mem, "min_guarantee"));
	t->blkio_weight = vd_parse_child_number(p, vd_xml_child(domain, "blkiotune"), "weight");
}

static struct vd_pin *add_pin(struct vd_parse *p, enum vd_pin_kind kind, int64_t id, const char *cpus)
{
	struct vd_tuning *t = &p->dom->tuning;
	struct vd_pin *items;

	if (!cpus || !*cpus || id < 0 || id > INT_MAX)
		return NULL;
	items = reallocarray(t->pins, t->n_pins + 1, sizeof(*items));
	if (!items) {
		p->rc = -ENOMEM;
		return NULL;
	}
	t->pins = items;
	items[t->n_pins] = (struct vd_pin){ kind, (unsigned)id, vd_parse_dup(p, cpus) };
	return &items[t->n_pins++];
}

/* <vcpupin vcpu='0' cpuset='1-3'/> and its like; an element without a usable number is passed over. */
static void parse_pins(struct vd_parse *p, const struct vd_xml_node *cpu, enum vd_pin_kind kind, const char *name,
                       const char *attr)
{
	VD_XML_EACH(node, cpu, name)
	{
		int64_t id = 0;

		if (attr && vd_parse_number(vd_xml_attr(node, attr), 10, &id) < 0)
			continue;
		add_pin(p, kind, id, vd_xml_attr(node, "cpuset"));
	}
}

static void parse_blkio_device(struct vd_parse *p, const struct vd_xml_node *node)
{
	struct vd_tuning *t = &p->dom->tuning;
	const char *path = vd_xml_text(vd_xml_child(node, "path"));
	struct vd_blkio_device *items;

	if (!path || !*path)
		return;
	items = reallocarray(t->blkio_devices, t->n_blkio_devices + 1, sizeof(*items));
	if (!items) {
		p->rc = -ENOMEM;
		return;
	}
	t->blkio_devices = items;
	items[t->n_blkio_devices++] = (struct vd_blkio_device){
		.path = vd_parse_dup(p, path),
		.weight = vd_parse_child_number(p, node, "weight"),
		.read_bytes = vd_parse_child_number(p, node, "read_bytes_sec"),
		.write_bytes = vd_parse_child_number(p, node, "write_bytes_sec"),
		.read_iops = vd_parse_child_number(p, node, "read_iops_sec"),
		.write_iops = vd_parse_child_number(p, node, "write_iops_sec"),
	};
}

static bool is_auto(const struct vd_xml_node *node)
{
	const char *placement = vd_xml_attr(node, "placement");

	return placement && !strcmp(placement, "auto");
}

void vd_parse_tuning(struct vd_parse *p, const struct vd_xml_node *domain)
{
	const struct vd_xml_node *cpu = vd_xml_child(domain, "cputune"), *numa = vd_xml_child(domain, "numatune");
	const struct vd_xml_node *vcpu = vd_xml_child(domain, "vcpu"), *memory = vd_xml_child(numa, "memory");
	struct vd_tuning *t = &p->dom->tuning;

	parse_numbers(p, domain);
	parse_pins(p, cpu, VD_PIN_VCPU, "vcpupin", "vcpu");
	parse_pins(p, cpu, VD_PIN_EMULATOR, "emulatorpin", NULL);
	parse_pins(p, cpu, VD_PIN_IOTHREAD, "iothreadpin", "iothread");
	t->cpuset = vd_parse_dup_nonempty(p, vd_xml_attr(vcpu, "cpuset"));
	t->cpuset_auto = is_auto(vcpu);
	t->numa_mode = vd_parse_dup_nonempty(p, memory ? vd_xml_attr(memory, "mode") : NULL);
	/* libvirt's default mode. */
	if (memory && !t->numa_mode)
		t->numa_mode = vd_parse_dup(p, "strict");
	t->numa_nodeset = vd_parse_dup_nonempty(p, vd_xml_attr(memory, "nodeset"));
	t->numa_cells = vd_xml_child(numa, "memnode") != NULL;
	VD_XML_EACH(device, vd_xml_child(domain, "blkiotune"), "device")
	parse_blkio_device(p, device);
}

void vd_tuning_release(struct vd_tuning *tuning)
{
	for (size_t i = 0; i < tuning->n_pins; i++)
		free(tuning->pins[i].cpus);
	free(tuning->pins);
	for (size_t i = 0; i < tuning->n_blkio_devices; i++)
		free(tuning->blkio_devices[i].path);
	free(tuning->blkio_devices);
	free(tuning->cpuset);
	free(tuning->numa_mode);
	free(tuning->numa_nodeset);
}
