/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's word on directories, and on files that libvirt's daemon, virtlogd or swtpm open: live only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "reach-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach.policy");

/* Who opens the file. */
struct opener {
	const char *context;
	const char *name; /* "the guest", "virtlogd" */
	enum vd_access access;
	char text[256];
};

int vd_reach_load_daemons(struct vd_reach *reach)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	char path[64];
	long pid;

	if (!vd_root_is_live(reach->root) || !vd_policy_available())
		return 0;
	if (vd_root_read(reach->root, "/run/virtlogd.pid", 64, &text, NULL) == 0) {
		pid = strtol(vd_buf_str(&text), NULL, 10);
		snprintf(path, sizeof(path), "/proc/%ld/attr/current", pid);
		if (pid > 0 && vd_root_read(reach->root, path, 4096, &text, NULL) == 0 && text.len) {
			reach->virtlogd = vd_buf_steal(&text);
			if (!reach->virtlogd)
				return -ENOMEM;
			reach->virtlogd[strcspn(reach->virtlogd, "\n")] = '\0';
			return 0;
		}
	}
	/* It is started when first needed. A policy without this domain says "cannot tell" later on. */
	reach->virtlogd = strdup("system_u:system_r:virtlogd_t:s0-s0:c0.c1023");
	return reach->virtlogd ? 0 : -ENOMEM;
}

static const struct vd_res *resource(const struct vd_reach_guest *guest, const struct vd_expect *e)
{
	return e->res_index < 0 ? NULL : &guest->domain->resources[e->res_index];
}

static void find_opener(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                        struct opener *o)
{
	const struct vd_res *res = resource(guest, e);
	struct vd_context c = { 0 };

	*o = (struct opener){ .context = guest->user->process, .name = "the guest", .access = e->access };
	if (res && res->kind == VD_RES_TPM && res->subtype && !strcmp(res->subtype, "emulator")) {
		/* swtpm gets the guest's categories; where the policy has no such domain it stays in the guest's. */
		o->name = "swtpm";
		if (o->context && !vd_context_parse(o->context, &c)) {
			snprintf(o->text, sizeof(o->text), "%s:%s:swtpm_t:%s", c.user, c.role,
			         c.range ? c.range : "s0");
			o->context = o->text;
		}
		vd_context_release(&c);
	} else if (e->access == VD_ACCESS_DAEMON && res &&
	           (res->kind == VD_RES_CHARDEV || res->kind == VD_RES_CHARDEV_LOG)) {
		o->context = reach->virtlogd;
		o->name = "virtlogd";
		o->access = VD_ACCESS_APPEND;
	} else if (e->access == VD_ACCESS_DAEMON) {
		o->context = guest->user->daemon;
		o->name = "libvirt's daemon";
		o->access = VD_ACCESS_READ;
	}
}

/*
 * Only the type of the process counts for a label without categories, so the answer for one guest is that for all: the
 * same few questions about directories come for each of a thousand guests.
 */
static enum vd_policy_answer ask_search(struct vd_reach *reach, const char *process, const char *label,
                                        bool *ret_permissive)
{
	struct vd_reach_answer *slot;
	char type[128];
	size_t len = strlen(label);
	bool plain = len > 3 && !strcmp(label + len - 3, ":s0");

	vd_policy_type(process, type);
	for (size_t i = 0; plain && i < reach->n_answers; i++) {
		slot = &reach->answers[i];
		if (!strcmp(slot->process, type) && !strcmp(slot->label, label)) {
			*ret_permissive = slot->permissive;
			return slot->answer;
		}
	}
	if (!plain || len >= sizeof(slot->label) || reach->n_answers == VD_ARRAY_SIZE(reach->answers))
		return vd_policy_judge(reach->root, process, label, VD_FILE_DIR, VD_ACCESS_READ, ret_permissive);
	slot = &reach->answers[reach->n_answers++];
	snprintf(slot->process, sizeof(slot->process), "%s", type);
	snprintf(slot->label, sizeof(slot->label), "%s", label);
	slot->answer = vd_policy_judge(reach->root, process, label, VD_FILE_DIR, VD_ACCESS_READ, &slot->permissive);
	*ret_permissive = slot->permissive;
	return slot->answer;
}

/* Directories that others use too: another label there would shut out logins and services. */
static bool is_shared_dir(const char *path, const char *type)
{
	static const char *const dirs[] = { "/var/lib", "/var/tmp", "/var/log", "/var/run", "/usr/local", NULL };

	if (!path[1] || !strchr(path + 1, '/') || !strncmp(path, "/etc/", 5) || !strncmp(path, "/run/", 5))
		return true;
	for (size_t i = 0; dirs[i]; i++)
		if (!strcmp(path, dirs[i]))
			return true;
	return !strcmp(type, "user_home_dir_t") || !strcmp(type, "admin_home_t");
}

