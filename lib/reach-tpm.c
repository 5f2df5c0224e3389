/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What swtpm must get at for an emulated TPM. It runs as a user of its own. Before it starts libvirt 9.0.0 gives the
 * state directory, what is in it and the log to that user, and makes the directories of both open to it; it changes
 * nothing above those, and no mode of a file. Seen with the real daemon.
 */
#include <string.h>

#include "reach-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach.tpm");

/* Read for the state, which swtpm writes to a new file; its lock and its log it writes to. */
static unsigned wanted(const struct vd_node *end)
{
	const char *slash = strrchr(end->path, '/'), *dot = strrchr(end->path, '.');

	if (slash && !strcmp(slash, "/.lock"))
		return 6;
	return dot && !strcmp(dot, ".log") ? 2 : 4;
}

int vd_reach_tpm(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                 const struct vd_way *way, struct vd_file_check *c)
{
	const struct vd_res *res = &guest->domain->resources[e->res_index];
	/* It owns nothing: the account stays with @reach. */
	struct vd_reach_guest swtpm = { guest->domain, guest->user, { 0 }, "swtpm" };
	bool file = way->end && way->end->st.type == VD_FILE_REG;
	struct vd_stat st;
	int r = 0;

	if (!res->subtype || strcmp(res->subtype, "emulator") != 0 || reach->settings->session || guest->user->running)
		return 0;
	if (!reach->swtpm.known && !reach->swtpm.why)
		r = vd_account_swtpm(reach->root, reach->settings, &reach->swtpm);
	if (r < 0 || reach->swtpm.override)
		return r;
	if (!reach->swtpm.known)
		return vd_reach_note_missing(reach, reach->swtpm.why ? reach->swtpm.why : "", "");
	swtpm.account = reach->swtpm;
	/* The last directory is the one that libvirt opens to it, or for the state directory itself the one above. */
	for (size_t i = 0; i + file < way->len && !r; i++)
		r = vd_reach_node(reach, &swtpm, way->dirs[i], &way->dirs[i]->st, 1, c);
	if (r < 0 || !file)
		return r;
	st = way->end->st;
	st.uid = reach->swtpm.uid;
	st.gid = reach->swtpm.gid;
	VLOG_DEBUG("swtpm (%s) needs %o of %s", reach->swtpm.name, wanted(way->end), way->end->path);
	return vd_reach_node(reach, &swtpm, way->end, &st, wanted(way->end), c);
}
