/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sets a daemon's log settings, and which of it counts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "daemons.h"
#include "filter.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon-log");

/* What a setting is called in each place. */
static const struct {
	const char *name, *conf, *variable;
} settings[VD_SETTING_COUNT_] = {
	[VD_SETTING_FILTERS] = { "filters", "log_filters", "LIBVIRT_LOG_FILTERS" },
	[VD_SETTING_OUTPUTS] = { "outputs", "log_outputs", "LIBVIRT_LOG_OUTPUTS" },
	[VD_SETTING_LEVEL] = { "level", "log_level", "LIBVIRT_DEBUG" },
};

/* One call of vd_daemon_log_load(). */
struct load {
	struct vd_root *root;
	const struct vd_daemon_scope *scope;
	const struct vd_daemon *daemon;
	struct vd_log_values *values;
	struct vd_unit_env unit;
	struct vd_conf conf;
	bool conf_read, conf_broken, conf_unread;
};

const char *vd_log_setting_name(enum vd_log_setting setting)
{
	return settings[setting].name;
}

const char *vd_log_origin_name(enum vd_log_origin origin)
{
	static const char *const names[VD_ORIGIN_COUNT_] = { "virt-admin", "command-line", "environment",
		                                             "unit",       "conf",         "built-in" };

	return names[origin];
}

static void value_release(struct vd_log_value *v)
{
	free(v->value);
	free(v->path);
	free(v->error);
}

void vd_log_values_release(struct vd_log_values *values)
{
	for (size_t i = 0; i < values->len; i++)
		value_release(&values->items[i]);
	free(values->items);
	free(values->missing);
	free(values->missing_why);
	*values = (struct vd_log_values){ 0 };
}

/* Appends a value; strings are copied, NULL stays NULL. *@ret_value may be used until the next call. */
static int add(struct vd_log_values *values, enum vd_log_setting setting, enum vd_log_origin origin, const char *value,
               const char *path, struct vd_log_value **ret_value)
{
	struct vd_log_value v = { .setting = setting, .origin = origin };

	if (values->len == values->cap) {
		size_t want = values->cap ? values->cap * 2 : 8;
		struct vd_log_value *grown = reallocarray(values->items, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		values->items = grown;
		values->cap = want;
	}
	v.value = value ? strdup(value) : NULL;
	v.path = path ? strdup(path) : NULL;
	if ((value && !v.value) || (path && !v.path)) {
		value_release(&v);
		return -ENOMEM;
	}
	values->items[values->len] = v;
	*ret_value = &values->items[values->len++];
	return 0;
}

static int set_error(struct vd_log_value *v, const char *text)
{
	v->error = strdup(text);
	return v->error ? 0 : -ENOMEM;
}

static int miss(struct load *l, const char *path, const char *why)
{
	if (l->values->missing)
		return 0;
	l->values->missing = strdup(path);
	l->values->missing_why = strdup(why);
	return l->values->missing && l->values->missing_why ? 0 : -ENOMEM;
}

/* --- levels ------------------------------------------------------------------------------------------------------- */

/* Of LIBVIRT_DEBUG: exact, lower case. 0: libvirt refuses it. */
static unsigned variable_level(const char *value)
{
	static const char *const words[] = { "debug", "info", "warning", "error" };

	for (unsigned i = 0; i < VD_ARRAY_SIZE(words); i++)
		if (!strcmp(value, words[i]) || (value[0] == (char)('1' + i) && !value[1]))
			return i + 1;
	return 0;
}

static int set_level(struct vd_log_value *v, unsigned level)
{
	char digit[2] = { (char)('0' + level), '\0' };

	free(v->value);
	v->value = strdup(digit);
	return v->value ? 0 : -ENOMEM;
}

/* What a variable says, normalised: a level becomes its number. */
static int finish_variable(struct vd_log_value *v)
{
	unsigned level;

	if (v->setting != VD_SETTING_LEVEL || !*v->value)
		return 0;
	level = variable_level(v->value);
	return level ? set_level(v, level) : set_error(v, "not one of debug, info, warning, error, 1 to 4");
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

static int add_environment(struct load *l, enum vd_log_setting setting)
{
	const struct vd_daemon_process *p = vd_daemon_main(l->daemon);
	VD_AUTO_FREE char *value = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_log_value *v;
	char path[64];
	int r;

	if (!p)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)p->pid);
	r = vd_process_env(l->root, p->pid, settings[setting].variable, &value, &err);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		l->values->now_unsure = true;
		return miss(l, path, vd_err_text(&err));
	}
	if (!value)
		return 0;
	r = add(l->values, setting, VD_ORIGIN_ENVIRONMENT, value, path, &v);
	return r < 0 ? r : finish_variable(v);
}

