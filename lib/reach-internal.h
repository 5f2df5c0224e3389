/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by lib/reach*.c only. */

#include "ways.h"
#include "reach-fix.h"
#include "reach.h"
#include "unmounted.h"

/* What the policy said of searching a directory. */
struct vd_reach_answer {
	char process[128], label[128]; /* type of the process, context of the directory */
	enum vd_policy_answer answer;
	bool permissive;
};

struct vd_reach {
	struct vd_root *root;
	const struct vd_svirt_settings *settings;
	struct vd_ways *ways;
	struct vd_mount_points points;
	struct vd_account qemu;  /* of the next start */
	struct vd_account swtpm; /* read when first needed: until then neither known nor with a reason */
	char *virtlogd;          /* its context; NULL where it cannot be told */
	struct vd_reach_answer answers[64];
	size_t n_answers;
	/* Whether the daemon may take a label from files, or give it to them. */
	struct vd_reach_relabel {
		char daemon[128], label[128];
		const char *class, *permission; /* static */
		int allowed;                    /* as vd_policy_allows() says */
	} relabels[32];
	size_t n_relabels;
	struct vd_reach_tally tally;
	struct vd_buf missing; /* the first thing that could not be told */
	bool file_unknown;     /* one was, for the file at hand */
	/* The emulator of the last guest: mostly all guests have the same one. */
	struct vd_reach_emulator {
		char *path; /* NULL: none yet */
		struct vd_way way;
		char *label; /* NULL: none, or not known */
	} emulator;
};

/* May @guest have @want (4 read, 2 write, 1 search or execute) of @n, seen with the owner of @st? */
int vd_reach_node(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_node *n,
                  const struct vd_stat *st, unsigned want, struct vd_file_check *c) VD_MUST_CHECK;
/* Something could not be told: @what and @why are put together. The first one of a run is kept. 0 or -ENOMEM. */
int vd_reach_note_missing(struct vd_reach *reach, const char *what, const char *why) VD_MUST_CHECK;
/* Can swtpm use @e, a file of an emulated TPM, and the way to it? */
int vd_reach_tpm(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                 const struct vd_way *way, struct vd_file_check *c) VD_MUST_CHECK;
void vd_reach_emulator_release(struct vd_reach_emulator *emulator);

/* The contexts of the daemons that open files besides libvirt's own. Returns 0 or -ENOMEM. */
int vd_reach_load_daemons(struct vd_reach *reach) VD_MUST_CHECK;

/* These complete @c for the file at the end of @way. Return 0 or -ENOMEM. */
/* A file that is missing, or an old one, because what should be mounted above it is not. */
int vd_reach_missing_mount(struct vd_reach *reach, const struct vd_expect *e, const struct vd_way *way,
                           struct vd_file_check *c) VD_MUST_CHECK;
/* A mount that is read-only or should not be the one, and file systems that take no label. */
int vd_reach_mount(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                   const struct vd_way *way, struct vd_file_check *c) VD_MUST_CHECK;
/* What the policy says of the directories, of libvirt's daemon and of virtlogd. */
int vd_reach_policy(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                    const struct vd_way *way, struct vd_file_check *c) VD_MUST_CHECK;
