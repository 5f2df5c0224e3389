/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selinux-mode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.selinux-mode");

#define ENFORCE "/sys/fs/selinux/enforce"
#define STATUS  "/sys/fs/selinux/status"

int vd_selinux_state_parse(const void *page, size_t len, struct vd_selinux_state *ret_state)
{
	/* version, sequence, enforcing, policyload, deny_unknown: security/selinux/include/security.h */
	uint32_t words[4];

	if (len < sizeof(words))
		return -EBADMSG;
	memcpy(words, page, sizeof(words));
	/* An odd sequence: the kernel is just writing. */
	if (!words[0] || words[1] & 1)
		return -EBADMSG;
	*ret_state = (struct vd_selinux_state){
		.enforcing = words[2] != 0, .counted = true, .sequence = words[1], .loads = words[3]
	};
	return 0;
}

static ssize_t read_all(const char *path, void *buf, size_t size)
{
	VD_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size);
	return n < 0 ? -errno : n;
}

int vd_selinux_state_read(struct vd_selinux_state *ret_state, struct vd_err *err)
{
	char page[64], mode;
	ssize_t n;

	for (int tries = 0; tries < 100; tries++) {
		n = read_all(STATUS, page, sizeof(page));
		if (n < 0)
			break;
		if (vd_selinux_state_parse(page, (size_t)n, ret_state) == 0)
			return 0;
	}
	n = read_all(ENFORCE, &mode, 1);
	if (n == -ENOENT || n == -ENOTDIR)
		return vd_err_set(err, ENOENT, "SELinux is off on this machine");
	if (n < 1)
		return vd_err_set(err, n < 0 ? (int)-n : EIO, "cannot read " ENFORCE ": %s",
		                  strerror(n < 0 ? (int)-n : EIO));
	*ret_state = (struct vd_selinux_state){ .enforcing = mode == '1' };
	return 0;
}

uint32_t vd_selinux_switches(const struct vd_selinux_state *before, const struct vd_selinux_state *now)
{
	if (!before->counted || !now->counted)
		return before->enforcing != now->enforcing;
	return (now->sequence - before->sequence) / 2 - (now->loads - before->loads);
}

int vd_selinux_set_enforcing(bool enforcing, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = open(ENFORCE, O_WRONLY | O_CLOEXEC);
	int code;

	if (fd >= 0 && write(fd, enforcing ? "1" : "0", 1) == 1) {
		VLOG_INFO("switched to %s", enforcing ? "enforcing" : "permissive");
		return 0;
	}
	code = errno;
	return vd_err_set(err, code, "cannot switch SELinux to %s: %s: %s", enforcing ? "enforcing" : "permissive",
	                  ENFORCE, strerror(code));
}

enum vd_selinux_restored vd_selinux_restore(const struct vd_selinux_state *before, struct vd_err *err)
{
	struct vd_selinux_state now;
	uint32_t switches;

	if (vd_selinux_state_read(&now, err) < 0)
		return VD_RESTORED_FAILED;
	switches = vd_selinux_switches(before, &now);
	if (!switches)
		return VD_RESTORED_NOTHING;
	if (switches > 1 || now.enforcing == before->enforcing)
		return VD_RESTORED_OTHERS;
	return vd_selinux_set_enforcing(before->enforcing, err) < 0 ? VD_RESTORED_FAILED : VD_RESTORED;
}
