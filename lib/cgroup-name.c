/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-name.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-name");

/* systemd-machined takes at most 64 bytes. */
#define MACHINE_MAX 64

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hand_out(struct vd_buf *buf, char **ret)
{
	char *s = vd_buf_steal(buf);

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

/* Bytes that are dropped do not end a run of dots and dashes: "a-_-b" becomes "a-b". */
static int append_reduced(const char *name, size_t max, struct vd_buf *buf)
{
	bool skip = true;

	for (; *name && buf->len < max; name++) {
		bool separator = *name == '.' || *name == '-';
		int r;

		if ((separator && skip) || (!separator && !is_alnum(*name)))
			continue;
		r = vd_buf_addc(buf, *name);
		if (r < 0)
			return r;
		skip = separator;
	}
	return 0;
}

static void trim_separators(struct vd_buf *buf)
{
	while (buf->len && strchr(".-", buf->data[buf->len - 1]))
		buf->data[--buf->len] = '\0';
}

int vd_cgroup_machine_name(enum vd_driver driver, int id, const char *name, char **ret_machine)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_addf(&buf, "%s-%d-", vd_driver_name(driver), id);

	if (!r)
		r = append_reduced(name, MACHINE_MAX, &buf);
	if (r < 0)
		return r;
	trim_separators(&buf);
	return hand_out(&buf, ret_machine);
}

int vd_cgroup_reduce_name(const char *name, struct vd_buf *buf)
{
	VD_AUTO_BUF reduced = VD_BUF_INIT;
	int r = append_reduced(name, SIZE_MAX, &reduced);

	if (r < 0)
		return r;
	trim_separators(&reduced);
	return vd_buf_add(buf, vd_buf_str(&reduced), reduced.len);
}

bool vd_cgroup_needs_underscore(const char *name)
{
	static const char *const words[] = { "cgroup",   "cpuset",  "cpu",     "cpuacct", "blkio",
		                             "memory",   "devices", "freezer", "net_cls", "perf_event",
		                             "net_prio", "hugetlb", "pids",    "rdma",    "misc" };
	size_t len = strcspn(name, ".");

	if (name[0] == '_' || name[0] == '.')
		return true;
	for (size_t i = 0; i < VD_ARRAY_SIZE(words) && name[len]; i++)
		if (strlen(words[i]) == len && !memcmp(name, words[i], len))
			return true;
	return false;
}

int vd_cgroup_plain_name(enum vd_driver driver, const char *machine, char **ret_name)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_addf(&buf, "%s.libvirt-%s", machine, vd_driver_name(driver));

	if (!r && vd_cgroup_needs_underscore(vd_buf_str(&buf))) {
		vd_buf_clear(&buf);
		r = vd_buf_addf(&buf, "_%s.libvirt-%s", machine, vd_driver_name(driver));
	}
	return r < 0 ? r : hand_out(&buf, ret_name);
}

int vd_cgroup_systemd_escape(const char *text, struct vd_buf *buf)
{
	for (const char *p = text; *p; p++) {
		bool plain = is_alnum(*p) || *p == ':' || *p == '_' || (*p == '.' && p != text);
		int r;

		if (*p == '/')
			r = vd_buf_addc(buf, '-');
		else if (plain)
			r = vd_buf_addc(buf, *p);
		else
			r = vd_buf_addf(buf, "\\x%02x", (unsigned char)*p);
		if (r < 0)
			return r;
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int vd_cgroup_systemd_unescape(const char *text, size_t len, struct vd_buf *buf)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		int r;

		if (c == '\\' && len - i >= 4 && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
		    hex_digit(text[i + 3]) >= 0) {
			char byte = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));

			/* A NUL would end the string early and hide the rest: keep its escape. */
			if (byte) {
				c = byte;
				i += 3;
			}
		}
		r = vd_buf_addc(buf, c);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_scope(const char *prefix, const char *text, char **ret_name)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = vd_buf_adds(&buf, prefix);

	if (!r)
		r = vd_cgroup_systemd_escape(text, &buf);
	if (!r)
		r = vd_buf_adds(&buf, ".scope");
	return r < 0 ? r : hand_out(&buf, ret_name);
}

int vd_cgroup_scope_name(const char *machine, char **ret_name)
{
	return make_scope("machine-", machine, ret_name);
}

static int add_plain(enum vd_driver driver, const char *machine, struct vd_strv *names)
{
	char *name = NULL;
	int r = vd_cgroup_plain_name(driver, machine, &name);

	return r < 0 ? r : vd_strv_take(names, name);
}

int vd_cgroup_guest_names(enum vd_driver driver, int id, const char *name, struct vd_strv *names)
{
	VD_AUTO_FREE char *machine = NULL;
	char *scope = NULL, *old_scope = NULL;
	int r = vd_cgroup_machine_name(driver, id, name, &machine);

	if (!r)
		r = vd_cgroup_scope_name(machine, &scope);
	if (!r)
		r = vd_strv_take(names, scope);
	if (!r)
		r = add_plain(driver, machine, names);
	if (!r)
		r = add_plain(driver, name, names);
	if (!r)
		r = make_scope(driver == VD_DRIVER_LXC ? "machine-lxc\\x2d" : "machine-qemu\\x2d", name, &old_scope);
	if (!r)
		r = vd_strv_take(names, old_scope);
	if (!r)
		r = vd_strv_add(names, machine);
	return r < 0 ? r : vd_strv_add(names, name);
}

