/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suggest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "filter.h"
#include "host.h"
#include "log-strings.h"

VD_PRINTF(1, 2) static char *format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	vd_need_memory(vasprintf(&s, fmt, ap) >= 0);
	va_end(ap);
	return s;
}

static void set(struct vd_value *object, const char *key, struct vd_value *value)
{
	vd_need_memory(vd_value_set(object, key, value) == 0);
}

static void append(struct vd_value *array, struct vd_value *value)
{
	vd_need_memory(vd_value_append(array, value) == 0);
}

static struct vd_value *new_array(void)
{
	struct vd_value *v = vd_value_array();

	vd_need_memory(v != NULL);
	return v;
}

/* --- what is configured now --------------------------------------------------------------------------------------- */

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

/* The value of a setting. One that is no string, or that no line could show again, is as good as unread. */
static char *conf_value(struct vd_target *t, const struct vd_conf *conf, const char *name, unsigned *ret_line)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, name);
	const char *value = NULL;
	char *copy;

	if (!stmt)
		return NULL;
	if (vd_conf_string(conf, name, &value, NULL) < 0 || has_control(value)) {
		t->unknown = true;
		return NULL;
	}
	*ret_line = stmt->line;
	copy = strdup(value);
	vd_need_memory(copy != NULL);
	return copy;
}

static void read_level(struct vd_target *t, const struct vd_conf *conf)
{
	const struct vd_conf_stmt *stmt = vd_conf_find(conf, "log_level");

	if (!stmt)
		return;
	t->unknown |= stmt->value.type != VD_CONF_INT || stmt->value.is_negative;
	t->level_line = stmt->line;
	t->old_level = stmt->value.type == VD_CONF_INT ? stmt->value.number : 0;
}

static void read_conf(struct vd_suggestion *s, struct vd_target *t)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_CONF conf = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(s->ctx->root, t->conf, VD_MAX_CONF, &text, &err);

	/* Without the file the built-in values are in force. */
	if (r == -ENOENT || r == -ENOTDIR)
		return;
	if (r >= 0)
		r = vd_conf_parse(vd_buf_str(&text), text.len, t->conf, &conf, &err);
	if (r < 0) {
		t->unknown = true;
		vd_report_missing(s->report, t->conf, vd_err_text(&err), false);
		return;
	}
	t->old_filters = conf_value(t, &conf, "log_filters", &t->filters_line);
	t->old_outputs = conf_value(t, &conf, "log_outputs", &t->outputs_line);
	read_level(t, &conf);
}

/* Does the journal take the daemon's messages by default? Only a live host without its socket tells that it does not.
 */
static bool has_journald(struct vd_suggestion *s)
{
	struct vd_stat st;

	if (s->version < VD_VERSION(1, 0, 0))
		return false;
	return !vd_root_is_live(s->ctx->root) ||
	       vd_root_stat(s->ctx->root, "/run/systemd/journal/socket", &st, NULL) != -ENOENT;
}

/*
 * A filter alone logs nothing where the output wants warnings: put a file for the debug lines before the outputs that
 * are in force, unless one of them, other than the journal, takes them already.
 */
static char *choose_outputs(struct vd_suggestion *s, const struct vd_target *t)
{
	VD_AUTO_FREE char *file = format("/var/log/libvirt/%s.log", t->place.name);
	const char *in_force = t->now[VD_SETTING_OUTPUTS].value;
	VD_AUTO_FILTERS old = VD_FILTERS_INIT;
	VD_AUTO_BUF outputs = VD_BUF_INIT;

	vd_need_memory(vd_buf_addf(&outputs, "%u:file:%s", s->level, file) == 0);
	vd_parse_string_as(VD_LOG_OUTPUTS, s->version, in_force ? in_force : "", &old);
	if (old.invalid || old.open || !old.count) {
		if (has_journald(s))
			vd_need_memory(vd_buf_adds(&outputs, " 3:journald") == 0);
		return vd_buf_steal(&outputs);
	}
	for (size_t i = 0; i < old.count; i++) {
		const struct vlog_item *p = &old.items[i].parsed;

		if (!vd_outputs_kept(&old, i))
			continue;
		if (p->level <= s->level && p->dest != VLOG_DEST_JOURNALD)
			return format("%s", in_force);
		if (!old.items[i].path || strcmp(old.items[i].path, file))
			vd_need_memory(vd_buf_addf(&outputs, " %.*s", (int)p->text.length,
			                           vd_filters_span(&old, &p->text)) == 0);
	}
	return vd_buf_steal(&outputs);
}