static int add_unit(struct load *l, enum vd_log_setting setting)
{
	const struct vd_unit_var *var = vd_unit_env_get(&l->unit, settings[setting].variable);
	struct vd_log_value *v;
	int r;

	if (!var)
		return 0;
	r = add(l->values, setting, VD_ORIGIN_UNIT, var->value, var->path, &v);
	if (r < 0)
		return r;
	v->line = var->line;
	return finish_variable(v);
}

static int finish_conf(struct vd_log_value *v, const struct vd_conf_value *value)
{
	if (v->setting != VD_SETTING_LEVEL)
		return value->type == VD_CONF_STRING ? 0 : set_error(v, "not a string in quotes");
	if (value->type != VD_CONF_INT || value->is_negative)
		return set_error(v, "not an unsigned number");
	if (value->number > 4)
		return set_error(v, "not a level from 1 to 4");
	return set_level(v, (unsigned)value->number);
}

static int add_conf(struct load *l, enum vd_log_setting setting)
{
	const struct vd_conf_stmt *stmt = l->conf_read ? vd_conf_find(&l->conf, settings[setting].conf) : NULL;
	struct vd_log_value *v;
	int r;

	if (l->conf_unread) {
		r = add(l->values, setting, VD_ORIGIN_CONF, NULL, l->daemon->conf, &v);
		if (r == 0)
			v->unread = true;
		return r;
	}
	if (!stmt)
		return 0;
	r = add(l->values, setting, VD_ORIGIN_CONF, stmt->value.type == VD_CONF_STRING ? stmt->value.string : NULL,
	        l->daemon->conf, &v);
	if (r < 0)
		return r;
	v->line = stmt->line;
	return finish_conf(v, &stmt->value);
}

static int read_conf(struct load *l)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(l->root, l->daemon->conf, VD_MAX_CONF, &text, &err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0) {
		r = vd_conf_parse(vd_buf_str(&text), text.len, l->daemon->conf, &l->conf, &err);
		l->conf_broken = r == -EBADMSG;
	}
	l->conf_read = r == 0;
	l->conf_unread = r < 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		l->values->now_unsure = true;
	return r < 0 ? miss(l, l->daemon->conf, vd_err_text(&err)) : 0;
}

/* -v lowers the default level to info and leaves a lower one alone. */
static int add_command(struct load *l)
{
	const struct vd_daemon_process *p = vd_daemon_main(l->daemon);
	struct vd_log_value *v;
	char path[64];

	if (!p || !p->is_verbose)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)p->pid);
	return add(l->values, VD_SETTING_LEVEL, VD_ORIGIN_COMMAND, "2", path, &v);
}

/* --- built in ----------------------------------------------------------------------------------------------------- */

static bool has_journal(struct load *l)
{
	struct vd_stat st;
	int r = vd_root_stat(l->root, "/run/systemd/journal/socket", &st, NULL);

	if (r == 0)
		return true;
	/* A capture holds no sockets: any host with units has a journal. */
	return !vd_root_is_live(l->root) && (l->daemon->service.path || l->daemon->socket.path);
}

/* Does the process log to a terminal by default? */
static bool has_terminal(struct load *l, const struct vd_daemon_process *p)
{
	VD_AUTO_FREE char *target = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/fd/0", (long)p->pid);
	return vd_root_readlink(l->root, path, &target, NULL) == 0 &&
	       (!strncmp(target, "/dev/pts/", 9) || !strncmp(target, "/dev/tty", 8));
}

/* libvirt's choice since 1.0.0: the journal; else, of a daemonised one, its log file; else standard error. */
static int builtin_output(struct load *l, const struct vd_daemon_process *p, unsigned level, struct vd_buf *text)
{
	bool daemonised = p && p->is_daemonised;

	/* The journal never gets debug messages by default. */
	if (has_journal(l) && (!p || daemonised || !has_terminal(l, p)))
		return vd_buf_addf(text, "%u:journald", level < 2 ? 2 : level);
	if (daemonised)
		return vd_buf_addf(text, "%u:file:%s/%s.log", level, l->scope->log_dir, l->daemon->name);
	return vd_buf_addf(text, "%u:stderr", level);
}

static unsigned level_of(const struct vd_log_values *values, bool next)
{
	const struct vd_log_value *v = vd_log_values_get(values, VD_SETTING_LEVEL, next);
	unsigned level = v && !v->error && v->value && *v->value ? (unsigned)(*v->value - '0') : 0;

	return level ? level : VD_LOG_DEFAULT_LEVEL;
}

static int add_builtin(struct load *l, enum vd_log_setting setting)
{
	const struct vd_daemon_process *p = vd_daemon_main(l->daemon);
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_log_value *v;
	int r;

	if (setting == VD_SETTING_FILTERS)
		return add(l->values, setting, VD_ORIGIN_BUILTIN, "", NULL, &v);
	if (setting == VD_SETTING_LEVEL)
		r = vd_buf_addf(&text, "%u", VD_LOG_DEFAULT_LEVEL);
	else
		r = builtin_output(l, p, level_of(l->values, !p), &text);
	return r < 0 ? r : add(l->values, setting, VD_ORIGIN_BUILTIN, text.data, NULL, &v);
}

