/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What libvirt's debug log tells of the conversation with QEMU's monitor: commands, replies and events, each with the
 * address of the monitor. Pure: looks at one record in memory; what it returns is borrowed from there, raw as in the
 * log (JSON escapes included).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum vd_qmp_kind {
	VD_QMP_NONE,    /* no message of a monitor */
	VD_QMP_COMMAND, /* given to the monitor */
	VD_QMP_REPLY,
	VD_QMP_EVENT,
	VD_QMP_CLOSE, /* the monitor is gone: what has no reply gets none */
};

struct vd_qmp {
	enum vd_qmp_kind kind;
	uint64_t monitor;
	struct vd_slice name;      /* of the command or event; empty when the message is cut off before it */
	struct vd_slice id;        /* "libvirt-12"; empty when there is none */
	struct vd_slice arguments; /* of a command or event; empty */
	bool is_error;             /* a reply */
	struct vd_slice error;     /* its description */
};

/* Returns false, with kind VD_QMP_NONE, for other records. */
bool vd_qmp_parse(const struct vd_record *record, struct vd_qmp *ret_qmp);

/*
 * The value of the member @key of the JSON object that begins at @text: of a string what is between the quotes, of
 * anything else its text. Nested objects are skipped. False when it has none, or the text ends or is wrong before it.
 */
bool vd_json_member(const struct vd_slice *text, const char *key, struct vd_slice *ret_value);
