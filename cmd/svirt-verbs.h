/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of `virtdiag svirt` share. Private to them; cmd-svirt.c lists the verbs. */

#include "command.h"
#include "daemons.h"
#include "report.h"
#include "svirt-conf.h"
#include "svirt.h"

extern const struct vd_cmd vd_svirt_status, vd_svirt_disable, vd_svirt_enable;

/* The words of --driver, in the order of enum vd_driver. */
extern const char *const vd_svirt_driver_words[];

/* What the host has, for all drivers. */
struct vd_svirt_view {
	struct vd_ctx *ctx;
	struct vd_daemons daemons;
	struct vd_svirt_host host;
	int selinux; /* as vd_svirt_settings.selinux */
	struct vd_guests guests;
	bool has_guests; /* @guests could be loaded */
};

/* Prints what went wrong and returns another status than VD_EXIT_OK. The caller releases @ret_view either way. */
enum vd_exit vd_svirt_view_load(struct vd_ctx *ctx, struct vd_svirt_view *ret_view);
void vd_svirt_view_release(struct vd_svirt_view *view);

/* The configuration file of one driver, and the daemon that reads it. */
struct vd_svirt_file {
	enum vd_driver driver;
	char *path;
	bool exists;
	struct vd_buf text;
	struct vd_svirt_conf conf;
	struct vd_svirt_outcome next; /* of a daemon that starts with the file as it is */
	struct vd_err err;            /* with a code: it cannot be read, or libvirt cannot parse it */
	int64_t changed;              /* when it was last changed; -1 unknown */
	unsigned nlink;
	const char *daemon_name;                 /* static; the likely one when it is unknown */
	bool daemon_unknown;                     /* a capture does not show which daemon reads the file */
	const struct vd_daemon *daemon;          /* NULL without a trace. Borrowed from the view, as the next */
	const struct vd_daemon_process *process; /* NULL: it does not run */
	bool newer;                              /* the file, than the process */
};

/* Never fails for what the file holds: see ->err. Ends the program without memory. */
void vd_svirt_file_load(struct vd_svirt_view *view, enum vd_driver driver, struct vd_svirt_file *ret_file);
void vd_svirt_file_release(struct vd_svirt_file *file);
#define VD_AUTO_SVIRT_FILE VD_CLEANUP(vd_svirt_file_release) struct vd_svirt_file

/* "probe", "none", "selinux,apparmor": the names that @conf chooses. The caller frees it. */
char *vd_svirt_names(const struct vd_svirt_conf *conf);
/* "selinux", "none": what confines guests then; NULL when that is not known or the daemon does not start. */
char *vd_svirt_models(const struct vd_svirt_outcome *outcome);

/* --- restarting --------------------------------------------------------------------------------------------------- */

/* How a daemon comes to read its files again. */
struct vd_svirt_restart {
	enum {
		VD_RESTART_NOTHING, /* it does not run: @why says what will make it read the file */
		VD_RESTART_COMMAND, /* @argv does it */
		VD_RESTART_SIGNAL,  /* a session's daemon is ended; its next client starts it */
		VD_RESTART_BY_HAND, /* @why; NULL on a captured host */
	} how;
	struct vd_strv argv; /* also for SIGNAL, for show */
	char *why;           /* owned */
};

void vd_svirt_restart_plan(struct vd_svirt_view *view, const struct vd_svirt_file *file, struct vd_svirt_restart *ret);
void vd_svirt_restart_release(struct vd_svirt_restart *restart);
#define VD_AUTO_SVIRT_RESTART VD_CLEANUP(vd_svirt_restart_release) struct vd_svirt_restart
/*
 * For a daemon that did not come up: have systemd forget how often it failed, and start it again. Returns 0 or a
 * negative errno with @err.
 */
int vd_svirt_restart_again(struct vd_svirt_view *view, const struct vd_svirt_file *file,
                           const struct vd_svirt_restart *restart, struct vd_err *err) VD_MUST_CHECK;
/* Do it, and make sure that the driver serves again. Returns 0 or a negative errno with @err. */
int vd_svirt_restart_run(struct vd_svirt_view *view, const struct vd_svirt_file *file,
                         const struct vd_svirt_restart *restart, struct vd_err *err) VD_MUST_CHECK;
