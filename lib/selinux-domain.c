/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-domain.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "program.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.selinux-domain");

/* A policy is rebuilt: a second on a fast machine, minutes on an emulated one. */
#define TIMEOUT_MS (10u * 60 * 1000)
#define MAX_NAME   128

bool vd_selinux_is_type_name(const char *type)
{
	size_t len = strlen(type);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)type[i]) && type[i] != '_')
			return false;
	return len > 0 && len <= MAX_NAME && isalpha((unsigned char)type[0]);
}

/* Runs @argv; -ENOENT when it is not installed, -EIO with its words when it fails. */
static int run(const char *const *argv, struct vd_buf *out, struct vd_err *err)
{
	VD_AUTO_BUF errors = VD_BUF_INIT;
	int status, r;

	r = vd_program_run(argv, TIMEOUT_MS, out, &errors, &status, err);
	if (r < 0)
		return r;
	VLOG_DEBUG("%s %s: status %d", argv[0], argv[1], status);
	if (!status)
		return 0;
	return vd_err_set(err, EIO, "`%s %s %s` failed (%d): %.300s", argv[0], argv[1], argv[2] ? argv[2] : "", status,
	                  errors.len ? vd_buf_str(&errors) : vd_buf_str(out));
}

int vd_selinux_domain_module(const char *type, struct vd_err *err)
{
	static const char *const list[] = { "semodule", "-l", NULL };
	VD_AUTO_BUF out = VD_BUF_INIT;
	char name[MAX_NAME + 16];
	int len, r;

	if (!vd_selinux_is_type_name(type))
		return vd_err_set(err, EINVAL, "'%s' is no name of a type", type);
	len = snprintf(name, sizeof(name), "permissive_%s", type);
	r = run(list, &out, err);
	if (r < 0)
		return r;
	/* A name a line; older ones add a version. */
	for (const char *p = vd_buf_str(&out); (p = strstr(p, name)) != NULL; p += len)
		if ((p == out.data || p[-1] == '\n') && (!p[len] || isspace((unsigned char)p[len])))
			return 1;
	return 0;
}

/* semodule takes the module's name from that of the file; semanage_t may read what lies in /tmp. */
static int install(const char *type, struct vd_err *err)
{
	char dir[] = "/tmp/virtdiag-XXXXXX", file[sizeof(dir) + MAX_NAME + 32];
	const char *argv[] = { "semodule", "-i", file, NULL };
	VD_AUTO_BUF text = VD_BUF_INIT, out = VD_BUF_INIT;
	int fd, r;

	if (vd_buf_addf(&text, "(typepermissive %s)\n", type) < 0)
		return vd_err_set(err, ENOMEM, "no memory");
	if (!mkdtemp(dir))
		return vd_err_set(err, errno, "cannot make a directory in /tmp: %s", strerror(errno));
	snprintf(file, sizeof(file), "%s/permissive_%s.cil", dir, type);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	r = r < 0 ? vd_err_set(err, -r, "cannot write %s: %s", file, strerror(-r)) : run(argv, &out, err);
	unlink(file);
	rmdir(dir);
	return r;
}

int vd_selinux_domain_set(const char *type, bool permissive, struct vd_err *err)
{
	char module[MAX_NAME + 16];
	const char *remove[] = { "semodule", "-r", module, NULL };
	const char *semanage[] = { "semanage", "permissive", permissive ? "-a" : "-d", type, NULL };
	VD_AUTO_BUF out = VD_BUF_INIT;
	int r;

	if (!vd_selinux_is_type_name(type))
		return vd_err_set(err, EINVAL, "'%s' is no name of a type", type);
	snprintf(module, sizeof(module), "permissive_%s", type);
	r = permissive ? install(type, err) : run(remove, &out, err);
	if (r == -ENOENT)
		r = run(semanage, &out, err);
	if (r == -ENOENT)
		return vd_err_set(err, ENOENT,
		                  "neither semodule nor semanage is installed (package policycoreutils): one domain "
		                  "alone cannot be switched");
	return r;
}