/* A type for the directory that lets all of @contexts search it. NULL when there is none. */
static const char *searchable_type(struct vd_reach *reach, const char *const *contexts)
{
	static const char *const types[] = { "virt_image_t", "virt_var_lib_t", "virt_content_t" };
	bool permissive;

	for (size_t i = 0; i < VD_ARRAY_SIZE(types); i++) {
		char label[128];
		bool good = true;

		snprintf(label, sizeof(label), "system_u:object_r:%s:s0", types[i]);
		for (size_t j = 0; contexts[j]; j++)
			good = good && ask_search(reach, contexts[j], label, &permissive) == VD_POLICY_ALLOWED;
		if (good)
			return types[i];
	}
	return NULL;
}

static int fix_directory(struct vd_reach *reach, const struct vd_reach_guest *guest, const char *context,
                         const struct vd_node *n, struct vd_file_check *c)
{
	const char *contexts[] = { context, guest->user->process, guest->user->daemon, NULL };
	struct vd_context was = { 0 };
	const char *type;
	char old[128];
	size_t k = 0;
	int r;

	/* Those that are known, once each. */
	for (size_t i = 0; i < 3; i++)
		if (contexts[i] && (!k || contexts[i] != contexts[0]))
			contexts[k++] = contexts[i];
	contexts[k] = NULL;
	type = searchable_type(reach, contexts);
	vd_policy_type(n->label, old);
	if (!type || is_shared_dir(n->path, old) || vd_context_parse(n->label, &was))
		return 0;
	r = vd_file_add_fix(c, (const char *const[]){ "chcon", "-t", type, "-l", "s0", "--", n->path, NULL },
	                    (const char *const[]){ "chcon", "-t", was.type, "-l", was.range ? was.range : "s0", "--",
	                                           n->path, NULL },
	                    "the label of this directory alone; services that use it may have to be allowed");
	vd_context_release(&was);
	if (!r && !c->keep.len) {
		VD_AUTO_BUF label = VD_BUF_INIT;

		r = vd_buf_addf(&label, "system_u:object_r:%s:s0", type);
		if (!r)
			r = vd_file_keep_label(c, n->path, vd_buf_str(&label));
	}
	return r;
}

/* May @context search the directories of @way? */
static int check_search(struct vd_reach *reach, const struct vd_reach_guest *guest, const char *context,
                        const char *name, const struct vd_way *way, struct vd_file_check *c)
{
	for (size_t i = 0; i < way->len; i++) {
		const struct vd_node *n = way->dirs[i];
		bool permissive = false;
		char ptype[128], dtype[128];
		enum vd_policy_answer answer;
		int r;

		if (!n->label)
			continue;
		answer = ask_search(reach, context, n->label, &permissive);
		if (answer != VD_POLICY_DENIED_TYPE && answer != VD_POLICY_DENIED_CATEGORY)
			continue;
		vd_policy_type(context, ptype);
		vd_policy_type(n->label, dtype);
		reach->tally.obstacles++;
		if (permissive || guest->user->permissive) {
			r = vd_file_also(
			        c, VD_FILE_DIFFERS, VD_REASON_PERMISSIVE,
			        "policy: %s (%s) may not search %s, the label of %s; denied only once it is enforcing",
			        name, ptype, dtype, n->path);
		} else {
			r = vd_file_also(
			        c, VD_FILE_DENIED,
			        vd_policy_is_home(dtype)              ? VD_REASON_USER_HOME
			        : answer == VD_POLICY_DENIED_CATEGORY ? VD_REASON_CATEGORY
			                                              : VD_REASON_TYPE,
			        "policy: %s (%s) may not search %s, the label of the directory %s%s", name, ptype,
			        dtype, n->path,
			        is_shared_dir(n->path, dtype)
			                ? ": move the file to a directory of its own, /var/lib/libvirt/images is made "
			                  "for it"
			                : "");
			if (!r)
				r = fix_directory(reach, guest, context, n, c);
		}
		if (r)
			return r;
	}
	return 0;
}

