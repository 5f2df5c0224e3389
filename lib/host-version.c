/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.host.version");

#define MAX_PACKAGES (128u << 20) /* bytes of dpkg's status or a package list */
#define MAX_LOG_TAIL (256u << 10) /* bytes looked at from the end of a guest log */
#define MAX_LOGS     200u

/* --- versions ---------------------------------------------------------------------------------------------------- */

/* A number of at most four digits; *@p moves behind it. */
static bool take_number(const char **p, unsigned *ret)
{
	unsigned n = 0;
	size_t len = strspn(*p, "0123456789");

	if (!len || len > 4)
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (unsigned)((*p)[i] - '0');
	*p += len;
	*ret = n;
	return true;
}

/* The version at the start of *@p, which moves behind it. */
static bool take_version(const char **p, unsigned *ret_version)
{
	unsigned major, minor, micro = 0;

	if (!take_number(p, &major) || **p != '.')
		return false;
	++*p;
	if (!take_number(p, &minor))
		return false;
	if (**p == '.') {
		++*p;
		if (!take_number(p, &micro))
			return false;
	}
	if (major > 4000 || minor > 999 || micro > 999 || major + minor + micro == 0)
		return false;
	*ret_version = VD_VERSION(major, minor, micro);
	return true;
}

int vd_version_parse(const char *s, unsigned *ret_version)
{
	unsigned version;

	if (!take_version(&s, &version) || (*s && *s != '-' && *s != '+'))
		return -EINVAL;
	*ret_version = version;
	return 0;
}

const char *vd_version_format(unsigned version, char buf[32])
{
	if (version)
		snprintf(buf, 32, "%u.%u.%u", version / 1000000, version / 1000 % 1000, version % 1000);
	else
		snprintf(buf, 32, "unknown");
	return buf;
}

/* The start of a package version: an epoch is passed over, and any distribution text behind it is allowed. */
static unsigned package_version(const char *s)
{
	const char *colon = s + strspn(s, "0123456789");
	unsigned version;

	if (*colon == ':')
		s = colon + 1;
	return take_version(&s, &version) ? version : 0;
}

/* --- the library's file name ---------------------------------------------------------------------------------------
 */

/*
 * libvirt.so.0.MMMmmm.R: libtool's second number is major * 1000 + minor, the third the micro version, in every release
 * (0.9.13 is libvirt.so.0.9.13, 1.2.9 is 0.1002.9, 10.10.0 is 0.10010.0). 0: another name.
 */
static unsigned soname_version(const char *name)
{
	static const char prefix[] = "libvirt.so.0.";
	size_t digits;
	unsigned long middle, micro;
	char *end;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	name += sizeof(prefix) - 1;
	digits = strspn(name, "0123456789");
	if (!digits || digits > 7 || name[digits] != '.')
		return 0;
	middle = strtoul(name, &end, 10);
	name = end + 1;
	digits = strspn(name, "0123456789");
	if (!digits || digits > 3 || name[digits])
		return 0;
	micro = strtoul(name, NULL, 10);
	return middle / 1000 > 4000 ? 0
	                            : VD_VERSION((unsigned)(middle / 1000), (unsigned)(middle % 1000), (unsigned)micro);
}

struct evidence {
	unsigned version;
	char *file; /* owned */
};

static int found(struct evidence *e, unsigned version, const char *dir, const char *name)
{
	char text[32];

	if (asprintf(&e->file, "%s%s%s", dir, name ? "/" : "", name ? name : "") < 0) {
		e->file = NULL;
		return -ENOMEM;
	}
	e->version = version;
	VLOG_DEBUG("libvirt %s by %s", vd_version_format(version, text), e->file);
	return 1;
}

/* 1 when the version was found, 0 when not, -ENOMEM. */
static int version_from_dir(struct vd_root *root, const char *dir, struct evidence *e)
{
	VD_AUTO_FREE char *link = NULL, *target = NULL;
	VD_AUTO_STRV names = VD_STRV_INIT;
	unsigned version;

	/* libvirt.so.0 leads to the file: one call instead of a long listing. */
	if (asprintf(&link, "%s/libvirt.so.0", dir) < 0) {
		link = NULL;
		return -ENOMEM;
	}
	if (vd_root_readlink(root, link, &target, NULL) == 0) {
		const char *slash = strrchr(target, '/');
		const char *name = slash ? slash + 1 : target;

		version = soname_version(name);
		if (version)
			return found(e, version, dir, name);
	}
	/* Copies often lack the link; a live host never does. */
	if (vd_root_is_live(root) || vd_root_list(root, dir, &names, NULL) < 0)
		return 0;
	for (size_t i = names.len; i-- > 0;) {
		version = soname_version(names.items[i]);
		if (version)
			return found(e, version, dir, names.items[i]);
	}
	return 0;
}

