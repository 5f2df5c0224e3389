/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/svirt-open: a file that was replaced, moved aside or deleted while a process, here this one, has it
 * open. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svirt-open.h"
#include "tap.h"
#include "tree.h"

static struct vd_root *host;

/* The verdict on @path as the top of a disk. */
static int judge(const char *path, struct vd_file_check *c)
{
	struct vd_open_files files = { 0 };
	char copy[512];
	struct vd_expect e = { .role = VD_ROLE_DISK, .access = VD_ACCESS_READ_WRITE, .path = copy, .target = copy };
	struct vd_expects all = { .items = &e, .len = 1 };
	int r;

	snprintf(copy, sizeof(copy), "%s", path);
	memset(c, 0, sizeof(*c));
	r = vd_open_files_load(host, getpid(), &files, NULL);
	tap_int(r, 0, "descriptors of this process");
	r = vd_open_judge(&files, host, &all, &e, c);
	vd_open_files_release(&files);
	return r;
}

int main(void)
{
	char dir[] = "/tmp/virtdiag-open.XXXXXX", path[64], other[64], link[64];
	struct vd_open_files none = { 0 };
	struct vd_file_check c;
	int fd;

	if (!mkdtemp(dir) || vd_root_open(NULL, 0, &host, NULL) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/disk.raw", dir);
	snprintf(other, sizeof(other), "%s/disk.raw.old", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	tap_ok(fd >= 0 && symlink(path, link) == 0, "a disk");

	tap_int(judge(path, &c), 0, "open by its name: judged");
	tap_int(c.status, VD_FILE_OK, "open by its name: nothing to say");
	vd_file_check_release(&c);
	tap_int(judge(link, &c), 0, "open by a symlink: judged");
	tap_int(c.status, VD_FILE_OK, "open by a symlink: nothing to say");
	vd_file_check_release(&c);

	tap_ok(rename(path, other) == 0 && judge(path, &c) == 0, "moved away and nothing in its place: judged");
	tap_int(c.status, VD_FILE_OK, "... the missing file says enough");
	vd_file_check_release(&c);
	tap_ok(close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == 0 && judge(path, &c) == 0,
	       "moved aside, another in its place: judged");
	tap_ok(c.status == VD_FILE_WRONG && c.reason == VD_REASON_REPLACED, "... wrong, replaced");
	tap_ok(c.why && strstr(c.why, other), "... it says what is open: %s", c.why);
	vd_file_check_release(&c);

	tap_ok(rename(path, other) == 0 && judge(other, &c) == 0, "replaced by a rename: judged");
	tap_ok(c.status == VD_FILE_WRONG && c.reason == VD_REASON_REPLACED, "... wrong, replaced");
	tap_ok(c.why && strstr(c.why, "no name any more"), "... it says so: %s", c.why);
	vd_file_check_release(&c);
	tap_ok(unlink(other) == 0 && judge(other, &c) == 0, "deleted: judged");
	tap_ok(c.status == VD_FILE_WRONG && c.why && strstr(c.why, "deleted"), "... wrong: %s", c.why ? c.why : "-");
	vd_file_check_release(&c);
	close(fd);

	/* A name that ends like the kernel's mark is a name. */
	snprintf(path, sizeof(path), "%s/x (deleted)", dir);
	snprintf(other, sizeof(other), "%s/x", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	tap_ok(close(open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == 0 && judge(path, &c) == 0,
	       "a file called 'x (deleted)': judged");
	tap_int(c.status, VD_FILE_OK, "... it is open");
	vd_file_check_release(&c);
	tap_ok(judge(other, &c) == 0 && c.status == VD_FILE_OK, "... and is not 'x'");
	vd_file_check_release(&c);
	close(fd);

	tap_ok(vd_open_files_load(host, 999999999, &none, NULL) < 0, "no such process");
	unlink(path);
	unlink(other);
	unlink(link);
	rmdir(dir);
	vd_root_free(host);
	return tap_done();
}
