/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt-conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.conf");

#define MAX_PROFILES (1u << 20)

char *vd_svirt_conf_path(const char *dir, enum vd_driver driver)
{
	char *path;

	return asprintf(&path, "%s/%s.conf", dir, vd_driver_name(driver)) < 0 ? NULL : path;
}

/* --- what a file says --------------------------------------------------------------------------------------------- */

void vd_svirt_conf_release(struct vd_svirt_conf *conf)
{
	vd_strv_release(&conf->names);
	free(conf->fatal);
	*conf = (struct vd_svirt_conf){ 0 };
}

/* Of several reasons the first one counts, as it ends the daemon. */
static int set_fatal(struct vd_svirt_conf *c, const char *reason)
{
	if (!c->fatal)
		c->fatal = strdup(reason);
	return c->fatal ? 0 : -ENOMEM;
}

static int check_names(struct vd_svirt_conf *c)
{
	static const char *const known[] = { "none", "selinux", "apparmor" };

	for (size_t i = 0; i < c->names.len; i++) {
		const char *name = c->names.items[i];
		VD_AUTO_BUF text = VD_BUF_INIT;
		bool is_known = false, twice = false;

		for (size_t k = 0; k < VD_ARRAY_SIZE(known); k++)
			is_known |= !strcmp(known[k], name);
		for (size_t k = 0; k < i; k++)
			twice |= !strcmp(c->names.items[k], name);
		if (is_known && !twice)
			continue;
		if (vd_buf_addf(&text, "line %u: %s \"%s\"%s", c->line,
		                twice ? "duplicate security driver" : "there is no security driver", name,
		                !strcmp(name, "dac") ? " to choose: it is always there" : "") < 0)
			return -ENOMEM;
		return set_fatal(c, text.data);
	}
	return 0;
}

static int read_driver(const struct vd_conf *conf, struct vd_svirt_conf *c)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, "security_driver");
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *one;
	int r;

	if (!stmt)
		return 0;
	c->line = stmt->line;
	if (c->driver == VD_DRIVER_LXC) {
		r = vd_conf_string(conf, "security_driver", &one, &err);
		if (r == 0)
			r = vd_strv_add(&c->names, one);
	} else {
		r = vd_conf_strings(conf, "security_driver", true, &c->names, &err);
	}
	if (r == -EBADMSG)
		return set_fatal(c, vd_err_text(&err));
	return r < 0 ? r : check_names(c);
}

static int read_flag(const struct vd_conf *conf, const char *name, struct vd_svirt_conf *c, bool *value)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_conf_bool(conf, name, value, &err);

	return r == -EBADMSG ? set_fatal(c, vd_err_text(&err)) : 0;
}

int vd_svirt_conf_parse(const char *text, size_t len, const char *file, enum vd_driver driver,
                        struct vd_svirt_conf *ret_conf, struct vd_err *err)
{
	VD_AUTO_CONF conf = { 0 };
	struct vd_svirt_conf c = { .driver = driver, .default_confined = driver == VD_DRIVER_QEMU };
	const struct vd_conf_stmt *require;
	int r = vd_conf_parse(text, len, file, &conf, err);

	if (r < 0)
		return r;
	r = read_driver(&conf, &c);
	if (r == 0)
		r = read_flag(&conf, "security_default_confined", &c, &c.default_confined);
	if (r == 0)
		r = read_flag(&conf, "security_require_confined", &c, &c.require_confined);
	if (r < 0) {
		vd_svirt_conf_release(&c);
		return vd_err_set(err, ENOMEM, "no memory to read %s", file);
	}
	require = vd_conf_find(&conf, "security_require_confined");
	c.require_line = require ? require->line : 0;
	c.by_us = vd_svirt_has_block(text, len, &conf);
	VLOG_DEBUG("%s: %zu drivers%s%s", file, c.names.len, c.fatal ? ", fatal: " : "", c.fatal ? c.fatal : "");
	*ret_conf = c;
	return 0;
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

/*
 * libvirt looks for a profile of the daemon's program, or one called like the daemon, and uses AppArmor only when that
 * one is enforced: a daemon in complain mode confines nobody.
 */
static bool has_daemon_profile(const char *profiles)
{
	static const char *const names[] = { "libvirtd", "virtqemud", "virtlxcd" };

	for (const char *at = profiles; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t len = strcspn(at, "\n"), name_len = strcspn(at, " \n");
		const char *name = at;

		for (const char *p = at; p < at + name_len; p++)
			if (*p == '/')
				name = p + 1;
		name_len -= (size_t)(name - at);
		if (len < 10 || strncmp(at + len - 10, " (enforce)", 10) != 0)
			continue;
		for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++)
			if (strlen(names[i]) == name_len && !strncmp(name, names[i], name_len))
				return true;
	}
	return false;
}

static int find_apparmor(struct vd_root *root, enum vd_svirt_active *ret_active)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/sys/kernel/security/apparmor/profiles", MAX_PROFILES, &text, NULL);

	if (r == -ENOMEM)
		return r;
	if (r == 0) {
		*ret_active = has_daemon_profile(vd_buf_str(&text)) ? VD_SVIRT_ACTIVE : VD_SVIRT_INACTIVE;
		return 0;
	}
	*ret_active = VD_SVIRT_ACTIVE_UNKNOWN;
	if (vd_root_read(root, "/sys/module/apparmor/parameters/enabled", 64, &text, NULL) == 0)
		*ret_active = vd_buf_str(&text)[0] == 'Y' ? VD_SVIRT_ACTIVE_UNKNOWN : VD_SVIRT_INACTIVE;
	else if (vd_root_read(root, "/sys/kernel/security/lsm", 4096, &text, NULL) == 0)
		*ret_active = strstr(vd_buf_str(&text), "apparmor") ? VD_SVIRT_ACTIVE_UNKNOWN : VD_SVIRT_INACTIVE;
	else if (vd_root_is_live(root) && r == -ENOENT)
		*ret_active = VD_SVIRT_INACTIVE;
	return 0;
}