static const char *const variables[] = { "LIBVIRT_LOG_FILTERS", "LIBVIRT_LOG_OUTPUTS", "LIBVIRT_DEBUG" };

/* One that no line could show again is as good as unread. */
static void set_now(struct vd_target *t, const struct vd_log_values *values, enum vd_log_setting setting, bool runs)
{
	const struct vd_log_value *v = vd_log_values_get(values, setting, false);

	if (!v) {
		v = vd_log_values_get(values, setting, true);
		t->now_unknown |= runs;
	}
	if (!v || v->origin == VD_ORIGIN_BUILTIN || v->error || !v->value || !*v->value)
		return;
	/* Of the file that was told when it was read. */
	if (!has_control(v->value))
		t->now[setting].value = format("%s", v->value);
	if (v->origin != VD_ORIGIN_CONF && v->line)
		t->now[setting].where = format("%s:%u", v->path, v->line);
	else if (v->origin != VD_ORIGIN_CONF)
		t->now[setting].where = format("%s", v->path);
}

/* What is in force, and what of it the configuration file could not change. */
static void read_in_force(struct vd_suggestion *s, struct vd_target *t, const struct vd_daemon *daemon)
{
	/* One without any trace may still be given variables. */
	const struct vd_daemon absent = { .name = t->place.name, .conf = t->conf };
	VD_AUTO_LOG_VALUES values = { 0 };
	bool runs = daemon && vd_daemon_main(daemon);

	vd_need_memory(vd_daemon_log_load(s->ctx->root, &s->daemons.scope, daemon ? daemon : &absent, &values) == 0 &&
	               vd_unit_env_load(s->ctx->root, t->place.name, &t->env) == 0);
	if (values.missing && strcmp(values.missing, t->conf) != 0)
		vd_report_missing(s->report, values.missing, values.missing_why, false);
	set_now(t, &values, VD_SETTING_FILTERS, runs);
	set_now(t, &values, VD_SETTING_OUTPUTS, runs);
	for (int i = 0; i < VD_SETTING_COUNT_ && !t->beaten; i++) {
		const struct vd_log_value *v = vd_log_values_get(&values, (enum vd_log_setting)i, true);

		if (v && v->origin == VD_ORIGIN_UNIT && (i != VD_SETTING_LEVEL || s->log_level))
			t->beaten = format("%s:%u sets %s", v->path, v->line, variables[i]);
	}
}

static void target_load(struct vd_suggestion *s, struct vd_target *t)
{
	const struct vd_daemon *daemon = vd_daemons_get(&s->daemons, t->place.name);

	t->conf = daemon ? format("%s", daemon->conf) : format("/etc/libvirt/%s.conf", t->place.name);
	read_conf(s, t);
	read_in_force(s, t, daemon);
	t->outputs = choose_outputs(s, t);
}

void vd_target_release(struct vd_target *t)
{
	vd_daemon_place_release(&t->place);
	free(t->conf);
	free(t->old_filters);
	free(t->old_outputs);
	free(t->outputs);
	for (size_t i = 0; i < VD_ARRAY_SIZE(t->now); i++) {
		free(t->now[i].value);
		free(t->now[i].where);
	}
	free(t->beaten);
	vd_unit_env_release(&t->env);
}

/* --- the ways ----------------------------------------------------------------------------------------------------- */

static struct vd_value *new_way(struct vd_suggestion *s, const char *id, const char *daemon)
{
	struct vd_value *way = vd_value_object();

	vd_need_memory(way != NULL);
	set(way, "id", vd_value_str(id));
	set(way, "daemon", vd_value_str(daemon));
	set(way, "filters", vd_value_str(s->filters));
	return way;
}

static void add_command(struct vd_value *commands, const char *const *argv)
{
	append(commands, vd_value_strings(argv));
}

static void add_admin(struct vd_value *commands, const struct vd_target *t, const char *command, const char *option,
                      const char *value)
{
	VD_AUTO_FREE char *uri = format("%s:///system", t->place.name);
	const char *const with_option[] = { "virt-admin", "-c", uri, command, option, value, NULL };
	const char *const without[] = { "virt-admin", "-c", uri, command, value, NULL };

	add_command(commands, option ? with_option : without);
}

/* Since 8.6.0 virt-admin can keep a daemon from ending by itself. */
static bool has_timeout(const struct vd_suggestion *s, const struct vd_target *t)
{
	return s->version >= VD_VERSION(8, 6, 0) && vd_daemon_has_timeout(t->place.name);
}

