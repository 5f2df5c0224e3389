/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source-tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "value.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.source-tree");

/*
 * Types of the installed programs: Fedora's policy has one for each modular daemon; the reference policy, as in Debian,
 * has libvirtd's only, and one of its own for virtlockd.
 */
static const struct known {
	const char *name;
	enum vd_tree_role role;
	const char *fedora, *reference;
} known[] = {
	{ "libvirtd", VD_TREE_DAEMON, "virtd_exec_t", "virtd_exec_t" },
	{ "virtqemud", VD_TREE_DAEMON, "virtqemud_exec_t", "virtd_exec_t" },
	{ "virtlxcd", VD_TREE_DAEMON, "virtd_lxc_exec_t", "virtd_exec_t" },
	{ "virtnetworkd", VD_TREE_DAEMON, "virtnetworkd_exec_t", "virtd_exec_t" },
	{ "virtstoraged", VD_TREE_DAEMON, "virtstoraged_exec_t", "virtd_exec_t" },
	{ "virtnodedevd", VD_TREE_DAEMON, "virtnodedevd_exec_t", "virtd_exec_t" },
	{ "virtnwfilterd", VD_TREE_DAEMON, "virtnwfilterd_exec_t", "virtd_exec_t" },
	{ "virtsecretd", VD_TREE_DAEMON, "virtsecretd_exec_t", "virtd_exec_t" },
	{ "virtinterfaced", VD_TREE_DAEMON, "virtinterfaced_exec_t", "virtd_exec_t" },
	{ "virtproxyd", VD_TREE_DAEMON, "virtproxyd_exec_t", "virtd_exec_t" },
	{ "virtlogd", VD_TREE_DAEMON, "virtlogd_exec_t", "virtlogd_exec_t" },
	{ "virtlockd", VD_TREE_DAEMON, "virtlogd_exec_t", "virtlockd_exec_t" },
	{ "libvirt_lxc", VD_TREE_HELPER, "virtd_lxc_exec_t", "virtd_lxc_exec_t" },
	{ "virsh", VD_TREE_TOOL, NULL, NULL },
};

const char *vd_tree_kind_name(enum vd_tree_kind kind)
{
	return kind == VD_TREE_MESON ? "meson" : "autotools";
}

void vd_tree_release(struct vd_tree *tree)
{
	for (size_t i = 0; i < tree->n_programs; i++) {
		free(tree->programs[i].path);
		free(tree->programs[i].elf);
		free(tree->programs[i].label);
	}
	free(tree->programs);
	free(tree->source);
	free(tree->build);
	free(tree->version);
	free(tree->built_version);
	free(tree->prefix);
	free(tree->sysconfdir);
	free(tree->localstatedir);
	free(tree->run);
	free(tree->python);
	vd_strv_release(&tree->libraries);
	vd_strv_release(&tree->links);
	memset(tree, 0, sizeof(*tree));
}

const struct vd_tree_program *vd_tree_find(const struct vd_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->n_programs; i++)
		if (!strcmp(tree->programs[i].name, name))
			return &tree->programs[i];
	return NULL;
}

/* --- files of the tree ------------------------------------------------------------------------------------------ */

/* DIR/NAME; NULL without memory. */
static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", strcmp(dir, "/") ? dir : "", name) < 0 ? NULL : path;
}

/* Does @rc mean that the file is not there? A capture that does not list it has none either. */
static bool is_absent(int rc)
{
	return rc == -ENOENT || rc == -ENOTDIR || rc == -VD_NO_EVIDENCE;
}

/* 1 when DIR/NAME is a file of @type (links followed), 0 when not; -ENOMEM; -EACCES and others: it cannot be told. */
static int there(struct vd_root *root, const char *dir, const char *name, enum vd_file_type type, struct vd_err *err)
{
	VD_AUTO_FREE char *path = join(dir, name);
	struct vd_stat st;
	int rc = path ? vd_root_stat(root, path, &st, err) : -ENOMEM;

	if (rc < 0)
		return is_absent(rc) ? 0 : rc;
	return st.type == type;
}

