/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guestboot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Taints are few (libvirt 11 knows 15); a hostile log must not fill the memory with invented ones. */
#define MAX_TAINTS 64

static const char *const how_names[VD_BOOT_HOW_COUNT_] = {
	[VD_BOOT_FRESH] = "fresh",
	[VD_BOOT_RESTORED] = "restored",
	[VD_BOOT_INCOMING] = "incoming",
};

const char *vd_boot_how_name(enum vd_boot_how how)
{
	return how_names[how];
}

void vd_boots_init(struct vd_boots *boots, enum vd_driver driver, bool keep)
{
	*boots = (struct vd_boots){ .driver = driver, .keep = keep };
}

static void boot_release(struct vd_boot *boot)
{
	vd_strv_release(&boot->taints);
}

void vd_boots_release(struct vd_boots *boots)
{
	for (size_t i = 0; i < boots->len; i++)
		boot_release(&boots->items[i]);
	free(boots->items);
	*boots = (struct vd_boots){ .driver = boots->driver };
}

size_t vd_boots_count(const struct vd_boots *boots)
{
	return boots->count;
}

static struct vd_boot *last(struct vd_boots *boots)
{
	return boots->len ? &boots->items[boots->len - 1] : NULL;
}

/* --- one boot after the other ---------------------------------------------------------------------------------- */