static int version_from_library(struct vd_root *root, struct evidence *e)
{
	static const char *const dirs[] = { "/usr/lib64", "/usr/lib", "/lib64", "/lib" };
	VD_AUTO_STRV names = VD_STRV_INIT;
	int r = 0;

	for (size_t i = 0; !r && i < VD_ARRAY_SIZE(dirs); i++)
		r = version_from_dir(root, dirs[i], e);
	/* Debian's multiarch directories: /usr/lib/x86_64-linux-gnu, arm-linux-gnueabihf and so on. */
	for (size_t i = 1; !r && i < VD_ARRAY_SIZE(dirs); i += 2) {
		if (vd_root_list(root, dirs[i], &names, NULL) < 0)
			continue;
		for (size_t k = 0; !r && k < names.len; k++) {
			VD_AUTO_FREE char *dir = NULL;

			if (fnmatch("*-linux-gnu*", names.items[k], 0) != 0)
				continue;
			if (asprintf(&dir, "%s/%s", dirs[i], names.items[k]) < 0) {
				dir = NULL;
				return -ENOMEM;
			}
			r = version_from_dir(root, dir, e);
		}
	}
	return r;
}

/* --- package lists ---------------------------------------------------------------------------------------------------
 */

/* Gets each line, without its newline, cut at 4095 bytes; ends the reading by returning non-zero. */
typedef int (*line_fn)(char *line, void *data);

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Streams the lines of @path; what cannot be read has none. Returns the first non-zero result of @fn. */
static int each_line(struct vd_root *root, const char *path, line_fn fn, void *data)
{
	VD_CLEANUP(close_file) FILE *f = NULL;
	char line[4096];
	size_t total = 0;
	bool whole = true; /* the last piece ended its line */
	int fd, r = 0;

	if (vd_root_open_file(root, path, &fd, NULL) < 0)
		return 0;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return 0;
	}
	while (!r && total < MAX_PACKAGES && fgets(line, sizeof(line), f)) {
		size_t len = strlen(line);
		bool start = whole;

		total += len ? len : sizeof(line); /* a NUL byte at the start must not make it endless */
		whole = len && line[len - 1] == '\n';
		if (whole)
			line[len - 1] = '\0';
		if (start)
			r = fn(line, data);
	}
	return r;
}

struct dpkg {
	bool ours, installed; /* of the present paragraph */
	unsigned version, result;
};

static bool is_dpkg_name(const char *name)
{
	static const char *const names[] = { "libvirt0", "libvirt0t64", "libvirt-daemon", "libvirt-bin" };
	size_t len = strcspn(name, ":"); /* dpkg -l: libvirt0:amd64 */

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		if (strlen(names[i]) == len && !memcmp(name, names[i], len))
			return true;
	}
	return false;
}

/* A line of dpkg's status: paragraphs of "Key: value", ended by an empty line. */
static int dpkg_status_line(char *line, void *data)
{
	struct dpkg *d = data;

	if (!*line) {
		if (d->ours && d->installed && d->version)
			d->result = d->version;
		d->ours = d->installed = false;
		d->version = 0;
		return d->result != 0;
	}
	if (!strncmp(line, "Package: ", 9))
		d->ours = is_dpkg_name(line + 9);
	else if (d->ours && !strncmp(line, "Status: ", 8))
		d->installed = strstr(line, " installed");
	else if (d->ours && !strncmp(line, "Version: ", 9))
		d->version = package_version(line + 9);
	return 0;
}

/* A line of `dpkg -l`: "ii  libvirt0:amd64  9.0.0-4  amd64  ...". The second letter is the state. */
static int dpkg_list_line(char *line, void *data)
{
	struct dpkg *d = data;
	char *save = NULL, *state = strtok_r(line, " \t", &save), *name = strtok_r(NULL, " \t", &save),
	     *version = strtok_r(NULL, " \t", &save);

	if (version && strlen(state) >= 2 && state[1] == 'i' && is_dpkg_name(name))
		d->result = package_version(version);
	return d->result != 0;
}

/* A line of `rpm -qa`: "libvirt-libs-9.0.0-10.el9_2.x86_64  Tue ...". libvirt-daemon-driver-qemu and such are passed.
 */
static int rpm_line(char *line, void *data)
{
	static const char *const names[] = { "libvirt-libs-", "libvirt-daemon-", "libvirt-client-", "libvirt-" };
	struct dpkg *d = data;

	for (size_t i = 0; !d->result && i < VD_ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (!strncmp(line, names[i], len))
			d->result = package_version(line + len);
	}
	return d->result != 0;
}

