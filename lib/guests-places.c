/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which directories describe guests: of the system, or of a user's session libvirt. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests-internal.h"
#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guests-places");

void vd_places_release(struct vd_places *places)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(places->items); i++) {
		free(places->items[i].config_dir);
		free(places->items[i].autostart_dir);
		free(places->items[i].run_dir);
		free(places->items[i].save_dir);
	}
	memset(places, 0, sizeof(*places));
}

char *vd_guests_format(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

/* "@dir@rest" into *@slot; false without memory. */
static bool join(char **slot, const char *dir, const char *rest)
{
	*slot = vd_guests_format("%s%s", dir, rest);
	return *slot != NULL;
}

static bool exists(struct vd_root *root, const char *path)
{
	struct vd_stat st;

	/* Everything but a plain "no" is left to the listing, which says what is wrong. */
	return vd_root_lstat(root, path, &st, NULL) != -ENOENT;
}

static int system_places(struct vd_root *root, struct vd_places *places)
{
	/* /var/run is a symlink to /run, except on very old hosts and in captures of half a host. */
	const char *run = exists(root, "/run/libvirt") ? "/run" : "/var/run";

	for (int d = 0; d < VD_DRIVER_COUNT_; d++) {
		struct vd_place *place = &places->items[d];
		const char *driver = vd_driver_name((enum vd_driver)d);

		place->driver = (enum vd_driver)d;
		places->len++;
		place->run_dir = vd_guests_format("%s/libvirt/%s", run, driver);
		if (!place->run_dir || !join(&place->config_dir, "/etc/libvirt/", driver) ||
		    !join(&place->autostart_dir, place->config_dir, "/autostart"))
			return -ENOMEM;
	}
	/* Only QEMU guests can be saved to a file. */
	return join(&places->items[VD_DRIVER_QEMU].save_dir, "/var/lib/libvirt/qemu/save", "") ? 0 : -ENOMEM;
}

/* The user who sits in front: under sudo the one who called it. */
static uid_t calling_uid(void)
{
	const char *sudo = getenv("SUDO_UID");
	char *end;
	unsigned long uid;

	if (geteuid() != 0 || !sudo || !*sudo)
		return getuid();
	errno = 0;
	uid = strtoul(sudo, &end, 10);
	return errno || *end || uid >= (uid_t)-1 ? getuid() : (uid_t)uid;
}

/* Account and home of the session's user. */
static int session_user(struct vd_root *root, const char *user, uid_t *ret_uid, char **ret_home, struct vd_err *err)
{
	VD_AUTO_FREE char *name = NULL;
	const char *home = getenv("HOME");
	int rc;

	if (user && *user)
		return vd_host_user(root, user, ret_uid, NULL, ret_home, err);
	*ret_uid = calling_uid();
	rc = vd_host_user_by_uid(root, *ret_uid, &name, NULL, ret_home, err);
	/* An account from a directory service stands in no file of this host, but we are running as it. */
	if (rc == -ENOENT && vd_root_is_live(root) && *ret_uid == getuid() && home && *home == '/') {
		*ret_home = strdup(home);
		return *ret_home ? 0 : -ENOMEM;
	}
	return rc;
}

/* The value of an XDG variable: ours means something only for our own session on this machine. */
static const char *own_env(struct vd_root *root, uid_t uid, const char *name)
{
	const char *value = getenv(name);

	return vd_root_is_live(root) && uid == getuid() && value && *value == '/' ? value : NULL;
}

/* Where the session's daemon keeps its state: in the runtime directory, without one in the cache. */
static int session_run_dir(struct vd_root *root, uid_t uid, const char *home, char **ret_dir)
{
	const char *env = own_env(root, uid, "XDG_RUNTIME_DIR");
	VD_AUTO_FREE char *runtime = NULL, *probe = NULL;

	runtime = env ? strdup(env) : vd_guests_format("/run/user/%lu", (unsigned long)uid);
	if (!runtime)
		return -ENOMEM;
	if (!join(&probe, runtime, "/libvirt"))
		return -ENOMEM;
	if (exists(root, probe))
		return join(ret_dir, runtime, "/libvirt/qemu/run") ? 0 : -ENOMEM;
	return join(ret_dir, home, "/.cache/libvirt/qemu/run") ? 0 : -ENOMEM;
}

static int session_places(struct vd_root *root, const char *user, struct vd_places *places, struct vd_err *err)
{
	VD_AUTO_FREE char *home = NULL;
	struct vd_place *place = &places->items[0];
	const char *config;
	uid_t uid;
	int rc;

	rc = session_user(root, user, &uid, &home, err);
	if (rc < 0)
		return rc;
	config = own_env(root, uid, "XDG_CONFIG_HOME");
	place->driver = VD_DRIVER_QEMU;
	places->len = 1;
	if (!join(&place->config_dir, config ? config : home, config ? "/libvirt/qemu" : "/.config/libvirt/qemu") ||
	    !join(&place->autostart_dir, place->config_dir, "/autostart") ||
	    !join(&place->save_dir, place->config_dir, "/save"))
		return -ENOMEM;
	VLOG_DEBUG("session of uid %lu: %s", (unsigned long)uid, place->config_dir);
	return session_run_dir(root, uid, home, &place->run_dir);
}

int vd_places_find(struct vd_root *root, const struct vd_guests_options *options, struct vd_places *places,
                   struct vd_err *err)
{
	int rc = options->use_session ? session_places(root, options->session_user, places, err)
	                              : system_places(root, places);

	return rc == -ENOMEM ? vd_err_set(err, ENOMEM, "no memory to look for guests") : rc;
}