/* 1: read; 0: there is no such file, and @buf is empty; a negative errno: it cannot be read. */
static int slurp(struct vd_root *root, const char *dir, const char *name, struct vd_buf *buf, struct vd_err *err)
{
	VD_AUTO_FREE char *path = join(dir, name);
	int rc = path ? vd_root_read(root, path, VD_MAX_CONF, buf, err) : -ENOMEM;

	if (rc < 0)
		vd_buf_clear(buf);
	return rc == 0 ? 1 : is_absent(rc) ? 0 : rc;
}

/* What stands in the quotes (@open, @close) that follow @key in @text; NULL. */
static char *quoted_behind(const char *text, const char *key, char open, char close)
{
	const char *p = strstr(text, key), *end;

	p = p ? strchr(p + strlen(key), open) : NULL;
	end = p ? strchr(p + 1, close) : NULL;
	if (!end || end - p > 256 || memchr(p, '\n', (size_t)(end - p)))
		return NULL;
	return strndup(p + 1, (size_t)(end - p - 1));
}

/* The value of `#define NAME "VALUE"` in a C header; NULL. */
static char *defined(const char *text, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "#define %s ", name);
	return quoted_behind(text, key, '"', '"');
}

/* --- which tree --------------------------------------------------------------------------------------------------- */

/* 1: @dir holds the sources, and @tree tells which; 0: it does not; a negative errno. */
static int find_sources(struct vd_root *root, const char *dir, struct vd_tree *tree, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *s;
	int rc = slurp(root, dir, "meson.build", &text, err);

	if (rc > 0) {
		s = strstr(vd_buf_str(&text), "project(");
		s = s ? s + strlen("project(") : "";
		s += strspn(s, " \t\r\n");
		if (!strncmp(s, "'libvirt'", 9)) {
			tree->kind = VD_TREE_MESON;
			tree->version = quoted_behind(s, "version:", '\'', '\'');
			tree->source = strdup(dir);
			return tree->source ? 1 : -ENOMEM;
		}
	}
	if (rc >= 0)
		rc = slurp(root, dir, "configure.ac", &text, err);
	if (rc == 0)
		rc = slurp(root, dir, "configure.in", &text, err);
	if (rc > 0) {
		s = strstr(vd_buf_str(&text), "AC_INIT(");
		if (s && (!strncmp(s + 8, "[libvirt]", 9) || !strncmp(s + 8, "libvirt,", 8))) {
			tree->kind = VD_TREE_AUTOTOOLS;
			tree->version = quoted_behind(s, ",", '[', ']');
			tree->source = strdup(dir);
			return tree->source ? 1 : -ENOMEM;
		}
	}
	return rc < 0 ? rc : 0;
}

/* The directory of the sources that a meson build directory tells; NULL in @ret_source when it tells none. */
static int meson_source(struct vd_root *root, const char *build, char **ret_source, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_VALUE struct vd_value *json = NULL;
	const char *source;
	int rc = slurp(root, build, "meson-info/meson-info.json", &text, err);

	*ret_source = NULL;
	if (rc < 0 || vd_json_parse(vd_buf_str(&text), text.len, &json, NULL) < 0)
		return rc < 0 ? rc : 0;
	source = vd_value_get_str(vd_value_find(vd_value_find(json, "directories"), "source"), NULL);
	if (!source || *source != '/')
		return 0;
	*ret_source = strdup(source);
	return *ret_source ? 0 : -ENOMEM;
}

static int find_meson_build(struct vd_root *root, struct vd_tree *tree, struct vd_err *err)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_BUF several = VD_BUF_INIT;
	VD_AUTO_ERR why = VD_ERR_INIT, denied = VD_ERR_INIT;
	int rc = vd_root_list(root, tree->source, &names, err);

	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		VD_AUTO_FREE char *dir = join(tree->source, names.items[i]);

		int r = dir ? there(root, dir, "meson-info/meson-info.json", VD_FILE_REG, &why) : -ENOMEM;

		if (r == -ENOMEM)
			return r;
		if (r < 0 && !denied.code)
			vd_err_set(&denied, -r, "%s", vd_err_text(&why));
		if (r <= 0)
			continue;
		if (vd_buf_addf(&several, "%s%s", several.len ? ", " : "", dir) < 0)
			return -ENOMEM;
		if (!tree->build)
			tree->build = vd_steal(dir);
	}
	if (rc == 0 && strchr(vd_buf_str(&several), ','))
		return vd_err_set(err, EEXIST, "%s is built in several directories; name one of them: %s", tree->source,
		                  vd_buf_str(&several));
	/* What must not be looked into may be the one. */
	if (rc == 0 && !tree->build && denied.code)
		return vd_err_set(err, denied.code, "%s", vd_err_text(&denied));
	return rc;
}

