/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd's units of the daemons as their files show them: whether they are enabled, and the environment they give. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon-unit");

#define MAX_UNIT (1u << 20)

/* Where units live, the administrator's first; systemd.unit(5). */
static const char *const unit_dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	                                 "/usr/lib/systemd/system", "/lib/systemd/system" };
/* Those that belong to the administrator or to this boot: links there mean "enabled". */
#define N_ADMIN_DIRS 2

const char *vd_unit_state_name(enum vd_unit_state state)
{
	static const char *const names[VD_UNIT_COUNT_] = {
		NULL, "static", "indirect", "disabled", "enabled", "masked"
	};

	return names[state];
}

/* --- states ------------------------------------------------------------------------------------------------------- */

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

int vd_units_enabled(struct vd_root *root, struct vd_strv *names)
{
	for (size_t d = 0; d < N_ADMIN_DIRS; d++) {
		VD_AUTO_STRV entries = VD_STRV_INIT;

		if (vd_root_list(root, unit_dirs[d], &entries, NULL) == -ENOMEM)
			return -ENOMEM;
		for (size_t i = 0; i < entries.len; i++) {
			VD_AUTO_STRV links = VD_STRV_INIT;
			VD_AUTO_BUF path = VD_BUF_INIT;

			if (!has_suffix(entries.items[i], ".wants") && !has_suffix(entries.items[i], ".requires"))
				continue;
			if (vd_buf_addf(&path, "%s/%s", unit_dirs[d], entries.items[i]) < 0 ||
			    vd_root_list(root, path.data, &links, NULL) == -ENOMEM)
				return -ENOMEM;
			for (size_t l = 0; l < links.len; l++)
				if (vd_strv_add(names, links.items[l]) < 0)
					return -ENOMEM;
		}
	}
	return 0;
}

/* What [Install] allows: WantedBy= and the like can be enabled, Also= alone enables others. */
static enum vd_unit_state installable(const char *text)
{
	static const char *const own[] = { "WantedBy", "RequiredBy", "UpheldBy", "Alias" };
	enum vd_unit_state state = VD_UNIT_STATIC;
	const char *p = !strncmp(text, "[Install]", 9) ? text : strstr(text, "\n[Install]");

	while (p) {
		p += *p == '\n';
		for (size_t i = 0; i < VD_ARRAY_SIZE(own); i++)
			if (!strncmp(p, own[i], strlen(own[i])) && strchr(" \t=", p[strlen(own[i])]))
				return VD_UNIT_DISABLED;
		if (!strncmp(p, "Also", 4))
			state = VD_UNIT_INDIRECT;
		p = strchr(p, '\n');
	}
	return state;
}

int vd_unit_find(struct vd_root *root, const char *name, const struct vd_strv *enabled, struct vd_unit *ret_unit)
{
	bool is_enabled = vd_strv_has(enabled, name);
	struct vd_unit unit = { is_enabled ? VD_UNIT_ENABLED : VD_UNIT_NONE, NULL };

	for (size_t d = 0; d < VD_ARRAY_SIZE(unit_dirs) && !unit.path; d++) {
		VD_AUTO_FREE char *target = NULL;
		VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
		int r;

		if (vd_buf_addf(&path, "%s/%s", unit_dirs[d], name) < 0)
			return -ENOMEM;
		if (vd_root_readlink(root, path.data, &target, NULL) == 0 && !strcmp(target, "/dev/null")) {
			unit.state = VD_UNIT_MASKED;
			unit.path = vd_buf_steal(&path);
			break;
		}
		r = vd_root_read(root, path.data, MAX_UNIT, &text, NULL);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		unit.path = vd_buf_steal(&path);
		if (!is_enabled)
			unit.state = text.len ? installable(vd_buf_str(&text)) : VD_UNIT_MASKED;
	}
	*ret_unit = unit;
	return 0;
}

/* --- variables ---------------------------------------------------------------------------------------------------- */

static void var_release(struct vd_unit_var *var)
{
	free(var->name);
	free(var->value);
	free(var->path);
}

void vd_unit_env_release(struct vd_unit_env *env)
{
	for (size_t i = 0; i < env->len; i++)
		var_release(&env->items[i]);
	free(env->items);
	free(env->unreadable);
	free(env->why);
	*env = (struct vd_unit_env){ 0 };
}

const struct vd_unit_var *vd_unit_env_get(const struct vd_unit_env *env, const char *name)
{
	const struct vd_unit_var *found = NULL;

	/* The last one wins, but whatever an environment file sets wins over Environment=. */
	for (size_t i = 0; i < env->len; i++)
		if (!strcmp(env->items[i].name, name) && (!found || env->items[i].from_file >= found->from_file))
			found = &env->items[i];
	return found;
}

