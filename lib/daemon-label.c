/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon-label.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svirt.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon.label");

/*
 * The domains of the daemons and the types of their binaries. The reference policy and Debian have virtd_t for all;
 * Fedora gave each of the modular ones its own in 2021 (selinux-policy 35).
 */
#define CONTEXT(domain) "system_u:system_r:" domain ":s0-s0:c0.c1023"
#define RUNCON(domain) \
	"or through its unit; or, where the policy lets root change to it: runcon " CONTEXT(domain) " BINARY"
static const struct {
	const char *name;
	bool qemu, lxc;
	const char *domain, *entry, *context;
	const char *by_runcon; /* what to say beside the way through systemd */
} daemons[] = {
	{ "virtqemud", true, false, "virtqemud_t", "virtqemud_exec_t", CONTEXT("virtqemud_t"), RUNCON("virtqemud_t") },
	{ "virtlxcd", false, true, "virtlxcd_t", "virtlxcd_exec_t", CONTEXT("virtlxcd_t"), RUNCON("virtlxcd_t") },
	{ "libvirtd", true, true, "virtd_t", "virtd_exec_t", CONTEXT("virtd_t"), RUNCON("virtd_t") },
};

/* Every type above fits every daemon: which of them a policy uses is its own affair. */
static bool is_domain(const char *type)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(daemons); i++)
		if (!strcmp(type, daemons[i].domain))
			return true;
	return false;
}

static bool is_entry(const char *type)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(daemons); i++)
		if (!strcmp(type, daemons[i].entry))
			return true;
	return false;
}

static bool has_type(const char *context, bool (*fits)(const char *type))
{
	struct vd_context c = { 0 };
	bool ok = context && vd_context_parse(context, &c) == 0 && fits(c.type);

	vd_context_release(&c);
	return ok;
}

/* The file @path as one line; NULL when it is not there or empty. */
static int read_line(struct vd_root *root, const char *path, char **ret_line)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_root_read(root, path, 4096, &buf, NULL);

	*ret_line = NULL;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	*ret_line = vd_buf_steal(&buf);
	if (!*ret_line)
		return -ENOMEM;
	(*ret_line)[strcspn(*ret_line, "\n")] = '\0';
	if (!**ret_line) {
		free(*ret_line);
		*ret_line = NULL;
	}
	return 0;
}

/* Is the process of /proc file @path in the control group of the service @name? */
static int find_unit(struct vd_root *root, const char *path, const char *name, bool *ret_found)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_BUF unit = VD_BUF_INIT;
	int r = vd_root_read(root, path, VD_MAX_CGROUP, &text, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (vd_buf_addf(&unit, "/%s.service", name) < 0)
		return -ENOMEM;
	*ret_found = strstr(vd_buf_str(&text), vd_buf_str(&unit)) != NULL;
	return 0;
}

/* Returns 1 when the daemon @name runs, 0 when not, or -ENOMEM. */
static int look_at(struct vd_root *root, const char *name, struct vd_daemon_label *l)
{
	VD_AUTO_FREE char *pid = NULL;
	struct vd_stat st;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/run/%s.pid", name);
	r = read_line(root, path, &pid);
	if (r < 0 || !pid)
		return r;
	l->pid = (pid_t)strtol(pid, NULL, 10);
	if (l->pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/attr/current", (long)l->pid);
	r = read_line(root, path, &l->context);
	if (r < 0 || !l->context)
		return r;
	snprintf(path, sizeof(path), "/proc/%ld/exe", (long)l->pid);
	if (vd_root_readlink(root, path, &l->exe, NULL) == 0 &&
	    vd_root_label(root, l->exe, &l->exe_label, NULL) == -ENOMEM)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)l->pid);
	if (find_unit(root, path, l->name, &l->by_unit) < 0)
		return -ENOMEM;
	l->systemd = vd_root_stat(root, "/run/systemd/system", &st, NULL) == 0;
	return 1;
}

static enum vd_daemon_fault find_fault(const struct vd_daemon_label *l)
{
	struct vd_context c = { 0 };
	/* An AppArmor profile stands in the same place. */
	bool is_context = vd_context_parse(l->context, &c) == 0;

