/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside of `filters suggest`: what is suggested, for which daemons, and how to use it. A way of using a string is a
 * JSON object from which the text is rendered too:
 * { "id": "virt-admin|conf|environment|client", "daemon", "filters", "outputs", "commands": [argv], "undo": [argv],
 *   "file", "lines": [text to put there], "replaces_lines": [numbers], "undo_lines": [what stood there] }
 */

#include "command.h"
#include "daemons.h"
#include "report.h"
#include "topics.h"

/* What is suggested, before it is shown. */
struct vd_suggestion {
	struct vd_ctx *ctx;
	struct vd_report *report;
	const struct vd_topic **topics;
	size_t count;
	char *filters;
	unsigned version;   /* of libvirt */
	unsigned level;     /* the lowest that the filters ask for */
	unsigned log_level; /* what log_level has to be beside them; 0: not needed */
	struct vd_strv left_out;
	bool at_start, only_client, for_client;
	struct vd_daemons daemons; /* of this host */
	struct vd_value *ways;
};

/* One daemon that gets the string, with what is configured now. */
struct vd_target {
	struct vd_daemon_place place;
	char *conf; /* its configuration file */
	/* What the running daemon uses, else what the next one will: by VD_SETTING_FILTERS and VD_SETTING_OUTPUTS. */
	struct {
		char *value; /* NULL: nothing is set; with @where, nothing that a line could show again */
		char *where; /* what sets it, when that is not the file: "/etc/systemd/...conf:2"; NULL */
	} now[2];
	bool now_unknown;       /* it runs, and what it uses is not known: @now is of the next one */
	struct vd_unit_env env; /* what its unit gives it */
	char *beaten;           /* "FILE:LINE sets VARIABLE": which wins over the file; NULL */
	char *old_filters, *old_outputs;
	unsigned filters_line, outputs_line; /* 0: not set in the file */
	unsigned level_line;                 /* the same for log_level */
	uint64_t old_level;
	bool unknown;  /* there is a file, but what it sets could not be read */
	char *outputs; /* what to set */
};

/* Can virt-admin set this? It needs libvirt 3.0.0, a daemon that is up, and cannot set log_level. */
bool vd_suggest_has_admin(const struct vd_suggestion *s);

/*
 * Find the daemons that get the string into @targets, which has room for one more than there are topics: @daemon when
 * it is not NULL, else the owners of the topics on this host; none for a client. What any daemon may do is looked for
 * in the one that runs QEMU guests when no topic names one. Reads their configuration and fills in s->ways.
 * Returns how many; each is released with vd_target_release().
 */
size_t vd_suggest_ways(struct vd_suggestion *s, const char *daemon, struct vd_target *targets);
void vd_target_release(struct vd_target *target);
