/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether this machine's kernel enforces its SELinux policy, and switching that. Live only. The kernel counts in
 * /sys/fs/selinux/status what happened to it, so that a change of somebody else can be told from ours.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "macros.h"

struct vd_selinux_state {
	bool enforcing;
	bool counted;      /* the two below are known */
	uint32_t sequence; /* grows by two with each switch of the mode and each load of a policy or booleans */
	uint32_t loads;    /* grows by one with each load */
};

/* Returns 0; -ENOENT: SELinux is off on this machine; another negative errno. */
int vd_selinux_state_read(struct vd_selinux_state *ret_state, struct vd_err *err) VD_MUST_CHECK;
/* Take the page of /sys/fs/selinux/status apart (struct selinux_kernel_status). -EBADMSG when it is none. */
int vd_selinux_state_parse(const void *page, size_t len, struct vd_selinux_state *ret_state) VD_MUST_CHECK;
/* How often the mode was switched between @before and @now; 1 when only the mode tells of a switch, 0 when not that. */
uint32_t vd_selinux_switches(const struct vd_selinux_state *before, const struct vd_selinux_state *now);
/*
 * -EACCES, -EPERM: not allowed; -EINVAL: this kernel cannot be permissive. Setting what is set already is no switch.
 */
int vd_selinux_set_enforcing(bool enforcing, struct vd_err *err) VD_MUST_CHECK;

enum vd_selinux_restored {
	VD_RESTORED_NOTHING, /* the mode is what it was, and nobody has touched it */
	VD_RESTORED,         /* one switch, ours, was taken back */
	VD_RESTORED_OTHERS,  /* somebody else has switched it since: left as it is */
	VD_RESTORED_FAILED,  /* @err says why */
};
/* Take back our one switch since @before, unless somebody else has switched the mode since. */
enum vd_selinux_restored vd_selinux_restore(const struct vd_selinux_state *before, struct vd_err *err);
