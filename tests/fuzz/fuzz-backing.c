/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backing names, json: strings and URIs included. A plain relative name is always relative to its parent. */
#include "fuzz.h"

#include <errno.h>

#include "image.h"

#define PARENT "/srv/images/top.qcow2"

static void free_source(struct vd_source **source)
{
	vd_source_free(*source);
}

static void check_plain(const char *name, const struct vd_source *source)
{
	char wanted[4096];
	int n = snprintf(wanted, sizeof(wanted), "%s%s", name[0] == '/' ? "" : "/srv/images/", name);

	if (n >= (int)sizeof(wanted))
		return;
	FUZZ_CHECK(source->type == VD_SOURCE_FILE && source->path && !strcmp(source->path, wanted),
	           "\"%s\" became type %d, path %s", name, (int)source->type, source->path ? source->path : "none");
}

FUZZ_TARGET("backing")
{
	VD_AUTO_FREE char *name = fuzz_string(data, size);
	VD_CLEANUP(free_source) struct vd_source *source = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_image_backing_parse(name, PARENT, &source, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	FUZZ_CHECK((r == 0) == (source != NULL), "returned %d and %p", r, (void *)source);
	if (r < 0) {
		FUZZ_CHECK(r == -EBADMSG, "returned %d", r);
		FUZZ_CHECK(!*name || strchr(name, ':'), "the plain name \"%s\" is refused: %s", name,
		           vd_err_text(&err));
		return 0;
	}
	FUZZ_CHECK(source->backing_state != VD_BACKING_GIVEN && !source->backing, "a name gave two layers");
	if (source->type == VD_SOURCE_NETWORK)
		FUZZ_CHECK(source->protocol && *source->protocol, "a network source without protocol");
	else if (source->type != VD_SOURCE_NVME && source->type != VD_SOURCE_NONE)
		FUZZ_CHECK(source->path, "type %d without path", (int)source->type);
	if (*name && !strchr(name, ':'))
		check_plain(name, source);
	return 0;
}