int vd_svirt_host_load(struct vd_root *root, int selinux, bool session, struct vd_svirt_host *ret_host)
{
	struct vd_svirt_host host = { .session = session };

	host.selinux = selinux >= 0 ? VD_SVIRT_ACTIVE : selinux == -1 ? VD_SVIRT_INACTIVE : VD_SVIRT_ACTIVE_UNKNOWN;
	/* Of the big security modules a kernel uses one. */
	if (host.selinux == VD_SVIRT_ACTIVE)
		host.apparmor = VD_SVIRT_INACTIVE;
	else if (find_apparmor(root, &host.apparmor) < 0)
		return -ENOMEM;
	if (host.apparmor == VD_SVIRT_ACTIVE)
		host.selinux = VD_SVIRT_INACTIVE;
	*ret_host = host;
	return 0;
}

/* --- what a daemon makes of it ------------------------------------------------------------------------------------ */

void vd_svirt_outcome_release(struct vd_svirt_outcome *outcome)
{
	vd_strv_release(&outcome->models);
	free(outcome->fails);
	*outcome = (struct vd_svirt_outcome){ 0 };
}

static int add_model(struct vd_svirt_outcome *o, const char *name, enum vd_svirt_active active, bool probed)
{
	if (active == VD_SVIRT_ACTIVE_UNKNOWN) {
		o->unsure = true;
		return 0;
	}
	if (active == VD_SVIRT_INACTIVE) {
		if (!probed && !o->fails &&
		    asprintf(&o->fails, "security driver \"%s\" is not active on this host", name) < 0)
			return o->fails = NULL, -ENOMEM;
		return 0;
	}
	o->confines = true;
	return vd_strv_add(&o->models, name);
}

static int choose(const struct vd_svirt_conf *conf, const struct vd_svirt_host *host, struct vd_svirt_outcome *o)
{
	int r = 0;

	if (!conf->names.len) {
		r = add_model(o, "selinux", host->selinux, true);
		if (r == 0 && !o->confines && !o->unsure)
			r = add_model(o, "apparmor", host->apparmor, true);
	}
	for (size_t i = 0; i < conf->names.len && r == 0; i++) {
		if (!strcmp(conf->names.items[i], "selinux"))
			r = add_model(o, "selinux", host->selinux, false);
		else if (!strcmp(conf->names.items[i], "apparmor"))
			r = add_model(o, "apparmor", host->apparmor, false);
	}
	return r;
}

int vd_svirt_outcome(const struct vd_svirt_conf *conf, const struct vd_svirt_host *host,
                     struct vd_svirt_outcome *ret_outcome)
{
	struct vd_svirt_outcome o = { 0 };
	int r = 0;

	if (conf->fatal)
		r = (o.fails = strdup(conf->fatal)) ? 0 : -ENOMEM;
	else
		r = choose(conf, host, &o);
	/* Each driver is asked alone: "none" beside another one is refused too. */
	if (r == 0 && !o.fails && conf->require_confined &&
	    (vd_strv_has(&conf->names, "none") || (!o.confines && !o.unsure)))
		r = asprintf(&o.fails,
		             "line %u: security_require_confined = 1, and the driver \"none\" cannot confine guests",
		             conf->require_line) < 0
		            ? (o.fails = NULL, -ENOMEM)
		            : 0;
	if (o.fails)
		o.unsure = o.confines = false;
	/* The dac driver stands beside the chosen ones: in qemu's daemon of the system alone. */
	if (r == 0 && !o.fails && !o.unsure && conf->driver == VD_DRIVER_QEMU && !host->session)
		r = vd_strv_add(&o.models, "dac");
	if (r < 0 || o.fails || o.unsure)
		vd_strv_release(&o.models);
	if (r < 0) {
		vd_svirt_outcome_release(&o);
		return r;
	}
	*ret_outcome = o;
	return 0;
}

static bool is_refused(const char *model, const struct vd_svirt_outcome *outcome)
{
	return model && strcmp(model, "none") != 0 && !vd_strv_has(&outcome->models, model);
}

const char *vd_svirt_refused_model(const struct vd_domain *domain, const struct vd_svirt_outcome *outcome)
{
	if (outcome->fails || outcome->unsure)
		return NULL;
	for (size_t i = 0; i < domain->n_seclabels; i++)
		if (is_refused(domain->seclabels[i].model, outcome))
			return domain->seclabels[i].model;
	for (size_t i = 0; i < domain->n_resources; i++) {
		const struct vd_res *res = &domain->resources[i];

		if (res->kind != VD_RES_DISK && res->kind != VD_RES_CHARDEV)
			continue;
		for (size_t k = 0; k < res->source->n_seclabels; k++)
			if (is_refused(res->source->seclabels[k].model, outcome))
				return res->source->seclabels[k].model;
	}
	return NULL;
}
