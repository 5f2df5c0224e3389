/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The starts of a guest as its log tells them: when and how each began, how it ended. Pure: fed with the classified
 * lines of the log, oldest first. A start that failed before QEMU ran is one too, as is one whose beginning was rotated
 * away. A reboot inside the guest is none.
 */

#include "buf.h"
#include "guestline.h"

enum vd_boot_how {
	VD_BOOT_UNKNOWN, /* the command line is not there */
	VD_BOOT_FRESH,
	VD_BOOT_RESTORED, /* from a saved state or an internal snapshot */
	VD_BOOT_INCOMING, /* from another host; or restored, where the log does not tell the two apart */
	VD_BOOT_HOW_COUNT_
};

enum vd_boot_end {
	VD_BOOT_OPEN,   /* the log ends before its end does */
	VD_BOOT_ENDED,  /* with "shutting down" */
	VD_BOOT_EARLY,  /* it failed before QEMU ran: nothing but the end was logged */
	VD_BOOT_FAILED, /* LXC: the controller said that its start failed */
	VD_BOOT_LOST,   /* QEMU: the next start follows and nobody logged this one's end */
	VD_BOOT_UNTOLD, /* LXC, which logs no end: the next start follows */
};

struct vd_boot {
	enum vd_boot_how how;
	enum vd_boot_end end_kind;
	int64_t start, end;                     /* microseconds since the epoch; VD_NO_TIME: not in the log */
	char reason[32];                        /* the word of "shutting down, reason="; "" when it gives none */
	char libvirt[32], qemu[32], kernel[64]; /* versions; "" unknown */
	struct vd_strv taints;                  /* each once; without text in parentheses */
	unsigned long errors;                   /* lines of level error, the end not counted */
	int signal;                             /* that QEMU says it was ended with; 0 none */
	long signal_pid;                        /* its sender, 0 unknown */
	char signal_name[32];                   /* the sender's name, "" unknown */
};

struct vd_boots {
	struct vd_boot *items; /* oldest first */
	size_t len, cap;
	enum vd_driver driver;
	/* Private: */
	bool keep;          /* keep all items; else only the last two */
	size_t count;       /* all that were there */
	bool open;          /* the last one has not ended */
	bool block;         /* its start block is being read */
	bool incoming_next; /* the next argument is that of -incoming */
};

/*
 * Begin with an empty log. Without @keep only the last two boots are kept, for counting in little memory.
 */
void vd_boots_init(struct vd_boots *boots, enum vd_driver driver, bool keep);
void vd_boots_release(struct vd_boots *boots);
/*
 * The next line of the log, as vd_guestline_next() has classified it. Returns 1 when it begins a boot, 0 when it
 * belongs to the last one (or to none, boots->count being 0), -ENOMEM.
 */
int vd_boots_line(struct vd_boots *boots, const struct vd_guestline *line, const char *text, size_t len) VD_MUST_CHECK;
/* How many boots there were so far, also those that are no longer kept. */
size_t vd_boots_count(const struct vd_boots *boots);

/* "fresh", "restored", "incoming"; NULL when unknown. */
const char *vd_boot_how_name(enum vd_boot_how how);
/*
 * How it ended, in words, into @buf: "destroyed", "shutdown: SIGTERM", "failed", "failed before QEMU", "lost",
 * "not logged". A boot that is still open is "running", or when @gone "lost" (LXC: "not logged").
 */
void vd_boot_reason(const struct vd_boot *boot, enum vd_driver driver, bool gone, struct vd_buf *buf);
