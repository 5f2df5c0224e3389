/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The choice of the security driver in qemu.conf and lxc.conf: what a file says, what a daemon makes of it, which
 * guests it then refuses, and the text of a file that switches confinement off and on again. Pure functions on memory
 * but vd_svirt_host_load(). Rules: libvirt 9.0.0, tried with the real daemon.
 */

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "conf.h"
#include "domain.h"
#include "err.h"
#include "root.h"

/* --- what a file says --------------------------------------------------------------------------------------------- */

struct vd_svirt_conf {
	enum vd_driver driver;
	struct vd_strv names; /* security_driver in the order of the file; none: the daemon probes */
	unsigned line;        /* of the statement that counts; 0: there is none */
	bool require_confined, default_confined;
	unsigned require_line; /* of security_require_confined; 0: not there */
	char *fatal;           /* why no daemon starts with this file, whatever the host; NULL. Owned */
	bool by_us;            /* it holds a block of vd_svirt_conf_disable() */
};

/*
 * Read the @len bytes of the file of @driver. lxc.conf takes one plain string, qemu.conf a list as well.
 * Returns 0, also with ->fatal set for a value that no daemon takes; -EBADMSG when the file does not parse, which keeps
 * the daemon from starting as well; -ENOMEM. The caller releases it.
 */
int vd_svirt_conf_parse(const char *text, size_t len, const char *file, enum vd_driver driver,
                        struct vd_svirt_conf *ret_conf, struct vd_err *err) VD_MUST_CHECK;
void vd_svirt_conf_release(struct vd_svirt_conf *conf);
#define VD_AUTO_SVIRT_CONF VD_CLEANUP(vd_svirt_conf_release) struct vd_svirt_conf

/* "/etc/libvirt/qemu.conf" for @dir "/etc/libvirt". NULL without memory. The caller frees it. */
char *vd_svirt_conf_path(const char *dir, enum vd_driver driver);

/* --- what a daemon makes of it ------------------------------------------------------------------------------------ */

enum vd_svirt_active {
	VD_SVIRT_INACTIVE,
	VD_SVIRT_ACTIVE,
	VD_SVIRT_ACTIVE_UNKNOWN, /* a capture does not tell */
};

/* What a libvirt driver finds when it asks whether it can be used here. */
struct vd_svirt_host {
	enum vd_svirt_active selinux;  /* the kernel has it on, enforcing or not */
	enum vd_svirt_active apparmor; /* the kernel has it on, with a profile for the daemon in enforce mode */
	bool session;                  /* the daemon of a user: it has no dac driver */
};

/*
 * Find out. @selinux as vd_svirt_settings.selinux: 1 enforcing, 0 permissive, -1 off, -2 cannot tell.
 * Returns 0 or -ENOMEM.
 */
int vd_svirt_host_load(struct vd_root *root, int selinux, bool session, struct vd_svirt_host *ret_host) VD_MUST_CHECK;

/* Of a daemon that starts with the file. */
struct vd_svirt_outcome {
	struct vd_strv models; /* that guests can name: "selinux", "apparmor", "dac"; empty when @fails or @unsure */
	bool confines;         /* selinux or apparmor is among them */
	bool unsure;           /* it depends on what the capture does not tell */
	char *fails;           /* why it does not start; NULL. Owned */
};

/* Returns 0 or -ENOMEM. The caller releases it. */
int vd_svirt_outcome(const struct vd_svirt_conf *conf, const struct vd_svirt_host *host,
                     struct vd_svirt_outcome *ret_outcome) VD_MUST_CHECK;
void vd_svirt_outcome_release(struct vd_svirt_outcome *outcome);
#define VD_AUTO_SVIRT_OUTCOME VD_CLEANUP(vd_svirt_outcome_release) struct vd_svirt_outcome

/*
 * The first model that a <seclabel> of @domain, of one of its disks or of its character devices names and that
 * @outcome does not have: libvirt refuses to start such a guest, whatever the type of the label. NULL when there is
 * none, or the outcome is not known. Borrowed from @domain.
 */
const char *vd_svirt_refused_model(const struct vd_domain *domain, const struct vd_svirt_outcome *outcome);

/* --- off and on --------------------------------------------------------------------------------------------------- */

/*
 * Append to @result the @len bytes of @text with security_driver = "none" in force. A statement that has lines of its
 * own becomes a comment; one that shares its line stays, with ours before it, since the first of a name counts. All we
 * add lies in a block from which vd_svirt_conf_enable() makes the old text again, byte by byte.
 *
 * Returns 1; 0 when it is "none" already (@result is the same text then); -EBADMSG when the file does not parse;
 * -EPERM when security_require_confined forbids it, or another setting keeps the daemon from starting anyhow; -ESTALE
 * when a block is there and does not count; -ENOMEM.
 */
int vd_svirt_conf_disable(const char *text, size_t len, const char *file, enum vd_driver driver, struct vd_buf *result,
                          struct vd_err *err) VD_MUST_CHECK;

/*
 * The other way: takes out our blocks. Where there is none and "none" was written by someone else, that statement
 * becomes a comment, so that what stands behind it counts, or the daemon probes.
 *
 * Returns 1; 0 when nothing switches confinement off; -EBADMSG; -ESTALE when a block is not as we wrote it; -ENOMEM.
 */
int vd_svirt_conf_enable(const char *text, size_t len, const char *file, enum vd_driver driver, struct vd_buf *result,
                         struct vd_err *err) VD_MUST_CHECK;

/* Does @text, parsed as @conf, hold such a block? */
bool vd_svirt_has_block(const char *text, size_t len, const struct vd_conf *conf);
