/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lib/domain*.c share: the state of one parse. Private to them. */

#include "domain.h"
#include "xml.h"

/*
 * The first error ends the parse at its end: helpers do nothing useful after it, so that the code that reads a document
 * needs no check at each value. @rc is 0 or negative; @err then has the sentence unless it is -ENOMEM.
 */
struct vd_parse {
	const char *file;
	struct vd_domain *dom;
	struct vd_err *err;
	int rc;
	size_t cap_resources;
	unsigned counts[VD_RES_COUNT_];       /* devices seen, for names such as "hostdev1" */
	unsigned role_counts[VD_ROLE_COUNT_]; /* the same for character devices: "serial0" */
	bool serial_0;                        /* there is a first serial port: the first console is the same device */
};

/* A copy of @s (NULL: NULL). Without memory sets @p->rc and returns NULL. */
char *vd_parse_dup(struct vd_parse *p, const char *s);
/* The same, but NULL for "", for values where empty means absent. */
char *vd_parse_dup_nonempty(struct vd_parse *p, const char *s);
/* Sets the error "FILE:LINE: SENTENCE" with -EBADMSG unless there is an earlier one. */
void vd_parse_fail(struct vd_parse *p, const struct vd_xml_node *node, const char *fmt, ...) VD_PRINTF(3, 4);
/* The attribute @name is "yes" (1), "no" (0), or absent or anything else (-1). */
int vd_parse_yes_no(const struct vd_xml_node *node, const char *name);
/*
 * A number in @s, in any base that C writes when @base is 0. -EINVAL unless all of @s is one number that fits; blanks
 * around it are accepted. *@ret_number is untouched on failure.
 */
int vd_parse_number(const char *s, int base, int64_t *ret_number) VD_MUST_CHECK;

/* The size in @node in KiB, rounded up; -1 when there is no such element. KiB is the default unit. */
int64_t vd_parse_memory(struct vd_parse *p, const struct vd_xml_node *node);
/* The number in the child @name of @parent, -1 when absent; a negative one, which means unlimited, is -1 too. */
int64_t vd_parse_child_number(struct vd_parse *p, const struct vd_xml_node *parent, const char *name);
/* Fill in @p->dom->tuning. */
void vd_parse_tuning(struct vd_parse *p, const struct vd_xml_node *domain);
void vd_tuning_release(struct vd_tuning *tuning);

/* Read <source> and what belongs to it (seclabels, startupPolicy, <dataStore>) of a storage element of type @type. */
void vd_parse_source(struct vd_parse *p, const struct vd_xml_node *source, const char *type, struct vd_source *ret);
/* Read the chain of <backingStore> elements below @owner into @top, iteratively. */
void vd_parse_backing(struct vd_parse *p, const struct vd_xml_node *owner, struct vd_source *top);
/* Append the <seclabel> children of @node to @source. */
void vd_parse_dev_seclabels(struct vd_parse *p, const struct vd_xml_node *node, struct vd_source *source);
/* A new source in *@slot. Without memory sets @p->rc and returns NULL. */
struct vd_source *vd_parse_new_source(struct vd_parse *p, struct vd_source **slot);

/*
 * Append a resource called @target (copied) with an empty source. The pointer is valid until the next one is added.
 * NULL without memory, with @p->rc set.
 */
struct vd_res *vd_parse_res(struct vd_parse *p, enum vd_res_kind kind, enum vd_role role, const char *target);
/* Give @res the file @path unless that is NULL or "". */
void vd_parse_res_path(struct vd_parse *p, struct vd_res *res, enum vd_source_type type, const char *path);

/* <disk>, and what is like a disk: <nvram>. */
void vd_parse_disk(struct vd_parse *p, const struct vd_xml_node *disk);
void vd_parse_nvram(struct vd_parse *p, const struct vd_xml_node *nvram);
/* <serial>, <parallel>, <console>, <channel>, <smartcard>, <rng>, <tpm>: what has a character back end. */
void vd_parse_chardev(struct vd_parse *p, const struct vd_xml_node *device);
void vd_parse_smartcard(struct vd_parse *p, const struct vd_xml_node *device);
void vd_parse_rng(struct vd_parse *p, const struct vd_xml_node *device);
void vd_parse_tpm(struct vd_parse *p, const struct vd_xml_node *device);
/* The canonical text of the PCI address below @source into @res->address; unchanged when there is none. */
void vd_parse_pci_address(struct vd_parse *p, const struct vd_xml_node *source, struct vd_res *res);
/* <hostdev>; and the source of an <interface> that is one. */
void vd_parse_hostdev(struct vd_parse *p, const struct vd_xml_node *device);
void vd_parse_interface(struct vd_parse *p, const struct vd_xml_node *device);

/* All resources of <domain>: os, devices, the rest. */
void vd_parse_resources(struct vd_parse *p, const struct vd_xml_node *domain);
/* What stands around <domain> in <domstatus>. */
void vd_parse_status(struct vd_parse *p, const struct vd_xml_node *domstatus);

void vd_dom_status_free(struct vd_dom_status *status);
void vd_res_release(struct vd_res *res);
