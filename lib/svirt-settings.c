/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "host.h"
#include "mounts.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.settings");

#define MAX_CONTEXTS  (64u << 10)
/* A host has one for each size of pages. */
#define MAX_HUGETLBFS 64

/* Is @r, from opening or reading, the answer that there is no such thing? All else is no answer. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* Read a small text file; an absent or unreadable one gives an empty @buf. Returns 0 or -ENOMEM. */
static int read_text(struct vd_root *root, const char *path, struct vd_buf *buf)
{
	int r;

	vd_buf_clear(buf);
	r = vd_root_read(root, path, MAX_CONTEXTS, buf, NULL);
	if (r < 0) {
		vd_buf_clear(buf);
		VLOG_DEBUG("%s: not read (%d)", path, r);
	}
	return r == -ENOMEM ? r : 0;
}

/* Tells in s->unread of a contexts file that is there and not readable. Returns 0 or -ENOMEM. */
static int tell_unread(struct vd_svirt_settings *s, int r, const struct vd_err *err)
{
	if (r >= 0 || is_absent(r))
		return 0;
	return r == -ENOMEM ? r : vd_strv_add(&s->unread, vd_err_text(err));
}

/* As read_text(), for a file of the policy. */
static int read_contexts(struct vd_root *root, const char *path, struct vd_buf *buf, struct vd_svirt_settings *s)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(root, path, MAX_CONTEXTS, buf, &err);

	if (r < 0)
		vd_buf_clear(buf);
	return tell_unread(s, r, &err);
}

/* Copy of @len bytes at @text without blanks at both ends into *@slot; an empty line leaves it alone. */
static int take_line(const char *text, size_t len, char **slot)
{
	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	while (len && (*text == ' ' || *text == '\t'))
		text++, len--;
	if (!len)
		return 0;
	free(*slot);
	*slot = strndup(text, len);
	return *slot ? 0 : -ENOMEM;
}

/* The first two lines of a contexts file. */
static int read_lines(struct vd_root *root, struct vd_svirt_settings *s, const char *name, char **first, char **second)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;
	const char *at, *end;
	char **slots[] = { first, second };

	if (vd_buf_addf(&path, "%s/%s", s->contexts_dir, name) < 0 ||
	    read_contexts(root, vd_buf_str(&path), &text, s) < 0)
		return -ENOMEM;
	at = vd_buf_str(&text);
	end = at + strlen(at);
	for (size_t i = 0; i < VD_ARRAY_SIZE(slots) && at < end; i++) {
		size_t len = strcspn(at, "\n");

		if (take_line(at, len, slots[i]) < 0)
			return -ENOMEM;
		at += len + 1;
	}
	return 0;
}

/* A copy of the string @name of @conf, if it is there. */
static int copy_string(const struct vd_conf *conf, const char *name, char **slot)
{
	const char *value = NULL;

	if (vd_conf_string(conf, name, &value, NULL) < 0 || !value[0])
		return 0;
	free(*slot);
	*slot = strdup(value);
	return *slot ? 0 : -ENOMEM;
}

static int read_lxc_contexts(struct vd_root *root, struct vd_svirt_settings *s)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_CONF conf = { NULL, 0 };
	int r;

	if (vd_buf_addf(&path, "%s/lxc_contexts", s->contexts_dir) < 0 ||
	    read_contexts(root, vd_buf_str(&path), &text, s) < 0)
		return -ENOMEM;
	r = vd_conf_parse(vd_buf_str(&text), text.len, vd_buf_str(&path), &conf, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (copy_string(&conf, "process", &s->lxc_process) < 0 || copy_string(&conf, "file", &s->lxc_file) < 0 ||
	    copy_string(&conf, "content", &s->lxc_content) < 0)
		return -ENOMEM;
	return 0;
}

/* The value of KEY in etc/selinux/config: the last line that sets it, as libselinux reads it. */
static int config_value(const char *text, const char *key, char **ret_value)
{
	size_t key_len = strlen(key);
	char *value = NULL;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *p = at + strspn(at, " \t");

		if (strncmp(p, key, key_len) != 0 || p[key_len] != '=')
			continue;
		p += key_len + 1;
		if (take_line(p, strcspn(p, "\n"), &value) < 0)
			return -ENOMEM;
	}
	*ret_value = value;
	return 0;
}

/* Opened, not stat()ed: a capture's manifest tells of images, while these directories were copied as they are. */
static int open_contexts(struct vd_root *root, const char *path, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;

	return vd_root_open_dir(root, path, &fd, err);
}

/*
 * Where the policy's contexts files are: SELINUXTYPE's directory, else the one that the usual distributions have. One
 * that must not be opened may be the right one: then there is none, and s->unread tells why.
 */
