/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The libvirt daemons of a host as its files and processes show them: binaries, units, configuration, and what runs.
 * No daemon is asked, since asking one through its socket would start it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "daemon.h"
#include "err.h"
#include "root.h"

/* --- whose daemons ------------------------------------------------------------------------------------------------ */

/* The libvirt of the system, or of one user's session. Strings are owned. */
struct vd_daemon_scope {
	bool session;
	uid_t uid;      /* whose processes they are */
	char *conf_dir; /* "/etc/libvirt" */
	char *run_dir;  /* of the sockets: "/run/libvirt" */
	char *pid_dir;  /* of the pid files: "/run" */
	char *log_dir;  /* of the default log files: "/var/log/libvirt" */
};

/* With @session that of @user (NULL or "": see vd_session_user()). Returns 0; -ENOENT: no such account; -ENOMEM. */
int vd_daemon_scope_find(struct vd_root *root, bool session, const char *user, struct vd_daemon_scope *ret_scope,
                         struct vd_err *err) VD_MUST_CHECK;
void vd_daemon_scope_release(struct vd_daemon_scope *scope);
#define VD_AUTO_DAEMON_SCOPE VD_CLEANUP(vd_daemon_scope_release) struct vd_daemon_scope

/* --- units -------------------------------------------------------------------------------------------------------- */

/* What `systemctl is-enabled` would say, from files alone. */
enum vd_unit_state {
	VD_UNIT_NONE, /* there is no such unit */
	VD_UNIT_STATIC,
	VD_UNIT_INDIRECT,
	VD_UNIT_DISABLED,
	VD_UNIT_ENABLED,
	VD_UNIT_MASKED,
	VD_UNIT_COUNT_
};
/* "enabled", ...; NULL for VD_UNIT_NONE. */
const char *vd_unit_state_name(enum vd_unit_state state);

struct vd_unit {
	enum vd_unit_state state;
	char *path; /* the file, NULL without one. Owned */
};

/* The names of units that a *.wants or *.requires directory of the administrator holds, appended to @names. */
int vd_units_enabled(struct vd_root *root, struct vd_strv *names) VD_MUST_CHECK;
/* The unit @name ("virtqemud.socket"); @enabled as vd_units_enabled() gives it. Returns 0 or -ENOMEM. */
int vd_unit_find(struct vd_root *root, const char *name, const struct vd_strv *enabled,
                 struct vd_unit *ret_unit) VD_MUST_CHECK;

/* One variable that a service gets from its unit, drop-ins and environment files. Owned. */
struct vd_unit_var {
	char *name, *value;
	char *path; /* the file that sets it */
	unsigned line;
	bool from_file; /* by an EnvironmentFile, which beats Environment= */
};
struct vd_unit_env {
	struct vd_unit_var *items;
	size_t len, cap;
	char *unreadable; /* the first file that is there and could not be read; NULL */
	char *why;
};
/*
 * The environment that the service @name ("virtqemud") would start with as far as its files say. systemd.exec(5);
 * specifiers other than %% stay as they are, patterns of file names are not expanded. Returns 0 or -ENOMEM.
 */
int vd_unit_env_load(struct vd_root *root, const char *name, struct vd_unit_env *ret_env) VD_MUST_CHECK;
void vd_unit_env_release(struct vd_unit_env *env);
/* Borrowed; NULL when it is not set. */
const struct vd_unit_var *vd_unit_env_get(const struct vd_unit_env *env, const char *name);

/* --- processes ---------------------------------------------------------------------------------------------------- */

