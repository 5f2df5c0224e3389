/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All guests of a host, found in libvirt's directories without a daemon: persistent, running and transient, QEMU and
 * LXC, of the system or of one user's session.
 */

#include <time.h>

#include "domain.h"
#include "root.h"

enum vd_guest_state {
	VD_GUEST_SHUTOFF,
	VD_GUEST_RUNNING, /* running, paused, crashed...: the status XML's word is in vd_guest_state_text() */
	VD_GUEST_STALE,   /* a status XML whose process is gone or is another one */
};

struct vd_guest {
	struct vd_domain *config; /* persistent XML; NULL for a transient guest. At least one of the two is set. */
	struct vd_domain *status; /* status XML; NULL when shut off */
	char *config_path, *status_path; /* inside the root; NULL */
	bool autostart, managed_save;
	enum vd_guest_state state;
	pid_t pid;    /* of the live process (capture: of the status XML); 0 */
	time_t since; /* start of the process; 0 unknown */
};

/* A file that could not be examined. */
struct vd_guest_problem {
	char *path, *why; /* why: a sentence, with "line N: " in front for XML */
	int code;         /* positive errno; EACCES: not allowed to read it */
	char *guest;      /* whom it describes, where it was understood; NULL: see its name */
};

struct vd_guests {
	struct vd_guest *items; /* by driver, then by name */
	size_t len;
	struct vd_guest_problem *problems;
	size_t n_problems;
	bool session;
};

struct vd_guests_options {
	/* Only with @use_session: NULL or "" the calling user (under sudo the one who called it); else that user. */
	const char *session_user;
	bool use_session;
};

/*
 * Find and parse all guests. Broken XML of one guest goes to @problems and does not stop the others; directories that
 * do not exist are no problem, ones that may not be read are.
 * Returns 0 unless memory runs out or the session user does not exist.
 */
int vd_guests_load(struct vd_root *root, const struct vd_guests_options *options, struct vd_guests *ret_guests,
                   struct vd_err *err) VD_MUST_CHECK;
void vd_guests_release(struct vd_guests *guests);

/*
 * Whose session is meant: @user, or without one (NULL, "") the caller; under sudo who called it. The caller frees
 * *@ret_home. Returns 0; -ENOENT when there is no such account; another negative errno.
 */
int vd_session_user(struct vd_root *root, const char *user, uid_t *ret_uid, char **ret_home,
                    struct vd_err *err) VD_MUST_CHECK;
/* The value of an XDG variable where it means something: in our own session on this machine; else NULL. Borrowed. */
const char *vd_session_env(struct vd_root *root, uid_t uid, const char *name);

/* The description in force: status when the guest runs, else config (or, stale and transient, status). Borrowed. */
const struct vd_domain *vd_guest_domain(const struct vd_guest *guest);
/* The guest's name. Borrowed. */
const char *vd_guest_name(const struct vd_guest *guest);
/* "shut off", "stale", or the state of the status XML ("running", "paused", ...). */
const char *vd_guest_state_text(const struct vd_guest *guest);

/*
 * May what could not be examined tell something of one of the @n guests at @picked? A directory may of any; a file does
 * by its name, which libvirt makes of the guest's.
 */
bool vd_guests_problem_concerns(const struct vd_guest_problem *problem, const struct vd_guest *const *picked, size_t n);

/*
 * Find the guest that @spec means: a name, a UUID or the id of a running guest, with "qemu:" or "lxc:" before it when
 * ambiguous. A name beats a UUID beats an id. @ret_matches gets up to @max matching guests, borrowed.
 * Returns the number of matches: 0 none, 1 found, more: ambiguous.
 */
size_t vd_guests_find(const struct vd_guests *guests, const char *spec, const struct vd_guest **ret_matches,
                      size_t max);
/* Names near to @spec for "did you mean", best first, at most 3. Borrowed. */
size_t vd_guests_suggest(const struct vd_guests *guests, const char *spec, const char **ret_names, size_t max);

/*
 * Is @cmdline, @len bytes as /proc/PID/cmdline holds them with a NUL after each argument, that of the process of the
 * guest @name? QEMU: "-name guest=NAME,..." or, from old libvirt, "-name NAME"; commas in the name are doubled.
 * LXC: the controller's "--name NAME".
 */
bool vd_cmdline_is_guest(enum vd_driver driver, const char *cmdline, size_t len, const char *name);
/* The same for the process @pid: 1 yes, 0 no or no such process, negative errno when that cannot be told. */
int vd_guest_process(struct vd_root *root, pid_t pid, enum vd_driver driver, const char *name) VD_MUST_CHECK;
/* When the examined host booted, by the btime line of /proc/stat. Negative errno when it is not there. */
int vd_boot_time(struct vd_root *root, time_t *ret_time) VD_MUST_CHECK;
/* When the process @pid started, given the boot time. Negative errno when its /proc/PID/stat is not there. */
int vd_process_since(struct vd_root *root, pid_t pid, time_t boot, time_t *ret_time) VD_MUST_CHECK;