bool vd_suggest_has_admin(const struct vd_suggestion *s)
{
	return !s->at_start && !s->log_level && s->version >= VD_VERSION(3, 0, 0);
}

/* virt-admin: gone when the daemon ends, so it must not end by itself meanwhile. */
static void add_admin_way(struct vd_suggestion *s, const struct vd_target *t)
{
	struct vd_value *way = new_way(s, "virt-admin", t->place.name), *commands = new_array(), *undo = new_array();
	const char *filters = t->now[VD_SETTING_FILTERS].value, *outputs = t->now[VD_SETTING_OUTPUTS].value;

	if (has_timeout(s, t))
		/* Without the option's name virt-admin 9.0.0 refuses the 0. */
		add_admin(commands, t, "daemon-timeout", "--timeout", "0");
	add_admin(commands, t, "daemon-log-outputs", NULL, t->outputs);
	add_admin(commands, t, "daemon-log-filters", NULL, s->filters);
	add_admin(undo, t, "daemon-log-filters", NULL, filters ? filters : "");
	add_admin(undo, t, "daemon-log-outputs", NULL, outputs ? outputs : "");
	if (has_timeout(s, t))
		add_admin(undo, t, "daemon-timeout", "--timeout", "120");
	set(way, "outputs", vd_value_str(t->outputs));
	set(way, "commands", commands);
	set(way, "undo", undo);
	append(s->ways, way);
}

/* libvirt's configuration files know no escapes: a value stands in whichever quotes it does not hold. */
static struct vd_value *conf_line(const char *name, const char *value)
{
	char quote = strchr(value, '"') ? '\'' : '"';
	VD_AUTO_FREE char *line = format("%s = %c%s%c", name, quote, value, quote);

	return vd_value_str(line);
}

static struct vd_value *level_line(uint64_t level)
{
	VD_AUTO_FREE char *line = format("log_level = %llu", (unsigned long long)level);

	return vd_value_str(line);
}

static void add_restart(struct vd_value *commands, const char *daemon)
{
	const char *const restart[] = { "systemctl", "restart", daemon, NULL };

	add_command(commands, restart);
}

static void add_conf_way(struct vd_suggestion *s, const struct vd_target *t)
{
	struct vd_value *way = new_way(s, "conf", t->place.name), *lines = new_array(), *commands = new_array();
	struct vd_value *replaces = new_array(), *old = new_array(), *undo = new_array();

	if (s->log_level)
		append(lines, level_line(s->log_level));
	append(lines, conf_line("log_filters", s->filters));
	append(lines, conf_line("log_outputs", t->outputs));
	if (s->log_level && t->level_line) {
		append(replaces, vd_value_int(t->level_line));
		append(old, level_line(t->old_level));
	}
	if (t->filters_line) {
		append(replaces, vd_value_int(t->filters_line));
		append(old, conf_line("log_filters", t->old_filters));
	}
	if (t->outputs_line) {
		append(replaces, vd_value_int(t->outputs_line));
		append(old, conf_line("log_outputs", t->old_outputs));
	}
	add_restart(commands, t->place.name);
	add_restart(undo, t->place.name);
	set(way, "outputs", vd_value_str(t->outputs));
	set(way, "file", vd_value_str(t->conf));
	set(way, "lines", lines);
	set(way, "replaces_lines", replaces);
	set(way, "commands", commands);
	set(way, "undo_lines", old);
	set(way, "undo", undo);
	set(way, "overridden_by", vd_value_str(t->beaten));
	append(s->ways, way);
}

/* Environment="NAME=VALUE" as systemd reads it: % begins a specifier, quotes and backslashes are escaped. */
static struct vd_value *unit_line(const char *name, const char *value)
{
	VD_AUTO_BUF line = VD_BUF_INIT;

	vd_need_memory(vd_buf_addf(&line, "Environment=\"%s=", name) == 0);
	for (const char *c = value; *c; c++) {
		if (*c == '%' || *c == '"' || *c == '\\')
			vd_need_memory(vd_buf_addc(&line, *c == '%' ? '%' : '\\') == 0);
		vd_need_memory(vd_buf_addc(&line, *c) == 0);
	}
	vd_need_memory(vd_buf_addc(&line, '"') == 0);
	return vd_value_str(line.data);
}

/* Is @var one of those that are suggested? */
static bool is_ours(const struct vd_suggestion *s, const struct vd_unit_var *var)
{
	for (int i = 0; i < VD_SETTING_COUNT_; i++)
		if (!strcmp(var->name, variables[i]))
			return i != VD_SETTING_LEVEL || s->log_level;
	return false;
}