struct vd_daemon_process {
	pid_t pid;
	int64_t since;  /* seconds since the epoch; 0 unknown */
	uint64_t ticks; /* its start in clock ticks since boot: with the pid, its identity; 0 unknown */
	uid_t uid;
	bool uid_known;
	char *exe;            /* the binary, without " (deleted)"; NULL unknown */
	char *context;        /* SELinux context or AppArmor profile; NULL: none, or unknown */
	char *config;         /* --config on its command line; NULL */
	bool exe_deleted;     /* the binary was replaced or removed since */
	bool library_deleted; /* the same of libvirt.so */
	unsigned version;     /* of the libvirt.so that it has loaded; 0 unknown */
	bool is_verbose;      /* -v on its command line */
	bool is_daemonised;   /* -d */
	bool elsewhere;   /* its sockets are not those of this host or session: a container, another XDG_RUNTIME_DIR */
	bool by_pid_file; /* the pid file names it */
	long timeout;     /* --timeout on its command line, seconds; 0: none, or 0 */
};

/* The environment variable @name of process @pid into *@ret_value, NULL when it is not set there. */
int vd_process_env(struct vd_root *root, pid_t pid, const char *name, char **ret_value,
                   struct vd_err *err) VD_MUST_CHECK;
/* When the process @pid began, in clock ticks since boot; 0: not known. */
uint64_t vd_process_ticks(struct vd_root *root, pid_t pid);
/* Is the process @pid that began at @ticks still there? Any doubt is a yes. */
bool vd_process_is_same(struct vd_root *root, pid_t pid, uint64_t ticks);

/* All processes of daemons; filled by vd_daemons_load(). */
struct vd_daemon_processes {
	struct vd_named_process {
		const char *name; /* static */
		struct vd_daemon_process process;
	} * items;
	size_t len, cap;
	bool seen; /* /proc could be listed and held processes */
};
int vd_daemon_processes_load(struct vd_root *root, const struct vd_daemon_scope *scope,
                             struct vd_daemon_processes *ret_processes) VD_MUST_CHECK;
void vd_daemon_processes_release(struct vd_daemon_processes *processes);
void vd_daemon_process_release(struct vd_daemon_process *process);

/* --- daemons ------------------------------------------------------------------------------------------------------ */

enum vd_daemon_state {
	VD_DAEMON_UNKNOWN, /* a capture does not tell */
	VD_DAEMON_RUNNING,
	VD_DAEMON_WAITING, /* does not run; systemd listens on its socket and starts it on demand */
	VD_DAEMON_STOPPED, /* does not run, nobody listens */
	VD_DAEMON_ABSENT,  /* only its configuration or unit is there */
	VD_DAEMON_STATE_COUNT_
};
const char *vd_daemon_state_name(enum vd_daemon_state state);

struct vd_daemon {
	const char *name; /* static */
	enum vd_daemon_state state;
	char *binary; /* installed; NULL. Owned, as all strings here */
	char *conf;   /* its configuration file, whether or not it exists */
	bool has_conf;
	bool conf_newer;     /* than the process */
	bool stale_pid_file; /* names a process that is no such daemon */
	char *pid_file;      /* NULL: none */
	char *unsure;        /* why the state is unknown; NULL */
	struct vd_unit service, socket;
	struct vd_daemon_process *processes; /* the one that serves this host first, those elsewhere last */
	size_t n_processes;
};

enum vd_daemon_mode {
	VD_MODE_NONE,
	VD_MODE_MONOLITHIC,
	VD_MODE_MODULAR,
	VD_MODE_MIXED,
	VD_MODE_UNKNOWN /* nothing tells, and the capture does not hold what would show that there is none */
};
const char *vd_daemon_mode_name(enum vd_daemon_mode mode);

struct vd_daemons {
	struct vd_daemon_scope scope;
	struct vd_daemon *items; /* those with any trace, libvirtd first, then by name */
	size_t len;
	enum vd_daemon_mode mode;
	bool mode_by_use;   /* by what runs or is enabled; else only by what is installed */
	const char *unsure; /* why the mode is unknown; NULL. Static */
};

/* Returns 0; -ENOENT when the session's user does not exist; -ENOMEM. What cannot be read is told per daemon. */
int vd_daemons_load(struct vd_root *root, bool session, const char *user, struct vd_daemons *ret_daemons,
                    struct vd_err *err) VD_MUST_CHECK;
