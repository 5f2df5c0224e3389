/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.host");

#define MAX_PASSWD (4u << 20)
#define MAX_DPKG   (64u << 20)
#define MAX_BANNER (64u << 10)

int vd_version_parse(const char *s, unsigned *ret_version)
{
	unsigned parts[3] = { 0 };
	size_t n = 0;

	for (;;) {
		unsigned v = 0;

		if (*s < '0' || *s > '9')
			return -EINVAL;
		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (unsigned)(*s - '0');
			if (v > 999)
				return -EINVAL;
		}
		parts[n++] = v;
		if (*s != '.' || n == VD_ARRAY_SIZE(parts))
			break;
		s++;
	}
	if (n < 2 || (*s && *s != '-' && *s != '+'))
		return -EINVAL;
	*ret_version = VD_VERSION(parts[0], parts[1], parts[2]);
	return 0;
}

const char *vd_version_format(unsigned version, char buf[32])
{
	if (version)
		snprintf(buf, 32, "%u.%u.%u", version / 1000000, version / 1000 % 1000, version % 1000);
	else
		snprintf(buf, 32, "unknown");
	return buf;
}

/* The first line of a small file; NULL when there is none. */
static char *first_line(struct vd_root *root, const char *path)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	if (vd_root_read(root, path, 4096, &buf, NULL) < 0)
		return NULL;
	buf.len = strcspn(vd_buf_str(&buf), "\r\n");
	if (!buf.len)
		return NULL;
	buf.data[buf.len] = '\0';
	return vd_buf_steal(&buf);
}

/*
 * libvirt.so.0.9000.0: libtool's version numbers, which libvirt makes as major * 1000 + minor, then release.
 */
static unsigned version_from_library(const char *name)
{
	unsigned first, release;
	int end = 0;

	if (sscanf(name, "libvirt.so.0.%u.%u%n", &first, &release, &end) != 2 || name[end] || first > 99999 ||
	    release > 999)
		return 0;
	return VD_VERSION(first / 1000, first % 1000, release);
}

static void library_in(struct vd_root *root, const char *dir, struct vd_host *host)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	char *path = NULL;

	if (vd_root_list(root, dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		unsigned v = version_from_library(names.items[i]);

		if (v <= host->libvirt || asprintf(&path, "%s/%s", dir, names.items[i]) < 0)
			continue;
		host->libvirt = v;
		free(host->libvirt_evidence);
		host->libvirt_evidence = path;
	}
}

/* Directories of shared libraries, the multiarch ones of Debian too. Listing /usr/lib costs less than reading packages.
 */
static void version_by_library(struct vd_root *root, struct vd_host *host)
{
	static const char *const multiarch[] = { "x86_64-linux-gnu", "aarch64-linux-gnu", "powerpc64le-linux-gnu",
		                                 "s390x-linux-gnu",  "i386-linux-gnu",    "arm-linux-gnueabihf",
		                                 "riscv64-linux-gnu" };
	static const char *const plain[] = { "/usr/lib64", "/lib64", "/usr/local/lib64", "/usr/local/lib" };
	char dir[64];

	for (size_t i = 0; i < VD_ARRAY_SIZE(multiarch) && !host->libvirt; i++) {
		snprintf(dir, sizeof(dir), "/usr/lib/%s", multiarch[i]);
		library_in(root, dir, host);
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(plain) && !host->libvirt; i++)
		library_in(root, plain[i], host);
	if (!host->libvirt)
		library_in(root, "/usr/lib", host);
}

/* "Version: 9.0.0-4+deb12u2" of the package libvirt0 in dpkg's status file; a Debian epoch would precede a colon. */
static void version_by_dpkg(struct vd_root *root, struct vd_host *host)
{
	static const char path[] = "/var/lib/dpkg/status";
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *p, *end, *v, *colon;
	char version[32];

	if (vd_root_read(root, path, MAX_DPKG, &buf, NULL) < 0)
		return;
	p = strstr(vd_buf_str(&buf), "\nPackage: libvirt0\n");
	if (!p)
		return;
	end = strstr(p, "\n\n");
	v = strstr(p, "\nVersion: ");
	if (!v || (end && v > end))
		return;
	v += strlen("\nVersion: ");
	snprintf(version, sizeof(version), "%.*s", (int)strcspn(v, "\n"), v);
	colon = strchr(version, ':');
	if (vd_version_parse(colon ? colon + 1 : version, &host->libvirt) < 0)
		host->libvirt = 0;
	else
		host->libvirt_evidence = strdup(path);
}

/* "libvirt-libs-10.5.0-7.el9.x86_64" in the package list of a sosreport. */
static void version_by_rpm_list(struct vd_root *root, struct vd_host *host)
{
	static const char *const lists[] = { "/installed-rpms", "/sos_commands/rpm/package-data" };
	static const char *const packages[] = { "libvirt-libs-", "libvirt-daemon-" };
	VD_AUTO_BUF buf = VD_BUF_INIT;

	for (size_t i = 0; i < VD_ARRAY_SIZE(lists) && !host->libvirt; i++) {
		if (vd_root_read(root, lists[i], MAX_DPKG, &buf, NULL) < 0)
			continue;
		for (size_t k = 0; k < VD_ARRAY_SIZE(packages) && !host->libvirt; k++) {
			const char *p = vd_buf_str(&buf);
			size_t n = strlen(packages[k]);

			for (; p && !host->libvirt; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
				char version[32];

				if (strncmp(p, packages[k], n) || p[n] < '0' || p[n] > '9')
					continue;
				snprintf(version, sizeof(version), "%.*s", (int)strcspn(p + n, "-\n"), p + n);
				if (vd_version_parse(version, &host->libvirt) < 0)
					host->libvirt = 0;
				else
					host->libvirt_evidence = strdup(lists[i]);
			}
		}
	}
}