static int add_var(struct vd_unit_env *env, const char *assignment, const char *path, unsigned line, bool from_file)
{
	const char *equals = strchr(assignment, '=');
	struct vd_unit_var var = { .line = line, .from_file = from_file };

	if (!equals || equals == assignment)
		return 0;
	if (env->len == env->cap) {
		size_t want = env->cap ? env->cap * 2 : 8;
		struct vd_unit_var *grown = reallocarray(env->items, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		env->items = grown;
		env->cap = want;
	}
	var.name = strndup(assignment, (size_t)(equals - assignment));
	var.value = strdup(equals + 1);
	var.path = strdup(path);
	if (!var.name || !var.value || !var.path) {
		var_release(&var);
		return -ENOMEM;
	}
	env->items[env->len++] = var;
	return 0;
}

static void forget(struct vd_unit_env *env, bool from_file)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->len; i++)
		if (env->items[i].from_file == from_file)
			var_release(&env->items[i]);
		else
			env->items[kept++] = env->items[i];
	env->len = kept;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int add_escape(struct vd_buf *word, const char **p)
{
	static const char from[] = "abfnrtvs\\\"'", to[] = "\a\b\f\n\r\t\v \\\"'";
	const char *known = **p ? strchr(from, **p) : NULL;

	if (!known)
		return vd_buf_addc(word, '\\');
	(*p)++;
	return vd_buf_addc(word, to[known - from]);
}

/* One word of Environment=: quotes may stand anywhere, %% is a percent sign. *@p moves behind it. */
static int next_word(const char **p, struct vd_buf *word)
{
	char quote = 0;
	int r = 0;

	vd_buf_clear(word);
	while (is_blank(**p))
		(*p)++;
	while (r == 0 && **p && (quote || !is_blank(**p))) {
		char c = *(*p)++;

		if (c == '\\')
			r = add_escape(word, p);
		else if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		else if (c == '%' && **p == '%')
			r = vd_buf_addc(word, *(*p)++);
		else
			r = vd_buf_addc(word, c);
	}
	return r;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* Goes through a text by lines that a backslash at the end continues. */
struct reader {
	char *next; /* NULL: at the end */
	unsigned line, next_line;
};

static char *next_line(struct reader *r)
{
	char *line = r->next, *out = line;

	if (!line || !*line)
		return NULL;
	r->line = r->next_line;
	for (char *p = line;; p++) {
		if (*p == '\\' && p[1] == '\n') {
			*out++ = ' ';
			p++;
			r->next_line++;
		} else if (!*p || *p == '\n') {
			r->next = *p ? p + 1 : NULL;
			r->next_line++;
			*out = '\0';
			return line;
		} else {
			*out++ = *p;
		}
	}
}

static int read_file(struct vd_root *root, const char *path, struct vd_buf *text, struct vd_unit_env *env)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(root, path, MAX_UNIT, text, &err);

	if (r == -ENOMEM || r == 0)
		return r;
	if (r != -ENOENT && r != -ENOTDIR && !env->unreadable) {
		env->unreadable = strdup(path);
		env->why = strdup(vd_err_text(&err));
		if (!env->unreadable || !env->why)
			return -ENOMEM;
	}
	return 0;
}

/* The value of a line of an environment file, in place: one pair of quotes around it goes, blanks at the end too. */
static int add_file_line(struct vd_unit_env *env, char *line, const char *path, unsigned number)
{
	VD_AUTO_BUF var = VD_BUF_INIT;
	char *equals, *p, quote = 0;
	size_t keep;

	line += strspn(line, " \t");
	equals = strchr(line, '=');
	if (*line == '#' || *line == ';' || !equals)
		return 0;
	for (p = equals; p > line && is_blank(p[-1]); p--)
		;
	if (vd_buf_add(&var, line, (size_t)(p - line)) < 0 || vd_buf_addc(&var, '=') < 0)
		return -ENOMEM;
	keep = var.len;
	p = equals + 1 + strspn(equals + 1, " \t");
	for (; *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1] && (!quote || strchr("\"\\`$", p[1])))
			p++;
		else if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = quote ? 0 : *p;
			keep = var.len;
			continue;
		}
		if (vd_buf_addc(&var, *p) < 0)
			return -ENOMEM;
		if (quote || !strchr(" \t\r", *p))
			keep = var.len;
	}
	var.data[keep] = '\0';
	return add_var(env, var.data, path, number, true);
}