static int new_boot(struct vd_boots *boots, int64_t start)
{
	struct vd_boot *boot = last(boots);

	if (boot && boots->open && boot->end_kind == VD_BOOT_OPEN)
		boot->end_kind = boots->driver == VD_DRIVER_LXC ? VD_BOOT_UNTOLD : VD_BOOT_LOST;
	if (!boots->keep && boots->len == 2) {
		boot_release(&boots->items[0]);
		boots->items[0] = boots->items[1];
		boots->len = 1;
	}
	if (boots->len == boots->cap) {
		size_t cap = boots->cap ? boots->cap * 2 : 4;
		struct vd_boot *items = realloc(boots->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		boots->items = items;
		boots->cap = cap;
	}
	boots->items[boots->len++] = (struct vd_boot){ .start = start, .end = VD_NO_TIME };
	boots->count++;
	boots->open = true;
	boots->block = boots->incoming_next = false;
	return 1;
}

/* The text between @before and the first of @after, or the end, into @to. */
static void copy_between(const char *s, size_t len, const char *before, const char *after, char *to, size_t size)
{
	const char *start = memmem(s, len, before, strlen(before)), *end;
	size_t left, n = 0;

	to[0] = '\0';
	if (!start)
		return;
	start += strlen(before);
	left = len - (size_t)(start - s);
	end = after ? memmem(start, left, after, strlen(after)) : NULL;
	left = end ? (size_t)(end - start) : left;
	while (n < left && n < size - 1 && start[n] != '\r' && start[n] != '\0') {
		to[n] = start[n];
		n++;
	}
	to[n] = '\0';
}

/* Cut @version after its digits and dots: QEMU's package is glued to it ("7.2.22Debian 1:7.2+dfsg"). */
static void digits_only(char *version)
{
	size_t n = strspn(version, "0123456789.");

	while (n && version[n - 1] == '.')
		n--;
	version[n] = '\0';
}

/* "starting up libvirt version: 9.0.0, package: ..., qemu version: 7.2.22Debian ..., kernel: ..., hostname: vm" */
static void banner(struct vd_boot *boot, const char *s, size_t len)
{
	copy_between(s, len, "libvirt version: ", ",", boot->libvirt, sizeof(boot->libvirt));
	copy_between(s, len, ", qemu version: ", ",", boot->qemu, sizeof(boot->qemu));
	copy_between(s, len, ", kernel: ", ",", boot->kernel, sizeof(boot->kernel));
	digits_only(boot->libvirt);
	digits_only(boot->qemu);
}

static bool has_word(const char *s, size_t len, const char *word)
{
	return memmem(s, len, word, strlen(word)) != NULL;
}

static void incoming(struct vd_boots *boots, const char *uri, size_t len)
{
	struct vd_boot *boot = last(boots);
	const struct vd_boot *before = boots->len > 1 ? boot - 1 : NULL;

	if (before && before->end_kind == VD_BOOT_ENDED &&
	    (!strcmp(before->reason, "saved") || !strcmp(before->reason, "from snapshot")))
		boot->how = VD_BOOT_RESTORED;
	else if (len >= 3 && (!memcmp(uri, "fd:", 3) || (len >= 5 && !memcmp(uri, "exec:", 5))))
		/* Before "defer" (QEMU 2.3) libvirt handed a saved image over as a descriptor, a migration as an
		 * address. */
		boot->how = VD_BOOT_RESTORED;
	else
		boot->how = VD_BOOT_INCOMING;
}

/* An argument line, or the whole command line as it was written before linebreaks came. */
static void argument(struct vd_boots *boots, const char *s, size_t len)
{
	struct vd_boot *boot = last(boots);
	const char *at;

	if (boot->how == VD_BOOT_UNKNOWN)
		boot->how = VD_BOOT_FRESH;
	if (boots->driver != VD_DRIVER_QEMU)
		return;
	if (boots->incoming_next) {
		boots->incoming_next = false;
		incoming(boots, s, len);
	} else if (len > 10 && !memcmp(s, "-incoming ", 10)) {
		/* "-incoming \" with the address in the next line is met where an option takes no value in libvirt's
		 * list. */
		if (s[10] == '\\')
			boots->incoming_next = true;
		else
			incoming(boots, s + 10, len - 10);
	} else if (len > 9 && !memcmp(s, "-loadvm ", 8)) {
		boot->how = VD_BOOT_RESTORED;
	} else if (len > 100 && s[0] != '-') {
		at = memmem(s, len, " -incoming ", 11);
		if (at)
			incoming(boots, at + 11, len - (size_t)(at + 11 - s));
		else if (has_word(s, len, " -loadvm "))
			boot->how = VD_BOOT_RESTORED;
	}
}

static int taint(struct vd_boot *boot, const char *s, size_t len)
{
	char text[64];

	copy_between(s, len, " is tainted: ", " ", text, sizeof(text));
	if (!text[0] || boot->taints.len >= MAX_TAINTS || vd_strv_has(&boot->taints, text))
		return 0;
	return vd_strv_add(&boot->taints, text);
}

/* "terminating on signal 15 from pid 26876 (bash)" */
static void terminated(struct vd_boot *boot, const char *s, size_t len)
{
	char number[16];

	copy_between(s, len, "terminating on signal ", " ", number, sizeof(number));
	boot->signal = (int)strtol(number, NULL, 10);
	copy_between(s, len, " from pid ", " ", number, sizeof(number));
	boot->signal_pid = strtol(number, NULL, 10);
	copy_between(s, len, " (", ")", boot->signal_name, sizeof(boot->signal_name));
}

static int ended(struct vd_boots *boots, const struct vd_guestline *line)
{
	struct vd_boot *boot;
	int begun = 0;

	/* An end without a beginning: of a start that failed before QEMU ran, or the beginning is lost. */
	if (!boots->open) {
		begun = new_boot(boots, VD_NO_TIME);
		if (begun < 0)
			return begun;
	}
	boot = last(boots);
	copy_between(line->message, line->message_len, "reason=", NULL, boot->reason, sizeof(boot->reason));
	boot->end = line->time;
	boot->end_kind = begun && !strcmp(boot->reason, "failed") ? VD_BOOT_EARLY : VD_BOOT_ENDED;
	if (!strcmp(boot->reason, "failed") && !boot->errors)
		boot->errors = 1;
	boots->open = false;
	return begun;
}

/* Lines of the guest's own log that say that something runs, although nothing was seen to begin. */
static bool implies_boot(const struct vd_boots *boots, const struct vd_guestline *line)
{
	if (boots->count)
		return line->block_begins;
	switch (line->kind) {
	case VD_KIND_ENV:
	case VD_KIND_ARGV:
	case VD_KIND_QEMU:
	case VD_KIND_QEMU_ERROR:
	case VD_KIND_TAINTED:
	case VD_KIND_CHARDEV:
	case VD_KIND_LIBVIRT:
	case VD_KIND_CONTAINER:
		return true;
	default:
		return false;
	}
}

int vd_boots_line(struct vd_boots *boots, const struct vd_guestline *line, const char *text, size_t len)
{
	struct vd_boot *boot;
	int begun = 0;

	if (line->kind == VD_KIND_SHUTDOWN)
		return ended(boots, line);
	if (line->kind == VD_KIND_START || (!boots->open && implies_boot(boots, line)) ||
	    (boots->open && line->block_begins)) {
		begun = new_boot(boots, line->kind == VD_KIND_START ? line->time : VD_NO_TIME);
		if (begun < 0)
			return begun;
	}
	boot = last(boots);
	if (!boot)
		return 0;
	switch (line->kind) {
	case VD_KIND_START:
		banner(boot, line->message, line->message_len);
		break;
	case VD_KIND_ARGV:
		argument(boots, text, len);
		break;
	case VD_KIND_TAINTED:
		if (taint(boot, line->message, line->message_len) < 0)
			return -ENOMEM;
		break;
	case VD_KIND_QEMU:
		if (has_word(line->message, line->message_len > 40 ? 40 : line->message_len, "terminating on signal "))
			terminated(boot, line->message, line->message_len);
		break;
	case VD_KIND_CONTAINER:
		if (line->level == VD_LEVEL_ERROR) {
			boot->end_kind = VD_BOOT_FAILED;
			boot->end = VD_NO_TIME;
		}
		break;
	case VD_KIND_LIBVIRT:
		if (!boot->libvirt[0] && boots->driver == VD_DRIVER_LXC &&
		    has_word(line->message, line->message_len > 20 ? 20 : line->message_len, "libvirt version: "))
			banner(boot, line->message, line->message_len);
		break;
	default:
		break;
	}
	if (line->level == VD_LEVEL_ERROR)
		boot->errors++;
	return begun;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static const char *signal_word(int signal, char buf[16])
{
	switch (signal) {
	case 1:
		return "SIGHUP";
	case 2:
		return "SIGINT";
	case 15:
		return "SIGTERM";
	default:
		snprintf(buf, 16, "signal %d", signal);
		return buf;
	}
}

/*
 * Was it libvirt itself that sent the signal? When a guest shuts itself down, QEMU stays (-no-shutdown) and libvirt
 * ends it with SIGTERM. The name may be a path, "lt-libvirtd" in a source tree, or unknown where SELinux keeps QEMU
 * from looking; only process 1 is known to be somebody else then.
 */
static bool ended_by_libvirt(const struct vd_boot *boot)
{
	const char *slash = strrchr(boot->signal_name, '/');
	const char *name = slash ? slash + 1 : boot->signal_name;

	if (!*name || *name == '<')
		return boot->signal_pid != 1;
	return !strncmp(name, "libvirtd", 8) || !strncmp(name, "virtqemud", 9) || !strncmp(name, "lt-", 3);
}

void vd_boot_reason(const struct vd_boot *boot, enum vd_driver driver, bool gone, struct vd_buf *buf)
{
	char number[16];
	int rc = 0;

	vd_buf_clear(buf);
	switch (boot->end_kind) {
	case VD_BOOT_ENDED:
		/* libvirt calls an end by signal "shutdown", like the guest's own. */
		if (!strcmp(boot->reason, "shutdown") && boot->signal && !ended_by_libvirt(boot))
			rc = vd_buf_addf(buf, "shutdown: %s", signal_word(boot->signal, number));
		else
			rc = vd_buf_adds(buf, boot->reason[0] ? boot->reason : "no reason given");
		break;
	case VD_BOOT_EARLY:
		rc = vd_buf_adds(buf, "failed before QEMU");
		break;
	case VD_BOOT_FAILED:
		rc = vd_buf_adds(buf, "failed");
		break;
	case VD_BOOT_LOST:
		rc = vd_buf_adds(buf, "lost");
		break;
	case VD_BOOT_UNTOLD:
		rc = vd_buf_adds(buf, "not logged");
		break;
	case VD_BOOT_OPEN:
		rc = vd_buf_adds(buf, !gone ? "running" : driver == VD_DRIVER_LXC ? "not logged" : "lost");
		break;
	}
	if (rc < 0)
		vd_buf_clear(buf);
}