/* A label that lets @o use the file; NULL when none of the usual ones does. */
static const char *usable_label(struct vd_reach *reach, const struct opener *o, enum vd_file_type type)
{
	static const char *const labels[] = {
		"system_u:object_r:virt_log_t:s0",
		"system_u:object_r:virt_image_t:s0",
		"system_u:object_r:virt_content_t:s0",
		"system_u:object_r:virt_var_lib_t:s0",
	};
	bool permissive;

	for (size_t i = o->access == VD_ACCESS_APPEND ? 0 : 1; i < VD_ARRAY_SIZE(labels); i++)
		if (vd_policy_judge(reach->root, o->context, labels[i], type, o->access, &permissive) ==
		    VD_POLICY_ALLOWED)
			return labels[i];
	return NULL;
}

/* May the daemon that opens the file use it? */
static int check_file(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                      const struct vd_node *n, const struct opener *o, struct vd_file_check *c)
{
	bool permissive = false, wrong = c->status == VD_FILE_WRONG;
	char ptype[128], ftype[128];
	enum vd_policy_answer answer;
	const char *label;
	int r;

	if (!o->context || !c->actual)
		return 0;
	answer = vd_policy_judge(reach->root, o->context, c->actual, n->st.type, o->access, &permissive);
	if (answer != VD_POLICY_DENIED_TYPE && answer != VD_POLICY_DENIED_CATEGORY)
		return 0;
	vd_policy_type(o->context, ptype);
	vd_policy_type(c->actual, ftype);
	reach->tally.obstacles++;
	if (permissive || guest->user->permissive)
		return vd_file_also(c, VD_FILE_DIFFERS, VD_REASON_PERMISSIVE,
		                    "policy: %s (%s) may not use %s; denied only once it is enforcing", o->name, ptype,
		                    ftype);
	r = vd_file_also(c, VD_FILE_WRONG, vd_policy_is_home(ftype) ? VD_REASON_USER_HOME : VD_REASON_TYPE,
	                 "policy: %s (%s) may not %s %s", o->name, ptype,
	                 o->access == VD_ACCESS_APPEND ? "write to" : "read", ftype);
	/* The label that the guest needs, if that was wrong too, is one that the daemon may read. */
	label = r || wrong ? NULL : usable_label(reach, o, n->st.type);
	if (!r && label)
		r = vd_file_fix_label(c, e->path, label, "libvirt does not set this label: it stays until changed");
	if (!r && label)
		r = vd_file_keep_label(c, e->path, label);
	if (!c->avoid)
		c->avoid = "setenforce 0";
	return r;
}

/* virtlogd removes an old log and makes a new one: it must be allowed that in the directory. */
static int check_log_directory(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct opener *o,
                               const struct vd_way *way, struct vd_file_check *c)
{
	static const char wanted[] = "system_u:object_r:virt_log_t:s0";
	const struct vd_node *n = way->len ? way->dirs[way->len - 1] : NULL;
	struct vd_context was = { 0 };
	bool permissive = false;
	char ptype[128];
	int r;

	if (!n || !n->label || !o->context ||
	    vd_policy_judge(reach->root, o->context, n->label, VD_FILE_DIR, VD_ACCESS_APPEND, &permissive) !=
	            VD_POLICY_DENIED_TYPE ||
	    permissive || guest->user->permissive || vd_context_parse(n->label, &was))
		return 0;
	reach->tally.obstacles++;
	r = vd_file_also(c, VD_FILE_DENIED, vd_policy_is_home(was.type) ? VD_REASON_USER_HOME : VD_REASON_TYPE,
	                 "policy: %s (%s) may make and remove no files in %s, the label of the directory %s", o->name,
	                 vd_policy_type(o->context, ptype), was.type, n->path);
	if (!r && !is_shared_dir(n->path, was.type) &&
	    vd_policy_judge(reach->root, o->context, wanted, VD_FILE_DIR, VD_ACCESS_APPEND, &permissive) ==
	            VD_POLICY_ALLOWED) {
		r = vd_file_add_fix(
		        c, (const char *const[]){ "chcon", "-t", "virt_log_t", "-l", "s0", "--", n->path, NULL },
		        (const char *const[]){ "chcon", "-t", was.type, "-l", was.range ? was.range : "s0", "--",
		                               n->path, NULL },
		        "for a directory that holds logs of guests only");
		if (!r)
			r = vd_file_keep_label(c, n->path, wanted);
	}
	if (!c->avoid)
		c->avoid = "setenforce 0";
	vd_context_release(&was);
	return r;
}