static int load_env_file(struct vd_root *root, const char *path, struct vd_unit_env *env)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct reader reader = { .next_line = 1 };
	int r = read_file(root, path, &text, env);

	reader.next = text.data;
	for (char *line; r == 0 && (line = next_line(&reader));)
		r = add_file_line(env, line, path, reader.line);
	return r;
}

/* The value of @line when it sets @key, else NULL. */
static const char *key_value(const char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0)
		return NULL;
	line += n + strspn(line + n, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static int add_unit_line(struct vd_unit_env *env, struct vd_strv *files, const char *line, const char *path,
                         unsigned number)
{
	const char *value = key_value(line, "Environment"), *file = key_value(line, "EnvironmentFile");
	VD_AUTO_BUF word = VD_BUF_INIT;
	int r = 0;

	if (value && !*value)
		forget(env, false);
	while (r == 0 && value && *value) {
		r = next_word(&value, &word);
		if (r == 0 && word.len)
			r = add_var(env, word.data, path, number, false);
	}
	if (file && !*file) {
		vd_strv_release(files);
	} else if (file) {
		r = next_word(&file, &word);
		if (r == 0 && word.len)
			r = vd_strv_add(files, word.data + (*word.data == '-'));
	}
	return r;
}

static int load_unit(struct vd_root *root, const char *path, struct vd_unit_env *env, struct vd_strv *files)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct reader reader = { .next_line = 1 };
	bool in_service = false;
	int r = read_file(root, path, &text, env);

	reader.next = text.data;
	for (char *line; r == 0 && (line = next_line(&reader));) {
		line += strspn(line, " \t");
		if (*line == '[')
			in_service = !strncmp(line, "[Service]", 9);
		else if (in_service && *line != '#' && *line != ';')
			r = add_unit_line(env, files, line, path, reader.line);
	}
	return r;
}

/* --- drop-ins ----------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int by_base_name(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static bool has_base_name(const struct vd_strv *paths, const char *name)
{
	for (size_t i = 0; i < paths->len; i++)
		if (!strcmp(base_name(paths->items[i]), name))
			return true;
	return false;
}

/* Of several files of a name the administrator's counts; all are applied in the order of their names. */
static int find_dropins(struct vd_root *root, const char *name, struct vd_strv *paths)
{
	for (size_t d = 0; d < VD_ARRAY_SIZE(unit_dirs); d++) {
		VD_AUTO_STRV names = VD_STRV_INIT;
		VD_AUTO_BUF dir = VD_BUF_INIT;

		if (vd_buf_addf(&dir, "%s/%s.service.d", unit_dirs[d], name) < 0 ||
		    vd_root_list(root, dir.data, &names, NULL) == -ENOMEM)
			return -ENOMEM;
		for (size_t i = 0; i < names.len; i++) {
			VD_AUTO_BUF path = VD_BUF_INIT;

			if (!has_suffix(names.items[i], ".conf") || has_base_name(paths, names.items[i]))
				continue;
			if (vd_buf_addf(&path, "%s/%s", dir.data, names.items[i]) < 0 ||
			    vd_strv_add(paths, path.data) < 0)
				return -ENOMEM;
		}
	}
	if (paths->len)
		qsort(paths->items, paths->len, sizeof(*paths->items), by_base_name);
	return 0;
}

static int load_env(struct vd_root *root, const char *name, struct vd_unit_env *env)
{
	static const struct vd_strv none = VD_STRV_INIT;
	VD_AUTO_STRV paths = VD_STRV_INIT, files = VD_STRV_INIT;
	VD_AUTO_BUF unit_name = VD_BUF_INIT;
	struct vd_unit unit = { 0 };
	int r;

	if (vd_buf_addf(&unit_name, "%s.service", name) < 0)
		return -ENOMEM;
	r = vd_unit_find(root, unit_name.data, &none, &unit);
	if (r == 0 && unit.path && unit.state != VD_UNIT_MASKED)
		r = load_unit(root, unit.path, env, &files);
	free(unit.path);
	if (r == 0)
		r = find_dropins(root, name, &paths);
	for (size_t i = 0; i < paths.len && r == 0; i++)
		r = load_unit(root, paths.items[i], env, &files);
	for (size_t i = 0; i < files.len && r == 0; i++)
		r = load_env_file(root, files.items[i], env);
	return r;
}

int vd_unit_env_load(struct vd_root *root, const char *name, struct vd_unit_env *ret_env)
{
	struct vd_unit_env env = { 0 };
	int r = load_env(root, name, &env);

	if (r < 0) {
		vd_unit_env_release(&env);
		return r;
	}
	VLOG_DEBUG("%s.service: %zu variables", name, env.len);
	*ret_env = env;
	return 0;
}
