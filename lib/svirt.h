/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which SELinux label libvirt sets on which file of a guest: the rules of its SELinux driver as pure functions of the
 * domain, the chains and the host's settings. No I/O but vd_svirt_settings_load(), which reads configuration.
 * Rules: libvirt 9.0.0, src/security/security_selinux.c, checked against the real driver.
 */

#include "domain.h"
#include "image.h"
#include "root.h"

/* What of the host's configuration decides labelling. */
struct vd_svirt_settings {
	unsigned libvirt; /* version, 0 unknown */
	/* Contexts files of the policy in use; NULL when the file or line is missing. */
	char *domain_context, *domain_context_tcg;  /* lines 1 and 2 of virtual_domain_context */
	char *image_context, *content_context;      /* lines 1 and 2 of virtual_image_context */
	char *lxc_process, *lxc_file, *lxc_content; /* lxc_contexts */
	char *contexts_dir; /* for example /etc/selinux/targeted/contexts; NULL: no policy installed, or see @unread */
	struct vd_strv unread; /* sentences about contexts files that are there and could not be read */
	/* qemu.conf and lxc.conf */
	bool qemu_selinux, lxc_selinux; /* the driver is selinux: configured, or probed where SELinux is in force */
	bool qemu_driver_set, lxc_driver_set; /* security_driver is written in the file */
	bool qemu_apparmor;                   /* it names apparmor */
	bool qemu_default_confined, lxc_default_confined;
	bool qemu_require_confined, lxc_require_confined;
	bool session;         /* a user's session: no private /dev, other directories */
	bool stdio_logd;      /* stdio_handler is "logd" */
	bool mount_namespace; /* namespaces holds "mount" */
	bool dynamic_ownership, remember_owner;
	char *user, *group;             /* user and group of qemu.conf; NULL: the distribution's default */
	char *swtpm_user, *swtpm_group; /* of qemu.conf; NULL: tss, root where there is no such account */
	char *memory_backing_dir;       /* of qemu.conf; NULL: the default */
	struct vd_strv hugetlbfs;       /* hugetlbfs_mount of qemu.conf, else the host's mounts of that type */
	/*
	 * In force on the host: 1 enforcing, 0 permissive, -1 off, -2 cannot tell. Live from sys/fs/selinux/enforce. In
	 * a capture from the same file, else from sestatus(8) in a sosreport, else from the list of security modules,
	 * else from etc/selinux/config.
	 */
	int selinux;
	char *selinux_unread;     /* why sys/fs/selinux/enforce, which may be there, could not be read; NULL. Owned */
	const char *selinux_from; /* the file or directory that told it; static; NULL: none did */
};
/* As selinux_from it tells what the host was to be after its boot, not what it is. */
#define VD_SELINUX_CONFIG "/etc/selinux/config"

/*
 * Read the settings. Missing files mean defaults; a conf file that libvirt could not parse is reported in @problems
 * ("PATH:LINE: reason") and counts as defaults. @session: the session's conf files.
 */
int vd_svirt_settings_load(struct vd_root *root, bool session, struct vd_svirt_settings *ret_settings,
                           struct vd_strv *problems, struct vd_err *err) VD_MUST_CHECK;
void vd_svirt_settings_release(struct vd_svirt_settings *settings);

/* What libvirt does with a file when the guest ends. */
enum vd_after {
	VD_AFTER_UNCHANGED,  /* never touched */
	VD_AFTER_REMEMBERED, /* the label from before the start comes back */
	VD_AFTER_KEPT,       /* the running label stays */
	VD_AFTER_DEFAULT,    /* the policy's default */
	VD_AFTER_GONE,       /* the file is removed */
};

enum vd_categories {
	VD_CATEGORIES_NONE,
	VD_CATEGORIES_FIXED,
	VD_CATEGORIES_AT_START
};

/* How the guest reaches the file: decides what it must be allowed. */
enum vd_access {
	VD_ACCESS_READ,
	VD_ACCESS_READ_WRITE,
	VD_ACCESS_DAEMON, /* opened by libvirtd or virtlogd only */
	VD_ACCESS_APPEND, /* no file of a guest: how virtlogd opens a log, for questions to the policy */
};

/* One file of the guest and what libvirt does with it. */
struct vd_expect {
	enum vd_role role;
	char *target;                  /* "vda", "vda[1]" for layers below the top, "kernel", "serial0" */
	char *path;                    /* NULL for a network source: then @remote */
	char *remote;                  /* "nbd:export", for show; NULL */
	char *running;                 /* context while the guest runs; NULL: libvirt leaves the file alone */
	enum vd_categories categories; /* of @running: AT_START means @running ends at the sensitivity, ":s0" */
	enum vd_after after;
	enum vd_access access;
	bool optional;       /* startupPolicy: may be missing */
	bool private_dev;    /* below /dev with a private /dev: look in /proc/PID/root of the running guest */
	bool network;        /* a network source */
	bool drawn;          /* the categories in @running were drawn, or are, when the guest starts */
	bool quiet;          /* of libvirt's own making: worth showing only when something is wrong with it */
	bool daemon_creates; /* does not exist before the start, or libvirt makes it: missing is fine when shut off */
	const char *note;    /* static text: why it is not touched, or what is special; NULL */
	int res_index;       /* index into domain->resources, -1 for the domain itself */
	int layer;           /* index in the chain, 0 for the top */
	enum vd_chain_problem problem; /* chain problem at this layer */
	char *problem_text;            /* NULL without */
};

struct vd_expects {
	struct vd_expect *items;
	size_t len;
	char *process; /* expected process context, ends at the sensitivity when drawn at start; NULL: not confined */
	enum vd_categories process_categories;
	char *refused; /* a sentence when libvirt would refuse to start this XML because of its seclabels; NULL */
	bool confined;
};

/*
 * The files of @domain in document order, chains unfolded. For a running guest (status XML) the categories are those
 * of its live label; for a shut-off one of dynamic label they are drawn at start, or are @categories ("c111,c222", may
 * be NULL).
 * Reads image headers through @root. Returns 0 or -ENOMEM.
 */
int vd_svirt_expect(struct vd_root *root, const struct vd_domain *domain, const struct vd_svirt_settings *settings,
                    const char *categories, struct vd_expects *ret_expects, struct vd_err *err) VD_MUST_CHECK;
void vd_expects_release(struct vd_expects *expects);

/* The parts of a context "user:role:type:range"; range may itself hold colons. All borrowed from the parsed copy. */
struct vd_context {
	char *copy, *user, *role, *type, *range; /* range NULL when absent */
};
/* -EINVAL when it has fewer than three parts. The caller releases it. */
int vd_context_parse(const char *text, struct vd_context *ret_context) VD_MUST_CHECK;
void vd_context_release(struct vd_context *context);

/* The categories of a range as a set, "c1,c2", "c1.c3" and any order alike. */
struct vd_catset {
	uint64_t bits[16]; /* c0 to c1023 */
};
/*
 * Split the low level of @range ("s0", "s0:c1,c2", "s0-s0:c0.c1023": the part before the first '-') into its
 * sensitivity (text before the colon, copied into @ret_sens of 16 bytes) and category set. -EINVAL when malformed.
 */
int vd_range_parse(const char *range, char ret_sens[16], struct vd_catset *ret_set) VD_MUST_CHECK;
bool vd_catset_equal(const struct vd_catset *a, const struct vd_catset *b);
/* Every category of @a is in @b. */
bool vd_catset_subset(const struct vd_catset *a, const struct vd_catset *b);
bool vd_catset_empty(const struct vd_catset *a);