/* Sources and build directory of what @path names: either of the two. */
static int locate(struct vd_root *root, const char *path, struct vd_tree *tree, struct vd_err *err)
{
	VD_AUTO_FREE char *source = NULL;
	int rc = there(root, path, "meson-info/meson-info.json", VD_FILE_REG, err);

	if (rc > 0) {
		rc = meson_source(root, path, &source, err);
		if (rc == 0 && source)
			rc = find_sources(root, source, tree, err);
		tree->build = strdup(path);
		if (!tree->build)
			return -ENOMEM;
	} else if (rc == 0) {
		rc = find_sources(root, path, tree, err);
		if (rc == 1 && tree->kind == VD_TREE_MESON) {
			int r = find_meson_build(root, tree, err);

			if (r < 0)
				return r;
		} else if (rc == 1) {
			int r = there(root, path, "config.status", VD_FILE_REG, err);

			tree->build = r > 0 ? strdup(path) : NULL;
			if (r < 0 || (r > 0 && !tree->build))
				return r < 0 ? r : -ENOMEM;
		}
	}
	if (rc == 0)
		return vd_err_set(
		        err, EINVAL,
		        "%s is no source tree of libvirt: neither its meson.build nor its configure.ac names it", path);
	return rc < 0 ? rc : 0;
}

/* --- what was built ----------------------------------------------------------------------------------------------- */

static int load_config(struct vd_root *root, struct vd_tree *tree, struct vd_err *err)
{
	static const char *const dirs[] = { "configmake.h", "gnulib/lib/configmake.h", "src/configmake.h" };
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *s;
	int rc = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs) && !tree->sysconfdir; i++) {
		rc = slurp(root, tree->build, dirs[i], &text, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		tree->prefix = defined(vd_buf_str(&text), "PREFIX");
		tree->sysconfdir = defined(vd_buf_str(&text), "SYSCONFDIR");
		tree->localstatedir = defined(vd_buf_str(&text), "LOCALSTATEDIR");
	}
	rc = slurp(root, tree->build, tree->kind == VD_TREE_MESON ? "meson-config.h" : "config.h", &text, err);
	if (rc <= 0)
		return rc;
	s = vd_buf_str(&text);
	tree->built_version = defined(s, "PACKAGE_VERSION");
	tree->with_lxc = strstr(s, "#define WITH_LXC 1") != NULL;
	tree->with_qemu = strstr(s, "#define WITH_QEMU 1") != NULL;
	tree->with_selinux = strstr(s, "#define WITH_SECDRIVER_SELINUX 1") != NULL;
	return 0;
}

/* Does @path begin with "#!"? libtool's wrappers do. */
static bool is_script(struct vd_root *root, const char *path)
{
	VD_AUTO_BUF head = VD_BUF_INIT;

	return vd_root_read_header(root, path, 2, &head, NULL) == 0 && head.len == 2 && !memcmp(head.data, "#!", 2);
}

/* The program that libtool's wrapper DIR/NAME executes: the one relinked at its first start, or the one to install. */
static char *behind_wrapper(struct vd_root *root, const char *dir, const char *name)
{
	char relative[128];

	snprintf(relative, sizeof(relative), ".libs/lt-%s", name);
	if (there(root, dir, relative, VD_FILE_REG, NULL) == 1)
		return join(dir, relative);
	snprintf(relative, sizeof(relative), ".libs/%s", name);
	return there(root, dir, relative, VD_FILE_REG, NULL) == 1 ? join(dir, relative) : NULL;
}

