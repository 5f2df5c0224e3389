/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Questions to the SELinux policy that the running kernel enforces, and to the file contexts of a policy. The only
 * module that knows libselinux. Labels of files are read by lib/root; contexts are taken apart by lib/svirt-context.
 */

#include "root.h"
#include "svirt.h"

enum vd_policy_answer {
	VD_POLICY_CANNOT_TELL, /* no SELinux kernel, not allowed to ask, or a context it does not know */
	VD_POLICY_ALLOWED,
	VD_POLICY_DENIED_TYPE,     /* no rule allows it, whatever the categories */
	VD_POLICY_DENIED_CATEGORY, /* a rule allows the type, but the categories (MCS) forbid it */
};

/*
 * The labels that the policy of a host has for paths, file_contexts and what goes with it: what restorecon(8) would
 * set. libselinux gets a private copy of the text files, never the compiled ones of the host, which hold code.
 */
struct vd_defaults;

/*
 * The rules below @contexts_dir ("/etc/selinux/targeted/contexts") of @root. Read when first asked: most runs need
 * none. Both are borrowed. @contexts_dir may be NULL: no policy. The caller frees *@ret_defaults. Returns 0 or -ENOMEM.
 */
int vd_defaults_new(struct vd_root *root, const char *contexts_dir, struct vd_defaults **ret_defaults) VD_MUST_CHECK;
/*
 * The context that the policy has for @path, a resolved path, of @type; the caller frees *@ret_context. -ENOENT: none,
 * restorecon leaves such a file alone; -VD_NO_EVIDENCE: the rules cannot be read; -ENOMEM.
 */
int vd_defaults_lookup(struct vd_defaults *defaults, const char *path, enum vd_file_type type,
                       char **ret_context) VD_MUST_CHECK;
void vd_defaults_free(struct vd_defaults *defaults);
void vd_defaults_cleanup(struct vd_defaults **defaults);
#define VD_AUTO_DEFAULTS VD_CLEANUP(vd_defaults_cleanup)

/* Does the running kernel have SELinux switched on? Nothing else here means anything without. */
bool vd_policy_available(void);

/*
 * May a process with context @process use a file of context @file and type @type for @access? Asked with
 * security_compute_av_flags_raw(), which writes no audit record and, unlike selinux_check_access(), never says yes for
 * want of SELinux. @ret_permissive (may be NULL) tells whether the domain alone is permissive.
 * With VD_ACCESS_READ_WRITE "write" is asked too, else only reading.
 */
enum vd_policy_answer vd_policy_ask(const char *process, const char *file, enum vd_file_type type,
                                    enum vd_access access, bool *ret_permissive);

/*
 * Does the policy in force allow a process of context @scontext all of @perms ("read write", words of audit records) on
 * an object of class @tclass and context @tcontext? 1 yes, 0 no, -1 cannot tell (see vd_policy_ask(); also a class or
 * permission that this kernel does not know). Permissive domains count as forbidden what the policy forbids.
 */
int vd_policy_allows(const char *scontext, const char *tcontext, const char *tclass, const char *perms);

/* The class of a file of @type in the policy: "file", "blk_file", ... Static. */
const char *vd_policy_class(enum vd_file_type type);
/*
 * Is the domain @type alone permissive in the policy in force? 1 yes, 0 no, -ENOENT: the policy has no such domain for
 * system_r, -ENODATA: it cannot be asked.
 */
int vd_policy_domain_permissive(const char *type);
