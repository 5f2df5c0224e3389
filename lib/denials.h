/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * SELinux denials of guests and of libvirt's daemons: collected from audit events, folded, tied to guests, explained.
 * The evidence is a log that may be older than what runs now: a category pair or a process id of then may belong to
 * another guest today, so libvirt's own audit records decide first, and what is only likely says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit.h"
#include "guests.h"
#include "root.h"
#include "svirt.h"

/* So many different denials are kept; the rest is counted in vd_denials.dropped. */
#define VD_DENIALS_MAX 20000
#define VD_DENIAL_PIDS 8

struct vd_denial_cause;

/* How a denial was tied to its guest. */
enum vd_denial_tie {
	VD_TIE_NONE,
	VD_TIE_RECORD, /* libvirt's audit records: the guest had this label at that time */
	VD_TIE_PID,    /* the process of the guest, then (records) or now (it already ran) */
	VD_TIE_LABEL,  /* the guest that runs with this label now, and did at that time */
	VD_TIE_FILE,   /* a file of the guest: by path, or by inode and device */
	VD_TIE_NAME,   /* only this guest has a file of that name */
	VD_TIE_OBJECT, /* the object carries the guest's categories */
	VD_TIE_COUNT_
};
/* "record", "pid", "label", "file", "name", "object"; NULL for NONE. */
const char *vd_denial_tie_name(enum vd_denial_tie tie);

enum vd_denial_kind {
	VD_DENIAL_TYPE,     /* no rule allows it */
	VD_DENIAL_CATEGORY, /* the object carries categories that the process does not have */
	VD_DENIAL_COUNT_
};
/* "type", "category". */
const char *vd_denial_kind_name(enum vd_denial_kind kind);

/* One denial, as often as it was seen. Strings are owned; NULL: the records do not tell. */
struct vd_denial {
	uint64_t count;
	int64_t first_ms, last_ms; /* -1: the log does not tell */
	pid_t pids[VD_DENIAL_PIDS];
	size_t n_pids; /* may be more than VD_DENIAL_PIDS: so many there were */
	bool permissive, by_program;
	char *comm, *exe, *perms, *scontext, *tcontext, *tclass;
	char *path; /* absolute; of the record, or of the guest's file with that inode */
	char *name; /* the last component, or the name of a capability */
	char *dev;
	bool has_ino;
	uint64_t ino;
	enum vd_denial_kind kind;
	/* filled by vd_denials_tie() */
	enum vd_denial_tie tie;
	char *guest; /* name; NULL: no single guest */
	enum vd_driver driver;
	char *note; /* what a reader must know of the tie or of the object's categories; NULL */
	/* filled by vd_denials_explain() */
	const struct vd_denial_cause *cause; /* borrowed from the causes; NULL: no rule knows it */
	size_t next;                         /* chain of the hash table */
};

/* A guest had a label, or a process, from @from_ms until @to_ms. */
struct vd_tenure {
	char *guest, *uuid; /* uuid NULL when unknown */
	enum vd_driver driver;
	pid_t pid;              /* 0: the record is about a label */
	int64_t from_ms, to_ms; /* to_ms INT64_MAX: not ended as far as the log goes */
	bool has_set;           /* of a label: it has a range that makes sense */
	struct vd_catset set;   /* the categories of that range */
};

struct vd_denials {
	struct vd_denial *items;
	size_t len, cap;
	uint64_t dropped; /* beyond VD_DENIALS_MAX */
	struct vd_tenure *tenures;
	size_t n_tenures, cap_tenures;
	int mode;        /* 1 enforcing, 0 permissive: what the last switch that the log holds went to */
	int64_t mode_ms; /* when; 0: it holds none */
	size_t *buckets;
};

/* A vd_audit_fn with a zeroed struct vd_denials as @data. */
int vd_denials_add(void *denials, const struct vd_audit_event *event);
void vd_denials_release(struct vd_denials *denials);
#define VD_AUTO_DENIALS VD_CLEANUP(vd_denials_release) struct vd_denials

/* Is @context that of a guest, of one of libvirt's daemons or helpers, or of a file that libvirt labels? */
bool vd_context_is_libvirt(const char *context);

/* A file of a guest, for vd_denials_tie(). @dev and @ino are 0 where nobody knows them (captures). */
struct vd_denial_file {
	const struct vd_guest *guest; /* borrowed */
	char *path;                   /* owned; symlinks resolved where they can be */
	bool is_dir;                  /* a directory on the way to a file */
	dev_t dev;
	ino_t ino;
};
struct vd_denial_files {
	struct vd_denial_file *items;
	size_t len, cap;
	struct vd_root *root; /* borrowed */
};
/* The files of all @guests and the directories that lead to them. Guests that cannot be judged add none. -ENOMEM. */
int vd_denial_files_load(struct vd_root *root, const struct vd_guests *guests, const struct vd_svirt_settings *settings,
                         struct vd_denial_files *ret_files) VD_MUST_CHECK;
void vd_denial_files_release(struct vd_denial_files *files);

/*
 * Tie each denial to a guest. @guests and @files are those of now; @files may be NULL. Sets guest, driver, tie, note
 * and, where an inode tells it, path. Denials that then differ only by process or time are folded once more, and the
 * list is sorted by last time. Returns 0 or -ENOMEM.
 */
int vd_denials_tie(struct vd_denials *denials, const struct vd_guests *guests,
                   const struct vd_denial_files *files) VD_MUST_CHECK;
/* Does a denial still need files to be tied or to get its path? */
bool vd_denials_want_files(const struct vd_denials *denials);

/* --- lib/denial-cause.c: what usual denials mean ------------------------------------------------------------------ */

/* A row of lib/data/denials.tsv; strings are static. */
struct vd_denial_cause {
	const char *id;
	const char *text;    /* why it was denied, a sentence */
	const char *advice;  /* what else to do, or not to do; NULL */
	const char *boolean; /* the policy's switch for it, where it has one; NULL */
	bool harmless;       /* nothing is lost by it */
	bool see_check;      /* `selinux check GUEST` judges the object and prints the fix */
};
struct vd_denial_causes {
	struct vd_denial_cause *items;
	struct vd_denial_rule *rules; /* what they fit; of the same length */
	size_t len;
	char *text;
};
int vd_denial_causes_load(struct vd_denial_causes *ret_causes) VD_MUST_CHECK;
void vd_denial_causes_release(struct vd_denial_causes *causes);
#define VD_AUTO_DENIAL_CAUSES VD_CLEANUP(vd_denial_causes_release) struct vd_denial_causes
/* Set the cause of each denial; the causes must live as long. */
void vd_denials_explain(struct vd_denials *denials, const struct vd_denial_causes *causes);