static int add_program(struct vd_root *root, struct vd_tree *tree, const struct known *k, const char *dir, bool fedora)
{
	struct vd_tree_program *p, *more;
	VD_AUTO_FREE char *path = join(dir, k->name), *elf = NULL;

	if (!path)
		return -ENOMEM;
	elf = is_script(root, path) ? behind_wrapper(root, dir, k->name) : strdup(path);
	/* A wrapper without its program: the tree was cleaned half. */
	if (!elf)
		return 0;
	more = realloc(tree->programs, (tree->n_programs + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	tree->programs = more;
	p = &more[tree->n_programs++];
	*p = (struct vd_tree_program){ .name = k->name,
		                       .role = k->role,
		                       .path = vd_steal(path),
		                       .elf = vd_steal(elf),
		                       .wanted = fedora ? k->fedora : k->reference };
	if (vd_root_label(root, p->elf, &p->label, NULL) < 0)
		p->label = NULL;
	return 0;
}

/* Fedora's policy is called targeted; the reference policy has other names for it. */
static bool has_fedora_types(struct vd_root *root)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	return vd_root_read(root, "/etc/selinux/config", VD_MAX_CONF, &text, NULL) < 0 ||
	       strstr(vd_buf_str(&text), "SELINUXTYPE=targeted") != NULL;
}

static int find_programs(struct vd_root *root, struct vd_tree *tree, struct vd_err *err)
{
	static const char *const places[] = { "src", "daemon", "tools" };
	bool fedora = has_fedora_types(root);

	for (size_t i = 0; i < VD_ARRAY_SIZE(known); i++) {
		for (size_t k = 0; k < VD_ARRAY_SIZE(places); k++) {
			VD_AUTO_FREE char *dir = join(tree->build, places[k]);
			int rc = dir ? there(root, dir, known[i].name, VD_FILE_REG, err) : -ENOMEM;

			if (rc > 0)
				rc = add_program(root, tree, &known[i], dir, fedora);
			if (rc < 0)
				return rc;
			if (vd_tree_find(tree, known[i].name))
				break;
		}
	}
	return 0;
}

static int find_libraries(struct vd_root *root, struct vd_tree *tree, struct vd_err *err)
{
	VD_AUTO_FREE char *dir = join(tree->build, tree->kind == VD_TREE_MESON ? "src" : "src/.libs");
	VD_AUTO_STRV names = VD_STRV_INIT;
	int rc = dir ? vd_root_list(root, dir, &names, err) : -ENOMEM;

	if (rc < 0)
		return is_absent(rc) ? 0 : rc;
	for (size_t i = 0; i < names.len && rc == 0; i++) {
		const char *so = strstr(names.items[i], ".so");
		VD_AUTO_FREE char *path = so && (!so[3] || so[3] == '.') ? join(dir, names.items[i]) : NULL;
		struct vd_stat st;

		/* Beside the libraries meson keeps lists of their symbols. */
		if (!path || !strcmp(so + strlen(so) - 2, "ls") || vd_root_lstat(root, path, &st, NULL) < 0)
			continue;
		if (st.type == VD_FILE_REG || st.type == VD_FILE_LNK)
			rc = vd_strv_add(st.type == VD_FILE_REG ? &tree->libraries : &tree->links, path);
	}
	return rc;
}

int vd_tree_load(struct vd_root *root, const char *path, struct vd_tree *ret_tree, struct vd_err *err)
{
	VD_AUTO_TREE tree = { .with_lxc = -1, .with_qemu = -1, .with_selinux = -1 };
	VD_AUTO_FREE char *real = NULL;
	int rc = vd_root_realpath(root, path, &real, err);

	if (rc == 0)
		rc = locate(root, real, &tree, err);
	if (rc == 0 && tree.build) {
		rc = load_config(root, &tree, err);
		rc = rc < 0 ? rc : find_programs(root, &tree, err);
		rc = rc < 0 ? rc : find_libraries(root, &tree, err);
		if (rc == 0 && there(root, tree.build, "run", VD_FILE_REG, NULL) == 1)
			tree.run = join(tree.build, "run");
		if (there(root, tree.build, "python/.libs", VD_FILE_DIR, NULL) == 1)
			tree.python = join(tree.build, "python");
	}
	if (rc < 0)
		return rc == -ENOMEM ? vd_err_set(err, ENOMEM, "out of memory") : rc;
	VLOG_DEBUG("%s: %s, built in %s, %zu programs", tree.source, vd_tree_kind_name(tree.kind),
	           tree.build ? tree.build : "(nowhere)", tree.n_programs);
	*ret_tree = tree;
	memset(&tree, 0, sizeof(tree));
	return 0;
}

/* --- running it --------------------------------------------------------------------------------------------------- */

static int add_pair(struct vd_strv *pairs, const char *name, const char *build, const char *below)
{
	VD_AUTO_FREE char *value = below ? join(build, below) : strdup(build);

	if (!value || vd_strv_add(pairs, name) < 0)
		return -ENOMEM;
	return vd_strv_add(pairs, value);
}

int vd_tree_environment(const struct vd_tree *tree, struct vd_strv *ret_pairs)
{
	bool meson = tree->kind == VD_TREE_MESON;
	const char *b = tree->build, *libs = meson ? "src" : "src/.libs";
	const struct vd_tree_program *daemon = vd_tree_find(tree, "libvirtd");
	int rc = add_pair(ret_pairs, "LD_LIBRARY_PATH", b, libs);

	if (rc == 0)
		rc = add_pair(ret_pairs, "PKG_CONFIG_PATH", b, "src");
	if (rc == 0)
		rc = add_pair(ret_pairs, "PATH", b, "src");
	if (rc == 0 && !meson)
		rc = add_pair(ret_pairs, "PATH", b, "daemon");
	if (rc == 0)
		rc = add_pair(ret_pairs, "PATH", b, "tools");
	if (rc == 0)
		rc = add_pair(ret_pairs, "LIBVIRT_DIR_OVERRIDE", "1", NULL);
	/* Before there was LIBVIRT_DIR_OVERRIDE each place had its own variable. */
	if (rc == 0 && !meson)
		rc = add_pair(ret_pairs, "LIBVIRT_DRIVER_DIR", b, libs);
	if (rc == 0 && !meson)
		rc = add_pair(ret_pairs, "LIBVIRT_LOCK_MANAGER_PLUGIN_DIR", b, libs);
	if (rc == 0 && !meson && daemon)
		rc = add_pair(ret_pairs, "LIBVIRTD_PATH", daemon->path, NULL);
	if (rc == 0 && tree->python)
		rc = add_pair(ret_pairs, "PYTHONPATH", tree->python, ".libs");
	if (rc == 0 && tree->python)
		rc = add_pair(ret_pairs, "PYTHONPATH", tree->python, NULL);
	return rc;
}

/* The type in @context and its length; NULL when there is none. */
static const char *type_of(const char *context, size_t *ret_len)
{
	for (int colons = 0; context && colons < 2; colons++) {
		context = strchr(context, ':');
		context = context ? context + 1 : NULL;
	}
	*ret_len = context ? strcspn(context, ":") : 0;
	return context;
}

bool vd_tree_has_type(const char *context, const char *type)
{
	size_t len;
	const char *t = type_of(context, &len);

	return t && len == strlen(type) && !memcmp(t, type, len);
}

char *vd_tree_with_type(const char *context, const char *type)
{
	size_t len;
	const char *t = type_of(context, &len);
	char *changed;

	if (!t)
		return asprintf(&changed, "system_u:object_r:%s:s0", type) < 0 ? NULL : changed;
	return asprintf(&changed, "%.*s%s%s", (int)(t - context), context, type, t + len) < 0 ? NULL : changed;
}

char *vd_tree_context(const struct vd_tree_program *program)
{
	size_t len = program->wanted ? strlen(program->wanted) : 0;
	char *context;

	if (len < 7 ||
	    asprintf(&context, "system_u:system_r:%.*s_t:s0-s0:c0.c1023", (int)(len - 7), program->wanted) < 0)
		return NULL;
	return context;
}