#define DROP_IN "virtdiag-log.conf"

/*
 * Drop-ins count in the order of their names, wherever they are, and the last one wins: ours comes behind the last one
 * that sets the same, "x.conf" < "x.virtdiag-log.conf".
 */
static char *drop_in_path(const struct vd_suggestion *s, const struct vd_target *t)
{
	const char *last = DROP_IN;
	size_t stem;

	for (size_t i = 0; i < t->env.len; i++) {
		const char *path = t->env.items[i].path, *slash = strrchr(path, '/');

		if (is_ours(s, &t->env.items[i]) && slash && strstr(path, ".service.d/") && strcmp(slash + 1, last) > 0)
			last = slash + 1;
	}
	stem = strlen(last) - strlen(".conf");
	/* One of ours already. */
	if (!strcmp(last, DROP_IN) || strstr(last, "." DROP_IN))
		return format("/etc/systemd/system/%s.service.d/%s", t->place.name, last);
	return format("/etc/systemd/system/%s.service.d/%.*s." DROP_IN, t->place.name, (int)stem, last);
}

/* NAME='VALUE' as an EnvironmentFile has it; of a value that no line could show again, what to do. */
static struct vd_value *env_line(const char *name, const char *value)
{
	VD_AUTO_BUF line = VD_BUF_INIT;

	if (has_control(value)) {
		vd_need_memory(vd_buf_addf(&line, "# %s as it was: it has control characters", name) == 0);
		return vd_value_str(line.data);
	}
	vd_need_memory(vd_buf_addf(&line, "%s=", name) == 0 && vd_buf_add_shell(&line, value) == 0);
	return vd_value_str(line.data);
}

/* The variable that the last of the unit's environment files sets: no drop-in's Environment= beats it. NULL: none. */
static const struct vd_unit_var *last_from_file(const struct vd_suggestion *s, const struct vd_target *t)
{
	const struct vd_unit_var *last = NULL;

	for (size_t i = 0; i < t->env.len; i++)
		if (t->env.items[i].from_file && is_ours(s, &t->env.items[i]))
			last = &t->env.items[i];
	return last;
}

/* The variables of the suggestion, each as @line writes it. */
static void add_variables(const struct vd_suggestion *s, const struct vd_target *t,
                          struct vd_value *(*line)(const char *name, const char *value), struct vd_value *lines)
{
	VD_AUTO_FREE char *level = format("%u", s->log_level);

	if (s->log_level)
		append(lines, line(variables[VD_SETTING_LEVEL], level));
	append(lines, line(variables[VD_SETTING_FILTERS], s->filters));
	append(lines, line(variables[VD_SETTING_OUTPUTS], t->outputs));
}

/* In the environment file that sets them already. */
static void add_env_file_way(struct vd_suggestion *s, const struct vd_target *t, const char *file)
{
	struct vd_value *way = new_way(s, "environment", t->place.name), *lines = new_array(), *commands = new_array();
	struct vd_value *replaces = new_array(), *old = new_array(), *undo = new_array();

	add_variables(s, t, env_line, lines);
	for (size_t i = 0; i < t->env.len; i++) {
		const struct vd_unit_var *var = &t->env.items[i];

		if (!var->from_file || !is_ours(s, var) || strcmp(var->path, file) != 0)
			continue;
		append(replaces, vd_value_int(var->line));
		append(old, env_line(var->name, var->value));
	}
	add_restart(commands, t->place.name);
	add_restart(undo, t->place.name);
	set(way, "outputs", vd_value_str(t->outputs));
	set(way, "file", vd_value_str(file));
	set(way, "lines", lines);
	set(way, "replaces_lines", replaces);
	set(way, "commands", commands);
	set(way, "undo_lines", old);
	set(way, "undo", undo);
	append(s->ways, way);
}

static void add_unit_way(struct vd_suggestion *s, const struct vd_target *t)
{
	VD_AUTO_FREE char *file = drop_in_path(s, t);
	const char *const reload[] = { "systemctl", "daemon-reload", NULL };
	const char *const rm[] = { "rm", "--", file, NULL };
	struct vd_value *way = new_way(s, "environment", t->place.name), *lines = new_array(), *commands = new_array();
	struct vd_value *undo = new_array();

	append(lines, vd_value_str("[Service]"));
	add_variables(s, t, unit_line, lines);
	add_command(commands, reload);
	add_restart(commands, t->place.name);
	add_command(undo, rm);
	add_command(undo, reload);
	add_restart(undo, t->place.name);
	set(way, "outputs", vd_value_str(t->outputs));
	set(way, "file", vd_value_str(file));
	set(way, "lines", lines);
	set(way, "commands", commands);
	set(way, "undo", undo);
	append(s->ways, way);
}