static int find_contexts(struct vd_root *root, const char *type, struct vd_svirt_settings *s)
{
	const char *types[] = { type, "targeted", "default" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(types); i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		int r;

		/* The type is one path component; anything else would lead elsewhere. */
		if (!types[i] || strchr(types[i], '/'))
			continue;
		if (vd_buf_addf(&path, "/etc/selinux/%s/contexts", types[i]) < 0)
			return -ENOMEM;
		r = open_contexts(root, vd_buf_str(&path), &err);
		if (is_absent(r))
			continue;
		if (r < 0)
			return tell_unread(s, r, &err);
		s->contexts_dir = vd_buf_steal(&path);
		return s->contexts_dir ? 0 : -ENOMEM;
	}
	return 0;
}

static int load_contexts(struct vd_root *root, const char *type, struct vd_svirt_settings *s)
{
	int r = find_contexts(root, type, s);

	if (r < 0 || !s->contexts_dir)
		return r;
	r = read_lines(root, s, "virtual_domain_context", &s->domain_context, &s->domain_context_tcg);
	if (r == 0)
		r = read_lines(root, s, "virtual_image_context", &s->image_context, &s->content_context);
	if (r == 0)
		r = read_lxc_contexts(root, s);
	return r;
}

/* 1 when the kernel's list of security modules has selinux, 0 when not, -1 without such a list. */
static int in_lsm_list(struct vd_root *root)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	if (read_text(root, "/sys/kernel/security/lsm", &text) < 0 || !text.len)
		return -1;
	for (const char *word = text.data; *word; word += strspn(word, ",\n")) {
		size_t len = strcspn(word, ",\n");

		if (len == strlen("selinux") && !strncmp(word, "selinux", len))
			return 1;
		word += len;
	}
	return 0;
}

/* What sestatus(8) said when a sosreport was made: 1, 0 or -1 as in find_mode(), -2 without it. */
static int sosreport_mode(struct vd_root *root)
{
	static const char *const files[] = { "/sos_commands/selinux/sestatus_-b", "/sos_commands/selinux/sestatus_-v",
		                             "/sos_commands/selinux/sestatus" };
	static const struct {
		const char *key, *value;
		int mode;
	} lines[] = { { "Current mode:", "enforcing", 1 },
		      { "Current mode:", "permissive", 0 },
		      { "SELinux status:", "disabled", -1 } };
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; i < VD_ARRAY_SIZE(files) && !text.len; i++)
		if (read_text(root, files[i], &text) < 0)
			return -2;
	for (size_t i = 0; i < VD_ARRAY_SIZE(lines); i++) {
		const char *at = strstr(vd_buf_str(&text), lines[i].key);

		if (!at)
			continue;
		at += strlen(lines[i].key);
		at += strspn(at, " \t");
		if (!strncmp(at, lines[i].value, strlen(lines[i].value)))
			return lines[i].mode;
	}
	return -2;
}

/* Sets selinux and its kin in @s; see the comments there. Returns 0 or -ENOMEM. */
static int find_mode(struct vd_root *root, const char *configured, struct vd_svirt_settings *s)
{
	static const char enforce[] = "/sys/fs/selinux/enforce";
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(root, enforce, 64, &text, &err), now = -2;

	if (r == 0 && (vd_buf_str(&text)[0] == '0' || vd_buf_str(&text)[0] == '1')) {
		s->selinux_from = enforce;
		s->selinux = vd_buf_str(&text)[0] == '1';
		return 0;
	}
	if (r < 0 && !is_absent(r)) {
		s->selinux_unread = strdup(vd_err_text(&err));
		if (!s->selinux_unread)
			return -ENOMEM;
	}
	if (vd_root_is_live(root)) {
		s->selinux = is_absent(r) ? -1 : -2;
		return 0;
	}
	if (vd_root_is_sosreport(root) && (now = sosreport_mode(root)) != -2) {
		s->selinux_from = "/sos_commands/selinux";
	} else if (in_lsm_list(root) == 0) {
		s->selinux_from = "/sys/kernel/security/lsm";
		now = -1;
	} else if (configured) {
		s->selinux_from = VD_SELINUX_CONFIG;
		now = !strcasecmp(configured, "enforcing")    ? 1
		      : !strcasecmp(configured, "permissive") ? 0
		      : !strcasecmp(configured, "disabled")   ? -1
		                                              : -2;
	}
	s->selinux = now;
	return 0;
}

/* One conf file with the place where what is wrong with it is told. */
struct conf_file {
	const char *path;
	struct vd_conf conf;
	struct vd_strv *problems;
};

