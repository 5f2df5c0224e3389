/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt-xattr.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utmp.h>

#include "file-check.h"
#include "guests.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.xattr");

#define PREFIX "trusted.libvirt.security."

/* Two daemons of one host work out boot times that are a second apart. */
#define TOLERANCE 2

/* A host with a few thousand sessions. */
#define MAX_UTMP (4u << 20)

static const char *const names[] = {
	[VD_NOTE_USERS] = VD_OWNER_NOTE_USERS,
	[VD_NOTE_LABEL] = PREFIX "selinux",
	[VD_NOTE_STAMP] = PREFIX "timestamp_selinux",
};
_Static_assert(VD_ARRAY_SIZE(names) == VD_NOTE_COUNT_, "a name for each attribute");

/* A plain number, -1 when @text is none. */
static int64_t number(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	return end == text || *end || errno || n < 0 ? -1 : n;
}

int vd_owner_note_read(struct vd_root *root, const char *path, struct vd_owner_note *ret_note)
{
	struct vd_owner_note note = { .stamp = -1 };
	int r = 0;
	int64_t n;

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		VD_AUTO_BUF value = VD_BUF_INIT;

		r = vd_root_xattr(root, path, names[i], &value, NULL);
		/* Without the counter libvirt takes the others for nothing. */
		if (i == 0 && r < 0)
			return r == -EOPNOTSUPP ? -ENODATA : r;
		if (r == 0 && vd_buf_reserve(&value, 1) == 0)
			note.raw[i] = vd_buf_steal(&value);
		if (r == -ENOMEM || (r == 0 && !note.raw[i])) {
			vd_owner_note_release(&note);
			return -ENOMEM;
		}
	}
	n = number(note.raw[VD_NOTE_USERS]);
	note.users = n > 0 ? (unsigned long)n : 0;
	if (note.raw[VD_NOTE_STAMP])
		note.stamp = number(note.raw[VD_NOTE_STAMP]);
	*ret_note = note;
	return 0;
}

void vd_owner_note_release(struct vd_owner_note *note)
{
	for (size_t i = 0; i < VD_NOTE_COUNT_; i++)
		free(note->raw[i]);
	memset(note, 0, sizeof(*note));
}

static int add_removal(struct vd_file_check *check, const struct vd_owner_note *note, const char *path)
{
	int r = 0;

	if (check->status == VD_FILE_WRONG) {
		free(check->stale_users);
		check->stale_users = strdup(note->raw[VD_NOTE_USERS]);
		if (!check->stale_users)
			return -ENOMEM;
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(names) && !r; i++) {
		const char *const command[] = { "setfattr", "-x", names[i], "--", path, NULL };
		const char *const undo[] = { "setfattr", "-n", names[i], "-v", note->raw[i], "--", path, NULL };

		if (note->raw[i])
			r = vd_file_add_fix(check, command, undo, i ? NULL : "only while no guest uses the file");
	}
	return r;
}

void vd_boot_times_add(struct vd_boot_times *boot, time_t when)
{
	for (size_t i = 0; i < boot->len; i++)
		if (boot->times[i] == when)
			return;
	if (when > 0 && boot->len < VD_ARRAY_SIZE(boot->times))
		boot->times[boot->len++] = when;
}

time_t vd_utmp_boot_time(const void *data, size_t len)
{
	const char *bytes = data;

	for (size_t at = 0; len - at >= sizeof(struct utmp); at += sizeof(struct utmp)) {
		struct utmp record;

		memcpy(&record, bytes + at, sizeof(record));
		if (record.ut_type == BOOT_TIME)
			return record.ut_tv.tv_sec;
	}
	return -1;
}

void vd_boot_times_load(struct vd_root *root, struct vd_boot_times *boot)
{
	VD_AUTO_BUF utmp = VD_BUF_INIT;
	time_t when;

	if (vd_root_read(root, "/run/utmp", MAX_UTMP, &utmp, NULL) == 0 && utmp.len)
		vd_boot_times_add(boot, vd_utmp_boot_time(utmp.data, utmp.len));
	if (vd_boot_time(root, &when) == 0)
		vd_boot_times_add(boot, when);
}

static bool is_of_boot(const struct vd_owner_note *note, const struct vd_boot_times *boot)
{
	for (size_t i = 0; i < boot->len; i++)
		if (note->stamp >= 0 && llabs((long long)note->stamp - (long long)boot->times[i]) <= TOLERANCE)
			return true;
	return false;
}

/* No guest runs with the file, and still it is noted as used. */
static int judge_unused(const struct vd_expect *expect, const struct vd_owner_note *note,
                        const struct vd_boot_times *boot, struct vd_file_check *check)
{
	const char *plural = note->users == 1 ? "" : "s";
	int r;

	if (!boot->len) {
		r = vd_file_verdict(check, VD_FILE_UNKNOWN_STATUS, VD_REASON_STALE_XATTR,
		                    "libvirt counts %lu user%s of the file though no guest runs with it; when the host "
		                    "booted, which decides whether libvirt believes that, is not known",
		                    note->users, plural);
	} else if (!is_of_boot(note, boot)) {
		return vd_file_verdict(
		        check, VD_FILE_DIFFERS, VD_REASON_STALE_XATTR,
		        "libvirt's note of the label from before (%s) is of another boot or host: the next "
		        "start drops it, and afterwards the file gets the policy's default",
		        note->raw[VD_NOTE_LABEL] ? note->raw[VD_NOTE_LABEL] : "none");
	} else if (check->actual && expect->categories != VD_CATEGORIES_AT_START &&
	           vd_label_compare(expect->running, check->actual) == VD_LABEL_SAME) {
		/* A static label: the next start wants just what is there. */
		r = vd_file_verdict(check, VD_FILE_DIFFERS, VD_REASON_STALE_XATTR,
		                    "libvirt still counts %lu user%s of the file though no guest runs with it: its old "
		                    "label will not come back",
		                    note->users, plural);
	} else {
		r = vd_file_verdict(
		        check, VD_FILE_WRONG, VD_REASON_STALE_XATTR,
		        "libvirt still counts %lu user%s of the file, left behind by a crash or copied with "
		        "it, though no guest runs with it: the next start is refused (\"Setting different "
		        "SELinux label on %s which is already in use\")",
		        note->users, plural, expect->path);
	}
	return r ? r : add_removal(check, note, expect->path);
}

int vd_owner_judge(struct vd_root *root, const struct vd_expect *expect, unsigned users,
                   const struct vd_boot_times *boot, struct vd_file_check *check)
{
	struct vd_owner_note note = { 0 };
	int r;

	if (!expect->path || !expect->running || expect->after != VD_AFTER_REMEMBERED || check->counts_as_problem ||
	    check->status == VD_FILE_MISSING)
		return 0;
	r = vd_owner_note_read(root, expect->path, &note);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	VLOG_DEBUG("%s: %lu remembered, %u run, of boot %lld", expect->path, note.users, users, (long long)note.stamp);
	if (!users)
		r = judge_unused(expect, &note, boot, check);
	else if (note.users > users && is_of_boot(&note, boot))
		r = vd_file_verdict(check, VD_FILE_DIFFERS, VD_REASON_STALE_XATTR,
		                    "libvirt counts %lu users of the file, but %u guest%s with it: its old label will "
		                    "not come back",
		                    note.users, users, users == 1 ? " runs" : "s run");
	vd_owner_note_release(&note);
	return r;
}