/* A client logs where it runs: its standard error can go to a file. */
static void add_client_way(struct vd_suggestion *s)
{
	VD_AUTO_FREE char *outputs = format("%u:stderr", s->level);
	VD_AUTO_FREE char *filters = format("LIBVIRT_LOG_FILTERS=%s", s->filters);
	VD_AUTO_FREE char *variable = format("LIBVIRT_LOG_OUTPUTS=%s", outputs);
	VD_AUTO_FREE char *debug = format("LIBVIRT_DEBUG=%u", s->log_level);
	const char *const env[] = { "env", filters, variable, "virsh", "list", NULL };
	const char *const env_level[] = { "env", debug, filters, variable, "virsh", "list", NULL };
	struct vd_value *way = new_way(s, "client", NULL), *commands = new_array();

	add_command(commands, s->log_level ? env_level : env);
	set(way, "outputs", vd_value_str(outputs));
	set(way, "commands", commands);
	append(s->ways, way);
}

static void add_daemon_ways(struct vd_suggestion *s, const struct vd_target *t)
{
	const struct vd_unit_var *in_file = last_from_file(s, t);

	if (vd_suggest_has_admin(s))
		add_admin_way(s, t);
	add_conf_way(s, t);
	if (in_file)
		add_env_file_way(s, t, in_file->path);
	else
		add_unit_way(s, t);
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

static bool has_target(const struct vd_target *targets, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(targets[i].place.name, name))
			return true;
	return false;
}

static size_t find_targets(struct vd_suggestion *s, const char *daemon, struct vd_target *targets)
{
	size_t n = 0;

	if (daemon) {
		targets[0].place = (struct vd_daemon_place){ daemon, VD_DAEMON_FOUND, NULL };
		return 1;
	}
	for (size_t i = 0; i <= s->count && !s->only_client; i++) {
		const char *owner = i < s->count ? s->topics[i]->daemon : n ? NULL : "virtqemud";

		if (!owner)
			continue;
		/* Before 5.7.0 libvirtd did it all. */
		if (s->version < VD_VERSION(5, 7, 0) && vd_daemon_is_modular(owner))
			targets[n].place = (struct vd_daemon_place){ "libvirtd", VD_DAEMON_FOUND, NULL };
		else
			vd_need_memory(vd_daemons_serving(s->ctx->root, &s->daemons, owner, &targets[n].place, NULL) ==
			               0);
		if (has_target(targets, n, targets[n].place.name))
			vd_daemon_place_release(&targets[n].place);
		else
			n++;
	}
	return n;
}

static void set_uses(struct vd_suggestion *s)
{
	VD_AUTO_FILTERS f = VD_FILTERS_INIT;

	s->only_client = true;
	for (size_t i = 0; i < s->count; i++) {
		s->at_start |= s->topics[i]->use == VD_TOPIC_AT_START;
		s->only_client &= s->topics[i]->use == VD_TOPIC_CLIENT;
		s->for_client |= !s->topics[i]->daemon && s->topics[i]->use != VD_TOPIC_AT_START;
	}
	vd_parse_string_as(VD_LOG_FILTERS, s->version, s->filters, &f);
	s->log_level = vd_topics_log_level(s->topics, s->count, s->version);
	s->level = s->log_level ? s->log_level : VD_LOG_DEFAULT_LEVEL;
	for (size_t i = 0; i < f.count; i++)
		if (f.items[i].valid && f.items[i].parsed.level < s->level)
			s->level = f.items[i].parsed.level;
}

size_t vd_suggest_ways(struct vd_suggestion *s, const char *daemon, struct vd_target *targets)
{
	size_t n;

	/* Those of the system: there is always such a scope. */
	vd_need_memory(vd_daemons_load(s->ctx->root, false, NULL, &s->daemons, NULL) == 0);
	set_uses(s);
	s->ways = new_array();
	n = find_targets(s, daemon, targets);
	for (size_t i = 0; i < n; i++) {
		target_load(s, &targets[i]);
		add_daemon_ways(s, &targets[i]);
	}
	if (s->for_client)
		add_client_way(s);
	return n;
}