static int complain(struct conf_file *f, const struct vd_err *err)
{
	static const char line[] = "line ";
	const char *what = vd_err_text(err);
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r;

	if (!f->problems)
		return 0;
	/* A syntax error names file and line itself, a wrong type the line. */
	if (!strncmp(what, f->path, strlen(f->path)))
		return vd_strv_add(f->problems, what);
	if (!strncmp(what, line, strlen(line)))
		r = vd_buf_addf(&text, "%s:%s", f->path, what + strlen(line));
	else
		r = vd_buf_addf(&text, "%s: %s", f->path, what);
	if (r < 0)
		return r;
	return vd_strv_add(f->problems, vd_buf_str(&text));
}

static int load_conf(struct vd_root *root, struct conf_file *f)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_root_read(root, f->path, VD_MAX_CONF, &text, &err);

	if (r == 0)
		r = vd_conf_parse(vd_buf_str(&text), text.len, f->path, &f->conf, &err);
	if (r == 0 || r == -ENOENT || r == -ENOTDIR || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	return complain(f, &err);
}

static int get_bool(struct conf_file *f, const char *name, bool *value)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_conf_bool(&f->conf, name, value, &err);

	return r == -EBADMSG ? complain(f, &err) : 0;
}

/* security_driver: libvirt probes when it is absent or an empty list. The lxc driver takes a plain string only. */
static int get_driver(struct conf_file *f, bool lists, struct vd_svirt_settings *s)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *one = NULL;
	bool set, selinux;
	int r;

	if (lists) {
		r = vd_conf_strings(&f->conf, "security_driver", true, &names, &err);
	} else {
		r = vd_conf_string(&f->conf, "security_driver", &one, &err);
		if (r == 0)
			r = vd_strv_add(&names, one);
	}
	if (r == -ENOMEM)
		return r;
	if (r == -EBADMSG && complain(f, &err) < 0)
		return -ENOMEM;
	set = r == 0 && names.len > 0;
	/* Where it cannot be told whether SELinux is on, the labels are still worked out as if it were. */
	selinux = set ? vd_strv_has(&names, "selinux") : s->selinux != -1;
	VLOG_DEBUG("%s: security_driver %s, selinux %s", f->path, set ? "set" : "probed", selinux ? "yes" : "no");
	*(lists ? &s->qemu_driver_set : &s->lxc_driver_set) = set;
	*(lists ? &s->qemu_selinux : &s->lxc_selinux) = selinux;
	if (lists)
		s->qemu_apparmor = vd_strv_has(&names, "apparmor");
	return 0;
}

static int get_namespaces(struct conf_file *f, bool *value)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_conf_strings(&f->conf, "namespaces", true, &names, &err);

	if (r == -EBADMSG)
		return complain(f, &err);
	if (r == 0)
		*value = vd_strv_has(&names, "mount");
	return r == -ENOMEM ? r : 0;
}

static int get_stdio_handler(struct conf_file *f, bool *logd)
{
	const char *value = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_conf_string(&f->conf, "stdio_handler", &value, &err);

	if (r == 0)
		*logd = strcmp(value, "file") != 0;
	return r == -EBADMSG ? complain(f, &err) : 0;
}

static int get_hugetlbfs(struct vd_root *root, struct conf_file *f, struct vd_strv *dirs)
{
	struct vd_mounts mounts = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_conf_strings(&f->conf, "hugetlbfs_mount", true, dirs, &err);

	if (r != -ENOENT)
		return r == -EBADMSG ? complain(f, &err) : r;
	r = vd_mounts_load(root, &mounts, &err);
	if (r < 0)
		VLOG_DEBUG("no mounts to look for huge pages in: %s", vd_err_text(&err));
	r = r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < mounts.len && r == 0 && dirs->len < MAX_HUGETLBFS; i++)
		if (!strcmp(mounts.items[i].fstype, "hugetlbfs") && !vd_strv_has(dirs, mounts.items[i].target))
			r = vd_strv_add(dirs, mounts.items[i].target);
	vd_mounts_release(&mounts);
	return r;
}

static int load_qemu_conf(struct vd_root *root, const char *path, struct vd_svirt_settings *s, struct vd_strv *problems)
{
	struct conf_file f = { .path = path, .problems = problems };
	int r = load_conf(root, &f);

	if (r == 0)
		r = get_driver(&f, true, s);
	if (r == 0)
		r = get_bool(&f, "security_default_confined", &s->qemu_default_confined);
	if (r == 0)
		r = get_bool(&f, "security_require_confined", &s->qemu_require_confined);
	if (r == 0)
		r = get_bool(&f, "dynamic_ownership", &s->dynamic_ownership);
	if (r == 0)
		r = get_bool(&f, "remember_owner", &s->remember_owner);
	if (r == 0)
		r = get_namespaces(&f, &s->mount_namespace);
	if (r == 0)
		r = get_stdio_handler(&f, &s->stdio_logd);
	if (r == 0)
		r = copy_string(&f.conf, "user", &s->user);
	if (r == 0)
		r = copy_string(&f.conf, "group", &s->group);
	if (r == 0)
		r = copy_string(&f.conf, "swtpm_user", &s->swtpm_user);
	if (r == 0)
		r = copy_string(&f.conf, "swtpm_group", &s->swtpm_group);
	if (r == 0)
		r = copy_string(&f.conf, "memory_backing_dir", &s->memory_backing_dir);
	if (r == 0)
		r = get_hugetlbfs(root, &f, &s->hugetlbfs);
	vd_conf_release(&f.conf);
	return r;
}

