/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Does libvirt's daemon run in the SELinux domain that the policy made for it? Started by hand, from a source tree or
 * from a binary without its label it does not, and then the guests it starts fail or are confined wrongly.
 */

#include "file-verdict.h"
#include "root.h"

enum vd_daemon_fault {
	VD_DAEMON_FITS,
	VD_DAEMON_BINARY,  /* its binary lacks the label that makes the domain change at start */
	VD_DAEMON_BY_HAND, /* the binary is labelled, but it was started from a domain that does not change */
	VD_DAEMON_UNSEEN,  /* context or binary cannot be seen */
};

struct vd_daemon_label {
	const char *name; /* "libvirtd", "virtqemud"; static */
	pid_t pid;
	char *context;              /* of the process; NULL unknown */
	char *exe;                  /* its binary; NULL unknown */
	char *exe_label;            /* NULL: none or unknown */
	bool by_unit;               /* it runs as its service unit */
	bool systemd;               /* the host runs systemd */
	const char *domain, *entry; /* the types it should have: "virtd_t", "virtd_exec_t"; static */
	enum vd_daemon_fault fault;
};

/*
 * Find the daemon that serves guests of QEMU (virtqemud, else libvirtd) or, with @lxc, of LXC (virtlxcd, else
 * libvirtd), and judge it. Meaningful only where SELinux is on. Returns 0; -ENOENT: none runs; -ENOMEM. The caller
 * releases *@ret_label.
 */
int vd_daemon_label_find(struct vd_root *root, bool lxc, struct vd_daemon_label *ret_label) VD_MUST_CHECK;
void vd_daemon_label_release(struct vd_daemon_label *label);

/*
 * Put the fault into words, and what mends it, in @check: `wrong`, reason type. Nothing for one that fits or is not
 * known. Returns 0 or -ENOMEM.
 */
int vd_daemon_label_judge(const struct vd_daemon_label *label, struct vd_file_check *check) VD_MUST_CHECK;