/* --- what counts -------------------------------------------------------------------------------------------------- */

/* An empty string and level 0 mean "not set". */
static bool is_set(const struct vd_log_value *v)
{
	if (v->origin == VD_ORIGIN_BUILTIN || v->error)
		return true;
	return v->value && *v->value && (v->setting != VD_SETTING_LEVEL || strcmp(v->value, "0") != 0);
}

static bool counts(const struct load *l, const struct vd_log_value *v, bool next)
{
	if (v->origin == VD_ORIGIN_UNIT)
		return next;
	if (v->origin == VD_ORIGIN_ENVIRONMENT)
		return !next;
	/* A daemon without a unit is started again as it was started. */
	if (v->origin == VD_ORIGIN_COMMAND)
		return !next || !l->daemon->service.path;
	return true;
}

static struct vd_log_value *winner(struct load *l, enum vd_log_setting setting, bool next)
{
	struct vd_log_value *command = NULL;

	for (size_t i = 0; i < l->values->len; i++) {
		struct vd_log_value *v = &l->values->items[i];

		if (v->setting != setting || !is_set(v) || !counts(l, v, next))
			continue;
		if (v->origin == VD_ORIGIN_COMMAND) {
			command = v;
			continue;
		}
		if (command && (v->error || !v->value || v->value[0] < '3'))
			return v;
		return command ? command : v;
	}
	return command;
}

static void choose(struct load *l, enum vd_log_setting setting)
{
	const struct vd_daemon_process *p = vd_daemon_main(l->daemon);
	struct vd_log_value *v = p ? winner(l, setting, false) : NULL;

	/* What the process has read of a file that was edited since, or in an environment out of sight, is unknown. */
	if (v && v->origin != VD_ORIGIN_ENVIRONMENT && l->values->now_unsure)
		v = NULL;
	if (v)
		v->now = true;
	v = l->conf_broken ? NULL : winner(l, setting, true);
	/* Only what beats the file is known without it. */
	if (v && l->conf_unread && v->origin != VD_ORIGIN_UNIT)
		v = NULL;
	if (v)
		v->next = true;
}

static int load_setting(struct load *l, enum vd_log_setting setting)
{
	int r = setting == VD_SETTING_LEVEL ? add_command(l) : 0;

	if (r == 0)
		r = add_environment(l, setting);
	if (r == 0)
		r = add_unit(l, setting);
	if (r == 0)
		r = add_conf(l, setting);
	if (r == 0)
		r = add_builtin(l, setting);
	if (r == 0)
		choose(l, setting);
	return r;
}

static int load_all(struct load *l)
{
	/* The built-in output has the level in force in it. */
	static const enum vd_log_setting order[] = { VD_SETTING_LEVEL, VD_SETTING_FILTERS, VD_SETTING_OUTPUTS };
	int r = 0;

	if (!l->scope->session)
		r = vd_unit_env_load(l->root, l->daemon->name, &l->unit);
	if (r == 0 && l->unit.unreadable)
		r = miss(l, l->unit.unreadable, l->unit.why);
	if (r == 0)
		r = read_conf(l);
	l->values->now_unsure |= l->daemon->conf_newer;
	for (size_t i = 0; i < VD_ARRAY_SIZE(order) && r == 0; i++)
		r = load_setting(l, order[i]);
	return r;
}

int vd_daemon_log_load(struct vd_root *root, const struct vd_daemon_scope *scope, const struct vd_daemon *daemon,
                       struct vd_log_values *ret_values)
{
	VD_AUTO_LOG_VALUES values = { 0 };
	struct load l = { .root = root, .scope = scope, .daemon = daemon, .values = &values };
	int r = load_all(&l);

	vd_unit_env_release(&l.unit);
	vd_conf_release(&l.conf);
	if (r < 0)
		return r;
	VLOG_DEBUG("%s: %zu values%s", daemon->name, values.len, values.now_unsure ? ", now unsure" : "");
	*ret_values = values;
	values = (struct vd_log_values){ 0 };
	return 0;
}

int vd_log_values_add_admin(struct vd_log_values *values, enum vd_log_setting setting, const char *value,
                            const char *uri)
{
	struct vd_log_value *v;
	int r = add(values, setting, VD_ORIGIN_ADMIN, value, uri, &v);

	if (r < 0)
		return r;
	for (size_t i = 0; i < values->len; i++)
		if (values->items[i].setting == setting)
			values->items[i].now = false;
	v->now = true;
	return 0;
}

const struct vd_log_value *vd_log_values_get(const struct vd_log_values *values, enum vd_log_setting setting, bool next)
{
	for (size_t i = 0; i < values->len; i++)
		if (values->items[i].setting == setting && (next ? values->items[i].next : values->items[i].now))
			return &values->items[i];
	return NULL;
}