/* The files of a directory of a sosreport, such as sos_commands/rpm: command outputs named after the command. */
static int version_from_listings(struct vd_root *root, const char *dir, line_fn fn, struct evidence *e)
{
	VD_AUTO_STRV names = VD_STRV_INIT;

	if (vd_root_list(root, dir, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.len; i++) {
		VD_AUTO_FREE char *path = NULL;
		struct dpkg d = { .result = 0 };

		if (asprintf(&path, "%s/%s", dir, names.items[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		each_line(root, path, fn, &d);
		if (d.result)
			return found(e, d.result, path, NULL);
	}
	return 0;
}

static int version_from_packages(struct vd_root *root, struct evidence *e)
{
	static const struct {
		const char *path;
		line_fn fn;
	} files[] = {
		{ "/var/lib/dpkg/status", dpkg_status_line },
		{ "/installed-rpms", rpm_line },
		{ "/installed-debs", dpkg_list_line },
	};
	int r;

	for (size_t i = 0; i < VD_ARRAY_SIZE(files); i++) {
		struct dpkg d = { .result = 0 };

		each_line(root, files[i].path, files[i].fn, &d);
		if (!d.result && files[i].fn == dpkg_status_line)
			dpkg_status_line((char[]){ "" }, &d); /* the last paragraph may lack its empty line */
		if (d.result)
			return found(e, d.result, files[i].path, NULL);
	}
	if (!vd_root_is_sosreport(root))
		return 0;
	r = version_from_listings(root, "/sos_commands/rpm", rpm_line, e);
	return r ? r : version_from_listings(root, "/sos_commands/dpkg", dpkg_list_line, e);
}

/* --- log banners -----------------------------------------------------------------------------------------------------
 */

#define BANNER_TIME 19 /* "2024-05-01 12:00:00" */
#define MAX_TIME    40 /* with what may follow it */

/* Finds the last "TIME: starting up libvirt version: 9.0.0, ..." line; copies its time. 0: there is none. */
static unsigned last_banner(const char *text, char ret_time[BANNER_TIME + 1])
{
	static const char mark[] = ": starting up libvirt version: ";
	const char *end = text + strlen(text);
	unsigned result = 0;

	for (const char *p = strstr(text, mark), *next; p; p = next) {
		const char *version = p + sizeof(mark) - 1, *line = p;
		unsigned n;

		next = memmem(version, (size_t)(end - version), mark, sizeof(mark) - 1);
		while (line > text && line[-1] != '\n' && p - line <= MAX_TIME)
			line--;
		/* At the start of a line only: the guest's own output may say anything behind it. */
		if (p - line < BANNER_TIME || p - line > MAX_TIME ||
		    strspn(line, "0123456789-: .+") < (size_t)(p - line) || !take_version(&version, &n) ||
		    *version != ',')
			continue;
		memcpy(ret_time, line, BANNER_TIME);
		ret_time[BANNER_TIME] = '\0';
		result = n;
	}
	return result;
}

/* The last bytes of @path as a string: NUL bytes are replaced. */
static int read_tail(struct vd_root *root, const char *path, struct vd_buf *buf)
{
	VD_AUTO_CLOSE int fd = -1;
	off_t end;
	ssize_t n;

	vd_buf_clear(buf);
	if (vd_root_open_file(root, path, &fd, NULL) < 0)
		return 0;
	end = lseek(fd, 0, SEEK_END);
	if (end <= 0)
		return 0;
	if (vd_buf_reserve(buf, MAX_LOG_TAIL) < 0)
		return -ENOMEM;
	n = pread(fd, buf->data, MAX_LOG_TAIL, end > (off_t)MAX_LOG_TAIL ? end - (off_t)MAX_LOG_TAIL : 0);
	buf->len = n > 0 ? (size_t)n : 0;
	buf->data[buf->len] = '\0';
	for (size_t i = 0; i < buf->len; i++) {
		if (!buf->data[i])
			buf->data[i] = ' ';
	}
	return 0;
}

struct newest {
	char time[BANNER_TIME + 1];
	unsigned version;
	char *file; /* owned */
};

static void newest_release(struct newest *n)
{
	free(n->file);
}

/* Looks for a later banner in the guest logs of @dir. */
static int search_logs(struct vd_root *root, const char *dir, struct newest *newest)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_BUF tail = VD_BUF_INIT;
	char time[BANNER_TIME + 1];
	size_t logs = 0;

	if (vd_root_list(root, dir, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.len && logs < MAX_LOGS; i++) {
		VD_AUTO_FREE char *path = NULL;
		unsigned version;

		if (fnmatch("*.log", names.items[i], 0) != 0)
			continue;
		logs++;
		if (asprintf(&path, "%s/%s", dir, names.items[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (read_tail(root, path, &tail) < 0)
			return -ENOMEM;
		version = last_banner(vd_buf_str(&tail), time);
		if (!version || strcmp(time, newest->time) <= 0)
			continue;
		memcpy(newest->time, time, sizeof(time));
		free(newest->file);
		newest->file = vd_steal(path);
		newest->version = version;
	}
	return 0;
}

/* The banner with the latest time of all guest logs. File times would tell less: copies lose them. */
static int version_from_logs(struct vd_root *root, struct evidence *e)
{
	VD_CLEANUP(newest_release) struct newest newest = { .version = 0 };
	int r = search_logs(root, "/var/log/libvirt/qemu", &newest);

	if (!r)
		r = search_logs(root, "/var/log/libvirt/lxc", &newest);
	return r < 0 || !newest.version ? r : found(e, newest.version, newest.file, NULL);
}

int vd_host_find_version(struct vd_root *root, unsigned *ret_version, char **ret_evidence)
{
	struct evidence e = { .version = 0 };
	int r = version_from_library(root, &e);

	if (!r)
		r = version_from_packages(root, &e);
	if (!r)
		r = version_from_logs(root, &e);
	if (r < 0)
		return r;
	*ret_version = e.version;
	*ret_evidence = e.file;
	return 0;
}
