/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into the private libvirtd by svirt-oracle.bats: tells it that SELinux is active, so that its SELinux driver
 * runs on any kernel. Process labels go nowhere; file labels go to the real security.selinux attribute through the real
 * libselinux functions, where the test reads them. Only what libvirt calls is here.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* What the policy would say of an image, and what a file without a label is taken for. */
#define DEFAULT_LABEL "system_u:object_r:virt_image_t:s0"
#define DAEMON_LABEL  "system_u:system_r:virtd_t:s0-s0:c0.c1023"
#define CONTEXTS      "/etc/libvirt/oracle/"
#define EXPORT        __attribute__((visibility("default")))

struct selabel_handle {
	int unused;
};
struct selinux_opt;
static struct selabel_handle handle;

static int give(const char *text, char **con)
{
	*con = strdup(text);
	return *con ? 0 : -1;
}

static int file_label(ssize_t n, const char *text, char **con)
{
	if (n < 0 && errno != ENODATA)
		return -1;
	return give(n > 0 ? text : DEFAULT_LABEL, con) < 0 ? -1 : (int)strlen(*con) + 1;
}

EXPORT int is_selinux_enabled(void);
EXPORT int is_selinux_enabled(void)
{
	return 1;
}

EXPORT int security_getenforce(void);
EXPORT int security_getenforce(void)
{
	return 1;
}

EXPORT int security_check_context(const char *con);
EXPORT int security_check_context(const char *con)
{
	return con ? 0 : -1;
}

EXPORT int security_get_boolean_active(const char *name);
EXPORT int security_get_boolean_active(const char *name)
{
	(void)name;
	return 0;
}

EXPORT int getcon_raw(char **con);
EXPORT int getcon_raw(char **con)
{
	return give(DAEMON_LABEL, con);
}

EXPORT int getcon(char **con);
EXPORT int getcon(char **con)
{
	return give(DAEMON_LABEL, con);
}

EXPORT int getpidcon_raw(int pid, char **con);
EXPORT int getpidcon_raw(int pid, char **con)
{
	(void)pid;
	return give(DAEMON_LABEL, con);
}

EXPORT int getpeercon(int fd, char **con);
EXPORT int getpeercon(int fd, char **con)
{
	(void)fd;
	return give(DAEMON_LABEL, con);
}

EXPORT int setexeccon_raw(const char *con);
EXPORT int setexeccon_raw(const char *con)
{
	(void)con;
	return 0;
}

EXPORT int setsockcreatecon_raw(const char *con);
EXPORT int setsockcreatecon_raw(const char *con)
{
	(void)con;
	return 0;
}

EXPORT int getfilecon_raw(const char *path, char **con);
EXPORT int getfilecon_raw(const char *path, char **con)
{
	char text[256] = "";

	return file_label(getxattr(path, "security.selinux", text, sizeof(text) - 1), text, con);
}

EXPORT int lgetfilecon_raw(const char *path, char **con);
EXPORT int lgetfilecon_raw(const char *path, char **con)
{
	char text[256] = "";

	return file_label(lgetxattr(path, "security.selinux", text, sizeof(text) - 1), text, con);
}

EXPORT int fgetfilecon_raw(int fd, char **con);
EXPORT int fgetfilecon_raw(int fd, char **con)
{
	char text[256] = "";

	return file_label(fgetxattr(fd, "security.selinux", text, sizeof(text) - 1), text, con);
}

EXPORT struct selabel_handle *selabel_open(unsigned backend, const struct selinux_opt *opts, unsigned n);
EXPORT struct selabel_handle *selabel_open(unsigned backend, const struct selinux_opt *opts, unsigned n)
{
	(void)backend;
	(void)opts;
	(void)n;
	return &handle;
}

EXPORT void selabel_close(struct selabel_handle *h);
EXPORT void selabel_close(struct selabel_handle *h)
{
	(void)h;
}

EXPORT int selabel_lookup_raw(struct selabel_handle *h, char **con, const char *key, int type);
EXPORT int selabel_lookup_raw(struct selabel_handle *h, char **con, const char *key, int type)
{
	(void)h;
	(void)key;
	(void)type;
	return give(DEFAULT_LABEL, con);
}

EXPORT const char *selinux_virtual_domain_context_path(void);
EXPORT const char *selinux_virtual_domain_context_path(void)
{
	return CONTEXTS "virtual_domain_context";
}

EXPORT const char *selinux_virtual_image_context_path(void);
EXPORT const char *selinux_virtual_image_context_path(void)
{
	return CONTEXTS "virtual_image_context";
}

EXPORT const char *selinux_lxc_contexts_path(void);
EXPORT const char *selinux_lxc_contexts_path(void)
{
	return CONTEXTS "lxc_contexts";
}