static int load_lxc_conf(struct vd_root *root, struct vd_svirt_settings *s, struct vd_strv *problems)
{
	struct conf_file f = { .path = "/etc/libvirt/lxc.conf", .problems = problems };
	int r = load_conf(root, &f);

	if (r == 0)
		r = get_driver(&f, false, s);
	if (r == 0)
		r = get_bool(&f, "security_default_confined", &s->lxc_default_confined);
	if (r == 0)
		r = get_bool(&f, "security_require_confined", &s->lxc_require_confined);
	vd_conf_release(&f.conf);
	return r;
}

/* The session's conf file: of the calling user, under sudo of the one who called it. NULL in @path when unknown. */
static int session_conf(struct vd_root *root, struct vd_buf *path)
{
	const char *sudo = getenv("SUDO_UID"), *xdg = getenv("XDG_CONFIG_HOME");
	uid_t uid = getuid();
	char *home = NULL;
	int r;

	if (!vd_root_is_live(root))
		return 0;
	if (uid == 0 && sudo && *sudo)
		uid = (uid_t)strtoul(sudo, NULL, 10);
	else if (xdg && xdg[0] == '/')
		return vd_buf_addf(path, "%s/libvirt/qemu.conf", xdg);
	r = vd_host_user_by_uid(root, uid, NULL, NULL, &home, NULL);
	if (r == 0 && home)
		r = vd_buf_addf(path, "%s/.config/libvirt/qemu.conf", home);
	free(home);
	return r == -ENOMEM ? r : 0;
}

static int load_all(struct vd_root *root, struct vd_svirt_settings *s, struct vd_strv *problems)
{
	VD_AUTO_BUF config = VD_BUF_INIT;
	VD_AUTO_BUF path = VD_BUF_INIT;
	VD_AUTO_FREE char *type = NULL;
	VD_AUTO_FREE char *mode = NULL;
	struct vd_host host = { 0 };
	int r;

	if (read_text(root, VD_SELINUX_CONFIG, &config) < 0 ||
	    config_value(vd_buf_str(&config), "SELINUXTYPE", &type) < 0 ||
	    config_value(vd_buf_str(&config), "SELINUX", &mode) < 0)
		return -ENOMEM;
	r = find_mode(root, mode, s);
	if (r == 0)
		r = load_contexts(root, type, s);
	if (r == 0)
		r = s->session ? session_conf(root, &path) : vd_buf_adds(&path, "/etc/libvirt/qemu.conf");
	if (r == 0)
		r = load_qemu_conf(root, path.len ? vd_buf_str(&path) : "/nonexistent", s, problems);
	if (r == 0)
		r = load_lxc_conf(root, s, problems);
	if (r == 0)
		r = vd_host_load(root, &host);
	s->libvirt = host.libvirt;
	vd_host_release(&host);
	return r;
}

int vd_svirt_settings_load(struct vd_root *root, bool session, struct vd_svirt_settings *ret_settings,
                           struct vd_strv *problems, struct vd_err *err)
{
	struct vd_svirt_settings s = {
		.qemu_default_confined = true,
		.stdio_logd = true,
		.dynamic_ownership = true,
		.mount_namespace = !session,
		.remember_owner = !session,
		.session = session,
		.selinux = -2,
	};

	if (load_all(root, &s, problems) < 0) {
		vd_svirt_settings_release(&s);
		return vd_err_set(err, ENOMEM, "no memory to read libvirt's security settings");
	}
	VLOG_INFO("selinux %d, contexts %s, qemu driver selinux: %s", s.selinux,
	          s.contexts_dir ? s.contexts_dir : "none", s.qemu_selinux ? "yes" : "no");
	*ret_settings = s;
	return 0;
}

void vd_svirt_settings_release(struct vd_svirt_settings *settings)
{
	free(settings->domain_context);
	free(settings->domain_context_tcg);
	free(settings->image_context);
	free(settings->content_context);
	free(settings->lxc_process);
	free(settings->lxc_file);
	free(settings->lxc_content);
	free(settings->contexts_dir);
	free(settings->user);
	free(settings->group);
	free(settings->memory_backing_dir);
	vd_strv_release(&settings->hugetlbfs);
	vd_strv_release(&settings->unread);
	free(settings->selinux_unread);
	free(settings->swtpm_user);
	free(settings->swtpm_group);
	memset(settings, 0, sizeof(*settings));
}