/* A partition as a slice: every slice lies in the one that its name begins with. */
static int add_slice(struct vd_buf *path, struct vd_buf *slice, const char *component, size_t len)
{
	VD_AUTO_BUF plain = VD_BUF_INIT;
	int r = slice->len ? vd_buf_addc(slice, '-') : 0;

	if (!r)
		r = vd_buf_add(&plain, component, len);
	if (!r)
		r = vd_cgroup_systemd_escape(vd_buf_str(&plain), slice);
	return r < 0 ? r : vd_buf_addf(path, "/%s.slice", vd_buf_str(slice));
}

static int add_directory(struct vd_buf *path, const char *component, size_t len)
{
	VD_AUTO_BUF name = VD_BUF_INIT;
	bool special;
	int r = vd_buf_add(&name, component, len);

	if (r < 0)
		return r;
	special = !path->len &&
	          (!strcmp(name.data, "machine") || !strcmp(name.data, "system") || !strcmp(name.data, "user"));
	if (!special && !strchr(name.data, '.'))
		r = vd_buf_adds(&name, ".partition");
	if (r < 0)
		return r;
	return vd_buf_addf(path, "/%s%s", vd_cgroup_needs_underscore(name.data) ? "_" : "", name.data);
}

int vd_cgroup_partition_path(const char *partition, bool systemd, char **ret_path)
{
	VD_AUTO_BUF path = VD_BUF_INIT, slice = VD_BUF_INIT;

	if (!partition || !*partition)
		partition = "/machine";
	for (const char *p = partition; *p;) {
		size_t len = strcspn(p, "/");
		int r = 0;

		/* Each slice repeats those above it: a path that no kernel takes must not fill the memory. */
		if (path.len >= PATH_MAX)
			return -EINVAL;
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		if (len)
			r = systemd ? add_slice(&path, &slice, p, len) : add_directory(&path, p, len);
		if (r < 0)
			return r;
		p += len;
		p += *p == '/';
	}
	return hand_out(&path, ret_path);
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

/* "3-web01" gives 3 and a pointer to "web01"; "3" gives 3 and the empty string; -1 when it does not begin with an id */
static int split_id(const char *text, const char **ret_rest)
{
	int id = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (id > (INT_MAX - 9) / 10)
			return -1;
		id = id * 10 + (*p - '0');
	}
	if (p == text || (*p && *p != '-'))
		return -1;
	*ret_rest = *p ? p + 1 : p;
	return id;
}

/* The driver of @name, and the machine name in it into @machine. */
static int strip(const char *name, enum vd_driver *ret_driver, struct vd_buf *machine)
{
	size_t len = strlen(name);

	for (int d = 0; d < VD_DRIVER_COUNT_; d++) {
		bool lxc = d == VD_DRIVER_LXC;
		const char *prefix = lxc ? "machine-lxc\\x2d" : "machine-qemu\\x2d";
		const char *suffix = lxc ? ".libvirt-lxc" : ".libvirt-qemu";

		*ret_driver = (enum vd_driver)d;
		if (!strncmp(name, prefix, strlen(prefix)) && has_suffix(name, ".scope"))
			return vd_cgroup_systemd_unescape(name + 8, len - 8 - 6, machine);
		if (has_suffix(name, suffix)) {
			if (name[0] == '_' && vd_cgroup_needs_underscore(name + 1)) {
				name++;
				len--;
			}
			return vd_buf_add(machine, name, len - strlen(suffix));
		}
	}
	return -ENOENT;
}

int vd_cgroup_parse_name(const char *name, struct vd_cgroup_id *ret_id)
{
	VD_AUTO_BUF machine = VD_BUF_INIT;
	struct vd_cgroup_id id = { .id = -1 };
	const char *driver, *rest = NULL;
	size_t len;
	int r = strip(name, &id.driver, &machine);

	if (r < 0)
		return r;
	r = hand_out(&machine, &id.machine);
	if (r < 0)
		return r;
	driver = vd_driver_name(id.driver);
	len = strlen(driver);
	id.guest = id.machine;
	if (!strncmp(id.machine, driver, len) && id.machine[len] == '-') {
		id.id = split_id(id.machine + len + 1, &rest);
		if (id.id >= 0)
			id.guest = id.machine + (rest - id.machine);
		else if (!strncmp(name, "machine-", 8))
			id.guest = id.machine + len + 1; /* a scope without an id */
	}
	VLOG_DEBUG("group %s: driver=%s id=%d machine=%s", name, driver, id.id, id.machine);
	*ret_id = id;
	return 0;
}

void vd_cgroup_id_release(struct vd_cgroup_id *id)
{
	free(id->machine);
	id->machine = id->guest = NULL;
}

static bool all_digits(const char *s, unsigned *ret_number)
{
	unsigned n = 0;

	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9' || n > (UINT_MAX - 9) / 10)
			return false;
		n = n * 10 + (unsigned)(*p - '0');
	}
	*ret_number = n;
	return *s;
}

enum vd_cgroup_child vd_cgroup_child_kind(const char *name, unsigned *ret_number)
{
	*ret_number = 0;
	if (!strcmp(name, "emulator"))
		return VD_CGROUP_CHILD_EMULATOR;
	if (!strncmp(name, "vcpu", 4) && all_digits(name + 4, ret_number))
		return VD_CGROUP_CHILD_VCPU;
	if (!strncmp(name, "iothread", 8) && all_digits(name + 8, ret_number))
		return VD_CGROUP_CHILD_IOTHREAD;
	return VD_CGROUP_CHILD_NONE;
}
