/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain and status XML: what the header promises about a parsed domain holds for any document. */
#include "fuzz.h"

#include <errno.h>

#include "domain.h"
#include "image.h"
#include "source-tree.h"

static void check_source(const struct vd_source *source)
{
	size_t depth = 0;

	for (; source; source = source->backing) {
		FUZZ_CHECK(++depth <= 1000, "a chain of more than 1000 layers");
		FUZZ_CHECK((unsigned)source->type < VD_SOURCE_COUNT_, "source of type %d", (int)source->type);
		FUZZ_CHECK((source->backing_state == VD_BACKING_GIVEN) == (source->backing != NULL),
		           "backing state %d, backing %p", (int)source->backing_state, (void *)source->backing);
		FUZZ_CHECK(source->type != VD_SOURCE_NONE || !source->path, "no source, but path %s", source->path);
		if (source->data_file)
			FUZZ_CHECK(!source->data_file->backing, "a data file with a backing file");
	}
}

static void check_uuid(const char *uuid)
{
	size_t len = strnlen(uuid, 37);

	FUZZ_CHECK(len == 0 || len == 36, "UUID of %zu characters", len);
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		FUZZ_CHECK(dash ? uuid[i] == '-' : strchr("0123456789abcdef", uuid[i]) != NULL, "UUID %s", uuid);
	}
}

static void check_domain(const struct vd_domain *dom)
{
	FUZZ_CHECK(dom->name && *dom->name, "a domain without a name");
	FUZZ_CHECK(dom->driver < VD_DRIVER_COUNT_, "driver %d", (int)dom->driver);
	FUZZ_CHECK(dom->id >= -1 && dom->memory_kib >= -1, "id %d, memory %lld", dom->id, (long long)dom->memory_kib);
	check_uuid(dom->uuid);
	for (size_t i = 0; i < dom->n_resources; i++) {
		const struct vd_res *res = &dom->resources[i];

		FUZZ_CHECK(res->target && res->source, "resource %zu has no target or source", i);
		FUZZ_CHECK(res->kind < VD_RES_COUNT_ && res->role < VD_ROLE_COUNT_, "resource %zu: kind %d, role %d", i,
		           (int)res->kind, (int)res->role);
		check_source(res->source);
		check_source(res->mirror);
	}
	if (dom->status)
		FUZZ_CHECK(dom->status->pid >= 0 && dom->status->init_pid >= 0, "negative pid");
	vd_domain_seclabel(dom, "selinux");
}

static void check_copies(const struct vd_domain *dom)
{
	for (size_t i = 0; i < dom->n_resources && i < 4; i++) {
		struct vd_source *copy = vd_source_copy(dom->resources[i].source);

		if (copy)
			FUZZ_CHECK(copy->backing_state == VD_BACKING_ABSENT && !copy->backing && !copy->data_file,
			           "the copy of a layer has layers");
		vd_source_free(copy);
	}
}

/* The place of the emulator lies inside the text, and is found again in the text that was edited there. */
static void check_emulator(const char *xml, size_t size)
{
	struct vd_emulator_place p = { 0 };
	VD_AUTO_BUF edited = VD_BUF_INIT;
	int r = vd_emulator_find(xml, size, &p);

	FUZZ_CHECK(r == 0 || r == -ENOENT || r == -EINVAL, "emulator: returned %d", r);
	if (r == -EINVAL)
		return;
	FUZZ_CHECK(p.start <= p.end && p.end <= size, "emulator from %zu to %zu of %zu", p.start, p.end, size);
	FUZZ_CHECK(!p.text || (p.text > p.start && p.text <= p.text_end && p.text_end < p.end),
	           "text from %zu to %zu of %zu to %zu", p.text, p.text_end, p.start, p.end);
	r = vd_emulator_edit(xml, size, "/a&b<c>", &edited);
	if (r == -ENOMEM)
		return;
	FUZZ_CHECK(r == 0 && vd_emulator_find(edited.data, edited.len, &p) == 0 &&
	                   p.text_end - p.text == strlen("/a&amp;b&lt;c&gt;") &&
	                   !memcmp(edited.data + p.text, "/a&amp;b&lt;c&gt;", p.text_end - p.text),
	           "what was written is not found: %s", vd_buf_str(&edited));
}

FUZZ_TARGET("domain")
{
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_domain_parse((const char *)data, size, "fuzz.xml", &dom, &err);

	check_emulator((const char *)data, size);
	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	FUZZ_CHECK((r == 0) == (dom != NULL), "returned %d and %p", r, (void *)dom);
	if (r < 0) {
		FUZZ_CHECK(r == -EBADMSG || r == -E2BIG || r == -ENOTSUP, "returned %d: %s", r, vd_err_text(&err));
		return 0;
	}
	check_domain(dom);
	check_copies(dom);
	return 0;
}
