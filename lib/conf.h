/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libvirt's configuration file grammar (qemu.conf, lxc.conf, libvirtd.conf, lxc_contexts): `name = value` statements
 * with strings, integers and lists. Reads what libvirt 9.0.0 reads, accepts and refuses the same, with its reasons.
 * Takes memory and does no I/O.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum vd_conf_type {
	VD_CONF_INT,
	VD_CONF_STRING,
	VD_CONF_LIST
};

struct vd_conf_value {
	enum vd_conf_type type;
	bool is_negative;            /* integers: written with a minus sign */
	uint64_t number;             /* integers: the digits; UINT64_MAX when it was larger */
	char *string;                /* strings: owned */
	struct vd_conf_value *items; /* lists: owned; NULL when empty */
	size_t len;
};

struct vd_conf_stmt {
	char *name; /* owned */
	struct vd_conf_value value;
	unsigned line;     /* of the name, from 1 */
	size_t start, end; /* bytes of the statement, from the name to behind the value: what an editor replaces */
};

struct vd_conf {
	struct vd_conf_stmt *stmts; /* in file order, duplicates included */
	size_t len;
};

/*
 * Parse @len bytes of @text. @file names it in messages. One syntax error anywhere makes libvirt reject the whole
 * file: -EBADMSG with "FILE:LINE: reason", the reason in libvirt's words ("expecting a value"). -ENOMEM.
 * The caller releases *@ret_conf.
 */
int vd_conf_parse(const char *text, size_t len, const char *file, struct vd_conf *ret_conf,
                  struct vd_err *err) VD_MUST_CHECK;
void vd_conf_release(struct vd_conf *conf);
#define VD_AUTO_CONF VD_CLEANUP(vd_conf_release) struct vd_conf

/* The statement that counts for @name: the first one. NULL when there is none. Borrowed. Names are case-sensitive. */
const struct vd_conf_stmt *vd_conf_find(const struct vd_conf *conf, const char *name);

/*
 * Typed access to the first statement of @name, by libvirt's rules. All return 0; -ENOENT when it is absent, @ret_
 * untouched; -EBADMSG with the reason when libvirt would refuse the type or value.
 */
/* Booleans are the unsigned numbers 0 and 1 and nothing else. */
int vd_conf_bool(const struct vd_conf *conf, const char *name, bool *ret_value, struct vd_err *err) VD_MUST_CHECK;
/* A string; borrowed. */
int vd_conf_string(const struct vd_conf *conf, const char *name, const char **ret_value,
                   struct vd_err *err) VD_MUST_CHECK;
/* A list of strings, appended to @values; with @string_too a plain string counts as a list of one. */
int vd_conf_strings(const struct vd_conf *conf, const char *name, bool string_too, struct vd_strv *values,
                    struct vd_err *err) VD_MUST_CHECK;
