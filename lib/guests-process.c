/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a process the one that runs a guest, and since when. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guests-process");

/* A QEMU command line has one argument per option: large guests reach some hundred KiB. */
#define MAX_CMDLINE   (4u << 20)
/* /proc/stat has a counter for each interrupt of the machine. */
#define MAX_PROC_STAT (4u << 20)
/* What the kernel shows times in when the host is not this machine: every architecture that runs guests has 100. */
#define CAPTURE_TICKS 100

/* Does the value of QEMU's -name begin with @name, as QEMU writes it (commas doubled), and end there? */
static bool is_qemu_name(const char *value, const char *name)
{
	for (; *name; name++, value++) {
		if (*value != *name)
			return false;
		if (*name == ',' && *++value != ',')
			return false;
	}
	/* A single comma: other options follow, such as debug-threads=on. */
	return !*value || (*value == ',' && value[1] != ',');
}

bool vd_cmdline_is_guest(enum vd_driver driver, const char *cmdline, size_t len, const char *name)
{
	const char *option = driver == VD_DRIVER_LXC ? "--name" : "-name";
	const char *end = cmdline + len;
	bool wanted = false;

	/* Arguments end with NUL; the last one may have lost it. */
	for (const char *arg = cmdline; arg < end;) {
		size_t arg_len = strnlen(arg, (size_t)(end - arg));

		if (arg + arg_len == end)
			break;
		if (wanted && driver == VD_DRIVER_LXC)
			return !strcmp(arg, name);
		if (wanted)
			return is_qemu_name(!strncmp(arg, "guest=", 6) ? arg + 6 : arg, name);
		wanted = arg != cmdline && !strcmp(arg, option);
		arg += arg_len + 1;
	}
	return false;
}

int vd_guest_process(struct vd_root *root, pid_t pid, enum vd_driver driver, const char *name)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	rc = vd_root_read(root, path, MAX_CMDLINE, &buf, NULL);
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	if (rc < 0)
		return rc;
	/* So that the last argument is seen even when the process cut it off. */
	rc = vd_buf_addc(&buf, '\0');
	if (rc < 0)
		return rc;
	return vd_cmdline_is_guest(driver, buf.data, buf.len, name);
}

int vd_boot_time(struct vd_root *root, time_t *ret_time)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *line;
	int64_t n;
	int rc;

	rc = vd_root_read(root, "/proc/stat", MAX_PROC_STAT, &buf, NULL);
	if (rc < 0)
		return rc;
	line = strstr(vd_buf_str(&buf), "\nbtime ");
	if (!line || sscanf(line, "\nbtime %" SCNd64, &n) != 1 || n < 0)
		return -EBADMSG;
	*ret_time = (time_t)n;
	return 0;
}

/* Field 22, counted behind the command's name, which stands in parentheses and may hold anything. */
static int start_ticks(const char *stat, uint64_t *ret_ticks)
{
	const char *p = strrchr(stat, ')');
	char *end;

	for (unsigned field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EBADMSG;
	errno = 0;
	*ret_ticks = strtoull(p + 1, &end, 10);
	return errno || end == p + 1 ? -EBADMSG : 0;
}

int vd_process_since(struct vd_root *root, pid_t pid, time_t boot, time_t *ret_time)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	long hz = vd_root_is_live(root) ? sysconf(_SC_CLK_TCK) : CAPTURE_TICKS;
	uint64_t ticks = 0;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	rc = vd_root_read(root, path, VD_MAX_CGROUP, &buf, NULL);
	if (rc == 0)
		rc = start_ticks(vd_buf_str(&buf), &ticks);
	if (rc < 0)
		return rc;
	if (__builtin_add_overflow(boot, (time_t)(ticks / (uint64_t)(hz > 0 ? hz : CAPTURE_TICKS)), ret_time))
		return -EBADMSG;
	VLOG_DEBUG("process %ld runs since %lld", (long)pid, (long long)*ret_time);
	return 0;
}