void vd_daemons_release(struct vd_daemons *daemons);
#define VD_AUTO_DAEMONS VD_CLEANUP(vd_daemons_release) struct vd_daemons

/* The daemon @name; NULL without a trace of it. Borrowed. */
const struct vd_daemon *vd_daemons_get(const struct vd_daemons *daemons, const char *name);
/*
 * Who does the work of the modular daemon @name on this host: the one that runs; else as vd_daemon_find() says; else
 * the one with any other trace, where a configuration file that sets something weighs more than an empty one. Errors as
 * there.
 */
int vd_daemons_serving(struct vd_root *root, const struct vd_daemons *daemons, const char *name,
                       struct vd_daemon_place *ret_place, struct vd_err *err) VD_MUST_CHECK;
/* The process that serves this host; NULL when there is none. Borrowed. */
const struct vd_daemon_process *vd_daemon_main(const struct vd_daemon *daemon);

/* --- log settings ------------------------------------------------------------------------------------------------- */

enum vd_log_setting {
	VD_SETTING_FILTERS,
	VD_SETTING_OUTPUTS,
	VD_SETTING_LEVEL,
	VD_SETTING_COUNT_
};
/* "filters", "outputs", "level". */
const char *vd_log_setting_name(enum vd_log_setting setting);

enum vd_log_origin {
	VD_ORIGIN_ADMIN,       /* what virt-admin reports: added by whoever asks it */
	VD_ORIGIN_COMMAND,     /* -v on the command line */
	VD_ORIGIN_ENVIRONMENT, /* of the running process */
	VD_ORIGIN_UNIT,        /* environment that the unit would give to the next process */
	VD_ORIGIN_CONF,
	VD_ORIGIN_BUILTIN,
	VD_ORIGIN_COUNT_
};
const char *vd_log_origin_name(enum vd_log_origin origin);

struct vd_log_value {
	enum vd_log_setting setting;
	enum vd_log_origin origin;
	char *value;   /* owned; NULL: it is there, but no value of the right type: see error */
	char *path;    /* where it stands, NULL for built-in ones. Owned */
	unsigned line; /* 0: no lines there */
	char *error;   /* why libvirt would not take it; NULL. Owned. Strings of filters and outputs are not judged here
	                */
	bool unread;   /* it stands for a file that could not be read: what that sets, if anything, is not known */
	bool now, next; /* in force in the running process; would be after a restart */
};

struct vd_log_values {
	struct vd_log_value *items;
	size_t len, cap;
	bool now_unsure; /* the running process may use something else: the environment is unreadable, or conf is newer
	                  */
	char *missing, *missing_why; /* the file that could not be read; NULL */
};

/*
 * What sets the log settings of @daemon, by falling weight within each setting, with what is in force now and what
 * would be after a restart. libvirt's order: command line, environment, configuration file, built in; an empty string
 * counts as not set. The built-in output depends on whether the host has a journal.
 * Returns 0 or -ENOMEM.
 */
int vd_daemon_log_load(struct vd_root *root, const struct vd_daemon_scope *scope, const struct vd_daemon *daemon,
                       struct vd_log_values *ret_values) VD_MUST_CHECK;
/* Add what virt-admin reports: it is in force now and nothing else of that setting is. Returns 0 or -ENOMEM. */
int vd_log_values_add_admin(struct vd_log_values *values, enum vd_log_setting setting, const char *value,
                            const char *uri) VD_MUST_CHECK;
/* The value in force now (@next: after a restart) of @setting; NULL when that is not known. Borrowed. */
const struct vd_log_value *vd_log_values_get(const struct vd_log_values *values, enum vd_log_setting setting,
                                             bool next);
void vd_log_values_release(struct vd_log_values *values);
#define VD_AUTO_LOG_VALUES VD_CLEANUP(vd_log_values_release) struct vd_log_values

/* The admin socket's URI: "virtqemud:///system"; seen from --pid, with the socket's path. The caller frees it. */
char *vd_daemon_admin_uri(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name);
