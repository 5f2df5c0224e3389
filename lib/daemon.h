/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libvirt's daemons by name, and which of them serves a driver on the examined host: the monolithic libvirtd or a
 * modular one. Found from files alone, so that it works on captures and asks no daemon (which would start it).
 */

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "root.h"

/* All daemon names ("libvirtd", "virtqemud", ...), ends with NULL. */
extern const char *const vd_daemon_names[];

/* Modular daemons take over parts of libvirtd; virtlogd and virtlockd serve beside both. */
bool vd_daemon_is_modular(const char *name);
/* Ends by itself after 120 idle seconds, as the units have it: all but virtlogd and virtlockd. */
bool vd_daemon_has_timeout(const char *name);

enum vd_daemon_sure {
	VD_DAEMON_FOUND,   /* the evidence tells them apart */
	VD_DAEMON_EITHER,  /* libvirtd and the modular daemon are equally likely */
	VD_DAEMON_NOWHERE, /* no trace of either */
};

struct vd_daemon_place {
	const char *name; /* the daemon; the modular one unless libvirtd was found. Static */
	enum vd_daemon_sure sure;
	char *evidence; /* the file or the directory of the process that decided, as seen inside the root; NULL when
	                   none did. Owned */
};

void vd_daemon_place_release(struct vd_daemon_place *place);
#define VD_AUTO_DAEMON_PLACE VD_CLEANUP(vd_daemon_place_release) struct vd_daemon_place

/*
 * Who does the work of the modular daemon @name on this host, by its files alone (vd_daemons_serving() in daemons.h
 * also knows what runs, and is what commands use)? In order of weight: a pid file in /run; an admin socket or an
 * enabled unit; an installed binary or unit. The socket that clients use says nothing: virtproxyd owns it too. Returns
 * 0; -EINVAL for an unknown name; -ENOMEM.
 */
int vd_daemon_find(struct vd_root *root, const char *name, struct vd_daemon_place *ret_place,
                   struct vd_err *err) VD_MUST_CHECK;
