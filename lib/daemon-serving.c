/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which daemon does the work of a modular one on a host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "daemons.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon-serving");

/* Does its configuration file set anything? Packages bring files that are all comments. */
static bool has_settings(struct vd_root *root, const struct vd_daemon *d)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_CONF conf = { 0 };

	return d->has_conf && vd_root_read(root, d->conf, VD_MAX_CONF, &text, NULL) == 0 &&
	       vd_conf_parse(vd_buf_str(&text), text.len, d->conf, &conf, NULL) == 0 && conf.len;
}

/* Of a daemon that leaves no trace but a file: one that somebody has edited weighs more. */
static unsigned weigh(struct vd_root *root, const struct vd_daemon *d)
{
	return !d ? 0 : has_settings(root, d) ? 2 : 1;
}

/* What shows @d: its process, else a file. */
static char *evidence_of(const struct vd_daemon *d)
{
	const struct vd_daemon_process *p = vd_daemon_main(d);
	const char *path = d->pid_file       ? d->pid_file
	                   : d->has_conf     ? d->conf
	                   : d->service.path ? d->service.path
	                                     : d->socket.path;
	char *text;

	if (!p || p->by_pid_file)
		return strdup(path ? path : d->name);
	return asprintf(&text, "/proc/%ld", (long)p->pid) < 0 ? NULL : text;
}

static int take(const struct vd_daemon *d, enum vd_daemon_sure sure, struct vd_daemon_place *ret_place,
                struct vd_err *err)
{
	struct vd_daemon_place place = { d->name, sure, evidence_of(d) };

	if (!place.evidence)
		return vd_err_set(err, ENOMEM, "cannot look for %s: no memory", d->name);
	VLOG_DEBUG("%s serves (%s)", place.name, place.evidence);
	*ret_place = place;
	return 0;
}

int vd_daemons_serving(struct vd_root *root, const struct vd_daemons *daemons, const char *name,
                       struct vd_daemon_place *ret_place, struct vd_err *err)
{
	const struct vd_daemon *own = vd_daemons_get(daemons, name);
	const struct vd_daemon *mono = vd_daemon_is_modular(name) ? vd_daemons_get(daemons, "libvirtd") : NULL;
	bool own_runs = own && vd_daemon_main(own), mono_runs = mono && vd_daemon_main(mono);
	unsigned own_weight, mono_weight;
	int r;

	if (own_runs || mono_runs)
		return take(own_runs ? own : mono, own_runs && mono_runs ? VD_DAEMON_EITHER : VD_DAEMON_FOUND,
		            ret_place, err);
	r = vd_daemon_find(root, name, ret_place, err);
	if (r < 0 || ret_place->sure != VD_DAEMON_NOWHERE)
		return r;
	own_weight = weigh(root, own);
	mono_weight = weigh(root, mono);
	if (!own_weight && !mono_weight)
		return 0;
	vd_daemon_place_release(ret_place);
	return take(mono_weight > own_weight ? mono : own,
	            own_weight == mono_weight ? VD_DAEMON_EITHER : VD_DAEMON_FOUND, ret_place, err);
}