/* May the daemon @context @permission ("relabelfrom") a file of @label? The same few labels come again and again. */
static int ask_relabel(struct vd_reach *reach, const char *context, const char *label, const char *class,
                       const char *permission)
{
	struct vd_reach_relabel *slot = reach->relabels, *end = slot + reach->n_relabels;

	for (; slot < end; slot++)
		if (slot->class == class && slot->permission == permission && !strcmp(slot->label, label) &&
		    !strcmp(slot->daemon, context))
			return slot->allowed;
	if (reach->n_relabels == VD_ARRAY_SIZE(reach->relabels) || strlen(label) >= sizeof(slot->label) ||
	    strlen(context) >= sizeof(slot->daemon))
		return vd_policy_allows(context, label, class, permission);
	reach->n_relabels++;
	snprintf(slot->daemon, sizeof(slot->daemon), "%s", context);
	snprintf(slot->label, sizeof(slot->label), "%s", label);
	slot->class = class;
	slot->permission = permission;
	slot->allowed = vd_policy_allows(context, label, class, permission);
	return slot->allowed;
}

/* Can the daemon give the file the label that the next start needs? */
static int check_relabel(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                         const struct vd_node *n, struct vd_file_check *c)
{
	static const char from[] = "relabelfrom", to[] = "relabelto";
	const char *daemon = guest->user->daemon, *class = vd_policy_class(n->st.type), *failed = NULL;
	bool permissive;
	char dtype[128], ltype[128];
	int r;

	/* Where the mount takes no labels libvirt goes on without. */
	if (guest->user->running || !daemon || !e->running || !c->actual || c->status == VD_FILE_WRONG ||
	    c->status == VD_FILE_UNSUPPORTED || c->reason == VD_REASON_MOUNT_CONTEXT ||
	    vd_label_compare(e->running, c->actual) == VD_LABEL_SAME)
		return 0;
	if (ask_relabel(reach, daemon, c->actual, class, from) == 0)
		failed = from;
	else if (ask_relabel(reach, daemon, e->running, class, to) == 0)
		failed = to;
	if (!failed)
		return 0;
	vd_policy_type(daemon, dtype);
	vd_policy_type(failed == from ? c->actual : e->running, ltype);
	permissive = guest->user->permissive || vd_policy_domain_permissive(dtype) == 1;
	reach->tally.obstacles++;
	r = vd_file_also(c, permissive ? VD_FILE_DIFFERS : VD_FILE_WRONG,
	                 permissive ? VD_REASON_PERMISSIVE : VD_REASON_TYPE,
	                 "policy: libvirt's daemon (%s) may not %s %s (%s), so that it cannot set the label that the "
	                 "guest needs%s",
	                 dtype, failed == from ? "take files the label" : "give files the label", ltype, failed,
	                 permissive ? "; denied only once it is enforcing" : " and the next start fails");
	if (r < 0 || permissive || failed == to)
		return r;
	r = vd_file_fix_label(c, e->path, e->running, "the label that libvirt sets at the next start");
	if (!r)
		r = vd_file_keep_label(c, e->path, e->running);
	if (!c->avoid)
		c->avoid = "setenforce 0";
	return r;
}

/* Disks are opened by the daemon first, to read their headers: those that it does not label, with the label of now. */
static bool daemon_reads(const struct vd_reach_guest *guest, const struct vd_expect *e)
{
	const struct vd_res *res = resource(guest, e);

	return !guest->user->running && guest->user->daemon && res && res->kind == VD_RES_DISK &&
	       e->access != VD_ACCESS_DAEMON && !e->running;
}

int vd_reach_policy(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                    const struct vd_way *way, struct vd_file_check *c)
{
	const struct vd_file_user *user = guest->user;
	struct opener o;
	int r = 0;

	if (!user->in_force || guest->domain->driver != VD_DRIVER_QEMU || !vd_root_is_live(reach->root) ||
	    !vd_policy_available())
		return 0;
	find_opener(reach, guest, e, &o);
	VLOG_DEBUG("%s is opened by %s, %s", e->path, o.name, o.context ? o.context : "which is not confined");
	if (o.context)
		r = check_search(reach, guest, o.context, o.name, way, c);
	if (!r && !user->running && user->daemon && o.context != user->daemon)
		r = check_search(reach, guest, user->daemon, "libvirt's daemon", way, c);
	if (!r && way->end && o.context != user->process)
		r = check_file(reach, guest, e, way->end, &o, c);
	if (!r && way->end)
		r = check_relabel(reach, guest, e, way->end, c);
	if (!r && o.access == VD_ACCESS_APPEND)
		r = check_log_directory(reach, guest, &o, way, c);
	if (!r && way->end && daemon_reads(guest, e)) {
		o = (struct opener){ .context = user->daemon, .name = "libvirt's daemon", .access = VD_ACCESS_READ };
		r = check_file(reach, guest, e, way->end, &o, c);
	}
	return r;
}