	vd_context_release(&c);
	if (!is_context)
		return VD_DAEMON_UNSEEN;
	if (has_type(l->context, is_domain))
		return VD_DAEMON_FITS;
	if (!l->exe || !l->exe_label)
		return VD_DAEMON_UNSEEN;
	return has_type(l->exe_label, is_entry) ? VD_DAEMON_BY_HAND : VD_DAEMON_BINARY;
}

int vd_daemon_label_find(struct vd_root *root, bool lxc, struct vd_daemon_label *ret_label)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(daemons); i++) {
		struct vd_daemon_label l = { .name = daemons[i].name };
		int r = (lxc ? daemons[i].lxc : daemons[i].qemu) ? look_at(root, l.name, &l) : 0;

		if (r <= 0) {
			vd_daemon_label_release(&l);
			if (r < 0)
				return r;
			continue;
		}
		l.domain = daemons[i].domain;
		l.entry = daemons[i].entry;
		l.fault = find_fault(&l);
		VLOG_DEBUG("%s runs as %s from %s (%s)", l.name, l.context, l.exe ? l.exe : "?",
		           l.exe_label ? l.exe_label : "no label");
		*ret_label = l;
		return 0;
	}
	return -ENOENT;
}

void vd_daemon_label_release(struct vd_daemon_label *label)
{
	free(label->context);
	free(label->exe);
	free(label->exe_label);
	memset(label, 0, sizeof(*label));
}

/*
 * Start it again in its domain: through its unit when it belongs to that. Else systemd starts it, from whose domain
 * every policy has the way; from root's own only some do.
 */
static int add_restart(const struct vd_daemon_label *l, struct vd_file_check *check)
{
	const char *const restart[] = { "systemctl", "restart", l->name, NULL };
	size_t i = 0;
	char pid[32];
	int r;

	if (l->by_unit)
		return vd_file_add_fix(check, restart, NULL, "guests go on running");
	while (strcmp(daemons[i].name, l->name) != 0)
		i++;
	snprintf(pid, sizeof(pid), "%ld", (long)l->pid);
	{
		const char *const end[] = { "kill", pid, NULL };
		const char *const by_systemd[] = { "systemd-run", "--", l->exe, NULL };
		const char *const by_runcon[] = { "runcon", daemons[i].context, l->exe, "-d", NULL };

		r = vd_file_add_fix(check, end, NULL, "guests go on running");
		if (r == 0)
			r = vd_file_add_fix(check, l->systemd ? by_systemd : by_runcon, NULL,
			                    l->systemd ? daemons[i].by_runcon : NULL);
	}
	return r;
}

int vd_daemon_label_judge(const struct vd_daemon_label *l, struct vd_file_check *check)
{
	VD_AUTO_BUF wanted = VD_BUF_INIT;
	struct vd_context c = { 0 };
	int r;

	if (l->fault != VD_DAEMON_BINARY && l->fault != VD_DAEMON_BY_HAND)
		return 0;
	r = vd_context_parse(l->context, &c);
	if (r == 0)
		r = vd_file_verdict(check, VD_FILE_WRONG, VD_REASON_TYPE,
		                    "%s (pid %ld) runs in %s, not in %s, because %s: guests that it starts fail or are "
		                    "confined wrongly",
		                    l->name, (long)l->pid, c.type, l->domain,
		                    l->fault == VD_DAEMON_BINARY ? "its binary has not the label for that"
		                                                 : "it was started by hand");
	vd_context_release(&c);
	if (r == 0 && l->fault == VD_DAEMON_BINARY) {
		free(check->actual);
		check->actual = strdup(l->exe_label);
		r = check->actual ? vd_buf_addf(&wanted, "system_u:object_r:%s:s0", l->entry) : -ENOMEM;
		if (r == 0)
			r = vd_file_fix_label(check, l->exe, vd_buf_str(&wanted), NULL);
		if (r == 0)
			r = vd_file_keep_label(check, l->exe, vd_buf_str(&wanted));
	}
	if (r == 0)
		r = add_restart(l, check);
	check->avoid = "setenforce 0, security_driver = \"none\"";
	return r;
}