/* The last "libvirt version: 9.0.0" that a guest's log holds near its start or in its first 64 KiB. */
static void version_by_guest_log(struct vd_root *root, struct vd_host *host)
{
	static const char dir[] = "/var/log/libvirt/qemu";
	VD_AUTO_STRV names = VD_STRV_INIT;

	if (vd_root_list(root, dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		VD_AUTO_BUF buf = VD_BUF_INIT;
		VD_AUTO_FREE char *path = NULL;
		VD_AUTO_CLOSE int fd = -1;
		size_t n = strlen(names.items[i]);
		ssize_t got;
		unsigned v;

		if (n < 4 || strcmp(names.items[i] + n - 4, ".log") ||
		    asprintf(&path, "%s/%s", dir, names.items[i]) < 0)
			continue;
		if (vd_root_open_file(root, path, &fd, NULL) < 0 || vd_buf_reserve(&buf, MAX_BANNER) < 0)
			continue;
		got = pread(fd, buf.data, MAX_BANNER, 0);
		if (got <= 0)
			continue;
		buf.data[got] = '\0';
		for (const char *p = buf.data; (p = strstr(p, "libvirt version: ")) != NULL;) {
			char version[32];

			p += strlen("libvirt version: ");
			snprintf(version, sizeof(version), "%.*s", (int)strcspn(p, ", \n"), p);
			if (vd_version_parse(version, &v) < 0 || v < host->libvirt)
				continue;
			host->libvirt = v;
			free(host->libvirt_evidence);
			host->libvirt_evidence = strdup(path);
		}
	}
}

int vd_host_load(struct vd_root *root, struct vd_host *ret_host)
{
	struct vd_host host = { 0 };
	struct utsname uts;

	if (vd_root_is_live(root) && !vd_root_pid(root) && uname(&uts) == 0)
		host.name = strdup(uts.nodename);
	else
		host.name = first_line(root, "/etc/hostname");
	host.machine_id = first_line(root, "/etc/machine-id");
	version_by_library(root, &host);
	if (!host.libvirt)
		version_by_dpkg(root, &host);
	if (!host.libvirt)
		version_by_rpm_list(root, &host);
	if (!host.libvirt)
		version_by_guest_log(root, &host);
	VLOG_DEBUG("host %s, libvirt %u from %s", host.name ? host.name : "?", host.libvirt,
	           host.libvirt_evidence ? host.libvirt_evidence : "nothing");
	*ret_host = host;
	return 0;
}

void vd_host_release(struct vd_host *host)
{
	free(host->name);
	free(host->machine_id);
	free(host->libvirt_evidence);
	memset(host, 0, sizeof(*host));
}

/* One line of etc/passwd, taken apart in place. */
struct account {
	char *name, *home;
	uid_t uid;
	gid_t gid;
};

static bool parse_account(char *line, struct account *ret)
{
	char *fields[7] = { NULL }, *end;
	unsigned long uid, gid;

	for (size_t i = 0; i < VD_ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&line, ":");
	if (!fields[5])
		return false;
	uid = strtoul(fields[2], &end, 10);
	if (!*fields[2] || *end || uid > UINT32_MAX)
		return false;
	gid = strtoul(fields[3], &end, 10);
	if (!*fields[3] || *end || gid > UINT32_MAX)
		return false;
	*ret = (struct account){ fields[0], fields[5], (uid_t)uid, (gid_t)gid };
	return true;
}

/* Find by @name, or by @uid when @name is NULL. @buf keeps the text that @ret points into. */
static int find_account(struct vd_root *root, const char *name, uid_t uid, struct vd_buf *buf, struct account *ret,
                        struct vd_err *err)
{
	int r = vd_root_read(root, "/etc/passwd", MAX_PASSWD, buf, err);
	char *rest, *line;

	if (r < 0)
		return r;
	rest = buf->data;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (parse_account(line, ret) && (name ? !strcmp(ret->name, name) : ret->uid == uid))
			return 0;
	return name ? vd_err_set(err, ENOENT, "there is no user %s in /etc/passwd", name)
	            : vd_err_set(err, ENOENT, "there is no user with uid %lu in /etc/passwd", (unsigned long)uid);
}

static int hand_out(const char *value, char **ret)
{
	if (!ret)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

int vd_host_user(struct vd_root *root, const char *name, uid_t *ret_uid, gid_t *ret_gid, char **ret_home,
                 struct vd_err *err)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	struct account a;
	int r = find_account(root, name, 0, &buf, &a, err);

	if (!r)
		r = hand_out(a.home, ret_home);
	if (r < 0)
		return r;
	if (ret_uid)
		*ret_uid = a.uid;
	if (ret_gid)
		*ret_gid = a.gid;
	return 0;
}

int vd_host_user_by_uid(struct vd_root *root, uid_t uid, char **ret_name, gid_t *ret_gid, char **ret_home,
                        struct vd_err *err)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	VD_AUTO_FREE char *name = NULL;
	struct account a;
	int r = find_account(root, NULL, uid, &buf, &a, err);

	if (!r && ret_name)
		r = hand_out(a.name, &name);
	if (!r)
		r = hand_out(a.home, ret_home);
	if (r < 0)
		return r;
	if (ret_name)
		*ret_name = vd_steal(name);
	if (ret_gid)
		*ret_gid = a.gid;
	return 0;
}
